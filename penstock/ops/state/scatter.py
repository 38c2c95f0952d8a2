"""Updates of some rows or elements of a variable: the Scatter and ScatterNd families, for references and resources."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.array import Value
from penstock.core.dtypes import NUMBER, DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import Op, op
from penstock.core.resources import VariableStorage
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims, merge
from penstock.ops.state.variables import INDEX, check_type, no_outputs, shape_text

_EXTREMES = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64})
_NUMBER = NUMBER | dtypes.QUANTIZED
_UNSIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}

# Kernels on rows: (target rows, positions, new rows), in place. Positions may repeat; all but `update` then apply one
# after another.
_Rows = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Any]


def _update_rows(rows: torch.Tensor, positions: torch.Tensor, new: torch.Tensor) -> None:
    rows.index_copy_(0, positions, new)


def _add_rows(rows: torch.Tensor, positions: torch.Tensor, new: torch.Tensor) -> None:
    rows.index_add_(0, positions, new)


def _subtract_rows(rows: torch.Tensor, positions: torch.Tensor, new: torch.Tensor) -> None:
    rows.index_add_(0, positions, new, alpha=-1)


def occurrences(positions: torch.Tensor) -> torch.Tensor | None:
    """Return how often each position has stood before in a vector of positions; None where no position repeats."""
    ordered, order = torch.sort(positions, stable=True)
    starts = torch.ones_like(ordered, dtype=torch.bool)
    torch.ne(ordered[1:], ordered[:-1], out=starts[1:])
    if starts.all():
        return None
    places = torch.arange(len(ordered), device=ordered.device)
    counts = places - torch.where(starts, places, 0).cummax(0).values
    return torch.empty_like(counts).index_copy_(0, order, counts)


def _one_by_one(combine: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> _Rows:
    """Return a kernel that combines rows with an elementwise function; repeated positions take turns."""

    def kernel(rows: torch.Tensor, positions: torch.Tensor, new: torch.Tensor) -> None:
        rounds = occurrences(positions)
        if rounds is None:
            rows.index_copy_(0, positions, combine(rows.index_select(0, positions), new))
            return
        for turn in range(int(rounds.max()) + 1):
            chosen = torch.nonzero(rounds == turn).reshape(-1)
            these = positions[chosen]
            rows.index_copy_(0, these, combine(rows.index_select(0, these), new[chosen]))

    return kernel


def _divide(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if a.is_floating_point() or a.is_complex():
        return a / b
    return torch.div(a, b, rounding_mode="trunc")


_multiply_rows = _one_by_one(torch.mul)
_divide_rows = _one_by_one(_divide)
_minimum_rows = _one_by_one(torch.minimum)
_maximum_rows = _one_by_one(torch.maximum)


def _apply(storage: VariableStorage, columns: int, positions: torch.Tensor, new: Value, kernel: _Rows) -> None:
    """Run a kernel on a variable seen as rows of `columns` elements; everything has been checked."""
    with storage.lock:
        target = storage.writable()
        if isinstance(target, np.ndarray):
            target.reshape(-1, columns)[positions.numpy()] = new
            return
        if not target.is_contiguous():
            target = storage.value = target.contiguous()
        carrier = _UNSIGNED.get(target.dtype)
        if carrier is not None and kernel in (_update_rows, _add_rows, _subtract_rows):
            target, new = target.view(carrier), new.view(carrier)  # the same bits as for signed numbers
        elif carrier is not None:
            wide = target.to(torch.int64).view(-1, columns)
            kernel(wide, positions, new.to(torch.int64))
            target.copy_(wide.to(target.dtype).view(target.shape))
            return
        kernel(target.view(-1, columns), positions, new)


def _check_divisor(storage: VariableStorage, new: Value, kernel: _Rows) -> None:
    if kernel is _divide_rows and storage.dtype.is_integer and (new == 0).any():
        raise InvalidArgumentError(None, None, f"integer division by zero in an update of {storage.name}")


def _check_rank(storage: VariableStorage) -> Value:
    value = storage.read()
    if not value.ndim:
        raise InvalidArgumentError(None, None, f"params must be at least 1-D, got shape [] of variable {storage.name}")
    return value


def _scatter(storage: VariableStorage, indices: torch.Tensor, updates: Value, kernel: _Rows) -> VariableStorage:
    value = _check_rank(storage)
    dims = tuple(value.shape)
    if updates.ndim and tuple(updates.shape) != (*indices.shape, *dims[1:]):
        raise InvalidArgumentError(
            None,
            None,
            "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got updates.shape "
            f"{shape_text(updates.shape)}, indices.shape {shape_text(indices.shape)}, params.shape {shape_text(dims)}",
        )
    positions = indices.reshape(-1).to(torch.int64)
    wrong = (positions < 0) | (positions >= dims[0])
    if wrong.any():
        first = int(torch.nonzero(wrong)[0])
        place = np.unravel_index(first, tuple(indices.shape)) if indices.ndim else ()
        raise InvalidArgumentError(
            None,
            None,
            f"indices{shape_text(map(int, place)) if indices.ndim else ''} = {int(positions[first])} is not in "
            f"[0, {dims[0]})",
        )
    _check_divisor(storage, updates, kernel)
    columns = math.prod(dims[1:])
    if not positions.numel() or not columns:
        return storage
    new = updates.reshape(-1, columns) if updates.ndim else _filled(updates, (positions.numel(), columns))
    _apply(storage, columns, positions, new, kernel)
    return storage


def _filled(value: Value, dims: tuple[int, int]) -> Value:
    return value.expand(dims) if isinstance(value, torch.Tensor) else np.full(dims, value[()], dtype=object)


def _scatter_nd(
    storage: VariableStorage, indices: torch.Tensor, updates: Value, policy: str, kernel: _Rows
) -> VariableStorage:
    value = _check_rank(storage)
    if policy not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise InvalidArgumentError(
            None, None, f"bad_indices_policy must be '', 'DEFAULT', 'ERROR' or 'IGNORE', got {policy!r}"
        )
    dims = tuple(value.shape)
    if not indices.ndim:
        raise InvalidArgumentError(None, None, "Indices shape must have rank at least one. Found: []")
    depth = indices.shape[-1]
    if depth > len(dims):
        raise InvalidArgumentError(
            None,
            None,
            f"The last dimension of indices must be at most the rank of the variable, {len(dims)}, got {depth}",
        )
    if tuple(updates.shape) != (*indices.shape[:-1], *dims[depth:]):
        raise InvalidArgumentError(
            None,
            None,
            f"Must have updates.shape = indices.shape[:batch_dim] + params.shape[slice_dim:], got updates.shape: "
            f"{shape_text(updates.shape)}, "
            f"indices.shape: {shape_text(indices.shape)}, params_shape: {shape_text(dims)}",
        )
    coordinates = indices.reshape(-1, depth).to(torch.int64)
    outside = ((coordinates < 0) | (coordinates >= torch.tensor(dims[:depth], device=coordinates.device))).any(-1)
    columns = math.prod(dims[depth:])
    new = updates.reshape(coordinates.shape[0], columns)
    if outside.any():
        if policy != "IGNORE":
            first = int(torch.nonzero(outside)[0])
            place = shape_text(map(int, np.unravel_index(first, tuple(indices.shape[:-1])))) if indices.ndim > 1 else ""
            raise InvalidArgumentError(
                None,
                None,
                f"indices{place} = {shape_text(coordinates[first].tolist())} does not index into shape "
                f"{shape_text(dims)}",
            )
        coordinates, new = coordinates[~outside], new[~outside if isinstance(new, torch.Tensor) else ~outside.numpy()]
    _check_divisor(storage, new, kernel)
    if not coordinates.shape[0] or not columns:
        return storage
    steps = torch.tensor(
        [math.prod(dims[axis + 1 : depth]) for axis in range(depth)], dtype=torch.int64, device=coordinates.device
    )
    _apply(storage, columns, (coordinates * steps).sum(-1), new, kernel)
    return storage


def _scatter_shape(ref: Dims, indices: Dims, updates: Dims, **_: Any) -> Dims:
    if ref is not None and not ref:
        raise ShapeError("the variable must have at least one axis, got shape ()")
    if ref is not None and indices is not None and updates:
        merge(updates, (*indices, *ref[1:]), "updates.shape and indices.shape + variable.shape[1:]")
    return ref


def _scatter_nd_shape(ref: Dims, indices: Dims, updates: Dims, **_: Any) -> Dims:
    if ref is not None and indices and indices[-1] is not None:
        if indices[-1] > len(ref):
            raise ShapeError(
                f"the last axis of indices {format_dims(indices)} must be at most the rank of the variable "
                f"{format_dims(ref)}"
            )
        merge(
            updates,
            (*indices[:-1], *ref[indices[-1] :]),
            "updates.shape and indices.shape[:-1] + variable.shape[indices.shape[-1]:]",
        )
    return ref


def _declare(
    suffix: str, kernel: _Rows, types: frozenset[DType], use_locking: bool = False, differentiable: bool = False
) -> tuple[Op, Op]:
    """Declare `Scatter<suffix>` and `ResourceScatter<suffix>`."""

    def scatter(
        ref: VariableStorage, indices: torch.Tensor, updates: Value, *, use_locking: bool = use_locking
    ) -> VariableStorage:
        return _scatter(ref, indices, updates, kernel)

    def resource_scatter(
        resource: VariableStorage, indices: torch.Tensor, updates: Value, *, dtype: DType
    ) -> VariableStorage:
        check_type(resource, dtype, "update")
        return _scatter(resource, indices, updates, kernel)

    schema = f"Scatter{suffix}(ref: ref T, indices: Tindices, updates: T) -> output_ref: ref T"
    resource_schema = f"ResourceScatter{suffix}(resource: resource, indices: Tindices, updates: dtype)"
    options: dict[str, Any] = {"stateful": True, "Tindices": INDEX}
    return (
        op(schema, T=types, shape=_scatter_shape, differentiable=differentiable, **options)(scatter),
        op(resource_schema, dtype=dtypes.ALL if kernel is _update_rows else _NUMBER, shape=no_outputs, **options)(
            resource_scatter
        ),
    )


def _declare_nd(
    suffix: str, kernel: _Rows, types: frozenset[DType], use_locking: bool = False, differentiable: bool = False
) -> tuple[Op, Op]:
    """Declare `ScatterNd<suffix>` and `ResourceScatterNd<suffix>`."""

    def scatter_nd(
        ref: VariableStorage,
        indices: torch.Tensor,
        updates: Value,
        *,
        use_locking: bool = use_locking,
        bad_indices_policy: str = "",
    ) -> VariableStorage:
        return _scatter_nd(ref, indices, updates, bad_indices_policy, kernel)

    def resource_scatter_nd(
        ref: VariableStorage,
        indices: torch.Tensor,
        updates: Value,
        *,
        use_locking: bool = True,
        bad_indices_policy: str = "",
        T: DType,
    ) -> VariableStorage:
        check_type(ref, T, "update")
        return _scatter_nd(ref, indices, updates, bad_indices_policy, kernel)

    options: dict[str, Any] = {"stateful": True, "Tindices": INDEX}
    schema = f"ScatterNd{suffix}(ref: ref T, indices: Tindices, updates: T) -> output_ref: ref T"
    return (
        op(schema, T=types, shape=_scatter_nd_shape, differentiable=differentiable, **options)(scatter_nd),
        op(f"ResourceScatterNd{suffix}(ref: resource, indices: Tindices, updates: T)", shape=no_outputs, **options)(
            resource_scatter_nd
        ),
    )


scatter_update_op, resource_scatter_update_op = _declare(
    "Update", _update_rows, dtypes.ALL, use_locking=True, differentiable=True
)
scatter_add_op, resource_scatter_add_op = _declare("Add", _add_rows, _NUMBER)
scatter_sub_op, resource_scatter_sub_op = _declare("Sub", _subtract_rows, _NUMBER)
scatter_mul_op, resource_scatter_mul_op = _declare("Mul", _multiply_rows, _NUMBER)
scatter_div_op, resource_scatter_div_op = _declare("Div", _divide_rows, _NUMBER)
scatter_min_op, resource_scatter_min_op = _declare("Min", _minimum_rows, _EXTREMES, differentiable=True)
scatter_max_op, resource_scatter_max_op = _declare("Max", _maximum_rows, _EXTREMES, differentiable=True)

scatter_nd_update_op, resource_scatter_nd_update_op = _declare_nd("Update", _update_rows, dtypes.ALL, use_locking=True)
scatter_nd_add_op, resource_scatter_nd_add_op = _declare_nd("Add", _add_rows, _NUMBER)
scatter_nd_sub_op, resource_scatter_nd_sub_op = _declare_nd("Sub", _subtract_rows, _NUMBER)
scatter_nd_min_op, resource_scatter_nd_min_op = _declare_nd("Min", _minimum_rows, _NUMBER, differentiable=True)
scatter_nd_max_op, resource_scatter_nd_max_op = _declare_nd("Max", _maximum_rows, _NUMBER, differentiable=True)
