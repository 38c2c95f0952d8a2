"""Iterators over datasets: of TensorFlow 2, and of graphs."""

from __future__ import annotations

import abc
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import resource
from penstock.core.errors import OutOfRangeError
from penstock.core.operation import Operation
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec
from penstock.data import structure as nested
from penstock.data.optional import Optional
from penstock.data.structure import Structure
from penstock.language.autograph import Status, autograph_status
from penstock.ops.data.iterators import (
    IteratorResource,
    iterator_from_string_handle_op,
    iterator_get_next_as_optional_op,
    iterator_get_next_op,
    iterator_op,
    iterator_to_string_handle_op,
    make_iterator_op,
    one_shot_iterator_op,
)
from penstock.ops.data.optional import OptionalValue
from penstock.ops.sparse.densifying import to_dense

_MOST_CALLS_IN_A_GRAPH = 32


class IteratorBase(abc.ABC):
    """What `tf.data.Iterator` names: something that gives the elements of a dataset one by one."""

    @property
    @abc.abstractmethod
    def element_spec(self) -> Any:
        """The specs of the elements."""

    @abc.abstractmethod
    def get_next(self) -> Any:
        """Return the next element.

        Raises:
            OutOfRangeError: at the end.
        """

    @abc.abstractmethod
    def get_next_as_optional(self) -> Optional:
        """Return the next element, or an optional without a value at the end."""

    @abc.abstractmethod
    def __iter__(self) -> Any:
        """Return the iterator itself."""

    @abc.abstractmethod
    def __next__(self) -> Any:
        """Return the next element."""


class IteratorSpec(TypeSpec):
    """The type of an iterator.

    Args:
        element_spec: the specs of the elements.
    """

    __slots__ = ("_element_spec", "_known_hash", "_known_key")

    def __init__(self, element_spec: Any) -> None:
        self._element_spec = element_spec
        self._known_key: Any = None
        self._known_hash: int | None = None

    # A function that takes an iterator looks its trace up in each step.
    def _key(self) -> Any:
        if self._known_key is None:
            self._known_key = super()._key()
        return self._known_key

    __eq__ = TypeSpec.__eq__

    def __hash__(self) -> int:
        if self._known_hash is None:
            self._known_hash = hash(self._key())
        return self._known_hash

    @classmethod
    def from_value(cls, value: OwnedIterator) -> IteratorSpec:
        """Return the spec of an iterator."""
        return cls(value.element_spec)

    @property
    def value_type(self) -> type:
        return OwnedIterator

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> Any:
        return TensorSpec([], resource)

    def _to_components(self, value: Any) -> Any:
        return value._iterator_resource

    def _from_components(self, components: Any) -> Any:
        return OwnedIterator(components=components, element_spec=self._element_spec)


class OwnedIterator(CompositeTensor, IteratorBase):
    """An iterator of eager execution, and what functions get as their argument for one.

    Args:
        dataset: what to iterate over.
        components, element_spec: the handle of an iterator that exists.
    """

    def __init__(self, dataset: Any = None, components: Tensor | None = None, element_spec: Any = None) -> None:
        self._calls = 0
        if dataset is not None:
            self._structure: Structure = dataset._node.structure
            held = IteratorResource()
            held.start(dataset._variant_tensor.value)
            self._iterator_resource: Tensor = EagerTensor(held, resource)
        else:
            assert components is not None
            self._structure = Structure(element_spec)
            self._iterator_resource = components
        self._spec = IteratorSpec(self._structure.spec)

    @property
    def element_spec(self) -> Any:
        return self._structure.spec

    @property
    def _type_spec(self) -> IteratorSpec:
        return self._spec

    def _eager_next(self) -> Any:
        structure = self._structure
        values = self._iterator_resource.value.next()  # type: ignore[attr-defined]
        return None if values is None else (structure.to_user(structure.from_flat(values)),)

    def __iter__(self) -> OwnedIterator:
        return self

    def __next__(self) -> Any:
        if not executing_eagerly():
            self._calls += 1
            if self._calls > _MOST_CALLS_IN_A_GRAPH and autograph_status() is not Status.ENABLED:
                raise ValueError(
                    "An iterator was called many times while one graph is built: a Python loop over it would never "
                    "end. Let AutoGraph convert the loop, by @tf.function without do_not_convert, or use "
                    "dataset.reduce."
                )
            return self.get_next()
        found = self._eager_next()
        if found is None:
            raise StopIteration
        return found[0]

    def get_next(self) -> Any:
        if executing_eagerly():
            found = self._eager_next()
            if found is None:
                raise OutOfRangeError(None, None, "End of sequence [Op:IteratorGetNext]")
            return found[0]
        structure = self._structure
        tensors = iterator_get_next_op(
            self._iterator_resource, output_types=structure.types, output_shapes=structure.shapes
        )
        return structure.from_tensors(tensors)

    def get_next_as_optional(self) -> Optional:
        structure = self._structure
        if executing_eagerly():
            held = OptionalValue(self._iterator_resource.value.next())  # type: ignore[attr-defined]
            return Optional(EagerTensor(held, dtypes.variant), structure.spec)
        tensor = iterator_get_next_as_optional_op(
            self._iterator_resource, output_types=structure.types, output_shapes=structure.shapes
        )
        return Optional(tensor, structure.spec)


