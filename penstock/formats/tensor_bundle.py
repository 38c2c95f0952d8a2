"""Checkpoints in TensorFlow's format V2, which calls one a bundle of tensors.

`<prefix>.data-00000-of-00001` (and further shards) holds the elements of all tensors one after the other.
`<prefix>.index` is a table (see `table`) from a tensor's name to a `BundleEntryProto` with its type, shape, place and
checksum; the empty name has the header. A tensor saved in slices has an entry that lists them, and one entry per slice.

Replacing a checkpoint needs two renames, and a process killed between them would leave new data beside an old index.
So a complete new checkpoint is first put beside the old one under the names `*.next`, data before index, and then the
data is renamed before the index: an index under its `.next` name without such data is the one that is valid.
"""

from __future__ import annotations

import contextlib
import glob
import math
import os
import struct
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock.formats import checksum, dtypes, ordered_code, protos, table, tensor_proto, varint
from penstock.formats.errors import CorruptDataError, unwritable

_HEADER_KEY = b""
_FORMAT_VERSION = 1
_FULL_EXTENT = -1
_NEXT = ".next"
_MAX_SHARDS = 1 << 20


@dataclass(frozen=True, slots=True)
class TensorSlice:
    """A box within a tensor.

    Attributes:
        starts: the first index along each axis.
        lengths: the number of indices along each axis; -1 for all of them, then the start is 0.
    """

    starts: tuple[int, ...]
    lengths: tuple[int, ...]

    def within(self, shape: Sequence[int]) -> TensorSlice:
        """Return the slice with its lengths in numbers, of a tensor of the given shape.

        Raises:
            ValueError: if the slice does not lie in such a tensor.
        """
        if not len(self.starts) == len(self.lengths) == len(shape):
            raise ValueError(f"{self} is no slice of a tensor of shape {tuple(shape)}: the ranks differ")
        lengths = tuple(
            size if length == _FULL_EXTENT else length for length, size in zip(self.lengths, shape, strict=True)
        )
        for start, length, size in zip(self.starts, lengths, shape, strict=True):
            if start < 0 or length < 0 or start + length > size:
                raise ValueError(f"{self} does not lie within a tensor of shape {tuple(shape)}")
        return TensorSlice(self.starts, lengths)

    def indices(self) -> tuple[slice, ...]:
        """Return the slice as an index of a NumPy array; the lengths are numbers."""
        return tuple(slice(start, start + length) for start, length in zip(self.starts, self.lengths, strict=True))


@dataclass(frozen=True, slots=True)
class SlicedTensor:
    """A tensor that is saved in parts.

    Attributes:
        shape: the shape of the whole tensor.
        parts: slices, which together should cover the tensor, with the elements of each.
    """

    shape: tuple[int, ...]
    parts: tuple[tuple[TensorSlice, np.ndarray], ...]


def data_path(prefix: str, shard: int = 0, num_shards: int = 1) -> str:
    """Return the path of one of a checkpoint's files with elements."""
    return f"{prefix}.data-{shard:05d}-of-{num_shards:05d}"


def index_path(prefix: str) -> str:
    """Return the path of a checkpoint's index, whether it exists or not."""
    return f"{prefix}.index"


def _valid_index_path(prefix: str) -> str:
    """Return the path of the index that belongs to the data: see the module's description."""
    index, next_index = index_path(prefix), index_path(prefix) + _NEXT
    interrupted = os.path.exists(next_index) and not os.path.exists(data_path(prefix) + _NEXT)
    return next_index if interrupted else index


def bundle_exists(prefix: str | os.PathLike[str]) -> bool:
    """Tell whether there is a checkpoint with this prefix."""
    return os.path.exists(_valid_index_path(os.fspath(prefix)))


