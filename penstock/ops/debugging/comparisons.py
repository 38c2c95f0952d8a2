"""Assertions over the elements of tensors: `assert_equal`, `assert_less`, `assert_positive` and their kin.

What is known while a graph is built is checked at once; the rest becomes an Assert operation, which has to be made a
control dependency of what relies on it (inside `tf.function`, every Assert runs by itself).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph, name_scope
from penstock.core.inference import static_value
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.debugging.assertion import Assert
from penstock.ops.math.compare import equal, greater, greater_equal, less, less_equal, not_equal
from penstock.ops.math.reduce import reduce_all
from penstock.ops.math.unary import abs as absolute

_ALL = 10**9


def _described(label: str, tensor: Tensor) -> str:
    if isinstance(tensor, EagerTensor):
        return f"{label} (shape={tuple(tensor.dims)} dtype={tensor.dtype.name}) = "
    return f"{label} ({tensor.name}) = "  # type: ignore[attr-defined]


def _limit(summarize: int | None) -> int:
    return 3 if summarize is None else _ALL if summarize < 0 else summarize


def _plain(item: Any, limit: int) -> str:
    if isinstance(item, EagerTensor):
        flat = np.asarray(item.numpy()).reshape(-1)
        return str([str(each) for each in flat[:limit]] + (["..."] if flat.size > limit else []))
    return str(item)


def fail_statically(data: list[Any]) -> None:
    """Raise what an assertion found while the graph was built.

    Raises:
        InvalidArgumentError: always; tensors among `data` are shown by their known values.
    """
    shown = [static_value(item) if isinstance(item, Tensor) else item for item in data]
    raise InvalidArgumentError(None, None, "\n".join(str(item) for item in shown))


def _differences(symbol: str, x: Tensor, y: Tensor, holds: np.ndarray, limit: int) -> list[Any]:
    x_values, y_values = np.asarray(x.numpy()), np.asarray(y.numpy())  # type: ignore[attr-defined]
    data: list[Any] = [f"Condition x {symbol} y did not hold."]
    if x_values.ndim and x_values.shape == y_values.shape:
        where = np.argwhere(~holds)
        count = min(limit, len(where))
        data += [f"Indices of first {count} different values:", where[:count]]
        data += ["Corresponding x values:", x_values[~holds][:count]]
        data += ["Corresponding y values:", y_values[~holds][:count]]
    for label, values in (("x", x_values), ("y", y_values)):
        count = min(limit, values.size)
        data += [f"First {count} elements of {label}:", values.reshape(-1)[:count]]
    return data


def _compare(
    symbol: str,
    scope: str,
    compare: Callable[..., Tensor],
    x: Any,
    y: Any,
    data: Any,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Any:
    with name_scope(name, scope, [x, y, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype.base_dtype if _is_open(y) else None, name="y")
        holds = compare(x, y)
        condition = reduce_all(holds)
        if current_graph() is None:
            if condition:
                return None
            limit = _limit(summarize)
            items = _differences(symbol, x, y, np.asarray(holds.numpy()), limit) if data is None else list(data)  # type: ignore[attr-defined]
            items = items if message is None else [message, *items]
            raise InvalidArgumentError(None, None, "\n".join(_plain(item, limit) for item in items))
        if data is None:
            data = [f"Condition x {symbol} y did not hold element-wise:", _described("x", x), x, _described("y", y), y]
        items = list(data) if message is None else [message, *data]
        x_known, y_known = static_value(x), static_value(y)
        if x_known is not None and y_known is not None and not np.all(_NUMPY[symbol](x_known, y_known)):
            fail_statically(items)
        return Assert(condition, items, summarize=summarize)


def _is_open(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex)) or (
        isinstance(value, (list, tuple)) and all(_is_open(item) for item in value)
    )


_NUMPY: dict[str, Callable[..., Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def assert_equal_v1(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x == y` holds for all elements, broadcast together.

    Args:
        x, y: tensors of one type.
        data: what the message shows; by default the condition and both tensors.
        summarize: how many elements the message shows, 3 by default; negative for all.
        message: what the message starts with.
        name: the scope of the nodes.
    Returns:
        The Assert operation; None eagerly.
    Raises:
        InvalidArgumentError: eagerly, or where both values are known while the graph is built, if it does not hold.
    """
    if x is y:
        return Assert(True, [""], name=name) if current_graph() is not None else None
    return _compare("==", "assert_equal", equal, x, y, data, summarize, message, name)


