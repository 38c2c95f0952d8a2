"""Cross entropies of logits: over classes, over class numbers, and of independent decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from penstock.core.array import Array, alone_if
from penstock.core.backprop import takes_missing, takes_wanted
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import FLOATING, bfloat16, float16, float32, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, broadcast, expect_rank, merge_dim
from penstock.core.tensor import EagerTensor, SymbolicTensor, Tensor
from penstock.ops.array.common import deferred
from penstock.ops.constant import shape_op, stop_gradient_op
from penstock.ops.nn.softmax import WORTH_A_THREAD, log_softmax_op, softmax_op

_cast_op = deferred("Cast")
_exp_op = deferred("Exp")
_expand_dims_op = deferred("ExpandDims")
_greater_equal_op = deferred("GreaterEqual")
_log1p_op = deferred("Log1p")
_add_op = deferred("AddV2")
_relu_op = deferred("Relu")
_reshape_op = deferred("Reshape")
_select_op = deferred("SelectV2")
_transpose_op = deferred("Transpose")
_sum_op = deferred("Sum")
_zeros_like_op = deferred("ZerosLike")


@op("SoftmaxCrossEntropyWithLogits(features: T, labels: T) -> (loss: T, backprop: T)", T=FLOATING)
def softmax_cross_entropy_with_logits_op(features: Array, labels: Array) -> tuple[Array, Array]:
    if features.ndim != 2 or labels.ndim != 2:
        raise ShapeError(
            f"logits and labels must be 2-dimensional, got {tuple(features.shape)} and {tuple(labels.shape)}"
        )
    if features.shape != labels.shape:
        features, labels = torch.broadcast_tensors(features, labels)
    return alone_if(features.numel() < WORTH_A_THREAD, _cross_entropy, features, labels)


def _cross_entropy(features: Array, labels: Array) -> tuple[Array, Array]:
    log_probabilities = torch._log_softmax(features, -1, False)
    loss = torch.mul(log_probabilities, labels).sum(-1).neg_()
    return loss, log_probabilities.exp_().sub_(labels)


@softmax_cross_entropy_with_logits_op.shape
def softmax_cross_entropy_with_logits_shape(features: Dims, labels: Dims) -> tuple[Dims, Dims]:
    both = broadcast(expect_rank(features, 2, "logits"), expect_rank(labels, 2, "labels"))
    assert both is not None
    return both[:1], both


def _logits_gradient(call: Any, grad_loss: Tensor, grad_backprop: Tensor | None) -> Tensor:
    logits = call.inputs[0]
    grad = _expand_dims_op(grad_loss, -1) * call.outputs[1]
    if grad_backprop is None or _is_zeros(grad_backprop):
        return grad
    probabilities = softmax_op(logits)
    return grad + (grad_backprop - _sum_op(grad_backprop * probabilities, [-1], keep_dims=True)) * probabilities


def _is_zeros(tensor: Tensor) -> bool:
    """Tell whether a cotangent is known to be zero, because nobody used the second output."""
    return getattr(tensor, "_is_zeros_tensor", False)


@softmax_cross_entropy_with_logits_op.gradient
@takes_missing
@takes_wanted
def softmax_cross_entropy_with_logits_gradient(
    call: Any, grad_loss: Tensor | None, grad_backprop: Tensor | None, *, wanted: Sequence[bool]
) -> tuple[Tensor, Tensor | None]:
    if grad_loss is None:
        grad_loss = _zeros_like_op(call.outputs[0])
    grad = _logits_gradient(call, grad_loss, grad_backprop)
    if not wanted[1] and isinstance(grad_loss, EagerTensor):
        return grad, None
    # The second output depends on the labels too; TensorFlow leaves that out: second derivatives into labels are 0.
    return grad, _expand_dims_op(grad_loss, -1) * -log_softmax_op(call.inputs[0])


@op(
    "SparseSoftmaxCrossEntropyWithLogits(features: T, labels: Tlabels) -> (loss: T, backprop: T)",
    T=FLOATING,
    Tlabels=Type(frozenset({int32, int64}), default=int64),
)
def sparse_softmax_cross_entropy_with_logits_op(features: Array, labels: Array) -> tuple[Array, Array]:
    if features.ndim != 2 or labels.ndim != 1:
        raise ShapeError(
            f"logits must be 2-D and labels 1-D, got shapes {tuple(features.shape)} and {tuple(labels.shape)}"
        )
    if features.shape[0] != labels.shape[0]:
        raise ShapeError(
            "logits and labels must have the same first dimension, "
            f"got logits shape {tuple(features.shape)} and labels shape {tuple(labels.shape)}"
        )
    if not features.shape[1]:
        raise InvalidArgumentError(
            None, None, f"Must have at least one class, but got logits shape {list(features.shape)}"
        )
    return alone_if(features.numel() < WORTH_A_THREAD, _sparse_cross_entropy, features, labels)


def _sparse_cross_entropy(features: Array, labels: Array) -> tuple[Array, Array]:
    classes = features.shape[1]
    positions = labels.to(torch.int64).unsqueeze(1)
    log_probabilities = torch._log_softmax(features, -1, False)
    valid = None
    if positions.device.type != "cpu":
        # Other devices cannot report which label is wrong without waiting for them; its row becomes NaN.
        valid = (positions >= 0) & (positions < classes)
        positions = positions.clamp(0, classes - 1)
    try:
        loss = log_probabilities.gather(1, positions).squeeze(1).neg_()
    except (RuntimeError, IndexError) as error:
        wrong = next((label for label in labels.tolist() if not 0 <= label < classes), None)
        if wrong is None:
            raise
        raise InvalidArgumentError(
            None,
            None,
            f"Received a label value of {wrong} which is outside the valid range of [0, {classes}). "
            f"Label values: {' '.join(map(str, labels[:100].tolist()))}",
        ) from error
    backprop = log_probabilities.exp_()
    backprop.scatter_(1, positions, -1.0, reduce="add")
    if valid is not None:
        nan = backprop.new_full((), float("nan"))
        loss, backprop = torch.where(valid.squeeze(1), loss, nan), torch.where(valid, backprop, nan)
    return loss, backprop


@sparse_softmax_cross_entropy_with_logits_op.shape
def sparse_softmax_cross_entropy_with_logits_shape(features: Dims, labels: Dims) -> tuple[Dims, Dims]:
    rows, classes = expect_rank(features, 2, "logits")
    rows = merge_dim(rows, expect_rank(labels, 1, "labels")[0], "the first dimensions of logits and labels")
    return (rows,), (rows, classes)


@sparse_softmax_cross_entropy_with_logits_op.gradient
@takes_missing
def sparse_softmax_cross_entropy_with_logits_gradient(
    call: Any, grad_loss: Tensor | None, grad_backprop: Tensor | None
) -> tuple[Tensor, None]:
    if grad_loss is None:
        grad_loss = _zeros_like_op(call.outputs[0])
    return _logits_gradient(call, grad_loss, grad_backprop), None


def _precise(logits: Tensor) -> Tensor:
    """Return logits in a type precise enough for the sum of exponentials."""
    return _cast_op(logits, DstT=float32) if logits.dtype.base_dtype in (float16, bfloat16) else logits


def _flat_rows(tensor: Tensor) -> Tensor:
    """Return a tensor with all axes but the last in one."""
    if tensor.ndim == 2:
        return tensor
    dims = tensor.dims
    if dims is not None and dims and dims[-1] is not None and (dims[-1] > 0):
        return _reshape_op(tensor, [-1, dims[-1]])
    return _reshape_op(tensor, _leading(shape_op(tensor)))


def _leading(shape: Tensor) -> Any:
    return deferred("Pack")([deferred("Prod")(shape[:-1], [0]), shape[-1]])


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """Return the cross entropy of each row of probabilities `labels` and the softmax of `logits`.

    Gradients flow into both.

    Args:
        labels: probabilities, of the shape and type of `logits`; each row should sum to 1.
        logits: unscaled log probabilities, floating, rank at least 1.
        axis: the axis of the classes.
        name: the name of the scope.
    Returns:
        The losses, of the shape of `logits` without `axis`.
    """
    return _softmax_cross_entropy(labels, logits, axis, name, "softmax_cross_entropy_with_logits")


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: str | None = None, dim: Any = None
) -> Tensor:
    """Return `softmax_cross_entropy_with_logits(labels, logits, axis, name)`; `dim` is the old name of `axis`."""
    return _softmax_cross_entropy(labels, logits, _one_axis(axis, dim, None), name, "softmax_cross_entropy_with_logits")


def softmax_cross_entropy_with_logits_v1(
    labels: Any = None, logits: Any = None, dim: Any = -1, name: str | None = None, axis: Any = None
) -> Tensor:
    """Return the cross entropy of rows, without a gradient into the labels.

    Args:
        labels, logits, axis, name: see `softmax_cross_entropy_with_logits`.
        dim: the old name of `axis`.
    """
    _expect_both(labels, logits)
    axis = dim if axis is None else axis
    with op_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        constant_labels = stop_gradient_op(
            labels if isinstance(labels, Tensor) else convert_to_tensor(labels, _dtype_of(logits), "labels"),
            name="labels_stop_gradient",
        )
        return _softmax_cross_entropy(constant_labels, logits, axis, scope, "")


def _dtype_of(value: Any) -> Any:
    return value.dtype.base_dtype if isinstance(value, Tensor) else None


def _one_axis(axis: Any, dim: Any, default: Any) -> int:
    if axis is not None and dim is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'; 'dim' is the old name of 'axis'")
    given = dim if axis is None else axis
    return -1 if given is None else int(given)


def _expect_both(labels: Any, logits: Any) -> None:
    if labels is None or logits is None:
        raise ValueError("Both `labels` and `logits` must be provided; pass them by name.")


def _softmax_cross_entropy(labels: Any, logits: Any, axis: int, name: str | None, default_name: str) -> Tensor:
    _expect_both(labels, logits)
    with op_scope(name, default_name, [logits, labels]) as scope:
        given = convert_to_tensor(logits, name="logits")
        precise = _precise(given)
        targets = (
            labels if isinstance(labels, Tensor) else convert_to_tensor(labels, precise.dtype.base_dtype, "labels")
        )
        if targets.dtype.base_dtype != precise.dtype.base_dtype:
            targets = _cast_op(targets, DstT=precise.dtype.base_dtype)
        if axis != -1 and not (precise.ndim is not None and axis == precise.ndim - 1):
            precise, targets = _moved_last(precise, axis), _moved_last(targets, axis)
        dims = precise.dims
        if dims is not None and len(dims) == 2 and targets.ndim == 2:
            cost = softmax_cross_entropy_with_logits_op(precise, targets, name=scope).loss
        else:
            cost = softmax_cross_entropy_with_logits_op(_flat_rows(precise), _flat_rows(targets), name=scope).loss
            outer = dims[:-1] if dims is not None else None
            cost = _reshape_op(cost, list(outer) if outer is not None and None not in outer else shape_op(precise)[:-1])
            if outer is not None and isinstance(cost, SymbolicTensor):
                cost.set_shape(outer)
        return cost if cost.dtype.base_dtype == given.dtype.base_dtype else _cast_op(cost, DstT=given.dtype.base_dtype)


def _moved_last(x: Tensor, axis: int) -> Tensor:
    """Return `x` with an axis moved behind the others, which stay in order."""
    if x.ndim is not None:
        before = list(range(x.ndim))
        if not -x.ndim <= axis < x.ndim:
            raise InvalidArgumentError(None, None, f"axis {axis} is out of range for rank {x.ndim}")
        return _transpose_op(x, [*before[:axis], *before[axis:][1:], before[axis]])
    rank = deferred("Rank")(x)
    position = axis if axis >= 0 else rank + axis
    sequence = deferred("Range")
    others = [sequence(0, position, 1), sequence(position + 1, rank, 1)]
    return _transpose_op(x, deferred("ConcatV2")([*others, deferred("ExpandDims")(position, 0)], 0))


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """Return the cross entropy of each row of `logits` with a class that is certain.

    Args:
        labels: the number of the class, int32 or int64, of the shape of `logits` without its last axis.
        logits: unscaled log probabilities, floating, rank at least 1.
        name: the name of the scope.
    Returns:
        The losses, of the shape of `labels`.
    Raises:
        ValueError: if the shapes of labels and logits do not fit.
        InvalidArgumentError: at run time, if a label is not in [0, classes).
    """
    _expect_both(labels, logits)
    default = "SparseSoftmaxCrossEntropyWithLogits"
    with op_scope(name, default, [labels, logits]) as scope:
        targets = convert_to_tensor(labels, name="labels")
        given = convert_to_tensor(logits, name="logits")
        precise = _precise(given)
        if given.ndim == 0:
            raise ValueError(f"`logits` cannot be a scalar: they need an axis of classes. Received logits={logits!r}")
        if targets.ndim is not None and given.ndim is not None and targets.ndim != given.ndim - 1:
            raise ValueError(
                f"`labels.shape.rank` must equal `logits.shape.rank - 1`, got labels shape {targets.shape} "
                f"and logits shape {given.shape}. "
                "Pass class numbers, or use softmax_cross_entropy_with_logits for probabilities"
            )
        if not targets.shape.is_compatible_with(given.shape[:-1]):
            raise ValueError(
                "`labels.shape` must equal `logits.shape` except for the last dimension, "
                f"got labels shape {targets.shape} and logits shape {given.shape}"
            )
        if given.ndim == 2:
            cost = sparse_softmax_cross_entropy_with_logits_op(precise, targets, name=scope).loss
        else:
            shape = shape_op(targets) if targets.dims is None or None in targets.dims else list(targets.dims)
            flat = _reshape_op(targets, [-1])
            cost = _reshape_op(
                sparse_softmax_cross_entropy_with_logits_op(_flat_rows(precise), flat, name=scope).loss, shape
            )
            if isinstance(cost, SymbolicTensor):
                cost.set_shape(targets.shape)
        return cost if cost.dtype.base_dtype == given.dtype.base_dtype else _cast_op(cost, DstT=given.dtype.base_dtype)


def sparse_softmax_cross_entropy_with_logits_v1(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """Return `sparse_softmax_cross_entropy_with_logits(labels, logits, name)`."""
    return sparse_softmax_cross_entropy_with_logits(labels, logits, name)


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Tensor:
    """Return the cross entropy of independent decisions, each with the probability sigmoid(logit).

    Args:
        labels: probabilities, of the shape and type of `logits`.
        logits: floating numbers, any shape.
        name: the name of the scope.
    Returns:
        max(x, 0) - x * z + log(1 + exp(-abs(x))) for logits x and labels z.
    Raises:
        ValueError: if one is missing, or the shapes differ.
    """
    _expect_both(labels, logits)
    with op_scope(name, "logistic_loss", [logits, labels]) as scope:
        x, z = _same_shape(labels, logits, "sigmoid_cross_entropy_with_logits")
        zeros = _zeros_like_op(x)
        positive = _greater_equal_op(x, zeros)
        rectified = _select_op(positive, x, zeros)
        negative_magnitude = _select_op(positive, -x, x)
        return _add_op(rectified - x * z, _log1p_op(_exp_op(negative_magnitude)), name=scope)


def _same_shape(labels: Any, logits: Any, what: str) -> tuple[Tensor, Tensor]:
    x = convert_to_tensor(logits, name="logits")
    z = convert_to_tensor(labels, name="labels")
    if not x.shape.is_compatible_with(z.shape):
        raise ValueError(f"`logits` and `labels` must have the same shape in {what}, got ({x.shape} vs {z.shape})")
    return x, z


def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Tensor:
    """Return the cross entropy of independent decisions, where errors on positive labels count `pos_weight` times.

    Args:
        labels: probabilities, of the shape and type of `logits`.
        logits: floating numbers, any shape.
        pos_weight: a number, or numbers that broadcast.
        name: the name of the scope.
    Raises:
        ValueError: if the shapes differ.
    """
    with op_scope(name, "logistic_loss", [logits, labels]) as scope:
        x, z = _same_shape(labels, logits, "weighted_cross_entropy_with_logits")
        weight = 1.0 + (pos_weight - 1.0) * z
        softened = _log1p_op(_exp_op(-deferred("Abs")(x))) + _relu_op(-x)
        return _add_op((1.0 - z) * x, weight * softened, name=scope)


def weighted_cross_entropy_with_logits_v1(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """Return `weighted_cross_entropy_with_logits`; `targets` is the old name of `labels`."""
    if labels is not None and targets is not None:
        raise ValueError("Cannot specify both 'labels' and 'targets'; 'targets' is the old name of 'labels'")
    return weighted_cross_entropy_with_logits(targets if labels is None else labels, logits, pos_weight, name)
