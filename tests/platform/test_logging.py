from __future__ import annotations

import logging as python_logging

import pytest

from penstock.ops.debugging.printing import print_v2
from penstock.platform import logging


@pytest.fixture(autouse=True)
def own_logger(monkeypatch):
    """Give each test a logger as a program without logging set up finds it."""
    logger, root = python_logging.getLogger("tensorflow"), python_logging.getLogger()
    saved = logger.handlers[:], logger.level, root.handlers[:]
    logger.handlers, logger.level, root.handlers = [], python_logging.NOTSET, []
    monkeypatch.setattr(logging, "_logger", None)
    logging._counts.clear()
    logging.get_logger()
    yield
    logger.handlers, _, root.handlers = saved
    logger.setLevel(saved[1])


def test_messages_are_written_as_tensorflow_writes_them(capsys):
    logging.info("not shown by default")
    logging.warning("w %d", 3)
    logging.set_verbosity(logging.DEBUG)
    logging.debug("d")
    logging.info("i %s", "x")
    logging.error("e")
    logging.fatal("f")
    logging.log(logging.ERROR, "l")
    logging.TaskLevelStatusMessage("t")
    assert capsys.readouterr().err.splitlines() == [
        "WARNING:tensorflow:w 3",
        "DEBUG:tensorflow:d",
        "INFO:tensorflow:i x",
        "ERROR:tensorflow:e",
        "CRITICAL:tensorflow:f",
        "ERROR:tensorflow:l",
        "ERROR:tensorflow:t",
    ]


def test_the_level_is_warn_until_it_is_set():
    assert logging.get_verbosity() == logging.WARN == 30
    logging.set_verbosity(logging.INFO)
    assert logging.get_verbosity() == logging.INFO == 20
    assert logging.get_logger().name == "tensorflow"


def test_lines_are_counted_on_their_own(capsys):
    for number in range(4):
        logging.log_every_n(logging.ERROR, "every %d", 2, number)
        logging.log_first_n(logging.ERROR, "first %d", 2, number)
        logging.log_if(logging.ERROR, "if %d", number == 3, number)
    messages = [line.removeprefix("ERROR:tensorflow:") for line in capsys.readouterr().err.splitlines()]
    assert messages == ["every 0", "first 0", "first 1", "every 2", "if 3"]


def test_tensors_are_printed_to_the_log(capsys):
    logging.set_verbosity(logging.INFO)
    print_v2("seen", [1, 2], output_stream=logging.info)
    logging.set_verbosity(logging.ERROR)
    print_v2("unseen", output_stream=logging.warning)
    assert capsys.readouterr().err == "INFO:tensorflow:seen [1, 2]\n"


def test_a_program_with_its_own_logging_gets_no_second_handler(capsys, monkeypatch):
    monkeypatch.setattr(logging, "_logger", None)
    python_logging.getLogger("tensorflow").handlers = []
    python_logging.getLogger().addHandler(python_logging.NullHandler())
    logging.error("x")
    assert capsys.readouterr().err == ""
