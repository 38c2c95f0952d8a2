from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array
from penstock.ops.debugging.summaries import format_float, printable, summarize_ends, summarize_start


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        (np.arange(8).reshape(2, 4), 3, "[0 1 2...]..."),
        (np.arange(8).reshape(2, 4), 5, "[0 1 2 3][4...]..."),
        (np.arange(8).reshape(2, 2, 2), 3, "[[0 1][2...]]..."),
        (np.arange(8).reshape(2, 2, 2), -1, "[[0 1][2 3]][[4 5][6 7]]"),
        (np.arange(6).reshape(6, 1), 3, "[0][1][2]..."),
        (np.arange(2), 3, "0 1"),
        (np.float32(1.5), 3, "1.5"),
        (np.array([True, False]), 3, "1 0"),
        (np.zeros([2, 0]), 3, ""),
        (np.array([b'a\n"', b"it's"], object), 3, "a\\n\\\" it\\'s"),
    ],
)
def test_the_start_of_a_value(value, limit, shown):
    assert summarize_start(array.from_numpy(np.asarray(value)), limit) == shown


@pytest.mark.parametrize(
    ("value", "edge_items", "shown"),
    [
        (np.arange(7), 3, "[0 1 2 ... 4 5 6]"),
        (np.arange(6), 3, "[0 1 2 3 4 5]"),
        (np.arange(12).reshape(6, 2), 1, "[[0 1]\n ...\n [10 11]]"),
        (np.arange(8).reshape(2, 2, 2), -1, "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]"),
        (np.array([b"x", b"\x01"], object), 3, '["x" "\\001"]'),
        (np.array(2**40), 3, "1099511627776"),
    ],
)
def test_both_ends_of_a_value(value, edge_items, shown):
    assert summarize_ends(array.from_numpy(np.asarray(value)), edge_items) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(np.float32(1 / 3), "0.333333343"), (16777216.0, "16777216"), (1e10, "1e+10"), (-0.0, "-0")]
)
def test_floats_have_the_digits_that_lead_back(number, shown):
    assert format_float(float(number)) == shown


def test_bytes_beyond_utf8_stay_printable():
    assert printable(b"a\xff".decode("utf-8", "surrogateescape")) == "a\\xff"
