"""Adagrad: a learning rate for each element, by the gradients it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.array.filling import fill
from penstock.ops.array.shaping import shape_v1
from penstock.ops.constant import constant_v1
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference


class AdagradOptimizer(KernelOptimizer):
    """Divides the learning rate by the root of the sum of squares: `accum += grad**2; var -= lr * grad / sqrt(accum)`.

    Args:
        learning_rate: a number, a tensor, or a function that returns one.
        initial_accumulator_value: what the sums begin with; greater than 0.
        use_locking, name: see `Optimizer`.
    Raises:
        ValueError: if `initial_accumulator_value` is not positive.
    Source: Duchi et al. 2011.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._learning_rate_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            dtype = var.dtype.base_dtype
            if var.get_shape().is_fully_defined():
                self._get_or_make_slot_with_initializer(
                    var, self._initial, var.get_shape(), dtype, "accumulator", self._name
                )
            else:
                value = fill(shape_v1(var), cast(self._initial_accumulator_value, dtype))
                self._get_or_make_slot(var, value, "accumulator", self._name)

    def _initial(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return constant_v1(self._initial_accumulator_value, dtype, shape)

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(
            self._call_if_callable(self._learning_rate), name="learning_rate"
        )

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        return self._training_op("Adagrad", var, indices)(
            reference(var),
            reference(self.get_slot(var, "accumulator")),
            cast(self._learning_rate_tensor, var.dtype.base_dtype),
            grad,
            *(() if indices is None else (indices,)),
            use_locking=self._use_locking,
        )
