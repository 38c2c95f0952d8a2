"""`tf.types.experimental` of TensorFlow 2."""

from penstock.language.function import ConcreteFunction as ConcreteFunction
from penstock.language.function import Function as GenericFunction
from penstock.language.function import Function as PolymorphicFunction
from penstock.language.function.function_type import FunctionType as FunctionType
