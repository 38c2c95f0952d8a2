"""The vocabulary of shape rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penstock.core import shape_rules as rules
from penstock.core.shape_rules import ShapeError


def test_merge_dim():
    assert rules.merge_dim(None, 3, "rows") == rules.merge_dim(3, None, "rows") == rules.merge_dim(3, 3, "rows") == 3
    with pytest.raises(ShapeError, match="rows must agree, got 3 and 4"):
        rules.merge_dim(3, 4, "rows")


def test_merge():
    assert rules.merge((None, 3), (4, None)) == (4, 3)
    assert rules.merge(None, (4,)) == rules.merge((4,), None) == (4,)
    for other in ((4, 5), (1, 2, 3)):
        with pytest.raises(ShapeError, match=r"inputs must agree, got \(\?, 3\) and"):
            rules.merge((None, 3), other, "inputs")


def test_broadcast_of_known_shapes_is_numpys():
    candidates = [sizes for rank in range(4) for sizes in itertools.product((0, 1, 2, 3), repeat=rank)]
    for a in candidates[::2]:
        for b in candidates[::3]:
            try:
                expected = np.broadcast_shapes(a, b)
            except ValueError:
                with pytest.raises(ShapeError):
                    rules.broadcast(a, b)
            else:
                assert rules.broadcast(a, b) == expected


def test_broadcast_of_unknown_sizes():
    assert rules.broadcast(None, (2,)) is None
    assert rules.broadcast((None,), (3,)) == (3,)
    assert rules.broadcast((3,), (None,)) == (3,)
    assert rules.broadcast((None,), (1,)) == (None,)
    assert rules.broadcast((1,), (None,)) == (None,)
    assert rules.broadcast((None,), (None,)) == (None,)
    assert rules.broadcast((None, 1), (5,)) == (None, 5)


def test_broadcast_errors_name_both_shapes():
    with pytest.raises(ShapeError, match=r"\(\?, 3\) and \(4,\)"):
        rules.broadcast((None, 3), (4,))


def test_broadcast_all():
    assert rules.broadcast_all() == ()
    assert rules.broadcast_all((2, 1), (3,), ()) == (2, 3)
    assert rules.broadcast_all((2,), None) is None
    with pytest.raises(ShapeError):
        rules.broadcast_all((2,), None, (3,))


def test_expected_ranks():
    assert rules.expect_rank(None, 2, "a") == (None, None)
    assert rules.expect_rank((1, 2), 2, "a") == (1, 2)
    assert rules.expect_rank_at_least((1, 2), 1, "a") == (1, 2)
    assert rules.expect_rank_at_least(None, 1, "a") is None
    with pytest.raises(ShapeError, match=r"a must have rank 2, got shape \(\?,\) of rank 1"):
        rules.expect_rank((None,), 2, "a")
    with pytest.raises(ShapeError, match="a must have rank at least 2"):
        rules.expect_rank_at_least((1,), 2, "a")


def test_expect_equal_names_each():
    assert rules.expect_equal("rows", a=None, b=3, c=3) == 3
    assert rules.expect_equal("rows", a=None, b=None) is None
    assert rules.expect_equal("rows", a=0, b=None) == 0
    with pytest.raises(ShapeError, match="^inner dimension must agree, a has 784 and b has 512$"):
        rules.expect_equal("inner dimension", a=784, b=512)
    with pytest.raises(ShapeError, match="^rows must agree, a has 1, c has 1 and d has 2$"):
        rules.expect_equal("rows", a=1, b=None, c=1, d=2)


def test_normalize_axis():
    assert [rules.normalize_axis(axis, 2, "axis") for axis in (-2, -1, 0, 1)] == [0, 1, 0, 1]
    for axis in (-3, 2):
        with pytest.raises(ShapeError, match=r"expected one in \[-2, 2\)"):
            rules.normalize_axis(axis, 2, "axis")
    with pytest.raises(ShapeError, match="there is none"):
        rules.normalize_axis(0, 0, "axis")


def test_reduced():
    assert rules.reduced((2, None, 4), [-1], False) == (2, None)
    assert rules.reduced((2, None, 4), [0, 2], True) == (1, None, 1)
    assert rules.reduced((2, 3), [], False) == (2, 3)
    assert rules.reduced((2, 3), None, True) == (None, None)
    assert rules.reduced((2, 3), None, False) is None
    assert rules.reduced(None, [0], True) is None
    with pytest.raises(ShapeError, match="reduction axis 2"):
        rules.reduced((2, 3), [2], False)


def test_convolved_size_counts_the_places_of_the_window():
    for size, window, stride, dilation in itertools.product(range(9), (1, 2, 3), (1, 2, 3), (1, 2)):
        span = (window - 1) * dilation + 1
        assert rules.convolved_size(size, window, stride, dilation, "SAME") == len(range(0, size, stride))
        if span <= size:
            places = len(range(0, size - span + 1, stride))
            assert rules.convolved_size(size, window, stride, dilation, "VALID") == places
        else:
            with pytest.raises(ShapeError, match="does not fit"):
                rules.convolved_size(size, window, stride, dilation, "VALID")


def test_convolved_size_with_unknowns_and_bad_arguments():
    assert rules.convolved_size(None, 3, 1, 1, "SAME") is None
    assert rules.convolved_size(5, None, 1, 1, "VALID") is None
    assert rules.convolved_size(5, None, 2, 1, "SAME") == 3
    with pytest.raises(ShapeError, match="at least 1"):
        rules.convolved_size(5, 3, 0, 1, "SAME")
    with pytest.raises(ShapeError, match="'SAME' or 'VALID'"):
        rules.convolved_size(5, 3, 1, 1, "same")


def test_common_rules():
    assert rules.unchanged((1, None), (2,), T=1) == (1, None)
    assert rules.broadcasting((2, 1), (3,)) == (2, 3)
    assert rules.scalar((1,), T=1) == ()
    assert rules.unknown((1,), T=1) is None
    assert rules.num_elements((2, 3)) == 6
    assert rules.num_elements((2, None)) is rules.num_elements(None) is None


def test_format_dims():
    formatted = [rules.format_dims(dims) for dims in ((None, 784), (3,), (), None)]
    assert formatted == ["(?, 784)", "(3,)", "()", "<unknown>"]
