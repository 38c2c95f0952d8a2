"""What an `if` or a loop has to carry: which names it changes, which are alive around it, which may be undefined.

The code has no `break`, `continue` or early `return` left, so that one walk backward (liveness) and one forward
(definedness) over nested statements are enough. The results are attributes of the nodes:

    ag_modified      on if, while, for: the names assigned inside
    ag_places        on if, while, for: places such as `self.x` assigned inside, with their trees
    ag_live_in, ag_live_out     on if, while, for: the names read later, before and after the statement
    ag_maybe         on names and augmented assignments: the name may be undefined here
"""

from __future__ import annotations

import ast
from typing import Any

from penstock.language.autograph.names import Names, names_in_place, names_of, parameters

BLOCKS = (ast.If, ast.While, ast.For)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Flow:
    """Annotates the statements of one function.

    Attributes:
        undefined: names that must be set to "undefined" at the start of the function.
        outer: names that the function declares global or nonlocal.
    """

    def __init__(self, node: ast.FunctionDef) -> None:
        self._seen: dict[int, Names] = {}
        everything = names_of(node.body)
        self.outer = everything.outer
        self.always_live = everything.deferred | everything.outer
        self.changed: set[str] = set()
        self.undefined: set[str] = set()
        self._mark_modified(node.body)
        self._live_before(node.body, set(), set())
        self._defined_after(node.body, parameters(node) | self.outer)
        _MarkMaybe(self).block(node.body, parameters(node) | self.outer)

    def _names(self, node: ast.AST) -> Names:
        found = self._seen.get(id(node))
        if found is None:
            self._seen[id(node)] = found = names_of(node)
        return found

    def _mark_modified(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if isinstance(statement, BLOCKS):
                inside: Any = statement
                names = names_of([*inside.body, *inside.orelse])
                if not isinstance(statement, ast.If):
                    head = statement.test if isinstance(statement, ast.While) else statement.target
                    names._add(names_of(head))
                inside.ag_modified = names.writes
                inside.ag_places = {
                    text: place for text, place in names.composites.items() if not names_in_place(place) & names.writes
                }
                self.changed |= names.writes
            for block in blocks(statement):
                self._mark_modified(block)

    def _live_before(self, statements: list[ast.stmt], live: set[str], caught: set[str]) -> set[str]:
        """Return the names read later before a block, given those after it and those that handlers read."""
        for statement in reversed(statements):
            live = self._live_before_statement(statement, live, caught) | caught
        return live

    def _live_before_statement(self, node: Any, after: set[str], caught: set[str]) -> set[str]:
        annotated = node
        if isinstance(node, ast.If):
            inside = self._live_before(node.body, after, caught) | self._live_before(node.orelse, after, caught)
            live = self._names(node.test).reads | inside
        elif isinstance(node, (ast.While, ast.For)):
            head = self._names(node.test).reads if isinstance(node, ast.While) else set()
            flag = {node.ag_break} if hasattr(node, "ag_break") else set()
            targets = self._names(node.test if isinstance(node, ast.While) else node.target).writes
            again = after | head | flag
            if not isinstance(node, ast.While):
                again = again | (self._names(node.target).reads)
            while True:
                inside = self._live_before(node.body, again, caught) - targets
                if inside <= again:
                    break
                again = again | inside
            annotated.ag_live_in, annotated.ag_live_out = again, after
            return again | (set() if isinstance(node, ast.While) else self._names(node.iter).reads)
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            final = self._live_before(node.finalbody, after, caught)
            inner = caught | final
            for handler in node.handlers:
                inside = self._live_before(handler.body, final, caught | final)
                inner = inner | inside | (self._names(handler.type).reads if handler.type else set())
            return self._live_before(node.body, self._live_before(node.orelse, final, inner), inner)
        elif isinstance(node, ast.With):
            names = Names()
            for item in node.items:
                names.visit(item)
            return (self._live_before(node.body, after, caught) - names.writes) | names.reads
        elif isinstance(node, ast.Match):
            names = Names()
            live = set(after)
            for case in node.cases:
                live |= self._live_before(case.body, after, caught)
                names.visit(case.pattern)
                if case.guard:
                    names.visit(case.guard)
            return live | names.reads | self._names(node.subject).reads
        elif isinstance(node, (ast.Return, ast.Raise)):
            return self._names(node).reads
        else:
            names = self._names(node)
            return (after - names.writes) | names.reads
        annotated.ag_live_in, annotated.ag_live_out = live, after
        return live

    def _defined_after(self, statements: list[ast.stmt], defined: set[str] | None) -> set[str] | None:
        """Return the names surely defined after a block, None where it never ends, and note those to be set."""
        for statement in statements:
            if defined is None:
                return None
            defined = self._defined_after_statement(statement, defined)
        return defined

    def _defined_after_statement(self, node: Any, defined: set[str]) -> set[str] | None:
        self.undefined |= getattr(node, "ag_modified", set()) - defined
        if isinstance(node, ast.If):
            inside = defined | self._names(node.test).writes
            return _both(self._defined_after(node.body, inside), self._defined_after(node.orelse, inside))
        if isinstance(node, ast.While):
            self._defined_after(node.body, defined | self._names(node.test).writes)
            return defined
        if isinstance(node, ast.For):
            self._defined_after(node.body, defined | self._names(node.target).writes)
            return defined
        if isinstance(node, ast.With):
            names = Names()
            for item in node.items:
                names.visit(item)
            self._defined_after(node.body, defined | names.writes)
            return defined | names.writes  # a context manager may swallow an exception
        if hasattr(node, "handlers"):
            result = self._defined_after(node.body, defined)
            if result is not None:
                result = self._defined_after(node.orelse, result)
            for handler in node.handlers:
                caught = defined | ({handler.name} if handler.name else set())
                after = self._defined_after(handler.body, caught)
                result = _both(result, None if after is None else after - {handler.name})
            final = self._defined_after(node.finalbody, defined)
            return None if result is None or final is None else result | final
        if isinstance(node, ast.Match):
            matched: set[str] | None = defined
            for case in node.cases:
                matched = _both(matched, self._defined_after(case.body, defined | self._names(case.pattern).writes))
            return matched
        if isinstance(node, (ast.Return, ast.Raise)):
            return None
        if isinstance(node, ast.Delete):
            return defined - self._names(node).writes
        return defined | self._names(node).writes


def blocks(statement: Any) -> list[list[ast.stmt]]:
    """Return the lists of statements inside a statement of the same function."""
    if isinstance(statement, _SCOPES):
        return []
    found = [getattr(statement, field, []) for field in ("body", "orelse", "finalbody")]
    found += [part.body for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]]
    return [block for block in found if block]


