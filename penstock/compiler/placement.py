"""On which device each operation of a graph runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from penstock.core.device import DeviceSpecV2, as_device_spec
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.core.local_devices import Device, find_device, matches
from penstock.core.operation import Operation

# What these compute is known where their input is, and takes no reading of it.
_METADATA = frozenset({"Shape", "ShapeN", "Size", "Rank"})
# Values of these types live in the host's memory, and so do the kernels that take or give them.
_HOST_TYPES = frozenset({"string"})


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


class Placer:
    """Assigns the operations of one graph to devices. What was assigned stays, however the graph grows.

    Operations of one group share a device: those colocated by name (`_class` attributes), and those joined by a handle
    or reference of a resource. A group takes the device that its members request, the resource's own request before
    those of its users; without a request, the first device.

    Args:
        devices: where operations may go, the default device first.
        allow_soft_placement: whether a group whose request cannot be met goes to another device instead.
        log: called with a line for each operation that is placed, or None.
    """

    def __init__(
        self, devices: Sequence[Device], allow_soft_placement: bool, log: Callable[[str], None] | None = None
    ) -> None:
        self.devices = list(devices)
        self._specs = {device.name: as_device_spec(device.name) for device in devices}
        self._is_soft = allow_soft_placement
        self._log = log
        self._count = 0  # operations placed so far
        self._parents: dict[Operation, Operation] = {}  # of a forest whose trees are the groups
        self._assigned: dict[Operation, Device] = {}  # root of a group -> device
        self._known: dict[str, Device] = {}  # request -> device that meets it, for graphs with one device

    @classmethod
    def logging(cls, devices: Sequence[Device], allow_soft_placement: bool) -> Placer:
        """Return a placer that prints each placement to the standard error output."""
        return cls(devices, allow_soft_placement, _to_stderr)

    def place(self, graph: Graph) -> Callable[[Operation], Device] | None:
        """Place the operations that the graph has gained.

        Returns:
            A function from operation to device; None if all are on one and the same device.
        Raises:
            InvalidArgumentError: if a request cannot be met and placement is not soft; the message names the operation,
                the request and the devices there are.
        """
        new = graph.get_operations()[self._count :]
        if len(self.devices) == 1:
            for op in new:
                if op.device not in self._known:
                    self._known[op.device] = self._choose([op], as_device_spec(op.device))
            self._count += len(new)
            self._report(new, lambda op: self.devices[0])
            return None
        self._group(graph, new)
        members: dict[Operation, list[Operation]] = {}
        for op in new:
            members.setdefault(self._root(op), []).append(op)
        chosen: dict[Operation, Device] = {}
        for root, group in members.items():
            if root not in self._assigned:
                chosen[root] = self._place_group(group, chosen)
        self._assigned.update(chosen)
        self._count += len(new)
        self._report(new, self.device_of)
        return self.device_of

    def device_of(self, op: Operation) -> Device:
        """Return the device of an operation that was placed; one that another graph holds is on the first device."""
        return self._assigned[self._root(op)] if op in self._parents else self.devices[0]

    def _report(self, ops: Sequence[Operation], device_of: Callable[[Operation], Device]) -> None:
        if self._log is not None:
            for op in ops:
                self._log(f"{op.name}: ({op.type}): {device_of(op).name}")

    # Groups

    def _root(self, op: Operation) -> Operation:
        parents = self._parents
        while parents[op] is not op:
            parents[op] = parents[parents[op]]
            op = parents[op]
        return op

    def _group(self, graph: Graph, new: Sequence[Operation]) -> None:
        for op in new:
            self._parents[op] = op
        names: Mapping[str, Operation] = graph._by_name
        for op in new:
            for tensor in op.inputs:
                if (tensor.dtype._is_ref_dtype or tensor.dtype.name == "resource") and tensor.op in self._parents:
                    self._join(tensor.op, op)
            for group in op.attrs.get("_class") or ():
                text = group.decode() if isinstance(group, bytes) else group
                other = names.get(text.removeprefix("loc:@"))
                if other is not None and other is not op and other in self._parents:
                    self._join(other, op)

    def _join(self, first: Operation, second: Operation) -> None:
        """Make one group of two. Groups that were placed apart stay apart: their resources do not move."""
        a, b = self._root(first), self._root(second)
        if a is b or (a in self._assigned and b in self._assigned):
            return
        if b in self._assigned or (a not in self._assigned and b.index < a.index):
            a, b = b, a
        self._parents[b] = a

    def _place_group(self, group: list[Operation], chosen: Mapping[Operation, Device]) -> Device:
        """Return the device for a group, given in the order of creation: what stands first counts most."""
        spec = DeviceSpecV2()
        for op in sorted(group, key=lambda op: bool(op.inputs)):
            if op.device:
                spec = _filled(spec, as_device_spec(op.device))
        first = group[0]
        if first.type in _METADATA and spec == DeviceSpecV2():
            root = self._root(first.inputs[0].op) if first.inputs[0].op in self._parents else first
            near = self._assigned.get(root) or chosen.get(root)
            if near is not None:
                return near
        return self._choose(group, spec)

    # Devices

    def _choose(self, group: Sequence[Operation], spec: DeviceSpecV2) -> Device:
        able = [device for device in self.devices if _can_run(device, group)]
        found = find_device(able, spec)
        if found is not None:
            return found
        if self._is_soft:
            task = DeviceSpecV2(spec.job, spec.replica, spec.task)
            same_type = DeviceSpecV2(spec.job, spec.replica, spec.task, spec.device_type)
            found = find_device(able, same_type) or find_device(able, task)
            if found is not None:
                return found
        op = next(
            (op for op in group if op.device and not self._is_met(as_device_spec(op.device), able)),
            group[0],
        )
        known = ", ".join(device.name for device in self.devices)
        if any(matches(self._specs[device.name], spec) for device in self.devices):
            reason = f"has no kernel for {spec.device_type}, or for the types that it has here; the devices are"
        else:
            reason = "but available devices are"
        raise InvalidArgumentError(
            op.node_def,
            op,
            f"Cannot assign a device for operation {op.name}: {{{{node {op.name}}}}} was explicitly assigned to "
            f"{op.device or spec.to_string()} {reason} [ {known} ]. Make sure the device specification refers to a "
            f"valid device, or allow another one with ConfigProto(allow_soft_placement=True).\n\t "
            f"[[{{{{node {op.name}}}}}]]"
            + (f", created at {op.created_at[0]}:{op.created_at[1]}" if op.created_at else ""),
        )

    def _is_met(self, spec: DeviceSpecV2, devices: Sequence[Device]) -> bool:
        return find_device(devices, spec) is not None


def _filled(spec: DeviceSpecV2, request: DeviceSpecV2) -> DeviceSpecV2:
    """Return `spec` with the parts that it leaves open taken from `request`, as far as that fits."""
    if None not in (spec.device_type, request.device_type) and spec.device_type != request.device_type:
        request = request.replace(device_type=None, device_index=None)
    return request.make_merged_spec(spec)


def _can_run(device: Device, group: Sequence[Operation]) -> bool:
    """Tell whether a device has kernels for all operations of a group."""
    if device.device_type == "CPU":
        return True
    return not any(tensor.dtype.base_dtype.name in _HOST_TYPES for op in group for tensor in (*op.inputs, *op.outputs))
