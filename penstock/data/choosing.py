"""Steps that choose among elements: shuffle, repeat, take, skip, shard, enumerate, unique."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from penstock.core import array
from penstock.core.dtypes import int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.type_spec import TensorSpec
from penstock.data.node import INFINITE, Element, Indexed, Node, Run
from penstock.data.seeds import Seeds, unit_float
from penstock.data.traced import TracedFunction
from penstock.ops.data import values

T = TypeVar("T")


def shuffled(items: Iterator[T], buffer_size: int, words: Iterator[int]) -> Iterator[T]:
    """Yield items in random order: each is drawn from the `buffer_size` that come first among those not yet given."""
    buffer: list[Any] = list(itertools.islice(items, buffer_size))
    start = 0
    count = len(buffer)
    if count == buffer_size:
        for item in items:
            chosen = (start + next(words) % count) % count
            yield buffer[chosen]
            buffer[chosen] = buffer[start]
            buffer[start] = item
            start = (start + 1) % count
    for remaining in range(count, 0, -1):
        chosen = (start + next(words) % remaining) % count
        yield buffer[chosen]
        buffer[chosen] = buffer[start]
        start = (start + 1) % count


class Shuffle(Node):
    """The elements in random order, see `shuffled`."""

    def __init__(self, input: Node, buffer_size: Any, seeds: Seeds) -> None:
        super().__init__(input.structure, [input], [buffer_size])
        self.seeds = seeds

    def _buffer_size(self, run: Run) -> int:
        (source,) = self.inputs
        size = run.number(self.arguments[0])
        if size == -1:  # the whole input
            count = source.cardinality(run)
            if count == INFINITE:
                raise InvalidArgumentError(None, None, "An infinite dataset cannot be shuffled as a whole.")
            size = count if count > 0 else 2**62
        if size <= 0:
            raise InvalidArgumentError(None, None, f"buffer_size must be greater than zero. Got buffer_size={size}.")
        return size

    def iterate(self, run: Run) -> Iterator[Element]:
        return shuffled(self.inputs[0].iterate(run), self._buffer_size(run), self.seeds.words())

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)

    def indexed(self, run: Run) -> Indexed | None:
        below = self.inputs[0].indexed(run)
        if below is None:
            return None
        order = shuffled(below.indices, self._buffer_size(run), self.seeds.words())
        return Indexed(order, below.take, False)


class Repeat(Node):
    """The elements several times over; without end for a negative count."""

    def __init__(self, input: Node, count: Any) -> None:
        super().__init__(input.structure, [input], [count])

    def _passes(self, run: Run) -> Iterator[int]:
        count = run.number(self.arguments[0])
        return itertools.count() if count < 0 else iter(range(count))

    def iterate(self, run: Run) -> Iterator[Element]:
        (source,) = self.inputs
        for _ in self._passes(run):
            empty = True
            for element in source.iterate(run):
                empty = False
                yield element
            if empty:
                return

    def cardinality(self, run: Run) -> int:
        below, count = self.inputs[0].cardinality(run), run.number(self.arguments[0])
        if below == 0 or count == 0:
            return 0
        if count < 0 or below == INFINITE:
            return INFINITE
        return below if below < 0 else below * count

    def indexed(self, run: Run) -> Indexed | None:
        (source,) = self.inputs
        first = source.indexed(run)
        if first is None:
            return None

        def indices() -> Iterator[int]:
            for number in self._passes(run):
                below = first if number == 0 else source.indexed(run)
                assert below is not None
                empty = True
                for index in below.indices:
                    empty = False
                    yield index
                if empty:
                    return

        return Indexed(indices(), first.take, False)


class _Slice(Node):
    """A part of the elements, by position."""

    def __init__(self, input: Node, *arguments: Any) -> None:
        super().__init__(input.structure, [input], arguments)

    def _part(self, run: Run, items: Iterator[T]) -> Iterator[T]:
        raise NotImplementedError

    # Whether consecutive elements stay consecutive.
    keeps_order = True

    def iterate(self, run: Run) -> Iterator[Element]:
        return self._part(run, self.inputs[0].iterate(run))

    def indexed(self, run: Run) -> Indexed | None:
        below = self.inputs[0].indexed(run)
        if below is None:
            return None
        return Indexed(self._part(run, below.indices), below.take, below.is_ordered and self.keeps_order)


class Take(_Slice):
    """The first elements; all for a negative count."""

    def _part(self, run: Run, items: Iterator[T]) -> Iterator[T]:
        count = run.number(self.arguments[0])
        return items if count < 0 else itertools.islice(items, count)

    def cardinality(self, run: Run) -> int:
        below, count = self.inputs[0].cardinality(run), run.number(self.arguments[0])
        if count < 0:
            return below
        return count if below == INFINITE else below if below < 0 else min(below, count)


class Skip(_Slice):
    """The elements after the first; none for a negative count."""

    def _part(self, run: Run, items: Iterator[T]) -> Iterator[T]:
        count = run.number(self.arguments[0])
        return iter(()) if count < 0 else itertools.islice(items, count, None)

    def cardinality(self, run: Run) -> int:
        below, count = self.inputs[0].cardinality(run), run.number(self.arguments[0])
        if count < 0:
            return 0
        return below if below < 0 else max(0, below - count)


class Shard(_Slice):
    """Every `num_shards`-th element, from `index` on."""

    keeps_order = False

    def _part(self, run: Run, items: Iterator[T]) -> Iterator[T]:
        num_shards, index = self._limits(run)
        return itertools.islice(items, index, None, num_shards)

    def _limits(self, run: Run) -> tuple[int, int]:
        num_shards, index = (run.number(item) for item in self.arguments)
        check_shard(num_shards, index)
        return num_shards, index

    def cardinality(self, run: Run) -> int:
        below = self.inputs[0].cardinality(run)
        num_shards, index = self._limits(run)
        return below if below < 0 else (below - index + num_shards - 1) // num_shards


def check_shard(num_shards: Any, index: Any) -> None:
    """Check the arguments of `shard`, as far as they are known.

    Raises:
        InvalidArgumentError: if they are out of range.
    """
    if isinstance(num_shards, int) and num_shards <= 0:
        raise InvalidArgumentError(None, None, f"num_shards must be >= 1, got {num_shards}")
    if isinstance(num_shards, int) and isinstance(index, int) and not 0 <= index < num_shards:
        raise InvalidArgumentError(None, None, f"index must be between 0 and {num_shards - 1}, got {index}")


class Enumerate(Node):
    """The elements, each behind its number."""

    def __init__(self, input: Node, start: Any) -> None:
        super().__init__((TensorSpec([], int64), input.structure.spec), [input], [start])

    def iterate(self, run: Run) -> Iterator[Element]:
        numbers = itertools.count(run.number(self.arguments[0]))
        for number, element in zip(numbers, self.inputs[0].iterate(run)):
            yield (array.from_scalar(number, int64), *element)

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)


class Unique(Node):
    """The first of all elements that are equal."""

    def __init__(self, input: Node) -> None:
        if len(input.structure.leaves) != 1 or not input.structure.is_flat:
            raise TypeError(
                f"tf.data.Dataset.unique() takes a dataset of single tensors, got elements {input.structure.spec}"
            )
        super().__init__(input.structure, [input])

    def iterate(self, run: Run) -> Iterator[Element]:
        seen = set()
        for element in self.inputs[0].iterate(run):
            key = values.fingerprint(element[0])
            if key not in seen:
                seen.add(key)
                yield element


class Resample(Node):
    """Pairs of a class and an element, some left out at random so that classes come as often as `target` says.

    Args:
        classes: from an element to its class.
        target: how often each class is to come.
        initial: how often it comes now; None to count.
        seeds: of the draws.
    """

    def __init__(
        self, input: Node, classes: TracedFunction, target: Sequence[float], initial: Any, seeds: Seeds
    ) -> None:
        super().__init__((TensorSpec([], int32), input.structure.spec), [input], functions=[classes])
        self.target = target
        self.initial = initial
        self.seeds = seeds

    def iterate(self, run: Run) -> Iterator[Element]:
        class_of = self.functions[0].on_elements(run)
        words = self.seeds.words()
        counts = [1.0] * len(self.target)
        for element in self.inputs[0].iterate(run):
            label = array.to_python(class_of(element)[0])
            counts[label] += 1
            frequencies = self.initial or [count / sum(counts) for count in counts]
            ratios = [wanted / max(now, 1e-12) for wanted, now in zip(self.target, frequencies, strict=True)]
            if unit_float(next(words)) < ratios[label] / max(ratios):
                yield (array.from_scalar(label, int32), *element)
