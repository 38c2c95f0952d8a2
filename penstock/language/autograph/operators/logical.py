"""`and`, `or`, `not`, `in`, chains of comparisons, and `assert`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.tensor import Tensor
from penstock.language.autograph.operators.conditionals import staged_branches
from penstock.language.autograph.operators.variables import is_staged
from penstock.language.control_flow import assert_true
from penstock.ops.math.compare import equal, logical_and, logical_not
from penstock.ops.math.reduce import reduce_any


def and_(first: Callable[[], Any], *rest: Callable[[], Any]) -> Any:
    """Return the first false operand, or the last; operands after a false one are not evaluated."""
    value = first()
    if not rest:
        return value
    if is_staged(value):
        return staged_branches(value, lambda: (and_(*rest),), lambda: (value,), ("and",))[0]
    return and_(*rest) if value else value


def or_(first: Callable[[], Any], *rest: Callable[[], Any]) -> Any:
    """Return the first true operand, or the last; operands after a true one are not evaluated."""
    value = first()
    if not rest:
        return value
    if is_staged(value):
        return staged_branches(value, lambda: (value,), lambda: (or_(*rest),), ("or",))[0]
    return value if value else or_(*rest)


def not_(operand: Any) -> Any:
    """Return `not operand`."""
    return logical_not(operand) if is_staged(operand) else not operand


def both(a: Any, b: Any) -> Any:
    """Return whether two tests hold that may both be evaluated."""
    if is_staged(a) or is_staged(b):
        return logical_and(a, b)
    return a and b


def in_(item: Any, items: Any) -> Any:
    """Return `item in items`: for tensors, whether any element equals the item."""
    if is_staged(items):
        return reduce_any(equal(items, item))
    if is_staged(item) and isinstance(items, (list, tuple, set, frozenset, range)):
        values = list(items)
        if not values:
            return False
        if not any(isinstance(value, Tensor) for value in values):
            return reduce_any(equal(item, convert_to_tensor(values, item.dtype)))
        return or_(*(lambda value=value: equal(item, value) for value in values))
    return item in items


def not_in(item: Any, items: Any) -> Any:
    """Return `item not in items`; see `in_`."""
    return not_(in_(item, items))


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "Is": operator.is_,
    "IsNot": operator.is_not,
    "In": in_,
    "NotIn": not_in,
}


def compare_chain(left: Any, *links: Any) -> Any:
    """Return `left < a < b ...`; the links are names of operators and lambdas for operands, in turns."""
    right = links[1]()
    result = _COMPARISONS[links[0]](left, right)
    if len(links) == 2:
        return result
    return and_(lambda: result, lambda: compare_chain(right, *links[2:]))


def assert_(test: Any, message: Callable[[], Any] | None = None) -> Any:
    """Return a value for Python's own `assert`; for a tensor, check it when the graph runs, and return True."""
    if not is_staged(test):
        return test
    text = "Assertion error" if message is None else message()
    assert_true(test, [item if isinstance(item, Tensor) else str(item) for item in [text]])
    return True
