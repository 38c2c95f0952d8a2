"""Long short-term memories with other gates, norms and weights, as `tf.contrib.rnn` had them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from penstock.contrib.layers import layer_norm
from penstock.contrib.rnn_cells import linear
from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable, get_variable_scope, variable_scope
from penstock.layers.arguments import as_activation, as_initializer
from penstock.ops.array.joining import concat, split, tile
from penstock.ops.array.selecting import where
from penstock.ops.constant import stop_gradient
from penstock.ops.initializers_v1 import (
    Initializer,
    constant_initializer,
    random_uniform_initializer,
    zeros_initializer,
)
from penstock.ops.math.binary import floormod
from penstock.ops.math.cast import cast
from penstock.ops.math.clip import clip_by_value
from penstock.ops.math.exponential import exp, sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.nn.bias import bias_add
from penstock.ops.nn.dropout import dropout
from penstock.ops.nn.moments import l2_normalize
from penstock.rnn.cells import LSTMCell, LSTMStateTuple, RNNCell


def lstm_step(
    gates: Sequence[Tensor],
    memory: Tensor,
    forget_bias: float,
    activation: Callable[[Tensor], Tensor] = tanh,
    *,
    peepholes: Sequence[Any] = (None, None, None),
    normalize: Callable[[Tensor], Tensor] | None = None,
    clip: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the next memory and what is shown of it.

    Args:
        gates: the inputs of the input gate, the new values, the forget gate and the output gate.
        memory: of shape (batch, units), as each of `gates`.
        forget_bias: added to the forget gate's input.
        activation: of the new values and of what is shown.
        peepholes: diagonal weights of shape (units,) through which the forget, input and output gate see the memory.
        normalize: applied to the next memory.
        clip: the largest magnitude of the next memory; None for any.
    """
    to_input, new, to_forget, to_output = gates
    forget_peephole, input_peephole, output_peephole = peepholes
    kept = opened(to_forget + forget_bias, forget_peephole, memory) * memory
    memory = kept + opened(to_input, input_peephole, memory) * activation(new)
    if normalize is not None:
        memory = normalize(memory)
    memory = clipped(memory, clip)
    return memory, opened(to_output, output_peephole, memory) * activation(memory)


def opened(gate: Tensor, peephole: Any, memory: Tensor) -> Tensor:
    """Return how far a gate is open, which may see the memory through diagonal weights."""
    return sigmoid(gate if peephole is None else gate + peephole * memory)


def clipped(x: Tensor, limit: float | None) -> Tensor:
    """Return `x` with magnitudes of at most `limit`, or as it is for None."""
    return x if limit is None else clip_by_value(x, -limit, limit)


def peephole_weights(names: Sequence[str], units: int, dtype: Any) -> tuple[Any, ...]:
    """Return learned diagonal weights of shape (units,), one for each name."""
    return tuple(get_variable(name, [units], dtype) for name in names)


def sharded(name: str, shape: list[int], dtype: Any, shards: int) -> Any:
    """Return a learned matrix that is kept as `shards` variables, whose names are `name` and a number.

    Raises:
        ValueError: if there are more shards than rows.
    """
    if shards > shape[0]:
        raise ValueError(f"Too many shards: {name!r} of shape {shape} cannot be kept as {shards} variables")
    rows, rest = divmod(shape[0], shards)
    parts = [get_variable(f"{name}_{i}", [rows + (i < rest), *shape[1:]], dtype) for i in range(shards)]
    return parts[0] if shards == 1 else concat(parts, 0)


def normalized(x: Tensor, scope: str, gain: float, shift: float) -> Tensor:
    """Return `x`, of shape (batch, units), normalized over its units, with a learned gain and shift below `scope`.

    Args:
        gain, shift: their first values.
    """
    size, dtype = x.shape.as_list()[-1:], x.dtype.base_dtype
    with variable_scope(scope):
        get_variable("gamma", size, dtype, constant_initializer(gain))
        get_variable("beta", size, dtype, constant_initializer(shift))
    return layer_norm(x, reuse=True, scope=scope)


class _ProjectedLSTMCell(RNNCell):
    """What cells share whose state is an `LSTMStateTuple` and whose output a matrix may map to another size."""

    _num_units: int
    _num_proj: int | None = None

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self.output_size)

    @property
    def output_size(self) -> Any:
        return self._num_proj or self._num_units


