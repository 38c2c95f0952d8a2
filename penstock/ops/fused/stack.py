"""Stacks in place of lists of tensors that a loop only extends, or only takes elements from, one in each iteration.

A list is a value: each change makes a new one. A stack is memory of one loop of one run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from penstock.core.array import Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.ops.data_flow.list_value import TensorList
from penstock.ops.data_flow.tensor_list import as_dims, blank, expect_list
from penstock.ops.fused.declare import fused_op


class Stack:
    """The elements of a list, and what else it takes to make a list of them again."""

    __slots__ = ("_dims", "_dtype", "_max_size", "items", "pop", "push")

    def __init__(self, held: TensorList) -> None:
        self.items = held.items()
        self.push, self.pop = self.items.append, self.items.pop
        self._dtype, self._dims, self._max_size = held.element_dtype, held.element_dims, held.max_size

    def as_list(self) -> TensorList:
        """Return the elements as a list; the stack is not to be used any more."""
        return TensorList(self._dtype, self._dims, self.items, self._max_size)


@fused_op("_StartStack(list: variant) -> stack: variant", stateful=True, view=True)
def start_stack_op(list: Value, *, element_dtype: DType) -> Value:
    return Stack(expect_list(list, element_dtype))


# The result is the stack that was given.
@fused_op("_Push(stack: variant, tensor: element_dtype) -> result: variant", stateful=True, view=True)
def push_op(stack: Value, tensor: Value) -> Value:
    stack.push(tensor)
    return stack


@fused_op("_Pop(stack: variant, element_shape: host int32) -> tensor: element_dtype", stateful=True, view=True)
def pop_op(stack: Value, element_shape: Any, *, element_dtype: DType) -> Value:
    if not stack.items:
        raise InvalidArgumentError(None, None, "Trying to pop from an empty list.")
    item = stack.pop()
    return blank(stack.as_list(), as_dims(element_shape), "Trying to pop") if item is None else item


@pop_op.specialize
def pop_specialized(attrs: dict[str, Any]) -> Callable[[Value, Any], Value]:
    return partial(pop_op.kernel, element_dtype=attrs["element_dtype"])


@fused_op("_FinishStack(stack: variant) -> list: variant", stateful=True, view=True)
def finish_stack_op(stack: Value) -> Value:
    return stack.as_list()
