"""Steps between elements and batches of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from penstock.core.array import dims_of
from penstock.core.errors import InvalidArgumentError
from penstock.core.sparse_tensor import SparseTensorSpec
from penstock.core.type_spec import TensorSpec
from penstock.data import structure as nested
from penstock.data.batches import (
    batch_elements,
    batch_leaf,
    batched_spec,
    ragged_batch_spec,
    sparse_rows,
    unbatch_element,
)
from penstock.data.node import INFINITE, UNKNOWN, Element, Node, PipelineValue, Run
from penstock.ops.data import values


def check_batch_size(size: Any) -> None:
    """Check a batch size that is known.

    Raises:
        InvalidArgumentError: if it is not positive.
    """
    if isinstance(size, int) and size <= 0:
        raise InvalidArgumentError(None, None, f"Batch size must be greater than zero. Got batch_size={size}.")


def _count_batches(source: Node, run: Run, size: int, drop_remainder: bool) -> int:
    count = source.cardinality(run)
    if count < 0:
        return count
    return count // size if drop_remainder else -(-count // size)


class Batch(Node):
    """Consecutive elements, stacked."""

    def __init__(self, input: Node, size: Any, drop_remainder: bool) -> None:
        check_batch_size(size)
        static = size if drop_remainder and isinstance(size, int) else None
        spec = nested.map_leaves(lambda leaf: batched_spec(leaf, static), input.structure.spec)
        super().__init__(spec, [input], [size])
        self.drop_remainder = drop_remainder

    def iterate(self, run: Run) -> Iterator[Element]:
        size = run.number(self.arguments[0])
        check_batch_size(size)
        (source,) = self.inputs
        indexed = source.indexed(run)
        if indexed is not None:
            indices, take, is_ordered = indexed.indices, indexed.take, indexed.is_ordered
            while chosen := list(itertools.islice(indices, size)):
                if len(chosen) < size and self.drop_remainder:
                    return
                yield take(chosen, is_ordered)
            return
        elements = source.iterate(run)
        while group := list(itertools.islice(elements, size)):
            if len(group) < size and self.drop_remainder:
                return
            yield batch_elements(source.structure, group)

    def cardinality(self, run: Run) -> int:
        return _count_batches(self.inputs[0], run, run.number(self.arguments[0]), self.drop_remainder)


class PaddedBatch(Node):
    """Consecutive elements, padded to one shape and stacked.

    Args:
        shapes: for each leaf, the shape to pad to; None for a size means that of the largest in the batch.
        paddings: for each leaf, what to pad with.
    """

    def __init__(
        self,
        input: Node,
        size: Any,
        shapes: Sequence[tuple[int | None, ...]],
        paddings: Sequence[Any],
        drop_remainder: bool,
    ) -> None:
        check_batch_size(size)
        static = size if drop_remainder and isinstance(size, int) else None
        specs = [
            TensorSpec([static, *shape], leaf.dtype) for shape, leaf in zip(shapes, input.structure.leaves, strict=True)
        ]
        super().__init__(nested.pack(input.structure.spec, specs), [input], [size, *paddings])
        self.shapes = list(shapes)
        self.drop_remainder = drop_remainder

    def iterate(self, run: Run) -> Iterator[Element]:
        size, *paddings = map(run.number, self.arguments)
        elements = self.inputs[0].iterate(run)
        while group := list(itertools.islice(elements, size)):
            if len(group) < size and self.drop_remainder:
                return
            yield tuple(
                self._pad([element[index] for element in group], shape, padding, index)
                for index, (shape, padding) in enumerate(zip(self.shapes, paddings, strict=True))
            )

    def _pad(self, items: list[Any], shape: tuple[int | None, ...], padding: Any, index: int) -> Any:
        for item in items:
            if len(dims_of(item)) != len(shape):
                raise InvalidArgumentError(
                    None,
                    None,
                    f"All elements in a batch must have the same rank as the padded shape for component{index}: "
                    f"expected rank {len(shape)} but got element with rank {len(dims_of(item))}",
                )
        dims = []
        for axis, wanted in enumerate(shape):
            largest = max(dims_of(item)[axis] for item in items)
            if wanted is not None and largest > wanted:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Attempted to pad to a smaller size than the input element: axis {axis} of component {index} has "
                    f"size {largest}, and is to be padded to {wanted}.",
                )
            dims.append(largest if wanted is None else wanted)
        return values.pad_and_stack(items, dims, padding)

    def cardinality(self, run: Run) -> int:
        return _count_batches(self.inputs[0], run, run.number(self.arguments[0]), self.drop_remainder)


class RaggedBatch(Node):
    """Consecutive elements, stacked into ragged tensors where their static shapes leave sizes open.

    Args:
        row_splits_dtype: the type of the row splits.
    """

    def __init__(self, input: Node, size: Any, drop_remainder: bool, row_splits_dtype: Any) -> None:
        check_batch_size(size)
        static = size if drop_remainder and isinstance(size, int) else None
        specs = [ragged_batch_spec(leaf, static, row_splits_dtype) for leaf in input.structure.leaves]
        super().__init__(nested.pack(input.structure.spec, specs), [input], [size])
        self.drop_remainder = drop_remainder

    def iterate(self, run: Run) -> Iterator[Element]:
        size = run.number(self.arguments[0])
        (source,) = self.inputs
        elements = source.iterate(run)
        while group := list(itertools.islice(elements, size)):
            if len(group) < size and self.drop_remainder:
                return
            yield tuple(
                batch_leaf(leaf, spec, [element[index] for element in group], index)
                for index, (leaf, spec) in enumerate(zip(source.structure.leaves, self.structure.leaves, strict=True))
            )

    def cardinality(self, run: Run) -> int:
        return _count_batches(self.inputs[0], run, run.number(self.arguments[0]), self.drop_remainder)


class SparseBatch(Node):
    """Consecutive elements, stacked into sparse tensors.

    Args:
        row_shape: the dense shape of a row, at least that of each element.
    """

    def __init__(self, input: Node, size: Any, row_shape: tuple[int | None, ...]) -> None:
        check_batch_size(size)
        (leaf,) = input.structure.leaves
        super().__init__(SparseTensorSpec([None, *row_shape], leaf.dtype), [input], [size])
        self.row_shape = row_shape

    def iterate(self, run: Run) -> Iterator[Element]:
        size = run.number(self.arguments[0])
        elements = self.inputs[0].iterate(run)
        while group := list(itertools.islice(elements, size)):
            yield (sparse_rows([element[0] for element in group], self.row_shape),)

    def cardinality(self, run: Run) -> int:
        return _count_batches(self.inputs[0], run, run.number(self.arguments[0]), False)


class Unbatch(Node):
    """The rows of elements."""

    def __init__(self, input: Node) -> None:
        super().__init__(nested.map_leaves(lambda leaf: leaf._unbatch(), input.structure.spec), [input])

    def iterate(self, run: Run) -> Iterator[Element]:
        (source,) = self.inputs
        for element in source.iterate(run):
            yield from unbatch_element(source.structure, element)

    def cardinality(self, run: Run) -> int:
        (source,) = self.inputs
        count = source.cardinality(run)
        sizes = {spec.shape[0] for spec in source.structure.leaves if hasattr(spec, "shape") and spec.shape.rank}
        size = next(iter(sizes), None) if len(sizes) == 1 else None
        if count == INFINITE or (count >= 0 and size is None):
            return INFINITE if count == INFINITE else UNKNOWN
        return UNKNOWN if count < 0 or size is None else count * size


class Rebatch(Node):
    """The rows of batches, in batches of another size, or of several sizes in turn."""

    def __init__(self, input: Node, size: Any, drop_remainder: bool) -> None:
        sizes = size if isinstance(size, list) else [size]
        for each in sizes:
            check_batch_size(each)
        is_one = len(set(map(str, sizes))) == 1
        static = sizes[0] if drop_remainder and is_one and isinstance(sizes[0], int) else None
        spec = nested.map_leaves(lambda leaf: leaf._unbatch()._batch(static), input.structure.spec)
        super().__init__(spec, [input], sizes)
        self.drop_remainder = drop_remainder

    def iterate(self, run: Run) -> Iterator[Element]:
        rows = Unbatch(self.inputs[0])
        if len(self.arguments) == 1:
            yield from Batch(rows, self.arguments[0], self.drop_remainder).iterate(run)
            return
        elements = rows.iterate(run)
        for size in itertools.cycle([run.number(item) for item in self.arguments]):
            group = list(itertools.islice(elements, size))
            if not group or len(group) < size and self.drop_remainder:
                return
            yield batch_elements(rows.structure, group)


class Window(Node):
    """Consecutive elements as datasets of their own.

    Args:
        size: the number of elements in a window.
        shift: how far the next window begins behind the last.
        stride: the distance of the elements of a window.
        drop_remainder: whether windows that are cut off by the end are left out.
    """

    def __init__(
        self, input: Node, element_spec: Any, size: Any, shift: Any, stride: Any, drop_remainder: bool
    ) -> None:
        super().__init__(element_spec, [input], [size, shift, stride])
        self.drop_remainder = drop_remainder

    def iterate(self, run: Run) -> Iterator[Element]:
        size, shift, stride = (run.number(item) for item in self.arguments)
        structures = [nested.Structure(spec) for spec in self.inputs[0].structure.leaves]
        source = self.inputs[0].iterate(run)
        span = (size - 1) * stride + 1
        buffer: list[Element] = []
        skipped = 0
        ended = False
        while True:
            while len(buffer) < span and not ended:
                element = next(source, None)
                if element is None:
                    ended = True
                elif skipped:
                    skipped -= 1
                else:
                    buffer.append(element)
            if not buffer or (len(buffer) < span and self.drop_remainder):
                return
            window = buffer[0:span:stride]
            yield tuple(
                (PipelineValue(Held(structure, [(element[index],) for element in window]), Run()),)
                for index, structure in enumerate(structures)
            )
            skipped = max(0, shift - len(buffer))
            del buffer[:shift]
            if ended and not buffer:
                return

    def cardinality(self, run: Run) -> int:
        count = self.inputs[0].cardinality(run)
        if count < 0:
            return count
        size, shift, stride = (run.number(item) for item in self.arguments)
        if not self.drop_remainder:
            return -(-count // shift)
        span = (size - 1) * stride + 1
        return 0 if count < span else (count - span) // shift + 1


class Held(Node):
    """Elements that are already there, such as those of a window."""

    def __init__(self, structure: nested.Structure, elements: Sequence[Element]) -> None:
        super().__init__(structure)
        self.elements = elements

    def iterate(self, run: Run) -> Iterator[Element]:
        return iter(self.elements)

    def cardinality(self, run: Run) -> int:
        return len(self.elements)
