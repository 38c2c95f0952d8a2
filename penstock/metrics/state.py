"""What all metrics share: their variables, the collections of their results, and the shapes of what they compare."""

from __future__ import annotations

from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import Tensor
from penstock.language.variable_base import VariableV1
from penstock.ops.array.filling import zeros
from penstock.ops.array.shaping import expand_dims, squeeze
from penstock.ops.math.binary import divide_no_nan, maximum


def refuse_eager(metric: str) -> None:
    """Raise RuntimeError when executing eagerly: values would be computed once and never again."""
    if executing_eagerly():
        raise RuntimeError(
            f"tf.metrics.{metric} is not supported when eager execution is enabled. "
            "Build it in a graph, or use tf.keras.metrics."
        )


def metric_variable(shape: Any, dtype: Any, validate_shape: bool = True, name: str | None = None) -> Any:
    """Return a local variable of zeros, in `GraphKeys.LOCAL_VARIABLES` and `GraphKeys.METRIC_VARIABLES`.

    Args:
        shape: its shape.
        dtype: its type.
        validate_shape: whether later values must have that shape.
        name: its name.
    """
    return VariableV1(
        lambda: zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape,
        name=name,
    )


def collected(value: Any, update: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    """Add a metric's value and update to the collections asked for, and return both."""
    graph = get_default_graph()
    if metrics_collections:
        graph.add_to_collections(metrics_collections, value)
    if updates_collections:
        graph.add_to_collections(updates_collections, update)
    return value, update


def quotient(numerator: Any, denominator: Any, name: str) -> Tensor:
    """Return a quotient, 0 where the denominator is not positive."""
    denominator = convert_to_tensor(denominator)
    return divide_no_nan(numerator, maximum(denominator, convert_to_tensor(0, denominator.dtype.base_dtype)), name=name)


def aligned(predictions: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Return the three as tensors whose ranks agree.

    Where ranks are known and differ by 1, a last axis of size 1 is taken away, or one is added to the weights.

    Args:
        predictions: a tensor.
        labels, weights: tensors or None.
    """
    predictions = convert_to_tensor(predictions)
    if labels is not None:
        labels = convert_to_tensor(labels)
        ranks = predictions.shape.rank, labels.shape.rank
        if None not in ranks and ranks[0] - ranks[1] == 1 and predictions.dims[-1] in (1, None):
            predictions = squeeze(predictions, [-1])
        elif None not in ranks and ranks[0] - ranks[1] == -1 and labels.dims[-1] in (1, None):
            labels = squeeze(labels, [-1])
        predictions.shape.assert_is_compatible_with(labels.shape)
    if weights is None:
        return predictions, labels, None
    weights = convert_to_tensor(weights)
    ranks = predictions.shape.rank, weights.shape.rank
    if weights.shape.rank and None not in ranks:
        if ranks[1] - ranks[0] == 1:
            weights = squeeze(weights, [-1])
        elif ranks[0] - ranks[1] == 1:
            weights = expand_dims(weights, -1)
    return predictions, labels, weights
