"""How the features of examples are described, and the public functions that parse them."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any, NamedTuple

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.parsing.examples import parse_example_v2_op
from penstock.ops.parsing.ragged_features import RaggedFeature, ragged_columns, ragged_value
from penstock.ops.parsing.sequences import parse_sequence_example_v2_op


class VarLenFeature(namedtuple("VarLenFeature", ["dtype"])):
    """A feature of any number of values, parsed to a SparseTensor.

    Args:
        dtype: float32, int64 or string.
    """

    __slots__ = ()


class FixedLenFeature(namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
    """A feature of a fixed number of values, parsed to a dense tensor.

    Args:
        shape: its shape.
        dtype: float32, int64 or string.
        default_value: what stands for a missing one; without it, a missing one is an error.
    """

    __slots__ = ()

    def __new__(cls, shape: Any, dtype: Any, default_value: Any = None) -> FixedLenFeature:
        return super().__new__(cls, shape, dtype, default_value)


class FixedLenSequenceFeature(
    namedtuple("FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"])
):
    """A feature of any number of steps of one shape, parsed to a dense tensor that is padded at the end.

    Args:
        shape: the shape of a step.
        dtype: float32, int64 or string.
        allow_missing: whether a missing feature has no steps, instead of being an error.
        default_value: what pads, a scalar; by default 0 or the empty string.
    """

    __slots__ = ()

    def __new__(
        cls, shape: Any, dtype: Any, allow_missing: bool = False, default_value: Any = None
    ) -> FixedLenSequenceFeature:
        return super().__new__(cls, shape, dtype, allow_missing, default_value)


class SparseFeature(namedtuple("SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"])):
    """A sparse tensor whose indices and values are features of their own.

    Args:
        index_key: the key of the indices, or a list of keys, one an axis.
        value_key: the key of the values.
        dtype: of the values: float32, int64 or string.
        size: the size, or a list of sizes, one an axis.
        already_sorted: whether the indices of an example are in order.
    """

    __slots__ = ()

    def __new__(
        cls, index_key: Any, value_key: Any, dtype: Any, size: Any, already_sorted: bool = False
    ) -> SparseFeature:
        return super().__new__(cls, index_key, value_key, dtype, size, already_sorted)


class _Columns(NamedTuple):
    """What a set of features asks of the operations that parse, each list sorted by key."""

    sparse_keys: list[str]
    sparse_types: list[DType]
    dense_keys: list[str]
    dense_types: list[DType]
    dense_shapes: list[Any]
    dense_defaults: list[Tensor]
    missing_is_empty: list[bool]
    ragged_keys: list[str]
    ragged_types: list[DType]
    ragged_split_types: list[DType]


def _add_ragged(found: dict[str, tuple[DType, DType]], key: str, feature: RaggedFeature) -> None:
    for column, dtype in feature.columns(key):
        types = (dtype, feature.row_splits_dtype)
        for known, asked in zip(found.setdefault(column, types), types, strict=True):
            if known != asked:
                raise ValueError(f"Conflicting type {known!r} vs {asked!r} for feature {column}.")


def _add_sparse(found: dict[str, DType], key: str, dtype: Any) -> None:
    dtype = as_dtype(dtype)
    if found.setdefault(key, dtype) != dtype:
        raise ValueError(f"Conflicting type {found[key]!r} vs {dtype!r} for feature {key}.")


def _default(key: str, dtype: DType, shape: list[Any], value: Any) -> Tensor:
    if value is None:
        return convert_to_tensor([], dtype) if dtype != dtypes.string else deferred("Fill")([0], "")
    if isinstance(value, Tensor):
        return value
    return deferred("Reshape")(convert_to_tensor(value, dtype, name=f"key_{_safe(key)}"), shape)


def _safe(key: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_." else "_" for letter in key)


def _columns_of(features: dict[str, Any] | None, allowed: tuple[type, ...], in_sequence: bool = False) -> _Columns:
    sparse: dict[str, DType] = {}
    dense: dict[str, tuple[DType, Any, Tensor, bool]] = {}
    ragged: dict[str, tuple[DType, DType]] = {}
    for key in sorted(features or {}):
        feature = (features or {})[key]
        if not isinstance(feature, allowed):
            raise ValueError(f"Unsupported {type(feature).__name__} {feature} for feature {key}.")
        if isinstance(feature, VarLenFeature):
            if not feature.dtype:
                raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
            _add_sparse(sparse, key, feature.dtype)
        elif isinstance(feature, SparseFeature):
            index_keys = [feature.index_key] if isinstance(feature.index_key, str) else sorted(feature.index_key)
            for index_key in index_keys:
                _add_sparse(sparse, index_key, dtypes.int64)
            _add_sparse(sparse, feature.value_key, feature.dtype)
        elif isinstance(feature, RaggedFeature):
            _add_ragged(ragged, key, feature)
        else:
            dense[key] = _dense_column(key, feature, in_sequence)
    keys, ragged_keys = sorted(sparse), sorted(ragged)
    return _Columns(
        keys,
        [sparse[key] for key in keys],
        list(dense),
        [dtype for dtype, _, _, _ in dense.values()],
        [shape for _, shape, _, _ in dense.values()],
        [default for _, _, default, _ in dense.values()],
        [missing for _, _, _, missing in dense.values()],
        ragged_keys,
        [ragged[key][0] for key in ragged_keys],
        [ragged[key][1] for key in ragged_keys],
    )


def _dense_column(key: str, feature: Any, in_sequence: bool) -> tuple[DType, Any, Tensor, bool]:
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
    if feature.shape is None:
        raise ValueError(f"Missing shape for feature {key}. Received feature={feature}.")
    dtype, dims = as_dtype(feature.dtype), TensorShape(feature.shape).as_list()
    if isinstance(feature, FixedLenFeature):
        if dims and dims[0] is None:
            raise ValueError(
                f"First dimension of shape for feature {key} unknown. Consider using FixedLenSequenceFeature. Received "
                f"feature={feature}."
            )
        if None in dims:
            raise ValueError(f"All dimensions of shape for feature {key} need to be known but received {dims}.")
        return dtype, dims, _default(key, dtype, dims, feature.default_value), False
    if None in dims:
        raise ValueError(f"All dimensions of shape for feature {key} need to be known but received {dims}.")
    if in_sequence:
        return dtype, dims, _default(key, dtype, [], None), bool(feature.allow_missing)
    if not feature.allow_missing:
        raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
    value = feature.default_value
    if value is None:
        value = "" if dtype == dtypes.string else 0
    return dtype, [None, *dims], _default(key, dtype, [], value), True


def _strings(items: Sequence[str]) -> Tensor:
    return convert_to_tensor(list(items), dtypes.string) if items else deferred("Fill")([0], "")


def _sparse_tensors(keys: list[str], indices: Any, values: Any, shapes: Any) -> dict[str, Any]:
    return {key: SparseTensor(*parts) for key, *parts in zip(keys, indices, values, shapes, strict=True)}


def _merge_features(features: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Replace the parts of SparseFeatures and RaggedFeatures by the tensors that they make up."""
    result = {key: value for key, value in found.items() if key in features}
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, RaggedFeature):
            result[key] = ragged_value(key, feature, found)
        if not isinstance(feature, SparseFeature):
            continue
        index_keys = [feature.index_key] if isinstance(feature.index_key, str) else list(feature.index_key)
        sizes = list(feature.size) if isinstance(feature.size, (list, tuple)) else [feature.size]
        values = found[feature.value_key]
        rank = len(values.indices.shape.with_rank(2)) and values.indices.shape.as_list()[1]
        outer = [] if rank == 1 else [values.indices[:, :-1]]
        inner = [deferred("ExpandDims")(found[index_key].values, 1) for index_key in index_keys]
        columns = [*outer, *inner]
        positions = columns[0] if len(columns) == 1 else deferred("ConcatV2")(columns, 1)
        size = convert_to_tensor(sizes, dtypes.int64)
        shape = size if rank == 1 else deferred("ConcatV2")([values.dense_shape[:-1], size], 0)
        merged = SparseTensor(positions, values.values, shape)
        if not feature.already_sorted:
            ordered = deferred("SparseReorder")(merged.indices, merged.values, merged.dense_shape)
            merged = SparseTensor(ordered[0], ordered[1], merged.dense_shape)
        result[key] = merged
    return result


