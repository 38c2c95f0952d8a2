"""Running a program's `main` with its flags parsed: `tf.app`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from absl import app as absl_app

from penstock.platform import flags as flags


def _parse_known(arguments: list[str]) -> list[str]:
    """Parse the flags that are known; others are left to the program, as TensorFlow does."""
    return flags.FLAGS(arguments, known_only=True)


def run(main: Callable[[list[str]], Any] | None = None, argv: list[str] | None = None) -> NoReturn:
    """Parse the command line's flags and run the program, then exit with what it returns.

    Args:
        main: takes the arguments that are no flags, the program's name first; by default the program's `main`.
        argv: the command line, that of the process by default.
    """
    main = main or sys.modules["__main__"].main
    absl_app.run(main=main, argv=argv, flags_parser=_parse_known)
    raise AssertionError("absl.app.run exits")
