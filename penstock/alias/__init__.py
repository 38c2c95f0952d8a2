"""`import tensorflow` means Penstock, inside one process.

Nothing is installed under that name: `install()` puts a finder at the head of `sys.meta_path` that answers for
`tensorflow` and the modules below it, with the modules of a face. A TensorFlow that is installed is left alone unless
this is called before it is imported.

    import penstock.alias; penstock.alias.install()
    import tensorflow as tf                       # TensorFlow 2's face

`python -m penstock.alias program.py` and `penstock run program.py` run an unmodified program. The names outside the
public face that programs import (`tensorflow.python...`, `tf.__internal__`) stand in `internal.py`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from typing import Any

from penstock.alias import internal
from penstock.language import behavior

TENSORFLOW_VERSION = "2.21.0"
# Programs, Keras among them, tell TensorFlow's classes by the modules that they are defined in.
_MODULES_OF_CLASSES = {
    "penstock.data.dataset:DatasetV2": "tensorflow.python.data.ops.dataset_ops",
    "penstock.core.tensor:Tensor": "tensorflow.python.framework.tensor",
    "penstock.core.sparse_tensor:SparseTensor": "tensorflow.python.framework.sparse_tensor",
    "penstock.ops.ragged.ragged_tensor:RaggedTensor": "tensorflow.python.ops.ragged.ragged_tensor",
}
_FACES = {"v1": "penstock.v1", "v2": "penstock.v2"}


class _Root(types.ModuleType):
    """The module `tensorflow`: the names of a face, and those that are TensorFlow's own."""

    def __init__(self, face: str) -> None:
        super().__init__("tensorflow", f"Penstock's TensorFlow {face[1]} face, under TensorFlow's name.")
        self._face = face
        self.__version__ = TENSORFLOW_VERSION
        self.__path__: list[str] = []
        self.__internal__ = internal.namespace("__internal__")

    def __getattr__(self, name: str) -> Any:
        if name == "python":
            return importlib.import_module("tensorflow.python")
        if name in internal.ROOT_NAMES:
            value = internal.resolve(internal.ROOT_NAMES[name])
        else:
            value = getattr(importlib.import_module(_FACES[self._face]), name)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(importlib.import_module(_FACES[self._face]))})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for `tensorflow` and what lies below it."""

    def __init__(self, face: str) -> None:
        self.face = face

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how a module is found, None for one that the face does not have."""
        if fullname != "tensorflow" and not fullname.startswith("tensorflow."):
            return None
        if fullname != "tensorflow" and self._module(fullname) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def _module(self, fullname: str) -> Any:
        """Return what stands under a dotted name, if that can be imported."""
        name = fullname.removeprefix("tensorflow.")
        found = internal.module(fullname)
        if found is not None:
            return found
        value: Any = sys.modules.get("tensorflow")
        for part in name.split("."):
            try:
                value = getattr(value, part)
            except AttributeError:
                return None
        return value if isinstance(value, types.ModuleType) else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """Return the root module; the others are replaced when they are executed."""
        return _Root(self.face) if spec.name == "tensorflow" else None

    def exec_module(self, module: types.ModuleType) -> None:
        """Put the face's module in the place of one below the root."""
        name = module.__name__
        if name == "tensorflow":
            importlib.import_module("penstock.v2" if self.face == "v2" else "penstock.v1")
            if self.face == "v2":
                behavior.note_v2_face()
        else:
            found = self._module(name)
            if not hasattr(found, "__path__"):
                found.__path__ = []  # TensorFlow's files below it can be imported, too
            sys.modules[name] = found


def install(face: str = "v2") -> None:
    """Make `import tensorflow` give a face of Penstock.

    Args:
        face: "v2", or "v1" for programs of TensorFlow 1.
    Raises:
        ValueError: for another face.
        ImportError: if the real TensorFlow, or Penstock's other face, was imported under that name before.
    """
    if face not in _FACES:
        raise ValueError(f"face is 'v1' or 'v2', got {face!r}")
    installed = _installed()
    if installed is not None and installed.face == face:
        return
    if "tensorflow" in sys.modules:
        other = "TensorFlow itself" if installed is None else f"Penstock's {installed.face} face"
        raise ImportError(
            f"{other} was imported as `tensorflow` already. Call penstock.alias.install() at the program's start."
        )
    uninstall()
    sys.meta_path.insert(0, _Finder(face))
    for target, module in _MODULES_OF_CLASSES.items():
        internal.resolve(target).__module__ = module


def uninstall() -> None:
    """Give the name `tensorflow` back; modules imported under it by then keep what they have."""
    if _installed() is None:
        return
    for target in _MODULES_OF_CLASSES:
        internal.resolve(target).__module__ = target.partition(":")[0]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name in sys.modules if name == "tensorflow" or name.startswith("tensorflow.")]:
        del sys.modules[name]


def is_installed() -> bool:
    """Tell whether `import tensorflow` gives Penstock."""
    return _installed() is not None


def _installed() -> _Finder | None:
    return next((finder for finder in sys.meta_path if isinstance(finder, _Finder)), None)
