"""Features whose values and partitions into rows are parsed to RaggedTensors."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.array.repeating import repeat
from penstock.ops.debugging.comparisons import assert_equal_v1
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_max
from penstock.ops.math.scan import cumsum
from penstock.ops.ragged.ragged_tensor import RaggedTensor
from penstock.ops.ragged.row_partition import checked


class RowSplits(NamedTuple):
    """Rows by a feature that holds where each row starts, and the number of values.

    Args:
        key: the key of the feature.
    """

    key: str


class RowLengths(NamedTuple):
    """Rows by a feature that holds the number of values in each.

    Args:
        key: the key of the feature.
    """

    key: str


class RowStarts(NamedTuple):
    """Rows by a feature that holds where each starts.

    Args:
        key: the key of the feature.
    """

    key: str


class RowLimits(NamedTuple):
    """Rows by a feature that holds where each ends.

    Args:
        key: the key of the feature.
    """

    key: str


class ValueRowIds(NamedTuple):
    """Rows by a feature that holds the row of each value.

    Args:
        key: the key of the feature.
    """

    key: str


class UniformRowLength(NamedTuple):
    """Rows of one length.

    Args:
        length: the number of values in each row.
    """

    length: int


_PARTITIONS = (RowSplits, RowLengths, RowStarts, RowLimits, ValueRowIds, UniformRowLength)


class _Fields(NamedTuple):
    dtype: DType
    value_key: str | None
    partitions: tuple[Any, ...]
    row_splits_dtype: DType
    validate: bool


class RaggedFeature(_Fields):
    """A feature of any number of values, parsed to a RaggedTensor: a row for each example.

    Args:
        dtype: float32, int64 or string.
        value_key: the key of the values; by default the key of the feature.
        partitions: how the values of an example are divided into rows, the outermost first.
        row_splits_dtype: int32 or int64.
        validate: whether the partitions are checked when they are applied.
    Raises:
        TypeError: if an argument is of another type.
        ValueError: if `row_splits_dtype` is neither int32 nor int64.
    """

    __slots__ = ()

    RowSplits = RowSplits
    RowLengths = RowLengths
    RowStarts = RowStarts
    RowLimits = RowLimits
    ValueRowIds = ValueRowIds
    UniformRowLength = UniformRowLength

    def __new__(
        cls,
        dtype: Any,
        value_key: str | None = None,
        partitions: Any = (),
        row_splits_dtype: Any = dtypes.int32,
        validate: bool = False,
    ) -> RaggedFeature:
        if value_key is not None and not isinstance(value_key, str):
            raise ValueError(f"value_key must be a string, got {value_key!r}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions must be a list or tuple, got {partitions!r}")
        dtype, row_splits_dtype = as_dtype(dtype), as_dtype(row_splits_dtype)
        if row_splits_dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"row_splits_dtype must be int32 or int64, got {row_splits_dtype.name}")
        if not isinstance(validate, bool):
            raise TypeError(f"validate must be a bool, got {validate!r}")
        for partition in partitions:
            if not isinstance(partition, _PARTITIONS):
                raise TypeError(
                    "partitions must be RaggedFeature.RowSplits, RowLengths, RowStarts, RowLimits, ValueRowIds or "
                    f"UniformRowLength, got {partition!r}"
                )
        return super().__new__(cls, dtype, value_key, tuple(partitions), row_splits_dtype, validate)

    def columns(self, key: str) -> list[tuple[str, Any]]:
        """Return the keys that the feature reads, each with the type of its values.

        Args:
            key: the key of the feature.
        """
        partitions = [part.key for part in self.partitions if not isinstance(part, UniformRowLength)]
        return [(self.value_key or key, self.dtype), *((part, dtypes.int64) for part in partitions)]


def ragged_columns(values: Any, splits: Any, inner_splits: Any = None, *, is_single: bool) -> list[Any]:
    """Return the parsed columns of ragged features: tensors for one example, else RaggedTensors.

    Args:
        values: the flat values of each column.
        splits: the row splits of each column.
        inner_splits: those of the steps in each row, for lists of features.
        is_single: whether one example was parsed, not a batch.
    """
    if inner_splits is not None:
        values = [
            RaggedTensor.from_row_splits(column, ends, validate=False)
            for column, ends in zip(values, inner_splits, strict=True)
        ]
    if is_single:
        return list(values)
    return [
        RaggedTensor.from_row_splits(column, ends, validate=False) for column, ends in zip(values, splits, strict=True)
    ]


def ragged_value(key: str, feature: RaggedFeature, found: dict[str, Any]) -> Any:
    """Return the value of a RaggedFeature: its column, divided by its partitions.

    Args:
        key: the key of the feature.
        feature: its description.
        found: key -> parsed column.
    """
    value = found[feature.value_key or key]
    if not isinstance(value, RaggedTensor):
        for partition in reversed(feature.partitions):
            value = _divided(value, partition, found, feature)
        return value
    steps = value.row_splits if value.ragged_rank > 1 else None
    if steps is not None:
        value = value.values
    for partition in reversed(feature.partitions):
        value = _divided_rows(value, partition, found, key, feature, steps)
    return value if steps is None else RaggedTensor.from_row_splits(value, steps, validate=feature.validate)


def _blocks(values: Any, length: int) -> Tensor:
    """Return a tensor's rows in blocks of one length."""
    sizes = deferred("Shape")(values, out_type=dtypes.int32)
    return deferred("Reshape")(values, deferred("ConcatV2")([[-1, length], sizes[1:]], 0))


