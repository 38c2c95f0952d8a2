"""Python's built-in functions, when an argument is a tensor of a graph."""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import current_graph
from penstock.core.op_def import lookup
from penstock.core.tensor import Tensor
from penstock.language.autograph.operators.conditionals import if_exp
from penstock.language.autograph.operators.variables import is_staged
from penstock.language.autograph.status import Feature, control_status_ctx
from penstock.language.control_flow import assert_true
from penstock.language.tensor_array import TensorArray
from penstock.ops.array.common import sizes
from penstock.ops.array.sorting import sort
from penstock.ops.debugging.printing import print_v2
from penstock.ops.math.cast import cast
from penstock.ops.math.reduce import reduce_all, reduce_any, reduce_max, reduce_min, reduce_sum
from penstock.ops.math.sequence import range as range_tensor
from penstock.ops.math.unary import abs as abs_tensor


class Rows:
    """Elements found by position, as `enumerate`, `zip` and `map` over tensors give them.

    Args:
        length: how many there are, a number or an int32 scalar.
        at: from a position, an int32 scalar, to the element.
    """

    def __init__(self, length: Any, at: Callable[[Any], Any]) -> None:
        self.length = length
        self.at = at

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("Elements that come from Tensors can be visited by a `for` statement only.")


def rows_of(tensor: Any) -> Rows:
    """Return the rows of a tensor, unstacked once.

    Raises:
        ValueError: if it is a scalar.
    """
    tensor = convert_to_tensor(tensor)
    length = len_(tensor)
    array = TensorArray(tensor.dtype.base_dtype, size=length, infer_shape=True).unstack(tensor)
    dims = tensor.dims

    def at(position: Any) -> Any:
        row = array.read(position)
        if dims is not None:
            row.set_shape(dims[1:])  # type: ignore[attr-defined]
        return row

    return Rows(length, at)


def _rows(items: Any) -> Rows:
    return items if isinstance(items, Rows) else rows_of(items)


def _by_rows(items: Any) -> bool:
    return isinstance(items, Rows) or is_staged(items)


def abs_(x: Any) -> Any:
    """Return `abs(x)`."""
    return abs_tensor(x) if is_staged(x) else builtins.abs(x)


def bool_(x: Any = False) -> Any:
    """Return `bool(x)`; a numeric tensor is cast."""
    return cast(x, dtypes.bool_) if is_staged(x) else builtins.bool(x)


def _number(x: Any, dtype: Any) -> Any:
    if x.dtype.base_dtype == dtypes.string:
        return lookup("StringToNumber")(x, out_type=dtype)  # type: ignore[operator]
    return cast(x, dtype)


def int_(x: Any = 0, *base: Any, **kwargs: Any) -> Any:
    """Return `int(x)`; a tensor is cast, a string tensor parsed."""
    if not is_staged(x):
        return builtins.int(x, *base, **kwargs)
    if base and base[0] not in (10,):
        raise NotImplementedError(f"base {base[0]} not supported for int of a Tensor: only 10 is")
    return _number(x, dtypes.int32)


def float_(x: Any = 0.0) -> Any:
    """Return `float(x)`; a tensor is cast, a string tensor parsed."""
    return _number(x, dtypes.float32) if is_staged(x) else builtins.float(x)


def round_(x: Any, ndigits: Any = None) -> Any:
    """Return `round(x)`, half to even."""
    if not is_staged(x):
        return builtins.round(x) if ndigits is None else builtins.round(x, ndigits)
    if ndigits is not None:
        raise ValueError("round of a Tensor takes no number of digits: multiply, round, and divide")
    return lookup("Round")(x)  # type: ignore[operator]


def len_(items: Any) -> Any:
    """Return `len(items)`: for a tensor, its first size, a number where it is known.

    Raises:
        ValueError: if it is a scalar.
    """
    if isinstance(items, Rows):
        return items.length
    if isinstance(items, TensorArray):
        return items.size()
    if not is_staged(items):
        return builtins.len(items)
    tensor = convert_to_tensor(items)
    if tensor.dims == ():
        raise ValueError(f"len requires a non-scalar tensor, got one of shape {tensor.shape}: {tensor}")
    if tensor.dims is not None and tensor.dims[0] is not None:
        return tensor.dims[0]
    shape = sizes(tensor)
    if tensor.dims is None:
        rank = lookup("Rank")(tensor)  # type: ignore[operator]
        assert_true(rank >= 1, ["len requires non-zero rank, got", rank])
    return shape[0]


def range_(*args: Any) -> Any:
    """Return `range(...)`: of tensors, the tensor of its numbers."""
    return range_tensor(*args) if any_staged(args) else builtins.range(*args)


def any_staged(items: Any) -> bool:
    """Tell whether one of several values is a tensor of a graph."""
    return builtins.any(is_staged(item) for item in items)


def enumerate_(items: Any, start: Any = 0) -> Any:
    """Return `enumerate(items)`."""
    if hasattr(items, "enumerate") and hasattr(items, "reduce"):
        return items.enumerate(start)
    if not _by_rows(items):
        return builtins.enumerate(items, start)
    rows = _rows(items)
    return Rows(rows.length, lambda position: (position + start, rows.at(position)))


