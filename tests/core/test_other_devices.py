"""Eager calls on values of several devices, tried on a device that is merely pretended."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core import array
from penstock.core.tensor import EagerTensor
from penstock.testing.pretended_device import LOCATION, PretendedDevice


@pytest.fixture(autouse=True)
def device():
    with PretendedDevice():
        yield


def elsewhere(*numbers):
    return EagerTensor(array.to_device(array.from_numpy(np.array(numbers, np.float32)), LOCATION))


def test_values_from_the_host_are_brought_to_the_device_of_the_others():
    x = elsewhere(1.0, 2.0)
    for total in (x + np.ones(2, np.float32), tf.constant([1.0, 1.0]) + x, x + [1.0, 1.0]):
        assert array.location_of(total.value) == LOCATION
        assert total.numpy().tolist() == [2.0, 3.0]
    joined = tf.concat([x, tf.constant([5.0])], 0)
    assert joined.numpy().tolist() == [1.0, 2.0, 5.0]


def test_a_variable_keeps_its_device_when_it_is_updated():
    v = tf.Variable(np.zeros(2, np.float32))
    v.handle.value.take(elsewhere(1.0, 2.0).value)
    v.assign_add([1.0, 1.0])
    assert array.location_of(v.handle.value.value) == LOCATION
    assert v.numpy().tolist() == [2.0, 3.0]


def test_a_tape_follows_the_way_there():
    x, y = elsewhere(1.0, 2.0), tf.constant([3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        product = x * y
    dx, dy = tape.gradient(product, [x, y])
    assert dx.numpy().tolist() == [3.0, 4.0] and dy.numpy().tolist() == [1.0, 2.0]


def test_other_errors_are_raised_as_they_are():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"float32 \(2,\); float32 \(3,\)"):
        tf.add(elsewhere(1.0, 2.0), elsewhere(1.0, 2.0, 3.0))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"float32 \(2,\); float32 \(3,\)"):
        tf.add(elsewhere(1.0, 2.0), np.ones(3, np.float32))
