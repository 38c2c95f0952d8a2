"""Convolutions over one, two or three axes: plain, separable and transposed."""

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
    transposed_length,
    windowed_length,
)
from penstock.layers.base import InputSpec, Layer
from penstock.ops.array.joining import stack
from penstock.ops.array.padding import pad
from penstock.ops.array.shaping import expand_dims, shape_v1, squeeze
from penstock.ops.initializers_v1 import zeros_initializer
from penstock.ops.nn.bias import bias_add_op
from penstock.ops.nn.convolution import (
    conv2d_backprop_input_op,
    conv2d_op,
    conv3d_backprop_input_op,
    conv3d_op,
    depthwise_conv2d_native_op,
)


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


class _Separable(Conv):
    """What separable convolutions share; see `SeparableConv2D`."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str,
        dilation_rate: Any,
        depth_multiplier: int,
        depthwise: tuple[Any, Any, Any],
        pointwise: tuple[Any, Any, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(rank, filters, kernel_size, strides, padding, data_format, dilation_rate, **kwargs)
        self.depth_multiplier = int(depth_multiplier)
        self.depthwise_initializer, self.depthwise_regularizer, self.depthwise_constraint = depthwise
        self.pointwise_initializer, self.pointwise_regularizer, self.pointwise_constraint = pointwise

    def build(self, input_shape: Any) -> None:
        """Make the two kernels and the bias.

        The depthwise kernel has shape (*kernel_size, channels, depth_multiplier), the pointwise one
        (1, ..., channels * depth_multiplier, filters).
        """
        channels = self._channels(input_shape)
        self.depthwise_kernel = self._add_kernel(
            "depthwise_kernel",
            [*self.kernel_size, channels, self.depth_multiplier],
            self.depthwise_initializer,
            self.depthwise_regularizer,
            self.depthwise_constraint,
        )
        self.pointwise_kernel = self._add_kernel(
            "pointwise_kernel",
            [*(1,) * self.rank, channels * self.depth_multiplier, self.filters],
            self.pointwise_initializer,
            self.pointwise_regularizer,
            self.pointwise_constraint,
        )
        self._add_bias()
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        """Return the inputs convolved channel by channel, then mixed across channels."""
        strides, dilations = self.strides, self.dilation_rate
        depthwise, pointwise, added = self.depthwise_kernel, self.pointwise_kernel, None
        padding = "SAME" if self.padding == "same" else "VALID"
        if self.rank == 1:
            added = 1 if self.data_format == "channels_last" else 2
            if self.padding == "causal":
                before = (self.kernel_size[0] - 1) * dilations[0]
                inputs = pad(inputs, [[before, 0] if axis == added else [0, 0] for axis in range(3)])
            # The operation knows no strides that differ: the axis of size 1 takes the step of the other.
            strides, dilations = strides * 2, (1, *dilations)
            inputs, depthwise, pointwise = (
                expand_dims(inputs, added),
                expand_dims(depthwise, 0),
                expand_dims(pointwise, 0),
            )
        data_format = operation_format(self.data_format, 2)
        outputs = depthwise_conv2d_native_op(
            inputs,
            depthwise,
            strides=self._everywhere(strides),
            padding=padding,
            data_format=data_format,
            dilations=self._everywhere(dilations),
            name="separable_conv2d/depthwise",
        )
        outputs = conv2d_op(
            outputs, pointwise, strides=[1, 1, 1, 1], padding="VALID", data_format=data_format, name="separable_conv2d"
        )
        return self._finish(outputs if added is None else squeeze(outputs, [added]))


class _Transposed(Conv):
    """What transposed convolutions share; see `Conv2DTranspose`."""

    def build(self, input_shape: Any) -> None:
        """Make the kernel, of shape (*kernel_size, filters, channels), and the bias, of shape (filters,)."""
        shape = [*self.kernel_size, self.filters, self._channels(input_shape)]
        self.kernel = self._add_kernel(
            "kernel", shape, self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
        )
        self._add_bias()
        self.built = True

    def _lengths(self, lengths: list[Any]) -> list[Any]:
        return [
            transposed_length(length, window, self.padding, stride)
            for length, window, stride in zip(lengths, self.kernel_size, self.strides, strict=True)
        ]

    def call(self, inputs: Any) -> Tensor:
        """Return the inputs spread by the kernel: the gradient of a convolution with respect to its input."""
        static = inputs.shape.as_list()
        if None in static:
            dynamic = shape_v1(inputs)
            sizes = [dynamic[axis] if size is None else size for axis, size in enumerate(static)]
        else:
            sizes = static
        if self.data_format == "channels_last":
            output_sizes = [sizes[0], *self._lengths(sizes[1:-1]), self.filters]
        else:
            output_sizes = [sizes[0], self.filters, *self._lengths(sizes[2:])]
        operation = conv2d_backprop_input_op if self.rank == 2 else conv3d_backprop_input_op
        outputs = operation(
            stack(output_sizes) if None in static else output_sizes,
            self.kernel,
            inputs,
            strides=self._everywhere(self.strides),
            padding=self.padding.upper(),
            data_format=operation_format(self.data_format, self.rank),
            name=f"conv{self.rank}d_transpose",
        )
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self._finish(outputs)


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


def conv1d(
    inputs: Any,
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
    reuse: bool | None = None,
) -> Tensor:
    """Make a `Conv1D` layer and apply it.

    Args:
        inputs: floating, of shape (batch, steps, channels), or with the channels after the batch.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        filters and the others: see `Conv1D`.
    """
    layer = Conv1D(
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
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs)


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


def conv2d(
    inputs: Any,
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
    reuse: bool | None = None,
) -> Tensor:
    """Make a `Conv2D` layer and apply it.

    Args:
        inputs: floating, of shape (batch, height, width, channels), or with the channels after the batch.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        filters and the others: see `Conv2D`.
    """
    layer = Conv2D(
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
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs)


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


def conv3d(
    inputs: Any,
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
    reuse: bool | None = None,
) -> Tensor:
    """Make a `Conv3D` layer and apply it.

    Args:
        inputs: floating, of shape (batch, depth, height, width, channels), or with the channels after the batch.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        filters and the others: see `Conv3D`.
    """
    layer = Conv3D(
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
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs)


class SeparableConv1D(_Separable):
    """Convolves series, of shape (batch, steps, channels), channel by channel, then mixes the channels.

    Args:
        depth_multiplier: the number of filters for each channel of the input.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel that works channel by channel.
        pointwise_initializer, pointwise_regularizer, pointwise_constraint: of the kernel that mixes the channels.
        filters and the others: see `Conv`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = zeros_initializer(),  # noqa: B008
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            depth_multiplier,
            (depthwise_initializer, depthwise_regularizer, depthwise_constraint),
            (pointwise_initializer, pointwise_regularizer, pointwise_constraint),
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )


