"""Quantized types."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array, dtypes
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.graph import Graph
from penstock.ops.quantization.ranges import dequantize, quantize

COVERS = ("QuantizeV2", "Dequantize")
X = np.linspace(-2.5, 3.5, 25, dtype=np.float32)


@pytest.mark.parametrize("mode", ["MIN_COMBINED", "MIN_FIRST", "SCALED"])
@pytest.mark.parametrize("dtype", ["qint8", "quint8", "qint16", "quint16"])
def test_numbers_come_back_within_half_a_step(mode, dtype):
    low = 0.0 if mode == "SCALED" and dtype.startswith("qu") else -2.0
    stored, start, end = quantize(X, low, 3.0, getattr(dtypes, dtype), mode)
    assert stored.dtype.name == dtype
    step = (end.numpy() - start.numpy()) / (2**8 - 1 if dtype.endswith("8") else 2**16 - 1)
    back = dequantize(stored, start, end, mode).numpy()
    assert np.abs(back - np.clip(X, start.numpy(), end.numpy())).max() <= step * 0.51 + 1e-5


def test_levels_are_counted_from_the_ends():
    stored, _, _ = quantize(np.array([-2, 3], np.float32), -2.0, 3.0, dtypes.quint8)
    assert array.to_numpy(stored.value).astype(int).tolist() == [0, 255]


def test_bad_ranges_are_refused():
    with pytest.raises(InvalidArgumentError, match="at most"):
        quantize(X, 3.0, 2.0, dtypes.qint8)
    with pytest.raises(InvalidArgumentError, match="elements"):
        quantize(X, [1.0, 2.0], [3.0, 4.0], dtypes.qint8)


def test_halves_are_rounded_to_even_in_scaled_mode_only():
    with pytest.raises(InvalidArgumentError, match="SCALED"):
        quantize(X, -2.0, 3.0, dtypes.qint8, round_mode="HALF_TO_EVEN")
    with pytest.raises(UnimplementedError, match="MIN_FIRST"):
        quantize(np.ones((2, 1), np.float32), [-2.0, -1.0], [3.0, 2.0], dtypes.qint8, mode="MIN_FIRST", axis=0)


def test_the_widest_type_wraps_around_as_tensorflow_does():
    x = np.array([[-2, 0.3, 1], [0.7, 2, -0.4]], np.float32)
    lowest = -(2**31)
    stored = [[lowest, 322122496, 1073741824], [751619328, lowest, -429496704]]
    assert quantize(x, -2.0, 2.0, dtypes.qint32).output.value.tolist() == stored
    first = [[lowest, 322122560, 1073741824], [751619264, 2147483520, -429496736]]
    assert quantize(x, -2.0, 2.0, dtypes.qint32, "MIN_FIRST").output.value.tolist() == first


def test_narrow_ranges_leave_out_zero_where_the_integers_have_no_sign():
    stored = quantize(np.array([-1.0, 0.0, 3.0], np.float32), 0.0, 3.0, dtypes.quint8, "SCALED", narrow_range=True)
    assert array.to_numpy(stored.output.value).astype(int).tolist() == [1, 1, 255]


def test_the_shape_of_a_range_follows_the_axis():
    with Graph().as_default():
        with pytest.raises(ValueError, match="rank 0"):
            quantize(X, [-2.0], [2.0], dtypes.qint8)
        with pytest.raises(ValueError, match="3 and 25"):
            quantize(X, [-2.0] * 3, [2.0] * 3, dtypes.qint8, axis=0)
