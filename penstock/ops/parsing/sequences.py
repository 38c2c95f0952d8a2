"""The operations that parse SequenceExample messages: a context, and lists of features, one a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank
from penstock.formats import protos
from penstock.ops.parsing import columns
from penstock.ops.parsing.columns import FEATURE_TYPES, SPLIT_TYPES, Row, check_types, invalid, text_list

_CONTEXT_OUTPUTS = (
    "context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: list(context_sparse_types),"
    " context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: list(Tcontext_dense)"
)
_LIST_OUTPUTS = (
    "feature_list_sparse_indices: Nfeature_list_sparse * int64,"
    " feature_list_sparse_values: list(feature_list_sparse_types),"
    " feature_list_sparse_shapes: Nfeature_list_sparse * int64,"
    " feature_list_dense_values: list(feature_list_dense_types)"
)


class _Sequence:
    """The lists of features of one example."""

    def __init__(self, lists: Any, name: str, index: int) -> None:
        self.lists = lists
        self.name = name
        self.index = index

    def steps(self, key: str, dtype: DType) -> list[Any] | None:
        """Return the values of each step, None where there is no such list."""
        if key not in self.lists:
            return None
        return [
            columns.values_of(feature, dtype, lambda: f"Name: {self.name}, Feature list: {key}, Index: {self.index}.")
            or []
            for feature in self.lists[key].feature
        ]


def _parsed(serialized: Value, names: Value) -> tuple[list[Row], list[_Sequence]]:
    messages = columns.parse_messages(serialized, protos.SequenceExample, "sequence example")
    labels = columns.example_names(names, len(messages))
    rows, sequences = [], []
    for index, (message, label) in enumerate(zip(messages, labels, strict=True)):
        rows.append(Row(message.context.feature, label, index))
        sequences.append(_Sequence(message.feature_lists.feature_list, label, index))
    return rows, sequences


def _dense_steps(
    sequences: list[_Sequence], key: str, dtype: DType, dims: Dims, may_miss: bool
) -> tuple[Value, list[int]]:
    """Return steps of one shape, padded to the longest sequence, and the lengths."""
    assert dims is not None
    size = int(np.prod(dims, dtype=np.int64))  # type: ignore[arg-type]
    found = []
    for sequence in sequences:
        steps = sequence.steps(key, dtype)
        if steps is None and not may_miss:
            raise invalid(
                f"Name: {sequence.name}, Feature list '{key}' is required but could not be found.  Did you mean to "
                "include it in feature_list_dense_missing_assumed_empty or "
                "feature_list_dense_defaults?"
            )
        for step, values in enumerate(steps or []):
            if len(values) != size:
                raise invalid(
                    f"Name: {sequence.name}, Key: {key}, Index: {step}.  Number of values != expected.  values size: "
                    f"{len(values)} but output shape: {list(dims)}"
                )
        found.append(steps or [])
    lengths = [len(steps) for steps in found]
    result = columns.filled((len(found), max(lengths, default=0), size), dtype)
    for place, steps in enumerate(found):
        for step, values in enumerate(steps):
            result[place, step] = columns.as_array(values, dtype)
    return array.from_numpy(result.reshape(*result.shape[:2], *dims)), lengths


def _sparse_steps(sequences: list[_Sequence], key: str, dtype: DType) -> tuple[Value, Value, Value]:
    """Return steps of any lengths as indices (n, 3), values (n,) and shape (sequences, longest, most values)."""
    indices: list[tuple[int, int, int]] = []
    values: list[Any] = []
    longest = most = 0
    for place, sequence in enumerate(sequences):
        steps = sequence.steps(key, dtype) or []
        longest = max(longest, len(steps))
        for step, items in enumerate(steps):
            most = max(most, len(items))
            indices.extend((place, step, position) for position in range(len(items)))
            values.extend(items)
    return (
        torch.tensor(indices, dtype=torch.int64).reshape(-1, 3),
        array.from_numpy(columns.as_array(values, dtype)),
        torch.tensor([len(sequences), longest, most], dtype=torch.int64),
    )


def _ragged_steps(sequences: list[_Sequence], key: str, dtype: DType, split_dtype: DType) -> tuple[Value, Value, Value]:
    found = [sequence.steps(key, dtype) or [] for sequence in sequences]
    steps = [items for each in found for items in each]
    outer = columns.splits([len(each) for each in found], split_dtype)
    inner = columns.splits([len(items) for items in steps], split_dtype)
    return columns.concatenated(steps, dtype), outer, inner


def _column(parts: Sequence[Sequence[Value]], place: int) -> list[Value]:
    return [part[place] for part in parts]


@op(
    "ParseSequenceExampleV2(serialized: string, debug_name: string, context_sparse_keys: string,"
    " context_dense_keys: string, context_ragged_keys: string, feature_list_sparse_keys: string,"
    " feature_list_dense_keys: string, feature_list_ragged_keys: string,"
    " feature_list_dense_missing_assumed_empty: bool, context_dense_defaults: list(Tcontext_dense)) -> ("
    f"{_CONTEXT_OUTPUTS}, context_ragged_values: list(context_ragged_value_types),"
    " context_ragged_row_splits: list(context_ragged_split_types),"
    f" {_LIST_OUTPUTS}, feature_list_dense_lengths: Nfeature_list_dense * int64,"
    " feature_list_ragged_values: list(feature_list_ragged_value_types),"
    " feature_list_ragged_outer_splits: list(feature_list_ragged_split_types),"
    " feature_list_ragged_inner_splits: list(feature_list_ragged_split_types))",
    minimum={
        "Ncontext_sparse": 0,
        "Tcontext_dense": 0,
        "context_sparse_types": 0,
        "context_ragged_value_types": 0,
        "context_ragged_split_types": 0,
        "context_dense_shapes": 0,
        "Nfeature_list_sparse": 0,
        "Nfeature_list_dense": 0,
        "feature_list_dense_types": 0,
        "feature_list_sparse_types": 0,
        "feature_list_ragged_value_types": 0,
        "feature_list_ragged_split_types": 0,
        "feature_list_dense_shapes": 0,
    },
    differentiable=False,
    context_sparse_types=FEATURE_TYPES,
    Tcontext_dense=FEATURE_TYPES,
    feature_list_dense_types=FEATURE_TYPES,
    feature_list_sparse_types=FEATURE_TYPES,
    context_ragged_value_types=FEATURE_TYPES,
    context_ragged_split_types=SPLIT_TYPES,
    feature_list_ragged_value_types=FEATURE_TYPES,
    feature_list_ragged_split_types=SPLIT_TYPES,
)
def parse_sequence_example_v2_op(
    serialized: Value,
    debug_name: Value,
    context_sparse_keys: Value,
    context_dense_keys: Value,
    context_ragged_keys: Value,
    feature_list_sparse_keys: Value,
    feature_list_dense_keys: Value,
    feature_list_ragged_keys: Value,
    feature_list_dense_missing_assumed_empty: Value,
    context_dense_defaults: list[Value],
    *,
    Ncontext_sparse: int = 0,
    Tcontext_dense: list[DType] = [],
    context_sparse_types: list[DType] = [],
    context_ragged_value_types: list[DType] = [],
    context_ragged_split_types: list[DType] = [],
    context_dense_shapes: list[Dims] = [],
    Nfeature_list_sparse: int = 0,
    Nfeature_list_dense: int = 0,
    feature_list_dense_types: list[DType] = [],
    feature_list_sparse_types: list[DType] = [],
    feature_list_ragged_value_types: list[DType] = [],
    feature_list_ragged_split_types: list[DType] = [],
    feature_list_dense_shapes: list[Dims] = [],
) -> tuple[list[Value], ...]:
    if np.ndim(serialized) > 1:
        raise invalid(f"Expected serialized to be a scalar or vector, got shape: {list(np.shape(serialized))}")
    check_types(*context_sparse_types, *Tcontext_dense, *feature_list_dense_types, *feature_list_sparse_types)
    check_types(*context_ragged_value_types, *feature_list_ragged_value_types)
    rows, sequences = _parsed(serialized, debug_name)
    context_dense = [
        columns.dense(rows, key, dtype, dims, default)
        for key, dtype, dims, default in zip(
            text_list(context_dense_keys), Tcontext_dense, context_dense_shapes, context_dense_defaults, strict=True
        )
    ]
    context_sparse: list[Any] = [
        columns.sparse(rows, key, dtype)
        for key, dtype in zip(text_list(context_sparse_keys), context_sparse_types, strict=True)
    ]
    context_ragged: list[Any] = [
        columns.ragged(rows, key, dtype, split_dtype)
        for key, dtype, split_dtype in zip(
            text_list(context_ragged_keys), context_ragged_value_types, context_ragged_split_types, strict=True
        )
    ]
    may_miss = array.to_numpy(feature_list_dense_missing_assumed_empty).reshape(-1).tolist()
    dense_lists = [
        _dense_steps(sequences, key, dtype, dims, missing)
        for key, dtype, dims, missing in zip(
            text_list(feature_list_dense_keys),
            feature_list_dense_types,
            feature_list_dense_shapes,
            may_miss,
            strict=True,
        )
    ]
    dense_values: list[Value] = [values for values, _ in dense_lists]
    lengths: list[Any] = [torch.tensor(sizes, dtype=torch.int64) for _, sizes in dense_lists]
    sparse_lists: list[Any] = [
        _sparse_steps(sequences, key, dtype)
        for key, dtype in zip(text_list(feature_list_sparse_keys), feature_list_sparse_types, strict=True)
    ]
    ragged_lists: list[Any] = [
        _ragged_steps(sequences, key, dtype, split_dtype)
        for key, dtype, split_dtype in zip(
            text_list(feature_list_ragged_keys),
            feature_list_ragged_value_types,
            feature_list_ragged_split_types,
            strict=True,
        )
    ]
    if np.ndim(serialized) == 0:
        context_dense = [values[0, ...] for values in context_dense]  # the ellipsis keeps strings arrays
        context_sparse = [(indices[:, 1:], values, shape[1:]) for indices, values, shape in context_sparse]
        context_ragged = [(values, ends[:0]) for values, ends in context_ragged]
        dense_values = [values[0, ...] for values in dense_values]
        lengths = [size[0] for size in lengths]
        sparse_lists = [(indices[:, 1:], values, shape[1:]) for indices, values, shape in sparse_lists]
        ragged_lists = [(values, outer[:0], inner) for values, outer, inner in ragged_lists]
    return (
        *(_column(context_sparse, place) for place in range(3)),
        context_dense,
        *(_column(context_ragged, place) for place in range(2)),
        *(_column(sparse_lists, place) for place in range(3)),
        dense_values,
        lengths,
        *(_column(ragged_lists, place) for place in range(3)),
    )


def _sparse_shapes(count: int, rank: int | None) -> tuple[list[Dims], list[Dims], list[Dims]]:
    return [(None, rank)] * count, [(None,)] * count, [(rank,)] * count


def _joined(batch: Dims, dims: Sequence[Dims], *between: int | None) -> list[Dims]:
    return [None if batch is None or each is None else (*batch, *between, *each) for each in dims]


def _ends(batch: Dims) -> Dims:
    if batch is None:
        return None
    return (0,) if not batch else (None if batch[0] is None else batch[0] + 1,)


@parse_sequence_example_v2_op.shape
def parse_sequence_example_v2_shape(
    serialized: Dims,
    *inputs: Any,
    Ncontext_sparse: int,
    context_ragged_value_types: list[DType],
    context_dense_shapes: list[Dims],
    Nfeature_list_sparse: int,
    Nfeature_list_dense: int,
    feature_list_ragged_value_types: list[DType],
    feature_list_dense_shapes: list[Dims],
    **attrs: Any,
) -> tuple[list[Dims], ...]:
    if serialized is not None and len(serialized) > 1:
        raise ShapeError(f"serialized must be a scalar or vector, got rank {len(serialized)}")
    rank = None if serialized is None else len(serialized)
    ragged, ragged_lists = len(context_ragged_value_types), len(feature_list_ragged_value_types)
    vector: Dims = (None,)
    return (
        *_sparse_shapes(Ncontext_sparse, None if rank is None else rank + 1),
        _joined(serialized, context_dense_shapes),
        [vector] * ragged,
        [_ends(serialized)] * ragged,
        *_sparse_shapes(Nfeature_list_sparse, None if rank is None else rank + 2),
        _joined(serialized, feature_list_dense_shapes, None),
        [serialized] * Nfeature_list_dense,
        [vector] * ragged_lists,
        [_ends(serialized)] * ragged_lists,
        [vector] * ragged_lists,
    )


def _scalar_keys(keys: Sequence[Any]) -> Value:
    result = np.empty(len(keys), dtype=object)
    result[:] = [np.asarray(key).item() if isinstance(key, np.ndarray) else key for key in keys]
    return result


@op(
    "ParseSequenceExample(serialized: string, debug_name: string, context_dense_defaults: list(Tcontext_dense)) -> ("
    f"{_CONTEXT_OUTPUTS}, {_LIST_OUTPUTS}, feature_list_dense_lengths: Nfeature_list_dense * int64)",
    minimum={
        "feature_list_dense_missing_assumed_empty": 0,
        "context_sparse_keys": 0,
        "context_dense_keys": 0,
        "feature_list_sparse_keys": 0,
        "feature_list_dense_keys": 0,
        "Ncontext_sparse": 0,
        "Ncontext_dense": 0,
        "Nfeature_list_sparse": 0,
        "Nfeature_list_dense": 0,
        "context_sparse_types": 0,
        "Tcontext_dense": 0,
        "feature_list_dense_types": 0,
        "context_dense_shapes": 0,
        "feature_list_sparse_types": 0,
        "feature_list_dense_shapes": 0,
    },
    differentiable=False,
    context_sparse_types=FEATURE_TYPES,
    Tcontext_dense=FEATURE_TYPES,
    feature_list_dense_types=FEATURE_TYPES,
    feature_list_sparse_types=FEATURE_TYPES,
)
def parse_sequence_example_op(
    serialized: Value,
    debug_name: Value,
    context_dense_defaults: list[Value],
    *,
    feature_list_dense_missing_assumed_empty: list[str],
    context_sparse_keys: list[str],
    context_dense_keys: list[str],
    feature_list_sparse_keys: list[str],
    feature_list_dense_keys: list[str],
    Ncontext_sparse: int = 0,
    Ncontext_dense: int = 0,
    Nfeature_list_sparse: int = 0,
    Nfeature_list_dense: int = 0,
    context_sparse_types: list[DType] = [],
    Tcontext_dense: list[DType] = [],
    feature_list_dense_types: list[DType] = [],
    context_dense_shapes: list[Dims] = [],
    feature_list_sparse_types: list[DType] = [],
    feature_list_dense_shapes: list[Dims] = [],
) -> tuple[list[Value], ...]:
    missing = {_text(key) for key in feature_list_dense_missing_assumed_empty}
    result = parse_sequence_example_v2_op.kernel(
        serialized,
        debug_name,
        _scalar_keys(context_sparse_keys),
        _scalar_keys(context_dense_keys),
        _scalar_keys([]),
        _scalar_keys(feature_list_sparse_keys),
        _scalar_keys(feature_list_dense_keys),
        _scalar_keys([]),
        torch.tensor([_text(key) in missing for key in feature_list_dense_keys], dtype=torch.bool),
        context_dense_defaults,
        Tcontext_dense=Tcontext_dense,
        context_sparse_types=context_sparse_types,
        context_dense_shapes=context_dense_shapes,
        feature_list_dense_types=feature_list_dense_types,
        feature_list_sparse_types=feature_list_sparse_types,
        feature_list_dense_shapes=feature_list_dense_shapes,
    )
    return (*result[:4], *result[6:11])


def _text(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)


@parse_sequence_example_op.shape
def parse_sequence_example_shape(
    serialized: Dims,
    *inputs: Any,
    Ncontext_sparse: int,
    Nfeature_list_sparse: int,
    Nfeature_list_dense: int,
    context_dense_shapes: list[Dims],
    feature_list_dense_shapes: list[Dims],
    **attrs: Any,
) -> tuple[list[Dims], ...]:
    batch: Dims = expect_rank(serialized, 1, "serialized")
    return (
        *_sparse_shapes(Ncontext_sparse, 2),
        _joined(batch, context_dense_shapes),
        *_sparse_shapes(Nfeature_list_sparse, 3),
        _joined(batch, feature_list_dense_shapes, None),
        [batch] * Nfeature_list_dense,
    )


@op(
    "ParseSingleSequenceExample(serialized: string, feature_list_dense_missing_assumed_empty: string,"
    " context_sparse_keys: Ncontext_sparse * string, context_dense_keys: Ncontext_dense * string,"
    " feature_list_sparse_keys: Nfeature_list_sparse * string, feature_list_dense_keys: Nfeature_list_dense * string,"
    f" context_dense_defaults: list(Tcontext_dense), debug_name: string) -> ({_CONTEXT_OUTPUTS}, {_LIST_OUTPUTS})",
    minimum={
        "Ncontext_sparse": 0,
        "Ncontext_dense": 0,
        "Nfeature_list_sparse": 0,
        "Nfeature_list_dense": 0,
        "context_sparse_types": 0,
        "Tcontext_dense": 0,
        "feature_list_dense_types": 0,
        "context_dense_shapes": 0,
        "feature_list_sparse_types": 0,
        "feature_list_dense_shapes": 0,
    },
    differentiable=False,
    context_sparse_types=FEATURE_TYPES,
    Tcontext_dense=FEATURE_TYPES,
    feature_list_dense_types=FEATURE_TYPES,
    feature_list_sparse_types=FEATURE_TYPES,
)
def parse_single_sequence_example_op(
    serialized: Value,
    feature_list_dense_missing_assumed_empty: Value,
    context_sparse_keys: list[Value],
    context_dense_keys: list[Value],
    feature_list_sparse_keys: list[Value],
    feature_list_dense_keys: list[Value],
    context_dense_defaults: list[Value],
    debug_name: Value,
    *,
    Ncontext_sparse: int = 0,
    Ncontext_dense: int = 0,
    Nfeature_list_sparse: int = 0,
    Nfeature_list_dense: int = 0,
    context_sparse_types: list[DType] = [],
    Tcontext_dense: list[DType] = [],
    feature_list_dense_types: list[DType] = [],
    context_dense_shapes: list[Dims] = [],
    feature_list_sparse_types: list[DType] = [],
    feature_list_dense_shapes: list[Dims] = [],
) -> tuple[list[Value], ...]:
    if np.ndim(serialized):
        raise invalid(f"Expected serialized to be a scalar, got shape: {list(np.shape(serialized))}")
    result = parse_sequence_example_op.kernel(
        serialized,
        np.asarray(debug_name, dtype=object).reshape(-1),
        context_dense_defaults,
        feature_list_dense_missing_assumed_empty=text_list(feature_list_dense_missing_assumed_empty),
        context_sparse_keys=text_list(_scalar_keys(context_sparse_keys)),
        context_dense_keys=text_list(_scalar_keys(context_dense_keys)),
        feature_list_sparse_keys=text_list(_scalar_keys(feature_list_sparse_keys)),
        feature_list_dense_keys=text_list(_scalar_keys(feature_list_dense_keys)),
        context_sparse_types=context_sparse_types,
        Tcontext_dense=Tcontext_dense,
        feature_list_dense_types=feature_list_dense_types,
        context_dense_shapes=context_dense_shapes,
        feature_list_sparse_types=feature_list_sparse_types,
        feature_list_dense_shapes=feature_list_dense_shapes,
    )
    return result[:8]


@parse_single_sequence_example_op.shape
def parse_single_sequence_example_shape(
    serialized: Dims,
    *inputs: Any,
    Ncontext_sparse: int,
    Nfeature_list_sparse: int,
    context_dense_shapes: list[Dims],
    feature_list_dense_shapes: list[Dims],
    **attrs: Any,
) -> tuple[list[Dims], ...]:
    batch: Dims = expect_rank(serialized, 0, "serialized")
    return (
        *_sparse_shapes(Ncontext_sparse, 1),
        list(context_dense_shapes),
        *_sparse_shapes(Nfeature_list_sparse, 2),
        _joined(batch, feature_list_dense_shapes, None),
    )
