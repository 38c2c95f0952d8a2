"""The optimizers of Keras: `tf.optimizers` of TensorFlow 2."""

from penstock.keras import names_of as _names_of
from penstock.v2.optimizers import legacy as legacy

__getattr__, __dir__ = _names_of("optimizers")
