"""Penstock: TensorFlow's dataflow system in readable Python, on PyTorch's kernels.

`import penstock as tf` is TensorFlow 2; `import penstock.v1 as tf` is TensorFlow 1. The names of the TensorFlow 2 face
are looked up in `penstock.v2` on first use, so that importing one room of the house does not load all the others.
"""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.v2 import *  # noqa: F403

__version__ = "0.1.0"

# Idle threads of the kernel library spin briefly, then sleep. Spinning on, as is its default, starves the thread that
# they wait for
# as soon as another process wants a core: a step of 0.4 ms took 30. OpenMP reads this when torch is loaded; a user's
# own
# setting stands.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def __getattr__(name: str) -> Any:
    """Return `name` of the TensorFlow 2 face."""
    if name.startswith("__"):
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    face = importlib.import_module("penstock.v2")
    face.note_v2_face()
    hide_rooms()
    value = importlib.import_module("penstock.compat") if name == "compat" else getattr(face, name)
    globals()[name] = value
    return value


def hide_rooms() -> None:
    """Let names such as `penstock.train` and `penstock.data` mean the TensorFlow 2 face's.

    Loading a face has loaded rooms of the same names, which Python makes attributes of this package.
    """
    face = Path(__file__).with_name("v2")
    for name, value in list(globals().items()):
        if isinstance(value, ModuleType) and value.__name__ == f"{__name__}.{name}":
            if face.joinpath(name).is_dir() or face.joinpath(f"{name}.py").is_file():
                del globals()[name]


def explain_missing(name: str, face: str) -> str:
    """Return the message for a name that a face does not have: where else it is found, if anywhere.

    Args:
        name: what was asked for.
        face: "v1" or "v2".
    """
    other = "v2" if face == "v1" else "v1"
    text = f"Penstock's TensorFlow {face[1]} face has no attribute {name!r}."
    # The other face is read, not imported: importing it would say that the program uses it.
    page = Path(__file__).with_name(other).joinpath("__init__.py").read_text()
    if re.search(rf" as {re.escape(name)}$", page, re.MULTILINE):
        remedy = f"tf.compat.{other}.{name}" if face == "v2" else f"penstock.{name}"
        run = " A whole program of TensorFlow 1 runs with `penstock run --v1`." if face == "v2" else ""
        return f"{text} It is a name of TensorFlow {other[1]}: write {remedy}, or import penstock.{other} as tf.{run}"
    return text


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(importlib.import_module("penstock.v2"))})
