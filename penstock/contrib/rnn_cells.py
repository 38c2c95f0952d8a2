"""Further recurrent cells, as `tf.contrib.rnn` had them."""

from __future__ import annotations

from typing import Any

from penstock.contrib.layers import layer_norm
from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.ops.array.joining import concat, split
from penstock.ops.array.shaping import expand_dims, reshape
from penstock.ops.initializers_v1 import constant_initializer, random_uniform_initializer, zeros_initializer
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.activation import relu
from penstock.ops.nn.bias import bias_add
from penstock.ops.nn.convolution_functions import convolution_v1
from penstock.ops.nn.dropout import dropout
from penstock.ops.nn.embedding import embedding_lookup_v1
from penstock.ops.nn.softmax import softmax
from penstock.rnn.cells import GRUCell, LSTMCell, LSTMStateTuple, RNNCell
from penstock.rnn.wrappers import CellWrapper


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


class LayerNormBasicLSTMCell(RNNCell):
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

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> Any:
        return self._num_units

    def _norm(self, x: Tensor, scope: str) -> Tensor:
        with variable_scope(scope):
            get_variable("gamma", [self._num_units], initializer=constant_initializer(self._gain))
            get_variable("beta", [self._num_units], initializer=constant_initializer(self._shift))
        return layer_norm(x, reuse=True, scope=scope)

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state
        i, j, f, o = split(linear([inputs, h], 4 * self._num_units, not self._normalizes), 4, axis=1)
        if self._normalizes:
            i, j, f, o = (
                self._norm(x, name) for x, name in ((i, "input"), (j, "transform"), (f, "forget"), (o, "output"))
            )
        written = self._activation(j)
        if not isinstance(self._keep, float) or self._keep < 1:
            written = dropout(written, rate=1 - self._keep, seed=self._seed)
        memory = c * sigmoid(f + self._forget_bias) + sigmoid(i) * written
        if self._normalizes:
            memory = self._norm(memory, "state")
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


class GRUBlockCell(GRUCell):
    """A GRU with the names of TensorFlow's fused cell; the numbers are those of `GRUCell`.

    Args:
        num_units: the size of state and output.
        cell_size: the former name of `num_units`.
        reuse, name: see `GRUCell`.
    Raises:
        ValueError: if no size is given, or two.
    """

    def __init__(
        self, num_units: int | None = None, cell_size: int | None = None, reuse: Any = None, name: str = "gru_cell"
    ) -> None:
        given = [size for size in (num_units, cell_size) if size is not None]
        if len(given) != 1:
            raise ValueError(f"Exactly one of num_units or cell_size must be given, got {num_units} and {cell_size}")
        super().__init__(given[0], reuse=reuse, name=name)


class GRUBlockCellV2(GRUBlockCell):
    """A GRU with the names of TensorFlow's second fused cell; see `GRUBlockCell`."""


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


class ConvLSTMCell(RNNCell):
    """An LSTM of images, whose products are convolutions (Shi et al. 2015).

    Args:
        conv_ndims: 1, 2 or 3.
        input_shape: of one input, (spatial axes..., channels).
        output_channels: the channels of memory and output.
        kernel_shape: the size of the filters, a list.
        use_bias: whether there is a bias.
        skip_connection: whether the input's channels are added to the output's.
        forget_bias: added to the forget gate's input.
        initializers: accepted.
        name: see `RNNCell`.
    Raises:
        ValueError: if the shape does not have as many axes.
    """

    def __init__(
        self,
        conv_ndims: int,
        input_shape: Any,
        output_channels: int,
        kernel_shape: Any,
        use_bias: bool = True,
        skip_connection: bool = False,
        forget_bias: float = 1.0,
        initializers: Any = None,
        name: str = "conv_lstm_cell",
    ) -> None:
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._input_shape = list(input_shape)
        self._channels = output_channels
        self._kernel_shape = list(kernel_shape)
        self._use_bias = use_bias
        self._skips = skip_connection
        self._forget_bias = forget_bias

    @property
    def state_size(self) -> Any:
        size = TensorShape([*self._input_shape[:-1], self._channels])
        return LSTMStateTuple(size, size)

    @property
    def output_size(self) -> Any:
        added = self._input_shape[-1] if self._skips else 0
        return TensorShape([*self._input_shape[:-1], self._channels + added])

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        memory, hidden = state
        together = concat([inputs, hidden], -1)
        depth = self._input_shape[-1] + self._channels
        kernel = get_variable("kernel", [*self._kernel_shape, depth, 4 * self._channels], together.dtype.base_dtype)
        gates = convolution_v1(together, kernel, "SAME")
        if self._use_bias:
            bias = get_variable("biases", [4 * self._channels], gates.dtype.base_dtype, zeros_initializer())
            gates = gates + bias
        i, j, f, o = split(gates, 4, axis=-1)
        memory = sigmoid(f + self._forget_bias) * memory + sigmoid(i) * tanh(j)
        output = tanh(memory) * sigmoid(o)
        shown = concat([output, inputs], -1) if self._skips else output
        return shown, LSTMStateTuple(memory, output)


