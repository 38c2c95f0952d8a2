"""`tf.contrib.tensorboard` of TensorFlow 1."""

from penstock.v1.contrib.tensorboard import plugins as plugins
