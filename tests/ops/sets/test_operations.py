"""Sets in the last axis of tensors."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context
from penstock.core.errors import InvalidArgumentError
from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.sets import operations
from penstock.testing.op_case import OpCase

A = np.array([[3, 1, 3, 5], [2, 2, 9, 0]])
B = np.array([[5, 1, 7], [9, 4, 2]])
BOTH = [np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([1, 5, 2, 9]), np.array([2, 2])]
B_PARTS = [np.argwhere(B), B[B != 0], np.array(B.shape)]
A_PARTS = [np.argwhere(A), A[A != 0], np.array(A.shape)]
WORDS = [np.array([["a", "b"]], object), np.array([["c", "a"]], object)]
INTERSECTION = {"set_operation": "intersection"}
CASES = [
    OpCase(operations.dense_to_dense_set_operation_op, [A, B], reference=BOTH, attrs=INTERSECTION),
    OpCase(
        operations.dense_to_dense_set_operation_op,
        WORDS,
        reference=[np.array([[0, 0]]), np.array([b"a"], object), np.array([1, 1])],
        attrs=INTERSECTION,
        name="strings",
    ),
    OpCase(operations.dense_to_sparse_set_operation_op, [A, *B_PARTS], reference=BOTH, attrs=INTERSECTION),
    OpCase(operations.sparse_to_sparse_set_operation_op, [*A_PARTS, *B_PARTS], reference=BOTH, attrs=INTERSECTION),
    OpCase(operations.set_size_op, A_PARTS, reference=np.array([3, 2], np.int32)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def parts(found):
    return found.values.numpy().tolist(), found.dense_shape.numpy().tolist()


def test_functions_take_dense_and_sparse_sets():
    with context.eager_mode():
        sparse_a, sparse_b = SparseTensor(*A_PARTS), SparseTensor(*B_PARTS)
        assert parts(operations.set_union(A, B)) == ([1, 3, 5, 7, 0, 2, 4, 9], [2, 4])
        assert parts(operations.set_union(sparse_a, B)) == ([1, 3, 5, 7, 2, 4, 9], [2, 4])
        assert parts(operations.set_difference(A, sparse_b)) == ([3, 0], [2, 1])
        assert parts(operations.set_difference(sparse_a, B)) == ([3], [2, 1])
        assert parts(operations.set_difference(sparse_a, B, aminusb=False)) == ([7, 4], [2, 1])
        assert parts(operations.set_intersection(sparse_a, sparse_b)) == ([1, 5, 2, 9], [2, 2])
        assert operations.set_size(sparse_a).numpy().tolist() == [3, 2]


def test_mismatches_are_refused():
    with context.eager_mode():
        with pytest.raises(InvalidArgumentError, match="Mismatched shapes"):
            operations.set_union(A, B[:1])
        with pytest.raises(TypeError, match="don't match"):
            operations.set_union(A, B.astype(np.int32))
        with pytest.raises(TypeError, match="invalid dtype"):
            operations.set_union(A * 1.0, B * 1.0)
        with pytest.raises(InvalidArgumentError, match="out of order"):
            operations.set_size(SparseTensor([[0, 1], [0, 0]], [1, 2], [1, 2]))
