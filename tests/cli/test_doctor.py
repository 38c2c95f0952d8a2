from __future__ import annotations

import platform

import pytest
from click.testing import CliRunner

from penstock.cli import doctor, main


def test_versions_and_devices_are_listed() -> None:
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    assert platform.python_version() in result.output
    assert doctor.installed_version("numpy") in result.output
    assert "/device:CPU:0" in result.output


def test_something_required_that_is_missing_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed_version", lambda name: None if name in ("torch", "keras") else "1.0")
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "not installed: torch; run: pip install penstock" in result.output
    assert "pip install penstock[keras]" in result.output


def test_a_distribution_that_is_not_installed_has_no_version() -> None:
    assert doctor.installed_version("penstock-of-another-world") is None
