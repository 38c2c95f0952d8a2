"""Graphs: names, scopes, lookups, control dependencies, collections and refusal to grow."""

from __future__ import annotations

import os
import threading

import pytest

from penstock.core.context import eager_mode
from penstock.core.graph import Graph, get_current_name_scope, get_default_graph, name_scope, reset_default_graph
from penstock.core.operation import Operation
from penstock.ops.constant import constant, identity, no_op, placeholder


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def test_equal_names_are_numbered(graph):
    assert [constant(1.0, name="a").op.name for _ in range(3)] == ["a", "a_1", "a_2"]


def test_names_that_differ_in_case_alone_count_as_equal(graph):
    assert constant(1.0, name="Add").op.name == "Add"
    assert constant(1.0, name="add").op.name == "add_1"


def test_a_taken_suffix_is_skipped(graph):
    constant(1.0, name="a_1")
    constant(1.0, name="a")
    assert constant(1.0, name="a").op.name == "a_2"


def test_name_scopes_nest_and_are_numbered(graph):
    with graph.name_scope("outer") as scope:
        assert scope == "outer/"
        with graph.name_scope("inner"):
            assert constant(1.0, name="c").name == "outer/inner/c:0"
    with graph.name_scope("outer"):
        assert constant(1.0, name="c").op.name == "outer_1/c"


def test_a_scope_that_ends_in_a_slash_is_entered_again(graph):
    with graph.name_scope("outer") as scope:
        constant(1.0, name="a")
    with graph.name_scope(scope):
        assert constant(1.0, name="b").op.name == "outer/b"


def test_an_empty_scope_leaves_all_scopes(graph):
    with graph.name_scope("outer"), graph.name_scope(None):
        assert constant(1.0, name="a").op.name == "a"


@pytest.mark.parametrize("name", ["has space", "-starts", "a$b"])
def test_names_with_other_characters_are_refused(graph, name):
    with pytest.raises(ValueError, match="not a valid scope name"):
        constant(1.0, name=name)


def test_tensors_and_operations_are_found_by_name(graph):
    tensor = constant(1.0, name="a")
    assert graph.get_tensor_by_name("a:0") is tensor
    assert graph.get_operation_by_name("a") is tensor.op
    assert graph.as_graph_element("a:0") is tensor
    assert graph.as_graph_element(tensor.op) is tensor.op


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("b:0", KeyError, "does not exist"),
        ("a:1", KeyError, "only has 1 outputs"),
        ("a:x", ValueError, "output index"),
        ("b", KeyError, "not in the graph"),
        (3, TypeError, "Can not convert a int"),
    ],
)
def test_what_is_not_in_the_graph_is_reported_by_name(graph, name, error, text):
    constant(1.0, name="a")
    with pytest.raises(error, match=text):
        graph.as_graph_element(name)


def test_asking_for_a_tensor_by_an_operation_name_says_how_tensors_are_named(graph):
    constant(1.0, name="a")
    with pytest.raises(ValueError, match="a:0"):
        graph.get_tensor_by_name("a")


def test_a_tensor_of_another_graph_is_refused_with_its_origin(graph):
    tensor = constant(1.0, name="mine")
    with Graph().as_default(), pytest.raises(ValueError, match=r"mine:0.*same graph.*test_graph.py"):
        identity(tensor)


def test_a_finalized_graph_refuses_to_grow_and_says_what_to_do(graph):
    graph.finalize()
    with pytest.raises(RuntimeError, match="finalized.*before"):
        constant(1.0)
    assert graph.finalized and not graph.get_operations()


def test_operations_in_a_control_block_wait_for_its_inputs(graph):
    first, second = no_op(name="first"), constant(1.0, name="second")
    with graph.control_dependencies([first, second]):
        third = no_op(name="third")
    assert third.control_inputs == [first, second.op]


def test_an_input_made_in_the_block_makes_a_control_edge_superfluous(graph):
    first = no_op(name="first")
    with graph.control_dependencies([first]):
        a = constant(1.0)
        b = identity(a)
    assert a.op.control_inputs == [first] and b.op.control_inputs == []


def test_control_dependencies_of_none_leave_the_surrounding_blocks(graph):
    with graph.control_dependencies([no_op()]), graph.control_dependencies(None):
        assert constant(1.0).op.control_inputs == []


def test_control_inputs_must_be_of_the_same_graph(graph):
    with Graph().as_default():
        foreign = no_op(name="foreign")
    with pytest.raises(ValueError, match="foreign"), graph.control_dependencies([foreign]):
        pass


def test_none_as_a_control_input_is_a_type_error(graph):
    with pytest.raises(TypeError, match="None"), graph.control_dependencies([None]):
        pass


def test_devices_merge_from_the_inside_out(graph):
    with graph.device("/job:worker"), graph.device("/gpu:1"):
        assert constant(1.0).op.device == "/job:worker/device:GPU:1"
    with graph.device("/gpu:1"), graph.device(None):
        assert constant(1.0).op.device == ""


