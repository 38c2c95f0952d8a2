"""The structure of elements: tuples, named tuples and dictionaries of leaves; a list is not structure but a tensor.

Between nodes an element is a tuple with one entry for each leaf: the runtime value of a dense tensor, a tuple of them
for a sparse, ragged or other composite leaf, None for None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec


class NoneTensorSpec(TypeSpec):
    """The type of None, which elements may hold."""

    __slots__ = ()

    @property
    def value_type(self) -> type:
        return type(None)

    def _serialize(self) -> tuple[Any, ...]:
        return ()

    @property
    def _component_specs(self) -> Any:
        return []

    def _to_components(self, value: Any) -> Any:
        return []

    def _from_components(self, components: Any) -> Any:
        return None

    def _batch(self, batch_size: int | None) -> NoneTensorSpec:
        return self

    def _unbatch(self) -> NoneTensorSpec:
        return self

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether the other is None too."""
        return spec_or_value is None or isinstance(spec_or_value, NoneTensorSpec)


def is_structure(value: Any) -> bool:
    """Tell whether `value` holds leaves rather than being one."""
    return isinstance(value, (tuple, Mapping)) or nest.is_attrs(value)


def children(structure: Any) -> list[Any]:
    """Return what a structure holds, dictionaries in the order of their sorted keys."""
    if isinstance(structure, tuple):
        return list(structure)
    if isinstance(structure, Mapping):
        return [structure[key] for key in sorted(structure)]
    return [getattr(structure, attribute.name) for attribute in structure.__attrs_attrs__]


def rebuild(structure: Any, items: Sequence[Any]) -> Any:
    """Return a structure of the same kind that holds `items`."""
    if isinstance(structure, tuple):
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    if isinstance(structure, Mapping):
        by_key = dict(zip(sorted(structure), items, strict=True))
        pairs = [(key, by_key[key]) for key in structure]
        kind = type(structure)
        return dict(pairs) if kind is dict or not issubclass(kind, dict) else kind(pairs)
    return type(structure)(*items)


def flatten(structure: Any) -> list[Any]:
    """Return the leaves in order."""
    if not is_structure(structure):
        return [structure]
    return [leaf for child in children(structure) for leaf in flatten(child)]


def pack(structure: Any, leaves: Sequence[Any]) -> Any:
    """Return `leaves` in the shape of `structure`."""
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_structure(structure):
        return next(leaves)
    return rebuild(structure, [_pack(child, leaves) for child in children(structure)])


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Return the structure with `function` applied to each leaf."""
    return pack(structure, [function(leaf) for leaf in flatten(structure)])


def match(shallow: Any, deep: Any, what: str) -> list[Any]:
    """Return the parts of `deep` that stand where `shallow` has leaves; lists in `deep` are structure there.

    Raises:
        ValueError: if the structures differ.
    """
    if not is_structure(shallow):
        return [deep]
    if isinstance(deep, list):
        deep = tuple(deep)
    if not is_structure(deep) or len(children(shallow)) != len(children(deep)):
        raise ValueError(f"{what} must have the structure of the elements, {shallow!r}; got {deep!r}")
    return [leaf for a, b in zip(children(shallow), children(deep), strict=True) for leaf in match(a, b, what)]


def leaf_of(value: Any, dtype: Any = None) -> Any:
    """Return a value as a leaf: a tensor, a composite value or None."""
    if value is None or isinstance(value, CompositeTensor):
        return value
    return value if isinstance(value, Tensor) and dtype is None else convert_to_tensor(value, dtype)


def normalize(element: Any) -> Any:
    """Return an element as users give it with every leaf a tensor, composite value or None."""
    return map_leaves(leaf_of, element)


def spec_of_leaf(leaf: Any) -> TypeSpec:
    """Return the spec of a normalized leaf."""
    if leaf is None:
        return NoneTensorSpec()
    if isinstance(leaf, CompositeTensor):
        return leaf._type_spec
    return TensorSpec(leaf.shape, leaf.dtype.base_dtype)


def spec_of(element: Any) -> Any:
    """Return the element spec of a normalized element."""
    return map_leaves(spec_of_leaf, element)


def tensors_of_leaf(spec: TypeSpec, leaf: Any) -> list[Any]:
    """Return the tensors that a leaf is made of."""
    if isinstance(spec, TensorSpec):
        return [leaf]
    return [] if leaf is None else spec.to_tensors(leaf)


def value_of_leaf(spec: TypeSpec, leaf: Any) -> Any:
    """Return a leaf of eager tensors as it travels between nodes."""
    if isinstance(spec, TensorSpec):
        return leaf.value
    return None if leaf is None else tuple(tensor.value for tensor in spec.to_tensors(leaf))


def leaf_of_value(spec: TypeSpec, value: Any) -> Any:
    """Return what travels between nodes as a leaf of eager tensors."""
    if type(spec) is TensorSpec:
        return EagerTensor(value, spec.dtype)
    if isinstance(spec, NoneTensorSpec):
        return None
    return spec.from_tensors([EagerTensor(item, part.dtype) for part, item in zip(spec.flatten(), value, strict=True)])


def flat_values(element: Any) -> list[Any]:
    """Return an element's runtime values, those of composite leaves one by one."""
    flat: list[Any] = []
    for item in element:
        if isinstance(item, tuple):
            flat.extend(item)
        elif item is not None:
            flat.append(item)
    return flat


