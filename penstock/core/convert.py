"""Python values, NumPy arrays and objects that stand for tensors, made into tensors.

Other rooms register how their classes become tensors (`register_conversion`), as variables and sparse slices do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import array, dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import Graph, current_graph
from penstock.core.op_def import lookup
from penstock.core.shape import Dimension, Dims, TensorShape
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor

Conversion = Callable[..., Any]

_conversions: list[tuple[int, tuple[type, ...], Conversion]] = []
_eager_scalars: dict[tuple[type, Any, DType | None], EagerTensor] = {}
_SCALARS_KEPT = 1024
_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1
# The types that eager conversion makes of Python values directly; of a bool, it makes none of the others.
_DIRECT_TYPES = frozenset(
    {
        dtypes.int32,
        dtypes.int64,
        dtypes.uint64,
        dtypes.float16,
        dtypes.float32,
        dtypes.float64,
        dtypes.complex128,
        dtypes.bool_,
    }
)


def register_conversion(types: Any, function: Conversion, priority: int = 100) -> None:
    """Register how objects of some classes become tensors.

    Args:
        types: a class or a tuple of classes.
        function: `(value, dtype=None, name=None, as_ref=False) -> Tensor`, or NotImplemented to decline.
        priority: lower is asked first.
    """
    group = types if isinstance(types, tuple) else (types,)
    if not all(isinstance(item, type) for item in group):
        raise TypeError("base_type must be a type or a tuple of types")
    if not callable(function):
        raise TypeError("conversion_func must be callable")
    _conversions.append((priority, group, function))
    _conversions.sort(key=lambda entry: entry[0])
    _conversion_of_type.cache_clear()


class TensorLike:
    """A base for classes of other libraries whose objects stand for variables: they become tensors by their method
    `__tf_tensor__`, and gradients with respect to them are found at their `handle`."""

    def _gradient_source(self) -> Tensor:
        return self.handle  # type: ignore[attr-defined]


def is_tensor_like(value: Any) -> bool:
    """Tell whether `value` already has a tensor's type: a tensor, or an object that is registered to stand for one."""
    return isinstance(value, (Tensor, TensorLike)) or _conversion_of(value) is not None


def _conversion_of(value: Any) -> Conversion | None:
    cls: Any = type(value)
    return _conversion_of_type(cls)


@functools.lru_cache(maxsize=4096)
def _conversion_of_type(cls: type) -> Conversion | None:
    return next((function for _, types, function in _conversions if issubclass(cls, types)), None)


def convert_to_tensor(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None, as_ref: bool = False
) -> Tensor:
    """Return `value` as a tensor of the current graph, or as an eager tensor.

    Args:
        value: a tensor, variable, Python number, string, nested list of those, or NumPy array.
        dtype: the type required; None takes the value's own.
        name: the name of the constant that may have to be made.
        preferred_dtype: the type to try where `dtype` is None and the value's own is not fixed.
        as_ref: whether a variable stays a reference to it.
    Raises:
        TypeError: if the value has no tensor form, or not of this type.
        ValueError: if a tensor has another type, or belongs to another graph.
    """
    graph = current_graph()
    if type(value) is EagerTensor and graph is None and (dtype is None or dtype is value.dtype):
        return value
    wanted = None if dtype is None else as_dtype(dtype).base_dtype
    if isinstance(value, Tensor):
        return _existing(value, wanted, graph, as_ref, name)
    function = _conversion_of(value)
    if function is not None:
        converted = function(value, dtype=wanted, name=name, as_ref=as_ref)
        if converted is not NotImplemented:
            return _existing(converted, wanted, graph, as_ref, name)
    if wanted is None and preferred_dtype is not None and (graph is None or fits(value, as_dtype(preferred_dtype))):
        try:
            return convert_to_tensor(value, preferred_dtype, name)
        except (TypeError, ValueError):
            pass
    if hasattr(value, "__tf_tensor__"):
        return _existing(value.__tf_tensor__(wanted, name), wanted, graph, as_ref, name)
    if value is None:
        raise ValueError(
            "None values not supported: a tensor was expected. Check the function that should have returned a value."
        )
    if isinstance(value, (list, tuple)) and _holds_tensors(value):
        return _pack(value, wanted, name)
    if graph is None:
        return eager_constant(value, wanted)
    return constant_node(graph, *as_array(value, wanted), name or "Const")


