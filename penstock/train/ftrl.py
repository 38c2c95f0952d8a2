"""FTRL-proximal: follow the regularized leader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.array.filling import ones
from penstock.ops.math.binary import maximum
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference

_LEAST_LEARNING_RATE = 1e-36


class FtrlOptimizer(KernelOptimizer):
    """Keeps linear models sparse by solving for the minimum of the regularized sum of all past gradients.

    Args:
        learning_rate: a number, a tensor, or a function that returns one.
        learning_rate_power: at most 0; how the rate falls with the accumulated squares. 0 keeps it fixed.
        initial_accumulator_value: what the sums of squares begin with; at least 0.
        l1_regularization_strength: at least 0.
        l2_regularization_strength: at least 0.
        use_locking, name: see `Optimizer`.
        accum_name: name of the slot of sums of squares, by default the optimizer's.
        linear_name: name of the slot of linear terms, by default the optimizer's.
        l2_shrinkage_regularization_strength: at least 0; penalizes the size of the variable, not of the solution.
        beta: added to the root of the sums of squares.
    Raises:
        ValueError: if a number is out of its range.
    Source: McMahan et al. 2013.
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ) -> None:
        super().__init__(use_locking, name)
        for label, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0.0:
                raise ValueError(f"{label} {value:f} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power:f} needs to be negative or zero")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._beta = 0.0 if beta is None else beta
        self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self._accum_name = accum_name
        self._linear_name = linear_name
        self._learning_rate_tensor: Any = None
        self._learning_rate_power_tensor: Any = None
        self._l1_tensor: Any = None
        self._adjusted_l2_tensor: Any = None
        self._l2_shrinkage_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._get_or_make_slot_with_initializer(
                var, self._initial, var.get_shape(), var.dtype.base_dtype, "accum", self._accum_name or self._name
            )
            self._zeros_slot(var, "linear", self._linear_name or self._name)

    def _initial(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        whole: Any = ones(shape, dtype)
        return whole * self._initial_accumulator_value

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(rate, name="learning_rate")
        self._l1_tensor = convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        # The kernel knows no beta; as an L2 term of this size it comes to the same.
        positive_rate: Any = maximum(rate, _LEAST_LEARNING_RATE)
        equivalent = self._beta / (2.0 * positive_rate)
        self._adjusted_l2_tensor = self._l2_regularization_strength + equivalent
        self._l2_shrinkage_tensor = convert_to_tensor(
            self._l2_shrinkage_regularization_strength, name="l2_shrinkage_regularization_strength"
        )
        self._learning_rate_power_tensor = convert_to_tensor(self._learning_rate_power, name="learning_rate_power")

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        dtype = var.dtype.base_dtype
        shrinks = self._l2_shrinkage_regularization_strength > 0.0
        return self._training_op("FtrlV2" if shrinks else "Ftrl", var, indices)(
            reference(var),
            reference(self.get_slot(var, "accum")),
            reference(self.get_slot(var, "linear")),
            grad,
            *(() if indices is None else (indices,)),
            cast(self._learning_rate_tensor, dtype),
            cast(self._l1_tensor, dtype),
            cast(self._adjusted_l2_tensor, dtype),
            *((cast(self._l2_shrinkage_tensor, dtype),) if shrinks else ()),
            cast(self._learning_rate_power_tensor, dtype),
            use_locking=self._use_locking,
        )
