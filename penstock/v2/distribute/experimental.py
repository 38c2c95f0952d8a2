"""`tf.distribute.experimental` of TensorFlow 2."""

from penstock.distribute.strategy import ValueContext as ValueContext