class Structure:
    """The spec of elements, prepared for what is done with each one.

    Attributes:
        spec: the nested specs.
        leaves: the specs of the leaves.
        components: the specs of the tensors that the leaves are made of.
    """

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.leaves: list[Any] = flatten(spec)
        self.components: list[TensorSpec] = [part for leaf in self.leaves for part in _components(leaf)]
        self.is_flat = all(type(leaf) is TensorSpec for leaf in self.leaves)
        self.is_single = self.is_flat and not is_structure(spec)
        self.is_plain_tuple = self.is_flat and type(spec) is tuple and not any(is_structure(item) for item in spec)

    @property
    def types(self) -> list[Any]:
        """The types of the components."""
        return [part.dtype for part in self.components]

    @property
    def shapes(self) -> list[Any]:
        """The shapes of the components, as plain tuples."""
        return [part.shape.as_tuple() for part in self.components]

    def to_user(self, element: Sequence[Any]) -> Any:
        """Return what travels between nodes as nested eager tensors."""
        if self.is_single:
            return EagerTensor(element[0], self.leaves[0].dtype)
        leaves = [leaf_of_value(spec, value) for spec, value in zip(self.leaves, element, strict=True)]
        return tuple(leaves) if self.is_plain_tuple else pack(self.spec, leaves)

    def from_flat(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return runtime values, one a component, as an element travels between nodes."""
        if self.is_flat:
            return tuple(values)
        result: list[Any] = []
        position = 0
        for spec in self.leaves:
            if type(spec) is TensorSpec:
                result.append(values[position])
                position += 1
            elif isinstance(spec, NoneTensorSpec):
                result.append(None)
            else:
                count = len(_components(spec))
                result.append(tuple(values[position : position + count]))
                position += count
        return tuple(result)

    def from_tensors(self, tensors: Sequence[Any]) -> Any:
        """Return tensors, one a component, nested as an element; in a graph as well as eagerly."""
        remaining = iter(tensors)
        leaves = []
        for spec in self.leaves:
            if type(spec) is TensorSpec:
                leaves.append(next(remaining))
            elif isinstance(spec, NoneTensorSpec):
                leaves.append(None)
            else:
                leaves.append(spec.from_tensors([next(remaining) for _ in _components(spec)]))
        return pack(self.spec, leaves)

    def to_tensors(self, element: Any) -> list[Any]:
        """Return the tensors of a nested element, one a component."""
        leaves = [leaf_of(leaf) for leaf in match(self.spec, element, "An element")]
        return [t for spec, leaf in zip(self.leaves, leaves, strict=True) for t in tensors_of_leaf(spec, leaf)]

    def from_user(self, element: Any) -> tuple[Any, ...]:
        """Return a nested element of eager tensors as it travels between nodes."""
        assert executing_eagerly()
        leaves = [leaf_of(leaf) for leaf in match(self.spec, element, "An element")]
        return tuple(value_of_leaf(spec, leaf) for spec, leaf in zip(self.leaves, leaves, strict=True))


def _components(spec: Any) -> list[TensorSpec]:
    return [spec] if isinstance(spec, TensorSpec) else spec.flatten()
