"""Tensors made of one value."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock.core.graph import Graph
from penstock.ops.array import filling
from penstock.ops.array.filling import (
    empty_op,
    fill,
    fill_op,
    one_hot,
    one_hot_op,
    ones,
    ones_like,
    ones_like_op,
    zeros,
    zeros_like,
    zeros_like_op,
)
from penstock.ops.constant import placeholder
from penstock.testing.op_case import OpCase, normal

LABELS = np.array([[0, 2], [-1, 3]])

CASES = [
    OpCase(fill_op, [[2, 3], np.float64(7)], np.full((2, 3), 7.0)),
    OpCase(fill_op, [[2], np.array(b"a", dtype=object)], np.full(2, b"a", dtype=object), name="strings"),
    OpCase(empty_op, [[2, 3]], np.zeros((2, 3)), attrs={"dtype": dtypes.float64}, gradient=None),
    OpCase(
        empty_op, [[2]], np.full(2, b"", dtype=object), attrs={"dtype": dtypes.string}, name="strings", gradient=None
    ),
    OpCase(zeros_like_op, [normal(2, 3)], np.zeros((2, 3)), gradient=None),
    OpCase(ones_like_op, [normal(2, 3)], np.ones((2, 3)), gradient=None),
    OpCase(
        one_hot_op,
        [LABELS, np.int32(3), np.float64(5), np.float64(-1)],
        np.where(LABELS[..., None] == np.arange(3), 5.0, -1.0),
        gradient=None,
    ),
    OpCase(
        one_hot_op,
        [LABELS, np.int32(3), np.float64(1), np.float64(0)],
        np.where(LABELS[None] == np.arange(3)[:, None, None], 1.0, 0.0),
        attrs={"axis": 0},
        name="first axis",
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_small_fills_are_constants_and_large_ones_are_named_as_in_tensorflow() -> None:
    with Graph().as_default() as graph:
        assert zeros([2, 3]).op.type == "Const"
        zeros([1000, 3], name="large")
        names = [op.name for op in graph.get_operations()]
        assert names == ["zeros", "large/shape_as_tensor", "large/Const", "large"]
        x = placeholder(np.float32, [None, 3])
        assert zeros_like(x).op.type == "ZerosLike"
        assert ones_like(x).dims == (None, 3)


def test_types_of_fills() -> None:
    assert zeros([2], dtypes.string).numpy().tolist() == [b"", b""]
    assert ones([2], dtypes.bool_).numpy().tolist() == [True, True]
    assert zeros_like([1.5], dtypes.int64).dtype == dtypes.int64
    assert one_hot([1], 2, on_value=True, off_value=False).dtype == dtypes.bool_
    with pytest.raises(TypeError, match="does not match"):
        one_hot([1], 2, on_value=1, off_value=0.5)


def test_sizes_are_checked_before_memory_is_asked_for() -> None:
    with pytest.raises(ResourceExhaustedError, match="OOM"):
        fill([1 << 20, 1 << 20, 1 << 10], 1.0)
    with pytest.raises(InvalidArgumentError, match=">= 0"):
        fill([-1], 1.0)
    with pytest.raises(InvalidArgumentError, match="non-negative"):
        one_hot([0], -1)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.bool_, np.complex64])
def test_indices_beyond_the_depth_are_nowhere_hot(axis: int, dtype: type) -> None:
    indices = np.array([[0, 2, -1], [3, 1, 9]], np.int32)
    hot = one_hot(indices, 3, axis=axis, on_value=dtype(1), off_value=dtype(0))
    expected = np.moveaxis(indices[..., None] == np.arange(3), -1, axis)
    np.testing.assert_array_equal(hot.numpy(), expected.astype(dtype))


def test_a_scalar_size_and_a_value_of_one_element_fill():
    assert filling.fill(3, 1).numpy().tolist() == [1, 1, 1]
    assert filling.fill([2], [1]).numpy().tolist() == [1, 1]
    with pytest.raises(InvalidArgumentError, match="scalar"):
        filling.fill([2], [1, 2])


def test_an_empty_value_has_the_shape_and_type_asked_for():
    made = filling.empty_op([2, 3], dtype="int64", init=True)
    assert made.dtype.name == "int64"
    assert made.numpy().tolist() == [[0, 0, 0], [0, 0, 0]]
    assert filling.empty_op([1], dtype="string").numpy().tolist() == [b""]
