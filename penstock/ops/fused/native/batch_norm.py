"""Machine code for batch normalization and its derivative, together with a sum before and a ReLU after it.

Images are matrices here, with a column for each channel. Statistics are sums over columns: blocks of rows that stay in
the cache are summed up in float32, the blocks' sums in float64, in an order that does not depend on the number of
threads. Variances are sums of squares about the mean of each block, so that nothing cancels out where the mean is large
(Chan, Golub and LeVeque 1983, "Algorithms for Computing the Sample Variance").
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

import torch
from llvmlite import ir

from penstock.core.array import Array
from penstock.ops.fused.native.lowering import counting
from penstock.ops.fused.native.machine_code import compile_module
from penstock.ops.fused.native.threads import write_shared

# A block has so many elements, if the rows are not too long for it.
_BLOCK = 1 << 14
_SHORTEST_BLOCK = 32
# How many picoseconds it takes to work on an element.
_ELEMENT = 250
_LANES = 16
# So many rows are worked on at once where they are short; memory gives long ones faster one after the other.
_ROWS, _SHORT_ROW = 4, 128
_FLOAT, _DOUBLE, _SIZE, _SMALL = ir.FloatType(), ir.DoubleType(), ir.IntType(64), ir.IntType(32)


class Mask(Enum):
    """Where the gradient of a ReLU after the normalization is zero: nowhere, or where one of these is not positive."""

    NONE = 0
    RESULT = 1  # the ReLU's result, which is given
    NORMALIZED = 2  # what was normalized, computed again


def batch_norm(
    x: Array,
    scale: Array,
    offset: Array,
    statistics: tuple[Array, Array] | None,
    epsilon: float,
    *,
    residual: Array | None = None,
    is_rectified: bool = False,
    result: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Normalize columns, add another matrix, and take what is positive.

    Args:
        x: a float32 matrix without gaps; `residual` is another, as large.
        scale, offset: a number for each column.
        statistics: mean and variance of each column, those of `x` if None.
        epsilon: added to the variance.
        residual: what is added.
        is_rectified: whether negative results are replaced by 0.
        result: where the result is written; may be `x`.
    Returns:
        The result, and the mean and variance of each column.
    """
    rows, columns = x.shape
    if statistics is None:
        block = _block_of(columns)
        blocks = -(-rows // block)
        parts = torch.empty(blocks, 2, columns)
        _moments()(blocks, rows, columns, block, x.data_ptr(), parts.data_ptr())
        mean, variance, factor = torch.empty(3, columns).unbind()
        sums = torch.empty(2, columns, dtype=torch.float64)
        vectors = [vector.data_ptr() for vector in (parts, scale, mean, variance, factor, sums)]
        _join_moments()(blocks, rows, columns, block, _bits(epsilon), *vectors)
    else:
        mean, variance = statistics
        factor = _factor(scale, variance, epsilon)
    y = torch.empty_like(x) if result is None else result
    vectors = [vector.data_ptr() for vector in (mean, factor, offset)]
    matrices = [matrix.data_ptr() for matrix in (x, *(() if residual is None else (residual,)), y)]
    _normalization(residual is not None, is_rectified)(rows, columns, *vectors, *matrices)
    return y, mean, variance


def batch_norm_gradients(
    gradients: Sequence[Array],
    x: Array,
    scale: Array,
    mean: Array,
    variance: Array,
    epsilon: float,
    *,
    is_training: bool,
    rectified: Array | None = None,
    offset: Array | None = None,
    keeps_masked: bool = False,
    result: Array | None = None,
) -> tuple[Array, Array, Array, Array | None]:
    """Return the derivatives of `batch_norm` with respect to x, scale and offset, and to what was added.

    Args:
        gradients: one or two matrices whose sum is the gradient with respect to the result.
        x, scale, mean, variance, epsilon: as they were in the normalization.
        is_training: whether mean and variance are functions of `x`.
        rectified: what the ReLU gave, if there was one.
        offset: that of the normalization, in place of `rectified`, where the ReLU stood directly behind it.
        keeps_masked: whether the derivative with respect to what was added is wanted.
        result: where the derivative with respect to x is written; may be `x`.
    """
    mask = Mask.RESULT if rectified is not None else Mask.NORMALIZED if offset is not None else Mask.NONE
    rows, columns = x.shape
    block = _block_of(columns)
    blocks = -(-rows // block)
    parts, dx = torch.empty(blocks, 2, columns), torch.empty_like(x) if result is None else result
    masked = torch.empty_like(x) if keeps_masked else None
    vectors = [mean, *(() if offset is None else (_factor(scale, variance, epsilon), offset))]
    given = [x, *gradients, *(() if rectified is None else (rectified,))]
    written = () if masked is None else (masked,)
    addresses = [array.data_ptr() for array in (*vectors, *given, *written, parts)]
    _gradient_sums(len(gradients), mask, keeps_masked)(blocks, rows, columns, block, *addresses)
    dscale, doffset, shift, slope, stretch = torch.empty(5, columns).unbind()
    joined = [parts, scale, variance, dscale, doffset, shift, slope, stretch]
    joined.append(torch.empty(2, columns, dtype=torch.float64))
    _join_sums()(blocks, rows, columns, _bits(epsilon), *(vector.data_ptr() for vector in joined))
    if masked is not None:
        given, vectors, mask = [x, masked], [mean], Mask.NONE
    addresses = [array.data_ptr() for array in (*vectors, shift, slope, stretch, *given, dx)]
    _input_gradient(len(gradients) if masked is None else 1, mask, is_training)(rows, columns, *addresses)
    return dx, dscale, doffset, masked


def _factor(scale: Array, variance: Array, epsilon: float) -> Array:
    """Return what normalized values are multiplied by, to the bit as machine code computes it."""
    return scale / torch.sqrt(variance + epsilon)


def _block_of(columns: int) -> int:
    """Return how many rows a block has."""
    return max(_BLOCK // columns, _SHORTEST_BLOCK)


def _bits(number: float) -> int:
    """Return the bits of a number in float32, as an argument of machine code."""
    bits: int = struct.unpack("<I", struct.pack("<f", number))[0]
    return bits


# The code. Its functions take the arguments that the calls above pass, in that order.


class _Function:
    """A function that is being written, of sizes and of addresses of float32 numbers.

    Attributes:
        sizes, arrays: its parameters.
        builder: where the next instruction is written.
    """

    def __init__(self, sizes: int, arrays: int) -> None:
        self.module = ir.Module()
        pointer = _FLOAT.as_pointer()
        self._arity = sizes + arrays
        kinds = [_SIZE] * sizes + [pointer] * arrays
        self._function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), "run")
        self.sizes, self.arrays = self._function.args[:sizes], self._function.args[sizes:]
        self.builder = ir.IRBuilder(self._function.append_basic_block("entry"))

    def compiled(self, steps: Mapping[int, Sequence[int]] | None = None) -> Any:
        """Return the function, as ctypes calls it.

        Args:
            steps: where its first parameter is divided among threads, what `write_shared` takes.
        """
        self.builder.ret_void()
        if steps is not None:
            write_shared(self.module, self._function, 0, steps, self._work)
        address = compile_module(str(self.module), "run" if steps is None else "shared", vectorizes=False)
        return ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * self._arity)(address)

    def _work(self, builder: Any, parameters: Sequence[Any]) -> Any:
        """Write how long a call takes: sizes are rows and columns, or blocks, rows, columns and rows of a block."""
        rows, columns = parameters[:2] if len(self.sizes) == 2 else parameters[1:3]
        return builder.mul(builder.mul(rows, columns), _SIZE(_ELEMENT))

    def columns(self, count: Any, write: Callable[[_Lanes, Any], None]) -> None:
        """Let `write` write what is done for each column: for vectors of columns, and for single ones that remain."""
        builder = self.builder
        vectors = builder.udiv(count, _SIZE(_LANES))
        with counting(builder, vectors) as index:
            write(_Lanes(builder, _LANES), builder.mul(index, _SIZE(_LANES)))
        done = builder.mul(vectors, _SIZE(_LANES))
        with counting(builder, builder.sub(count, done)) as index:
            write(_Lanes(builder, 1), builder.add(done, index))

    def rows(
        self, count: Any, columns: Any, write: Callable[[_Lanes, Any, list[Any]], None], backwards: bool = False
    ) -> None:
        """Let `write` write what is done for some rows of a column, given the places of their elements.

        Args:
            count, columns: the sizes of the matrices.
            write: see above.
            backwards: whether the last rows come first, which are still in the cache after a pass over all.
        """
        builder = self.builder

        def some(first: Any, number: int) -> None:
            starts = [builder.mul(builder.add(first, _SIZE(index)), columns) for index in range(number)]
            self.columns(
                columns,
                lambda lanes, column: write(lanes, column, [builder.add(start, column) for start in starts]),
            )

        is_short = builder.icmp_unsigned("<=", columns, _SIZE(_SHORT_ROW))
        groups = builder.select(is_short, builder.udiv(count, _SIZE(_ROWS)), _SIZE(0))
        done = builder.mul(groups, _SIZE(_ROWS))
        if backwards:
            last = builder.sub(count, _SIZE(1))
            with counting(builder, builder.sub(count, done)) as index:
                some(builder.sub(last, index), 1)
            last = builder.sub(groups, _SIZE(1))
            with counting(builder, groups) as index:
                some(builder.mul(builder.sub(last, index), _SIZE(_ROWS)), _ROWS)
            return
        with counting(builder, groups) as index:
            some(builder.mul(index, _SIZE(_ROWS)), _ROWS)
        with counting(builder, builder.sub(count, done)) as index:
            some(builder.add(done, index), 1)

    def blocks(self, count: Any, rows: Any, size: Any, write: Callable[[Any, Any], None]) -> None:
        """Let `write` write what is done for each block of rows, given its number and its rows."""
        builder = self.builder
        with counting(builder, count) as block:
            left = builder.sub(rows, builder.mul(block, size))
            write(block, builder.select(builder.icmp_unsigned("<", left, size), left, size))

    def at(self, base: Any, *offsets: Any) -> Any:
        """Return an address moved on by products of numbers of elements."""
        for offset in offsets:
            base = self.builder.gep(base, [offset])
        return base


