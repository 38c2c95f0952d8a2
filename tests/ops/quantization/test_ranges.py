"""Quantized types."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array, dtypes
from penstock.core.errors import InvalidArgumentError
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
