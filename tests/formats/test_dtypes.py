"""Data type numbers."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.formats import dtypes, protos
from penstock.formats.errors import CorruptDataError


def test_the_numbers_are_those_of_the_enumeration():
    for name, number in protos.DataType.items():
        if 0 < number < 100:
            assert getattr(dtypes, name) == number


def test_every_type_but_resources_and_variants_has_an_array_type():
    numbers = {number for number in protos.DataType.values() if 0 < number < 100}
    assert set(dtypes.NUMPY_TYPES) == numbers - {dtypes.DT_RESOURCE, dtypes.DT_VARIANT}


def test_a_ref_type_is_held_as_what_it_refers_to():
    assert dtypes.numpy_type(101) == np.float32


@pytest.mark.parametrize("enum", [0, 20, 21, 99, 100, 120, -1])
def test_what_no_array_holds_is_refused(enum):
    with pytest.raises(CorruptDataError, match=str(enum)):
        dtypes.numpy_type(enum)


def test_the_number_of_an_array():
    assert dtypes.enum_of(np.array(["a"])) == dtypes.DT_STRING
    assert dtypes.enum_of(np.zeros(2, ">f4")) == dtypes.DT_FLOAT
    assert dtypes.enum_of(np.zeros(2, np.int8)) == dtypes.DT_INT8
    with pytest.raises(TypeError, match="datetime64"):
        dtypes.enum_of(np.zeros(2, "datetime64[s]"))


def test_only_text_and_bytes_are_string_elements():
    assert dtypes.as_bytes("ü") == b"\xc3\xbc"
    with pytest.raises(TypeError, match="got 3 of int"):
        dtypes.as_bytes(3)
