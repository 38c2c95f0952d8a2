"""Which names a piece of code reads, writes, and leaves to functions that run later."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any


class Names(ast.NodeVisitor):
    """The names used by statements or expressions.

    Attributes:
        reads: names read, also those that functions defined here read later.
        writes: names assigned, deleted, imported or defined.
        composites: places such as `a.b` and `d['k']` that are assigned, as source text, with their trees.
        deferred: names that functions defined here read or write when they are called.
        outer: names declared global or nonlocal.
    """

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.composites: dict[str, ast.expr] = {}
        self.deferred: set[str] = set()
        self.outer: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        (self.reads if isinstance(node.ctx, ast.Load) else self.writes).add(node.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name):
            self.reads.add(node.target.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._place(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._place(node)

    def _place(self, node: Any) -> None:
        if isinstance(node.ctx, ast.Store) and is_place(node):
            self.composites[ast.unparse(node)] = node
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.outer.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.outer.update(node.names)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.writes.add(node.name)
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self.writes.add(node.asname or node.name.split(".")[0])

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.writes.add(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.writes.add(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.writes.add(node.rest)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        inner = names_of(node.body)
        self._add(names_of([*node.bases, *(k.value for k in node.keywords), *node.decorator_list]))
        self.reads |= inner.reads
        self.deferred |= inner.deferred | inner.reads
        self.writes.add(node.name)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)
        self.writes.add(node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)
        self.writes.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def _function(self, node: Any) -> None:
        arguments = node.args
        outside = [*arguments.defaults, *(d for d in arguments.kw_defaults if d), *getattr(node, "decorator_list", ())]
        self._add(names_of(outside))
        free = free_names(node)
        self.reads |= free
        self.deferred |= free

    def _comprehension(self, node: Any) -> None:
        inner = Names()
        ast.NodeVisitor.generic_visit(inner, node)
        targets = names_of([generator.target for generator in node.generators]).writes
        inner.reads -= targets
        inner.writes -= targets
        inner.deferred -= targets
        self._add(inner)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _add(self, other: Names) -> None:
        self.reads |= other.reads
        self.writes |= other.writes
        self.composites.update(other.composites)
        self.deferred |= other.deferred
        self.outer |= other.outer


def names_of(nodes: Iterable[ast.AST] | ast.AST) -> Names:
    """Return the names used by a node or several."""
    names = Names()
    for node in [nodes] if isinstance(nodes, ast.AST) else nodes:
        names.visit(node)
    return names


def parameters(node: Any) -> set[str]:
    """Return the names of the parameters of a `def` or a lambda."""
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {a.arg for a in [*listed, arguments.vararg, arguments.kwarg] if a is not None}


def free_names(node: Any) -> set[str]:
    """Return the names that a function takes from around it."""
    body = names_of(node.body if isinstance(node.body, list) else [node.body])
    bound = (body.writes - body.outer) | parameters(node)
    return (body.reads | body.deferred | body.outer) - bound


def is_place(node: ast.AST) -> bool:
    """Tell whether a node is a name, followed by attributes and subscripts that are constants or names."""
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return is_place(node.value)
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, (ast.Constant, ast.Name)) and is_place(node.value)
    return False


def names_in_place(node: ast.AST) -> set[str]:
    """Return the names that a place such as `a.b[i]` is made of."""
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def all_names(node: ast.AST) -> set[str]:
    """Return every name that occurs in a tree, to keep new names apart from."""
    names: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            names.add(child.id)
        elif isinstance(child, ast.arg):
            names.add(child.arg)
    return names


def unused(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, with a number if it is taken, and take it."""
    name, count = wanted, 0
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    taken.add(name)
    return name
