"""Long short-term memories over time and frequency (Li et al. 2015, Kalchbrenner et al. 2016), as `tf.contrib.rnn` had
them.

The inputs are spectra. A window slides over the frequencies; at each place one step is made, which sees the last state
at this place and the state at the place before.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

from penstock.contrib.lstm_cells import clipped, lstm_step, peephole_weights, sharded
from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable, get_variable_scope, variable_scope
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.joining import concat, split
from penstock.ops.array.padding import pad
from penstock.ops.initializers_v1 import zeros_initializer
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.nn.bias import bias_add
from penstock.rnn.cells import RNNCell


def _input_size(inputs: Tensor) -> int:
    size = inputs.shape.with_rank(2).as_list()[-1]
    if size is None:
        raise ValueError(f"Cannot infer input_size from static shape inference: the inputs have shape {inputs.shape}.")
    return size


def _windows(inputs: Tensor, start: int, count: int, size: int, skip: int) -> list[Tensor]:
    """Return `count` windows of `size` frequencies, the first at `start`, each `skip` further."""
    return [inputs[:, start + index * skip : start + index * skip + size] for index in range(count)]


class TimeFreqLSTMCell(RNNCell):
    """An LSTM that steps through the frequencies of its inputs, and through time (Li et al. 2015).

    Args:
        num_units: the size of memory and output at each place.
        use_peepholes: whether the gates see the memory, through diagonal weights.
        cell_clip: the largest magnitude of the memory; None for any.
        initializer: makes the first values of the kernels.
        num_unit_shards: as how many variables the kernel is kept.
        forget_bias: added to the forget gate's input.
        feature_size: how many frequencies each step sees.
        frequency_skip: how much further the next step starts.
        reuse: whether the variables must exist already.

    The state is one tensor, for each place a memory and an output, side by side; `state_size` is that of one place.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int = 1,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_unit_shards = num_unit_shards
        self._forget_bias = forget_bias
        self._feature_size = feature_size
        self._frequency_skip = frequency_skip

    @property
    def state_size(self) -> Any:
        return 2 * self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the outputs of all places, and their next states, both side by side."""
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            return self._step(inputs, state)

    def _step(self, inputs: Any, state: Any) -> Any:
        units, dtype = self._num_units, inputs.dtype.base_dtype
        size = self._feature_size or _input_size(inputs)
        count = (_input_size(inputs) - size) // self._frequency_skip + 1
        kernel = sharded("W", [size + 2 * units, 4 * units], dtype, self._num_unit_shards)
        bias = get_variable("B", [4 * units], dtype, zeros_initializer())
        peepholes: tuple[Any, ...] = (None, None, None)
        if self._use_peepholes:
            peepholes = peephole_weights(("W_F_diag", "W_I_diag", "W_O_diag"), units, dtype)
        states = split(state, [units] * (2 * count), axis=1)
        below = zeros_like(states[1])
        outputs, following = [], []
        windows = _windows(inputs, 0, count, size, self._frequency_skip)
        for window, c, h in zip(windows, states[::2], states[1::2], strict=True):
            gates = split(bias_add(matmul(concat([window, h, below], 1), kernel), bias), 4, axis=1)
            memory, below = lstm_step(gates, c, self._forget_bias, peepholes=peepholes, clip=self._cell_clip)
            outputs.append(below)
            following.extend([memory, below])
        return concat(outputs, 1), concat(following, 1)


class _Direction:
    """The weights of one of the two memories of a grid: for its gates, and the peepholes through which they see both.

    Args:
        kernel, bias: of the gates.
        peepholes: for the gates "I", "F" and "O" the diagonal weights for the memories of frequency and time; None
            where there are none.
    """

    def __init__(self, kernel: Any, bias: Any, peepholes: dict[str, tuple[Any, ...]] | None) -> None:
        self.kernel, self.bias, self.peepholes = kernel, bias, peepholes

    def gate(self, name: str, value: Tensor, of_frequency: Tensor, of_time: Tensor) -> Tensor:
        """Return how far a gate is open."""
        if self.peepholes is not None:
            to_frequency, to_time = self.peepholes[name]
            value = value + to_frequency * of_frequency + to_time * of_time
        return sigmoid(value)


class GridLSTMCell(RNNCell):
    """An LSTM with a memory through the frequencies and one through time (Kalchbrenner et al. 2016).

    Args:
        num_units: the size of each memory.
        use_peepholes: whether the gates see both memories, through diagonal weights.
        share_time_frequency_weights: whether both have the same weights.
        cell_clip: the largest magnitude of the memories; None for any.
        initializer: makes the first values of the kernels.
        num_unit_shards: as how many variables the kernels are kept.
        forget_bias: added to the forget gates' inputs.
        feature_size: how many frequencies each step sees.
        frequency_skip: how much further the next step starts.
        num_frequency_blocks: for each block of frequencies its number of steps; blocks have weights of their own.
        start_freqindex_list, end_freqindex_list: where the blocks start and end; without them there is one block.
        couple_input_forget_gates: whether as much is written as is forgotten.
        state_is_tuple: whether the state is a tuple, with `state_f00_b00_c` and `state_f00_b00_m` for the first step of
            the first block, and so on; otherwise one tensor with all side by side.
        reuse: whether the variables must exist already.
    Raises:
        ValueError: if `num_frequency_blocks` is missing; when called, if it does not fit the inputs or the lists.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        share_time_frequency_weights: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int | None = None,
        num_frequency_blocks: Sequence[int] | None = None,
        start_freqindex_list: Sequence[int] | None = None,
        end_freqindex_list: Sequence[int] | None = None,
        couple_input_forget_gates: bool = False,
        state_is_tuple: bool = True,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        if not num_frequency_blocks:
            raise ValueError("Must specify num_frequency_blocks: for each block of frequencies its number of steps")
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._shares_weights = share_time_frequency_weights
        self._couples = couple_input_forget_gates
        self._state_is_tuple = state_is_tuple
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_unit_shards = num_unit_shards
        self._forget_bias = forget_bias
        self._feature_size = feature_size
        self._frequency_skip = frequency_skip
        self._start_freqindex_list = list(start_freqindex_list or [])
        self._end_freqindex_list = list(end_freqindex_list or [])
        self._blocks = [int(count) for count in num_frequency_blocks]
        self._state_tuple_type = self._make_state_type("GridLSTMStateTuple", ["state"])

    def _make_state_type(self, name: str, prefixes: Sequence[str]) -> Any:
        places = [
            f"{prefix}_f{step:02d}_b{block:02d}"
            for prefix in prefixes
            for block, count in enumerate(self._blocks)
            for step in range(count)
        ]
        return collections.namedtuple(name, [f"{place}_{part}" for place in places for part in "cm"])

    @property
    def state_tuple_type(self) -> Any:
        """The class of states that are tuples."""
        return self._state_tuple_type

    @property
    def state_size(self) -> Any:
        if not self._state_is_tuple:
            return 2 * self._num_units * sum(self._blocks)
        return self._state_tuple_type(*[self._num_units] * len(self._state_tuple_type._fields))

    @property
    def output_size(self) -> Any:
        return 2 * self._num_units * sum(self._blocks)

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the outputs of all places, for time and frequency, side by side, and the next state."""
        states = list(state) if self._state_is_tuple else split(state, 2 * sum(self._blocks), axis=1)
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            outputs, following = self._run(self._features(inputs), states)
        state = self._state_tuple_type(*following) if self._state_is_tuple else concat(following, 1)
        return concat(outputs, 1), state

    def _features(self, inputs: Any, offset: int = 0) -> list[list[Tensor]]:
        """Return for each block the windows of frequencies that its steps see, `offset` frequencies further on."""
        size = _input_size(inputs)
        width, skip = self._feature_size or size, self._frequency_skip or 1
        if offset:
            inputs = pad(inputs, [[0, 0], [0, offset] if offset > 0 else [-offset, 0]])
        starts, ends = self._start_freqindex_list, self._end_freqindex_list
        if not starts:
            starts, ends = [0], [size]
        if not len(starts) == len(ends) == len(self._blocks):
            raise ValueError(
                f"{type(self).__name__}: num_frequency_blocks, start_freqindex_list and end_freqindex_list must have "
                f"the same length, got {len(self._blocks)}, {len(starts)} and {len(ends)}"
            )
        features = []
        for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
            count = (end - start - width) // skip + 1
            if count != self._blocks[block]:
                raise ValueError(
                    f"{type(self).__name__}: num_frequency_blocks says {self._blocks[block]} steps for block {block}, "
                    f"but frequencies {start} to {end} make {count} windows of {width}, each {skip} further on"
                )
            features.append(_windows(inputs, start + max(offset, 0), count, width, skip))
        return features

    def _run(self, features: list[list[Tensor]], states: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Make the steps of all blocks; return their outputs and the next states."""
        outputs: list[Tensor] = []
        following: list[Tensor] = []
        for block, windows in enumerate(features):
            first = len(following)
            made = self._run_block(windows, block, states[first : first + 2 * len(windows)])
            outputs.extend(made[0])
            following.extend(made[1])
        return outputs, following

    def _direction(self, letter: str, block: int, depth: int, dtype: Any) -> _Direction:
        units, gates = self._num_units, 3 if self._couples else 4
        shape = [depth + 2 * units, gates * units]
        kernel = sharded(f"W_{letter}_{block}", shape, dtype, self._num_unit_shards)
        bias = get_variable(f"B_{letter}_{block}", [gates * units], dtype, zeros_initializer())
        if not self._use_peepholes:
            return _Direction(kernel, bias, None)
        word = {"f": "freq", "t": "time"}[letter]
        peepholes = {
            gate: peephole_weights([f"W_{gate}_diag_{word}{other}_{block}" for other in "ft"], units, dtype)
            for gate in ("IO" if self._couples else "FIO")
        }
        return _Direction(kernel, bias, peepholes)

    def _run_block(self, windows: list[Tensor], block: int, states: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        windows = [convert_to_tensor(window) for window in windows]
        depth, dtype = _input_size(windows[0]), windows[0].dtype.base_dtype
        frequency = self._direction("f", block, depth, dtype)
        time = frequency if self._shares_weights else self._direction("t", block, depth, dtype)
        c_frequency = h_frequency = zeros_like(states[0])
        outputs, following = [], []
        for window, c_time, h_time in zip(windows, states[::2], states[1::2], strict=True):
            seen = concat([window, h_time, h_frequency], 1)
            before = c_frequency, c_time
            c_frequency, shown_frequency = self._written(frequency, seen, c_frequency, before)
            c_time, shown_time = self._written(time, seen, c_time, before)
            h_frequency = frequency.gate("O", shown_frequency, c_frequency, c_time) * tanh(c_frequency)
            h_time = time.gate("O", shown_time, c_frequency, c_time) * tanh(c_time)
            outputs.extend([h_time, h_frequency])
            following.extend([c_time, h_time])
        return outputs, following

    def _written(
        self, direction: _Direction, seen: Tensor, memory: Tensor, before: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the next memory of one direction, and the input of its output gate."""
        gates = bias_add(matmul(seen, direction.kernel), direction.bias)
        if self._couples:
            to_input, new, to_output = split(gates, 3, axis=1)
            write = direction.gate("I", to_input, *before)
            keep = 1.0 - write
        else:
            to_input, new, to_forget, to_output = split(gates, 4, axis=1)
            write = direction.gate("I", to_input, *before)
            keep = direction.gate("F", to_forget + self._forget_bias, *before)
        return clipped(keep * memory + write * tanh(new), self._cell_clip), to_output


class BidirectionalGridLSTMCell(GridLSTMCell):
    """A grid that goes through the frequencies upward and downward; see `GridLSTMCell`.

    Args:
        num_units, ..., couple_input_forget_gates, reuse: see `GridLSTMCell`.
        backward_slice_offset: how many frequencies further on the windows of the downward pass are.

    The state is a tuple with `fwd_state_f00_b00_c`, ..., and then `bwd_state_f00_b00_c`, ...
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        share_time_frequency_weights: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int | None = None,
        num_frequency_blocks: Sequence[int] | None = None,
        start_freqindex_list: Sequence[int] | None = None,
        end_freqindex_list: Sequence[int] | None = None,
        couple_input_forget_gates: bool = False,
        backward_slice_offset: int = 0,
        reuse: Any = None,
    ) -> None:
        super().__init__(
            num_units,
            use_peepholes,
            share_time_frequency_weights,
            cell_clip,
            initializer,
            num_unit_shards,
            forget_bias,
            feature_size,
            frequency_skip,
            num_frequency_blocks,
            start_freqindex_list,
            end_freqindex_list,
            couple_input_forget_gates,
            True,
            reuse,
        )
        self._offset = int(backward_slice_offset)
        names = ["fwd_state", "bwd_state"]
        self._state_tuple_type = self._make_state_type("BidirectionalGridLSTMStateTuple", names)

    @property
    def output_size(self) -> Any:
        return 2 * super().output_size

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the outputs of all places, upward and then downward, and the next state."""
        upward = self._features(inputs)
        downward = [windows[::-1] for windows in self._features(inputs, self._offset)]
        states = list(state)
        half = len(states) // 2
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            with variable_scope("fwd"):
                outputs_up, following_up = self._run(upward, states[:half])
            with variable_scope("bwd"):
                outputs_down, following_down = self._run(downward, states[half:])
        return concat(outputs_up + outputs_down, 1), self._state_tuple_type(*following_up, *following_down)