def fits(value: Any, dtype: DType) -> bool:
    """Tell whether the integers among Python values keep their value in a type."""
    if type(value) is int:
        return not dtype.is_integer or dtype.min <= value <= dtype.max
    return not isinstance(value, (list, tuple)) or all(fits(item, dtype) for item in value)


def _existing(tensor: Tensor, wanted: DType | None, graph: Graph | None, as_ref: bool, name: str | None) -> Tensor:
    if wanted is not None and not as_ref and tensor.dtype.base_dtype != wanted:
        raise ValueError(
            f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {tensor.dtype.base_dtype.name}: "
            f"{tensor!r}. "
            "Use tf.cast to change the type."
        )
    if graph is None:
        if isinstance(tensor, SymbolicTensor):
            raise TypeError(
                f"the symbolic tensor {tensor.name!r} of a graph is used where operations are executed eagerly. "
                "Use it inside `with tensor.graph.as_default():`, or inside the function that made it."
            )
        return tensor
    if isinstance(tensor, SymbolicTensor):
        return graph.capture(tensor)
    return capture_eager(graph, tensor, name)


def capture_eager(graph: Graph, tensor: Tensor, name: str | None = None) -> Tensor:
    """Return an eager tensor as `graph` may use it: captured by a function, a constant elsewhere."""
    assert isinstance(tensor, EagerTensor)
    capture = getattr(graph, "capture_eager", None)
    if capture is not None:
        return capture(tensor, name)
    if tensor.dtype in (dtypes.resource, dtypes.variant):
        raise ValueError(
            f"an eager {tensor.dtype.name} cannot become part of a graph: it was made outside. Make the variable, "
            "table or "
            "dataset inside the graph."
        )
    return constant_node(graph, np.asarray(tensor._numpy()), tensor.dtype, name or "Const")


def _holds_tensors(value: Any) -> bool:
    stack = list(value)
    while stack:
        item = stack.pop()
        if isinstance(item, (list, tuple)):
            stack.extend(item)
        elif isinstance(item, Tensor) or (
            not isinstance(item, (int, float, str, bytes, np.ndarray, np.generic)) and is_tensor_like(item)
        ):
            return True
    return False


def _pack(value: Any, wanted: DType | None, name: str | None) -> Tensor:
    dtype = wanted or _dtype_of_first_tensor(value)
    found = _dtype_of_first_tensor(value)
    # Where a type is asked for that the tensors of the list do not have, they are cast, as TensorFlow does.
    items = [
        lookup("Cast")(convert_to_tensor(item), DstT=dtype)  # type: ignore[operator]
        if found != dtype and is_tensor_like(item)
        else convert_to_tensor(item, dtype)
        for item in value
    ]
    return lookup("Pack")(items, axis=0, name=name or "packed")  # type: ignore[operator]


def _dtype_of_first_tensor(value: Any) -> DType:
    for item in value:
        if isinstance(item, (list, tuple)):
            if _holds_tensors(item):
                return _dtype_of_first_tensor(item)
        elif hasattr(item, "dtype"):
            return as_dtype(item.dtype).base_dtype
    raise AssertionError("no tensor in the list")


def constant_node(graph: Graph, value: np.ndarray, dtype: DType, name: str, dims: Dims = None) -> SymbolicTensor:
    """Add a constant to a graph.

    Args:
        graph: the graph.
        value: the elements; the graph keeps the array.
        dtype: their type.
        name: the node's name, made unique.
        dims: the shape of `value` (the array's own, by default).
    """
    dims = tuple(value.shape) if dims is None else dims
    attrs = {"value": value, "dtype": dtype}
    return graph.add_operation(lookup("Const"), (), attrs, graph.unique_name(name), output_dims=(dims,)).outputs[0]


_FLOAT32_MAX = 3.4028234e38
_FLOATS_AND_NONE = frozenset({None, dtypes.float32, dtypes.float64})
_NUMBERS_AND_NONE = _FLOATS_AND_NONE | {dtypes.int32, dtypes.int64}


