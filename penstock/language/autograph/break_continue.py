"""A pass that replaces `break` and `continue` by flags, and `else` of loops by what it means.

while a:                 break_ = False
    if b:                while not break_ and a:
        break                if b:
    c()                          break_ = True
                             else:
                                 c()
"""

from __future__ import annotations

import ast
from typing import Any

from penstock.language.autograph.names import unused
from penstock.language.autograph.returns import blocks_of, contains
from penstock.language.autograph.templates import assign, constant, load, negation, placed

_LOOPS = (ast.While, ast.For)
_JUMPS = (ast.Break, ast.Continue)


def lower_jumps(body: list[ast.stmt], taken: set[str]) -> list[ast.stmt]:
    """Return the body of a function without `break` and `continue`.

    A `for` loop that is left early carries the name of its flag as `ag_break`.

    Args:
        body: the statements, which are changed.
        taken: the names in use.
    """
    return _lower(body, _Flags("", ""), taken)


class _Flags:
    """The names of the flags of the loop around a statement."""

    def __init__(self, break_name: str, continue_name: str) -> None:
        self.break_name = break_name
        self.continue_name = continue_name


def _jumps(statements: list[ast.stmt], kind: Any = _JUMPS) -> bool:
    return contains(statements, kind, into_loops=False)


def _always_jumps(statements: list[ast.stmt]) -> bool:
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.If):
        return _always_jumps(last.body) and _always_jumps(last.orelse)
    return isinstance(last, (*_JUMPS, ast.Raise)) and _jumps(statements)


def _lower(statements: list[ast.stmt], flags: _Flags, taken: set[str]) -> list[ast.stmt]:
    result: list[ast.stmt] = []
    for position, statement in enumerate(statements):
        rest = statements[position + 1 :]
        if isinstance(statement, _JUMPS):
            name = flags.break_name if isinstance(statement, ast.Break) else flags.continue_name
            return [*result, placed(assign(name, constant(True)), statement)]
        if isinstance(statement, _LOOPS):
            result += _lower_loop(statement, flags, taken)
            guards = _guards([statement], flags)
        else:
            if isinstance(statement, ast.If) and _jumps([statement]):
                if _always_jumps(statement.body):
                    statement.orelse, rest = statement.orelse + rest, []
                elif _always_jumps(statement.orelse):
                    statement.body, rest = statement.body + rest, []
            guards = _guards([statement], flags)
            _lower_inside(statement, flags, taken)
            result.append(statement)
            if not rest and guards:
                return result
        if rest and guards:
            guard = ast.If(_none_of(guards), _lower(rest, flags, taken), [])
            return [*result, placed(guard, rest[0])]
    return result


def _guards(statements: list[ast.stmt], flags: _Flags) -> list[str]:
    guards = [flags.break_name] if _jumps(statements, ast.Break) else []
    return guards + ([flags.continue_name] if _jumps(statements, ast.Continue) else [])


def _none_of(names: list[str]) -> ast.expr:
    tests = [load(name) for name in names]
    return negation(tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), list(tests)))


def _lower_inside(statement: Any, flags: _Flags, taken: set[str]) -> None:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or not blocks_of(statement):
        return
    guards = _guards(statement.body, flags) if isinstance(statement, ast.Try) else []
    for field in ("body", "orelse", "finalbody"):
        if getattr(statement, field, None):
            setattr(statement, field, _lower(getattr(statement, field), flags, taken))
    if guards and statement.orelse:
        statement.orelse = [placed(ast.If(_none_of(guards), statement.orelse, []), statement.orelse[0])]
    for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
        part.body = _lower(part.body, flags, taken)


def _lower_loop(loop: Any, outer: _Flags, taken: set[str]) -> list[ast.stmt]:
    breaks, continues = _jumps(loop.body, ast.Break), _jumps(loop.body, ast.Continue)
    flags = _Flags(
        unused("break_", taken) if breaks else "",
        unused("continue_", taken) if continues else "",
    )
    loop.body = _lower(loop.body, flags, taken)
    if continues:
        loop.body.insert(0, placed(assign(flags.continue_name, constant(False)), loop.body[0]))
    after = _lower(loop.orelse, outer, taken)
    loop.orelse = []
    if not breaks:
        return [loop, *after]
    unbroken = negation(load(flags.break_name))
    if isinstance(loop, ast.For):
        loop.ag_break = flags.break_name  # type: ignore[attr-defined]
    elif isinstance(loop.test, ast.Constant) and loop.test.value:
        loop.test = placed(unbroken, loop.test)
    else:
        loop.test = placed(ast.BoolOp(ast.And(), [unbroken, loop.test]), loop.test)
    result = [placed(assign(flags.break_name, constant(False)), loop), loop]
    if after:
        result.append(placed(ast.If(negation(load(flags.break_name)), after, []), after[0]))
    return result
