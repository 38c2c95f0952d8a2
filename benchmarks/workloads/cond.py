"""A conditional on a predicate that is fed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def tensorflow(tf: Any) -> Callable[[], Any]:
    predicate, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
    y = tf.cond(predicate, lambda: x + 1.0, lambda: x * 2.0)
    session = tf.Session()
    return lambda: session.run(y, {predicate: True, x: 3.0})
