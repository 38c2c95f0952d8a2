"""Quantization: floating numbers as few levels."""

from penstock.ops.quantization import fake as fake
from penstock.ops.quantization import ranges as ranges
from penstock.ops.quantization import rounding as rounding
