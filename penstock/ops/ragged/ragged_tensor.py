"""The class of ragged tensors: rows of different lengths, held as one tensor of values and a partition of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core import api_dispatch, dtypes
from penstock.core.convert import convert_to_tensor, register_conversion
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import current_graph, name_scope
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import BatchableTypeSpec, CompositeTensor, TensorSpec, TypeSpec
from penstock.ops.array.gather import gather, scatter_nd
from penstock.ops.array.joining import concat, stack
from penstock.ops.array.padding import pad
from penstock.ops.array.selecting import boolean_mask, sequence_mask, where
from penstock.ops.array.shaping import broadcast_to, reshape, shape
from penstock.ops.debugging import comparisons
from penstock.ops.math.binary import maximum, minimum
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, not_equal
from penstock.ops.math.reduce import reduce_max, reduce_min
from penstock.ops.math.sequence import range as tensor_range
from penstock.ops.ragged.conversion import (
    ragged_tensor_from_variant_op,
    ragged_tensor_to_sparse_op,
    ragged_tensor_to_tensor_op,
    ragged_tensor_to_variant_op,
)
from penstock.ops.ragged.row_partition import RowPartition, checked
from penstock.ops.ragged.value import RaggedTensorValue


class RaggedTensor(CompositeTensor):
    """A tensor with axes along which its slices have different lengths.

    `values` holds all rows one after the other, and the partition says where they meet. Values that are ragged in turn
    make more than one ragged axis. Made by the `from_` methods and by `tf.ragged.constant`.

    Args:
        values: a tensor of shape (nvals, ...), or a RaggedTensor.
        row_partition: a `RowPartition` of them.
        internal: must be True.
    Raises:
        ValueError: if `internal` is not set: call `RaggedTensor.from_row_splits` and its like.
    """

    # NumPy gives way to our operators in `array + ragged`.
    __array_priority__ = 110

    def __init__(self, values: Any, row_partition: Any, internal: bool = False) -> None:
        if not internal:
            raise ValueError(
                "RaggedTensor constructor is private; please use one of the factory methods instead (e.g., "
                "RaggedTensor.from_row_lengths())"
            )
        if not isinstance(row_partition, RowPartition):
            raise TypeError(f"Argument `row_partition` must be a RowPartition. Received {row_partition}.")
        values.shape.with_rank_at_least(1)
        if isinstance(values, RaggedTensor) and values._row_partition.dtype != row_partition.dtype:
            raise ValueError(
                f"Inconsistent row_splits dtypes: {row_partition.dtype.name} outside, "
                f"{values._row_partition.dtype.name} inside. Use with_row_splits_dtype to make them agree."
            )
        self._values: Any = values
        self._row_partition: RowPartition = row_partition
        if _is_first:
            _start_dispatch()

    # Making one

    @classmethod
    def _from_row_partition(cls, values: Any, row_partition: RowPartition, validate: bool = True) -> RaggedTensor:
        values, row_partition = _same_index_type(values, row_partition)
        if not values.shape.ndims and values.shape.rank is not None:
            raise ValueError(f"values must have rank at least 1, got a scalar: {values!r}")
        static_values = values.shape[:1].as_list() if values.shape.rank is not None else [None]
        static_partition = row_partition.static_nvals
        if validate:
            message = "Arguments to from_row_partition do not form a valid RaggedTensor"
            if static_partition is None or static_values[0] is None or current_graph() is None:
                check = comparisons.assert_equal(
                    row_partition.row_splits()[-1], nvals_of(values, row_partition.dtype), message=message
                )
                row_partition = _with_checks(row_partition, [check])
            elif static_partition != static_values[0]:
                raise ValueError(f"{message}: {static_values[0]} values, partitioned into {static_partition}")
        return cls(values, row_partition, internal=True)

    @classmethod
    def from_value_rowids(
        cls, values: Any, value_rowids: Any, nrows: Any = None, name: str | None = None, validate: bool = True
    ) -> Any:
        """Return a RaggedTensor by the row of each value.

        Args:
            values: a tensor or RaggedTensor of shape (nvals, ...).
            value_rowids: a vector (nvals,) that does not fall.
            nrows: the number of rows; by default one more than the last that has a value.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            ValueError, InvalidArgumentError: if the rows do not fit the values.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        with name_scope(name, "RaggedFromValueRowIds", [values, value_rowids, nrows]):
            values = convert_values(values)
            given: Any = getattr(value_rowids, "shape", None)
            if isinstance(value_rowids, (list, tuple)):
                given = [len(value_rowids)]
            if given is not None and values.shape.rank:
                values.shape[:1].assert_is_compatible_with(TensorShape(given)[:1])
            partition = RowPartition.from_value_rowids(
                value_rowids, nrows=nrows, validate=validate, dtype_hint=_index_type(values)
            )
            return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_splits(cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True) -> Any:
        """Return a RaggedTensor by where the rows meet.

        Args:
            values: a tensor or RaggedTensor of shape (nvals, ...).
            row_splits: a vector (nrows + 1,) that rises from 0 to nvals.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            ValueError, InvalidArgumentError: if the splits do not fit the values.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        with name_scope(name, "RaggedFromRowSplits", [values, row_splits]):
            values = convert_values(values)
            partition = RowPartition.from_row_splits(row_splits, validate=validate, dtype_hint=_index_type(values))
            return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_lengths(cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True) -> Any:
        """Return a RaggedTensor by the number of values in each row.

        Args:
            values: a tensor or RaggedTensor of shape (nvals, ...).
            row_lengths: a vector (nrows,) of numbers that sum to nvals.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            ValueError, InvalidArgumentError: if the lengths do not fit the values.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        with name_scope(name, "RaggedFromRowLengths", [values, row_lengths]):
            values = convert_values(values)
            partition = RowPartition.from_row_lengths(row_lengths, validate=validate, dtype_hint=_index_type(values))
            return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_starts(cls, values: Any, row_starts: Any, name: str | None = None, validate: bool = True) -> Any:
        """Return a RaggedTensor by where each row starts.

        Args:
            values: a tensor or RaggedTensor of shape (nvals, ...).
            row_starts: a vector (nrows,) that rises from 0.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            ValueError, InvalidArgumentError: if the starts do not fit the values.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        with name_scope(name, "RaggedFromRowStarts", [values, row_starts]):
            values = convert_values(values)
            hint = _index_type(values)
            partition = RowPartition.from_row_starts(
                row_starts, nvals_of(values, hint or dtypes.int64), validate=validate, dtype_hint=hint
            )
            return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_limits(cls, values: Any, row_limits: Any, name: str | None = None, validate: bool = True) -> Any:
        """Return a RaggedTensor by where each row ends.

        Args:
            values: a tensor or RaggedTensor of shape (nvals, ...).
            row_limits: a vector (nrows,) that rises to nvals.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            ValueError, InvalidArgumentError: if the limits do not fit the values.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        with name_scope(name, "RaggedFromRowLimits", [values, row_limits]):
            values = convert_values(values)
            partition = RowPartition.from_row_limits(row_limits, validate=validate, dtype_hint=_index_type(values))
            return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_uniform_row_length(
        cls, values: Any, uniform_row_length: Any, nrows: Any = None, validate: bool = True, name: str | None = None
    ) -> Any:
        """Return a RaggedTensor whose rows have one length, and whose first axes are known to be uniform.

        Args:
            values: a tensor or RaggedTensor of shape (nvals, ...).
            uniform_row_length: the length.
            nrows: the number of rows; it must be given where the length is 0.
            validate: whether the arguments are checked.
            name: the scope of the nodes.
        Raises:
            ValueError, InvalidArgumentError: if the rows do not fit the values.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        with name_scope(name, "RaggedFromUniformRowLength", [values, uniform_row_length, nrows]):
            values = convert_values(values)
            hint = _index_type(values)
            partition = RowPartition.from_uniform_row_length(
                uniform_row_length,
                nvals_of(values, hint or dtypes.int64),
                nrows,
                validate=validate,
                dtype_hint=hint,
            )
            return cls._from_row_partition(values, partition, validate=False)

    @classmethod
    def from_nested_value_rowids(
        cls,
        flat_values: Any,
        nested_value_rowids: Any,
        nested_nrows: Any = None,
        name: str | None = None,
        validate: bool = True,
    ) -> Any:
        """Return a RaggedTensor by the rows of values at each ragged axis, outermost first.

        Args:
            flat_values: the innermost values, a tensor.
            nested_value_rowids: a list of vectors.
            nested_nrows: a list of the numbers of rows.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            TypeError: if the lists are tensors.
            ValueError: if they have different lengths.
        """
        if isinstance(nested_value_rowids, Tensor):
            raise TypeError(
                f"Argument `nested_value_rowids` must be a list of Tensors. Received {nested_value_rowids}."
            )
        nested: list[Any] = list(nested_value_rowids)
        if nested_nrows is None:
            counts: list[Any] = [None] * len(nested)
        else:
            if isinstance(nested_nrows, Tensor):
                raise TypeError(f"Argument `nested_nrows` must be a list of Tensors. Received {nested_nrows}.")
            counts = list(nested_nrows)
            if len(counts) != len(nested):
                raise ValueError(
                    "Argument `nested_nrows` must have the same length as argument `nested_value_rowids`. Received "
                    f"{len(counts)} and {len(nested)}."
                )
        with name_scope(name, "RaggedFromNestedValueRowIds", [flat_values, *nested, *counts]):
            result = flat_values
            for rowids, count in reversed(list(zip(nested, counts, strict=True))):
                result = cls.from_value_rowids(result, rowids, count, validate=validate)
            return result

    @classmethod
    def from_nested_row_splits(
        cls, flat_values: Any, nested_row_splits: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Return a RaggedTensor by where rows meet at each ragged axis, outermost first.

        Args:
            flat_values: the innermost values, a tensor.
            nested_row_splits: a list of vectors.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            TypeError: if the list is a tensor.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        if isinstance(nested_row_splits, Tensor):
            raise TypeError(f"Argument `nested_row_splits` must be a list of Tensors. Received {nested_row_splits}.")
        with name_scope(name, "RaggedFromNestedRowSplits", [flat_values, *nested_row_splits]):
            result = flat_values
            for splits in reversed(list(nested_row_splits)):
                result = cls.from_row_splits(result, splits, validate=validate)
            return result

    @classmethod
    def from_nested_row_lengths(
        cls, flat_values: Any, nested_row_lengths: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Return a RaggedTensor by the lengths of rows at each ragged axis, outermost first.

        Args:
            flat_values: the innermost values, a tensor.
            nested_row_lengths: a list of vectors.
            name: the scope of the nodes.
            validate: whether the arguments are checked.
        Raises:
            TypeError: if the list is a tensor.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must have type bool. Received {validate}.")
        if isinstance(nested_row_lengths, Tensor):
            raise TypeError(f"Argument `nested_row_lengths` must be a list of Tensors. Received {nested_row_lengths}.")
        with name_scope(name, "RaggedFromNestedRowlengths", [flat_values, *nested_row_lengths]):
            result = flat_values
            for lengths in reversed(list(nested_row_lengths)):
                result = cls.from_row_lengths(result, lengths, validate=validate)
            return result

    @classmethod
    def from_tensor(
        cls,
        tensor: Any,
        lengths: Any = None,
        padding: Any = None,
        ragged_rank: int = 1,
        name: str | None = None,
        row_splits_dtype: Any = dtypes.int64,
    ) -> Any:
        """Return a dense tensor as a RaggedTensor.

        Args:
            tensor: a tensor of rank above `ragged_rank`.
            lengths: how many values of each row count, or a tuple of such vectors, for each ragged axis.
            padding: a value, a scalar where rows are vectors: what of it stands at the end of a row is left out.
            ragged_rank: the number of ragged axes.
            name: the scope of the nodes.
            row_splits_dtype: int32 or int64.
        Raises:
            ValueError: if both `lengths` and `padding` are given, or the rank does not fit.
        """
        split_type = as_dtype(row_splits_dtype)
        if lengths is not None and padding is not None:
            raise ValueError("Specify argument `lengths` or `padding`, but not both.")
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if ragged_rank <= 0:
            raise ValueError(f"Argument `ragged_rank` must be greater than 0. Received {ragged_rank}.")
        with name_scope(name, "RaggedFromTensor", [tensor, lengths, padding]):
            tensor = convert_to_tensor(tensor, name="tensor")
            if tensor.shape.rank is not None and tensor.shape.rank <= ragged_rank:
                raise ValueError(
                    f"Argument `tensor` must have rank greater than ragged_rank ({ragged_rank}). Received "
                    f"{tensor.shape}."
                )
            if isinstance(lengths, (list, tuple)) and lengths and not isinstance(lengths[0], (int, float)):
                if ragged_rank not in (1, len(lengths)):
                    raise ValueError(
                        f"If Argument `lengths` is a tuple of row_lengths, argument `ragged_rank` must be "
                        f"len(lengths): {len(lengths)}. Received ragged_rank: {ragged_rank}."
                    )
                sizes = shape(tensor, out_type=split_type)
                depth = len(lengths)
                flat = reshape(tensor, concat([[-1], sizes[depth + 1 :]], 0))
                # Which of the values count: those within the lengths of all axes above them.
                mask: Any = None
                kept = []
                for axis, given in enumerate(lengths):
                    given = cast(convert_to_tensor(given), split_type)
                    kept.append(given)
                    row_mask = sequence_mask(given, sizes[axis + 1])
                    if mask is None:
                        mask = row_mask
                    else:
                        rows = _scattered(mask, row_mask)
                        mask = reshape(rows, concat([shape(mask, out_type=split_type), sizes[axis + 1 : axis + 2]], 0))
                values = boolean_mask(flat, reshape(mask, [-1]))
                return cls.from_nested_row_lengths(values, kept, validate=False)
            if padding is not None:
                lengths = _lengths_without_padding(tensor, padding, ragged_rank, split_type)
            return cls._from_tensor(tensor, lengths, ragged_rank, split_type)

    @classmethod
    def _from_tensor(cls, tensor: Any, lengths: Any, ragged_rank: int, split_type: DType) -> Any:
        dims = tensor.dims
        if ragged_rank > 1:
            # The outer axes are uniform; the rows of the innermost ragged axis are found first.
            sizes: Any = list(dims) if dims is not None and None not in dims else shape(tensor, out_type=split_type)
            merged = (
                reshape(tensor, [int(np.prod(sizes[:ragged_rank])), *sizes[ragged_rank:]])
                if isinstance(sizes, list)
                else reshape(tensor, concat([[-1], sizes[ragged_rank:]], 0))
            )
            if lengths is not None:
                lengths = reshape(lengths, [-1])
            inner = cls._from_tensor(merged, lengths, 1, split_type)
            for axis in range(ragged_rank - 1, 0, -1):
                nrows = _product([sizes[i] for i in range(axis)], split_type)
                inner = cls.from_uniform_row_length(
                    inner, cast(convert_to_tensor(sizes[axis]), split_type), nrows=nrows, validate=False
                )
            return inner
        if dims is not None and None not in dims[:2]:
            rows, columns = dims[0], dims[1]
            inner_dims = list(dims[2:])
            known = None not in inner_dims
            flat_shape: Any = [rows * columns, *inner_dims] if known else None
        else:
            known = False
            rows, columns = shape(tensor, out_type=split_type)[0], shape(tensor, out_type=split_type)[1]
        if not known:
            flat_shape = concat([[-1], shape(tensor)[2:]], 0)
            if dims is not None and None not in dims[:2]:
                flat_shape = concat([[rows * columns], shape(tensor)[2:]], 0)
        if lengths is not None:
            lengths = cast(convert_to_tensor(lengths, name="lengths"), split_type)
            lengths.shape.assert_has_rank(1)
            limit = cast(convert_to_tensor(columns), split_type)
            zero = convert_to_tensor(0, split_type)
            lengths = maximum(minimum(lengths, limit), zero)
            values = boolean_mask(tensor, sequence_mask(lengths, limit))
            return cls.from_row_lengths(values, lengths, validate=False)
        values = reshape(tensor, flat_shape)
        length = cast(convert_to_tensor(columns), split_type)
        return cls.from_uniform_row_length(
            values, length, nrows=cast(convert_to_tensor(rows), split_type), validate=False
        )

    @classmethod
    def from_sparse(cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64) -> Any:
        """Return a sparse matrix whose rows are filled from the left as a RaggedTensor.

        Args:
            st_input: a SparseTensor of rank 2.
            name: the scope of the nodes.
            row_splits_dtype: int32 or int64.
        Raises:
            TypeError: if it is no SparseTensor.
            ValueError: if its rank is not 2.
            InvalidArgumentError: if a row has a gap.
        """
        split_type = as_dtype(row_splits_dtype)
        if not isinstance(st_input, SparseTensor):
            raise TypeError(
                f"Argument `st_input` must be of type SparseTensor, but is of type {type(st_input).__name__}."
            )
        with name_scope(name, "RaggedFromSparse", [st_input]):
            rank = st_input.dense_shape.shape.as_list()[0]
            if rank is None:
                rank = st_input.indices.shape.as_list()[1]
            if rank is None:
                raise ValueError("Rank of argument `st_input` must be known")
            if rank != 2:
                raise ValueError(f"Rank of argument `st_input` must be 2. Received {rank}.")
            rows, columns = st_input.indices[:, 0], st_input.indices[:, 1]
            starts = concat([convert_to_tensor([-1], dtypes.int64), rows], 0)
            is_first = cast(not_equal(starts[1:], starts[:-1]), dtypes.int64)
            previous = concat([convert_to_tensor([-1], dtypes.int64), columns], 0)[:-1]
            expected = (previous + 1) * (1 - is_first)
            message = "SparseTensor is not right-ragged"
            checks = [comparisons.assert_equal(columns, expected, message=message)]
            nrows = cast(st_input.dense_shape[0], split_type)
            partition = RowPartition.from_value_rowids(
                cast(checked(rows, checks), split_type), nrows=nrows, validate=False
            )
            return cls._from_row_partition(st_input.values, partition, validate=False)

    # What it is made of

    @property
    def dtype(self) -> DType:
        """The type of the values."""
        return self._values.dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape, with None for an axis that is ragged or not known."""
        nrows = self._row_partition.static_nrows
        length = self._row_partition.static_uniform_row_length
        inner = self._values.shape
        if inner.rank is None:
            return TensorShape(None)
        return TensorShape([nrows, length]).concatenate(inner[1:])

    def get_shape(self) -> TensorShape:
        """Return the static shape."""
        return self.shape

    @property
    def ragged_rank(self) -> int:
        """The number of partitioned axes."""
        return self._values.ragged_rank + 1 if isinstance(self._values, RaggedTensor) else 1

    @property
    def values(self) -> Any:
        """The rows, one after the other: a tensor or RaggedTensor."""
        return self._values

    @property
    def flat_values(self) -> Any:
        """The innermost values, a tensor."""
        values = self._values
        while isinstance(values, RaggedTensor):
            values = values._values
        return values

    @property
    def row_splits(self) -> Any:
        """Where the rows meet, (nrows + 1,)."""
        return self._row_partition.row_splits()

    @property
    def uniform_row_length(self) -> Any:
        """The length that all rows are known to have, a scalar, or None."""
        return self._row_partition.uniform_row_length()

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The row splits of each partitioned axis, outermost first."""
        return tuple(partition.row_splits() for partition in self._nested_row_partitions)

    @property
    def _nested_row_partitions(self) -> tuple[RowPartition, ...]:
        inner = self._values._nested_row_partitions if isinstance(self._values, RaggedTensor) else ()
        return (self._row_partition, *inner)

    @property
    def row_partition(self) -> RowPartition:
        """The partition of the first axis."""
        return self._row_partition

    def value_rowids(self, name: str | None = None) -> Any:
        """Return the row of each value, (nvals,)."""
        with name_scope(name, "RaggedValueRowIds", [self]):
            return self._row_partition.value_rowids()

    def nested_value_rowids(self, name: str | None = None) -> tuple[Any, ...]:
        """Return the rows of values at each partitioned axis, outermost first."""
        with name_scope(name, "RaggedNestedValueRowIds", [self]):
            return tuple(partition.value_rowids() for partition in self._nested_row_partitions)

    def nrows(self, out_type: Any = None, name: str | None = None) -> Any:
        """Return the number of rows, a scalar."""
        with name_scope(name, "RaggedNRows", [self]):
            count = self._row_partition.nrows()
            return count if out_type is None else cast(count, as_dtype(out_type))

    def row_starts(self, name: str | None = None) -> Any:
        """Return where each row starts, (nrows,)."""
        with name_scope(name, "RaggedRowStarts", [self]):
            return self._row_partition.row_starts()

    def row_limits(self, name: str | None = None) -> Any:
        """Return where each row ends, (nrows,)."""
        with name_scope(name, "RaggedRowLimits", [self]):
            return self._row_partition.row_limits()

    def row_lengths(self, axis: Any = 1, name: str | None = None) -> Any:
        """Return the lengths of the rows along an axis.

        Args:
            axis: 0 gives the number of rows; above 1 the result is ragged.
            name: the scope of the nodes.
        Raises:
            ValueError: if the axis is out of range.
        """
        if axis == 0:
            return self._row_partition.nrows()
        if axis == 1:
            return self._row_partition.row_lengths()
        with name_scope(name, "RaggedRowLengths", [self]):
            axis = positive_axis(axis, self.shape.rank, "axis")
            if axis == 0:
                return self.nrows()
            if axis == 1:
                return self._row_partition.row_lengths()
            if isinstance(self._values, RaggedTensor):
                return self.with_values(self._values.row_lengths(axis - 1))
            sizes = shape(self._values, out_type=self._row_partition.dtype)
            lengths = broadcast_to(sizes[axis - 1], sizes[: axis - 1])
            return self.with_values(lengths)

    def nested_row_lengths(self, name: str | None = None) -> tuple[Any, ...]:
        """Return the lengths of the rows at each partitioned axis, outermost first."""
        with name_scope(name, "RaggedNestedRowLengths", [self]):
            return tuple(partition.row_lengths() for partition in self._nested_row_partitions)

    def bounding_shape(self, axis: Any = None, name: str | None = None, out_type: Any = None) -> Any:
        """Return the smallest shape of a dense tensor that holds this one, or its sizes along some axes.

        Args:
            axis: an axis or a list of axes; by default all.
            name: the scope of the nodes.
            out_type: the type of the sizes.
        """
        kind = self._row_partition.dtype if out_type is None else as_dtype(out_type)
        with name_scope(name, "RaggedBoundingBox", [self, axis]):
            if isinstance(axis, int) and axis == 0:
                return cast(self.nrows(), kind)
            if isinstance(axis, int) and axis == 1:
                return cast(_largest(self.row_lengths()), kind)
            sizes = [self.nrows()]
            for lengths in self.nested_row_lengths():
                sizes.append(_largest(lengths))
            inner = shape(self.flat_values, out_type=self._row_partition.dtype)[1:]
            whole = cast(concat([stack(sizes), inner], 0), kind)
            if axis is None:
                return whole
            rank = self.shape.rank
            if isinstance(axis, int):
                return whole[positive_axis(axis, rank, "axis")]
            return gather(whole, axis)

    # Changing it

    def with_values(self, new_values: Any) -> RaggedTensor:
        """Return a RaggedTensor with the same rows of other values.

        Args:
            new_values: a tensor or RaggedTensor with as many rows as `values`.
        """
        new_values = convert_values(new_values)
        new_values.shape.with_rank_at_least(1)
        self._values.shape[:1].assert_is_compatible_with(new_values.shape[:1])
        partition = self._row_partition
        if isinstance(new_values, RaggedTensor) and new_values._row_partition.dtype != partition.dtype:
            new_values = new_values.with_row_splits_dtype(dtypes.int64)
            return self.with_row_splits_dtype(dtypes.int64).with_values(new_values)
        return RaggedTensor(new_values, partition, internal=True)

    def with_flat_values(self, new_values: Any) -> RaggedTensor:
        """Return a RaggedTensor with the same rows of other innermost values.

        Args:
            new_values: a tensor or RaggedTensor with as many rows as `flat_values`.
        """
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(convert_values(new_values))

    def with_row_splits_dtype(self, dtype: Any) -> RaggedTensor:
        """Return the tensor with row splits of another type.

        Raises:
            ValueError: if it is neither int32 nor int64.
        """
        dtype = as_dtype(dtype)
        if dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"Argument `row_splits` dtype must be int32 or int64. Received {dtype}.")
        if self._row_partition.dtype == dtype:
            return self
        values = self._values.with_row_splits_dtype(dtype) if isinstance(self._values, RaggedTensor) else self._values
        return RaggedTensor(values, self._row_partition.with_dtype(dtype), internal=True)

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """Return the tensor with a range of axes merged into one.

        Args:
            outer_axis: the first of the axes.
            inner_axis: the last of them.
        Raises:
            ValueError: if the first comes after the last.
        """
        rank = self.shape.rank
        outer, inner = positive_axis(outer_axis, rank, "outer_axis"), positive_axis(inner_axis, rank, "inner_axis")
        if outer > inner:
            raise ValueError(
                f"Expected outer_axis ({outer_axis}) to be less than or equal to inner_axis ({inner_axis})"
            )
        return _merge_dims(self, outer, inner)

    def _set_shape(self, shape: Any) -> None:
        """Check the static shape against one that is known."""
        self.shape.assert_is_compatible_with(shape)

    # As another kind of value

    def to_tensor(self, default_value: Any = None, name: str | None = None, shape: Any = None) -> Any:
        """Return a dense tensor, with `default_value` after the ends of rows.

        Args:
            default_value: zeros by default; of the shape of the innermost values, or one that broadcasts to it.
            name: the scope of the nodes.
            shape: the shape wanted, with None for what the longest row decides; longer rows are cut.
        """
        with name_scope(name, "RaggedToTensor", [self, default_value, shape]):
            if default_value is not None:
                default_value = convert_to_tensor(default_value, name="default_value", dtype=self.dtype)
            else:
                default_value = _zero(self.dtype)
            parts: list[Any] = []
            kinds: list[str] = []
            partitions = self._nested_row_partitions
            for partition in partitions:
                kinds.append("ROW_SPLITS")
                parts.append(partition.row_splits())
            result = ragged_tensor_to_tensor_op(
                _shape_argument(shape), self.flat_values, default_value, parts, row_partition_types=kinds
            )
            known = self.shape if shape is None else TensorShape(None)
            if known.rank is not None and hasattr(result, "set_shape"):
                result.set_shape(known)
            return result

    def to_sparse(self, name: str | None = None) -> Any:
        """Return a SparseTensor of the values."""
        with name_scope(name, "RaggedToSparse", [self]):
            return SparseTensor(*ragged_tensor_to_sparse_op(list(self.nested_row_splits), self.flat_values))

    def _to_variant(self, batched_input: bool = False, name: str | None = None) -> Any:
        with name_scope(name, "RaggedToVariant", [self]):
            return ragged_tensor_to_variant_op(
                list(self.nested_row_splits), self.flat_values, batched_input=batched_input
            )

    @classmethod
    def _from_variant(
        cls,
        variant: Any,
        dtype: Any,
        output_ragged_rank: int,
        input_ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        name: str | None = None,
    ) -> Any:
        with name_scope(name, "RaggedFromVariant", [variant]):
            result = ragged_tensor_from_variant_op(
                variant,
                input_ragged_rank=-1 if input_ragged_rank is None else input_ragged_rank,
                output_ragged_rank=max(output_ragged_rank, 0),
                Tvalues=as_dtype(dtype),
                Tsplits=as_dtype(row_splits_dtype),
            )
            return cls.from_nested_row_splits(result.output_dense_values, result.output_nested_splits, validate=False)

    def numpy(self) -> Any:
        """Return the values as an array: of objects where rows differ in length.

        Raises:
            ValueError: outside of eager execution.
        """
        if not self._is_eager():
            raise ValueError("RaggedTensor.numpy() is only supported in eager mode.")
        values = self._values.numpy()
        splits = self.row_splits.numpy()
        rows = [values[a:b] for a, b in zip(splits, splits[1:], strict=False)]
        if not rows:
            return np.zeros((0, *(size or 0 for size in self.shape.as_list()[1:])), dtype=values.dtype)
        lengths = {len(row) for row in rows}
        if len(lengths) == 1 and not any(row.dtype == object and values.dtype != object for row in rows):
            try:
                return np.stack(rows)
            except ValueError:
                pass
        result = np.empty(len(rows), dtype=object)
        for i, row in enumerate(rows):
            result[i] = row
        return result

    def to_list(self) -> list[Any]:
        """Return the values as nested lists.

        Raises:
            ValueError: outside of eager execution.
        """
        if not isinstance(self.row_splits, EagerTensor):
            raise ValueError("to_list can only be used in eager mode.")
        return self._eager_value().to_list()

    def _eager_value(self) -> RaggedTensorValue:
        value: Any = self.flat_values.numpy()
        for splits in reversed(self.nested_row_splits):
            value = RaggedTensorValue(value, splits.numpy())
        return value

    def _is_eager(self) -> bool:
        return isinstance(self.flat_values, EagerTensor) and isinstance(self.row_splits, EagerTensor)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Return the value in a session, as a `RaggedTensorValue`."""
        value = self.flat_values.eval(feed_dict, session)
        for splits in reversed(self.nested_row_splits):
            value = RaggedTensorValue(value, splits.eval(feed_dict, session))
        return value

    def consumers(self) -> list[Any]:
        """Return the operations that take the components."""
        found: list[Any] = []
        for part in (self.flat_values, *self.nested_row_splits):
            found += [op for op in part.consumers() if op not in found]
        return found

    @property
    def op(self) -> Any:
        """The operation that makes the innermost values."""
        return self.flat_values.op

    @property
    def graph(self) -> Any:
        """The graph of the components."""
        return self.flat_values.graph

    @property
    def name(self) -> str:
        """The name of the innermost values."""
        return self.flat_values.name

    @property
    def _type_spec(self) -> RaggedTensorSpec:
        return RaggedTensorSpec.from_value(self)

    def _shape_invariant_to_type_spec(self, shape: TensorShape) -> RaggedTensorSpec:
        return RaggedTensorSpec(shape, self.dtype, self.ragged_rank, self._row_partition.dtype)

    # Python's protocols; `__getitem__` and the operators are attached by `ragged_operators`.

    def __iter__(self) -> Iterator[Any]:
        if not self._is_eager():
            raise TypeError("Iterating over a RaggedTensor is only supported in eager mode; use tf.map_fn.")
        return (self[i] for i in range(int(self.nrows())))  # type: ignore[index]

    def __bool__(self) -> bool:
        raise TypeError("RaggedTensor may not be used as a boolean.")

    def __hash__(self) -> int:
        if self.flat_values._compares_elements():
            raise TypeError("RaggedTensor is unhashable: `==` compares elements.")
        return id(self)

    def __str__(self) -> str:
        if self._is_eager():
            return f"<tf.RaggedTensor {_text(self.to_list())}>"
        return f"tf.RaggedTensor(values={self._values}, row_splits={self.row_splits})"

    __repr__ = __str__


