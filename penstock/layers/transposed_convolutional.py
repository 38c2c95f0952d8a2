"""Transposed convolutions: each element of the input spread by the kernel."""

from __future__ import annotations

from typing import Any

from penstock.core.tensor import Tensor
from penstock.layers.arguments import operation_format, transposed_length
from penstock.layers.convolutional import IMAGES, VOLUMES, Conv
from penstock.layers.functions import layer_function
from penstock.ops.array.joining import stack
from penstock.ops.array.shaping import shape_v1
from penstock.ops.initializers_v1 import zeros_initializer
from penstock.ops.nn.convolution import conv2d_backprop_input_op, conv3d_backprop_input_op


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


conv2d_transpose = layer_function(Conv2DTranspose, "conv2d_transpose", IMAGES)


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


conv3d_transpose = layer_function(Conv3DTranspose, "conv3d_transpose", VOLUMES)
