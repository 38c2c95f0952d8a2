"""The modes of conversion of types."""

from __future__ import annotations

from typing import Any

import pytest

import penstock as tf
from penstock.numpy_api.promotion import promoted_dtype

TYPES = "bool int8 int32 int64 uint8 uint64 float16 bfloat16 float32 float64 complex64 complex128".split()
NUMBERS: dict[str, Any] = {"int": 1, "float": 1.5, "complex": 1j}

# Rows and columns in the order of TYPES; "-" is a TypeError. As TensorFlow has it.
ALL = {
    "int8": "int8 int8 int32 int64 int16 float64 float16 bfloat16 float32 float64 complex64 complex128",
    "int64": "int64 int64 int64 int64 int64 float64 float16 bfloat16 float32 float64 complex64 complex128",
    "uint8": "uint8 int16 int32 int64 uint8 uint64 float16 bfloat16 float32 float64 complex64 complex128",
    "float16": "float16 float16 float16 float16 float16 float16 float16 float32 float32 float64 complex64 complex128",
    "float64": "float64 float64 float64 float64 float64 float64 float64 float64 float64 float64 complex128 complex128",
    "complex64": "complex64 complex64 complex64 complex64 complex64 complex64 complex64 complex64 complex64 "
    "complex128 complex64 "
    "complex128",
    "int": "int32 int8 int32 int64 uint8 uint64 float16 bfloat16 float32 float64 complex64 complex128",
    "float": "float32 float64 float64 float64 float64 float64 float16 bfloat16 float32 float64 complex64 complex128",
    "complex": "complex128 complex128 complex128 complex128 complex128 complex128 complex64 complex64 complex64 "
    "complex128 "
    "complex64 complex128",
}
SAFE = {
    "int8": "int8 int8 int32 int64 - - float16 bfloat16 float32 float64 complex64 complex128",
    "int32": "int32 int32 int32 int64 int32 - - - - float64 - complex128",
    "int64": "int64 int64 int64 int64 int64 - - - - - - -",
    "uint8": "uint8 - int32 int64 uint8 uint64 float16 bfloat16 float32 float64 complex64 complex128",
    "float16": "float16 float16 - - float16 - float16 - float32 float64 complex64 complex128",
    "float64": "float64 float64 float64 - float64 - float64 float64 float64 float64 - complex128",
    "complex64": "complex64 complex64 - - complex64 - complex64 complex64 complex64 - complex64 complex128",
    "int": "int32 int8 int32 int64 uint8 uint64 float16 bfloat16 float32 float64 complex64 complex128",
    "float": "float32 - - - - - float16 bfloat16 float32 float64 complex64 complex128",
    "complex": "complex128 complex128 complex128 - complex128 - - - - complex128 complex64 complex128",
}


@pytest.mark.parametrize(("mode", "table"), [("all", ALL), ("safe", SAFE)])
def test_types_are_those_of_the_mode(mode: str, table: dict[str, str]) -> None:
    for row, results in table.items():
        one = NUMBERS[row] if row in NUMBERS else tf.zeros(2, row)
        for column, expected in zip(TYPES, results.split(), strict=True):
            other = tf.zeros(2, column)
            for pair in ((one, other), (other, one)):
                if expected == "-":
                    with pytest.raises(TypeError, match="safe"):
                        promoted_dtype(*pair, mode)
                else:
                    assert promoted_dtype(*pair, mode).name == expected, (row, column)
