from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.ngrams import string_n_grams_op
from penstock.testing.op_case import OpCase

WORDS = np.array([b"a", b"b", b"c", b"d"], object)
PLAIN = {
    "separator": "|",
    "ngram_widths": [2],
    "left_pad": "<",
    "right_pad": ">",
    "pad_width": 0,
    "preserve_short_sequences": False,
}
CASES = [
    OpCase(
        string_n_grams_op,
        [WORDS, np.int64([0, 3, 4])],
        [np.array([b"a|b", b"b|c"], object), np.int64([0, 2, 2])],
        PLAIN,
    ),
    OpCase(
        string_n_grams_op,
        [WORDS, np.int32([0, 3, 4])],
        [np.array([b"<|a", b"a|b", b"b|c", b"c|>", b"<|d", b"d|>"], object), np.int32([0, 4, 6])],
        {**PLAIN, "pad_width": -1},
        name="padded",
    ),
    OpCase(
        string_n_grams_op,
        [WORDS, np.int64([0, 3, 4])],
        [np.array([b"a|b", b"b|c", b"d"], object), np.int64([0, 2, 3])],
        {**PLAIN, "preserve_short_sequences": True},
        name="short",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize("splits", [[1, 4], [0, 3, 2, 4], [0, 3]])
def test_splits_must_divide_the_strings(splits):
    with pytest.raises(InvalidArgumentError):
        string_n_grams_op(WORDS, np.int64(splits), **PLAIN)


def test_kept_short_sequences_need_widths_or_a_pad_width():
    with pytest.raises(InvalidArgumentError, match="pad_width"):
        tf.strings.ngrams(["a", "b"], [], pad_values=("L", "R"), preserve_short_sequences=True)
