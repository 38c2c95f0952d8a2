"""Static shapes: the raw `Dims` that shape rules work on, and the `TensorShape` and `Dimension` that users see."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, SupportsIndex

# None instead of a tuple is an unknown rank; None inside the tuple is an unknown size.
Dims = tuple[int | None, ...] | None

_v2_behavior = True


def num_elements(dims: Dims) -> int | None:
    """The product of the sizes, or None where a size or the rank is unknown."""
    if dims is None:
        return None
    total = 1
    for size in dims:
        if size is None:
            return None
        total *= size
    return total


def enable_v2_tensorshape() -> None:
    """Make elements of a `TensorShape` plain integers or None, as in TensorFlow 2."""
    global _v2_behavior
    _v2_behavior = True


def disable_v2_tensorshape() -> None:
    """Make elements of a `TensorShape` `Dimension` objects, as in TensorFlow 1."""
    global _v2_behavior
    _v2_behavior = False


def v2_tensorshape_enabled() -> bool:
    """Whether elements of a `TensorShape` are plain integers or None."""
    return _v2_behavior


def _as_size(value: Any) -> int | None:
    """Convert one size to an integer or None.

    Raises:
        TypeError: if `value` is neither None nor an integer.
        ValueError: if `value` is negative.
    """
    if value is None:
        return None
    if value.__class__ is not int:
        if isinstance(value, Dimension):
            return value._value
        try:
            value = operator.index(value)
        except TypeError:
            raise TypeError(
                f"Dimension value must be integer or None or have an __index__ method, "
                f"got {value!r} of type {type(value).__name__}."
            ) from None
    if value < 0:
        raise ValueError(f"Dimension {value} must be >= 0; use None for an unknown size.")
    return value


class Dimension:
    """One size of a TensorFlow 1 shape: an integer, or None where it is unknown.

    Arithmetic with an unknown size gives an unknown size, and comparison with one gives None.

    Args:
        value: a non-negative integer, a `Dimension`, or None.
    Raises:
        TypeError: if `value` is not an integer.
        ValueError: if `value` is negative.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = _as_size(value)

    @property
    def value(self) -> int | None:
        """The size, or None where it is unknown."""
        return self._value

    def __repr__(self) -> str:
        return f"Dimension({self._value})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    # An equality that may answer None cannot be hashed consistently.
    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Dimension], tuple[int | None]]:
        return Dimension, (self._value,)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __int__(self) -> int:
        return self.__index__()

    def __index__(self) -> int:
        """The size.

        Raises:
            TypeError: if it is unknown.
        """
        if self._value is None:
            raise TypeError("An unknown Dimension has no integer value.")
        return self._value

    def is_compatible_with(self, other: Any) -> bool:
        """Whether both sizes are equal or one of them is unknown."""
        other_value = _as_size(other)
        return self._value is None or other_value is None or self._value == other_value

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise ValueError unless `is_compatible_with(other)`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {Dimension(other)} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """The size that is known of the two.

        Raises:
            ValueError: if both are known and differ.
        """
        self.assert_is_compatible_with(other)
        return Dimension(other) if self._value is None else Dimension(self._value)

    def _compare(self, other: Any, compare: Callable[[int, int], bool]) -> Any:
        try:
            other_value = _as_size(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other_value is None:
            return None
        return compare(self._value, other_value)

    def __eq__(self, other: Any) -> Any:
        return self._compare(other, operator.eq)

    def __ne__(self, other: Any) -> Any:
        return self._compare(other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, operator.ge)

    def _combine(self, other: Any, combine: Callable[[int, int], int], reflected: bool = False) -> Any:
        try:
            other_value = _as_size(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other_value is None:
            return Dimension(None)
        return Dimension(combine(other_value, self._value) if reflected else combine(self._value, other_value))

    def __add__(self, other: Any) -> Any:
        return self._combine(other, operator.add)

    def __radd__(self, other: Any) -> Any:
        return self._combine(other, operator.add, reflected=True)

    def __sub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub, reflected=True)

    def __mul__(self, other: Any) -> Any:
        return self._combine(other, operator.mul)

    def __rmul__(self, other: Any) -> Any:
        return self._combine(other, operator.mul, reflected=True)

    def __floordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv, reflected=True)

    # Python 2's division, which TensorFlow 1 programs call by name.
    __div__ = __floordiv__
    __rdiv__ = __rfloordiv__

    def __mod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod)

    def __rmod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod, reflected=True)

    def __truediv__(self, other: Any) -> Any:
        raise TypeError(f"A Dimension has no true division: write // instead of / to divide it by {other!r}.")

    def __rtruediv__(self, other: Any) -> Any:
        raise TypeError(f"A Dimension has no true division: write // instead of / to divide {other!r} by it.")


