"""The passes that make a dataflow cheaper, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from penstock.compiler.dataflow import Dataflow, prune
from penstock.compiler.effects import effects_of
from penstock.compiler.fold_constants import fold_constants
from penstock.compiler.forward_updates import forward_updates
from penstock.compiler.fuse_batch_norm import fuse_batch_norm
from penstock.compiler.fuse_bias import fuse_bias
from penstock.compiler.fuse_elementwise import fuse_elementwise
from penstock.compiler.fuse_scaled_sum import fuse_scaled_sum
from penstock.compiler.fuse_updates import fuse_updates
from penstock.compiler.loops import Loop, rewrite_loops
from penstock.compiler.merge_common import merge_common
from penstock.compiler.narrow_products import narrow_products
from penstock.compiler.options import Options
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.reorder_pooling import reorder_pooling
from penstock.compiler.repeat_products import repeat_products, turn_invariants
from penstock.compiler.scalar_loops import compile_scalar_loops
from penstock.compiler.schedule import schedule
from penstock.compiler.shorten_lifetimes import shorten_lifetimes
from penstock.compiler.simplify import simplify
from penstock.compiler.split_gradients import split_gradients
from penstock.compiler.sum_in_place import sum_in_place
from penstock.compiler.use_stacks import use_stacks
from penstock.compiler.used_columns import used_columns
from penstock.core.func_graph import FuncGraph
from penstock.core.operation import Operation
from penstock.core.tensor import SymbolicTensor

# The option that switches a pass, and the pass. Folding makes constants that let more be simplified, and the other way
# round.
BEFORE_LOOPS: tuple[tuple[str, Callable[[Dataflow], Dataflow]], ...] = (
    ("simplify", simplify),
    ("fold_constants", fold_constants),
    ("merge_common", merge_common),
    ("simplify", simplify),
    ("fold_constants", fold_constants),
)
# Passes that change a loop together with what is around it.
LOOP_PASSES: tuple[tuple[str, Callable[[Loop], None]], ...] = (
    ("sum_in_place", sum_in_place),
    ("use_stacks", use_stacks),
    ("repeat_products", turn_invariants),
)
AFTER_LOOPS: tuple[tuple[str, Callable[[Dataflow], Dataflow]], ...] = (
    ("reorder_pooling", reorder_pooling),
    ("used_columns", used_columns),
    ("fuse_bias", fuse_bias),
    ("fuse_batch_norm", fuse_batch_norm),
    ("narrow_products", narrow_products),
    ("repeat_products", repeat_products),
    ("fuse_scaled_sum", fuse_scaled_sum),
    ("fuse_updates", fuse_updates),
    ("split_gradients", split_gradients),
    ("forward_updates", forward_updates),
    ("fuse_elementwise", fuse_elementwise),
    ("compile_scalar_loops", compile_scalar_loops),
    ("shorten_lifetimes", shorten_lifetimes),
)
# What only pays where it runs again and again.
IN_LOOPS = frozenset({"repeat_products"})
PASSES = (*BEFORE_LOOPS, *AFTER_LOOPS)


def optimize(dataflow: Dataflow, options: Options) -> Dataflow:
    """Run the passes that the options leave on.

    A pass changes the nodes that it is given: the dataflow from before is not to be used any more.
    """
    dataflow = _run(BEFORE_LOOPS, dataflow, options)
    dataflow = _with_loops_changed(dataflow, options)
    return _run([item for item in AFTER_LOOPS if item[0] not in IN_LOOPS], dataflow, options)


def _run(
    passes: Sequence[tuple[str, Callable[[Dataflow], Dataflow]]], dataflow: Dataflow, options: Options
) -> Dataflow:
    for name, optimization in passes:
        if getattr(options, name):
            dataflow = optimization(dataflow)
    return dataflow


def _with_loops_changed(dataflow: Dataflow, options: Options) -> Dataflow:
    passes = [change for name, change in LOOP_PASSES if getattr(options, name)]
    if not passes:
        return dataflow

    def prepare(function: FuncGraph) -> Dataflow:
        nodes = refresh_reads(schedule(prune(function.outputs, effects_of(function), function.inputs)))
        return _with_loops_changed(_run(BEFORE_LOOPS, nodes, options), options)

    return rewrite_loops(dataflow, passes, prepare, lambda nodes: _run(AFTER_LOOPS, nodes, options))


def dataflow_of(
    fetches: Sequence[SymbolicTensor],
    targets: Collection[Operation],
    feeds: Sequence[SymbolicTensor],
    options: Options,
    done: Collection[Operation] = (),
) -> Dataflow:
    """Return what is to run for some fetches and targets; see `penstock.compiler.dataflow.prune`."""
    return optimize(refresh_reads(schedule(prune(fetches, targets, feeds, done))), options)