class Conv1DLSTMCell(ConvLSTMCell):
    """A ConvLSTMCell of signals; see there for the arguments."""

    def __init__(self, name: str = "conv_1d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=1, name=name, **kwargs)


class Conv2DLSTMCell(ConvLSTMCell):
    """A ConvLSTMCell of images; see there for the arguments."""

    def __init__(self, name: str = "conv_2d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=2, name=name, **kwargs)


class Conv3DLSTMCell(ConvLSTMCell):
    """A ConvLSTMCell of volumes; see there for the arguments."""

    def __init__(self, name: str = "conv_3d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=3, name=name, **kwargs)


class HighwayWrapper(CellWrapper):
    """A cell whose output a gate mixes with its input (Srivastava et al. 2015).

    Args:
        cell: the cell, whose output has the size of its input.
        couple_carry_transform_gates: whether what the gate lets pass of the input is missing from the output.
        carry_bias_init: the first value of the gate's bias.
    """

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0) -> None:
        super().__init__(cell)
        self._couples = couple_carry_transform_gates
        self._bias_init = carry_bias_init

    def _gate(self, inputs: Any, name: str, bias: float) -> Tensor:
        size, dtype = int(inputs.shape.as_list()[-1]), inputs.dtype.base_dtype
        weights = get_variable(f"{name}_w", [size, size], dtype)
        return sigmoid(matmul(inputs, weights) + get_variable(f"{name}_b", [size], dtype, constant_initializer(bias)))

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        outputs, following = self.cell(inputs, state, scope=scope)
        nest.assert_same_structure(inputs, outputs)
        with variable_scope(scope, "highway_wrapper"):
            carry = self._gate(inputs, "carry", self._bias_init)
            transform = 1 - carry if self._couples else self._gate(inputs, "transform", -self._bias_init)
        return inputs * carry + outputs * transform, following


class InputProjectionWrapper(CellWrapper):
    """A cell whose inputs go through a layer.

    Args:
        cell: the cell.
        num_proj: the size of the layer.
        activation: of the layer; None for none.
        input_size: accepted.
        reuse: whether the variables must exist already.
    """

    def __init__(
        self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell, _reuse=reuse)
        self._num_proj = num_proj
        self._activation = activation

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        with variable_scope(scope or "input_projection_wrapper", reuse=self._reuse):
            projected = linear(inputs, self._num_proj, True)
            return self.cell(projected if self._activation is None else self._activation(projected), state)


class OutputProjectionWrapper(CellWrapper):
    """A cell whose outputs go through a layer.

    Args:
        cell: the cell.
        output_size: the size of the layer.
        activation: of the layer; None for none.
        reuse: whether the variables must exist already.
    """

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None) -> None:
        super().__init__(cell, _reuse=reuse)
        self._output_size = output_size
        self._activation = activation

    @property
    def output_size(self) -> Any:
        return self._output_size

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        with variable_scope(scope or "output_projection_wrapper", reuse=self._reuse):
            output, following = self.cell(inputs, state)
            projected = linear(output, self._output_size, True)
            return projected if self._activation is None else self._activation(projected), following


class EmbeddingWrapper(CellWrapper):
    """A cell whose inputs are tokens, which a learned table makes vectors.

    Args:
        cell: the cell.
        embedding_classes: the number of tokens.
        embedding_size: the size of a vector.
        initializer: makes the first values of the table; uniform with variance 1 by default.
        reuse: whether the table must exist already.
    """

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell, _reuse=reuse)
        self._shape = [embedding_classes, embedding_size]
        self._initializer = initializer or random_uniform_initializer(-(3**0.5), 3**0.5)

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        with variable_scope(scope or "embedding_wrapper", reuse=self._reuse):
            dtype = nest.flatten(state)[0].dtype.base_dtype
            table = get_variable("embedding", self._shape, dtype, self._initializer)
            return self.cell(embedding_lookup_v1(table, reshape(inputs, [-1])), state)


