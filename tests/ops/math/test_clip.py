"""Values are kept within bounds, and tensors scaled to norms."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.indexed_slices import IndexedSlices
from penstock.ops.constant import constant
from penstock.ops.math import clip
from penstock.testing.op_case import OpCase, normal

CASES = [
    OpCase(
        clip.clip_by_value_op, [normal(3, 4), np.array(-0.5), np.array(0.5)], lambda t, low, high: t.clip(low, high)
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_clip_by_value_keeps_slices_sparse() -> None:
    slices = IndexedSlices(constant([[5.0], [-5.0]]), constant([0, 3]), constant([9, 1]))
    clipped = clip.clip_by_value(slices, -1.0, 1.0)
    assert isinstance(clipped, IndexedSlices)
    assert clipped.values.numpy().tolist() == [[1.0], [-1.0]]


def test_bounds_must_not_enlarge_the_tensor() -> None:
    with pytest.raises(ValueError, match="smaller shapes"):
        clip.clip_by_value(constant([1.0]), constant([0.0, 0.0]), 2.0)


def test_a_tensor_of_large_norm_is_scaled_and_a_small_one_kept() -> None:
    np.testing.assert_allclose(clip.clip_by_norm(constant([3.0, 4.0]), 1.0).numpy(), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(clip.clip_by_norm(constant([0.3, 0.4]), 1.0).numpy(), [0.3, 0.4], rtol=1e-6)
    assert clip.clip_by_norm(constant([0.0, 0.0]), 1.0).numpy().tolist() == [0.0, 0.0]


def test_the_global_norm_joins_all_tensors() -> None:
    clipped, norm = clip.clip_by_global_norm([constant([3.0]), None, constant([4.0])], 1.0)
    assert float(norm) == pytest.approx(5.0)
    assert clipped[1] is None
    np.testing.assert_allclose([clipped[0].numpy()[0], clipped[2].numpy()[0]], [0.6, 0.8], rtol=1e-6)


def test_a_norm_that_is_not_finite_makes_everything_nan() -> None:
    clipped, _ = clip.clip_by_global_norm([constant([np.inf, 1.0])], 1.0)
    assert np.isnan(clipped[0].numpy()).all()


def test_a_single_tensor_is_no_list() -> None:
    with pytest.raises(TypeError, match="sequence"):
        clip.clip_by_global_norm(constant([1.0]), 1.0)


def test_the_average_norm_divides_by_the_number_of_elements() -> None:
    np.testing.assert_allclose(clip.clip_by_average_norm(constant([3.0, 4.0]), 1.0).numpy(), [1.2, 1.6], rtol=1e-6)


def test_a_norm_bounded_below_zero_is_zero() -> None:
    assert clip.clip_by_norm(constant([3.0, 4.0]), -1.0).numpy().tolist() == [0.0, 0.0]
