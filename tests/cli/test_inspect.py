from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from google.protobuf import text_format

from penstock.cli import main
from penstock.core.graph import Graph
from penstock.formats import protos
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.runtime.session import Session
from penstock.saved_model.builder import simple_save


@pytest.fixture
def graph_def():
    with Graph().as_default() as graph:
        x = placeholder("float32", [None, 3], name="x")
        y = mat_mul_op(x, constant(np.ones((3, 4), np.float32), name="w"), name="y")
        tanh_op(y, name="z")
    return graph.as_graph_def()


@pytest.fixture
def path(graph_def, tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes(graph_def.SerializeToString())
    return path


def inspect(*arguments):
    return CliRunner().invoke(main, ["inspect", *map(str, arguments)])


def test_the_summary_counts_operations_and_names_inputs_and_outputs(path):
    result = inspect(path)
    assert result.exit_code == 0, result.output
    assert "4 operations, 0 variables, 1 constants of 48 bytes" in result.output
    assert "x:0  float32(None, 3)" in result.output
    assert "z:0  float32(None, 4)" in result.output
    assert "def step" not in result.output


def test_the_source_is_that_of_the_program_for_the_fetches(path):
    result = inspect(path, "--fetch", "y:0", "--source")
    assert "def step(x):" in result.output
    assert "mat_mul" in result.output and "tanh" not in result.output


def test_an_intermediate_value_can_be_fed(path):
    result = inspect(path, "--fetch", "z", "--feed", "y", "--source")
    assert result.exit_code == 0, result.output
    assert "def step(y):" in result.output


def test_without_fetches_the_source_is_that_of_all_outputs(path):
    assert "tanh" in inspect(path, "--source").output


def test_text_and_meta_graphs_are_read(graph_def, tmp_path):
    text = tmp_path / "graph.pbtxt"
    text.write_text(text_format.MessageToString(graph_def))
    meta = tmp_path / "model.meta"
    meta.write_bytes(protos.MetaGraphDef(graph_def=graph_def).SerializeToString())
    for path in (text, meta):
        assert "z:0" in inspect(path).output


def test_what_is_no_graph_and_names_that_are_not_in_it_are_explained(path, tmp_path):
    broken = tmp_path / "broken.pbtxt"
    broken.write_text("this is {{ no graph")
    assert "holds no GraphDef" in inspect(broken).output
    result = inspect(path, "--fetch", "nothing:0")
    assert result.exit_code == 1
    assert "nothing" in result.output


def test_a_saved_model_shows_signatures_variables_functions_and_assets(tmp_path):
    result = inspect(Path(__file__).parent.parent / "saved_model" / "data" / "objects")
    assert result.exit_code == 0, result.output
    for line in (
        "tags: serve; written by TensorFlow 2.21.0",
        "takes x: float32(None, 2)  serving_default_x:0",
        "variable w: float32(2, 2)  w",
        "function find: 2 traces",
        "asset words.txt",
    ):
        assert line in result.output
    result = inspect(tmp_path)
    assert result.exit_code == 1 and "SavedModel file does not exist" in result.output


def test_the_program_of_a_saved_model_is_that_of_its_signatures(tmp_path):
    with Graph().as_default() as graph, Session(graph=graph) as session:
        x = placeholder("float32", [None, 3], name="x")
        y = tanh_op(mat_mul_op(x, constant(np.ones((3, 4), np.float32))), name="y")
        simple_save(session, str(tmp_path / "model"), {"x": x}, {"y": y})
    result = inspect(tmp_path / "model", "--source")
    assert result.exit_code == 0, result.output
    assert "fetches: y:0" in result.output and "def step(x):" in result.output and "mat_mul" in result.output
    result = inspect(tmp_path / "model", "--fetch", "MatMul:0", "--source")
    assert "mat_mul" in result.output and "tanh" not in result.output
    assert "def step" not in inspect(tmp_path / "model").output
