from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant, placeholder
from penstock.ops.debugging import shapes as module
from penstock.runtime.session import Session

RANKS = [
    (module.assert_rank, 1, 2, "must have rank 2"),
    (module.assert_rank_v1, 1, 2, "must have rank 2"),
    (module.assert_rank_at_least, 0, 2, "must have rank at least 2"),
    (module.assert_rank_in, (1, 3), (2, 3), r"must have rank in \(2, 3\)"),
]


@pytest.mark.parametrize(("check", "passing", "failing", "message"), RANKS)
def test_known_ranks_are_checked_at_once(check, passing, failing, message):
    assert check([1, 2], passing) is None
    with pytest.raises(ValueError, match=rf"m\.  Tensor  {message}.  Received rank 1, shape \(2,\)"):
        check([1, 2], failing, message="m")
    with Graph().as_default():
        assert check(placeholder(dtypes.int32, [None]), passing).type == "NoOp"
        with pytest.raises(ValueError, match=f"Placeholder_1:0 {message}"):
            check(placeholder(dtypes.int32, [None]), failing)


@pytest.mark.parametrize(("check", "passing", "failing", "message"), RANKS)
def test_unknown_ranks_are_checked_when_the_graph_runs(check, passing, failing, message):
    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder(dtypes.int32)
        session.run(check(x, passing), {x: [1, 2]})
        with pytest.raises(InvalidArgumentError, match=r"Received shape: \] \[2\]"):
            session.run(check(x, failing), {x: [1, 2]})


def test_a_rank_is_an_int32_scalar():
    with pytest.raises(ValueError, match="Rank must be a scalar"):
        module.assert_rank([1, 2], [2])
    with pytest.raises(TypeError, match=r"must be of type tf.int32; got tf.float32"):
        module.assert_rank([1, 2], 2.0)


def test_scalars():
    assert float(module.assert_scalar(1.5)) == 1.5
    with pytest.raises(ValueError, match=r"m\.  Expected scalar shape, saw shape: \(1,\)"):
        module.assert_scalar([1], message="m")
    with Graph().as_default(), pytest.raises(ValueError, match="Expected scalar shape for Placeholder:0"):
        module.assert_scalar_v1(placeholder(dtypes.int32))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([((2, 3), ("N", "Q")), ((3,), ("N",))], "dimension 0 must have size 2.  Received size 3"),
        ([((2, 3), (2, 4))], "Specified explicitly.  Tensor .* dimension 1 must have size 4.  Received size 3"),
        ([((2, 3), (2, 3, 4))], "must have rank 3"),
        ([((2, 3, 4), ("*", "N", "N"))], "dimension 2 must have size 3"),
        ([((2, 3, 4), (2, "*", 4))], "only allowed as the first entry"),
        ([((2,), 1)], "must be an iterable"),
    ],
)
def test_shapes_that_do_not_fit(shapes, message):
    with pytest.raises(ValueError, match=message):
        module.assert_shapes([(constant(np.ones(shape)), sizes) for shape, sizes in shapes])


def test_shapes_that_fit():
    pairs = [
        (constant(np.ones([2, 3])), ("N", "Q")),
        (constant(np.ones([5, 2])), ("*", "N")),
        (constant(np.ones([3, 9])), ("Q", None)),
        (constant(np.ones([3, 3])), "QQ"),
        (constant(1.0), ()),
        (constant(1.0), (1,)),
    ]
    assert module.assert_shapes(pairs) is None


def test_unknown_sizes_are_checked_when_the_graph_runs():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        x, y = placeholder(dtypes.float32), placeholder(dtypes.float32, [None, 3])
        op = module.assert_shapes([(x, ("N",)), (y, ("N", "Q"))])
        session.run(op, {x: [1.0], y: [[1.0, 2.0, 3.0]]})
        with pytest.raises(InvalidArgumentError, match="must have size"):
            session.run(op, {x: [1.0, 2.0], y: [[1.0, 2.0, 3.0]]})


def test_types():
    assert module.assert_type(constant(1.0), dtypes.float32) is None
    with pytest.raises(TypeError, match=r"m\.  tensor must be of type tf.int32; got tf.float32"):
        module.assert_type(constant(1.0), dtypes.int32, message="m")
    module.assert_integer([1])
    with pytest.raises(TypeError, match='Expected "x" to be integer type'):
        module.assert_integer([1.0])
    assert module.is_numeric_tensor(constant(1.0))
    assert not any(map(module.is_numeric_tensor, (1, constant("a"), constant(True))))


def test_one_floating_type():
    assert module.assert_same_float_dtype() == dtypes.float32
    assert module.assert_same_float_dtype([None, constant(1.0, dtypes.float64)]) == dtypes.float64
    with pytest.raises(ValueError, match="must be of the same type"):
        module.assert_same_float_dtype([constant(1.0), constant(1.0, dtypes.float64)])
    with pytest.raises(ValueError, match="Expected floating point type"):
        module.assert_same_float_dtype([constant(1)])


@pytest.mark.parametrize("value", ["abc", b"abc", np.ones(2), 3])
def test_proper_iterables(value):
    module.assert_proper_iterable([1, 2])
    with pytest.raises(TypeError, match="iterable"):
        module.assert_proper_iterable(value)
