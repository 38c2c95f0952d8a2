"""Tensors: the edges of a graph, and values of eager execution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from penstock.core import array, context
from penstock.core.dtypes import DType
from penstock.core.errors import OperatorNotAllowedInGraphError
from penstock.core.shape import Dims, TensorShape, as_dims
from penstock.core.shape_rules import merge

if TYPE_CHECKING:
    from penstock.core.graph import Graph
    from penstock.core.operation import Operation

# Whether `==` compares elements (TensorFlow 2) or identities (TensorFlow 1) outside plain graphs.
_equality_by_element = True


def enable_tensor_equality() -> None:
    """Make `==` on tensors compare elements, as in TensorFlow 2."""
    global _equality_by_element
    _equality_by_element = True


def disable_tensor_equality() -> None:
    """Make `==` on tensors compare identities, as in TensorFlow 1."""
    global _equality_by_element
    _equality_by_element = False


class Tensor:
    """A value of a program: symbolic in a graph, concrete in eager execution.

    The Python operators are attached by `penstock.ops.operators`, with `Tensor.overload`.
    """

    __slots__ = ("__dict__", "__weakref__")
    # NumPy gives way to our operators in `array + tensor`.
    __array_priority__ = 100

    dtype: DType
    _equal: Callable[[Any, Any], Any]
    _not_equal: Callable[[Any, Any], Any]

    if TYPE_CHECKING:  # attached by penstock.ops

        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __rmod__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __rmatmul__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __getitem__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...

    @classmethod
    def overload(cls, operator: str, function: Callable[..., Any]) -> None:
        """Make `function` the implementation of the Python operator `operator`, such as `__add__`."""
        setattr(cls, operator, function)

    @property
    def dims(self) -> Dims:
        """The shape as a plain tuple, None for an unknown size, or None for an unknown rank."""
        raise NotImplementedError

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return TensorShape.from_dims(self.dims)

    def get_shape(self) -> TensorShape:
        """Return the static shape."""
        return self.shape

    @property
    def ndim(self) -> int | None:
        """The number of dimensions, None if unknown."""
        dims = self.dims
        return None if dims is None else len(dims)

    def _compares_elements(self) -> bool:
        return _equality_by_element

    def __eq__(self, other: object) -> Any:
        if not self._compares_elements():
            return self is other
        if other is None:
            return False
        return type(self)._equal(self, other)

    def __ne__(self, other: object) -> Any:
        if not self._compares_elements():
            return self is not other
        if other is None:
            return True
        return type(self)._not_equal(self, other)

    def __hash__(self) -> int:
        if self._compares_elements():
            raise TypeError("Tensor is unhashable: `==` compares elements. Use tensor.ref() as the key instead.")
        return id(self)

    def ref(self) -> Reference:
        """Return a hashable reference to this tensor, for use in sets and as dictionary keys."""
        return Reference(self)


class Reference:
    """A hashable stand-in for an object whose `==` compares elements."""

    __slots__ = ("_referent",)

    def __init__(self, referent: Any) -> None:
        self._referent = referent

    def deref(self) -> Any:
        """Return the object referred to."""
        return self._referent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._referent is other._referent

    def __hash__(self) -> int:
        return id(self._referent)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._referent!r}>"


class SymbolicTensor(Tensor):
    """An output of an operation in a graph. It has a name, a type and a static shape, and no value."""

    __slots__ = ("_consumers", "_dims", "_partial", "dtype", "op", "value_index")

    def __init__(self, op: Operation, value_index: int, dtype: DType, dims: Dims) -> None:
        self.op = op
        self.value_index = value_index
        self.dtype = dtype
        self._dims = dims
        self._consumers: list[Operation] = []
        self._partial: Any = _NOT_COMPUTED

    @property
    def dims(self) -> Dims:
        return self._dims

    @property
    def graph(self) -> Graph:
        """The graph that holds the operation."""
        return self.op.graph

    @property
    def name(self) -> str:
        """`<operation>:<output index>`."""
        return f"{self.op.name}:{self.value_index}"

    @property
    def device(self) -> str:
        """The device on which the value is requested to be computed, "" if any will do."""
        return self.op.device

    def set_shape(self, shape: Any) -> None:
        """Merge what the caller knows into the static shape.

        Raises:
            ValueError: if `shape` contradicts what is known.
        """
        merged = merge(self._dims, as_dims(shape), f"shapes of {self.name}")
        if merged != self._dims:
            self._dims = merged
            self._partial = _NOT_COMPUTED

    def consumers(self) -> list[Operation]:
        """Return the operations that take this tensor as an input."""
        return list(self._consumers)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Run the graph for this tensor's value in `session`, or in the default session.

        Raises:
            ValueError: if there is no session, or it runs another graph.
        """
        return default_session(session, self.graph, "evaluate", f"Tensor {self.name!r}").run(self, feed_dict)

    def _compares_elements(self) -> bool:
        return _equality_by_element and self.op.graph.building_function

    def __copy__(self) -> SymbolicTensor:
        return self

    def __deepcopy__(self, memo: Any) -> SymbolicTensor:
        return self

    def _refuse(self, task: str) -> NoReturn:
        raise OperatorNotAllowedInGraphError(
            f"Using the symbolic tensor {self.name!r} as {task} is not allowed: it has no value while the graph is "
            "built. "
            "Use tf.cond, tf.where, tf.while_loop or tf.logical_and/or/not for decisions in the graph, "
            "or fetch the value with session.run first."
        )

    def __bool__(self) -> bool:
        self._refuse("a Python bool")

    def __iter__(self) -> Iterator[Tensor]:
        if not self.op.graph.building_function:
            raise OperatorNotAllowedInGraphError(
                f"Tensor objects are not iterable when eager execution is not enabled: {self.name!r} has no values "
                "while "
                "the graph is built. Use tf.unstack, tf.map_fn or tf.while_loop to visit its elements."
            )
        self._refuse("an iterable")

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for the symbolic tensor {self.name!r}. "
            "Use tensor.shape[0] for the static size, or tf.shape(tensor)[0] for the size at run time."
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            f"Cannot convert the symbolic tensor {self.name!r} to a NumPy array: it has no value while the graph is "
            "built. "
            "Use a tf function in place of the NumPy call, or fetch the value with session.run."
        )

    def __index__(self) -> int:
        self._refuse("a Python index")

    def __float__(self) -> float:
        self._refuse("a Python float")

    def __int__(self) -> int:
        self._refuse("a Python int")

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        shape = f", shape={self.shape}" if self._dims is not None else ""
        device = f", device={self.device}" if self.device else ""
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name}{device})'