def _text(items: Any) -> str:
    if isinstance(items, list):
        return "[" + ", ".join(map(_text, items)) + "]"
    return repr(items)


class RaggedTensorSpec(BatchableTypeSpec):
    """The type of a `RaggedTensor`.

    Args:
        shape: its static shape, None for ragged axes.
        dtype: the type of its values.
        ragged_rank: the number of partitioned axes; by default all but the outermost.
        row_splits_dtype: int32 or int64.
        flat_values_spec: the spec of the innermost values, in place of `dtype`.
    Raises:
        ValueError: if the rank does not fit the shape.
    """

    __slots__ = ("_dtype", "_flat_values_spec", "_ragged_rank", "_row_splits_dtype", "_shape")

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        flat_values_spec: Any = None,
    ) -> None:
        self._shape = TensorShape(shape)
        self._row_splits_dtype = as_dtype(row_splits_dtype)
        if flat_values_spec is not None:
            dtype = flat_values_spec.dtype if dtype is None else dtype
        self._dtype = as_dtype(dtype)
        self._flat_values_spec = flat_values_spec
        rank = self._shape.rank
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank.")
            ragged_rank = rank - 1
        self._ragged_rank = ragged_rank
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if rank is not None and ragged_rank >= rank:
            raise ValueError(f"Argument `ragged_rank` ({ragged_rank}) must be less than rank ({rank}).")

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the values."""
        return self._dtype

    @property
    def ragged_rank(self) -> int:
        """The number of partitioned axes."""
        return self._ragged_rank

    @property
    def row_splits_dtype(self) -> DType:
        """The type of the row splits."""
        return self._row_splits_dtype

    @property
    def flat_values_spec(self) -> Any:
        """The spec of the innermost values, where one was given."""
        return self._flat_values_spec

    @property
    def value_type(self) -> type:
        """`RaggedTensor`; `Tensor` where no axis is partitioned."""
        return RaggedTensor if self._ragged_rank > 0 else Tensor

    @classmethod
    def from_value(cls, value: Any) -> RaggedTensorSpec:
        """Return the spec of a RaggedTensor.

        Raises:
            TypeError: if it is none.
        """
        if not isinstance(value, (RaggedTensor, RaggedTensorValue)):
            return cls(value.shape, value.dtype, ragged_rank=0)
        if isinstance(value, RaggedTensorValue):
            return cls(value.shape, value.dtype, value.ragged_rank, value.row_splits.dtype)
        return cls(value.shape, value.dtype, value.ragged_rank, value._row_partition.dtype)

    def _serialize(self) -> tuple[Any, ...]:
        if self._flat_values_spec is None:
            return self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype
        return self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype, self._flat_values_spec

    @property
    def _component_specs(self) -> Any:
        dims = None if self._shape.rank is None else self._shape.as_list()
        inner = TensorShape(None) if dims is None else TensorShape([None, *dims[self._ragged_rank + 1 :]])
        if self._ragged_rank <= 0:
            return [self._flat_values_spec or TensorSpec(self._shape, self._dtype)]
        flat = self._flat_values_spec or TensorSpec(inner, self._dtype)
        count = None if dims is None or dims[0] is None else dims[0] + 1
        splits = [TensorSpec([count], self._row_splits_dtype)]
        for axis in range(1, self._ragged_rank):
            size = None
            if dims is not None and all(extent is not None for extent in dims[: axis + 1]):
                size = int(np.prod([int(extent or 0) for extent in dims[: axis + 1]])) + 1
            splits.append(TensorSpec([size], self._row_splits_dtype))
        return [flat, *splits]

    def _to_components(self, value: Any) -> Any:
        if isinstance(value, RaggedTensorValue):
            return [value.flat_values, *value.nested_row_splits]
        if isinstance(value, RaggedTensor):
            return [value.flat_values, *value.nested_row_splits]
        return [value]

    def _from_components(self, components: Any) -> Any:
        result = components[0]
        if all(isinstance(part, np.ndarray) for part in components):
            for splits in reversed(components[1:]):
                result = RaggedTensorValue(result, splits)
            return result
        if self._ragged_rank <= 0:
            return result
        if isinstance(result, TypeSpec) or not hasattr(result, "shape"):
            return _Packed(list(components))
        dims = None if self._shape.rank is None else self._shape.as_list()
        for axis in range(self._ragged_rank, 0, -1):
            splits = components[axis]
            length = None if dims is None else dims[axis]
            kept = None if length is None else convert_to_tensor(length, splits.dtype)
            result = RaggedTensor(result, RowPartition(splits, uniform_row_length=kept, internal=True), internal=True)
        return result

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether some value could be of this spec and of the other, or of the spec of the value."""
        if self._ragged_rank == 0:
            if self._flat_values_spec is None:
                if isinstance(spec_or_value, (Tensor, TensorSpec)):
                    return TensorSpec(self._shape, self._dtype).is_compatible_with(spec_or_value)
            elif not isinstance(spec_or_value, (RaggedTensor, RaggedTensorSpec)):
                return bool(self._flat_values_spec.is_compatible_with(spec_or_value))
        return super().is_compatible_with(spec_or_value)

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Return `value` if it is a RaggedTensor of this spec.

        Raises:
            TypeError: if it is not.
        """
        if self._ragged_rank == 0 and isinstance(value, Tensor) and self.is_compatible_with(value):
            return value
        if isinstance(value, (RaggedTensor, RaggedTensorValue)) and self.is_compatible_with(
            RaggedTensorSpec.from_value(value)
        ):
            if isinstance(value, RaggedTensorValue):
                return RaggedTensor.from_nested_row_splits(value.flat_values, value.nested_row_splits, validate=False)
            return value
        raise TypeError(f"Can not cast {value!r} to {self!r}")

    def _batch(self, batch_size: int | None) -> RaggedTensorSpec:
        return RaggedTensorSpec(
            TensorShape([batch_size]).concatenate(self._shape),
            self._dtype,
            self._ragged_rank + 1,
            self._row_splits_dtype,
        )

    def _unbatch(self) -> TypeSpec:
        if self._shape.rank == 0 or self._ragged_rank == 0 and self._shape.rank is None:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        inner = self._shape[1:]
        # A row of a tensor with one ragged axis is dense, but the number of ragged axes stays part of its type.
        return RaggedTensorSpec(inner, self._dtype, max(self._ragged_rank - 1, 0), self._row_splits_dtype)

    def __repr__(self) -> str:
        return f"RaggedTensorSpec({self._shape!r}, {self._dtype!r}, {self._ragged_rank}, {self._row_splits_dtype!r})"


class _Packed:
    """Components that stand in the places of a ragged tensor's, but are no tensors, such as names or gradients."""

    def __init__(self, components: list[Any]) -> None:
        self.components = components


