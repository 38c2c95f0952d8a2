"""Short ways to make syntax trees."""

from __future__ import annotations

import ast
from typing import Any

RUNTIME = "ag__"


def load(name: str) -> ast.Name:
    """Return the reading of a name."""
    return ast.Name(name, ast.Load())


def runtime_call(function: str, *args: ast.expr) -> ast.Call:
    """Return a call of one of AutoGraph's operators."""
    return ast.Call(ast.Attribute(load(RUNTIME), function, ast.Load()), list(args), [])


def later(expression: ast.expr) -> ast.Lambda:
    """Return a lambda without parameters."""
    return ast.Lambda(no_arguments(), expression)


def no_arguments() -> ast.arguments:
    """Return an empty list of parameters."""
    return ast.arguments([], [], None, [], [], None, [])


def assign(name: str, value: ast.expr) -> ast.Assign:
    """Return an assignment to a name."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def constant(value: Any) -> ast.Constant:
    """Return a constant."""
    return ast.Constant(value)


def negation(expression: ast.expr) -> ast.expr:
    """Return `not` an expression."""
    return ast.UnaryOp(ast.Not(), expression)


def function(name: str, parameters: list[str], body: list[ast.stmt]) -> ast.FunctionDef:
    """Return the definition of a function."""
    arguments = ast.arguments([], [ast.arg(parameter) for parameter in parameters], None, [], [], None, [])
    node = ast.FunctionDef(name, arguments, body or [ast.Pass()], [], None)
    if "type_params" in ast.FunctionDef._fields:
        node.type_params = []  # type: ignore[attr-defined]
    return node


def placed(node: Any, origin: Any) -> Any:
    """Give a new node, and what is new below it, the place in the file of the node it stands for.

    A node that has a place has been placed with all that is below it.
    """
    if getattr(node, "lineno", None) is not None:
        return node
    line, column = getattr(origin, "lineno", 1), getattr(origin, "col_offset", 0)
    end = getattr(origin, "end_col_offset", column) if getattr(origin, "end_lineno", line) == line else column
    _place(node, line, column, end)
    return node


def _place(node: Any, line: int, column: int, end: int) -> None:
    if "lineno" in node._attributes:
        if getattr(node, "lineno", None) is not None:
            return
        node.lineno = node.end_lineno = line
        node.col_offset = column
        node.end_col_offset = end
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    _place(item, line, column, end)
        elif isinstance(value, ast.AST):
            _place(value, line, column, end)
