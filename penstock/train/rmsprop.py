"""RMSProp: gradients divided by their running root mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.ops.array.filling import ones, ones_like_v1
from penstock.ops.math.cast import cast
from penstock.train.optimizer import KernelOptimizer, reference


class RMSPropOptimizer(KernelOptimizer):
    """Divides gradients by their running root mean square, with momentum.

    Args:
        learning_rate: a number, a tensor, or a function that returns one.
        decay: the part of the running mean of squares that is kept.
        momentum: the part of the last update that is added to the next.
        epsilon: keeps the quotient away from 0.
        use_locking: see `Optimizer`.
        centered: whether the variance of the gradient takes the place of its mean square.
        name: see `Optimizer`.
    Source: Tieleman and Hinton 2012; Graves 2013 for the centered form.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered
        self._learning_rate_tensor: Any = None
        self._decay_tensor: Any = None
        self._momentum_tensor: Any = None
        self._epsilon_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            dtype = var.dtype.base_dtype
            if var.get_shape().is_fully_defined():
                self._get_or_make_slot_with_initializer(var, _ones, var.get_shape(), dtype, "rms", self._name)
            else:
                self._get_or_make_slot(var, ones_like_v1(var), "rms", self._name)
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(
            self._call_if_callable(self._learning_rate), name="learning_rate"
        )
        self._decay_tensor = convert_to_tensor(self._call_if_callable(self._decay), name="decay")
        self._momentum_tensor = convert_to_tensor(self._call_if_callable(self._momentum), name="momentum")
        self._epsilon_tensor = convert_to_tensor(self._call_if_callable(self._epsilon), name="epsilon")

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        dtype = var.dtype.base_dtype
        slots = ("mg", "rms", "momentum") if self._centered else ("rms", "momentum")
        return self._training_op("CenteredRMSProp" if self._centered else "RMSProp", var, indices)(
            reference(var),
            *(reference(self.get_slot(var, slot)) for slot in slots),
            cast(self._learning_rate_tensor, dtype),
            cast(self._decay_tensor, dtype),
            cast(self._momentum_tensor, dtype),
            cast(self._epsilon_tensor, dtype),
            grad,
            *(() if indices is None else (indices,)),
            use_locking=self._use_locking,
        )


def _ones(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
    return ones(shape, dtype)