_NOT_COMPUTED: Any = object()


class EagerTensor(Tensor):
    """A concrete value with TensorFlow's operators. Its memory is never written after it was made."""

    __slots__ = ("_device", "dtype", "value")
    _device: str

    def __init__(self, value: Any, dtype: DType | None = None) -> None:
        self.value = value
        self.dtype = array.dtype_of(value) if dtype is None else dtype

    @property
    def dims(self) -> tuple[int, ...]:
        value = self.value
        return tuple(value.shape) if type(value) is array.Array else array.dims_of(value)

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return TensorShape.from_dims(self.dims)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        value = self.value
        return value.ndim if type(value) is array.Array else len(array.dims_of(value))

    @property
    def device(self) -> str:
        """The device that holds the value."""
        try:
            return self._device  # set only where it differs from what the value tells
        except AttributeError:
            pass
        device = getattr(self.value, "device", None)
        kind = "CPU" if device is None or device.type == "cpu" else "GPU"
        index = 0 if device is None or device.index is None else device.index
        return f"/job:localhost/replica:0/task:0/device:{kind}:{index}"

    @property
    def backing_device(self) -> str:
        """The device that holds the value."""
        return self.device

    @property
    def is_packed(self) -> bool:
        """Whether the tensor stands for several, one a device; none does."""
        return False

    @property
    def graph(self) -> NoReturn:
        """Eager tensors belong to no graph."""
        raise AttributeError("Tensor.graph is undefined when eager execution is enabled.")

    @property
    def name(self) -> NoReturn:
        """Eager tensors have no name."""
        raise AttributeError("Tensor.name is undefined when eager execution is enabled.")

    @property
    def op(self) -> NoReturn:
        """Eager tensors come from no operation of a graph."""
        raise AttributeError("Tensor.op is undefined when eager execution is enabled.")

    def set_shape(self, shape: Any) -> None:
        """Check that `shape` agrees with the value's.

        Raises:
            ValueError: if it does not.
        """
        if not self.shape.is_compatible_with(shape):
            raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {TensorShape(shape)}")

    def consumers(self) -> NoReturn:
        """Refuse: nothing records what eager tensors are used for."""
        raise NotImplementedError("Tensor.consumers is undefined when eager execution is enabled.")

    def eval(self, feed_dict: Any = None, session: Any = None) -> NoReturn:
        """Refuse: an eager tensor has its value already."""
        raise NotImplementedError("eval is not supported when eager execution is enabled: use .numpy() for the value.")

    def numpy(self) -> Any:
        """Return the value as a NumPy array, or scalar for shape (); the array is the caller's to change."""
        return array.to_numpy(self.value, copy=True)

    def _numpy(self) -> Any:
        return array.to_numpy(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        result = np.asarray(array.to_numpy(self.value, copy=copy is not False))
        return result if dtype is None else result.astype(dtype, copy=False)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.value.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.value.__dlpack_device__()

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return EagerTensor(array.clone(self.value), self.dtype)

    def __reduce__(self) -> Any:
        return _eager_from_numpy, (np.asarray(self._numpy()),)

    def _scalar(self, kind: str) -> Any:
        if array.dims_of(self.value) != ():
            raise TypeError(f"only scalar tensors can be converted to a Python {kind}, got shape {self.shape}")
        return array.to_python(self.value)

    def __bool__(self) -> bool:
        number = array.only_number(self.value)
        if number is not None:
            return bool(number)
        dims = array.dims_of(self.value)
        size = int(np.prod(dims))
        if size > 1:
            raise ValueError(
                f"The truth value of a tensor of shape {self.shape} is ambiguous; use tf.reduce_any or tf.reduce_all."
            )
        return bool(size) and bool(np.asarray(self._numpy()).reshape(-1)[0])

    def __float__(self) -> float:
        if self.dims == ():
            number = array.only_number(self.value)
            if number is not None:
                return float(number)
        return float(self._scalar("float"))

    def __int__(self) -> int:
        if self.dims == ():
            number = array.only_number(self.value)
            if number is not None:
                return int(number)
        return int(self._scalar("int"))

    def __complex__(self) -> complex:
        return complex(self._scalar("complex"))

    def __index__(self) -> int:
        if not self.dtype.is_integer or self.dims != ():
            raise TypeError(
                f"only integer scalar tensors can be converted to an index, got {self.dtype.name} {self.shape}"
            )
        return int(array.to_python(self.value))

    def __len__(self) -> int:
        dims = self.dims
        if not dims:
            raise TypeError("Scalar tensor has no `len()`")
        return dims[0]

    def __iter__(self) -> Iterator[Tensor]:
        dims = self.dims
        if not dims:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[index] for index in range(dims[0]))

    def __format__(self, spec: str) -> str:
        return format(self._numpy(), spec)

    def __str__(self) -> str:
        if self.dtype.name in ("resource", "variant"):
            return f"<{self.dtype.name}>"
        return f"tf.Tensor({format_value(self)}, shape={self.shape}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        if self.dtype.name in ("resource", "variant"):
            return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, value=<{type(self.value).__name__}>>"
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={format_value(self, repr)}>"