def assert_none_equal_v1(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x != y` holds for all elements. See `assert_equal_v1`."""
    return _compare("!=", "assert_none_equal", not_equal, x, y, data, summarize, message, name)


def assert_less_v1(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x < y` holds for all elements. See `assert_equal_v1`."""
    return _compare("<", "assert_less", less, x, y, data, summarize, message, name)


def assert_less_equal_v1(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x <= y` holds for all elements. See `assert_equal_v1`."""
    return _compare("<=", "assert_less_equal", less_equal, x, y, data, summarize, message, name)


def assert_greater_v1(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x > y` holds for all elements. See `assert_equal_v1`."""
    return _compare(">", "assert_greater", greater, x, y, data, summarize, message, name)


def assert_greater_equal_v1(
    x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x >= y` holds for all elements. See `assert_equal_v1`."""
    return _compare(">=", "assert_greater_equal", greater_equal, x, y, data, summarize, message, name)


def assert_equal(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Check that `x == y` holds for all elements, broadcast together.

    Args:
        x, y: tensors of one type.
        message: what the message starts with.
        summarize: how many elements the message shows, 3 by default; negative for all.
        name: the scope of the nodes.
    Returns:
        The Assert operation; None eagerly.
    Raises:
        InvalidArgumentError: eagerly, or where both values are known while the graph is built, if it does not hold.
    """
    return assert_equal_v1(x, y, summarize=summarize, message=message, name=name)


def assert_none_equal(
    x: Any, y: Any, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x != y` holds for all elements. See `assert_equal`."""
    return assert_none_equal_v1(x, y, summarize=summarize, message=message, name=name)


def assert_less(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Check that `x < y` holds for all elements. See `assert_equal`."""
    return assert_less_v1(x, y, summarize=summarize, message=message, name=name)


def assert_less_equal(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Check that `x <= y` holds for all elements. See `assert_equal`."""
    return assert_less_equal_v1(x, y, summarize=summarize, message=message, name=name)


def assert_greater(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Check that `x > y` holds for all elements. See `assert_equal`."""
    return assert_greater_v1(x, y, summarize=summarize, message=message, name=name)


def assert_greater_equal(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Check that `x >= y` holds for all elements. See `assert_equal`."""
    return assert_greater_equal_v1(x, y, summarize=summarize, message=message, name=name)


def _compare_with_zero(
    symbol: str,
    scope: str,
    check: Callable[..., Any],
    x: Any,
    data: Any,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Any:
    with name_scope(name, scope, [x, data]):
        x = convert_to_tensor(x, name="x")
        if data is None:
            prefix = f"{message}.  " if message else ""
            data = [prefix, f"Condition x {symbol} 0 did not hold element-wise:", _described("x", x), x]
        zero = convert_to_tensor(0, x.dtype.base_dtype)
        return check(zero, x, data, summarize)


def assert_positive_v1(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x > 0` holds for all elements.

    Args:
        x: a numeric tensor.
        data, summarize, message, name: see `assert_equal_v1`.
    """
    return _compare_with_zero(">", "assert_positive", assert_less_v1, x, data, summarize, message, name)


def assert_non_negative_v1(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x >= 0` holds for all elements. See `assert_positive_v1`."""
    return _compare_with_zero(">=", "assert_non_negative", assert_less_equal_v1, x, data, summarize, message, name)


def assert_negative_v1(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x < 0` holds for all elements. See `assert_positive_v1`."""
    return _compare_with_zero(
        "<", "assert_negative", lambda zero, x, *rest: assert_less_v1(x, zero, *rest), x, data, summarize, message, name
    )


def assert_non_positive_v1(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Check that `x <= 0` holds for all elements. See `assert_positive_v1`."""
    return _compare_with_zero(
        "<=",
        "assert_non_positive",
        lambda zero, x, *rest: assert_less_equal_v1(x, zero, *rest),
        x,
        data,
        summarize,
        message,
        name,
    )


def assert_positive(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> Any:
    """Check that `x > 0` holds for all elements.

    Args:
        x: a numeric tensor.
        message, summarize, name: see `assert_equal`.
    """
    return assert_positive_v1(x, summarize=summarize, message=message, name=name)


def assert_non_negative(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Check that `x >= 0` holds for all elements. See `assert_positive`."""
    return assert_non_negative_v1(x, summarize=summarize, message=message, name=name)


def assert_negative(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> Any:
    """Check that `x < 0` holds for all elements. See `assert_positive`."""
    return assert_negative_v1(x, summarize=summarize, message=message, name=name)


def assert_non_positive(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Check that `x <= 0` holds for all elements. See `assert_positive`."""
    return assert_non_positive_v1(x, summarize=summarize, message=message, name=name)


def assert_near_v1(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that `|x - y| <= atol + rtol * |y|` holds for all elements.

    Args:
        x, y: tensors of one floating type.
        rtol, atol: the tolerances; by default ten times the distance from 1 to the next number of the type.
        data, summarize, message, name: see `assert_equal_v1`.
    Raises:
        InvalidArgumentError: eagerly, if it does not hold.
    """
    with name_scope(name, "assert_near", [x, y, rtol, atol, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype.base_dtype if _is_open(y) else None, name="y")
        dtype = x.dtype.real_dtype if x.dtype.is_complex else x.dtype.base_dtype
        if not dtype.is_floating and (rtol is None or atol is None):
            raise ValueError(f"assert_near compares floating numbers, got {dtype.name}; use assert_equal for integers")
        default = 10 * float(_epsilon(dtype)) if dtype.is_floating else 0
        rtol = convert_to_tensor(default if rtol is None else rtol, dtype, name="rtol")
        atol = convert_to_tensor(default if atol is None else atol, dtype, name="atol")
        if data is None:
            prefix = f"{message}.  " if message else ""
            tolerance = f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}"
            data = [prefix, tolerance, _described("x", x), x, _described("y", y), y]
        condition = reduce_all(less_equal(absolute(x - y), atol + rtol * absolute(y)))
        return Assert(condition, data, summarize=summarize)


def _epsilon(dtype: Any) -> float:
    return 2.0**-7 if dtype.name == "bfloat16" else float(np.finfo(dtype.as_numpy_dtype).eps)


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Check that `|x - y| <= atol + rtol * |y|` holds for all elements. See `assert_near_v1`."""
    return assert_near_v1(x, y, rtol, atol, summarize=summarize, message=message, name=name)
