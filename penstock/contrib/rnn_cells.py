"""Further recurrent cells that are no long short-term memories, as `tf.contrib.rnn` had them."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable, get_variable_scope, variable_scope
from penstock.layers.arguments import as_activation, as_initializer
from penstock.ops.array.joining import concat, split, tile
from penstock.ops.initializers_v1 import ones_initializer, random_uniform_initializer, zeros_initializer
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.nn.activation import relu
from penstock.ops.nn.bias import bias_add
from penstock.rnn.cells import GRUCell, LSTMStateTuple, RNNCell


def linear(
    args: Any, output_size: int, bias: bool, bias_initializer: Any = None, kernel_initializer: Any = None
) -> Tensor:
    """Return a tensor, or tensors side by side, times a learned `kernel`, plus a learned `bias`.

    Args:
        args: a tensor of shape (batch, depth), or a list of them.
        output_size: the last size of the result.
        bias: whether there is a bias.
        bias_initializer, kernel_initializer: make the first values.
    """
    parts: list[Any] = [convert_to_tensor(item) for item in (args if isinstance(args, (list, tuple)) else [args])]
    together = parts[0] if len(parts) == 1 else concat(parts, 1)
    dtype = together.dtype.base_dtype
    depth = sum(int(part.shape.as_list()[1]) for part in parts)
    result = matmul(together, get_variable("kernel", [depth, output_size], dtype, kernel_initializer))
    if not bias:
        return result
    return bias_add(result, get_variable("bias", [output_size], dtype, bias_initializer or zeros_initializer()))


class GRUBlockCell(GRUCell):
    """A GRU with the names of TensorFlow's fused cell; the numbers are those of `GRUCell`.

    Args:
        num_units: the size of state and output.
        cell_size: the former name of `num_units`.
        reuse, name: see `GRUCell`.
    Raises:
        ValueError: if no size is given, or two.
    """

    _WEIGHT_NAMES = ("w_ru", "b_ru", "w_c", "b_c")

    def __init__(
        self, num_units: int | None = None, cell_size: int | None = None, reuse: Any = None, name: str = "gru_cell"
    ) -> None:
        given = [size for size in (num_units, cell_size) if size is not None]
        if len(given) != 1:
            raise ValueError(f"Exactly one of num_units or cell_size must be given, got {num_units} and {cell_size}")
        super().__init__(given[0], reuse=reuse, name=name)


class GRUBlockCellV2(GRUBlockCell):
    """A GRU with the names of TensorFlow's second fused cell, which are those of `GRUCell`; see `GRUBlockCell`."""

    _WEIGHT_NAMES = GRUCell._WEIGHT_NAMES


class IndyGRUCell(GRUCell):
    """A GRU whose units see their own last state only, through diagonal weights.

    Args:
        num_units: the size of state and output.
        activation: tanh by default.
        reuse: whether the variables must exist already.
        kernel_initializer: makes the first values of the inputs' kernels.
        bias_initializer: those of the biases; by default ones for the gates and zeros for the candidate.
        name, dtype: see `RNNCell`.
    Source: Li et al. 2018, applied to Cho et al. 2014.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_units, activation, reuse, kernel_initializer, bias_initializer, name, dtype)

    def build(self, input_shape: Any) -> None:
        """Make the kernels and biases of the gates and of the candidate."""
        depth, units = self._depth(input_shape), self._num_units
        given, first = self._bias_initializer, self._kernel_initializer
        self._gate_kernel = self.add_weight("gates/kernel_w", [depth, 2 * units], initializer=first)
        self._gate_diagonal = self.add_weight(
            "gates/kernel_u", [1, 2 * units], initializer=random_uniform_initializer(-1, 1)
        )
        self._gate_bias = self.add_weight(
            "gates/bias", [2 * units], initializer=ones_initializer() if given is None else given
        )
        self._candidate_kernel = self.add_weight("candidate/kernel_w", [depth, units], initializer=first)
        self._candidate_diagonal = self.add_weight(
            "candidate/kernel_u", [1, units], initializer=random_uniform_initializer(-1, 1)
        )
        self._candidate_bias = self.add_weight(
            "candidate/bias", [units], initializer=zeros_initializer() if given is None else given
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output, which is the next state too."""
        gates = matmul(inputs, self._gate_kernel) + tile(state, [1, 2]) * self._gate_diagonal
        reset, update = split(sigmoid(bias_add(gates, self._gate_bias)), 2, axis=1)
        candidate = matmul(inputs, self._candidate_kernel) + reset * state * self._candidate_diagonal
        candidate = self._activation(bias_add(candidate, self._candidate_bias))
        following = update * state + (1 - update) * candidate
        return following, following


