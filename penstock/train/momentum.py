"""Gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference


class MomentumOptimizer(KernelOptimizer):
    """Accumulates a velocity: `accum = momentum * accum + grad; var -= learning_rate * accum`.

    Args:
        learning_rate: a number, a tensor, or a function that returns one.
        momentum: the same, for the part of the velocity that is kept.
        use_locking, name: see `Optimizer`.
        use_nesterov: whether to look ahead: `var -= learning_rate * (grad + momentum * accum)`.
    Source: Sutskever et al. 2013, for the second form.
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov
        self._learning_rate_tensor: Any = None
        self._momentum_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(
            self._call_if_callable(self._learning_rate), name="learning_rate"
        )
        self._momentum_tensor = convert_to_tensor(self._call_if_callable(self._momentum), name="momentum")

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        dtype = var.dtype.base_dtype
        return self._training_op("Momentum", var, indices)(
            reference(var),
            reference(self.get_slot(var, "momentum")),
            cast(self._learning_rate_tensor, dtype),
            grad,
            *(() if indices is None else (indices,)),
            cast(self._momentum_tensor, dtype),
            use_locking=self._use_locking,
            use_nesterov=self._use_nesterov,
        )