# Functions that the methods stand on, and that other files of this room use.

_is_first = True


def _start_dispatch() -> None:
    global _is_first
    _is_first = False
    api_dispatch.activate(RaggedTensor)


def is_ragged(value: Any) -> bool:
    """Tell whether a value is ragged."""
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def convert_values(values: Any) -> Any:
    """Return values as a tensor, or as the RaggedTensor that they are."""
    if isinstance(values, RaggedTensor):
        return values
    if isinstance(values, RaggedTensorValue):
        return RaggedTensor.from_nested_row_splits(values.flat_values, values.nested_row_splits, validate=False)
    return convert_to_tensor(values, name="values")


def convert_to_tensor_or_ragged(
    value: Any, dtype: Any = None, preferred_dtype: Any = None, name: str | None = None
) -> Any:
    """Return a value as a RaggedTensor if it is ragged, and else as a tensor.

    Raises:
        ValueError: if it is a RaggedTensor of another type.
    """
    if isinstance(value, RaggedTensor):
        if dtype is not None and not as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {as_dtype(dtype).name} for RaggedTensor with dtype "
                f"{value.dtype.name}: {value}."
            )
        return value
    if isinstance(value, RaggedTensorValue):
        flat = convert_to_tensor(value.flat_values, dtype, preferred_dtype=preferred_dtype)
        return RaggedTensor.from_nested_row_splits(flat, value.nested_row_splits, validate=False)
    return convert_to_tensor(value, dtype, name, preferred_dtype)


