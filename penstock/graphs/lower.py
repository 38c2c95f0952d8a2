"""Branches, loops and calls of functions written out as TensorFlow 1's nodes, for readers that know no functions.

An If becomes Switches and Merges around the nodes of its branches, a While a frame of Enter, Merge, Switch,
NextIteration and Exit, and a call the nodes of the function. Beside them stands an IdentityN under the name of the
operation, so that what refers to its outputs still finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.formats import protos
from penstock.graphs.functions import Functions
from penstock.graphs.nodes import Argument, Body, Node, Ref, from_node_def, unique_name, write_node_def

_BOOL = 10
_BRANCHES = ("If", "StatelessIf")
_LOOPS = ("While", "StatelessWhile")
_CASES = ("Case", "StatelessCase")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def lower_control_flow(graph_def: Any) -> Any:
    """Return a GraphDef in which no node calls a function of the library.

    The result has the same values under the same names, and no library. `import_graph_def` raises it again.

    Args:
        graph_def: a GraphDef message, left as it is.
    Raises:
        ValueError: if a node calls a function that the library lacks.
    """
    result = protos.GraphDef()
    result.versions.CopyFrom(graph_def.versions)
    lowering = _Lowering(Functions(graph_def.library), [from_node_def(message) for message in graph_def.node])
    for node in lowering.run():
        write_node_def(node, result.node.add())
    return result


class _Lowering:
    def __init__(self, functions: Functions, nodes: list[Node]) -> None:
        self.functions = functions
        self.pending = list(reversed(nodes))
        self.taken = {node.name for node in nodes}
        self.done: list[Node] = []

    def run(self) -> list[Node]:
        while self.pending:
            node = self.pending.pop()
            if node.op in _BRANCHES:
                self._lower_if(node)
            elif node.op in _LOOPS:
                self._lower_while(node)
            elif node.op in _CASES:
                self._lower_case(node)
            elif node.op in _CALLS:
                self._inline(node, self._body(node.attrs["f"].func))
            elif node.op in self.functions:
                self._inline(node, self.functions.body(node.op, node.attrs))
            else:
                self.done.append(node)
        return self.done

    def _body(self, call: Any) -> Body:
        return self.functions.body(call.name, dict(call.attr))

    def _add(self, name: str, op: str, inputs: Sequence[Ref], like: Node, **attrs: Any) -> Ref:
        """Add a node beside `like`; return its first output."""
        unique = unique_name(name, self.taken)
        self.done.append(Node(unique, op, list(inputs), [], attrs, like.device))
        return Ref(unique)

    def _insert(
        self, body: Body, arguments: Sequence[Ref], scope: str, pivot: str | None, always_alive: Sequence[Ref] = ()
    ) -> list[Ref]:
        """Add the nodes of a body, to be lowered in their turn; return where its outputs are.

        Args:
            body: the function.
            arguments: what it is called with.
            scope: what stands before the names of its nodes.
            pivot: the node that those wait for which would run otherwise although the body does not.
            always_alive: arguments that are there even where the body does not run.
        """
        names = {node.name: unique_name(f"{scope}/{node.name}", self.taken) for node in body.nodes}
        known = {argument.name: ref for argument, ref in zip(body.arguments, arguments, strict=True)}

        def resolve(ref: Ref) -> Ref:
            return known[ref.node] if ref.node in known else Ref(names[ref.node], ref.output)

        for node in reversed(body.nodes):
            controls = [names[name] for name in node.controls]
            inputs = [resolve(ref) for ref in node.inputs]
            if pivot is not None and not controls and all(ref in always_alive for ref in inputs):
                controls = [pivot]
            attrs = dict(node.attrs)
            if "_class" in attrs:
                attrs["_class"] = _colocated(attrs["_class"], names)
            self.pending.append(node.copy(name=names[node.name], inputs=inputs, controls=controls, attrs=attrs))
        self._effects = [names[name] for name in body.controls]
        return [resolve(ref) for ref in body.outputs if ref is not None]

    def _finish(self, node: Node, outputs: Sequence[Ref], types: Sequence[int], controls: Sequence[str] = ()) -> None:
        """Add the node that has the name and the outputs of the one that was lowered."""
        if types:
            attrs = {"T": _types(types)}
            self.done.append(Node(node.name, "IdentityN", list(outputs), list(controls), attrs, node.device))
        else:
            self.done.append(Node(node.name, "NoOp", [], list(controls), {}, node.device))

    # Calls

    def _inline(self, node: Node, body: Body) -> None:
        pivot = None
        arguments = list(node.inputs)
        if node.controls:
            pivot = self._wait(node)
            types = [argument.dtype.as_datatype_enum for argument in body.arguments if argument.dtype is not None]
            arguments = [
                self._add(f"{node.name}/input", "Identity", [ref], node, T=_type(number))
                for ref, number in zip(arguments, types, strict=True)
            ]
            for added in self.done[len(self.done) - len(arguments) :]:
                added.controls = [pivot]
        elif arguments and any(not (inside.inputs or inside.controls) for inside in body.nodes):
            # Within a loop or a branch, what takes nothing must follow from something there.
            kind = body.arguments[0].dtype
            if kind is not None:
                attr = _type(kind.as_datatype_enum)
                pivot = self._add(f"{node.name}/start", "Identity", arguments[:1], node, T=attr).node
        outputs = self._insert(body, arguments, node.name, pivot)
        self._finish(node, outputs, self._result_types(node, body), self._effects)

    def _wait(self, node: Node) -> str:
        name = unique_name(f"{node.name}/start", self.taken)
        self.done.append(Node(name, "NoOp", [], list(node.controls), {}, node.device))
        return name

    def _result_types(self, node: Node, body: Body) -> list[int]:
        if "Tout" in node.attrs:
            return list(node.attrs["Tout"].list.type)
        signature = self.functions.definitions[body.name].signature
        return [argument.type for argument in signature.output_arg]

    # Branches

    def _lower_if(self, node: Node) -> None:
        bodies = [self._body(node.attrs[name].func) for name in ("else_branch", "then_branch")]
        self._lower_branches(node, node.inputs[0], bodies)

    def _lower_branches(self, node: Node, condition: Ref, bodies: Sequence[Body]) -> None:
        predicate = self._predicate(node, condition)
        switched = self._add(f"{node.name}/Switch", "Switch", [predicate, predicate], node, T=_type(_BOOL))
        inputs = []
        for i, (ref, number) in enumerate(zip(node.inputs[1:], node.attrs["Tin"].list.type, strict=True)):
            op = "RefSwitch" if any(body.arguments[i].is_ref for body in bodies) else "Switch"
            inputs.append(self._add(f"{node.name}/Switch", op, [ref, predicate], node, T=_type(number)))
        results = []
        ends = []
        for side, label in enumerate(("switch_f", "switch_t")):
            pivot = self._add(f"{node.name}/{label}", "Identity", [Ref(switched.node, side)], node, T=_type(_BOOL))
            arguments = [Ref(ref.node, side) for ref in inputs]
            outputs = self._insert(bodies[side], arguments, node.name, pivot.node)
            ends.append((pivot, list(self._effects)))
            results.append(outputs)
        merges = []
        types = node.attrs["Tout"].list.type
        for if_false, if_true, number in zip(*results, types, strict=True):
            two = protos.AttrValue(i=2)
            merges.append(self._add(f"{node.name}/Merge", "Merge", [if_false, if_true], node, T=_type(number), N=two))
        controls = []
        if any(effects for _, effects in ends):
            # Whoever waits for the operation waits for the effects of the branch that was taken.
            finished = []
            for pivot, effects in ends:
                done = self._add(f"{node.name}/done", "Identity", [pivot], node, T=_type(_BOOL))
                self.done[-1].controls = effects
                finished.append(done)
            merged = self._add(f"{node.name}/done", "Merge", finished, node, T=_type(_BOOL), N=protos.AttrValue(i=2))
            controls = [merged.node]
        elif not merges:
            controls = list(node.controls)
        self._finish(node, merges, list(types), controls)

    def _predicate(self, node: Node, condition: Ref) -> Ref:
        """Return a boolean for the condition, which waits for what the operation waits for."""
        number = node.attrs["Tcond"].type if "Tcond" in node.attrs else _BOOL
        if number != _BOOL:
            condition = self._add(f"{node.name}/pred", "ToBool", [condition], node, T=_type(number))
        predicate = self._add(f"{node.name}/pred_id", "Identity", [condition], node, T=_type(_BOOL))
        self.done[-1].controls = list(node.controls)
        return predicate

    def _lower_case(self, node: Node) -> None:
        """Lower a choice of several as a chain of choices between two: is it this branch, or a later one?"""
        calls = list(node.attrs["branches"].list.func)
        if len(calls) == 1:
            call = node.copy(op="PartitionedCall", inputs=node.inputs[1:])
            call.attrs["f"] = protos.AttrValue(func=calls[0])
            self.pending.append(call)
            return
        number = self._constant(node, 0)
        is_first = self._add(f"{node.name}/is_first", "Equal", [node.inputs[0], number], node, T=_type(3))
        one = self._constant(node, 1)
        following = self._add(f"{node.name}/next", "Sub", [node.inputs[0], one], node, T=_type(3))
        rest = protos.FunctionDef()
        rest.signature.name = unique_name(f"{node.name}/rest".replace("/", "_"), self.taken)
        self.functions.definitions[rest.signature.name] = self._rest(rest, node, calls)
        types = _types([3, *node.attrs["Tin"].list.type])
        chosen = node.copy(inputs=[is_first, following, *node.inputs[1:]], attrs={**node.attrs, "Tin": types})
        bodies = [self.functions.body(rest.signature.name), _ignoring_first(self._body(calls[0]))]
        self._lower_branches(chosen, is_first, bodies)

    def _constant(self, node: Node, number: int) -> Ref:
        value = protos.AttrValue(tensor=protos.TensorProto(dtype=3, int_val=[number]))
        value.tensor.tensor_shape.SetInParent()
        constant = self._add(f"{node.name}/number", "Const", [], node, value=value, dtype=_type(3))
        self.done[-1].controls = [node.inputs[0].node]  # within a loop, each node must follow from one of the loop
        return constant

    def _rest(self, function: Any, node: Node, calls: Sequence[Any]) -> Any:
        """Write the function that chooses among the branches after the first."""
        names = ["index"]
        function.signature.input_arg.add(name="index", type=3)
        for i, number in enumerate(node.attrs["Tin"].list.type):
            function.signature.input_arg.add(name=f"input_{i}", type=number)
            names.append(f"input_{i}")
        case = function.node_def.add(name="case", op=node.op, input=names)
        for key, value in node.attrs.items():
            case.attr[key].CopyFrom(value)
        del case.attr["branches"].list.func[:]
        case.attr["branches"].list.func.extend(calls[1:])
        for i, number in enumerate(node.attrs["Tout"].list.type):
            function.signature.output_arg.add(name=f"output_{i}", type=number)
            function.ret[f"output_{i}"] = f"case:output:{i}"
        function.signature.control_output.append("case")
        function.control_ret["case"] = "case"
        return function

    # Loops

    def _lower_while(self, node: Node) -> None:
        condition, body = self._body(node.attrs["cond"].func), self._body(node.attrs["body"].func)
        types = list(node.attrs["T"].list.type)
        frame = protos.AttrValue(s=node.name.encode())
        parallel = node.attrs.get("parallel_iterations", protos.AttrValue(i=10))
        names = [argument.name for argument in body.arguments]
        unchanged = [ref is not None and ref == Ref(name) for ref, name in zip(body.outputs, names, strict=True)]
        if all(unchanged):
            unchanged[0] = False  # a loop has at least one variable
        enters = []
        for i, (ref, number, constant) in enumerate(zip(node.inputs, types, unchanged, strict=True)):
            enters.append(
                self._add(
                    f"{node.name}/Enter",
                    "RefEnter" if constant and body.arguments[i].is_ref else "Enter",
                    [ref],
                    node,
                    T=_type(number),
                    frame_name=frame,
                    is_constant=protos.AttrValue(b=constant),
                    parallel_iterations=parallel,
                )
            )
            self.done[-1].controls = list(node.controls)
        merges: dict[int, Ref] = {}
        for i, constant in enumerate(unchanged):
            if not constant:
                two = protos.AttrValue(i=2)
                merges[i] = self._add(
                    f"{node.name}/Merge", "Merge", [enters[i], enters[i]], node, T=_type(types[i]), N=two
                )
        merge_nodes = {i: self.done[len(self.done) - len(merges) + k] for k, i in enumerate(merges)}
        first = next(iter(merges.values()))
        before = [enters[i] if constant else merges[i] for i, constant in enumerate(unchanged)]
        (decision,) = self._insert(condition, before, f"{node.name}/cond", first.node)
        decision = self._decision(node, condition, decision)
        switches = {
            i: self._add(f"{node.name}/Switch", "Switch", [ref, decision], node, T=_type(types[i]))
            for i, ref in merges.items()
        }
        arguments = list(enters)
        for i, ref in switches.items():
            inside = Ref(ref.node, 1)
            arguments[i] = self._add(f"{node.name}/Identity", "Identity", [inside], node, T=_type(types[i]))
        pivot = arguments[next(iter(merges))].node
        kept_alive = [enter for enter, kept in zip(enters, unchanged, strict=True) if kept]
        following = self._insert(body, arguments, f"{node.name}/body", pivot, kept_alive)
        effects = list(self._effects)
        results = list(node.inputs)
        for i, ref in switches.items():
            again = self._add(f"{node.name}/NextIteration", "NextIteration", [following[i]], node, T=_type(types[i]))
            self.done[-1].controls = list(effects)
            merge_nodes[i].inputs[1] = again
            results[i] = self._add(f"{node.name}/Exit", "Exit", [ref], node, T=_type(types[i]))
        self._finish(node, results, types, [results[i].node for i in merges])

    def _decision(self, node: Node, condition: Body, ref: Ref) -> Ref:
        number = self.functions.definitions[condition.name].signature.output_arg[0].type
        if number != _BOOL:
            ref = self._add(f"{node.name}/pred", "ToBool", [ref], node, T=_type(number))
        return self._add(f"{node.name}/LoopCond", "LoopCond", [ref], node)


def _ignoring_first(body: Body) -> Body:
    """Return a body that takes one more argument before its own."""
    arguments = [Argument("unused_index"), *body.arguments]
    return Body(body.name, arguments, body.nodes, body.outputs, body.output_names, body.controls, body.attrs)


def _colocated(value: Any, names: dict[str, str]) -> Any:
    """Return colocation groups with the names that the nodes of a body have now; others have no meaning any more."""
    result = protos.AttrValue()
    result.list.SetInParent()
    for group in value.list.s:
        member = group.decode().removeprefix("loc:@")
        if member in names:
            result.list.s.append(f"loc:@{names[member]}".encode())
    return result


def _type(number: int) -> Any:
    return protos.AttrValue(type=number)


def _types(numbers: Sequence[int]) -> Any:
    value = protos.AttrValue()
    value.list.SetInParent()
    value.list.type.extend(numbers)
    return value