def eager_constant(value: Any, wanted: DType | None) -> EagerTensor:
    """Return a Python value or NumPy array as an eager tensor of its own; see `as_array`."""
    kind = type(value)
    # Numbers that the type holds are by far the most common constants.
    if kind is float and wanted in _FLOATS_AND_NONE and -_FLOAT32_MAX <= value <= _FLOAT32_MAX:
        dtype = wanted or dtypes.float32
        return EagerTensor(array.from_scalar(value, dtype), dtype)
    if kind is int and wanted in _NUMBERS_AND_NONE and -_INT32_MAX <= value <= _INT32_MAX:
        dtype = wanted or dtypes.int32
        return EagerTensor(array.from_scalar(value, dtype), dtype)
    if kind is list and value:
        kinds = set(map(type, value))
        if kinds == {float} and wanted in _FLOATS_AND_NONE and all(abs(item) <= _FLOAT32_MAX for item in value):
            dtype = wanted or dtypes.float32
            return EagerTensor(array.from_numbers(value, dtype), dtype)
        if kinds == {int} and wanted in _NUMBERS_AND_NONE and -_INT32_MAX <= min(value) and max(value) <= _INT32_MAX:
            dtype = wanted or dtypes.int32
            return EagerTensor(array.from_numbers(value, dtype), dtype)
    numbers, dtype = as_array(value, wanted)
    return EagerTensor(array.from_numpy(numbers, copy=True), dtype)


def eager_scalar(value: bool | int | float | bytes, wanted: DType | None) -> EagerTensor:
    """Return a Python value as an eager tensor that may be shared with other calls, which never watch or return it."""
    if value == 0.0 and type(value) is float:
        return eager_constant(value, wanted)  # 0.0 and -0.0 are equal as keys
    key = (type(value), value, wanted)
    kept = _eager_scalars.get(key)
    if kept is None:
        kept = eager_constant(value, wanted)
        if len(_eager_scalars) < _SCALARS_KEPT:
            _eager_scalars[key] = kept
    return kept


def nested_integers(value: Any) -> list[Any] | None:
    """Return integers in nested lists and tuples as nested lists, None if something else is among them."""
    items: list[Any] = []
    for item in value:
        if type(item) in (list, tuple):
            item = nested_integers(item)
            if item is None or items and (type(items[0]) is not list or len(items[0]) != len(item)):
                return None
        elif type(item) is not int or items and type(items[0]) is list:
            return None
        items.append(item)
    return items


def eager_vector(value: Sequence[int], wanted: DType | None) -> EagerTensor:
    """Return integers, such as a shape or axes, as an eager tensor that may be shared with other calls, which never
    return it."""
    return _shared_vector(tuple(value), wanted or dtypes.int32)


@functools.lru_cache(maxsize=_SCALARS_KEPT)
def _shared_vector(value: tuple[int, ...], wanted: DType) -> EagerTensor:
    return eager_constant(value, wanted)