def nvals_of(values: Any, dtype: Any) -> Any:
    """Return the number of rows of a tensor or RaggedTensor."""
    if isinstance(values, RaggedTensor):
        return cast(values.nrows(), dtype)
    dims = values.dims
    if dims is not None and dims[0] is not None:
        return convert_to_tensor(dims[0], dtype)
    return shape(values, out_type=dtype)[0]


def positive_axis(axis: Any, rank: int | None, name: str) -> int:
    """Return an axis counted from the start.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is out of range.
    """
    if not isinstance(axis, (int, np.integer)):
        raise TypeError(f"{name} must be an int; got {type(axis).__name__}")
    if rank is None:
        if axis < 0:
            raise ValueError(f"{name}={axis} may only be negative if ndims is statically known.")
        return int(axis)
    if not -rank <= axis < rank:
        raise ValueError(f"{name}={axis} out of bounds: expected {-rank}<={name}<{rank}")
    return int(axis) % rank


def _index_type(values: Any) -> DType | None:
    return values._row_partition.dtype if isinstance(values, RaggedTensor) else None


def _same_index_type(values: Any, partition: RowPartition) -> tuple[Any, RowPartition]:
    if isinstance(values, RaggedTensor) and values._row_partition.dtype != partition.dtype:
        raise ValueError(
            f"dtype mismatch: {partition.dtype.name} vs {values._row_partition.dtype.name}. Row partitions of one "
            "ragged tensor need one type: use RaggedTensor.with_row_splits_dtype()."
        )
    return values, partition


