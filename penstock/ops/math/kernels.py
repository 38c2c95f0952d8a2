"""What the kernels of this folder share: groups of types, and a way around kernels that torch does not have.

torch stores unsigned integers wider than 8 bits, but computes little with them. NumPy computes with all of them, on the
same memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.dtypes import COMPLEX, FLOATING, NUMBER, QUANTIZED, SIGNED, DType, float32, float64, int32, int64
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.core.op_def import Type, lookup

FLOATING_OR_COMPLEX = FLOATING | COMPLEX
SIGNED_NUMBER = FLOATING | SIGNED | COMPLEX
NUMBER_OR_QUANTIZED = NUMBER | QUANTIZED
INDEX = frozenset({int32, int64})
AXIS = Type(INDEX, default=int32)

# The types for which torch lacks most kernels.
STORED_ONLY = frozenset({torch.uint16, torch.uint32, torch.uint64})


# The types for which elementwise kernels are nothing but ATen's.
_NATIVE = frozenset({float32, float64, int32, int64})


def native(function: Callable[..., Any]) -> Callable[[dict[str, Any]], Callable[..., Any] | None]:
    """Return the rule for `specialize` of a kernel that is the ATen function itself for the common types."""
    return lambda attrs: function if attrs["T"] in _NATIVE else None


def through_numpy(function: Callable[..., Any], *values: Array) -> Array:
    """Return `function` of NumPy arrays that share the memory of `values`, as a value on the same device."""
    with np.errstate(all="ignore"):
        result = np.asarray(function(*[value.cpu().numpy() for value in values]))
    if not result.flags.c_contiguous or not result.flags.writeable:
        result = np.array(result, order="C")
    return torch.from_numpy(result).to(values[0].device)


def require_no_zero(divisor: Array) -> None:
    """Refuse integer divisors that hold a zero.

    Raises:
        InvalidArgumentError: if one does.
    """
    if divisor.item() == 0 if divisor.numel() == 1 else bool((divisor == 0).any()):
        raise InvalidArgumentError(
            None, None, "Integer division by zero: every element of the divisor must differ from 0"
        )


def no_kernel(operation: str, dtype: DType | torch.dtype) -> NotFoundError:
    """Return the error for a type that GraphDefs allow and that no kernel computes with."""
    name = getattr(dtype, "name", str(dtype).removeprefix("torch."))
    return NotFoundError(None, None, f"{operation} has no kernel for {name}; cast its inputs to a floating type")


def operation(name: str) -> Any:
    """Return the operation `name`, for gradients that use operations of modules that import theirs."""
    return lookup(name)
