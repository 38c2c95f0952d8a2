"""The random numbers of pipelines: words of Philox streams, seeded as TensorFlow's operations are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from penstock.core import entropy
from penstock.ops.random.philox import Philox
from penstock.ops.random.seeds import get_seed

_BLOCKS_AT_ONCE = 64


def words_of(seed: int, seed2: int) -> Iterator[int]:
    """Yield the 32-bit words of the stream with these seeds, of an unpredictable one if both are 0."""
    generator = Philox.from_seeds(seed, seed2)
    yield from generator.words(0, 1)[0].tolist()
    for first in itertools.count(1, _BLOCKS_AT_ONCE):
        yield from generator.words(first, _BLOCKS_AT_ONCE).reshape(-1).tolist()


class Seeds:
    """The seeds of a step: the same at each pass over the pipeline, or new ones.

    Args:
        seed: what the user gave; None follows the seed of the graph or of eager execution.
        renew: whether each pass has seeds of its own.
    """

    def __init__(self, seed: Any, renew: bool) -> None:
        first, second = get_seed(None if seed is None else int(seed))
        if first is None or second is None:
            first, second = entropy.random_integer(31), entropy.random_integer(31)
        self.seeds = first, second
        self._successors = words_of(first, second) if renew else None

    def next(self) -> tuple[int, int]:
        """Return the seeds of the next pass."""
        if self._successors is None:
            return self.seeds
        return next(self._successors), next(self._successors)

    def words(self) -> Iterator[int]:
        """Yield the words of the next pass."""
        return words_of(*self.next())


def unit_float(word: int) -> float:
    """Return a word as a number in [0, 1)."""
    return word / 2**32
