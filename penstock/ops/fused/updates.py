"""Updates of several variables by one rule, with the hyperparameters that they share, in one multi-tensor kernel.

Where some variable cannot take part (its shape is not that of its gradient, its memory is not contiguous, or the type
has no fused kernel) all are updated one after the other, by the operation of a single update.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from penstock.core.array import Array
from penstock.core.dtypes import FLOATING
from penstock.core.op import Op
from penstock.core.resources import VariableStorage
from penstock.ops.fused.declare import fused_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.state.training import apply_adam, apply_gradient_descent, apply_momentum

_INFINITE_STEP = torch.tensor(math.inf)
_FUSED = (torch.float32, torch.float64)


def _agree(storages: Sequence[Sequence[VariableStorage]], grads: Sequence[Array]) -> bool:
    """Tell whether all variables and slots have the shapes and types of their gradients."""
    for column in storages:
        for storage, grad in zip(column, grads, strict=True):
            value = storage.read()
            if value.shape != grad.shape or value.dtype != grad.dtype:
                return False
    return True


def _update(
    storages: Sequence[Sequence[VariableStorage]],
    grads: Sequence[Array],
    rule: Callable[..., None],
    single: Callable[[int], None],
) -> Sequence[VariableStorage]:
    """Run a rule on the memory of all variables and slots, holding the variables' locks."""
    variables = storages[0]
    if not _agree(storages, grads):
        for index in range(len(variables)):
            single(index)
        return variables
    held: list[Any] = []
    try:
        for variable in sorted(variables, key=id):  # in one order everywhere, so that no two steps wait for each other
            variable.lock.acquire()
            held.append(variable.lock)
        rule(*([storage.writable() for storage in column] for column in storages), grads)
    finally:
        for lock in reversed(held):
            lock.release()
    return variables


def _gradient_descent(
    var: list[VariableStorage], alpha: float, delta: list[Array], *, use_locking: bool = False
) -> Any:
    def rule(variables: list[Array], grads: list[Array]) -> None:
        torch._foreach_add_(variables, grads, alpha=-alpha)

    kernel = apply_gradient_descent.resource.kernel
    return _update([var], delta, rule, lambda index: kernel(var[index], alpha, delta[index]))


def _momentum(
    var: list[VariableStorage],
    accum: list[VariableStorage],
    lr: float,
    grad: list[Array],
    momentum: float,
    *,
    use_locking: bool = False,
    use_nesterov: bool = False,
) -> Any:
    def rule(variables: list[Array], accumulators: list[Array], grads: list[Array]) -> None:
        torch._foreach_mul_(accumulators, momentum)
        torch._foreach_add_(accumulators, grads)
        if use_nesterov:
            torch._foreach_add_(variables, grads, alpha=-lr)
            torch._foreach_add_(variables, accumulators, alpha=-lr * momentum)
        else:
            torch._foreach_add_(variables, accumulators, alpha=-lr)

    kernel = apply_momentum.resource.kernel
    return _update(
        [var, accum],
        grad,
        rule,
        lambda index: kernel(var[index], accum[index], lr, grad[index], momentum, use_nesterov=use_nesterov),
    )


def _adam(
    var: list[VariableStorage],
    m: list[VariableStorage],
    v: list[VariableStorage],
    beta1_power: float,
    beta2_power: float,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    grad: list[Array],
    *,
    use_locking: bool = False,
    use_nesterov: bool = False,
) -> Any:
    def rule(variables: list[Array], means: list[Array], squares: list[Array], grads: list[Array]) -> None:
        alpha = lr * math.sqrt(1 - beta2_power) / (1 - beta1_power)
        targets = (*variables, *means, *squares)
        if 0 <= beta1 < 1 and 0 <= beta2 < 1 and all(t.dtype in _FUSED and t.is_contiguous() for t in targets):
            # ATen corrects the bias by 1 - beta ** step, which is 1 for an endless step; ours is part of `alpha`.
            torch._fused_adam_(
                variables,
                [grad if grad.is_contiguous() else grad.contiguous() for grad in grads],
                means,
                squares,
                [],
                [_INFINITE_STEP] * len(variables),
                lr=alpha,
                beta1=beta1,
                beta2=beta2,
                weight_decay=0.0,
                eps=epsilon,
                amsgrad=False,
                maximize=False,
            )
            return
        torch._foreach_lerp_(means, grads, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, grads, grads, value=1 - beta2)
        scales = torch._foreach_sqrt(squares)
        torch._foreach_add_(scales, epsilon)
        torch._foreach_addcdiv_(variables, means, scales, value=-alpha)

    def single(index: int) -> None:
        apply_adam.resource.kernel(
            *(column[index] for column in (var, m, v)),
            *(beta1_power, beta2_power, lr, beta1, beta2, epsilon),
            grad[index],
            use_nesterov=use_nesterov,
        )

    scalars = (beta1_power, beta2_power, lr, beta1, beta2, epsilon)
    if use_nesterov or any(isinstance(number, list) for number in scalars) or not 1 - beta2_power >= 0:
        for index in range(len(var)):
            single(index)
        return var
    return _update([var, m, v], grad, rule, single)


