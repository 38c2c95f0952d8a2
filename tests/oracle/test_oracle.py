"""Penstock gives the values, gradients and errors that TensorFlow 2.21 gave when the cases were recorded."""

from __future__ import annotations

import pytest

import penstock as tf
from tests.oracle.exceptions import EXCEPTIONS
from tests.oracle.recording import GROUPS, Case, read_cases
from tests.oracle.runner import MODES, failure

# Cases are run in portions: a test of its own for each would cost more than the cases do.
PORTION = 40


def _cases(group: str, mode: str) -> list[Case]:
    return [case for case in read_cases(group) if mode == "eager" or case.holds_in_graphs]


PORTIONS = [
    pytest.param(mode, group, start, id=f"{mode}-{group}-{start // PORTION}")
    for mode in MODES
    for group in GROUPS
    for start in range(0, len(_cases(group, mode)), PORTION)
]


@pytest.mark.parametrize(("mode", "group", "start"), PORTIONS)
def test_recorded_cases_hold(mode, group, start):
    portion = _cases(group, mode)[start : start + PORTION]
    listed = EXCEPTIONS[mode]
    reasons = {case.id: failure(tf, case, mode) for case in portion}
    failing = [f"{name}: {reason}" for name, reason in reasons.items() if reason and name not in listed]
    stale = [
        f"{name} passes: take it off the list" for name, reason in reasons.items() if not reason and name in listed
    ]
    assert not failing + stale, "\n".join(failing + stale)


@pytest.mark.parametrize("mode", MODES)
def test_exceptions_name_recorded_cases(mode):
    recorded = {case.id for group in GROUPS for case in _cases(group, mode)}
    assert not set(EXCEPTIONS[mode]) - recorded


@pytest.mark.parametrize("mode", MODES)
def test_at_most_one_case_in_a_hundred_is_an_exception(mode):
    assert len(EXCEPTIONS[mode]) * 100 <= sum(len(_cases(group, mode)) for group in GROUPS)
