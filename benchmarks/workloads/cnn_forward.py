"""The forward pass of the courses' MNIST network, batch 100."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads.cnn_step import batch, network


def tensorflow(tf: Any) -> Callable[[], Any]:
    images, _ = batch()
    x = tf.placeholder(tf.float32, [None, 28, 28, 1])
    logits = network(tf, x, 1.0)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return lambda: session.run(logits, {x: images})
