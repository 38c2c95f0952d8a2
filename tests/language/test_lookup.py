"""`tf.lookup`."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import context, dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import FailedPreconditionError
from penstock.core.graph import Graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.sparse_tensor import SparseTensor
from penstock.language import lookup
from penstock.runtime.session import Session


def words(*items):
    return convert_to_tensor(list(items), dtypes.string)


def numbered(*items):
    return lookup.KeyValueTensorInitializer(list(items), np.arange(len(items)))


def test_static_table_finds_values_and_defaults():
    with context.eager_mode():
        table = lookup.StaticHashTable(lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
        assert table.lookup(words("b", "z")).numpy().tolist() == [2, -1]
        assert table[words("a")].numpy().tolist() == [1]
        assert table.size().numpy() == 2
        assert [each.numpy().tolist() for each in table.export()] == [[b"a", b"b"], [1, 2]]
        with pytest.raises(TypeError, match="Dtype of argument `keys`"):
            table.lookup(convert_to_tensor([1]))


def test_sparse_keys_keep_their_places():
    with context.eager_mode():
        table = lookup.StaticHashTable(numbered("a", "b"), -1)
        found = table.lookup(SparseTensor([[0, 0], [1, 1]], words("b", "z"), [2, 2]))
        assert found.values.numpy().tolist() == [1, -1]
        assert found.indices.numpy().tolist() == [[0, 0], [1, 1]]


def test_unknown_words_get_hash_buckets():
    with context.eager_mode():
        table = lookup.StaticVocabularyTable(numbered("a", "b"), 3)
        assert table.lookup(words("a", "b", "c", "d", "e", "f")).numpy().tolist() == [0, 1, 3, 4, 3, 2]
        assert table.size().numpy() == 5
        buckets = lookup.StaticVocabularyTable(None, 4, lookup_key_dtype=dtypes.string)
        assert buckets.lookup(words("a", "b", "c")).numpy().tolist() == [3, 2, 0]
        integers = lookup.StaticVocabularyTable(lookup.KeyValueTensorInitializer(np.array([10, 20]), np.arange(2)), 3)
        assert integers.lookup(convert_to_tensor(np.array([10, 11, 12]))).numpy().tolist() == [0, 3, 3]


def test_vocabulary_of_unfit_types_is_refused():
    with context.eager_mode():
        with pytest.raises(TypeError, match="key_dtype"):
            lookup.StaticVocabularyTable(lookup.KeyValueTensorInitializer([1, 2], np.arange(2)), 3)
        with pytest.raises(ValueError, match="num_oov_buckets"):
            lookup.StaticVocabularyTable(numbered("a"), 0)


def test_mutable_tables_take_and_lose_entries():
    with context.eager_mode():
        table = lookup.MutableHashTable(dtypes.string, dtypes.int64, -1)
        table.insert(["a", "b"], [3, 4])
        table.remove(words("a"))
        assert table.lookup(["a", "b"]).numpy().tolist() == [-1, 4]
        assert table.lookup(["a", "x"], dynamic_default_values=[7, 8]).numpy().tolist() == [7, 8]
        dense = lookup.DenseHashTable(dtypes.int64, dtypes.float32, [0.0, 0.0], empty_key=0, deleted_key=-1)
        dense.insert_or_assign([5], [[1.0, 2.0]])
        assert dense.lookup([5, 6]).numpy().tolist() == [[1, 2], [0, 0]]
        dense.erase(convert_to_tensor(np.array([5])))
        assert dense.size().numpy() == 0


def test_graph_tables_are_filled_by_their_initializer():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        table = lookup.StaticHashTable(numbered("a", "b"), -1, name="vocabulary")
        found = table.lookup(words("b", "q"))
        assert found.shape.as_list() == [2]
        assert graph.get_collection(GraphKeys.TABLE_INITIALIZERS) == [table.initializer]
        assert table.name == "vocabulary"
        with pytest.raises(FailedPreconditionError, match="Table not initialized"):
            session.run(found)
        session.run(lookup.tables_initializer())
        assert session.run(found).tolist() == [1, -1]


def test_text_file_initializers_check_types_and_share_tables(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("x\ny\n")
    index = lookup.TextFileIndex
    with pytest.raises(ValueError, match="must be int64"):
        lookup.TextFileInitializer(str(path), dtypes.string, index.LINE_NUMBER, dtypes.string, index.WHOLE_LINE)
    with Graph().as_default() as graph, Session(graph=graph) as session:
        tables = [
            lookup.StaticHashTable(
                lookup.TextFileInitializer(str(path), dtypes.string, index.WHOLE_LINE, dtypes.int64, index.LINE_NUMBER),
                -1,
            )
            for _ in range(2)
        ]
        session.run(tables[0].initializer)
        assert session.run(tables[1].lookup(words("y"))).tolist() == [1]
        assert len(graph.get_collection(GraphKeys.ASSET_FILEPATHS)) == 2
