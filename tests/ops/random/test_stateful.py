"""Random operations that go on in their stream, and the seeds that they get."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.random import functions, seeds, stateful
from penstock.runtime.session import Session
from penstock.testing.op_case import OpCase

SHAPE = np.array([2, 3], np.int32)
ALPHA = np.array([0.5, 3.0])
CASES = [
    OpCase(stateful.random_uniform_op, [SHAPE], attrs={"dtype": dtypes.float32}),
    OpCase(stateful.random_uniform_op, [SHAPE], attrs={"dtype": dtypes.float32, "seed": 1}, name="seeded"),
    OpCase(stateful.random_standard_normal_op, [SHAPE], attrs={"dtype": dtypes.float16}),
    OpCase(stateful.truncated_normal_op, [SHAPE], attrs={"dtype": dtypes.float64}),
    OpCase(stateful.random_uniform_int_op, [SHAPE, np.int64(2), np.int64(9)]),
    OpCase(stateful.random_shuffle_op, [np.zeros((3, 2))], gradient=None),
    OpCase(stateful.multinomial_op, [np.zeros((2, 3), np.float32), np.int32(4)], gradient=None),
    OpCase(stateful.random_gamma_op, [SHAPE, ALPHA], gradient=None),
    OpCase(stateful.random_gamma_grad_op, [ALPHA, np.array([[0.1, 2.0]])], gradient=None),
    OpCase(stateful.random_poisson_op, [SHAPE, ALPHA], attrs={"dtype": dtypes.float64}, gradient=None),
    OpCase(stateful.random_poisson_v2_op, [SHAPE, ALPHA], attrs={"dtype": dtypes.int32}, gradient=None),
]


@pytest.fixture(autouse=True)
def _without_seed():
    yield
    seeds.set_seed(None)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    """Types and static shapes are those of the values."""
    case.check()


def test_streams_belong_to_the_session() -> None:
    """Each run goes on in the stream; a new session begins again."""
    with Graph().as_default() as graph:
        seeds.set_random_seed(7)
        drawn = functions.random_uniform([4])
    first, second = Session(graph=graph), Session(graph=graph)
    a, b = first.run(drawn), first.run(drawn)
    assert (a != b).all()
    np.testing.assert_array_equal(a, second.run(drawn))


@pytest.mark.parametrize("draw", [functions.random_uniform, functions.random_normal, functions.truncated_normal])
def test_no_seed_means_unpredictable(draw) -> None:
    """Two sessions differ where nobody gave a seed."""
    with Graph().as_default() as graph:
        drawn = draw([8])
    assert (Session(graph=graph).run(drawn) != Session(graph=graph).run(drawn)).any()


def test_seeds_of_operations() -> None:
    """Seeds follow TensorFlow's rules."""
    with Graph().as_default():
        assert seeds.get_seed(None) == (None, None)
        assert seeds.get_seed(3) == (seeds.DEFAULT_GRAPH_SEED, 3)
        seeds.set_random_seed(5)
        assert [seeds.get_seed(None), seeds.get_seed(3), seeds.get_seed(None)] == [(5, 0), (5, 3), (5, 1)]
    seeds.set_seed(5)
    assert [seeds.get_seed(None), seeds.get_seed(None)] == [(5, 1097127993), (5, 1539898300)]
    seeds.set_seed(0)
    assert seeds.get_seed(0) == (0, 2**31 - 1)


def test_node_names_are_those_of_tensorflow() -> None:
    """Graphs have the nodes that TensorFlow 1 makes."""
    with Graph().as_default() as graph:
        functions.random_normal([2])
        functions.random_uniform([2], -1, 2)
    names = [op.name for op in graph.get_operations()]
    inner = ["shape", "mean", "stddev", "RandomStandardNormal", "mul"]
    assert names[:6] == [f"random_normal/{name}" for name in inner] + ["random_normal"]
    inner = ["shape", "min", "max", "RandomUniform", "sub", "mul"]
    assert names[6:] == [f"random_uniform/{name}" for name in inner] + ["random_uniform"]


@pytest.mark.parametrize(
    ("shape", "text"), [([-2], "must be >= 0"), (np.int32(2), "shape must be a vector")], ids=["negative", "scalar"]
)
def test_bad_shapes_are_refused(shape, text: str) -> None:
    """A shape that is none is refused, saying why."""
    with pytest.raises(InvalidArgumentError, match=text):
        stateful.random_uniform_op(shape, dtype=dtypes.float32)


def test_bad_arguments_are_refused() -> None:
    """What makes no distribution is refused, saying why."""
    with pytest.raises(InvalidArgumentError, match="Need minval < maxval, got 5 >= 5"):
        stateful.random_uniform_int_op([2], 5, 5)
    with pytest.raises(InvalidArgumentError, match="logits should be a matrix"):
        stateful.multinomial_op([1.0, 2.0], 2)
    with pytest.raises(ValueError, match="Must specify maxval"):
        functions.random_uniform([2], dtype=dtypes.int32)
    with pytest.raises(InvalidArgumentError, match="Need value.shape >= size"):
        functions.random_crop(np.zeros((2, 2)), [3, 1])
