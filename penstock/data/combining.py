"""Steps that take elements from several pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from penstock.core import array
from penstock.data import structure as nested
from penstock.data.node import INFINITE, UNKNOWN, Element, Node, Run
from penstock.data.seeds import Seeds, unit_float


class Zip(Node):
    """Elements side by side, until one of the pipelines ends."""

    def __init__(self, inputs: Sequence[Node], element_spec: Any) -> None:
        super().__init__(element_spec, inputs)

    def iterate(self, run: Run) -> Iterator[Element]:
        for parts in zip(*(source.iterate(run) for source in self.inputs)):
            yield tuple(value for part in parts for value in part)

    def cardinality(self, run: Run) -> int:
        counts = [source.cardinality(run) for source in self.inputs]
        if UNKNOWN in counts:
            return UNKNOWN
        finite = [count for count in counts if count >= 0]
        return min(finite) if finite else INFINITE


def common_spec(a: Any, b: Any, what: str) -> Any:
    """Return the spec that elements of two pipelines share.

    Raises:
        TypeError: if there is none.
    """
    left, right = nested.flatten(a), nested.flatten(b)
    problem = f"Incompatible dataset elements in {what}: {a} and {b}."
    try:
        nested.match(a, b, "")
    except ValueError:
        raise TypeError(problem) from None
    if len(left) != len(right):
        raise TypeError(problem)
    merged = [x.most_specific_common_supertype([y]) for x, y in zip(left, right, strict=True)]
    if any(spec is None for spec in merged):
        raise TypeError(problem)
    return nested.pack(a, merged)


class Concatenate(Node):
    """The elements of one pipeline, then those of another."""

    def __init__(self, first: Node, second: Node) -> None:
        super().__init__(common_spec(first.structure.spec, second.structure.spec, "concatenate"), [first, second])

    def iterate(self, run: Run) -> Iterator[Element]:
        for source in self.inputs:
            yield from source.iterate(run)

    def cardinality(self, run: Run) -> int:
        counts = [source.cardinality(run) for source in self.inputs]
        if INFINITE in counts:
            return INFINITE
        return UNKNOWN if UNKNOWN in counts else sum(counts)


class Choose(Node):
    """Elements of several pipelines, each from the one that a pipeline of numbers names."""

    def __init__(self, choice: Node, sources: Sequence[Node], stop_on_empty: bool) -> None:
        spec = sources[0].structure.spec
        for source in sources[1:]:
            spec = common_spec(spec, source.structure.spec, "choose_from_datasets")
        super().__init__(spec, [choice, *sources])
        self.stop_on_empty = stop_on_empty

    def iterate(self, run: Run) -> Iterator[Element]:
        choice, *sources = self.inputs
        iterators: list[Iterator[Element] | None] = [source.iterate(run) for source in sources]
        for (chosen,) in choice.iterate(run):
            iterator = iterators[array.to_python(chosen)]
            element = None if iterator is None else next(iterator, None)
            if element is not None:
                yield element
            elif self.stop_on_empty:
                return
            else:
                iterators[array.to_python(chosen)] = None
                if not any(iterators):
                    return

    def cardinality(self, run: Run) -> int:
        choice, *sources = self.inputs
        if any(source.cardinality(run) == INFINITE for source in sources) and choice.cardinality(run) == INFINITE:
            return INFINITE
        return UNKNOWN


class Sample(Node):
    """Elements of several pipelines, each from one drawn at random.

    Args:
        sources: the pipelines.
        weights: their probabilities: a tuple of numbers, or a pipeline of them.
        seeds: of the draws.
        stop_on_empty: whether to end with the first pipeline that does.
    """

    def __init__(
        self, sources: Sequence[Node], weights: Sequence[float] | Node, seeds: Seeds, stop_on_empty: bool
    ) -> None:
        spec = sources[0].structure.spec
        for source in sources[1:]:
            spec = common_spec(spec, source.structure.spec, "sample_from_datasets")
        super().__init__(spec, [*sources, weights] if isinstance(weights, Node) else sources)
        self.sources = list(sources)
        self.weights = weights
        self.seeds = seeds
        self.stop_on_empty = stop_on_empty

    def _weights(self, run: Run) -> Iterator[Sequence[float]]:
        if isinstance(self.weights, Node):
            for (weights,) in self.weights.iterate(run):
                yield array.to_python(weights)
            return
        while True:
            yield self.weights

    def iterate(self, run: Run) -> Iterator[Element]:
        iterators: list[Iterator[Element] | None] = [source.iterate(run) for source in self.sources]
        words = self.seeds.words()
        for weights in self._weights(run):
            while True:
                live = [w if it is not None else 0.0 for w, it in zip(weights, iterators, strict=True)]
                total = sum(live)
                if total <= 0:
                    return
                chosen = _draw(live, unit_float(next(words)) * total)
                iterator = iterators[chosen]
                assert iterator is not None
                element = next(iterator, None)
                if element is not None:
                    yield element
                    break
                if self.stop_on_empty:
                    return
                iterators[chosen] = None

    def cardinality(self, run: Run) -> int:
        return INFINITE if all(source.cardinality(run) == INFINITE for source in self.sources) else UNKNOWN


def _draw(weights: Sequence[float], point: float) -> int:
    last = 0
    for index, weight in enumerate(weights):
        if weight > 0:
            last = index
            if point < weight:
                return index
        point -= weight
    return last
