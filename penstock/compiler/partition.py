"""One dataflow for each device, joined by sends and receives where an edge was cut."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

import numpy as np

from penstock.compiler.constants import constant_node
from penstock.compiler.dataflow import Dataflow, Edge, Node
from penstock.core.dtypes import float32
from penstock.core.local_devices import Device
from penstock.ops.rendezvous import receive_op, send_op

_LATENCY = 2  # what a transfer takes in the estimate of when a node can run, in nodes
_EMPTY = np.zeros(0, np.float32)  # what crosses in place of a control edge


class Partition:
    """What one device does in a step.

    Attributes:
        device: where it runs.
        dataflow: what runs there. Its fetches are those of the step that are computed there, followed by the values
            that it sends: what is sent must stay as it is until all devices are done.
        feeds: for each feed of the dataflow, its position among those of the step.
        fetches: for each of the first fetches of the dataflow, its position among those of the step.
    """

    def __init__(self, device: Device, dataflow: Dataflow, feeds: list[int], fetches: list[int]) -> None:
        self.device = device
        self.dataflow = dataflow
        self.feeds = feeds
        self.fetches = fetches


def partition(dataflow: Dataflow, device_of: Callable[[Node], Device]) -> list[Partition]:
    """Divide a dataflow among devices.

    Constants, and nodes that only find a resource, stand in every partition that uses them. For every other value there
    is one send to each device that needs it, directly after the node that makes it, and one receive there, directly
    before the first node that uses it. A control edge is cut in the same way, with an empty value.

    The order within each partition is that of one run that is simulated for all devices together, so no two partitions
    can wait for each other. Nodes on which another device depends go first; otherwise, and among nodes with effects
    always, the order is that of `dataflow`.

    Args:
        dataflow: nodes in an order in which they can run.
        device_of: where a node runs; devices of other tasks will do.
    Returns:
        The partitions of the devices that have something to do, in the order in which they first appear.
    """
    return _Divider(dataflow, device_of).divide()


class _Divider:
    def __init__(self, dataflow: Dataflow, device_of: Callable[[Node], Device]) -> None:
        self._dataflow = dataflow
        self._nodes = [node for node in dataflow.nodes if not _is_copied(node)]
        self._device = {node: device_of(node) for node in dataflow.nodes}
        self._parts: dict[Device, list[Node]] = {}
        self._copies: dict[tuple[Node, Device], Node] = {}
        self._received: dict[tuple[Edge, Device], Edge] = {}
        self._waits: dict[tuple[Node, Device], Node] = {}
        self._followers: dict[Node, list[Node]] = {}  # producer -> the sends that stand behind it
        self._sent: dict[Device, dict[Edge, None]] = {}
        self._count = 0

    def divide(self) -> list[Partition]:
        for node in _simulated_order(self._nodes, self._device):
            device = self._device[node]
            part = self._parts.setdefault(device, [])
            node.inputs = [self._local(edge, device, part) for edge in node.inputs]
            node.controls = self._local_controls(node, device, part)
            part.append(node)
        for edge in self._dataflow.fetches:
            if edge.node is not None and _is_copied(edge.node):
                self._local(edge, self._device[edge.node], self._parts.setdefault(self._device[edge.node], []))
        for node in self._dataflow.targets:
            if _is_copied(node):
                self._copy(node, self._device[node], self._parts.setdefault(self._device[node], []))
        return [self._partition(device, nodes) for device, nodes in self._parts.items()]

    def _partition(self, device: Device, ordered: list[Node]) -> Partition:
        nodes: list[Node] = []
        for node in ordered:
            nodes.append(node)
            nodes.extend(self._followers.get(node, ()))
        used = {edge for node in nodes for edge in node.inputs}
        # A fed value that is fetched as it is comes back from the first partition.
        is_first = device is next(iter(self._parts))
        fetches = [
            position
            for position, edge in enumerate(self._dataflow.fetches)
            if (is_first if edge.node is None else self._device[edge.node] is device)
        ]
        fetched = [self._fetched(self._dataflow.fetches[position], device) for position in fetches]
        used.update(fetched)
        feeds = [position for position, edge in enumerate(self._dataflow.feeds) if edge in used]
        sent = self._sent.get(device, ())
        known = set(nodes)
        sends = [node for node in nodes if node.op_def is send_op]
        targets = [self._copies.get((node, device), node) for node in self._dataflow.targets]
        result = Dataflow(
            nodes,
            [self._dataflow.feeds[position] for position in feeds],
            [*fetched, *sent],
            [*(node for node in targets if node in known), *sends],
        )
        return Partition(device, result, feeds, fetches)

    def _fetched(self, edge: Edge, device: Device) -> Edge:
        if edge.node is None or not _is_copied(edge.node):
            return edge
        return self._copies[edge.node, device].outputs[edge.output]

    def _local(self, edge: Edge, device: Device, part: list[Node]) -> Edge:
        """Return a value as a device has it; `part` gains the node that brings it, where it comes from outside."""
        node = edge.node
        if node is None:
            return edge
        if _is_copied(node):
            return self._copy(node, device, part).outputs[edge.output]
        if self._device[node] is device:
            return edge
        if (edge, device) not in self._received:
            self._received[edge, device] = self._transfer(edge, node, device, part, []).output
        return self._received[edge, device]

    def _copy(self, node: Node, device: Device, part: list[Node]) -> Node:
        copy = self._copies.get((node, device))
        if copy is None:
            types = ((edge.dtype, edge.dims) for edge in node.outputs)
            copy = self._copies[node, device] = Node(node.op_def, (), node.attrs, types, node.source, node.name)
            part.append(copy)
        return copy

    def _local_controls(self, node: Node, device: Device, part: list[Node]) -> list[Node]:
        found: list[Node] = []
        for control in node.controls:
            if _is_copied(control):
                continue  # there is nothing to wait for
            if self._device[control] is device:
                found.append(control)
                continue
            if (control, device) not in self._waits:
                empty = constant_node(_EMPTY, float32, control, name=f"{control.name}/done")
                self._followers.setdefault(control, []).append(empty)
                self._waits[control, device] = self._transfer(empty.output, control, device, part, [control])
            found.append(self._waits[control, device])
        return found

    def _transfer(self, edge: Edge, producer: Node, device: Device, part: list[Node], controls: Sequence[Node]) -> Node:
        """Add a send that follows `producer`, and return the receive, which `part` gains."""
        home = self._device[producer]
        number = self._count
        self._count += 1
        attrs = {
            "tensor_name": f"edge_{number}_{producer.name}",
            "send_device": home.name,
            "send_device_incarnation": home.incarnation,
            "recv_device": device.name,
            "client_terminated": False,
        }
        dtype = edge.dtype.base_dtype
        send = Node(
            send_op, [edge], {**attrs, "T": dtype}, (), producer.source, f"{producer.name}/_{2 * number}", controls
        )
        self._followers.setdefault(producer, []).append(send)
        if edge.node is producer:
            self._sent.setdefault(home, {})[edge] = None
        receive = Node(
            receive_op,
            (),
            {**attrs, "tensor_type": dtype},
            [(dtype, edge.dims)],
            producer.source,
            f"{producer.name}/_{2 * number + 1}",
        )
        part.append(receive)
        return receive


def _is_copied(node: Node) -> bool:
    """Tell whether a node may stand in several partitions: a constant, or what finds a resource by its name."""
    if node.inputs or node.controls:
        return False
    if node.op_def.name == "Const":
        return True
    return "resources" in node.op_def.injected and len(node.outputs) == 1 and node.outputs[0].is_handle


def _is_ordered(node: Node) -> bool:
    """Tell whether a node must keep its place among others of its kind: it has effects, or reads what has them."""
    return node.op_def.is_stateful or any(edge.is_handle for edge in (*node.inputs, *node.outputs))


def _simulated_order(nodes: Sequence[Node], device_of: dict[Node, Device]) -> list[Node]:
    """Return the nodes by the time at which each starts if every node takes one unit of time, and a transfer some."""
    position = {node: index for index, node in enumerate(nodes)}
    needs: list[set[int]] = []
    latest: dict[Device, int] = {}
    for index, node in enumerate(nodes):
        needed = {position[edge.node] for edge in node.inputs if edge.node in position}
        needed.update(position[control] for control in node.controls if control in position)
        if _is_ordered(node):
            device = device_of[node]
            if device in latest:
                needed.add(latest[device])
            latest[device] = index
        needs.append(needed)
    devices = [device_of[node] for node in nodes]
    users: list[list[int]] = [[] for _ in nodes]
    for index, needed in enumerate(needs):
        for other in needed:
            users[other].append(index)
    urgency = [0] * len(nodes)  # how many transfers are still to come on the longest way from a node
    for index in reversed(range(len(nodes))):
        for user in users[index]:
            urgency[index] = max(urgency[index], urgency[user] + (devices[user] is not devices[index]))
    waiting = [len(needed) for needed in needs]
    available = [0] * len(nodes)
    clock = dict.fromkeys(devices, 0)
    pending: dict[Device, list[tuple[int, int]]] = {device: [] for device in devices}  # by the time they can start
    ready: dict[Device, list[tuple[int, int]]] = {device: [] for device in devices}  # by their rank
    for index, count in enumerate(waiting):
        if not count:
            heapq.heappush(pending[devices[index]], (0, index))
    ordered: list[Node] = []
    while len(ordered) < len(nodes):
        start, device = min(
            (
                (clock[device] if ready[device] else max(clock[device], pending[device][0][0]), device)
                for device in clock
                if ready[device] or pending[device]
            ),
            key=lambda choice: choice[0],
        )
        while pending[device] and pending[device][0][0] <= start:
            _, index = heapq.heappop(pending[device])
            heapq.heappush(ready[device], (-urgency[index], index))
        _, index = heapq.heappop(ready[device])
        ordered.append(nodes[index])
        clock[device] = start + 1
        for user in users[index]:
            arrival = start + 1 + (_LATENCY if devices[user] is not device else 0)
            available[user] = max(available[user], arrival)
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(pending[devices[user]], (available[user], user))
    return ordered
