"""The update rules of optimizers, each in four forms: dense or for some rows, on references or on resources.

A rule is one function on tensors that updates a variable and its slots in place. Its dense form runs it on the
variables themselves, its sparse form on the rows that have gradients; rows that appear more than once are updated
once for each. Hyperparameters are scalars and reach the rules as Python numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from penstock.core import dtypes
from penstock.core.dtypes import NUMBER
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Op, op
from penstock.core.resources import VariableStorage
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims, merge
from penstock.ops.state.scatter import occurrences
from penstock.ops.state.variables import INDEX, no_outputs, shape_text

_NUMBER = NUMBER | dtypes.QUANTIZED
Array = torch.Tensor


class Forms(NamedTuple):
    """The two operations of one update rule: on references, whose output is the updated one, and on resources."""

    ref: Op | None
    resource: Op


def _shape_rule(indices_at: int | None) -> Callable[..., Dims]:
    """Return the rule for references: all tensors have the variable's shape, a sparse gradient that of some rows."""

    def rule(*inputs: Any, **_: Any) -> Dims:
        var = inputs[0]
        if any(isinstance(item, list) for item in inputs):
            raise ShapeError("hyperparameters must be scalars")
        for position, dims in enumerate(inputs[1:], 1):
            if not isinstance(dims, tuple) or position == indices_at:
                continue
            if indices_at is not None and position == indices_at - 1:
                if var is not None and (len(dims) != len(var) or not var):
                    raise ShapeError(
                        f"the rows of the gradient {format_dims(dims)} must be those of the variable {format_dims(var)}"
                    )
                if var is not None:
                    merge(var[1:], dims[1:], "the rows of variable and gradient")
            else:
                var = merge(var, dims, "shapes of variable, slots and gradient")
        return var

    return rule


def _declare(schema: str, kernel: Callable[..., VariableStorage], has_ref: bool = True) -> Forms:
    """Declare both forms of a rule; `schema` is that on references, without its output."""
    arguments = [part.partition(":")[0].strip() for part in schema[schema.index("(") + 1 : -1].split(",")]
    types: dict[str, Any] = {"Tindices": INDEX} if "Tindices" in schema else {}
    indices_at = arguments.index("indices") if "indices" in arguments else None
    ref = None
    if has_ref:
        ref = op(f"{schema} -> out: ref T", T=_NUMBER, stateful=True, shape=_shape_rule(indices_at), **types)(kernel)
    resource_schema = "Resource" + re.sub(r"ref T\b", "resource", schema)
    return Forms(ref, op(resource_schema, T=_NUMBER, stateful=True, shape=no_outputs, **types)(kernel))


def _check(storages: tuple[VariableStorage, ...], hyper: tuple[Any, ...]) -> tuple[int, ...]:
    for number in hyper:
        if isinstance(number, list):
            raise InvalidArgumentError(None, None, f"hyperparameters of an update must be scalars, got {number}")
    dims = tuple(storages[0].read().shape)
    for slot in storages[1:]:
        if tuple(slot.read().shape) != dims:
            raise InvalidArgumentError(
                None,
                None,
                f"{storages[0].name} and {slot.name} do not have the same shape{shape_text(dims)} "
                f"{shape_text(slot.read().shape)}",
            )
    return dims


def _dense(
    rule: Callable[..., None], storages: tuple[VariableStorage, ...], grad: Array, *hyper: Any, **options: Any
) -> VariableStorage:
    """Run a rule on variables as a whole."""
    var = storages[0]
    dims = _check(storages, hyper)
    if tuple(grad.shape) != dims:
        raise InvalidArgumentError(
            None, None, f"var and grad do not have the same shape{shape_text(dims)} {shape_text(grad.shape)}"
        )
    with var.lock:
        rule(*(storage.writable() for storage in storages), grad, *hyper, **options)
    return var


