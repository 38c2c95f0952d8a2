"""Diagonals of matrices: made, read, replaced; bands; identity matrices; traces.

A band of diagonals `k = (lower, upper)` is stored as rows, the uppermost first, each as long as the longest; `align`
says to which end shorter ones are moved, for superdiagonals and for subdiagonals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import COMPLEX, FLOATING, as_dtype, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank_at_least, merge, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.array.common import INDEX, check_allocation, deferred, item_size, moved
from penstock.ops.array.filling import ones, zeros
from penstock.ops.array.joining import concat_v2_op

_ALIGN: dict[str, Iterable[Any]] = {"align": ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")}
_TENSOR_DIAGONAL = FLOATING | COMPLEX | {int32, int64}
_cast_op = deferred("Cast")
_minimum_op = deferred("Minimum")
_sum_op = deferred("Sum")
_zeros_like_op = deferred("ZerosLike")


def _band(k: Any) -> tuple[int, int]:
    """Return the lowest and the highest diagonal that `k` names."""
    entries = k if isinstance(k, list) else [k]
    if len(entries) not in (1, 2):
        raise ShapeError(f"k must have one or two entries, got {k}")
    lower, upper = entries[0], entries[-1]
    if lower > upper:
        raise ShapeError(f"the lowest diagonal must not be above the highest, got k = {k}")
    return lower, upper


def _check_band(lower: int, upper: int, rows: int, columns: int) -> None:
    for name, k in (("lower", lower), ("upper", upper)):
        if k and not -rows < k < columns:
            raise ShapeError(
                f"the {name} diagonal {k} must be between {1 - rows} and {columns - 1} for a matrix of "
                f"{rows} rows and {columns} columns"
            )


def _longest(lower: int, upper: int, rows: int, columns: int) -> int:
    return min(rows + min(upper, 0), columns - max(lower, 0))


def _band_shape(lower: int, upper: int, length: int | None) -> tuple[int | None, ...]:
    return (length,) if lower == upper else (upper - lower + 1, length)


def _positions(lower: int, upper: int, rows: int, columns: int, align: str) -> tuple[list[int], list[int]]:
    """Return where the elements of a band stand in the flattened matrix, and where in the flattened diagonals."""
    length = _longest(lower, upper, rows, columns)
    above, below = align.split("_")
    in_matrix: list[int] = []
    in_band: list[int] = []
    for row, k in enumerate(range(upper, lower - 1, -1)):
        own = max(0, min(columns - max(k, 0), rows + min(k, 0)))
        leads = (k >= 0 and above == "LEFT") or (k <= 0 and below == "LEFT")
        start = row * length + (0 if leads else length - own)
        first = (-k * columns) if k < 0 else k
        in_matrix += range(first, first + own * (columns + 1), columns + 1)
        in_band += range(start, start + own)
    return in_matrix, in_band


def _index(positions: list[int], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(positions, dtype=torch.int64, device=like.device)


def _picked(flat: torch.Tensor, positions: list[int]) -> torch.Tensor:
    at = _index(positions, flat)
    return moved(lambda values: values.index_select(-1, at), flat)


def _invalid(error: ShapeError) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, str(error))


# MatrixDiag


def _matrix_size(lower: int, upper: int, length: int, rows: int, columns: int) -> tuple[int, int]:
    least_rows, least_columns = length - min(upper, 0), length + max(lower, 0)
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    if rows == -1:
        rows = least_rows
    elif rows < least_rows:
        raise ShapeError(f"the number of rows is too small: need at least {least_rows}, got {rows}")
    if columns == -1:
        columns = least_columns
    elif columns < least_columns:
        raise ShapeError(f"the number of columns is too small: need at least {least_columns}, got {columns}")
    if rows != least_rows and columns != least_columns:
        raise ShapeError(
            f"the number of rows or columns is not consistent with the diagonals: expected {least_rows} "
            f"rows or {least_columns} columns, got {rows} and {columns}"
        )
    return rows, columns


def _matrix_diag(diagonal: torch.Tensor, k: Any, rows: int, columns: int, padding: Any, align: str) -> torch.Tensor:
    try:
        lower, upper = _band(k)
        batch = _diagonal_batch(tuple(diagonal.shape), lower, upper)
        rows, columns = _matrix_size(lower, upper, diagonal.shape[-1], rows, columns)
    except ShapeError as error:
        raise _invalid(error) from None
    assert batch is not None
    check_allocation([*batch, rows, columns], item_size(diagonal))
    if lower == upper == 0 and rows == columns and not padding:
        return torch.diag_embed(diagonal)
    in_matrix, in_band = _positions(lower, upper, rows, columns, align)
    flat = diagonal.reshape(*batch, -1) if lower != upper else diagonal
    target = torch.full((*batch, rows * columns), padding, dtype=diagonal.dtype, device=diagonal.device)
    taken = _picked(flat, in_band)
    at = _index(in_matrix, flat)
    return moved(lambda old, new: old.index_copy(-1, at, new), target, taken).reshape(*batch, rows, columns)


def _diagonal_batch(diagonal: Dims, lower: int, upper: int) -> Any:
    rank = 1 if lower == upper else 2
    expect_rank_at_least(diagonal, rank, "diagonal")
    if diagonal is None:
        return None
    if rank == 2:
        merge_dim(diagonal[-2], upper - lower + 1, "the rows of diagonal and the number of diagonals")
    return diagonal[:-rank]


def _matrix_diag_shape(diagonal: Dims, k: Any, num_rows: Any, num_cols: Any, padding_value: Any, **_: Any) -> Dims:
    if k is None or (isinstance(k, list) and None in k):
        return None
    lower, upper = _band(k)
    batch = _diagonal_batch(diagonal, lower, upper)
    if diagonal is None or batch is None:
        return None
    length = diagonal[-1]
    if length is None or num_rows is None or num_cols is None:
        return (*batch, None if num_rows == -1 else num_rows, None if num_cols == -1 else num_cols)
    return (*batch, *_matrix_size(lower, upper, length, num_rows, num_cols))


@op("MatrixDiag(diagonal: T) -> output: T")
def matrix_diag_op(diagonal: torch.Tensor) -> torch.Tensor:
    return _matrix_diag(diagonal, 0, -1, -1, 0, "LEFT_LEFT")


@matrix_diag_op.shape
def matrix_diag_shape(diagonal: Dims) -> Dims:
    expect_rank_at_least(diagonal, 1, "diagonal")
    return None if diagonal is None else (*diagonal, diagonal[-1])


@matrix_diag_op.gradient
def matrix_diag_gradient(call: Any, grad: Any) -> Any:
    return matrix_diag_part_op(grad)


_DIAG_INPUTS = (
    "(diagonal: T, k: host int32, num_rows: host int32, num_cols: host int32, padding_value: host T) -> output: T"
)


@op(f"MatrixDiagV2{_DIAG_INPUTS}", shape=_matrix_diag_shape)
def matrix_diag_v2_op(diagonal: torch.Tensor, k: Any, num_rows: int, num_cols: int, padding_value: Any) -> torch.Tensor:
    return _matrix_diag(diagonal, k, num_rows, num_cols, padding_value, "LEFT_LEFT")


@matrix_diag_v2_op.gradient
def matrix_diag_v2_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    return matrix_diag_part_v2_op(grad, call.inputs[1], _zero(grad)), None, None, None, None


@op(f"MatrixDiagV3{_DIAG_INPUTS}", shape=_matrix_diag_shape, allowed=_ALIGN)
def matrix_diag_v3_op(
    diagonal: torch.Tensor, k: Any, num_rows: int, num_cols: int, padding_value: Any, *, align: str = "RIGHT_LEFT"
) -> torch.Tensor:
    return _matrix_diag(diagonal, k, num_rows, num_cols, padding_value, align)


@matrix_diag_v3_op.gradient
def matrix_diag_v3_gradient(call: Any, grad: Any) -> tuple[Any, ...]:
    return matrix_diag_part_v3_op(grad, call.inputs[1], _zero(grad), align=call.attrs["align"]), None, None, None, None


def _zero(like: Tensor) -> Tensor:
    return zeros([], like.dtype.base_dtype)


# MatrixDiagPart


def _matrix_diag_part(input: torch.Tensor, k: Any, padding: Any, align: str) -> torch.Tensor:
    try:
        expect_rank_at_least(tuple(input.shape), 2, "input")
        lower, upper = _band(k)
        rows, columns = input.shape[-2:]
        _check_band(lower, upper, rows, columns)
    except ShapeError as error:
        raise _invalid(error) from None
    if lower == upper:
        return input.diagonal(lower, -2, -1)
    batch = input.shape[:-2]
    in_matrix, in_band = _positions(lower, upper, rows, columns, align)
    count, length = upper - lower + 1, _longest(lower, upper, rows, columns)
    flat = input.reshape(*batch, rows * columns)
    target = torch.full((*batch, count * length), padding, dtype=input.dtype, device=input.device)
    taken = _picked(flat, in_matrix)
    at = _index(in_band, flat)
    return moved(lambda old, new: old.index_copy(-1, at, new), target, taken).reshape(*batch, count, length)


def _matrix_diag_part_shape(input: Dims, k: Any = 0, padding_value: Any = None, **_: Any) -> Dims:
    expect_rank_at_least(input, 2, "input")
    if input is None or k is None or (isinstance(k, list) and None in k):
        return None
    lower, upper = _band(k)
    rows, columns = input[-2:]
    length = None
    if rows is not None and columns is not None:
        _check_band(lower, upper, rows, columns)
        length = _longest(lower, upper, rows, columns)
    return (*input[:-2], *_band_shape(lower, upper, length))


@op("MatrixDiagPart(input: T) -> diagonal: T", view=True, shape=_matrix_diag_part_shape)
def matrix_diag_part_op(input: torch.Tensor) -> torch.Tensor:
    return _matrix_diag_part(input, 0, 0, "LEFT_LEFT")


@matrix_diag_part_op.gradient
def matrix_diag_part_gradient(call: Any, grad: Any) -> Any:
    dims = call.inputs[0].dims
    if dims is not None and dims[-1] is not None and dims[-1] == dims[-2]:
        return matrix_diag_op(grad)
    return matrix_set_diag_op(_zeros_like_op(call.inputs[0]), grad)


@op(
    "MatrixDiagPartV2(input: T, k: host int32, padding_value: host T) -> diagonal: T",
    view=True,
    shape=_matrix_diag_part_shape,
)
def matrix_diag_part_v2_op(input: torch.Tensor, k: Any, padding_value: Any) -> torch.Tensor:
    return _matrix_diag_part(input, k, padding_value, "LEFT_LEFT")


@matrix_diag_part_v2_op.gradient
def matrix_diag_part_v2_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    return matrix_set_diag_v2_op(_zeros_like_op(call.inputs[0]), grad, call.inputs[1]), None, None


@op(
    "MatrixDiagPartV3(input: T, k: host int32, padding_value: host T) -> diagonal: T",
    view=True,
    shape=_matrix_diag_part_shape,
    allowed=_ALIGN,
)
def matrix_diag_part_v3_op(
    input: torch.Tensor, k: Any, padding_value: Any, *, align: str = "RIGHT_LEFT"
) -> torch.Tensor:
    return _matrix_diag_part(input, k, padding_value, align)


@matrix_diag_part_v3_op.gradient
def matrix_diag_part_v3_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    input, k = call.inputs[:2]
    return matrix_set_diag_v3_op(_zeros_like_op(input), grad, k, align=call.attrs["align"]), None, None


# MatrixSetDiag


def _matrix_set_diag(input: torch.Tensor, diagonal: torch.Tensor, k: Any, align: str) -> torch.Tensor:
    try:
        matrix_set_diag_v3_shape(tuple(input.shape), tuple(diagonal.shape), k, align=align)
    except ShapeError as error:
        raise _invalid(error) from None
    lower, upper = _band(k)
    rows, columns = input.shape[-2:]
    batch = input.shape[:-2]
    in_matrix, in_band = _positions(lower, upper, rows, columns, align)
    flat = diagonal.reshape(*batch, -1) if lower != upper else diagonal
    taken = _picked(flat, in_band)
    at = _index(in_matrix, input)
    target = input.reshape(*batch, rows * columns)
    return moved(lambda old, new: old.index_copy(-1, at, new), target, taken).reshape(input.shape)


@op("MatrixSetDiag(input: T, diagonal: T) -> output: T")
def matrix_set_diag_op(input: torch.Tensor, diagonal: torch.Tensor) -> torch.Tensor:
    return _matrix_set_diag(input, diagonal, 0, "LEFT_LEFT")


@matrix_set_diag_op.shape
def matrix_set_diag_shape(input: Dims, diagonal: Dims) -> Dims:
    return matrix_set_diag_v3_shape(input, diagonal, 0)


@matrix_set_diag_op.gradient
def matrix_set_diag_gradient(call: Any, grad: Any) -> tuple[Any, Any]:
    return matrix_set_diag_op(grad, _zeros_like_op(call.inputs[1])), matrix_diag_part_op(grad)


@op("MatrixSetDiagV2(input: T, diagonal: T, k: host int32) -> output: T")
def matrix_set_diag_v2_op(input: torch.Tensor, diagonal: torch.Tensor, k: Any) -> torch.Tensor:
    return _matrix_set_diag(input, diagonal, k, "LEFT_LEFT")


@matrix_set_diag_v2_op.gradient
def matrix_set_diag_v2_gradient(call: Any, grad: Any) -> tuple[Any, Any, None]:
    _, diagonal, k = call.inputs
    return matrix_set_diag_v2_op(grad, _zeros_like_op(diagonal), k), matrix_diag_part_v2_op(grad, k, _zero(grad)), None


@op("MatrixSetDiagV3(input: T, diagonal: T, k: host int32) -> output: T", allowed=_ALIGN)
def matrix_set_diag_v3_op(
    input: torch.Tensor, diagonal: torch.Tensor, k: Any, *, align: str = "RIGHT_LEFT"
) -> torch.Tensor:
    return _matrix_set_diag(input, diagonal, k, align)


@matrix_set_diag_v2_op.shape
@matrix_set_diag_v3_op.shape
def matrix_set_diag_v3_shape(input: Dims, diagonal: Dims, k: Any, **_: Any) -> Dims:
    expect_rank_at_least(input, 2, "input")
    if input is None or diagonal is None or k is None or (isinstance(k, list) and None in k):
        return input
    lower, upper = _band(k)
    rows, columns = input[-2:]
    length = None
    if rows is not None and columns is not None:
        _check_band(lower, upper, rows, columns)
        length = _longest(lower, upper, rows, columns)
    merge(diagonal, (*input[:-2], *_band_shape(lower, upper, length)), "shapes of diagonal and what the input asks for")
    return input


@matrix_set_diag_v3_op.gradient
def matrix_set_diag_v3_gradient(call: Any, grad: Any) -> tuple[Any, Any, None]:
    _, diagonal, k = call.inputs
    align = call.attrs["align"]
    kept = matrix_set_diag_v3_op(grad, _zeros_like_op(diagonal), k, align=align)
    return kept, matrix_diag_part_v3_op(grad, k, _zero(grad), align=align), None


def diag(
    diagonal: Any,
    name: str | None = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """Return matrices with given diagonals.

    Args:
        diagonal: a tensor of shape (..., length), or (..., number of diagonals, length) for a band.
        name: the name of the node.
        k: the diagonal, positive above the main one; or the lowest and the highest of a band.
        num_rows, num_cols: the size of a matrix; -1 for the smallest that fits.
        padding_value: the elements off the diagonals.
        align: to which ends superdiagonals and subdiagonals are moved in `diagonal`.
    """
    diagonal = convert_to_tensor(diagonal)
    if diagonal.dtype.is_bool:
        padding_value = bool(padding_value)
    return matrix_diag_v3_op(diagonal, k, num_rows, num_cols, padding_value, align=align, name=name)


def diag_part(
    input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Tensor:
    """Return the diagonals of matrices.

    Args:
        input: a tensor of shape (..., m, n).
        name: the name of the node.
        k: the diagonal, positive above the main one; or the lowest and the highest of a band.
        padding_value: what fills up the shorter diagonals of a band.
        align: to which ends superdiagonals and subdiagonals are moved.
    Returns:
        A tensor of shape (..., length), or (..., number of diagonals, length) for a band.
    """
    input = convert_to_tensor(input)
    if input.dtype.is_bool:
        padding_value = bool(padding_value)
    return matrix_diag_part_v3_op(input, k, padding_value, align=align, name=name)


def set_diag(input: Any, diagonal: Any, name: str | None = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT") -> Tensor:
    """Return matrices with their diagonals replaced.

    Args:
        input: a tensor of shape (..., m, n).
        diagonal: a tensor of shape (..., length), or (..., number of diagonals, length) for a band.
        name: the name of the node.
        k: the diagonal, positive above the main one; or the lowest and the highest of a band.
        align: to which ends superdiagonals and subdiagonals are moved in `diagonal`.
    """
    return matrix_set_diag_v3_op(input, diagonal, k, align=align, name=name)


# Bands


@op(
    "MatrixBandPart(input: T, num_lower: host Tindex, num_upper: host Tindex) -> band: T",
    Tindex=Type(INDEX, default=int64),
)
def matrix_band_part_op(input: torch.Tensor, num_lower: int, num_upper: int) -> torch.Tensor:
    if input.ndim < 2:
        raise InvalidArgumentError(None, None, f"input must be at least 2-dim, received shape: {list(input.shape)}")
    rows, columns = input.shape[-2:]
    if num_lower > rows:
        raise InvalidArgumentError(
            None, None, f"num_lower must be negative or less or equal to number of rows ({rows}) got: {num_lower}"
        )
    if num_upper > columns:
        raise InvalidArgumentError(
            None, None, f"num_upper must be negative or less or equal to number of columns ({columns}) got: {num_upper}"
        )

    def cut(matrix: torch.Tensor) -> torch.Tensor:
        result = matrix if num_lower < 0 else matrix.triu(-num_lower)
        return result if num_upper < 0 else result.tril(num_upper)

    result = moved(cut, input)
    return result.clone() if num_lower < 0 and num_upper < 0 else result


@matrix_band_part_op.shape
def matrix_band_part_shape(input: Dims, num_lower: Any, num_upper: Any) -> Dims:
    return expect_rank_at_least(input, 2, "input")


@matrix_band_part_op.gradient
def matrix_band_part_gradient(call: Any, grad: Any) -> tuple[Any, None, None]:
    return matrix_band_part_op(grad, call.inputs[1], call.inputs[2]), None, None


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Return matrices with everything off a central band set to zero.

    Args:
        input: a tensor of shape (..., m, n).
        num_lower, num_upper: how many subdiagonals and superdiagonals are kept, negative for all.
        name: the name of the node.
    """
    return matrix_band_part_op(input, num_lower, num_upper, name=name)


