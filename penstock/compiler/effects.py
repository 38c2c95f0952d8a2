"""Which operations of a function run whether or not their results are used."""

from __future__ import annotations

from penstock.compiler.aliasing import runs_bodies
from penstock.core.func_graph import FuncGraph
from penstock.core.operation import Operation

# Stateful operations that are worth nothing unless their results are used.
_MERELY_GIVE = frozenset(
    {
        "IsVariableInitialized",
        "Multinomial",
        "ParameterizedTruncatedNormal",
        "Placeholder",
        "RandomGamma",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "ResourceGather",
        "ResourceGatherNd",
        "TruncatedNormal",
        "VarHandleOp",
        "VarIsInitializedOp",
        "VariableShape",
        "VariableV2",
    }
)


def effects_of(function: FuncGraph) -> list[Operation]:
    """Return the operations of a function that run whether or not their results are used."""
    effects = [
        op
        for op in function.get_operations()
        if op.op_def.is_stateful
        and (runs_bodies(op.op_def) or not op.op_def.is_view)
        and op.op_def.name not in _MERELY_GIVE
    ]
    return [*effects, *function.control_outputs]