def _with_checks(partition: RowPartition, checks: Sequence[Any]) -> RowPartition:
    splits = checked(partition.row_splits(), checks)
    if splits is partition.row_splits():
        return partition
    return RowPartition(
        splits,
        partition._row_lengths,
        partition._value_rowids,
        partition._nrows,
        partition._uniform_row_length,
        partition._nvals,
        internal=True,
    )


def _largest(lengths: Any) -> Any:
    """Return the largest of a vector of lengths, 0 for none."""
    return reduce_max(concat([lengths, convert_to_tensor([0], lengths.dtype)], 0))


def _product(factors: Sequence[Any], dtype: DType) -> Any:
    if all(isinstance(factor, int) for factor in factors):
        return convert_to_tensor(int(np.prod(factors)), dtype)
    result = cast(convert_to_tensor(factors[0]), dtype)
    for factor in factors[1:]:
        result = result * cast(convert_to_tensor(factor), dtype)
    return result


def _scattered(mask: Any, rows: Any) -> Any:
    """Return `rows` at the places where a mask is true, and rows of False elsewhere."""
    from_mask = where(reshape(mask, [-1]))
    count = cast(shape(reshape(mask, [-1])), dtypes.int64)
    full = concat([count, shape(rows, out_type=dtypes.int64)[1:]], 0)
    return scatter_nd(from_mask, cast(rows, dtypes.int32), full) > 0


