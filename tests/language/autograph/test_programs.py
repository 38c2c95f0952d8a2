"""Programs give the same values in plain Python, converted, and staged."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.core import nest
from penstock.language.autograph import convert

_spec = importlib.util.spec_from_file_location("autograph_programs", Path(__file__).with_name("programs.py"))
assert _spec is not None and _spec.loader is not None
programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)


def _check_same(result: Any, wanted: Any) -> None:
    pairs = list(zip(nest.flatten(result), nest.flatten(wanted), strict=True))
    for item, value in pairs:
        np.testing.assert_allclose(np.asarray(item), np.asarray(value), rtol=1e-6)


@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_gives_what_python_gives(program: Callable[..., Any], staged: Callable[..., Any]) -> None:
    twin = convert(program)
    assert twin is not program
    for number in (1, 2, 3, 5):
        wanted = program(tf.constant(number))
        _check_same(twin(tf.constant(number)), wanted)
        _check_same(staged(program, np.int32(number)), wanted)
