"""Repeated elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.ops.array.repeating import repeat
from penstock.testing.op_case import normal


@pytest.mark.parametrize(("repeats", "axis"), [(2, None), (3, 0), (2, -1), ([1, 2], 0), ([0, 1, 2], 1)])
def test_repeat_is_that_of_numpy(repeats: Any, axis: int | None) -> None:
    x = normal(2, 3)
    np.testing.assert_array_equal(repeat(x, repeats, axis).numpy(), np.repeat(x, repeats, axis))


def test_nothing_is_repeated_no_times():
    assert repeat(np.zeros([0]), np.zeros([0], np.int32)).numpy().shape == (0,)


@pytest.mark.parametrize("counts", [1.5, "a"])
def test_counts_must_be_integers(counts):
    with pytest.raises(TypeError, match="must be integers"):
        repeat([1, 2], counts, 0)