def _both(a: set[str] | None, b: set[str] | None) -> set[str] | None:
    return b if a is None else a if b is None else a & b


class _MarkMaybe:
    """Marks every reading of a name that may be undefined, among those that start as "undefined"."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow

    def block(self, statements: list[Any], defined: set[str]) -> None:
        """Mark the readings in a block that starts with some names defined."""
        if not self.flow.undefined:
            return
        known: set[str] | None = defined
        for statement in statements:
            if known is None:
                return
            maybe = self.flow.undefined - known
            inner = blocks(statement)
            for child in ast.iter_child_nodes(statement):
                if not inner or not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                    self._mark(child, maybe)
            if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
                setattr(statement, "ag_maybe", statement.target.id in maybe)  # noqa: B010
            for case in getattr(statement, "cases", []):
                self._mark(case.pattern, maybe)
                if case.guard:
                    self._mark(case.guard, maybe)
            own = names_of([c for c in ast.iter_child_nodes(statement) if not isinstance(c, ast.stmt)]).writes
            for position, block in enumerate(inner):
                starts = set(known)
                if isinstance(statement, (ast.With, ast.For)) and position == 0:
                    starts |= own
                if hasattr(statement, "handlers") and block is statement.orelse:
                    starts |= self.flow._defined_after(statement.body, starts) or set()
                self.block(block, starts)
            known = self.flow._defined_after_statement(statement, known)

    def _mark(self, node: ast.AST, maybe: set[str]) -> None:
        if maybe:
            for child in ast.walk(node):
                if isinstance(child, ast.Name) and child.id in maybe and isinstance(child.ctx, ast.Load):
                    child.ag_maybe = True  # type: ignore[attr-defined]
