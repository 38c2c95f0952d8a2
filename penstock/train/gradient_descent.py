"""Gradient descent."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.math.cast import cast
from penstock.train.optimizer import Optimizer, operation, reference


class GradientDescentOptimizer(Optimizer):
    """Moves each variable against its gradient: `var -= learning_rate * grad`.

    Args:
        learning_rate: a number, a tensor, or a function that returns one.
        use_locking, name: see `Optimizer`.
    """

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._learning_rate_tensor: Any = None

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(
            self._call_if_callable(self._learning_rate), name="learning_rate"
        )

    def _rate(self, like: Any) -> Any:
        return cast(self._learning_rate_tensor, like.dtype.base_dtype)

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        apply = operation("ApplyGradientDescent")
        return apply(reference(var), self._rate(var), grad, use_locking=self._use_locking)

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        apply = operation("ResourceApplyGradientDescent")
        return apply(reference(handle), self._rate(grad), grad, use_locking=self._use_locking)

    # Subtraction adds repeated rows up by itself.

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        return operation("ResourceScatterAdd")(reference(handle), indices, -grad * self._rate(grad))

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        delta = grad.values * self._rate(var)
        return operation("ScatterSub")(reference(var), grad.indices, delta, use_locking=self._use_locking)
