"""The training operation in one call: `optimize_loss`."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.indexed_slices import IndexedSlices
from penstock.language.control_flow import with_dependencies
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.language.variables import trainable_variables
from penstock.ops.array.shaping import shape_v1
from penstock.ops.constant import identity
from penstock.ops.initializers_v1 import constant_initializer
from penstock.ops.math.clip import clip_by_global_norm
from penstock.ops.random.functions import truncated_normal
from penstock.train.adagrad import AdagradOptimizer
from penstock.train.adam import AdamOptimizer
from penstock.train.ftrl import FtrlOptimizer
from penstock.train.global_step import get_global_step
from penstock.train.gradient_descent import GradientDescentOptimizer
from penstock.train.momentum import MomentumOptimizer
from penstock.train.optimizer import Optimizer
from penstock.train.rmsprop import RMSPropOptimizer

OPTIMIZERS = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}


def optimize_loss(
    loss: Any,
    global_step: Any,
    learning_rate: Any,
    optimizer: Any,
    gradient_noise_scale: Any = None,
    gradient_multipliers: Any = None,
    clip_gradients: Any = None,
    learning_rate_decay_fn: Any = None,
    update_ops: Any = None,
    variables: Any = None,
    name: str | None = None,
    summaries: Any = None,
    colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Any:
    """Return the loss as a tensor whose evaluation makes a training step first.

    Args:
        loss: a scalar.
        global_step: the step counter; None for that of the graph, or for none.
        learning_rate: a number or scalar; None if the optimizer has one.
        optimizer: a name ("Adagrad", "Adam", "Ftrl", "Momentum", "RMSProp", "SGD"), a class, a function from a learning
            rate to an optimizer, or an optimizer.
        gradient_noise_scale: the scale of normal noise that is added to gradients.
        gradient_multipliers: a dictionary from variables or their names to factors.
        clip_gradients: the largest norm of all gradients together, or a function of gradients and variables.
        learning_rate_decay_fn: from learning rate and step to the learning rate.
        update_ops: operations to run before; those of UPDATE_OPS by default.
        variables: what to train, all trainable variables by default.
        name: the variable scope, "OptimizeLoss" by default.
        summaries: accepted.
        colocate_gradients_with_ops: accepted.
        increment_global_step: whether the counter counts.
    Raises:
        ValueError: if the optimizer is of no kind that is known, there is nothing to train, or a learning rate is
            missing.
    """
    loss = convert_to_tensor(loss)
    step = get_global_step() if global_step is None else global_step
    with variable_scope(name, "OptimizeLoss", [loss]):
        graph = get_default_graph()
        waits = graph.get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else list(update_ops)
        if waits:
            loss = with_dependencies(waits, loss)
        rate = learning_rate
        if isinstance(rate, (int, float)):
            rate = get_variable(
                "learning_rate", [], float32, initializer=constant_initializer(float(rate)), trainable=False
            )
        if rate is not None and learning_rate_decay_fn is not None:
            if step is None:
                raise ValueError("global_step is required for learning_rate_decay_fn.")
            rate = learning_rate_decay_fn(rate, step)
        trainer = _optimizer(optimizer, rate)
        chosen = trainable_variables() if variables is None else variables
        pairs = trainer.compute_gradients(loss, chosen, colocate_gradients_with_ops=colocate_gradients_with_ops)
        if gradient_noise_scale is not None:
            pairs = [(_noisy(gradient, gradient_noise_scale), v) for gradient, v in pairs]
        if gradient_multipliers is not None:
            pairs = [(_multiplied(gradient, v, gradient_multipliers), v) for gradient, v in pairs]
        if callable(clip_gradients):
            pairs = clip_gradients(pairs)
        elif clip_gradients is not None:
            slopes, held = zip(*pairs, strict=True)
            pairs = list(zip(clip_by_global_norm(list(slopes), clip_gradients)[0], held, strict=True))
        train = trainer.apply_gradients(pairs, global_step=step if increment_global_step else None, name="train")
        with graph.control_dependencies([train]):
            return identity(loss)


def _optimizer(optimizer: Any, rate: Any) -> Any:
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"Optimizer name should be one of [{', '.join(OPTIMIZERS)}], you provided {optimizer}.")
        optimizer = OPTIMIZERS[optimizer]
    if not callable(optimizer):
        raise ValueError(
            "Unrecognized optimizer: should be string, subclass of Optimizer, instance of it, or a "
            f"function, got {optimizer!r}."
        )
    if rate is None and isinstance(optimizer, type):
        raise ValueError(f"Learning rate is None, but should be given for the optimizer {optimizer.__name__}")
    return optimizer(rate) if rate is not None else optimizer()


def _noisy(gradient: Any, scale: Any) -> Any:
    if gradient is None:
        return None
    values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
    noisy = values + truncated_normal(shape_v1(values), dtype=values.dtype.base_dtype) * scale
    return (
        IndexedSlices(noisy, gradient.indices, gradient.dense_shape) if isinstance(gradient, IndexedSlices) else noisy
    )


def _multiplied(gradient: Any, variable: Any, factors: Any) -> Any:
    factor = next((f for key, f in factors.items() if key is variable or key == variable.name), None)
    if gradient is None or factor is None:
        return gradient
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor
