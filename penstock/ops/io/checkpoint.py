"""Operations that write checkpoints and read them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnknownError,
)
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.formats.bundle_merge import merge_bundles
from penstock.formats.errors import CorruptDataError, UnwritablePathError
from penstock.formats.tensor_bundle import BundleReader, SlicedTensor, TensorSlice, write_bundle

R = TypeVar("R")

_BY_ERRNO: dict[int, Callable[..., OpError]] = {
    errno.ENOENT: NotFoundError,
    errno.EACCES: PermissionDeniedError,
    errno.EPERM: PermissionDeniedError,
    errno.EROFS: PermissionDeniedError,
    errno.ENOTDIR: FailedPreconditionError,
    errno.EISDIR: FailedPreconditionError,
    errno.ENOSPC: ResourceExhaustedError,
    errno.EDQUOT: ResourceExhaustedError,
}


def open_checkpoint(prefix: str) -> BundleReader:
    """Open a checkpoint for reading.

    Args:
        prefix: the path that the names of its files begin with.
    Raises:
        NotFoundError: if there is no such checkpoint.
        DataLossError: if its index is damaged.
    """
    return translated(lambda: BundleReader(prefix), prefix)


def translated(access: Callable[[], R], prefix: str) -> R:
    """Return what `access` to a checkpoint returns, with the errors of files as those of operations.

    Raises:
        OpError: of the class that TensorFlow raises.
    """
    try:
        return access()
    except FileNotFoundError as error:
        text = f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {prefix} ({error})"
        raise NotFoundError(None, None, text) from None
    except CorruptDataError as error:
        raise DataLossError(None, None, f"Unable to read checkpoint {prefix}: {error}") from None
    except OSError as error:
        _raise_for(error)


def _raise_for(error: OSError) -> NoReturn:
    raise _BY_ERRNO.get(error.errno or 0, UnknownError)(None, None, str(error)) from None


def _text(value: Value) -> str:
    item = array.to_numpy(value)
    return (item if isinstance(item, bytes) else bytes(item)).decode("utf-8", "surrogateescape")


def _texts(value: Value) -> list[str]:
    return [item.decode("utf-8", "surrogateescape") for item in np.asarray(value, dtype=object).reshape(-1)]


def parse_slice(text: str) -> tuple[tuple[int, ...], TensorSlice] | None:
    """Read what SaveV2 and RestoreV2 take for a part of a tensor.

    Args:
        text: "5 3 0,2:-" for rows 0 and 1 of a tensor of shape (5, 3); "" for a whole tensor.
    Returns:
        The shape of the whole and the part, or None for a whole tensor.
    Raises:
        InvalidArgumentError: if the text is malformed.
    """
    if not text:
        return None
    *sizes, parts = text.split(" ")
    try:
        shape = tuple(int(size) for size in sizes)
        extents = [
            (0, -1) if part == "-" else tuple(int(number) for number in part.split(",")) for part in parts.split(":")
        ]
        starts, lengths = zip(*extents, strict=True)
        return shape, TensorSlice(starts, lengths).within(shape)
    except ValueError as error:
        raise InvalidArgumentError(
            None,
            None,
            f"cannot read the slice {text!r}: expected sizes and 'start,length' or '-' for each axis ({error})",
        ) from None


def no_outputs(*inputs: Any, **attrs: Any) -> tuple[()]:
    """The shape rule of operations without outputs."""
    return ()


def _check_counts(names: list[str], slices: list[str], tensors: int) -> None:
    if not len(names) == len(slices) == tensors:
        raise InvalidArgumentError(
            None,
            None,
            f"{len(names)} tensor names, {len(slices)} slices and {tensors} tensors: there must be as many of each",
        )


@op(
    "SaveV2(prefix: string, tensor_names: string, shape_and_slices: string, tensors: list(dtypes))",
    minimum={"dtypes": 1},
    stateful=True,
    shape=no_outputs,
)
def save_v2_op(
    prefix: Value, tensor_names: Value, shape_and_slices: Value, tensors: list[Value], *, dtypes: list[DType]
) -> tuple[()]:
    path, names, specs = _text(prefix), _texts(tensor_names), _texts(shape_and_slices)
    _check_counts(names, specs, len(tensors))
    whole: dict[str, np.ndarray] = {}
    enums: dict[str, int] = {}
    parts: dict[str, tuple[tuple[int, ...], list[tuple[TensorSlice, np.ndarray]]]] = {}
    for name, spec, tensor, dtype in zip(names, specs, tensors, dtypes, strict=True):
        elements = tensor if isinstance(tensor, np.ndarray) else np.asarray(array.to_numpy(tensor))
        enums[name] = dtype.as_datatype_enum
        part = parse_slice(spec)
        if part is not None:
            shape, where = part
            if where.lengths != elements.shape:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Slice in shape_and_slices of {name!r} has shape {list(where.lengths)}, its tensor "
                    f"{list(elements.shape)}",
                )
            known, items = parts.setdefault(name, (shape, []))
            if known != shape:
                raise InvalidArgumentError(
                    None, None, f"the slices of {name!r} are of tensors of shapes {list(known)} and {list(shape)}"
                )
            items.append((where, elements))
        elif name in whole:
            raise InvalidArgumentError(None, None, f"two tensors are to be saved under the name {name!r}")
        else:
            whole[name] = elements
    slices = {name: SlicedTensor(shape, tuple(items)) for name, (shape, items) in parts.items()}
    try:
        write_bundle(path, whole, enums, slices)
    except UnwritablePathError as error:
        _raise_for(error)
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"cannot save to {path}: {error}") from None
    return ()


@op(
    "RestoreV2(prefix: string, tensor_names: string, shape_and_slices: string) -> tensors: list(dtypes)",
    minimum={"dtypes": 1},
    stateful=True,
)
def restore_v2_op(prefix: Value, tensor_names: Value, shape_and_slices: Value, *, dtypes: list[DType]) -> list[Value]:
    path, names, specs = _text(prefix), _texts(tensor_names), _texts(shape_and_slices)
    _check_counts(names, specs, len(dtypes))
    reader = open_checkpoint(path)
    parts = [parse_slice(spec) for spec in specs]
    # All of them are checked before the first is read, so that a checkpoint that does not fit costs no time.
    for name, part, dtype in zip(names, parts, dtypes, strict=True):
        _check_restorable(reader, name, part, dtype)
    values = []
    for name, part in zip(names, parts, strict=True):
        elements = translated(lambda name=name, part=part: reader.get(name, None if part is None else part[1]), path)  # type: ignore[misc]
        values.append(array.from_numpy(elements))
    return values


def _check_restorable(reader: BundleReader, name: str, part: Any, dtype: DType) -> None:
    if name not in reader:
        raise NotFoundError(None, None, f"Key {name} not found in checkpoint")
    shape, enum = translated(lambda: reader.shape_and_dtype(name), reader.prefix)
    if enum != dtype.as_datatype_enum:
        stored = as_dtype(enum).name
        raise InvalidArgumentError(
            None, None, f"tensor_name = {name}; expected dtype {dtype.name} does not equal original dtype {stored}"
        )
    if part is not None and part[0] != shape:
        raise InvalidArgumentError(
            None,
            None,
            f"tensor_name = {name}; shape in shape_and_slice spec {list(part[0])} does not match the shape stored in "
            f"checkpoint: {list(shape)}",
        )


@restore_v2_op.shape
def restore_v2_shape(prefix: Dims, tensor_names: Dims, shape_and_slices: Dims, *, dtypes: list[DType]) -> list[Dims]:
    return [None] * len(dtypes)


@op("MergeV2Checkpoints(checkpoint_prefixes: string, destination_prefix: string)", stateful=True, shape=no_outputs)
def merge_v2_checkpoints_op(
    checkpoint_prefixes: Value,
    destination_prefix: Value,
    *,
    delete_old_dirs: bool = True,
    allow_missing_files: bool = False,
) -> tuple[()]:
    destination = _text(destination_prefix)
    translated(
        lambda: merge_bundles(_texts(checkpoint_prefixes), destination, delete_old_dirs, allow_missing_files),
        destination,
    )
    return ()


@op(
    "ShardedFilename(basename: string, shard: int32, num_shards: int32) -> filename: string",
    shape=lambda basename, shard, num_shards: (),
)
def sharded_filename_op(basename: Value, shard: Value, num_shards: Value) -> Value:
    name = f"{_text(basename)}-{int(array.to_numpy(shard)):05d}-of-{int(array.to_numpy(num_shards)):05d}"
    return np.array(name.encode("utf-8", "surrogateescape"), dtype=object)
