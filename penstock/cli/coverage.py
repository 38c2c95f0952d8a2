"""How much of TensorFlow's surface is here, weighted by how often programs use each name."""

from __future__ import annotations

import gzip
import importlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FACES = {"v1": "penstock.compat.v1", "v2": "penstock"}


@dataclass(frozen=True)
class Coverage:
    """What of a surface is here.

    Attributes:
        present, total: numbers of names.
        present_uses, total_uses: how often a corpus of public programs uses them.
        missing: the names that are not here with their uses, the most used first.
    """

    present: int
    total: int
    present_uses: int
    total_uses: int
    missing: list[tuple[str, int]]


@cache
def surface() -> dict[str, dict[str, Any]]:
    """Return the facts that ship with the package: for "v1" and "v2" name -> uses, for "ops" name -> has a gradient."""
    facts: dict[str, dict[str, Any]] = json.loads(
        gzip.decompress(Path(__file__).with_name("surface.json.gz").read_bytes())
    )
    return facts


def coverage(face: str) -> Coverage:
    """Return what of TensorFlow's surface a face has.

    Args:
        face: "v1" or "v2".
    """
    module = importlib.import_module(FACES[face])
    return _compare(surface()[face], lambda name: has_path(module, name))


def operations_coverage() -> Coverage:
    """Return what of TensorFlow's registry of operations is declared; each counts once."""
    import penstock.ops  # noqa: F401  declares the operations; loads torch, which `penstock --help` should not wait for
    from penstock.core.op_def import registered

    declared = registered()
    return _compare(dict.fromkeys(surface()["ops"], 1), declared.__contains__)


def _compare(uses: dict[str, int], is_present: Any) -> Coverage:
    missing = [(name, count) for name, count in uses.items() if not is_present(name)]
    missing.sort(key=lambda item: (-item[1], item[0]))
    total_uses = sum(uses.values())
    return Coverage(
        len(uses) - len(missing), len(uses), total_uses - sum(count for _, count in missing), total_uses, missing
    )


def has_path(module: Any, path: str) -> bool:
    """Tell whether `module` has the attribute that a dotted path names."""
    value = module
    for name in path.split("."):
        try:
            value = getattr(value, name)
        except (AttributeError, ImportError):
            return False
    return True


def print_coverage(console: Console, shown: int = 30) -> None:
    """Print the shares of the surface that are here, and the most used of the missing names."""
    table = Table("surface", "names", "weighted by use", box=None)
    found = {f"TensorFlow {face[1]}": coverage(face) for face in FACES}
    for title, result in found.items():
        table.add_row(title, _share(result.present, result.total), _share(result.present_uses, result.total_uses))
    operations = operations_coverage()
    table.add_row("operations", _share(operations.present, operations.total), "")
    console.print(table)
    for title, result in found.items():
        if result.missing:
            names = ", ".join(_with_uses(result.missing[:shown]))
            console.print(f"{title}: the most used missing names (uses): {names}", highlight=False)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / max(whole, 1):.1%})"


def _with_uses(items: Iterable[tuple[str, int]]) -> list[str]:
    return [f"{name} ({uses})" for name, uses in items]
