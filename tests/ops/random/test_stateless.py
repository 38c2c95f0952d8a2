"""Random operations whose numbers are a function of their seed."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import dtypes
from penstock.core.array import from_numpy
from penstock.core.errors import InvalidArgumentError
from penstock.core.op_def import lookup
from penstock.core.resources import VariableStorage
from penstock.ops.random import generator_state, stateless
from penstock.testing.op_case import OpCase

COVERS = ("RngReadAndSkip", "RngSkip")
SHAPE, SEED = np.array([4, 2], np.int32), np.array([1, 2], np.int64)
NEW = [SHAPE, np.array([3], np.uint64), np.array([4, 5], np.uint64), np.int32(1)]
BOUNDS = [np.int64(1), np.int64(5)]
ALPHA = np.array([0.5, 3.0])
PARAMETERS = [np.float64(0.0), np.float64(1.0), np.float64(-1.0), np.float64(2.0)]
CASES = [
    OpCase(stateless.stateless_random_get_key_counter_op, [SEED]),
    OpCase(stateless.stateless_random_get_key_counter_alg_op, [SEED]),
    OpCase(stateless.stateless_random_get_alg_op, []),
    OpCase(stateless.stateless_random_uniform_op, [SHAPE, SEED]),
    OpCase(stateless.stateless_random_normal_op, [SHAPE, SEED]),
    OpCase(stateless.stateless_truncated_normal_op, [SHAPE, SEED]),
    OpCase(stateless.stateless_random_uniform_int_op, [SHAPE, SEED, *BOUNDS], attrs={"dtype": dtypes.int64}),
    OpCase(stateless.stateless_random_uniform_full_int_op, [SHAPE, SEED]),
    OpCase(stateless.stateless_multinomial_op, [np.zeros((2, 3), np.float32), np.int32(4), SEED], gradient=None),
    OpCase(stateless.stateless_random_gamma_v2_op, [SHAPE, SEED, ALPHA], gradient=None),
    OpCase(stateless.stateless_random_gamma_v3_op, [*NEW, ALPHA], gradient=None),
    OpCase(stateless.stateless_random_poisson_op, [SHAPE, SEED, ALPHA], attrs={"dtype": dtypes.int32}, gradient=None),
    OpCase(stateless.stateless_random_binomial_op, [SHAPE, SEED, 10 * ALPHA, np.float64(0.5)], gradient=None),
    OpCase(stateless.stateless_parameterized_truncated_normal_op, [SHAPE, SEED, *PARAMETERS], gradient=None),
    OpCase(stateless.stateless_random_uniform_v2_op, NEW),
    OpCase(stateless.stateless_random_normal_v2_op, NEW),
    OpCase(stateless.stateless_truncated_normal_v2_op, NEW),
    OpCase(stateless.stateless_random_uniform_int_v2_op, [*NEW, *BOUNDS], attrs={"dtype": dtypes.int64}),
    OpCase(stateless.stateless_random_uniform_full_int_v2_op, NEW),
    OpCase(stateless.stateless_shuffle_op, [np.arange(6.0), *NEW[1:]], gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    """Eager execution, graphs and static shapes agree."""
    case.check()


def test_words_and_orders_are_those_of_tensorflow() -> None:
    """Key and counter give the words and orders that TensorFlow gives."""
    words = stateless.stateless_random_uniform_full_int_v2_op([3], *NEW[1:], dtype=dtypes.uint32)
    assert words.numpy().tolist() == [2377602983, 3448950448, 1571162983]
    order = stateless.stateless_shuffle_op(np.arange(10), *NEW[1:])
    assert order.numpy().tolist() == [3, 5, 9, 1, 4, 6, 7, 8, 0, 2]


def test_bad_arguments_are_refused() -> None:
    """Seeds, algorithms and shapes that do not fit are refused, saying why."""
    with pytest.raises(InvalidArgumentError, match="seed must have shape"):
        stateless.stateless_random_uniform_op([2], [1, 2, 3])
    with pytest.raises(InvalidArgumentError, match="Unsupported algorithm id: 2"):
        stateless.stateless_random_uniform_v2_op([2], NEW[1], NEW[2], 2)
    with pytest.raises(InvalidArgumentError, match="must end with broadcasted shape"):
        stateless.stateless_random_gamma_v2_op([4, 3], [1, 2], [1.0, 2.0])


def test_generator_state_moves_on() -> None:
    """Reading the state advances its counter by 256 blocks an output, and carries into the upper half."""
    storage = VariableStorage("state", dtypes.int64, (3,))
    storage.assign(from_numpy(np.array([-1, 0, 9])))
    before = generator_state.rng_read_and_skip_op.kernel(storage, 1, 5)
    assert before.tolist() == [-1, 0, 9]
    assert storage.read().tolist() == [1279, 1, 9]
    generator_state.rng_skip_op.kernel(storage, 1, 1)
    assert storage.read().tolist() == [1535, 1, 9]


def test_the_method_of_a_binomial_draw_is_chosen_by_a_mean_in_single_precision() -> None:
    """1000 times float32(0.01) is 10 in float32 and less in float64; the numbers are TensorFlow's."""
    drawn = lookup("StatelessRandomBinomial")([5], [0, 0], np.float32(1000), np.float32(0.01), dtype=dtypes.int32)
    assert drawn.numpy().tolist() == [9, 10, 15, 6, 3]
