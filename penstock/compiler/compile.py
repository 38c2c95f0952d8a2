"""From fetches and feeds of a graph to a Program."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from penstock.compiler.aliasing import needs_copy, shares_variable
from penstock.compiler.capture import captured
from penstock.compiler.codegen import Writer
from penstock.compiler.dataflow import Dataflow, prune
from penstock.compiler.effects import effects_of
from penstock.compiler.optimize import dataflow_of, optimize
from penstock.compiler.options import Options, default_options
from penstock.compiler.partition import partition
from penstock.compiler.partition_writer import PartitionWriter, TracedPartitionWriter, TracedWriter
from penstock.compiler.program import Program
from penstock.compiler.refresh_reads import refresh_reads
from penstock.compiler.schedule import schedule
from penstock.compiler.work import is_small
from penstock.core.func_graph import FuncGraph
from penstock.core.local_devices import Device
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
    options = options or default_options()
    with _collector_paused():
        dataflow = dataflow_of(fetches, targets, feeds, options, done)
        return Program(Writer(dataflow, resources, "step", options).write(), needs_copy(dataflow), is_small(dataflow))


class CompiledPartition(NamedTuple):
    """What one device does in a step.

    Attributes:
        device: where it runs.
        program: takes the step's rendezvous, then the values of its feeds; returns those of its fetches, and more.
        feeds: the positions of its feeds among those of the step.
        fetches: the positions of its first fetches among those of the step.
        dataflow: what the program was made from.
    """

    device: Device
    program: Program
    feeds: list[int]
    fetches: list[int]
    dataflow: Dataflow


def compile_partitions(
    fetches: Sequence[SymbolicTensor],
    targets: Collection[Operation],
    feeds: Sequence[SymbolicTensor],
    resources: ResourceManager,
    options: Options,
    device_of: Callable[[Operation], Device],
    is_traced: bool = False,
) -> list[CompiledPartition]:
    """Compile what `compile_program` does for a graph that is placed on several devices.

    Args:
        fetches, targets, feeds, resources, options: see `compile_program`.
        device_of: where an operation runs.
        is_traced: whether the programs record when each node runs; see `penstock.compiler.tracing`.
    Returns:
        One program for each device that has something to do.
    """
    with _collector_paused():
        ordered = refresh_reads(schedule(prune(fetches, targets, feeds)))
        compiled = []
        for part in partition(ordered, lambda node: device_of(node.source)):
            dataflow = optimize(part.dataflow, options)
            kind = TracedPartitionWriter if is_traced else PartitionWriter
            writer = kind(dataflow, resources, "step", options, part.device.location)
            program = Program(writer.write(), needs_copy(dataflow))
            if options.capture and not is_traced:
                program = captured(program, dataflow, part.device.location)
            compiled.append(CompiledPartition(part.device, program, part.feeds, part.fetches, dataflow))
        return compiled


def compile_function(
    function: FuncGraph,
    fetches: Sequence[SymbolicTensor],
    resources: ResourceManager,
    options: Options | None = None,
    is_traced: bool = False,
) -> Program:
    """Compile a function that is called in eager execution, with values that nothing writes to.

    Args:
        function: its inputs are what the Program takes; its operations with effects run whatever is fetched.
        fetches: tensors of the function.
        resources: where the Program finds variables and other resources.
        options: which passes run; all by default.
        is_traced: whether the Program records when each node runs; see `penstock.compiler.tracing`.
    Returns:
        The Program; its `copies` tell which fetches may share memory with a variable.
    """
    options = options or default_options()
    with _collector_paused():
        dataflow = dataflow_of(fetches, effects_of(function), function.inputs, options)
        kind = TracedWriter if is_traced else Writer
        generated = kind(dataflow, resources, "step", options).write()
        return Program(generated, shares_variable(dataflow), is_small(dataflow))


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