def _zero(dtype: DType) -> Any:
    if dtype == dtypes.string:
        return convert_to_tensor(b"")
    if dtype == dtypes.bool_:
        return convert_to_tensor(False)
    return cast(convert_to_tensor(0), dtype)


def _shape_argument(shape: Any) -> Any:
    if shape is None:
        return -1
    if isinstance(shape, TensorShape):
        return -1 if shape.rank is None else [-1 if size is None else size for size in shape.as_list()]
    if isinstance(shape, (list, tuple)):
        return [-1 if size is None else size for size in shape]
    return shape


def _lengths_without_padding(tensor: Any, padding: Any, ragged_rank: int, split_type: DType) -> Any:
    """Return how many values of each row stand before the padding at its end."""
    padding = convert_to_tensor(padding, name="padding", dtype=tensor.dtype)
    if tensor.shape.rank is not None and padding.shape.rank is not None:
        if padding.shape.rank != tensor.shape.rank - ragged_rank - 1:
            padding.shape.assert_is_compatible_with(tensor.shape[ragged_rank + 1 :])
    same = equal(tensor, padding)
    rank = same.shape.rank
    if rank is None:
        raise ValueError("from_tensor with padding needs a tensor of known rank")
    for _ in range(rank - ragged_rank - 1):
        same = cast(reduce_min(cast(same, dtypes.int32), axis=-1), dtypes.bool_)
    columns = shape(tensor, out_type=split_type)[ragged_rank]
    positions = tensor_range(columns, dtype=split_type) + 1
    ends = positions * (1 - cast(same, split_type))
    padded = pad(reshape(ends, concat([[-1], reshape(columns, [1])], 0)), [[0, 0], [1, 0]])
    return reduce_max(padded, axis=-1)