class _Lanes:
    """Writes operations on one number, or on a vector of numbers that lie side by side."""

    def __init__(self, builder: Any, count: int) -> None:
        self.builder = builder
        self.count = count

    def type(self, kind: Any) -> Any:
        return kind if self.count == 1 else ir.VectorType(kind, self.count)

    def load(self, base: Any, index: Any, kind: Any = _FLOAT) -> Any:
        address = self.builder.gep(self._cast(base, kind), [index])
        return self.builder.load(self._cast(address, self.type(kind)), align=8 if kind is _DOUBLE else 4)

    def store(self, value: Any, base: Any, index: Any, kind: Any = _FLOAT) -> None:
        address = self.builder.gep(self._cast(base, kind), [index])
        self.builder.store(value, self._cast(address, self.type(kind)), align=8 if kind is _DOUBLE else 4)

    def add_to(self, value: Any, base: Any, index: Any, kind: Any = _FLOAT) -> None:
        self.store(self.builder.fadd(self.load(base, index, kind), value), base, index, kind)

    def filled(self, value: Any) -> Any:
        """Return a vector all of whose elements are one value."""
        if self.count == 1:
            return value
        undefined = ir.Constant(self.type(value.type), ir.Undefined)
        first = self.builder.insert_element(undefined, value, _SMALL(0))
        return self.builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_SMALL, self.count), None))

    def multiply_add(self, x: Any, y: Any, z: Any) -> Any:
        name = f"llvm.fmuladd.{'' if self.count == 1 else f'v{self.count}'}f32"
        kind = ir.FunctionType(x.type, [x.type] * 3)
        module = self.builder.module
        return self.builder.call(module.globals.get(name) or ir.Function(module, kind, name), [x, y, z])

    def root(self, x: Any) -> Any:
        name = f"llvm.sqrt.{'' if self.count == 1 else f'v{self.count}'}f32"
        module = self.builder.module
        function = module.globals.get(name) or ir.Function(module, ir.FunctionType(x.type, [x.type]), name)
        return self.builder.call(function, [x])

    def wide(self, x: Any) -> Any:
        return self.builder.fpext(x, self.type(_DOUBLE))

    def narrow(self, x: Any) -> Any:
        return self.builder.fptrunc(x, self.type(_FLOAT))

    def where_positive(self, test: Any, value: Any) -> Any:
        """Return the value where the test is not 0 or less, else 0."""
        zero = ir.Constant(test.type, None)
        return self.builder.select(self.builder.fcmp_ordered("<=", test, zero), zero, value)

    def sum(self, values: list[Any]) -> Any:
        while len(values) > 1:
            values = [
                self.builder.fadd(*values[index : index + 2]) if index + 1 < len(values) else values[index]
                for index in range(0, len(values), 2)
            ]
        return values[0]

    def _cast(self, address: Any, kind: Any) -> Any:
        pointer = kind.as_pointer()
        return address if address.type == pointer else self.builder.bitcast(address, pointer)


