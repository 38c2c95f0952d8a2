"""A step of 2,500 small operations: chains of additions and products on 10 numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def tensorflow(tf: Any) -> Callable[[], Any]:
    x = tf.placeholder(tf.float32, [10])
    h = x
    for _ in range(1250):
        h = h * 1.0001 + x
    session = tf.Session()
    value = np.ones(10, np.float32)
    return lambda: session.run(h, {x: value})


def pytorch(torch: Any) -> Callable[[], Any]:
    x = torch.ones(10)

    def step() -> Any:
        h = x
        for _ in range(1250):
            h = h * 1.0001 + x
        return h

    return step
