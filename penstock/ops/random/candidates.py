"""Candidate samplers: a few classes drawn for a batch, with how often each is expected, for losses over many
classes."""

from __future__ import annotations

import csv
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank
from penstock.core.tensor import Tensor
from penstock.ops.hosted import on_host
from penstock.ops.random.philox import LONG, WORD, Philox
from penstock.ops.random.seeds import seed_attributes
from penstock.ops.random.stateful import random_state

# How many words of random bits TensorFlow sets aside for each candidate.
_WORDS_PER_CANDIDATE = 2048
_CHUNK_BLOCKS = 64


class Draws:
    """Single random numbers, from the words of a generator in order."""

    def __init__(self, generator: Philox) -> None:
        self._generator = generator
        self._words: list[int] = []
        self._next_block = 0

    def word(self) -> int:
        """Return 32 random bits."""
        if not self._words:
            block = self._generator.words(self._next_block, _CHUNK_BLOCKS)
            self._words = block.reshape(-1)[::-1].tolist()
            self._next_block += _CHUNK_BLOCKS
        return self._words.pop()

    def long(self) -> int:
        """Return 64 random bits."""
        low = self.word()
        return low | self.word() << 32

    def single(self) -> np.float32:
        """Return a float32 in [0, 1)."""
        return np.float32(self.word() & 0x7FFFFF) * np.float32(2.0**-23)

    def double(self) -> float:
        """Return a float in [0, 1)."""
        high = self.word() & 0xFFFFF
        return (high << 32 | self.word()) * 2.0**-52

    def below(self, limit: int) -> int:
        """Return an integer in [0, limit), from 32 bits."""
        return self._unbiased(self.word, limit, WORD)

    def long_below(self, limit: int) -> int:
        """Return an integer in [0, limit), from 64 bits."""
        return self._unbiased(self.long, limit, LONG)

    @staticmethod
    def _unbiased(draw: Callable[[], int], limit: int, largest: int) -> int:
        if limit & (limit - 1) == 0:
            return draw() & (limit - 1)
        rejected = largest % limit + 1
        while (bits := draw()) < rejected:
            pass
        return bits % limit


class Uniform:
    """All classes of [0, range_max) with equal probability."""

    def __init__(self, range_max: int) -> None:
        self.range_max = range_max

    def sample(self, draws: Draws) -> int:
        """Draw a class."""
        return draws.long_below(self.range_max)

    def probability(self, value: int) -> float:
        """Return the probability of a class."""
        return 1.0 / self.range_max

    def update(self, values: Sequence[int]) -> None:
        """Learn of the true classes of a batch."""


class LogUniform(Uniform):
    """Classes with probabilities that fall about as 1 / (class + 1), as ordered by falling frequency (Zipf's law)."""

    def __init__(self, range_max: int) -> None:
        super().__init__(range_max)
        self._log_range = math.log1p(range_max)

    def sample(self, draws: Draws) -> int:
        """Draw a class."""
        return (int(math.exp(draws.double() * self._log_range)) - 1) % self.range_max

    def probability(self, value: int) -> float:
        """Return the probability of a class."""
        return math.log((value + 2.0) / (value + 1.0)) / self._log_range


class LearnedUnigram(Uniform):
    """Classes with probabilities in proportion to how often they were seen, once more than they were."""

    def __init__(self, range_max: int) -> None:
        super().__init__(range_max)
        self._weights = np.ones(range_max, dtype=np.int64)  # guarded by self._lock
        self._lock = threading.Lock()

    def sample(self, draws: Draws) -> int:
        """Draw a class."""
        sums = np.cumsum(self._weights)
        return int(np.searchsorted(sums, draws.below(int(sums[-1])), side="right"))

    def probability(self, value: int) -> float:
        """Return the probability of a class."""
        return float(self._weights[value]) / float(self._weights.sum())

    def update(self, values: Sequence[int]) -> None:
        """Count the true classes of a batch."""
        with self._lock:
            for value in values:
                if not 0 <= value < self.range_max:
                    raise InvalidArgumentError(
                        None, None, f"true class {value} is outside of the sampler's range [0, {self.range_max})"
                    )
                self._weights[value] += 1


