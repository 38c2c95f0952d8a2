"""Dropout."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.ops.nn.dropout import dropout, dropout_v1, general_dropout, stateless_dropout
from penstock.ops.random.seeds import set_seed

ONES = np.ones((100, 100), np.float32)


def test_kept_elements_are_scaled_and_the_rest_is_zero():
    result = dropout(ONES, 0.25, seed=1).numpy()
    assert set(np.unique(result)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((result == 0).mean() - 0.25) < 0.02


def test_the_same_seeds_give_the_same_decisions():
    results = []
    for _ in range(2):
        set_seed(3)
        results.append(dropout(ONES, 0.5, seed=4).numpy())
    np.testing.assert_array_equal(*results)


def test_keep_prob_is_one_minus_rate():
    results = []
    for arguments in ({"keep_prob": 0.5}, {"rate": 0.5}):
        set_seed(3)
        results.append(dropout_v1(ONES, seed=4, **arguments).numpy())
    np.testing.assert_array_equal(*results)


def test_noise_shape_shares_decisions_along_an_axis():
    result = dropout(ONES, 0.5, noise_shape=[None, 1], seed=1).numpy()
    assert (result == result[:, :1]).all()
    assert len(np.unique(result)) == 2


def test_rates_that_are_tensors_work_and_rate_zero_changes_nothing():
    np.testing.assert_array_equal(dropout(ONES, 0.0).numpy(), ONES)
    result = dropout(ONES, convert_to_tensor(0.75), seed=1).numpy()
    assert set(np.unique(result)) == {np.float32(0), np.float32(4)}


def test_the_sampler_of_the_caller_decides():
    result = general_dropout(ONES[:1, :2], 0.5, lambda shape, dtype: convert_to_tensor([[0.4, 0.6]], dtype))
    np.testing.assert_array_equal(result.numpy(), [[0, 2]])


def test_stateless_decisions_depend_on_the_seed_alone():
    first, again, other = (stateless_dropout(ONES, 0.5, seed=seed).numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    with pytest.raises(ValueError, match="rng_alg"):
        stateless_dropout(ONES, 0.5, seed=[1, 2], rng_alg="dice")


def test_the_gradient_flows_through_what_was_kept():
    x = convert_to_tensor(ONES)
    with GradientTape() as tape:
        tape.watch(x)
        y = dropout(x, 0.5, seed=1)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), y.numpy())


def test_the_static_shape_stays():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=[None, 3])
        assert dropout(x, 0.5).dims == (None, 3)


@pytest.mark.parametrize(
    ("x", "rate"), [(ONES, -0.1), (ONES, 1.0), (ONES.astype(np.int32), 0.5), (ONES, np.ones(2, np.float32))]
)
def test_what_makes_no_sense_is_refused(x, rate):
    with pytest.raises(ValueError):
        dropout(x, rate)


@pytest.mark.parametrize("arguments", [{}, {"keep_prob": 0.5, "rate": 0.5}, {"keep_prob": 0.0}, {"keep_prob": 1.5}])
def test_the_first_version_wants_exactly_one_probability(arguments):
    with pytest.raises(ValueError):
        dropout_v1(ONES, **arguments)
