"""`while` and `for` statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import current_graph
from penstock.core.inference import static_value
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.language.autograph.operators.builtins import Rows, rows_of
from penstock.language.autograph.operators.logical import both
from penstock.language.autograph.operators.staged_loop import GetState, SetState, scratch_graph, staged_while
from penstock.language.autograph.operators.variables import is_staged
from penstock.ops.math.cast import cast
from penstock.ops.ragged.ragged_tensor import RaggedTensor

LoopFunction = Callable[[Any, Any, Callable[[Any], None], GetState, SetState, Sequence[str], dict[str, Any]], None]

_MIXED = (
    "The condition of the {} loop started as non-Tensor, then changed to Tensor. This may happen either because "
    "variables changed type, or because a break or return statement inside the loop depends on a Tensor condition. "
    "In both cases, changing to a TF loop should remove the error: for example, loop over tf.range(n) in place of "
    "range(n), or start from tf.constant(True)."
)

_iterator_kinds: dict[type, LoopFunction] = {}


def register_iterator_kind(kind: type, loop: LoopFunction) -> None:
    """Choose how `for` visits the objects of a class while a graph is built.

    Args:
        kind: the class.
        loop: called as `loop(iterated, more, body, get_state, set_state, names, options)`, where `more` is None, or a
            function that tells whether the loop is to go on; `body` takes an element; and the others are as for
            `staged_while`, which it may call.
    """
    _iterator_kinds[kind] = loop


def _for_ragged(ragged: Any, *loop: Any) -> None:
    _for_rows(Rows(cast(ragged.nrows(), dtypes.int32), lambda position: ragged[position]), *loop)


register_iterator_kind(RaggedTensor, _for_ragged)


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
) -> None:
    """Repeat a block.

    Args:
        test: tells whether to go on.
        body: the block, which assigns the variables.
        get_state, set_state: read and assign the variables that one iteration leaves for the next, or for later.
        names: the names of the variables.
        options: what `set_loop_options` set.
    Raises:
        NotImplementedError: if the test is a value at first, and a tensor later.
        ValueError, TypeError: if a variable changes its shape, type or structure.
    """
    if not _test_is_staged(test, get_state, set_state):
        while _python_test(test(), "while"):
            body()
        return
    staged_while(test, body, get_state, set_state, names, options)


def _python_test(value: Any, statement: str) -> bool:
    if is_staged(value):
        raise NotImplementedError(_MIXED.format(statement))
    return bool(value)


def _test_is_staged(test: Callable[[], Any], get_state: GetState, set_state: SetState) -> bool:
    if current_graph() is None:
        return False
    before = get_state()
    with scratch_graph("loop_test").as_default():
        staged = is_staged(test())
    set_state(before)
    return staged


def for_stmt(
    iterated: Any,
    more: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
) -> None:
    """Run a block for every element.

    Args:
        iterated: a tensor, whose rows are the elements; an object of a registered kind; or any iterable.
        more: tells whether to go on; None for always.
        body: takes an element.
        get_state, set_state, names, options: see `while_stmt`.
    """
    if is_staged(iterated):
        _for_tensor(iterated, more, body, get_state, set_state, names, options)
        return
    if isinstance(iterated, Rows):
        _for_rows(iterated, more, body, get_state, set_state, names, options)
        return
    if current_graph() is not None:
        for kind in type(iterated).__mro__:
            if kind in _iterator_kinds:
                _iterator_kinds[kind](iterated, more, body, get_state, set_state, names, options)
                return
    for element in iterated:
        if more is not None and not _python_test(more(), "for"):
            break
        body(element)


def _for_tensor(
    iterated: Any,
    more: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
) -> None:
    tensor = convert_to_tensor(iterated)
    step = _range_step(tensor)
    if step is None:
        _for_rows(rows_of(tensor), more, body, get_state, set_state, names, options)
        return
    start, limit, delta = tensor.op.inputs  # type: ignore[attr-defined]
    _counted(
        start,
        lambda number: number < limit if step > 0 else number > limit,
        lambda number: number + delta,
        lambda number: number,
        (more, body, get_state, set_state, names, options),
    )


def _range_step(tensor: Tensor) -> int | None:
    """Return the step of an integer range, which need not be made to be counted through."""
    if not isinstance(tensor, SymbolicTensor) or tensor.op.type != "Range" or not tensor.dtype.is_integer:
        return None
    step = static_value(tensor.op.inputs[2])
    return None if step is None or step == 0 else int(step)


def _for_rows(
    rows: Rows,
    more: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
) -> None:
    _counted(
        convert_to_tensor(0),
        lambda position: position < rows.length,
        lambda position: position + 1,
        rows.at,
        (more, body, get_state, set_state, names, options),
    )


def _counted(
    start: Any,
    inside: Callable[[Any], Any],
    following: Callable[[Any], Any],
    element: Callable[[Any], Any],
    loop: tuple[Any, ...],
) -> None:
    """Stage a loop that counts; the count is one more variable."""
    more, body, get_state, set_state, names, options = loop
    count = [start]

    def test() -> Any:
        return inside(count[0]) if more is None else both(inside(count[0]), more())

    def step() -> None:
        here = count[0]
        body(element(here))
        count[0] = following(here)

    def get() -> tuple[Any, ...]:
        return (count[0], *get_state())

    def put(values: tuple[Any, ...]) -> None:
        count[0] = values[0]
        set_state(tuple(values[1:]))

    staged_while(test, step, get, put, ("loop counter", *names), options)
