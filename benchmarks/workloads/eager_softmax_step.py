"""A step of softmax regression on MNIST's shapes, batch 100, eager with a tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads.softmax_step import batch, pytorch

FACE = "v2"
__all__ = ["FACE", "pytorch", "tensorflow"]


def training_step(tf: Any) -> Callable[[Any, Any], Any]:
    """Return a function that takes images and labels, and updates its weights."""
    w, b = tf.Variable(tf.zeros([784, 10])), tf.Variable(tf.zeros([10]))

    def step(x: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = tf.matmul(x, w) + b
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))
        gradient_w, gradient_b = tape.gradient(loss, [w, b])
        w.assign_sub(0.5 * gradient_w)
        b.assign_sub(0.5 * gradient_b)
        return loss

    return step


def tensorflow(tf: Any) -> Callable[[], Any]:
    images, labels = map(tf.constant, batch())
    step = training_step(tf)
    return lambda: step(images, labels)
