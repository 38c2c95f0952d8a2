"""On which device each operation runs."""

from __future__ import annotations

import pytest

from penstock.compiler.placement import Placer
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.local_devices import Device, local_devices
from penstock.language.variables import VariableV1
from penstock.ops.constant import constant, identity, placeholder, shape_op

FOUR = local_devices({"CPU": 4})
GPU = Device("/job:localhost/replica:0/task:0/device:GPU:0", "GPU", "cuda:0", 1 << 30, 7)


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


def places(graph, devices=FOUR, soft=False):
    device_of = Placer(devices, soft).place(graph)
    return {op.name: device_of(op).name.partition("/device:")[2] for op in graph.get_operations()}


def test_an_operation_goes_where_it_asks_and_otherwise_to_the_first_device(graph):
    with graph.device("/cpu:2"):
        constant(1.0, name="asked")
    constant(1.0, name="free")
    with graph.device("/job:localhost/device:CPU:*"):
        constant(1.0, name="partly")
    assert places(graph) == {"asked": "CPU:2", "free": "CPU:0", "partly": "CPU:0"}


@pytest.mark.parametrize("use_resource", [False, True])
def test_what_uses_a_variable_goes_where_the_variable_is(graph, use_resource):
    with graph.device("/cpu:1"):
        v = VariableV1(1.0, use_resource=use_resource, name="v")
    with graph.device("/cpu:2"):
        update = v.assign_add(1.0)
        result = identity(v) + 1.0
    found = places(graph)
    assert found["v"] == found[update.op.name.partition(":")[0]] == "CPU:1"
    assert found[result.op.name] == "CPU:2"


def test_colocated_operations_share_a_device(graph):
    with graph.device("/cpu:3"):
        a = constant(1.0, name="a")
    with graph.colocate_with(a.op):
        constant(2.0, name="b")
    graph.get_operation_by_name("b").device = ""
    assert places(graph)["b"] == "CPU:3"


def test_shapes_are_computed_where_the_value_is(graph):
    with graph.device("/cpu:3"):
        x = placeholder("float32", None, name="x")
    shape_op(x, name="shape")
    assert places(graph)["shape"] == "CPU:3"


def test_a_request_that_cannot_be_met_names_operation_request_and_devices(graph):
    with graph.device("/gpu:0"):
        constant(1.0, name="a")
    with pytest.raises(InvalidArgumentError) as caught:
        Placer(local_devices(), False).place(graph)
    assert caught.value.op.name == "a"
    assert "Cannot assign a device for operation a: {{node a}} was explicitly assigned to /device:GPU:0" in str(
        caught.value
    )
    assert "available devices are [ /job:localhost/replica:0/task:0/device:CPU:0 ]" in str(caught.value)
    assert "test_placement.py" in str(caught.value)


def test_an_error_is_found_again_and_again(graph):
    with graph.device("/cpu:9"):
        constant(1.0, name="a")
    placer = Placer(FOUR, False)
    for _ in range(2):
        with pytest.raises(InvalidArgumentError, match="CPU:9"):
            placer.place(graph)


def test_soft_placement_takes_another_device_of_the_task(graph):
    with graph.device("/gpu:0"):
        constant(1.0, name="a")
    with graph.device("/cpu:9"):
        constant(1.0, name="b")
    assert places(graph, soft=True) == {"a": "CPU:0", "b": "CPU:0"}
    with graph.device("/job:worker"):
        constant(1.0, name="c")
    with pytest.raises(InvalidArgumentError, match="/job:worker"):
        places(graph, soft=True)


def test_strings_do_not_go_to_a_gpu(graph):
    with graph.device("/gpu:0"):
        constant(1.0, name="number")
        constant("text", name="text")
    assert places(graph, [*FOUR, GPU], soft=True) == {"number": "GPU:0", "text": "CPU:0"}
    with pytest.raises(InvalidArgumentError, match="no kernel for GPU"):
        places(graph, [*FOUR, GPU])


def test_what_is_placed_stays_when_the_graph_grows(graph):
    a = constant(1.0, name="a")
    placer = Placer(FOUR, False)
    device_of = placer.place(graph)
    with graph.device("/cpu:2"), graph.colocate_with(a.op):
        pass
    with graph.device("/cpu:2"):
        identity(a, name="b")
    b = graph.get_operation_by_name("b")
    b.attrs["_class"] = [b"loc:@a"]
    device_of = placer.place(graph)
    assert device_of(a.op) is device_of(b) is FOUR[0]


def test_a_graph_on_one_device_needs_no_assignment(graph):
    constant(1.0)
    assert Placer(local_devices(), False).place(graph) is None


def test_each_placement_is_logged_once(graph):
    lines = []
    placer = Placer(FOUR, False, lines.append)
    with graph.device("/cpu:1"):
        a = constant(1.0, name="a")
    placer.place(graph)
    identity(a, name="b")
    placer.place(graph)
    task = "/job:localhost/replica:0/task:0"
    assert lines == [f"a: (Const): {task}/device:CPU:1", f"b: (Identity): {task}/device:CPU:0"]
