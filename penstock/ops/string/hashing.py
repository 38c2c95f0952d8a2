"""Strings to buckets, by TensorFlow's three hash functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.math.reduce import one_of
from penstock.ops.string.elementwise import invalid

_MASK = (1 << 64) - 1

# Fingerprint64: the 64-bit hash of Google's FarmHash (its variant "na"), whose values are fixed for all time.
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _rotate(value: int, count: int) -> int:
    value &= _MASK
    return (value >> count | value << (64 - count)) & _MASK


def _mix(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _hash_pair(u: int, v: int, multiplier: int) -> int:
    a = _mix((u ^ v) * multiplier)
    b = _mix((v ^ a) * multiplier)
    return b * multiplier & _MASK


def _word(data: bytes, start: int, size: int = 8) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _hash_up_to_16(data: bytes) -> int:
    length = len(data)
    multiplier = _K2 + length * 2
    if length >= 8:
        a, b = _word(data, 0) + _K2 & _MASK, _word(data, length - 8)
        c = _rotate(b, 37) * multiplier + a
        d = (_rotate(a, 25) + b) * multiplier
        return _hash_pair(c & _MASK, d & _MASK, multiplier)
    if length >= 4:
        return _hash_pair(length + (_word(data, 0, 4) << 3), _word(data, length - 4, 4), multiplier)
    if length:
        y = data[0] + (data[length >> 1] << 8)
        z = length + (data[-1] << 2)
        return _mix(y * _K2 ^ z * _K0) * _K2 & _MASK
    return _K2


def _hash_up_to_32(data: bytes) -> int:
    length = len(data)
    multiplier = _K2 + length * 2
    a, b = _word(data, 0) * _K1, _word(data, 8)
    c, d = _word(data, length - 8) * multiplier, _word(data, length - 16) * _K2
    first = _rotate(a + b, 43) + _rotate(c, 30) + d
    second = a + _rotate(b + _K2, 18) + c
    return _hash_pair(first & _MASK, second & _MASK, multiplier)


def _hash_up_to_64(data: bytes) -> int:
    length = len(data)
    multiplier = _K2 + length * 2
    a, b = _word(data, 0) * _K2, _word(data, 8)
    c, d = _word(data, length - 8) * multiplier, _word(data, length - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d & _MASK
    z = _hash_pair(y, a + _rotate(b + _K2, 18) + c & _MASK, multiplier)
    e, f = _word(data, 16) * multiplier, _word(data, 24)
    g = (y + _word(data, length - 32)) * multiplier
    h = (z + _word(data, length - 24)) * multiplier
    first = _rotate(e + f, 43) + _rotate(g, 30) + h
    second = e + _rotate(f + a, 18) + g
    return _hash_pair(first & _MASK, second & _MASK, multiplier)


def _hash_block(data: bytes, start: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(data, start + 8 * index) for index in range(4))
    a += w
    b = _rotate(b + a + z, 21)
    c = a
    a += x + y
    b += _rotate(a, 44)
    return a + z & _MASK, b + c & _MASK


def fingerprint64(data: bytes) -> int:
    """Return the 64-bit fingerprint of a string, as an unsigned number."""
    length = len(data)
    if length <= 16:
        return _hash_up_to_16(data)
    if length <= 32:
        return _hash_up_to_32(data)
    if length <= 64:
        return _hash_up_to_64(data)
    x = 81 * _K2 + _word(data, 0) & _MASK
    y = 81 * _K1 + 113 & _MASK
    z = _mix(y * _K2 + 113) * _K2 & _MASK
    v, w = (0, 0), (0, 0)
    for start in range(0, (length - 1) // 64 * 64, 64):
        x = _rotate(x + y + v[0] + _word(data, start + 8), 37) * _K1 & _MASK
        y = _rotate(y + v[1] + _word(data, start + 48), 42) * _K1 & _MASK
        x ^= w[1]
        y = y + v[0] + _word(data, start + 40) & _MASK
        z = _rotate(z + w[0], 33) * _K1 & _MASK
        v = _hash_block(data, start, v[1] * _K1, x + w[0])
        w = _hash_block(data, start + 32, z + w[1], y + _word(data, start + 16))
        z, x = x, z
    multiplier = _K1 + ((z & 0xFF) << 1)
    start = length - 64
    w = w[0] + ((length - 1) & 63) & _MASK, w[1]
    v = v[0] + w[0] & _MASK, v[1]
    w = w[0] + v[0] & _MASK, w[1]
    x = _rotate(x + y + v[0] + _word(data, start + 8), 37) * multiplier & _MASK
    y = _rotate(y + v[1] + _word(data, start + 48), 42) * multiplier & _MASK
    x ^= w[1] * 9 & _MASK
    y = y + v[0] * 9 + _word(data, start + 40) & _MASK
    z = _rotate(z + w[0], 33) * multiplier & _MASK
    v = _hash_block(data, start, v[1] * multiplier, x + w[0])
    w = _hash_block(data, start + 32, z + w[1], y + _word(data, start + 16))
    z, x = x, z
    first = _hash_pair(v[0], w[0], multiplier) + _mix(y) * _K0 + z
    second = _hash_pair(v[1], w[1], multiplier) + x
    return _hash_pair(first & _MASK, second & _MASK, multiplier)


def hash64(data: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """Return the hash of StringToHashBucket, as an unsigned number: MurmurHash64A.

    Args:
        data: the string.
        seed: the seed; the default is TensorFlow's.
    """
    multiplier = 0xC6A4A7935BD1E995
    value = seed ^ len(data) * multiplier & _MASK
    whole = len(data) // 8 * 8
    for start in range(0, whole, 8):
        word = _mix(_word(data, start) * multiplier) * multiplier & _MASK
        value = (value ^ word) * multiplier & _MASK
    if whole < len(data):
        value = (value ^ _word(data, whole)) * multiplier & _MASK
    return _mix(_mix(value) * multiplier)


def siphash(data: bytes, key: tuple[int, int]) -> int:
    """Return the keyed hash of StringToHashBucketStrong, as an unsigned number: SipHash-2-4.

    Args:
        data: the string.
        key: two 64-bit numbers.
    Source: Aumasson and Bernstein 2012.
    """
    k0, k1 = (part & _MASK for part in key)
    state = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    whole = len(data) // 8 * 8
    last = _word(data, whole) | (len(data) & 0xFF) << 56
    for word in (*(_word(data, start) for start in range(0, whole, 8)), last):
        state[3] ^= word
        _sip_rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _sip_rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rotate_left(value: int, count: int) -> int:
    return _rotate(value, 64 - count)


def _sip_rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = a + b & _MASK
        c = c + d & _MASK
        b, d = _rotate_left(b, 13) ^ a, _rotate_left(d, 16) ^ c
        a = _rotate_left(a, 32)
        c = c + b & _MASK
        a = a + d & _MASK
        b, d = _rotate_left(b, 17) ^ c, _rotate_left(d, 21) ^ a
        c = _rotate_left(c, 32)
    state[:] = a, b, c, d


def _buckets(function: Callable[[bytes], int], strings: Value, num_buckets: int) -> Value:
    if num_buckets < 1:
        raise invalid(f"num_buckets must be at least 1, got {num_buckets}")
    found = np.array([function(item) % num_buckets for item in strings.reshape(-1)], dtype=np.int64)
    return array.from_numpy(found.reshape(strings.shape))


@op(
    "StringToHashBucketFast(input: string) -> output: int64",
    differentiable=False,
    shape=unchanged,
    minimum={"num_buckets": 1},
)
def string_to_hash_bucket_fast_op(input: Value, *, num_buckets: int) -> Value:
    return _buckets(fingerprint64, input, num_buckets)


@op(
    "StringToHashBucket(string_tensor: string) -> output: int64",
    differentiable=False,
    shape=unchanged,
    minimum={"num_buckets": 1},
)
def string_to_hash_bucket_op(string_tensor: Value, *, num_buckets: int) -> Value:
    return _buckets(hash64, string_tensor, num_buckets)


@op(
    "StringToHashBucketStrong(input: string) -> output: int64",
    differentiable=False,
    shape=unchanged,
    minimum={"num_buckets": 1},
)
def string_to_hash_bucket_strong_op(input: Value, *, num_buckets: int, key: list[int]) -> Value:
    if len(key) != 2:
        raise invalid(f"Key must have 2 elements, got {len(key)}")
    return _buckets(lambda item: siphash(item, (key[0], key[1])), input, num_buckets)


def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """Return a bucket for each string, by a fast hash that is the same everywhere and forever.

    Args:
        input: a string tensor.
        num_buckets: how many buckets there are.
        name: the node's name.
    Returns:
        An int64 tensor of numbers in [0, num_buckets).
    """
    return string_to_hash_bucket_fast_op(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """Return a bucket for each string. See `string_to_hash_bucket_fast`, which is to be preferred."""
    return string_to_hash_bucket_op(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_v1(
    string_tensor: Any = None, num_buckets: Any = None, name: str | None = None, input: Any = None
) -> Tensor:
    """Return a bucket for each string. See `string_to_hash_bucket`."""
    return string_to_hash_bucket(one_of("input", input, "string_tensor", string_tensor), num_buckets, name)


def string_to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Tensor:
    """Return a bucket for each string, by a hash that nobody without the key can aim at one bucket.

    Args:
        input: a string tensor.
        num_buckets: how many buckets there are.
        key: two integers.
        name: the node's name.
    """
    return string_to_hash_bucket_strong_op(input, num_buckets=num_buckets, key=list(key), name=name)
