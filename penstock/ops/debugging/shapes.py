"""Assertions over ranks, shapes and types, which mostly are known while a program is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import current_graph, name_scope
from penstock.core.inference import static_value
from penstock.core.tensor import EagerTensor, Tensor
from penstock.ops.array.shaping import rank as rank_of
from penstock.ops.array.shaping import shape as shape_of
from penstock.ops.constant import no_op
from penstock.ops.debugging.assertion import Assert
from penstock.ops.math.compare import equal, greater_equal
from penstock.ops.math.reduce import reduce_any


def _prefix(message: str | None) -> str:
    return f"{message}.  " if message else ""


def _label(tensor: Any) -> str:
    return "" if isinstance(tensor, EagerTensor) else tensor.name


def _passed(what: str) -> Any:
    return None if current_graph() is None else no_op(name=what)


def _known_rank(rank: Any) -> int | None:
    """Return a rank's value where it is known.

    Raises:
        TypeError: if it is no int32.
        ValueError: if it is no scalar.
    """
    assert_type(rank, dtypes.int32)
    value = static_value(rank)
    if value is not None and np.ndim(value) != 0:
        raise ValueError("Rank must be a scalar.")
    return None if value is None else int(value)


def _check_rank(
    x: Any,
    rank: Any,
    scope: str,
    wording: str,
    holds: Callable[[int, int], bool],
    compare: Callable[..., Tensor],
    data: Any,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Any:
    with name_scope(name, scope, [x, rank, data]):
        x = convert_to_tensor(x, name="x") if not hasattr(x, "dense_shape") else x
        rank = convert_to_tensor(rank, name="rank")
        wanted, dims = _known_rank(rank), x.shape.dims
        if wanted is not None and dims is not None:
            if not holds(len(dims), wanted):
                raise ValueError(
                    f"{_prefix(message)}Tensor {_label(x)} must have {wording} {wanted}.  "
                    f"Received rank {len(dims)}, shape {x.shape}"
                )
            return _passed("static_checks_determined_all_ok")
        if data is None:
            data = [
                _prefix(message),
                f"Tensor {_label(x)} must have {wording}",
                rank,
                "Received shape: ",
                shape_of(x),
            ]
        return Assert(compare(rank_of(x), rank), data, summarize=summarize)


def assert_rank_v1(
    x: Any,
    rank: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that `x` has `rank` axes.

    Args:
        x: a tensor.
        rank: an int32 scalar.
        data: what the message shows if the shape is known only when the graph runs.
        summarize: how many elements of each are shown.
        message: what the message starts with.
        name: the scope of the nodes.
    Returns:
        An operation that checks it when the graph runs, or does nothing if that was possible now; None eagerly.
    Raises:
        ValueError: if the rank is known now and differs, or `rank` is no scalar.
        TypeError: if `rank` is no int32.
    """
    return _check_rank(x, rank, "assert_rank", "rank", lambda a, b: a == b, equal, data, summarize, message, name)


