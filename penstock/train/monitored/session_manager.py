"""Opens sessions whose variables are initialized, or restored from a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from penstock.core.errors import DeadlineExceededError, FailedPreconditionError
from penstock.core.graph import Graph, get_default_graph
from penstock.platform import logging
from penstock.runtime.session import Session
from penstock.train.checkpoint_management import get_checkpoint_state


class SessionManager:
    """Opens sessions whose variables are initialized, or restored from a checkpoint.

    Args:
        local_init_op: run in each new session, also after restoring.
        ready_op: yields the names of variables that are not initialized; the session is ready when it yields none.
        ready_for_local_init_op: the same, for what `local_init_op` needs.
        graph: the graph, by default the default graph.
        recovery_wait_secs: seconds between looking for a checkpoint, or for a session that is ready.
        local_init_run_options: RunOptions for `local_init_op`.
        local_init_feed_dict: what to feed for it.

    Raises:
        ValueError: if there is a `ready_for_local_init_op` without a `local_init_op`.
    """

    def __init__(
        self,
        local_init_op: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Graph | None = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError(
                "If you pass a ready_for_local_init_op you must also pass a local_init_op , "
                f"ready_for_local_init_op [{ready_for_local_init_op}]"
            )
        self._local_init_op = local_init_op
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._graph = get_default_graph() if graph is None else graph
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_run_options = local_init_run_options
        self._local_init_feed_dict = local_init_feed_dict

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Return a session that is ready: restored where there is a checkpoint, otherwise initialized.

        Args:
            master: the target of the session.
            init_op: initializes the variables.
            saver: restores them.
            checkpoint_dir: a folder of checkpoints; the last one is taken.
            checkpoint_filename_with_path: a checkpoint, in the place of a folder.
            wait_for_checkpoint: whether to wait until the folder has one.
            max_wait_secs: for how long.
            config: a ConfigProto.
            init_feed_dict: what to feed for `init_op`.
            init_fn: called with the session after `init_op`.

        Raises:
            RuntimeError: if nothing initializes the model, or it is not ready afterwards.
            ValueError: if both a folder and a checkpoint are given.
        """
        session, is_restored = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        try:
            if not is_restored:
                if init_op is None and init_fn is None and self._local_init_op is None:
                    raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
                if init_op is not None:
                    session.run(init_op, feed_dict=init_feed_dict)
                if init_fn is not None:
                    init_fn(session)
            for what, missing in (("local_init", self._run_local_init(session)), ("", self._missing(session))):
                if missing:
                    raise RuntimeError(
                        f"Init operations did not make model ready{f' for {what}' if what else ''}.  Init op: "
                        f"{getattr(init_op, 'name', init_op)}, init fn: {init_fn}, local_init_op: "
                        f"{getattr(self._local_init_op, 'name', self._local_init_op)}, error: {missing}"
                    )
        except BaseException:
            session.close()
            raise
        return session

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
    ) -> tuple[Any, bool]:
        """Return a session, and whether it was restored from a checkpoint and is ready; see `prepare_session`."""
        session, is_restored = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        missing = self._run_local_init(session)
        if not is_restored:
            return session, False
        source = checkpoint_dir or checkpoint_filename_with_path
        missing = missing or self._missing(session)
        if missing:
            logging.info("Restoring model from %s did not make model ready: %s", source, missing)
            return session, False
        logging.info("Restored model from %s", source)
        return session, True

    def wait_for_session(self, master: str, config: Any = None, max_wait_secs: float | None = float("inf")) -> Any:
        """Return a session on a model that another process initializes, when it is ready.

        Args:
            master: the target of the session.
            config: a ConfigProto.
            max_wait_secs: for how long to wait; None for ever.

        Raises:
            DeadlineExceededError: if it is not ready by then.
        """
        deadline = time.monotonic() + (float("inf") if max_wait_secs is None else max_wait_secs)
        while True:
            session = Session(master, graph=self._graph, config=config)
            not_local = self._run_local_init(session)
            missing = not_local or self._missing(session)
            if not missing:
                return session
            session.close()
            if time.monotonic() + self._recovery_wait_secs > deadline:
                raise DeadlineExceededError(
                    None, None, f"Session was not ready after waiting {max_wait_secs:.0f} secs: {missing}"
                )
            logging.info("Waiting for model to be ready.  Ready_for_local_init_op:  %s, ready: %s",
                         not_local, missing)  # fmt: skip
            time.sleep(self._recovery_wait_secs)

    def _restore_checkpoint(
        self,
        master: str,
        saver: Any,
        checkpoint_dir: str | None,
        checkpoint: str | None,
        wait_for_checkpoint: bool,
        max_wait_secs: float,
        config: Any,
    ) -> tuple[Any, bool]:
        """Return a session, and whether its variables were restored."""
        if checkpoint_dir and checkpoint:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        session = Session(master, graph=self._graph, config=config)
        if saver is None or not (checkpoint_dir or checkpoint):
            return session, False
        if checkpoint:
            saver.restore(session, checkpoint)
            return session, True
        deadline = time.monotonic() + max_wait_secs
        state = get_checkpoint_state(checkpoint_dir)
        while state is None or not state.model_checkpoint_path:
            if not wait_for_checkpoint or time.monotonic() > deadline:
                return session, False
            logging.info("Waiting for checkpoint to be available.")
            time.sleep(self._recovery_wait_secs)
            state = get_checkpoint_state(checkpoint_dir)
        saver.restore(session, state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return session, True

    def _run_local_init(self, session: Any) -> str | None:
        """Run the local initialization, or return what it waits for."""
        if self._local_init_op is None:
            return None
        missing = _what_is_missing(self._ready_for_local_init_op, session)
        if missing:
            return missing
        logging.info("Running local_init_op.")
        session.run(self._local_init_op, feed_dict=self._local_init_feed_dict, options=self._local_init_run_options)
        logging.info("Done running local_init_op.")
        return None

    def _missing(self, session: Any) -> str | None:
        return _what_is_missing(self._ready_op, session)


def _what_is_missing(ready_op: Any, session: Any) -> str | None:
    """Return what a model waits for, or None if it is ready."""
    if ready_op is None:
        return None
    try:
        names = session.run(ready_op)
    except FailedPreconditionError as error:
        return str(error)
    if names is None or names.size == 0 or names.dtype.kind in "iu":
        return None
    return "Variables not initialized: " + ", ".join(name.decode() for name in names)