@lru_cache(maxsize=1)
def _moments() -> Any:
    """The mean of each column of each block, and the sum of squares about it."""
    code = _Function(4, 2)
    builder = code.builder
    blocks, rows, columns, size = code.sizes
    x, parts = code.arrays

    def block(number: Any, count: Any) -> None:
        start = code.at(x, builder.mul(number, builder.mul(size, columns)))
        means = code.at(parts, builder.mul(number, builder.mul(columns, _SIZE(2))))
        squares = code.at(means, columns)

        def clear(lanes: _Lanes, column: Any) -> None:
            zero = ir.Constant(lanes.type(_FLOAT), None)
            lanes.store(zero, means, column)
            lanes.store(zero, squares, column)

        def add(lanes: _Lanes, column: Any, places: list[Any]) -> None:
            lanes.add_to(lanes.sum([lanes.load(start, place) for place in places]), means, column)

        def divide(lanes: _Lanes, column: Any) -> None:
            number_of_rows = lanes.filled(builder.uitofp(count, _FLOAT))
            lanes.store(builder.fdiv(lanes.load(means, column), number_of_rows), means, column)

        def add_squares(lanes: _Lanes, column: Any, places: list[Any]) -> None:
            mean = lanes.load(means, column)
            total = lanes.load(squares, column)
            for place in places:
                difference = builder.fsub(lanes.load(start, place), mean)
                total = lanes.multiply_add(difference, difference, total)
            lanes.store(total, squares, column)

        code.columns(columns, clear)
        code.rows(count, columns, add)
        code.columns(columns, divide)
        code.rows(count, columns, add_squares)

    code.blocks(blocks, rows, size, block)
    return code.compiled({1: (-1, 3), 4: (4, 3, 2), 5: (8, 2)})


