"""Convolutions over one, two or three axes."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape, as_shape
from penstock.core.tensor import Tensor
from penstock.layers.arguments import (
    as_activation,
    as_data_format,
    as_padding,
    as_sizes,
    operation_format,
    windowed_length,
)
from penstock.layers.base import InputSpec, Layer
from penstock.layers.functions import layer_function
from penstock.ops.array.padding import pad
from penstock.ops.array.shaping import expand_dims, squeeze
from penstock.ops.initializers_v1 import zeros_initializer
from penstock.ops.nn.bias import bias_add_op
from penstock.ops.nn.convolution import conv2d_op, conv3d_op

# What the functions take.
SERIES = "floating, of shape (batch, steps, channels), or with the channels after the batch"
IMAGES = "floating, of shape (batch, height, width, channels), or with the channels after the batch"
VOLUMES = "floating, of shape (batch, depth, height, width, channels), or with the channels after the batch"


class Conv(Layer):
    """What all convolutions share: arguments, the kernel's build, the bias and the activation.

    Args:
        rank: the number of axes that the window slides over.
        filters: the number of channels of the output.
        kernel_size: the sizes of the window, or one for all axes.
        strides: the steps of the window, or one for all axes.
        padding: 'valid' (windows lie inside), 'same' (the input is padded), or 'causal' (padded in front; rank 1 only).
        data_format: 'channels_last' or 'channels_first'.
        dilation_rate: the distances of neighbouring window elements, or one for all axes.
        activation: applied to the result; None for none.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: make the first values; None takes the variable scope's, or glorot_uniform.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on the variables and the output.
        kernel_constraint, bias_constraint: applied to the variables after each update.
        trainable: whether the variables are trained.
        name: the layer's name.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer(),  # noqa: B008
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.rank = rank
        self.filters = int(filters)
        if self.filters < 1:
            raise ValueError(f"filters of layer {self.name!r} must be a positive integer, got {filters}")
        self.kernel_size = as_sizes(kernel_size, rank, "kernel_size")
        self.strides = as_sizes(strides, rank, "strides")
        self.padding = as_padding(padding, ("valid", "same", "causal") if rank == 1 else ("valid", "same"))
        self.data_format = as_data_format(data_format)
        self.dilation_rate = as_sizes(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                f"Received strides {self.strides} and dilation_rate {self.dilation_rate}"
            )
        self.activation = as_activation(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.bias: Any = None
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _channels(self, input_shape: Any) -> int:
        """Return the number of channels of the input, and expect it from now on."""
        channels = as_shape(input_shape).as_list()[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"The channel dimension of the inputs to layer {self.name!r} should be defined. Found `None`."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        return channels

    def _add_kernel(self, name: str, shape: Any, initializer: Any, regularizer: Any, constraint: Any) -> Any:
        return self.add_weight(
            name, shape=shape, initializer=initializer, regularizer=regularizer, constraint=constraint
        )

    def _add_bias(self) -> None:
        if self.use_bias:
            self.bias = self._add_kernel(
                "bias", [self.filters], self.bias_initializer, self.bias_regularizer, self.bias_constraint
            )

    def build(self, input_shape: Any) -> None:
        """Make the kernel, of shape (*kernel_size, channels, filters), and the bias, of shape (filters,)."""
        shape = [*self.kernel_size, self._channels(input_shape), self.filters]
        self.kernel = self._add_kernel(
            "kernel", shape, self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
        )
        self._add_bias()
        self.built = True

    def _everywhere(self, sizes: tuple[int, ...]) -> list[int]:
        """Return one number an axis of the input, 1 for the batch and the channels."""
        return [1, *sizes, 1] if self.data_format == "channels_last" else [1, 1, *sizes]

    def _finish(self, outputs: Tensor) -> Tensor:
        """Add the bias and apply the activation."""
        if self.use_bias:
            last = self.data_format == "channels_last"
            outputs = bias_add_op(outputs, self.bias, data_format="NHWC" if last else "NCHW", name="BiasAdd")
        return outputs if self.activation is None else self.activation(outputs)

    def call(self, inputs: Any) -> Tensor:
        """Return the convolved inputs."""
        if self.rank == 1:
            return self._finish(self._convolve_series(inputs))
        operation = conv2d_op if self.rank == 2 else conv3d_op
        return self._finish(
            operation(
                inputs,
                self.kernel,
                strides=self._everywhere(self.strides),
                padding=self.padding.upper(),
                data_format=operation_format(self.data_format, self.rank),
                dilations=self._everywhere(self.dilation_rate),
            )
        )

    def _convolve_series(self, inputs: Any) -> Tensor:
        """Convolve along one axis, as images of height 1."""
        steps_axis = 1 if self.data_format == "channels_last" else 2
        if self.padding == "causal":
            before = (self.kernel_size[0] - 1) * self.dilation_rate[0]
            inputs = pad(inputs, [[before, 0] if axis == steps_axis else [0, 0] for axis in range(3)])
        outputs = conv2d_op(
            expand_dims(inputs, steps_axis),
            expand_dims(self.kernel, 0),
            strides=self._everywhere((1, *self.strides)),
            padding="SAME" if self.padding == "same" else "VALID",
            data_format=operation_format(self.data_format, 2),
            dilations=self._everywhere((1, *self.dilation_rate)),
        )
        return squeeze(outputs, [steps_axis])

    def _lengths(self, lengths: list[int | None]) -> list[int | None]:
        """Return the sizes of the output's spatial axes."""
        return [
            windowed_length(length, window, self.padding, stride, dilation)
            for length, window, stride, dilation in zip(
                lengths, self.kernel_size, self.strides, self.dilation_rate, strict=True
            )
        ]

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Return the shape of the convolved inputs."""
        sizes = as_shape(input_shape).with_rank(self.rank + 2).as_list()
        if self.data_format == "channels_last":
            return TensorShape([sizes[0], *self._lengths(sizes[1:-1]), self.filters])
        return TensorShape([sizes[0], self.filters, *self._lengths(sizes[2:])])


class Conv1D(Conv):
    """Convolves series, of shape (batch, steps, channels); see `Conv` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer(),  # noqa: B008
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )


conv1d = layer_function(Conv1D, "conv1d", SERIES)


class Conv2D(Conv):
    """Convolves images, of shape (batch, height, width, channels); see `Conv` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer(),  # noqa: B008
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )


conv2d = layer_function(Conv2D, "conv2d", IMAGES)


class Conv3D(Conv):
    """Convolves volumes, of shape (batch, depth, height, width, channels); see `Conv` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = (1, 1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer(),  # noqa: B008
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            3,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )


conv3d = layer_function(Conv3D, "conv3d", VOLUMES)
