"""`tf.CriticalSection`: parts of programs that no two runs execute at the same time."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable
from typing import Any

from penstock.core import nest
from penstock.core.dtypes import resource
from penstock.core.graph import Graph, current_graph, name_scope
from penstock.core.operation import Operation
from penstock.core.tensor import Tensor
from penstock.ops.constant import identity
from penstock.ops.data_flow.mutex import consume_mutex_lock_op, mutex_lock_op, mutex_v2_op

# For each graph: sections, the resources that they use, and whether they want them for themselves.
_executions: weakref.WeakKeyDictionary[Graph, list[tuple[Any, set[Any], bool]]] = weakref.WeakKeyDictionary()
_numbers = itertools.count()
_running = threading.local()


class CriticalSection:
    """What at most one run executes at a time; others wait.

    Args:
        name: the name of its node, "critical_section" by default.
        shared_name: the name under which sessions share it.
        critical_section_def: must be None.
        import_scope: accepted as TensorFlow does.
    Raises:
        ValueError: if `critical_section_def` is given.
    """

    def __init__(
        self,
        name: str | None = None,
        shared_name: str | None = None,
        critical_section_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if critical_section_def is not None:
            raise ValueError("Argument `critical_section_def` is not supported.")
        with name_scope(name, "CriticalSection", []) as scope:
            own = f"critical_section_{next(_numbers)}" if current_graph() is None else ""
            self._handle = mutex_v2_op(shared_name=shared_name or own, name=scope or name)

    @property
    def name(self) -> str:
        """The name of the section's node."""
        return self._handle.op.name

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """Return what a function returns, once no other execution of the section goes on.

        Args:
            fn: takes no arguments and returns a structure of tensors.
            exclusive_resource_access: whether no other section of the graph may use the resources that `fn` does.
            name: a name for the scope of the nodes.
        Raises:
            ValueError: if `fn` executes the section itself, or uses a resource that another section has to itself.
        """
        stack = _running.__dict__.setdefault("sections", [])
        if any(section is self for section in stack):
            raise ValueError(
                f"Attempting to lock a CriticalSection ({self._handle!r}) in which we are already running. This is "
                "illegal and may cause deadlocks."
            )
        with name_scope(name, "critical_section_execute", []):
            stack.append(self)
            try:
                graph = current_graph()
                if graph is None:
                    return self._execute_now(fn)
                return self._build(graph, fn, exclusive_resource_access)
            finally:
                stack.pop()

    def _execute_now(self, fn: Callable[[], Any]) -> Any:
        lock = mutex_lock_op(self._handle)
        try:
            return nest.map_structure(identity, fn())
        finally:
            consume_mutex_lock_op(lock)

    def _build(self, graph: Graph, fn: Callable[[], Any], is_exclusive: bool) -> Any:
        lock = mutex_lock_op(self._handle)
        first = len(graph.get_operations())
        with graph.control_dependencies([lock]):
            result = fn()
        made = graph.get_operations()[first:]
        self._claim(graph, made, is_exclusive)
        outputs = nest.flatten(result)
        tensors = [item for item in outputs if isinstance(item, Tensor)]
        operations = [item for item in outputs if isinstance(item, Operation)]
        with graph.control_dependencies([*tensors, *operations, *made]):
            released = consume_mutex_lock_op(lock)
        with graph.control_dependencies([released]):
            return nest.map_structure(lambda item: item if isinstance(item, Operation) else identity(item), result)

    def _claim(self, graph: Graph, made: list[Operation], is_exclusive: bool) -> None:
        """Note the resources that an execution uses, unless another section has them to itself."""
        used = {
            tensor.ref()
            for op in made
            for tensor in op.inputs
            if tensor.dtype == resource and op.type != mutex_lock_op.name
        }
        executions = _executions.setdefault(graph, [])
        for section, resources, had_exclusively in executions:
            if section is self or not (is_exclusive or had_exclusively):
                continue
            shared = [reference.deref().name for reference in used & resources]
            if shared:
                raise ValueError(
                    f"This execution would access resources {shared} of the execution of another CriticalSection, "
                    f"'{section.name}'. Give both exclusive_resource_access=False, or use one section for both."
                )
        executions.append((self, used, is_exclusive))
