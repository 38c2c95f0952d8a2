"""A pass over expressions: calls, `and`, `or`, `not`, `in`, chains of comparisons, `x if a else b`, `assert`.

f(x) and not y           ag__.and_(lambda: ag__.converted(f)(x), lambda: ag__.not_(y))
"""

from __future__ import annotations

import ast
from typing import Any

from penstock.language.autograph.names import free_names
from penstock.language.autograph.templates import RUNTIME, assign, constant, later, load, placed, runtime_call

_NOT_CONVERTED_CALLS = frozenset({"locals", "super", "globals", "isinstance", "issubclass", "type", "hasattr", "id"})
_CONSTANT_OPERATORS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn)


class LowerExpressions(ast.NodeTransformer):
    """Rewrites the expressions of one function.

    Args:
        first_parameter: the name of the function's first parameter, for `super()`.
    """

    def __init__(self, first_parameter: str | None) -> None:
        self.first_parameter = first_parameter
        self.shadowed: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if getattr(node, "ag_maybe", False) and node.id not in self.shadowed:
            return placed(runtime_call("ld", load(node.id)), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if (
            isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == RUNTIME
        ):
            return node
        if name == "super" and not node.args and not node.keywords and self.first_parameter is not None:
            node.args = [placed(load("__class__"), node), placed(load(self.first_parameter), node)]
            return node
        self.generic_visit(node)
        if name in _NOT_CONVERTED_CALLS or _is_loop_options(node):
            return node
        node.func = placed(runtime_call("converted", node.func), node.func)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        if _binds(node):
            return node
        operator = "and_" if isinstance(node.op, ast.And) else "or_"
        return placed(runtime_call(operator, *(later(value) for value in node.values)), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return placed(runtime_call("not_", node.operand), node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if _binds(node):
            return node
        if len(node.ops) == 1:
            if isinstance(node.ops[0], (ast.In, ast.NotIn)):
                operator = "in_" if isinstance(node.ops[0], ast.In) else "not_in"
                return placed(runtime_call(operator, node.left, node.comparators[0]), node)
            return node
        links: list[ast.expr] = [node.left]
        for operation, right in zip(node.ops, node.comparators, strict=True):
            links += [constant(type(operation).__name__), later(right)]
        return placed(runtime_call("compare_chain", *links), node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        text = ast.unparse(node.test)
        self.generic_visit(node)
        if _binds(node):
            return node
        new = runtime_call("if_exp", node.test, later(node.body), later(node.orelse), constant(text))
        return placed(new, node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        message = [later(node.msg)] if node.msg else []
        node.test = placed(runtime_call("assert_", node.test, *message), node.test)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        if getattr(node, "ag_maybe", False) and isinstance(node.target, ast.Name):
            name = node.target.id
            return [placed(assign(name, runtime_call("ld", load(name))), node), node]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        # A nested block declares the name nonlocal, which an annotation forbids.
        if not isinstance(node.target, ast.Name):
            self.generic_visit(node)
            return node
        if node.value is None:
            return placed(ast.Pass(), node)
        return placed(assign(node.target.id, self.visit(node.value)), node)

    def visit_Delete(self, node: ast.Delete) -> Any:
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        # Its body has been converted as a function of its own; decorators and defaults belong to this one.
        node.decorator_list = [self.visit(item) for item in node.decorator_list]
        self._visit_defaults(node)
        _mark_free(node, self)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._visit_defaults(node)
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        before = self.shadowed
        self.shadowed = before | {argument.arg for argument in named if argument is not None}
        node.body = self.visit(node.body)
        self.shadowed = before
        return node

    def _visit_defaults(self, node: Any) -> None:
        arguments = node.args
        arguments.defaults = [self.visit(item) for item in arguments.defaults]
        arguments.kw_defaults = [item and self.visit(item) for item in arguments.kw_defaults]

    def visit_ListComp(self, node: Any) -> ast.AST:
        targets = {
            child.id
            for generator in node.generators
            for child in ast.walk(generator.target)
            if isinstance(child, ast.Name)
        }
        before = self.shadowed
        self.shadowed = before | targets
        self.generic_visit(node)
        self.shadowed = before
        return node

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self.visit(node.subject)
        for case in node.cases:  # patterns name constants and classes, not values
            case.guard = case.guard and self.visit(case.guard)
            case.body = [item for statement in case.body for item in _listed(self.visit(statement))]
        return node


def _listed(result: Any) -> list[Any]:
    return result if isinstance(result, list) else [result]


def _mark_free(node: Any, lower: LowerExpressions) -> None:
    """Check the names that a nested function takes from this one, where they may be undefined."""
    free = free_names(node) - lower.shadowed

    class Check(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.AST:
            if getattr(name, "ag_maybe", False) and name.id in free and isinstance(name.ctx, ast.Load):
                return placed(runtime_call("ld", load(name.id)), name)
            return name

    node.body = [Check().visit(statement) for statement in node.body]


def _binds(node: ast.AST) -> bool:
    """Tell whether an expression assigns a name, which it could not do from within a lambda."""
    return any(isinstance(child, ast.NamedExpr) for child in ast.walk(node))


def _is_loop_options(node: ast.Call) -> bool:
    return ast.unparse(node.func).endswith("set_loop_options")


def loop_options(body: list[ast.stmt]) -> tuple[list[ast.stmt], ast.Call | None]:
    """Return the body of a loop without a call of `set_loop_options`, and the call."""
    for position, statement in enumerate(body):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            if _is_loop_options(statement.value):
                return body[:position] + body[position + 1 :], statement.value
    return body, None
