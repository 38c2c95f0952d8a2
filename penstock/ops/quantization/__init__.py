"""Quantization: floating numbers as few levels."""

from penstock.ops.quantization import arithmetic as arithmetic
from penstock.ops.quantization import fake as fake
from penstock.ops.quantization import joining as joining
from penstock.ops.quantization import layers as layers
from penstock.ops.quantization import ranges as ranges
from penstock.ops.quantization import requantizing as requantizing
from penstock.ops.quantization import rounding as rounding
