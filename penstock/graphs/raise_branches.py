"""TensorFlow 1's branches raised to If.

A Switch sends a value to one of two sides, as a predicate decides; what depends on the other side is dead and does not
run; a Merge lets through the value that is alive. So every node runs under conditions: which predicates must be true or
false for it to be alive. They follow from the Switches that it depends on, and a Merge lifts the one in which its two
inputs differ.

The nodes under one predicate become the branches of an If, whose outputs are the Merges. Where a later part under the
same predicate depends on such a Merge, as the gradient of a branch does, it becomes a second If, and what it uses of
the values inside the first is given out by the first as further outputs.
"""

from __future__ import annotations

from penstock.formats import protos
from penstock.graphs.nodes import Argument, Body, CycleError, Node, Ref, in_order, needed_names, unique_name

_MERGE = ("Merge", "RefMerge")
_SWITCH = ("Switch", "RefSwitch")
_INT32 = 3

Conditions = frozenset[tuple[Ref, int]]  # predicates, and whether each is true


def raise_branches(nodes: list[Node]) -> list[Node]:
    """Return nodes in which Switches and Merges are If operations.

    The Merges become Identities of the If's outputs, under their names. What is in a branch and reaches no Merge is
    left out: nothing outside can ask for it.

    Args:
        nodes: the nodes of a graph or of a function's body, without loops.
    Raises:
        ValueError: if a Merge does not join the two sides of one predicate.
    """
    if not any(node.op in _SWITCH for node in nodes):
        return nodes
    return _Branches(nodes).run()


def settle(nodes: list[Node], outputs: list[Ref | None]) -> tuple[list[Node], list[Ref | None]]:
    """Return nodes without the Switches that have no choice, because the outputs must be alive.

    The gradient of a loop that is in a branch is such a loop: it runs if the branch did, and what it takes from there
    goes through Switches, but it joins nothing.

    Args:
        nodes: the nodes of a body.
        outputs: what it returns, which is alive whenever the body runs.
    Returns:
        The nodes, with Identities for these Switches and without what is never alive, and the outputs.
    """
    if not any(node.op in _SWITCH for node in nodes):
        return nodes, outputs
    free = _Branches(nodes)
    certain = {predicate: side for ref in outputs if ref for predicate, side in free.of_value(ref) or ()}
    if not certain:
        return nodes, outputs
    settled = _Branches(nodes, certain)
    switches = {name: certain[predicate] for name, predicate in settled.decided_by.items() if predicate in certain}

    def alive(ref: Ref) -> Ref:
        return Ref(ref.node) if ref.node in switches else ref

    found = []
    for node in settled.alive():
        op = "Identity" if node.name in switches else node.op
        inputs = node.inputs[:1] if node.name in switches else node.inputs
        found.append(node.copy(op=op, inputs=[alive(ref) for ref in inputs]))
    return found, [None if ref is None else alive(ref) for ref in outputs]


