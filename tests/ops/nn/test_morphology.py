"""Grayscale dilation and erosion against loops in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.nn.morphology import (
    dilation2d,
    dilation2d_backprop_filter_op,
    dilation2d_backprop_input_op,
    dilation2d_op,
    dilation2d_v1,
    erosion2d,
)
from penstock.testing.op_case import OpCase, integers, normal


def dilated(x, w, strides, rates, padding, grad=None):
    """Return the maxima; with `grad`, the gradients of sum(maxima * grad) with respect to x and w."""
    layout = []
    for axis in (1, 2):
        window = (w.shape[axis - 1] - 1) * rates[axis] + 1
        count = (
            -(-x.shape[axis] // strides[axis]) if padding == "SAME" else (x.shape[axis] - window) // strides[axis] + 1
        )
        before = max((count - 1) * strides[axis] + window - x.shape[axis], 0) // 2 if padding == "SAME" else 0
        layout.append((count, before))
    y = np.zeros((x.shape[0], layout[0][0], layout[1][0], x.shape[3]), x.dtype)
    dx, dw = np.zeros(x.shape, x.dtype), np.zeros(w.shape, w.dtype)
    for n, i, j, c in np.ndindex(*y.shape):
        best = None
        for p, q in np.ndindex(*w.shape[:2]):
            row = i * strides[1] - layout[0][1] + p * rates[1]
            column = j * strides[2] - layout[1][1] + q * rates[2]
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                value = x[n, row, column, c] + w[p, q, c]
                if best is None or value > best[0]:
                    best = (value, row, column, p, q)
        y[n, i, j, c] = best[0]
        if grad is not None:
            dx[n, best[1], best[2], c] += grad[n, i, j, c]
            dw[best[3], best[4], c] += grad[n, i, j, c]
    return y if grad is None else (dx, dw)


X, W = normal(2, 4, 5, 2), normal(2, 3, 2, seed=1)
SETTINGS = {
    "same": {"strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"},
    "strided": {"strides": [1, 2, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"},
    "dilated": {"strides": [1, 1, 1, 1], "rates": [1, 2, 2, 1], "padding": "VALID"},
}
CASES = []
for name, a in SETTINGS.items():
    g = normal(*dilated(X, W, **a).shape, seed=2)
    CASES += [
        OpCase(dilation2d_op, [X, W], lambda x, w, a=a: dilated(x, w, **a), a, name, gradient="first"),
        OpCase(
            dilation2d_backprop_input_op,
            [X, W, g],
            lambda x, w, g, a=a: dilated(x, w, grad=g, **a)[0],
            a,
            name,
            gradient=None,
        ),
        OpCase(
            dilation2d_backprop_filter_op,
            [X, W, g],
            lambda x, w, g, a=a: dilated(x, w, grad=g, **a)[1],
            a,
            name,
            gradient=None,
        ),
    ]
CASES += [
    OpCase(
        dilation2d_op,
        [integers(-9, 9, 1, 3, 3, 1), integers(-3, 3, 2, 2, 1)],
        lambda x, w: dilated(x, w, **SETTINGS["same"]),
        SETTINGS["same"],
        "int32",
    )
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_erosion_is_dilation_of_the_negative():
    a = SETTINGS["same"]
    expected = -dilated(-X, W[::-1, ::-1], **a)
    got = erosion2d(X, W, a["strides"], "SAME", "NHWC", a["rates"])
    np.testing.assert_allclose(got.numpy(), expected)
    old = dilation2d_v1(X, W, a["strides"], a["rates"], "SAME")
    np.testing.assert_allclose(old.numpy(), dilated(X, W, **a))


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidArgumentError, match="depths"):
        dilation2d(X, W[..., :1], [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1])
    with pytest.raises(ValueError, match="NHWC"):
        dilation2d(X, W, [1, 1, 1, 1], "SAME", "NCHW", [1, 1, 1, 1])
