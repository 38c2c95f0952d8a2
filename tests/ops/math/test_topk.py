"""The largest elements come in order, the first of equal ones first."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant
from penstock.ops.math import topk
from penstock.testing.op_case import OpCase, normal

_X = np.array([[1.0, 5.0, 5.0, 2.0], [0.0, -1.0, 3.0, 3.0]])
_TOP2 = [[[5.0, 5.0], [3.0, 3.0]], [[1, 2], [2, 3]]]

CASES = [
    OpCase(topk.top_k_v2_op, [_X, 2], _TOP2, gradient=None),
    OpCase(
        topk.top_k_v2_op,
        [normal(2, 3, 4), 2],
        lambda x, k: (-np.sort(-x)[..., :2], np.argsort(-x)[..., :2]),
        name="derivatives",
    ),
    OpCase(topk.top_k_v2_op, [np.array([1, 9, 9], np.uint32), 2], [[9, 9], [1, 2]], name="uint32"),
    OpCase(topk.top_k_op, [_X], _TOP2, {"k": 2}, gradient=None),
    OpCase(topk.approx_top_k_op, [_X.astype(np.float32)], _TOP2, {"k": 2}, gradient=None),
    OpCase(
        topk.approx_top_k_op,
        [_X.astype(np.float32)],
        [[[1.0], [-1.0]], [[0], [1]]],
        {"k": 1, "is_max_k": False},
        name="smallest",
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_more_elements_than_there_are_cannot_be_had() -> None:
    with pytest.raises(InvalidArgumentError, match="at least k columns|last dimension"):
        topk.top_k(constant([1.0]), 2)


def test_the_fields_are_named() -> None:
    result = topk.top_k(constant([1.0, 3.0]))
    assert (result.values.numpy().tolist(), result.indices.numpy().tolist()) == ([3.0], [1])


@pytest.mark.parametrize("k", [2, 3, 9])
def test_a_few_of_many_elements_are_those_of_a_stable_sort(k: int) -> None:
    x = np.random.default_rng(0).integers(0, 60, (50, 40)).astype(np.float32)
    x[3, 5] = x[7, 2] = x[7, 9] = np.nan
    order = np.argsort(np.where(np.isnan(x), -np.inf, -x), axis=-1, kind="stable")[:, :k]
    result = topk.top_k(constant(x), k)
    np.testing.assert_array_equal(result.indices.numpy(), order)
    np.testing.assert_array_equal(result.values.numpy(), np.take_along_axis(x, order, -1))


def test_the_largest_along_another_axis_are_exact_and_have_gradients() -> None:
    x = constant(_X.astype(np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        values, positions = topk.approx_max_k(x, 1, reduction_dimension=0)
    assert values.numpy().tolist() == [[1.0, 5.0, 5.0, 3.0]]
    assert positions.numpy().tolist() == [[0, 0, 0, 1]]
    assert tape.gradient(values, x).numpy().tolist() == [[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    assert topk.approx_min_k(x, 2).indices.numpy().tolist() == [[0, 3], [1, 0]]


def test_approximate_searches_check_their_arguments() -> None:
    x = constant(_X.astype(np.float32))
    with pytest.raises(InvalidArgumentError, match="minimum 0"):
        topk.approx_max_k(x, -1)
    with pytest.raises(InvalidArgumentError, match="at least k columns"):
        topk.approx_max_k(x, 7)
    with pytest.raises(InvalidArgumentError, match="reduction_dimension"):
        topk.approx_max_k(x, 1, reduction_dimension=2)
