"""Writes penstock/cli/surface.json.gz: the names of TensorFlow's two faces with how often programs use them, and its
operations with whether a gradient is registered for them.

    python tools/make_surface.py [FOLDER]      the folder with v1.json, v2.json, usage.json and ops.json
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "penstock" / "cli" / "surface.json.gz"


def read(folder: Path) -> dict[str, dict[str, object]]:
    """Return face -> name -> uses, and under "ops" operation -> whether it has a gradient."""
    usage = json.loads((folder / "usage.json").read_text())
    surface: dict[str, dict[str, object]] = {}
    for face, column in (("v1", 3), ("v2", 5)):
        symbols = json.loads((folder / f"{face}.json").read_text())
        surface[face] = {
            symbol["s"]: usage.get(symbol["s"], [0] * 6)[column] for symbol in symbols if symbol["kind"] != "module"
        }
    operations = json.loads((folder / "ops.json").read_text())
    surface["ops"] = {entry["op"]: entry["grad"] == "yes" for entry in operations}
    return surface


def main() -> None:
    """Write the file; the same facts give the same bytes."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "api"
    text = json.dumps(read(folder), separators=(",", ":"), sort_keys=True)
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
