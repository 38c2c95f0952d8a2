"""Importing GraphDefs: names, mappings, control inputs, functions, TensorFlow 1's control flow, and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.core.errors import NotFoundError
from penstock.graphs.lower import lower_control_flow

DATA = Path(__file__).parent / "data"
EXPECTED: dict[str, Any] = json.loads((DATA / "expected.json").read_text())


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def small() -> Any:
    """Return a graph: y = x + x, which waits for `tick`."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        tick = tf.no_op(name="tick")
        with tf.control_dependencies([tick]), tf.device("/cpu:0"):
            tf.add(x, x, name="y")
        return graph.as_graph_def()


def array(stored: dict[str, Any]) -> np.ndarray:
    return np.asarray(stored["values"], stored["dtype"]).reshape(stored["shape"])


def run(graph_def: Any, case: dict[str, Any]) -> None:
    """Import a graph that TensorFlow wrote, and compare what it computes."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        session.run([graph.get_operation_by_name(name) for name in case["init"]])
        for step in case["steps"]:
            values = session.run(case["fetches"], {name: array(value) for name, value in step["feeds"].items()})
            for name, value, wanted in zip(case["fetches"], values, step["values"], strict=True):
                np.testing.assert_allclose(value, array(wanted), rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", EXPECTED)
def test_graphs_of_tensorflow_compute_what_it_computed(name: str) -> None:
    graph_def = tf.GraphDef.FromString((DATA / name).read_bytes())
    run(graph_def, EXPECTED[name])


@pytest.mark.parametrize("name", EXPECTED)
def test_imported_graphs_survive_being_written_and_lowered(name: str) -> None:
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(tf.GraphDef.FromString((DATA / name).read_bytes()), name="")
        written = graph.as_graph_def()
    run(written, EXPECTED[name])
    run(lower_control_flow(written), EXPECTED[name])


def test_nodes_get_the_prefix_and_keep_device_and_control_inputs(graph: tf.Graph) -> None:
    assert tf.import_graph_def(small()) is None
    y = graph.get_operation_by_name("import/y")
    assert [op.name for op in y.control_inputs] == ["import/tick"]
    assert y.device == "/device:CPU:0"
    tf.import_graph_def(small())
    assert graph.get_operation_by_name("import_1/y").inputs[0].op.name == "import_1/x"


def test_an_empty_name_means_no_prefix_and_taken_names_get_a_number(graph: tf.Graph) -> None:
    tf.import_graph_def(small(), name="")
    (y,) = tf.import_graph_def(small(), name="", return_elements=["y"])
    assert y.name == "y_1" and y.inputs[0].name == "x_1:0"


def test_inputs_and_control_inputs_are_mapped(graph: tf.Graph) -> None:
    given, waited = tf.constant([3.0, 4.0]), tf.no_op(name="mine")
    y, op = tf.import_graph_def(small(), {"x:0": given, "^tick": waited}, ["y:0", "y"])
    assert y.op is op and op.inputs[0] is given and op.control_inputs == [waited]
    with tf.Session() as session:
        assert session.run(y).tolist() == [6.0, 8.0]


def test_colocation_groups_get_the_prefix(graph: tf.Graph) -> None:
    with tf.Graph().as_default() as other:
        a = tf.constant(1.0, name="a")
        with tf.colocate_with(a):
            tf.identity(a, name="b")
        definition = other.as_graph_def()
    (b,) = tf.import_graph_def(definition, return_elements=["b"], name="p")
    assert b.colocation_groups() == [b"loc:@p/a"]


def test_shapes_are_inferred_and_attributes_have_defaults(graph: tf.Graph) -> None:
    definition = small()
    del definition.node[-1].attr["T"]
    with pytest.raises(ValueError, match="'y'.*missing attr 'T'"):
        tf.import_graph_def(definition)
    definition = tf.GraphDef()
    definition.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    matmul = definition.node.add(name="m", op="MatMul", input=["x", "x"])
    matmul.attr["T"].type = 1
    (m,) = tf.import_graph_def(definition, {"x": tf.zeros([3, 3])}, ["m:0"])
    assert m.shape.as_list() == [3, 3] and m.op.get_attr("transpose_a") is False


def broken(change: Any) -> Any:
    definition = small()
    change({node.name: node for node in definition.node})
    return definition


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda nodes: nodes["y"].input.append("z"), "'y'.*Unknown input node 'z'"),
        (lambda nodes: nodes["y"].input.append("^z"), r"'y'.*Unknown input node '\^z'"),
        (lambda nodes: nodes["y"].input.insert(0, "x"), "'y'.*do not match 3 inputs"),
        (lambda nodes: nodes["y"].input.__setitem__(0, "x:1"), "'y'.*invalid output 1 of source node x"),
        (lambda nodes: nodes["x"].attr["dtype"].__setattr__("type", 3), "Input 0 of node y was passed int32"),
        (lambda nodes: nodes["y"].attr["T"].__setattr__("i", 3), "'y'.*attribute 'T'.*expected type, got int"),
        (lambda nodes: nodes["y"].attr["new"].__setattr__("i", 3), "'y'.*'new' not in Op<name=Add.*>"),
        (lambda nodes: nodes["y"].input.__setitem__(0, "y"), "cycle"),
        (lambda nodes: nodes["y"].__setattr__("name", "x"), "'x' is not unique"),
    ],
)
def test_malformed_graphs_are_refused_with_the_name_of_the_node(change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tf.import_graph_def(broken(change))


def test_all_unknown_operations_are_reported_at_once() -> None:
    definition = small()
    definition.node.add(name="a", op="NobodyKnows")
    definition.node.add(name="b", op="NorThis")
    with pytest.raises(NotFoundError, match="NobodyKnows, NorThis"):
        tf.import_graph_def(definition)


def test_attributes_of_a_newer_producer_are_dropped_where_they_have_its_default(graph: tf.Graph) -> None:
    definition = small()
    definition.node[-1].attr["new"].i = 3
    meta = tf.MetaGraphDef()
    declared = meta.meta_info_def.stripped_op_list.op.add(name=definition.node[-1].op).attr.add(name="new", type="int")
    declared.default_value.i = 3
    tf.import_graph_def(definition, producer_op_list=meta.meta_info_def.stripped_op_list)
    assert "new" not in graph.get_operation_by_name("import/y").node_def.attr


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="must be a GraphDef"):
        tf.import_graph_def("graph")
    with pytest.raises(TypeError, match="input_map"):
        tf.import_graph_def(small(), [1])
    with pytest.raises(TypeError, match="return_elements"):
        tf.import_graph_def(small(), return_elements="y")
    with pytest.raises(ValueError, match="not found in graph_def: .nothing:0"):
        tf.import_graph_def(small(), {"nothing:0": tf.constant(1.0)})
    with pytest.raises(ValueError, match="'z:0' not found"):
        tf.import_graph_def(small(), return_elements=["z:0"])


def test_bodies_of_branches_and_loops_travel_in_the_library() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [], name="x")
        looped = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), [0, x])[1]
        y = tf.cond(x > 1.0, lambda: looped + 1.0, lambda: tf.switch_case(tf.constant(1), [lambda: x, lambda: x * 5.0]))
        tf.identity(y, name="y")
        tf.identity(tf.gradients(y, x)[0], name="gradient")
        definition = graph.as_graph_def()
    names = [function.signature.name for function in definition.library.function]
    assert len(names) == len(set(names)) >= 6
    for form in (definition, lower_control_flow(definition)):
        with tf.Graph().as_default(), tf.Session() as session:
            x, y, gradient = tf.import_graph_def(form, return_elements=["x:0", "y:0", "gradient:0"])
            again = tf.gradients(y, x)[0]
            assert session.run([y, gradient, again], {x: 2.0}) == [17.0, 32.0, 32.0]
            assert session.run([y, gradient, again], {x: 0.5}) == [2.5, 5.0, 5.0]


def test_a_loop_that_is_lowered_and_raised_is_a_while_again() -> None:
    with tf.Graph().as_default() as graph:
        i, _ = tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, tf.concat([a, a], 0)), [0, tf.zeros([1])],
                             shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])], name="loop")  # fmt: skip
        tf.identity(i, name="i")
        definition = lower_control_flow(graph.as_graph_def())
    assert {"Enter", "Merge", "Switch", "NextIteration", "Exit", "LoopCond"} <= {node.op for node in definition.node}
    assert not definition.library.function
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(definition, name="")
        loops = [op for op in graph.get_operations() if op.type.endswith("While")]
        assert len(loops) == 1 and loops[0].outputs[1].shape.as_list() == [None]
        assert session.run("i:0") == 4


def test_a_merge_of_what_is_no_branch_is_refused() -> None:
    definition = tf.GraphDef.FromString((DATA / "switch_merge_references.pb").read_bytes())
    for node in definition.node:
        if node.op == "Merge":
            node.input[0] = "Placeholder"
    with pytest.raises(ValueError, match="'Merge'.*two sides of one predicate"):
        tf.import_graph_def(definition)


def test_a_merge_takes_what_is_alive_whichever_way_the_switch_goes() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        for name in ("sometimes", "switch"):
            tf.negative(x, name=name)
        tf.placeholder(tf.bool, [], name="p")
        definition = graph.as_graph_def()
    by_name = {node.name: node for node in definition.node}
    switch = by_name["switch"]
    switch.op = "Switch"
    switch.input.append("p")
    by_name["sometimes"].input[0] = "switch:1"
    merge = definition.node.add(name="merge", op="Merge", input=["x", "sometimes"])
    merge.attr["T"].type, merge.attr["N"].i = 1, 2
    (merged,) = tf.import_graph_def(definition, return_elements=["merge:0"])
    feeds = {"import/x:0": [1.0, 2.0]}
    with tf.Session() as session:
        for p in (False, True):
            assert session.run(merged, {**feeds, "import/p:0": p}).tolist() == [1.0, 2.0]


def frames(definition: Any) -> dict[str, tuple[str, ...]]:
    """Return for each node the loops that it runs in, and check that it takes all inputs from the same ones."""
    nodes = {node.name: node for node in definition.node}
    found: dict[str, tuple[str, ...]] = {}

    def visit(name: str) -> tuple[str, ...]:
        if name in found:
            return found[name]
        node = nodes[name]
        needed = [text.lstrip("^").partition(":")[0] for text in node.input]
        of_inputs = {visit(n) for n in needed if nodes[n].op != "NextIteration"}
        assert len(of_inputs) <= 1, f"{name} takes inputs from the loops {of_inputs}"
        around = next(iter(of_inputs), ())
        if node.op == "Enter":
            around = (*around, node.attr["frame_name"].s.decode())
        found[name] = around[:-1] if node.op == "Exit" else around
        return found[name]

    for name in nodes:
        visit(name)
    return found


def test_what_lowered_loops_call_and_choose_runs_in_their_frames() -> None:
    @tf.function
    def scaled(a: Any) -> Any:
        return a * 2.5 + tf.constant([1.0, 2.0])

    def body(i: Any, a: Any) -> Any:
        return i + 1, tf.switch_case(i, [lambda: scaled(a), lambda: -a, lambda: scaled(scaled(a))])

    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        tf.identity(tf.while_loop(lambda i, a: i < 3, body, [0, x])[1], name="y")
        definition = lower_control_flow(graph.as_graph_def())
    loops = frames(definition)
    assert {len(loop) for loop in loops.values()} == {0, 1}
    assert not any(loops[node.name] for node in definition.node if node.op == "Placeholder")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(definition, name="")
        np.testing.assert_allclose(session.run("y:0", {"x:0": [1.0, 2.0]}), [-18.375, -36.75])
