"""Philox 4x32-10 and the distributions drawn from it, number for number as TensorFlow's CPU kernels draw them.

A generator is a key of 64 bits and a counter of 128 bits. Each counter value gives a block of four 32-bit words.
Distributions use blocks in order: a fixed number of outputs for each block (uniform, normal, integers), or a stream of
blocks for each group of outputs (everything that rejects candidates), at a fixed distance from each other.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes, entropy
from penstock.core.array import Array
from penstock.core.dtypes import DType

WORD = 0xFFFFFFFF
LONG = 0xFFFFFFFFFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
# Blocks computed at a time, so that the working set stays in the second-level cache.
_CHUNK = 8192
# How many blocks an output may use up, by TensorFlow's convention, wherever candidates are rejected.
BLOCKS_PER_OUTPUT = 256
_TWO_PI = 2.0 * math.pi
_SMALLEST_UNIFORM = 1e-7
_TRUNCATION = 2.0


def block(key: int, counter: int) -> tuple[int, int, int, int]:
    """Return the four words of one counter value.

    Args:
        key: 64 bits.
        counter: 128 bits.
    """
    a, b, c, d = counter & WORD, counter >> 32 & WORD, counter >> 64 & WORD, counter >> 96 & WORD
    key_low, key_high = key & WORD, key >> 32 & WORD
    for _ in range(_ROUNDS):
        p, q = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = q >> 32 ^ b ^ key_low, q & WORD, p >> 32 ^ d ^ key_high, p & WORD
        key_low, key_high = key_low + _KEY_STEPS[0] & WORD, key_high + _KEY_STEPS[1] & WORD
    return a, b, c, d


def _blocks(key: int, low: np.ndarray, high: np.ndarray | int) -> np.ndarray:
    """Return the words of many counter values, whose halves of 64 bits are given, as uint32 of shape [count, 4]."""
    shift, mask = np.uint64(32), np.uint64(WORD)
    m, n = np.uint64(_MULTIPLIERS[0]), np.uint64(_MULTIPLIERS[1])
    a, b = low & mask, low >> shift
    c, d, p, q = np.empty_like(a), np.empty_like(a), np.empty_like(a), np.empty_like(a)
    if isinstance(high, np.ndarray):
        np.bitwise_and(high, mask, out=c)
        np.right_shift(high, shift, out=d)
    else:
        c.fill(high & WORD)
        d.fill(high >> 32)
    key_low, key_high = key & WORD, key >> 32 & WORD
    for _ in range(_ROUNDS):
        np.multiply(a, m, out=p)
        np.multiply(c, n, out=q)
        np.right_shift(q, shift, out=a)
        np.bitwise_xor(a, b, out=a)
        np.bitwise_xor(a, np.uint64(key_low), out=a)
        np.right_shift(p, shift, out=c)
        np.bitwise_xor(c, d, out=c)
        np.bitwise_xor(c, np.uint64(key_high), out=c)
        np.bitwise_and(q, mask, out=b)
        np.bitwise_and(p, mask, out=d)
        key_low, key_high = key_low + _KEY_STEPS[0] & WORD, key_high + _KEY_STEPS[1] & WORD
    words = np.empty((len(a), 4), dtype=np.uint32)
    for position, lane in enumerate((a, b, c, d)):
        words[:, position] = lane
    return words


# So many blocks are drawn before machine code is worth compiling, and LLVM loading: that takes 70 MB of memory.
_BEFORE_COMPILING = 1 << 16
_BEFORE_LOADING = 1 << 20
_COMPILER = "penstock.ops.fused.native.machine_code"
_blocks_drawn = 0


def _write_blocks(key: int, counter: int, count: int, address: int, as_floats: bool = False) -> bool:
    """Write the words of `count` counter values from `counter` on by machine code, or as floats in [0, 1).

    Returns:
        Whether it did: not before so much has been drawn that it is worth compiling.
    """
    global _blocks_drawn
    _blocks_drawn += count
    low, high = counter & LONG, counter >> 64 & LONG
    if _blocks_drawn < (_BEFORE_COMPILING if _COMPILER in sys.modules else _BEFORE_LOADING) or low + count > LONG:
        return False
    # LLVM is loaded when it is first needed.
    from penstock.ops.fused.native.random_words import random_words

    random_words(_MULTIPLIERS, _KEY_STEPS, _ROUNDS, as_floats)(key, low, high, count, address)
    return True


class Philox:
    """A generator: a key and the next counter value.

    Attributes:
        key: 64 bits.
        counter: 128 bits, as a Python integer.
    """

    __slots__ = ("counter", "key")

    def __init__(self, key: int, counter: int) -> None:
        self.key = key
        self.counter = counter

    @classmethod
    def from_seeds(cls, seed: int, seed2: int) -> Philox:
        """Return the generator of an operation with these seeds, an unpredictable one if both are 0."""
        if seed == 0 and seed2 == 0:
            seed, seed2 = entropy.random_integer(64), entropy.random_integer(64)
        return cls(seed & LONG, (seed2 & LONG) << 64)

    @classmethod
    def from_stateless_seed(cls, seed: list[int]) -> Philox:
        """Return the generator of a stateless operation with this pair of seeds, which are mixed first."""
        counter = seed[0] & LONG | (seed[1] & LONG) << 64
        a, b, c, d = block(0x02461E293EC8F720, counter)
        return cls(a | b << 32, (c | d << 32) << 64)

    def reserve(self, blocks: int) -> Philox:
        """Return a generator at the present counter, and skip `blocks` blocks in this one."""
        start = Philox(self.key, self.counter)
        self.counter = self.counter + blocks & (1 << 128) - 1
        return start

    def words(self, first: int, count: int) -> np.ndarray:
        """Return the words of `count` blocks from the block `first` on: uint32 of shape [count, 4]."""
        if count <= 4:
            values = [block(self.key, self.counter + first + i) for i in range(count)]
            return np.array(values, dtype=np.uint32).reshape(count, 4)
        words = np.empty((count, 4), dtype=np.uint32)
        if _write_blocks(self.key, self.counter + first, count, words.ctypes.data):
            return words
        return self.words_at(np.arange(first, first + count, dtype=np.uint64))

    def words_at(self, offsets: np.ndarray) -> np.ndarray:
        """Return the words of the blocks at `offsets` (uint64) from the present counter: uint32 of shape [count, 4]."""
        low, high = self.counter & LONG, self.counter >> 64 & LONG
        if low == 0:
            return _blocks(self.key, offsets, high)
        sums = offsets + np.uint64(low)
        carries = sums < offsets
        if carries.any():
            return _blocks(self.key, sums, carries.astype(np.uint64) + np.uint64(high))
        return _blocks(self.key, sums, high)

    def single_words(self, count: int) -> np.ndarray:
        """Return the first `count` words: uint32 of shape [count]."""
        return self.words(0, -(-count // 4)).reshape(-1)[:count]


# From words to numbers


def _unit_float(words: np.ndarray) -> Array:
    """Floats in [0, 1) of 23 random bits each; `words` is used up."""
    np.bitwise_and(words, np.uint32(0x7FFFFF), out=words)
    np.bitwise_or(words, np.uint32(0x3F800000), out=words)
    return torch.from_numpy(words.view(np.float32)).sub_(1.0)


def unit_double(words: np.ndarray) -> np.ndarray:
    """Doubles in [0, 1) of 52 random bits each, two words a number: [..., 4] -> [..., 2]."""
    pairs = words.reshape(*words.shape[:-1], -1, 2).astype(np.uint64)
    mantissas = (pairs[..., 0] & np.uint64(0xFFFFF)) << np.uint64(32) | pairs[..., 1]
    return (mantissas | np.uint64(0x3FF << 52)).view(np.float64) - 1.0


def _unit_half(words: np.ndarray) -> Array:
    return torch.from_numpy((words & np.uint32(0x3FF) | np.uint32(15 << 10)).astype(np.int16)).view(torch.float16) - 1.0


def _unit_bfloat16(words: np.ndarray) -> Array:
    return torch.from_numpy((words & np.uint32(0x7F) | np.uint32(127 << 7)).astype(np.int16)).view(torch.bfloat16) - 1.0


def _normal_floats(words: np.ndarray) -> Array:
    """Normal floats, two for each two words: [n, 4] -> [n, 4]. Source: Box and Muller 1958."""
    units = _unit_float(words).view(-1, 2)
    radius = units[:, 0].clamp(min=_SMALLEST_UNIFORM).log_().mul_(-2.0).sqrt_()
    angle = (units[:, 1].double() * _TWO_PI).float()
    result = torch.empty_like(units)
    torch.mul(angle.sin(), radius, out=result[:, 0])
    torch.mul(angle.cos_(), radius, out=result[:, 1])
    return result.view(-1, 4)


def _normal_doubles(words: np.ndarray) -> Array:
    """Normal doubles, two for each four words: [n, 4] -> [n, 2]."""
    units = torch.from_numpy(unit_double(words))
    radius = units[:, 0].clamp(min=_SMALLEST_UNIFORM).log_().mul_(-2.0).sqrt_()
    angle = units[:, 1] * _TWO_PI
    return torch.stack((angle.sin() * radius, angle.cos() * radius), dim=1)


_UNITS: dict[DType, tuple[int, Callable[[np.ndarray], Any]]] = {
    dtypes.float32: (4, _unit_float),
    dtypes.float64: (2, lambda words: torch.from_numpy(unit_double(words))),
    dtypes.float16: (4, _unit_half),
    dtypes.bfloat16: (4, _unit_bfloat16),
}


def _fill(generator: Philox, count: int, dtype: DType, per_block: int, convert: Callable[[np.ndarray], Any]) -> Array:
    """Return `count` numbers, `per_block` for each block in order."""
    blocks = -(-count // per_block)
    if not count:
        return torch.empty(0, dtype=array.torch_dtype(dtype))
    if blocks <= _CHUNK:
        return convert(generator.words(0, blocks)).reshape(-1)[:count].to(array.torch_dtype(dtype))
    result = torch.empty(blocks, per_block, dtype=array.torch_dtype(dtype))
    for first in range(0, blocks, _CHUNK):
        size = min(_CHUNK, blocks - first)
        result[first : first + size] = convert(generator.words(first, size))
    return result.view(-1)[:count]


def uniform(generator: Philox, count: int, dtype: DType) -> Array:
    """Return `count` floats in [0, 1), of shape [count]."""
    if dtype is dtypes.float32 and count > 16:
        blocks = -(-count // 4)
        result = torch.empty(blocks * 4)
        if _write_blocks(generator.key, generator.counter, blocks, result.data_ptr(), as_floats=True):
            return result[:count]
    per_block, convert = _UNITS[dtype]
    return _fill(generator, count, dtype, per_block, convert)


def normal(generator: Philox, count: int, dtype: DType) -> Array:
    """Return `count` floats of mean 0 and standard deviation 1, of shape [count]."""
    if dtype is dtypes.float64:
        return _fill(generator, count, dtype, 2, _normal_doubles)
    return _fill(generator, count, dtype, 4, _normal_floats)


def _longs(words: np.ndarray) -> np.ndarray:
    return words.view(np.uint64) if words.flags.c_contiguous else np.ascontiguousarray(words).view(np.uint64)


def full_integers(generator: Philox, count: int, dtype: DType) -> Array:
    """Return `count` integers of any value that the type has, of shape [count]."""
    kind = dtype.as_numpy_dtype
    if dtype.size == 8:
        return _fill(generator, count, dtype, 2, lambda words: torch.from_numpy(_longs(words).view(kind)))
    return _fill(generator, count, dtype, 4, lambda words: torch.from_numpy(words.view(kind)))


def integers(generator: Philox, count: int, low: int, high: int, dtype: DType) -> Array:
    """Return `count` integers in [low, high), of shape [count]."""
    kind = dtype.as_numpy_dtype
    if dtype.size == 8:
        span, start = np.uint64((high - low) & LONG), np.uint64(low & LONG)
        return _fill(
            generator, count, dtype, 2, lambda words: torch.from_numpy((_longs(words) % span + start).view(kind))
        )
    span, start = np.uint32((high - low) & WORD), np.uint32(low & WORD)
    return _fill(generator, count, dtype, 4, lambda words: torch.from_numpy((words % span + start).view(kind)))


def truncated_normal(generator: Philox, count: int, dtype: DType) -> Array:
    """Return `count` normal floats, those of magnitude 2 or more drawn again, of shape [count].

    Each group of outputs (four, or two doubles) takes candidates from a stream of its own.
    """
    wide = dtype is dtypes.float64
    per_group, distance = (2, BLOCKS_PER_OUTPUT // 2) if wide else (4, BLOCKS_PER_OUTPUT)
    convert = _normal_doubles if wide else _normal_floats
    groups = -(-count // per_group)
    result = np.empty((groups, per_group), dtype=np.float64 if wide else np.float32)
    for first in range(0, groups, _CHUNK):
        last = min(first + _CHUNK, groups)
        starts = np.arange(first, last, dtype=np.uint64) * np.uint64(distance)
        chunk = result[first:last]
        filled = np.zeros(last - first, dtype=np.int64)
        pending = np.arange(last - first)
        step = 0
        while len(pending):
            candidates = convert(generator.words_at(starts[pending] + np.uint64(step))).numpy()
            accepted = np.abs(candidates) < _TRUNCATION
            if step == 0:
                whole = accepted.all(axis=1)
                chunk[whole] = candidates[whole]
                pending, candidates, accepted = pending[~whole], candidates[~whole], accepted[~whole]
            places = filled[pending, None] + np.cumsum(accepted, axis=1) - 1
            rows, columns = np.nonzero(accepted & (places < per_group))
            chunk[pending[rows], places[rows, columns]] = candidates[rows, columns]
            filled[pending] += accepted.sum(axis=1)
            pending = pending[filled[pending] < per_group]
            step += 1
    return torch.from_numpy(result.reshape(-1)[:count]).to(array.torch_dtype(dtype))


def permutation(generator: Philox, count: int) -> np.ndarray:
    """Return the numbers 0 to `count` - 1 in random order, as int64 of shape [count]."""
    order = list(range(count))
    if count > 1:
        words = generator.single_words(count - 1).astype(np.int64)
        for position, step in enumerate((words % np.arange(count, 1, -1)).tolist()):
            other = position + step
            order[position], order[other] = order[other], order[position]
    return np.array(order, dtype=np.int64)


def uniform_block(words: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Return the floats in [0, 1) of each block: [n, 4], or [n, 2] doubles."""
    return unit_double(words) if kind == np.float64 else _unit_float(words).numpy().astype(kind)


