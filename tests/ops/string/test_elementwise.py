from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.string.elementwise import as_strings, map_strings, single


def test_functions_are_mapped_over_any_shape() -> None:
    doubled = map_strings(lambda item: item * 2, np.array([[b"a"], [b"\x00"]], object))
    assert doubled.tolist() == [[b"aa"], [b"\x00\x00"]]
    assert as_strings([], (0, 2)).shape == (0, 2)


def test_a_scalar_is_expected() -> None:
    assert single(np.array(b"x", object), "sep") == b"x"
    with pytest.raises(InvalidArgumentError, match=r"sep must be a scalar, got shape \(1,\)"):
        single(np.array([b"x"], object), "sep")
