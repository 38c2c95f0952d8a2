"""A loop whose variables are all single numbers."""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from penstock.core.array import Array, scalar_tensor, torch_dtype
from penstock.core.dtypes import as_dtype
from penstock.core.resources import ResourceManager
from penstock.ops.fused.declare import fused_op
from penstock.ops.fused.native.lowering import MEMORY_TYPES, operand_values, step_values
from penstock.ops.fused.native.region import Chain, Region, number_of_constant

# So many iterations run operation by operation before the loop is worth compiling.
_BEFORE_COMPILING = 100
# After so many iterations the loop looks up, to see whether it is to stop.
_AT_ONCE = 1_000_000
_SLOT_BYTES = 8
_FORMATS = {"bool": "?7x", "int32": "i4x", "int64": "q", "float32": "f4x", "float64": "d"}


@dataclass(frozen=True, eq=False)
class ScalarLoop:
    """A loop: while `condition` of the variables holds, they become what `body` makes of them.

    Attributes:
        condition: its inputs are the loop variables; it has one output.
        body: its inputs are the loop variables.
        results: for each variable, where its next value comes from: ("step", i) of the body, ("input", i) for that of
            another variable, or ("number", value).
    """

    condition: Chain
    body: Chain
    results: tuple[tuple[str, Any], ...]

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The names of the variables' types."""
        return tuple(dtype for dtype, _ in self.body.region.inputs)


@fused_op("_ScalarLoop(inputs: list(T)) -> outputs: list(T)")
def scalar_loop_op(inputs: list[Array], *, loop: object, resources: ResourceManager) -> list[Array]:
    assert isinstance(loop, ScalarLoop)
    interruption = resources.interruption
    values = list(inputs)
    key = loop.condition.region, loop.body.region, loop.results
    for _ in range(0 if key in _made else _BEFORE_COMPILING):
        if interruption.requested:
            interruption.check()
        if not bool(loop.condition.by_operation(values)[0]):
            return values
        steps = loop.body.by_operation(values)
        produced = dict(zip(loop.body.region.outputs, steps, strict=True))
        values = [
            produced[item]
            if kind == "step"
            else values[item]
            if kind == "input"
            else scalar_tensor(number_of_constant(item), dtype=torch_dtype(as_dtype(dtype)))
            for (kind, item), dtype in zip(loop.results, loop.dtypes, strict=True)
        ]
    if key not in _made:
        _made[key] = _compile(*key)
    function = _made[key]
    layout = "=" + "".join(_FORMATS[dtype] for dtype in loop.dtypes)
    memory = bytearray(struct.pack(layout, *(value.item() for value in values)))
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    while not function(address, _AT_ONCE):
        if interruption.requested:
            interruption.check()
    numbers = struct.unpack(layout, memory)
    return [
        scalar_tensor(number, dtype=torch_dtype(as_dtype(dtype)))
        for number, dtype in zip(numbers, loop.dtypes, strict=True)
    ]


_made: dict[Any, Any] = {}


def _compile(condition: Region, body: Region, results: tuple[tuple[str, Any], ...]) -> Any:
    """Return the machine code of a loop: from the address of its variables, in slots of eight bytes, and the most
    iterations to run, to whether the loop has ended."""
    # LLVM is loaded when the first loop is compiled.
    from penstock.ops.fused.native.machine_code import compile_module

    address = compile_module(_write(condition, body, results), "loop")
    return ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_size_t, ctypes.c_size_t)(address)


def _write(condition: Region, body: Region, results: tuple[tuple[str, Any], ...]) -> str:
    module = ir.Module()
    size, pointer = ir.IntType(64), ir.IntType(8).as_pointer()
    function = ir.Function(module, ir.FunctionType(ir.IntType(1), [pointer, size]), "loop")
    base, limit = function.args
    entry, test, turn, end = (function.append_basic_block(name) for name in ("entry", "test", "turn", "end"))
    builder = ir.IRBuilder(entry)
    slots = []
    for index, (dtype, _) in enumerate(body.inputs):
        slot = builder.gep(base, [ir.Constant(size, index * _SLOT_BYTES)])
        slots.append(builder.bitcast(slot, MEMORY_TYPES[dtype].as_pointer()))
    first = [_load(builder, slot, dtype) for slot, (dtype, _) in zip(slots, body.inputs, strict=True)]
    builder.branch(test)
    builder.position_at_end(test)
    count = builder.phi(size)
    variables = [builder.phi(value.type) for value in first]
    count.add_incoming(ir.Constant(size, 0), entry)
    for variable, value in zip(variables, first, strict=True):
        variable.add_incoming(value, entry)
    given = dict(enumerate(variables))
    goes_on = step_values(builder, condition, given)[condition.outputs[0]]
    is_within = builder.icmp_unsigned("<", count, limit)
    builder.cbranch(builder.and_(goes_on, is_within), turn, end)
    builder.position_at_end(turn)
    steps = step_values(builder, body, given)
    dtypes = tuple(dtype for dtype, _ in body.inputs)
    following = operand_values(results, dtypes, given, steps)
    turned = builder.block
    count.add_incoming(builder.add(count, ir.Constant(size, 1)), turned)
    for variable, value in zip(variables, following, strict=True):
        variable.add_incoming(value, turned)
    builder.branch(test)
    builder.position_at_end(end)
    for slot, variable, (dtype, _) in zip(slots, variables, body.inputs, strict=True):
        builder.store(builder.zext(variable, MEMORY_TYPES["bool"]) if dtype == "bool" else variable, slot)
    builder.ret(builder.not_(goes_on))
    return str(module)


def _load(builder: Any, address: Any, dtype: str) -> Any:
    value = builder.load(address)
    return builder.trunc(value, ir.IntType(1)) if dtype == "bool" else value
