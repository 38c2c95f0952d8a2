"""Steps that are run in parts, with values fed and fetched between them."""

from __future__ import annotations

from typing import Any

from penstock.compiler.compile import compile_program
from penstock.compiler.dataflow import prune
from penstock.compiler.options import Options
from penstock.core import array
from penstock.core.array import Value
from penstock.core.errors import InvalidArgumentError
from penstock.core.operation import Operation
from penstock.core.resources import ResourceManager
from penstock.core.tensor import SymbolicTensor
from penstock.runtime.feeds import feed_converter
from penstock.runtime.fetches import FetchPlan


class PartialRun:
    """The state of one step: what has run, and the values that later parts may need."""

    def __init__(
        self, plan: FetchPlan, feeds: list[SymbolicTensor], resources: ResourceManager, options: Options
    ) -> None:
        self._fetches = {id(tensor) for tensor in plan.tensors}
        self._targets = set(plan.targets)
        self._feeds = {id(tensor): tensor for tensor in feeds}
        self._resources = resources
        self._options = options
        self._values: dict[int, tuple[SymbolicTensor, Value]] = {}
        self._done: set[Operation] = set()
        self._step = [node.source for node in prune(plan.tensors, plan.targets, feeds).nodes]

    def advance(self, plan: FetchPlan, feed_dict: dict[SymbolicTensor, Any]) -> Any:
        """Run the next part; see `BaseSession.partial_run`."""
        for tensor, value in feed_dict.items():
            if id(tensor) not in self._feeds:
                raise InvalidArgumentError(
                    None, None, f"the feed {tensor.name!r} was not declared in partial_run_setup"
                )
            if id(tensor) in self._values:
                raise InvalidArgumentError(None, None, f"the feed {tensor.name!r} has already been fed in this step")
            self._values[id(tensor)] = tensor, feed_converter(tensor)(value)
        for tensor in plan.tensors:
            if id(tensor) not in self._fetches:
                raise InvalidArgumentError(
                    None, None, f"the fetch {tensor.name!r} was not declared in partial_run_setup"
                )
        for op in plan.targets:
            if op not in self._targets:
                raise InvalidArgumentError(None, None, f"the fetch {op.name!r} was not declared in partial_run_setup")
        self._run(plan)
        results = [array.to_numpy(self._values[id(tensor)][1], copy=True) for tensor in plan.tensors]
        return plan.pack(results)

    def _run(self, plan: FetchPlan) -> None:
        available = [tensor for tensor, _ in self._values.values()]
        part = [node.source for node in prune(plan.tensors, plan.targets, available, self._done).nodes]
        for op in part:
            for tensor in op.inputs:
                if id(tensor) in self._feeds and id(tensor) not in self._values:
                    raise InvalidArgumentError(
                        None, None, f"the fetches need {tensor.name!r}, which has not been fed yet"
                    )
        running = set(part)
        later = [op for op in self._step if op not in running and op not in self._done]
        wanted = {id(tensor): tensor for tensor in plan.tensors if id(tensor) not in self._values}
        for op in later:
            wanted.update(
                {
                    id(t): t
                    for t in op.inputs
                    if t.op in running and id(t) not in self._values and not t.dtype._is_ref_dtype
                }
            )
        tensors = list(wanted.values())
        program = compile_program(tensors, plan.targets, available, self._resources, self._done, self._options)
        values = program(*(value for _, value in self._values.values()))
        for tensor, value in zip(tensors, values, strict=True):
            self._values[id(tensor)] = tensor, array.clone(value)
        self._done.update(
            op for op in running if not (op.outputs and op.outputs[0].dtype._is_ref_dtype and not op.inputs)
        )
