"""Which checkpoints there are: the file `checkpoint` in a directory, and the files of each checkpoint."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.formats import checkpoint_state
from penstock.formats.errors import CorruptDataError
from penstock.formats.tensor_bundle import bundle_exists, index_path, remove_bundle

_POLL_S = 1.0
_LOG = logging.getLogger("tensorflow")


def generate_checkpoint_state_proto(
    save_dir: Any,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """Return the CheckpointState message that tells which checkpoints a directory has.

    Args:
        save_dir: the directory.
        model_checkpoint_path: the latest checkpoint.
        all_model_checkpoint_paths: all checkpoints, oldest first.
        all_model_checkpoint_timestamps: when each was written, in seconds since the epoch.
        last_preserved_timestamp: when the last checkpoint to be kept for good was written.
    Raises:
        ValueError: if there are timestamps but not one for each checkpoint.
    """
    return checkpoint_state.make_checkpoint_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )


def update_checkpoint_state(
    save_dir: Any,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> None:
    """Write the file that tells which checkpoints a directory has; see `generate_checkpoint_state_proto`.

    Args:
        latest_filename: the file's name, by default "checkpoint".
        save_relative_paths: whether paths are written relative to the directory, so that it can be moved.
    Raises:
        RuntimeError: if a checkpoint has the path of that file.
    """
    try:
        checkpoint_state.write_checkpoint_state(
            save_dir or ".",
            model_checkpoint_path,
            all_model_checkpoint_paths,
            latest_filename,
            all_model_checkpoint_timestamps,
            last_preserved_timestamp,
            save_relative_paths,
        )
    except ValueError as error:
        raise RuntimeError(str(error)) from None


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """Return the CheckpointState of a directory, or None if it has none that can be read.

    Args:
        checkpoint_dir: the directory.
        latest_filename: the file's name, by default "checkpoint".
    """
    if checkpoint_dir is None:
        return None
    try:
        return checkpoint_state.read_checkpoint_state(checkpoint_dir, latest_filename)
    except (CorruptDataError, OSError) as error:
        _LOG.warning("cannot read which checkpoints %s has: %s", checkpoint_dir, error)
        return None


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """Return the prefix of the latest checkpoint of a directory, or None if there is none.

    Args:
        checkpoint_dir: the directory.
        latest_filename: name of the file that tells, by default "checkpoint".
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not state.model_checkpoint_path:
        return None
    path: str = state.model_checkpoint_path
    if bundle_exists(path):
        return path
    _LOG.error("%s names the checkpoint %s, of which there are no files", checkpoint_dir, path)
    return None


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Tell whether there is a checkpoint with this prefix."""
    return bundle_exists(checkpoint_prefix) or os.path.exists(os.fspath(checkpoint_prefix))


def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """Return when checkpoints were written, in seconds since the epoch; those that do not exist are left out."""
    times = []
    for prefix in checkpoint_prefixes:
        with contextlib.suppress(OSError):
            times.append(os.stat(index_path(os.fspath(prefix))).st_mtime)
    return times


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """Return the path of the graph that is saved beside a checkpoint."""
    return f"{checkpoint_filename}.{meta_graph_suffix}"


def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: int = 2, meta_graph_suffix: str = "meta"
) -> None:
    """Delete the files of a checkpoint, and the graph beside it.

    Args:
        checkpoint_prefix: what the names of the files begin with.
        checkpoint_format_version: 2; accepted as TensorFlow does.
        meta_graph_suffix: the end of the graph's name.
    """
    with contextlib.suppress(FileNotFoundError):
        os.remove(meta_graph_filename(checkpoint_prefix, meta_graph_suffix))
    remove_bundle(checkpoint_prefix)


def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Yield the latest checkpoint of a directory whenever there is a new one.

    Args:
        checkpoint_dir: the directory.
        min_interval_secs: seconds between two checkpoints at least.
        timeout: seconds to wait for a new checkpoint; None waits for any time.
        timeout_fn: called when none came in time; the iteration ends if it returns True. Without it, it ends at once.
    """
    last: str | None = None
    while True:
        began = time.monotonic()
        found = _wait_for_new(checkpoint_dir, last, timeout)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        last = found
        yield found
        time.sleep(max(0.0, min_interval_secs - (time.monotonic() - began)))


def _wait_for_new(checkpoint_dir: Any, last: str | None, timeout_s: float | None) -> str | None:
    """Return the latest checkpoint once it is not `last`, or None if that takes too long."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        found = latest_checkpoint(checkpoint_dir)
        if found is not None and found != last:
            return found
        remaining_s = _POLL_S if deadline is None else min(_POLL_S, deadline - time.monotonic())
        if remaining_s <= 0:
            return None
        time.sleep(remaining_s)
