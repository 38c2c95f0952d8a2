"""Graphs as files, and the refusal to load compiled libraries."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

import penstock.v1 as tf
from penstock.core.errors import NotFoundError


@pytest.mark.parametrize("as_text", [True, False])
def test_a_graph_is_written_as_text_or_binary(tmp_path: Path, as_text: bool) -> None:
    with tf.Graph().as_default() as graph:
        tf.constant([1.5, 1e-7], name="a")
    path = tf.train.write_graph(graph, tmp_path / "new", "graph.pb", as_text)
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["graph.pb"]
    data = Path(path).read_bytes()
    read = text_format.Parse(data.decode(), tf.GraphDef()) if as_text else tf.GraphDef.FromString(data)
    assert read == graph.as_graph_def()
    assert tf.io.write_graph(read, str(tmp_path), "again.pb") == str(tmp_path / "again.pb")


def test_compiled_libraries_are_refused_with_what_to_do_instead() -> None:
    with pytest.raises(NotFoundError, match="my_ops.so.*adding-an-op.md"):
        tf.load_op_library("my_ops.so")
    with pytest.raises(NotFoundError, match="adding-an-op.md"):
        tf.load_library("ops")
    with pytest.raises(NotFoundError, match="file system"):
        tf.load_file_system_library("fs.so")
