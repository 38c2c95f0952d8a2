"""Running sums and products agree with NumPy in all four directions."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.constant import constant
from penstock.ops.math import scan
from penstock.testing.op_case import OpCase, normal, uniform

_X = normal(3, 4)

CASES = [
    OpCase(scan.cumsum_op, [_X, 1], lambda x, axis: np.cumsum(x, 1)),
    OpCase(scan.cumsum_op, [_X, 0], lambda x, axis: np.cumsum(x, 0) - x, {"exclusive": True}, name="exclusive"),
    OpCase(
        scan.cumsum_op, [_X, -1], lambda x, axis: np.cumsum(x[:, ::-1], 1)[:, ::-1], {"reverse": True}, name="reverse"
    ),
    OpCase(scan.cumsum_op, [np.array([200, 100], np.uint8), 0], [200, 44], name="uint8 wraps"),
    OpCase(scan.cumprod_op, [uniform(0.5, 2, 3, 4), 1], lambda x, axis: np.cumprod(x, 1)),
    OpCase(
        scan.cumprod_op,
        [uniform(0.5, 2, 4), 0],
        lambda x, axis: np.cumprod(x) / x,
        {"exclusive": True},
        name="exclusive",
    ),
    OpCase(scan.cumulative_logsumexp_op, [_X, 1], lambda x, axis: np.log(np.cumsum(np.exp(x), 1)), gradient="first"),
    OpCase(
        scan.cumulative_logsumexp_op,
        [_X, 0],
        lambda x, axis: np.log(np.cumsum(np.exp(x)[::-1], 0)[::-1]),
        {"reverse": True},
        name="reverse",
        gradient="first",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_an_axis_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="scan axis"):
        scan.cumsum(constant([1.0]), axis=1)


def test_an_exclusive_scan_of_logarithms_starts_with_the_logarithm_of_nothing() -> None:
    assert scan.cumulative_logsumexp(constant([0.0, 0.0]), exclusive=True).numpy().tolist() == [-np.inf, 0.0]
