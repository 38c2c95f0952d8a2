from __future__ import annotations

import subprocess
import sys

import pytest

from penstock.platform import app, flags

PROGRAM = """
from penstock.platform import app
app.flags.DEFINE_integer("steps", 3, "How many steps to run.")
app.flags.DEFINE_bool("fast", False, "Whether to hurry.")
def main(argv):
    print(app.flags.FLAGS.steps, app.flags.FLAGS.fast, argv[1:])
    return 7
app.run()
"""


def test_flags_are_parsed_and_others_left_to_the_program():
    command = [sys.executable, "-c", PROGRAM, "--steps=5", "--fast", "rest", "--other=1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout == "5 True ['rest', '--other=1']\n"
    assert result.returncode == 7, result.stderr


def test_run_calls_the_given_function():
    with pytest.raises(SystemExit) as exited:
        app.run(lambda argv: len(argv), ["program", "a"])
    assert exited.value.code == 2


def test_flags_are_absl_flags():
    holder = flags.DEFINE_string("penstock_test_flag", "x", "A flag of this test.")
    assert holder.name == "penstock_test_flag"
    assert issubclass(flags.DuplicateFlagError, flags.Error)
    assert {"FLAGS", "DEFINE_float", "DEFINE_enum", "mark_flag_as_required", "validator"} <= set(dir(flags))
