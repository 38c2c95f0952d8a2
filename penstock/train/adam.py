"""Adam: momentum and scaling by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.language.control_flow import group
from penstock.language.graph_functions import control_dependencies
from penstock.language.init_scope import outermost_graph
from penstock.ops.math.cast import cast
from penstock.ops.math.unary import sqrt
from penstock.train.optimizer import Optimizer, operation, reference
from penstock.train.scopes import colocate_with


class AdamOptimizer(Optimizer):
    """Scales gradients by running means of their values and squares, corrected for their start at 0.

    Args:
        learning_rate: a number, a tensor, or a function that returns one.
        beta1: the part of the running mean that is kept.
        beta2: the part of the running mean of squares that is kept.
        epsilon: keeps the quotient away from 0; the one that the paper calls "epsilon hat".
        use_locking, name: see `Optimizer`.
        use_own_namescope_for_non_slot_vars: whether the powers of beta1 and beta2 are named after the optimizer.
    Source: Kingma and Ba 2015, the formulation before section 2.1. For sparse gradients the means of all rows decay,
        and all rows move, as if the gradient were zero elsewhere.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
        use_own_namescope_for_non_slot_vars: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon
        self._prefix = f"{name}/" if use_own_namescope_for_non_slot_vars else ""
        self._lr_t: Any = None
        self._beta1_t: Any = None
        self._beta2_t: Any = None
        self._epsilon_t: Any = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        graph = outermost_graph()
        return (
            self._get_non_slot_variable(self._prefix + "beta1_power", graph),
            self._get_non_slot_variable(self._prefix + "beta2_power", graph),
        )

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        # The first name makes the place of the two powers the same in all processes of a cluster.
        first = min(var_list, key=lambda var: var.name)
        for name, value in (("beta1_power", self._beta1), ("beta2_power", self._beta2)):
            self._create_non_slot_variable(self._call_if_callable(value), self._prefix + name, colocate_with=first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        self._lr_t = convert_to_tensor(self._call_if_callable(self._lr), name="learning_rate")
        self._beta1_t = convert_to_tensor(self._call_if_callable(self._beta1), name="beta1")
        self._beta2_t = convert_to_tensor(self._call_if_callable(self._beta2), name="beta2")
        self._epsilon_t = convert_to_tensor(self._call_if_callable(self._epsilon), name="epsilon")

    def _update(self, kernel: str, var: Any, grad: Any) -> Any:
        dtype = var.dtype.base_dtype
        beta1_power, beta2_power = self._get_beta_accumulators()
        return operation(kernel)(
            reference(var),
            reference(self.get_slot(var, "m")),
            reference(self.get_slot(var, "v")),
            cast(beta1_power, dtype),
            cast(beta2_power, dtype),
            cast(self._lr_t, dtype),
            cast(self._beta1_t, dtype),
            cast(self._beta2_t, dtype),
            cast(self._epsilon_t, dtype),
            grad,
            use_locking=self._use_locking,
        )

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._update("ApplyAdam", var, grad)

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        return self._update("ResourceApplyAdam", handle, grad)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._apply_sparse_shared(grad.values, var, grad.indices, self._scatter_add)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return self._apply_sparse_shared(grad, handle, indices, self._resource_scatter_add)

    def _apply_sparse_shared(
        self, grad: Any, var: Any, indices: Any, scatter_add: Callable[[Any, Any, Any], Any]
    ) -> Any:
        """Return the operation that updates all rows by a gradient that has some of them.

        Args:
            grad: rows of the gradient.
            var: the variable.
            indices: distinct positions of the rows.
            scatter_add: adds rows to a slot, given the slot, their positions and the rows, and returns the new value.
        """
        dtype = var.dtype.base_dtype
        beta1_power, beta2_power = (cast(power, dtype) for power in self._get_beta_accumulators())
        lr_t, beta1_t, beta2_t, epsilon_t = (
            cast(value, dtype) for value in (self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t)
        )
        lr = lr_t * sqrt(1 - beta2_power) / (1 - beta1_power)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        mean = self._decay_and_add(m, beta1_t, indices, grad * (1 - beta1_t), scatter_add)
        mean_square = self._decay_and_add(v, beta2_t, indices, grad * grad * (1 - beta2_t), scatter_add)
        root = sqrt(mean_square)
        update = var.assign_sub(lr * mean / (root + epsilon_t), use_locking=self._use_locking)
        return group(update, mean, mean_square)

    def _decay_and_add(
        self, slot: Any, beta: Any, indices: Any, rows: Any, scatter_add: Callable[[Any, Any, Any], Any]
    ) -> Any:
        """Multiply a slot by `beta`, add `rows` at `indices`, and return the new value."""
        decayed = slot.assign(slot * beta, use_locking=self._use_locking)
        with control_dependencies([decayed]):
            return scatter_add(slot, indices, rows)

    def _scatter_add(self, x: Any, i: Any, v: Any) -> Any:
        """Add rows to a variable behind a reference."""
        return operation("ScatterAdd")(reference(x), i, v, use_locking=self._use_locking)

    def _resource_scatter_add(self, x: Any, i: Any, v: Any) -> Any:
        """Add rows to a variable behind a handle."""
        with control_dependencies([operation("ResourceScatterAdd")(reference(x), i, v)]):
            return x.value()

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        powers = self._get_beta_accumulators()
        with control_dependencies(update_ops):
            updates = []
            for power, beta in zip(powers, (self._beta1_t, self._beta2_t), strict=True):
                with colocate_with(powers[0]):
                    updates.append(power.assign(power * beta, use_locking=self._use_locking))
        return group(*update_ops, *updates, name=name_scope)