class _Branches:
    """The branches of a graph.

    Args:
        nodes: the nodes, without loops.
        certain: predicates that are known -> whether they are true.
    """

    def __init__(self, nodes: list[Node], certain: dict[Ref, int] | None = None) -> None:
        self.certain = certain or {}
        self.order = in_order(nodes)
        self.nodes = {node.name: node for node in self.order}
        self.taken = set(self.nodes)
        self.conditions: dict[str, Conditions | None] = {}  # None for what is never alive
        self.merged: dict[str, Ref] = {}  # name of a Merge -> the predicate that it lifts
        self.if_true: dict[str, int] = {}  # name of a Merge -> which of its inputs comes if that is true
        self.asked = {ref.node for node in self.order for ref in node.inputs if ref.output == 1}  # which input it was
        self.decided_by = {n.name: self.predicate(n.inputs[1]) for n in self.order if n.op in _SWITCH}
        for node in self.order:
            self.conditions[node.name] = self._conditions_of(node)

    def run(self) -> list[Node]:
        return self._structure(self.alive(), frozenset(), [], [])[0]

    def alive(self) -> list[Node]:
        """Return the nodes that may run; a Merge of which only one input may come is an Identity."""
        return [self.nodes[node.name] for node in self.order if self.conditions[node.name] is not None]

    # Under which conditions a node runs

    def predicate(self, ref: Ref) -> Ref:
        """Return where a predicate comes from: Identities of one predicate are one predicate."""
        while ref.output == 0 and ref.node in self.nodes and self.nodes[ref.node].op == "Identity":
            ref = self.nodes[ref.node].inputs[0]
        return ref

    def of_value(self, ref: Ref) -> Conditions | None:
        """Return under which conditions a value is alive."""
        found = self.conditions.get(ref.node, frozenset())
        node = self.nodes.get(ref.node)
        if found is None or node is None or node.op not in _SWITCH:
            return found
        side = self.certain.get(self.decided_by[node.name])
        if side is not None:
            return found if side == ref.output else None
        return _both(found, frozenset([(self.decided_by[node.name], ref.output)]))

    def _conditions_of(self, node: Node) -> Conditions | None:
        found: Conditions | None
        if node.op in _MERGE:
            found = self._conditions_of_merge(node)
        elif node.op == "ControlTrigger":
            return frozenset()  # runs when all that it waits for has run or is known to be dead
        else:
            found = frozenset()
            for ref in node.inputs:
                found = _both(found, self.of_value(ref))
        for name in node.controls:
            found = _both(found, self.conditions.get(name, frozenset()))
        return found

    def _conditions_of_merge(self, node: Node) -> Conditions | None:
        arriving = [(ref, self.of_value(ref)) for ref in node.inputs]
        alive = [(ref, found) for ref, found in arriving if found is not None]
        # One that is alive whenever the other is, and oftener, such as a shape that is known, may come in any case,
        # unless somebody asks which of them came.
        for ref, found in alive:
            if all(found < other for rest, other in alive if rest != ref) and node.name not in self.asked:
                attrs = {key: value for key, value in node.attrs.items() if key != "N"}
                self.nodes[node.name] = node.copy(op="Identity", inputs=[ref], attrs=attrs)
                return found
        if not alive:
            return None
        if len(alive) == 2:
            one, other = alive[0][1], alive[1][1]
            sides = dict(other)
            lifted = [p for p, side in one if p in sides and sides[p] != side]
            if lifted:
                # Several predicates may differ at once; what decides is the one found outermost.
                predicate = min(lifted, key=self._depth)
                self.merged[node.name] = predicate
                self.if_true[node.name] = node.inputs.index(alive[0][0] if (predicate, 1) in one else alive[1][0])
                return frozenset(item for item in one & other if item[0] != predicate)
        raise ValueError(
            f"Node {node.name!r}: {node.op} must join the two sides of one predicate, but its inputs "
            f"{', '.join(str(ref) for ref in node.inputs)} do not differ in one"
        )

    def _depth(self, predicate: Ref) -> int:
        return len(self.of_value(predicate) or ())

    # Putting branches together

    def _structure(
        self, nodes: list[Node], base: Conditions, wanted: list[Ref | None], effects: list[str]
    ) -> tuple[list[Node], list[Ref | None]]:
        """Put what runs under more conditions than the rest into If operations.

        Args:
            nodes: nodes that run under `base` and possibly more conditions.
            base: what they have in common.
            wanted: values that somebody asks for.
            effects: names of nodes that must run, where their conditions hold.
        Returns:
            Nodes that all run under `base`, and where the wanted values are found among them.
        """
        owner: dict[str, tuple[Ref, int]] = {}  # a node under more conditions -> the outermost of them
        position = {node.name: i for i, node in enumerate(self.order)}
        for node in nodes:
            extra = (self.conditions[node.name] or frozenset()) - base
            if extra:
                outer = [c for c in extra if (self.of_value(c[0]) or frozenset()) <= base] or list(extra)
                owner[node.name] = min(outer, key=lambda c: position.get(c[0].node, -1))
        if not owner and not any(node.name in self.merged and self._is_here(node, base) for node in nodes):
            return [node for node in nodes if node.op not in _SWITCH], wanted
        for split_always in (False, True):
            levels = self._levels(nodes, base, owner, split_always)
            made, found = _Parts(self, nodes, base, owner, levels).make(wanted, effects)
            try:
                return in_order(made), found
            except CycleError:
                if split_always:
                    raise
        raise AssertionError("left by return or by the error")

    def _is_here(self, merge: Node, base: Conditions) -> bool:
        """Tell whether a Merge, which runs under `base`, joins what runs under one condition more."""
        return merge.name in self.merged and all(predicate != self.merged[merge.name] for predicate, _ in base)

    def _levels(
        self, nodes: list[Node], base: Conditions, owner: dict[str, tuple[Ref, int]], split_always: bool
    ) -> dict[str, dict[Ref | None, int]]:
        """Return how many Merges of each predicate stand before each node; all Merges together under None."""
        levels: dict[str, dict[Ref | None, int]] = {}
        for node in nodes:
            found: dict[Ref | None, int] = {}
            for name in needed_names(node):
                for predicate, level in levels.get(name, {}).items():
                    found[predicate] = max(found.get(predicate, 0), level)
            if node.name not in owner and self._is_here(node, base):
                predicate = self.merged[node.name]
                found[predicate] = found.get(predicate, 0) + 1
                found[None] = found.get(None, 0) + 1
            levels[node.name] = found
        if split_always:
            for found in levels.values():
                everything = found.get(None, 0)
                for condition in {condition for condition, _ in owner.values()}:
                    found[condition] = everything
        return levels


