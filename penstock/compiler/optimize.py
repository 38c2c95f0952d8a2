"""The passes that make a dataflow cheaper, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from penstock.compiler.dataflow import Dataflow, prune
from penstock.compiler.fold_constants import fold_constants
from penstock.compiler.fuse_bias import fuse_bias
from penstock.compiler.fuse_elementwise import fuse_elementwise
from penstock.compiler.fuse_scaled_sum import fuse_scaled_sum
from penstock.compiler.fuse_updates import fuse_updates
from penstock.compiler.merge_common import merge_common
from penstock.compiler.narrow_products import narrow_products
from penstock.compiler.options import Options
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.reorder_pooling import reorder_pooling
from penstock.compiler.scalar_loops import compile_scalar_loops
from penstock.compiler.schedule import schedule
from penstock.compiler.shorten_lifetimes import shorten_lifetimes
from penstock.compiler.simplify import simplify
from penstock.core.operation import Operation
from penstock.core.tensor import SymbolicTensor

# The option that switches a pass, and the pass. Folding makes constants that let more be simplified, and the other way
# round.
PASSES: tuple[tuple[str, Callable[[Dataflow], Dataflow]], ...] = (
    ("simplify", simplify),
    ("fold_constants", fold_constants),
    ("merge_common", merge_common),
    ("simplify", simplify),
    ("fold_constants", fold_constants),
    ("reorder_pooling", reorder_pooling),
    ("fuse_bias", fuse_bias),
    ("narrow_products", narrow_products),
    ("fuse_scaled_sum", fuse_scaled_sum),
    ("fuse_updates", fuse_updates),
    ("fuse_elementwise", fuse_elementwise),
    ("compile_scalar_loops", compile_scalar_loops),
    ("shorten_lifetimes", shorten_lifetimes),
)


def optimize(dataflow: Dataflow, options: Options) -> Dataflow:
    """Run the passes that the options leave on.

    A pass changes the nodes that it is given: the dataflow from before is not to be used any more.
    """
    for name, optimization in PASSES:
        if getattr(options, name):
            dataflow = optimization(dataflow)
    return dataflow


def dataflow_of(
    fetches: Sequence[SymbolicTensor],
    targets: Collection[Operation],
    feeds: Sequence[SymbolicTensor],
    options: Options,
    done: Collection[Operation] = (),
) -> Dataflow:
    """Return what is to run for some fetches and targets; see `penstock.compiler.dataflow.prune`."""
    return optimize(refresh_reads(schedule(prune(fetches, targets, feeds, done))), options)
