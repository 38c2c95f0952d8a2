"""Distributions that reject candidates, drawn side by side for all outputs from streams of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penstock.core.errors import InvalidArgumentError
from penstock.ops.array.common import check_allocation
from penstock.ops.random.philox import BLOCKS_PER_OUTPUT, Philox, Streams, normal_block, uniform_block, unit_double

_LARGE_RATE = 10.0
# Enough for ten standard deviations of the number of trials, where the mean is below 10.
_BLOCKS_PER_SMALL_BINOMIAL = 42


def gamma(generator: Philox, alpha: np.ndarray, samples: int) -> np.ndarray:
    """Draw from gamma distributions of scale 1.

    Args:
        generator: where to draw from; it is not advanced.
        alpha: the shape parameters, float64 of shape [n]; those that are negative or not finite give NaN.
        samples: the number of draws for each.
    Returns:
        float64 of shape [n, samples].
    Source: Marsaglia and Tsang 2000.
    """
    check_allocation([len(alpha), samples], alpha.itemsize)
    alphas = np.repeat(alpha, samples)
    result = np.full(alphas.size, np.nan)
    streams = Streams(generator, alphas.size)
    with np.errstate(all="ignore"):
        exponential = np.nonzero(alphas == 1.0)[0]
        result[exponential] = -np.log1p(-streams.uniform(exponential))
        d = alphas + np.where(alphas < 1.0, 2.0 / 3, -1.0 / 3)
        c = 1.0 / 3 / np.sqrt(d)
        active = np.nonzero((alphas != 1.0) & (alphas >= 0.0) & np.isfinite(alphas))[0]
        while active.size:
            x = streams.normal(active)
            v = 1.0 + c[active] * x
            positive = v > 0.0
            tried, x, v = active[positive], x[positive], v[positive] ** 3
            u = streams.uniform(tried)
            bound = 0.5 * x * x + d[tried] * (1.0 - v + np.log(v))
            accepted = (u < 1.0 - 0.0331 * (x * x) * (x * x)) | (np.log(u) < bound)
            done = tried[accepted]
            result[done] = d[done] * v[accepted]
            small = done[alphas[done] < 1.0]
            result[small] *= streams.uniform(small) ** (1.0 / alphas[small])
            active = np.sort(np.concatenate((active[~positive], tried[~accepted])))
    return result.reshape(len(alpha), samples)


def poisson(generator: Philox, rate: np.ndarray, samples: int, highest: float) -> np.ndarray:
    """Draw from Poisson distributions.

    Args:
        generator: where to draw from; it is not advanced.
        rate: the means, float64 of shape [n].
        samples: the number of draws for each.
        highest: the largest number that may be returned.
    Returns:
        float64 of shape [n, samples]; NaN for rates that are NaN.
    Source: Knuth 1969, section 3.4.1, for means below 10; Hormann 1993 (PTRS) above.
    """
    check_allocation([len(rate), samples], rate.itemsize)
    rates = np.repeat(rate, samples)
    result = np.where(np.isnan(rates), np.nan, np.where(rates == np.inf, np.inf, 0.0))
    streams = Streams(generator, rates.size)
    with np.errstate(all="ignore"):
        _small_poisson(streams, rates, np.nonzero(rates < _LARGE_RATE)[0], result, highest)
        _large_poisson(streams, rates, np.nonzero((rates >= _LARGE_RATE) & np.isfinite(rates))[0], result, highest)
    return result.reshape(len(rate), samples)


def _small_poisson(streams: Streams, rates: np.ndarray, active: np.ndarray, result: np.ndarray, highest: float) -> None:
    limits = np.exp(-rates)
    products = np.ones_like(rates)
    while active.size:
        products[active] *= streams.uniform(active)
        active = active[(products[active] > limits[active]) & (result[active] < highest)]
        result[active] += 1.0


def _large_poisson(streams: Streams, rates: np.ndarray, active: np.ndarray, result: np.ndarray, highest: float) -> None:
    while active.size:
        rate = rates[active]
        b = 0.931 + 2.53 * np.sqrt(rate)
        a = -0.059 + 0.02483 * b
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        u = streams.uniform(active) - 0.5
        v = streams.uniform(active)
        shifted = 0.5 - np.abs(u)
        k = np.floor((2.0 * a / shifted + b) * u + rate + 0.43)
        boxed = (shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2.0))
        outside = (k < 0.0) | ((shifted < 0.013) & (v > shifted))
        ratio = np.log(v * inverse_alpha / (a / (shifted * shifted) + b))
        accepted = (k <= highest) & (boxed | ~outside & (ratio <= -rate + k * np.log(rate) - _log_gamma(k + 1.0)))
        result[active[accepted]] = k[accepted]
        # A mean far above what the type can hold would be drawn forever.
        hopeless = ~accepted & (rate - 40.0 * np.sqrt(rate) > highest)
        result[active[hopeless]] = highest
        active = active[~accepted & ~hopeless]


def _log_gamma(x: np.ndarray) -> np.ndarray:
    return torch.lgamma(torch.from_numpy(x)).numpy()


def binomial(generator: Philox, count: np.ndarray, probability: np.ndarray, samples: int) -> np.ndarray:
    """Draw from binomial distributions.

    Args:
        generator: where to draw from; it is not advanced.
        count: the numbers of trials, float64 of shape [n].
        probability: the probabilities of success, float64 of shape [n].
        samples: the number of draws for each.
    Returns:
        float64 of shape [n, samples]; NaN where an argument is NaN.
    Source: Kachitvichyanukul and Schmeiser 1988 (geometric method) for means below 10; Hormann 1993 (BTRS) above.
    """
    check_allocation([len(count), samples], count.itemsize)
    counts, given = np.repeat(count, samples), np.repeat(probability, samples)
    swapped = given > 0.5
    with np.errstate(all="ignore"):
        chance = np.where(swapped, 1.0 - given, given)
        result = np.where(np.isnan(counts) | np.isnan(given), np.nan, 0.0)
        open_cases = (counts > 0.0) & (chance > 0.0) & np.isfinite(counts)
        large = (counts.astype(np.float32) * chance.astype(np.float32)) >= 10.0
        streams = Streams(generator, counts.size, np.where(large, BLOCKS_PER_OUTPUT, _BLOCKS_PER_SMALL_BINOMIAL))
        _geometric_binomial(streams, counts, chance, np.nonzero(open_cases & ~large)[0], result)
        _large_binomial(streams, counts, chance, np.nonzero(open_cases & large)[0], result)
        result = np.where(swapped & (counts > 0.0), counts - result, result)
    return result.reshape(len(count), samples)


def _geometric_binomial(
    streams: Streams, counts: np.ndarray, chance: np.ndarray, active: np.ndarray, result: np.ndarray
) -> None:
    trials = np.zeros_like(counts)
    while active.size:
        trials[active] += np.ceil(np.log(streams.uniform(active)) / np.log1p(-chance[active]))
        active = active[trials[active] <= counts[active]]
        result[active] += 1.0


def _large_binomial(
    streams: Streams, counts: np.ndarray, chance: np.ndarray, active: np.ndarray, result: np.ndarray
) -> None:
    while active.size:
        n, p = counts[active], chance[active]
        deviation = np.sqrt(n * p * (1.0 - p))
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * p
        odds = p / (1.0 - p)
        alpha = (2.83 + 5.1 / b) * deviation
        mode = np.floor((n + 1.0) * p)
        u = streams.uniform(active) - 0.5
        v = streams.uniform(active)
        shifted = 0.5 - np.abs(u)
        k = np.floor((2.0 * a / shifted + b) * u + n * p + 0.5)
        boxed = (shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
        possible = (k >= 0.0) & (k <= n)
        bound = (
            (mode + 0.5) * np.log((mode + 1.0) / (odds * (n - mode + 1.0)))
            + (n + 1.0) * np.log((n - mode + 1.0) / (n - k + 1.0))
            + (k + 0.5) * np.log(odds * (n - k + 1.0) / (k + 1.0))
            + _stirling_tail(mode)
            + _stirling_tail(n - mode)
            - _stirling_tail(k)
            - _stirling_tail(n - k)
        )
        ratio = np.log(v * alpha / (a / (shifted * shifted) + b))
        accepted = boxed | possible & (ratio <= bound)
        result[active[accepted]] = k[accepted]
        active = active[~accepted]


def _stirling_tail(k: np.ndarray) -> np.ndarray:
    """The error of Stirling's approximation of log(k!)."""
    exact = _log_gamma(k + 1.0) - ((k + 0.5) * np.log(k + 1.0) - (k + 1.0) + 0.9189385332046728)
    square = (k + 1.0) ** 2
    return np.where(k <= 9.0, exact, (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1.0))


