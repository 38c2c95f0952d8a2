from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.numbers import (
    as_string,
    as_string_op,
    string_to_number,
    string_to_number_op,
    string_to_number_v1,
)
from penstock.testing.op_case import OpCase

FLOATS = np.float32([1.5, -2.25, 1e-7, np.inf])
CASES = [
    OpCase(as_string_op, [FLOATS], np.array([b"1.500000", b"-2.250000", b"0.000000", b"inf"], object), gradient=None),
    OpCase(as_string_op, [np.array([True, False])], np.array([b"true", b"false"], object), name="bool"),
    OpCase(as_string_op, [np.uint64([2**64 - 1])], np.array([b"18446744073709551615"], object), name="uint64"),
    OpCase(
        string_to_number_op,
        [np.array([b"1e3", b"-2.5", b"inf", b"0x10", b" 1e400 "], object)],
        np.float32([1000, -2.5, np.inf, 16, np.inf]),
        gradient=None,
    ),
    OpCase(
        string_to_number_op,
        [np.array([b"-7", b" 3 ", b"+5"], object)],
        np.int64([-7, 3, 5]),
        {"out_type": dtypes.int64},
        name="int64",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"fill": "0", "width": 6, "precision": 2}, [b"001.50", b"-02.25", b"000.00", b"   inf"]),
        ({"fill": "-", "width": 10}, [b"1.500000  ", b"-2.250000 ", b"0.000000  ", b"inf       "]),
        ({"fill": "+"}, [b"+1.500000", b"-2.250000", b"+0.000000", b"+inf"]),
        ({"scientific": True, "precision": 1}, [b"1.5e+00", b"-2.2e+00", b"1.0e-07", b"inf"]),
        ({"shortest": True}, [b"1.5", b"-2.25", b"1e-07", b"inf"]),
    ],
)
def test_forms_of_numbers(options: dict, shown: list[bytes]) -> None:
    assert as_string(FLOATS, **options).numpy().tolist() == shown


def test_forms_of_other_types() -> None:
    assert as_string([1, -2], width=5, fill="0").numpy().tolist() == [b"00001", b"-0002"]
    assert as_string(np.complex64(1.5 + 2j), precision=2, width=8).numpy() == b"(    1.50,    2.00)"
    assert as_string(["a"], width=3).numpy().tolist() == [b"  a"]


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        ([1], {"precision": 2}, "precision not supported for datatype int32"),
        ([1], {"scientific": True}, "scientific and shortest format not supported"),
        ([1.0], {"scientific": True, "shortest": True}, "Cannot select both"),
        ([1.0], {"fill": "x"}, "Fill argument not supported"),
        ([1.0], {"fill": "ab"}, "one or fewer characters"),
    ],
)
def test_forms_that_are_refused(value: list, options: dict, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        as_string(value, **options)


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("1.5x", "float32"),
        ("", "float32"),
        ("1_0", "float32"),
        ("1.5", "int32"),
        ("99999999999", "int32"),
        ("-1", "uint32"),
    ],
)
def test_what_is_no_number_is_refused(text: str, dtype: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"could not correctly convert string: {text}"):
        string_to_number(text, dtype)


def test_older_names() -> None:
    assert float(string_to_number_v1(string_tensor="2.5")) == float(string_to_number_v1(input="2.5")) == 2.5


def test_numbers_without_a_sign_have_no_place_for_one() -> None:
    unsigned = np.array([7], np.uint8)
    assert as_string(unsigned, width=4, fill="+").numpy().tolist() == [b"   7"]
    assert as_string(unsigned, fill=" ").numpy().tolist() == [b"7"]
