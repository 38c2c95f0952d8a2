"""A while_loop of 1,000 iterations with a product of 32×32 matrices in its body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def matrix() -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(0).standard_normal((32, 32)))[0].astype(np.float32)


def tensorflow(tf: Any) -> Callable[[], Any]:
    value = matrix()
    w = tf.placeholder(tf.float32, [32, 32])
    loop = tf.while_loop(lambda i, x: i < 1_000, lambda i, x: (i + 1, tf.matmul(x, w)), [tf.constant(0), w])
    session = tf.Session()
    return lambda: session.run(loop[1], {w: value})


def pytorch(torch: Any) -> Callable[[], Any]:
    w = torch.from_numpy(matrix())

    def step() -> Any:
        x = w
        for _ in range(1_000):
            x = x @ w
        return x

    return step