def remove_bundle(prefix: str | os.PathLike[str]) -> None:
    """Delete the files of a checkpoint, its index first; those that do not exist are passed over."""
    prefix = os.fspath(prefix)
    shards = glob.glob(f"{glob.escape(prefix)}.data-?????-of-?????")
    for path in (index_path(prefix), index_path(prefix) + _NEXT, data_path(prefix) + _NEXT, *sorted(shards)):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def slice_key(name: str, part: TensorSlice) -> bytes:
    """Return the key under which a slice of a tensor has its entry."""
    key = ordered_code.encode_unsigned(0) + ordered_code.encode_string(name.encode("utf-8"))
    key += ordered_code.encode_unsigned(len(part.starts))
    for start, length in zip(part.starts, part.lengths, strict=True):
        key += ordered_code.encode_signed(start) + ordered_code.encode_signed(length)
    return key


def write_bundle(
    prefix: str | os.PathLike[str],
    tensors: Mapping[str, Any],
    dtypes: Mapping[str, int] | None = None,
    slices: Mapping[str, SlicedTensor] | None = None,
) -> None:
    """Write a checkpoint, replacing one of the same prefix only when the new one is complete.

    Args:
        prefix: the path that the files' names begin with; its directory is created if only that is missing.
        tensors: array by name, in the order in which the elements are to be stored.
        dtypes: DataType number by name, for types that arrays do not tell (quantized ones).
        slices: tensors that are saved in parts.
    Raises:
        UnwritablePathError: if a file cannot be written; an older checkpoint stays as it was.
        TypeError: if TensorFlow has no type for an array.
        ValueError: if a name is empty or given twice, or a part does not fit its slice.
    """
    prefix = os.fspath(prefix)
    suffix = f".tempstate{uuid.uuid4().hex}"
    data_temp, index_temp = data_path(prefix) + suffix, index_path(prefix) + suffix
    try:
        directory = os.path.dirname(prefix)
        if directory and not os.path.isdir(directory):
            os.mkdir(directory)
        try:
            with open(data_temp, "wb") as file:
                entries = _write_data(file, tensors, dtypes or {}, slices or {})
            with open(index_temp, "wb") as file:
                table.write_table(file, sorted((key, entry.SerializeToString()) for key, entry in entries.items()))
            _publish(prefix, data_temp, index_temp)
        finally:
            for path in (data_temp, index_temp):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)
    except OSError as error:
        advice = "Check that the directory exists, that it may be written, and that the disk has room."
        raise unwritable(prefix, error, advice) from error


def _publish(prefix: str, data_temp: str, index_temp: str) -> None:
    """Give complete files their names such that whenever the process dies, the old or the new checkpoint is valid."""
    data, index = data_path(prefix), index_path(prefix)
    if _valid_index_path(prefix) != index:
        os.replace(index + _NEXT, index)
    for leftover in (index + _NEXT, data + _NEXT):
        with contextlib.suppress(FileNotFoundError):
            os.remove(leftover)
    if os.path.exists(index):
        os.replace(data_temp, data + _NEXT)
        os.replace(index_temp, index + _NEXT)
        data_temp, index_temp = data + _NEXT, index + _NEXT
    os.replace(data_temp, data)
    os.replace(index_temp, index)


def _write_data(
    file: IO[bytes], tensors: Mapping[str, Any], enums: Mapping[str, int], slices: Mapping[str, SlicedTensor]
) -> dict[bytes, Any]:
    """Write the elements of all tensors; return the header and the entry of each by key."""
    header = protos.BundleHeaderProto(num_shards=1)
    header.version.producer = _FORMAT_VERSION
    entries = {_HEADER_KEY: header}
    offset = 0

    def add(key: bytes, array: np.ndarray, enum: int | None) -> Any:
        nonlocal offset
        if key in entries:
            raise ValueError(f"tensor {key.decode('utf-8', 'replace')!r} has an empty name, or one that is used twice")
        entry = entries[key] = _write_tensor(file, array, enum)
        entry.offset = offset
        offset += entry.size
        return entry

    for name, array in tensors.items():
        add(name.encode("utf-8"), np.asarray(array), enums.get(name))
    for name, sliced in slices.items():
        key = name.encode("utf-8")
        if key in entries:
            raise ValueError(f"tensor {name!r} is given whole and in slices; pass it in one of the two")
        full = entries[key] = protos.BundleEntryProto()
        _set_shape(full, sliced.shape)
        for part, array in sliced.parts:
            array = np.asarray(array)
            if array.shape != part.within(sliced.shape).lengths:
                raise ValueError(f"a part of tensor {name!r} has shape {array.shape}, which is not that of {part}")
            full.dtype = add(slice_key(name, part), array, enums.get(name)).dtype
            extents = full.slices.add()
            for start, length in zip(part.starts, part.lengths, strict=True):
                extent = extents.extent.add(start=start)
                if length != _FULL_EXTENT:
                    extent.length = length
    return entries


