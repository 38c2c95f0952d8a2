"""What the files of this family share: sizes known now or at run time, and element types that kernels lack."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import DType, int32, int64
from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock.core.op_def import lookup
from penstock.core.tensor import Tensor
from penstock.ops.constant import shape_op

INDEX = frozenset({int32, int64})

# Types without kernels for some data movement, and types of the same width that have them.
_CARRIERS = {
    torch.uint16: torch.int16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
    torch.float8_e5m2: torch.int8,
    torch.float8_e4m3fn: torch.int8,
}
_PHYSICAL_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**46


def deferred(name: str) -> Callable[..., Any]:
    """Return a callable for an operation of another family, looked up when it is called.

    Families use each other in their gradients; looking up late keeps their imports free of cycles.

    Args:
        name: the operation's name in GraphDefs.
    """

    found: Any = None

    def call(*args: Any, **keywords: Any) -> Any:
        nonlocal found
        if found is None:
            found = lookup(name)
        return found(*args, **keywords)

    return call


def sizes(tensor: Tensor, out_type: DType = int32) -> Any:
    """Return the shape of `tensor` for use as an input of another operation: a list of ints where it is static.

    Args:
        tensor: a tensor.
        out_type: the integer type of the shape where it has to be computed.
    """
    dims = tensor.dims
    return list(dims) if dims is not None and None not in dims else shape_op(tensor, out_type=out_type)


def is_static(*tensors: Tensor) -> bool:
    """Tell whether the shapes of all `tensors` are fully known now."""
    return all(t.dims is not None and None not in t.dims for t in tensors)


def moved(function: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> torch.Tensor:
    """Apply a kernel that only moves data, through a type of equal width where it lacks the elements' own type."""
    dtype = tensors[0].dtype
    carrier = _CARRIERS.get(dtype)
    if carrier is None:
        return function(*tensors)
    return function(*(tensor.view(carrier) for tensor in tensors)).view(dtype)


def check_allocation(dims: Sequence[int], item_size: int) -> None:
    """Refuse to make a value that cannot fit the machine, before memory is asked for.

    Args:
        dims: its shape.
        item_size: bytes per element.
    Raises:
        InvalidArgumentError: if a size is negative.
        ResourceExhaustedError: if it is larger than the memory of the machine.
    """
    for size in dims:
        if size < 0:
            raise InvalidArgumentError(None, None, f"Dimension {size} must be >= 0 in shape {list(dims)}")
    if math.prod(dims) * item_size > _PHYSICAL_MEMORY:
        raise ResourceExhaustedError(
            None,
            None,
            f"OOM when allocating tensor with shape{list(dims)}: {math.prod(dims) * item_size} bytes do not "
            "fit the memory",
        )


def item_size(value: Value) -> int:
    """Return the bytes an element of a runtime value takes."""
    return value.element_size() if isinstance(value, torch.Tensor) else 8


def numbers(values: Any, dtype: DType) -> torch.Tensor:
    """Return Python integers as a runtime value of `dtype`."""
    return torch.tensor(values, dtype=array.torch_dtype(dtype))


def strings(values: Any, dims: Sequence[int]) -> np.ndarray:
    """Return an object array of bytes of shape `dims` that is filled with `values` in order."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(tuple(dims))
