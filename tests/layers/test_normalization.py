"""Batch normalization in and out of training, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.gradients import gradients_of
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.variables import global_variables, global_variables_initializer, trainable_variables
from penstock.layers.normalization import BatchNormalization, batch_normalization
from penstock.ops.constant import constant, placeholder
from penstock.runtime.session import Session
from tests.layers.harness import normal, run_with_variables

EPSILON = 1e-3


def normalized(x: np.ndarray, mean: Any, variance: Any, gamma: Any = 1.0, beta: Any = 0.0) -> np.ndarray:
    return (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta


def train(
    x: np.ndarray, steps: int = 1, feed: bool | None = None, **arguments: Any
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the last output, and the variables after running the updates `steps` times."""
    with Graph().as_default() as graph:
        training = True if feed is None else placeholder(np.bool_, [])
        output = batch_normalization(x, training=training, name="bn", **arguments)
        updates = graph.get_collection(GraphKeys.UPDATE_OPS)
        feeds = None if feed is None else {training: feed}
        with Session(graph=graph) as session:
            session.run(global_variables_initializer())
            for _ in range(steps):
                value = session.run([output, *updates], feeds)[0]
            return value, {v.op.name.removeprefix("bn/"): session.run(v) for v in global_variables()}


@pytest.mark.parametrize("fused", [False, None], ids=["plain", "fused"])
def test_outside_of_training_the_moving_averages_count(fused: bool | None) -> None:
    x = normal(4, 3, 3, 2)
    value, weights = run_with_variables(lambda: batch_normalization(x, name="bn", fused=fused))
    assert list(weights) == ["bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance"]
    gamma, beta, mean, variance = weights.values()
    np.testing.assert_allclose(value, normalized(x, mean, variance, gamma, beta), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fed", [None, True], ids=["known", "fed"])
@pytest.mark.parametrize("fused", [False, None], ids=["plain", "fused"])
def test_in_training_the_batch_counts_and_the_averages_move(fused: bool | None, fed: bool | None) -> None:
    x = normal(4, 3, 3, 2) * 3 + 1
    value, variables = train(x, steps=2, feed=fed, momentum=0.9, fused=fused)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    np.testing.assert_allclose(value, normalized(x, mean, variance), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(variables["moving_mean"], mean * (1 - 0.81), rtol=1e-4)
    # The fused operation gives the unbiased variance to the moving average, as TensorFlow's does.
    kept = variance * (36 / 35 if fused is None else 1)
    np.testing.assert_allclose(variables["moving_variance"], 0.81 + kept * 0.19, rtol=1e-4)


@pytest.mark.parametrize("fused", [False, None], ids=["plain", "fused"])
def test_updates_change_nothing_when_training_is_fed_false(fused: bool | None) -> None:
    x = normal(4, 3, 3, 2)
    value, variables = train(x, steps=2, feed=False, fused=fused)
    np.testing.assert_allclose(value, normalized(x, 0, 1), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(variables["moving_mean"], np.zeros(2))
    np.testing.assert_array_equal(variables["moving_variance"], np.ones(2))


def test_no_updates_are_made_outside_of_training() -> None:
    with Graph().as_default() as graph:
        batch_normalization(normal(4, 3), training=False)
        assert graph.get_collection(GraphKeys.UPDATE_OPS) == []


def test_updates_have_tensorflow_s_names() -> None:
    with Graph().as_default() as graph:
        batch_normalization(normal(4, 3), training=True)
        assert [update.name for update in graph.get_collection(GraphKeys.UPDATE_OPS)] == [
            "batch_normalization/AssignMovingAvg",
            "batch_normalization/AssignMovingAvg_1",
        ]
        assert [v.name for v in trainable_variables()] == ["batch_normalization/gamma:0", "batch_normalization/beta:0"]


@pytest.mark.parametrize("shape", [(6, 3), (6, 4, 3)])
def test_other_ranks_are_normalized_over_all_axes_but_the_last(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    value, _ = train(x)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(value, normalized(x, x.mean(axes), x.var(axes)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
def test_channels_may_be_the_second_axis(fused: bool) -> None:
    x = normal(4, 2, 3, 3)
    value, variables = train(x, axis=1, fused=fused)
    mean, variance = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(value, normalized(x, mean, variance), rtol=1e-4, atol=1e-5)
    assert variables["gamma"].shape == (2,)


def test_several_axes_have_parameters_of_full_rank() -> None:
    x = normal(8, 2, 3, 4)
    value, variables = train(x, axis=[1, 3])
    mean, variance = x.mean((0, 2), keepdims=True), x.var((0, 2), keepdims=True)
    np.testing.assert_allclose(value, normalized(x, mean, variance), rtol=1e-4, atol=1e-5)
    assert variables["gamma"].shape == (1, 2, 1, 4)


def test_center_and_scale_may_be_left_out() -> None:
    x = normal(4, 3, 3, 2)
    for fused in (False, True):
        value, variables = train(x, center=False, scale=False, fused=fused)
        assert list(variables) == ["moving_mean", "moving_variance"]
        np.testing.assert_allclose(value, normalized(x, x.mean((0, 1, 2)), x.var((0, 1, 2))), rtol=1e-4, atol=1e-4)


def test_renorm_corrects_towards_its_own_averages() -> None:
    x = normal(16, 3) * 2 + 1
    limits = {"rmin": 0.5, "rmax": 1.5, "dmax": 0.4}
    value, variables = train(x, renorm=True, renorm_clipping=limits, renorm_momentum=0.8, momentum=0.9)
    mean, variance = x.mean(0), x.var(0)
    stddev = np.sqrt(variance + EPSILON)
    ratio = np.clip(stddev / 1.0, 0.5, 1.5)
    distance = np.clip(mean / 1.0, -0.4, 0.4)
    np.testing.assert_allclose(value, (x - mean) / stddev * ratio + distance, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variables["renorm_mean"], 0.2 * mean, rtol=1e-4)
    np.testing.assert_allclose(variables["renorm_stddev"], 0.8 + 0.2 * stddev, rtol=1e-4)
    np.testing.assert_allclose(variables["moving_mean"], 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(variables["moving_variance"], 0.9 + 0.1 * variance, rtol=1e-4)


def test_virtual_batches_are_normalized_by_themselves() -> None:
    x = normal(8, 3)
    value, variables = train(x, virtual_batch_size=4)
    groups = x.reshape(4, 2, 3)
    expected = normalized(groups, groups.mean(0), groups.var(0)).reshape(8, 3)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variables["moving_mean"].reshape(3), 0.01 * x.mean(0), rtol=1e-3, atol=1e-6)


def test_adjustment_applies_in_training() -> None:
    x = normal(6, 3)

    def adjustment(_: Any) -> Any:
        return constant(np.full((1, 3), 2.0, np.float32)), constant(np.full((1, 3), 1.0, np.float32))

    expected = normalized(x, x.mean(0), x.var(0))
    np.testing.assert_allclose(train(x, adjustment=adjustment)[0], expected * 2 + 1, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        train(x, feed=False, adjustment=adjustment)[0], normalized(x, 0, 1), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("feed", [None, True], ids=["known", "fed"])
def test_gradient_flows_through_the_batch_s_moments(feed: bool | None) -> None:
    x = normal(6, 3)
    weight = normal(6, 3, seed=5)
    with Graph().as_default() as graph:
        inputs = constant(x)
        training = True if feed is None else placeholder(np.bool_, [])
        output = batch_normalization(inputs, training=training)
        gradient = gradients_of(graph, [output * weight], [inputs])[0]
        with Session(graph=graph) as session:
            session.run(global_variables_initializer())
            value = session.run(gradient, None if feed is None else {training: feed})

    def objective(x: np.ndarray) -> float:
        return float((normalized(x, x.mean(0), x.var(0)) * weight).sum())

    wide = x.astype(np.float64)
    for position in [(0, 0), (2, 1), (5, 2)]:
        step = np.zeros_like(wide)
        step[position] = 1e-5
        assert value[position] == pytest.approx(
            (objective(wide + step) - objective(wide - step)) / 2e-5, rel=1e-2, abs=1e-3
        )


def test_half_precision_keeps_its_averages_in_float32() -> None:
    with Graph().as_default():
        output = batch_normalization(normal(4, 3).astype(np.float16), training=True)
        assert output.dtype.name == "float16"
        assert {v.dtype.base_dtype.name for v in global_variables()} == {"float32"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis": 5}, "Invalid axis: 5"),
        ({"axis": [1, -1]}, "Duplicate axis"),
        ({"fused": True}, "fused=True needs inputs of rank 4"),
        ({"virtual_batch_size": 0}, "virtual_batch_size must be a positive integer"),
        ({"virtual_batch_size": 2, "axis": 0}, "axis cannot include 0"),
    ],
)
def test_wrong_arguments_are_refused_when_built(arguments: dict[str, Any], message: str) -> None:
    with Graph().as_default(), pytest.raises(ValueError, match=message):
        batch_normalization(normal(4, 3), **arguments)


def test_options_that_exclude_each_other_are_refused() -> None:
    with Graph().as_default():
        with pytest.raises(ValueError, match="`fused=True` and `renorm=True` is not supported"):
            BatchNormalization(fused=True, renorm=True)
        with pytest.raises(ValueError, match="contains keys not in"):
            BatchNormalization(renorm=True, renorm_clipping={"max": 1.0})
        with pytest.raises(TypeError, match="axis must be int or list"):
            BatchNormalization(axis="channels")
