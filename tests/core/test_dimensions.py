"""Sizes that are equal although they are not known."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.dimensions import same_shape
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.control_flow import while_loop
from penstock.ops.array.filling import fill
from penstock.ops.array.joining import concat, split
from penstock.ops.array.shaping import shape, transpose
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import matmul
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.convolution import conv2d_op
from penstock.ops.nn.normalization import fused_batch_norm
from penstock.ops.nn.pooling import max_pool_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def test_known_sizes_agree_by_themselves(graph):
    assert same_shape(placeholder("float32", [2, 3]), placeholder("float32", [2, 3]))
    assert not same_shape(placeholder("float32", [2, 3]), placeholder("float32", [3, 2]))


def test_unknown_sizes_of_different_placeholders_may_differ(graph):
    assert not same_shape(placeholder("float32", [None, 3]), placeholder("float32", [None, 3]))
    assert not same_shape(placeholder("float32", None), placeholder("float32", None))


def test_a_batch_is_followed_through_layers(graph):
    x = placeholder("float32", [None, 3])
    w = constant(np.ones((3, 4), np.float32))
    y = tanh_op(matmul(x, w) + 1.0)
    assert same_shape(y, matmul(x * 2.0, w))
    left, right = split(y, 2, axis=1)
    assert same_shape(left, right)
    assert same_shape(concat([left, right], 1), y)
    assert same_shape(transpose(transpose(y)), y)
    assert not same_shape(concat([y, y], 0), y)


def test_a_batch_is_followed_through_layers_of_images(graph):
    x = placeholder("float32", [None, 8, 8, 3])
    ones = constant(np.ones(3, np.float32))
    h = conv2d_op(x, constant(np.ones((3, 3, 3, 3), np.float32)), strides=[1, 1, 1, 1], padding="SAME")
    y = fused_batch_norm(max_pool_op(h, ksize=[1, 3, 3, 1], strides=[1, 1, 1, 1], padding="SAME"), ones, ones)[0]
    assert same_shape(x, y)
    assert not same_shape(placeholder("float32", [None, 8, 8, 3]), y)


def test_the_sizes_of_images_are_followed_through_a_normalization(graph):
    x, ones = placeholder("float32", [None, None, None, 3]), constant(np.ones(3, np.float32))
    assert same_shape(x, fused_batch_norm(x, ones, ones)[0])
    h = conv2d_op(x, constant(np.ones((3, 3, 3, 3), np.float32)), strides=[1, 1, 1, 1], padding="VALID")
    assert not same_shape(x, h)


def test_a_size_that_was_computed_is_followed(graph):
    x = placeholder("float32", [None, 3])
    zeros = fill([shape(x)[0], 3], 0.0)
    assert same_shape(zeros, x)
    assert not same_shape(fill([shape(x)[0] + 1, 3], 0.0), x)


def test_a_broadcast_against_an_unknown_size_is_not_followed(graph):
    x, y = placeholder("float32", [None, 3]), placeholder("float32", [None, 3])
    assert not same_shape(x + y, x)
    assert same_shape(x + constant(np.ones((1, 3), np.float32)), x)


def test_a_loop_keeps_the_sizes_that_its_body_keeps(graph):
    x = placeholder("float32", [None, 3])
    zeros = fill([shape(x)[0], 3], 0.0)
    compared = []

    def body(i, a, b):
        following = tanh_op(a * 0.5 + b)
        compared.append((following, a, b))
        return i + 1, following, a

    _, a, _ = while_loop(lambda i, a, b: i < 3, body, [constant(0), x, zeros])
    assert all(same_shape(following, a) and same_shape(a, b) for following, a, b in compared)
    (gradient,) = gradients(reduce_sum(a), [x])
    assert not [op for op in graph.get_operations() if op.type == "BroadcastGradientArgs"]
    with Session() as session:
        value, slope = session.run([a, gradient], {x: [[0.1, 0.2, 0.3]]})
        moved = session.run(a, {x: [[0.1 + 1e-3, 0.2, 0.3]]})
    assert value.shape == (1, 3)
    np.testing.assert_allclose(slope[0, 0], (moved - value)[0, 0] / 1e-3, rtol=2e-2)


def test_a_loop_that_changes_a_size_does_not_keep_it(graph):
    x = placeholder("float32", [None, 3])
    compared = []

    def body(i, a, b):
        compared.append((a, b))
        return i + 1, concat([a, a], 0), b

    while_loop(
        lambda i, a, b: i < 3,
        body,
        [constant(0), x, x],
        shape_invariants=[constant(0).shape, x.shape, x.shape],
    )
    assert not any(same_shape(a, b) for a, b in compared)


def test_gradients_of_a_broadcast_in_a_loop_are_summed(graph):
    x, y = placeholder("float32", [None, 2]), placeholder("float32", [None, 2])
    _, total = while_loop(lambda i, t: i < 2, lambda i, t: (i + 1, t * y), [constant(0), x])
    found = gradients(reduce_sum(total), [x, y])
    with Session() as session:
        slope_x, slope_y = session.run(found, {x: np.ones((3, 2)), y: np.full((1, 2), 2.0)})
    np.testing.assert_allclose(slope_x, np.full((3, 2), 4.0))
    np.testing.assert_allclose(slope_y, np.full((1, 2), 12.0))
