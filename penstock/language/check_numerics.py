"""Looking for infinities and NaNs in everything that is computed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import context
from penstock.core.backprop import Call
from penstock.core.context import state
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, user_location
from penstock.core.op_def import lookup
from penstock.core.tensor import EagerTensor, Tensor

# What passes values on that it did not compute, or is part of a check.
_UNCHECKED = frozenset(
    {
        "Assert", "All", "IsFinite", "Placeholder", "PlaceholderWithDefault", "Const", "Identity", "IdentityN",
        "ReadVariableOp", "If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile", "PartitionedCall",
        "StatefulPartitionedCall", "FakeParam", "Empty", "CheckNumerics", "CheckNumericsV2", "Bitcast",
    }
)  # fmt: skip


class NumericsChecker:
    """Sees every call, as a tape does, and checks what it gave."""

    order = 0
    stays = True

    def watches(self, tensor: Tensor) -> bool:
        """Functions need not be recorded."""
        return False

    def watch_variable(self, variable: Any) -> None:
        """Variables are checked when they are used."""

    def note_output(self, call: Call, output: Tensor) -> None:
        """Values that only a gradient asks for are checked where they were computed."""

    def concerns(self, inputs: Sequence[Any]) -> bool:
        """Every call is checked."""
        return True

    def record(self, call: Call) -> None:
        """Check the outputs of a call: now, or when the graph runs.

        Raises:
            InvalidArgumentError: if one holds an infinity or NaN.
        """
        if call.type in _UNCHECKED:
            return
        for index, output in enumerate(call.outputs):
            if not (output.dtype.base_dtype.is_floating or output.dtype.base_dtype.is_complex):
                continue
            if isinstance(output, EagerTensor):
                self._check(call, index, output)
            elif output.dtype.base_dtype.is_floating:
                self._stage(call, index, output)

    def _check(self, call: Call, index: int, output: EagerTensor) -> None:
        value = np.asarray(output._numpy())
        if value.dtype.kind not in "fc":
            value = value.astype(np.float32)
        finite = np.isfinite(value)
        if finite.all():
            return
        counts = f"{int(np.isnan(value).sum())} NaN and {int(np.isinf(value).sum())} infinite of {value.size} elements"
        raise InvalidArgumentError(
            None, None, f"{_describe(call, index, output, 'eagerly-executing')} It has {counts}."
        )

    def _stage(self, call: Call, index: int, output: Tensor) -> None:
        with context.stop_recording():
            saved, state.tapes = state.tapes, []
            try:
                finite = lookup("All")(lookup("IsFinite")(output), _axes(output))  # type: ignore[operator]
                lookup("Assert")(finite, [_describe(call, index, output, "graph"), output], summarize=3)  # type: ignore[operator]
            finally:
                state.tapes = saved


def _axes(output: Tensor) -> Any:
    rank = output.shape.rank
    if rank is None:
        return lookup("Range")(0, lookup("Rank")(output), 1)  # type: ignore[operator]
    return np.arange(rank, dtype=np.int32)


def _describe(call: Call, index: int, output: Tensor, kind: str) -> str:
    where = user_location()
    line = f" It was called at {where[0]}:{where[1]}." if where else ""
    inputs = ", ".join(f"{tensor.dtype.name} {tensor.shape}" for tensor in call.inputs) or "none"
    name = "" if call.name == call.type else f" {call.name!r}"
    return (
        f"!!! Detected Infinity or NaN in output {index} of {kind} op {call.type}{name} (# of outputs: "
        f"{len(call.outputs)}) !!! dtype: {output.dtype.name}, shape: {output.shape}; inputs: {inputs}.{line}"
    )


_checker = NumericsChecker()


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """Make this thread raise an error where an operation gives an infinity or NaN.

    Functions are checked if they are traced while this is on.

    Args:
        stack_height_limit, path_length_limit: accepted; the message names the line of the user's program.
    """
    if _checker not in state.tapes:
        state.tapes = [*state.tapes, _checker]


def disable_check_numerics() -> None:
    """Stop what `enable_check_numerics` started; functions traced meanwhile go on checking."""
    state.tapes = [tape for tape in state.tapes if tape is not _checker]


class _Placement:
    """Whether calls are logged with their devices."""

    def __init__(self) -> None:
        self.on = False

    order = 0
    stays = True

    def watches(self, tensor: Tensor) -> bool:
        """Functions need not be recorded."""
        return False

    def watch_variable(self, variable: Any) -> None:
        """Nothing is to be done for variables."""

    def note_output(self, call: Call, output: Tensor) -> None:
        """Nothing is to be done for further outputs."""

    def concerns(self, inputs: Sequence[Any]) -> bool:
        """Every call is logged."""
        return True

    def record(self, call: Call) -> None:
        """Log an eager call."""
        if current_graph() is None:
            device = next((tensor.device for tensor in call.outputs if isinstance(tensor, EagerTensor)), "")
            logging.getLogger("tensorflow").info("Executing op %s in device %s", call.type, device)


_placement = _Placement()


def set_log_device_placement(enabled: bool) -> None:
    """Choose whether this thread logs each eager operation with the device that ran it.

    Args:
        enabled: whether it does.
    """
    state.tapes = [tape for tape in state.tapes if tape is not _placement]
    _placement.on = bool(enabled)
    if enabled:
        state.tapes = [*state.tapes, _placement]


def get_log_device_placement() -> bool:
    """Tell whether eager operations are logged with their devices."""
    return _placement.on
