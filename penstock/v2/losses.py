"""The losses of Keras: `tf.losses` of TensorFlow 2."""

from penstock.keras import names_of as _names_of

__getattr__, __dir__ = _names_of("losses")
