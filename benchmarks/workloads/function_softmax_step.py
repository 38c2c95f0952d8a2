"""A step of softmax regression on MNIST's shapes, batch 100, as a traced function with a tape inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads.eager_softmax_step import training_step
from benchmarks.workloads.softmax_step import batch, pytorch

FACE = "v2"
__all__ = ["FACE", "pytorch", "tensorflow"]


def tensorflow(tf: Any) -> Callable[[], Any]:
    images, labels = map(tf.constant, batch())
    step = tf.function(training_step(tf))
    return lambda: step(images, labels)
