"""Tapes: what they record, when they forget, and derivatives of derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.core.tape import GradientTape
from penstock.ops.constant import constant


def test_a_tape_differentiates_what_was_watched():
    x, y = constant(3.0), constant(4.0)
    with GradientTape() as tape:
        tape.watch([x, y])
        f = x * x * y + y + 2.0
    assert [float(g) for g in tape.gradient(f, [x, y])] == [24.0, 10.0]


def test_what_is_not_watched_has_no_gradient():
    x = constant(3.0)
    with GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None


def test_equal_constants_are_watched_apart():
    x, y = constant(3.0), constant(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        z = y * y + x
    assert float(tape.gradient(z, x)) == 1.0


def test_a_tape_plays_once_unless_it_is_persistent():
    x = constant(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == float(tape.gradient(y, x)) == 6.0


def test_nested_tapes_give_second_derivatives():
    x = constant(3.0)
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
        first = inner.gradient(y, x)
    assert (float(first), float(outer.gradient(first, x))) == (27.0, 18.0)


def test_gradients_are_nested_as_the_sources():
    x, y = constant(3.0), constant(4.0)
    with GradientTape() as tape:
        tape.watch([x, y])
        f = x * y
    grads = tape.gradient(f, {"a": x, "b": [y]})
    assert float(grads["a"]) == 4.0 and float(grads["b"][0]) == 3.0


def test_output_gradients_weigh_the_target():
    x = constant([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x, output_gradients=constant([1.0, 10.0])).numpy().tolist() == [2.0, 40.0]


def test_unconnected_sources_are_none_or_zero():
    x, y = constant([1.0]), constant(2.0)
    with GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        z = y * 1.0
    assert tape.gradient(z, x) is None
    assert tape.gradient(z, x, unconnected_gradients="zero").numpy().tolist() == [0.0]


def test_stop_recording_hides_operations():
    x = constant(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
        with tape.stop_recording():
            z = y * y
    assert tape.gradient(z, x) is None


def test_resetting_forgets():
    x = constant(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
        tape.reset()
        tape.watch(x)
        z = x + x
    assert float(tape.gradient(z, x)) == 2.0 and y.numpy() == 9.0


def test_only_tensors_and_variables_are_watched():
    with GradientTape() as tape, pytest.raises(ValueError, match="not tf.Tensor"):
        tape.watch("text")


def test_entering_a_recording_tape_again_is_refused():
    tape = GradientTape()
    with tape, pytest.raises(ValueError, match="already-active"):
        tape.__enter__()


def test_a_jacobian_has_the_shapes_of_target_and_source() -> None:
    x = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    w = tf.Variable([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.matmul(x, w)
    dx, dw = tape.jacobian(y, [x, w])
    expected = np.zeros((2, 2, 2, 3), np.float32)
    for i in range(2):
        expected[i, :, i, :] = w.numpy().T
    np.testing.assert_array_equal(dx.numpy(), expected)
    assert dw.shape == [2, 2, 3, 2]
    np.testing.assert_array_equal(tape.batch_jacobian(y, x).numpy(), np.stack([w.numpy().T] * 2))


def test_a_jacobian_is_taken_inside_a_function() -> None:
    @tf.function
    def f(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.jacobian(y, x)

    assert f(tf.constant([2.0, 3.0])).numpy().tolist() == [[4, 0], [0, 6]]


def test_unconnected_jacobians_are_none_or_zeros() -> None:
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0, 5.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        z = y * 2
    assert tape.jacobian(z, x) is None
    assert tape.jacobian(z, x, unconnected_gradients="zero").shape == [3, 2]
    with pytest.raises(ValueError, match="first dimension"):
        tape.batch_jacobian(z, x)


def test_a_jacobian_uses_up_a_tape() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.jacobian(y, x)
    with pytest.raises(RuntimeError, match="one set of gradients"):
        tape.gradient(y, x)


def test_hessians_by_a_jacobian_of_a_gradient() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x[0] * x[0] * x[1]
        gradient = inner.gradient(y, x)
    assert outer.jacobian(gradient, x).numpy().tolist() == [[4, 2], [2, 0]]


def test_a_tape_that_recorded_nothing_has_no_gradients() -> None:
    with pytest.raises(RuntimeError, match="after a `with` block"):
        tf.GradientTape().gradient(tf.constant(1.0), tf.constant(1.0))


def test_targets_and_sources_of_gradients_are_checked() -> None:
    x = tf.Variable(1.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
    with pytest.raises(TypeError, match="target"):
        tape.gradient(None, x)
    with pytest.raises(TypeError, match="sources are tensors and variables"):
        tape.gradient(y, "x")


def test_a_jacobian_without_vectorization_asks_for_a_persistent_tape() -> None:
    x = tf.Variable([1.0])
    with tf.GradientTape() as tape:
        y = x * x
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.jacobian(y, x, experimental_use_pfor=False)
