"""Activations and pools of quantized images; the expected numbers are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array, dtypes
from penstock.ops.math.cast import bitcast
from penstock.ops.quantization.layers import (
    quantized_avg_pool,
    quantized_max_pool,
    quantized_relu6_op,
    quantized_relu_op,
    quantized_relu_x,
)

COVERS = ("QuantizedAvgPool", "QuantizedMaxPool", "QuantizedRelu", "QuantizedRelu6", "QuantizedReluX")


def quint8(levels):
    return bitcast(np.array(levels, np.uint8), dtypes.quint8)


def levels(tensor):
    return array.to_numpy(tensor.value).tolist()


X = quint8([[0, 10, 200], [255, 128, 3]])
IMAGES = quint8(np.arange(32).reshape(1, 4, 4, 2) * 7)


@pytest.mark.parametrize(
    ("operation", "low", "high", "expected"),
    [
        (quantized_relu_op, -1.0, 2.0, [[85, 85, 200], [255, 128, 85]]),
        (quantized_relu_op, -1.0, 12.0, [[20, 20, 200], [255, 128, 20]]),
        (quantized_relu_op, 1.0, 12.0, [[0, 10, 200], [255, 128, 3]]),
        (quantized_relu6_op, -1.0, 2.0, [[85, 85, 200], [255, 128, 85]]),
        (quantized_relu6_op, -1.0, 12.0, [[20, 20, 138], [138, 128, 20]]),
        (quantized_relu6_op, 1.0, 12.0, [[0, 10, 116], [116, 116, 3]]),
    ],
)
def test_activations_clip_at_the_levels_of_their_ends(operation, low, high, expected):
    out, out_low, out_high = operation(X, low, high)
    assert levels(out) == expected
    assert (float(out_low), float(out_high)) == (low, high)


def test_the_largest_value_may_be_chosen():
    assert levels(quantized_relu_x(X, 1.0, -1.0, 2.0)[0]) == [[85, 85, 170], [170, 128, 85]]


def test_pools_keep_the_range():
    out, low, high = quantized_max_pool(IMAGES, -1.0, 1.0, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    assert levels(out) == [[[[70, 77], [98, 105]], [[182, 189], [210, 217]]]]
    assert (float(low), float(high)) == (-1.0, 1.0)
    out, _, _ = quantized_avg_pool(IMAGES, -1.0, 1.0, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
    assert levels(out) == [[[[70, 77], [91, 98]], [[154, 161], [175, 182]]]]
