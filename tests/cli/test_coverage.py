"""How much of TensorFlow's surface is here."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from penstock.cli import coverage, main

FACTS = Path(__file__).parents[3] / "shared" / "api"


def test_doctor_prints_both_surfaces_and_what_is_missing():
    result = CliRunner().invoke(main, ["doctor", "--coverage"])
    assert result.exit_code == 0, result.output
    assert "TensorFlow 1" in result.output and "TensorFlow 2" in result.output and "operations" in result.output


def test_most_of_what_programs_use_is_here():
    for face in coverage.FACES:
        found = coverage.coverage(face)
        assert found.present_uses / found.total_uses > 0.95


def test_missing_names_stand_in_order_of_use(monkeypatch):
    facts = {"v1": {"pi": 1, "e": 5, "no.such": 2, "none": 7}, "v2": {}, "ops": {}}
    monkeypatch.setattr(coverage, "surface", lambda: facts)
    monkeypatch.setitem(coverage.FACES, "v1", math.__name__)
    found = coverage.coverage("v1")
    assert found.missing == [("none", 7), ("no.such", 2)]
    assert (found.present, found.total, found.present_uses, found.total_uses) == (2, 4, 6, 15)


def test_shares_are_printed(monkeypatch):
    monkeypatch.setattr(coverage, "coverage", lambda face: coverage.Coverage(1, 2, 3, 4, [("tf.gone", 9)]))
    monkeypatch.setattr(coverage, "operations_coverage", lambda: coverage.Coverage(1, 4, 1, 4, []))
    text = io.StringIO()
    coverage.print_coverage(Console(file=text, width=200))
    assert "1 of 2 (50.0%)" in text.getvalue() and "3 of 4 (75.0%)" in text.getvalue()
    assert "tf.gone (9)" in text.getvalue()


def test_shipped_facts_are_those_beside_the_repository():
    if not FACTS.exists():
        pytest.skip("the facts on TensorFlow's surface are not beside this repository")
    names = {entry["op"] for entry in json.loads((FACTS / "ops.json").read_text())}
    assert set(coverage.surface()["ops"]) == names
