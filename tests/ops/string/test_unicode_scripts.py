"""Scripts of code points; the expected numbers are TensorFlow's."""

from __future__ import annotations

import unicodedata

import numpy as np

from penstock.ops.string.unicode import unicode_script, unicode_script_op
from penstock.ops.string.unicode_scripts import scripts_of
from penstock.testing.op_case import OpCase

CODES = [
    0x41, 0x3B1, 0x4E00, 0x1F600, 0, 0x10FFFF, -1, 0x110000,
    0xD800, 0x0301, 0x30, 0x3042, 0xAC00, 0x5D0, 0x627, 0x1E900,
]  # fmt: skip
SCRIPTS = np.array([25, 14, 17, 0, 0, 103, -1, -1, 103, 1, 0, 20, 18, 19, 2, 167], np.int32)
CASES = [OpCase(unicode_script_op, [np.array(CODES, np.int32).reshape(4, 4)], SCRIPTS.reshape(4, 4))]


def test_op():
    for case in CASES:
        case.check()


def test_scripts_are_icus_numbers():
    assert unicode_script(CODES).numpy().tolist() == SCRIPTS.tolist()
    assert unicode_script(ord("д")).numpy() == 8


def test_all_letters_of_a_name_have_its_script():
    for word, script in (("GREEK SMALL LETTER", 14), ("CYRILLIC", 8), ("HIRAGANA LETTER", 20), ("HEBREW LETTER", 19)):
        codes = [code for code in range(0x3100) if unicodedata.name(chr(code), "").startswith(word)]
        assert len(codes) > 20
        assert set(scripts_of(np.array(codes)).tolist()) == {script}, word
