"""Sessions with hooks around each step, which end their threads, and recover from failures of other processes."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.errors import AbortedError, OutOfRangeError, UnavailableError
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.formats.protos import RunMetadata, RunOptions
from penstock.platform import logging
from penstock.train.coordinator import Coordinator
from penstock.train.monitored.hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from penstock.train.monitored.recording_hooks import CheckpointSaverHook, StepCounterHook, SummarySaverHook
from penstock.train.monitored.scaffold import Scaffold
from penstock.train.monitored.session_manager import SessionManager
from penstock.train.queue_runner import start_queue_runners

# Stands for arguments whose default depends on another one.
USE_DEFAULT = object()

# What a session on other processes raises when one of them was restarted.
_PREEMPTION_ERRORS = (AbortedError, UnavailableError)


class SessionCreator(abc.ABC):
    """Makes a session, again after a failure."""

    @abc.abstractmethod
    def create_session(self) -> Any:
        """Return a new session that is ready."""


class ChiefSessionCreator(SessionCreator):
    """Makes a session and initializes its model, or restores it from a checkpoint.

    Args:
        scaffold: the operations around training, by default new ones.
        master: the target of the session.
        config: a ConfigProto.
        checkpoint_dir: a folder of checkpoints; the last one is restored.
        checkpoint_filename_with_path: a checkpoint, in the place of a folder.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint = checkpoint_filename_with_path

    def create_session(self) -> Any:
        """Return a new session that is ready; the graph is finalized."""
        scaffold = self._scaffold.finalize()
        return _manager_of(scaffold).prepare_session(
            self._master,
            saver=scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint,
            config=self._config,
            init_op=scaffold.init_op,
            init_feed_dict=scaffold.init_feed_dict,
            init_fn=scaffold.init_fn,
        )


class WorkerSessionCreator(SessionCreator):
    """Makes a session on a model that the chief initializes.

    Args:
        scaffold: the operations around training, by default new ones.
        master: the target of the session.
        config: a ConfigProto.
        max_wait_secs: how long to wait for the chief.
    """

    def __init__(
        self, scaffold: Scaffold | None = None, master: str = "", config: Any = None, max_wait_secs: float = 30 * 60
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._max_wait_secs = max_wait_secs

    def create_session(self) -> Any:
        """Return a new session that is ready; the graph is finalized."""
        return _manager_of(self._scaffold.finalize()).wait_for_session(
            self._master, config=self._config, max_wait_secs=self._max_wait_secs
        )


def _manager_of(scaffold: Scaffold) -> SessionManager:
    return SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
    )


