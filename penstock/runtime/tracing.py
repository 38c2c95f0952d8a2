"""What a traced step took, as the messages that TensorBoard and the Timeline read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from penstock.compiler.compile import CompiledPartition
from penstock.compiler.dataflow import Dataflow, Node
from penstock.compiler.tracing import Record
from penstock.core.graph_def import MIN_CONSUMER_VERSION, PRODUCER_VERSION, attr_value, shape_proto
from penstock.formats import protos


def fill_step_stats(step_stats: Any, partitions: Sequence[CompiledPartition], records: Sequence[list[Record]]) -> None:
    """Add what each device did to a StepStats message.

    Args:
        step_stats: the message.
        partitions: the programs that ran.
        records: what each of them recorded.
    """
    # Records are in the performance counter's time; messages in that of the clock on the wall.
    offset_ns = time.time_ns() - time.perf_counter_ns()
    for part, noted in zip(partitions, records, strict=True):
        device = step_stats.dev_stats.add(device=part.device.name)
        allocator = "cpu" if part.device.device_type == "CPU" else f"GPU_{part.device.name.rpartition(':')[2]}_bfc"
        for item in noted:
            _fill_node(device.node_stats.add(), item, offset_ns, allocator)


def _fill_node(stats: Any, item: Record, offset_ns: int, allocator: str) -> None:
    node, name = item.place.node, item.place.name
    start_ns, length_ns = item.started_ns + offset_ns, item.ended_ns - item.started_ns
    stats.node_name = name
    stats.timeline_label = f"{name} = {node.op_def.name}({', '.join(_input_names(node, item.place.scope))})"
    stats.thread_id = item.thread & 0x7FFFFFFF
    stats.scheduled_micros = stats.all_start_micros = start_ns // 1000
    stats.scheduled_nanos = stats.all_start_nanos = start_ns
    stats.op_end_rel_nanos = stats.all_end_rel_nanos = length_ns
    stats.op_end_rel_micros = stats.all_end_rel_micros = max(1, -(-length_ns // 1000))
    total_bytes = 0
    for slot, (edge, output) in enumerate(zip(node.outputs, item.outputs, strict=False)):
        if output is None:
            continue
        described = stats.output.add(slot=slot).tensor_description
        described.dtype = edge.dtype.base_dtype.as_datatype_enum
        described.shape.CopyFrom(shape_proto(output.dims))
        allocation = described.allocation_description
        allocation.requested_bytes = allocation.allocated_bytes = output.size_bytes
        allocation.allocator_name = allocator
        allocation.ptr = output.address
        if not node.op_def.is_view and not edge.is_handle:
            total_bytes += output.size_bytes
    if total_bytes:
        stats.memory.add(
            allocator_name=allocator, total_bytes=total_bytes, peak_bytes=total_bytes, live_bytes=total_bytes
        )


def fill_cost_graph(
    cost_graph: Any, partitions: Sequence[CompiledPartition], records: Sequence[Sequence[Record]]
) -> None:
    """Add what each node cost to a CostGraphDef message: microseconds, and the sizes of its outputs.

    Feeds and constants are not listed; nodes of the bodies of branches and loops count for the node that runs them.

    Args:
        cost_graph, partitions, records: see `fill_step_stats`.
    """
    for part, noted in zip(partitions, records, strict=True):
        ids: dict[Node, int] = {}
        for item in noted:
            node, outputs = item.place.node, item.outputs
            if item.place.scope:
                continue
            cost = cost_graph.node.add(name=node.name, device=part.device.name, id=len(cost_graph.node))
            ids[node] = cost.id
            cost.compute_cost = max(1, -(-(item.ended_ns - item.started_ns) // 1000))
            for edge in node.inputs:
                if edge.node in ids:
                    cost.input_info.add(preceding_node=ids[edge.node], preceding_port=edge.output)
            cost.control_input.extend(ids[control] for control in node.controls if control in ids)
            for edge, output in zip(node.outputs, outputs, strict=False):
                info = cost.output_info.add(alias_input_port=-1, dtype=edge.dtype.as_datatype_enum)
                if output is not None:
                    info.size = output.size_bytes
                    info.shape.CopyFrom(shape_proto(output.dims))


def partition_graphs(partitions: Iterable[CompiledPartition]) -> list[Any]:
    """Return what each device ran as a GraphDef; nodes that passes made have names of their own."""
    return [dataflow_graph_def(part.dataflow, part.device.name) for part in partitions]


def dataflow_graph_def(dataflow: Dataflow, device: str) -> Any:
    """Return a dataflow as a GraphDef whose nodes are on a device; feeds are `_Arg` nodes."""
    message = protos.GraphDef()
    message.versions.producer = PRODUCER_VERSION
    message.versions.min_consumer = MIN_CONSUMER_VERSION
    names = _unique_names(dataflow)
    given: dict[Any, str] = {}
    for index, edge in enumerate(dataflow.feeds):
        operation = edge.name.rpartition(":")[0]
        given[edge] = f"_arg_{operation}_{edge.output}_{index}"
        argument = message.node.add(name=given[edge], op="_Arg", device=device)
        argument.attr["T"].type = edge.dtype.as_datatype_enum
        argument.attr["index"].i = index
    for node in dataflow.nodes:
        proto = message.node.add(name=names[node], op=node.op_def.name, device=device)
        for edge in node.inputs:
            if edge.node is None:
                proto.input.append(given[edge])
            else:
                proto.input.append(names[edge.node] + (f":{edge.output}" if edge.output else ""))
        proto.input.extend(f"^{names[control]}" for control in node.controls)
        for name, value in node.attrs.items():
            attribute = node.op_def.attributes.get(name)
            if value is None or callable(value) or attribute is None:
                continue
            dtype = node.attrs.get("dtype") if attribute.kind == "tensor" else None
            proto.attr[name].CopyFrom(attr_value(attribute.kind, value, dtype))
    return message


def _unique_names(dataflow: Dataflow) -> dict[Node, str]:
    taken: set[str] = set()
    names: dict[Node, str] = {}
    for node in dataflow.nodes:
        name, count = node.name, 0
        while name in taken:
            count += 1
            name = f"{node.name}_{count}"
        taken.add(name)
        names[node] = name
    return names


def _input_names(node: Node, scope: str) -> list[str]:
    names = []
    for edge in node.inputs:
        operation, _, output = edge.name.rpartition(":")
        names.append(scope + (operation if output == "0" else edge.name))
    return [*names, *(f"^{scope}{control.name}" for control in node.controls)]