class _Part:
    """What becomes one If: the nodes of both sides, their inputs and outputs."""

    def __init__(self, predicate: Ref, level: int, name: str) -> None:
        self.predicate = predicate
        self.level = level
        self.name = name
        self.sides: tuple[list[Node], list[Node]] = ([], [])
        self.arguments: dict[Ref, str] = {}
        self.outputs: list[tuple[Ref | None, Ref | None]] = []
        self.controls: dict[str, None] = {}
        self.refs: set[str] = set()  # arguments that are references to variables
        self.constants: tuple[list[Node], list[Node]] = ([], [])
        self.effects: tuple[dict[str, None], dict[str, None]] = ({}, {})  # nodes that somebody waits for


class _Parts:
    """The If operations of one level of nesting."""

    def __init__(
        self,
        whole: _Branches,
        nodes: list[Node],
        base: Conditions,
        owner: dict[str, tuple[Ref, int]],
        levels: dict[str, dict[Ref | None, int]],
    ) -> None:
        self.whole = whole
        self.nodes = nodes
        self.base = base
        self.owner = owner
        self.levels = levels
        self.parts: dict[tuple[Ref, int], _Part] = {}
        self.exposed: dict[tuple[tuple[Ref, int], int, Ref], int] = {}
        self.outside: list[Node] = []

    def make(self, wanted: list[Ref | None], effects: list[str]) -> tuple[list[Node], list[Ref | None]]:
        """Return the nodes of this level, and where some values are found."""
        merges: list[tuple[Node, tuple[Ref, int], int]] = []
        for node in self.nodes:
            condition = self.owner.get(node.name)
            if condition is not None:
                self._part(self._key(node.name)).sides[condition[1]].append(node)
            elif node.op in _SWITCH:
                continue
            elif self.whole._is_here(node, self.base):
                predicate = self.whole.merged[node.name]
                key = predicate, self.levels[node.name][predicate] - 1
                part = self._part(key)
                merges.append((node, key, len(part.outputs)))
                part.outputs.append(self._by_side(node))
                part.controls.update(dict.fromkeys(node.controls))
            else:
                self.outside.append(node)
        for node, key, index in merges:
            part = self.parts[key]
            attrs = {key: value for key, value in node.attrs.items() if key != "N"}
            self.outside.append(node.copy(op="Identity", inputs=[Ref(part.name, index)], controls=[], attrs=attrs))
        self._add_indices(merges)
        while True:  # until no part asks another for one more value
            for name in effects:
                self._control(name)
            known = self._asked_for()
            ifs = [self._if(part) for part in list(self.parts.values()) if part.outputs or any(part.effects)]
            made = [self._outside(node) for node in [*ifs, *self.outside]]
            found = [None if ref is None else self._found(ref) for ref in wanted]
            if self._asked_for() == known:
                return made, found

    def _asked_for(self) -> int:
        return len(self.exposed) + sum(len(names) for part in self.parts.values() for names in part.effects)

    def _key(self, name: str) -> tuple[Ref, int]:
        predicate, _ = self.owner[name]
        return predicate, self.levels[name].get(predicate, 0)

    def _part(self, key: tuple[Ref, int]) -> _Part:
        if key not in self.parts:
            scope = key[0].node
            for node in self.nodes:
                if self.whole.merged.get(node.name) == key[0] and self.levels[node.name].get(key[0], 0) - 1 == key[1]:
                    scope = node.name.rsplit("/", 1)[0] if "/" in node.name else node.name
                    break
            self.parts[key] = _Part(*key, unique_name(f"{scope}/If", self.whole.taken))
        return self.parts[key]

    def _by_side(self, merge: Node) -> tuple[Ref, Ref]:
        """Return a Merge's inputs: the one for false, the one for true."""
        if_true = self.whole.if_true[merge.name]
        return merge.inputs[1 - if_true], merge.inputs[if_true]

    def _add_indices(self, merges: list[tuple[Node, tuple[Ref, int], int]]) -> None:
        """Give out which input of a Merge was alive, where somebody asks."""
        for node, key, _ in merges:
            if node.name not in self.whole.asked:
                continue
            part = self.parts[key]
            outputs = []
            for side, ref in enumerate(self._by_side(node)):
                number = protos.AttrValue(tensor=protos.TensorProto(dtype=_INT32, int_val=[node.inputs.index(ref)]))
                number.tensor.tensor_shape.SetInParent()
                name = unique_name(f"{node.name}/index", self.whole.taken)
                part.constants[side].append(
                    Node(name, "Const", attrs={"value": number, "dtype": protos.AttrValue(type=_INT32)})
                )
                outputs.append(Ref(name))
            self.exposed[key, 2, Ref(node.name, 1)] = len(part.outputs)
            part.outputs.append((outputs[0], outputs[1]))

    # The inside of an If

    def _if(self, part: _Part) -> Node:
        bodies = []
        for side in (0, 1):
            bodies.append(self._body(part, side))
        names = list(part.arguments.values())
        arguments = [Argument(name, is_ref=name in part.refs) for name in names]
        for body in bodies:
            body.arguments = arguments
        return Node(
            part.name,
            "If",
            [part.predicate, *part.arguments],
            list(part.controls),
            {"then_branch": bodies[1], "else_branch": bodies[0]},
        )

    def _body(self, part: _Part, side: int) -> Body:
        inside = {node.name for node in (*part.sides[side], *part.constants[side])}
        results = [None if pair[side] is None else self._resolve(pair[side], inside, part) for pair in part.outputs]
        needed = self._needed(part, inside, [*(r.node for r in results if r), *part.effects[side]])
        kept = []
        for node in part.sides[side]:
            if node.name not in needed:
                continue
            inputs = [self._resolve(ref, inside, part) for ref in node.inputs]
            controls = []
            for name in self._waits(node, part):
                if name in inside:
                    controls.append(name)
                elif not self._is_switch(name):
                    part.controls[name] = None
            kept.append(node.copy(inputs=inputs, controls=controls))
        replaced = {node.name: node for node in kept}
        saved = {name: self.whole.nodes[name] for name in replaced}
        self.whole.nodes.update(replaced)
        try:
            conditions = self.base | {(part.predicate, side)}
            structured, final = self.whole._structure(kept, conditions, results, list(part.effects[side]))
        finally:
            self.whole.nodes.update(saved)
        inside.update(node.name for node in structured)
        # Predicates of the branches within this one may come from outside it.
        nodes = [
            node
            if node.name in replaced
            else node.copy(inputs=[self._resolve(ref, inside, part) for ref in node.inputs])
            for node in structured
        ]
        label = "true" if side else "false"
        name = f"{part.name.rsplit('/', 1)[0].replace('/', '_')}_{label}"
        return Body(name, [], [*nodes, *part.constants[side]], final)

    def _needed(self, part: _Part, inside: set[str], wanted: list[str]) -> set[str]:
        found: set[str] = set()
        stack = list(wanted)
        while stack:
            name = stack.pop()
            if name in found or name not in inside or name not in self.whole.nodes:
                continue
            found.add(name)
            node = self.whole.nodes[name]
            stack.extend(ref.node for ref in node.inputs)
            stack.extend(self._waits(node, part))
        return found

    def _waits(self, node: Node, part: _Part) -> list[str]:
        """Return what a node waits for, other than the decision for its branch."""
        return [name for name in node.controls if not self._is_pivot(name, part)]

    def _is_pivot(self, name: str, part: _Part) -> bool:
        node = self.whole.nodes.get(name)
        if node is None or node.op != "Identity" or node.controls:
            return False
        return self.whole.decided_by.get(node.inputs[0].node) == part.predicate

    def _is_switch(self, name: str) -> bool:
        node = self.whole.nodes.get(name)
        return node is not None and node.op in _SWITCH

    def _resolve(self, ref: Ref | None, inside: set[str], part: _Part) -> Ref:
        """Return what a value is called inside a branch; one from outside becomes an argument."""
        assert ref is not None
        node = self.whole.nodes.get(ref.node)
        is_ref = False
        while node is not None and node.op in _SWITCH and self._passes(node, part, inside):
            is_ref = is_ref or node.op == "RefSwitch"
            ref = node.inputs[0]
            node = self.whole.nodes.get(ref.node)
        if ref.node in inside or ref.node in part.arguments.values():
            return ref
        if ref not in part.arguments:
            part.arguments[ref] = unique_name(f"{ref.node}/input", self.whole.taken)
        if is_ref:
            part.refs.add(part.arguments[ref])
        return Ref(part.arguments[ref])

    def _passes(self, switch: Node, part: _Part, inside: set[str]) -> bool:
        """Tell whether a Switch only lets a value into the branch, which is alive where the value is used."""
        return switch.name not in inside or self.whole.decided_by[switch.name] == part.predicate

    # The outside

    def _outside(self, node: Node) -> Node:
        """Return a node with values of other parts in the place of what is inside them."""
        inputs = [self._found(ref) for ref in node.inputs]
        controls = [self._control(name) for name in node.controls if not self._is_switch(name)]
        return node.copy(inputs=inputs, controls=controls)

    def _found(self, ref: Ref) -> Ref:
        """Return where a value is found outside the branches of this level."""
        index = self.exposed.get((self._merge_key(ref), 2, ref)) if ref.output == 1 else None
        if index is not None:
            return Ref(self.parts[self._merge_key(ref)].name, index)
        return self._expose(ref) if ref.node in self.owner else ref

    def _merge_key(self, ref: Ref) -> tuple[Ref, int]:
        predicate = self.whole.merged.get(ref.node, Ref(""))
        return predicate, self.levels.get(ref.node, {}).get(predicate, 0) - 1

    def _control(self, name: str) -> str:
        if name not in self.owner:
            return name
        part = self._part(self._key(name))
        part.effects[self.owner[name][1]][name] = None
        return part.name

    def _expose(self, ref: Ref) -> Ref:
        """Return the output of an If that gives out a value inside one of its branches."""
        key, side = self._key(ref.node), self.owner[ref.node][1]
        part = self.parts[key]
        if (key, side, ref) not in self.exposed:
            self.exposed[key, side, ref] = len(part.outputs)
            part.outputs.append((None, ref) if side else (ref, None))
        return Ref(part.name, self.exposed[key, side, ref])


def _both(a: Conditions | None, b: Conditions | None) -> Conditions | None:
    """Return the conditions under which two things are alive; None if they exclude each other."""
    if a is None or b is None:
        return None
    if b <= a:
        return a
    union = a | b
    return union if len({predicate for predicate, _ in union}) == len(union) else None
