"""TensorFlow's log: the logger "tensorflow" of Python's logging, written to stderr as `INFO:tensorflow:message`."""

from __future__ import annotations

import logging as python_logging
import sys
import threading
from collections import Counter
from logging import DEBUG as DEBUG
from logging import ERROR as ERROR
from logging import FATAL as FATAL
from logging import INFO as INFO
from logging import WARN as WARN
from typing import Any

from penstock.ops.debugging.printing import register_output_stream

_lock = threading.Lock()
_logger: python_logging.Logger | None = None  # guarded by _lock
_counts: Counter[Any] = Counter()  # guarded by _lock


class _StderrHandler(python_logging.StreamHandler):
    """Writes to what sys.stderr is at the moment, which test runners and notebooks exchange."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    @property
    def stream(self) -> Any:
        """The stream to write to."""
        return sys.stderr

    @stream.setter
    def stream(self, value: Any) -> None:
        pass


def get_logger() -> python_logging.Logger:
    """Return TensorFlow's logger, whose level is WARN until it is set."""
    global _logger
    with _lock:
        if _logger is None:
            logger = python_logging.getLogger("tensorflow")
            if logger.level == python_logging.NOTSET:
                logger.setLevel(WARN)
            # A program that has set up logging decides itself where messages go.
            if not python_logging.getLogger().handlers and not logger.handlers:
                handler = _StderrHandler()
                handler.setFormatter(python_logging.Formatter(python_logging.BASIC_FORMAT, None))
                logger.addHandler(handler)
            _logger = logger
        return _logger


def log(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message.

    Args:
        level: DEBUG, INFO, WARN, ERROR or FATAL.
        msg: the message, with % placeholders for `args`.
        *args: what fills them.
        **kwargs: passed on to Python's logging.
    """
    get_logger().log(level, msg, *args, **kwargs)


def debug(msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message at level DEBUG."""
    get_logger().debug(msg, *args, **kwargs)


def info(msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message at level INFO."""
    get_logger().info(msg, *args, **kwargs)


def warn(msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message at level WARN."""
    get_logger().warning(msg, *args, **kwargs)


def warning(msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message at level WARN."""
    get_logger().warning(msg, *args, **kwargs)


def error(msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message at level ERROR."""
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message at level FATAL. The program goes on."""
    get_logger().critical(msg, *args, **kwargs)


def vlog(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    """Log a message at a level given as a number."""
    get_logger().log(level, msg, *args, **kwargs)


def flush() -> None:
    """Write out what has been logged."""
    for handler in get_logger().handlers:
        handler.flush()


def TaskLevelStatusMessage(msg: str) -> None:
    """Log a message about the task as a whole, at level ERROR."""
    error(msg)


def _count_at_caller() -> int:
    """Return how often the line that called the calling function has been here before."""
    frame = sys._getframe(2)
    key = frame.f_code.co_filename, frame.f_lineno
    with _lock:
        _counts[key] += 1
        return _counts[key] - 1


def log_every_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Log a message the first time, and then every n-th time, that this line of the program is reached."""
    log_if(level, msg, _count_at_caller() % n == 0, *args)


def log_first_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Log a message the first n times that this line of the program is reached."""
    log_if(level, msg, _count_at_caller() < n, *args)


def log_if(level: int, msg: str, condition: Any, *args: Any) -> None:
    """Log a message if `condition` is true."""
    if condition:
        vlog(level, msg, *args)


def get_verbosity() -> int:
    """Return the level from which on messages are written."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int | str) -> None:
    """Set the level from which on messages are written: DEBUG, INFO, WARN, ERROR or FATAL."""
    get_logger().setLevel(v)


for _function, _stream in ((info, "log(info)"), (warning, "log(warning)"), (error, "log(error)")):
    register_output_stream(_function, _stream)
