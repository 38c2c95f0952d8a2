"""How operators combine: tables of rules by class for adjoint, Cholesky factor, inverse, product and solution.

A rule is found for the most specific pair of classes, first by the left operator's class. Where no rule fits, an
operation has a general answer, such as a `LinearOperatorComposition` for products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rule = Callable[..., Any]

_rules: dict[str, dict[tuple[type, ...], Rule]] = {
    "adjoint": {},
    "cholesky": {},
    "inverse": {},
    "matmul": {},
    "solve": {},
}


def register(operation: str, *classes: type) -> Callable[[Rule], Rule]:
    """Return a decorator that makes a function the rule of an operation for operators of given classes.

    Args:
        operation: "adjoint", "cholesky", "inverse", "matmul" or "solve".
        *classes: the class of each operand.
    Raises:
        ValueError: if there is such a rule already.
    """

    def decorator(rule: Rule) -> Rule:
        if classes in _rules[operation]:
            names = ", ".join(cls.__name__ for cls in classes)
            raise ValueError(f"{operation} of ({names}) has already a rule: {_rules[operation][classes]!r}.")
        _rules[operation][classes] = rule
        return rule

    return decorator


def find(operation: str, *operands: Any) -> Rule | None:
    """Return the rule of an operation for operands: the one whose classes are nearest to theirs; None if there is
    none."""
    table = _rules[operation]
    if len(operands) == 1:
        return next((table[(cls,)] for cls in type(operands[0]).__mro__ if (cls,) in table), None)
    left, right = (type(operand).__mro__ for operand in operands)
    pairs = [(a, b) for a in left for b in right if (a, b) in table]
    return (
        table[min(pairs, key=lambda pair: (left.index(pair[0]) + right.index(pair[1]), left.index(pair[0])))]
        if pairs
        else None
    )
