"""Elements joined into batches, and batches taken apart, leaf by leaf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import dims_of
from penstock.core.context import eager_mode
from penstock.core.errors import InvalidArgumentError
from penstock.core.sparse_tensor import SparseTensorSpec
from penstock.core.type_spec import TensorSpec
from penstock.data import ragged
from penstock.data.node import Element
from penstock.data.structure import NoneTensorSpec, Structure, flat_values, leaf_of_value, value_of_leaf
from penstock.language.extension_type import BatchableExtensionTypeSpec
from penstock.ops.data import values
from penstock.ops.ragged.ragged_tensor import RaggedTensorSpec


def batch_elements(structure: Structure, elements: Sequence[Element]) -> Element:
    """Return several elements as one, each leaf with a new first axis.

    Raises:
        InvalidArgumentError: if the shapes of a leaf differ.
    """
    return tuple(
        batch_leaf(spec, None, [element[index] for element in elements], index)
        for index, spec in enumerate(structure.leaves)
    )


def batch_leaf(spec: Any, batch_spec: Any, items: list[Any], index: int) -> Any:
    """Return a leaf of several elements as one.

    Args:
        spec: the spec of the leaf.
        batch_spec: that of the batch; None for the plain one.
        items: the leaves, as they travel between nodes.
        index: the number of the leaf, for messages.
    """
    if type(spec) is TensorSpec and (batch_spec is None or type(batch_spec) is TensorSpec):
        first = dims_of(items[0])
        for number, item in enumerate(items):
            if dims_of(item) != first:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Cannot batch tensors with different shapes in component {index}. First element had shape "
                    f"{list(first)} and element {number} had shape {list(dims_of(item))}. Use padded_batch or "
                    "ragged_batch.",
                )
        return values.stack(items)
    if isinstance(spec, NoneTensorSpec):
        return None
    if isinstance(spec, SparseTensorSpec):
        return _stack_sparse(items)
    if isinstance(spec, BatchableExtensionTypeSpec):
        columns = zip(*(_parts(spec, item) for item in items), strict=True)
        parts = zip(spec._component_specs, columns, strict=True)
        return _joined([batch_leaf(part, None, list(column), index) for part, column in parts])
    result_spec = spec._batch(len(items)) if batch_spec is None else batch_spec
    if not isinstance(result_spec, RaggedTensorSpec):
        raise InvalidArgumentError(None, None, f"Elements of {spec!r} cannot be batched.")
    with eager_mode():
        return value_of_leaf(result_spec, ragged.stack_rows(result_spec, [leaf_of_value(spec, item) for item in items]))


def _parts(spec: Any, item: Any) -> list[Any]:
    """Return what a leaf of an extension type travels as, one entry for each of its fields' values."""
    remaining = iter(item)
    return [
        next(remaining) if type(part) is TensorSpec else tuple(next(remaining) for _ in part.flatten())
        for part in spec._component_specs
    ]


def _joined(parts: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(flat_values(parts))


def batched_spec(spec: Any, size: int | None) -> Any:
    """Return the spec of a batch of a leaf.

    Raises:
        TypeError: if values of the leaf's kind cannot be batched.
    """
    if not hasattr(spec, "_batch"):
        raise TypeError(f"Unable to create a batch of {spec!r}: values of this kind cannot be stacked.")
    return spec._batch(size)


def ragged_batch_spec(spec: Any, size: int | None, row_splits_dtype: Any) -> Any:
    """Return the spec of a batch of a leaf that is ragged where the leaf's sizes are open."""
    if type(spec) is not TensorSpec or spec.shape.rank is None or spec.shape.is_fully_defined():
        return batched_spec(spec, size)
    return ragged.ragged_spec(spec, size, row_splits_dtype)


def sparse_rows(items: Sequence[Any], row_shape: Sequence[int | None]) -> Any:
    """Return dense values of any sizes as the components of one sparse value.

    Raises:
        InvalidArgumentError: if an item is larger than `row_shape`.
    """
    rank = len(row_shape)
    sizes = [
        max(dims_of(item)[axis] for item in items) if size is None else size for axis, size in enumerate(row_shape)
    ]
    indices, found = [], []
    for number, item in enumerate(items):
        if len(dims_of(item)) != rank or any(a > b for a, b in zip(dims_of(item), sizes, strict=True)):
            raise InvalidArgumentError(
                None, None, f"Dataset element with shape {list(dims_of(item))} does not fit the row shape {sizes}."
            )
        numbers = np.asarray(array.to_numpy(item))
        positions = np.stack(np.meshgrid(*map(np.arange, numbers.shape), indexing="ij"), -1).reshape(-1, rank)
        indices.append(np.insert(positions, 0, number, axis=1))
        found.append(numbers.reshape(-1))
    return (
        array.from_numpy(np.concatenate(indices).astype(np.int64)),
        array.from_numpy(np.concatenate(found)),
        array.from_numpy(np.array([len(items), *sizes], dtype=np.int64)),
    )


def _stack_sparse(items: list[Any]) -> Any:
    """Return sparse values (indices, values, dense shape) stacked along a new first axis."""
    indices = [np.insert(array.to_numpy(item[0]), 0, number, axis=1) for number, item in enumerate(items)]
    shapes = np.stack([array.to_numpy(item[2]) for item in items])
    return (
        array.from_numpy(np.concatenate(indices).astype(np.int64)),
        values.concatenate([item[1] for item in items]),
        array.from_numpy(np.array([len(items), *shapes.max(axis=0)], dtype=np.int64)),
    )


def _unstack_sparse(item: Any) -> list[Any]:
    indices, found, shape = item
    positions = np.asarray(array.to_numpy(indices))
    rows = []
    for number in range(int(shape[0])):
        chosen = np.flatnonzero(positions[:, 0] == number)
        rows.append((array.from_numpy(positions[chosen, 1:].copy()), values.take(found, chosen.tolist()), shape[1:]))
    return rows


def unbatch_element(structure: Structure, element: Element) -> list[Element]:
    """Return the rows of an element as elements.

    Raises:
        InvalidArgumentError: if leaves have different numbers of rows.
    """
    columns = [_unbatch_leaf(spec, item) for spec, item in zip(structure.leaves, element, strict=True)]
    sizes = {len(column) for column in columns if column is not None}
    if len(sizes) > 1:
        raise InvalidArgumentError(
            None, None, f"Input element must have the same batch size in each component. Got {sorted(sizes)}."
        )
    count = sizes.pop() if sizes else 0
    return [tuple(None if column is None else column[index] for column in columns) for index in range(count)]


def _unbatch_leaf(spec: Any, item: Any) -> list[Any] | None:
    if type(spec) is TensorSpec:
        return [values.row(item, index) for index in range(values.num_rows(item))]
    if isinstance(spec, NoneTensorSpec):
        return None
    if isinstance(spec, SparseTensorSpec):
        return _unstack_sparse(item)
    if isinstance(spec, BatchableExtensionTypeSpec):
        pairs = zip(spec._component_specs, _parts(spec, item), strict=True)
        columns = [_unbatch_leaf(part, value) or [] for part, value in pairs]
        return [_joined(row) for row in zip(*columns, strict=True)]
    if not isinstance(spec, RaggedTensorSpec):
        raise InvalidArgumentError(None, None, f"Elements of {spec!r} cannot be taken apart.")
    unbatched = spec._unbatch()
    with eager_mode():
        return [value_of_leaf(unbatched, row) for row in ragged.rows_of(leaf_of_value(spec, item))]
