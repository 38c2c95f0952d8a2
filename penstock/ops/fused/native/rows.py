"""Regions with sums and maxima of rows, such as softmax and layer normalization, in LLVM's intermediate language.

A row is gone over as often as one sum waits for another. What a later pass needs of an earlier one is kept, one element
for each of the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from penstock.ops.fused.native import functions
from penstock.ops.fused.native.lowering import LOWERINGS, MEMORY_TYPES, Frame, counting, load, store
from penstock.ops.fused.native.region import (
    REDUCTIONS,
    ROW_OPERATIONS,
    Access,
    Region,
    Step,
    constant_of,
    number_of_constant,
)

_SIZE = ir.IntType(64)


class _Value:
    """One element, or one number of a row, at a place in the code.

    Attributes:
        step: what computes it, None for inputs and numbers.
        operands: what it is computed from.
        dtype: the name of its type.
        is_row: whether it is one number for a row.
        turn: the pass over the row in which it is computed, for a number of a row that at whose end it is known; -1 is
            before the first.
        index: its position among the region's inputs, for an input.
        number: its value, for a number.
    """

    def __init__(self, dtype: str, is_row: bool, turn: int, step: Step | None = None) -> None:
        self.dtype = dtype
        self.is_row = is_row
        self.turn = turn
        self.step = step
        self.operands: tuple[_Value, ...] = ()
        self.index = -1
        self.number: Any = None


class _Steps:
    """The steps of a region with softmax and its like taken apart, each value once."""

    def __init__(self, region: Region) -> None:
        self.inputs: list[_Value] = []
        for index, (dtype, access) in enumerate(region.inputs):
            value = _Value(dtype, access in (Access.SCALAR, Access.COLUMN), -1)
            value.index = index
            self.inputs.append(value)
        self.order: list[_Value] = []
        self._made: dict[Any, _Value] = {}
        steps: list[_Value] = []
        for step in region.steps:
            operands = []
            for (kind, item), dtype in zip(step.operands, step.operand_dtypes, strict=True):
                if kind == "number":
                    operands.append(self._number(item, dtype))
                else:
                    operands.append(self.inputs[item] if kind == "input" else steps[item])
            steps.append(self._take_apart(step, operands))
        self.outputs = [steps[index] for index in region.outputs]

    def needed(self) -> list[_Value]:
        """Return the values that the outputs need, in order."""
        wanted: set[_Value] = set(self.outputs)
        for value in reversed(self.order):
            if value in wanted:
                wanted.update(value.operands)
        return [value for value in self.order if value in wanted]

    def _number(self, item: Any, dtype: str) -> _Value:
        value = _Value(dtype, True, -1)
        value.number = item
        return value

    def _take_apart(self, step: Step, operands: Sequence[_Value]) -> _Value:
        dtype = step.dtype
        if step.op == "BroadcastTo":
            return self._make("Identity", dtype, operands[0], is_element=True)
        if step.op not in ROW_OPERATIONS or step.op in REDUCTIONS:
            return self._make(step.op, dtype, *operands, factor=step.factor)
        logits = operands[0]
        centered = self._make("Sub", dtype, logits, self._make("Max", dtype, logits))
        powers = self._make("Exp", dtype, centered)
        total = self._make("Sum", dtype, powers)
        if step.op == "Softmax":
            return self._make("RealDiv", dtype, powers, total)
        if step.op == "SparseSoftmaxCrossEntropyWithLogits":
            is_label = self._make("_IsColumn", "bool", operands[1], is_element=True)
            if step.output:
                share = self._make("RealDiv", dtype, powers, total)
                one = self._number(constant_of(1.0), dtype)
                return self._make("Select", dtype, is_label, self._make("Sub", dtype, share, one), share)
            zero = self._number(constant_of(0.0), dtype)
            chosen = self._make("Sum", dtype, self._make("Select", dtype, is_label, centered, zero))
            return self._make("Sub", dtype, self._make("Log", dtype, total), chosen)
        if step.op == "SoftmaxCrossEntropyWithLogits" and step.output:
            return self._make("Sub", dtype, self._make("RealDiv", dtype, powers, total), operands[1])
        logarithms = self._make("Sub", dtype, centered, self._make("Log", dtype, total))
        if step.op == "LogSoftmax":
            return logarithms
        return self._make("Neg", dtype, self._make("Sum", dtype, self._make("Mul", dtype, logarithms, operands[1])))

    def _make(self, op: str, dtype: str, *operands: _Value, factor: Any = 0, is_element: bool = False) -> _Value:
        key = (op, dtype, factor, operands, is_element)
        if key in self._made:
            return self._made[key]
        if op in REDUCTIONS:
            is_row, turn = True, max(0, operands[0].turn)
        else:
            is_row = not is_element and all(operand.is_row for operand in operands)
            turns = [operand.turn + (operand.is_row and not is_row) for operand in operands]
            turn = max(turns) if is_row else max(0, *turns)
        step = Step(op, (), dtype, tuple(operand.dtype for operand in operands), factor)
        value = self._made[key] = _Value(dtype, is_row, turn, step)
        value.operands = operands
        self.order.append(value)
        return value


# Sums may be added up in any order, and so several elements at a time.
_ANY_ORDER = ("reassoc",)


def _log(builder: Any, x: Any) -> Any:
    return functions.intrinsic(builder, "llvm.log", x)


class _Writer:
    """Writes the loop over rows."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.steps = _Steps(region)
        self.values = self.steps.needed()
        self.frame = Frame(region)
        self.builder, self.sources, self.results = self.frame.builder, self.frame.sources, self.frame.results
        self.inner = _SIZE(region.inner)
        self.last = max((value.turn for value in self.values), default=0)
        # What a later pass takes from an earlier one.
        self.kept = {
            operand: self.builder.alloca(MEMORY_TYPES[operand.dtype], self.inner)
            for value in self.values
            for operand in value.operands
            if operand.step is not None and not operand.is_row and operand.turn < value.turn
        }
        self.totals = {
            value: self.builder.alloca(MEMORY_TYPES[value.dtype])
            for value in self.values
            if value.step is not None and value.step.op in REDUCTIONS
        }
        # The largest element up to now, where its position is wanted.
        self.largest = {
            value: self.builder.alloca(MEMORY_TYPES[value.operands[0].dtype])
            for value in self.totals
            if value.step is not None and value.step.op == "ArgMax"
        }
        builder = self.builder
        self.scalars = {
            value: load(builder, self.sources[value.index][0], value.dtype)
            for value in self.steps.inputs
            if region.inputs[value.index][1] is Access.SCALAR
        }
        with counting(builder, self.frame.outer) as row:
            self._write_row(row)

    def _write_row(self, row: Any) -> None:
        builder = self.builder
        known: dict[_Value, Any] = dict(self.scalars)
        starts = {}
        for value in self.steps.inputs:
            base, stride = self.sources[value.index]
            access = self.region.inputs[value.index][1]
            if access is Access.COLUMN:
                known[value] = load(builder, builder.gep(base, [row]), value.dtype)
            elif access is not Access.SCALAR:
                starts[value] = builder.gep(base, [builder.mul(row, stride)]) if access is Access.FULL else base
        self._finish(-1, row, known)
        ends = [builder.gep(result, [builder.mul(row, distance)]) for result, distance in self.results]
        for turn in range(self.last + 1):
            elements = [value for value in self.values if value.turn == turn and not value.is_row]
            reductions = [value for value in self.totals if value.turn == turn]
            for value in reductions:
                kind = MEMORY_TYPES[value.dtype]
                assert value.step is not None
                lowest = float("-inf")
                if value in self.largest:
                    builder.store(ir.Constant(kind, 0), self.totals[value])
                    builder.store(ir.Constant(MEMORY_TYPES[value.operands[0].dtype], lowest), self.largest[value])
                else:
                    builder.store(ir.Constant(kind, lowest if value.step.op == "Max" else 0.0), self.totals[value])
            if elements or reductions:
                with counting(builder, self.inner) as column:
                    self._write_element(column, elements, reductions, dict(known), starts, ends)
            for value in reductions:
                total = builder.load(self.totals[value])
                assert value.step is not None
                if value.step.op == "Mean":
                    total = builder.fdiv(total, ir.Constant(total.type, float(self.region.inner)))
                known[value] = total
            self._finish(turn, row, known)

    def _finish(self, turn: int, row: Any, known: dict[_Value, Any]) -> None:
        """Write what is one number for a row and known when a pass has ended."""
        for value in self.values:
            if value.is_row and value.turn == turn and value not in known:
                known[value] = self._compute(value, [self._operand(operand, known) for operand in value.operands])
            if value.is_row and value.turn == turn:
                for output, (result, distance) in zip(self.steps.outputs, self.results, strict=True):
                    if output is value:
                        place = self.builder.mul(row, distance)
                        store(self.builder, known[value], self.builder.gep(result, [place]))

    def _write_element(
        self,
        column: Any,
        elements: Sequence[_Value],
        reductions: Sequence[_Value],
        known: dict[_Value, Any],
        starts: dict[_Value, Any],
        ends: Sequence[Any],
    ) -> None:
        builder = self.builder

        def value_of(value: _Value) -> Any:
            if value not in known and value in starts:
                known[value] = load(builder, builder.gep(starts[value], [column]), value.dtype)
            elif value in self.kept and value not in known:
                known[value] = load(builder, builder.gep(self.kept[value], [column]), value.dtype)
            return self._operand(value, known)

        for value in elements:
            operands = [value_of(operand) for operand in value.operands]
            assert value.step is not None
            if value.step.op == "_IsColumn":
                known[value] = builder.icmp_signed("==", operands[0], self._as(operands[0].type, column))
            else:
                known[value] = self._compute(value, operands)
            addresses = [end for end, output in zip(ends, self.steps.outputs, strict=True) if output is value]
            addresses += [self.kept[value]] if value in self.kept else []
            for address in addresses:
                store(builder, known[value], builder.gep(address, [column]))
        for value in reductions:
            total = builder.load(self.totals[value])
            element = value_of(value.operands[0])
            assert value.step is not None
            if value in self.largest:
                largest = builder.load(self.largest[value])
                is_larger = builder.fcmp_ordered(">", element, largest)
                builder.store(builder.select(is_larger, element, largest), self.largest[value])
                total = builder.select(is_larger, self._as(total.type, column), total)
            elif value.step.op == "Max":
                total = functions.intrinsic(builder, "llvm.maximum", total, element)
            else:
                total = builder.fadd(total, element, flags=_ANY_ORDER)
            builder.store(total, self.totals[value])

    def _as(self, kind: Any, column: Any) -> Any:
        """Return the number of a column as an integer of some type."""
        return column if kind == _SIZE else self.builder.trunc(column, kind)

    def _operand(self, value: _Value, known: dict[_Value, Any]) -> Any:
        if value.number is not None:
            register = ir.IntType(1) if value.dtype == "bool" else MEMORY_TYPES[value.dtype]
            return ir.Constant(register, number_of_constant(value.number))
        return known[value]

    def _compute(self, value: _Value, operands: Sequence[Any]) -> Any:
        step = value.step
        assert step is not None
        if step.op == "Log":
            return _log(self.builder, operands[0])
        return LOWERINGS[step.op][1](self.builder, step, *operands)


def write_rows(region: Region) -> str:
    """Return the text of an LLVM module with the function `shared` that computes a region with reductions of rows; see
    `lowering.write_loop` for its parameters."""
    return _Writer(region).frame.finish()