_GRADIENT_DESCENT = "var: N * ref T, alpha: host T, delta: N * T"
_MOMENTUM = "var: N * ref T, accum: N * ref T, lr: host T, grad: N * T, momentum: host T"
_ADAM = (
    "var: N * ref T, m: N * ref T, v: N * ref T, beta1_power: host T, beta2_power: host T, lr: host T, beta1: host T, "
    "beta2: host T, epsilon: host T, grad: N * T"
)


def _declare(name: str, arguments: str, kernel: Callable[..., Any]) -> dict[str, Op]:
    """Declare a rule for references and for resources, by the names of the operations of a single update."""
    by_reference = arguments.replace("N * ref T", "ref N * T")
    on_resources = arguments.replace("N * ref T", "N * resource")

    return {
        name: fused_op(f"_Fused{name}({by_reference}) -> out: ref N * T", stateful=True, T=FLOATING)(kernel),
        f"Resource{name}": fused_op(f"_FusedResource{name}({on_resources})", stateful=True, T=FLOATING)(kernel),
    }


# The operation of a single update -> that of many.
FUSED_UPDATES: dict[str, Op] = {
    **_declare("ApplyGradientDescent", _GRADIENT_DESCENT, _gradient_descent),
    **_declare("ApplyMomentum", _MOMENTUM, _momentum),
    **_declare("ApplyAdam", _ADAM, _adam),
}


# Gradients that are products of matrices, by blocks of rows: the whole of one is as large as its variable.

# A block is no smaller than half of this, so that the threads have enough to do.
_BLOCK_BYTES = 8 << 20


class _Rows:
    """Some rows of a variable's memory, as rules take a variable.

    Attributes:
        value: the rows.
        lock: the variable's.
    """

    def __init__(self, value: Array, lock: Any) -> None:
        self.value = value
        self.lock = lock

    def read(self) -> Array:
        """Return the rows."""
        return self.value

    writable = read


def _by_blocks(
    kernel: Callable[..., Any], slots: int, place: int, is_usual: Callable[..., bool] = lambda *numbers: True
) -> Callable[..., Any]:
    """Return a rule that takes two matrices in place of their product, the first of them to be transposed.

    Args:
        kernel: the rule for lists of variables and their gradients.
        slots: the number of storages for each variable.
        place: the position of the gradient, from which the matrices stand.
        is_usual: whether the kernel has a multi-tensor form with some numbers.
    """

    def update(*arguments: Any, use_locking: bool = False, use_nesterov: bool = False) -> Any:
        storages, before, after = arguments[:slots], arguments[slots:place], arguments[place + 2 :]
        left, right = arguments[place : place + 2]
        options = {"use_nesterov": True} if use_nesterov else {}

        def run(columns: Sequence[Any], gradient: Array) -> None:
            kernel(*([column] for column in columns), *before, [gradient], *after, **options)

        shape = (left.shape[1], right.shape[1])
        count = -(-shape[0] * shape[1] * left.element_size() // _BLOCK_BYTES)
        numbers = (*before, *after)
        in_blocks = (
            count > 1
            and left.dtype in _FUSED
            and left.shape[0] == right.shape[0]
            and not use_nesterov
            and not any(isinstance(number, list) for number in numbers)
            and is_usual(*numbers)
            and all(value.shape == shape and value.dtype == left.dtype for value in map(VariableStorage.read, storages))
        )
        if not in_blocks:
            run(storages, mat_mul_op.kernel(left, right, transpose_a=True, grad_b=True))
            return storages[0]
        rows = -(-shape[0] // count)
        lock = storages[0].lock
        with lock:
            values = [storage.writable() for storage in storages]
            block = left.new_empty((rows, shape[1]))
            for start in range(0, shape[0], rows):
                part = left[:, start : start + rows]
                gradient = torch.mm(part.t(), right, out=block[: part.shape[1]])
                run([_Rows(value[start : start + rows], lock) for value in values], gradient)
        return storages[0]

    return update


def _declare_products(name: str, arguments: str, kernel: Callable[..., Any]) -> dict[str, Op]:
    arguments = re.sub(r"\b(grad|delta): N \* T", "left: T, right: T", arguments)
    by_reference = arguments.replace("N * ref T", "ref T")
    on_resources = arguments.replace("N * ref T", "resource")
    return {
        f"_Fused{name}": fused_op(f"_Fused{name}OfProduct({by_reference}) -> out: ref T", stateful=True, T=FLOATING)(
            kernel
        ),
        f"_FusedResource{name}": fused_op(f"_FusedResource{name}OfProduct({on_resources})", stateful=True, T=FLOATING)(
            kernel
        ),
    }


# The fused operation of one variable -> the same, given the factors of the gradient.
PRODUCT_UPDATES: dict[str, Op] = {
    **_declare_products("ApplyGradientDescent", _GRADIENT_DESCENT, _by_blocks(_gradient_descent, 1, 2)),
    **_declare_products("ApplyMomentum", _MOMENTUM, _by_blocks(_momentum, 2, 3)),
    **_declare_products("ApplyAdam", _ADAM, _by_blocks(_adam, 3, 9, lambda *numbers: 1 - numbers[1] >= 0)),
}