_EXAMPLE_FEATURES = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature, RaggedFeature)


def parse_example(serialized: Any, features: Any, example_names: Any = None, name: str | None = None) -> dict[str, Any]:
    """Parse `Example` messages.

    Args:
        serialized: a vector of serialized messages, or a scalar.
        features: key -> VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature or RaggedFeature.
        example_names: names of the examples, for messages.
        name: the name of the scope.
    Returns:
        key -> Tensor, SparseTensor or RaggedTensor; a batch axis comes first, unless `serialized` is a scalar.
    Raises:
        ValueError: if `features` is empty, or one is described badly.
        InvalidArgumentError: if an example does not fit.
    """
    if not features:
        raise ValueError(f"Argument `features` cannot be None or falsy. Got {features}")
    columns = _columns_of(features, _EXAMPLE_FEATURES)
    with name_scope(name, "ParseExample", [serialized, example_names]):
        serialized = convert_to_tensor(serialized, dtypes.string, name="serialized")
        names = _strings([]) if example_names is None else convert_to_tensor(example_names, dtypes.string)
        found = parse_example_v2_op(
            serialized,
            names,
            _strings(columns.sparse_keys),
            _strings(columns.dense_keys),
            _strings(columns.ragged_keys),
            columns.dense_defaults,
            num_sparse=len(columns.sparse_keys),
            sparse_types=columns.sparse_types,
            ragged_value_types=columns.ragged_types,
            ragged_split_types=columns.ragged_split_types,
            dense_shapes=columns.dense_shapes,
            name="ParseExampleV2",
        )
        result = _sparse_tensors(columns.sparse_keys, found[0], found[1], found[2])
        result.update(zip(columns.dense_keys, found[3], strict=True))
        is_single = serialized.shape.rank == 0
        result.update(zip(columns.ragged_keys, ragged_columns(found[4], found[5], is_single=is_single), strict=True))
        return _merge_features(features, result)


