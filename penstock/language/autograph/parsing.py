"""From a Python function to the syntax tree of its source, with the line numbers of its file."""

from __future__ import annotations

import ast
import functools
import linecache
import types
from typing import Any, NamedTuple

FunctionNode = ast.FunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class SourceError(Exception):
    """The source of a function cannot be found, or does not match its code."""


class _Place(NamedTuple):
    """Where a function stands in a file: its first line (of a decorator, if any) and the statement that holds it."""

    name: str
    first_line: int
    line: int
    column: int
    statement_lines: tuple[int, int]
    class_name: str | None


@functools.lru_cache(maxsize=32)
def _places(text: str) -> dict[int, list[_Place]]:
    found: dict[int, list[_Place]] = {}

    def walk(node: ast.AST, statement: tuple[int, int], class_name: str | None) -> None:
        for child in ast.iter_child_nodes(node):
            inner, owner = statement, class_name
            if isinstance(child, ast.stmt):
                decorators = getattr(child, "decorator_list", ())
                first = min([child.lineno, *(d.lineno for d in decorators)])
                inner = (first, child.end_lineno or child.lineno)
            if isinstance(child, _FUNCTIONS):
                name = "<lambda>" if isinstance(child, ast.Lambda) else child.name
                first = child.lineno if isinstance(child, ast.Lambda) else inner[0]
                place = _Place(name, first, child.lineno, child.col_offset, inner, class_name)
                found.setdefault(first, []).append(place)
            elif isinstance(child, ast.ClassDef):
                owner = child.name
            walk(child, inner, owner)

    walk(ast.parse(text), (1, 1), None)
    return found


def source_tree(code: types.CodeType) -> tuple[FunctionNode, str | None]:
    """Return a fresh tree of the function that a code object was compiled from, and the name of the class around it.

    Args:
        code: the code of a `def` or a lambda.
    Raises:
        SourceError: if there is no source, or it does not match.
    """
    lines = linecache.getlines(code.co_filename)
    if not lines:
        raise SourceError(f"the source of {code.co_filename!r} is not available")
    text = "".join(lines)
    try:
        candidates = [place for place in _places(text).get(code.co_firstlineno, ()) if place.name == code.co_name]
    except SyntaxError as error:
        raise SourceError(f"{code.co_filename!r} does not parse: {error}") from None
    matches = [(_parse(text, lines, place), place.class_name) for place in candidates]
    if len(matches) > 1:
        matches = [match for match in matches if _matches(match[0], match[1], code)] or matches
        if len({ast.dump(node) for node, _ in matches}) > 1:
            raise SourceError(
                f"line {code.co_firstlineno} of {code.co_filename!r} has several functions that look alike; "
                "put them on lines of their own"
            )
    if not matches:
        raise SourceError(f"{code.co_filename!r} has no {code.co_name!r} at line {code.co_firstlineno}")
    return matches[0]


def _parse(text: str, lines: list[str], place: _Place) -> Any:
    """Parse the one statement that holds a function; the columns stay what they are."""
    first, last = place.statement_lines
    segment = "".join(lines[first - 1 : last])
    head = "\n" * (first - 2) + "if 1:\n" if segment[:1] in " \t" else "\n" * (first - 1)
    try:
        tree = ast.parse(head + segment)
    except SyntaxError:  # an `elif`, or a statement that shares its line with another
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS) and (node.lineno, node.col_offset) == (place.line, place.column):
            return node
    raise SourceError(f"{place.name!r} is not where it was")


def _matches(node: Any, class_name: str | None, code: types.CodeType) -> bool:
    """Tell whether a candidate compiles to the same names, constants and arguments."""
    if not isinstance(node, ast.Lambda):
        return True
    compiled = compile(ast.Expression(node), code.co_filename, "eval")
    other = next(item for item in compiled.co_consts if isinstance(item, types.CodeType))
    variables = {*other.co_names, *other.co_varnames, *other.co_freevars, *other.co_cellvars}
    wanted = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
    if other.co_varnames[: other.co_argcount] != code.co_varnames[: code.co_argcount]:
        return False
    if {_mangled(name, class_name) for name in variables} != wanted or not _same_constants(other, code):
        return False
    return list(_columns(other)) == list(_columns(code)) if hasattr(code, "co_positions") else True


def _columns(code: types.CodeType) -> Any:
    positions = code.co_positions()  # type: ignore[attr-defined]
    return sorted({p[:1] + p[2:3] for p in positions if p[2] is not None and p[0] is not None and p[0] > 0 and p[2]})


def _same_constants(a: types.CodeType, b: types.CodeType) -> bool:
    def plain(code: types.CodeType) -> list[str]:
        return sorted(repr(item) for item in code.co_consts if not isinstance(item, types.CodeType))

    return plain(a) == plain(b)


def _mangled(name: str, class_name: str | None) -> str:
    if class_name is None or not name.startswith("__") or name.endswith("__") or not class_name.strip("_"):
        return name
    return f"_{class_name.lstrip('_')}{name}"


class MangleNames(ast.NodeTransformer):
    """Write out the private names (`__x`) of a class, as the converted method stands outside of it."""

    def __init__(self, class_name: str) -> None:
        self.class_name = class_name

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = _mangled(node.attr, self.class_name)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = _mangled(node.arg, self.class_name)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = _mangled(node.id, self.class_name)
        return node