class LayerNormBasicLSTMCell(_ProjectedLSTMCell):
    """An LSTM with layer normalization (Ba et al. 2016) and recurrent dropout (Semeniuta et al. 2016).

    Args:
        num_units: the size of memory and output.
        forget_bias: added to the forget gate's input.
        input_size: accepted.
        activation: of the memory, tanh by default.
        layer_norm: whether gates and memory are normalized.
        norm_gain, norm_shift: the first values of gain and shift.
        dropout_keep_prob: the probability that an element of what is written to the memory is kept.
        dropout_prob_seed: the seed.
        reuse: whether the variables must exist already.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: Any = None,
        activation: Any = tanh,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: Any = 1.0,
        dropout_prob_seed: int | None = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._activation = activation
        self._normalizes = layer_norm
        self._gain, self._shift = norm_gain, norm_shift
        self._keep, self._seed = dropout_keep_prob, dropout_prob_seed

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state
        i, j, f, o = split(linear([inputs, h], 4 * self._num_units, not self._normalizes), 4, axis=1)
        if self._normalizes:
            i, j, f, o = (
                normalized(x, name, self._gain, self._shift)
                for x, name in ((i, "input"), (j, "transform"), (f, "forget"), (o, "output"))
            )
        written = self._activation(j)
        if not isinstance(self._keep, float) or self._keep < 1:
            written = dropout(written, rate=1 - self._keep, seed=self._seed)
        memory = c * sigmoid(f + self._forget_bias) + sigmoid(i) * written
        if self._normalizes:
            memory = normalized(memory, "state", self._gain, self._shift)
        output = self._activation(memory) * sigmoid(o)
        return output, LSTMStateTuple(memory, output)


class LSTMBlockCell(LSTMCell):
    """An LSTM with the names and the defaults of TensorFlow's fused cell; the numbers are those of `LSTMCell`.

    Args:
        num_units: the size of memory and output.
        forget_bias: added to the forget gate's input.
        cell_clip: the largest magnitude of the memory; None for any.
        use_peephole: whether the gates see the memory.
        dtype, reuse, name: see `LSTMCell`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        dtype: Any = None,
        reuse: Any = None,
        name: str = "lstm_cell",
    ) -> None:
        super().__init__(
            num_units, use_peephole, cell_clip, forget_bias=forget_bias, reuse=reuse, name=name, dtype=dtype
        )