def normal_block(words: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Return the normal floats of each block: [n, 4], or [n, 2] doubles."""
    return _normal_doubles(words).numpy() if kind == np.float64 else _normal_floats(words).numpy().astype(kind)


class Streams:
    """A stream of doubles for each of many outputs, all drawn side by side.

    Within a stream, the two doubles of a block are used last one first; uniform and normal ones have their own blocks.

    Args:
        generator: where the stream of output 0 begins.
        count: the number of outputs.
        distance: by how many blocks each stream begins after that of the output before; one for all or one each.
    """

    def __init__(self, generator: Philox, count: int, distance: int | np.ndarray = BLOCKS_PER_OUTPUT) -> None:
        self._generator = generator
        self._next = np.arange(count, dtype=np.uint64) * np.asarray(distance, dtype=np.uint64)
        self._pending: dict[Callable[[np.ndarray], Any], tuple[np.ndarray, np.ndarray]] = {}
        self._count = count

    def uniform(self, outputs: np.ndarray) -> np.ndarray:
        """Return the next double in [0, 1) of each of the streams `outputs`, an array of indices."""
        return self._draw(outputs, unit_double)

    def normal(self, outputs: np.ndarray) -> np.ndarray:
        """Return the next normal double of each of the streams `outputs`, an array of indices."""
        return self._draw(outputs, _normal_doubles_numpy)

    def _draw(self, outputs: np.ndarray, convert: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        if convert not in self._pending:
            self._pending[convert] = (np.zeros(self._count, dtype=bool), np.empty(self._count))
        is_pending, kept = self._pending[convert]
        ready = is_pending[outputs]
        result = kept[outputs]
        fresh = outputs[~ready]
        if len(fresh):
            pairs = convert(self._generator.words_at(self._next[fresh]))
            self._next[fresh] += np.uint64(1)
            kept[fresh] = pairs[:, 0]
            result[~ready] = pairs[:, 1]
        is_pending[outputs] = ~ready
        return result


def _normal_doubles_numpy(words: np.ndarray) -> np.ndarray:
    return _normal_doubles(words).numpy()
