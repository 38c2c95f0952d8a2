"""The compiler's passes in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from penstock.compiler.aliasing import needs_copy
from penstock.compiler.codegen import Writer
from penstock.compiler.dataflow import prune
from penstock.compiler.program import Program
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.schedule import schedule
from penstock.core.operation import Operation
from penstock.core.resources import ResourceManager
from penstock.core.tensor import SymbolicTensor


def compile_program(
    fetches: Sequence[SymbolicTensor],
    targets: Collection[Operation],
    feeds: Sequence[SymbolicTensor],
    resources: ResourceManager,
    done: Collection[Operation] = (),
) -> Program:
    """Compile what computes `fetches` and runs `targets`, given `feeds`.

    Args:
        fetches: tensors of one graph.
        targets: operations of the graph that must run.
        feeds: tensors whose values the Program takes, in this order.
        resources: where the Program finds its variables and other resources.
        done: operations that have run already in this step; their values are among the feeds.
    """
    dataflow = schedule(prune(fetches, targets, feeds, done))
    dataflow = refresh_reads(dataflow)
    return Program(Writer(dataflow, resources, "step").write(), needs_copy(dataflow))