class _Running:
    """A session with the coordinator of its threads, and hooks around its steps."""

    def __init__(self, session: Any, coord: Coordinator, hooks: Sequence[SessionRunHook], grace_secs: float) -> None:
        self.session = session
        self.coord = coord
        self.stop_requested = False
        self._hooks = hooks
        self._grace_secs = grace_secs

    def should_stop(self) -> bool:
        """Return whether a hook or a thread asked to stop; raises what a thread raised."""
        self.coord.raise_requested_exception()
        return self.stop_requested or self.coord.should_stop()

    def close(self) -> None:
        """End the threads and the session; raises what a thread raised."""
        self.coord.request_stop()
        try:
            self.coord.join(stop_grace_period_secs=self._grace_secs, ignore_live_threads=True)
        finally:
            self.session.close()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Run one step with the hooks."""
        try:
            return self._run_with_hooks(fetches, feed_dict, options, run_metadata)
        except _PREEMPTION_ERRORS:
            raise
        except Exception as error:
            # What a thread raised first is the cause, unless it is a failure that recovery deals with.
            try:
                self.coord.raise_requested_exception()
            except _PREEMPTION_ERRORS:
                raise
            except Exception:
                raise error from None
            raise

    def _run_with_hooks(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self.session)
        merged = RunOptions()
        if options is not None:
            merged.CopyFrom(options)
        wanted: dict[Any, Any] = {"caller": fetches}
        feeds = self._ask_hooks(context, wanted, feed_dict, merged)
        metadata = RunMetadata() if run_metadata is None else run_metadata
        plain = merged == RunOptions() and run_metadata is None
        results = (
            self.session.run(wanted, feed_dict=feeds)
            if plain
            else self.session.run(wanted, feed_dict=feeds, options=merged, run_metadata=metadata)
        )
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(results.get(hook), merged, metadata))
        self.stop_requested = self.stop_requested or context.stop_requested
        return results["caller"]

    def _ask_hooks(self, context: SessionRunContext, wanted: dict[Any, Any], feed_dict: Any, options: Any) -> Any:
        """Add to `wanted` and `options` what the hooks ask for, and return what to feed."""
        feeds: dict[Any, Any] = {}
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                wanted[hook] = request.fetches
            if request.feed_dict:
                _check_disjoint(feeds, request.feed_dict, "Same tensor is fed by two hooks.")
                feeds.update(request.feed_dict)
            if request.options is not None:
                _merge_options(options, request.options)
        if not feeds:
            return feed_dict
        if feed_dict:
            _check_disjoint(feed_dict, feeds, "Same tensor is fed by a SessionRunHook and user.")
            feeds.update(feed_dict)
        return feeds


def _check_disjoint(first: Any, second: Any, message: str) -> None:
    both = set(first) & set(second)
    if both:
        raise RuntimeError(f"{message} Conflict(s): {both}")


def _merge_options(options: Any, more: Any) -> None:
    """Add to RunOptions what another asks for: the more detailed trace, and the shorter timeout."""
    options.trace_level = max(options.trace_level, more.trace_level)
    timeouts = [message.timeout_in_ms for message in (options, more) if message.timeout_in_ms > 0]
    options.timeout_in_ms = min(timeouts, default=0)
    options.inter_op_thread_pool = max(options.inter_op_thread_pool, more.inter_op_thread_pool)
    options.output_partition_graphs = options.output_partition_graphs or more.output_partition_graphs
    options.debug_options.debug_tensor_watch_opts.extend(more.debug_options.debug_tensor_watch_opts)


class _MonitoredSession:
    """What MonitoredSession and SingularMonitoredSession share."""

    class StepContext:
        """What a step function of `run_step_fn` is given.

        Args:
            session: the session, for steps without hooks.
            run_with_hooks_fn: runs a step with hooks.
        """

        def __init__(self, session: Any, run_with_hooks_fn: Callable[..., Any]) -> None:
            self._session = session
            self._run_with_hooks = run_with_hooks_fn

        @property
        def session(self) -> Any:
            """The session, for steps without hooks."""
            return self._session

        def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
            """Run a step with hooks; takes what `MonitoredSession.run` takes."""
            return self._run_with_hooks(*args, **kwargs)

        def request_stop(self) -> None:
            """End the step function and the session.

            Raises:
                StopIteration: always.
            """
            raise StopIteration("step_fn has requested the iterations to stop.")

    def __init__(
        self,
        session_creator: SessionCreator | None,
        hooks: Sequence[SessionRunHook] | None,
        should_recover: bool,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._was_finalized = get_default_graph().finalized
        self._hooks = list(hooks or [])
        for hook in self._hooks:
            hook.begin()
        self._creator = session_creator or ChiefSessionCreator()
        self._should_recover = should_recover
        self._grace_secs = stop_grace_period_secs
        self._is_closed = False
        self._running: _Running | None = None
        while self._running is None:
            try:
                self._running = self._start()
            except _PREEMPTION_ERRORS as error:
                if not should_recover:
                    raise
                _report_recovery("create the session", error)

    def _start(self) -> _Running:
        """Make a session, and start the threads of its queue runners."""
        session = self._creator.create_session()
        coord = Coordinator(clean_stop_exception_types=[])
        try:
            if get_default_graph().get_collection(GraphKeys.QUEUE_RUNNERS):
                start_queue_runners(sess=session, coord=coord)
            for hook in self._hooks:
                hook.after_create_session(session, coord)
        except BaseException:
            coord.request_stop()
            session.close()
            raise
        return _Running(session, coord, self._hooks, self._grace_secs)

    @property
    def graph(self) -> Any:
        """The graph of the session, or None when it is closed."""
        return None if self._running is None else self._running.session.graph

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Run one step, with the hooks; see `Session.run`.

        Raises:
            RuntimeError: if the session was closed, or asked to stop.
        """
        return self._retried(lambda running: running.run(fetches, feed_dict, options, run_metadata))

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Run a function that may run several steps, with hooks or without.

        Args:
            step_fn: takes a `StepContext` named `step_context`.

        Returns:
            What it returns.

        Raises:
            ValueError: if it takes something else.
            RuntimeError: if the session was closed, or asked to stop.
        """
        names = list(inspect.signature(step_fn).parameters)
        given = [name for name in names if not (name == "self" and not inspect.ismethod(step_fn))]
        if given != ["step_context"]:
            raise ValueError(
                "`step_fn` may either have one `step_context` argument, or `self` and `step_context` arguments if it's "
                f"an instance method. Got {names} instead."
            )

        def step(running: _Running) -> Any:
            return step_fn(self.StepContext(running.session, running.run))

        return self._retried(step)

    def _retried(self, step: Callable[[_Running], Any]) -> Any:
        """Return what `step` returns, taken again in a new session while other processes fail."""
        while True:
            if self._is_closed:
                raise RuntimeError("Attempted to use a closed session.")
            try:
                if self._running is None:
                    self._running = self._start()
                return step(self._running)
            except _PREEMPTION_ERRORS as error:
                if not self._should_recover:
                    raise
                _report_recovery("run a step", error)
                self._abandon()

    def _abandon(self) -> None:
        """Close a session that failed."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            running.close()
        except _PREEMPTION_ERRORS as error:
            logging.error("An error occurred when attempting to close the session: %s", error)

    def should_stop(self) -> bool:
        """Return whether the last step was taken: a hook, a thread or the end of the input asked to stop."""
        if self._is_closed:
            return True
        if self._running is None:
            return False
        try:
            return self._running.should_stop()
        except _PREEMPTION_ERRORS as error:
            if not self._should_recover:
                raise
            _report_recovery("look whether to stop", error)
            self._abandon()
            return False
        except Exception:
            # The next step, or the end of the session, raises it.
            return True

    def close(self) -> None:
        """End the session, after the hooks' `end`."""
        self._close(None)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> bool:
        if exception_type in (OutOfRangeError, StopIteration):
            exception_type = None
        self._close(exception_type)
        return exception_type is None

    def _close(self, exception_type: Any) -> None:
        running = self._running
        try:
            if not exception_type and running is not None:
                for hook in self._hooks:
                    hook.end(running.session)
        finally:
            was_closed, self._is_closed, self._running = self._is_closed, True, None
            try:
                if was_closed:
                    raise RuntimeError("Session is already closed.")
                if running is not None:
                    running.close()
            finally:
                self._hooks = []
                if not self._was_finalized:
                    get_default_graph()._unsafe_unfinalize()