def parse_example_v1(
    serialized: Any, features: Any, name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """Parse `Example` messages; see `parse_example`."""
    return parse_example(serialized, features, example_names, name)


def parse_single_example(
    serialized: Any, features: Any, example_names: Any = None, name: str | None = None
) -> dict[str, Any]:
    """Parse one `Example` message.

    Args:
        serialized: a scalar string.
        features: see `parse_example`.
        example_names: the name of the example, for messages.
        name: the name of the scope.
    Returns:
        key -> Tensor or SparseTensor, without a batch axis.
    """
    if not features:
        raise ValueError("Invalid argument: features cannot be None.")
    with name_scope(name, "ParseSingleExample", [serialized, example_names]):
        return parse_example(_scalar(serialized), features, example_names)


def _scalar(serialized: Any) -> Tensor:
    serialized = convert_to_tensor(serialized, dtypes.string, name="serialized")
    serialized.shape.assert_has_rank(0)
    return serialized


def parse_single_example_v1(
    serialized: Any, features: Any, name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """Parse one `Example` message; see `parse_single_example`."""
    return parse_single_example(serialized, features, example_names, name)


def parse_sequence_example(
    serialized: Any,
    context_features: Any = None,
    sequence_features: Any = None,
    example_names: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Parse `SequenceExample` messages.

    Args:
        serialized: a vector of serialized messages.
        context_features: key -> feature of the context; see `parse_example`.
        sequence_features: key -> FixedLenSequenceFeature, VarLenFeature or RaggedFeature of the lists.
        example_names: names of the examples, for messages.
        name: the name of the scope.
    Returns:
        context: key -> tensor, a batch axis first.
        sequences: key -> tensor, axes of batch and steps first; shorter sequences are padded.
        lengths: key -> the numbers of steps, for each FixedLenSequenceFeature.
    """
    if not (context_features or sequence_features):
        raise ValueError(
            "Both `context_features` and `sequence_features` argument are None, but at least one should have values."
        )
    with name_scope(name, "ParseSequenceExample", [serialized, example_names]):
        return _parse_sequences(serialized, context_features or {}, sequence_features or {}, example_names)


def _parse_sequences(
    serialized: Any, context_features: dict[str, Any], sequence_features: dict[str, Any], example_names: Any
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    context = _columns_of(context_features, (VarLenFeature, SparseFeature, FixedLenFeature, RaggedFeature))
    lists = _columns_of(sequence_features, (VarLenFeature, FixedLenSequenceFeature, RaggedFeature), in_sequence=True)
    with name_scope(None, "ParseSequenceExample", [serialized, example_names]):
        names = _strings([]) if example_names is None else convert_to_tensor(example_names, dtypes.string)
        serialized = convert_to_tensor(serialized, dtypes.string, name="serialized")
        found = parse_sequence_example_v2_op(
            serialized,
            names,
            _strings(context.sparse_keys),
            _strings(context.dense_keys),
            _strings(context.ragged_keys),
            _strings(lists.sparse_keys),
            _strings(lists.dense_keys),
            _strings(lists.ragged_keys),
            convert_to_tensor(lists.missing_is_empty, dtypes.bool_),
            context.dense_defaults,
            Ncontext_sparse=len(context.sparse_keys),
            context_sparse_types=context.sparse_types,
            context_ragged_value_types=context.ragged_types,
            context_ragged_split_types=context.ragged_split_types,
            context_dense_shapes=context.dense_shapes,
            Nfeature_list_sparse=len(lists.sparse_keys),
            Nfeature_list_dense=len(lists.dense_keys),
            feature_list_dense_types=lists.dense_types,
            feature_list_sparse_types=lists.sparse_types,
            feature_list_ragged_value_types=lists.ragged_types,
            feature_list_ragged_split_types=lists.ragged_split_types,
            feature_list_dense_shapes=lists.dense_shapes,
            name="ParseSequenceExampleV2",
        )
        is_single = serialized.shape.rank == 0
        in_context = _sparse_tensors(context.sparse_keys, found[0], found[1], found[2])
        in_context.update(zip(context.dense_keys, found[3], strict=True))
        ragged = ragged_columns(found[4], found[5], is_single=is_single)
        in_context.update(zip(context.ragged_keys, ragged, strict=True))
        in_lists = _sparse_tensors(lists.sparse_keys, found[6], found[7], found[8])
        in_lists.update(zip(lists.dense_keys, found[9], strict=True))
        ragged = ragged_columns(found[11], found[12], found[13], is_single=is_single)
        in_lists.update(zip(lists.ragged_keys, ragged, strict=True))
        lengths = dict(zip(lists.dense_keys, found[10], strict=True))
        return _merge_features(context_features, in_context), _merge_features(sequence_features, in_lists), lengths


def parse_single_sequence_example(
    serialized: Any,
    context_features: Any = None,
    sequence_features: Any = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parse one `SequenceExample` message.

    Args:
        serialized: a scalar string.
        context_features, sequence_features: see `parse_sequence_example`.
        example_name: the name of the example, for messages.
        name: the name of the scope.
    Returns:
        context: key -> tensor.
        sequences: key -> tensor, an axis of steps first.
    """
    if not (context_features or sequence_features):
        raise ValueError("Both context_features and sequence_features are None, but at least one should have values.")
    with name_scope(name, "ParseSingleSequenceExample", [serialized, example_name]):
        names = (
            None if example_name is None else deferred("Reshape")(convert_to_tensor(example_name, dtypes.string), [-1])
        )
        return _parse_sequences(_scalar(serialized), context_features or {}, sequence_features or {}, names)[:2]
