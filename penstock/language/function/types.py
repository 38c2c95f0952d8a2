"""What programs name when they speak of functions and their arguments: `tf.types.experimental`."""

from __future__ import annotations

import abc
import typing
from typing import Any

import numpy as np

from penstock.core.tensor import Tensor
from penstock.core.type_spec import TypeSpec
from penstock.language.function.concrete import ConcreteFunction
from penstock.language.function.flat_function import FlatFunction
from penstock.language.function.function_type import FunctionType
from penstock.language.function.polymorphic import Function
from penstock.language.variable_base import Variable

__all__ = ["Callable", "ConcreteFunction", "FlatFunction", "Function", "FunctionType", "TensorLike", "TraceType"]

# What functions of tensors take for a tensor.
TensorLike = typing.Union[  # noqa: UP007
    Tensor, Variable, int, float, bool, str, bytes, complex, tuple, list, np.ndarray, np.generic
]


class Callable(abc.ABC):  # noqa: B024
    """What can be called with tensors: functions, and their traced forms."""


Callable.register(Function)
Callable.register(ConcreteFunction)
Callable.register(FlatFunction)


class TraceType(abc.ABC):
    """The kind of an argument of a function; specs are."""

    @abc.abstractmethod
    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether every value of this kind is one of the other."""


TraceType.register(TypeSpec)  # type: ignore[type-abstract]