def _report_recovery(task: str, error: Exception) -> None:
    logging.info(
        "An error was raised while trying to %s. This may be due to a preemption in a connected worker or parameter "
        "server. A new session will be created. Error: %s", task, error)  # fmt: skip


class MonitoredSession(_MonitoredSession):
    """A session that initializes or restores its model, runs hooks around each step, and recovers.

    A session that fails because another process was restarted (AbortedError, UnavailableError) is made again, and the
    step taken again. Used with `with`, it ends quietly when the input ends (OutOfRangeError, StopIteration).

    Args:
        session_creator: makes sessions, by default a `ChiefSessionCreator`.
        hooks: `SessionRunHook`s.
        stop_grace_period_secs: how long threads may take to end.
    """

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        super().__init__(session_creator, hooks, True, stop_grace_period_secs)


class SingularMonitoredSession(_MonitoredSession):
    """A session that initializes or restores its model and runs hooks around each step, without recovering.

    Args:
        hooks: `SessionRunHook`s.
        scaffold: the operations around training.
        master: the target of the session.
        config: a ConfigProto.
        checkpoint_dir: a folder of checkpoints; the last one is restored.
        stop_grace_period_secs: how long threads may take to end.
        checkpoint_filename_with_path: a checkpoint, in the place of a folder.
    """

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, False, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """Return the session, for steps without hooks."""
        return None if self._running is None else self._running.session


