"""Operations by their own names: `tf.raw_ops` of TensorFlow 1."""

from __future__ import annotations

from typing import Any

from penstock.core.op import raw_operation as _raw_operation


def __getattr__(name: str) -> Any:
    """Return the operation of that name."""
    return _raw_operation(name)