def as_array(value: Any, wanted: DType | None = None) -> tuple[np.ndarray, DType]:
    """Return a Python value or NumPy array as an array of its own, and its type by TensorFlow's rules.

    Python floats become float32 and integers int32 (int64 where they do not fit); NumPy arrays keep their type.

    Raises:
        TypeError: if the value cannot be of the type, or its items are of types that do not mix.
        ValueError: if nested lists are ragged.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        numbers = np.asarray(value)
        if numbers.dtype.kind in "SU" or (numbers.dtype == object and wanted in (None, dtypes.string)):
            return array._as_bytes(numbers.astype(object)), _expect(dtypes.string, wanted, value)
        if wanted is None:
            return np.array(numbers), as_dtype(numbers.dtype)
        if wanted is dtypes.string:
            if not numbers.size:
                return np.empty(numbers.shape, dtype=object), dtypes.string
            kind = TypeError if current_graph() is not None else ValueError
            raise kind(f"Cannot convert {_shorten(value)} to a tensor of type string: it holds {numbers.dtype}")
        if numbers.dtype == object:
            return as_array(numbers.tolist(), wanted)
        return _cast_array(numbers, wanted), wanted
    if isinstance(value, TensorShape):
        if not value.is_fully_defined():
            raise ValueError(
                f"Cannot convert a partially known TensorShape {value} to a Tensor. Use tf.shape for sizes at run time."
            )
        sizes: Any = value.as_list()
        large = any(size > _INT32_MAX for size in sizes)
        dtype = wanted or (dtypes.int64 if large else dtypes.int32)
        return np.asarray(sizes, dtype=dtype.as_numpy_dtype), dtype
    if isinstance(value, Dimension):
        return as_array(int(value), wanted)
    if isinstance(value, DType):
        return np.asarray(value.as_datatype_enum, dtype=np.int32), dtypes.int32
    if type(value) in (bool, int, float, complex, str, bytes):
        return _from_items(value, value, wanted)
    if not isinstance(value, (list, tuple, range)) and hasattr(value, "__array__"):
        return as_array(np.asarray(value), wanted)
    if isinstance(value, (list, tuple, range)):
        return _from_list(list(value), wanted)
    # TensorFlow's class depends on the mode.
    raise (ValueError if current_graph() is None else TypeError)(
        f"Attempt to convert a value ({_shorten(value)}) with an unsupported type ({type(value)}) to a Tensor. "
        "Pass numbers, strings, nested lists of them, NumPy arrays or tensors."
    )


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _expect(dtype: DType, wanted: DType | None, value: Any) -> DType:
    if wanted is not None and wanted != dtype:
        raise TypeError(
            f"Cannot convert {_shorten(value)} to a tensor of type {wanted.name}: it holds values of type {dtype.name}"
        )
    return dtype


def _from_list(value: list[Any], wanted: DType | None) -> tuple[np.ndarray, DType]:
    first = _first_leaf(value)
    if first is None and _has_leaf(value):
        # TensorFlow's class depends on the mode.
        kind = ValueError if current_graph() is None else TypeError
        raise kind("None values not supported: a list that is to become a tensor holds None.")
    if isinstance(first, (np.ndarray, np.generic)) or (
        first is not None
        and not isinstance(first, (bool, int, float, complex, str, bytes))
        and hasattr(first, "__array__")
    ):
        try:
            numbers = np.array(value)
        except ValueError as error:
            raise ValueError(f"Can't convert non-rectangular Python sequence to Tensor: {error}") from None
        if numbers.dtype == object:
            raise ValueError("Can't convert non-rectangular Python sequence to Tensor.")
        if wanted is None:
            wanted = _type_of_numpy_items(numbers, np.asarray(first).dtype, value)
        return as_array(numbers, wanted)
    return _from_items(value, first, wanted)


def _type_of_numpy_items(numbers: np.ndarray, first: np.dtype, value: Any) -> DType | None:
    """Return the type of a list of NumPy numbers; None for the one that NumPy found. It depends on the mode."""
    kind = numbers.dtype.kind
    if current_graph() is not None:
        if numbers.dtype == np.float64:
            return dtypes.float32
        return dtypes.int32 if numbers.dtype == np.int64 and _fits_int32(numbers) else None
    if first.kind == "b" and kind != "b":
        raise ValueError(f"Cannot convert {_shorten(value)} to a tensor: it mixes booleans with numbers")
    if kind in "iu":
        return dtypes.int32 if _fits_int32(numbers) else dtypes.int64
    if kind == "f":
        return as_dtype(first) if first.kind == "f" else dtypes.float32
    return None


def _fits_int32(numbers: np.ndarray) -> bool:
    return not numbers.size or bool(_INT32_MIN <= numbers.min() and numbers.max() <= _INT32_MAX)


def _first_leaf(value: Any) -> Any:
    for item in value:
        if isinstance(item, (list, tuple, range)):
            found = _first_leaf(item)
            if found is not None:
                return found
        else:
            return item
    return None


def _has_leaf(value: Any) -> bool:
    return any(_has_leaf(item) if isinstance(item, (list, tuple)) else True for item in value)


def _from_items(value: Any, first: Any, wanted: DType | None) -> tuple[np.ndarray, DType]:
    if isinstance(first, (str, bytes)):
        numbers = np.array(value, dtype=object)
        _expect(dtypes.string, wanted, value)
        return array._as_bytes(_rectangular(numbers, value)), dtypes.string
    if wanted is dtypes.string:
        if first is None:
            return np.empty(np.shape(value), dtype=object), dtypes.string
        raise TypeError(f"Cannot convert {_shorten(value)} to a tensor of type string: it holds {type(first).__name__}")
    try:
        numbers = np.array(value)
    except ValueError:
        raise ValueError(f"Can't convert non-rectangular Python sequence to Tensor: {_shorten(value)}") from None
    except OverflowError:
        raise ValueError(f"{_shorten(value)} holds an integer that does not fit 64 bits") from None
    if numbers.dtype == object:
        numbers = _rectangular(numbers, value)
        return _mixed(numbers, value, wanted)
    if numbers.dtype == np.float64 and isinstance(first, int):
        numbers = _unrounded(numbers, value)
    kind = numbers.dtype.kind
    if kind in "SU":
        # TensorFlow's class depends on the mode.
        error = TypeError if current_graph() is not None else ValueError
        raise error(f"Cannot convert {_shorten(value)} to a tensor: it mixes numbers with strings")
    if kind in "if" and _holds_bool(value):
        # With a type to go by, True is 1. Eagerly the first item decides how the others are read.
        starts_with_bool = isinstance(first, (bool, np.bool_))
        if wanted is None or current_graph() is None and starts_with_bool and wanted not in _DIRECT_TYPES:
            raise ValueError(f"Cannot convert {_shorten(value)} to a tensor: it mixes booleans with numbers")
    if wanted is None:
        if kind == "f":
            return numbers.astype(np.float32), dtypes.float32
        if kind in "iu":
            if first is None or _fits_int32(numbers):
                return numbers.astype(np.int32), dtypes.int32
            if kind == "u" and current_graph() is None:
                raise ValueError(f"{_shorten(value)} holds an integer that does not fit int64: give its type, uint64")
            return numbers, as_dtype(numbers.dtype)
        return numbers, as_dtype(numbers.dtype)
    _check_cast(value, numbers, wanted)
    return _cast_array(numbers, wanted), wanted


def _unrounded(numbers: np.ndarray, value: Any) -> np.ndarray:
    """Return integers as uint64 where NumPy made them float64, because some of them do not fit int64 and others do."""
    items = np.array(value, dtype=object)
    if all(isinstance(item, int) and item >= 0 for item in items.reshape(-1)):
        return items.astype(np.uint64)
    return numbers


def _rectangular(numbers: np.ndarray, value: Any) -> np.ndarray:
    if any(isinstance(item, (list, tuple)) for item in numbers.reshape(-1)):
        raise ValueError(f"Can't convert non-rectangular Python sequence to Tensor: {_shorten(value)}")
    return numbers


def _mixed(numbers: np.ndarray, value: Any, wanted: DType | None) -> tuple[np.ndarray, DType]:
    items = numbers.reshape(-1)
    if any(item is None for item in items):
        raise (ValueError if current_graph() is None else TypeError)(f"None values not supported: {_shorten(value)}")
    if all(isinstance(item, int) for item in items):  # integers beyond 64 bits
        if wanted is None or not (wanted.is_floating or wanted.is_complex):
            # TensorFlow's class depends on the mode.
            kind = ValueError if current_graph() is None else TypeError if wanted is None else OverflowError
            raise kind(f"{_shorten(value)} holds an integer that does not fit {(wanted or dtypes.int64).name}")
        return _cast_array(numbers.astype(np.float64), wanted), wanted
    raise TypeError(f"Cannot convert {_shorten(value)} to a tensor: its items have types that do not mix")


def _holds_bool(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_bool(item) for item in value)
    return isinstance(value, (bool, np.bool_))


def _check_cast(value: Any, numbers: np.ndarray, wanted: DType) -> None:
    kind = numbers.dtype.kind
    if not numbers.size:
        return
    in_graph = current_graph() is not None
    fits = (
        (kind == "b" and (wanted.is_bool or in_graph or wanted in _DIRECT_TYPES))
        or (kind in "iu" and not wanted.is_bool)
        or (kind == "f" and (wanted.is_floating or wanted.is_complex))
        or (kind == "c" and wanted.is_complex)
    )
    if not fits:
        raise TypeError(
            f"Cannot convert {_shorten(value)} to a tensor of type {wanted.name}: it holds values of type "
            f"{numbers.dtype.name}. "
            "Use tf.cast, or write the values in that type."
        )
    # Integers wrap around in a narrower type, as TensorFlow's do; only what no 64 bits hold is refused.
    is_refused = (kind == "u" and wanted is not dtypes.uint64) or (
        kind == "i" and wanted is dtypes.uint64 and numbers.min() < 0
    )
    if is_refused and wanted.is_integer and not in_graph:
        raise ValueError(f"{_shorten(value)} does not fit {wanted.name}. Use tf.cast to make it wrap around.")


def _cast_array(numbers: np.ndarray, wanted: DType) -> np.ndarray:
    if wanted.is_quantized:
        field = np.dtype(wanted.as_numpy_dtype)
        return numbers.astype(field[0] if field.names else field)
    with np.errstate(all="ignore"):
        return np.array(numbers.astype(wanted.as_numpy_dtype))


def dtype_of_argument(value: Any) -> DType | None:
    """Return the type that a tensor or an object standing for one already has; None for Python values and arrays."""
    if isinstance(value, Tensor):
        return value.dtype.base_dtype
    if isinstance(value, (int, float, str, bytes, list, tuple, bool, complex)):
        return None
    if isinstance(value, TensorLike) or _conversion_of(value) is not None:
        dtype = getattr(value, "dtype", None)
        return None if dtype is None else as_dtype(dtype).base_dtype
    return None