def categorical(generator: Philox, logits: np.ndarray, samples: int) -> np.ndarray:
    """Draw class numbers.

    Args:
        generator: where to draw from; it is not advanced.
        logits: unnormalized log-probabilities, float64 of shape [batch, classes]; those not finite are never drawn.
        samples: the number of draws for each row.
    Returns:
        int64 of shape [batch, samples].
    """
    batch = len(logits)
    words = generator.single_words(2 * batch * samples).reshape(batch * samples, 2)
    units = unit_double(words).reshape(batch, samples)
    finite = np.isfinite(logits)
    largest = np.where(finite, logits, -np.inf).max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        sums = np.cumsum(np.where(finite, np.exp(logits - largest), 0.0), axis=1)
    result = np.empty((batch, samples), dtype=np.int64)
    for row in range(batch):
        result[row] = np.searchsorted(sums[row], units[row] * sums[row, -1], side="right")
    return result


_MOST_ITERATIONS = 1000
_INSIDE_FOR_NORMAL = 1.3


def parameterized_truncated_normal(
    generator: Philox, means: np.ndarray, deviations: np.ndarray, lowest: np.ndarray, highest: np.ndarray, samples: int
) -> np.ndarray:
    """Draw from normal distributions that are cut off at both ends.

    Args:
        generator: where to draw from; it is not advanced.
        means, deviations, lowest, highest: the parameters, of shape [n] and one floating type, that of the draws.
        samples: the number of draws for each.
    Returns:
        Numbers of shape [n, samples].
    Raises:
        InvalidArgumentError: if the parameters make no distribution.
    Source: Robert 1995, "Simulation of truncated normal variables".
    """
    if not (np.all(deviations > 0) and np.all(np.isfinite(means)) and np.all(lowest < highest)):
        raise InvalidArgumentError(
            None, None, "Invalid parameters: expected finite means, stddevs > 0 and minvals < maxvals"
        )
    # The one-sided bound comes first, or the one nearer to the mean.
    swaps = np.isinf(lowest) | (highest < means)
    low, high = np.where(swaps, highest, lowest), np.where(swaps, lowest, highest)
    scale = np.where(swaps, -deviations, deviations)
    start, stop = (low - means) / scale, (high - means) / scale
    kind = start.dtype.type
    with np.errstate(all="ignore"):
        root = np.sqrt(start * start + kind(4))
        cutoff = kind(2) * np.exp(kind(0.5) + start * (start - root) / kind(4)) / (start + root)
    straddles = (start < -_INSIDE_FOR_NORMAL) & (stop >= 0) | (stop > _INSIDE_FOR_NORMAL) & (start <= 0)
    result = np.empty((len(start), samples), dtype=kind)
    first = 0
    for row in range(len(start)):
        candidates = (
            _from_normal
            if straddles[row]
            else _from_uniform
            if stop[row] - start[row] < cutoff[row]
            else _from_exponential
        )
        first = _fill_row(result[row], candidates, generator, first, start[row], stop[row])
    return result * scale[:, None] + means[:, None]


