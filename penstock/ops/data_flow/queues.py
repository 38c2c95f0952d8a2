"""The operations on queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penstock.core import array, dtypes
from penstock.core.array import Array, Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.core.shape_rules import no_outputs, scalar
from penstock.ops.data_flow.queue_value import Element, OrderedQueue, PaddingQueue, Queue, ShuffleQueue

_STATEFUL: dict[str, Any] = {"stateful": True, "differentiable": False}


def _find_or_make(
    resources: ResourceManager, node_name: str, container: str, shared_name: str, make: Callable[[str], Queue]
) -> Queue:
    name = shared_name or node_name
    return resources.lookup_or_create(container, "queue", name, lambda: make(name))


@op("FIFOQueueV2() -> handle: resource", minimum={"component_types": 1, "shapes": 0}, shape=scalar, **_STATEFUL)
def fifo_queue_v2_op(
    *,
    component_types: list[DType],
    shapes: list[Dims] = [],
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Queue:
    return _find_or_make(
        resources, node_name, container, shared_name, lambda name: Queue(name, component_types, shapes, capacity)
    )


@op("PaddingFIFOQueueV2() -> handle: resource", minimum={"component_types": 1, "shapes": 0}, shape=scalar, **_STATEFUL)
def padding_fifo_queue_v2_op(
    *,
    component_types: list[DType],
    shapes: list[Dims] = [],
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Queue:
    return _find_or_make(
        resources, node_name, container, shared_name, lambda name: PaddingQueue(name, component_types, shapes, capacity)
    )


@op("PriorityQueueV2() -> handle: resource", minimum={"component_types": 0, "shapes": 0}, shape=scalar, **_STATEFUL)
def priority_queue_v2_op(
    *,
    component_types: list[DType] = [],
    shapes: list[Dims],
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Queue:
    # The priorities are a component of their own, before those that are named.
    types, sizes = [dtypes.int64, *component_types], [(), *shapes]
    return _find_or_make(
        resources, node_name, container, shared_name, lambda name: OrderedQueue(name, types, sizes, capacity)
    )


@op(
    "RandomShuffleQueueV2() -> handle: resource", minimum={"component_types": 1, "shapes": 0}, shape=scalar, **_STATEFUL
)
def random_shuffle_queue_v2_op(
    *,
    component_types: list[DType],
    shapes: list[Dims] = [],
    capacity: int = -1,
    min_after_dequeue: int = 0,
    seed: int = 0,
    seed2: int = 0,
    container: str = "",
    shared_name: str = "",
    resources: ResourceManager,
    node_name: str,
) -> Queue:
    return _find_or_make(
        resources,
        node_name,
        container,
        shared_name,
        lambda name: ShuffleQueue(name, component_types, shapes, capacity, min_after_dequeue, seed, seed2),
    )


@op(
    "QueueEnqueueV2(handle: resource, components: list(Tcomponents))",
    minimum={"Tcomponents": 1},
    shape=no_outputs,
    **_STATEFUL,
)
def queue_enqueue_v2_op(
    handle: Queue, components: list[Value], *, timeout_ms: int = -1, resources: ResourceManager
) -> tuple[()]:
    handle.check(components, has_batch=False)
    # A component may share memory with a variable, which changes before the element is taken.
    handle.put([tuple(array.clone(value) for value in components)], resources.interruption)
    return ()


@op(
    "QueueEnqueueManyV2(handle: resource, components: list(Tcomponents))",
    minimum={"Tcomponents": 1},
    shape=no_outputs,
    **_STATEFUL,
)
def queue_enqueue_many_v2_op(
    handle: Queue, components: list[Value], *, timeout_ms: int = -1, resources: ResourceManager
) -> tuple[()]:
    handle.check(components, has_batch=True)
    batch = [array.clone(value) for value in components]
    elements: list[Element] = [
        tuple(value[row : row + 1].reshape(value.shape[1:]) for value in batch) for row in range(len(batch[0]))
    ]
    handle.put(elements, resources.interruption)
    return ()


def _unknown_components(handle: Any, *inputs: Any, component_types: list[DType], **attrs: Any) -> list[Dims]:
    return [None] * len(component_types)


def _check_types(handle: Queue, component_types: list[DType]) -> None:
    if component_types != handle.types:
        raise InvalidArgumentError(
            None,
            None,
            f"{handle.kind} '{handle.name}' holds components of types {[dtype.name for dtype in handle.types]}, not "
            f"{[dtype.name for dtype in component_types]}",
        )


@op(
    "QueueDequeueV2(handle: resource) -> components: list(component_types)",
    minimum={"component_types": 1},
    shape=_unknown_components,
    **_STATEFUL,
)
def queue_dequeue_v2_op(
    handle: Queue, *, component_types: list[DType], timeout_ms: int = -1, resources: ResourceManager
) -> list[Value]:
    _check_types(handle, component_types)
    return list(handle.take(1, resources.interruption)[0])


def _take_batch(
    handle: Queue, n: Any, component_types: list[DType], resources: ResourceManager, may_be_fewer: bool
) -> list[Value]:
    _check_types(handle, component_types)
    if not isinstance(n, int) or n < 0:
        raise InvalidArgumentError(None, None, f"{handle.kind} '{handle.name}' cannot take {n} elements")
    if not handle.shapes:
        raise InvalidArgumentError(
            None,
            None,
            f"{handle.kind}'s DequeueMany and DequeueUpTo require the components to have specified shapes.",
        )
    return handle.stack(handle.take(n, resources.interruption, may_be_fewer))


@op(
    "QueueDequeueManyV2(handle: resource, n: host int32) -> components: list(component_types)",
    minimum={"component_types": 1},
    shape=_unknown_components,
    **_STATEFUL,
)
def queue_dequeue_many_v2_op(
    handle: Queue, n: Any, *, component_types: list[DType], timeout_ms: int = -1, resources: ResourceManager
) -> list[Value]:
    return _take_batch(handle, n, component_types, resources, False)


@op(
    "QueueDequeueUpToV2(handle: resource, n: host int32) -> components: list(component_types)",
    minimum={"component_types": 1},
    shape=_unknown_components,
    **_STATEFUL,
)
def queue_dequeue_up_to_v2_op(
    handle: Queue, n: Any, *, component_types: list[DType], timeout_ms: int = -1, resources: ResourceManager
) -> list[Value]:
    return _take_batch(handle, n, component_types, resources, True)


@op("QueueCloseV2(handle: resource)", shape=no_outputs, **_STATEFUL)
def queue_close_v2_op(handle: Queue, *, cancel_pending_enqueues: bool = False) -> tuple[()]:
    handle.close(cancel_pending_enqueues)
    return ()


@op("QueueIsClosedV2(handle: resource) -> is_closed: bool", shape=scalar, **_STATEFUL)
def queue_is_closed_v2_op(handle: Queue) -> Array:
    return torch.tensor(handle.is_closed)


@op("QueueSizeV2(handle: resource) -> size: int32", shape=scalar, **_STATEFUL)
def queue_size_v2_op(handle: Queue) -> Array:
    return torch.tensor(len(handle), dtype=torch.int32)
