"""What programs of TensorFlow 2 expect of `tf.keras` and Keras 3 dropped: added to its classes, with warnings.

- `optimizer.minimize(loss, var_list)`, and `loss` as a tensor with `tape`
- `lr=` and `decay=` of optimizers, and a learning rate that is an integer
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import keras

from penstock.core.tape import GradientTape


def minimize(
    self: Any, loss: Any, var_list: Any, grad_loss: Any = None, name: str | None = None, tape: Any = None
) -> Any:
    """Change variables by one step that lowers a loss.

    Args:
        self: the optimizer.
        loss: a function without arguments that computes the loss; or a tensor, recorded by `tape`.
        var_list: the variables, or a function that returns them.
        grad_loss: the gradient of the loss, 1 by default.
        name: accepted.
        tape: a GradientTape, for a loss that is a tensor.
    Returns:
        The number of steps made.
    Raises:
        ValueError: if the loss is a tensor and there is no tape.
    """
    if not callable(loss) and tape is None:
        raise ValueError(f"`tape` is required when a `Tensor` loss is passed. Received: loss={loss}, tape={tape}.")
    if callable(loss):
        tape = GradientTape() if tape is None else tape
        with tape:
            if not callable(var_list):
                tape.watch([_tensor_of(variable) for variable in var_list])
            loss = loss()
            if callable(var_list):
                var_list = var_list()
    variables = list(var_list)
    gradients = tape.gradient(loss, [_tensor_of(variable) for variable in variables], grad_loss)
    self.apply_gradients(zip(gradients, variables, strict=True))
    return self.iterations


def _tensor_of(variable: Any) -> Any:
    return getattr(variable, "value", variable) if isinstance(variable, keras.Variable) else variable


def _with_former_arguments(initialize: Callable[..., None]) -> Callable[..., None]:
    """Return an optimizer's initializer that takes `lr` and `decay` too."""

    @functools.wraps(initialize)
    def initialize_optimizer(self: Any, learning_rate: Any = None, *args: Any, **kwargs: Any) -> None:
        if "lr" in kwargs:
            warnings.warn("`lr` is deprecated, use `learning_rate` instead.", stacklevel=3)
            learning_rate = kwargs.pop("lr")
        if isinstance(learning_rate, int):
            learning_rate = float(learning_rate)
        decay = kwargs.pop("decay", None)
        if decay:
            warnings.warn("`decay` is deprecated, use a learning rate schedule instead.", stacklevel=3)
            learning_rate = keras.optimizers.schedules.InverseTimeDecay(learning_rate, 1, decay)
        initialize(self, learning_rate, *args, **kwargs)

    return initialize_optimizer


def apply() -> None:
    """Add what is missing, once."""
    base = next(cls for cls in keras.optimizers.Optimizer.__mro__ if cls.__name__ == "BaseOptimizer")
    if "minimize" in base.__dict__:
        return
    base.minimize = minimize
    base.__init__ = _with_former_arguments(base.__init__)
