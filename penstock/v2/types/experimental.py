"""Functions, and what they take: `tf.types.experimental`."""

from penstock.language.function.types import Callable as Callable
from penstock.language.function.types import ConcreteFunction as ConcreteFunction
from penstock.language.function.types import FlatFunction as AtomicFunction
from penstock.language.function.types import Function as GenericFunction
from penstock.language.function.types import Function as PolymorphicFunction
from penstock.language.function.types import FunctionType as FunctionType
from penstock.language.function.types import TensorLike as TensorLike
from penstock.language.function.types import TraceType as TraceType