@lru_cache(maxsize=1)
def _join_moments() -> Any:
    """Mean and variance of whole columns, and scale / sqrt(variance + epsilon)."""
    code = _Function(5, 6)
    builder = code.builder
    blocks, rows, columns, size, epsilon_bits = code.sizes
    parts, scale, mean, variance, factor, sums = code.arrays
    total = builder.uitofp(rows, _DOUBLE)
    epsilon = builder.bitcast(builder.trunc(epsilon_bits, _SMALL), _FLOAT)

    def clear(lanes: _Lanes, column: Any) -> None:
        zero = ir.Constant(lanes.type(_DOUBLE), None)
        lanes.store(zero, sums, column, _DOUBLE)
        lanes.store(zero, sums, builder.add(column, columns), _DOUBLE)

    def of_block(number: Any) -> Any:
        return code.at(parts, builder.mul(number, builder.mul(columns, _SIZE(2))))

    def add_means(number: Any, count: Any) -> None:
        weight = builder.uitofp(count, _DOUBLE)

        def write(lanes: _Lanes, column: Any) -> None:
            value = lanes.wide(lanes.load(of_block(number), column))
            lanes.add_to(builder.fmul(value, lanes.filled(weight)), sums, column, _DOUBLE)

        code.columns(columns, write)

    def divide(lanes: _Lanes, column: Any) -> None:
        exact = builder.fdiv(lanes.load(sums, column, _DOUBLE), lanes.filled(total))
        lanes.store(exact, sums, column, _DOUBLE)
        lanes.store(lanes.narrow(exact), mean, column)

    def add_squares(number: Any, count: Any) -> None:
        weight = builder.uitofp(count, _DOUBLE)

        def write(lanes: _Lanes, column: Any) -> None:
            part = of_block(number)
            difference = builder.fsub(lanes.wide(lanes.load(part, column)), lanes.load(sums, column, _DOUBLE))
            between = builder.fmul(builder.fmul(difference, difference), lanes.filled(weight))
            within = lanes.wide(lanes.load(code.at(part, columns), column))
            lanes.add_to(builder.fadd(within, between), sums, builder.add(column, columns), _DOUBLE)

        code.columns(columns, write)

    def finish(lanes: _Lanes, column: Any) -> None:
        squares = lanes.load(sums, builder.add(column, columns), _DOUBLE)
        spread = lanes.narrow(builder.fdiv(squares, lanes.filled(total)))
        lanes.store(spread, variance, column)
        root = lanes.root(builder.fadd(spread, lanes.filled(epsilon)))
        lanes.store(builder.fdiv(lanes.load(scale, column), root), factor, column)

    code.columns(columns, clear)
    code.blocks(blocks, rows, size, add_means)
    code.columns(columns, divide)
    code.blocks(blocks, rows, size, add_squares)
    code.columns(columns, finish)
    return code.compiled()


