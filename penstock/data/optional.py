"""`tf.experimental.Optional`: an element, or nothing."""

from __future__ import annotations

from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.dtypes import bool_, variant
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec
from penstock.data import structure as nested
from penstock.data.structure import Structure
from penstock.ops.data.optional import (
    OptionalValue,
    optional_from_value_op,
    optional_get_value_op,
    optional_has_value_op,
    optional_none_op,
)


class OptionalSpec(TypeSpec):
    """The type of an `Optional`.

    Args:
        element_spec: the specs of the value that it may hold.
    """

    __slots__ = ("_element_spec", "_structure")

    def __init__(self, element_spec: Any) -> None:
        super().__init__()
        self._element_spec = element_spec
        self._structure: Structure | None = None

    @classmethod
    def from_value(cls, value: Optional) -> OptionalSpec:
        """Return the spec of an optional."""
        return cls(value.element_spec)

    @property
    def value_type(self) -> type:
        return Optional

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> Any:
        return TensorSpec([], variant)

    def _to_components(self, value: Any) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Any:
        if self._structure is None and self._element_spec is not None:
            self._structure = Structure(self._element_spec)
        return Optional(components, self._element_spec, self._structure)

    def _key(self) -> Any:
        return type(self), repr(self._element_spec)

    # While a loop is built, the spec of its optional may not be known yet; the variant is the same for all.
    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether `other` is the spec of an optional."""
        return type(other) is type(self)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether the other is an optional."""
        return isinstance(spec_or_value, (Optional, OptionalSpec))

    def most_specific_common_supertype(self, others: Any) -> OptionalSpec | None:
        """Return this spec if all the others are of optionals too."""
        return self if all(type(other) is type(self) for other in others) else None


class Optional(CompositeTensor):
    """An element, or nothing. Made by `from_value`, `empty`, and `Iterator.get_next_as_optional`.

    >>> int(Optional.from_value(3).get_value())
    3
    """

    def __init__(self, variant_tensor: Tensor, element_spec: Any, structure: Structure | None = None) -> None:
        self._variant_tensor = variant_tensor
        self._element_spec = element_spec
        self._structure = structure  # prepared for `element_spec`, where that is at hand

    @property
    def element_spec(self) -> Any:
        """The specs of the value."""
        return self._element_spec

    @property
    def _type_spec(self) -> OptionalSpec:
        return OptionalSpec(self._element_spec)

    @property
    def value_structure(self) -> Any:
        """The specs of the value."""
        return self._element_spec

    def has_value(self, name: str | None = None) -> Tensor:
        """Return a boolean scalar: whether there is a value."""
        held = self._variant_tensor
        if isinstance(held, EagerTensor) and executing_eagerly():
            return EagerTensor(optional_has_value_op.kernel(held.value), bool_)
        return optional_has_value_op(held, name=name)

    def get_value(self, name: str | None = None) -> Any:
        """Return the value.

        Raises:
            InvalidArgumentError: when it runs, if there is none.
        """
        structure = self._structure
        if structure is None or structure.spec is not self._element_spec:
            structure = self._structure = Structure(self._element_spec)
        if not structure.components:
            return structure.from_tensors([])
        if isinstance(self._variant_tensor, EagerTensor) and self._variant_tensor.value.components is not None:
            return structure.to_user(structure.from_flat(self._variant_tensor.value.components))
        tensors = optional_get_value_op(
            self._variant_tensor, output_types=structure.types, output_shapes=structure.shapes, name=name
        )
        return structure.from_tensors(tensors)

    @staticmethod
    def empty(element_spec: Any) -> Optional:
        """Return an optional without a value.

        Args:
            element_spec: the specs of the value that it might have had.
        """
        return Optional(optional_none_op(), element_spec)

    @staticmethod
    def from_value(value: Any) -> Optional:
        """Return an optional that holds `value`, nested tensors."""
        value = nested.normalize(value)
        structure = Structure(nested.spec_of(value))
        tensors = structure.to_tensors(value)
        if all(isinstance(tensor, EagerTensor) for tensor in tensors):
            held = OptionalValue([tensor.value for tensor in tensors])
            return Optional(EagerTensor(held, variant), structure.spec)
        return Optional(optional_from_value_op(tensors), structure.spec)

    def __repr__(self) -> str:
        return f"<Optional element_spec={self._element_spec}>"
