"""What the shape rules of operations are written with: checks and arithmetic on raw `Dims`.

Unknown parts agree with everything, and what is known of either side is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.shape import Dims
from penstock.core.shape import num_elements as num_elements


class ShapeError(ValueError):
    """Shapes that an operation cannot work on, found while the graph is built."""


class UnsupportedError(ShapeError, NotImplementedError):
    """Inputs that fit one another, but for which there is no kernel: eagerly an UnimplementedError."""


def format_dims(dims: Dims) -> str:
    """Dims as messages show them: `(?, 784)`, `(3,)`, `()`, or `<unknown>` for an unknown rank."""
    if dims is None:
        return "<unknown>"
    sizes = ", ".join("?" if size is None else str(size) for size in dims)
    return f"({sizes},)" if len(dims) == 1 else f"({sizes})"


def merge_dim(a: int | None, b: int | None, what: str) -> int | None:
    """The size that is known of two sizes that must be equal.

    Raises:
        ShapeError: if both are known and differ; `what` says whose sizes they are.
    """
    if a is None:
        return b
    if b is None or a == b:
        return a
    raise ShapeError(f"{what} must agree, got {a} and {b}")


def merge(a: Dims, b: Dims, what: str = "shapes") -> Dims:
    """What is known of two shapes that must be equal.

    Raises:
        ShapeError: if ranks or sizes are known and differ; `what` says whose shapes they are.
    """
    if a is None or a == b:
        return b
    if b is None:
        return a
    if len(a) != len(b) or any(x is not None and y is not None and x != y for x, y in zip(a, b, strict=True)):
        raise ShapeError(f"{what} must agree, got {format_dims(a)} and {format_dims(b)}")
    return tuple(y if x is None else x for x, y in zip(a, b, strict=True))


def broadcast(a: Dims, b: Dims) -> Dims:
    """The shape of an elementwise operation on two shapes, by NumPy's rules.

    An unknown size against 1 stays unknown; against a larger size it must be 1 or that size, so the result is known.

    Raises:
        ShapeError: if two sizes are known, differ and neither is 1.
    """
    if a is None or b is None:
        return None
    if a == b and None not in a:
        return a
    shorter, longer = (a, b) if len(a) <= len(b) else (b, a)
    offset = len(longer) - len(shorter)
    sizes = list(longer)
    for axis, x in enumerate(shorter, offset):
        y = longer[axis]
        if x == y or x == 1:
            continue
        if y == 1 or y is None:
            sizes[axis] = x
        elif x is not None:
            raise ShapeError(
                f"shapes {format_dims(a)} and {format_dims(b)} cannot be broadcast together: "
                f"{x} and {y} differ and neither is 1"
            )
    return tuple(sizes)


def broadcast_all(*dims: Dims) -> Dims:
    """The shape of an elementwise operation on any number of shapes; `()` for none.

    Raises:
        ShapeError: if two of them cannot be broadcast together.
    """
    result: Dims = ()
    unknown_rank = False
    for each in dims:
        if each is None:
            unknown_rank = True
        else:
            result = broadcast(result, each)
    return None if unknown_rank else result


def expect_rank(dims: Dims, rank: int, what: str) -> tuple[int | None, ...]:
    """The sizes of a shape that must have `rank` axes; all unknown where the rank is unknown.

    Raises:
        ShapeError: if the rank is known and differs.
    """
    if dims is None:
        return (None,) * rank
    if len(dims) != rank:
        raise ShapeError(f"{what} must have rank {rank}, got shape {format_dims(dims)} of rank {len(dims)}")
    return dims


def expect_rank_at_least(dims: Dims, rank: int, what: str) -> Dims:
    """A shape that must have `rank` axes or more, as it is.

    Raises:
        ShapeError: if the rank is known and less.
    """
    if dims is not None and len(dims) < rank:
        raise ShapeError(f"{what} must have rank at least {rank}, got shape {format_dims(dims)} of rank {len(dims)}")
    return dims


def expect_equal(what: str, **dims: int | None) -> int | None:
    """The one size that several named sizes must share; None where all are unknown.

    Raises:
        ShapeError: if two are known and differ: "inner dimension must agree, a has 784 and b has 512".
    """
    known: int | None = None
    for size in dims.values():
        if size is None or size == known:
            continue
        if known is not None:
            named = [f"{name} has {each}" for name, each in dims.items() if each is not None]
            raise ShapeError(f"{what} must agree, {', '.join(named[:-1])} and {named[-1]}")
        known = size
    return known


def normalize_axis(axis: int, rank: int, what: str) -> int:
    """An axis counted from the front, from 0 to `rank` - 1; negative ones count from the back.

    Raises:
        ShapeError: if `axis` is outside of [-rank, rank).
    """
    if not -rank <= axis < rank:
        allowed = "there is none" if rank == 0 else f"expected one in [{-rank}, {rank})"
        raise ShapeError(f"{what} {axis} is out of range for rank {rank}: {allowed}")
    return axis + rank if axis < 0 else axis


def reduced(dims: Dims, axes: Sequence[int] | None, keepdims: bool) -> Dims:
    """The shape after a reduction.

    Args:
        dims: the shape before.
        axes: the axes to reduce, negative ones from the back; None where they are not known while building.
        keepdims: whether reduced axes stay, with size 1.
    Raises:
        ShapeError: if an axis is out of range.
    """
    if axes is None:
        return (None,) * len(dims) if keepdims and dims is not None else None
    if dims is None:
        return None
    gone = {normalize_axis(axis, len(dims), "reduction axis") for axis in axes}
    if keepdims:
        return tuple(1 if axis in gone else size for axis, size in enumerate(dims))
    return tuple(size for axis, size in enumerate(dims) if axis not in gone)


def convolved_size(input: int | None, filter: int | None, stride: int, dilation: int, padding: str) -> int | None:
    """The size of one axis after a window has slid over it.

    Args:
        input: the size of the axis, without explicit padding.
        filter: the size of the window.
        stride: the step of the window, at least 1.
        dilation: the distance of neighbouring window elements, at least 1.
        padding: 'SAME' (pad so that stride 1 keeps the size) or 'VALID' (no padding).
    Raises:
        ShapeError: if the stride, dilation or padding is invalid, or the window does not fit into the axis.
    """
    if stride < 1 or dilation < 1:
        raise ShapeError(f"stride and dilation must be at least 1, got stride {stride} and dilation {dilation}")
    if padding not in ("SAME", "VALID"):
        raise ShapeError(f"padding must be 'SAME' or 'VALID', got {padding!r}")
    if input is None:
        return None
    if padding == "SAME":
        return -(-input // stride)
    if filter is None:
        return None
    window = (filter - 1) * dilation + 1
    if window > input:
        raise ShapeError(
            f"a window of {window} (filter {filter}, dilation {dilation}) does not fit into an axis of {input}; "
            "use padding 'SAME' or a smaller filter"
        )
    return (input - window) // stride + 1


def unchanged(first: Dims, *rest: Dims, **attrs: Any) -> Dims:
    """The rule of operations whose output has the shape of their first input."""
    return first


def broadcasting(x: Dims, y: Dims, **attrs: Any) -> Dims:
    """The rule of elementwise operations on two inputs."""
    return broadcast(x, y)


def scalar(*inputs: Dims, **attrs: Any) -> Dims:
    """The rule of operations whose output has no axes."""
    return ()


def unknown(*inputs: Dims, **attrs: Any) -> Dims:
    """The rule of operations whose output may have any shape."""
    return None


def no_outputs(*inputs: Dims, **attrs: Any) -> tuple[()]:
    """The rule of operations without outputs."""
    return ()
