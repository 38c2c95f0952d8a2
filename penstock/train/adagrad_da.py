"""Adagrad with dual averaging, for sparse linear models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.constant import constant_v1, identity
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference
from penstock.train.scopes import colocate_with


class AdagradDAOptimizer(KernelOptimizer):
    """Adagrad in the form that regularizes rows which a step does not touch as if it had.

    Args:
        learning_rate: a number or a tensor.
        global_step: the variable that counts steps.
        initial_gradient_squared_accumulator_value: what the sums of squares begin with; greater than 0.
        l1_regularization_strength: at least 0.
        l2_regularization_strength: at least 0.
        use_locking, name: see `Optimizer`.
    Raises:
        ValueError: if the initial value is not positive.
    Source: Duchi et al. 2011.
    """

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                "initial_gradient_squared_accumulator_value must be positive: "
                f"{initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_value = initial_gradient_squared_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._global_step = global_step
        self._learning_rate_tensor: Any = None
        self._next_step: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            dtype, shape = var.dtype.base_dtype, var.get_shape()
            with colocate_with(var):
                sums = constant_v1(0.0, dtype, shape)
                squares = constant_v1(self._initial_value, dtype, shape)
            self._get_or_make_slot(var, sums, "gradient_accumulator", self._name)
            self._get_or_make_slot(var, squares, "gradient_squared_accumulator", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(self._learning_rate, name="learning_rate")
        # The kernel divides by the number of the step, which counts from 1.
        with colocate_with(self._learning_rate_tensor):
            self._next_step = identity(self._global_step) + 1

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        dtype = var.dtype.base_dtype
        step = identity(self._next_step)
        return self._training_op("AdagradDA", var, indices)(
            reference(var),
            reference(self.get_slot(var, "gradient_accumulator")),
            reference(self.get_slot(var, "gradient_squared_accumulator")),
            grad,
            *(() if indices is None else (indices,)),
            cast(self._learning_rate_tensor, dtype),
            cast(self._l1_regularization_strength, dtype),
            cast(self._l2_regularization_strength, dtype),
            step,
            use_locking=self._use_locking,
        )
