"""Where windows lie on an axis."""

from __future__ import annotations

import pytest

from penstock.core.shape_rules import ShapeError
from penstock.ops.nn.windows import padding_attributes, sequence_of, windows


@pytest.mark.parametrize(
    ("size", "filter", "stride", "dilation", "padding", "expected"),
    [
        (28, 5, 1, 1, "SAME", (28, 2, 2)),
        (28, 2, 2, 1, "SAME", (14, 0, 0)),
        (7, 2, 2, 1, "SAME", (4, 0, 1)),
        (224, 7, 2, 1, "SAME", (112, 2, 3)),
        (5, 1, 2, 1, "SAME", (3, 0, 0)),
        (5, 3, 1, 2, "SAME", (5, 2, 2)),
        (5, 3, 2, 1, "VALID", (2, 0, 0)),
        (4, 5, 1, 1, "VALID", (0, 0, 0)),
        (None, 5, 2, 1, "SAME", (None, 0, 0)),
        (6, None, 2, 1, "SAME", (3, 0, 0)),
        (6, None, 2, 1, "VALID", (None, 0, 0)),
    ],
)
def test_windows_and_padding(size, filter, stride, dilation, padding, expected):
    assert windows(size, filter, stride, dilation, padding) == expected


def test_explicit_padding_counts():
    assert windows(4, 3, 1, 1, "EXPLICIT", (1, 2)) == (5, 1, 2)


def test_a_window_too_large_is_refused():
    with pytest.raises(ShapeError, match="would be negative"):
        windows(3, 5, 1, 1, "VALID")


def test_arguments_are_brought_to_one_number_an_axis():
    assert sequence_of(2, 2, 3, "strides") == [1, 2, 2, 1]
    assert sequence_of([2, 3], 2, 1, "strides") == [1, 1, 2, 3]
    assert sequence_of(None, 3, 4, "dilations") == [1, 1, 1, 1, 1]
    assert padding_attributes([[0, 0], [1, 2], [3, 4], [0, 0]], 4)["explicit_paddings"] == [0, 0, 1, 2, 3, 4, 0, 0]
    with pytest.raises(ValueError, match="EXPLICIT"):
        padding_attributes("EXPLICIT", 4)
