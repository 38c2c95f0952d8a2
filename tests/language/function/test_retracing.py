from __future__ import annotations

import logging

import pytest

import penstock as tf
from penstock.language.function import function


def test_a_warning_names_the_arguments_that_differ(caplog: pytest.LogCaptureFixture) -> None:
    f = function(lambda images, flag: images)
    logging.getLogger("tensorflow").propagate = True
    with caplog.at_level(logging.WARNING, "tensorflow"):
        for size in range(4):
            f(tf.ones([size]), True)
        assert not caplog.records
        f(tf.ones([4]), True)
    message = caplog.records[0].getMessage()
    assert "5 out of the last 5 calls to <lambda> triggered tf.function retracing" in message
    assert "images: TensorSpec(shape=(3,)" in message and "became TensorSpec(shape=(4,)" in message
    assert "flag:" not in message


def test_rare_traces_are_not_worth_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    f = function(lambda x: x)
    with caplog.at_level(logging.WARNING, "tensorflow"):
        for size in range(6):
            for _ in range(5):
                f(tf.ones([size]))
    assert not caplog.records