class CoupledInputForgetGateLSTMCell(_ProjectedLSTMCell):
    """An LSTM that writes as much as it forgets (Greff et al. 2015, "CIFG").

    Args:
        num_units: the size of the memory.
        use_peepholes: whether the gates see the memory, through diagonal weights.
        initializer: makes the first values of the kernels.
        num_proj: the size of the output, to which a matrix maps it; None for no such matrix.
        proj_clip: the largest magnitude of what the matrix gives.
        num_unit_shards, num_proj_shards: as how many variables the kernels are kept.
        forget_bias: added to the forget gate's input.
        state_is_tuple: whether the state is an `LSTMStateTuple`; otherwise one tensor with both parts side by side.
        activation: tanh by default.
        reuse: whether the variables must exist already.
        layer_norm: whether gates and memory are normalized; there is no bias then.
        norm_gain, norm_shift: the first values of gain and shift.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int = 1,
        num_proj_shards: int = 1,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = tanh,
        reuse: Any = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._num_unit_shards = num_unit_shards
        self._num_proj_shards = num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation
        self._normalizes = layer_norm
        self._gain, self._shift = norm_gain, norm_shift

    @property
    def state_size(self) -> Any:
        size = super().state_size
        return size if self._state_is_tuple else sum(size)

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            return self._step(inputs, state)

    def _step(self, inputs: Any, state: Any) -> Any:
        units, dtype = self._num_units, inputs.dtype.base_dtype
        c, h = state if self._state_is_tuple else split(state, [units, self.output_size], axis=1)
        depth = int(inputs.shape.as_list()[-1])
        kernel = sharded("W", [depth + self.output_size, 3 * units], dtype, self._num_unit_shards)
        gates = matmul(concat([inputs, h], 1), kernel)
        if not self._normalizes:
            gates = bias_add(gates, get_variable("B", [3 * units], dtype, zeros_initializer()))
        j, f, o = split(gates, 3, axis=1)
        if self._normalizes:
            j, f, o = (self._norm(x, name) for x, name in ((j, "transform"), (f, "forget"), (o, "output")))
        forget_peephole = output_peephole = None
        if self._use_peepholes:
            forget_peephole, output_peephole = peephole_weights(("W_F_diag", "W_O_diag"), units, dtype)
        keep = opened(f + self._forget_bias, forget_peephole, c)
        memory = keep * c + (1 - keep) * self._activation(j)
        if self._normalizes:
            memory = self._norm(memory, "state")
        output = opened(o, output_peephole, memory) * self._activation(memory)
        if self._num_proj is not None:
            output = matmul(output, sharded("W_P", [units, self._num_proj], dtype, self._num_proj_shards))
            output = clipped(output, self._proj_clip)
        return output, LSTMStateTuple(memory, output) if self._state_is_tuple else concat([memory, output], 1)

    def _norm(self, x: Tensor, scope: str) -> Tensor:
        return normalized(x, scope, self._gain, self._shift)


class _OptionalLSTMCell(_ProjectedLSTMCell):
    """An LSTM with optional peepholes, clipping and projection, whose subclasses say what a product with a matrix is.

    Args: see the subclasses.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool,
        cell_clip: float | None,
        initializer: Any,
        num_proj: int | None,
        proj_clip: float | None,
        forget_bias: float,
        activation: Any,
        reuse: Any,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._activation = as_activation(activation) or tanh

    def _linear(self, args: Any, output_size: int, bias: bool) -> Tensor:
        return linear(args, output_size, bias)

    def _gates(self, gates: list[Tensor]) -> list[Tensor]:
        return gates

    _normalize: Callable[[Tensor], Tensor] | None = None

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state
        units, dtype = self._num_units, inputs.dtype.base_dtype
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            gates = self._gates(split(self._linear([inputs, h], 4 * units, True), 4, axis=1))
            peepholes: tuple[Any, ...] = (None, None, None)
            if self._use_peepholes:
                peepholes = peephole_weights(("w_f_diag", "w_i_diag", "w_o_diag"), units, dtype)
            memory, output = lstm_step(
                gates,
                c,
                self._forget_bias,
                self._activation,
                peepholes=peepholes,
                normalize=self._normalize,
                clip=self._cell_clip,
            )
            if self._num_proj is not None:
                with variable_scope("projection"):
                    output = clipped(self._linear([output], self._num_proj, False), self._proj_clip)
        return output, LSTMStateTuple(memory, output)


