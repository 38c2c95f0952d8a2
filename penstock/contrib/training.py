"""`tf.contrib.training`: the operation that trains and returns the loss."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.tensor import Tensor
from penstock.language.control_flow import with_dependencies
from penstock.language.variables import trainable_variables
from penstock.ops.constant import no_op
from penstock.ops.math.clip import clip_by_norm, global_norm
from penstock.ops.math.numerics import check_numerics
from penstock.platform import logging
from penstock.summary import v1 as summary
from penstock.train.global_step import get_or_create_global_step
from penstock.train.optimizer import Optimizer

Gradients = Sequence[tuple[Any, Any]]

# Stands for the global step of the graph, since None says that no step is counted.
USE_GLOBAL_STEP = 0


def create_train_op(
    total_loss: Any,
    optimizer: Any,
    global_step: Any = USE_GLOBAL_STEP,
    update_ops: Any = None,
    variables_to_train: Sequence[Any] | None = None,
    transform_grads_fn: Callable[[Gradients], Gradients] | None = None,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False,
    check_numerics: bool = True,
) -> Tensor:
    """Return a tensor that trains when it is evaluated: the loss after the updates.

    Args:
        total_loss: the loss, a scalar.
        optimizer: an optimizer.
        global_step: what counts the steps, by default the global step of the graph; None for nothing.
        update_ops: operations to run first, by default those in the collection UPDATE_OPS.
        variables_to_train: by default all trainable variables.
        transform_grads_fn: from (gradient, variable) pairs to such pairs.
        summarize_gradients: whether gradients are recorded.
        gate_gradients, aggregation_method, colocate_gradients_with_ops: see `Optimizer.compute_gradients`.
        check_numerics: whether a loss that is not finite is an error.
    """
    graph = get_default_graph()
    counter = get_or_create_global_step() if _is_default(global_step) else global_step
    collected = graph.get_collection(GraphKeys.UPDATE_OPS)
    chosen = collected if update_ops is None else list(update_ops)
    missing = [update for update in collected if update not in chosen]
    if missing:
        logging.warning("update_ops in create_train_op does not contain all the update_ops in GraphKeys.UPDATE_OPS")
    if chosen:
        with graph.control_dependencies(chosen):
            barrier = no_op(name="update_barrier")
        total_loss = with_dependencies([barrier], total_loss)
    pairs: Gradients = optimizer.compute_gradients(
        total_loss,
        trainable_variables() if variables_to_train is None else variables_to_train,
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )
    if transform_grads_fn is not None:
        pairs = transform_grads_fn(pairs)
    if summarize_gradients:
        with name_scope("summarize_grads"):
            add_gradients_summaries(pairs)
    updates = optimizer.apply_gradients(pairs, global_step=counter)
    with name_scope("train_op"):
        checked = _checked(total_loss) if check_numerics else total_loss
        train_op = with_dependencies([updates], checked)
    train_ops = graph.get_collection_ref(GraphKeys.TRAIN_OP)
    if train_op not in train_ops:
        train_ops.append(train_op)
    return train_op


def _is_default(global_step: Any) -> bool:
    return isinstance(global_step, int) and global_step == USE_GLOBAL_STEP


def _checked(loss: Any) -> Tensor:
    return check_numerics(loss, "LossTensor is inf or nan")


def _with_values(gradient: Any, change: Callable[[Any], Any]) -> Any:
    """Return a gradient whose values are changed, whether it is dense or of slices."""
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(change(gradient.values), gradient.indices, gradient.dense_shape)
    return change(gradient)


def clip_gradient_norms(gradients_to_variables: Gradients, max_norm: float) -> list[tuple[Any, Any]]:
    """Return (gradient, variable) pairs in which no gradient has a norm above `max_norm`."""
    return [
        (None if gradient is None else _with_values(gradient, lambda values: clip_by_norm(values, max_norm)), variable)
        for gradient, variable in gradients_to_variables
    ]


def clip_gradient_norms_fn(max_norm: float) -> Callable[[Gradients], list[tuple[Any, Any]]]:
    """Return a function for `create_train_op` that clips each gradient; see `clip_gradient_norms`."""
    return lambda pairs: clip_gradient_norms(pairs, max_norm)


def multiply_gradients(grads_and_vars: Gradients, gradient_multipliers: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Return (gradient, variable) pairs in which some gradients are multiplied.

    Args:
        grads_and_vars: the pairs.
        gradient_multipliers: from a variable, or the name of its operation, to the factor.

    Raises:
        ValueError: if there are no pairs or no factors, or a variable with a factor has no gradient.
    """
    if not grads_and_vars:
        raise ValueError("grads_and_vars must be a list of (gradient, variable) pairs.")
    if not gradient_multipliers:
        raise ValueError("gradient_multipliers is empty.")
    factors = {key if isinstance(key, str) else key.op.name: value for key, value in gradient_multipliers.items()}
    result = []
    for gradient, variable in grads_and_vars:
        factor = factors.get(variable.op.name)
        if factor is not None:
            if gradient is None:
                raise ValueError(f"Requested multiple of `None` gradient: {variable.name}.")
            gradient = _with_values(gradient, functools.partial(operator.mul, factor))
        result.append((gradient, variable))
    return result


def add_gradients_summaries(grads_and_vars: Gradients) -> list[Any]:
    """Return summaries of gradients, a histogram and a norm for each."""
    summaries: list[Any] = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            logging.info("Var %s has no gradient", variable.op.name)
            continue
        values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        summaries.append(summary.histogram(f"{variable.op.name}_gradient", values))
        summaries.append(summary.scalar(f"{variable.op.name}_gradient_norm", global_norm([values])))
    return summaries