class TensorShape:
    """The static shape of a tensor: fully known, partly known, or of unknown rank.

    Args:
        dims: None (unknown rank), an integer or `Dimension` (one axis), an iterable of integers, `Dimension`s and
            None, a `TensorShape`, or a TensorShapeProto.
    Raises:
        TypeError: if `dims` is none of these.
        ValueError: if a size is negative.
    """

    __slots__ = ("_dims",)

    def __init__(self, dims: Any) -> None:
        self._dims = as_dims(dims)

    @classmethod
    def from_dims(cls, dims: Dims) -> TensorShape:
        """Wrap raw dims that are known to be valid, without checking them."""
        shape = cls.__new__(cls)
        shape._dims = dims
        return shape

    def as_tuple(self) -> Dims:
        """The raw dims."""
        return self._dims

    @property
    def rank(self) -> int | None:
        """The number of axes, or None where it is unknown."""
        return None if self._dims is None else len(self._dims)

    @property
    def ndims(self) -> int | None:
        """The number of axes, or None where it is unknown."""
        return None if self._dims is None else len(self._dims)

    @property
    def dims(self) -> list[Dimension] | None:
        """One `Dimension` per axis, or None where the rank is unknown."""
        return None if self._dims is None else [Dimension(size) for size in self._dims]

    def as_list(self) -> list[int | None]:
        """The sizes as a list of integers and None.

        Raises:
            ValueError: if the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def num_elements(self) -> int | None:
        """The product of the sizes, or None where a size or the rank is unknown."""
        return num_elements(self._dims)

    def is_fully_defined(self) -> bool:
        """Whether the rank and every size are known."""
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self) -> None:
        """Raise ValueError unless the rank and every size are known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some fully known shape matches both."""
        a, b = self._dims, as_dims(other)
        if a is None or b is None:
            return True
        return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise ValueError unless `is_compatible_with(other)`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def is_subtype_of(self, other: Any) -> bool:
        """Whether `other` is a `TensorShape` that every tensor of this shape fits."""
        if not isinstance(other, TensorShape):
            return False
        a, b = self._dims, other._dims
        if b is None:
            return True
        if a is None or len(a) != len(b):
            return False
        return all(y is None or x == y for x, y in zip(a, b, strict=True))

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The most specific shape that tensors of both shapes fit: sizes that differ become unknown."""
        a, b = self._dims, as_dims(other)
        if a is None or b is None or len(a) != len(b):
            return TensorShape.from_dims(None)
        return TensorShape.from_dims(tuple(x if x == y else None for x, y in zip(a, b, strict=True)))

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorShape | None:
        """The most specific shape that tensors of this and all other shapes fit; None if one is no `TensorShape`."""
        if any(not isinstance(other, TensorShape) for other in others):
            return None
        merged = self
        for other in others:
            merged = merged.most_specific_compatible_shape(other)
        return merged

    def merge_with(self, other: Any) -> TensorShape:
        """The shape that knows what either of the two knows.

        Raises:
            ValueError: if they are not compatible.
        """
        a, b = self._dims, as_dims(other)
        if a is None:
            return TensorShape.from_dims(b)
        if b is None:
            return self
        if not self.is_compatible_with(b):
            raise ValueError(f"Shapes {self} and {TensorShape.from_dims(b)} are not compatible")
        return TensorShape.from_dims(tuple(y if x is None else x for x, y in zip(a, b, strict=True)))

    def concatenate(self, other: Any) -> TensorShape:
        """The axes of this shape followed by those of `other`; unknown if either rank is unknown."""
        a, b = self._dims, as_dims(other)
        return TensorShape.from_dims(None if a is None or b is None else a + b)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def assert_has_rank(self, rank: int | None) -> None:
        """Raise ValueError if the rank is known not to be `rank`."""
        if self._dims is not None and rank is not None and len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other: Any) -> None:
        """Raise ValueError if the ranks are known to differ."""
        other_shape = as_shape(other)
        if self.rank is not None and other_shape.rank is not None and self.rank != other_shape.rank:
            raise ValueError(f"Shapes {self} and {other_shape} must have the same rank")

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, or an unknown shape of rank `rank` if the rank was unknown.

        Raises:
            ValueError: if the rank is known and differs.
        """
        self.assert_has_rank(rank)
        return unknown_shape(rank) if self._dims is None else self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape, unless its rank is known to be less than `rank`, which is a ValueError."""
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape, unless its rank is known to be more than `rank`, which is a ValueError."""
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def __bool__(self) -> bool:
        """Whether the rank is known."""
        return self._dims is not None

    def __len__(self) -> int:
        """The number of axes.

        Raises:
            ValueError: if the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __iter__(self) -> Iterator[Any]:
        """The sizes: integers and None, or `Dimension`s in TensorFlow 1 behaviour.

        Raises:
            ValueError: if the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims if _v2_behavior else [Dimension(size) for size in self._dims])

    def __getitem__(self, key: int | slice | SupportsIndex) -> Any:
        """One size, or the shape of a range of axes.

        Raises:
            IndexError: if the rank is known and `key` is outside of it.
            ValueError: for a step over the axes of an unknown rank.
        """
        if isinstance(key, slice):
            return TensorShape.from_dims(self._dims[key] if self._dims is not None else _slice_of_unknown(key))
        size = None if self._dims is None else self._dims[key]
        return size if _v2_behavior else Dimension(size)

    def __eq__(self, other: Any) -> bool:
        """Whether both have the same known and unknown parts; `other` may be anything that describes a shape."""
        try:
            return self._dims == as_dims(other)
        except (TypeError, ValueError):
            return False

    def __hash__(self) -> int:
        return hash(self._dims)

    def __repr__(self) -> str:
        if self._dims is None:
            return "TensorShape(None)"
        return f"TensorShape({list(self._dims) if _v2_behavior else self.dims})"

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        if _v2_behavior:
            return str(self._dims)
        sizes = ", ".join("?" if size is None else str(size) for size in self._dims)
        return f"({sizes},)" if len(self._dims) == 1 else f"({sizes})"

    def __reduce__(self) -> tuple[type[TensorShape], tuple[Dims]]:
        return TensorShape, (self._dims,)


def _slice_of_unknown(key: slice) -> Dims:
    """The dims of a range of axes of a shape of unknown rank: known in number where both ends count from the front."""
    if key.step is not None and operator.index(key.step) != 1:
        raise ValueError("Steps are not supported when slicing a shape with unknown rank.")
    if key.stop is None:
        return None
    start = 0 if key.start is None else operator.index(key.start)
    stop = operator.index(key.stop)
    if start < 0 or stop < 0:
        return None
    return (None,) * max(0, stop - start)


def _dims_of_proto(proto: Any) -> Dims:
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size == -1 else _as_size(dim.size) for dim in proto.dim)


def as_dims(shape: Any) -> Dims:
    """Convert anything that describes a shape to raw dims.

    Args:
        shape: None, an integer, a `Dimension`, an iterable of integers, `Dimension`s and None, a `TensorShape`, or a
            TensorShapeProto (anything with `dim` and `unknown_rank`).
    Returns:
        A tuple of integers and None, or None for an unknown rank.
    Raises:
        TypeError: if `shape` is none of these.
        ValueError: if a size is negative.
    """
    if shape is None:
        return None
    if shape.__class__ is TensorShape:
        return shape._dims
    if isinstance(shape, (tuple, list)):
        return tuple(map(_as_size, shape))
    if isinstance(shape, (int, Dimension)):
        return (_as_size(shape),)
    if isinstance(shape, TensorShape):
        return shape._dims
    if hasattr(shape, "unknown_rank") and hasattr(shape, "dim"):
        return _dims_of_proto(shape)
    if isinstance(shape, (str, bytes)):
        raise TypeError(f"Failed to convert {shape!r} to a shape: expected an integer or an iterable of integers.")
    try:
        sizes: Iterable[Any] = iter(shape)
    except TypeError:
        # NumPy integers and scalars of rank 0 are one axis; _as_size refuses everything else.
        return (_as_size(shape),)
    return tuple(map(_as_size, sizes))


def as_shape(shape: Any) -> TensorShape:
    """Convert anything that describes a shape to a `TensorShape`; one that already is comes back itself."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """A shape of `rank` unknown sizes, or of unknown rank."""
    return TensorShape.from_dims(None if rank is None else (None,) * rank)


def as_dimension(value: Any) -> Dimension:
    """Convert an integer or None to a `Dimension`; one that already is comes back itself."""
    return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension: Any) -> Any:
    """The integer or None behind a `Dimension`; anything else comes back as it is."""
    return dimension._value if isinstance(dimension, Dimension) else dimension


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """The `Dimension` at an axis, unknown where the rank is unknown, whichever behaviour is enabled."""
    return Dimension(None if shape._dims is None else shape._dims[index])