class LayerNormLSTMCell(_OptionalLSTMCell):
    """An LSTM with optional peepholes, clipping, projection and layer normalization (Ba et al. 2016).

    Args:
        num_units: the size of the memory.
        use_peepholes: whether the gates see the memory, through diagonal weights.
        cell_clip: the largest magnitude of the memory; None for any.
        initializer: makes the first values of the kernels.
        num_proj: the size of the output, to which a matrix maps it; None for no such matrix.
        proj_clip: the largest magnitude of what the matrix gives.
        forget_bias: added to the forget gate's input.
        activation: a function or its name; tanh by default.
        layer_norm: whether gates and memory are normalized; the bias has no effect then.
        norm_gain, norm_shift: the first values of gain and shift.
        reuse: whether the variables must exist already.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1.0,
        activation: Any = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        reuse: Any = None,
    ) -> None:
        super().__init__(
            num_units, use_peepholes, cell_clip, initializer, num_proj, proj_clip, forget_bias, activation, reuse
        )
        self._gain, self._shift = norm_gain, norm_shift
        self._normalizes = layer_norm
        if layer_norm:
            self._normalize = lambda memory: self._norm(memory, "state")

    def _norm(self, x: Tensor, scope: str) -> Tensor:
        return normalized(x, scope, self._gain, self._shift)

    def _linear(self, args: Any, output_size: int, bias: bool) -> Tensor:
        result = linear(args, output_size, bias and not self._normalizes)
        if bias and self._normalizes:
            get_variable("bias", [output_size], result.dtype.base_dtype, zeros_initializer())
        return result

    def _gates(self, gates: list[Tensor]) -> list[Tensor]:
        if not self._normalizes:
            return gates
        names = ("input", "transform", "forget", "output")
        return [self._norm(gate, name) for gate, name in zip(gates, names, strict=True)]


class WeightNormLSTMCell(_OptionalLSTMCell):
    """An LSTM whose kernels are directions and lengths, learned apart (Salimans and Kingma 2016).

    Args:
        num_units: the size of the memory.
        norm: whether the columns of the kernels have length 1, times a learned one.
        use_peepholes: whether the gates see the memory, through diagonal weights.
        cell_clip: the largest magnitude of the memory; None for any.
        initializer: makes the first values of kernels and lengths.
        num_proj: the size of the output, to which a matrix maps it; None for no such matrix.
        proj_clip: the largest magnitude of what the matrix gives.
        forget_bias: added to the forget gate's input.
        activation: a function or its name; tanh by default.
        reuse: whether the variables must exist already.
    """

    def __init__(
        self,
        num_units: int,
        norm: bool = True,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1,
        activation: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(
            num_units, use_peepholes, cell_clip, initializer, num_proj, proj_clip, forget_bias, activation, reuse
        )
        self._norm = norm

    def _linear(self, args: Any, output_size: int, bias: bool) -> Tensor:
        if not self._norm:
            return linear(args, output_size, bias)
        parts: list[Any] = [convert_to_tensor(part) for part in args]
        depths = [int(part.shape.as_list()[1]) for part in parts]
        dtype = parts[0].dtype.base_dtype
        kernel = get_variable("kernel", [sum(depths), output_size], dtype)
        normed = [
            l2_normalize(directions, axis=0) * get_variable(f"norm_{index}", [output_size], dtype)
            for index, directions in enumerate(split(kernel, depths, axis=0))
        ]
        result = matmul(concat(parts, 1), concat(normed, 0))
        if not bias:
            return result
        return bias_add(result, get_variable("bias", [output_size], dtype, zeros_initializer()))


class GLSTMCell(_ProjectedLSTMCell):
    """An LSTM in independent groups (Kuchaiev and Ginsburg 2017).

    Args:
        num_units: the size of the memory.
        initializer: makes the first values of the kernels.
        num_proj: the size of the output, to which a matrix maps it; None for no such matrix.
        number_of_groups: into how many parts inputs, memory and output are split, each with a kernel of its own.
        forget_bias: added to the forget gate's input.
        activation: of what is shown of the memory, tanh by default.
        reuse: whether the variables must exist already.
    Raises:
        ValueError: if a size is no multiple of the number of groups.
    """

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        num_proj: int | None = None,
        number_of_groups: int = 1,
        forget_bias: float = 1.0,
        activation: Any = tanh,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._initializer = initializer
        self._num_proj = num_proj
        self._forget_bias = forget_bias
        self._activation = activation
        if number_of_groups < 1:
            raise ValueError(f"number_of_groups must be at least 1, got {number_of_groups}")
        self._groups = number_of_groups
        self._expect_multiple("num_units", num_units)
        self._expect_multiple("num_proj", self.output_size)

    def _expect_multiple(self, what: str, size: int | None) -> None:
        if size is None or size % self._groups:
            raise ValueError(f"GLSTMCell: {what} must be a multiple of number_of_groups={self._groups}, got {size}")

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state
        self._expect_multiple("the size of the inputs", inputs.shape.as_list()[-1])
        units, dtype = self._num_units, inputs.dtype.base_dtype
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            of_groups = []
            parts = zip(split(inputs, self._groups, axis=1), split(h, self._groups, axis=1), strict=True)
            for group, part in enumerate(parts):
                with variable_scope(f"group{group}"):
                    of_groups.append(split(linear(list(part), 4 * units // self._groups, False), 4, axis=1))
            gates = [
                bias_add(
                    concat([group[index] for group in of_groups], 1),
                    get_variable(f"bias_{name}", [units], dtype, zeros_initializer()),
                )
                for index, name in enumerate("ijfo")
            ]
        i, j, f, o = gates
        memory = sigmoid(f + self._forget_bias) * c + sigmoid(i) * tanh(j)
        output = sigmoid(o) * self._activation(memory)
        if self._num_proj is not None:
            with variable_scope("projection"):
                output = linear(output, self._num_proj, False)
        return output, LSTMStateTuple(memory, output)


class IndyLSTMCell(_ProjectedLSTMCell):
    """An LSTM whose units see their own last output only, through diagonal weights (Gonnet and Deselaers 2019).

    Args:
        num_units: the size of memory and output.
        forget_bias: added to the forget gate's input.
        activation: a function or its name; tanh by default.
        reuse: whether the variables must exist already.
        kernel_initializer, bias_initializer: make the first values of the inputs' kernel and of the bias.
        name, dtype: see `RNNCell`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._activation = as_activation(activation) or tanh
        self._kernel_initializer = as_initializer(kernel_initializer)
        self._bias_initializer = as_initializer(bias_initializer)

    def build(self, input_shape: Any) -> None:
        """Make the kernels and the bias of all four gates."""
        size = 4 * self._num_units
        self._kernel = self.add_weight(
            "kernel_w", [self._depth(input_shape), size], initializer=self._kernel_initializer
        )
        self._diagonal = self.add_weight("kernel_u", [1, size], initializer=random_uniform_initializer(-1, 1))
        self._bias = self.add_weight("bias", [size], initializer=self._bias_initializer or zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state
        gates = bias_add(matmul(inputs, self._kernel) + tile(h, [1, 4]) * self._diagonal, self._bias)
        memory, output = lstm_step(split(gates, 4, axis=1), c, self._forget_bias, self._activation)
        return output, LSTMStateTuple(memory, output)


class _LogUniform(Initializer):
    """Values whose logarithms are uniform."""

    def __init__(self, minval: float, maxval: float) -> None:
        self._logarithm = random_uniform_initializer(math.log(minval), math.log(maxval))

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return exp(self._logarithm(shape, dtype, partition_info))


class PhasedLSTMCell(_ProjectedLSTMCell):
    """An LSTM for events in time, whose units are open for a part of a period of their own (Neil et al. 2016).

    Args:
        num_units: the size of memory and output.
        use_peepholes: whether the gates see the memory.
        leak: how far a closed unit is open, times where it is in its period.
        ratio_on: the first value of the part of its period for which a unit is open.
        trainable_ratio_on: whether training changes that part.
        period_init_min, period_init_max: the bounds of the first values of the periods.
        reuse: whether the variables must exist already.

    The inputs are a pair: the times, of shape (batch, 1), and the values, of shape (batch, depth).
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        leak: float = 0.001,
        ratio_on: float = 0.1,
        trainable_ratio_on: bool = True,
        period_init_min: float = 1.0,
        period_init_max: float = 1000.0,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._leak = leak
        self._ratio_on = ratio_on
        self._trainable_ratio_on = trainable_ratio_on
        self._period_bounds = period_init_min, period_init_max

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state
        time, x = inputs
        units = self._num_units
        with variable_scope("mask_gates"):
            seen = [x, h, c] if self._use_peepholes else [x, h]
            write, keep = split(sigmoid(linear(seen, 2 * units, True)), 2, axis=1)
        with variable_scope("new_input"):
            new = tanh(linear([x, h], units, True))
        memory = c * keep + write * new
        with variable_scope("output_gate"):
            seen = [x, h, memory] if self._use_peepholes else [x, h]
            output = tanh(memory) * sigmoid(linear(seen, units, True))
        opening = self._opening(time, x.dtype.base_dtype)
        memory = opening * memory + (1 - opening) * c
        output = opening * output + (1 - opening) * h
        return output, LSTMStateTuple(memory, output)

    def _opening(self, time: Any, dtype: Any) -> Tensor:
        """Return how far each unit is open at the times: it opens, closes again, and then leaks."""
        size = [self._num_units]
        period = get_variable("period", size, dtype, _LogUniform(*self._period_bounds))

        def within_period(shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
            return random_uniform_initializer(0.0, 1.0)(shape, dtype) * period.initial_value

        phase = get_variable("phase", size, dtype, within_period)
        ratio_on = get_variable(
            "ratio_on", size, dtype, constant_initializer(self._ratio_on), trainable=self._trainable_ratio_on
        )
        period_of_time = cast(period, time.dtype)
        shifted = time - cast(phase, time.dtype)
        # Times differentiate as if they were not taken modulo the period.
        wrapped = stop_gradient(floormod(shifted, period_of_time) - shifted) + shifted
        position = cast(wrapped / period_of_time, dtype)
        rising = 2 * position / ratio_on
        opening = where(position < ratio_on, 2 - rising, self._leak * position)
        return where(position < 0.5 * ratio_on, rising, opening)
