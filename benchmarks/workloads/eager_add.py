"""The overhead of an eager call: two scalars added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FACE = "v2"


def tensorflow(tf: Any) -> Callable[[], Any]:
    a, b = tf.constant(4.0), tf.constant(5.0)
    return lambda: tf.add(a, b)


def pytorch(torch: Any) -> Callable[[], Any]:
    a, b = torch.tensor(4.0), torch.tensor(5.0)
    return lambda: torch.add(a, b)
