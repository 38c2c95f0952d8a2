"""`tf.contrib.tensorboard.plugins` of TensorFlow 1."""

from penstock.v1.contrib.tensorboard.plugins import projector as projector
