"""Functional layers with their own names for variables: `weights` and `biases`, as `tf.contrib.layers` and slim had
them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.contrib.arg_scope import add_arg_scope
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float16, float32, int64
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.layers.base import variables_of
from penstock.layers.core import Flatten
from penstock.layers.core import dropout as dropout_layer
from penstock.layers.normalization import BatchNormalization
from penstock.layers.pooling import average_pooling2d, max_pooling2d
from penstock.ops.array.filling import one_hot
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import reshape, shape_v1
from penstock.ops.constant import identity
from penstock.ops.initializers_v1 import ones_initializer, zeros_initializer
from penstock.ops.math.cast import cast
from penstock.ops.math.matmul import tensordot
from penstock.ops.math.reduce import reduce_max, reduce_sum
from penstock.ops.math.unary import rsqrt, square
from penstock.ops.nn.activation import relu, relu6
from penstock.ops.nn.bias import bias_add as add_bias
from penstock.ops.nn.convolution_functions import conv2d_transpose_v1, convolution_v1, separable_conv2d_v1
from penstock.ops.nn.embedding import embedding_lookup_v1
from penstock.ops.nn.moments import batch_normalization, moments
from penstock.ops.nn.softmax import softmax as softmax_of
from penstock.ops.random.functions import random_uniform, truncated_normal


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: int | None = None, dtype: Any = float32
) -> Callable[..., Tensor]:
    """Return an initializer that keeps the scale of a layer's outputs (He et al. 2015, Glorot and Bengio 2010).

    Args:
        factor: the variance is `factor / n`.
        mode: "FAN_IN", "FAN_OUT" or "FAN_AVG", what n is: the inputs or outputs of a unit, or their mean.
        uniform: whether the distribution is uniform, and not a truncated normal one.
        seed: the seed.
        dtype: a floating-point type.
    Raises:
        TypeError: if the mode is none of these, or the type not floating-point.
    """
    if not getattr(dtype, "is_floating", True):
        raise TypeError("Cannot create initializer for non-floating point type.")
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")
    own_dtype = dtype

    def initializer(shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        sizes: list[Any] = TensorShape(shape if partition_info is None else partition_info.full_shape).as_list()
        area = float(np.prod(sizes[:-2])) if len(sizes) > 1 else 1.0
        fan_in = float(sizes[-2] if len(sizes) > 1 else sizes[-1] if sizes else 1.0) * area
        fan_out = float(sizes[-1] if sizes else 1.0) * area
        count = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2.0}[mode]
        kind = dtype or own_dtype
        if uniform:
            limit = float(np.sqrt(3.0 * factor / count))
            return random_uniform(shape, -limit, limit, kind, seed=seed)
        # Cutting off at two standard deviations leaves about 1/1.3 of the variance.
        return truncated_normal(shape, 0.0, float(np.sqrt(1.3 * factor / count)), kind, seed=seed)

    return initializer


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = float32) -> Callable[..., Tensor]:
    """Return the initializer of Glorot and Bengio (2010); see `variance_scaling_initializer` for the arguments."""
    return variance_scaling_initializer(factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype)


def _collected(outputs: Any, collections: Any) -> Any:
    if collections:
        for name in [collections] if isinstance(collections, str) else collections:
            get_default_graph().add_to_collection(name, outputs)
    return outputs


def _model_variable(
    name: str, shape: Any, dtype: Any, initializer: Any, regularizer: Any, collections: Any, trainable: bool
) -> Any:
    own = collections.get(name) if isinstance(collections, dict) else collections
    names = [GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES, *([own] if isinstance(own, str) else own or [])]
    return get_variable(
        name, shape, dtype, initializer, regularizer, trainable=trainable, collections=list(dict.fromkeys(names))
    )


def _finished(
    outputs: Any,
    channels: int,
    axis: int,
    activation_fn: Any,
    normalizer_fn: Any,
    normalizer_params: Any,
    biases_initializer: Any,
    biases_regularizer: Any,
    collections: Any,
    trainable: bool,
) -> Any:
    """Normalize outputs or add biases, and apply the activation."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    elif biases_initializer is not None:
        biases = _model_variable(
            "biases",
            [channels],
            outputs.dtype.base_dtype,
            biases_initializer,
            biases_regularizer,
            collections,
            trainable,
        )
        outputs = add_bias(outputs, biases, "NCHW" if axis == 1 else None)
    return outputs if activation_fn is None else activation_fn(outputs)


