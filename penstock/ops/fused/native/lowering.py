"""Elementwise operations in LLVM's intermediate language: how one element of each result is computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from penstock.core.dtypes import as_dtype
from penstock.ops.fused.native import functions
from penstock.ops.fused.native.region import APPROXIMATED, ROW_OPERATIONS, Region, Step, number_of_constant
from penstock.ops.fused.native.threads import write_shared

# In memory; a truth value is a byte there, and a bit in a register.
MEMORY_TYPES: dict[str, Any] = {
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
    "int32": ir.IntType(32),
    "int64": ir.IntType(64),
    "bool": ir.IntType(8),
}
_FLOATS = frozenset({"float32", "float64"})
_INTEGERS = frozenset({"int32", "int64"})
_NUMBERS = _FLOATS | _INTEGERS
_BOOL = frozenset({"bool"})

Lowering = Callable[..., Any]  # (builder, step, *operands) -> value

# Name of an operation -> (types that its first operand may have, lowering).
LOWERINGS: dict[str, tuple[frozenset[str], Lowering]] = {}


def _lowers(types: frozenset[str], *names: str) -> Callable[[Lowering], Lowering]:
    def register(lowering: Lowering) -> Lowering:
        for name in names:
            LOWERINGS[name] = (types, lowering)
        return lowering

    return register


def _is_float(value: Any) -> bool:
    return isinstance(value.type, (ir.FloatType, ir.DoubleType))


def _one(value: Any) -> Any:
    return ir.Constant(value.type, 1.0 if _is_float(value) else 1)


def _zero(value: Any) -> Any:
    return ir.Constant(value.type, 0.0 if _is_float(value) else 0)


def _add(b: Any, x: Any, y: Any) -> Any:
    return b.fadd(x, y) if _is_float(x) else b.add(x, y)


def _subtract(b: Any, x: Any, y: Any) -> Any:
    return b.fsub(x, y) if _is_float(x) else b.sub(x, y)


def _multiply(b: Any, x: Any, y: Any) -> Any:
    return b.fmul(x, y) if _is_float(x) else b.mul(x, y)


def _compare(b: Any, test: str, x: Any, y: Any) -> Any:
    if not _is_float(x):
        return b.icmp_signed(test, x, y)
    return b.fcmp_unordered(test, x, y) if test == "!=" else b.fcmp_ordered(test, x, y)


@_lowers(_NUMBERS, "Add", "AddV2", "BiasAdd")
def _lower_add(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _add(b, x, y)


@_lowers(_NUMBERS, "AddN")
def _lower_sum(b: Any, step: Step, first: Any, *rest: Any) -> Any:
    return functools.reduce(lambda total, term: _add(b, total, term), rest, first)


@_lowers(_NUMBERS, "Sub")
def _lower_subtract(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _subtract(b, x, y)


@_lowers(_NUMBERS, "Mul")
def _lower_multiply(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _multiply(b, x, y)


@_lowers(_FLOATS, "RealDiv", "Div")
def _lower_divide(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.fdiv(x, y)


@_lowers(_FLOATS, "_ScaledSum")
def _lower_scaled_sum(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.fadd(x, b.fmul(y, ir.Constant(y.type, number_of_constant(step.factor))))


@_lowers(_FLOATS, "SquaredDifference")
def _lower_squared_difference(b: Any, step: Step, x: Any, y: Any) -> Any:
    difference = b.fsub(x, y)
    return b.fmul(difference, difference)


@_lowers(_NUMBERS, "Square")
def _lower_square(b: Any, step: Step, x: Any) -> Any:
    return _multiply(b, x, x)


@_lowers(_NUMBERS, "Neg")
def _lower_negate(b: Any, step: Step, x: Any) -> Any:
    return b.fneg(x) if _is_float(x) else b.neg(x)


@_lowers(_FLOATS, "Abs")
def _lower_absolute(b: Any, step: Step, x: Any) -> Any:
    return functions.intrinsic(b, "llvm.fabs", x)


@_lowers(_FLOATS, "Sqrt")
def _lower_square_root(b: Any, step: Step, x: Any) -> Any:
    return functions.intrinsic(b, "llvm.sqrt", x)


@_lowers(_FLOATS, "Rsqrt")
def _lower_reciprocal_root(b: Any, step: Step, x: Any) -> Any:
    return b.fdiv(_one(x), functions.intrinsic(b, "llvm.sqrt", x))


@_lowers(_FLOATS, "RsqrtGrad")
def _lower_reciprocal_root_gradient(b: Any, step: Step, y: Any, gradient: Any) -> Any:
    return b.fmul(b.fmul(gradient, ir.Constant(y.type, -0.5)), b.fmul(b.fmul(y, y), y))


@_lowers(_FLOATS, "Reciprocal", "Inv")
def _lower_reciprocal(b: Any, step: Step, x: Any) -> Any:
    return b.fdiv(_one(x), x)


def _larger(b: Any, test: str, x: Any, y: Any) -> Any:
    value = b.select(_compare(b, test, x, y), x, y)
    # Whichever is NaN is the result.
    return b.select(b.fcmp_unordered("uno", x, x), x, value) if _is_float(x) else value


@_lowers(_NUMBERS, "Maximum")
def _lower_maximum(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _larger(b, ">", x, y)


@_lowers(_NUMBERS, "Minimum")
def _lower_minimum(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _larger(b, "<", x, y)


@_lowers(_FLOATS, "Relu")
def _lower_relu(b: Any, step: Step, x: Any) -> Any:
    return b.select(b.fcmp_ordered("<=", x, _zero(x)), _zero(x), x)


@_lowers(_FLOATS, "ReluGrad")
def _lower_relu_gradient(b: Any, step: Step, gradient: Any, feature: Any) -> Any:
    # A product, so that infinity times 0 is NaN.
    return b.fmul(gradient, b.select(b.fcmp_ordered(">", feature, _zero(feature)), _one(gradient), _zero(gradient)))


@_lowers(_FLOATS, "TanhGrad")
def _lower_tanh_gradient(b: Any, step: Step, y: Any, gradient: Any) -> Any:
    return b.fmul(gradient, b.fsub(_one(y), b.fmul(y, y)))


@_lowers(_FLOATS, "SigmoidGrad")
def _lower_sigmoid_gradient(b: Any, step: Step, y: Any, gradient: Any) -> Any:
    return b.fmul(b.fmul(gradient, b.fsub(_one(y), y)), y)


@_lowers(frozenset({"float32"}), "Exp")
def _lower_exp(b: Any, step: Step, x: Any) -> Any:
    return functions.exp(b, x)


@_lowers(frozenset({"float32"}), "Tanh")
def _lower_tanh(b: Any, step: Step, x: Any) -> Any:
    return functions.tanh(b, x)


@_lowers(frozenset({"float32"}), "Sigmoid")
def _lower_sigmoid(b: Any, step: Step, x: Any) -> Any:
    return functions.sigmoid(b, x)


@_lowers(frozenset({"float32"}), "Erf")
def _lower_error_function(b: Any, step: Step, x: Any) -> Any:
    return functions.erf(b, x)


@_lowers(frozenset({"float32"}), "Atan2")
def _lower_angle(b: Any, step: Step, y: Any, x: Any) -> Any:
    return functions.atan2(b, y, x)


@_lowers(_FLOATS, "DivNoNan")
def _lower_divide_no_nan(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.select(b.fcmp_ordered("==", y, _zero(y)), _zero(x), b.fdiv(x, y))


@_lowers(_FLOATS, "Sign")
def _lower_sign(b: Any, step: Step, x: Any) -> Any:
    one, zero = _one(x), _zero(x)
    value = b.select(b.fcmp_ordered(">", x, zero), one, b.select(b.fcmp_ordered("<", x, zero), b.fneg(one), zero))
    return b.select(b.fcmp_unordered("uno", x, x), x, value)


def _size_against_infinity(b: Any, test: str, x: Any) -> Any:
    return b.fcmp_ordered(test, functions.intrinsic(b, "llvm.fabs", x), ir.Constant(x.type, float("inf")))


@_lowers(_FLOATS, "IsFinite")
def _lower_is_finite(b: Any, step: Step, x: Any) -> Any:
    return _size_against_infinity(b, "<", x)


@_lowers(_FLOATS, "IsInf")
def _lower_is_infinite(b: Any, step: Step, x: Any) -> Any:
    return _size_against_infinity(b, "==", x)


@_lowers(_FLOATS, "IsNan")
def _lower_is_nan(b: Any, step: Step, x: Any) -> Any:
    return b.fcmp_unordered("uno", x, x)


@_lowers(_NUMBERS | _BOOL, "Identity", "StopGradient")
def _lower_identity(b: Any, step: Step, x: Any) -> Any:
    return x


@_lowers(_NUMBERS, "Less")
def _lower_less(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _compare(b, "<", x, y)


@_lowers(_NUMBERS, "LessEqual")
def _lower_less_equal(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _compare(b, "<=", x, y)


@_lowers(_NUMBERS, "Greater")
def _lower_greater(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _compare(b, ">", x, y)


@_lowers(_NUMBERS, "GreaterEqual")
def _lower_greater_equal(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _compare(b, ">=", x, y)


@_lowers(_NUMBERS, "Equal")
def _lower_equal(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _compare(b, "==", x, y)


@_lowers(_NUMBERS, "NotEqual")
def _lower_not_equal(b: Any, step: Step, x: Any, y: Any) -> Any:
    return _compare(b, "!=", x, y)


@_lowers(_NUMBERS | _BOOL, "Cast")
def _lower_cast(b: Any, step: Step, x: Any) -> Any:
    (source,), target = step.operand_dtypes, step.dtype
    kind = MEMORY_TYPES[target]
    if source == target:
        return x
    if target == "bool":
        return _compare(b, "!=", x, _zero(x))
    if source == "bool":
        return b.uitofp(x, kind) if target in _FLOATS else b.zext(x, kind)
    if source in _FLOATS and target in _FLOATS:
        return b.fpext(x, kind) if target == "float64" else b.fptrunc(x, kind)
    if source in _FLOATS:
        # What does not fit, and NaN, becomes the smallest integer, as on the processors whose kernels these are.
        limit = 2.0 ** (kind.width - 1)
        fits = b.and_(
            b.fcmp_ordered(">=", x, ir.Constant(x.type, -limit)), b.fcmp_ordered("<", x, ir.Constant(x.type, limit))
        )
        return b.select(fits, b.fptosi(x, kind), ir.Constant(kind, -(2 ** (kind.width - 1))))
    if target in _FLOATS:
        return b.sitofp(x, kind)
    return b.sext(x, kind) if target == "int64" else b.trunc(x, kind)


@_lowers(_NUMBERS, "Bitcast")
def _lower_bitcast(b: Any, step: Step, x: Any) -> Any:
    return b.bitcast(x, MEMORY_TYPES[step.dtype])


@_lowers(_INTEGERS, "BitwiseAnd")
def _lower_bitwise_and(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.and_(x, y)


@_lowers(_INTEGERS, "BitwiseOr")
def _lower_bitwise_or(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.or_(x, y)


@_lowers(_INTEGERS, "BitwiseXor")
def _lower_bitwise_xor(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.xor(x, y)


@_lowers(_BOOL, "LogicalAnd")
def _lower_and(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.and_(x, y)


@_lowers(_BOOL, "LogicalOr")
def _lower_or(b: Any, step: Step, x: Any, y: Any) -> Any:
    return b.or_(x, y)


@_lowers(_BOOL, "LogicalNot")
def _lower_not(b: Any, step: Step, x: Any) -> Any:
    return b.not_(x)


@_lowers(_BOOL, "Select", "SelectV2")
def _lower_select(b: Any, step: Step, condition: Any, x: Any, y: Any) -> Any:
    return b.select(condition, x, y)


class Frame:
    """The function `loop` of a module, which computes a region, before anything stands in it.

    Attributes:
        module: the module.
        function: the function.
        builder: writes into it.
        outer, inner: the number of rows and their length.
        sources: for each input, its address and the distance of its rows in elements.
        results: for each output that has memory of its own, the same.
    """

    def __init__(self, region: Region) -> None:
        self.module = ir.Module()
        size, pointer = ir.IntType(64), ir.IntType(8).as_pointer()
        kinds: list[Any] = [size, size]
        dtypes = [dtype for dtype, _ in region.inputs]
        dtypes += [region.steps[region.outputs[position]].dtype for position in region.own_outputs]
        have_rows = [access.name == "FULL" for _, access in region.inputs] + [True] * len(region.own_outputs)
        # The position of each address, and of the distance that follows it, if one does.
        places: list[tuple[int, int | None]] = []
        for has_rows in have_rows:
            is_spaced = has_rows and not region.is_flat
            places.append((len(kinds), len(kinds) + 1 if is_spaced else None))
            kinds += [pointer, size] if is_spaced else [pointer]
        self.function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), "loop")
        arguments = self.function.args
        for argument in arguments:
            if argument.type == pointer:
                argument.add_attribute("noalias")
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.outer, self.inner = arguments[:2]
        found = [
            (
                self.builder.bitcast(arguments[address], MEMORY_TYPES[dtype].as_pointer()),
                self.inner if distance is None else arguments[distance],
            )
            for (address, distance), dtype in zip(places, dtypes, strict=True)
        ]
        self.sources, self.results = found[: len(region.inputs)], found[len(region.inputs) :]
        self._region = region
        self._steps = {
            address: (as_dtype(dtype).size, *([] if distance is None else [distance]))
            for (address, distance), dtype, has_rows, access in zip(
                places,
                dtypes,
                have_rows,
                [*(access.name for _, access in region.inputs), *["FULL"] * len(region.own_outputs)],
                strict=True,
            )
            if has_rows or access == "COLUMN"
        }

    def finish(self) -> str:
        """End the function, add `shared` for the threads, and return the text of the module."""
        self.builder.ret_void()
        cost = cost_of(self._region)

        def work(builder: Any, arguments: Sequence[Any]) -> Any:
            elements = builder.mul(arguments[0], arguments[1])
            return builder.mul(elements, ir.Constant(elements.type, cost))

        write_shared(self.module, self.function, 1 if self._region.is_flat else 0, self._steps, work)
        return str(self.module)


# How many picoseconds an operation takes for an element, and to read or write one.
_HEAVY, _LIGHT, _TOUCHED = 600, 60, 80


def cost_of(region: Region) -> int:
    """Return about how many picoseconds a region takes for an element."""
    steps = (_HEAVY if step.op in APPROXIMATED or step.op in ROW_OPERATIONS else _LIGHT for step in region.steps)
    touched = sum(access.name == "FULL" for _, access in region.inputs) + len(region.outputs)
    return sum(steps) + _TOUCHED * touched


def write_loop(region: Region) -> str:
    """Return the text of an LLVM module with the function `shared` that computes a region.

    Its parameters: the number of rows, the length of a row (64-bit integers); for each input its address and, if it
    is read in full and rows matter, the distance of its rows in elements; for each output that has memory of its own
    its address and, if rows matter, the distance of its rows.
    """
    frame = Frame(region)
    builder, sources = frame.builder, frame.sources
    scalars = {
        index: load(builder, sources[index][0], dtype)
        for index, (dtype, access) in enumerate(region.inputs)
        if access.name == "SCALAR"
    }
    with counting(builder, frame.outer) as row:
        columns = {
            index: load(builder, builder.gep(sources[index][0], [row]), dtype)
            for index, (dtype, access) in enumerate(region.inputs)
            if access.name == "COLUMN"
        }
        starts = [
            builder.gep(base, [builder.mul(row, stride)]) if region.inputs[index][1].name == "FULL" else base
            for index, (base, stride) in enumerate(sources)
        ]
        ends = {
            position: builder.gep(base, [builder.mul(row, stride)])
            for position, (base, stride) in zip(region.own_outputs, frame.results, strict=True)
        }
        ends.update((position, starts[index]) for position, index in enumerate(region.written) if index >= 0)
        with counting(builder, frame.inner) as column:
            values = {**scalars, **columns}
            for index, (dtype, _) in enumerate(region.inputs):
                if index not in values:
                    values[index] = load(builder, builder.gep(starts[index], [column]), dtype)
            steps = step_values(builder, region, values)
            for position, index in enumerate(region.outputs):
                store(builder, steps[index], builder.gep(ends[position], [column]))
    return frame.finish()


def step_values(builder: Any, region: Region, inputs: dict[int, Any]) -> list[Any]:
    """Write the steps of a region for one element of each input, and return their values."""
    steps: list[Any] = []
    for step in region.steps:
        operands = operand_values(step.operands, step.operand_dtypes, inputs, steps)
        steps.append(LOWERINGS[step.op][1](builder, step, *operands))
    return steps


def operand_values(
    operands: tuple[tuple[str, Any], ...], dtypes: tuple[str, ...], inputs: dict[int, Any], steps: list[Any]
) -> list[Any]:
    """Return the values that operands stand for; see `region.Step`."""
    found = []
    for (kind, item), dtype in zip(operands, dtypes, strict=True):
        if kind == "number":
            register = ir.IntType(1) if dtype == "bool" else MEMORY_TYPES[dtype]
            found.append(ir.Constant(register, number_of_constant(item)))
        else:
            found.append(inputs[item] if kind == "input" else steps[item])
    return found


def load(builder: Any, address: Any, dtype: str) -> Any:
    """Write the reading of a value from memory."""
    value = builder.load(address)
    return builder.trunc(value, ir.IntType(1)) if dtype == "bool" else value


def store(builder: Any, value: Any, address: Any) -> None:
    """Write the storing of a value, a truth value as a byte."""
    is_bit = value.type == ir.IntType(1)
    builder.store(builder.zext(value, MEMORY_TYPES["bool"]) if is_bit else value, address)


class counting:
    """Writes a loop over 0, 1 … count - 1; what is written inside is its body."""

    def __init__(self, builder: Any, count: Any) -> None:
        self._builder = builder
        self._count = count

    def __enter__(self) -> Any:
        builder = self._builder
        before = builder.block
        self._body = builder.append_basic_block("body")
        self._after = builder.append_basic_block("after")
        zero = ir.Constant(self._count.type, 0)
        builder.cbranch(builder.icmp_signed("<", zero, self._count), self._body, self._after)
        builder.position_at_end(self._body)
        self._index = builder.phi(self._count.type)
        self._index.add_incoming(zero, before)
        return self._index

    def __exit__(self, *_: object) -> None:
        builder = self._builder
        following = builder.add(self._index, ir.Constant(self._count.type, 1))
        self._index.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, self._count), self._body, self._after)
        builder.position_at_end(self._after)