def _sparse(
    rule: Callable[..., None],
    storages: tuple[VariableStorage, ...],
    grad: Array,
    indices: Array,
    *hyper: Any,
    **options: Any,
) -> VariableStorage:
    """Run a rule on the rows of variables that `indices` name."""
    var = storages[0]
    dims = _check(storages, hyper)
    if not dims:
        raise InvalidArgumentError(None, None, f"var must be at least 1 dimensional, {var.name} is a scalar")
    if indices.ndim != 1:
        raise InvalidArgumentError(
            None, None, f"indices must be one-dimensional, got shape {shape_text(indices.shape)}"
        )
    if tuple(grad.shape) != (indices.shape[0], *dims[1:]):
        raise InvalidArgumentError(
            None,
            None,
            f"grad must have one row for each of {indices.shape[0]} indices, of the shape of the rows of var "
            f"{shape_text(dims)}, "
            f"got {shape_text(grad.shape)}",
        )
    positions = indices.to(torch.int64)
    wrong = (positions < 0) | (positions >= dims[0])
    if wrong.any():
        first = int(torch.nonzero(wrong)[0])
        raise InvalidArgumentError(
            None, None, f"Index {int(positions[first])} at offset {first} in indices is out of range [0, {dims[0]})"
        )
    if not positions.numel():
        return var
    rounds = occurrences(positions)
    with var.lock:
        targets = [storage.writable() for storage in storages]
        if rounds is None:
            _update_rows(rule, targets, positions, grad, hyper, options)
        else:
            for turn in range(int(rounds.max()) + 1):
                chosen = torch.nonzero(rounds == turn).reshape(-1)
                _update_rows(rule, targets, positions[chosen], grad[chosen], hyper, options)
    return var


