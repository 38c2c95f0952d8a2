"""`tf.keras`: the installed package `keras`, unmodified, with Penstock as its TensorFlow backend.

The package is loaded when a name is first used. What it exports for `tf.keras` (`keras._tf_keras`) is passed through;
`compatibility.py` adds the few things that programs of TensorFlow 2 expect and Keras 3 dropped.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Callable
from typing import Any

_MISSING = "tf.keras is the package `keras`, which is not installed: pip install 'penstock[keras]'"


def load() -> types.ModuleType:
    """Load Keras with this backend, and return what it exports as `tf.keras`.

    Raises:
        ImportError: if it is not installed, was loaded with another backend, or TensorFlow itself was imported before.
    """
    loaded = sys.modules.get("keras")
    if loaded is not None and hasattr(loaded, "config") and loaded.config.backend() != "tensorflow":
        raise ImportError(
            f"Keras is loaded with the backend {loaded.config.backend()!r}; tf.keras needs 'tensorflow'. Import "
            "penstock.keras first, or set KERAS_BACKEND=tensorflow."
        )
    alias = importlib.import_module("penstock.alias")
    if not alias.is_installed():
        alias.install()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        face = importlib.import_module("keras._tf_keras.keras")
    except ModuleNotFoundError as error:
        if error.name in ("keras", "keras._tf_keras"):
            raise ImportError(_MISSING) from None
        raise
    importlib.import_module("penstock.keras.compatibility").apply()
    return face


def __getattr__(name: str) -> Any:
    """Return a name of `tf.keras`."""
    if name.startswith("__") and name != "__version__":
        raise AttributeError(name)
    face = load()
    if name == "experimental":
        value: Any = importlib.import_module("penstock.keras.experimental")
    else:
        try:
            value = getattr(face, name)
        except AttributeError:
            raise AttributeError(
                f"tf.keras has no attribute {name!r}: Keras {face.__version__} does not have it"
            ) from None
    globals()[name] = value
    return value


def names_of(part: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a module that has the names of a part of `tf.keras`.

    Args:
        part: the name of the part, such as "losses".
    """

    def get(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(getattr(load(), part), name)

    return get, lambda: dir(getattr(load(), part))


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(load())})
