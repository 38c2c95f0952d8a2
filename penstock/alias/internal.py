"""Modules outside TensorFlow's public face that programs, and Keras, import all the same.

`tables.py` says what is in them.
"""

from __future__ import annotations

import importlib
import types
from typing import Any

from penstock.alias import stand_ins, tables
from penstock.formats import protos

ROOT_NAMES = tables.ROOT_NAMES
_MODULE_NAMES = tables.modules()


class _Module(types.ModuleType):
    """A module of the table. Its names are looked up when they are first used."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"Names of {name} that stand for those of Penstock.")
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._find(name)
        self.__dict__[name] = value
        return value

    def _find(self, name: str) -> Any:
        here = self.__name__
        names = tables.NAMES.get(here, {})
        if name in names:
            return resolve(names[name])
        if f"{here}.{name}" in _MODULE_NAMES:
            return importlib.import_module(f"{here}.{name}")
        last = here.rsplit(".", 1)[-1]
        if last.endswith("_pb2"):
            return _message(last, name)
        if last.startswith(("gen_", "training_ops")) and (operation := stand_ins.generated_operation(name)) is not None:
            return operation
        if here.startswith("tensorflow.python.") or tables.CONTRIB_INTERNALS.match(here):
            for fallback in tables.fallbacks(here):
                try:
                    return getattr(importlib.import_module(fallback), name)
                except (AttributeError, ImportError):
                    continue
        raise AttributeError(f"module {here!r} has no attribute {name!r} in Penstock: use the public name in `tf`")


_modules: dict[str, _Module] = {}


def _message(module: str, name: str) -> Any:
    """Return a message, or another name, of a module that a protocol buffer compiler has written."""
    if name in dir(protos):
        return getattr(protos, name)
    try:
        return getattr(importlib.import_module(f"tensorboard.compat.proto.{module}"), name)
    except ImportError:
        raise AttributeError(f"module {module!r} has no attribute {name!r} in Penstock") from None


def resolve(target: str) -> Any:
    """Return what `"module:attribute"` or `"module:"` names."""
    module_name, _, attribute = target.partition(":")
    module_found = namespace(module_name.removeprefix("tensorflow.")) if module_name in _MODULE_NAMES else None
    found = importlib.import_module(module_name) if module_found is None else module_found
    return getattr(found, attribute) if attribute else found


def namespace(name: str) -> types.ModuleType:
    """Return the module of the table below `tensorflow`."""
    full = f"tensorflow.{name}"
    if full not in _modules:
        _modules[full] = _Module(full)
    return _modules[full]


def module(fullname: str) -> types.ModuleType | None:
    """Return the module that the table has under a full name, or that it re-exports there; None if there is none."""
    if fullname in _MODULE_NAMES or tables.CONTRIB_INTERNALS.match(fullname):
        return namespace(fullname.removeprefix("tensorflow."))
    parent, _, name = fullname.rpartition(".")
    target = tables.NAMES.get(parent, {}).get(name, "")
    return resolve(target) if target.endswith(":") else None
