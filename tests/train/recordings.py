"""What TensorFlow 2.21 computed for the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> dict[str, Any]:
    """Return the recording of that name."""
    return json.loads((FOLDER / f"{name}.json").read_text())