def _set_shape(entry: Any, shape: Iterable[int]) -> None:
    """Set an entry's shape; a scalar has one too, of no dimensions."""
    entry.shape.SetInParent()
    for dimension in shape:
        entry.shape.dim.add(size=dimension)


def _write_tensor(file: IO[bytes], array: np.ndarray, enum: int | None) -> Any:
    """Write one tensor's elements and return its entry, all but the offset."""
    entry = protos.BundleEntryProto(dtype=dtypes.enum_of(array) if enum is None else enum)
    _set_shape(entry, array.shape)
    if entry.dtype == dtypes.DT_STRING:
        entry.size, crc = _write_strings(file, [dtypes.as_bytes(element) for element in array.reshape(-1).tolist()])
    else:
        flat = np.ascontiguousarray(array.astype(dtypes.numpy_type(entry.dtype), copy=False)).reshape(-1)
        elements = flat.view(np.uint8).data
        file.write(elements)
        entry.size, crc = flat.nbytes, checksum.extend(0, elements)
    entry.crc32c = checksum.mask(crc)
    return entry


def _checksum_lengths(lengths: Iterable[int]) -> int:
    """Return the plain checksum of string lengths, each as 4 bytes, or 8 where it needs them."""
    return checksum.extend(0, b"".join(n.to_bytes(4 if n < 1 << 32 else 8, "little") for n in lengths))


def _write_strings(file: IO[bytes], elements: Sequence[bytes]) -> tuple[int, int]:
    """Write strings: all lengths as varints, the masked checksum of the lengths, all bytes.

    Returns:
        The number of bytes written, and the plain checksum of lengths in fixed width, their checksum, and the bytes.
    """
    lengths = b"".join(varint.encode(len(element)) for element in elements)
    crc = _checksum_lengths(len(element) for element in elements)
    lengths_checksum = struct.pack("<I", checksum.mask(crc))
    crc = checksum.extend(crc, lengths_checksum)
    file.write(lengths + lengths_checksum)
    size = len(lengths) + len(lengths_checksum)
    for element in elements:
        file.write(element)
        size += len(element)
        crc = checksum.extend(crc, element)
    return size, crc


