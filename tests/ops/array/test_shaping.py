"""Reshaping, axes, broadcasting and questions about shapes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.dtypes import int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.inference import partial_value
from penstock.ops.array import shaping
from penstock.ops.array.joining import stack
from penstock.ops.array.shaping import (
    broadcast_args_op,
    broadcast_static_shape,
    broadcast_to_op,
    conjugate_transpose_op,
    ensure_shape_op,
    expand_dims_op,
    rank,
    rank_op,
    reshape,
    reshape_op,
    shape,
    shape_n_op,
    size,
    size_op,
    squeeze_op,
    transpose,
    transpose_op,
)
from penstock.ops.constant import constant, placeholder
from penstock.testing.op_case import OpCase, normal

TEXT = np.array([[b"a", b"b"], [b"c", b"d"]], dtype=object)
COMPLEX = normal(2, 3) + 1j * normal(2, 3, seed=1)

CASES = [
    OpCase(reshape_op, [normal(2, 3), [3, 2]], lambda x, s: x.reshape(s)),
    OpCase(reshape_op, [normal(2, 3), [-1]], lambda x, s: x.reshape(s), name="inferred"),
    OpCase(reshape_op, [normal(0, 3), [3, 0]], lambda x, s: x.reshape(s), name="empty"),
    OpCase(reshape_op, [TEXT, [4]], lambda x, s: x.reshape(s), name="strings"),
    OpCase(expand_dims_op, [normal(2, 3), -1], lambda x, d: np.expand_dims(x, d)),
    OpCase(expand_dims_op, [TEXT, 0], lambda x, d: np.expand_dims(x, d), name="strings"),
    OpCase(squeeze_op, [normal(1, 3, 1)], lambda x: x.squeeze()),
    OpCase(squeeze_op, [normal(1, 3, 1)], lambda x: x.squeeze(0), attrs={"squeeze_dims": [0]}, name="one axis"),
    OpCase(transpose_op, [normal(2, 3, 4), [2, 0, 1]], lambda x, p: x.transpose(p)),
    OpCase(transpose_op, [TEXT, [1, 0]], lambda x, p: x.transpose(p), name="strings"),
    OpCase(conjugate_transpose_op, [COMPLEX, [1, 0]], lambda x, p: x.conj().T),
    OpCase(conjugate_transpose_op, [normal(2, 3), [1, 0]], lambda x, p: x.T, name="real"),
    OpCase(broadcast_to_op, [normal(3, 1), [2, 3, 4]], lambda x, s: np.broadcast_to(x, s)),
    OpCase(broadcast_to_op, [normal(3), [3]], lambda x, s: x, name="same shape"),
    OpCase(
        broadcast_args_op, [np.array([3, 1], np.int32), np.array([2, 1, 4], np.int32)], np.array([2, 3, 4], np.int32)
    ),
    OpCase(ensure_shape_op, [normal(2, 3)], lambda x: x, attrs={"shape": [None, 3]}),
    OpCase(size_op, [normal(2, 3)], np.int64(6), attrs={"out_type": int64}, gradient=None),
    OpCase(rank_op, [normal(2, 3)], np.int32(2), gradient=None),
    OpCase(shape_n_op, [[normal(2, 3), normal(4)]], ([2, 3], [4]), gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: reshape(x, [4]), "6"),
        (lambda x: transpose(x, [0, 0]), "permutation"),
        (lambda x: squeeze_op(x, squeeze_dims=[0]), "expected a dimension of 1, got 2"),
        (lambda x: broadcast_to_op(x, [2, 4]), "cannot broadcast"),
        (lambda x: ensure_shape_op(x, shape=(2, 4)), "not compatible"),
        (lambda x: expand_dims_op(x, 5), "dim index 5"),
    ],
)
def test_values_that_do_not_fit_are_refused_at_run_time(call: object, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        call(constant(normal(2, 3)))  # type: ignore[operator]


def test_shapes_that_do_not_fit_are_refused_while_the_graph_is_built() -> None:
    with Graph().as_default():
        x = placeholder(np.float32, [2, 3])
        with pytest.raises(ValueError, match="cannot reshape a tensor with 6 elements"):
            reshape(x, [4, 2])
        with pytest.raises(ValueError, match="permutation"):
            transpose(x, [0, 2])


def test_static_shapes_become_constants_with_the_names_of_tensorflow() -> None:
    with Graph().as_default() as graph:
        x = placeholder(np.float32, [2, 3])
        assert [t.op.type for t in (shape(x), size(x), rank(x))] == ["Const"] * 3
        assert [op.name for op in graph.get_operations()[1:]] == ["Shape", "Size", "Rank"]
        y = placeholder(np.float32, [None, 3])
        assert shape(y).op.type == "Shape"
        assert transpose(y).op.name == "transpose"
        assert "transpose/perm" in [op.name for op in graph.get_operations()]


def test_partly_known_sizes_flow_through_shape_arithmetic() -> None:
    with Graph().as_default():
        x = placeholder(np.float32, [None, 4, 5])
        extents = shape(x)
        assert partial_value(extents) == [None, 4, 5]
        assert partial_value(extents[1]) == 4
        assert partial_value(extents[::-1]) == [5, 4, None]
        assert reshape(x, stack([extents[0], extents[1] * extents[2]])).dims == (None, 20)
        assert reshape(x, [-1, 20]).dims == (None, 20)


def test_broadcast_static_shape_keeps_what_is_known() -> None:
    assert broadcast_static_shape([None, 3], [4, 1, 3]).as_list() == [4, None, 3]
    with pytest.raises(ValueError, match="broadcast"):
        broadcast_static_shape([2], [3])


def test_a_scalar_shape_gives_a_vector() -> None:
    assert reshape(constant([[1, 2], [3, 4]]), -1).numpy().tolist() == [1, 2, 3, 4]
    with Graph().as_default():
        assert reshape(constant([[1, 2]]), -1).shape.as_list() == [2]
        with pytest.raises(ValueError, match="vector"):
            reshape(constant([[1, 2]]), 2)


@pytest.mark.parametrize(
    ("dims", "shape", "expected"),
    [
        ((2, 0), [0, -1], (0, 2)),
        ((0, 3), [0, -1], (0, 3)),
        ((0, 3, 2), [-1, 0], (6, 0)),
        ((0, 3, 2), [-1, 0, 2], (3, 0, 2)),
    ],
)
def test_an_open_size_of_an_empty_tensor_leaves_zeros_out(dims, shape, expected):
    assert tuple(shaping.reshape(np.zeros(dims), shape).shape) == expected


def test_shapes_of_no_type_are_int32():
    assert shaping.shape_n([np.zeros(3)], None)[0].dtype.name == "int32"
