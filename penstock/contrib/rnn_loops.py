"""Bidirectional networks on top of each other, and cells that run over all steps at once, as `tf.contrib.rnn` had
them."""

from __future__ import annotations

from typing import Any

from penstock.contrib.lstm_cells import LSTMBlockCell
from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.language.variable_scope import get_variable_scope, variable_scope
from penstock.ops.array.joining import concat, unstack
from penstock.ops.array.reversing import reverse, reverse_sequence
from penstock.ops.array.shaping import transpose
from penstock.rnn.cells import LSTMStateTuple
from penstock.rnn.loops import bidirectional_dynamic_rnn, dynamic_rnn, static_bidirectional_rnn, static_rnn


def transpose_batch_time(x: Any) -> Any:
    """Return a tensor of shape (batch, time, ...) as (time, batch, ...), and the other way round."""
    tensor = convert_to_tensor(x)
    rank = tensor.ndim
    if rank is not None and rank < 2:
        raise ValueError(f"Expected input tensor {tensor} to have rank at least 2, but saw shape: {tensor.shape}")
    return transpose(tensor, [1, 0, *range(2, rank or 2)])


def _check(cells_fw: Any, cells_bw: Any, states_fw: Any, states_bw: Any) -> None:
    for label, cells in (("cells_fw", cells_fw), ("cells_bw", cells_bw)):
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError(f"{label} must be a list of at least one RNNCell, got {cells!r}")
    if len(cells_fw) != len(cells_bw):
        raise ValueError(
            f"Forward and Backward cells must have the same depth, got {len(cells_fw)} and {len(cells_bw)}"
        )
    for label, states in (("initial_states_fw", states_fw), ("initial_states_bw", states_bw)):
        if states is not None and (not isinstance(states, (list, tuple)) or len(states) != len(cells_fw)):
            raise ValueError(f"{label} must be a list of state tensors, one for each layer, got {states!r}")


def stack_bidirectional_rnn(
    cells_fw: Any,
    cells_bw: Any,
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """Run several layers of bidirectional networks over a list of inputs.

    Args:
        cells_fw, cells_bw: a cell for each layer and direction.
        inputs: a list with one tensor of shape (batch, depth) for each step.
        initial_states_fw, initial_states_bw: a state for each layer; zeros by default.
        dtype, sequence_length: see `static_bidirectional_rnn`.
        scope: the variable scope, "stack_bidirectional_rnn" by default.
    Returns:
        The outputs of the last layer, a list, and for both directions the last states of all layers.
    Raises:
        ValueError: if the lists do not fit each other.
    """
    _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, outputs = [], [], inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for layer, (forward, backward) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{layer}"):
                outputs, state_fw, state_bw = static_bidirectional_rnn(
                    forward,
                    backward,
                    outputs,
                    initial_states_fw[layer] if initial_states_fw else None,
                    initial_states_bw[layer] if initial_states_bw else None,
                    dtype,
                    sequence_length,
                )
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return outputs, tuple(states_fw), tuple(states_bw)


def stack_bidirectional_dynamic_rnn(
    cells_fw: Any,
    cells_bw: Any,
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, Any, Any]:
    """Run several layers of bidirectional networks over the steps of a tensor.

    Args:
        cells_fw, cells_bw: a cell for each layer and direction.
        inputs: of shape (batch, time, depth).
        initial_states_fw, initial_states_bw: a state for each layer; zeros by default.
        dtype, sequence_length, parallel_iterations, time_major, swap_memory: see `bidirectional_dynamic_rnn`.
        scope: the variable scope, "stack_bidirectional_rnn" by default.
    Returns:
        The outputs of the last layer, both directions joined, and for both directions the last states of all layers.
    Raises:
        ValueError: if the lists do not fit each other.
    """
    _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, outputs = [], [], inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for layer, (forward, backward) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{layer}"):
                both, (state_fw, state_bw) = bidirectional_dynamic_rnn(
                    forward,
                    backward,
                    outputs,
                    sequence_length,
                    initial_states_fw[layer] if initial_states_fw else None,
                    initial_states_bw[layer] if initial_states_bw else None,
                    dtype,
                    parallel_iterations,
                    swap_memory,
                    time_major,
                )
                outputs = concat(both, 2)
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return outputs, tuple(states_fw), tuple(states_bw)


class FusedRNNCell:
    """A network over all steps at once: called with inputs of shape (time, batch, depth), it returns outputs and
    state."""

    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> tuple[Any, Any]:
        """Return the outputs, of shape (time, batch, size), and the last state; see `dynamic_rnn` for the arguments."""
        raise NotImplementedError(f"{type(self).__name__} must have the method __call__")


class LSTMBlockFusedCell(FusedRNNCell):
    """An LSTM over all steps at once.

    Args:
        num_units, forget_bias, cell_clip, use_peephole, reuse, dtype, name: see `LSTMBlockCell`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        reuse: Any = None,
        dtype: Any = None,
        name: str = "lstm_fused_cell",
    ) -> None:
        self._cell = LSTMBlockCell(num_units, forget_bias, cell_clip, use_peephole, dtype, reuse, name)

    @property
    def num_units(self) -> int:
        """The size of memory and output."""
        return self._cell.output_size

    @property
    def variables(self) -> list[Any]:
        """The variables, once the cell has been called."""
        return self._cell.variables

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that training changes."""
        return self._cell.trainable_variables

    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> tuple[Any, Any]:
        tensors = convert_to_tensor(inputs) if not isinstance(inputs, list) else None
        state = None if initial_state is None else LSTMStateTuple(*initial_state)
        with variable_scope(scope) if scope is not None else variable_scope(get_variable_scope()) as own:
            if tensors is None:
                return static_rnn(self._cell, inputs, state, dtype, sequence_length, own)
            kind = dtype or tensors.dtype.base_dtype
            return dynamic_rnn(self._cell, tensors, sequence_length, state, kind, time_major=True, scope=own)


class FusedRNNCellAdaptor(FusedRNNCell):
    """A cell, run over all steps.

    Args:
        cell: the cell.
        use_dynamic_rnn: whether it runs in a loop; otherwise there is a copy of it for each step.
    """

    def __init__(self, cell: Any, use_dynamic_rnn: bool = False) -> None:
        self._cell = cell
        self._dynamic = use_dynamic_rnn

    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> tuple[Any, Any]:
        if self._dynamic:
            return dynamic_rnn(self._cell, inputs, sequence_length, initial_state, dtype, time_major=True, scope=scope)
        steps = inputs if isinstance(inputs, list) else unstack(inputs)
        outputs, state = static_rnn(self._cell, steps, initial_state, dtype, sequence_length, scope)
        return concat([output[None] for output in outputs], 0), state


class TimeReversedFusedRNN(FusedRNNCell):
    """A network over all steps that runs backward in time.

    Args:
        cell: the network.
    """

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    @staticmethod
    def _turned(tensor: Any, lengths: Any) -> Any:
        if lengths is None:
            return reverse(tensor, [0])
        return reverse_sequence(tensor, lengths, seq_axis=0, batch_axis=1)

    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> tuple[Any, Any]:
        turned = nest.map_structure(lambda item: self._turned(item, sequence_length), inputs)
        outputs, state = self._cell(turned, initial_state, dtype, sequence_length, scope)
        return nest.map_structure(lambda item: self._turned(item, sequence_length), outputs), state