class UGRNNCell(RNNCell):
    """The update gate network (Collins et al. 2017): one gate decides between the old state and a new one.

    Args:
        num_units: the size of state and output.
        initializer: makes the first values of the kernel.
        forget_bias: added to the gate's input.
        activation: of the new state, tanh by default.
        reuse: whether the variables must exist already.
    """

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        forget_bias: float = 1.0,
        activation: Any = tanh,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._activation = activation

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output, which is the next state too."""
        both = linear([inputs, state], 2 * self._num_units, True, kernel_initializer=self._initializer)
        gate, candidate = split(both, 2, axis=1)
        gate = sigmoid(gate + self._forget_bias)
        following = gate * state + (1.0 - gate) * self._activation(candidate)
        return following, following


class NASCell(RNNCell):
    """The cell that neural architecture search found (Zoph and Le 2017).

    Args:
        num_units: the size of the memory.
        num_proj: the size of the output, to which a matrix maps it; None for no such matrix.
        use_bias: whether there are biases.
        reuse: whether the variables must exist already.
    """

    def __init__(
        self, num_units: int, num_proj: int | None = None, use_bias: bool = False, reuse: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units = num_units
        self._num_proj = num_proj
        self._use_bias = use_bias

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self.output_size)

    @property
    def output_size(self) -> Any:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        """Make the kernels, the bias and the projection."""
        depth, units = self._depth(input_shape), self._num_units
        self._kernel = self.add_weight("kernel", [depth, 8 * units])
        self._recurrent = self.add_weight("recurrent_kernel", [self.output_size, 8 * units])
        if self._use_bias:
            self._bias = self.add_weight("bias", [8 * units], initializer=zeros_initializer())
        if self._num_proj is not None:
            self._projection = self.add_weight("projection_weights", [units, self._num_proj])
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        memory, output = state
        recurrent = matmul(output, self._recurrent)
        if self._use_bias:
            recurrent = bias_add(recurrent, self._bias)
        x = split(matmul(inputs, self._kernel), 8, axis=1)
        m = split(recurrent, 8, axis=1)
        first = tanh(sigmoid(x[0] + m[0]) * relu(x[1] + m[1]))
        second = tanh(sigmoid(x[2] + m[2]) + relu(x[3] * m[3]))
        third = tanh(tanh(x[4] + m[4]) * sigmoid(x[5] + m[5]))
        fourth = sigmoid(tanh(x[6] + m[6]) + sigmoid(x[7] + m[7]))
        memory = tanh(first + memory) * second
        output = tanh(memory * tanh(third + fourth))
        if self._num_proj is not None:
            output = matmul(output, self._projection)
        return output, LSTMStateTuple(memory, output)


class IndRNNCell(RNNCell):
    """An independently recurrent network (Li et al. 2018): each unit sees its own last state only.

    Args:
        num_units: the size of state and output.
        activation: tanh by default.
        reuse, name, dtype: see `RNNCell`.
    """

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units = num_units
        self._activation = activation or tanh

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        """Make the kernels and the bias."""
        depth, units = self._depth(input_shape), self._num_units
        self._kernel_w = self.add_weight("kernel_w", [depth, units])
        self._kernel_u = self.add_weight("kernel_u", [1, units], initializer=random_uniform_initializer(-1, 1))
        self._bias = self.add_weight("bias", [units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output, which is the next state too."""
        output = self._activation(bias_add(matmul(inputs, self._kernel_w) + state * self._kernel_u, self._bias))
        return output, output


