"""`CheckpointManager`: keeps the latest checkpoints of an object in a directory and deletes older ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from penstock.platform import logging
from penstock.runtime.session import get_default_session
from penstock.train.checkpoint import Checkpoint, CheckpointOptions
from penstock.train.checkpoint_management import (
    checkpoint_exists,
    get_checkpoint_state,
    remove_checkpoint,
    update_checkpoint_state,
)


class CheckpointManager:
    """Saves checkpoints into a directory, of which it keeps some.

    Args:
        checkpoint: the `tf.train.Checkpoint` that is saved.
        directory: the directory; checkpoints that its file "checkpoint" names are taken over.
        max_to_keep: how many checkpoints are kept; None keeps all.
        keep_checkpoint_every_n_hours: a checkpoint for each such span is kept beyond `max_to_keep`.
        checkpoint_name: the prefix of the files' names.
        step_counter: a variable; with `checkpoint_interval`, `save` writes only when it has grown by this much.
        checkpoint_interval: see `step_counter`, which it needs.
        init_fn: is called by `restore_or_initialize` where there is no checkpoint.
        last_checkpoint_step: the value of `step_counter` at the last checkpoint, where it is known.
    Raises:
        ValueError: if `max_to_keep` is not positive, or there is an interval without a counter.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
        last_checkpoint_step: int | None = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._max_to_keep = max_to_keep
        self._keep_every = keep_checkpoint_every_n_hours
        self._name = checkpoint_name
        self._step_counter = step_counter
        self._interval = checkpoint_interval
        self._init_fn = init_fn
        self._last_step = last_checkpoint_step
        self._kept: dict[str, float] = {}  # prefix -> when it was written, oldest first
        state = get_checkpoint_state(self._directory)
        now = time.time()
        self._last_preserved = (state.last_preserved_timestamp or now) if state is not None else now
        self._latest: str | None = None
        if state is not None:
            times = list(state.all_model_checkpoint_timestamps)
            paths = list(state.all_model_checkpoint_paths)
            self._kept = dict(zip(paths, times if len(times) == len(paths) else [now] * len(paths), strict=True))
            self._latest = state.model_checkpoint_path or None

    @property
    def checkpoint(self) -> Checkpoint:
        """The `tf.train.Checkpoint` that is saved."""
        return self._checkpoint

    @property
    def directory(self) -> str:
        """The directory of the checkpoints."""
        return self._directory

    @property
    def checkpoint_interval(self) -> int | None:
        """By how much the step counter must grow between two checkpoints."""
        return self._interval

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the latest checkpoint, or None."""
        return self._latest

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are kept, oldest first."""
        return list(self._kept)

    def _is_due(self) -> bool:
        if self._interval is None or self._last_step is None:
            return True
        return self._step() >= self._last_step + self._interval

    def _step(self) -> int:
        session = get_default_session()
        return int(self._step_counter.numpy() if session is None else session.run(self._step_counter))

    def save(
        self,
        checkpoint_number: Any = None,
        check_interval: bool = True,
        options: CheckpointOptions | None = None,
    ) -> str | None:
        """Write a checkpoint, and delete those that are no longer to be kept.

        Args:
            checkpoint_number: the number in its name; by default the checkpoint's save counter.
            check_interval: whether nothing is written before the step counter has grown by `checkpoint_interval`.
            options: see `CheckpointOptions`.
        Returns:
            The checkpoint's prefix, or None if none was due.
        """
        if check_interval and self._interval is not None and not self._is_due():
            return None
        prefix = os.path.join(self._directory, self._name)
        if checkpoint_number is None:
            path = self._checkpoint._save(prefix, options)
        else:
            number = int(checkpoint_number.numpy() if hasattr(checkpoint_number, "numpy") else checkpoint_number)
            path = self._checkpoint._write(f"{prefix}-{number}", options)
        self._kept.pop(path, None)
        self._kept[path] = time.time()
        self._latest = path
        if self._step_counter is not None:
            self._last_step = self._step()
        dropped = self._drop()
        update_checkpoint_state(
            self._directory,
            model_checkpoint_path=path,
            all_model_checkpoint_paths=list(self._kept),
            all_model_checkpoint_timestamps=list(self._kept.values()),
            last_preserved_timestamp=self._last_preserved,
            save_relative_paths=True,
        )
        for old in dropped:
            remove_checkpoint(old)
        return path

    def _drop(self) -> list[str]:
        """Forget the checkpoints that are too many, and return those to delete."""
        dropped: list[str] = []
        if self._max_to_keep is None:
            return dropped
        while len(self._kept) > self._max_to_keep:
            path, written = next(iter(self._kept.items()))
            del self._kept[path]
            if self._keep_every is not None and written - self._keep_every * 3600 >= self._last_preserved:
                self._last_preserved = written
            else:
                dropped.append(path)
        return dropped

    def restore_or_initialize(self) -> str | None:
        """Restore the latest checkpoint; where there is none, call `init_fn`.

        Returns:
            The prefix of the restored checkpoint, or None.
        """
        if self._latest is not None and checkpoint_exists(self._latest):
            self._checkpoint.restore(self._latest)
            if self._step_counter is not None:
                self._last_step = self._step()
            return self._latest
        if self._init_fn is not None:
            self._init_fn()
            logging.info("Customized initialization is done through the passed `init_fn`.")
        return None