class BundleReader:
    """Reads a checkpoint. The index is read at once, elements when they are asked for; threads may share a reader.

    Args:
        prefix: the path that the names of the checkpoint's files begin with.
    Raises:
        FileNotFoundError: if there is no such checkpoint.
        CorruptDataError: if the index is damaged, or written by an incompatible version.
    """

    def __init__(self, prefix: str | os.PathLike[str]) -> None:
        self.prefix = os.fspath(prefix)
        self._index_path = _valid_index_path(self.prefix)
        if not os.path.isfile(self._index_path):
            raise FileNotFoundError(f"no checkpoint {self.prefix!r}: there is no file {self._index_path!r}")
        self._entries = table.read_table(self._index_path)
        if _HEADER_KEY not in self._entries:
            raise CorruptDataError(f"{self._index_path!r} is no checkpoint's index: it has no header")
        header = self._parse(protos.BundleHeaderProto, _HEADER_KEY)
        if header.endianness != protos.BundleHeaderProto().endianness:
            raise CorruptDataError(
                f"{self._index_path!r} was written on a big-endian machine, which cannot be read here"
            )
        if header.version.min_consumer > _FORMAT_VERSION:
            raise CorruptDataError(f"{self._index_path!r} needs a reader of version {header.version.min_consumer}")
        self.num_shards: int = header.num_shards
        if not 0 < self.num_shards <= _MAX_SHARDS:
            raise CorruptDataError(f"{self._index_path!r} claims {self.num_shards} shards")

    def names(self) -> list[str]:
        """Return the names of all tensors, sorted."""
        return [key.decode("utf-8", "replace") for key in self._entries if key and not key.startswith(b"\0")]

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a tensor of this name."""
        return bool(name) and name.encode("utf-8") in self._entries

    def shape_and_dtype_map(self) -> dict[str, tuple[tuple[int, ...], int]]:
        """Return each tensor's shape and DataType number by name."""
        return {name: self.shape_and_dtype(name) for name in self.names()}

    def shape_and_dtype(self, name: str) -> tuple[tuple[int, ...], int]:
        """Return a tensor's shape (the whole, if it is saved in slices) and DataType number.

        Raises:
            KeyError: if there is no tensor of this name.
            CorruptDataError: if its entry is damaged.
        """
        entry = self._entry(name)
        return self._shape(entry, name), entry.dtype

    def get(self, name: str, part: TensorSlice | None = None) -> np.ndarray:
        """Read a tensor, or a slice of it, and verify its checksum.

        Args:
            name: the tensor's name.
            part: what to read; by default all of it.
        Returns:
            A writable array; strings as an object array of `bytes`, quantized types as their integers.
        Raises:
            KeyError: if there is no tensor of this name.
            ValueError: if `part` does not lie within the tensor.
            FileNotFoundError: if a shard is missing.
            CorruptDataError: if the stored bytes are damaged or truncated, naming the file.
        """
        entry = self._entry(name)
        shape = self._shape(entry, name)
        wanted = (part or TensorSlice((0,) * len(shape), shape)).within(shape)
        if entry.slices:
            return self._assemble(name, entry, shape, wanted)
        array = self._read(name, entry)
        return array if part is None else array[wanted.indices()].copy()

    def _entry(self, name: str) -> Any:
        """Return the entry of a tensor."""
        if name not in self:
            raise KeyError(f"checkpoint {self.prefix!r} has no tensor {name!r}")
        return self._parse(protos.BundleEntryProto, name.encode("utf-8"))

    def _parse(self, message_class: Any, key: bytes) -> Any:
        """Parse what the index has under a key."""
        try:
            return message_class.FromString(self._entries[key])
        except DecodeError as error:
            raise CorruptDataError(f"{self._index_path!r} has a damaged entry for {key!r}: {error}") from error

    def _shape(self, entry: Any, name: str) -> tuple[int, ...]:
        """Return the shape in an entry."""
        try:
            return tensor_proto.shape_of(entry.shape)
        except CorruptDataError as error:
            raise CorruptDataError(f"{self._index_path!r} has a damaged entry for {name!r}: {error}") from error

    def _assemble(self, name: str, entry: Any, shape: tuple[int, ...], wanted: TensorSlice) -> np.ndarray:
        """Read the slices that overlap what is wanted, and put it together.

        The slices are read and checked to cover it before the result is allocated.
        """
        pieces: list[tuple[TensorSlice, np.ndarray]] = []
        covered = 0
        for extents in entry.slices:
            stored = TensorSlice(
                tuple(extent.start for extent in extents.extent),
                tuple(extent.length if extent.HasField("length") else _FULL_EXTENT for extent in extents.extent),
            )
            try:
                within = stored.within(shape)
            except ValueError as error:
                raise CorruptDataError(f"{self._index_path!r} has a damaged entry for {name!r}: {error}") from error
            overlap = _intersection(within, wanted)
            if overlap is None:
                continue
            key = slice_key(name, stored)
            if key not in self._entries:
                raise CorruptDataError(
                    f"{self._index_path!r} lists {stored} of tensor {name!r}, but has no entry for it"
                )
            slice_entry = self._parse(protos.BundleEntryProto, key)
            array = self._read(name, slice_entry)
            if array.shape != within.lengths or slice_entry.dtype != entry.dtype:
                raise CorruptDataError(f"{self._index_path!r} contradicts itself about {stored} of tensor {name!r}")
            local = tuple(start - origin for start, origin in zip(overlap.starts, within.starts, strict=True))
            pieces.append((overlap, array[TensorSlice(local, overlap.lengths).indices()]))
            covered += math.prod(overlap.lengths)
        if covered < math.prod(wanted.lengths):
            raise CorruptDataError(f"the slices of tensor {name!r} in {self._index_path!r} do not cover {wanted}")
        result = np.empty(wanted.lengths, dtypes.numpy_type(entry.dtype))
        for overlap, piece in pieces:
            local = tuple(start - origin for start, origin in zip(overlap.starts, wanted.starts, strict=True))
            result[TensorSlice(local, overlap.lengths).indices()] = piece
        return result

    def _read(self, name: str, entry: Any) -> np.ndarray:
        """Read the elements that an entry describes."""
        shape = self._shape(entry, name)
        if not 0 <= entry.shard_id < self.num_shards or entry.offset < 0 or entry.size < 0:
            raise CorruptDataError(f"{self._index_path!r} has a damaged entry for {name!r}: it lies nowhere")
        path = data_path(self.prefix, entry.shard_id, self.num_shards)
        count = math.prod(shape)
        try:
            numpy_type = dtypes.numpy_type(entry.dtype)
            with open(path, "rb") as file:
                available = os.fstat(file.fileno()).st_size
                if entry.offset + entry.size > available:
                    raise CorruptDataError(
                        f"it ends at byte {available} of {entry.offset + entry.size}; it is truncated"
                    )
                if entry.dtype != dtypes.DT_STRING and entry.size != count * numpy_type.itemsize:
                    raise CorruptDataError(f"{entry.size} bytes cannot hold shape {shape} of {numpy_type}")
                stored = np.empty(entry.size, np.uint8)
                file.seek(entry.offset)
                if file.readinto(stored.data) != entry.size:
                    raise CorruptDataError("it became shorter while it was read")
            if entry.dtype == dtypes.DT_STRING:
                flat, crc = _split_strings(stored.tobytes(), count)
            else:
                flat, crc = stored.view(numpy_type), checksum.extend(0, stored.data)
            if checksum.mask(crc) != entry.crc32c:
                raise CorruptDataError("the checksum of its bytes is wrong")
            return tensor_proto.reshape(flat, shape)
        except CorruptDataError as error:
            raise CorruptDataError(f"{path!r} is damaged at tensor {name!r}: {error}") from error