class FixedUnigram(Uniform):
    """Classes with given weights. Source: Walker 1977, the alias method."""

    def __init__(self, range_max: int, weights: list[float]) -> None:
        super().__init__(range_max)
        self._weights = np.array(weights, dtype=np.float32)
        self._total = math.fsum(float(weight) for weight in self._weights)
        self._thresholds, self._aliases = _alias_table(self._weights)

    def sample(self, draws: Draws) -> int:
        """Draw a class."""
        unit = draws.single()
        index = draws.below(self.range_max)
        return index if unit < self._thresholds[index] else self._aliases[index]

    def probability(self, value: int) -> float:
        """Return the probability of a class, 0 for one outside of the range."""
        if not 0 <= value < len(self._weights):
            return 0.0
        return float(self._weights[value]) / self._total


def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, list[int]]:
    count = len(weights)
    total = float(np.sum(weights, dtype=np.float64))
    shares = [float(weight) * count / total for weight in weights]
    aliases = [-1] * count
    low = [index for index, share in enumerate(shares) if share < 1.0]
    high = [index for index, share in enumerate(shares) if share >= 1.0]
    while low and high:
        small, large = low.pop(), high.pop()
        aliases[small] = large
        shares[large] -= 1.0 - shares[small]
        (low if shares[large] < 1.0 else high).append(large)
    for index in (*low, *high):
        shares[index], aliases[index] = 1.0, index
    return np.array(shares, dtype=np.float32), aliases


def _expected_count(probability: float, candidates: int, tries: int) -> float:
    if tries == candidates:
        return probability * candidates
    return -math.expm1(tries * math.log1p(-probability)) if probability < 1.0 else 1.0


def _check_true_classes(true_classes: Array, num_true: int) -> None:
    if true_classes.ndim != 2:
        raise InvalidArgumentError(None, None, f"true_classes must be a matrix, got shape {list(true_classes.shape)}")
    if true_classes.shape[1] != num_true:
        raise InvalidArgumentError(
            None,
            None,
            f"true_classes must have num_true columns, expected: {num_true} was: {true_classes.shape[1]}",
        )


def _draw(
    sampler: Uniform, generator: Philox, true_classes: Array, num_true: int, num_sampled: int, unique: bool
) -> tuple[Array, Array, Array]:
    _check_true_classes(true_classes, num_true)
    if unique and num_sampled > sampler.range_max:
        raise InvalidArgumentError(
            None, None, f"Sampler's range is too small: {num_sampled} different ones of {sampler.range_max} classes."
        )
    draws = Draws(generator)
    chosen: list[int] = []
    tries = 0
    seen: set[int] = set()
    while len(chosen) < num_sampled:
        value = sampler.sample(draws)
        tries += 1
        if not unique or value not in seen:
            seen.add(value)
            chosen.append(value)
    classes = true_classes.reshape(-1).tolist()
    true_count = [_expected_count(sampler.probability(value), num_sampled, tries) for value in classes]
    sampled_count = [_expected_count(sampler.probability(value), num_sampled, tries) for value in chosen]
    sampler.update(classes)
    return (
        torch.tensor(chosen, dtype=torch.int64),
        torch.tensor(true_count, dtype=torch.float32).reshape(true_classes.shape),
        torch.tensor(sampled_count, dtype=torch.float32),
    )


