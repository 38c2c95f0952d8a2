"""Pooling: the mean or maximum of windows that slide over one, two or three axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.shape import TensorShape, as_shape
from penstock.core.tensor import Tensor
from penstock.layers.arguments import as_data_format, as_padding, as_sizes, operation_format, windowed_length
from penstock.layers.base import InputSpec, Layer
from penstock.ops.array.shaping import expand_dims, squeeze
from penstock.ops.nn.pooling import avg_pool3d_op, avg_pool_op, max_pool3d_op, max_pool_op


class Pooling(Layer):
    """What all pooling layers share.

    Subclasses name the operation in `_pool`, and the number of axes in `_rank`.

    Args:
        pool_size: the sizes of the window, or one for all axes.
        strides: the steps of the window, or one for all axes; None takes the window's sizes.
        padding: 'valid' (windows lie inside) or 'same' (the input is padded).
        data_format: 'channels_last' or 'channels_first'.
        name: the layer's name.
        **kwargs: see `Layer`.
    """

    _rank: int
    _pool: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = as_sizes(pool_size, self._rank, "pool_size")
        self.strides = as_sizes(pool_size if strides is None else strides, self._rank, "strides")
        self.padding = as_padding(padding)
        self.data_format = as_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Any) -> Tensor:
        """Return the pooled inputs."""
        window, strides, added = self.pool_size, self.strides, None
        if self._rank == 1:
            # There is no operation on one axis: an axis of size 1 is added for the call.
            window, strides = (*window, 1), (*strides, 1)
            added = 2 if self.data_format == "channels_last" else 3
            inputs = expand_dims(inputs, added)

        def everywhere(sizes: tuple[int, ...]) -> list[int]:
            return [1, *sizes, 1] if self.data_format == "channels_last" else [1, 1, *sizes]

        outputs = type(self)._pool(
            inputs,
            ksize=everywhere(window),
            strides=everywhere(strides),
            padding=self.padding.upper(),
            data_format=operation_format(self.data_format, len(window)),
        )
        return outputs if added is None else squeeze(outputs, [added])

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Return the shape of the pooled inputs."""
        sizes = as_shape(input_shape).with_rank(self._rank + 2).as_list()
        first = 1 if self.data_format == "channels_last" else 2
        for axis in range(self._rank):
            length = sizes[first + axis]
            sizes[first + axis] = windowed_length(length, self.pool_size[axis], self.padding, self.strides[axis])
        return TensorShape(sizes)


class AveragePooling1D(Pooling):
    """Takes the mean of windows of series, of shape (batch, steps, channels).

    See `Pooling` for the arguments.
    """

    _rank = 1
    _pool = avg_pool_op


def average_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Make a `AveragePooling1D` layer and apply it.

    Args:
        inputs: of shape (batch, steps, channels), or with the channels after the batch.
        pool_size and the others: see `Pooling`.
    """
    return AveragePooling1D(pool_size, strides, padding, data_format, name).apply(inputs)


class AveragePooling2D(Pooling):
    """Takes the mean of windows of images, of shape (batch, height, width, channels).

    See `Pooling` for the arguments.
    """

    _rank = 2
    _pool = avg_pool_op


def average_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Make a `AveragePooling2D` layer and apply it.

    Args:
        inputs: of shape (batch, height, width, channels), or with the channels after the batch.
        pool_size and the others: see `Pooling`.
    """
    return AveragePooling2D(pool_size, strides, padding, data_format, name).apply(inputs)


class AveragePooling3D(Pooling):
    """Takes the mean of windows of volumes, of shape (batch, depth, height, width, channels).

    See `Pooling` for the arguments.
    """

    _rank = 3
    _pool = avg_pool3d_op


def average_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Make a `AveragePooling3D` layer and apply it.

    Args:
        inputs: of shape (batch, depth, height, width, channels), or with the channels after the batch.
        pool_size and the others: see `Pooling`.
    """
    return AveragePooling3D(pool_size, strides, padding, data_format, name).apply(inputs)


class MaxPooling1D(Pooling):
    """Takes the maximum of windows of series, of shape (batch, steps, channels).

    See `Pooling` for the arguments.
    """

    _rank = 1
    _pool = max_pool_op


def max_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Make a `MaxPooling1D` layer and apply it.

    Args:
        inputs: of shape (batch, steps, channels), or with the channels after the batch.
        pool_size and the others: see `Pooling`.
    """
    return MaxPooling1D(pool_size, strides, padding, data_format, name).apply(inputs)


class MaxPooling2D(Pooling):
    """Takes the maximum of windows of images, of shape (batch, height, width, channels).

    See `Pooling` for the arguments.
    """

    _rank = 2
    _pool = max_pool_op


def max_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Make a `MaxPooling2D` layer and apply it.

    Args:
        inputs: of shape (batch, height, width, channels), or with the channels after the batch.
        pool_size and the others: see `Pooling`.
    """
    return MaxPooling2D(pool_size, strides, padding, data_format, name).apply(inputs)


class MaxPooling3D(Pooling):
    """Takes the maximum of windows of volumes, of shape (batch, depth, height, width, channels).

    See `Pooling` for the arguments.
    """

    _rank = 3
    _pool = max_pool3d_op


def max_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """Make a `MaxPooling3D` layer and apply it.

    Args:
        inputs: of shape (batch, depth, height, width, channels), or with the channels after the batch.
        pool_size and the others: see `Pooling`.
    """
    return MaxPooling3D(pool_size, strides, padding, data_format, name).apply(inputs)