class SRUCell(RNNCell):
    """The simple recurrent unit (Lei et al. 2018), whose matrix products do not depend on the state.

    Args:
        num_units: the size of state and output.
        activation: tanh by default.
        reuse, name, kwargs: see `RNNCell`.
    """

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(_reuse=reuse, name=name, **kwargs)
        self._num_units = num_units
        self._activation = activation or tanh

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the gates' bias."""
        self._kernel = self.add_weight("kernel", [self._depth(input_shape), 4 * self._num_units])
        self._bias = self.add_weight("bias", [2 * self._num_units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        x, forget, reset, highway = split(matmul(inputs, self._kernel), 4, axis=1)
        forget, reset = split(sigmoid(bias_add(concat([forget, reset], 1), self._bias)), 2, axis=1)
        memory = forget * state + (1.0 - forget) * x
        return reset * self._activation(memory) + (1.0 - reset) * highway, memory


class IntersectionRNNCell(RNNCell):
    """A network with a gate through time and a gate through depth (Collins et al. 2017, "+RNN").

    Args:
        num_units: the size of state and output.
        num_in_proj: that inputs of another size are mapped to `num_units` first; only whether it is given counts.
        initializer: makes the first values of the kernels.
        forget_bias: added to the inputs of both gates.
        y_activation: of the new output, relu by default.
        reuse: whether the variables must exist already.
    Raises:
        ValueError: when called, if the inputs have another size than `num_units` and `num_in_proj` is not given.
    """

    def __init__(
        self,
        num_units: int,
        num_in_proj: int | None = None,
        initializer: Any = None,
        forget_bias: float = 1.0,
        y_activation: Any = relu,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._num_in_proj = num_in_proj
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._activation = y_activation

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        units = self._num_units
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            if inputs.shape.as_list()[-1] != units:
                if not self._num_in_proj:
                    raise ValueError(
                        f"IntersectionRNNCell has {units} units, but inputs of shape {inputs.shape}: both sizes must "
                        "be equal. Pass num_in_proj to have the inputs mapped."
                    )
                with variable_scope("in_projection"):
                    inputs = linear(inputs, units, True)
            time_gate, new_state, depth_gate, new_output = split(linear([inputs, state], 4 * units, True), 4, axis=1)
        time_gate = sigmoid(time_gate + self._forget_bias)
        depth_gate = sigmoid(depth_gate + self._forget_bias)
        output = depth_gate * inputs + (1.0 - depth_gate) * self._activation(new_output)
        return output, time_gate * state + (1.0 - time_gate) * tanh(new_state)


class MinimalRNNCell(RNNCell):
    """A network whose inputs are mapped to the space of its states, and one gate (Chen 2017).

    Args:
        units: the size of state and output.
        activation: of the mapped inputs: a function or its name.
        kernel_initializer, bias_initializer: make the first values.
        name, dtype, kwargs: see `RNNCell`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "ones",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.units = units
        self.activation = as_activation(activation)
        self.kernel_initializer = as_initializer(kernel_initializer)
        self.bias_initializer = as_initializer(bias_initializer)

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> Any:
        return self.units

    def build(self, input_shape: Any) -> None:
        """Make the kernel, for the inputs, the mapped inputs and the state, and the gate's bias."""
        self._input_depth = self._depth(input_shape)
        self.kernel = self.add_weight(
            "kernel", [self._input_depth + 2 * self.units, self.units], initializer=self.kernel_initializer
        )
        self.bias = self.add_weight("bias", [self.units], initializer=self.bias_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output, which is the next state too."""
        to_state, to_gate = split(self.kernel, [self._input_depth, 2 * self.units], axis=0)
        mapped = matmul(inputs, to_state)
        if self.activation is not None:
            mapped = self.activation(mapped)
        gate = sigmoid(bias_add(matmul(concat([mapped, state], 1), to_gate), self.bias))
        following = gate * state + (1 - gate) * mapped
        return following, following


class CFNCell(RNNCell):
    """The chaos free network (Laurent and von Brecht 2017), whose states die out without inputs.

    Args:
        units: the size of state and output.
        activation: of the state and of the mapped inputs: a function or its name.
        kernel_initializer, bias_initializer: make the first values.
        name, dtype, kwargs: see `RNNCell`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "ones",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.units = units
        self.activation = as_activation(activation) or (lambda x: x)
        self.kernel_initializer = as_initializer(kernel_initializer)
        self.bias_initializer = as_initializer(bias_initializer)

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> Any:
        return self.units

    def build(self, input_shape: Any) -> None:
        """Make the kernels, for both gates and the inputs, and the gates' bias."""
        depth, units, first = self._depth(input_shape), self.units, self.kernel_initializer
        self.kernel = self.add_weight("kernel", [depth, 3 * units], initializer=first)
        self.recurrent_kernel = self.add_weight("recurrent_kernel", [units, 2 * units], initializer=first)
        self.bias = self.add_weight("bias", [2 * units], initializer=self.bias_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output, which is the next state too."""
        to_gates, mapped = split(matmul(inputs, self.kernel), [2 * self.units, self.units], axis=1)
        gates = sigmoid(bias_add(matmul(state, self.recurrent_kernel) + to_gates, self.bias))
        keep, write = split(gates, 2, axis=1)
        following = keep * self.activation(state) + write * self.activation(mapped)
        return following, following
