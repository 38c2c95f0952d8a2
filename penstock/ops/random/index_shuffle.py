"""A pseudorandom permutation of [0, max_index], computed for single indices without the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import array, dtypes
from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, merge
from penstock.core.tensor import Tensor
from penstock.ops.array.common import deferred
from penstock.ops.hosted import on_host

_INTEGERS = frozenset({dtypes.int32, dtypes.uint32, dtypes.int64, dtypes.uint64})
_SMALLEST_BLOCK_BITS = 16
_LEADING_WORDS = 3
_CONSTANT = 0xFFFFFFFC
_SEQUENCE = 0x7369F885192C0EF5
_WORD = 0xFFFFFFFF
_FIRST_WORD = 498247692


def _rotated(word: int, by: int, bits: int) -> int:
    by %= bits
    return (word << by | word >> (bits - by)) & (1 << bits) - 1


def _round_keys(key: list[int], rounds: int, bits: int) -> list[int]:
    mask, sequence = (1 << bits) - 1, _SEQUENCE & (1 << bits) - 1
    keys = [word & mask for word in key]
    for i in range(_LEADING_WORDS, rounds):
        turned = _rotated(keys[i - 1], bits - 3, bits) ^ _rotated(keys[i - 1], bits - 4, bits)
        keys.append((_CONSTANT & mask) ^ (sequence & 1) ^ keys[i - 3] ^ turned)
        sequence >>= 1
    return keys


def _mixed(word: int, bits: int) -> int:
    return _rotated(word, 1, bits) & _rotated(word, 8, bits) ^ _rotated(word, 2, bits)


def _encrypt(value: int, keys: list[int], bits: int) -> int:
    left, right = value >> bits & (1 << bits) - 1, value & (1 << bits) - 1
    for i in range(0, len(keys), 2):
        left ^= _mixed(right, bits) ^ keys[i]
        right ^= _mixed(left, bits) ^ keys[i + 1]
    return left << bits | right


def shuffled_index(index: int, key: list[int], max_index: int, rounds: int) -> int:
    """Return where the permutation given by three words of key sends `index`.

    The words are encrypted until they fall into the range again.
    Source: Beaulieu et al. 2013, "The Simon and Speck families of lightweight block ciphers".
    """
    block_bits = max(_SMALLEST_BLOCK_BITS, max_index.bit_length() + max_index.bit_length() % 2)
    bits = block_bits // 2
    keys = _round_keys(key, rounds, bits)
    while True:
        index = _encrypt(index, keys, bits)
        if index <= max_index:
            return index


@op(
    "RandomIndexShuffle(index: dtype, seed: Tseed, max_index: dtype) -> output: dtype",
    differentiable=False,
    dtype=_INTEGERS,
    Tseed=_INTEGERS,
)
@on_host
def random_index_shuffle_op(index: Array, seed: Array, max_index: Array, *, rounds: int = 4) -> Array:
    if rounds < 4 or rounds % 2:
        raise InvalidArgumentError(None, None, f"Rounds must be even and at least 4, got {rounds}")
    sizes = [(), (_LEADING_WORDS,), ()]
    values = [array.to_numpy(value) for value in (index, seed, max_index)]
    for value, size, name in zip(values, sizes, ("index", "seed", "max_index"), strict=True):
        if value.shape[: value.ndim] not in (size, (1, *size)) and (value.ndim < 1 or value.shape[1:] != size):
            raise InvalidArgumentError(None, None, f"{name} has shape {list(value.shape)}, expected {list(size)}")
    counts = {len(value) for value, size in zip(values, sizes, strict=True) if value.ndim > len(size)} or {1}
    if len(counts) > 1:
        raise InvalidArgumentError(None, None, f"index, seed and max_index must have equal lengths, got {counts}")
    count = counts.pop()
    is_batch = any(value.ndim > len(size) for value, size in zip(values, sizes, strict=True))
    indices, seeds, limits = (
        np.broadcast_to(value, (count, *size)).tolist() for value, size in zip(values, sizes, strict=True)
    )
    result = []
    for each, key, limit in zip(indices, seeds, limits, strict=True):
        if not 0 <= each <= limit:
            raise InvalidArgumentError(None, None, f"index must be in [0, max_index = {limit}], got {each}")
        result.append(shuffled_index(each, [word & _WORD for word in key], limit, rounds))
    kind = array.dtype_of(index).as_numpy_dtype
    return array.from_numpy(np.array(result if is_batch else result[0], dtype=kind))


@random_index_shuffle_op.shape
def random_index_shuffle_shape(index: Dims, seed: Dims, max_index: Dims, *, rounds: int) -> Dims:
    outer: Dims = ()
    for dims, rank, name in ((index, 0, "index"), (seed, 1, "seed"), (max_index, 0, "max_index")):
        if dims is None:
            return None
        if len(dims) > rank + 1 or len(dims) < rank:
            raise ShapeError(f"{name} must have rank {rank} or {rank + 1}, got rank {len(dims)}")
        if len(dims) == rank + 1:
            outer = merge(dims[:1], outer, "lengths") if outer else dims[:1]
    return outer


def random_index_shuffle(index: Any, seed: Any, max_index: Any, rounds: int = 4, name: str | None = None) -> Tensor:
    """Return the position of `index` in a permutation of [0, max_index] that the seed determines.

    Args:
        index: integers in [0, max_index], a scalar or a vector.
        seed: three integers, or a matrix of shape (n, 3).
        max_index: the largest index, a scalar or a vector, of the type of `index`.
        rounds: how thoroughly to mix, an even number of at least 4.
        name: the name of the operation.
    Raises:
        InvalidArgumentError: if an index is out of range, or `rounds` is.
    """
    return random_index_shuffle_op(index, seed, max_index, rounds=rounds, name=name)


def index_shuffle(index: Any, seed: Any, max_index: Any) -> Tensor:
    """Return the position of `index` in a permutation of [0, max_index] that the seed determines.

    Args:
        index: integers in [0, max_index], a scalar or a vector.
        seed: two integers, or a matrix of shape (n, 2).
        max_index: the largest index, a scalar or a vector.
    Raises:
        InvalidArgumentError: if an index is out of range.
    """
    seed = convert_to_tensor(seed)
    # The operation takes three words; the first is TensorFlow's choice.
    if seed.ndim == 2:
        first = deferred("Fill")(deferred("Pack")([deferred("Shape")(seed)[0], 1]), _first_word(seed))
        full = deferred("ConcatV2")([first, seed], 1)
    else:
        full = deferred("ConcatV2")([convert_to_tensor([_FIRST_WORD], seed.dtype), seed], 0)
    return random_index_shuffle_op(index, full, max_index, rounds=4)


def _first_word(seed: Tensor) -> Tensor:
    return convert_to_tensor(_FIRST_WORD, seed.dtype)
