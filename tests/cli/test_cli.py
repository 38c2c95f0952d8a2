from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

import penstock
from penstock.cli import main


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name in ("demo", "doctor"):
        assert f"  {name} " in result.output


def test_version_is_the_packages() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"penstock, version {penstock.__version__}\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["dmeo"])
    assert result.exit_code == 2
    assert "dmeo" in result.output


def test_help_does_not_load_the_engine() -> None:
    program = (
        "import sys; from penstock.cli import main; main(['demo', '--help'], standalone_mode=False); "
        "sys.exit(bool({'torch', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    assert "--data" in finished.stdout


def test_the_module_runs_as_a_program() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "--version"], capture_output=True, text=True, timeout=120
    )
    assert finished.stdout == f"penstock, version {penstock.__version__}\n"
