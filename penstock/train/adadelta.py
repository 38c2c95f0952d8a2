"""Adadelta: steps in the units of the variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference


class AdadeltaOptimizer(KernelOptimizer):
    """Scales gradients by the ratio of the running sizes of past updates and past gradients.

    Args:
        learning_rate: a number, a tensor, or a function that returns one; 1.0 is the form in the paper.
        rho: the part of a running mean that is kept.
        epsilon: keeps roots and quotients away from 0.
        use_locking, name: see `Optimizer`.
    Source: Zeiler 2012.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon
        self._lr_t: Any = None
        self._rho_t: Any = None
        self._epsilon_t: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)

    def _prepare(self) -> None:
        self._lr_t = convert_to_tensor(self._call_if_callable(self._lr), name="lr")
        self._rho_t = convert_to_tensor(self._call_if_callable(self._rho), name="rho")
        self._epsilon_t = convert_to_tensor(self._call_if_callable(self._epsilon), name="epsilon")

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        dtype = var.dtype.base_dtype
        return self._training_op("Adadelta", var, indices)(
            reference(var),
            reference(self.get_slot(var, "accum")),
            reference(self.get_slot(var, "accum_update")),
            cast(self._lr_t, dtype),
            cast(self._rho_t, dtype),
            cast(self._epsilon_t, dtype),
            grad,
            *(() if indices is None else (indices,)),
            use_locking=self._use_locking,
        )