class AttentionCellWrapper(RNNCell):
    """A cell that attends to its own last outputs (Bahdanau et al. 2015).

    Args:
        cell: the cell.
        attn_length: to how many outputs it attends.
        attn_size: the size of what it finds, the cell's output size by default.
        attn_vec_size: the size of the attention's hidden layer, `attn_size` by default.
        input_size: the size of the cell's inputs, that of the inputs by default.
        state_is_tuple: whether the state is a tuple of the cell's state, what was found, and the last outputs.
        reuse: whether the variables must exist already.
    Raises:
        TypeError: if `cell` is not a cell.
        ValueError: if a length is not positive, or the cell's state is a tuple and the whole state is not.
    """

    def __init__(
        self,
        cell: Any,
        attn_length: int,
        attn_size: int | None = None,
        attn_vec_size: int | None = None,
        input_size: int | None = None,
        state_is_tuple: bool = True,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        if not (callable(cell) and hasattr(cell, "state_size") and hasattr(cell, "output_size")):
            raise TypeError(f"The parameter cell {cell!r} is not an RNNCell")
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        if nest.is_nested(cell.state_size) and not state_is_tuple:
            raise ValueError(
                "Cell returns tuple of states, but the flag state_is_tuple is not set. State size is: "
                f"{cell.state_size}"
            )
        self._cell = cell
        self._length = attn_length
        self._size = attn_size if attn_size is not None else cell.output_size
        self._vector_size = attn_vec_size if attn_vec_size is not None else self._size
        self._input_size = input_size
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = (self._cell.state_size, self._size, self._size * self._length)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._size

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        if self._state_is_tuple:
            state, found, outputs = state
        else:
            state, found, outputs = split(state, [self._cell.state_size, self._size, self._size * self._length], axis=1)
        outputs = reshape(outputs, [-1, self._length, self._size])
        depth = self._input_size or int(inputs.shape.as_list()[1])
        with variable_scope("input_projection"):
            joined = linear([inputs, found], depth, True)
        output, following = self._cell(joined, state)
        parts = nest.flatten(following)
        found, kept = self._attend(parts[0] if len(parts) == 1 else concat(parts, 1), outputs)
        with variable_scope("attn_output_projection"):
            output = linear([output, found], self._size, True)
        kept = reshape(concat([kept, expand_dims(output, 1)], 1), [-1, self._length * self._size])
        return output, (following, found, kept) if self._state_is_tuple else concat([following, found, kept], 1)

    def _attend(self, query: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is found among the last outputs, and the last outputs without the first one."""
        with variable_scope("attention"):
            dtype = query.dtype.base_dtype
            kernel = get_variable("attn_w", [1, 1, self._size, self._vector_size], dtype)
            direction = get_variable("attn_v", [self._vector_size], dtype)
            asked = reshape(linear(query, self._vector_size, True), [-1, 1, self._vector_size])
        keys = reshape(
            matmul(reshape(outputs, [-1, self._size]), reshape(kernel, [self._size, self._vector_size])),
            [-1, self._length, self._vector_size],
        )
        weights = softmax(reduce_sum(direction * tanh(keys + asked), [2]))
        found = reduce_sum(expand_dims(weights, 2) * outputs, [1])
        return reshape(found, [-1, self._size]), outputs[:, 1:]
