"""A pass that leaves functions with one `return`, at the end.

    if x > 0:                do_return = False
        return x             retval_ = ag__.UndefinedReturnValue(True)
    return -x                if x > 0:
                                 do_return, retval_ = True, x
                             else:
                                 do_return, retval_ = True, -x
                             return retval_

A `return` in a loop becomes a `break`, which the next pass removes.
"""

from __future__ import annotations

import ast
from typing import Any

from penstock.language.autograph.names import unused
from penstock.language.autograph.templates import assign, constant, load, negation, placed, runtime_call

_LOOPS = (ast.While, ast.For)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def blocks_of(statement: ast.stmt) -> list[list[ast.stmt]]:
    """Return the lists of statements inside a statement, not those of functions and classes."""
    if isinstance(statement, _SCOPES):
        return []
    blocks = [getattr(statement, field, []) for field in ("body", "orelse", "finalbody")]
    blocks += [part.body for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]]
    return [block for block in blocks if block]


def contains(statements: list[ast.stmt], kinds: Any, into_loops: bool = True) -> bool:
    """Tell whether statements of some kinds are among these or inside them."""
    for statement in statements:
        if isinstance(statement, kinds):
            return True
        inner = blocks_of(statement)
        if isinstance(statement, _LOOPS) and not into_loops:
            inner = [statement.orelse]
        if any(contains(block, kinds, into_loops) for block in inner):
            return True
    return False


def never_ends(statements: list[ast.stmt]) -> bool:
    """Tell whether statements always return or raise."""
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, (ast.Return, ast.Raise)):
        return True
    if isinstance(last, ast.If):
        return never_ends(last.body) and never_ends(last.orelse)
    if isinstance(last, ast.With):
        return never_ends(last.body)
    if isinstance(last, ast.Try):
        if never_ends(last.finalbody):
            return True
        body = never_ends(last.body) or never_ends(last.orelse)
        return body and all(never_ends(handler.body) for handler in last.handlers)
    if isinstance(last, ast.While) and isinstance(last.test, ast.Constant) and last.test.value:
        return not contains(last.body, ast.Break, into_loops=False)
    return False


def lower_returns(body: list[ast.stmt], taken: set[str]) -> list[ast.stmt]:
    """Return the body of a function with its returns in control flow replaced.

    Args:
        body: the statements, which are changed.
        taken: the names in use.
    """
    if not any(contains(block, ast.Return) for statement in body for block in blocks_of(statement)):
        return body
    if not _returns_values(body) and not never_ends(body):
        body.append(placed(ast.Return(constant(None)), body[-1]))
    return _Returns(never_ends(body), taken).lower_function(body)


def _returns_values(statements: list[ast.stmt]) -> bool:
    for statement in statements:
        if isinstance(statement, ast.Return) and statement.value is not None:
            if not (isinstance(statement.value, ast.Constant) and statement.value.value is None):
                return True
        if any(_returns_values(block) for block in blocks_of(statement)):
            return True
    return False


class _Returns:
    def __init__(self, definite: bool, taken: set[str]) -> None:
        self.definite = definite
        self.flag = unused("do_return", taken)
        self.value = unused("retval_", taken)

    def lower_function(self, body: list[ast.stmt]) -> list[ast.stmt]:
        first, last = body[0], body[-1]
        start = [
            assign(self.flag, constant(False)),
            assign(self.value, runtime_call("UndefinedReturnValue", constant(self.definite))),
        ]
        result = load(self.value) if self.definite else runtime_call("returned", load(self.value))
        end = ast.Return(result)
        lowered = self.lower(body, False)
        return [*(placed(s, first) for s in start), *lowered, placed(end, last)]

    def lower(self, statements: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        """Return statements without returns; what follows one that may return is guarded."""
        result: list[ast.stmt] = []
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            if isinstance(statement, ast.Return):
                value = constant(None) if statement.value is None else statement.value
                new: list[ast.stmt] = [assign(self.flag, constant(True)), assign(self.value, value)]
                new += [ast.Break()] if in_loop else []
                return result + [placed(s, statement) for s in new]
            result.append(statement)
            if not contains([statement], ast.Return):
                continue
            if isinstance(statement, ast.If):
                if never_ends(statement.body):
                    statement.orelse, rest = statement.orelse + rest, []
                elif never_ends(statement.orelse):
                    statement.body, rest = statement.body + rest, []
            self._lower_inside(statement, in_loop)
            if in_loop and isinstance(statement, _LOOPS):
                leave = placed(ast.If(load(self.flag), [ast.Break()], []), statement)
                return [*result, leave, *self.lower(rest, in_loop)]
            if in_loop:
                return result + self.lower(rest, in_loop)
            if rest:
                guard = ast.If(negation(load(self.flag)), self.lower(rest, in_loop), [])
                result.append(placed(guard, rest[0]))
            return result
        return result

    def _lower_inside(self, statement: Any, in_loop: bool) -> None:
        body_in_loop = in_loop or isinstance(statement, _LOOPS)
        had_return = contains(getattr(statement, "body", []), ast.Return)
        if hasattr(statement, "body"):
            statement.body = self.lower(statement.body, body_in_loop)
        if getattr(statement, "orelse", None):
            statement.orelse = self.lower(statement.orelse, in_loop)
            if isinstance(statement, ast.Try) and had_return and not in_loop:
                guard = ast.If(negation(load(self.flag)), statement.orelse, [])
                statement.orelse = [placed(guard, statement.orelse[0])]
        if getattr(statement, "finalbody", None):
            statement.finalbody = self.lower(statement.finalbody, in_loop)
        for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
            part.body = self.lower(part.body, in_loop)
