"""Programs of a GPU as graphs of its driver, which run without Python between their kernels.

A program that is called again and again with values of the same shapes is recorded once, and played from then on. Only
what computes its fetches from feeds, constants and variables alone is recorded: played kernels read and write the
memory that they were recorded with, and nothing of Python runs in between. What cannot be recorded, because a kernel
waits for the device, raises an error when it is tried, and runs as it did.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from penstock.compiler.aliasing import runs_bodies
from penstock.compiler.dataflow import Dataflow, Node
from penstock.compiler.program import Program
from penstock.core import array
from penstock.core.inference import group_inputs
from penstock.core.resources import VariableStorage

_PLAIN_RUNS = 3  # with values of the same shapes, before a program is recorded
_MOST_RECORDINGS = 4  # of one program; where shapes keep changing, recording costs more than it gains
_OBJECTS = frozenset({"string", "variant", "resource"})
_READS = frozenset({"ReadVariableOp", "VariableV2", "Variable", "VarHandleOp"})

# From a function of arrays and its arguments to a function that gives the same for other arguments of these shapes, in
# memory that its next call overwrites; see `penstock.core.array.record_kernels`.
Record = Callable[[Callable[..., list[Any]], Sequence[Any]], Callable[..., list[Any]]]


def obstacle(dataflow: Dataflow) -> str | None:
    """Return why a program cannot be recorded, None where nothing is known that prevents it.

    Args:
        dataflow: what the program runs.
    """
    if not dataflow.fetches:
        return "it gives nothing"
    for edge in (*dataflow.feeds, *dataflow.fetches):
        if edge.dtype.base_dtype.name in _OBJECTS:
            return f"{edge.name} is no array"
    for node in dataflow.nodes:
        reason = _obstacle_of(node)
        if reason is not None:
            return f"{node.op_def.name} {node.name!r} {reason}"
    return None


def _obstacle_of(node: Node) -> str | None:
    op_def = node.op_def
    if op_def.name in _READS:
        return None
    if op_def.is_stateful or op_def.has_ref_input:
        return "has effects, or depends on more than its inputs"
    if runs_bodies(op_def):
        return "runs functions"
    if getattr(op_def.kernel, "runs_on_host", False):
        return "runs on the host"
    if any(edge.dtype.base_dtype.name in _OBJECTS for edge in (*node.inputs, *node.outputs)):
        return "takes or gives what is no array"
    for argument, given in zip(op_def.inputs, group_inputs(op_def, node.inputs, node.attrs), strict=True):
        if argument.is_host:
            for edge in given if argument.is_sequence else (given,):
                if edge.node is None or edge.node.op_def.name not in ("Const", "Shape"):
                    return "takes numbers that the step computes"
    return None


class CapturedProgram:
    """A program that is recorded when it has been called often enough, called as the program is.

    Attributes:
        is_refused: whether it turned out that it cannot be recorded.

    Args:
        program: takes the rendezvous of its step, of which it makes no use, and the feeds.
        variables: what it reads beside the feeds.
        record: see `Record`.
    """

    def __init__(self, program: Program, variables: Sequence[VariableStorage], record: Record) -> None:
        self._program = program
        self._variables = list(variables)
        self._record = record
        self.copies = program.copies
        self.is_refused = False
        # A recording has its memory to itself: one thread at a time plays it.
        self._lock = threading.Lock()
        self._key: Any = None  # what the last values looked like
        self._runs = 0  # with such values
        self._recordings = 0
        self._play: Callable[..., list[Any]] | None = None  # for values of that key

    @property
    def source(self) -> str:
        """The generated source."""
        return self._program.source

    def __call__(self, rendezvous: Any, *values: Any) -> list[Any]:
        """Run on the feeds' runtime values; see `Program`."""
        if self.is_refused:
            return self._program(rendezvous, *values)
        with self._lock:
            key = self._key_of(values)
            if key != self._key:
                self._key, self._runs, self._play = key, 0, None
            if self._play is not None:
                return [array.clone(value) for value in self._play(*values)]
            self._runs += 1
            is_stable = self._runs > _PLAIN_RUNS
        results = self._program(rendezvous, *values)
        if is_stable:
            with self._lock:
                if key == self._key and self._play is None and not self.is_refused:
                    self._try_to_record(rendezvous, values, results)
        return results

    def _key_of(self, values: Sequence[Any]) -> Any:
        """Return what has to be the same for a recording to be of use."""
        looks = [(array.dims_of(value), array.dtype_of(value), array.location_of(value)) for value in values]
        held = [variable.value for variable in self._variables]
        return looks, [(array.address_of(value), array.dims_of(value)) for value in held]

    def _try_to_record(self, rendezvous: Any, values: Sequence[Any], results: Sequence[Any]) -> None:
        """Record the program, and keep the recording if it gives what the program gave. The caller holds the lock."""
        self._recordings += 1
        if self._recordings > _MOST_RECORDINGS:
            self.is_refused = True
            return
        try:
            play = self._record(lambda *given: self._program(rendezvous, *given), values)
            played = play(*values)
            is_right = all(array.are_close(one, other) for one, other in zip(played, results, strict=True))
        except Exception:  # it waits for the device, or does what the driver does not record
            is_right = False
        if is_right:
            self._play = play
        else:
            self.is_refused = True


def captured(program: Program, dataflow: Dataflow, location: str, record: Record | None = None) -> Any:
    """Return a program that is recorded in time if it runs on a GPU and can be, else the program itself.

    Args:
        program: of one device's part of a step.
        dataflow: what it was made from.
        location: where it runs.
        record: what records, by default the driver's graphs, on GPUs that have them.
    """
    if record is None:
        if not location.startswith("cuda"):
            return program
        record = array.record_kernels
    if obstacle(dataflow) is not None:
        return program
    return CapturedProgram(program, program.variables, record)
