"""Which operations of a function run whether or not their results are used."""

from __future__ import annotations

from penstock.compiler.aliasing import MERELY_GIVE, runs_bodies
from penstock.core.func_graph import FuncGraph
from penstock.core.operation import Operation


def effects_of(function: FuncGraph) -> list[Operation]:
    """Return the operations of a function that run whether or not their results are used."""
    effects = [
        op
        for op in function.get_operations()
        if op.op_def.is_stateful
        and (runs_bodies(op.op_def) or not op.op_def.is_view)
        and op.op_def.name not in MERELY_GIVE
    ]
    return [*effects, *function.control_outputs]