@add_arg_scope
def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Any = relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = xavier_initializer(),  # noqa: B008
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros_initializer(),  # noqa: B008
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """Return `activation_fn(inputs @ weights + biases)` along the last axis.

    Args:
        inputs: of rank 2 or more, with a last size that is known.
        num_outputs: the last size of the result.
        activation_fn: None for none.
        normalizer_fn: applied in place of biases, such as `batch_norm`.
        normalizer_params: its arguments.
        weights_initializer, biases_initializer: make the first values; no biases for None.
        weights_regularizer, biases_regularizer: penalties, which enter REGULARIZATION_LOSSES.
        reuse: whether the variables must exist already.
        variables_collections: collections of the variables: a list, or a dictionary by the variables' names.
        outputs_collections: collections of the result.
        trainable: whether training changes the variables.
        scope: the variable scope, "fully_connected" by default.
    Raises:
        ValueError: if `num_outputs` is no integer, or sizes are unknown.
    """
    if not isinstance(num_outputs, (int, np.integer)):
        raise ValueError(f"num_outputs type should be one of [int], got {num_outputs!r}")
    with variable_scope(scope, "fully_connected", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        depth = _known(x, -1)
        weights = _model_variable(
            "weights",
            [depth, num_outputs],
            x.dtype.base_dtype,
            weights_initializer,
            weights_regularizer,
            variables_collections,
            trainable,
        )
        outputs = tensordot(x, weights, [[-1 % (x.ndim or 2)], [0]])
        outputs = _finished(
            outputs,
            num_outputs,
            -1,
            activation_fn,
            normalizer_fn,
            normalizer_params,
            biases_initializer,
            biases_regularizer,
            variables_collections,
            trainable,
        )
        return _collected(outputs, outputs_collections)


def _known(tensor: Tensor, axis: int) -> int:
    size = tensor.dims[axis] if tensor.dims else None
    if size is None:
        raise ValueError(f"Size {axis} of the inputs must be known, got the shape {tensor.shape}")
    return size


def _pair(value: Any) -> list[int]:
    return [int(item) for item in value] if isinstance(value, (list, tuple, TensorShape)) else [int(value)] * 2


def _layout(data_format: str | None) -> tuple[bool, str]:
    """Return whether channels come first, and the name of the layout.

    Raises:
        ValueError: if there is no such layout.
    """
    if data_format not in (None, "NHWC", "NCHW"):
        raise ValueError(f"data_format has to be either NCHW or NHWC, got {data_format!r}")
    return data_format == "NCHW", data_format or "NHWC"


@add_arg_scope
def conv2d(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Any = relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = xavier_initializer(),  # noqa: B008
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros_initializer(),  # noqa: B008
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """Return a convolution of images.

    Args:
        inputs: of shape (batch, height, width, channels), or as `data_format` says.
        num_outputs: the number of filters.
        kernel_size: the size of the filters, a number or two.
        stride: by how much a filter moves, a number or two.
        padding: "SAME" or "VALID".
        data_format: "NHWC" or "NCHW".
        rate: the distance between the pixels that a filter sees, a number or two.
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer: see
            `fully_connected`.
        biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections: see
            `fully_connected`.
        trainable: whether training changes the variables.
        scope: the variable scope, "Conv" by default.
    """
    first, layout = _layout(data_format)
    with variable_scope(scope, "Conv", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        weights = _model_variable(
            "weights",
            [*_pair(kernel_size), _known(x, 1 if first else -1), num_outputs],
            x.dtype.base_dtype,
            weights_initializer,
            weights_regularizer,
            variables_collections,
            trainable,
        )
        outputs = convolution_v1(
            x, weights, padding=padding, strides=_pair(stride), dilation_rate=_pair(rate), data_format=layout
        )
        outputs = _finished(
            outputs,
            num_outputs,
            1 if first else -1,
            activation_fn,
            normalizer_fn,
            normalizer_params,
            biases_initializer,
            biases_regularizer,
            variables_collections,
            trainable,
        )
        return _collected(outputs, outputs_collections)


@add_arg_scope
def conv2d_transpose(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    activation_fn: Any = relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = xavier_initializer(),  # noqa: B008
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros_initializer(),  # noqa: B008
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """Return the transpose of a convolution, which makes images larger; see `conv2d` for the arguments.

    The scope is "Conv2d_transpose" by default.
    """
    first, layout = _layout(data_format)
    with variable_scope(scope, "Conv2d_transpose", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        kernel, strides = _pair(kernel_size), _pair(stride)
        weights = _model_variable(
            "weights",
            [*kernel, num_outputs, _known(x, 1 if first else -1)],
            x.dtype.base_dtype,
            weights_initializer,
            weights_regularizer,
            variables_collections,
            trainable,
        )
        places = (2, 3) if first else (1, 2)
        known: tuple[Any, ...] = x.dims or (None,) * 4
        sizes: list[Any] = []
        for axis, size, step in zip(places, kernel, strides, strict=True):
            length = known[axis] if known[axis] is not None else shape_v1(x)[axis]
            grown = length * step
            sizes.append(grown if padding == "SAME" else grown + max(size - step, 0))
        batch = known[0] if known[0] is not None else shape_v1(x)[0]
        full = [batch, num_outputs, *sizes] if first else [batch, *sizes, num_outputs]
        whole = full if all(isinstance(s, int) for s in full) else concat([reshape(s, [1]) for s in full], 0)
        wide = [1, 1, *strides] if first else [1, *strides, 1]
        outputs = conv2d_transpose_v1(x, weights, whole, wide, padding, layout)
        outputs.set_shape([size if isinstance(size, int) else None for size in full])  # type: ignore[attr-defined]
        outputs = _finished(
            outputs,
            num_outputs,
            1 if first else -1,
            activation_fn,
            normalizer_fn,
            normalizer_params,
            biases_initializer,
            biases_regularizer,
            variables_collections,
            trainable,
        )
        return _collected(outputs, outputs_collections)


@add_arg_scope
def separable_conv2d(
    inputs: Any,
    num_outputs: int | None,
    kernel_size: Any,
    depth_multiplier: int = 1,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: Any = 1,
    activation_fn: Any = relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = xavier_initializer(),  # noqa: B008
    pointwise_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros_initializer(),  # noqa: B008
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """Return a convolution of each channel, followed by one of single pixels across channels.

    Args:
        inputs, num_outputs, kernel_size, stride, padding, data_format, rate: see `conv2d`; `num_outputs` is an integer.
        depth_multiplier: how many results each channel has before they are combined.
        pointwise_initializer: makes the first values of the second convolution, by default as `weights_initializer`.
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer: see
            `fully_connected`.
        biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections: see
            `fully_connected`.
        trainable: whether training changes the variables.
        scope: the variable scope, "SeparableConv2d" by default.
    Raises:
        ValueError: if `num_outputs` is None.
    """
    if num_outputs is None:
        raise ValueError("num_outputs=None, a convolution of each channel alone, is tf.nn.depthwise_conv2d")
    first, layout = _layout(data_format)
    with variable_scope(scope, "SeparableConv2d", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        channels = _known(x, 1 if first else -1)
        common = (weights_regularizer, variables_collections, trainable)
        dtype = x.dtype.base_dtype
        depthwise = _model_variable(
            "depthwise_weights", [*_pair(kernel_size), channels, depth_multiplier], dtype, weights_initializer, *common
        )
        pointwise = _model_variable(
            "pointwise_weights",
            [1, 1, channels * depth_multiplier, num_outputs],
            dtype,
            pointwise_initializer or weights_initializer,
            *common,
        )
        strides = [1, 1, *_pair(stride)] if first else [1, *_pair(stride), 1]
        outputs = separable_conv2d_v1(x, depthwise, pointwise, strides, padding, _pair(rate), data_format=layout)
        outputs = _finished(
            outputs,
            num_outputs,
            1 if first else -1,
            activation_fn,
            normalizer_fn,
            normalizer_params,
            biases_initializer,
            biases_regularizer,
            variables_collections,
            trainable,
        )
        return _collected(outputs, outputs_collections)


def _pooled(
    pool: Any, inputs: Any, kernel: Any, stride: Any, padding: str, layout: str, outputs: Any, scope: Any, name: str
) -> Tensor:
    first, _ = _layout(layout)
    with name_scope(scope, name, [inputs]):
        x = convert_to_tensor(inputs)
        data_format = "channels_first" if first else "channels_last"
        return _collected(pool(x, _pair(kernel), _pair(stride), padding, data_format), outputs)


@add_arg_scope
def max_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:
    """Return the largest values of windows of images.

    Args:
        inputs: of shape (batch, height, width, channels), or as `data_format` says.
        kernel_size, stride: the windows' size and distance, a number or two.
        padding: "SAME" or "VALID".
        data_format: "NHWC" or "NCHW".
        outputs_collections: collections of the result.
        scope: the name scope.
    """
    return _pooled(
        max_pooling2d, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope, "MaxPool2D"
    )


@add_arg_scope
def avg_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:
    """Return the means of windows of images; see `max_pool2d` for the arguments."""
    return _pooled(
        average_pooling2d, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope, "AvgPool2D"
    )


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Tensor:
    """Return inputs of shape (batch, ...) as (batch, features)."""
    with name_scope(scope, "Flatten", [inputs]):
        return _collected(Flatten()(convert_to_tensor(inputs)), outputs_collections)


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: Any = None,
    seed: int | None = None,
) -> Tensor:
    """Return inputs of which, while training, elements are dropped at random and the others grow accordingly.

    Args:
        inputs: a tensor.
        keep_prob: the probability that an element is kept.
        noise_shape: the shape of the random choice, which broadcasts to the inputs.
        is_training: a bool or a boolean tensor.
        outputs_collections: collections of the result.
        scope: the variable scope, "Dropout" by default.
        seed: the seed.
    """
    with variable_scope(scope, "Dropout", [inputs]):
        outputs = dropout_layer(convert_to_tensor(inputs), 1 - keep_prob, noise_shape, seed, is_training)
        return _collected(outputs, outputs_collections)


@add_arg_scope
def batch_norm(
    inputs: Any,
    decay: Any = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Any = None,
    param_initializers: Any = None,
    param_regularizers: Any = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_decay: Any = 0.99,
    adjustment: Any = None,
) -> Tensor:
    """Return inputs with mean 0 and variance 1 in each channel: of the batch while training, moving ones afterwards.

    Args:
        inputs: of rank 2 or more.
        decay: of the moving mean and variance.
        center, scale: whether there are learned `beta` and `gamma`; without `gamma` variances are 1.
        epsilon: added to the variance.
        activation_fn: None for none.
        param_initializers, param_regularizers: dictionaries by the variables' names.
        updates_collections: where the updates of the moving values are put, to be run with each step; None to run them
            in place.
        is_training: a bool or a boolean tensor.
        reuse: whether the variables must exist already.
        variables_collections: accepted.
        outputs_collections: collections of the result.
        trainable: whether training changes `beta` and `gamma`.
        batch_weights, zero_debias_moving_mean, adjustment: must be left as they are.
        fused: accepted.
        data_format: "NHWC" or "NCHW", where channels stand.
        scope: the variable scope, "BatchNorm" by default.
        renorm, renorm_clipping, renorm_decay: see `tf.layers.batch_normalization`.
    Raises:
        ValueError: if an argument is given that must be left.
    """
    if batch_weights is not None or zero_debias_moving_mean or adjustment is not None:
        raise ValueError("batch_norm has no batch_weights, zero_debias_moving_mean and adjustment here: leave them out")
    first, _ = _layout(data_format)
    made = param_initializers or {}
    penalties = param_regularizers or {}
    with variable_scope(scope, "BatchNorm", [inputs], reuse=reuse) as own:
        layer = BatchNormalization(
            axis=1 if first else -1,
            momentum=decay,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=made.get("beta", zeros_initializer()),
            gamma_initializer=made.get("gamma", ones_initializer()),
            moving_mean_initializer=made.get("moving_mean", zeros_initializer()),
            moving_variance_initializer=made.get("moving_variance", ones_initializer()),
            beta_regularizer=penalties.get("beta"),
            gamma_regularizer=penalties.get("gamma"),
            trainable=trainable,
            renorm=renorm,
            renorm_clipping=renorm_clipping,
            renorm_momentum=renorm_decay,
            name=own.name,
            _scope=own,
            _reuse=reuse,
        )
        outputs = layer(convert_to_tensor(inputs), training=is_training)
        graph = get_default_graph()
        for variable in (each for made_one in layer.variables for each in variables_of(made_one)):
            if not any(variable is known for known in graph.get_collection(GraphKeys.MODEL_VARIABLES)):
                graph.add_to_collection(GraphKeys.MODEL_VARIABLES, variable)
        if updates_collections != GraphKeys.UPDATE_OPS:
            made_here = {id(update) for update in layer.updates}  # the layer has put them into UPDATE_OPS
            waiting = graph.get_collection_ref(GraphKeys.UPDATE_OPS)
            waiting[:] = [update for update in waiting if id(update) not in made_here]
            for update in layer.updates:
                _collected(update, updates_collections)
        if updates_collections is None:
            with graph.control_dependencies(layer.updates):
                outputs = identity(outputs)
        return _collected(outputs if activation_fn is None else activation_fn(outputs), outputs_collections)


@add_arg_scope
def layer_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    activation_fn: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: Any = None,
) -> Tensor:
    """Return inputs with mean 0 and variance 1 in each example (Ba et al. 2016).

    Args:
        inputs: of shape (batch, ...).
        center, scale: whether there are learned `beta` and `gamma`.
        activation_fn: None for none.
        reuse: whether the variables must exist already.
        variables_collections, outputs_collections: see `fully_connected`.
        trainable: whether training changes the variables.
        begin_norm_axis: the first axis over which mean and variance are taken.
        begin_params_axis: the first axis of `beta` and `gamma`.
        scope: the variable scope, "LayerNorm" by default.
    """
    with variable_scope(scope, "LayerNorm", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        rank = len(x.shape.as_list())
        begin_norm_axis, begin_params_axis = begin_norm_axis % rank, begin_params_axis % rank
        sizes = [_known(x, axis) for axis in range(begin_params_axis, rank)]
        dtype = x.dtype.base_dtype

        def variable(name: str, initializer: Any) -> Any:
            return _model_variable(name, sizes, dtype, initializer, None, variables_collections, trainable)

        beta = variable("beta", zeros_initializer()) if center else None
        gamma = variable("gamma", ones_initializer()) if scale else None
        mean, variance = moments(x, list(range(begin_norm_axis, rank)), keepdims=True)
        epsilon = 1e-3 if dtype == float16 else 1e-12
        outputs = batch_normalization(x, mean, variance, beta, gamma, epsilon)
        outputs.set_shape(x.shape)  # type: ignore[attr-defined]
        return _collected(outputs if activation_fn is None else activation_fn(outputs), outputs_collections)


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Any = None,
    initializer: Any = zeros_initializer(),  # noqa: B008
    regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Return inputs with a learned bias for each channel; see `fully_connected` for the arguments."""
    first, _ = _layout(data_format)
    with variable_scope(scope, "BiasAdd", [inputs], reuse=reuse):
        x = convert_to_tensor(inputs)
        outputs = _finished(
            x,
            _known(x, 1 if first else -1),
            1 if first else -1,
            activation_fn,
            None,
            None,
            initializer,
            regularizer,
            variables_collections,
            trainable,
        )
        return _collected(outputs, outputs_collections)


def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """Return tokens as rows of a learned table, `embeddings`.

    Args:
        ids: integers of shape (batch, time).
        vocab_size, embed_dim: the shape of the table; not needed where `reuse` finds it.
        unique: accepted.
        initializer, regularizer, trainable: of the table.
        scope: the variable scope, "EmbedSequence" by default.
        reuse: whether the table must exist already.
    Raises:
        ValueError: if sizes are missing.
    """
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(
            f"Must specify vocab size and embedding dimension when not reusing. Got vocab_size={vocab_size} and "
            f"embed_dim={embed_dim}"
        )
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        shape = [vocab_size, embed_dim] if vocab_size and embed_dim else None
        table = _model_variable("embeddings", shape, float32, initializer, regularizer, None, trainable)
        return embedding_lookup_v1(table, ids)


@add_arg_scope
def one_hot_encoding(
    labels: Any,
    num_classes: int,
    on_value: Any = 1.0,
    off_value: Any = 0.0,
    outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:
    """Return integers as rows with `on_value` at their position and `off_value` elsewhere."""
    with name_scope(scope, "OneHotEncoding", [labels]):
        tensor = convert_to_tensor(labels)
        return _collected(one_hot(cast(tensor, int64), num_classes, on_value, off_value), outputs_collections)


@add_arg_scope
def softmax(logits: Any, scope: Any = None) -> Tensor:
    """Return the softmax of logits along the last axis."""
    with variable_scope(scope, "softmax", [logits]):
        return softmax_of(logits)


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Tensor:
    """Return inputs divided by their length along an axis.

    Args:
        inputs: a tensor.
        dim: the axis.
        epsilon: added to the squared length.
        scope: the variable scope, "UnitNorm" by default.
    """
    with variable_scope(scope, "UnitNorm", [inputs]):
        x = convert_to_tensor(inputs)
        return x * rsqrt(reduce_sum(square(x), dim, keepdims=True) + epsilon)


@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: Any = None) -> Tensor:
    """Return the largest of each group of channels (Goodfellow et al. 2013).

    Args:
        inputs: a tensor whose shape is known, up to the batch.
        num_units: the number of groups, a divisor of the number of channels.
        axis: where channels stand.
        scope: the variable scope, "MaxOut" by default.
    Raises:
        ValueError: if the channels cannot be grouped.
    """
    with variable_scope(scope, "MaxOut", [inputs]):
        x = convert_to_tensor(inputs)
        sizes = x.shape.as_list()
        channels = sizes[axis]
        if channels is None or channels % num_units:
            raise ValueError(f"number of features({channels}) is not a multiple of num_units({num_units})")
        axis %= len(sizes)
        grouped = [-1 if size is None else size for size in sizes]
        grouped[axis : axis + 1] = [num_units, channels // num_units]
        return reduce_max(reshape(x, grouped), axis + 1)


def repeat(inputs: Any, repetitions: int, layer: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply a layer several times, one after the other, each with variables of its own.

    Args:
        inputs: what the first layer takes.
        repetitions: how many times.
        layer: the layer.
        *args, **kwargs: its further arguments; layers are numbered below `scope`.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        name = scope or getattr(layer, "__name__", "repeat")
        outputs = convert_to_tensor(inputs)
        for index in range(repetitions):
            outputs = layer(outputs, *args, scope=f"{name}_{index + 1}", **kwargs)
        return outputs


def stack(inputs: Any, layer: Any, stack_args: Sequence[Any], **kwargs: Any) -> Any:
    """Apply a layer several times, one after the other, with other arguments each time.

    Args:
        inputs: what the first layer takes.
        layer: the layer.
        stack_args: for each layer its second argument, or a list of several.
        **kwargs: further arguments of all; layers are numbered below `scope`.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Stack", [inputs]):
        name = scope or getattr(layer, "__name__", "stack")
        outputs = convert_to_tensor(inputs)
        for index, given in enumerate(stack_args):
            further = given if isinstance(given, (list, tuple)) else [given]
            outputs = layer(outputs, *further, scope=f"{name}_{index + 1}", **kwargs)
        return outputs


def linear(*args: Any, **kwargs: Any) -> Tensor:
    """Return `fully_connected` without an activation; the arguments are the same."""
    return fully_connected(*args, **{"activation_fn": None, **kwargs})


def relu_layer(*args: Any, **kwargs: Any) -> Tensor:
    """Return `fully_connected` with a rectifier; the arguments are the same."""
    return fully_connected(*args, **{"activation_fn": relu, **kwargs})


def relu6_layer(*args: Any, **kwargs: Any) -> Tensor:
    """Return `fully_connected` with a rectifier that stops at 6; the arguments are the same."""
    return fully_connected(*args, **{"activation_fn": relu6, **kwargs})
