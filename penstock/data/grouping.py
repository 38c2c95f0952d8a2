"""Steps that gather elements by a key, or by length."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import Any

from penstock.core import array
from penstock.core.errors import InvalidArgumentError
from penstock.data.batching import Held, PaddedBatch
from penstock.data.node import Element, Node, PipelineValue, Run
from penstock.data.traced import TracedFunction


class GroupByWindow(Node):
    """For each key, windows of elements reduced to datasets, whose elements follow one another.

    Args:
        key: from an element to an int64.
        reduce: from a key and the dataset of a window to a dataset.
        window_size: the number of elements in a window, or a function from a key to it.
    """

    def __init__(
        self, input: Node, element_spec: Any, key: TracedFunction, reduce: TracedFunction, window_size: Any
    ) -> None:
        functions = [key, reduce, *([window_size] if isinstance(window_size, TracedFunction) else [])]
        arguments = [] if isinstance(window_size, TracedFunction) else [window_size]
        super().__init__(element_spec, [input], arguments, functions)
        self.key = key
        self.reduce = reduce
        self.window_size = window_size

    def iterate(self, run: Run) -> Iterator[Element]:
        (source,) = self.inputs
        key_of = self.key.on_elements(run)
        reduce = self.reduce.on_elements(run)
        size_of = self.window_size.on_elements(run) if isinstance(self.window_size, TracedFunction) else None
        groups: dict[int, list[Element]] = {}
        sizes: dict[int, int] = {}
        keys: dict[int, Any] = {}

        def emit(number: int) -> Iterator[Element]:
            window = PipelineValue(Held(source.structure, groups.pop(number)), Run())
            ((pipeline,),) = reduce((keys[number],), ((window,),))
            yield from pipeline.node.iterate(pipeline.run)

        for element in source.iterate(run):
            (key,) = key_of(element)
            number = array.to_python(key)
            keys[number] = key
            if number not in sizes:
                size = run.number(self.window_size) if size_of is None else array.to_python(size_of((key,))[0])
                sizes[number] = size
            group = groups.setdefault(number, [])
            group.append(element)
            if len(group) == sizes[number]:
                yield from emit(number)
        for number in sorted(groups):
            yield from emit(number)


def bucket_of(boundaries: Sequence[int], length: int) -> int:
    """Return the bucket of a length: how many boundaries are not above it."""
    return bisect.bisect_right(boundaries, length)


class GroupByReducer(Node):
    """For each key, what a reducer makes of the elements that have it.

    Args:
        key: from an element to an int64.
        init: from a key to a state.
        reduce: from a state and an element to the next state.
        finalize: from a state to an element.
    """

    def __init__(
        self, input: Node, key: TracedFunction, init: TracedFunction, reduce: TracedFunction, finalize: TracedFunction
    ) -> None:
        super().__init__(finalize.output, [input], functions=[key, init, reduce, finalize])

    def iterate(self, run: Run) -> Iterator[Element]:
        key_of, init, reduce, finalize = (function.on_elements(run) for function in self.functions)
        states: dict[int, Element] = {}
        for element in self.inputs[0].iterate(run):
            (key,) = key_of(element)
            number = array.to_python(key)
            if number not in states:
                states[number] = init((key,))
            states[number] = reduce(states[number], element)
        for number in sorted(states):
            yield finalize(states[number])


class BucketPadded(Node):
    """Batches of elements of similar length, padded to the limits of their buckets.

    Args:
        key: from an element to the number of its bucket.
        limits: the length that each bucket but the last pads to.
        sizes: the number of elements in a batch of each bucket.
        shapes: the shape of each leaf, where None stands for the limit.
        paddings: what each leaf is padded with.
        drop_remainder: whether a last batch that is smaller is left out.
    """

    def __init__(
        self,
        input: Node,
        element_spec: Any,
        key: TracedFunction,
        limits: Sequence[int],
        sizes: Sequence[int],
        shapes: Sequence[tuple[int | None, ...]],
        paddings: Sequence[Any],
        drop_remainder: bool,
    ) -> None:
        super().__init__(element_spec, [input], paddings, functions=[key])
        self.limits = limits
        self.sizes = sizes
        self.shapes = shapes
        self.paddings = paddings
        self.drop_remainder = drop_remainder

    def iterate(self, run: Run) -> Iterator[Any]:
        (source,) = self.inputs
        key_of = self.functions[0].on_elements(run)
        groups: dict[int, list[Any]] = {}

        def emit(bucket: int) -> Iterator[Any]:
            if bucket >= len(self.limits):
                raise InvalidArgumentError(
                    None, None, "When pad_to_bucket_boundary=True, elements must have length < max(bucket_boundaries)."
                )
            shapes = [tuple(self.limits[bucket] if size is None else size for size in shape) for shape in self.shapes]
            held = Held(source.structure, groups.pop(bucket))
            padded = PaddedBatch(held, self.sizes[bucket], shapes, self.paddings, self.drop_remainder)
            return padded.iterate(run)

        for element in source.iterate(run):
            bucket = array.to_python(key_of(element)[0])
            group = groups.setdefault(bucket, [])
            group.append(element)
            if len(group) == self.sizes[bucket]:
                yield from emit(bucket)
        for bucket in sorted(groups):
            yield from emit(bucket)
