"""The text file `checkpoint` beside a program's checkpoints, which says which is the latest."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Sequence
from typing import Any

from google.protobuf import text_format

from penstock.formats import protos
from penstock.formats.errors import CorruptDataError, unwritable

FILE_NAME = "checkpoint"


def read_checkpoint_state(directory: str | os.PathLike[str], latest_filename: str | None = None) -> Any:
    """Read which checkpoints a directory has.

    Args:
        directory: where the file is.
        latest_filename: the file's name, by default `checkpoint`.
    Returns:
        A `CheckpointState`, relative paths joined to the directory; `None` if there is no such file.
    Raises:
        CorruptDataError: if the file is no text of a `CheckpointState`, or names no checkpoint.
    """
    directory = os.fspath(directory)
    path = os.path.join(directory, latest_filename or FILE_NAME)
    try:
        with open(path, "rb") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        state = text_format.Parse(text.decode("utf-8"), protos.CheckpointState())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise CorruptDataError(f"{path!r} is no readable checkpoint state: {error}") from error
    if not state.model_checkpoint_path:
        raise CorruptDataError(f"{path!r} names no model_checkpoint_path")
    state.model_checkpoint_path = os.path.join(directory, state.model_checkpoint_path)
    state.all_model_checkpoint_paths[:] = [os.path.join(directory, name) for name in state.all_model_checkpoint_paths]
    return state


def make_checkpoint_state(
    directory: str | os.PathLike[str],
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> Any:
    """Make the message that the file holds.

    Args:
        directory: where the file will be.
        model_checkpoint_path: prefix of the latest checkpoint.
        all_model_checkpoint_paths: prefixes of all checkpoints, oldest first; the latest is added if not last.
        all_model_checkpoint_timestamps: when each was written, in seconds since the epoch.
        last_preserved_timestamp: when the last checkpoint to be kept for good was written, in seconds since the epoch.
        save_relative_paths: write absolute paths relative to the directory, so that it can be moved.
    Returns:
        A `CheckpointState`. Relative paths are rewritten relative to a directory that is itself relative.
    Raises:
        ValueError: if there are timestamps but not one for each path.
    """
    directory = os.fspath(directory)
    paths = list(all_model_checkpoint_paths or [])
    if not paths or paths[-1] != model_checkpoint_path:
        paths.append(model_checkpoint_path)
    if all_model_checkpoint_timestamps and len(all_model_checkpoint_timestamps) != len(paths):
        raise ValueError(
            f"{len(all_model_checkpoint_timestamps)} timestamps for {len(paths)} checkpoints; give one for each"
        )

    def as_written(path: str) -> str:
        rewrite = save_relative_paths if os.path.isabs(path) else not os.path.isabs(directory)
        return os.path.relpath(path, directory) if rewrite else path

    return protos.CheckpointState(
        model_checkpoint_path=as_written(model_checkpoint_path),
        all_model_checkpoint_paths=[as_written(path) for path in paths],
        all_model_checkpoint_timestamps=all_model_checkpoint_timestamps or [],
        last_preserved_timestamp=last_preserved_timestamp or 0.0,
    )


def write_checkpoint_state(
    directory: str | os.PathLike[str],
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> None:
    """Write which checkpoints a directory has, replacing the file at once. See `make_checkpoint_state`.

    Raises:
        UnwritablePathError: if the file cannot be written.
        ValueError: if a checkpoint's path is that of the file itself, or the timestamps do not match the paths.
    """
    directory = os.fspath(directory)
    path = os.path.join(directory, latest_filename or FILE_NAME)
    if os.path.abspath(path) == os.path.abspath(model_checkpoint_path):
        raise ValueError(
            f"checkpoint {model_checkpoint_path!r} has the path of the file that lists checkpoints; rename it"
        )
    state = make_checkpoint_state(
        directory,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
        save_relative_paths,
    )
    temp = f"{path}.tempstate{uuid.uuid4().hex}"
    try:
        try:
            with open(temp, "wb") as file:
                file.write(text_format.MessageToString(state).encode("utf-8"))
            os.replace(temp, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temp)
    except OSError as error:
        raise unwritable(path, error, "Check that the directory exists and may be written.") from error
