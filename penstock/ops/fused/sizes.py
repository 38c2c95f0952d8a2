"""The number of elements as a floating number, which averages are divided by."""

from __future__ import annotations

import math

import torch

from penstock.core import array
from penstock.core.array import Array, Value
from penstock.core.dtypes import DType
from penstock.ops.fused.declare import fused_op


@fused_op("_SizeAs(input: T) -> size: DstT")
def size_as_op(input: Value, *, DstT: DType) -> Array:
    return torch.scalar_tensor(math.prod(array.dims_of(input)), dtype=array.torch_dtype(DstT))
