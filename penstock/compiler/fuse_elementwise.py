"""Chains of elementwise operations, and of sums over rows, in one loop of machine code."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from penstock.compiler.aliasing import Aliases, may_run_anything
from penstock.compiler.constants import constant_value
from penstock.compiler.dataflow import Dataflow, Edge, Node, rewire, uses
from penstock.compiler.host_scalars import is_scalar
from penstock.compiler.work import elements, has_large_work
from penstock.core import array
from penstock.core.shape import Dims
from penstock.ops.fused.native import (
    LOWERINGS,
    MEMORY_TYPES,
    REDUCTIONS,
    ROW_OPERATIONS,
    Access,
    Chain,
    Form,
    Layout,
    Region,
    Step,
    elementwise_op,
    elementwise_update_op,
)
from penstock.ops.fused.native.elementwise import step_kernel
from penstock.ops.fused.native.region import constant_of

# Operations that take longer than it takes to write a value and to read it again.
_COSTLY = frozenset({"Atan2", "Erf", "Exp", "Sigmoid", "Tanh"})
_MOST_COSTLY = 1
# One call of machine code costs as much as two or three small kernels.
_SMALLEST = 3
# Elements of which two kernels take longer to write and read what stands between them.
_LARGE = 1 << 15
_WEIGHTS = {op: 2 if op in REDUCTIONS else 3 for op in ROW_OPERATIONS}
# Rows that are summed up stay in the first cache from one pass over them to the next.
_LONGEST_ROW = 4096
# Compiling takes longer than linear time.
_LARGEST = 128
_MOST_INPUTS = 24


class _Group:
    """Nodes that are to become one.

    Attributes:
        position: the nodes, as keys; `members` lists them in order.
        dims: the shape of their results; sums over rows, and what is computed of these, have one element for a row.
        inner: the length of a row, once an input is read by rows or rows are summed up.
        inputs: what they take from outside -> how it is read.
        updates: assignments of results to variables -> the variable.
        last: the node in whose place the group runs.
        is_closed: whether a node outside uses a result or a variable: nothing may join any more.
        repeated: nodes of other groups whose values it computes again.
    """

    def __init__(self, dims: Dims) -> None:
        self.position: dict[Node, None] = {}
        self.dims = dims
        self.inner = 0
        self.inputs: dict[Edge, Access] = {}
        self.updates: dict[Node, Edge] = {}
        self.last: Node | None = None
        self.is_closed = False
        self.repeated: set[Node] = set()

    @property
    def members(self) -> list[Node]:
        """The nodes, each after those that it takes values from."""
        return list(self.position)

    @property
    def weight(self) -> int:
        """How many kernels of a cheap operation take as long as its own."""
        return sum(_WEIGHTS.get(node.op_def.name, 1) for node in self.position)

    @property
    def is_worth_it(self) -> bool:
        """Whether it takes less time than its nodes one by one; updates of large variables always do, in place."""
        if self.weight >= _SMALLEST or self.updates and self.dims != ():
            return True
        return len(self.position) > 1 and elements(self.dims) >= _LARGE

    @property
    def kept_dims(self) -> Dims:
        """The shape of one element for each row, where the last axis is kept."""
        return (*self.dims[:-1], 1) if self.dims else None

    @property
    def row_dims(self) -> tuple[Dims, ...]:
        """The shapes of one element for each row."""
        return (self.kept_dims, self.dims[:-1]) if self.dims else ()


def fuse_elementwise(dataflow: Dataflow) -> Dataflow:
    """Replace chains of elementwise operations on results of one shape by one node that runs where the last of them
    did. Sums, means and maxima of rows, softmax and cross entropy are part of a chain.

    An assignment of a result to a variable belongs to its chain. A chain ends where something outside it uses one of
    its values, or one of the variables that it updates, so that no other node has to move. Single integers and truth
    values are left alone: they may be Python numbers. What a chain takes may be some columns of an array that is split,
    and what it gives may be columns of one array: to split and to join is a matter of addresses.

    Args:
        dataflow: nodes in an order in which they can run.
    """
    aliases = Aliases(dataflow)
    chosen = {group.last: group for group in _find_groups(dataflow, aliases) if group.is_worth_it}
    if not chosen or _gain_little(list(chosen.values()), dataflow):
        return dataflow
    used = uses(dataflow)
    fetched = set(dataflow.fetches)
    inside = {node for group in chosen.values() for node in (*group.members, *group.updates)}
    joins = _joins(dataflow, list(chosen.values()))
    order = {node: index for index, node in enumerate(dataflow.nodes)}
    kept = _repeat_cheap_steps(list(chosen.values()), used, fetched, aliases, joins, order)
    outputs: dict[Edge, Edge] = {}
    made: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in dataflow.nodes:
        if node in joins:
            continue
        if node not in inside:
            node.inputs = [outputs.get(edge, edge) for edge in node.inputs]
            nodes.append(node)
        elif node in chosen:
            group = chosen[node]
            wanted = [
                edge
                for member in group.members
                if member not in group.repeated
                for edge in member.outputs
                if edge in kept
            ]
            arrays = {edge: [edge] for edge in wanted}
            arrays |= {join.output: join.inputs[:-1] for join, owner in joins.items() if owner is group}
            fused = _fuse(group, arrays, outputs, aliases)
            outputs.update(zip(arrays, fused.outputs, strict=True))
            made.update(dict.fromkeys(group.updates, fused))
            nodes.append(fused)
    fetches = [outputs.get(edge, edge) for edge in dataflow.fetches]
    targets = list(dict.fromkeys(made.get(node, node) for node in dataflow.targets))
    return rewire(Dataflow(nodes, dataflow.feeds, fetches, targets), {})


def _gain_little(groups: Sequence[_Group], dataflow: Dataflow) -> bool:
    """Tell whether the only chain of a program is one operation beside large ones: to load LLVM for it takes longer
    than thousands of steps gain, and 70 MB of memory."""
    alone = len(groups) == 1 and len(groups[0].position) == 1 and not groups[0].updates
    return alone and has_large_work(dataflow)


def _find_groups(dataflow: Dataflow, aliases: Aliases) -> list[_Group]:
    awaited = {control for node in dataflow.nodes for control in node.controls}
    waited_for = awaited.union(dataflow.targets)
    group_of: dict[Node, _Group] = {}
    groups: dict[_Group, None] = {}
    updating: dict[Edge, _Group] = {}  # variable -> the open group that updates it
    for node in dataflow.nodes:
        producers = list(dict.fromkeys(group_of[edge.node] for edge in node.inputs if edge.node in group_of))
        if _can_join(node) and not node.controls and node not in waited_for:
            joined = _join(producers, node)
            if joined is not None:
                for group in producers:
                    if next(iter(group.position)) in joined.position:
                        groups.pop(group, None)
                    else:
                        group.is_closed = True
                groups[joined] = None
                group_of.update(dict.fromkeys(joined.members, joined))
                updating.update(dict.fromkeys(joined.updates.values(), joined))
                continue
        touched = [variable for edge in node.inputs if edge.is_handle for variable in aliases.of(edge)]
        if may_run_anything(node):
            touched += updating
        for variable in touched:
            if variable in updating:
                updating.pop(variable).is_closed = True
        if len(producers) == 1 and not node.controls and node not in awaited and _is_update(node, producers[0]):
            if len(touched) == 1:
                producers[0].updates[node] = touched[0]
                producers[0].last = node
                updating[touched[0]] = producers[0]
                continue
        if len(producers) > 1 and node not in waited_for and _puts_together(node, [*producers]):
            # What one node puts next to each other, one group writes there.
            joined = _union(producers, producers[0].dims)
            if joined is not None:
                order = {member: None for member in dataflow.nodes if member in joined.position}
                joined.position, joined.last = order, next(reversed(order))
                for group in producers:
                    groups.pop(group)
                groups[joined] = None
                group_of.update(dict.fromkeys(joined.members, joined))
                producers = [joined]
        for group in producers:
            group.is_closed = True
    return list(groups)


def _puts_together(node: Node, groups: list[_Group]) -> bool:
    """Tell whether a node joins, by their last axis, results of groups that nothing else has used yet."""
    if not _joins_columns(node):
        return False
    dims = groups[0].dims
    return (
        all(edge.dims == dims for edge in node.inputs[:-1])
        and all(any(edge.node in group.position for group in groups) for edge in node.inputs[:-1])
        and all(not group.is_closed and not group.updates and group.dims == dims for group in groups)
    )


def _joins_columns(node: Node) -> bool:
    """Tell whether a node puts matrices, or what is like them, of known widths next to each other."""
    if node.op_def.name != "ConcatV2" or node.controls:
        return False
    axis, dims = constant_value(node.inputs[-1]), node.inputs[0].dims
    return axis is not None and _width(dims) is not None and axis.item() in (-1, len(dims or ()) - 1)


def _joins(dataflow: Dataflow, groups: list[_Group]) -> dict[Node, _Group]:
    """Return the nodes that put results of one group next to each other, which the group can do itself."""
    group_of = {node: group for group in groups if not group.updates for node in group.members}
    waited_for = {control for node in dataflow.nodes for control in node.controls}.union(dataflow.targets)
    found: dict[Node, _Group] = {}
    for node in dataflow.nodes:
        if node in waited_for or not _joins_columns(node):
            continue
        parts = node.inputs[:-1]
        makers = {group_of.get(edge.node) if edge.node is not None else None for edge in parts}
        group = makers.pop()
        if not makers and group is not None and all(edge.dims == group.dims for edge in parts):
            found[node] = group
    return found


def _width(dims: Dims) -> int | None:
    """Return the number of columns of a matrix, or of what is like one, if it is known and not 0."""
    return dims[-1] or None if dims is not None and len(dims) >= 2 else None


def _columns_of(edge: Edge, width: int | None) -> tuple[Edge, int] | None:
    """Return the array that a value is some of the columns of, and the first of them."""
    node = edge.node
    if node is None or node.controls or width is None or _width(edge.dims) != width:
        return None
    if node.op_def.name == "Split":
        axis, whole = node.inputs
    elif node.op_def.name == "SplitV":
        whole, _, axis = node.inputs
    else:
        return None
    place = constant_value(axis)
    widths = [_width(part.dims) for part in node.outputs]
    known = [size for size in widths if size is not None]
    if place is None or len(known) < len(widths) or _width(whole.dims) != sum(known) or whole.is_handle:
        return None
    return (whole, sum(known[: edge.output])) if place.item() in (-1, len(edge.dims or ()) - 1) else None


def _repeat_cheap_steps(
    groups: list[_Group],
    used: dict[Edge, list[Node]],
    fetched: set[Edge],
    aliases: Aliases,
    joins: dict[Node, _Group],
    order: dict[Node, int],
) -> set[Edge]:
    """Let groups compute anew what an earlier group would write for them alone, where they read less memory so.

    Args:
        groups: all groups.
        used: value -> what uses it.
        fetched: what is fetched.
        aliases: which values are those of variables.
        joins: what puts results of a group next to each other -> the group.
        order: where each node stands in an order in which they can run.
    Returns:
        The values that groups are to give out, other than joined.
    """
    group_of = {node: group for group in groups for node in (*group.members, *group.updates)} | joins
    kept = {
        edge
        for group in groups
        for node in group.members
        for edge in node.outputs
        if edge in fetched or any(group_of.get(user) is not group for user in used.get(edge, ()))
    }
    for group in groups:
        for earlier in dict.fromkeys(group_of[edge.node] for edge in group.inputs if edge.node in group_of):
            taken = [
                edge
                for edge in group.inputs
                if edge.node in earlier.position
                and edge not in fetched
                and all(group_of.get(user) in (earlier, group) for user in used[edge])
            ]
            steps = _steps_to(taken, earlier)
            if steps is None or earlier.dims != group.dims or len(group.position) + len(steps) > _LARGEST:
                continue
            needed = {edge: earlier.inputs[edge] for node in steps for edge in node.inputs if edge in earlier.inputs}
            more = [edge for edge, access in needed.items() if access is Access.FULL and edge not in group.inputs]
            rows = {inner for inner in (group.inner, earlier.inner) if inner}
            if len(more) >= len(taken) or len(rows) > 1:
                continue
            if earlier.updates or group.updates or any(aliases.of(edge) for edge in needed):
                continue  # a variable may have changed by then
            position = dict.fromkeys(sorted({*steps, *group.position}, key=order.__getitem__))
            inputs = {edge: access for edge, access in group.inputs.items() if edge not in taken} | needed
            inputs = {edge: access for edge, access in inputs.items() if edge.node not in position}
            if Access.FULL not in inputs.values():
                continue  # nothing would tell the shape
            group.inputs = inputs
            group.inner = max(rows, default=0)
            group.position = position
            group.repeated.update(steps)
            kept.difference_update(taken)
    return kept


def _steps_to(edges: list[Edge], group: _Group) -> list[Node] | None:
    """Return the nodes of a group that compute some of its values, None where it is not cheap to do so twice."""
    if not edges or any(edge.dims != group.dims for edge in edges):
        return None
    found = {edge.node for edge in edges}
    for node in reversed(group.members):
        if node in found:
            found.update(edge.node for edge in node.inputs if edge.node in group.position)
    steps = [node for node in group.members if node in found]
    costly = sum(node.op_def.name in _COSTLY for node in steps)
    if costly > _MOST_COSTLY or any(
        node.op_def.name not in LOWERINGS or node.output.dims != group.dims for node in steps
    ):
        return None
    return steps


def _can_join(node: Node) -> bool:
    if node.op_def.name in ROW_OPERATIONS:
        return _works_on_rows(node)
    if node.op_def.name == "BroadcastTo":
        return node.output.dims is not None and None not in node.output.dims and node.output.dtype.name in _BROADCAST
    return is_elementwise(node) and not is_scalar(node.output)


def _works_on_rows(node: Node) -> bool:
    """Tell whether machine code can be made for an operation on the last axis."""
    dims, dtype = node.inputs[0].dims, node.inputs[0].dtype.name
    if dims is None or len(dims) < 2 or dims[-1] is None or not 1 < dims[-1] <= _LONGEST_ROW:
        return False
    if node.op_def.name in REDUCTIONS:
        axes = constant_value(node.inputs[1])
        if axes is None or axes.ravel().tolist() not in ([-1], [len(dims) - 1]):
            return False
        return dtype in ("float32", "float64") and node.output.dtype.name in MEMORY_TYPES
    if node.op_def.name == "SparseSoftmaxCrossEntropyWithLogits":
        return dtype == "float32" and node.inputs[1].dims == dims[:-1]
    return dtype == "float32" and all(edge.dims == dims for edge in node.inputs)


def _is_update(node: Node, group: _Group) -> bool:
    """Tell whether a node assigns a result of an open group to a variable."""
    return (
        node.op_def.name == "AssignVariableOp"
        and not node.attrs["validate_shape"]
        and not group.is_closed
        and node.inputs[1].dtype == node.attrs["dtype"]
        and node.inputs[1].dims == group.dims
    )


def is_elementwise(node: Node) -> bool:
    """Tell whether machine code can be made for a node."""
    found = LOWERINGS.get(node.op_def.name)
    if found is None or node.output.dims is None:
        return False
    if node.op_def.name == "Select" and node.inputs[0].dims not in (node.output.dims, ()):
        return False  # a vector chooses rows
    if node.op_def.name == "BiasAdd" and node.attrs["data_format"] != "NHWC":
        return False
    if node.op_def.name == "Bitcast" and not _keeps_size(node):
        return False
    types = [edge.dtype for edge in (*node.inputs, *node.outputs)]
    return types[0].name in found[0] and all(t.name in MEMORY_TYPES and not t._is_ref_dtype for t in types)


def _keeps_size(node: Node) -> bool:
    (source,), target = node.inputs, node.output
    return source.dtype.size == target.dtype.size and source.dims == target.dims and not target.dtype.is_bool


def _join(producers: list[_Group], node: Node) -> _Group | None:
    """Return the group of a node together with those that it takes values from, as far as they fit, or None."""
    works_on_rows = node.op_def.name in ROW_OPERATIONS
    dims = node.inputs[0].dims if works_on_rows else node.output.dims
    open_groups = [group for group in producers if not group.is_closed and group.dims == dims]
    for merged in (open_groups, open_groups[:1]):
        found = _merge(merged, node, dims) if merged else None
        if found is not None:
            return found
    for group in producers:
        if not group.is_closed and not works_on_rows and dims in group.row_dims:
            found = _merge([group], node, group.dims)
            if found is not None:
                return found
    return _merge([], node, dims)


def _union(groups: list[_Group], dims: Dims) -> _Group | None:
    """Return one group of the nodes of several, or None where their rows do not fit or there are too many."""
    if sum(len(group.position) for group in groups) > _LARGEST:
        return None
    result = _Group(dims)
    for group in groups:
        if group.inner and result.inner not in (0, group.inner):
            return None
        result.inner = result.inner or group.inner
        result.inputs.update(group.inputs)
        result.updates.update(group.updates)
        result.position.update(dict.fromkeys(group.members))
    return result if len(result.inputs) <= _MOST_INPUTS else None


def _merge(groups: list[_Group], node: Node, dims: Dims) -> _Group | None:
    result = groups[0] if len(groups) == 1 else _union(groups, dims)
    if result is None or len(result.position) >= _LARGEST:
        return None
    inner = result.inner
    is_sum = node.op_def.name in ROW_OPERATIONS
    if is_sum:
        assert dims is not None
        row = dims[-1] or 0
        if inner not in (0, row):
            return None
        inner = row
    is_for_rows = not is_sum and node.output.dims != dims
    is_broadcast = node.op_def.name == "BroadcastTo"
    added: dict[Edge, Access] = {}
    for place, edge in enumerate(_operands(node)):
        is_label = place == 1 and node.op_def.name == "SparseSoftmaxCrossEntropyWithLogits"
        if edge.node in result.position:
            if is_for_rows:
                fits = edge.dims == node.output.dims
            elif is_broadcast:
                fits = edge.dims == result.kept_dims
            else:
                fits = edge.dims == dims or edge.dims == result.kept_dims and not is_sum
            if not fits or is_label:
                return None
            continue
        if is_broadcast:
            return None
        if number_of(edge) is not None:
            continue
        if is_label or is_for_rows and edge.dims == node.output.dims:
            found: tuple[Access, int] | None = (Access.COLUMN, inner)
        else:
            found = _access(edge.dims, dims, inner)
        if found is None or result.inputs.get(edge, found[0]) is not found[0]:
            return None
        if is_for_rows and found[0] not in (Access.COLUMN, Access.SCALAR):
            return None
        if is_sum and not is_label and found[0] is not Access.FULL:
            return None
        if edge not in result.inputs:
            added[edge], inner = found
    inputs = {**result.inputs, **added}
    if len(inputs) > _MOST_INPUTS or Access.FULL not in inputs.values():
        return None
    result.inputs, result.inner = inputs, inner
    result.position[node] = None
    result.last = node
    return result


def _operands(node: Node) -> list[Edge]:
    """Return the inputs that are values, not axes or shapes."""
    if node.op_def.name in REDUCTIONS or node.op_def.name == "BroadcastTo":
        return node.inputs[:1]
    return node.inputs


def _access(dims: Dims, result: Dims, inner: int) -> tuple[Access, int] | None:
    """Return how an input of one shape is read for results of another, and the length of a row from then on."""
    if dims is None or result is None:
        return None
    if dims == result:
        return Access.FULL, inner
    if len(dims) <= len(result) and all(size == 1 for size in dims):
        return Access.SCALAR, inner
    if None in dims[1:] or None in result[1:]:
        return None
    if len(dims) < len(result) and dims == result[len(result) - len(dims) :]:
        size = math.prod(dims)  # type: ignore[arg-type]
        return (Access.ROW, size) if size and inner in (0, size) else None
    if len(dims) == len(result):
        same = next(index for index, (a, b) in enumerate(zip(dims, result, strict=True)) if a != b)
        if same and all(size == 1 for size in dims[same:]):
            size = math.prod(result[same:])  # type: ignore[arg-type]
            return (Access.COLUMN, size) if size and inner in (0, size) else None
    return None


def number_of(edge: Edge) -> Any:
    """Return the value of a constant that has one element, else None."""
    value = constant_value(edge)
    if value is None or value.size != 1 or value.ndim or value.dtype.name not in _NUMBERS:
        return None
    number = value.item()
    return number if not isinstance(number, float) or math.isfinite(number) else None


_NUMBERS = frozenset({"float32", "float64", "int32", "int64", "bool"})
_BROADCAST = frozenset({"float32", "float64"})


def _fuse(group: _Group, arrays: dict[Edge, list[Edge]], outputs: dict[Edge, Edge], aliases: Aliases) -> Node:
    """Return the node that computes values of a group, and updates its variables.

    Args:
        group: the group.
        arrays: each value that it is to give -> its own values that stand in it next to each other.
        outputs: what is known by other values by now.
        aliases: which values are those of variables.
    """
    members = group.members
    position = {edge: index for index, edge in enumerate(edge for node in members for edge in node.outputs)}
    steps, kernels, numbers = steps_of(members, {edge: index for index, edge in enumerate(group.inputs)})
    assigned = [update.inputs[1] for update in group.updates]
    made = [*assigned, *(edge for edges in arrays.values() for edge in edges)]
    region = Region(
        tuple((edge.dtype.name, access) for edge, access in group.inputs.items()),
        steps,
        tuple(position[edge] for edge in made),
        group.inner,
        tuple(
            _overwritten(group, value, variable, aliases) for value, variable in zip(assigned, group.updates.values())
        ),
    )
    forms = tuple(
        Form.FULL if edge.dims == group.dims else Form.KEPT if edge.dims == group.kept_dims else Form.DROPPED
        for edge in made
    )
    taken, layout = list(group.inputs), None
    if not group.updates:
        taken, layout = _layout(group, [len(edges) for edges in arrays.values()])
    attrs = {
        "chain": Chain(region, kernels, numbers, tuple(edge.node for edge in position), forms, layout),
        "Tin": [edge.dtype.base_dtype for edge in taken],
        "Tout": [edge.dtype for edge in arrays],
    }
    given = [outputs.get(edge, edge) for edge in taken]
    types = [(edge.dtype, edge.dims) for edge in arrays]
    last = members[-1]
    if not group.updates:
        return Node(elementwise_op, given, attrs, types, last.source, last.name)
    attrs["N"] = len(group.updates)
    given += [update.inputs[0] for update in group.updates]
    assert group.last is not None
    return Node(elementwise_update_op, given, attrs, types, group.last.source, group.last.name)


def _layout(group: _Group, counts: list[int]) -> tuple[list[Edge], Layout | None]:
    """Return the arrays that a group takes, and where its inputs and outputs lie in them and in what it makes.

    Args:
        group: the group.
        counts: for each array to make, the number of values that stand in it.
    """
    width = _width(group.dims)
    taken: dict[tuple[Edge, bool], int] = {}
    columns: list[int | None] = []
    inputs: list[tuple[int, int | None]] = []
    for edge, access in group.inputs.items():
        part = _columns_of(edge, width) if access is Access.FULL else None
        array, first = part if part is not None else (edge, None)
        key = array, first is None
        if key not in taken:
            taken[key] = len(taken)
            columns.append(None if first is None else _width(array.dims))
        inputs.append((taken[key], first))
    if width is None or all(first is None for _, first in inputs) and counts == [1] * len(counts):
        return list(group.inputs), None
    starts = [sum(counts[:index]) for index in range(len(counts))]
    made = tuple(tuple(range(start, start + count)) for start, count in zip(starts, counts, strict=True))
    return [array for array, _ in taken], Layout(tuple(inputs), tuple(columns), made, width)


def _overwritten(group: _Group, value: Edge, variable: Edge, aliases: Aliases) -> int:
    """Return which input of a group lies in the memory of a variable that takes one of its results, and may be
    overwritten, or -1."""
    if group.inner:
        return -1
    held = [index for index, edge in enumerate(group.inputs) if variable in aliases.of(edge)]
    if len(held) != 1:
        return -1
    edge = list(group.inputs)[held[0]]
    is_read = edge.node is not None and edge.node.op_def.name == "ReadVariableOp"
    fits = edge.dtype == value.dtype and group.inputs[edge] is Access.FULL
    return held[0] if is_read and fits else -1


def steps_of(
    members: list[Node], inputs: dict[Edge, int]
) -> tuple[tuple[Step, ...], tuple[Callable[..., Any], ...], tuple[dict[int, Any], ...]]:
    """Return what a chain needs of its nodes: steps, kernels and numbers; see `penstock.ops.fused.native.region.Chain`.

    Args:
        members: elementwise nodes, each after those that it takes values from.
        inputs: the values from outside that are not numbers -> their positions among the chain's inputs.
    """
    position = {edge: index for index, edge in enumerate(edge for node in members for edge in node.outputs)}
    steps: list[Step] = []
    kernels: list[Callable[..., Any]] = []
    numbers: list[dict[int, Any]] = []
    for node in members:
        operands: list[tuple[str, Any]] = []
        values: dict[int, Any] = {}
        given = _operands(node)
        for place, edge in enumerate(given):
            if edge in position:
                operands.append(("step", position[edge]))
            elif edge in inputs:
                operands.append(("input", inputs[edge]))
            else:
                operands.append(("number", constant_of(number_of(edge))))
                values[place] = array.from_numpy(edge.node.attrs["value"], copy=True)  # type: ignore[union-attr]
        dtypes = tuple(edge.dtype.name for edge in given)
        factor = constant_of(node.attrs.get("factor", 0))
        for output in node.outputs:
            steps.append(Step(node.op_def.name, tuple(operands), output.dtype.name, dtypes, factor, output.output))
            kernels.append(_kernel(node, output.output))
            numbers.append(values)
    return tuple(steps), tuple(kernels), tuple(numbers)


def _kernel(node: Node, output: int) -> Callable[..., Any]:
    """Return what computes one output of a node from its operands."""
    op_def = node.op_def
    if op_def.name == "BroadcastTo":
        return partial(op_def.kernel, shape=list(node.output.dims or ()))
    if op_def.name == "ArgMax":
        return partial(op_def.kernel, dimension=-1, output_type=node.attrs["output_type"])
    if op_def.name in REDUCTIONS:
        axes = constant_value(node.inputs[1])
        assert axes is not None
        keeps = node.attrs["keep_dims"]
        return partial(op_def.kernel, reduction_indices=axes.ravel().tolist(), keep_dims=keeps)
    kernel = step_kernel(op_def, node.attrs)
    return kernel if len(node.outputs) == 1 else lambda *values: kernel(*values)[output]
