"""`tf.data` of TensorFlow 1."""

from penstock.v1.data import experimental as experimental