class NumpyIterator:
    """The elements of a dataset as NumPy arrays.

    Args:
        dataset: what to iterate over, in eager execution.
    """

    def __init__(self, dataset: Any) -> None:
        self._iterator = iter(dataset)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return nested.map_leaves(_to_numpy, next(self._iterator))

    def next(self) -> Any:
        """Return the next element."""
        return next(self)


def _to_numpy(leaf: Any) -> Any:
    if leaf is None or hasattr(leaf, "as_numpy_iterator"):
        return leaf
    if isinstance(leaf, SparseTensor):
        return to_dense(leaf).numpy()  # type: ignore[attr-defined]
    return leaf.numpy() if hasattr(leaf, "numpy") else leaf


# Graphs


class GraphIterator(IteratorBase):
    """An iterator of a graph: of `make_initializable_iterator`, `make_one_shot_iterator` and `from_structure`.

    Args:
        iterator_resource: its handle.
        initializer: the operation that starts it, None if it starts by itself or is given one later.
        output_types, output_shapes, output_classes: nested descriptions of the elements.
    """

    def __init__(
        self, iterator_resource: Any, initializer: Any, output_types: Any, output_shapes: Any, output_classes: Any
    ) -> None:
        self._iterator_resource = iterator_resource
        self._initializer = initializer
        self._structure = Structure(spec_of_description(output_types, output_shapes, output_classes))

    @classmethod
    def _of(cls, handle: Any, initializer: Any, structure: Structure) -> GraphIterator:
        iterator = object.__new__(cls)
        iterator._iterator_resource = handle
        iterator._initializer = initializer
        iterator._structure = structure
        return iterator

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> GraphIterator:
        """Return an iterator without a dataset, which `make_initializer` gives it.

        Args:
            output_types: the nested types of the elements.
            output_shapes: their nested shapes, unknown by default.
            shared_name: the name under which sessions on one server share it.
            output_classes: the nested classes of the elements, dense tensors by default.
        """
        structure = Structure(spec_of_description(output_types, output_shapes, output_classes))
        handle = iterator_op(
            shared_name=shared_name or "",
            container="",
            output_types=structure.types,
            output_shapes=structure.shapes,
            name="IteratorV2",
        )
        return GraphIterator._of(handle, None, structure)

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> GraphIterator:
        """Return the iterator of a handle that is fed.

        Args:
            string_handle: a string scalar, of what `iterator.string_handle()` evaluates to.
            output_types, output_shapes, output_classes: see `from_structure`.
        """
        structure = Structure(spec_of_description(output_types, output_shapes, output_classes))
        handle = iterator_from_string_handle_op(
            convert_to_tensor(string_handle, dtypes.string),
            output_types=structure.types,
            output_shapes=structure.shapes,
        )
        return GraphIterator._of(handle, None, structure)

    @property
    def initializer(self) -> Operation:
        """The operation that starts it.

        Raises:
            ValueError: if it has none.
        """
        if self._initializer is None:
            raise ValueError(
                "The iterator does not have an initializer. This means it was likely created using "
                "`tf.data.Dataset.make_one_shot_iterator()`. For an initializable iterator, use "
                "`tf.data.Dataset.make_initializable_iterator()` instead."
            )
        return self._initializer

    def make_initializer(self, dataset: Any, name: str | None = None) -> Operation:
        """Return an operation that starts this iterator on a dataset.

        Raises:
            TypeError: if the elements of the dataset are of other types, structure or shapes.
        """
        mine, theirs = self._structure, dataset._node.structure
        try:
            parts = nested.match(mine.spec, theirs.spec, "")
        except ValueError:
            parts = []
        if len(parts) != len(mine.leaves) or any(
            not spec.is_compatible_with(part) for spec, part in zip(mine.leaves, parts, strict=True)
        ):
            raise TypeError(
                f"The element structure of the iterator, {mine.spec}, must match that of the dataset, {theirs.spec}."
            )
        return make_iterator_op(dataset._variant_tensor, self._iterator_resource, name=name)

    @property
    def element_spec(self) -> Any:
        return self._structure.spec

    @property
    def output_types(self) -> Any:
        """The nested types of the elements."""
        return nested.map_leaves(lambda spec: spec.dtype, self._structure.spec)

    @property
    def output_shapes(self) -> Any:
        """The nested shapes of the elements."""
        return nested.map_leaves(lambda spec: spec.shape, self._structure.spec)

    @property
    def output_classes(self) -> Any:
        """The nested classes of the elements."""
        return nested.map_leaves(lambda spec: spec.value_type, self._structure.spec)

    def get_next(self, name: str | None = None) -> Any:
        structure = self._structure
        tensors = iterator_get_next_op(
            self._iterator_resource, output_types=structure.types, output_shapes=structure.shapes, name=name
        )
        return structure.from_tensors(tensors)

    def get_next_as_optional(self) -> Optional:
        structure = self._structure
        tensor = iterator_get_next_as_optional_op(
            self._iterator_resource, output_types=structure.types, output_shapes=structure.shapes
        )
        return Optional(tensor, structure.spec)

    def string_handle(self, name: str | None = None) -> Tensor:
        """Return a string that names the iterator to `from_string_handle`."""
        return iterator_to_string_handle_op(self._iterator_resource, name=name)

    def __iter__(self) -> Any:
        raise TypeError("an iterator of a graph is not iterable: run get_next() in a session")

    def __next__(self) -> Any:
        return self.get_next()