def _merge_dims(value: Any, outer: int, inner: int) -> Any:
    if outer == inner:
        return value
    if not isinstance(value, RaggedTensor):
        dims = value.dims
        if dims is not None and None not in dims[outer : inner + 1]:
            merged = int(np.prod(dims[outer : inner + 1], dtype=np.int64))
            if None not in dims:
                return reshape(value, [*dims[:outer], merged, *dims[inner + 1 :]])
        sizes = shape(value)
        return reshape(value, concat([sizes[:outer], [-1], sizes[inner + 1 :]], 0))
    if outer == 0:
        return _merge_dims(value.values, 0, inner - 1)
    if outer > 1:
        return value.with_values(_merge_dims(value.values, outer - 1, inner - 1))
    # Axis 1 absorbs what lies below it.
    values = value.values
    if isinstance(values, RaggedTensor):
        splits = gather(values.row_splits, value.row_splits)
        merged_rt = RaggedTensor.from_row_splits(values.values, splits, validate=False)
    else:
        sizes = shape(values, out_type=value.row_splits.dtype)
        splits = value.row_splits * sizes[1]
        merged_rt = RaggedTensor.from_row_splits(_merge_dims(values, 0, 1), splits, validate=False)
    return _merge_dims(merged_rt, 1, inner - 1)


def _refuse_conversion(value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    # TensorFlow's class depends on the mode.
    error = ValueError if current_graph() is None else TypeError
    raise error(
        "Failed to convert a RaggedTensor to a Tensor: this function takes no ragged tensors. Use `rt.to_tensor()` to "
        f"pad its rows, or `tf.ragged.map_flat_values` to apply a function to its values. Got {value}."
    )


register_conversion((RaggedTensor, RaggedTensorValue), _refuse_conversion, priority=0)
