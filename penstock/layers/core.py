"""Fully connected layers, dropout, and flattening."""

from __future__ import annotations

from typing import Any

from penstock.core.shape import TensorShape, as_shape, num_elements
from penstock.core.tensor import Tensor
from penstock.language.control_flow import smart_cond
from penstock.layers.arguments import as_activation, as_data_format
from penstock.layers.base import InputSpec, Layer
from penstock.layers.functions import layer_function
from penstock.ops.array.shaping import reshape, shape_v1, transpose
from penstock.ops.constant import identity
from penstock.ops.initializers_v1 import zeros_initializer
from penstock.ops.math.matmul import matmul, tensordot
from penstock.ops.nn.bias import bias_add
from penstock.ops.nn.dropout import dropout_v1


class Dense(Layer):
    """Multiplies by a matrix and adds a bias: `activation(inputs @ kernel + bias)`, over the last axis.

    Args:
        units: the size of the output's last axis.
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
        units: int,
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
        self.units = int(units)
        if self.units < 1:
            raise ValueError(f"units of layer {self.name!r} must be a positive integer, got {units}")
        self.activation = as_activation(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Make the kernel, of shape (last axis of the input, units), and the bias, of shape (units,)."""
        if self._dtype is not None and not (self._dtype.is_floating or self._dtype.is_complex):
            raise TypeError(
                f"Unable to build `Dense` layer with non-floating point dtype {self._dtype.name}; cast the inputs"
            )
        size = as_shape(input_shape).as_list()[-1]
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel",
            shape=[size, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        """Return `activation(inputs @ kernel + bias)`."""
        rank = inputs.shape.rank
        outputs: Any
        if rank == 2:
            outputs = matmul(inputs, self.kernel)
        else:
            outputs = tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        if self.use_bias:
            outputs = bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Return the input's shape with `units` as its last size."""
        shape = as_shape(input_shape).with_rank_at_least(2)
        if shape.as_list()[-1] is None:
            raise ValueError(f"The innermost dimension of input_shape must be defined, but saw: {shape}")
        return shape[:-1].concatenate([self.units])


dense = layer_function(Dense, "dense", "floating, of rank 2 or more")


class Dropout(Layer):
    """Sets a fraction of the elements to zero in training, and scales the others up to keep the mean.

    Args:
        rate: the fraction to drop, from 0 to 1.
        noise_shape: the shape of the decisions, broadcast to the input; by default one an element.
        seed: a seed for the decisions.
        name: the layer's name.
        **kwargs: see `Layer`.
    """

    def __init__(
        self, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def _sizes_of_noise(self, inputs: Any) -> Any:
        """Return `noise_shape` with the input's sizes in place of None."""
        if not isinstance(self.noise_shape, (list, tuple)):
            return self.noise_shape
        sizes = shape_v1(inputs)
        return [sizes[axis] if size is None else size for axis, size in enumerate(self.noise_shape)]

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        """Return the inputs with elements dropped if `training` (a bool, or a boolean scalar tensor) is true."""
        return smart_cond(
            training,
            lambda: dropout_v1(inputs, noise_shape=self._sizes_of_noise(inputs), seed=self.seed, rate=self.rate),
            lambda: identity(inputs),
        )

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Return the input's shape."""
        return as_shape(input_shape)


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """Make a `Dropout` layer and apply it.

    Args:
        inputs: floating, of any shape.
        training: whether to drop at all: a bool, or a boolean scalar tensor such as a placeholder.
        rate, noise_shape, seed, name: see `Dropout`.
    """
    return Dropout(rate, noise_shape=noise_shape, seed=seed, name=name).apply(inputs, training=training)


class Flatten(Layer):
    """Joins all axes but the first.

    Args:
        data_format: 'channels_last' (the default), or 'channels_first': then the channels first become the last axis.
        **kwargs: see `Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = as_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Tensor:
        """Return the inputs with shape (batch, number of elements of an example)."""
        rank = inputs.shape.rank
        if self.data_format == "channels_first" and rank > 2:
            inputs = transpose(inputs, [0, *range(2, rank), 1])
        batch, *sizes = inputs.shape.as_list()
        size = num_elements(tuple(sizes))
        if batch is not None:
            first = batch
        else:
            # -1 could not be inferred beside a size of 0.
            first = -1 if size else shape_v1(inputs)[0]
        outputs: Any = reshape(inputs, [first, -1 if size is None else size])
        outputs.set_shape([batch, size])
        return outputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Return (batch, number of elements of an example)."""
        batch, *sizes = as_shape(input_shape).with_rank_at_least(1).as_list()
        return TensorShape([batch, num_elements(tuple(sizes))])


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """Make a `Flatten` layer and apply it.

    Args:
        inputs: a tensor of rank 1 or more; the first axis is the batch.
        name, data_format: see `Flatten`.
    """
    return Flatten(name=name, data_format=data_format).apply(inputs)
