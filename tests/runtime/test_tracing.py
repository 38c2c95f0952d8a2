"""What a traced step tells of itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.formats import protos
from penstock.graphs.importer import import_graph_def
from penstock.language.control_flow import cond, while_loop
from penstock.language.variables import VariableV1
from penstock.ops.constant import placeholder
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.runtime.session import Session
from penstock.runtime.timeline import Timeline
from penstock.summary.writer import FileWriter

FULL = protos.RunOptions(trace_level=protos.RunOptions.FULL_TRACE, output_partition_graphs=True)


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


def model(graph):
    x = placeholder("float32", [2, 3], name="x")
    with graph.device("/cpu:1"):
        w = VariableV1(np.ones((3, 4), np.float32), use_resource=True, name="w")
        product = mat_mul_op(x, w.read_value(), name="product")
    with graph.device("/cpu:2"):
        result = tanh_op(product, name="result")
    return x, w, result


def trace(graph, count=4):
    x, w, result = model(graph)
    config = protos.ConfigProto(device_count={"CPU": count}, allow_soft_placement=True)
    metadata = protos.RunMetadata()
    with Session(graph=graph, config=config) as session:
        session.run(w.initializer)
        plain = session.run(result, {x: np.ones((2, 3))})
        for _ in range(2):  # the second run finds the traced program made, and the message filled
            traced = session.run(result, {x: np.ones((2, 3))}, options=FULL, run_metadata=metadata)
    np.testing.assert_array_equal(plain, traced)
    return metadata


@pytest.mark.parametrize("count, devices", [(1, ["CPU:0"]), (4, ["CPU:1", "CPU:2"])])
def test_every_node_is_listed_under_its_device_with_time_and_outputs(graph, count, devices):
    stats = trace(graph, count).step_stats
    assert [device.device.partition("/device:")[2] for device in stats.dev_stats] == devices
    nodes = {node.node_name: node for device in stats.dev_stats for node in device.node_stats}
    product = nodes["product"]
    assert product.timeline_label.startswith("product = MatMul(x, ")
    assert product.all_start_micros > 1_500_000_000_000_000 and product.op_end_rel_micros >= 1
    described = product.output[0].tensor_description
    assert described.dtype == 1  # DT_FLOAT
    assert [dim.size for dim in described.shape.dim] == [2, 4]
    assert described.allocation_description.requested_bytes == 32
    assert product.memory[0].total_bytes == 32
    assert nodes["result"].all_start_micros >= product.all_start_micros


def test_nodes_within_branches_are_listed(graph):
    x = placeholder("float32", [], name="x")
    y = cond(x > 0.0, lambda: tanh_op(x, name="inside"), lambda: x)
    metadata = protos.RunMetadata()
    with Session(graph=graph) as session:
        session.run(y, {x: 1.0}, options=FULL, run_metadata=metadata)
    assert any("inside" in node.node_name for node in metadata.step_stats.dev_stats[0].node_stats)


def test_nodes_within_loops_are_told_from_those_outside_that_have_their_names(graph):
    x = tanh_op(placeholder("float32", [2], name="x"), name="same")
    y = while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, tanh_op(v, name="same")), [0, x], name="loop")[1]
    metadata = protos.RunMetadata()
    with Session(graph=graph) as session:
        session.run(y, {"x:0": [1.0, 2.0]}, options=FULL, run_metadata=metadata)
    nodes = [node for node in metadata.step_stats.dev_stats[0].node_stats if node.node_name.endswith("same")]
    assert [node.node_name.count("/") for node in nodes] == [0, 1, 1]
    assert nodes[1].timeline_label.startswith(f"{nodes[1].node_name} = Tanh({nodes[1].node_name.split('/')[0]}/")


def test_a_session_that_builds_a_cost_model_gives_the_cost_of_each_node(graph):
    x, w, result = model(graph)
    config = protos.ConfigProto(device_count={"CPU": 4})
    config.graph_options.build_cost_model = 1
    metadata = protos.RunMetadata()
    with Session(graph=graph, config=config) as session:
        session.run(w.initializer)
        session.run(result, {x: np.ones((2, 3))}, run_metadata=metadata)
    costs = {node.name: node for node in metadata.cost_graph.node}
    assert [node.id for node in metadata.cost_graph.node] == list(range(len(metadata.cost_graph.node)))
    product = costs["product"]
    assert product.device.endswith("CPU:1") and product.compute_cost >= 1
    assert product.output_info[0].size == 32 and [d.size for d in product.output_info[0].shape.dim] == [2, 4]
    assert [costs_of.preceding_node for costs_of in costs["product/_0"].input_info] == [product.id]


def test_partition_graphs_have_the_sends_and_receives(graph):
    graphs = trace(graph).partition_graphs
    operations = [[node.op for node in part.node] for part in graphs]
    assert operations[0].count("_Send") == 1 and operations[1].count("_Recv") == 1
    send = next(node for node in graphs[0].node if node.op == "_Send")
    receive = next(node for node in graphs[1].node if node.op == "_Recv")
    for name in ("tensor_name", "send_device", "recv_device", "send_device_incarnation"):
        assert send.attr[name] == receive.attr[name]
    assert send.attr["T"].type == receive.attr["tensor_type"].type == 1
    assert {node.device.partition("/device:")[2] for node in graphs[1].node} == {"CPU:2"}
    names = [node.name for node in graphs[0].node]
    assert len(set(names)) == len(names)


def test_the_receiving_graph_can_be_imported(graph):
    part = trace(graph).partition_graphs[1]
    with Graph().as_default() as imported:
        import_graph_def(part, name="")
    assert imported.get_operation_by_name("result").type == "Tanh"


def test_without_options_nothing_is_traced(graph):
    x, w, result = model(graph)
    metadata = protos.RunMetadata()
    with Session(graph=graph, config=protos.ConfigProto(allow_soft_placement=True)) as session:
        session.run(w.initializer)
        call = session.make_callable(result, [x], accept_options=True)
        call(np.ones((2, 3)), run_metadata=metadata)
        assert not metadata.step_stats.dev_stats
        call(np.ones((2, 3)), options=FULL, run_metadata=metadata)
        assert metadata.step_stats.dev_stats


def test_the_timeline_is_a_chrome_trace(graph):
    timeline = Timeline(trace(graph).step_stats)
    events = json.loads(timeline.generate_chrome_trace_format(show_memory=True))["traceEvents"]
    kinds = {event["ph"] for event in events}
    assert kinds == {"M", "X", "s", "t", "C"}
    product = next(event for event in events if event["name"] == "MatMul")
    assert product["args"]["name"] == "product" and product["args"]["input0"] == "x" and product["dur"] >= 1
    processes = {event["pid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
    assert processes[product["pid"]].endswith("device:CPU:1 Compute")
    arrows = [event for event in events if event["ph"] == "s" and event["name"] == "product"]
    assert arrows and arrows[0]["ts"] == product["ts"] + product["dur"]
    assert timeline.analyze_step_stats().allocator_maximums["cpu"] >= 32
    with pytest.raises(ValueError, match="op_time"):
        timeline.generate_chrome_trace_format(op_time="never")


@pytest.mark.needs_tensorboard
def test_tensorboard_finds_time_and_memory_of_nodes(graph, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    metadata = trace(graph)
    with FileWriter(str(tmp_path), graph) as writer:
        writer.add_run_metadata(metadata, "step 1", 1)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert events.Tags()["run_metadata"] == ["step 1"]
    stats = events.RunMetadata("step 1").step_stats
    named = {node.node_name: node for device in stats.dev_stats for node in device.node_stats}
    in_graph = {node.name for node in events.Graph().node}
    assert {"product", "result"} <= named.keys() & in_graph
    assert named["product"].all_end_rel_micros >= 1
    assert named["product"].memory[0].total_bytes == 32
