"""The operations on accumulators of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from penstock.core.array import Array, dtype_of
from penstock.core.dtypes import NUMBER, QUANTIZED, DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.core.shape_rules import no_outputs, scalar, unknown
from penstock.ops.data_flow.accumulator_value import Accumulator, DenseAccumulator, Slices, SparseAccumulator

_STATEFUL: dict[str, Any] = {"stateful": True, "differentiable": False}
_TYPES = NUMBER | QUANTIZED
_REDUCTIONS: dict[str, Any] = {"allowed": {"reduction_type": ("MEAN", "SUM")}}


def _find_or_make(
    resources: ResourceManager, node_name: str, container: str, shared_name: str, make: Callable[[str], Any]
) -> Any:
    name = shared_name or node_name
    return resources.lookup_or_create(container, "accumulator", name, lambda: make(name))


def _conditional_accumulator(
    *,
    dtype: DType,
    shape: Dims,
    container: str = "",
    shared_name: str = "",
    reduction_type: str = "MEAN",
    resources: ResourceManager,
    node_name: str,
) -> DenseAccumulator:
    return _find_or_make(
        resources,
        node_name,
        container,
        shared_name,
        lambda name: DenseAccumulator(name, dtype, shape, reduction_type),
    )


resource_conditional_accumulator_op = op(
    "ResourceConditionalAccumulator() -> handle: resource", shape=scalar, dtype=_TYPES, **_STATEFUL, **_REDUCTIONS
)(_conditional_accumulator)
conditional_accumulator_op = op(
    "ConditionalAccumulator() -> handle: ref string", shape=scalar, dtype=_TYPES, **_STATEFUL, **_REDUCTIONS
)(_conditional_accumulator)


def _check_dtype(handle: Accumulator[Any], dtype: DType) -> None:
    if dtype != handle.dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"{handle.kind} '{handle.name}' holds gradients of type {handle.dtype.name}, not {dtype.name}",
        )


def _apply(handle: DenseAccumulator, local_step: Array, gradient: Array) -> tuple[()]:
    _check_dtype(handle, dtype_of(gradient))
    handle.apply(gradient, _single(local_step, "local_step"))
    return ()


def _single(value: Array, name: str) -> int:
    if value.numel() != 1:
        raise InvalidArgumentError(None, None, f"{name} must be a scalar, got shape {list(value.shape)}")
    return int(value.reshape(()))


def _take(handle: DenseAccumulator, num_required: Array, *, dtype: DType, resources: ResourceManager) -> Array:
    _check_dtype(handle, dtype)
    return handle.take(_single(num_required, "num_required"), resources.interruption)


def _set_step(handle: Accumulator[Any], new_global_step: Array) -> tuple[()]:
    handle.set_global_step(_single(new_global_step, "new_global_step"))
    return ()


def _count(handle: Accumulator[Any]) -> Array:
    return torch.tensor(len(handle), dtype=torch.int32)


def _both(name: str, inputs: str, outputs: str, kernel: Callable[..., Any], **options: Any) -> Any:
    """Declare an operation for both kinds of handles; return the one for resources."""
    op(f"{name}(handle: ref string{inputs}){outputs}", differentiable=False, **options)(kernel)
    return op(f"Resource{name}(handle: resource{inputs}){outputs}", **_STATEFUL, **options)(kernel)


accumulator_apply_gradient_op = _both(
    "AccumulatorApplyGradient", ", local_step: int64, gradient: dtype", "", _apply, shape=no_outputs, dtype=_TYPES
)
accumulator_take_gradient_op = _both(
    "AccumulatorTakeGradient", ", num_required: int32", " -> average: dtype", _take, shape=unknown, dtype=_TYPES
)
accumulator_set_global_step_op = _both(
    "AccumulatorSetGlobalStep", ", new_global_step: int64", "", _set_step, shape=no_outputs
)
accumulator_num_accumulated_op = _both(
    "AccumulatorNumAccumulated", "", " -> num_accumulated: int32", _count, shape=scalar
)


@op("SparseConditionalAccumulator() -> handle: ref string", shape=scalar, dtype=_TYPES, **_STATEFUL, **_REDUCTIONS)
def sparse_conditional_accumulator_op(
    *,
    dtype: DType,
    shape: Dims,
    container: str = "",
    shared_name: str = "",
    reduction_type: str = "MEAN",
    resources: ResourceManager,
    node_name: str,
) -> SparseAccumulator:
    return _find_or_make(
        resources,
        node_name,
        container,
        shared_name,
        lambda name: SparseAccumulator(name, dtype, shape, reduction_type),
    )


@op(
    "SparseAccumulatorApplyGradient(handle: ref string, local_step: int64, gradient_indices: int64,"
    " gradient_values: dtype, gradient_shape: int64)",
    shape=no_outputs,
    dtype=_TYPES,
    differentiable=False,
)
def sparse_accumulator_apply_gradient_op(
    handle: SparseAccumulator,
    local_step: Array,
    gradient_indices: Array,
    gradient_values: Array,
    gradient_shape: Array,
    *,
    has_known_shape: bool,
) -> tuple[()]:
    _check_dtype(handle, dtype_of(gradient_values))
    shape = gradient_shape.reshape(-1).tolist() if has_known_shape else None
    slices = Slices(gradient_indices, gradient_values, [1] * gradient_indices.numel(), shape)
    handle.apply(slices, _single(local_step, "local_step"))
    return ()


@op(
    "SparseAccumulatorTakeGradient(handle: ref string, num_required: int32)"
    " -> (indices: int64, values: dtype, shape: int64)",
    dtype=_TYPES,
    differentiable=False,
)
def sparse_accumulator_take_gradient_op(
    handle: SparseAccumulator, num_required: Array, *, dtype: DType, resources: ResourceManager
) -> tuple[Array, Array, Array]:
    _check_dtype(handle, dtype)
    slices = handle.take(_single(num_required, "num_required"), resources.interruption)
    return slices.indices, slices.values, torch.tensor(handle.shape_of(slices), dtype=torch.int64)


@sparse_accumulator_take_gradient_op.shape
def sparse_accumulator_take_gradient_shape(handle: Dims, num_required: Dims, **attrs: Any) -> tuple[Dims, Dims, Dims]:
    return (None,), None, (None,)
