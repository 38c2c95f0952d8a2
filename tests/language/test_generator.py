"""`tf.random.Generator`."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context, dtypes
from penstock.core.graph import Graph
from penstock.language import generator as module
from penstock.language.generator import Generator, create_rng_state
from penstock.language.variables import global_variables_initializer
from penstock.runtime.session import Session


@pytest.fixture(autouse=True)
def eagerly():
    with context.eager_mode():
        yield


@pytest.mark.parametrize(
    ("seed", "state"),
    [(1234, [1234, 0, 0]), (2**70 + 5, [5, 64, 0]), (-5, [-5, -1, -1]), ([1, 2], [0, 1, 2]), ([1, 2, 3], [1, 2, 3])],
)
def test_state_follows_from_the_seed(seed, state):
    assert create_rng_state(seed, "philox").numpy().tolist() == state


def test_draws_are_tensorflows():
    generator = Generator.from_seed(7)
    assert generator.make_seeds(3).numpy().tolist() == [
        [784853886890614065, 8349095772848317176, -6877555611328403100],
        [0, 0, 0],
    ]
    assert [each.key.numpy() for each in generator.split(2)] == [-1197497836330322934, -4841905960414321989]
    assert generator.uniform([2], 0, 10, dtype=dtypes.int32).numpy().tolist() == [2, 7]
    assert generator.uniform_full_int([2]).numpy().tolist() == [10620062734110709236, 15002055446502829210]
    assert generator.uniform_full_int([2], dtypes.uint32).numpy().tolist() == [3491739164, 3612597591]
    np.testing.assert_allclose(generator.truncated_normal([2]).numpy(), [0.52208143, -0.28563485], rtol=1e-6)
    np.testing.assert_allclose(
        generator.uniform([2], dtype=dtypes.float64).numpy(), [0.01032102, 0.96859373], rtol=1e-6
    )


def test_copies_go_their_own_way():
    generator = Generator.from_key_counter(3, [1, 2], "philox")
    copy = Generator(copy_from=generator)
    np.testing.assert_array_equal(copy.normal([3]).numpy(), generator.normal([3]).numpy())
    copy.reset([1, 2, 3])
    assert copy.state.numpy().tolist() == [1, 2, 3]
    copy.reset_from_seed(4)
    assert copy.state.numpy().tolist() == [4, 0, 0]
    copy.reset_from_key_counter(9, [4, 5])
    assert copy.state.numpy().tolist() == [4, 5, 9]
    assert generator.state.numpy().tolist() == [1 + 3 * 256, 2, 3]


def test_skip_returns_the_state_before():
    generator = Generator.from_seed(1)
    assert generator.skip(2).numpy().tolist() == [1, 0, 0]
    assert generator.state.numpy().tolist() == [513, 0, 0]


def test_state_of_the_wrong_size_is_refused():
    with pytest.raises(ValueError, match="incompatible"):
        Generator.from_state([1, 2], "philox")


def test_integers_need_both_bounds_or_none():
    with pytest.raises(ValueError, match="both `None`"):
        Generator.from_seed(1).uniform([2], dtype=dtypes.int32)


def test_global_generator_is_the_one_that_was_set(monkeypatch):
    monkeypatch.setattr(module._Global, "generator", None)
    first = module.get_global_generator()
    assert module.get_global_generator() is first
    module.set_global_generator(Generator.from_seed(3))
    assert module.get_global_generator().state.numpy().tolist() == [3, 0, 0]


def test_a_graph_draws_on_from_run_to_run():
    expected = Generator.from_seed(2)
    wanted = [expected.normal([2]).numpy() for _ in range(2)]
    with Graph().as_default() as graph, Session(graph=graph) as session:
        drawn = Generator.from_seed(2).normal([2])
        session.run(global_variables_initializer())
        for values in wanted:
            np.testing.assert_array_equal(session.run(drawn), values)