def MonitoredTrainingSession(
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | None = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT,
    save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: str | None = None,
    save_graph_def: bool = True,
) -> MonitoredSession:
    """Return a session for training: the chief initializes or restores the model and records; workers wait for it.

    Args:
        master: the target of the session.
        is_chief: whether this process is the chief.
        checkpoint_dir: the folder of checkpoints, which are written and restored if it is given.
        scaffold: the operations around training.
        hooks: `SessionRunHook`s.
        chief_only_hooks: hooks of the chief.
        save_checkpoint_secs, save_checkpoint_steps: how often; every 600 seconds by default. None switches one off.
        save_summaries_steps, save_summaries_secs: how often; every 100 steps by default. None switches one off.
        config: a ConfigProto.
        stop_grace_period_secs: how long threads may take to end.
        log_step_count_steps: how often the number of steps per second is logged; None for never.
        max_wait_secs: how long a worker waits for the chief.
        summary_dir: the folder of summaries, by default that of checkpoints.
        save_graph_def: whether the graph is written with checkpoints.
    """
    save_summaries_steps, save_summaries_secs = _resolve(save_summaries_steps, save_summaries_secs, 100, None)
    save_checkpoint_steps, save_checkpoint_secs = _resolve(save_checkpoint_steps, save_checkpoint_secs, None, 600)
    scaffold = scaffold or Scaffold()
    if not is_chief:
        worker = WorkerSessionCreator(scaffold, master, config, max_wait_secs)
        return MonitoredSession(worker, hooks or [], stop_grace_period_secs)
    every = list(chief_only_hooks or [])
    summary_dir = summary_dir or checkpoint_dir
    if summary_dir:
        if log_step_count_steps and log_step_count_steps > 0:
            every.append(StepCounterHook(output_dir=summary_dir, every_n_steps=log_step_count_steps))
        if (save_summaries_steps or 0) > 0 or (save_summaries_secs or 0) > 0:
            every.append(
                SummarySaverHook(
                    scaffold=scaffold,
                    save_steps=save_summaries_steps,
                    save_secs=save_summaries_secs,
                    output_dir=summary_dir,
                )
            )
    if checkpoint_dir and ((save_checkpoint_secs or 0) > 0 or (save_checkpoint_steps or 0) > 0):
        every.append(
            CheckpointSaverHook(
                checkpoint_dir,
                save_steps=save_checkpoint_steps,
                save_secs=save_checkpoint_secs,
                scaffold=scaffold,
                save_graph_def=save_graph_def,
            )
        )
    every.extend(hooks or [])
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    return MonitoredSession(creator, every, stop_grace_period_secs)


def _resolve(steps: Any, secs: Any, default_steps: Any, default_secs: Any) -> tuple[Any, Any]:
    """Return how often something is done: as given, or by default if neither steps nor seconds are."""
    if steps is USE_DEFAULT and secs is USE_DEFAULT:
        return default_steps, default_secs
    return (None if steps is USE_DEFAULT else steps), (None if secs is USE_DEFAULT else secs)
