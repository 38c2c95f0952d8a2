"""Sorting and searching."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.errors import UnimplementedError
from penstock.ops.array.sorting import argsort, lower_bound_op, nth_element_op, searchsorted, sort, upper_bound_op
from penstock.testing.op_case import OpCase, integers, normal

SORTED = np.array([[1, 2, 2, 5], [0, 0, 3, 9]])
SOUGHT = np.array([[2, 9], [0, 4]])


def _searched(side: str) -> Any:
    return lambda rows, values: np.stack([np.searchsorted(r, v, side) for r, v in zip(rows, values, strict=True)])


CASES = [
    OpCase(lower_bound_op, [SORTED, SOUGHT], _searched("left")),
    OpCase(upper_bound_op, [SORTED, SOUGHT], _searched("right")),
    OpCase(nth_element_op, [normal(2, 5), 1], lambda x, n: np.sort(x)[:, n]),
    OpCase(
        nth_element_op, [normal(2, 5), 1], lambda x, n: np.sort(x)[:, -1 - n], attrs={"reverse": True}, name="reverse"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8, np.int64])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sort_and_argsort_are_those_of_numpy(dtype: Any, axis: int) -> None:
    x = integers(0, 200, 4, 5, dtype=dtype)
    np.testing.assert_array_equal(sort(x, axis).numpy(), np.sort(x, axis))
    np.testing.assert_array_equal(sort(x, axis, "DESCENDING").numpy(), np.flip(np.sort(x, axis), axis))
    np.testing.assert_array_equal(argsort(x, axis).numpy(), np.argsort(x, axis, kind="stable"))


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="direction"):
        sort([1, 2], direction="UP")
    with pytest.raises(ValueError, match="side"):
        searchsorted([1, 2], [1], side="middle")
    np.testing.assert_array_equal(searchsorted([1, 3], [0, 2, 4]).numpy(), [0, 1, 2])


def test_strings_are_refused_where_no_kernel_takes_them():
    with pytest.raises(UnimplementedError, match="LowerBound: it has no kernel for strings"):
        lower_bound_op([[b"a", b"b"]], [[b"a"]])
