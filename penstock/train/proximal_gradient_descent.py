"""Proximal gradient descent."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference


class ProximalGradientDescentOptimizer(KernelOptimizer):
    """Gradient descent followed by the exact minimization of an L1 and L2 penalty.

    Args:
        learning_rate: a number or a tensor.
        l1_regularization_strength: at least 0.
        l2_regularization_strength: at least 0.
        use_locking, name: see `Optimizer`.
    Source: Duchi and Singer 2009.
    """

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._learning_rate_tensor: Any = None
        self._l1_tensor: Any = None
        self._l2_tensor: Any = None

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(
            self._call_if_callable(self._learning_rate), name="learning_rate"
        )
        self._l1_tensor = convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        dtype = var.dtype.base_dtype
        return self._training_op("ProximalGradientDescent", var, indices)(
            reference(var),
            cast(self._learning_rate_tensor, dtype),
            cast(self._l1_tensor, dtype),
            cast(self._l2_tensor, dtype),
            grad,
            *(() if indices is None else (indices,)),
            use_locking=self._use_locking,
        )