def format_value(tensor: EagerTensor, to_text: Callable[[Any], str] = str) -> str:
    """Return a tensor's value as a text; one of several lines starts on a line of its own."""
    value = tensor._numpy()
    if isinstance(value, (np.ndarray, bytes)):
        text = to_text(value)
        return "\n" + text if "\n" in text else text
    return str(value)


def _eager_from_numpy(value: np.ndarray) -> EagerTensor:
    return EagerTensor(array.from_numpy(value, copy=True))


def default_session(session: Any, graph: Graph, verb: str, what: str) -> Any:
    """Return `session`, or the default session, having checked that it runs `graph`.

    Raises:
        ValueError: if there is none, or it runs another graph.
    """
    if session is None:
        sessions = context.state.sessions
        if not sessions:
            raise ValueError(
                f"Cannot {verb} {what}: no default session is registered. Use `with sess.as_default()`, "
                "or pass the session as the argument `session`."
            )
        session = sessions[-1]
        if session.graph is not graph:
            raise ValueError(
                f"Cannot use the default session to {verb} {what}: its graph is different from the session's graph. "
                "Pass a session of the same graph as the argument `session`."
            )
    elif session.graph is not graph:
        raise ValueError(
            f"Cannot use the given session to {verb} {what}: its graph is different from the session's graph."
        )
    return session