def _sampler_shape(true_classes: Dims, *, num_true: int, num_sampled: int, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    batch, columns = expect_rank(true_classes, 2, "true_classes")
    if columns is not None and columns != num_true:
        raise ShapeError(f"true_classes must have num_true = {num_true} columns, got {columns}")
    return (num_sampled,), (batch, num_true), (num_sampled,)


_OUTPUTS = "(sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float)"
_RANGED = {"num_true": 1, "num_sampled": 1, "range_max": 1}
_OPTIONS: dict[str, Any] = {"stateful": True, "differentiable": False, "shape": _sampler_shape}


def _reserve(
    resources: ResourceManager, node_name: str, seed: int, seed2: int, num_sampled: int, *attrs: Any
) -> Philox:
    """Return the generator of a call; eager calls with other attributes have streams of their own."""
    key = f"{node_name} {num_sampled} {attrs}"
    return random_state(resources, key, seed, seed2).reserve(_WORDS_PER_CANDIDATE * num_sampled // 4)


@op(f"UniformCandidateSampler(true_classes: int64) -> {_OUTPUTS}", minimum=_RANGED, **_OPTIONS)
@on_host
def uniform_candidate_sampler_op(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    resources: ResourceManager,
    node_name: str,
) -> tuple[Array, Array, Array]:
    generator = _reserve(resources, node_name, seed, seed2, num_sampled, num_true, unique, range_max)
    return _draw(Uniform(range_max), generator, true_classes, num_true, num_sampled, unique)


@op(f"LogUniformCandidateSampler(true_classes: int64) -> {_OUTPUTS}", minimum=_RANGED, **_OPTIONS)
@on_host
def log_uniform_candidate_sampler_op(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    resources: ResourceManager,
    node_name: str,
) -> tuple[Array, Array, Array]:
    generator = _reserve(resources, node_name, seed, seed2, num_sampled, num_true, unique, range_max)
    return _draw(LogUniform(range_max), generator, true_classes, num_true, num_sampled, unique)


@op(f"LearnedUnigramCandidateSampler(true_classes: int64) -> {_OUTPUTS}", minimum=_RANGED, **_OPTIONS)
@on_host
def learned_unigram_candidate_sampler_op(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    resources: ResourceManager,
    node_name: str,
) -> tuple[Array, Array, Array]:
    generator = _reserve(resources, node_name, seed, seed2, num_sampled, num_true, unique, range_max)
    key = f"{node_name} {seed} {seed2} {range_max} {num_true} {num_sampled} {unique}"
    sampler = resources.lookup_or_create("random/", "sampler", key, lambda: LearnedUnigram(range_max))
    return _draw(sampler, generator, true_classes, num_true, num_sampled, unique)


thread_unsafe_unigram_candidate_sampler_op = op(
    f"ThreadUnsafeUnigramCandidateSampler(true_classes: int64) -> {_OUTPUTS}", minimum=_RANGED, **_OPTIONS
)(learned_unigram_candidate_sampler_op.kernel)


@op(
    f"FixedUnigramCandidateSampler(true_classes: int64) -> {_OUTPUTS}",
    minimum=_RANGED | {"num_shards": 1, "shard": 0},
    **_OPTIONS,
)
@on_host
def fixed_unigram_candidate_sampler_op(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: list[float] = [],
    seed: int = 0,
    seed2: int = 0,
    resources: ResourceManager,
    node_name: str,
) -> tuple[Array, Array, Array]:
    if bool(vocab_file) == bool(unigrams):
        how = "not both" if unigrams else "got neither"
        raise InvalidArgumentError(None, None, f"Must provide either vocab_file or unigrams, {how}.")
    if not 0 <= shard < num_shards:
        raise InvalidArgumentError(None, None, f"shard must be in [0, num_shards = {num_shards}), got {shard}")

    def create() -> FixedUnigram:
        counts = _read_counts(vocab_file) if vocab_file else unigrams
        weights = (
            [0.0] * len(range(shard, num_reserved_ids, num_shards)) if num_shards > 1 else [0.0] * num_reserved_ids
        )
        weights += [
            math.pow(count, distortion)
            for index, count in enumerate(counts, num_reserved_ids)
            if index % num_shards == shard
        ]
        if len(weights) != range_max:
            raise InvalidArgumentError(
                None, None, f"range is {range_max} must be equal to weights size {len(weights)}, reserved ids included"
            )
        return FixedUnigram(range_max, weights)

    key = f"{node_name} {seed} {seed2} {range_max} {vocab_file} {unigrams} {distortion} {num_reserved_ids} {shard}"
    sampler = resources.lookup_or_create("random/", "sampler", key, create)
    generator = _reserve(resources, node_name, seed, seed2, num_sampled, num_true, unique, range_max)
    return _draw(sampler, generator, true_classes, num_true, num_sampled, unique)


def _read_counts(path: str) -> list[float]:
    """Return the last column of a file of comma-separated values."""
    try:
        with open(path, newline="") as file:
            return [float(row[-1]) for row in csv.reader(file) if row]
    except FileNotFoundError:
        raise NotFoundError(None, None, f"{path}; No such file or directory") from None
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"Wrong vocabulary format in {path}: {error}") from None


@op(f"AllCandidateSampler(true_classes: int64) -> {_OUTPUTS}", **_OPTIONS, minimum={"num_true": 1, "num_sampled": 1})
@on_host
def all_candidate_sampler_op(
    true_classes: Array, *, num_true: int, num_sampled: int, unique: bool, seed: int = 0, seed2: int = 0
) -> tuple[Array, Array, Array]:
    _check_true_classes(true_classes, num_true)
    return torch.arange(num_sampled), torch.ones(true_classes.shape), torch.ones(num_sampled)


@op(
    "ComputeAccidentalHits(true_classes: int64, sampled_candidates: int64)"
    " -> (indices: int32, ids: int64, weights: float)",
    differentiable=False,
)
@on_host
def compute_accidental_hits_op(
    true_classes: Array, sampled_candidates: Array, *, num_true: int, seed: int = 0, seed2: int = 0
) -> tuple[Array, Array, Array]:
    _check_true_classes(true_classes, num_true)
    if sampled_candidates.ndim != 1:
        raise InvalidArgumentError(
            None, None, f"sampled_candidates must be a vector, got shape {list(sampled_candidates.shape)}"
        )
    places = {value: place for place, value in enumerate(sampled_candidates.tolist())}
    hits = [
        (row, places[value]) for row, values in enumerate(true_classes.tolist()) for value in values if value in places
    ]
    return (
        torch.tensor([row for row, _ in hits], dtype=torch.int32),
        torch.tensor([place for _, place in hits], dtype=torch.int64),
        torch.full((len(hits),), torch.finfo(torch.float32).min),
    )


@compute_accidental_hits_op.shape
def compute_accidental_hits_shape(
    true_classes: Dims, sampled_candidates: Dims, *, num_true: int, seed: int, seed2: int
) -> tuple[Dims, Dims, Dims]:
    _sampler_shape(true_classes, num_true=num_true, num_sampled=0)
    expect_rank(sampled_candidates, 1, "sampled_candidates")
    return (None,), (None,), (None,)


# Public functions


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Draw classes with equal probabilities.

    Args:
        true_classes: int64 of shape (batch, num_true): the target classes.
        num_true: the number of target classes of each example.
        num_sampled: how many classes to draw.
        unique: whether all drawn ones must differ.
        range_max: the number of classes.
        seed: makes the numbers reproducible, together with the seed set by `set_seed`.
        name: the name of the operation.
    Returns:
        sampled_candidates: int64 of shape (num_sampled,).
        true_expected_count: how often each target class is expected among them, of the shape of `true_classes`.
        sampled_expected_count: the same of the drawn classes, of shape (num_sampled,).
    """
    return uniform_candidate_sampler_op(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **seed_attributes(seed),
    )


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Draw classes with the probabilities of Zipf's law: log((class + 2) / (class + 1)) / log(range_max + 1).

    Args:
        true_classes, num_true, num_sampled, unique, range_max, seed, name: see `uniform_candidate_sampler`; classes
            are numbered by falling frequency.
    Returns:
        See `uniform_candidate_sampler`.
    """
    return log_uniform_candidate_sampler_op(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **seed_attributes(seed),
    )


def learned_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Draw classes with the frequencies of the target classes seen so far.

    Args:
        true_classes, num_true, num_sampled, unique, range_max, seed, name: see `uniform_candidate_sampler`.
    Returns:
        See `uniform_candidate_sampler`.
    """
    return learned_unigram_candidate_sampler_op(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **seed_attributes(seed),
    )


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Any = (),
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Draw classes with given frequencies.

    Args:
        true_classes, num_true, num_sampled, unique, range_max, seed, name: see `uniform_candidate_sampler`.
        vocab_file: a file with a line a class, whose last comma-separated value is its frequency.
        distortion: the power to which frequencies are raised.
        num_reserved_ids: how many classes before those of the frequencies are never drawn.
        num_shards, shard: draw only classes whose number leaves the remainder `shard` on division by `num_shards`.
        unigrams: the frequencies, instead of a file.
    Returns:
        See `uniform_candidate_sampler`.
    """
    return fixed_unigram_candidate_sampler_op(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        vocab_file=vocab_file,
        distortion=distortion,
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=list(unigrams),
        name=name,
        **seed_attributes(seed),
    )


def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None = None, name: str | None = None
) -> Any:
    """Return all classes from 0 to `num_sampled` - 1, each with an expected count of 1.

    Args:
        true_classes, num_true, num_sampled, unique, seed, name: see `uniform_candidate_sampler`.
    Returns:
        See `uniform_candidate_sampler`.
    """
    return all_candidate_sampler_op(
        true_classes, num_true=num_true, num_sampled=num_sampled, unique=unique, name=name, **seed_attributes(seed)
    )


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Find the drawn classes that are target classes.

    Args:
        true_classes: int64 of shape (batch, num_true).
        sampled_candidates: int64 of shape (num_sampled,).
        num_true: the number of target classes of each example.
        seed: no effect.
        name: the name of the operation.
    Returns:
        indices: the examples of the hits, int32 of shape (hits,).
        ids: the places of the hits among the drawn classes, int64 of shape (hits,).
        weights: the most negative float32 for each, to be added to logits.
    """
    return compute_accidental_hits_op(
        true_classes, sampled_candidates, num_true=num_true, name=name, **seed_attributes(seed)
    )