def zip_(*iterables: Any, **kwargs: Any) -> Any:
    """Return `zip(...)`; among tensors there may be no other iterables."""
    if not iterables or not builtins.all(_by_rows(items) for items in iterables):
        return builtins.zip(*iterables, **kwargs)
    parts = [_rows(items) for items in iterables]
    return Rows(min_([part.length for part in parts]), lambda position: tuple(part.at(position) for part in parts))


def map_(function: Callable[..., Any], *iterables: Any) -> Any:
    """Return `map(function, ...)`."""
    if not builtins.all(_by_rows(items) for items in iterables):
        return builtins.map(function, *iterables)
    parts = [_rows(items) for items in iterables]
    length = min_([part.length for part in parts])
    return Rows(length, lambda position: function(*(part.at(position) for part in parts)))


def _extreme(
    python: Callable[..., Any], reduce: Callable[..., Any], op: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    items = args if len(args) > 1 else args[0] if args else ()
    if is_staged(items):
        vector = convert_to_tensor(items)
        if kwargs:
            raise ValueError(f"{python.__name__} of a Tensor takes no key or default")
        if vector.ndim not in (None, 1):
            raise ValueError(f"{python.__name__} of a Tensor needs a vector, got shape {vector.shape}")
        return reduce(vector)
    if isinstance(items, (list, tuple)) and not kwargs and any_staged(items):
        return functools.reduce(lambda a, b: lookup(op)(*_alike(a, b)), items)  # type: ignore[operator]
    return python(*args, **kwargs)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands as tensors of one type: that of the tensor among them."""
    if isinstance(a, Tensor):
        return a, convert_to_tensor(b, a.dtype)
    return (convert_to_tensor(a, b.dtype), b) if isinstance(b, Tensor) else (convert_to_tensor(a), b)


def max_(*args: Any, **kwargs: Any) -> Any:
    """Return `max(...)`."""
    return _extreme(builtins.max, reduce_max, "Maximum", args, kwargs)


def min_(*args: Any, **kwargs: Any) -> Any:
    """Return `min(...)`."""
    return _extreme(builtins.min, reduce_min, "Minimum", args, kwargs)


def sum_(items: Any, start: Any = 0) -> Any:
    """Return `sum(items)`: for a tensor, over its first axis."""
    if not is_staged(items):
        return builtins.sum(items, start)
    total = reduce_sum(items, axis=0)
    return total if isinstance(start, int) and start == 0 else start + total


def any_(items: Any) -> Any:
    """Return `any(items)`."""
    return _quantified(builtins.any, reduce_any, items)


def all_(items: Any) -> Any:
    """Return `all(items)`."""
    return _quantified(builtins.all, reduce_all, items)


def _quantified(python: Callable[..., Any], reduce: Callable[..., Any], items: Any) -> Any:
    if is_staged(items):
        return reduce(items)
    if isinstance(items, (list, tuple)) and any_staged(items):
        return reduce(convert_to_tensor(list(items)))
    return python(items)


def sorted_(items: Any, *, key: Any = None, reverse: bool = False) -> Any:
    """Return `sorted(items)`: for a vector tensor, a vector tensor."""
    if not is_staged(items):
        return builtins.sorted(items, key=key, reverse=reverse)
    if key is not None:
        keys = lookup("Neg")(rows_mapped(key, items)) if reverse else rows_mapped(key, items)  # type: ignore[operator]
        order = lookup("TopKV2")(lookup("Neg")(keys), len_(items))[1]  # type: ignore[operator]
        return lookup("GatherV2")(items, order, 0)  # type: ignore[operator]
    return sort(items, direction="DESCENDING" if reverse else "ASCENDING")


def rows_mapped(function: Callable[[Any], Any], items: Any) -> Tensor:
    """Return a function of every element of a vector.

    Raises:
        ValueError: if the number of elements is not known.
    """
    length = len_(items)
    if not isinstance(length, int):
        raise ValueError(f"a key needs a Tensor whose length is known, got shape {items.shape}")
    rows = rows_of(items)
    return convert_to_tensor([function(rows.at(position)) for position in builtins.range(length)])


def next_(iterator: Any, *default: Any) -> Any:
    """Return `next(iterator)`."""
    if default and current_graph() is not None and hasattr(iterator, "get_next_as_optional"):
        item = iterator.get_next_as_optional()
        return if_exp(item.has_value(), item.get_value, lambda: default[0], "next")
    return builtins.next(iterator, *default)


def print_(*objects: Any, **kwargs: Any) -> Any:
    """Print: while the function is traced, as Python does; when it runs, if the program asked for that feature."""
    features = control_status_ctx().features
    if Feature.BUILTIN_FUNCTIONS not in features or not any_staged(objects):
        return builtins.print(*objects, **kwargs)
    options = {key: kwargs[key] for key in ("sep", "end") if key in kwargs}
    return print_v2(*objects, output_stream=kwargs.get("file") or sys.stdout, **options)


OVERLOADS: dict[Any, Callable[..., Any]] = {
    builtins.abs: abs_,
    builtins.all: all_,
    builtins.any: any_,
    builtins.bool: bool_,
    builtins.enumerate: enumerate_,
    builtins.float: float_,
    builtins.int: int_,
    builtins.len: len_,
    builtins.map: map_,
    builtins.max: max_,
    builtins.min: min_,
    builtins.next: next_,
    builtins.print: print_,
    builtins.range: range_,
    builtins.round: round_,
    builtins.sorted: sorted_,
    builtins.sum: sum_,
    builtins.zip: zip_,
}
"""What stands for a built-in function in converted code."""
