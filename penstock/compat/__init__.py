"""`compat.v1` and `compat.v2`: either face by its name, as in TensorFlow."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """Load a face, or a function of `compat`, on first use."""
    if name in ("v1", "v2"):
        return importlib.import_module(f"penstock.compat.{name}")
    for module in ("strings", "forward"):
        functions = importlib.import_module(f"penstock.compat.{module}")
        if hasattr(functions, name):
            return getattr(functions, name)
    raise AttributeError(f"module 'penstock.compat' has no attribute {name!r}")
