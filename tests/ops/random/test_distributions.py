"""Distributions drawn by rejection."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock.ops.random import distributions
from penstock.ops.random.philox import Philox

GENERATOR = Philox.from_seeds(5, 6)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.5])
def test_gamma_moments(alpha: float) -> None:
    """Mean and variance of a gamma distribution of scale 1 are its shape parameter."""
    drawn = distributions.gamma(GENERATOR, np.array([alpha]), 20_000)
    assert abs(drawn.mean() - alpha) < 0.05 * alpha
    assert abs(drawn.var() - alpha) < 0.1 * alpha


def test_gamma_of_invalid_parameters_is_nan() -> None:
    """Parameters that make no distribution end in NaN instead of drawing forever."""
    assert np.isnan(distributions.gamma(GENERATOR, np.array([-1.0, np.nan, np.inf]), 2)).all()


@pytest.mark.parametrize("rate", [0.5, 9.0, 40.0])
def test_poisson_moments(rate: float) -> None:
    """Mean and variance are the rate."""
    drawn = distributions.poisson(GENERATOR, np.array([rate]), 20_000, 1e9)
    assert abs(drawn.mean() - rate) < 0.05 * rate
    assert abs(drawn.var() - rate) < 0.1 * rate


def test_poisson_of_unusual_rates() -> None:
    """Rates that are 0, infinite, NaN or above what the type holds end."""
    drawn = distributions.poisson(GENERATOR, np.array([0.0, np.inf, np.nan, 1e12]), 1, 65504.0)[:, 0]
    assert drawn[0] == 0 and drawn[1] == np.inf and np.isnan(drawn[2]) and drawn[3] == 65504.0


@pytest.mark.parametrize(("count", "chance"), [(10, 0.4), (10, 0.9), (1000, 0.3), (1000, 0.8)])
def test_binomial_moments(count: int, chance: float) -> None:
    """Mean and variance are those of the distribution, for small and large means."""
    drawn = distributions.binomial(GENERATOR, np.array([float(count)]), np.array([chance]), 20_000)
    assert abs(drawn.mean() - count * chance) < 0.02 * count * chance
    assert abs(drawn.var() - count * chance * (1 - chance)) < 0.1 * count * chance * (1 - chance)


def test_binomial_of_unusual_parameters() -> None:
    """Certain and impossible events are not drawn; NaN stays NaN."""
    counts = np.array([10.0, 10.0, 0.0, np.nan])
    drawn = distributions.binomial(GENERATOR, counts, np.array([0.0, 1.0, 0.5, 0.5]), 1)[:, 0]
    assert drawn[:3].tolist() == [0.0, 10.0, 0.0] and np.isnan(drawn[3])


def test_classes_that_are_not_finite_are_never_drawn() -> None:
    """Only finite logits have a probability."""
    drawn = distributions.categorical(GENERATOR, np.array([[-np.inf, np.nan, 1.0, np.inf]]), 50)
    assert (drawn == 2).all()


@pytest.mark.parametrize("bounds", [(-0.5, 2.0), (-3.0, 3.0), (1.0, 1.5), (2.0, 9.0), (-9.0, -2.0), (-0.2, 0.3)])
def test_truncated_normal_stays_in_bounds(bounds: tuple[float, float]) -> None:
    """Each method of drawing keeps the bounds and fills them."""
    parameters = [np.array([value], np.float32) for value in (0.0, 1.0, *bounds)]
    drawn = distributions.parameterized_truncated_normal(GENERATOR, *parameters, 2000)
    assert drawn.dtype == np.float32
    assert drawn.min() >= bounds[0] and drawn.max() <= bounds[1]
    assert drawn.std() > 0.05


def test_truncated_normal_refuses_empty_bounds() -> None:
    """Bounds in the wrong order are refused."""
    parameters = [np.array([value], np.float32) for value in (0.0, 1.0, 2.0, 1.0)]
    with pytest.raises(InvalidArgumentError, match="minvals < maxvals"):
        distributions.parameterized_truncated_normal(GENERATOR, *parameters, 2)


def test_more_draws_than_fit_the_memory_are_refused() -> None:
    generator, many = Philox.from_seeds(1, 2), 1 << 62
    for draw in (
        lambda: distributions.gamma(generator, np.ones(16), many),
        lambda: distributions.poisson(generator, np.ones(16), many, 1e9),
        lambda: distributions.binomial(generator, np.ones(16), np.ones(16), many),
    ):
        with pytest.raises(ResourceExhaustedError, match="do not fit the memory"):
            draw()
