"""Checkpoints. Bytes in hexadecimal were written by TensorFlow 2.21."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from penstock.formats import dtypes, protos, table, tensor_bundle
from penstock.formats.errors import CorruptDataError, UnwritablePathError
from penstock.formats.tensor_bundle import BundleReader, SlicedTensor, TensorSlice, write_bundle

_TINY = {
    "b": np.array([1.5, 2.5], np.float32),
    "a/long/name": np.array([[b"x", b"yz" * 100]], object),
    "a/long/nbme": np.array(7, np.int64),
}
_TINY_INDEX = (
    "00000608011a020801000b16612f6c6f6e672f6e616d65080712081202080112020802200828d001358b9ccdaa08030e626d65080912002"
    "0d801280835bbd79f1100010f620801120412020802280835769d33850000000001000000002f119417000000000100000000c0f2a1b000"
    "010263005c00000000010000000087089e4061086e0e00000000000000000000000000000000000000000000000000000000000000000000"
    "000057fb808b247547db"
)
_TINY_DATA = "0000c03f0000204001c801847faa1778" + "797a" * 100 + "0700000000000000"

_SLICED = np.arange(40, dtype=np.float32).reshape(4, 10)
_SLICED_INDEX = (
    "00000608011a020801000a150076000101028082807f08011208120208021202080a2001285035dd911c190604158282807f080112081202"
    "08021202080a2051285035544cb77e00011e7608011208120208041202080a3a060a0210020a003a080a04080210020a0000010b77080a12"
    "00280135052b284300000000010000000099b4bbbd000000000100000000c0f2a1b000010378008001000000000100000000c27aa77d8501"
    "0892010f0000000000000000000000000000000000000000000000000000000000000000000057fb808b247547db"
)


def _sliced():
    parts = ((TensorSlice((0, 0), (2, -1)), _SLICED[:2]), (TensorSlice((2, 0), (2, -1)), _SLICED[2:]))
    return {"v": SlicedTensor((4, 10), parts)}


def _index(prefix):
    return Path(tensor_bundle.index_path(prefix)).read_bytes()


def _data(prefix):
    return Path(tensor_bundle.data_path(prefix)).read_bytes()


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "model.ckpt-1")


def test_the_files_are_tensorflows_byte_for_byte(prefix):
    write_bundle(prefix, _TINY)
    assert _index(prefix).hex() == _TINY_INDEX
    assert _data(prefix).hex() == _TINY_DATA


@pytest.mark.parametrize(
    ("stride", "digest"),
    [
        (1, "d6d648e2ec9318de41f2de906b3bdb86a4e3efa527882749fdf9271db88c85a8"),
        # Here the key between two blocks can be shortened.
        (11, "b0572acd590d8c667261a0f1338a19da9b7a95434c4e8f6a272dd3e4d03b66be"),
    ],
)
def test_an_index_of_several_blocks_is_tensorflows_byte_for_byte(prefix, stride, digest):
    write_bundle(prefix, {f"block/{i * stride:05d}/{'x' * 60}": np.int32(i) for i in range(6000)})
    assert hashlib.sha256(_index(prefix)).hexdigest() == digest


def test_slices_are_tensorflows_byte_for_byte(prefix):
    write_bundle(prefix, {"w": np.array(True)}, slices=_sliced())
    assert _index(prefix).hex() == _SLICED_INDEX


def test_what_tensorflow_wrote_is_read(prefix):
    with open(tensor_bundle.index_path(prefix), "wb") as file:
        file.write(bytes.fromhex(_TINY_INDEX))
    with open(tensor_bundle.data_path(prefix), "wb") as file:
        file.write(bytes.fromhex(_TINY_DATA))
    reader = BundleReader(prefix)
    assert reader.names() == ["a/long/name", "a/long/nbme", "b"]
    assert reader.shape_and_dtype_map() == {
        "a/long/name": ((1, 2), dtypes.DT_STRING),
        "a/long/nbme": ((), dtypes.DT_INT64),
        "b": ((2,), dtypes.DT_FLOAT),
    }
    for name, array in _TINY.items():
        assert reader.get(name).tolist() == array.tolist()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4)], ids=str)
@pytest.mark.parametrize("enum", sorted(dtypes.NUMPY_TYPES))
def test_every_type_and_shape_comes_back(prefix, enum, shape):
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) > 1).astype(dtypes.numpy_type(enum))
    if enum == dtypes.DT_STRING:
        array = np.full(shape, b"text", object)
    write_bundle(prefix, {"x": array}, {"x": enum})
    reader = BundleReader(prefix)
    assert reader.shape_and_dtype("x") == (shape, enum)
    back = reader.get("x")
    assert (back.dtype, back.shape) == (array.dtype, shape)
    assert back.tolist() == array.tolist()
    assert back.flags.writeable


def test_arrays_that_are_not_contiguous_are_stored_in_row_order(prefix):
    array = np.arange(12).reshape(3, 4).T[::2]
    write_bundle(prefix, {"x": array, "big": np.arange(600_000.0)[::-1]})
    assert BundleReader(prefix).get("x").tolist() == array.tolist()
    assert BundleReader(prefix).get("big")[0] == 599_999


def test_a_checkpoint_of_nothing_can_be_read(prefix):
    write_bundle(prefix, {})
    assert BundleReader(prefix).names() == []


def test_names_are_found_and_missing_ones_named(prefix):
    write_bundle(prefix, _TINY, slices=_sliced())
    reader = BundleReader(prefix)
    assert "b" in reader
    assert "v" in reader
    assert "" not in reader
    assert "c" not in reader
    assert reader.names() == ["a/long/name", "a/long/nbme", "b", "v"]
    with pytest.raises(KeyError, match="no tensor 'c'"):
        reader.get("c")


def test_sliced_tensors_are_put_together(prefix):
    write_bundle(prefix, {}, slices=_sliced())
    reader = BundleReader(prefix)
    assert reader.shape_and_dtype("v") == ((4, 10), dtypes.DT_FLOAT)
    assert reader.get("v").tolist() == _SLICED.tolist()
    assert reader.get("v", TensorSlice((1, 2), (2, 3))).tolist() == _SLICED[1:3, 2:5].tolist()
    assert reader.get("v", TensorSlice((3, 0), (1, -1))).tolist() == _SLICED[3:].tolist()


def test_a_slice_of_a_whole_tensor_is_read(prefix):
    write_bundle(prefix, {"v": _SLICED})
    assert BundleReader(prefix).get("v", TensorSlice((1, 2), (2, 3))).tolist() == _SLICED[1:3, 2:5].tolist()
    with pytest.raises(ValueError, match="does not lie within"):
        BundleReader(prefix).get("v", TensorSlice((1, 2), (2, 9)))
    with pytest.raises(ValueError, match="ranks differ"):
        BundleReader(prefix).get("v", TensorSlice((1,), (2,)))


def test_slices_that_do_not_cover_the_tensor_are_corrupt(prefix):
    sliced = _sliced()["v"]
    write_bundle(prefix, {}, slices={"v": SlicedTensor(sliced.shape, sliced.parts[:1])})
    with pytest.raises(CorruptDataError, match="do not cover"):
        BundleReader(prefix).get("v")
    assert BundleReader(prefix).get("v", TensorSlice((0, 0), (2, -1))).tolist() == _SLICED[:2].tolist()


def test_a_slice_whose_entry_contradicts_the_list_of_slices_is_corrupt(prefix):
    write_bundle(prefix, {"w": _SLICED[:1]}, slices=_sliced())
    items = table.read_table(tensor_bundle.index_path(prefix))
    items[tensor_bundle.slice_key("v", TensorSlice((0, 0), (2, -1)))] = items[b"w"]
    with open(tensor_bundle.index_path(prefix), "wb") as file:
        table.write_table(file, items.items())
    with pytest.raises(CorruptDataError, match="contradicts itself"):
        BundleReader(prefix).get("v")


def test_several_shards_are_read(prefix):
    write_bundle(prefix + "-part", {"x": np.arange(3), "y": np.arange(5)})
    items = table.read_table(tensor_bundle.index_path(prefix + "-part"))
    header = protos.BundleHeaderProto.FromString(items[b""])
    header.num_shards = 2
    entry = protos.BundleEntryProto.FromString(items[b"y"])
    entry.shard_id, entry.offset = 1, 0
    items = {b"": header.SerializeToString(), b"x": items[b"x"], b"y": entry.SerializeToString()}
    with open(tensor_bundle.index_path(prefix), "wb") as file:
        table.write_table(file, items.items())
    data = _data(prefix + "-part")
    for shard, part in enumerate((data[:24], data[24:])):
        with open(tensor_bundle.data_path(prefix, shard, 2), "wb") as file:
            file.write(part)
    assert BundleReader(prefix).get("y").tolist() == [0, 1, 2, 3, 4]
    os.remove(tensor_bundle.data_path(prefix, 0, 2))
    assert BundleReader(prefix).get("y").tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(FileNotFoundError, match="data-00000-of-00002"):
        BundleReader(prefix).get("x")


def test_a_missing_checkpoint_is_named(prefix):
    with pytest.raises(FileNotFoundError, match="model.ckpt-1"):
        BundleReader(prefix)
    assert not tensor_bundle.bundle_exists(prefix)


def test_every_altered_byte_of_the_data_is_noticed(prefix):
    write_bundle(prefix, _TINY)
    data = _data(prefix)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with open(tensor_bundle.data_path(prefix), "wb") as file:
            file.write(damaged)
        reader = BundleReader(prefix)
        with pytest.raises(CorruptDataError, match="data-00000-of-00001' is damaged at tensor"):
            for name in reader.names():
                reader.get(name)


@pytest.mark.parametrize("size", [0, 5, -1])
def test_truncated_files_are_corrupt(prefix, size):
    write_bundle(prefix, _TINY)
    os.truncate(tensor_bundle.data_path(prefix), len(_data(prefix)) + size if size < 0 else size)
    with pytest.raises(CorruptDataError, match="truncated"):
        [BundleReader(prefix).get(name) for name in _TINY]
    os.truncate(tensor_bundle.index_path(prefix), len(_index(prefix)) + size if size < 0 else size)
    with pytest.raises(CorruptDataError, match=r"model.ckpt-1.index"):
        BundleReader(prefix)


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 1 << 50},
        {"offset": -5},
        {"size": -5},
        {"shard_id": 3},
        {"dtype": 77},
        {"dtype": dtypes.DT_VARIANT},
        {"dtype": dtypes.DT_STRING},
        {"shape": {"dim": [{"size": 1 << 50}]}},
        {"shape": {"dim": [{"size": -1}]}},
        {"shape": {"unknown_rank": True}},
    ],
    ids=str,
)
def test_entries_that_lie_are_corrupt(prefix, fields):
    write_bundle(prefix, {"x": np.arange(4.0)})
    items = table.read_table(tensor_bundle.index_path(prefix))
    entry = protos.BundleEntryProto.FromString(items[b"x"])
    for field in fields:
        entry.ClearField(field)
    entry.MergeFrom(protos.BundleEntryProto(**fields))
    items[b"x"] = entry.SerializeToString()
    with open(tensor_bundle.index_path(prefix), "wb") as file:
        table.write_table(file, items.items())
    with pytest.raises(CorruptDataError, match="'x'"):
        BundleReader(prefix).get("x")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"\xff", "damaged entry"),
        (b"", "0 shards"),
        (protos.BundleHeaderProto(num_shards=1, endianness=1).SerializeToString(), "big-endian"),
        (protos.BundleHeaderProto(num_shards=1, version={"min_consumer": 2}).SerializeToString(), "version 2"),
        (protos.BundleHeaderProto(num_shards=-4).SerializeToString(), "-4 shards"),
    ],
)
def test_headers_that_cannot_be_followed_are_refused(prefix, header, message):
    with open(tensor_bundle.index_path(prefix), "wb") as file:
        table.write_table(file, [(b"", header)])
    with pytest.raises(CorruptDataError, match=message):
        BundleReader(prefix)


def test_a_table_without_header_is_no_checkpoint(prefix):
    with open(tensor_bundle.index_path(prefix), "wb") as file:
        table.write_table(file, [(b"x", b"")])
    with pytest.raises(CorruptDataError, match="no header"):
        BundleReader(prefix)


def test_wrong_tensors_are_refused_and_nothing_is_left_behind(prefix, tmp_path):
    write_bundle(prefix, _TINY)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(TypeError, match="datetime64"):
        write_bundle(prefix, {"x": np.zeros(2, "datetime64[s]")})
    with pytest.raises(TypeError, match="bytes or str"):
        write_bundle(prefix, {"x": np.array([None], object)})
    with pytest.raises(ValueError, match="empty name"):
        write_bundle(prefix, {"": np.zeros(2)})
    with pytest.raises(ValueError, match="'v' is given whole and in slices"):
        write_bundle(prefix, {"v": _SLICED}, slices=_sliced())
    with pytest.raises(ValueError, match="has shape \\(4, 10\\)"):
        write_bundle(prefix, {}, slices={"v": SlicedTensor((4, 10), ((TensorSlice((0, 0), (2, -1)), _SLICED),))})
    assert sorted(os.listdir(tmp_path)) == before
    assert BundleReader(prefix).get("b").tolist() == [1.5, 2.5]


def test_an_unwritable_directory_is_an_error_that_names_the_path(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritablePathError, match=r"file/model.*Check that the directory exists"):
        write_bundle(tmp_path / "file" / "model", _TINY)
    with pytest.raises(UnwritablePathError, match="No such file"):
        write_bundle(tmp_path / "missing" / "missing" / "model", _TINY)
    write_bundle(tmp_path / "new" / "model", _TINY)
    assert tensor_bundle.bundle_exists(tmp_path / "new" / "model")


def test_removing_a_checkpoint_leaves_others(tmp_path):
    for name in ("m-1", "m-10"):
        write_bundle(tmp_path / name, _TINY)
    tensor_bundle.remove_bundle(tmp_path / "m-1")
    tensor_bundle.remove_bundle(tmp_path / "m-1")
    assert sorted(os.listdir(tmp_path)) == ["m-10.data-00000-of-00001", "m-10.index"]


class _Killed(BaseException):
    """Stands for the death of the process."""


def _write_and_die(monkeypatch, prefix, value, survived):
    """Write a checkpoint and die after some renames and removals, with no chance to clean up; tell whether it did."""
    done = 0
    replace, remove = os.replace, os.remove

    def step():
        nonlocal done
        done += 1
        if done > survived:
            raise _Killed

    def dying_replace(source, target):
        step()
        replace(source, target)

    def dying_remove(path):
        if os.path.exists(path):
            step()
        remove(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying_replace)
        patch.setattr(os, "remove", dying_remove)
        try:
            write_bundle(prefix, {"x": np.full(1000, value), "y": np.full(7, value)})
        except _Killed:
            return True
    return False


def _value(prefix):
    """Return the one value that all of the checkpoint has."""
    reader = BundleReader(prefix)
    (value,) = {*reader.get("x").tolist(), *reader.get("y").tolist()}
    return value


@pytest.mark.parametrize("survived", range(5))
def test_a_process_that_dies_at_any_rename_leaves_the_old_or_the_new_checkpoint(
    prefix, tmp_path, monkeypatch, survived
):
    write_bundle(prefix, {"x": np.zeros(1000), "y": np.zeros(7)})
    assert _write_and_die(monkeypatch, prefix, 1.0, survived) == (survived < 4)
    assert _value(prefix) == (1.0 if survived > 2 else 0.0)
    write_bundle(prefix, {"x": np.full(1000, 2.0), "y": np.full(7, 2.0)})
    assert _value(prefix) == 2.0
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".next")]


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("second", range(8))
def test_a_second_death_does_no_harm_either(prefix, monkeypatch, first, second):
    write_bundle(prefix, {"x": np.zeros(1000), "y": np.zeros(7)})
    assert _write_and_die(monkeypatch, prefix, 1.0, first)
    before = _value(prefix)
    died = _write_and_die(monkeypatch, prefix, 2.0, second)
    assert _value(prefix) in ((before, 2.0) if died else (2.0,))


_WRITE_FOREVER = """
import sys
import numpy as np
from penstock.formats.tensor_bundle import write_bundle
step = 0
while True:
    step += 1
    write_bundle(sys.argv[1], {"x": np.full(200_000, float(step)), "y": np.full(7, float(step))})
    print(step, flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_checkpoint_is_readable_after_its_writer_is_killed(prefix, seed):
    writer = subprocess.Popen([sys.executable, "-c", _WRITE_FOREVER, prefix], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    with writer.stdout as lines:
        for _ in range(random.Random(seed).randint(1, 30)):
            done = int(lines.readline())
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    reader = BundleReader(prefix)
    x, y = reader.get("x"), reader.get("y")
    assert x.min() == x.max() == y.min() == y.max() >= done
