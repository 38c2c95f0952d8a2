"""The folder that a SavedModel is: graphs and signatures in one message, variables as a checkpoint, files beside them.

`saved_model.pb` (or, as text, `saved_model.pbtxt`) is a `SavedModel` message, `variables/variables.*` a checkpoint (see
`tensor_bundle`), `assets/` holds files that the graphs read. A folder counts as a model by its message alone. Whoever
writes a model takes the old message away first and puts the new one there last, so that a writer killed between the
two leaves a folder that is no model, never the graphs of one beside the variables of another.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from penstock.formats import protos
from penstock.formats.errors import CorruptDataError, unwritable

SCHEMA_VERSION = 1
MESSAGE_FILE = "saved_model.pb"
TEXT_FILE = "saved_model.pbtxt"
VARIABLES_DIRECTORY = "variables"
VARIABLES_FILE = "variables"
ASSETS_DIRECTORY = "assets"
EXTRA_ASSETS_DIRECTORY = "assets.extra"
FINGERPRINT_FILE = "fingerprint.pb"

_ADVICE = "Check that the directory may be written, and that the disk has room."


def variables_prefix(directory: str) -> str:
    """Return the prefix of the checkpoint in a SavedModel."""
    return os.path.join(directory, VARIABLES_DIRECTORY, VARIABLES_FILE)


def assets_directory(directory: str) -> str:
    """Return where a SavedModel has its asset files."""
    return os.path.join(directory, ASSETS_DIRECTORY)


def is_saved_model(directory: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds a SavedModel's message."""
    return _message_path(os.fspath(directory)) is not None


def _message_path(directory: str) -> str | None:
    for name in (MESSAGE_FILE, TEXT_FILE):
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            return path
    return None


def read_saved_model(directory: str | os.PathLike[str]) -> Any:
    """Read the message of a SavedModel.

    Args:
        directory: the folder.
    Returns:
        A SavedModel message with at least one MetaGraphDef.
    Raises:
        FileNotFoundError: if the folder holds no such message.
        CorruptDataError: if the message is damaged or truncated.
    """
    directory = os.fspath(directory)
    path = _message_path(directory)
    if path is None:
        unfinished = os.path.isdir(os.path.join(directory, VARIABLES_DIRECTORY))
        reason = " The folder has variables but no graphs: whoever wrote it was interrupted." if unfinished else ""
        raise FileNotFoundError(
            f"SavedModel file does not exist at: {directory}{os.path.sep}{{{TEXT_FILE}|{MESSAGE_FILE}}}.{reason}"
        )
    with open(path, "rb") as file:
        data = file.read()
    message = protos.SavedModel()
    try:
        if path.endswith(TEXT_FILE):
            text_format.Parse(data.decode("utf-8"), message)
        else:
            message.ParseFromString(data)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise CorruptDataError(
            f"Cannot parse file {path}: {error}. The file is damaged or truncated, or no SavedModel."
        ) from None
    if not message.meta_graphs:
        raise CorruptDataError(f"Cannot parse file {path}: it holds no graphs. It is empty, or no SavedModel.")
    if message.saved_model_schema_version > SCHEMA_VERSION:
        raise CorruptDataError(
            f"{path} has schema version {message.saved_model_schema_version}; this reader knows up to {SCHEMA_VERSION}"
        )
    return message


def begin_saved_model(directory: str | os.PathLike[str]) -> None:
    """Make the folders of a SavedModel, which is none until `write_message` has put the message there.

    Args:
        directory: the folder; a model that it holds stops being one.
    Raises:
        UnwritablePathError: if the folder cannot be made or written.
    """
    directory = os.fspath(directory)
    try:
        os.makedirs(os.path.join(directory, VARIABLES_DIRECTORY), exist_ok=True)
        os.makedirs(os.path.join(directory, ASSETS_DIRECTORY), exist_ok=True)
        for name in (MESSAGE_FILE, TEXT_FILE, FINGERPRINT_FILE):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(directory, name))
    except OSError as error:
        raise unwritable(directory, error, _ADVICE) from error


def write_message(directory: str | os.PathLike[str], message: Any, as_text: bool = False) -> str:
    """Write the message of a SavedModel whose other files are complete.

    Args:
        directory: the folder.
        message: a SavedModel message.
        as_text: whether to write text.
    Returns:
        The path of the file.
    Raises:
        UnwritablePathError: if it cannot be written.
    """
    path = os.path.join(os.fspath(directory), TEXT_FILE if as_text else MESSAGE_FILE)
    data = text_format.MessageToString(message).encode() if as_text else message.SerializeToString(deterministic=True)
    write_whole(path, data)
    return path


def write_whole(path: str, data: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises:
        UnwritablePathError: if it cannot be written.
    """
    temporary = f"{path}.{os.getpid()}.temporary"
    try:
        try:
            with open(temporary, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)
    except OSError as error:
        raise unwritable(path, error, _ADVICE) from error
