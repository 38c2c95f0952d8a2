"""`tf.profiler` of TensorFlow 2."""

from penstock.v2.profiler import experimental as experimental
