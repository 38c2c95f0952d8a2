"""Graphs as files."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import Any, NoReturn

from google.protobuf import text_format

from penstock.core.errors import NotFoundError, PermissionDeniedError, UnknownError


def write_file(path: str, data: bytes) -> None:
    """Write a file such that it appears complete or not at all.

    Raises:
        OpError: if it cannot be written.
    """
    temp = f"{path}.tempstate{uuid.uuid4().hex}"
    try:
        try:
            with open(temp, "wb") as file:
                file.write(data)
            os.replace(temp, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temp)
    except OSError as error:
        kinds: dict[type[OSError], Any] = {FileNotFoundError: NotFoundError, PermissionError: PermissionDeniedError}
        text = (
            f"cannot write the graph to {path!r}: {error.strerror}; check that the directory exists and may be written"
        )
        raise kinds.get(type(error), UnknownError)(None, None, text) from None


def write_graph(graph_or_graph_def: Any, logdir: Any, name: Any, as_text: bool = True) -> str:
    """Write a graph as a GraphDef to a file.

    Args:
        graph_or_graph_def: a Graph or a GraphDef message.
        logdir: the directory, made if it does not exist.
        name: the file's name.
        as_text: whether it is text.
    Returns:
        The file's path.
    """
    message = graph_or_graph_def if hasattr(graph_or_graph_def, "node") else graph_or_graph_def.as_graph_def()
    directory = os.fspath(logdir)
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, os.fspath(name))
    text = text_format.MessageToString(message) if as_text else ""
    write_file(path, text.encode() if as_text else message.SerializeToString(deterministic=True))
    return path


_NO_LIBRARIES = (
    "{path!r} is a compiled library of TensorFlow operations, and kernels here are Python functions over PyTorch. "
    "Write "
    "the operation with the decorator @penstock.op, schema, kernel, shape rule and gradient in one place: "
    "docs/adding-an-op.md shows how. Graphs that use it can be imported afterwards."
)


def load_op_library(library_filename: Any) -> NoReturn:
    """Refuse to load a compiled library of operations, and say what to do in its place.

    Args:
        library_filename: the library.
    Raises:
        NotFoundError: always.
    """
    raise NotFoundError(None, None, _NO_LIBRARIES.format(path=os.fspath(library_filename)))


def load_library(library_location: Any) -> NoReturn:
    """Refuse to load compiled libraries of operations; see `load_op_library`."""
    raise NotFoundError(None, None, _NO_LIBRARIES.format(path=os.fspath(library_location)))


def load_file_system_library(library_filename: Any) -> NoReturn:
    """Refuse to load a compiled file system.

    Raises:
        NotFoundError: always.
    """
    raise NotFoundError(
        None,
        None,
        f"{os.fspath(library_filename)!r} is a compiled TensorFlow file system; mount the files, or copy them to a "
        "local "
        "directory.",
    )
