from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.hashing import (
    fingerprint64,
    hash64,
    siphash,
    string_to_hash_bucket_fast_op,
    string_to_hash_bucket_op,
    string_to_hash_bucket_strong_op,
    string_to_hash_bucket_v1,
)
from penstock.testing.op_case import OpCase

WORDS = np.array([b"", b"abcdefg", b"xxxxxxxx"], object)
CASES = [
    OpCase(
        string_to_hash_bucket_fast_op, [WORDS], [fingerprint64(word) % 1000 for word in WORDS], {"num_buckets": 1000}
    ),
    OpCase(string_to_hash_bucket_op, [WORDS], [hash64(word) % 1000 for word in WORDS], {"num_buckets": 1000}),
    OpCase(
        string_to_hash_bucket_strong_op,
        [WORDS],
        [siphash(word, (1, 2)) % 1000 for word in WORDS],
        {"num_buckets": 1000, "key": [1, 2]},
    ),
]
LENGTHS = (0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 128, 200)
# TensorFlow's buckets, of 2**62, for strings of that many letters x.
FAST = (
    1936946117179621455, 107802420385376258, 3091163115821544028, 1720235418723337390, 1227340135899025967,
    416454844068956798, 3320895591121647644, 2082709914559524773, 3678204687145032709, 3046993373088323127,
    2304502108871267256, 323337772074164025, 1256696753479420951, 103930210689786815,
)  # fmt: skip
OLD_LENGTHS = (0, 1, 2, 4, 8, 16, 17, 20, 23, 32, 40, 64, 100)
OLD = (
    105434511174508091, 3881744365135738864, 2099110952524511932, 3945164219720925181, 1927888461177315151,
    1260831952859287914, 4161156153655800118, 2648813785153059629, 4276570965344620959, 1793624403848994371,
    573866885909517461, 4406794248521735754, 1482511825497849095,
)  # fmt: skip
STRONG_LENGTHS = (0, 1, 7, 8, 9, 15, 16)
STRONG = (
    443797209252341627, 362211022397238726, 2497855077244280217, 3136364361150701223, 684954894136796784,
    708321187392817892, 2083976100733463555,
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_hashes_are_tensorflows() -> None:
    assert tuple(fingerprint64(b"x" * length) % 2**62 for length in LENGTHS) == FAST
    assert tuple(hash64(b"x" * length) % 2**62 for length in OLD_LENGTHS) == OLD
    assert tuple(siphash(b"x" * length, (1, 2)) % 2**62 for length in STRONG_LENGTHS) == STRONG


def test_invalid_attributes() -> None:
    with pytest.raises(InvalidArgumentError, match="num_buckets.*less than minimum 1"):
        string_to_hash_bucket_v1("a", 0)
    with pytest.raises(InvalidArgumentError, match="Key must have 2 elements"):
        string_to_hash_bucket_strong_op("a", num_buckets=2, key=[1])
