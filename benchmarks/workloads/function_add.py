"""The overhead of a traced function: two scalars added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FACE = "v2"


def tensorflow(tf: Any) -> Callable[[], Any]:
    a, b = tf.constant(4.0), tf.constant(5.0)

    @tf.function
    def add(x: Any, y: Any) -> Any:
        return x + y

    return lambda: add(a, b)