def assert_rank_at_least_v1(
    x: Any,
    rank: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that `x` has at least `rank` axes. See `assert_rank_v1`."""
    return _check_rank(
        x,
        rank,
        "assert_rank_at_least",
        "rank at least",
        lambda a, b: a >= b,
        greater_equal,
        data,
        summarize,
        message,
        name,
    )


def assert_rank_in_v1(
    x: Any,
    ranks: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that the number of axes of `x` is one of `ranks`, int32 scalars. See `assert_rank_v1`."""
    with name_scope(name, "assert_rank_in", [x, *ranks, data]):
        x = convert_to_tensor(x, name="x")
        ranks = [convert_to_tensor(rank, name="rank") for rank in ranks]
        wanted, dims = [_known_rank(rank) for rank in ranks], x.shape.dims
        if None not in wanted and dims is not None:
            if len(dims) not in wanted:
                raise ValueError(
                    f"{_prefix(message)}Tensor {_label(x)} must have rank in {tuple(wanted)}.  "
                    f"Received rank {len(dims)}, shape {x.shape}"
                )
            return _passed("static_checks_determined_all_ok")
        if data is None:
            head = [_prefix(message), f"Tensor {_label(x)} must have rank in"]
            data = [*head, *ranks, "Received shape: ", shape_of(x)]
        x_rank = rank_of(x)
        condition = reduce_any([equal(x_rank, rank) for rank in ranks])
        return Assert(condition, data, summarize=summarize)


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Check that `x` has `rank` axes. See `assert_rank_v1`."""
    return assert_rank_v1(x, rank, message=message, name=name)


def assert_rank_at_least(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Check that `x` has at least `rank` axes. See `assert_rank_v1`."""
    return assert_rank_at_least_v1(x, rank, message=message, name=name)


def assert_rank_in(x: Any, ranks: Any, message: str | None = None, name: str | None = None) -> Any:
    """Check that the number of axes of `x` is one of `ranks`. See `assert_rank_v1`."""
    return assert_rank_in_v1(x, ranks, message=message, name=name)


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> Any:
    """Check that a tensor is known to have no axes, and return it.

    Raises:
        ValueError: if it has axes, or its shape is unknown.
    """
    with name_scope(name, "assert_scalar", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        shape = tensor.shape
        if shape.ndims != 0:
            if isinstance(tensor, EagerTensor):
                raise ValueError(f"{_prefix(message)}Expected scalar shape, saw shape: {shape}.")
            raise ValueError(f"{_prefix(message)}Expected scalar shape for {tensor.name}, saw shape: {shape}.")
        return tensor


def assert_scalar_v1(tensor: Any, name: str | None = None, message: str | None = None) -> Any:
    """Check that a tensor is known to have no axes, and return it. See `assert_scalar`."""
    return assert_scalar(tensor, message=message, name=name)


# Shapes by symbols


class _Expectation(NamedTuple):
    """The shape expected of one tensor: sizes counted from the front, or from the back if the front is open."""

    tensor: Any
    sizes: tuple[Any, ...]
    from_back: bool


def _as_size(item: Any) -> Any:
    """Return a size as an int, a symbol, or None where any will do."""
    if item is None or isinstance(item, str):
        return None if item in (None, ".") else item
    if hasattr(item, "value") and not isinstance(item, Tensor):
        return item.value
    return int(item)


def _is_open_end(item: Any) -> bool:
    return item is Ellipsis or isinstance(item, str) and item == "*"


def _expectation(tensor: Any, sizes: Any) -> _Expectation:
    if not hasattr(sizes, "__iter__") and not hasattr(sizes, "__getitem__"):
        raise ValueError(
            f"{_shape_label(tensor)}.  Specified shape must be an iterable.  An iterable has the attribute `__iter__` "
            f"or `__getitem__`.  Received specified shape: {sizes}"
        )
    items = list(sizes)
    from_back = bool(items) and _is_open_end(items[0])
    rest = items[1:] if from_back else items
    for index, item in enumerate(items):
        if index and _is_open_end(item):
            raise ValueError(
                f"{_shape_label(tensor)} specified shape index {index}.  Symbol `...` or `*` for a variable number of "
                "unspecified dimensions is only allowed as the first entry"
            )
    return _Expectation(tensor, tuple(_as_size(item) for item in rest), from_back)


def _shape_label(tensor: Any) -> str:
    if isinstance(tensor, EagerTensor):
        return f"Tensor shape={tuple(tensor.dims)} dtype={tensor.dtype.name}"
    return f"Tensor {tensor.name}"


def assert_shapes(
    shapes: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check the shapes of tensors, and that sizes with one symbol agree among them.

    Args:
        shapes: pairs of a tensor and its shape, or a dictionary of them. A shape is a sequence of sizes, symbols such
            as "N", and None or "." for any size; Ellipsis or "*" as its first entry stands for any number of axes.
            A scalar also counts as a vector of size 1.
        data: what the message shows if sizes are known only when the graph runs.
        summarize: how many elements of each are shown.
        message: what the message starts with.
        name: the scope of the nodes.
    Returns:
        An operation that checks what is not known now; None eagerly.
    Raises:
        ValueError: if what is known now does not fit.

    >>> assert_shapes([([[1, 2], [3, 4], [5, 6]], ("N", "Q")), ([0, 1, 2], ("N",))])
    """
    pairs = list(shapes.items() if isinstance(shapes, Mapping) else shapes)
    with name_scope(name, "assert_shapes", [shapes, data]):
        expectations = []
        for tensor, sizes in pairs:
            tensor = tensor.deref() if hasattr(tensor, "deref") else tensor
            expectations.append(_expectation(convert_to_tensor(tensor), sizes))
        checks = [_check_ranks(expectation, data, summarize, message) for expectation in expectations]
        known: dict[Any, tuple[Any, str]] = {}
        for tensor, sizes, from_back in expectations:
            for position, wanted in enumerate(sizes):
                if wanted is not None:
                    axis = position - len(sizes) if from_back else position
                    checks += _check_size(tensor, axis, wanted, known, data, summarize, message)
        if current_graph() is None:
            return None
        with _after([check for check in checks if check is not None]):
            return no_op(name="shape_checks")


def _after(checks: list[Any]) -> Any:
    graph = current_graph()
    assert graph is not None
    return graph.control_dependencies(checks)


def _check_ranks(expectation: _Expectation, data: Any, summarize: int | None, message: str | None) -> Any:
    tensor, sizes, from_back = expectation
    if from_back:
        return assert_rank_at_least_v1(tensor, len(sizes), data, summarize, message) if sizes else None
    if len(sizes) == 1:
        return assert_rank_in_v1(tensor, (0, 1), data, summarize, message)
    return assert_rank_v1(tensor, len(sizes), data, summarize, message)


def _check_size(
    tensor: Any,
    axis: int,
    wanted: Any,
    known: dict[Any, tuple[Any, str]],
    data: Any,
    summarize: int | None,
    message: str | None,
) -> list[Any]:
    dims = (1,) if tensor.dims == () else tensor.dims
    actual = None if dims is None else dims[axis]
    size = shape_of(tensor)[axis] if actual is None else actual
    index = axis if axis >= 0 else axis if dims is None else len(dims) + axis
    if isinstance(wanted, str):
        if wanted not in known:
            # A size known now is worth more than one computed later.
            known[wanted] = size, f"{_shape_label(tensor)} dimension {index}".replace("Tensor", "tensor", 1)
            return []
        expected, source = known[wanted]
        origin = f"Specified by {source}"
        if isinstance(expected, Tensor) and actual is not None:
            known[wanted] = size, f"{_shape_label(tensor)} dimension {index}".replace("Tensor", "tensor", 1)
    else:
        expected, origin = wanted, "Specified explicitly"
    if not isinstance(expected, Tensor) and actual is not None:
        if expected == actual:
            return []
        raise ValueError(
            f"{_prefix(message)}{origin}.  {_shape_label(tensor)} dimension {index} must have size {expected}.  "
            f"Received size {actual}, shape {tensor.shape}"
        )
    shown = data
    if shown is None:
        head = [_prefix(message), origin, f"{_shape_label(tensor)} dimension", index]
        shown = [*head, "must have size", expected, "Received shape: ", shape_of(tensor)]
    return [Assert(equal(size, expected), shown, summarize=summarize)]


# Types


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Any:
    """Check that a tensor has elements of type `tf_type`.

    Returns:
        An operation that does nothing; None eagerly.
    Raises:
        TypeError: if it has not.
    """
    wanted = as_dtype(tf_type)
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor") if not hasattr(tensor, "dtype") else tensor
        actual = as_dtype(tensor.dtype).base_dtype
        if actual != wanted:
            label = "tensor" if isinstance(tensor, EagerTensor) or not hasattr(tensor, "name") else f"{tensor.name}"
            raise TypeError(f"{_prefix(message)}{label} must be of type tf.{wanted.name}; got tf.{actual.name}")
        return _passed("statically_determined_correct_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Any:
    """Check that a tensor has elements of an integer type.

    Returns:
        An operation that does nothing; None eagerly.
    Raises:
        TypeError: if it has not.
    """
    with name_scope(name, "assert_integer", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            raise TypeError(
                f'{_prefix(message)}Expected "x" to be integer type.  Found: tensor of dtype {x.dtype}'
                if isinstance(x, EagerTensor)
                else f'{_prefix(message)}Expected "x" to be integer type.  Found: {x.name} of dtype {x.dtype}'
            )
        return _passed("statically_determined_was_integer")


def assert_same_float_dtype(tensors: Sequence[Any] | None = None, dtype: Any = None) -> DType:
    """Return the one floating type of some tensors.

    Args:
        tensors: tensors; None among them is passed over.
        dtype: the type that they must have; by default that of the first, or float32 if there is none.
    Raises:
        ValueError: if types differ, or the type is not floating.
    """
    found: Any = None if dtype is None else as_dtype(dtype).base_dtype
    first = None
    for tensor in tensors or []:
        if tensor is None:
            continue
        own = as_dtype(tensor.dtype).base_dtype
        if found is None:
            found, first = own, tensor
        elif own != found:
            beside = f" as {first}" if first is not None else ""
            raise ValueError(f"{tensor}, type={own}, must be of the same type ({found}){beside}.")
    found = found or dtypes.float32
    if not found.is_floating:
        raise ValueError(f"Expected floating point type, got {found}.")
    return found


def is_numeric_tensor(tensor: Any) -> bool:
    """Tell whether `tensor` is a tensor with elements that are numbers: not bool, string, resource or variant."""
    return isinstance(tensor, Tensor) and tensor.dtype.base_dtype in dtypes.NUMBER | dtypes.QUANTIZED


def assert_proper_iterable(values: Any) -> None:
    """Check that `values` is an iterable of values: not a tensor, an array or a string.

    Raises:
        TypeError: if it is not.
    """
    improper = (Tensor, np.ndarray, bytes, str)
    if isinstance(values, improper) or hasattr(values, "dense_shape"):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not isinstance(values, Iterable) and not hasattr(values, "__getitem__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')
