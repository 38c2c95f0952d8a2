"""Running a program in whose process `tensorflow` is Penstock."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

from penstock.alias import install


def run_program(command: Sequence[str], face: str = "v2") -> None:
    """Run a program as if it were called by Python itself.

    Args:
        command: the program's path (or `-m` and a module's name) and its arguments.
        face: the face that it sees as `tensorflow`: "v1" or "v2".
    Raises:
        FileNotFoundError: if there is no such program.
    """
    install(face)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if command[0] == "-m":
        sys.argv = list(command[1:])
        sys.path.insert(0, os.getcwd())
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        return
    path = command[0]
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no program {path!r}")
    sys.argv = list(command)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    runpy.run_path(path, run_name="__main__")
