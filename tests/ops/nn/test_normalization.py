"""Batch normalization in one operation, and local response normalization."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.ops.nn.moments import batch_normalization, moments
from penstock.ops.nn.normalization import (
    fused_batch_norm,
    fused_batch_norm_grad_op,
    fused_batch_norm_grad_v2_op,
    fused_batch_norm_grad_v3_op,
    fused_batch_norm_op,
    fused_batch_norm_v2_op,
    fused_batch_norm_v3_op,
    lrn_grad_op,
    lrn_op,
)
from penstock.testing.op_case import OpCase, normal, uniform


def single(array):
    return array.astype(np.float32)


X = single(normal(2, 2, 3, 2) * 2 + 1)
SCALE, OFFSET = single(uniform(0.5, 2, 2)), single(normal(2))
MEAN, VARIANCE = single(normal(2, seed=4)), single(uniform(0.5, 2, 2, seed=5))
G = single(normal(*X.shape, seed=6))
NONE = np.zeros(0, np.float32)
EPSILON = 1e-4


def trained(x, scale, offset, *_):
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    y = (x - mean) / np.sqrt(variance + EPSILON) * scale + offset
    return [y, mean, variance * 12 / 11, mean, variance]


def averaged(x, scale, offset, mean, variance):
    y, new_mean, new_variance, *rest = trained(x, scale, offset)
    return [y, 0.75 * mean + 0.25 * new_mean, 0.75 * variance + 0.25 * new_variance, *rest]


def inferred(x, scale, offset, mean, variance):
    return [(x - mean) / np.sqrt(variance + EPSILON) * scale + offset, mean, variance, mean, variance]


def gradients(g, x, scale, mean, variance, *_):
    m = x.size // 2
    r = 1 / np.sqrt(variance + EPSILON)
    n = (x - mean) * r
    dscale, doffset = (g * n).sum((0, 1, 2)), g.sum((0, 1, 2))
    return [scale * r * (g - doffset / m - n * dscale / m), dscale, doffset, NONE, NONE]


def inference_gradients(g, x, scale, mean, variance, *_):
    r = 1 / np.sqrt(variance + EPSILON)
    return [g * scale * r, (g * (x - mean) * r).sum((0, 1, 2)), g.sum((0, 1, 2)), NONE, NONE]


def with_scalar(reference):
    return lambda *inputs: [*reference(*inputs), np.float32(0)]


STATISTICS = [X.mean((0, 1, 2)), X.var((0, 1, 2))]
INFERENCE = {"is_training": False}
AVERAGE = {"exponential_avg_factor": 0.25}
CASES = []
for forward, wrap in (
    (fused_batch_norm_op, lambda f: f),
    (fused_batch_norm_v2_op, lambda f: f),
    (fused_batch_norm_v3_op, with_scalar),
):
    CASES += [
        OpCase(forward, [X, SCALE, OFFSET, NONE, NONE], wrap(trained), name="training", gradient=None),
        OpCase(forward, [X, SCALE, OFFSET, MEAN, VARIANCE], wrap(averaged), AVERAGE, "averaging", gradient=None),
        OpCase(forward, [X, SCALE, OFFSET, MEAN, VARIANCE], wrap(inferred), INFERENCE, "inference", gradient=None),
    ]
for backward, more in (
    (fused_batch_norm_grad_op, []),
    (fused_batch_norm_grad_v2_op, []),
    (fused_batch_norm_grad_v3_op, [NONE]),
):
    CASES += [
        OpCase(backward, [G, X, SCALE, *STATISTICS, *more], gradients, name="training", gradient=None),
        OpCase(
            backward, [G, X, SCALE, MEAN, VARIANCE, *more], inference_gradients, INFERENCE, "inference", gradient=None
        ),
    ]


def responses(x, depth_radius, bias, alpha, beta):
    squares = np.pad(x**2, [(0, 0)] * 3 + [(depth_radius, depth_radius)])
    sums = sum(squares[..., i : i + x.shape[-1]] for i in range(2 * depth_radius + 1))
    return x * (bias + alpha * sums) ** -beta


LRN = {"depth_radius": 2, "bias": 1.5, "alpha": 0.3, "beta": 0.7}
IMAGE = single(normal(1, 1, 2, 6))


def response_gradients(g, x, _):
    result = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        step = np.zeros(x.shape)
        step[place] = 1e-5
        wide = x.astype(np.float64)
        result[place] = (g * (responses(wide + step, **LRN) - responses(wide - step, **LRN))).sum() / 2e-5
    return result


CASES += [
    OpCase(lrn_op, [IMAGE], lambda x: responses(x, **LRN), LRN, gradient=None),
    OpCase(lrn_op, [IMAGE], lambda x: responses(x, 9, 1.0, 1.0, 0.5), {"depth_radius": 9}, "wide", gradient=None),
    OpCase(
        lrn_grad_op,
        [single(normal(*IMAGE.shape, seed=1)), IMAGE, single(responses(IMAGE, **LRN))],
        response_gradients,
        LRN,
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def derivatives(function, x, scale, offset):
    """Return first derivatives of a weighted sum of the outputs, and those of the sum of their squares."""
    points = [convert_to_tensor(item) for item in (x, scale, offset)]
    with GradientTape() as outer:
        outer.watch(points)
        with GradientTape() as tape:
            tape.watch(points)
            y = function(*points) * np.cos(np.arange(x.size, dtype=np.float32)).reshape(x.shape)
        first = tape.gradient(y, points)
        squares = [lookup("L2Loss")(grad) for grad in first]
    return [grad.numpy() for grad in (*first, *outer.gradient(squares, points)) if grad is not None]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW", "NDHWC"])
@pytest.mark.parametrize("is_training", [True, False])
def test_first_and_second_derivatives_are_those_of_the_composition(data_format, is_training):
    x = {"NHWC": X, "NCHW": np.ascontiguousarray(np.moveaxis(X, -1, 1)), "NDHWC": X[None]}[data_format]
    axis = 1 if data_format == "NCHW" else x.ndim - 1
    vector = [1] * x.ndim
    vector[axis] = 2

    def fused(x, scale, offset):
        statistics = (NONE, NONE) if is_training else (MEAN, VARIANCE)
        return fused_batch_norm_v3_op(x, scale, offset, *statistics, data_format=data_format, is_training=is_training).y

    def composed(x, scale, offset):
        if is_training:
            count = [a for a in range(4 if data_format != "NDHWC" else 5) if a != axis]
            mean = lookup("Mean")(x, count, keep_dims=True)
            variance = lookup("Mean")((x - mean) * (x - mean), count, keep_dims=True)
        else:
            mean, variance = MEAN.reshape(vector), VARIANCE.reshape(vector)
        reshape = lookup("Reshape")
        return (x - mean) * lookup("Rsqrt")(variance + EPSILON) * reshape(scale, vector) + reshape(offset, vector)

    for got, expected in zip(
        derivatives(fused, x, SCALE, OFFSET), derivatives(composed, x, SCALE, OFFSET), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-4)


def test_half_precision_keeps_float32_statistics():
    y, mean, variance = fused_batch_norm(X.astype(np.float16), SCALE, OFFSET, epsilon=EPSILON)
    assert (y.dtype, mean.dtype, variance.dtype) == ("float16", "float32", "float32")
    np.testing.assert_allclose(y.numpy(), trained(X, SCALE, OFFSET)[0], atol=1e-2)


def test_the_functions_agree():
    mean, variance = moments(X, [0, 1, 2])
    composed = batch_normalization(X, mean, variance, OFFSET, SCALE, 0.001)
    np.testing.assert_allclose(fused_batch_norm(X, SCALE, OFFSET)[0].numpy(), composed.numpy(), rtol=1e-4, atol=1e-5)


def test_static_shapes_follow_from_any_input():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=[None, None, None, None])
        result = fused_batch_norm_v3_op(x, SCALE, OFFSET, NONE, NONE)
        assert result.y.dims == (None, None, None, 2)
        assert result.batch_mean.dims == (2,)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidArgumentError, match="scale"):
        fused_batch_norm(X, SCALE[:1], OFFSET)
    with pytest.raises(InvalidArgumentError, match="rank 4"):
        fused_batch_norm(X[0], SCALE, OFFSET)
    with pytest.raises(ValueError, match="mean"):
        fused_batch_norm(X, SCALE, OFFSET, is_training=False)
    with pytest.raises(InvalidArgumentError, match="4-dimensional|rank 4"):
        lrn_op(IMAGE[0])
