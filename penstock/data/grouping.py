"""Steps that gather elements by a key, or by length."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import Any

from penstock.core import array
from penstock.data.batching import Held
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
