"""The overhead of a run: two scalars fed, one addition, one scalar fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def tensorflow(tf: Any) -> Callable[[], Any]:
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    y = a + b
    session = tf.Session()
    return lambda: session.run(y, {a: 4, b: 5})


def pytorch(torch: Any) -> Callable[[], Any]:
    return lambda: (torch.tensor(4.0) + torch.tensor(5.0)).item()
