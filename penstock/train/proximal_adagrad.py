"""Proximal Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.constant import constant_v1
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference
from penstock.train.scopes import colocate_with


class ProximalAdagradOptimizer(KernelOptimizer):
    """Adagrad followed by the exact minimization of an L1 and L2 penalty.

    Args:
        learning_rate: a number or a tensor.
        initial_accumulator_value: what the sums of squares begin with; greater than 0.
        l1_regularization_strength: at least 0.
        l2_regularization_strength: at least 0.
        use_locking, name: see `Optimizer`.
    Raises:
        ValueError: if `initial_accumulator_value` is not positive.
    Source: Duchi and Singer 2009; Duchi et al. 2011.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._learning_rate_tensor: Any = None
        self._l1_tensor: Any = None
        self._l2_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            with colocate_with(var):
                value = constant_v1(self._initial_accumulator_value, var.dtype.base_dtype, var.get_shape())
            self._get_or_make_slot(var, value, "accumulator", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(
            self._call_if_callable(self._learning_rate), name="learning_rate"
        )
        self._l1_tensor = convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        dtype = var.dtype.base_dtype
        return self._training_op("ProximalAdagrad", var, indices)(
            reference(var),
            reference(self.get_slot(var, "accumulator")),
            cast(self._learning_rate_tensor, dtype),
            cast(self._l1_tensor, dtype),
            cast(self._l2_tensor, dtype),
            grad,
            *(() if indices is None else (indices,)),
            use_locking=self._use_locking,
        )
