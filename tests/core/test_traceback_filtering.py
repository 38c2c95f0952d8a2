"""Errors of operations show the user's frames; on request, all."""

from __future__ import annotations

import traceback

import pytest

import penstock as tf


def frames_of_a_failure() -> list[str]:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.reshape([1, 2, 3], [2, 2])
    return [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


def test_frames_within_the_call_are_left_out_unless_asked_for():
    assert tf.debugging.is_traceback_filtering_enabled()
    short = frames_of_a_failure()
    tf.debugging.disable_traceback_filtering()
    try:
        assert not tf.compat.v1.debugging.is_traceback_filtering_enabled()
        long = frames_of_a_failure()
    finally:
        tf.debugging.enable_traceback_filtering()
    assert short[0] == long[0] == "frames_of_a_failure"
    assert "_execute" in long and "_execute" not in short
    assert short == long[: len(short)]
