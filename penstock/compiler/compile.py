"""From fetches and feeds of a graph to a Program."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from penstock.compiler.aliasing import needs_copy
from penstock.compiler.codegen import Writer
from penstock.compiler.optimize import dataflow_of
from penstock.compiler.options import Options
from penstock.compiler.program import Program
from penstock.core.operation import Operation
from penstock.core.resources import ResourceManager
from penstock.core.tensor import SymbolicTensor


def compile_program(
    fetches: Sequence[SymbolicTensor],
    targets: Collection[Operation],
    feeds: Sequence[SymbolicTensor],
    resources: ResourceManager,
    done: Collection[Operation] = (),
    options: Options | None = None,
) -> Program:
    """Compile what computes `fetches` and runs `targets`, given `feeds`.

    Args:
        fetches: tensors of one graph.
        targets: operations of the graph that must run.
        feeds: tensors whose values the Program takes, in this order.
        resources: where the Program finds its variables and other resources.
        done: operations that have run already in this step; their values are among the feeds.
        options: which passes run; all by default.
    """
    options = options or Options()
    with _collector_paused():
        dataflow = dataflow_of(fetches, targets, feeds, options, done)
        return Program(Writer(dataflow, resources, "step", options).write(), needs_copy(dataflow))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from running: compiling makes many objects that all live to its end, and each
    full collection that they set off takes longer than a pass."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