def _fill_row(result: np.ndarray, candidates: Any, generator: Philox, first: int, start: Any, stop: Any) -> int:
    """Fill `result` with accepted candidates from the block `first` on, and return the first block that is left."""
    filled = 0
    for _ in range(_MOST_ITERATIONS):
        size = len(result) - filled
        if not size:
            return first
        blocks = 2 * size
        drawn, accepted = candidates(generator.words(first, blocks), start, stop)
        rows, columns = np.nonzero(accepted)
        rows, columns = rows[:size], columns[:size]
        result[filled : filled + len(rows)] = drawn[rows, columns]
        filled += len(rows)
        # What is left of the block that gave the last value is dropped.
        first += blocks if filled < len(result) else (int(rows[-1]) + 1) * (blocks // len(drawn))
    raise InvalidArgumentError(None, None, f"no value between {start} and {stop} standard deviations was found")


def _from_normal(words: np.ndarray, start: Any, stop: Any) -> tuple[np.ndarray, np.ndarray]:
    drawn = normal_block(words, start.dtype)
    return drawn, (drawn >= start) & (drawn <= stop)


def _from_uniform(words: np.ndarray, start: Any, stop: Any) -> tuple[np.ndarray, np.ndarray]:
    # Blocks take turns: one of candidates, one that decides on them.
    units = uniform_block(words, start.dtype)
    drawn = units[::2] * (stop - start) + start
    offset = max(start, start.dtype.type(0)) ** 2
    return drawn, units[1::2] <= np.exp((offset - drawn * drawn) / 2)


def _from_exponential(words: np.ndarray, start: Any, stop: Any) -> tuple[np.ndarray, np.ndarray]:
    units = uniform_block(words, start.dtype)
    alpha = (start + np.sqrt(start * start + 4)) / 2
    with np.errstate(divide="ignore"):
        drawn = -np.log(units[:, ::2]) / alpha + start
    distance = alpha - drawn if start < alpha else np.full_like(drawn, start - alpha)
    return drawn, (units[:, 1::2] <= np.exp(-distance * distance / 2)) & (drawn < stop)
