"""Steps that call a function of each element."""

from __future__ import annotations

import collections
import concurrent.futures
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.core.errors import OpError
from penstock.data.node import INFINITE, UNKNOWN, Element, Node, Run
from penstock.data.structure import Structure
from penstock.data.traced import TracedFunction

# A call that takes less than this is not worth another thread, in seconds.
_WORTH_A_THREAD_S = 0.002
_TRIALS = 3


class Map(Node):
    """`function` of each element.

    Args:
        num_parallel_calls: how many calls may run at once; -1 leaves it to the step. Functions with effects and quick
            ones are called one after the other all the same.
    """

    def __init__(self, input: Node, function: TracedFunction, num_parallel_calls: int | None = None) -> None:
        super().__init__(function.output, [input], functions=[function])
        self.function = function
        self.num_parallel_calls = num_parallel_calls

    def iterate(self, run: Run) -> Iterator[Element]:
        (source,) = self.inputs
        elements = source.iterate(run)
        if self.num_parallel_calls in (None, 0, 1) or self.function.is_stateful:
            if source.structure.is_flat and self.structure.is_flat:
                call = self.function.bind(run)
                for element in elements:
                    yield tuple(call(*element))
                return
            yield from map(self.function.on_elements(run), elements)
            return
        apply = self.function.on_elements(run)
        spent = 0.0
        for count, element in enumerate(itertools.islice(elements, _TRIALS)):
            started = time.perf_counter()
            result = apply(element)
            if count:  # the first call also pays for what is made once
                spent += time.perf_counter() - started
            yield result
        if spent / (_TRIALS - 1) < _WORTH_A_THREAD_S:
            yield from map(apply, elements)
            return
        workers = self.num_parallel_calls or -1
        yield from _in_parallel(apply, elements, workers if workers > 0 else os.cpu_count() or 1)

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)


def _in_parallel(apply: Callable[..., Element], elements: Iterator[Element], workers: int) -> Iterator[Element]:
    """Yield results in order, computed by several threads that keep just ahead."""
    with concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="tf-data-map") as pool:
        waiting: collections.deque[concurrent.futures.Future[Element]] = collections.deque()
        try:
            for element in elements:
                waiting.append(pool.submit(apply, element))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class Filter(Node):
    """The elements of which `predicate` is true."""

    def __init__(self, input: Node, predicate: TracedFunction) -> None:
        super().__init__(input.structure, [input], functions=[predicate])
        self.predicate = predicate

    def iterate(self, run: Run) -> Iterator[Element]:
        return filter(self.predicate.condition(run), self.inputs[0].iterate(run))

    def cardinality(self, run: Run) -> int:
        return UNKNOWN


class TakeWhile(Node):
    """The elements before the first of which `predicate` is false."""

    def __init__(self, input: Node, predicate: TracedFunction) -> None:
        super().__init__(input.structure, [input], functions=[predicate])
        self.predicate = predicate

    def iterate(self, run: Run) -> Iterator[Element]:
        return itertools.takewhile(self.predicate.condition(run), self.inputs[0].iterate(run))

    def cardinality(self, run: Run) -> int:
        return UNKNOWN


def _unless_infinite(source: Node, run: Run) -> int:
    return INFINITE if source.cardinality(run) == INFINITE else UNKNOWN


class FlatMap(Node):
    """The elements of the datasets that `function` makes of elements, one dataset after the other."""

    def __init__(self, input: Node, function: TracedFunction, element_spec: Any) -> None:
        super().__init__(element_spec, [input], functions=[function])
        self.function = function

    def iterate(self, run: Run) -> Iterator[Element]:
        make = self.function.on_elements(run)
        for element in self.inputs[0].iterate(run):
            ((pipeline,),) = make(element)
            yield from pipeline.node.iterate(pipeline.run)

    def cardinality(self, run: Run) -> int:
        return _unless_infinite(self.inputs[0], run)


class Interleave(Node):
    """The elements of the datasets that `function` makes, in turns: `block_length` of each of `cycle_length`."""

    def __init__(
        self, input: Node, function: TracedFunction, element_spec: Any, cycle_length: Any, block_length: Any
    ) -> None:
        super().__init__(element_spec, [input], [cycle_length, block_length], [function])
        self.function = function

    def iterate(self, run: Run) -> Iterator[Element]:
        cycle_length, block_length = (run.number(item) for item in self.arguments)
        make = self.function.on_elements(run)
        source = self.inputs[0].iterate(run)
        slots: list[Iterator[Element] | None] = [None] * cycle_length
        exhausted = False
        position = 0
        while True:
            if not exhausted and slots[position] is None:
                element = next(source, None)
                if element is None:
                    exhausted = True
                else:
                    ((pipeline,),) = make(element)
                    slots[position] = pipeline.node.iterate(pipeline.run)
            if exhausted and not any(slots):
                return
            current = slots[position]
            if current is not None:
                given = 0
                for item in itertools.islice(current, block_length):
                    yield item
                    given += 1
                if given < block_length:
                    slots[position] = None
                    if given == 0 and not exhausted:
                        # An empty slot takes the next dataset at once, in its own turn.
                        continue
            position = (position + 1) % cycle_length

    def cardinality(self, run: Run) -> int:
        return _unless_infinite(self.inputs[0], run)


class Scan(Node):
    """A function of a state and an element, which gives the next state and what is passed on."""

    def __init__(self, input: Node, state: Sequence[Any], state_structure: Structure, function: TracedFunction) -> None:
        output = function.output.spec[1]
        super().__init__(output, [input], state, [function])
        self.state_structure = state_structure
        self.function = function

    def iterate(self, run: Run) -> Iterator[Element]:
        apply = self.function.on_elements(run)
        count = len(self.state_structure.leaves)
        state = self.state_structure.from_flat([run.value(tensor) for tensor in self.arguments])
        for element in self.inputs[0].iterate(run):
            result = apply(state, element)
            state = result[:count]
            yield result[count:]

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)


class IgnoreErrors(Node):
    """The elements without those whose making fails."""

    def __init__(self, input: Node, warn: Callable[[str], None] | None) -> None:
        super().__init__(input.structure, [input])
        self.warn = warn

    def iterate(self, run: Run) -> Iterator[Element]:
        # A generator that raised is finished, so that the step below has to be one that can go on: a map.
        source = self.inputs[0]
        if not isinstance(source, Map):
            yield from self._until_error(source.iterate(run))
            return
        apply = source.function.on_elements(run)
        for element in self._until_error(source.inputs[0].iterate(run)):
            try:
                yield apply(element)
            except OpError as error:
                self._note(error)

    def _until_error(self, elements: Iterator[Element]) -> Iterator[Element]:
        try:
            yield from elements
        except OpError as error:
            self._note(error)

    def _note(self, error: OpError) -> None:
        if self.warn is not None:
            self.warn(f"ignored an error in a dataset: {error}")

    def cardinality(self, run: Run) -> int:
        return _unless_infinite(self.inputs[0], run)