def _normalized(lanes: _Lanes, x: Any, mean: Any, factor: Any, offset: Any) -> Any:
    return lanes.multiply_add(lanes.builder.fsub(x, mean), factor, offset)


@lru_cache(maxsize=4)
def _normalization(adds: bool, is_rectified: bool) -> Any:
    """The result, for each element."""
    code = _Function(2, 6 if adds else 5)
    rows, columns = code.sizes
    mean, factor, offset, x, *residual, y = code.arrays

    def write(lanes: _Lanes, column: Any, places: list[Any]) -> None:
        vectors = [lanes.load(vector, column) for vector in (mean, factor, offset)]
        for place in places:
            value = _normalized(lanes, lanes.load(x, place), *vectors)
            for other in residual:
                value = code.builder.fadd(value, lanes.load(other, place))
            lanes.store(lanes.where_positive(value, value) if is_rectified else value, y, place)

    code.rows(rows, columns, write, backwards=True)
    return code.compiled({5 + index: (4, 1) for index in range(len(code.arrays) - 3)})


class _Gradient:
    """Reads the gradient with respect to a normalization's result, with the mask applied.

    Args:
        arrays: the mean, the factor and the offset if the mask needs them; then x, the gradients, and the ReLU's result
            if the mask needs it.
    """

    def __init__(self, code: _Function, count: int, mask: Mask, arrays: Sequence[Any]) -> None:
        self._builder = code.builder
        self._mask = mask
        used = 3 if mask is Mask.NORMALIZED else 1
        self._vectors = arrays[:used]
        self._x = arrays[used]
        self._gradients = arrays[used + 1 : used + 1 + count]
        self._result = arrays[used + 1 + count :]

    def vectors(self, lanes: _Lanes, column: Any) -> list[Any]:
        """Return what is the same for all rows."""
        return [lanes.load(vector, column) for vector in self._vectors]

    def read(self, lanes: _Lanes, vectors: list[Any], place: Any) -> tuple[Any, Any]:
        """Return the gradient, and x less its mean."""
        gradient = lanes.sum([lanes.load(gradient, place) for gradient in self._gradients])
        x = lanes.load(self._x, place)
        if self._mask is Mask.RESULT:
            gradient = lanes.where_positive(lanes.load(self._result[0], place), gradient)
        elif self._mask is Mask.NORMALIZED:
            gradient = lanes.where_positive(_normalized(lanes, x, *vectors), gradient)
        return gradient, self._builder.fsub(x, vectors[0])


def _arrays_read(count: int, mask: Mask) -> int:
    return {Mask.NONE: 2, Mask.RESULT: 3, Mask.NORMALIZED: 4}[mask] + count