def test_a_device_function_is_asked_for_each_operation(graph):
    with graph.device(lambda op: "/cpu:0" if op.type == "Const" else "/gpu:0"):
        c = constant(1.0)
        assert (c.op.device, identity(c).op.device) == ("/device:CPU:0", "/device:GPU:0")


def test_colocated_operations_share_a_group_and_a_device(graph):
    with graph.device("/cpu:1"):
        a = constant(1.0, name="a")
    with graph.colocate_with(a.op):
        b = constant(1.0)
    assert b.op.colocation_groups() == [b"loc:@a"] and b.op.device == a.op.device


def test_collections_keep_order_and_filter_by_scope(graph):
    with graph.name_scope("one"):
        a = constant(1.0)
    b = constant(2.0)
    graph.add_to_collection("things", a)
    graph.add_to_collections(["things", "others"], b)
    assert graph.get_collection("things") == [a, b]
    assert graph.get_collection("things", scope="one") == [a]
    graph.get_collection("things").clear()
    assert graph.get_collection("things") == [a, b]
    graph.get_collection_ref("things").clear()
    assert graph.get_collection("things") == []


def test_an_operation_remembers_the_line_that_made_it(graph):
    tensor = constant(1.0)
    file, line = tensor.op.created_at
    assert os.path.basename(file) == "test_graph.py" and line > 0
    assert tensor.op.traceback[-1].filename == file


def test_bad_shapes_name_the_operation_both_inputs_and_their_lines(graph):
    a, b = placeholder("float32", [None, 784], name="images"), placeholder("float32", [512, 10], name="kernel")
    with pytest.raises(ValueError) as caught:
        a @ b
    text = str(caught.value)
    assert "784" in text and "512" in text and "'images'" in text and "'kernel'" in text and "test_graph.py:" in text


def test_a_graph_prints_one_line_for_each_operation(graph):
    x = placeholder("float32", [None, 3], name="x")
    with graph.control_dependencies([no_op(name="start")]):
        identity(x, name="y")
    lines = str(graph).splitlines()
    assert "x = Placeholder()  float32[?, 3]" in lines[1]
    assert lines[3].strip() == "y = Identity(x) ^start  float32[?, 3]"


def test_the_default_graph_is_the_innermost_block():
    outer, inner = Graph(), Graph()
    with outer.as_default():
        with inner.as_default():
            assert get_default_graph() is inner
        assert get_default_graph() is outer


def test_resetting_replaces_the_default_graph():
    before = get_default_graph()
    reset_default_graph()
    assert get_default_graph() is not before
    with Graph().as_default(), pytest.raises(AssertionError, match="nested"):
        reset_default_graph()


def test_the_graph_stack_belongs_to_the_thread():
    seen = []
    with Graph().as_default() as graph:
        thread = threading.Thread(target=lambda: seen.append(get_default_graph()))
        thread.start()
        thread.join()
        assert seen[0] is not graph


def test_name_scope_is_remembered_in_eager_execution():
    with name_scope("a") as outer, name_scope("b") as inner:
        assert (outer, inner) == ("a/", "a/b/")


def test_the_open_name_scope_can_be_asked_for(graph):
    with name_scope("a"), name_scope("b"):
        assert get_current_name_scope() == "a/b"
    assert get_current_name_scope() == ""
    with eager_mode():
        assert get_current_name_scope() == ""
        with name_scope("a"), name_scope("b"):
            assert get_current_name_scope() == "a/b"


def test_building_from_several_threads_keeps_names_unique():
    graph = Graph()

    def build():
        with graph.as_default():
            for _ in range(50):
                constant(1.0, name="c")

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [op.name for op in graph.get_operations()]
    assert len(set(names)) == len(names) == 200
    assert [op.index for op in graph.get_operations()] == list(range(200))


def test_as_graph_def_has_names_types_inputs_and_attributes(graph):
    x = placeholder("float32", [None, 3], name="x")
    with graph.control_dependencies([no_op(name="start")]):
        identity(x, name="y")
    nodes = {node.name: node for node in graph.as_graph_def(add_shapes=True).node}
    assert nodes["y"].op == "Identity" and list(nodes["y"].input) == ["x", "^start"]
    assert nodes["y"].attr["T"].type == 1
    assert [d.size for d in nodes["x"].attr["shape"].shape.dim] == [-1, 3]
    assert [d.size for d in nodes["y"].attr["_output_shapes"].list.shape[0].dim] == [-1, 3]


def test_create_op_adds_a_node_by_the_name_of_its_operation(graph):
    x = constant(1.0)
    op = graph.create_op("Identity", [x], name="copied")
    assert isinstance(op, Operation) and op.name == "copied" and op.outputs[0].dtype == x.dtype