def _divided(values: Any, partition: Any, found: dict[str, Any], feature: RaggedFeature) -> Any:
    """Divide the values of one example."""
    validate = feature.validate
    if isinstance(partition, UniformRowLength):
        if isinstance(values, RaggedTensor):
            length = convert_to_tensor(partition.length, feature.row_splits_dtype)
            return RaggedTensor.from_uniform_row_length(values, length, validate=validate)
        return _blocks(values, partition.length)
    rows = cast(found[partition.key], feature.row_splits_dtype)
    if isinstance(partition, RowSplits):
        return RaggedTensor.from_row_splits(values, rows, validate=validate)
    if isinstance(partition, RowLengths):
        return RaggedTensor.from_row_lengths(values, rows, validate=validate)
    if isinstance(partition, RowStarts):
        return RaggedTensor.from_row_starts(values, rows, validate=validate)
    if isinstance(partition, RowLimits):
        return RaggedTensor.from_row_limits(values, rows, validate=validate)
    return RaggedTensor.from_value_rowids(values, rows, validate=validate)


def _divided_rows(
    value: Any, partition: Any, found: dict[str, Any], key: str, feature: RaggedFeature, steps: Tensor | None
) -> Any:
    """Divide the values of each row of a batch, which the partitions describe row by row."""
    validate = feature.validate
    if isinstance(partition, UniformRowLength):
        if value.ragged_rank > 1:
            length = convert_to_tensor(partition.length, value.row_splits.dtype)
            inner = RaggedTensor.from_uniform_row_length(value.values, length, validate=validate)
            return RaggedTensor.from_row_splits(inner, value.row_splits // length, validate=validate)
        inner = _blocks(value.values, partition.length)
        return RaggedTensor.from_row_splits(inner, value.row_splits // partition.length, validate=validate)
    rows = found[partition.key]
    if rows.values.dtype != value.row_splits.dtype:
        rows = cast(rows, value.row_splits.dtype)
    if steps is not None:
        inner = rows.values
        if validate:
            message = f"Feature {key}: values and partitions are not aligned"
            check = assert_equal_v1(steps, rows.row_splits, message=message)
            inner = inner.with_values(checked(inner.values, [check]))
        rows = inner
    return _joined_rows(value, partition, rows, validate)


def _joined_rows(value: Any, partition: Any, rows: Any, validate: bool) -> Any:
    if isinstance(partition, RowLengths):
        return rows.with_values(RaggedTensor.from_row_lengths(value.values, rows.values, validate=validate))
    if isinstance(partition, ValueRowIds):
        counts = deferred("Maximum")(reduce_max(rows + 1, axis=1), convert_to_tensor(0, rows.values.dtype))
        numbers = rows.values + repeat(cumsum(counts, exclusive=True), rows.row_lengths())
        inner = RaggedTensor.from_value_rowids(value.values, numbers, validate=validate)
        return RaggedTensor.from_row_lengths(inner, counts, validate=validate)
    if isinstance(partition, RowSplits):
        rows = rows[:, 1:]
    positions = rows.values + repeat(value.row_starts(), rows.row_lengths())
    if isinstance(partition, RowStarts):
        return rows.with_values(RaggedTensor.from_row_starts(value.values, positions, validate=validate))
    return rows.with_values(RaggedTensor.from_row_limits(value.values, positions, validate=validate))
