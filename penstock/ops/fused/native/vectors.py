"""Vectors of float32 in LLVM's intermediate language, for code that is not left to the vectorizer."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

FLOAT, SIZE = ir.FloatType(), ir.IntType(64)
_SMALL = ir.IntType(32)


def multiply_add(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Write x * y + z for vectors."""
    kind = ir.FunctionType(x.type, [x.type] * 3)
    return builder.call(declared(builder, f"llvm.fmuladd.v{x.type.count}f32", kind), [x, y, z])


def filled(builder: Any, value: Any, kind: Any) -> Any:
    """Write a vector all of whose elements are one value."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, value, _SMALL(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_SMALL, kind.count), None))


def load_part(builder: Any, address: Any, kind: Any) -> Any:
    """Write the reading of a vector from an array."""
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=4)


def store_part(builder: Any, value: Any, address: Any) -> None:
    """Write the storing of a vector into an array."""
    builder.store(value, builder.bitcast(address, value.type.as_pointer()), align=4)


def declared(builder: Any, name: str, kind: Any) -> Any:
    """Return an intrinsic of a module, declared once."""
    return builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
