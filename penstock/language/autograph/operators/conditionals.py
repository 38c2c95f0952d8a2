"""`if` statements and `a if c else b`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, get_default_graph
from penstock.core.tensor import Tensor
from penstock.language.autograph.operators.variables import (
    Undefined,
    UndefinedReturnValue,
    flatten,
    is_return,
    is_staged,
    is_static,
    pack,
    same_structure,
    zeros_like,
)
from penstock.language.control_flow import _call, _has_effects, build_body, share_inputs

_BRANCHES = ("main", "else")


def if_stmt(
    test: Any,
    body: Callable[[], None],
    orelse: Callable[[], None],
    get_state: Callable[[], tuple[Any, ...]],
    set_state: Callable[[tuple[Any, ...]], None],
    names: Sequence[str],
    num_outputs: int,
) -> None:
    """Run one of two blocks.

    Args:
        test: what decides: a value, or a boolean scalar tensor.
        body, orelse: the blocks, which assign the variables.
        get_state, set_state: read and assign all variables that the blocks change.
        names: the names of the variables; those that are read afterwards come first.
        num_outputs: how many are read afterwards.
    Raises:
        ValueError: if a branch leaves a variable undefined, or the test is not a boolean scalar.
        TypeError: if a variable has another type or structure in each branch.
    """
    if not is_staged(test):
        if test:
            body()
        else:
            orelse()
        return
    before = get_state()

    def values_after(block: Callable[[], None]) -> tuple[Any, ...]:
        set_state(before)
        block()
        return get_state()[:num_outputs]

    try:
        results = staged_branches(test, lambda: values_after(body), lambda: values_after(orelse), names)
    except BaseException:
        set_state(before)
        raise
    set_state((*results, *before[num_outputs:]))


def if_exp(test: Any, body: Callable[[], Any], orelse: Callable[[], Any], text: str) -> Any:
    """Return one of two values; `text` is the source of the test."""
    if not is_staged(test):
        return body() if test else orelse()
    return staged_branches(test, lambda: (body(),), lambda: (orelse(),), (text,))[0]


def checked_predicate(test: Any, statement: str) -> Tensor:
    """Return a test as a tensor.

    Raises:
        ValueError: if it is not a boolean scalar.
    """
    tensor = convert_to_tensor(test)
    is_bool = tensor.dtype.base_dtype == dtypes.bool_
    if is_bool and tensor.dims in (None, ()):
        return tensor
    cast = "" if is_bool else " to use as boolean Tensor, use `tf.cast`;"
    raise ValueError(
        f"condition of {statement} expected to be `tf.bool` scalar, got {test};{cast} "
        "to check for None, use `is not None`"
    )


def staged_branches(
    test: Any, main: Callable[[], tuple[Any, ...]], orelse: Callable[[], tuple[Any, ...]], names: Sequence[str]
) -> list[Any]:
    """Build a conditional, and return the values of the variables after it.

    Args:
        test: a boolean scalar tensor.
        main, orelse: build the branches and return the values of the variables.
        names: their names.
    """
    predicate = checked_predicate(test, "if statement")
    graph = get_default_graph()
    with graph.name_scope("cond"):
        bodies, after = _traced(graph, main, orelse)
        outputs: tuple[list[Tensor], list[Tensor]] = ([], [])
        returned = tuple(any(n.startswith("do_return") and v is True for n, v in zip(names, r)) for r in after)
        packers = [
            _merged(name, first, second, bodies, outputs, returned)
            for name, first, second in zip(names, after[0], after[1], strict=False)
        ]
        for body, tensors in zip(bodies, outputs, strict=True):
            with body.as_default():
                body.outputs = [body.capture(convert_to_tensor(t)) for t in tensors]  # type: ignore[arg-type]
        results = _call_if(graph, predicate, bodies)
    return [packer(results) for packer in packers]


def _traced(
    graph: Graph, main: Callable[[], Any], orelse: Callable[[], Any]
) -> tuple[list[FuncGraph], list[tuple[Any, ...]]]:
    first, values = build_body("true", main, (), graph)
    second, other_values = build_body("false", orelse, (), graph)
    return [first, second], [values, other_values]


def _call_if(graph: Graph, predicate: Tensor, bodies: list[FuncGraph]) -> list[Tensor]:
    inputs = share_inputs(bodies)
    attrs = {
        "then_branch": bodies[0],
        "else_branch": bodies[1],
        "Tout": [tensor.dtype.base_dtype for tensor in bodies[0].outputs],
    }
    name = "If" if _has_effects(bodies) else "StatelessIf"
    return _call(name, graph, [predicate, inputs], attrs, "cond")[1]


def _merged(
    name: str,
    first: Any,
    second: Any,
    bodies: list[FuncGraph],
    outputs: tuple[list[Tensor], list[Tensor]],
    returned: Sequence[bool],
) -> Callable[[list[Tensor]], Any]:
    """Add a variable to the outputs of both branches; return how to read it from the results.

    A variable may be undefined in a branch that has returned.
    """
    values = [first, second]
    for here, there in ((0, 1), (1, 0)):
        if isinstance(values[here], Undefined) and not isinstance(values[there], Undefined):
            values[here] = _filled(name, values[here], values[there], bodies[here], _BRANCHES[here], returned[here])
    first, second = values
    if (first is None) != (second is None):
        branch = _BRANCHES[0 if first is None else 1]
        raise ValueError(
            f"'{name}' is None at the end of the {branch} branch, and not of the other. "
            "Give it a value in both branches."
        )
    if first is second and is_static(first) and all(map(is_static, flatten(first))):
        return lambda _: first
    if isinstance(first, Undefined):
        return lambda _: first
    same_structure(name, first, second, "in the main and else branches")
    leaves: list[Any] = []
    for leaf, other in zip(flatten(first), flatten(second), strict=True):
        if is_static(leaf) and leaf is other:
            leaves.append(_Static(leaf))
            continue
        leaves.append(len(outputs[0]))
        for body, item, collected in zip(bodies, (leaf, other), outputs, strict=True):
            with body.as_default():
                collected.append(_as_tensor(name, item))
        a, b = outputs[0][-1], outputs[1][-1]
        if a.dtype.base_dtype != b.dtype.base_dtype:
            raise TypeError(
                f"'{name}' has dtype {a.dtype.base_dtype.name} in the main branch, but dtype "
                f"{b.dtype.base_dtype.name} in the else branch"
            )
    return lambda results: pack(first, [item.value if isinstance(item, _Static) else results[item] for item in leaves])


class _Static:
    """A leaf that is no tensor, and the same object in both branches."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _as_tensor(name: str, leaf: Any) -> Tensor:
    try:
        return convert_to_tensor(leaf)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"'{name}' is {leaf!r} in a branch that depends on a Tensor: only values that can be Tensors can differ "
            f"between the branches. {error}"
        ) from None


def _filled(name: str, undefined: Undefined, other: Any, body: FuncGraph, branch: str, returned: bool) -> Any:
    """Return what stands for an undefined variable of a branch.

    Raises:
        ValueError: unless it is never looked at.
    """
    if returned or (isinstance(undefined, UndefinedReturnValue) and undefined.definite):
        if other is None:
            return None
        with body.as_default():
            return pack(other, [leaf if is_static(leaf) else zeros_like(leaf) for leaf in flatten(other)])
    if is_return(name):
        raise ValueError(f"the {branch} branch must also have a return statement.")
    raise ValueError(f"'{name}' must also be initialized in the {branch} branch")