def _update_rows(
    rule: Callable[..., None],
    targets: list[Array],
    positions: Array,
    grad: Array,
    hyper: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    rows = [target.index_select(0, positions) for target in targets]
    rule(*rows, grad, *hyper, **options)
    for target, updated in zip(targets, rows, strict=True):
        target.index_copy_(0, positions, updated)


# Gradient descent


def _gradient_descent(var: Array, delta: Array, alpha: float) -> None:
    var.add_(delta, alpha=-alpha)


def _apply_gradient_descent(var: Any, alpha: Any, delta: Array, *, use_locking: bool = False) -> VariableStorage:
    return _dense(_gradient_descent, (var,), delta, alpha)


apply_gradient_descent = _declare("ApplyGradientDescent(var: ref T, alpha: host T, delta: T)", _apply_gradient_descent)


def _proximal_gradient_descent(var: Array, delta: Array, alpha: float, l1: float, l2: float) -> None:
    var.add_(delta, alpha=-alpha)
    if l1 > 0:
        var.copy_(var.sign() * (var.abs() - alpha * l1).clamp_(min=0))
    var.div_(1 + l2 * alpha)


def _apply_proximal_gradient_descent(
    var: Any, alpha: Any, l1: Any, l2: Any, delta: Array, *, use_locking: bool = False
) -> VariableStorage:
    return _dense(_proximal_gradient_descent, (var,), delta, alpha, l1, l2)


def _sparse_apply_proximal_gradient_descent(
    var: Any, alpha: Any, l1: Any, l2: Any, grad: Array, indices: Array, *, use_locking: bool = False
) -> VariableStorage:
    return _sparse(_proximal_gradient_descent, (var,), grad, indices, alpha, l1, l2)


apply_proximal_gradient_descent = _declare(
    "ApplyProximalGradientDescent(var: ref T, alpha: host T, l1: host T, l2: host T, delta: T)",
    _apply_proximal_gradient_descent,
)
sparse_apply_proximal_gradient_descent = _declare(
    "SparseApplyProximalGradientDescent(var: ref T, alpha: host T, l1: host T, l2: host T, grad: T, indices: Tindices)",
    _sparse_apply_proximal_gradient_descent,
)


# Momentum


def _momentum(var: Array, accum: Array, grad: Array, lr: float, momentum: float, use_nesterov: bool) -> None:
    accum.mul_(momentum).add_(grad)
    if use_nesterov:
        var.add_(grad, alpha=-lr).add_(accum, alpha=-lr * momentum)
    else:
        var.add_(accum, alpha=-lr)


def _keras_momentum(var: Array, accum: Array, grad: Array, lr: float, momentum: float, use_nesterov: bool) -> None:
    accum.mul_(momentum).add_(grad, alpha=-lr)
    if use_nesterov:
        var.add_(accum, alpha=momentum).add_(grad, alpha=-lr)
    else:
        var.add_(accum)


def _apply_momentum(
    var: Any, accum: Any, lr: Any, grad: Array, momentum: Any, *, use_locking: bool = False, use_nesterov: bool = False
) -> VariableStorage:
    return _dense(_momentum, (var, accum), grad, lr, momentum, use_nesterov=use_nesterov)


def _sparse_apply_momentum(
    var: Any,
    accum: Any,
    lr: Any,
    grad: Array,
    indices: Array,
    momentum: Any,
    *,
    use_locking: bool = False,
    use_nesterov: bool = False,
) -> VariableStorage:
    return _sparse(_momentum, (var, accum), grad, indices, lr, momentum, use_nesterov=use_nesterov)


def _apply_keras_momentum(
    var: Any, accum: Any, lr: Any, grad: Array, momentum: Any, *, use_locking: bool = False, use_nesterov: bool = False
) -> VariableStorage:
    return _dense(_keras_momentum, (var, accum), grad, lr, momentum, use_nesterov=use_nesterov)


def _sparse_apply_keras_momentum(
    var: Any,
    accum: Any,
    lr: Any,
    grad: Array,
    indices: Array,
    momentum: Any,
    *,
    use_locking: bool = False,
    use_nesterov: bool = False,
) -> VariableStorage:
    return _sparse(_keras_momentum, (var, accum), grad, indices, lr, momentum, use_nesterov=use_nesterov)


_MOMENTUM = "Momentum(var: ref T, accum: ref T, lr: host T, grad: T, momentum: host T)"
_SPARSE_MOMENTUM = "Momentum(var: ref T, accum: ref T, lr: host T, grad: T, indices: Tindices, momentum: host T)"
apply_momentum = _declare(f"Apply{_MOMENTUM}", _apply_momentum)
sparse_apply_momentum = _declare(f"SparseApply{_SPARSE_MOMENTUM}", _sparse_apply_momentum)
apply_keras_momentum = _declare(f"ApplyKeras{_MOMENTUM}", _apply_keras_momentum, has_ref=False)
sparse_apply_keras_momentum = _declare(
    f"SparseApplyKeras{_SPARSE_MOMENTUM}", _sparse_apply_keras_momentum, has_ref=False
)


# Adagrad


def _adagrad(var: Array, accum: Array, grad: Array, lr: float, update_slots: bool) -> None:
    if update_slots:
        accum.addcmul_(grad, grad)
    var.addcmul_(grad, accum.rsqrt(), value=-lr)


def _adagrad_v2(var: Array, accum: Array, grad: Array, lr: float, epsilon: float, update_slots: bool) -> None:
    if update_slots:
        accum.addcmul_(grad, grad)
    var.addcdiv_(grad, accum.sqrt().add_(epsilon), value=-lr)


def _apply_adagrad(
    var: Any, accum: Any, lr: Any, grad: Array, *, use_locking: bool = False, update_slots: bool = True
) -> VariableStorage:
    return _dense(_adagrad, (var, accum), grad, lr, update_slots=update_slots)


def _sparse_apply_adagrad(
    var: Any, accum: Any, lr: Any, grad: Array, indices: Array, *, use_locking: bool = False, update_slots: bool = True
) -> VariableStorage:
    return _sparse(_adagrad, (var, accum), grad, indices, lr, update_slots=update_slots)


def _apply_adagrad_v2(
    var: Any, accum: Any, lr: Any, epsilon: Any, grad: Array, *, use_locking: bool = False, update_slots: bool = True
) -> VariableStorage:
    return _dense(_adagrad_v2, (var, accum), grad, lr, epsilon, update_slots=update_slots)


def _sparse_apply_adagrad_v2(
    var: Any,
    accum: Any,
    lr: Any,
    epsilon: Any,
    grad: Array,
    indices: Array,
    *,
    use_locking: bool = False,
    update_slots: bool = True,
) -> VariableStorage:
    return _sparse(_adagrad_v2, (var, accum), grad, indices, lr, epsilon, update_slots=update_slots)


_ROWS = "grad: T, indices: Tindices"
apply_adagrad = _declare("ApplyAdagrad(var: ref T, accum: ref T, lr: host T, grad: T)", _apply_adagrad)
sparse_apply_adagrad = _declare(
    f"SparseApplyAdagrad(var: ref T, accum: ref T, lr: host T, {_ROWS})", _sparse_apply_adagrad
)
apply_adagrad_v2 = _declare(
    "ApplyAdagradV2(var: ref T, accum: ref T, lr: host T, epsilon: host T, grad: T)", _apply_adagrad_v2
)
sparse_apply_adagrad_v2 = _declare(
    f"SparseApplyAdagradV2(var: ref T, accum: ref T, lr: host T, epsilon: host T, {_ROWS})", _sparse_apply_adagrad_v2
)


def _adagrad_da(
    var: Array, gradients: Array, squares: Array, grad: Array, lr: float, l1: float, l2: float, global_step: int
) -> None:
    gradients.add_(grad)
    squares.addcmul_(grad, grad)
    descent = gradients
    if l1 > 0:
        descent = gradients.sign() * (gradients.abs() - l1 * global_step).clamp_(min=0)
    torch.div(descent.mul(-lr), squares.sqrt().add_(l2 * global_step * lr), out=var)


def _apply_adagrad_da(
    var: Any,
    gradient_accumulator: Any,
    gradient_squared_accumulator: Any,
    grad: Array,
    lr: Any,
    l1: Any,
    l2: Any,
    global_step: Any,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _dense(_adagrad_da, (var, gradient_accumulator, gradient_squared_accumulator), grad, lr, l1, l2, global_step)


def _sparse_apply_adagrad_da(
    var: Any,
    gradient_accumulator: Any,
    gradient_squared_accumulator: Any,
    grad: Array,
    indices: Array,
    lr: Any,
    l1: Any,
    l2: Any,
    global_step: Any,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _sparse(
        _adagrad_da, (var, gradient_accumulator, gradient_squared_accumulator), grad, indices, lr, l1, l2, global_step
    )


_DA_SLOTS = "var: ref T, gradient_accumulator: ref T, gradient_squared_accumulator: ref T"
_DA_HYPER = "lr: host T, l1: host T, l2: host T, global_step: host int64"
apply_adagrad_da = _declare(f"ApplyAdagradDA({_DA_SLOTS}, grad: T, {_DA_HYPER})", _apply_adagrad_da)
sparse_apply_adagrad_da = _declare(f"SparseApplyAdagradDA({_DA_SLOTS}, {_ROWS}, {_DA_HYPER})", _sparse_apply_adagrad_da)


def _proximal_adagrad(var: Array, accum: Array, grad: Array, lr: float, l1: float, l2: float) -> None:
    accum.addcmul_(grad, grad)
    rate = accum.rsqrt().mul_(lr)
    var.addcmul_(grad, rate, value=-1)
    if l1 > 0:
        var.copy_(var.sign() * (var.abs() - rate * l1).clamp_(min=0))
    var.div_(rate.mul_(l2).add_(1))


def _apply_proximal_adagrad(
    var: Any, accum: Any, lr: Any, l1: Any, l2: Any, grad: Array, *, use_locking: bool = False
) -> VariableStorage:
    return _dense(_proximal_adagrad, (var, accum), grad, lr, l1, l2)


def _sparse_apply_proximal_adagrad(
    var: Any, accum: Any, lr: Any, l1: Any, l2: Any, grad: Array, indices: Array, *, use_locking: bool = False
) -> VariableStorage:
    return _sparse(_proximal_adagrad, (var, accum), grad, indices, lr, l1, l2)


_PROXIMAL = "var: ref T, accum: ref T, lr: host T, l1: host T, l2: host T"
apply_proximal_adagrad = _declare(f"ApplyProximalAdagrad({_PROXIMAL}, grad: T)", _apply_proximal_adagrad)
sparse_apply_proximal_adagrad = _declare(
    f"SparseApplyProximalAdagrad({_PROXIMAL}, {_ROWS})", _sparse_apply_proximal_adagrad
)


# Adadelta


def _adadelta(
    var: Array, accum: Array, accum_update: Array, grad: Array, lr: float, rho: float, epsilon: float
) -> None:
    accum.mul_(rho).addcmul_(grad, grad, value=1 - rho)
    update = (accum_update + epsilon).sqrt_().mul_((accum + epsilon).rsqrt_()).mul_(grad)
    var.add_(update, alpha=-lr)
    accum_update.mul_(rho).addcmul_(update, update, value=1 - rho)


def _apply_adadelta(
    var: Any, accum: Any, accum_update: Any, lr: Any, rho: Any, epsilon: Any, grad: Array, *, use_locking: bool = False
) -> VariableStorage:
    return _dense(_adadelta, (var, accum, accum_update), grad, lr, rho, epsilon)


def _sparse_apply_adadelta(
    var: Any,
    accum: Any,
    accum_update: Any,
    lr: Any,
    rho: Any,
    epsilon: Any,
    grad: Array,
    indices: Array,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _sparse(_adadelta, (var, accum, accum_update), grad, indices, lr, rho, epsilon)


_ADADELTA = "var: ref T, accum: ref T, accum_update: ref T, lr: host T, rho: host T, epsilon: host T"
apply_adadelta = _declare(f"ApplyAdadelta({_ADADELTA}, grad: T)", _apply_adadelta)
sparse_apply_adadelta = _declare(f"SparseApplyAdadelta({_ADADELTA}, {_ROWS})", _sparse_apply_adadelta)


# RMSProp


def _rms_prop(
    var: Array, ms: Array, mom: Array, grad: Array, lr: float, rho: float, momentum: float, epsilon: float
) -> None:
    ms.mul_(rho).addcmul_(grad, grad, value=1 - rho)
    mom.mul_(momentum).addcmul_(grad, (ms + epsilon).rsqrt_(), value=lr)
    var.sub_(mom)


def _centered_rms_prop(
    var: Array, mg: Array, ms: Array, mom: Array, grad: Array, lr: float, rho: float, momentum: float, epsilon: float
) -> None:
    ms.mul_(rho).addcmul_(grad, grad, value=1 - rho)
    mg.mul_(rho).add_(grad, alpha=1 - rho)
    mom.mul_(momentum).addcmul_(grad, (ms + epsilon).addcmul_(mg, mg, value=-1).rsqrt_(), value=lr)
    var.sub_(mom)


def _apply_rms_prop(
    var: Any,
    ms: Any,
    mom: Any,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Array,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _dense(_rms_prop, (var, ms, mom), grad, lr, rho, momentum, epsilon)


def _sparse_apply_rms_prop(
    var: Any,
    ms: Any,
    mom: Any,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Array,
    indices: Array,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _sparse(_rms_prop, (var, ms, mom), grad, indices, lr, rho, momentum, epsilon)


def _apply_centered_rms_prop(
    var: Any,
    mg: Any,
    ms: Any,
    mom: Any,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Array,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _dense(_centered_rms_prop, (var, mg, ms, mom), grad, lr, rho, momentum, epsilon)


def _sparse_apply_centered_rms_prop(
    var: Any,
    mg: Any,
    ms: Any,
    mom: Any,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Array,
    indices: Array,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _sparse(_centered_rms_prop, (var, mg, ms, mom), grad, indices, lr, rho, momentum, epsilon)


_RMS_HYPER = "lr: host T, rho: host T, momentum: host T, epsilon: host T"
apply_rms_prop = _declare(f"ApplyRMSProp(var: ref T, ms: ref T, mom: ref T, {_RMS_HYPER}, grad: T)", _apply_rms_prop)
sparse_apply_rms_prop = _declare(
    f"SparseApplyRMSProp(var: ref T, ms: ref T, mom: ref T, {_RMS_HYPER}, {_ROWS})", _sparse_apply_rms_prop
)
apply_centered_rms_prop = _declare(
    f"ApplyCenteredRMSProp(var: ref T, mg: ref T, ms: ref T, mom: ref T, {_RMS_HYPER}, grad: T)",
    _apply_centered_rms_prop,
)
sparse_apply_centered_rms_prop = _declare(
    f"SparseApplyCenteredRMSProp(var: ref T, mg: ref T, ms: ref T, mom: ref T, {_RMS_HYPER}, {_ROWS})",
    _sparse_apply_centered_rms_prop,
)


# Adam


def _adam(
    var: Array,
    m: Array,
    v: Array,
    grad: Array,
    beta1_power: float,
    beta2_power: float,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    use_nesterov: bool,
) -> None:
    alpha = lr * math.sqrt(1 - beta2_power) / (1 - beta1_power)
    m.lerp_(grad, 1 - beta1)
    v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    scale = v.sqrt().add_(epsilon)
    if use_nesterov:
        var.addcdiv_(torch.add(m * beta1, grad, alpha=1 - beta1), scale, value=-alpha)
    else:
        var.addcdiv_(m, scale, value=-alpha)


def _adam_with_amsgrad(
    var: Array,
    m: Array,
    v: Array,
    vhat: Array,
    grad: Array,
    beta1_power: float,
    beta2_power: float,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    alpha = lr * math.sqrt(1 - beta2_power) / (1 - beta1_power)
    m.lerp_(grad, 1 - beta1)
    v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    torch.maximum(vhat, v, out=vhat)
    var.addcdiv_(m, vhat.sqrt().add_(epsilon), value=-alpha)


def _ada_max(
    var: Array,
    m: Array,
    v: Array,
    grad: Array,
    beta1_power: float,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    m.lerp_(grad, 1 - beta1)
    torch.maximum(v.mul_(beta2), grad.abs(), out=v)
    var.addcdiv_(m, v + epsilon, value=-lr / (1 - beta1_power))


def _apply_adam(
    var: Any,
    m: Any,
    v: Any,
    beta1_power: Any,
    beta2_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    grad: Array,
    *,
    use_locking: bool = False,
    use_nesterov: bool = False,
) -> VariableStorage:
    return _dense(
        _adam, (var, m, v), grad, beta1_power, beta2_power, lr, beta1, beta2, epsilon, use_nesterov=use_nesterov
    )


def _apply_adam_with_amsgrad(
    var: Any,
    m: Any,
    v: Any,
    vhat: Any,
    beta1_power: Any,
    beta2_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    grad: Array,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _dense(_adam_with_amsgrad, (var, m, v, vhat), grad, beta1_power, beta2_power, lr, beta1, beta2, epsilon)


def _apply_ada_max(
    var: Any,
    m: Any,
    v: Any,
    beta1_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    grad: Array,
    *,
    use_locking: bool = False,
) -> VariableStorage:
    return _dense(_ada_max, (var, m, v), grad, beta1_power, lr, beta1, beta2, epsilon)


_BETAS = "beta1: host T, beta2: host T, epsilon: host T, grad: T"
apply_adam = _declare(
    f"ApplyAdam(var: ref T, m: ref T, v: ref T, beta1_power: host T, beta2_power: host T, lr: host T, {_BETAS})",
    _apply_adam,
)
apply_adam_with_amsgrad = _declare(
    "ApplyAdamWithAmsgrad(var: ref T, m: ref T, v: ref T, vhat: ref T, beta1_power: host T, beta2_power: host T, "
    "lr: host T, "
    f"{_BETAS})",
    _apply_adam_with_amsgrad,
    has_ref=False,
)
apply_ada_max = _declare(
    f"ApplyAdaMax(var: ref T, m: ref T, v: ref T, beta1_power: host T, lr: host T, {_BETAS})", _apply_ada_max
)


# Ftrl


def _ftrl(
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    lr: float,
    l1: float,
    l2: float,
    l2_shrinkage: float,
    lr_power: float,
    multiply_linear_by_lr: bool,
) -> None:
    scale = 1.0 if multiply_linear_by_lr else 1 / lr
    pull = lr if multiply_linear_by_lr else 1.0
    old_power = accum.sqrt() if lr_power == -0.5 else accum.pow(-lr_power)
    accum.addcmul_(grad, grad)
    new_power = accum.sqrt() if lr_power == -0.5 else accum.pow(-lr_power)
    shrunk = torch.add(grad, var, alpha=2 * l2_shrinkage) if l2_shrinkage else grad
    linear.add_(shrunk, alpha=pull).addcmul_(new_power - old_power, var, value=-scale)
    limit = l1 * pull
    torch.div(linear.clamp(-limit, limit).sub_(linear), new_power.mul_(scale).add_(2 * l2 * pull), out=var)


def _apply_ftrl(
    var: Any,
    accum: Any,
    linear: Any,
    grad: Array,
    lr: Any,
    l1: Any,
    l2: Any,
    lr_power: Any,
    *,
    use_locking: bool = False,
    multiply_linear_by_lr: bool = False,
) -> VariableStorage:
    return _dense(
        _ftrl, (var, accum, linear), grad, lr, l1, l2, 0, lr_power, multiply_linear_by_lr=multiply_linear_by_lr
    )


def _sparse_apply_ftrl(
    var: Any,
    accum: Any,
    linear: Any,
    grad: Array,
    indices: Array,
    lr: Any,
    l1: Any,
    l2: Any,
    lr_power: Any,
    *,
    use_locking: bool = False,
    multiply_linear_by_lr: bool = False,
) -> VariableStorage:
    return _sparse(
        _ftrl, (var, accum, linear), grad, indices, lr, l1, l2, 0, lr_power, multiply_linear_by_lr=multiply_linear_by_lr
    )


def _apply_ftrl_v2(
    var: Any,
    accum: Any,
    linear: Any,
    grad: Array,
    lr: Any,
    l1: Any,
    l2: Any,
    l2_shrinkage: Any,
    lr_power: Any,
    *,
    use_locking: bool = False,
    multiply_linear_by_lr: bool = False,
) -> VariableStorage:
    return _dense(
        _ftrl,
        (var, accum, linear),
        grad,
        lr,
        l1,
        l2,
        l2_shrinkage,
        lr_power,
        multiply_linear_by_lr=multiply_linear_by_lr,
    )


def _sparse_apply_ftrl_v2(
    var: Any,
    accum: Any,
    linear: Any,
    grad: Array,
    indices: Array,
    lr: Any,
    l1: Any,
    l2: Any,
    l2_shrinkage: Any,
    lr_power: Any,
    *,
    use_locking: bool = False,
    multiply_linear_by_lr: bool = False,
) -> VariableStorage:
    return _sparse(
        _ftrl,
        (var, accum, linear),
        grad,
        indices,
        lr,
        l1,
        l2,
        l2_shrinkage,
        lr_power,
        multiply_linear_by_lr=multiply_linear_by_lr,
    )


_FTRL = "var: ref T, accum: ref T, linear: ref T"
_FTRL_HYPER = "lr: host T, l1: host T, l2: host T, lr_power: host T"
_FTRL_V2_HYPER = "lr: host T, l1: host T, l2: host T, l2_shrinkage: host T, lr_power: host T"
apply_ftrl = _declare(f"ApplyFtrl({_FTRL}, grad: T, {_FTRL_HYPER})", _apply_ftrl)
sparse_apply_ftrl = _declare(f"SparseApplyFtrl({_FTRL}, {_ROWS}, {_FTRL_HYPER})", _sparse_apply_ftrl)
apply_ftrl_v2 = _declare(f"ApplyFtrlV2({_FTRL}, grad: T, {_FTRL_V2_HYPER})", _apply_ftrl_v2)
sparse_apply_ftrl_v2 = _declare(f"SparseApplyFtrlV2({_FTRL}, {_ROWS}, {_FTRL_V2_HYPER})", _sparse_apply_ftrl_v2)


# Signs


def _add_sign(var: Array, m: Array, grad: Array, lr: float, alpha: float, sign_decay: float, beta: float) -> None:
    m.lerp_(grad, 1 - beta)
    var.addcmul_((grad.sign() * m.sign()).mul_(sign_decay).add_(alpha), grad, value=-lr)


def _power_sign(var: Array, m: Array, grad: Array, lr: float, logbase: float, sign_decay: float, beta: float) -> None:
    m.lerp_(grad, 1 - beta)
    var.addcmul_((grad.sign() * m.sign()).mul_(logbase * sign_decay).exp_(), grad, value=-lr)


def _apply_add_sign(
    var: Any, m: Any, lr: Any, alpha: Any, sign_decay: Any, beta: Any, grad: Array, *, use_locking: bool = False
) -> VariableStorage:
    return _dense(_add_sign, (var, m), grad, lr, alpha, sign_decay, beta)


def _apply_power_sign(
    var: Any, m: Any, lr: Any, logbase: Any, sign_decay: Any, beta: Any, grad: Array, *, use_locking: bool = False
) -> VariableStorage:
    return _dense(_power_sign, (var, m), grad, lr, logbase, sign_decay, beta)


apply_add_sign = _declare(
    "ApplyAddSign(var: ref T, m: ref T, lr: host T, alpha: host T, sign_decay: host T, beta: host T, grad: T)",
    _apply_add_sign,
)
apply_power_sign = _declare(
    "ApplyPowerSign(var: ref T, m: ref T, lr: host T, logbase: host T, sign_decay: host T, beta: host T, grad: T)",
    _apply_power_sign,
)
