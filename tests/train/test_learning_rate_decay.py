from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import context, dtypes
from penstock.core.graph import Graph
from penstock.language.variables import VariableV1
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session
from penstock.train import learning_rate_decay as decay
from tests.train.recordings import recorded

SCHEDULES = {
    "exponential": lambda s: decay.exponential_decay(0.5, s, 4, 0.7),
    "exponential_staircase": lambda s: decay.exponential_decay(0.5, s, 4, 0.7, staircase=True),
    "piecewise": lambda s: decay.piecewise_constant(s, [2, 5], [1.0, 0.5, 0.1]),
    "polynomial": lambda s: decay.polynomial_decay(0.5, s, 6, 0.01, power=0.5),
    "polynomial_cycle": lambda s: decay.polynomial_decay(0.5, s, 4, 0.01, cycle=True),
    "natural_exp": lambda s: decay.natural_exp_decay(0.5, s, 4, 0.7),
    "natural_exp_staircase": lambda s: decay.natural_exp_decay(0.5, s, 4, 0.7, staircase=True),
    "inverse_time": lambda s: decay.inverse_time_decay(0.5, s, 4, 0.7),
    "inverse_time_staircase": lambda s: decay.inverse_time_decay(0.5, s, 4, 0.7, staircase=True),
    "cosine": lambda s: decay.cosine_decay(0.5, s, 6, alpha=0.1),
    "cosine_restarts": lambda s: decay.cosine_decay_restarts(0.5, s, 3, t_mul=1.5, m_mul=0.8, alpha=0.1),
    "cosine_restarts_equal": lambda s: decay.cosine_decay_restarts(0.5, s, 3, t_mul=1.0, m_mul=0.8),
    "linear_cosine": lambda s: decay.linear_cosine_decay(0.5, s, 6, num_periods=1.5, alpha=0.1, beta=0.02),
    "noisy_linear_cosine": lambda s: decay.noisy_linear_cosine_decay(
        0.5, s, 6, initial_variance=0.0, num_periods=1.5, alpha=0.1, beta=0.02
    ),
}
RECORDED = recorded("learning_rate_decay")


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_schedule_in_a_graph_gives_the_recorded_rates(name: str) -> None:
    with Graph().as_default(), Session() as session:
        step = placeholder(dtypes.int64, [], name="step")
        rate = SCHEDULES[name](step)
        assert rate.dtype.name == RECORDED[name]["dtype"]
        if name != "piecewise":
            assert rate.name.split("/")[0].split(":")[0] == RECORDED[name]["name"].split("/")[0].split(":")[0]
        rates = [session.run(rate, {step: i}) for i in range(9)]
    np.testing.assert_allclose(rates, RECORDED[name]["values"], rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_schedule_in_eager_execution_follows_the_step(name: str) -> None:
    with context.eager_mode():
        step = VariableV1(np.int64(0), name="step", trainable=False)
        rate = SCHEDULES[name](step)
        rates = []
        for _ in range(9):
            rates.append(float(rate()))
            step.assign_add(1)
    np.testing.assert_allclose(rates, RECORDED[name]["values"], rtol=2e-6, atol=1e-7)


def test_noise_has_the_variance_that_is_asked_for() -> None:
    with Graph().as_default() as graph, Session() as session:
        graph.seed = 3
        noisy = decay.noisy_linear_cosine_decay(1.0, constant(0), 10, initial_variance=4.0, num_periods=0.0)
        values = [session.run(noisy) for _ in range(500)]
    assert 1.6 < np.std(values) < 2.4


@pytest.mark.parametrize(
    "schedule",
    [
        lambda: decay.exponential_decay(0.1, None, 1, 1.0),
        lambda: decay.polynomial_decay(0.1, None, 1),
        lambda: decay.inverse_time_decay(0.1, None, 1, 1.0),
        lambda: decay.natural_exp_decay(0.1, None, 1, 1.0),
        lambda: decay.cosine_decay(0.1, None, 1),
        lambda: decay.cosine_decay_restarts(0.1, None, 1),
        lambda: decay.linear_cosine_decay(0.1, None, 1),
        lambda: decay.noisy_linear_cosine_decay(0.1, None, 1),
    ],
)
def test_a_schedule_without_a_step_is_refused(schedule: Any) -> None:
    with pytest.raises(ValueError, match="global_step is required"):
        schedule()


def test_piecewise_constant_checks_lengths_and_types() -> None:
    with Graph().as_default():
        step = placeholder(dtypes.int64, [])
        with pytest.raises(ValueError, match="length of boundaries"):
            decay.piecewise_constant(step, [1, 2], [1.0, 2.0])
        with pytest.raises(ValueError, match="Boundaries .*float32.* must have the same dtype as x .*int64"):
            decay.piecewise_constant(step, [1.5, 2.5], [1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match="all with the same dtype"):
            decay.piecewise_constant(step, [1, 2], [1.0, 2, 3.0])
