"""A pass that turns `if`, `while` and `for` into calls of operators that take their parts as functions.

if x > 0:                def get_state():
    y = 1                    return (y,)
else:                    def set_state(values_):
    y = 2                    nonlocal y
                             (y,) = values_
                         def if_body():
                             nonlocal y
                             y = 1
                         def else_body():
                             nonlocal y
                             y = 2
                         ag__.if_stmt(x > 0, if_body, else_body, get_state, set_state, ('y',), 1)
"""

from __future__ import annotations

import ast
from typing import Any

from penstock.language.autograph.expressions import loop_options
from penstock.language.autograph.flow import Flow
from penstock.language.autograph.names import names_in_place, names_of, unused
from penstock.language.autograph.templates import (
    assign,
    constant,
    function,
    later,
    load,
    placed,
    runtime_call,
)


class LowerBlocks(ast.NodeTransformer):
    """Rewrites the blocks of one function.

    Args:
        flow: what was found out about the function.
        global_names: the names that the function declares global.
        taken: the names in use.
    """

    def __init__(self, flow: Flow, global_names: set[str], taken: set[str]) -> None:
        self.flow = flow
        self.global_names = global_names
        self.taken = taken

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_Delete(self, node: ast.Delete) -> Any:
        """Keep deleted names as undefined variables, where blocks carry them."""
        result: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id in self.flow.undefined | self.flow.changed:
                undefined = assign(target.id, runtime_call("Undefined", constant(target.id)))
                result.append(placed(undefined, node))
            else:
                result.append(placed(ast.Delete([target]), node))
        return result

    def visit_If(self, node: Any) -> Any:
        outputs, others = self._state(node, node.ag_live_out)
        state = [*outputs, *others]
        places = sorted(node.ag_places)
        functions = [
            self._function("if_body", [], node.body, node),
            self._function("else_body", [], node.orelse, node),
        ]
        # Places count as outputs: somebody else may read them.
        ordered = [*outputs, *places, *others]
        get_state, set_state = self._accessors(ordered, node)
        names = self._names(ordered)
        call = runtime_call(
            "if_stmt",
            node.test,
            *(load(f.name) for f in [*functions, get_state, set_state]),
            names,
            constant(len(state) - len(others) + len(places)),
        )
        return [placed(s, node) for s in [get_state, set_state, *functions, ast.Expr(call)]]

    def visit_While(self, node: Any) -> Any:
        state = [*sum(self._state(node, node.ag_live_out | node.ag_live_in), []), *sorted(node.ag_places)]
        body, options = loop_options(node.body)
        test = self._function("loop_test", [], [placed(ast.Return(node.test), node.test)], node)
        loop_body = self._function("loop_body", [], body, node)
        get_state, set_state = self._accessors(state, node)
        call = runtime_call(
            "while_stmt",
            *(load(f.name) for f in (test, loop_body, get_state, set_state)),
            self._names(state),
            _options(options, bool(names_of(node.test).writes)),
        )
        return [placed(s, node) for s in [get_state, set_state, test, loop_body, ast.Expr(call)]]

    def visit_For(self, node: Any) -> Any:
        state = [*sum(self._state(node, node.ag_live_out | node.ag_live_in), []), *sorted(node.ag_places)]
        body, options = loop_options(node.body)
        item = unused("item_", self.taken)
        target = placed(ast.Assign([node.target], load(item)), node.target)
        loop_body = self._function("loop_body", [item], [target, *body], node)
        get_state, set_state = self._accessors(state, node)
        more: ast.expr = constant(None)
        if hasattr(node, "ag_break"):
            more = later(runtime_call("not_", load(node.ag_break)))
        call = runtime_call(
            "for_stmt",
            node.iter,
            more,
            *(load(f.name) for f in (loop_body, get_state, set_state)),
            self._names(state),
            _options(options),
        )
        return [placed(s, node) for s in [get_state, set_state, loop_body, ast.Expr(call)]]

    def _state(self, node: Any, after: set[str]) -> tuple[list[str], list[str]]:
        """Return the names that a block changes: those read after it, and those that only it reads."""
        live_out = after | self.flow.always_live
        modified = node.ag_modified
        outputs = modified & live_out
        others = (modified & (node.ag_live_in | self.flow.always_live)) - outputs
        return sorted(outputs), sorted(others)

    def _function(self, name: str, parameters: list[str], body: list[ast.stmt], node: Any) -> ast.FunctionDef:
        declared = self._declarations(names_of(body).writes & node.ag_modified)
        lowered = [item for statement in body for item in _listed(self.visit(statement))]
        return function(unused(name, self.taken), parameters, [*declared, *lowered])

    def _declarations(self, names: set[str]) -> list[ast.stmt]:
        """Return the global and nonlocal statements of a function inside this one that assigns names."""
        result: list[ast.stmt] = []
        if names & self.global_names:
            result.append(ast.Global(sorted(names & self.global_names)))
        if names - self.global_names:
            result.append(ast.Nonlocal(sorted(names - self.global_names)))
        return result

    def _accessors(self, state: list[str], node: Any) -> tuple[ast.FunctionDef, ast.FunctionDef]:
        values: list[ast.expr] = []
        targets: list[ast.expr] = []
        after: list[ast.stmt] = []
        for item in state:
            place = node.ag_places.get(item)
            if place is None:
                values.append(load(item))
                targets.append(ast.Name(item, ast.Store()))
                continue
            reading = ast.parse(item, mode="eval").body
            values.append(runtime_call("ldu", later(reading), constant(item)))
            local = f"value_{len(after)}"
            targets.append(ast.Name(local, ast.Store()))
            store: Any = ast.parse(item, mode="eval").body
            store.ctx = ast.Store()
            write = ast.Assign([store], load(local))
            gone: Any = ast.parse(item, mode="eval").body
            gone.ctx = ast.Del()
            has_value = runtime_call("is_defined", runtime_call("ldu", later(reading), constant(item)))
            forget = ast.If(has_value, [ast.Delete([gone])], [])
            after.append(ast.If(runtime_call("is_defined", load(local)), [write], [forget]))
        names = {item for item in state if item not in node.ag_places}
        body: list[ast.stmt] = [*self._declarations(names)]
        if targets:
            body.append(ast.Assign([ast.Tuple(targets, ast.Store())], load("values_")))
        get_body: list[ast.stmt] = [ast.Return(ast.Tuple(values, ast.Load()))]
        get_state = function(unused("get_state", self.taken), [], get_body)
        set_state = function(unused("set_state", self.taken), ["values_"], [*body, *after])
        return get_state, set_state

    def _names(self, state: list[str]) -> ast.expr:
        return ast.Tuple([constant(name) for name in state], ast.Load())


