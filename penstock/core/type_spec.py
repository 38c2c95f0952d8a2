"""Types of values: `TypeSpec`, the spec of a dense tensor, and the base of values that are made of several tensors."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.convert import convert_to_tensor, is_tensor_like
from penstock.core.dtypes import DType, as_dtype
from penstock.core.shape import TensorShape
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor


class TypeSpec(abc.ABC):
    """The type of a value that tensors make up: what functions are traced for, and what structures of values are
    flattened by.

    A subclass says what its values are made of (`_component_specs`, `_to_components`, `_from_components`) and which
    arguments make it again (`_serialize`); equality, subtypes and common supertypes follow from these arguments.
    """

    __slots__ = ()

    @property
    @abc.abstractmethod
    def value_type(self) -> type:
        """The class of the values."""

    @abc.abstractmethod
    def _serialize(self) -> tuple[Any, ...]:
        """Return the arguments that make this spec again: nested tuples of shapes, types, specs and plain values."""

    @property
    @abc.abstractmethod
    def _component_specs(self) -> Any:
        """A nested structure of the specs of a value's components."""

    @abc.abstractmethod
    def _to_components(self, value: Any) -> Any:
        """Return the components of a value, nested as `_component_specs`."""

    @abc.abstractmethod
    def _from_components(self, components: Any) -> Any:
        """Return the value that components, nested as `_component_specs`, make up."""

    @classmethod
    def _deserialize(cls, serialization: tuple[Any, ...]) -> TypeSpec:
        return cls(*serialization)

    def _key(self) -> Any:
        return type(self), _hashable(self._serialize())

    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether each value of this spec is one of `other`."""
        return type(self) is type(other) and _is_subtype(self._serialize(), other._serialize())

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TypeSpec | None:
        """Return the most specific spec that holds the values of this one and of all the others, or None."""
        if any(type(other) is not type(self) for other in others):
            return None
        try:
            merged = _common(self._serialize(), [other._serialize() for other in others])
        except _NoSupertype:
            return None
        return self._deserialize(merged)

    def most_specific_compatible_type(self, other: TypeSpec) -> TypeSpec:
        """Return the most specific spec that holds the values of both.

        Raises:
            ValueError: if there is none.
        """
        result = self.most_specific_common_supertype([other])
        if result is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return result

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether some value could be of this spec and of the other, or of the spec of the value."""
        if not isinstance(spec_or_value, TypeSpec):
            try:
                spec_or_value = type_spec_from_value(spec_or_value)
            except TypeError:
                return False
        return type(self) is type(spec_or_value) and _is_compatible(self._serialize(), spec_or_value._serialize())

    def flatten(self) -> list[TensorSpec]:
        """Return the specs of the tensors that values are made of."""
        return nest.flatten(self._component_specs, expand_composites=True)

    def to_tensors(self, value: Any) -> list[Any]:
        """Return the tensors that a value is made of."""
        return nest.flatten(self._to_components(value), expand_composites=True)

    def from_tensors(self, tensors: Any) -> Any:
        """Return the value that the next tensors of an iterator make up."""
        iterator = iter(tensors)
        flat = [next(iterator) for _ in self.flatten()]
        return self._from_components(nest.pack_sequence_as(self._component_specs, flat, expand_composites=True))

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Return `value`, made a value of this spec where it is not one.

        Raises:
            TypeError: if it cannot be.
        """
        if isinstance(value, self.value_type) and self.is_compatible_with(value):
            return value
        raise TypeError(f"Can not cast {value!r} to {self!r}")

    def __eq__(self, other: object) -> bool:
        return other is self or (type(other) is type(self) and self._key() == other._key())

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> Any:
        return _restore, (type(self), self._serialize())

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}"


def _restore(cls: type[TypeSpec], serialization: tuple[Any, ...]) -> TypeSpec:
    return cls._deserialize(serialization)


class BatchableTypeSpec(TypeSpec):
    """A spec whose values can be stacked into one and taken apart again."""

    __slots__ = ()

    @abc.abstractmethod
    def _batch(self, batch_size: int | None) -> TypeSpec:
        """Return the spec of `batch_size` stacked values."""

    @abc.abstractmethod
    def _unbatch(self) -> TypeSpec:
        """Return the spec of one of the stacked values."""


class TensorSpec(BatchableTypeSpec):
    """The type of a dense tensor.

    Args:
        shape: its static shape.
        dtype: the type of its elements.
        name: a name for the argument it describes.

    >>> TensorSpec([None, 3], "float32").is_compatible_with(np.zeros((2, 3), np.float32))
    True
    """

    __slots__ = ("_dtype", "_name", "_shape")

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        self._shape = shape if isinstance(shape, TensorShape) else TensorShape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        """Return a spec with the shape and type of another, and its name unless one is given."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """Return the spec of a tensor.

        Raises:
            ValueError: if it is not one.
        """
        if isinstance(tensor, EagerTensor):
            return cls(tensor.shape, tensor.dtype, name)
        if isinstance(tensor, SymbolicTensor):
            return cls(tensor.shape, tensor.dtype, name or tensor.op.name)
        raise ValueError(f"`tensor` should be a tf.Tensor, but got type {type(tensor)}.")

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """The name of the argument described."""
        return self._name

    @property
    def value_type(self) -> type:
        """`Tensor`."""
        return Tensor

    def _serialize(self) -> tuple[Any, ...]:
        return (self._shape, self._dtype, self._name)

    def _key(self) -> Any:
        if type(self) is TensorSpec:
            return TensorSpec, self._shape.as_tuple(), self._dtype, self._name
        return super()._key()

    @property
    def _component_specs(self) -> Any:
        return self

    def _to_components(self, value: Any) -> Any:
        return convert_to_tensor(value, self._dtype)

    def _from_components(self, components: Any) -> Any:
        return components

    def flatten(self) -> list[TensorSpec]:
        """Return this spec alone."""
        return [self]

    def to_tensors(self, value: Any) -> list[Any]:
        """Return the value, as a tensor, alone.

        Raises:
            TypeError: if it has another type or shape.
        """
        return [self.cast(value, None)]

    def from_tensors(self, tensors: Any) -> Any:
        """Return the next tensor."""
        return next(iter(tensors))

    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether each tensor of this spec is one of `other`; a name there must be this one's."""
        return (
            type(self) is type(other)
            and self._shape.is_subtype_of(other._shape)
            and self._dtype == other._dtype
            and other._name in (None, self._name)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorSpec | None:
        """Return the most specific spec that holds the tensors of this one and of all the others, or None."""
        if any(type(other) is not type(self) or other._dtype != self._dtype for other in others):
            return None
        shape = self._shape.most_specific_common_supertype([other._shape for other in others])
        if shape is None:
            return None
        name = self._name if all(other._name == self._name for other in others) else None
        return type(self)(shape, self._dtype, name)

    def most_specific_compatible_type(self, other: TypeSpec) -> TypeSpec:
        """Return the most specific spec that holds the tensors of both.

        Raises:
            ValueError: if the types differ.
        """
        result = self.most_specific_common_supertype([other])
        if result is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return result

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether the other spec, or the value, could agree with this shape and type."""
        if isinstance(spec_or_value, TypeSpec):
            return (
                isinstance(spec_or_value, TensorSpec)
                and self._dtype.is_compatible_with(spec_or_value._dtype)
                and self._shape.is_compatible_with(spec_or_value._shape)
            )
        try:
            other = type_spec_from_value(spec_or_value)
        except TypeError:
            return False
        return self.is_compatible_with(other)

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Return `value` as a tensor of this spec.

        Raises:
            TypeError: if it has another type or shape.
        """
        try:
            tensor = value if isinstance(value, Tensor) else convert_to_tensor(value, self._dtype)
        except ValueError as error:
            raise TypeError(f"Can not cast {value!r} to {self!r}: {error}") from error
        if tensor.dtype != self._dtype or not self._shape.is_compatible_with(tensor.shape):
            raise TypeError(f"Can not cast {TensorSpec(tensor.shape, tensor.dtype)!r} to {self!r}")
        return tensor

    def _batch(self, batch_size: int | None) -> TensorSpec:
        return TensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> TensorSpec:
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return TensorSpec(self._shape[1:], self._dtype)

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"


class BoundedTensorSpec(TensorSpec):
    """The type of a dense tensor whose elements lie between two bounds.

    Args:
        shape: its static shape.
        dtype: the type of its elements.
        minimum, maximum: the inclusive bounds; arrays that broadcast to the shape.
        name: a name for the argument it describes.
    Raises:
        ValueError: if a bound does not broadcast to the shape.
    """

    __slots__ = ("_maximum", "_minimum")

    def __init__(self, shape: Any, dtype: Any, minimum: Any, maximum: Any, name: str | None = None) -> None:
        super().__init__(shape, dtype, name)
        if minimum is None or maximum is None:
            raise ValueError(f"`minimum` and `maximum` must be given. Got {minimum}, {maximum}.")
        known = [size or 1 for size in self._shape.as_list()] if self._shape.rank is not None else None
        bounds = []
        for label, bound in (("minimum", minimum), ("maximum", maximum)):
            array = np.array(bound, dtype=self._dtype.as_numpy_dtype)
            if known is not None:
                try:
                    np.broadcast_to(array, known)
                except ValueError as error:
                    raise ValueError(f"`{label}` {array} is not compatible with shape {self._shape}.") from error
            array.setflags(write=False)
            bounds.append(array)
        self._minimum, self._maximum = bounds

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> BoundedTensorSpec:
        """Return a spec with the shape, type and bounds of another; the type's own limits where it has none."""
        dtype = as_dtype(spec.dtype)
        minimum = getattr(spec, "minimum", dtype.min)
        maximum = getattr(spec, "maximum", dtype.max)
        return cls(spec.shape, dtype, minimum, maximum, name or spec.name)

    @property
    def minimum(self) -> np.ndarray:
        """The inclusive lower bound."""
        return self._minimum

    @property
    def maximum(self) -> np.ndarray:
        """The inclusive upper bound."""
        return self._maximum

    def _serialize(self) -> tuple[Any, ...]:
        return (self._shape, self._dtype, self._minimum, self._maximum, self._name)

    def __repr__(self) -> str:
        return (
            f"BoundedTensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r}, "
            f"minimum={self._minimum!r}, maximum={self._maximum!r})"
        )


class CompositeTensor(abc.ABC):
    """A value that is made of several tensors, as its `_type_spec` says."""

    @property
    @abc.abstractmethod
    def _type_spec(self) -> TypeSpec:
        """The spec of this value."""

    def _shape_invariant_to_type_spec(self, shape: TensorShape) -> TypeSpec:
        """Return the spec that a loop holds this value to, where a shape invariant was given for it.

        Raises:
            ValueError: if this class takes no such invariants.
        """
        raise ValueError(f"A {type(self).__name__} takes a TypeSpec, not a shape, as its shape invariant. Got {shape}.")


_converters: list[tuple[type, Callable[[Any], TypeSpec]]] = []


def register_type_spec_from_value_converter(type_object: type, converter_fn: Callable[[Any], TypeSpec]) -> None:
    """Register how `type_spec_from_value` finds the spec of the values of a class."""
    _converters.append((type_object, converter_fn))


def type_spec_from_value(value: Any) -> TypeSpec:
    """Return the spec of a tensor, a composite value, or a value that can become a tensor.

    Raises:
        TypeError: if the value has none.
    """
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, CompositeTensor):
        return value._type_spec
    for kind, converter in reversed(_converters):
        if isinstance(value, kind):
            return converter(value)
    if isinstance(value, np.ndarray):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, (bool, int, float, complex, str, bytes, np.generic, list, tuple)) or is_tensor_like(value):
        try:
            tensor = convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"Could not build a TypeSpec for {value!r} of type {type(value).__name__}") from error
        return TensorSpec(tensor.shape, tensor.dtype)
    raise TypeError(f"Could not build a TypeSpec for {value!r} of type {type(value).__name__}")


