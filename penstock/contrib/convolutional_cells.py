"""Long short-term memories of signals, images and volumes, as `tf.contrib.rnn` had them."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape
from penstock.language.variable_scope import get_variable
from penstock.ops.array.joining import concat, split
from penstock.ops.initializers_v1 import zeros_initializer
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.nn.convolution_functions import convolution_v1
from penstock.rnn.cells import LSTMStateTuple, RNNCell


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
