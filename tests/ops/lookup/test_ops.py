"""Tables: what they take, give and refuse."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import array, context, dtypes
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError, UnimplementedError
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.lookup import ops
from penstock.ops.lookup.tables import DenseTable, MutableTable, Table
from penstock.runtime.session import Session

MAKERS = ("HashTable", "MutableHashTable", "MutableHashTableOfTensors", "MutableDenseHashTable")
ACTIONS = ("InitializeTable", "InitializeTableFromTextFile", "LookupTableInsert", "LookupTableImport")
READS = ("LookupTableFind", "LookupTableSize", "LookupTableExport")
COVERS = (
    *(name + suffix for name in (*MAKERS, *ACTIONS, *READS) for suffix in ("", "V2")),
    "LookupTableRemoveV2",
    "AnonymousHashTable",
    "AnonymousMutableHashTable",
    "AnonymousMutableHashTableOfTensors",
    "AnonymousMutableDenseHashTable",
)


def value(items, dtype=None):
    return array.from_numpy(np.array(items, dtype=dtype))


def test_static_table_is_filled_once():
    table = Table("t", dtypes.string, dtypes.int64)
    with pytest.raises(FailedPreconditionError, match="Table not initialized"):
        table.find(value(["a"]), value(0))
    table.initialize(value(["a", "b"]), value([1, 2]))
    table.initialize(value(["b", "a"]), value([2, 1]))
    assert table.find(value([["b", "q"]]), value(-1)).tolist() == [[2, -1]]
    with pytest.raises(FailedPreconditionError, match="already initialized"):
        table.initialize(value(["a"]), value([1]))
    with pytest.raises(UnimplementedError, match="immutable"):
        table.insert(value(["c"]), value([3]))


def test_static_table_refuses_two_values_of_one_key():
    table = Table("t", dtypes.string, dtypes.int64)
    with pytest.raises(FailedPreconditionError, match="different value for same key. Key a has 1"):
        table.initialize(value(["a", "a"]), value([1, 2]))


def test_mutable_table_holds_values_of_any_shape():
    table = MutableTable("t", dtypes.int64, dtypes.float32, (2,))
    table.insert(value([5]), value([[1, 2]], np.float32))
    assert table.find(value([5, 6]), value([0, 0], np.float32)).tolist() == [[1, 2], [0, 0]]
    assert table.find(value([6]), value([[8, 9]], np.float32)).tolist() == [[8, 9]]
    with pytest.raises(InvalidArgumentError, match="Expected shape"):
        table.insert(value([5]), value([1], np.float32))
    table.remove(value([5, 7]))
    assert len(table) == 0


def test_dense_table_reserves_two_keys():
    table = DenseTable("t", dtypes.int64, dtypes.int64, (), value(0), value(-1))
    table.insert(value([1, 2]), value([3, 4]))
    assert [each.tolist() for each in table.export()] == [[1, 2], [3, 4]]
    for key, name in ((0, "empty_key"), (-1, "deleted_key")):
        with pytest.raises(InvalidArgumentError, match=name):
            table.find(value([key]), value(0))
    with pytest.raises(InvalidArgumentError, match="cannot be equal"):
        DenseTable("t", dtypes.int64, dtypes.int64, (), value(0), value(0))


def test_dense_table_takes_vectors_as_keys():
    table = DenseTable("t", dtypes.int64, dtypes.int64, (), value([0, 0]), value([-1, -1]))
    table.insert(value([[1, 2]]), value([3]))
    assert table.find(value([[1, 2], [2, 1]]), value(-1)).tolist() == [3, -1]


def test_wrong_types_are_refused():
    table = Table("t", dtypes.string, dtypes.int64)
    with pytest.raises(InvalidArgumentError, match="Key must be type string"):
        table.check_types(dtypes.int64, None)


@pytest.mark.parametrize(
    ("indices", "types", "expected"),
    [
        ((-2, -1), (dtypes.string, dtypes.int64), ([b"x 5", b"y 6"], [0, 1])),
        ((-1, -2), (dtypes.int64, dtypes.string), ([0, 1], [b"x 5", b"y 6"])),
        ((0, 1), (dtypes.string, dtypes.int64), ([b"x", b"y"], [5, 6])),
        ((0, 1), (dtypes.string, dtypes.float32), ([b"x", b"y"], [5.0, 6.0])),
    ],
)
def test_tables_are_read_from_text_files(tmp_path, indices, types, expected):
    path = tmp_path / "words.txt"
    path.write_text("x 5\ny 6\n")
    with context.eager_mode():
        handle = ops.anonymous_hash_table_op(key_dtype=types[0], value_dtype=types[1])
        ops.initialize_table_from_text_file_v2_op(
            handle, str(path), key_index=indices[0], value_index=indices[1], delimiter=" "
        )
        found = ops.lookup_table_export_v2_op(handle, Tkeys=types[0], Tvalues=types[1])
    assert (found.keys.numpy().tolist(), found.values.numpy().tolist()) == expected


def test_missing_columns_and_lines_are_reported(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("x 5\n")
    with context.eager_mode():
        handle = ops.anonymous_hash_table_op(key_dtype=dtypes.string, value_dtype=dtypes.int64)
        with pytest.raises(InvalidArgumentError, match="expected at least 3 got 2"):
            ops.initialize_table_from_text_file_v2_op(handle, str(path), key_index=0, value_index=2, delimiter=" ")
        with pytest.raises(InvalidArgumentError, match="Invalid vocab_size"):
            ops.initialize_table_from_text_file_v2_op(handle, str(path), key_index=-2, value_index=-1, vocab_size=4)


@pytest.mark.parametrize("suffix", ["", "V2"])
def test_both_kinds_of_handles_work_in_a_graph(suffix):
    with Graph().as_default() as graph, Session(graph=graph) as session:
        table = lookup(f"MutableHashTable{suffix}")(key_dtype=dtypes.string, value_dtype=dtypes.int64)
        keys, values = np.array(["a", "b"], object), np.array([1, 2])
        session.run(lookup(f"LookupTableInsert{suffix}")(table, keys, values))
        found = lookup(f"LookupTableFind{suffix}")(table, np.array(["b", "c"], object), np.int64(-1))
        assert session.run(found).tolist() == [2, -1]
        assert session.run(lookup(f"LookupTableSize{suffix}")(table)) == 2


def test_whole_lines_may_be_integers(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("12\n-7\n")
    with context.eager_mode():
        handle = ops.anonymous_hash_table_op(key_dtype=dtypes.int64, value_dtype=dtypes.int64)
        ops.initialize_table_from_text_file_v2_op(handle, str(path), key_index=-2, value_index=-1, delimiter=" ")
        found = ops.lookup_table_export_v2_op(handle, Tkeys=dtypes.int64, Tvalues=dtypes.int64)
    assert (found.keys.numpy().tolist(), found.values.numpy().tolist()) == ([12, -7], [0, 1])
