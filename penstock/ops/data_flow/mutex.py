"""Mutual exclusion: a lock is held for as long as the value that stands for it is needed."""

from __future__ import annotations

import threading
from typing import Any

from penstock.core.cancellation import Interruption
from penstock.core.dtypes import resource, variant
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape_rules import no_outputs, scalar


class Mutex:
    """What at most one holder has at a time.

    Args:
        name: for messages.
    """

    value_dtype = resource

    def __init__(self, name: str) -> None:
        self.name = name
        self._condition = threading.Condition()
        self._is_held = False  # guarded by self._condition

    def detach(self) -> None:
        """There is no memory to let go of."""

    def lock(self, interruption: Interruption) -> Lock:
        """Return a lock, waiting for the present holder."""
        with self._condition:
            interruption.wait_for(self._condition, lambda: not self._is_held)
            self._is_held = True
        return Lock(self)

    def release(self) -> None:
        """Let the next one have it."""
        with self._condition:
            self._is_held = False
            self._condition.notify()


class Lock:
    """The right to what a mutex guards, given back when it is consumed, or dropped because a step failed."""

    value_dtype = variant

    def __init__(self, mutex: Mutex) -> None:
        self._mutex: Mutex | None = mutex

    def release(self) -> None:
        """Give the right back; doing so again changes nothing."""
        mutex, self._mutex = self._mutex, None
        if mutex is not None:
            mutex.release()

    def __del__(self) -> None:
        self.release()


@op("MutexV2() -> resource: resource", shape=scalar, stateful=True, differentiable=False)
def mutex_v2_op(*, container: str = "", shared_name: str = "", resources: ResourceManager, node_name: str) -> Mutex:
    name = shared_name or node_name
    return resources.lookup_or_create(container, "mutex", name, lambda: Mutex(name))


@op("MutexLock(mutex: resource) -> mutex_lock: variant", shape=scalar, stateful=True, differentiable=False)
def mutex_lock_op(mutex: Mutex, *, resources: ResourceManager) -> Lock:
    return mutex.lock(resources.interruption)


@op("ConsumeMutexLock(mutex_lock: variant)", shape=no_outputs, stateful=True, differentiable=False)
def consume_mutex_lock_op(mutex_lock: Any) -> tuple[()]:
    mutex_lock.release()
    return ()
