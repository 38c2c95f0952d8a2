"""How the values of a ragged tensor fall into rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import current_graph, name_scope
from penstock.core.inference import static_value
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec
from penstock.ops.array.gather import gather
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import expand_dims, reshape
from penstock.ops.array.sorting import upper_bound_op
from penstock.ops.constant import identity, shape_op
from penstock.ops.debugging import comparisons
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal
from penstock.ops.math.histogram import dense_bincount_op
from penstock.ops.math.scan import cumsum
from penstock.ops.math.sequence import range as tensor_range

INDEX_TYPES = (dtypes.int32, dtypes.int64)


def checked(tensor: Any, checks: Sequence[Any]) -> Any:
    """Return a tensor that is computed after checks, which eager execution has already made."""
    made = [check for check in checks if check is not None]
    graph = current_graph()
    if not made or graph is None:
        return tensor
    with graph.control_dependencies(made):
        return identity(tensor)


def static_int(value: Any) -> int | None:
    """Return an integer scalar as a Python number if it is known now."""
    if value is None:
        return None
    if isinstance(value, (int, np.integer)):
        return int(value)
    known = static_value(value)
    return None if known is None else int(known)


def index_tensor(value: Any, dtype: Any, name: str, dtype_hint: Any = None) -> Any:
    """Return positions or lengths as a tensor of int32 or int64.

    Raises:
        ValueError: if they are of another type.
    """
    if dtype is not None:
        tensor = convert_to_tensor(value, name=name, preferred_dtype=dtype)
        tensor = cast(tensor, as_dtype(dtype)) if tensor.dtype.is_integer or not _size(tensor) else tensor
    else:
        own = getattr(value, "dtype", None)
        hint = None if own is not None and own == np.int32 else dtype_hint or dtypes.int64
        tensor = convert_to_tensor(value, name=name, preferred_dtype=hint)
        if isinstance(value, np.ndarray) and tensor.dtype not in INDEX_TYPES and tensor.dtype.is_integer:
            tensor = cast(tensor, dtypes.int64)
    if tensor.dtype not in INDEX_TYPES:
        raise ValueError(f"{name} must have dtype int32 or int64; got {tensor.dtype.name}")
    return tensor


def _size(tensor: Any) -> int:
    dims = tensor.dims
    return 1 if dims is None or None in dims else int(np.prod(dims, dtype=np.int64))


class RowPartition(CompositeTensor):
    """A division of a sequence of values into rows.

    It is held as `row_splits`: row i has the values from `row_splits[i]` up to `row_splits[i + 1]`. What else is known
    about it is kept beside. Made by the `from_` methods.

    Args:
        row_splits: int32 or int64 vector that rises from 0 to the number of values.
        row_lengths, value_rowids, nrows, uniform_row_length, nvals: the same division in other terms, where known.
        internal: must be True.
    Raises:
        ValueError: if `internal` is not set: call `RowPartition.from_row_splits` and its like.
    """

    def __init__(
        self,
        row_splits: Any,
        row_lengths: Any = None,
        value_rowids: Any = None,
        nrows: Any = None,
        uniform_row_length: Any = None,
        nvals: Any = None,
        internal: bool = False,
    ) -> None:
        if not internal:
            raise ValueError(
                "RowPartition constructor is private; please use one of the factory methods instead (e.g., "
                "RowPartition.from_row_lengths())"
            )
        self._row_splits = row_splits
        self._row_lengths = row_lengths
        self._value_rowids = value_rowids
        self._nrows = nrows
        self._uniform_row_length = uniform_row_length
        self._nvals = nvals

    @classmethod
    def from_value_rowids(
        cls, value_rowids: Any, nrows: Any = None, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Return a partition by the row of each value.

        Args:
            value_rowids: a vector that does not fall.
            nrows: the number of rows; by default one more than the last row that has a value.
            validate: whether the arguments are checked.
            dtype: the type of the positions.
            dtype_hint: the type where the arguments leave it open.
        Raises:
            ValueError, InvalidArgumentError: if the rows are no such vector.
        """
        with name_scope(None, "RowPartitionFromValueRowIds", [value_rowids, nrows]):
            value_rowids = index_tensor(value_rowids, dtype, "value_rowids", dtype_hint)
            value_rowids.shape.assert_has_rank(1)
            if nrows is None:
                known = static_value(value_rowids)
                if known is not None:
                    nrows_tensor = convert_to_tensor(int(known[-1]) + 1 if known.size else 0, value_rowids.dtype)
                else:
                    last = concat([convert_to_tensor([-1], value_rowids.dtype), value_rowids], 0)[-1]
                    nrows_tensor = last + 1
            else:
                nrows_tensor = cast(convert_to_tensor(nrows, name="nrows"), value_rowids.dtype)
                count = static_int(nrows)
                if count is not None and count < 0:
                    raise ValueError(f"Expected nrows >= 0; got {count}")
                known = static_value(value_rowids)
                if validate and count is not None and known is not None and known.size and known[-1] >= count:
                    raise ValueError(
                        f"Expected nrows >= value_rowids[-1] + 1; got nrows={count}, value_rowids[-1]={known[-1]}"
                    )
            if validate:
                message = "Arguments to from_value_rowids do not form a valid RowPartition"
                checks = [
                    comparisons.assert_non_negative(value_rowids[:1], message=message),
                    _rising(value_rowids, message),
                    comparisons.assert_less(value_rowids[-1:], nrows_tensor, message=message),
                ]
                value_rowids = checked(value_rowids, checks)
            ones = convert_to_tensor([], value_rowids.dtype)
            size = convert_to_tensor(nrows_tensor, value_rowids.dtype)
            lengths = dense_bincount_op(value_rowids, size, ones)
            return cls(
                _splits_of(lengths), row_lengths=lengths, value_rowids=value_rowids, nrows=nrows_tensor, internal=True
            )

    @classmethod
    def from_row_splits(
        cls, row_splits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Return a partition by where the rows meet: a vector that rises from 0 to the number of values.

        Raises:
            ValueError, InvalidArgumentError: if it does not.
        """
        if isinstance(row_splits, (list, tuple)) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        if isinstance(row_splits, TypeSpec):
            return cls(row_splits, internal=True)
        with name_scope(None, "RowPartitionFromRowSplits", [row_splits]):
            row_splits = index_tensor(row_splits, dtype, "row_splits", dtype_hint)
            row_splits.shape.assert_has_rank(1)
            if row_splits.dims == (0,):
                raise ValueError("row_splits tensor may not be empty.")
            if validate:
                message = "Arguments to from_row_splits do not form a valid RaggedTensor"
                checks = [
                    comparisons.assert_equal(row_splits[0], convert_to_tensor(0, row_splits.dtype), message=message),
                    _rising(row_splits, message),
                ]
                row_splits = checked(row_splits, checks)
            return cls(row_splits, internal=True)

    @classmethod
    def from_row_lengths(
        cls, row_lengths: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Return a partition by the number of values in each row.

        Raises:
            ValueError, InvalidArgumentError: if `row_lengths` is no vector of numbers from 0.
        """
        with name_scope(None, "RowPartitionFromRowLengths", [row_lengths]):
            row_lengths = index_tensor(row_lengths, dtype, "row_lengths", dtype_hint)
            row_lengths.shape.assert_has_rank(1)
            if validate:
                message = "Arguments to from_row_lengths do not form a valid RowPartition"
                row_lengths = checked(row_lengths, [comparisons.assert_non_negative(row_lengths, message=message)])
            return cls(_splits_of(row_lengths), row_lengths=row_lengths, internal=True)

    @classmethod
    def from_row_starts(
        cls, row_starts: Any, nvals: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Return a partition by where each row starts, and the number of values.

        Raises:
            ValueError, InvalidArgumentError: if the starts do not rise from 0 up to the number of values.
        """
        with name_scope(None, "RowPartitionFromRowStarts", [row_starts]):
            row_starts = index_tensor(row_starts, dtype, "row_starts", dtype_hint)
            row_starts.shape.assert_has_rank(1)
            nvals = cast(convert_to_tensor(nvals, name="nvals"), row_starts.dtype)
            if validate:
                message = "Arguments to from_row_starts do not form a valid RaggedTensor"
                zero = convert_to_tensor(0, row_starts.dtype)
                checks = [
                    comparisons.assert_equal(row_starts[:1], zero, message=message),
                    _rising(row_starts, message),
                    comparisons.assert_less_equal(row_starts[-1:], nvals, message=message),
                ]
                row_starts = checked(row_starts, checks)
            return cls(concat([row_starts, reshape(nvals, [1])], 0), nvals=nvals, internal=True)

    @classmethod
    def from_row_limits(
        cls, row_limits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Return a partition by where each row ends.

        Raises:
            ValueError, InvalidArgumentError: if the ends do not rise.
        """
        with name_scope(None, "RowPartitionFromRowLimits", [row_limits]):
            row_limits = index_tensor(row_limits, dtype, "row_limits", dtype_hint)
            row_limits.shape.assert_has_rank(1)
            if validate:
                message = "Arguments to from_row_limits do not form a valid RaggedTensor"
                checks = [
                    comparisons.assert_non_negative(row_limits[:1], message=message),
                    _rising(row_limits, message),
                ]
                row_limits = checked(row_limits, checks)
            return cls(concat([convert_to_tensor([0], row_limits.dtype), row_limits], 0), internal=True)

    @classmethod
    def from_uniform_row_length(
        cls,
        uniform_row_length: Any,
        nvals: Any = None,
        nrows: Any = None,
        validate: bool = True,
        dtype: Any = None,
        dtype_hint: Any = None,
    ) -> RowPartition:
        """Return a partition into rows of equal length.

        Args:
            uniform_row_length: the length, a number from 0.
            nvals: the number of values.
            nrows: the number of rows; it must be given where the length is 0.
            validate: whether the arguments are checked.
            dtype: the type of the positions.
            dtype_hint: the type where the arguments leave it open.
        Raises:
            ValueError, InvalidArgumentError: if the numbers do not fit together.
        """
        if nvals is None and nrows is None:
            raise ValueError("At least one of nvals or nrows must be specified.")
        with name_scope(None, "RowPartitionFromUniformRowLength", [uniform_row_length, nrows]):
            length = index_tensor(uniform_row_length, dtype, "uniform_row_length", dtype_hint)
            length.shape.assert_has_rank(0)
            kind = length.dtype
            static_length, static_nvals = static_int(length), static_int(nvals)
            static_nrows = static_int(nrows)
            if static_length is not None and static_length < 0:
                raise ValueError(f"uniform_row_length must be greater than or equal to 0; got {static_length}")
            message = (
                f"uniform_row_length ({static_length}) times nrows ({static_nrows}) must be the number of values "
                f"({static_nvals})"
            )
            if static_nrows is None and static_length is not None and static_nvals is not None and nrows is None:
                static_nrows = static_nvals // static_length if static_length else 0
            if validate and static_nrows is not None and static_length is not None and static_nvals is not None:
                if static_nrows * static_length != static_nvals:
                    raise ValueError(f"{message}: nvals does not fill the rows.")
            nvals_tensor = None if nvals is None else cast(convert_to_tensor(nvals), kind)
            if static_nrows is not None:
                nrows_tensor = convert_to_tensor(static_nrows, kind)
            elif nrows is not None:
                nrows_tensor = cast(convert_to_tensor(nrows), kind)
            else:
                divisor = length if static_length else length + cast(equal(length, 0), kind)
                nrows_tensor = nvals_tensor // divisor
            splits = tensor_range(nrows_tensor + 1, dtype=kind) * length
            if static_nrows is not None and splits.dims == (None,):
                splits = reshape(splits, [static_nrows + 1])
            if validate and nvals_tensor is not None and None in (static_nrows, static_length, static_nvals):
                splits = checked(
                    splits,
                    [
                        comparisons.assert_equal(nrows_tensor * length, nvals_tensor, message=message),
                        comparisons.assert_non_negative(length, message=message),
                    ],
                )
            kept = length if static_length is None else convert_to_tensor(static_length, kind)
            return cls(splits, nrows=nrows_tensor, uniform_row_length=kept, nvals=nvals_tensor, internal=True)

    @property
    def dtype(self) -> DType:
        """The type of the positions, int32 or int64."""
        return self._row_splits.dtype

    def row_splits(self) -> Any:
        """Return where the rows meet, a vector (nrows + 1,)."""
        return self._row_splits

    def value_rowids(self) -> Any:
        """Return the row of each value, a vector (nvals,)."""
        if self._value_rowids is None:
            rows = rows_of_values(self._row_splits, self.nvals())
            if current_graph() is not None:
                return rows
            self._value_rowids = rows
        return self._value_rowids

    def nvals(self) -> Any:
        """Return the number of values."""
        return self._row_splits[-1] if self._nvals is None else self._nvals

    def nrows(self) -> Any:
        """Return the number of rows."""
        if self._nrows is not None:
            return self._nrows
        dims = self._row_splits.dims
        if dims is not None and dims[0] is not None:
            return convert_to_tensor(dims[0] - 1, self.dtype)
        return lookup_shape(self._row_splits, self.dtype)[0] - 1

    def row_starts(self) -> Any:
        """Return where each row starts, a vector (nrows,)."""
        return self._row_splits[:-1]

    def row_limits(self) -> Any:
        """Return where each row ends, a vector (nrows,)."""
        return self._row_splits[1:]

    def row_lengths(self) -> Any:
        """Return the number of values in each row, a vector (nrows,)."""
        if self._row_lengths is not None:
            return self._row_lengths
        return self._row_splits[1:] - self._row_splits[:-1]

    def uniform_row_length(self) -> Any:
        """Return the length that all rows are known to have, or None."""
        return self._uniform_row_length

    def offsets_in_rows(self) -> Any:
        """Return the position of each value in its row, a vector (nvals,)."""
        return tensor_range(self.nvals(), dtype=self.dtype) - gather(self.row_starts(), self.value_rowids())

    def is_uniform(self) -> bool:
        """Tell whether all rows are known to have the same length."""
        return self._uniform_row_length is not None

    @property
    def static_nrows(self) -> int | None:
        """The number of rows, if it is known now."""
        dims = self._row_splits.shape.dims
        if dims is not None and dims[0].value is not None:
            return int(dims[0].value) - 1
        return static_int(self._nrows)

    @property
    def static_nvals(self) -> int | None:
        """The number of values, if it is known now."""
        found = static_int(self._nvals)
        if found is None and isinstance(self._row_splits, Tensor):
            known = static_value(self._row_splits)
            found = None if known is None or not len(known) else int(known[-1])
        return found

    @property
    def static_uniform_row_length(self) -> int | None:
        """The length that all rows have, if that is known now."""
        return static_int(self._uniform_row_length)

    def with_dtype(self, dtype: Any) -> RowPartition:
        """Return the partition with positions of another type.

        Raises:
            ValueError: if it is neither int32 nor int64.
        """
        dtype = as_dtype(dtype)
        if dtype not in INDEX_TYPES:
            raise ValueError(f"dtype must be int32 or int64; got {dtype}")
        if dtype == self.dtype:
            return self

        def moved(part: Any) -> Any:
            return None if part is None else cast(part, dtype)

        return RowPartition(
            cast(self._row_splits, dtype),
            moved(self._row_lengths),
            moved(self._value_rowids),
            moved(self._nrows),
            moved(self._uniform_row_length),
            moved(self._nvals),
            internal=True,
        )

    def with_row_splits(self, row_splits: Any) -> RowPartition:
        """Return a partition that is known to be the same, with a tensor of another graph or step for its splits."""
        return RowPartition(row_splits, uniform_row_length=self._uniform_row_length, internal=True)

    @property
    def _type_spec(self) -> RowPartitionSpec:
        return RowPartitionSpec(self.static_nrows, self.static_nvals, self.static_uniform_row_length, self.dtype)

    def __repr__(self) -> str:
        if self._uniform_row_length is not None:
            return f"tf.RowPartition(nrows={self.static_nrows}, uniform_row_length={self.static_uniform_row_length})"
        known = static_value(self._row_splits)
        return f"tf.RowPartition(row_splits={self._row_splits if known is None else known})"


class RowPartitionSpec(TypeSpec):
    """The type of a `RowPartition`.

    Args:
        nrows, nvals, uniform_row_length: what is known of them.
        dtype: the type of the positions.
    """

    __slots__ = ("_dtype", "_nrows", "_nvals", "_uniform_row_length")

    def __init__(
        self,
        nrows: int | None = None,
        nvals: int | None = None,
        uniform_row_length: int | None = None,
        dtype: Any = dtypes.int64,
    ) -> None:
        self._nrows = TensorShape([nrows])
        self._nvals = TensorShape([nvals])
        self._uniform_row_length = TensorShape([uniform_row_length])
        self._dtype = as_dtype(dtype)

    @property
    def value_type(self) -> type:
        """`RowPartition`."""
        return RowPartition

    @property
    def dtype(self) -> DType:
        """The type of the positions."""
        return self._dtype

    def _serialize(self) -> tuple[Any, ...]:
        return self._nrows, self._nvals, self._uniform_row_length, self._dtype

    @classmethod
    def _deserialize(cls, serialization: tuple[Any, ...]) -> RowPartitionSpec:
        nrows, nvals, length, dtype = serialization
        return cls(nrows[0], nvals[0], length[0], dtype)

    @property
    def _component_specs(self) -> Any:
        nrows = self._nrows.as_list()[0]
        return TensorSpec([None if nrows is None else nrows + 1], self._dtype)

    def _to_components(self, value: Any) -> Any:
        return value.row_splits()

    def _from_components(self, components: Any) -> Any:
        length = self._uniform_row_length.as_list()[0]
        kept = None if length is None else convert_to_tensor(length, self._dtype)
        return RowPartition(components, uniform_row_length=kept, internal=True)


def lookup_shape(tensor: Any, out_type: Any) -> Any:
    """Return a tensor's shape as a tensor of sizes."""
    return shape_op(tensor, out_type=as_dtype(out_type))


def rows_of_values(row_splits: Any, nvals: Any) -> Any:
    """Return for each of `nvals` values the row it is in."""
    positions = tensor_range(nvals, dtype=row_splits.dtype)
    return upper_bound_op(expand_dims(row_splits[1:], 0), expand_dims(positions, 0), out_type=row_splits.dtype)[0]


def _splits_of(lengths: Any) -> Any:
    return concat([convert_to_tensor([0], lengths.dtype), cumsum(lengths)], 0)


def _rising(vector: Any, message: str) -> Any:
    if isinstance(vector, Tensor):
        return comparisons.assert_less_equal(vector[:-1], vector[1:], message=message)
    return None
