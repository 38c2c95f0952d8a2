"""TensorFlow 1's loops raised to While.

A loop is a frame of nodes around one LoopCond. Each loop variable enters through Enter and meets its next value in a
Merge; a Switch sends it on to the body, and to Exit when the loop is over; NextIteration carries the next value back.
What the loop does not change enters through an Enter that is constant. So everything follows from the LoopCond: the
Switches that it decides name the variables, what it depends on is the condition, and what the NextIterations depend on
is the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from penstock.graphs.nodes import Argument, Body, Node, Ref, needed_names, unique_name
from penstock.graphs.raise_branches import settle

_ENTER = ("Enter", "RefEnter")
_EXIT = ("Exit", "RefExit")
_MERGE = ("Merge", "RefMerge")
_NEXT = ("NextIteration", "RefNextIteration")
_SWITCH = ("Switch", "RefSwitch")


class _Variable:
    """One loop variable: the nodes that carry it round."""

    def __init__(self, merge: Node, switch: Node, enter: Node, following: Node) -> None:
        self.merge = merge
        self.switches = [switch]
        self.enter = enter
        self.following = following


def raise_loops(nodes: list[Node]) -> list[Node]:
    """Return nodes in which each loop of Enter, Merge, Switch, NextIteration and Exit is one While.

    The Exits become Identities of the While's outputs, under their names.

    Args:
        nodes: the nodes of a graph or of a function's body.
    Raises:
        ValueError: if the nodes of a loop do not fit together.
    """
    if not any(node.op == "LoopCond" for node in nodes):
        stray = [node.name for node in nodes if node.op in (*_ENTER, *_EXIT, *_NEXT)]
        if stray:
            raise ValueError(f"Node {stray[0]!r} belongs to a loop that has no LoopCond")
        return nodes
    return _Loops(nodes).run()


class _Loops:
    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.original = list(nodes)
        self.taken = set(self.nodes)
        self.raised: dict[str, Node] = {}  # name of a LoopCond -> its While
        self.active: set[str] = set()
        self.switches: dict[str, list[Node]] = {}  # name of a LoopCond -> the Switches that it decides
        self.exits: dict[str, list[Node]] = {}  # name of a Switch -> its Exits
        for node in nodes:
            if node.op in _SWITCH and self._op(node.inputs[1]) == "LoopCond":
                self.switches.setdefault(node.inputs[1].node, []).append(node)
            if node.op in _EXIT:
                self.exits.setdefault(node.inputs[0].node, []).append(node)

    def _op(self, ref: Ref) -> str:
        node = self.nodes.get(ref.node)
        return "" if node is None else node.op

    def run(self) -> list[Node]:
        inside = self._inside_loops()
        for node in self.original:
            if node.op == "LoopCond":
                self.raise_loop(node)
        # What depends on a node within a loop, and on no Exit, is within the loop, too: inner loops, for example.
        users = _users(self.nodes.values())
        stack = list(inside)
        while stack:
            for user in users.get(stack.pop(), ()):
                if user not in inside:
                    inside.add(user)
                    stack.append(user)
        return [node for node in self.nodes.values() if node.name not in inside]

    def _inside_loops(self) -> set[str]:
        """Return the names of the nodes that depend on an Enter otherwise than by an Exit."""
        users = _users(self.original)
        inside: set[str] = set()
        stack = [node.name for node in self.original if node.op in _ENTER]
        while stack:
            name = stack.pop()
            if name not in inside and self.nodes[name].op not in _EXIT:
                inside.add(name)
                stack.extend(users.get(name, ()))
        return inside

    def _loop_switch(self, leave: Node) -> Node:
        switch = self.nodes.get(leave.inputs[0].node)
        if switch is None or switch.op not in _SWITCH or self._op(switch.inputs[1]) != "LoopCond":
            raise ValueError(
                f"Node {leave.name!r}: {leave.op} must take the output of a Switch that a LoopCond decides"
            )
        return switch

    def raise_loop(self, condition: Node) -> None:
        """Replace one loop by a While, after the loops within it."""
        if condition.name in self.raised:
            return
        if condition.name in self.active:
            raise ValueError(f"Node {condition.name!r}: the loop contains itself")
        self.active.add(condition.name)
        variables = self._variables(condition)
        invariants: dict[str, Node] = {}
        stops = {v.merge.name: i for i, v in enumerate(variables)}
        stops |= {switch.name: i for i, v in enumerate(variables) for switch in v.switches}
        test = self._collect([condition.inputs[0]], stops, invariants)
        followed = [v.following.inputs[0] for v in variables]
        followed += [Ref(name) for v in variables for name in v.following.controls]
        body = self._collect(followed, stops, invariants)
        names = [unique_name(f"{v.merge.name}/variable", self.taken) for v in variables]
        names += [unique_name(f"{name}/invariant", self.taken) for name in invariants]
        substitute = {Ref(v.merge.name): Ref(names[i]) for i, v in enumerate(variables)}
        for i, v in enumerate(variables):
            substitute |= {Ref(switch.name, 1): Ref(names[i]) for switch in v.switches}
        substitute |= {
            Ref(name): Ref(argument) for name, argument in zip(invariants, names[len(variables) :], strict=True)
        }
        entering = [*(v.enter for v in variables), *invariants.values()]
        arguments = [Argument(name, is_ref=enter.op == "RefEnter") for name, enter in zip(names, entering, strict=True)]
        scope = condition.name.rsplit("/", 1)[0] if "/" in condition.name else condition.name

        def make(suffix: str, inside: Iterable[Node], outputs: list[Ref | None]) -> Body:
            final = [None if ref is None else substitute.get(ref, ref) for ref in outputs]
            nodes, final = settle(_rewritten(inside, lambda ref: substitute.get(ref, ref)), final)
            return Body(f"{scope.replace('/', '_')}_{suffix}", arguments, nodes, final)

        following: list[Ref | None] = [v.following.inputs[0] for v in variables]
        following += [Ref(name) for name in names[len(variables) :]]
        loop = Node(
            unique_name(f"{scope}/While", self.taken),
            "While",
            [enter.inputs[0] for enter in entering],
            [name for enter in entering for name in enter.controls],
            {
                "cond": make("cond", test, [condition.inputs[0]]),
                "body": make("body", body, following),
                "parallel_iterations": entering[0].attrs.get("parallel_iterations"),
            },
            condition.device,
        )
        if loop.attrs["parallel_iterations"] is None:
            del loop.attrs["parallel_iterations"]
        self.nodes[loop.name] = loop
        self.raised[condition.name] = loop
        for i, v in enumerate(variables):
            for switch in v.switches:
                for leave in self.exits.get(switch.name, ()):
                    if leave.inputs[0].output != 0:
                        raise ValueError(f"Node {leave.name!r}: Exit must take output 0 of {switch.name!r}")
                    self.nodes[leave.name] = leave.copy(op="Identity", inputs=[Ref(loop.name, i)])
        self.active.discard(condition.name)

    def _variables(self, condition: Node) -> list[_Variable]:
        found: dict[str, _Variable] = {}
        for switch in self.switches.get(condition.name, ()):
            merge = self.nodes.get(switch.inputs[0].node)
            if merge is None or merge.op not in _MERGE:
                raise ValueError(f"Node {switch.name!r}: Switch in a loop must take the output of a Merge")
            if merge.name in found:
                found[merge.name].switches.append(switch)
                continue
            entering = [self.nodes[ref.node] for ref in merge.inputs if self._op(ref) in _ENTER]
            following = [self.nodes[ref.node] for ref in merge.inputs if self._op(ref) in _NEXT]
            if len(entering) != 1 or len(following) != 1:
                raise ValueError(
                    f"Node {merge.name!r}: Merge in a loop must take one Enter and one NextIteration, got "
                    f"{', '.join(str(ref) for ref in merge.inputs)}"
                )
            found[merge.name] = _Variable(merge, switch, entering[0], following[0])
        if not found:
            raise ValueError(f"Node {condition.name!r}: LoopCond decides no Switch")
        return list(found.values())

    def _collect(self, wanted: list[Ref], stops: dict[str, int], invariants: dict[str, Node]) -> list[Node]:
        """Return the nodes within the loop that some values need; note the Enters that they meet."""
        found: set[str] = set()
        stack = [ref.node for ref in wanted]
        while stack:
            name = stack.pop()
            if name in found or name in stops:
                continue
            node = self.nodes.get(name)
            if node is None:
                continue
            if node.op in _ENTER:
                invariants.setdefault(name, node)
                continue
            if node.op in _EXIT:
                self.raise_loop(self.nodes[self._loop_switch(node).inputs[1].node])
                node = self.nodes[name]
            if node.op == "LoopCond":
                continue  # to wait for the decision to go on is to wait for nothing
            found.add(name)
            stack.extend(ref.node for ref in node.inputs)
            stack.extend(node.controls)
        return [node for name, node in self.nodes.items() if name in found]


def _users(nodes: Iterable[Node]) -> dict[str, list[str]]:
    """Return the names of the nodes that take something of, or wait for, each node."""
    users: dict[str, list[str]] = {}
    for node in nodes:
        for name in needed_names(node):
            users.setdefault(name, []).append(node.name)
    return users


def _rewritten(nodes: Iterable[Node], substitute: Callable[[Ref], Ref]) -> list[Node]:
    """Return copies of nodes that take other values, and wait only for one another."""
    kept = list(nodes)
    names = {node.name for node in kept}
    # To wait for a loop variable is to wait for nothing, once the body is a function of it.
    pivots = {
        node.name
        for node in kept
        if node.op == "Identity" and not node.controls and substitute(node.inputs[0]) != node.inputs[0]
    }
    return [
        node.copy(
            inputs=[substitute(ref) for ref in node.inputs],
            controls=[name for name in node.controls if name in names and name not in pivots],
        )
        for node in kept
    ]
