"""Conditions that are decided at once where the predicate is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.convert import is_tensor_like
from penstock.core.inference import static_value
from penstock.core.tensor import Tensor
from penstock.language.control_flow import cond


def smart_constant_value(pred: Any) -> bool | None:
    """Return the value of a predicate if it is known, else None.

    Raises:
        TypeError: if it is neither a boolean, 0, 1, nor a tensor.
    """
    if isinstance(pred, Tensor):
        value = static_value(pred)
        return None if value is None else bool(value)
    if pred in (0, 1):
        return bool(pred)
    if isinstance(pred, bool):
        return pred
    if is_tensor_like(pred):
        return None
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Received: pred={pred} of type {type(pred)}")


def smart_cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """Return what one of two functions returns; where the predicate is known, only that one is called.

    Args:
        pred: a boolean, or a boolean scalar.
        true_fn, false_fn: the functions.
        name: the name of the operation.
    """
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError(f"`true_fn` and `false_fn` must be callable, got {true_fn} and {false_fn}")
    value = smart_constant_value(pred)
    if value is None:
        return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)
    return true_fn() if value else false_fn()