def initializable_iterator(dataset: Any, shared_name: str | None) -> GraphIterator:
    """Return an iterator of the current graph over a dataset; its `initializer` starts it."""
    structure = dataset._node.structure
    handle = iterator_op(
        shared_name=shared_name or "",
        container="",
        output_types=structure.types,
        output_shapes=structure.shapes,
        name="IteratorV2",
    )
    initializer = make_iterator_op(dataset._variant_tensor, handle)
    return GraphIterator._of(handle, initializer, structure)


def one_shot_iterator(dataset: Any) -> GraphIterator:
    """Return an iterator of the current graph that starts by itself, once in each session."""
    handle = one_shot_iterator_op(dataset._variant_tensor, name="OneShotIterator")
    return GraphIterator._of(handle, None, dataset._node.structure)


def spec_of_description(types: Any, shapes: Any = None, classes: Any = None) -> Any:
    """Return an element spec from nested types, shapes and classes."""
    if not nested.is_structure(types) and isinstance(types, list):
        types = tuple(types)
    kinds = nested.flatten(types)
    sizes = [None] * len(kinds) if shapes is None else nested.match(types, _shapes_as_leaves(types, shapes), "Shapes")
    owners = [Tensor] * len(kinds) if classes is None else nested.match(types, classes, "Classes")
    return nested.pack(types, [_spec(*parts) for parts in zip(kinds, sizes, owners, strict=True)])


def _shapes_as_leaves(types: Any, shapes: Any) -> Any:
    """Return nested shapes with tuples that are shapes, rather than structure, made TensorShapes."""
    if not nested.is_structure(types):
        return TensorShape(shapes)
    if isinstance(types, dict):
        return {key: _shapes_as_leaves(types[key], shapes[key]) for key in types}
    return tuple(_shapes_as_leaves(t, s) for t, s in zip(types, shapes, strict=True))


def _spec(dtype: Any, shape: Any, owner: Any) -> TypeSpec:
    if owner is Tensor or owner is None or issubclass(owner, Tensor):
        return TensorSpec(TensorShape(shape), dtype)
    from_description = getattr(owner, "_spec_from_description", None)
    if from_description is None:
        raise TypeError(f"elements of class {owner.__name__} cannot be described by a type and a shape")
    return from_description(TensorShape(shape), dtype)


def get_next_as_optional(iterator: Any) -> Optional:
    """Return the next element of an iterator, or an optional without a value at its end."""
    return iterator.get_next_as_optional()
