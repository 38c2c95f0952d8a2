"""The decorator for fused operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from penstock.core.dtypes import DType
from penstock.core.op import Op, Type


def fused_op(
    line: str, *, stateful: bool = False, view: bool = False, **types: Iterable[DType] | Type
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an operation, as `penstock.core.op.op` does, that no graph may contain.

    Args:
        line: name, inputs and outputs. The name starts with an underscore.
        stateful: whether a call has effects.
        view: whether the kernel may return an input, or something that shares its memory.
        types: type attribute -> the types it may have.
    """

    def declare(kernel: Callable[..., Any]) -> Op:
        return Op(line, kernel, stateful=stateful, view=view, differentiable=False, types=types)

    return declare
