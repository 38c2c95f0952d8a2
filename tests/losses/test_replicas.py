"""Losses of programs on several replicas."""

from __future__ import annotations

import pytest

import penstock as tf
from penstock.core.context import eager_mode


@pytest.fixture(autouse=True)
def eager():
    with eager_mode():
        yield


def test_losses_are_divided_by_the_global_batch():
    assert tf.nn.compute_average_loss([1.0, 3.0]).numpy() == 2
    assert tf.nn.compute_average_loss([1.0, 3.0], global_batch_size=8).numpy() == 0.5
    assert tf.nn.compute_average_loss([1.0, 3.0], sample_weight=[0.0, 2.0]).numpy() == 3
    assert tf.nn.scale_regularization_loss(tf.constant([1.0, 2.0])).numpy() == 3
    with pytest.raises(ValueError, match="non-scalar"):
        tf.nn.compute_average_loss(1.0)