def separable_conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
    depth_multiplier: int = 1,
    activation: Any = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = zeros_initializer(),  # noqa: B008
    depthwise_regularizer: Any = None,
    pointwise_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    depthwise_constraint: Any = None,
    pointwise_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> Tensor:
    """Make a `SeparableConv1D` layer and apply it.

    Args:
        inputs: floating, of shape (batch, steps, channels), or with the channels after the batch.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        filters and the others: see `SeparableConv1D`.
    """
    layer = SeparableConv1D(
        filters=filters,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        depth_multiplier=depth_multiplier,
        activation=activation,
        use_bias=use_bias,
        depthwise_initializer=depthwise_initializer,
        pointwise_initializer=pointwise_initializer,
        bias_initializer=bias_initializer,
        depthwise_regularizer=depthwise_regularizer,
        pointwise_regularizer=pointwise_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        depthwise_constraint=depthwise_constraint,
        pointwise_constraint=pointwise_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs)


class SeparableConv2D(_Separable):
    """Convolves images, of shape (batch, height, width, channels), channel by channel, then mixes the channels.

    Args:
        depth_multiplier: the number of filters for each channel of the input.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel that works channel by channel.
        pointwise_initializer, pointwise_regularizer, pointwise_constraint: of the kernel that mixes the channels.
        filters and the others: see `Conv`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = zeros_initializer(),  # noqa: B008
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            depth_multiplier,
            (depthwise_initializer, depthwise_regularizer, depthwise_constraint),
            (pointwise_initializer, pointwise_regularizer, pointwise_constraint),
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )


def separable_conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
    depth_multiplier: int = 1,
    activation: Any = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = zeros_initializer(),  # noqa: B008
    depthwise_regularizer: Any = None,
    pointwise_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    depthwise_constraint: Any = None,
    pointwise_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> Tensor:
    """Make a `SeparableConv2D` layer and apply it.

    Args:
        inputs: floating, of shape (batch, height, width, channels), or with the channels after the batch.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        filters and the others: see `SeparableConv2D`.
    """
    layer = SeparableConv2D(
        filters=filters,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        depth_multiplier=depth_multiplier,
        activation=activation,
        use_bias=use_bias,
        depthwise_initializer=depthwise_initializer,
        pointwise_initializer=pointwise_initializer,
        bias_initializer=bias_initializer,
        depthwise_regularizer=depthwise_regularizer,
        pointwise_regularizer=pointwise_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        depthwise_constraint=depthwise_constraint,
        pointwise_constraint=pointwise_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs)


class Conv2DTranspose(_Transposed):
    """Spreads images, of shape (batch, height, width, channels), by a kernel; see `Conv` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
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


def conv2d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
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
    reuse: bool | None = None,
) -> Tensor:
    """Make a `Conv2DTranspose` layer and apply it.

    Args:
        inputs: floating, of shape (batch, height, width, channels), or with the channels after the batch.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        filters and the others: see `Conv2DTranspose`.
    """
    layer = Conv2DTranspose(
        filters=filters,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
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
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs)


class Conv3DTranspose(_Transposed):
    """Spreads volumes, of shape (batch, depth, height, width, channels), by a kernel; see `Conv` for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
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


def conv3d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
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
    reuse: bool | None = None,
) -> Tensor:
    """Make a `Conv3DTranspose` layer and apply it.

    Args:
        inputs: floating, of shape (batch, depth, height, width, channels), or with the channels after the batch.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        filters and the others: see `Conv3DTranspose`.
    """
    layer = Conv3DTranspose(
        filters=filters,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
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
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs)
