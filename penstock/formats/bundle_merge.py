"""Joining checkpoints that several writers made into one, as savers of sharded graphs do.

Each part is a checkpoint of its own, in a temporary directory. Their files of elements are renamed into the shards of
the whole, and one index over all replaces theirs; no element is copied.
"""

from __future__ import annotations

import contextlib
import glob
import os
import uuid
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from penstock.formats import protos, table
from penstock.formats.errors import CorruptDataError, unwritable
from penstock.formats.tensor_bundle import data_path, index_path

_HEADER_KEY = b""
_FORMAT_VERSION = 1


def merge_bundles(
    prefixes: Sequence[str], destination: str, delete_old_dirs: bool = True, allow_missing: bool = False
) -> None:
    """Join checkpoints into one.

    Args:
        prefixes: the parts. Their files are moved.
        destination: the prefix of the whole.
        delete_old_dirs: whether the directories of the parts are deleted, where they are empty then.
        allow_missing: whether parts that do not exist are passed over.
    Raises:
        FileNotFoundError: if a part does not exist, or there is none at all.
        CorruptDataError: if an index is damaged, or two parts have the same tensor.
        UnwritablePathError: if a file cannot be moved or written.
    """
    present = [prefix for prefix in prefixes if os.path.exists(index_path(prefix)) or not allow_missing]
    if not present:
        raise FileNotFoundError(f"none of the checkpoints to be merged into {destination!r} exists: {list(prefixes)}")
    entries: dict[bytes, bytes] = {}
    slices: dict[bytes, Any] = {}
    moves: list[tuple[str, int]] = []
    for prefix in present:
        _collect(prefix, entries, slices, moves)
    entries.update((key, entry.SerializeToString()) for key, entry in slices.items())
    num_shards = _free_shard_count(destination, len(moves))
    header = protos.BundleHeaderProto(num_shards=num_shards)
    header.version.producer = _FORMAT_VERSION
    entries[_HEADER_KEY] = header.SerializeToString()
    temp = f"{index_path(destination)}.tempstate{uuid.uuid4().hex}"
    try:
        directory = os.path.dirname(destination)
        if directory:
            os.makedirs(directory, exist_ok=True)
        try:
            with open(temp, "wb") as file:
                table.write_table(file, sorted(entries.items()))
            for path, shard in moves:
                os.replace(path, data_path(destination, shard, num_shards))
            os.replace(temp, index_path(destination))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temp)
        _remove_shards(destination, keep=num_shards)
        for prefix in present:
            os.remove(index_path(prefix))
    except OSError as error:
        raise unwritable(
            destination, error, "Check that the directory may be written, and that the disk has room."
        ) from error
    if delete_old_dirs:
        for directory in {os.path.dirname(prefix) for prefix in present}:
            with contextlib.suppress(OSError):
                os.rmdir(directory)


def _shards(prefix: str) -> list[str]:
    return glob.glob(f"{glob.escape(prefix)}.data-?????-of-?????")


def _free_shard_count(prefix: str, num_shards: int) -> int:
    """Return a number of shards under which the files of an older checkpoint are not overwritten.

    Until the index is replaced the older checkpoint stays readable. Readers open only the shards that entries name, so
    that more may be declared than there are.
    """
    taken = {path[-5:] for path in _shards(prefix)}
    while f"{num_shards:05d}" in taken:
        num_shards += 1
    return num_shards


def _remove_shards(prefix: str, keep: int) -> None:
    """Delete the files of elements that belong to an older checkpoint."""
    for path in _shards(prefix):
        if not path.endswith(f"-of-{keep:05d}"):
            os.remove(path)


def _collect(prefix: str, entries: dict[bytes, bytes], slices: dict[bytes, Any], moves: list[tuple[str, int]]) -> None:
    """Add the entries and files of one part, with its shards numbered after those that are there."""
    part = table.read_table(index_path(prefix))
    try:
        num_shards = protos.BundleHeaderProto.FromString(part.pop(_HEADER_KEY, b"")).num_shards
        first = len(moves)
        for key, value in part.items():
            entry = protos.BundleEntryProto.FromString(value)
            if entry.slices:
                if key not in slices:
                    slices[key] = entry
                else:
                    slices[key].slices.extend(entry.slices)
                continue
            if key in entries or key in slices:
                raise CorruptDataError(
                    f"tensor {key!r} is in {prefix!r} and in another checkpoint to be merged with it"
                )
            entry.shard_id += first
            entries[key] = entry.SerializeToString()
    except DecodeError as error:
        raise CorruptDataError(f"{index_path(prefix)!r} has a damaged entry: {error}") from error
    for shard in range(num_shards):
        moves.append((data_path(prefix, shard, num_shards), first + shard))
