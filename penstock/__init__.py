"""Penstock: TensorFlow's dataflow system in readable Python, on PyTorch's kernels.

`import penstock as tf` is TensorFlow 2; `import penstock.v1 as tf` is TensorFlow 1. The names of the TensorFlow 2 face are
looked up in `penstock.v2` on first use, so that importing one room of the house does not load all the others.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.v2 import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Return `name` of the TensorFlow 2 face."""
    if name.startswith("__"):
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    face = importlib.import_module("penstock.v2")
    face.note_v2_face()
    try:
        value = getattr(face, name)
    except AttributeError:
        raise AttributeError(face.explain_missing(name)) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(importlib.import_module("penstock.v2"))})
