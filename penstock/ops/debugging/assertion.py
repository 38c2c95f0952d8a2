"""Assert: a condition without which a program must not go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, name_scope
from penstock.core.op import op
from penstock.core.shape_rules import format_dims
from penstock.ops.debugging.summaries import printable, summarize_start


@op(
    "Assert(condition: bool, data: list(T))",
    minimum={"T": 1},
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def assert_op(condition: Value, data: list[Value], *, summarize: int = 3) -> tuple[()]:
    if array.dims_of(condition):
        raise InvalidArgumentError(
            None,
            None,
            f"the condition should be a scalar, got shape {format_dims(array.dims_of(condition))}; use tf.reduce_all",
        )
    if not bool(condition):
        shown = " ".join(f"[{summarize_start(value, summarize)}]" for value in data)
        raise InvalidArgumentError(None, None, f"assertion failed: {printable(shown)}")
    return ()


def Assert(condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None) -> Any:
    """Fail if a condition is false: eagerly at once, in a graph when the returned operation runs.

    Args:
        condition: a boolean scalar.
        data: tensors or values that the message shows.
        summarize: how many elements of each are shown, 3 by default; negative for all.
        name: the scope of the node.
    Returns:
        The operation, to be made a control dependency of what relies on the condition; None eagerly.
    Raises:
        InvalidArgumentError: eagerly, if the condition is false.
    """
    limit = 3 if summarize is None else summarize
    if current_graph() is None:
        if not condition:
            shown = "\n".join(_shown(item, limit) for item in data)
            raise InvalidArgumentError(None, None, f"Expected '{condition}' to be true. Summarized data: {shown}")
        return None
    with name_scope(name, "Assert", [condition, data]):
        return assert_op(condition, list(data), summarize=limit, name="Assert")


def _shown(item: Any, limit: int) -> str:
    numbers = np.asarray(array.to_numpy(convert_to_tensor(item).value)).reshape(-1)  # type: ignore[attr-defined]
    limit = numbers.size if limit < 0 else limit
    return ", ".join([str(each) for each in numbers[:limit]] + (["..."] if numbers.size > limit else []))