@lru_cache(maxsize=16)
def _gradient_sums(count: int, mask: Mask, keeps_masked: bool) -> Any:
    """The sums of each column of each block: of the gradient, and of the gradient times x less its mean."""
    read = _arrays_read(count, mask)
    code = _Function(4, read + keeps_masked + 1)
    builder = code.builder
    blocks, rows, columns, size = code.sizes
    parts = code.arrays[-1]
    vectors = 3 if mask is Mask.NORMALIZED else 1

    def block(number: Any, rows_of_block: Any) -> None:
        start = builder.mul(number, builder.mul(size, columns))
        moved = [*code.arrays[:vectors], *(code.at(array, start) for array in code.arrays[vectors:-1])]
        gradients = _Gradient(code, count, mask, moved[:read])
        first = code.at(parts, builder.mul(number, builder.mul(columns, _SIZE(2))))
        second = code.at(first, columns)

        def clear(lanes: _Lanes, column: Any) -> None:
            zero = ir.Constant(lanes.type(_FLOAT), None)
            lanes.store(zero, first, column)
            lanes.store(zero, second, column)

        def add(lanes: _Lanes, column: Any, places: list[Any]) -> None:
            constant = gradients.vectors(lanes, column)
            found = []
            product = lanes.load(second, column)
            for place in places:
                gradient, difference = gradients.read(lanes, constant, place)
                if keeps_masked:
                    lanes.store(gradient, moved[read], place)
                found.append(gradient)
                product = lanes.multiply_add(gradient, difference, product)
            lanes.add_to(lanes.sum(found), first, column)
            lanes.store(product, second, column)

        code.columns(columns, clear)
        code.rows(rows_of_block, columns, add)

    code.blocks(blocks, rows, size, block)
    matrices = range(4 + vectors, 3 + len(code.arrays))
    return code.compiled({1: (-1, 3), **dict.fromkeys(matrices, (4, 3, 2)), 3 + len(code.arrays): (8, 2)})


@lru_cache(maxsize=1)
def _join_sums() -> Any:
    """The derivatives with respect to scale and offset; and shift, slope and stretch, with which that with respect to
    x is (gradient - shift - slope * (x - mean)) * stretch."""
    code = _Function(4, 9)
    builder = code.builder
    blocks, rows, columns, epsilon_bits = code.sizes
    parts, scale, variance, dscale, doffset, shift, slope, stretch, sums = code.arrays
    total = builder.uitofp(rows, _FLOAT)
    epsilon = builder.bitcast(builder.trunc(epsilon_bits, _SMALL), _FLOAT)

    def clear(lanes: _Lanes, column: Any) -> None:
        lanes.store(ir.Constant(lanes.type(_DOUBLE), None), sums, column, _DOUBLE)

    # The sums of a block lie side by side, as those of all do.
    both = builder.mul(columns, _SIZE(2))
    code.columns(both, clear)
    with counting(builder, blocks) as number:
        part = code.at(parts, builder.mul(number, both))
        code.columns(
            both, lambda lanes, column: lanes.add_to(lanes.wide(lanes.load(part, column)), sums, column, _DOUBLE)
        )

    def finish(lanes: _Lanes, column: Any) -> None:
        one = lanes.filled(_FLOAT(1))
        gradient = lanes.narrow(lanes.load(sums, column, _DOUBLE))
        product = lanes.narrow(lanes.load(sums, builder.add(column, columns), _DOUBLE))
        inverse = builder.fdiv(one, lanes.root(builder.fadd(lanes.load(variance, column), lanes.filled(epsilon))))
        number = lanes.filled(total)
        scaled = builder.fmul(product, inverse)
        lanes.store(gradient, doffset, column)
        lanes.store(scaled, dscale, column)
        lanes.store(builder.fdiv(gradient, number), shift, column)
        lanes.store(builder.fmul(builder.fdiv(scaled, number), inverse), slope, column)
        lanes.store(builder.fmul(lanes.load(scale, column), inverse), stretch, column)

    code.columns(columns, finish)
    return code.compiled()


@lru_cache(maxsize=16)
def _input_gradient(count: int, mask: Mask, is_training: bool) -> Any:
    """The derivative with respect to x, for each element."""
    read = _arrays_read(count, mask)
    code = _Function(2, read + 4)
    builder = code.builder
    rows, columns = code.sizes
    vectors = 3 if mask is Mask.NORMALIZED else 1
    arrays = list(code.arrays)
    shift, slope, stretch = arrays[vectors : vectors + 3]
    del arrays[vectors : vectors + 3]
    gradients = _Gradient(code, count, mask, arrays[:-1])

    def write(lanes: _Lanes, column: Any, places: list[Any]) -> None:
        constant = gradients.vectors(lanes, column)
        factors = [lanes.load(vector, column) for vector in (shift, slope, stretch)]
        for place in places:
            value, difference = gradients.read(lanes, constant, place)
            if is_training:
                value = builder.fsub(value, lanes.multiply_add(difference, factors[1], factors[0]))
            lanes.store(builder.fmul(value, factors[2]), arrays[-1], place)

    code.rows(rows, columns, write, backwards=True)
    matrices = range(5 + vectors, 2 + len(code.arrays))
    return code.compiled(dict.fromkeys(matrices, (4, 1)))