def _listed(result: Any) -> list[Any]:
    return result if isinstance(result, list) else [] if result is None else [result]


def _options(call: ast.Call | None, test_binds: bool = False) -> ast.expr:
    """Return the options of a loop as a dictionary; shape invariants name their variables."""
    extra: list[tuple[str | None, ast.expr]] = [("test_binds", constant(True))] if test_binds else []
    if call is None:
        return ast.Dict([constant(key) for key, _ in extra], [value for _, value in extra])
    keys = ["parallel_iterations", "swap_memory", "maximum_iterations", "shape_invariants"]
    pairs = [*zip(keys, call.args, strict=False), *((k.arg, k.value) for k in call.keywords if k.arg), *extra]
    values = [_named_invariants(value) if key == "shape_invariants" else value for key, value in pairs]
    return ast.Dict([constant(key) for key, _ in pairs], values)


def _named_invariants(value: ast.expr) -> ast.expr:
    if not isinstance(value, (ast.List, ast.Tuple)):
        return value
    pairs: list[ast.expr] = []
    for item in value.elts:
        if isinstance(item, ast.Tuple) and len(item.elts) == 2:
            first = item.elts[0]
            if isinstance(first, ast.Call) and first.args:  # a check that the name is defined
                first = first.args[0]
            if names_in_place(first):
                item = ast.Tuple([constant(ast.unparse(first)), item.elts[1]], ast.Load())
        pairs.append(item)
    return ast.List(pairs, ast.Load())