def _intersection(a: TensorSlice, b: TensorSlice) -> TensorSlice | None:
    """Return what two slices of one tensor share, or None; their lengths are numbers."""
    starts = tuple(max(pair) for pair in zip(a.starts, b.starts, strict=True))
    ends = tuple(
        min(a_start + a_length, b_start + b_length)
        for a_start, a_length, b_start, b_length in zip(a.starts, a.lengths, b.starts, b.lengths, strict=True)
    )
    lengths = tuple(end - start for start, end in zip(starts, ends, strict=True))
    return TensorSlice(starts, lengths) if all(length > 0 for length in lengths) else None


def _split_strings(stored: bytes, count: int) -> tuple[np.ndarray, int]:
    """Split the stored bytes of a string tensor into its elements; return them and their plain checksum."""
    if count > len(stored):
        raise CorruptDataError(f"{len(stored)} bytes cannot hold {count} strings")
    lengths = []
    position = 0
    for _ in range(count):
        length, position = varint.decode(stored, position)
        lengths.append(length)
    crc = _checksum_lengths(lengths)
    lengths_checksum = stored[position : position + 4]
    if lengths_checksum != struct.pack("<I", checksum.mask(crc)):
        raise CorruptDataError("the checksum of its string lengths is wrong")
    position += 4
    if position + sum(lengths) != len(stored):
        raise CorruptDataError(f"{count} strings do not add up to its {len(stored)} bytes")
    crc = checksum.extend(crc, stored[position - 4 :])
    elements = []
    for length in lengths:
        elements.append(stored[position : position + length])
        position += length
    return tensor_proto.object_array(elements), crc