# Diagonals of tensors


@op("Diag(diagonal: T) -> output: T", T=_TENSOR_DIAGONAL)
def diag_op(diagonal: torch.Tensor) -> torch.Tensor:
    if not diagonal.ndim:
        raise InvalidArgumentError(None, None, "Input must be at least rank 1, got 0")
    check_allocation([*diagonal.shape, *diagonal.shape], item_size(diagonal))
    return torch.diag_embed(diagonal.reshape(-1)).reshape(*diagonal.shape, *diagonal.shape)


@diag_op.shape
def diag_shape(diagonal: Dims) -> Dims:
    expect_rank_at_least(diagonal, 1, "diagonal")
    return None if diagonal is None else (*diagonal, *diagonal)


@diag_op.gradient
def diag_gradient(call: Any, grad: Any) -> Any:
    return diag_part_op(grad)


@op("DiagPart(input: T) -> diagonal: T", T=_TENSOR_DIAGONAL, view=True)
def diag_part_op(input: torch.Tensor) -> torch.Tensor:
    try:
        dims = diag_part_shape(tuple(input.shape))
    except ShapeError as error:
        raise _invalid(error) from None
    assert dims is not None
    count = math.prod(dims)
    return input.reshape(count, count).diagonal().reshape(dims)


@diag_part_op.shape
def diag_part_shape(input: Dims) -> Dims:
    if input is None:
        return None
    half = len(input) // 2
    if not input or len(input) % 2:
        raise ShapeError(f"input must have an even number of axes, at least 2, got {len(input)}")
    return merge(input[:half], input[half:], "the two halves of the shape of input")


