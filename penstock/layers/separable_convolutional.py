"""Separable convolutions: channel by channel, then across channels."""

from __future__ import annotations

from typing import Any

from penstock.core.tensor import Tensor
from penstock.layers.arguments import operation_format
from penstock.layers.convolutional import IMAGES, SERIES, Conv
from penstock.layers.functions import layer_function
from penstock.ops.array.padding import pad
from penstock.ops.array.shaping import expand_dims, squeeze
from penstock.ops.initializers_v1 import zeros_initializer
from penstock.ops.nn.convolution import conv2d_op, depthwise_conv2d_native_op


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


separable_conv1d = layer_function(SeparableConv1D, "separable_conv1d", SERIES)


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


separable_conv2d = layer_function(SeparableConv2D, "separable_conv2d", IMAGES)
