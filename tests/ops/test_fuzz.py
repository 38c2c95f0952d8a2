"""Inputs and attributes that make no sense end in an error, not in a crash, a hang or all of the memory."""

from __future__ import annotations

import random

import penstock.ops  # noqa: F401  declares the operations
from tests.ops.fuzz import fuzz, names


def test_calls_that_make_no_sense_are_refused():
    calls = [(name, seed) for name in names() for seed in range(3)]
    random.Random(0).shuffle(calls)
    made, wrong = fuzz(calls, seconds=15)
    assert made and not wrong, "\n".join(wrong)
