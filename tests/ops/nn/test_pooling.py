"""Pooling and its derivatives against loops in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.nn.pooling import (
    avg_pool3d_grad_op,
    avg_pool3d_op,
    avg_pool_grad_op,
    avg_pool_op,
    max_pool3d_grad_grad_op,
    max_pool3d_grad_op,
    max_pool3d_op,
    max_pool_grad_grad_op,
    max_pool_grad_grad_v2_op,
    max_pool_grad_grad_with_argmax_op,
    max_pool_grad_op,
    max_pool_grad_v2_op,
    max_pool_grad_with_argmax_op,
    max_pool_op,
    max_pool_v2_op,
    max_pool_with_argmax_op,
)
from penstock.testing.op_case import OpCase, integers, normal


def places(shape, ksize, strides, padding, explicit=()):
    """Yield the place of each window and the slices of the image that it covers."""
    ranges = []
    for axis in range(1, len(shape) - 1):
        size, window, stride = shape[axis], ksize[axis], strides[axis]
        before, after = explicit[2 * axis : 2 * axis + 2] if explicit else (0, 0)
        count = (size + before + after - window) // stride + 1
        if padding == "SAME":
            count = -(-size // stride)
            before = max((count - 1) * stride + window - size, 0) // 2
        ranges.append([(max(i * stride - before, 0), min(i * stride - before + window, size)) for i in range(count)])
    for index in itertools.product(*(range(len(r)) for r in ranges)):
        yield index, tuple(slice(*r[i]) for r, i in zip(ranges, index, strict=True))


def pooled(x, reduce, ksize, strides, padding, explicit=()):
    found = [(i, s) for i, s in places(x.shape, ksize, strides, padding, explicit)]
    y = np.zeros((x.shape[0], *(max(i[k] for i, _ in found) + 1 for k in range(x.ndim - 2)), x.shape[-1]), x.dtype)
    for index, part in found:
        y[(slice(None), *index)] = reduce(x[(slice(None), *part)], axis=tuple(range(1, x.ndim - 1)))
    return y


def argmax(x, ksize, strides, padding):
    """Return the position of each maximum, counted in its image."""
    positions = np.arange(x[0].size).reshape(x.shape[1:])
    y = np.zeros(pooled(x, np.max, ksize, strides, padding).shape, np.int64)
    for index, part in places(x.shape, ksize, strides, padding):
        for n, c in itertools.product(range(x.shape[0]), range(x.shape[-1])):
            window = x[(n, *part, c)]
            y[(n, *index, c)] = positions[(*part, c)].flat[int(np.argmax(window))]
    return y


def spread(x, g, **a):
    result = np.zeros(x.shape)
    where = argmax(x, **a)
    for n in range(len(x)):
        np.add.at(result[n].reshape(-1), where[n].reshape(-1), g[n].reshape(-1))
    return result.astype(x.dtype)


def gathered(x, g, **a):
    where = argmax(x, **a)
    return np.stack([g[n].reshape(-1)[where[n]] for n in range(len(x))])


def average_adjoint(shape, g, **a):
    result = np.zeros(shape)
    for index, part in places(shape, **a):
        inside = (slice(None), *part)
        size = np.prod([s.stop - s.start for s in part])
        result[inside] += g[(slice(None), *index)].reshape(len(g), *(1,) * len(part), -1) / size
    return result


SETTINGS = {
    "halving": {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"},
    "overhanging": {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"},
    "overlapping": {"ksize": [1, 3, 3, 1], "strides": [1, 2, 1, 1], "padding": "SAME"},
    "even-window": {"ksize": [1, 2, 4, 1], "strides": [1, 1, 1, 1], "padding": "SAME"},
    "sparse": {"ksize": [1, 1, 2, 1], "strides": [1, 2, 3, 1], "padding": "SAME"},
}
X = normal(2, 3, 5, 2, dtype=np.float32)
CASES = []
for name, a in SETTINGS.items():
    y = pooled(X, np.max, **a)
    g = normal(*y.shape, seed=1, dtype=np.float32)
    CASES += [
        OpCase(max_pool_op, [X], lambda x, a=a: pooled(x, np.max, **a), a, name),
        OpCase(max_pool_grad_op, [X, y, g], lambda x, _, g, a=a: spread(x, g, **a), a, name, gradient=None),
        OpCase(max_pool_grad_grad_op, [X, y, X * 2], lambda x, _, g, a=a: gathered(x, g, **a), a, name, gradient=None),
        OpCase(avg_pool_op, [X], lambda x, a=a: pooled(x, np.mean, **a), a, name),
        OpCase(avg_pool_grad_op, [list(X.shape), g], lambda s, g, a=a: average_adjoint(s, g, **a), a, name),
        OpCase(max_pool_with_argmax_op, [X], lambda x, a=a: [pooled(x, np.max, **a), argmax(x, **a)], a, name),
        OpCase(
            max_pool_grad_with_argmax_op,
            [X, g, argmax(X, **a)],
            lambda x, g, _, a=a: spread(x, g, **a),
            a,
            name,
            gradient=None,
        ),
        OpCase(
            max_pool_grad_grad_with_argmax_op,
            [X, X * 2, argmax(X, **a)],
            lambda x, g, _, a=a: gathered(x, g, **a),
            a,
            name,
            gradient=None,
        ),
    ]
A = SETTINGS["overlapping"]
WINDOW = [A["ksize"], A["strides"]]
Y = pooled(X, np.max, **A)
CASES += [
    OpCase(max_pool_v2_op, [X, *WINDOW], lambda x, *_: pooled(x, np.max, **A), {"padding": "SAME"}),
    OpCase(
        max_pool_grad_v2_op,
        [X, Y, Y, *WINDOW],
        lambda x, y, g, *_: spread(x, g, **A),
        {"padding": "SAME"},
        gradient=None,
    ),
    OpCase(
        max_pool_grad_grad_v2_op,
        [X, Y, X, *WINDOW],
        lambda x, y, g, *_: gathered(x, g, **A),
        {"padding": "SAME"},
        gradient=None,
    ),
    OpCase(
        max_pool_op,
        [X],
        lambda x: pooled(x, np.max, [1, 3, 3, 1], [1, 2, 2, 1], "EXPLICIT", [0, 0, 1, 2, 2, 0, 0, 0]),
        {
            "ksize": [1, 3, 3, 1],
            "strides": [1, 2, 2, 1],
            "padding": "EXPLICIT",
            "explicit_paddings": [0, 0, 1, 2, 2, 0, 0, 0],
        },
        "explicit",
        gradient="first",
    ),
    OpCase(
        max_pool_op,
        [np.ascontiguousarray(np.transpose(X, (0, 3, 1, 2)))],
        np.transpose(pooled(X, np.max, **A), (0, 3, 1, 2)),
        {"ksize": [1, 1, 3, 3], "strides": [1, 1, 2, 1], "padding": "SAME", "data_format": "NCHW"},
        "channels-first",
    ),
    OpCase(
        max_pool_op,
        [normal(1, 2, 2, 6, dtype=np.float32)],
        lambda x: x.reshape(1, 2, 2, 3, 2).max(-1),
        {"ksize": [1, 1, 1, 2], "strides": [1, 1, 1, 2], "padding": "VALID"},
        "depth",
    ),
    OpCase(
        max_pool_op,
        [integers(-9, 9, 1, 3, 3, 1)],
        lambda x: pooled(x, np.max, **SETTINGS["even-window"]),
        SETTINGS["even-window"],
        "int32",
    ),
    OpCase(max_pool_op, [integers(0, 9, 1, 4, 4, 1, dtype=np.uint16)], lambda x: pooled(x, np.max, **A), A, "uint16"),
    OpCase(
        max_pool_with_argmax_op,
        [X],
        lambda x: [pooled(x, np.max, **A), (argmax(x, **A) + np.arange(2).reshape(2, 1, 1, 1) * 30).astype(np.int32)],
        {**A, "include_batch_in_index": True, "Targmax": np.int32},
        "batch-in-index",
    ),
]
V = normal(1, 3, 2, 4, 2, dtype=np.float32)
for padding in ("SAME", "VALID"):
    a = {"ksize": [1, 2, 2, 3, 1], "strides": [1, 2, 1, 1, 1], "padding": padding}
    y = pooled(V, np.max, **a)
    g = normal(*y.shape, seed=1, dtype=np.float32)
    CASES += [
        OpCase(max_pool3d_op, [V], lambda x, a=a: pooled(x, np.max, **a), a, padding, gradient=None),
        OpCase(max_pool3d_grad_op, [V, y, g], lambda x, _, g, a=a: spread(x, g, **a), a, padding, gradient=None),
        OpCase(
            max_pool3d_grad_grad_op, [V, y, V * 2], lambda x, _, g, a=a: gathered(x, g, **a), a, padding, gradient=None
        ),
        OpCase(avg_pool3d_op, [V], lambda x, a=a: pooled(x, np.mean, **a), a, padding),
        OpCase(avg_pool3d_grad_op, [list(V.shape), g], lambda s, g, a=a: average_adjoint(s, g, **a), a, padding),
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_padding_is_never_the_maximum():
    x = np.full((1, 3, 3, 1), -5.0, np.float32)
    assert (max_pool_op(x, **SETTINGS["even-window"]).numpy() == -5.0).all()


@pytest.mark.parametrize("op", [max_pool_op, avg_pool_op])
def test_unknown_sizes_stay_unknown_and_known_ones_are_computed(op):
    with Graph().as_default():
        images = lookup("Placeholder")(dtype=np.float32, shape=[None, 7, None, 3])
        assert op(images, **SETTINGS["overhanging"]).dims == (None, 4, None, 3)
        images = lookup("Placeholder")(dtype=np.float32, shape=None)
        assert op(images, **SETTINGS["overhanging"]).dims == (None, None, None, None)


@pytest.mark.parametrize("op", [max_pool_op, avg_pool_op])
@pytest.mark.parametrize(
    ("shape", "given", "message"),
    [
        ((2, 3, 3), SETTINGS["halving"], "rank 4"),
        ((1, 3, 3, 2), {**SETTINGS["halving"], "ksize": [1, 0, 2, 1]}, "at least 1"),
        ((1, 3, 3, 2), {**SETTINGS["halving"], "ksize": [1, 7, 2, 1]}, "would be negative"),
        ((1, 3, 3, 2), {**SETTINGS["halving"], "ksize": [2, 2, 2, 1]}, "along the batch"),
        ((1, 3, 3, 2), {**SETTINGS["halving"], "ksize": [1, 2, 2, 2]}, "along both|spatial axes only"),
    ],
)
def test_windows_that_do_not_fit_are_refused(op, shape, given, message):
    with pytest.raises((InvalidArgumentError, UnimplementedError), match=message) as caught:
        op(np.zeros(shape, np.float32), **given)
    assert isinstance(caught.value, UnimplementedError) == (message == "along the batch")
    with Graph().as_default(), pytest.raises(ValueError, match=message):
        op(lookup("Placeholder")(dtype=np.float32, shape=shape), **given)


def test_positions_outside_of_the_input_are_refused():
    a = SETTINGS["halving"]
    with pytest.raises(InvalidArgumentError, match="argmax points outside"):
        max_pool_grad_with_argmax_op(np.zeros((1, 2, 2, 1)), np.ones((1, 1, 1, 1)), np.full((1, 1, 1, 1), 4), **a)
    with pytest.raises(InvalidArgumentError, match="argmax points outside"):
        max_pool_grad_with_argmax_op(np.zeros((1, 2, 2, 1)), np.ones((1, 1, 1, 1)), np.full((1, 1, 1, 1), -1), **a)


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(InvalidArgumentError, match="pooled input"):
        max_pool_grad_op(X, Y, Y[:, :1], **A)
    with pytest.raises(InvalidArgumentError, match="pooled input"):
        avg_pool_grad_op([2, 9, 9, 2], Y, **A)


def test_the_gradient_of_volumes_goes_to_all_maxima():
    from_tensorflow = [1, 2, 2, 4, 2, 4, 4, 8]
    settings = {"ksize": [1, 2, 2, 2, 1], "strides": [1] * 5, "padding": "SAME"}
    ones = np.ones((1, 2, 2, 2, 1), np.float32)
    assert max_pool3d_grad_op(ones, ones, ones, **settings).numpy().ravel().tolist() == from_tensorflow
    x = np.float32([1, 1, 1, 1, 2, 2, 0, 0]).reshape(1, 2, 2, 2, 1)
    back = max_pool3d_grad_op(x, max_pool3d_op(x, **settings), ones, **settings)
    assert back.numpy().ravel().tolist() == [0, 0, 1, 2, 2, 4, 1, 2]