@diag_part_op.gradient
def diag_part_gradient(call: Any, grad: Any) -> Any:
    return diag_op(grad)


def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Return a tensor of shape s + s that has `diagonal`, of shape s, where the halves of the index are equal."""
    return diag_op(diagonal, name=name)


def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """Return the elements of a tensor of shape s + s whose halves of the index are equal, as a tensor of shape s."""
    return diag_part_op(input, name=name)


# Compositions


def trace(x: Any, name: str | None = None) -> Tensor:
    """Return the sum along the main diagonal of matrices.

    Args:
        x: a tensor of shape (..., m, n).
        name: the name of the node.
    """
    with op_scope(name, "Trace", [x]) as scope:
        return _sum_op(diag_part(x), [-1], keep_dims=False, name=scope or None)


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Return identity matrices.

    Args:
        num_rows: the number of rows.
        num_columns: the number of columns, that of rows by default.
        batch_shape: the shape of the batch of matrices.
        dtype: the type of the elements.
        name: the name of the node.
    """
    dtype = as_dtype(dtype)
    with op_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        is_square = num_columns is None
        for size in (num_rows, num_columns):
            if isinstance(size, (float, str)) or size is num_rows and size is None:
                raise TypeError(f"`num_rows` and `num_columns` must be integers, got {num_rows!r} and {num_columns!r}")
        batch = [] if batch_shape is None else batch_shape
        columns = num_rows if is_square else num_columns
        if isinstance(num_rows, int) and isinstance(columns, int) and not isinstance(batch, Tensor):
            sizes: list[Any] = list(batch)
            diagonal_shape: Any = [*sizes, min(num_rows, columns)]
            shape: Any = [*sizes, num_rows, columns]
        else:
            batch = convert_to_tensor(batch, int32, name="shape")
            num_rows, columns = (
                _cast_op(convert_to_tensor(each, name=label), DstT=int32)
                for each, label in ((num_rows, "num_rows"), (columns, "num_columns"))
            )
            size = num_rows if is_square else _minimum_op(num_rows, columns)
            diagonal_shape = concat_v2_op([batch, [size]], 0)
            shape = concat_v2_op([batch, [num_rows, columns]], 0)
        diagonal = ones(diagonal_shape, dtype)
        if is_square:
            return diag(diagonal)
        return set_diag(zeros(shape, dtype), diagonal)
