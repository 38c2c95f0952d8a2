"""Functional layers: names of variables, numbers, collections and defaults by scope."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.contrib.arg_scope import add_arg_scope, arg_scope, current_arg_scope, has_arg_scope
from penstock.contrib.framework import filter_variables, get_model_variables, get_variables, get_variables_to_restore
from penstock.contrib.layers import (
    avg_pool2d,
    batch_norm,
    bias_add,
    conv2d,
    conv2d_transpose,
    dropout,
    embed_sequence,
    flatten,
    fully_connected,
    layer_norm,
    linear,
    max_pool2d,
    maxout,
    one_hot_encoding,
    repeat,
    separable_conv2d,
    stack,
    unit_norm,
    variance_scaling_initializer,
    xavier_initializer,
)
from penstock.contrib.optimize import optimize_loss
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.variables import global_variables, global_variables_initializer, trainable_variables
from penstock.layers.regularizers import l2_regularizer
from penstock.ops.constant import constant
from penstock.ops.initializers_v1 import constant_initializer
from penstock.ops.math.reduce import reduce_mean, reduce_sum
from penstock.runtime.session import Session
from penstock.train.global_step import get_or_create_global_step

X = np.random.RandomState(0).randn(3, 4).astype(np.float32)
IMAGES = np.random.RandomState(1).randn(2, 6, 6, 3).astype(np.float32)


@pytest.fixture
def session():
    graph = Graph()
    with graph.as_default(), Session() as session:
        session.collected = graph.get_collection
        yield session


def started(session, fetches):
    session.run(global_variables_initializer())
    return session.run(fetches)


def names():
    return [variable.op.name for variable in global_variables()]


def test_fully_connected_is_a_product_a_bias_and_a_rectifier(session):
    y = fully_connected(constant(X), 5, biases_initializer=constant_initializer(0.5), outputs_collections="outs")
    assert names() == ["fully_connected/weights", "fully_connected/biases"]
    value, weights = started(session, [y, global_variables()[0]])
    np.testing.assert_allclose(value, np.maximum(X @ weights + 0.5, 0), rtol=1e-5, atol=1e-6)
    assert session.collected("outs") == [y]
    assert len(get_model_variables()) == 2
    cube = linear(constant(X[None]), 2, scope="cube", reuse=False)
    value, weights = started(session, [cube, global_variables()[2]])
    np.testing.assert_allclose(value, (X @ weights)[None], rtol=1e-5, atol=1e-6)


def test_scopes_give_defaults_and_penalties(session):
    with arg_scope([fully_connected, conv2d], weights_regularizer=l2_regularizer(0.1), activation_fn=None) as scope:
        with arg_scope([fully_connected], biases_initializer=None):
            y = fully_connected(constant(X), 2)
            assert current_arg_scope()[fully_connected]["activation_fn"] is None
        conv2d(constant(IMAGES), 2, 3, activation_fn=None)
    with arg_scope(scope):
        fully_connected(constant(X), 2, scope="again")
    assert names()[0] == "fully_connected/weights" and names()[1] == "Conv/weights"
    losses = session.collected(GraphKeys.REGULARIZATION_LOSSES)
    assert len(losses) == 3
    value, weights, penalty = started(session, [y, global_variables()[0], losses[0]])
    np.testing.assert_allclose(value, X @ weights, rtol=1e-5, atol=1e-6)
    assert penalty == pytest.approx(0.05 * (weights**2).sum(), rel=1e-5)


def test_own_functions_take_defaults_unless_given():
    @add_arg_scope
    def add(a, b=1, c=2):
        return a, b, c

    with arg_scope([add], b=5, c=6):
        assert add(0) == (0, 5, 6)
        assert add(0, 7) == (0, 7, 6)
        assert add(0, c=8) == (0, 5, 8)
    assert add(0) == (0, 1, 2)
    assert has_arg_scope(add) and not has_arg_scope(len)
    with pytest.raises(ValueError, match="not decorated with @add_arg_scope"):
        with arg_scope([len], x=1):
            pass
    with pytest.raises(ValueError, match="kwargs must be empty"):
        with arg_scope({}, x=1):
            pass


def test_convolutions_have_their_names_and_shapes(session):
    x = constant(IMAGES)
    results = [
        conv2d(x, 4, [3, 3], stride=2),
        conv2d(x, 4, 3, padding="VALID", rate=2),
        conv2d_transpose(x, 5, 4, stride=2),
        conv2d_transpose(x, 5, 4, stride=2, padding="VALID"),
        separable_conv2d(x, 7, 3, depth_multiplier=2),
        max_pool2d(x, 2),
        avg_pool2d(x, 3, stride=1, padding="SAME"),
        flatten(x),
        max_pool2d(constant(IMAGES.transpose(0, 3, 1, 2)), 2, data_format="NCHW"),
        avg_pool2d(x, x.shape[1:3]),
    ]
    assert names()[:4] == ["Conv/weights", "Conv/biases", "Conv_1/weights", "Conv_1/biases"]
    assert "Conv2d_transpose/weights" in names() and "SeparableConv2d/depthwise_weights" in names()
    expected = [(3, 3, 4), (2, 2, 4), (12, 12, 5), (14, 14, 5), (6, 6, 7), (3, 3, 3), (6, 6, 3), (108,), (3, 3, 3)]
    expected.append((1, 1, 3))
    values = started(session, results)
    assert [value.shape[1:] for value in values] == expected
    for result, value in zip(results, values, strict=True):
        assert result.shape.as_list() == list(value.shape)
    np.testing.assert_allclose(values[5], IMAGES.reshape(2, 3, 2, 3, 2, 3).max((2, 4)))


def test_batch_norm_updates_its_moving_values(session):
    x = constant(X * 3 + 1)
    y = batch_norm(x, decay=0.5, is_training=True)
    assert names() == ["BatchNorm/beta", "BatchNorm/moving_mean", "BatchNorm/moving_variance"]
    updates = session.collected(GraphKeys.UPDATE_OPS)
    assert len(updates) == 2
    value, _ = started(session, [y, updates])
    data = X * 3 + 1
    np.testing.assert_allclose(value, (data - data.mean(0)) / np.sqrt(data.var(0) + 1e-3), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(session.run(global_variables()[1]), data.mean(0) / 2, rtol=1e-5)
    still = batch_norm(x, is_training=False, reuse=True, scope="BatchNorm")
    assert len(global_variables()) == 3
    moving = [session.run(variable) for variable in global_variables()]
    np.testing.assert_allclose(session.run(still), (data - moving[1]) / np.sqrt(moving[2] + 1e-3), rtol=1e-4, atol=1e-5)


def test_batch_norm_can_update_in_place(session):
    y = batch_norm(constant(X + 2), decay=0.0, updates_collections=None, scope="n")
    assert not session.collected(GraphKeys.UPDATE_OPS)
    started(session, y)
    np.testing.assert_allclose(session.run(global_variables()[1]), (X + 2).mean(0), rtol=1e-5)


def test_layer_norm_normalizes_each_example(session):
    value = started(session, layer_norm(constant(IMAGES)))
    data = IMAGES.reshape(2, -1)
    expected = (data - data.mean(1, keepdims=True)) / data.std(1, keepdims=True)
    np.testing.assert_allclose(value.reshape(2, -1), expected, rtol=1e-4, atol=1e-4)
    assert names() == ["LayerNorm/beta", "LayerNorm/gamma"]
    assert [variable.shape.as_list() for variable in global_variables()] == [[3], [3]]


def test_small_layers(session):
    x = constant(X)
    outputs = [
        one_hot_encoding([0, 2], 3),
        maxout(x, 2),
        unit_norm(x, 1),
        bias_add(x, initializer=constant_initializer(1.0)),
        dropout(x, 0.5, is_training=False),
        embed_sequence([[0, 1], [1, 1]], 2, 3),
    ]
    hot, groups, unit, shifted, kept, embedded = started(session, outputs)
    assert hot.tolist() == [[1, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(groups, X.reshape(3, 2, 2).max(2))
    np.testing.assert_allclose((unit**2).sum(1), 1, rtol=1e-4)
    np.testing.assert_allclose(shifted, X + 1)
    np.testing.assert_allclose(kept, X)
    np.testing.assert_array_equal(embedded[0, 1], embedded[1, 0])
    with pytest.raises(ValueError, match="Must specify vocab size"):
        embed_sequence([[0]])


def test_layers_are_repeated_and_stacked_with_numbered_scopes(session):
    repeat(constant(IMAGES), 2, conv2d, 4, 3, scope="conv")
    stack(constant(X), fully_connected, [5, 6], scope="fc")
    assert [name for name in names() if name.endswith("weights")] == [
        "conv/conv_1/weights",
        "conv/conv_2/weights",
        "fc/fc_1/weights",
        "fc/fc_2/weights",
    ]
    assert [v.op.name for v in get_variables("fc", "weights")] == ["fc/fc_1/weights", "fc/fc_2/weights"]
    assert len(get_variables_to_restore(["conv"], ["conv/conv_2"])) == 2
    assert len(filter_variables(global_variables(), ["weights"], ["fc"])) == 2


@pytest.mark.parametrize(("mode", "count"), [("FAN_IN", 36.0), ("FAN_OUT", 90.0), ("FAN_AVG", 63.0)])
@pytest.mark.parametrize("uniform", [True, False])
def test_initializers_keep_the_variance(session, mode, count, uniform):
    values = session.run(variance_scaling_initializer(2.0, mode, uniform, seed=1)([3, 3, 4, 10]))
    assert values.var() == pytest.approx(2.0 / count, rel=0.2)
    if uniform:
        assert abs(values).max() <= np.sqrt(6.0 / count)
    assert abs(session.run(xavier_initializer()([50, 50]))).max() <= np.sqrt(6 / 100)
    with pytest.raises(TypeError, match="Unknown mode"):
        variance_scaling_initializer(mode="FAN")


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "Momentum", "Adagrad", "Ftrl", "RMSProp"])
def test_optimize_loss_makes_steps(session, optimizer):
    y = fully_connected(constant(X), 1, activation_fn=None, weights_initializer=constant_initializer(0.5))
    loss = reduce_mean((y - 1.0) ** 2)
    step = get_or_create_global_step()
    train = optimize_loss(
        loss,
        step,
        0.05,
        optimizer,
        clip_gradients=5.0,
        gradient_multipliers={"fully_connected/biases:0": 0.0},
        learning_rate_decay_fn=lambda rate, step: rate * 0.9,
    )
    first = started(session, train)
    for _ in range(20):
        last = session.run(train)
    assert last < first
    assert session.run(step) == 21
    assert session.run(trainable_variables()[1]) == 0


def test_optimize_loss_names_what_is_wrong(session):
    loss = reduce_sum(fully_connected(constant(X), 1))
    with pytest.raises(ValueError, match=r"Optimizer name should be one of \[Adagrad"):
        optimize_loss(loss, None, 0.1, "Sgd")
    with pytest.raises(ValueError, match="Unrecognized optimizer"):
        optimize_loss(loss, None, 0.1, 3)
