"""Stacks, as the gradients of TensorFlow 1's loops use them: the forward loop pushes, the backward loop pops."""

from __future__ import annotations

from penstock.core.array import Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock.core.op import op
from penstock.core.shape_rules import scalar, unknown
from penstock.ops.state.variables import no_outputs


class Stack:
    """The values of one stack, in one step.

    Args:
        element_dtype: the type of the values.
        max_size: the largest number of values, negative for any.
        name: for messages.
    """

    def __init__(self, element_dtype: DType, max_size: int, name: str) -> None:
        self.element_dtype = element_dtype
        self.max_size = max_size
        self.name = name
        self.items: list[Value] = []

    def detach(self) -> None:
        """Values on a stack are never written to, so that there is nothing to let go of."""


@op("StackV2(max_size: host int32) -> handle: resource", stateful=True, differentiable=False, shape=scalar)
def stack_v2_op(max_size: int, *, elem_type: DType, stack_name: str = "") -> Stack:
    return Stack(elem_type, max_size, stack_name)


@op("StackPushV2(handle: resource, elem: T) -> output: T", stateful=True, differentiable=False)
def stack_push_v2_op(handle: Stack, elem: Value, *, swap_memory: bool = False) -> Value:
    if 0 <= handle.max_size <= len(handle.items):
        raise ResourceExhaustedError(
            None, None, f"Stack {handle.name!r} overflowed its max_size ({handle.max_size}): pop before pushing more"
        )
    handle.items.append(elem)
    return elem


@stack_push_v2_op.shape
def stack_push_v2_shape(handle: object, elem: object, *, swap_memory: bool) -> object:
    return elem


@op("StackPopV2(handle: resource) -> elem: elem_type", stateful=True, differentiable=False, shape=unknown)
def stack_pop_v2_op(handle: Stack, *, elem_type: DType) -> Value:
    if not handle.items:
        raise InvalidArgumentError(
            None, None, f"Stack {handle.name!r} is empty when calling Pop: it was pushed to less often than popped"
        )
    if elem_type != handle.element_dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"StackPopV2: Stack {handle.name!r} holds {handle.element_dtype.name}, but {elem_type.name} was asked for",
        )
    return handle.items.pop()


@op("StackCloseV2(handle: resource)", stateful=True, differentiable=False, shape=no_outputs)
def stack_close_v2_op(handle: Stack) -> None:
    handle.items.clear()
