"""Tracing a function of 40 operations anew, and its first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FACE = "v2"


def tensorflow(tf: Any) -> Callable[[], Any]:
    x = tf.constant([1.0, 2.0])

    def chain(x: Any) -> Any:
        for _ in range(20):
            x = tf.nn.relu(x * 1.5)
        return x

    return lambda: tf.function(chain)(x)
