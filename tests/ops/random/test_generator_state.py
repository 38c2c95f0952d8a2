"""Operations on the state of generators: their numbers, and how far the counter moves."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context, dtypes
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.language.generator import Generator
from penstock.ops.random import generator_state, stateless

COVERS = (
    "NonDeterministicInts",
    "RngReadAndSkip",
    "RngSkip",
    "StatefulRandomBinomial",
    "StatefulStandardNormalV2",
    "StatefulTruncatedNormal",
    "StatefulUniform",
    "StatefulUniformFullInt",
    "StatefulUniformInt",
)
SHAPE = np.array([2, 3], np.int64)


@pytest.fixture
def generator():
    with context.eager_mode():
        yield Generator.from_seed(5)


@pytest.mark.parametrize(
    ("stateful", "of_key", "dtype"),
    [
        (generator_state.stateful_standard_normal_v2_op, stateless.stateless_random_normal_v2_op, dtypes.float32),
        (generator_state.stateful_truncated_normal_op, stateless.stateless_truncated_normal_v2_op, dtypes.float64),
        (generator_state.stateful_uniform_op, stateless.stateless_random_uniform_v2_op, dtypes.float32),
        (generator_state.stateful_uniform_full_int_op, stateless.stateless_random_uniform_full_int_v2_op, dtypes.int64),
    ],
)
def test_stateful_draws_are_the_stateless_ones_of_the_counter(generator, stateful, of_key, dtype):
    key, counter = np.array([0], np.uint64), np.array([5, 0], np.uint64)
    expected = of_key(SHAPE, key, counter, 1, dtype=dtype)
    drawn = stateful(generator.state.handle, 1, SHAPE, dtype=dtype)
    np.testing.assert_array_equal(drawn.numpy(), expected.numpy())
    assert generator.state.numpy().tolist() == [5 + 6 * 256, 0, 0]


def test_integers_lie_between_their_bounds(generator):
    low, high = np.int64(3), np.int64(5)
    drawn = generator_state.stateful_uniform_int_op(generator.state.handle, 1, np.array([100]), low, high)
    assert set(drawn.numpy().tolist()) == {3, 4}


def test_binomial_moves_the_counter_by_what_rejection_may_use():
    with context.eager_mode():
        generator = Generator.from_seed(1234)
        drawn = generator.binomial([4, 3], [10.0, 20.0, 30.0], [0.2, 0.5, 0.6])
    assert drawn.numpy().tolist() == [[4, 9, 19], [0, 8, 20], [4, 6, 20], [2, 7, 20]]
    assert generator.state.numpy().tolist() == [270034, 0, 0]


def test_skip_returns_the_state_before(generator):
    assert generator_state.rng_read_and_skip_op(generator.state.handle, 1, np.uint64(3)).numpy().tolist() == [5, 0, 0]
    generator_state.rng_skip_op(generator.state.handle, 1, 2)
    assert generator.state.numpy().tolist() == [5 + 5 * 256, 0, 0]


def test_other_algorithms_are_refused(generator):
    with pytest.raises(UnimplementedError, match="ThreeFry"):
        generator_state.stateful_uniform_op(generator.state.handle, 2, SHAPE)
    with pytest.raises(InvalidArgumentError, match="Unsupported algorithm"):
        generator_state.stateful_uniform_op(generator.state.handle, 9, SHAPE)


def test_non_deterministic_integers_differ_from_call_to_call():
    with context.eager_mode():
        first, second = (generator_state.non_deterministic_ints_op(np.array([4])).numpy() for _ in range(2))
    assert first.dtype == np.int64
    assert first.tolist() != second.tolist()
