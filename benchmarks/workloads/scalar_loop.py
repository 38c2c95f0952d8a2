"""A while_loop of 10,000 iterations on two scalars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def tensorflow(tf: Any) -> Callable[[], Any]:
    start = tf.placeholder(tf.float32, [])
    loop = tf.while_loop(lambda i, x: i < 10_000, lambda i, x: (i + 1, x * 0.999 + 1.0), [tf.constant(0), start])
    session = tf.Session()
    return lambda: session.run(loop[1], {start: 1.0})


def pytorch(torch: Any) -> Callable[[], Any]:
    def step() -> Any:
        x = torch.tensor(1.0)
        for _ in range(10_000):
            x = x * 0.999 + 1.0
        return x

    return step
