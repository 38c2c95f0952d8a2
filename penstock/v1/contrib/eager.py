"""`tf.contrib.eager` of TensorFlow 1."""

from penstock.contrib.eager import gradients_function as gradients_function
from penstock.contrib.eager import implicit_gradients as implicit_gradients
from penstock.contrib.eager import implicit_value_and_gradients as implicit_value_and_gradients
from penstock.contrib.eager import value_and_gradients_function as value_and_gradients_function
from penstock.contrib.missing import missing as _missing
from penstock.core.context import executing_eagerly as executing_eagerly
from penstock.core.context import executing_eagerly as in_eager_mode
from penstock.core.tape import GradientTape as GradientTape
from penstock.data.iterator import OwnedIterator as Iterator
from penstock.language.behavior import enable_eager_execution as enable_eager_execution
from penstock.language.resource_variable import ResourceVariable as Variable

__getattr__ = _missing(__name__)
