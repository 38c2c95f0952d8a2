"""Batch normalization, with moving averages for use outside of training."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import bfloat16, float16, float32
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.shape import TensorShape, as_shape
from penstock.core.tensor import Tensor
from penstock.language.control_flow import smart_cond, smart_constant_value
from penstock.layers.base import InputSpec, Layer
from penstock.ops.array.filling import ones_like, zeros_like
from penstock.ops.array.shaping import reshape, shape_v1
from penstock.ops.constant import constant, identity, stop_gradient
from penstock.ops.initializers_v1 import ones_initializer, zeros_initializer
from penstock.ops.math.binary import maximum, minimum
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_mean
from penstock.ops.math.unary import sqrt
from penstock.ops.nn.moments import batch_normalization as normalize
from penstock.ops.nn.moments import moments
from penstock.ops.nn.normalization import fused_batch_norm


class BatchNormalization(Layer):
    """Normalizes activations to mean 0 and variance 1, channel by channel, then scales and shifts them.

    In training the moments are those of the batch, and moving averages of them are kept, by operations that enter
    `GraphKeys.UPDATE_OPS` and must be run with each step. Outside of training the moving averages are used.

    Args:
        axis: the axis of the channels, or several.
        momentum: the weight of the old value in the moving averages.
        epsilon: added to the variance.
        center, scale: whether there is a shift `beta` and a factor `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: make first values.
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: applied after each update.
        renorm: whether to correct the batch's moments towards the moving ones in training.
        renorm_clipping: limits 'rmin', 'rmax', 'dmax' of the corrections.
        renorm_momentum: the weight of the old value in the moments that renorm keeps.
        fused: whether to use one operation for all; None where it is possible: 4 axes, channels in axis 1 or 3.
        trainable: whether `beta` and `gamma` are trained.
        virtual_batch_size: normalize in groups of this many examples; the batch must be a multiple of it.
        adjustment: from the shape of the inputs to a factor and a shift, applied in training before gamma and beta.
        name: the layer's name.
        **kwargs: see `Layer`.
    Source: Ioffe and Szegedy 2015; Ioffe 2017 for renorm.
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = zeros_initializer(),  # noqa: B008
        gamma_initializer: Any = ones_initializer(),  # noqa: B008
        moving_mean_initializer: Any = zeros_initializer(),  # noqa: B008
        moving_variance_initializer: Any = ones_initializer(),  # noqa: B008
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, Any] | None = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(f"axis must be int or list, type given: {type(axis)}")
        self.axis: Any = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.renorm = renorm
        self.fused = fused
        self.virtual_batch_size = virtual_batch_size
        self.adjustment = adjustment
        if fused:
            for given, what in (
                (renorm, "renorm=True"),
                (virtual_batch_size, "virtual_batch_size"),
                (adjustment, "adjustment"),
            ):
                if given:
                    raise ValueError(f"Passing both `fused=True` and `{what}` is not supported; leave `fused` out")
        if renorm:
            self.renorm_clipping = renorm_clipping or {}
            unknown = set(self.renorm_clipping) - {"rmax", "rmin", "dmax"}
            if unknown:
                raise ValueError(f"renorm_clipping {renorm_clipping} contains keys not in ['rmax', 'rmin', 'dmax']")
            self.renorm_momentum = renorm_momentum

    def build(self, input_shape: Any) -> None:
        """Make gamma, beta and the moving averages, one number a channel."""
        shape = as_shape(input_shape)
        if shape.rank is None:
            raise ValueError(f"Input has undefined rank: {shape}; layer {self.name!r} needs a known one")
        rank = shape.rank
        axes = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        axes = [axis + rank if axis < 0 else axis for axis in axes]
        if any(not 0 <= axis < rank for axis in axes):
            raise ValueError(f"Invalid axis: {self.axis} for inputs of rank {rank}")
        if len(axes) != len(set(axes)):
            raise ValueError(f"Duplicate axis: {self.axis}")
        sizes = shape.as_list()
        for axis in axes:
            if sizes[axis] is None:
                raise ValueError(f"Input has undefined `axis` dimension. Input shape: {shape}, axis {axis}")
        if self.virtual_batch_size is not None:
            if self.virtual_batch_size <= 0:
                raise ValueError(
                    "virtual_batch_size must be a positive integer that divides the batch size, "
                    f"got {self.virtual_batch_size}"
                )
            if 0 in axes:
                raise ValueError(
                    "When using virtual_batch_size, the batch dimension must be 0 and thus axis cannot include 0"
                )
        if self.fused in (None, True):
            possible = (
                rank == 4
                and axes in ([1], [3])
                and not self.renorm
                and self.virtual_batch_size is None
                and self.adjustment is None
            )
            if self.fused and not possible:
                raise ValueError(
                    f"fused=True needs inputs of rank 4 with channels in axis 1 or 3, got rank {rank} and axis {axes}"
                )
            self.fused = possible
        self.input_spec = InputSpec(ndim=rank, axes={axis: sizes[axis] for axis in axes})
        if len(axes) == 1 and self.virtual_batch_size is None:
            parameter_shape: list[Any] = [sizes[axes[0]]]
        else:
            parameter_shape = [sizes[axis] if axis in axes else 1 for axis in range(rank)]
        if self.virtual_batch_size is not None:
            parameter_shape.insert(1, 1)
            axes = [axis + 1 for axis in axes]
        self.axis = axes
        # The moments of half precision are kept in float32.
        dtype = float32 if self._dtype in (float16, bfloat16) else self._dtype or float32
        self._parameter_dtype = dtype
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                "gamma",
                parameter_shape,
                dtype,
                self.gamma_initializer,
                self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                "beta",
                parameter_shape,
                dtype,
                self.beta_initializer,
                self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        # A partitioner of the scope splits what is trained, not the averages.
        partitioner = self._scope.partitioner
        self._scope.set_partitioner(None)
        try:
            self.moving_mean = self._add_average("moving_mean", parameter_shape, self.moving_mean_initializer)
            self.moving_variance = self._add_average(
                "moving_variance", parameter_shape, self.moving_variance_initializer
            )
            if self.renorm:
                self.renorm_mean = self._add_average("renorm_mean", parameter_shape, self.moving_mean_initializer)
                self.renorm_stddev = self._add_average("renorm_stddev", parameter_shape, self._initial_stddev)
        finally:
            self._scope.set_partitioner(partitioner)
        self.built = True

    def _add_average(self, name: str, shape: list[int], initializer: Any) -> Any:
        return self.add_weight(name, shape, self._parameter_dtype, initializer, trainable=False)

    def _initial_stddev(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        """Return the normalized inputs.

        Args:
            inputs: floating, of the rank that the layer was built for.
            training: whether to use the moments of the batch, and make updates of the moving averages: a bool, or a
                boolean scalar tensor such as a placeholder.
        """
        if self.fused:
            return self._fused(inputs, training)
        if self.virtual_batch_size is None:
            return self._normalize(inputs, training)
        # Groups of examples become an axis of their own, over which no mean is taken.
        original = [-1, *inputs.shape.as_list()[1:]]
        sizes = shape_v1(inputs)
        original = [sizes[axis] if axis and size is None else size for axis, size in enumerate(original)]
        grouped = reshape(inputs, [self.virtual_batch_size, -1, *original[1:]])
        outputs: Any = reshape(self._normalize(grouped, training), original)
        outputs.set_shape(inputs.shape)
        return outputs

    def _fused(self, inputs: Any, training: Any) -> Tensor:
        size = self.input_spec.axes[self.axis[0]]
        gamma = self.gamma if self.scale else constant(1.0, shape=[size], dtype=self._parameter_dtype)
        beta = self.beta if self.center else constant(0.0, shape=[size], dtype=self._parameter_dtype)
        data_format = "NHWC" if self.axis == [3] else "NCHW"

        def with_batch_moments() -> Any:
            return fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=data_format)

        def with_moving_moments() -> Any:
            return fused_batch_norm(
                inputs,
                gamma,
                beta,
                mean=self.moving_mean,
                variance=self.moving_variance,
                epsilon=self.epsilon,
                is_training=False,
                data_format=data_format,
            )

        outputs, mean, variance = smart_cond(training, with_batch_moments, with_moving_moments)
        if smart_constant_value(training) is not False:
            momentum = self._momentum(training)
            self.add_update(self._move(self.moving_mean, mean, momentum))
            self.add_update(self._move(self.moving_variance, variance, momentum))
        outputs.set_shape(inputs.shape)
        return outputs

    def _momentum(self, training: Any) -> Any:
        """Return the momentum: 1 outside of training, so that updates change nothing."""
        return smart_cond(training, lambda: constant(self.momentum), lambda: constant(1.0))

    def _move(self, variable: Any, value: Any, momentum: Any) -> Any:
        """Return an operation that moves an average towards a value."""
        with name_scope(None, "AssignMovingAvg", [variable, value, momentum]) as scope:
            dtype = variable.dtype.base_dtype
            decay = cast(1.0 - convert_to_tensor(momentum), dtype)
            return variable.assign_sub((convert_to_tensor(variable) - cast(value, dtype)) * decay, name=scope)

    def _normalize(self, inputs: Any, training: Any) -> Tensor:
        rank = inputs.shape.rank
        grouped = self.virtual_batch_size is not None
        reduced = [axis for axis in range(rank) if axis not in self.axis]
        if grouped:
            reduced.remove(1)
        broadcast_shape = [1] * rank
        broadcast_shape[self.axis[0]] = inputs.shape.as_list()[self.axis[0]]

        def spread(parameter: Any) -> Any:
            """Return a parameter with the rank of the inputs, where it does not broadcast by itself."""
            if parameter is None or parameter.shape.rank == rank or reduced == list(range(rank - 1)):
                return parameter
            return reshape(parameter, broadcast_shape)

        scale, offset = spread(self.gamma), spread(self.beta)
        known = smart_constant_value(training)
        if known is False:
            mean, variance = convert_to_tensor(self.moving_mean), convert_to_tensor(self.moving_variance)
        else:
            if self.adjustment is not None:
                factor, shift = self.adjustment(shape_v1(inputs))
                factor = smart_cond(training, lambda: factor, lambda: ones_like(factor))
                shift = smart_cond(training, lambda: shift, lambda: zeros_like(shift))
                scale, offset = _then(factor, shift, scale, offset)
            mean, variance = moments(self._precise(inputs), reduced, keepdims=grouped or len(self.axis) > 1)
            batch_mean, batch_variance = mean, variance
            mean = smart_cond(training, lambda: batch_mean, lambda: convert_to_tensor(self.moving_mean))
            variance = smart_cond(training, lambda: batch_variance, lambda: convert_to_tensor(self.moving_variance))
            new_mean, new_variance = mean, variance
            if grouped:
                new_mean, new_variance = (
                    reduce_mean(mean, axis=1, keepdims=True),
                    reduce_mean(variance, axis=1, keepdims=True),
                )
            if self.renorm:
                ratio, distance, new_mean, new_variance = self._renorm(new_mean, new_variance, training)
                scale, offset = _then(spread(stop_gradient(ratio)), spread(stop_gradient(distance)), scale, offset)
            momentum = self._momentum(training)
            self.add_update(self._move(self.moving_mean, new_mean, momentum))
            self.add_update(self._move(self.moving_variance, new_variance, momentum))
        mean, variance, offset, scale = (
            _cast(each, inputs.dtype) for each in (spread(mean), spread(variance), offset, scale)
        )
        outputs: Any = normalize(inputs, mean, variance, offset, scale, self.epsilon)
        outputs.set_shape(inputs.shape)
        return outputs

    @staticmethod
    def _precise(inputs: Any) -> Any:
        return cast(inputs, float32) if inputs.dtype.base_dtype in (float16, bfloat16) else inputs

    def _renorm(self, mean: Any, variance: Any, training: Any) -> tuple[Any, Any, Any, Any]:
        """Return the corrections r and d, and moments for the moving averages that wait for renorm's own update."""
        stddev = sqrt(variance + self.epsilon)
        kept_stddev = maximum(convert_to_tensor(self.renorm_stddev), self.epsilon**0.5)
        ratio = stddev / kept_stddev
        distance = (mean - self.renorm_mean) / kept_stddev
        graph = get_default_graph()
        # The corrections must see the averages as they were before this step.
        with graph.control_dependencies([ratio, distance]):
            mean, stddev = identity(mean), identity(stddev)
        limits = self.renorm_clipping
        if limits.get("rmin") is not None:
            ratio = maximum(ratio, limits["rmin"])
        if limits.get("rmax") is not None:
            ratio = minimum(ratio, limits["rmax"])
        if limits.get("dmax") is not None:
            distance = minimum(maximum(distance, -limits["dmax"]), limits["dmax"])
        clipped_ratio, clipped_distance = ratio, distance
        ratio = smart_cond(training, lambda: clipped_ratio, lambda: ones_like(clipped_ratio))
        distance = smart_cond(training, lambda: clipped_distance, lambda: zeros_like(clipped_distance))
        momentum = smart_cond(training, lambda: constant(self.renorm_momentum), lambda: constant(1.0))
        updates = [self._move(self.renorm_mean, mean, momentum), self._move(self.renorm_stddev, stddev, momentum)]
        with graph.control_dependencies(updates):
            return ratio, distance, identity(mean), identity(variance)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Return the input's shape."""
        return as_shape(input_shape)


def _cast(value: Any, dtype: Any) -> Any:
    return None if value is None else cast(value, dtype)


def _then(scale: Any, offset: Any, then_scale: Any, then_offset: Any) -> tuple[Any, Any]:
    """Return the factor and shift that stand for two transforms after each other."""
    if then_scale is not None:
        scale, offset = scale * then_scale, offset * then_scale
    return scale, offset if then_offset is None else offset + then_offset


def batch_normalization(
    inputs: Any,
    axis: Any = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = zeros_initializer(),  # noqa: B008
    gamma_initializer: Any = ones_initializer(),  # noqa: B008
    moving_mean_initializer: Any = zeros_initializer(),  # noqa: B008
    moving_variance_initializer: Any = ones_initializer(),  # noqa: B008
    beta_regularizer: Any = None,
    gamma_regularizer: Any = None,
    beta_constraint: Any = None,
    gamma_constraint: Any = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
    renorm: bool = False,
    renorm_clipping: dict[str, Any] | None = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Any = None,
) -> Tensor:
    """Make a `BatchNormalization` layer and apply it.

    Run the operations of `GraphKeys.UPDATE_OPS` with each training step, or the moving averages stay as they were:

        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            train_op = optimizer.minimize(loss)

    Args:
        inputs: floating, with known channels.
        training: whether to use the moments of the batch: a bool, or a boolean scalar tensor such as a placeholder.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        axis and the others: see `BatchNormalization`.
    """
    layer = BatchNormalization(
        axis=axis,
        momentum=momentum,
        epsilon=epsilon,
        center=center,
        scale=scale,
        beta_initializer=beta_initializer,
        gamma_initializer=gamma_initializer,
        moving_mean_initializer=moving_mean_initializer,
        moving_variance_initializer=moving_variance_initializer,
        beta_regularizer=beta_regularizer,
        gamma_regularizer=gamma_regularizer,
        beta_constraint=beta_constraint,
        gamma_constraint=gamma_constraint,
        renorm=renorm,
        renorm_clipping=renorm_clipping,
        renorm_momentum=renorm_momentum,
        fused=fused,
        trainable=trainable,
        virtual_batch_size=virtual_batch_size,
        adjustment=adjustment,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    return layer.apply(inputs, training=training)
