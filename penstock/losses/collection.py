"""The losses of a graph: adding to their collection, and summing it up."""

from __future__ import annotations

from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import Tensor
from penstock.ops.constant import constant
from penstock.ops.math.sum_n import add_n


def add_loss(loss: Any, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Add a loss that was made by other means to the losses of the graph.

    Args:
        loss: a scalar.
        loss_collection: the collection; None adds it nowhere. Executing eagerly adds it nowhere either.
    """
    if loss_collection and not executing_eagerly():
        get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """Return the losses of the graph.

    Args:
        scope: a regular expression; only losses whose names it matches at the start are returned.
        loss_collection: the collection.
    """
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """Return the penalties on weights, of `GraphKeys.REGULARIZATION_LOSSES`; `scope` as in `get_losses`."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """Return the sum of the penalties on weights, 0 if there are none.

    Args:
        scope: see `get_losses`.
        name: the name of the sum.
    """
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """Return the sum of all losses.

    Args:
        add_regularization_losses: whether the penalties on weights count.
        name: the name of the sum.
        scope: see `get_losses`.
    Raises:
        ValueError: if there are no losses.
    """
    losses = get_losses(scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope)
    if not losses:
        raise ValueError("No losses in the graph: make one with tf.losses, or add yours with tf.losses.add_loss")
    return add_n(losses, name=name)