class _NoSupertype(Exception):
    """Raised where two specs have no common supertype."""


def _hashable(part: Any) -> Any:
    if isinstance(part, (list, tuple)):
        return tuple(map(_hashable, part))
    if isinstance(part, dict):
        return tuple((key, _hashable(item)) for key, item in part.items())
    if isinstance(part, TensorShape):
        return TensorShape, part.as_tuple()
    if isinstance(part, np.ndarray):
        return part.dtype.str, part.shape, part.tobytes()
    return part


def _pairs(a: Any, b: Any) -> list[tuple[Any, Any]] | None:
    """Return the parts of two containers side by side; None where they are not containers of one kind and size."""
    if isinstance(a, (list, tuple)) and type(a) is type(b) and len(a) == len(b):
        return list(zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
        return [(a[key], b[key]) for key in a]
    return None


def _equal(a: Any, b: Any) -> bool:
    return bool(_hashable(a) == _hashable(b))


def _is_subtype(a: Any, b: Any) -> bool:
    pairs = _pairs(a, b)
    if pairs is not None:
        return all(_is_subtype(x, y) for x, y in pairs)
    if isinstance(a, (TensorShape, TypeSpec)) and isinstance(b, (TensorShape, TypeSpec)):
        return bool(a.is_subtype_of(b))
    return _equal(a, b)


def _is_compatible(a: Any, b: Any) -> bool:
    pairs = _pairs(a, b)
    if pairs is not None:
        return all(_is_compatible(x, y) for x, y in pairs)
    if isinstance(a, (TensorShape, TypeSpec)) and isinstance(b, (TensorShape, TypeSpec)):
        return bool(a.is_compatible_with(b))
    return _equal(a, b)


def _common(a: Any, others: list[Any]) -> Any:
    if isinstance(a, (TensorShape, TypeSpec)):
        merged = a.most_specific_common_supertype(others)
        if merged is None:
            raise _NoSupertype
        return merged
    if isinstance(a, (list, tuple)):
        if any(type(b) is not type(a) or len(b) != len(a) for b in others):
            raise _NoSupertype
        parts = [_common(part, [b[i] for b in others]) for i, part in enumerate(a)]
        return type(a)(*parts) if hasattr(a, "_fields") else type(a)(parts)
    if isinstance(a, dict):
        if any(not isinstance(b, dict) or list(b) != list(a) for b in others):
            raise _NoSupertype
        return {key: _common(part, [b[key] for b in others]) for key, part in a.items()}
    if not all(_equal(a, b) for b in others):
        raise _NoSupertype
    return a


nest.register_composite(
    CompositeTensor,
    lambda value: value._type_spec._to_components(value),
    lambda value, components: value._type_spec._from_components(components),
)
nest.register_composite(
    TypeSpec, lambda spec: spec._component_specs, lambda spec, components: spec._from_components(components)
)
nest.register_leaf(TensorSpec)
