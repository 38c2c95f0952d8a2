"""Collection names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.core.graph_keys import GraphKeys

SYMBOLS = Path(__file__).parents[3] / "shared" / "api" / "v1.json"


def test_values_are_those_in_metagraphs():
    assert GraphKeys.GLOBAL_VARIABLES == GraphKeys.VARIABLES == "variables"
    assert GraphKeys.TABLE_INITIALIZERS == "table_initializer"
    irregular = {"GLOBAL_VARIABLES", "VARIABLES", "TABLE_INITIALIZERS"}
    names = [name for name in vars(GraphKeys) if name.isupper() and not name.startswith("_")]
    assert all(getattr(GraphKeys, name) == name.lower() for name in names if name not in irregular)


def test_every_public_key_of_tensorflow_exists():
    if not SYMBOLS.exists():
        pytest.skip(f"no recorded API at {SYMBOLS}")
    symbols = json.loads(SYMBOLS.read_text())
    keys = next(symbol for symbol in symbols if symbol["s"] == "GraphKeys")["props"]
    assert {name for name in vars(GraphKeys) if not name.startswith("_")} == set(keys)
