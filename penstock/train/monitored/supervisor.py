"""`tf.train.Supervisor`: opens a session that is ready, and records from threads of its own."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.errors import AbortedError, UnavailableError
from penstock.core.graph import Graph, get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.formats.protos import SessionLog, Summary
from penstock.graphs.files import write_graph
from penstock.language.control_flow import group
from penstock.language.lookup import tables_initializer
from penstock.language.variables import (
    global_variables,
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from penstock.platform import logging
from penstock.summary.v1 import merge_all
from penstock.summary.writer import FileWriter
from penstock.train.coordinator import Coordinator, LooperThread
from penstock.train.global_step import get_global_step
from penstock.train.global_step import global_step as value_of_step
from penstock.train.meta_graph import export_meta_graph
from penstock.train.monitored.session_manager import SessionManager
from penstock.train.saver import Saver


class Supervisor:
    """Opens a session that is ready, restored where there is a checkpoint, and records from threads of its own.

    The graph is finalized. Arguments that are `USE_DEFAULT` are taken from the graph's collections, or made.

    Args:
        graph: the graph, by default the default graph.
        ready_op: yields the names of variables that are not initialized.
        ready_for_local_init_op: the same, for what `local_init_op` needs.
        is_chief: whether this process initializes the model and records.
        init_op: initializes the variables.
        init_feed_dict: what to feed then.
        local_init_op: initializes local variables and tables.
        logdir: the folder of checkpoints and summaries; without it there are none.
        summary_op: the summaries to record; None for none.
        saver: a Saver; None for no checkpoints.
        global_step: the global step, an integer tensor.
        save_summaries_secs: seconds from one recording of summaries to the next, 0 for none.
        save_model_secs: seconds from one checkpoint to the next, 0 for none.
        recovery_wait_secs: seconds between looking for a model that is ready.
        stop_grace_secs: how long threads may take to end.
        checkpoint_basename: the beginning of the file names of checkpoints.
        session_manager: a SessionManager.
        summary_writer: a FileWriter; None for no summaries.
        init_fn: called with the session after `init_op`.
        local_init_run_options: RunOptions for `local_init_op`.

    Raises:
        RuntimeError: in eager execution.
        ValueError: if this is no chief and a variable has no device.
    """

    USE_DEFAULT = 0

    def __init__(
        self,
        graph: Graph | None = None,
        ready_op: Any = USE_DEFAULT,
        ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Any = USE_DEFAULT,
        init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT,
        logdir: str | None = None,
        summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: Any = USE_DEFAULT,
        init_fn: Callable[[Any], Any] | None = None,
        local_init_run_options: Any = None,
    ) -> None:
        if executing_eagerly():
            raise RuntimeError("Supervisors are incompatible with eager execution.")
        self._graph = get_default_graph() if graph is None else graph
        with self._graph.as_default():
            self._ready_op = _chosen(ready_op, GraphKeys.READY_OP, report_uninitialized_variables)
            self._ready_for_local_init_op = _chosen(
                ready_for_local_init_op, GraphKeys.READY_FOR_LOCAL_INIT_OP, lambda: None
            )
            self._init_op = _chosen(init_op, GraphKeys.INIT_OP, global_variables_initializer)
            self._local_init_op = _chosen(
                local_init_op,
                GraphKeys.LOCAL_INIT_OP,
                lambda: group(local_variables_initializer(), tables_initializer()),
            )
            self._saver = _chosen(saver, GraphKeys.SAVERS, lambda: Saver() if global_variables() else None)
            self._summary_op = _chosen(summary_op, GraphKeys.SUMMARY_OP, merge_all)
            self._global_step = get_global_step() if _is_default(global_step) else global_step
            saver_def = None if self._saver is None else self._saver.as_saver_def()
            self._meta_graph_def = export_meta_graph(graph=self._graph, saver_def=saver_def)
        self._init_feed_dict = init_feed_dict
        self._init_fn = init_fn
        self._is_chief = is_chief
        self._coord = Coordinator()
        self._stop_grace_secs = stop_grace_secs
        self._logdir = logdir
        self._save_path = os.path.join(logdir, checkpoint_basename) if logdir and is_chief else None
        self._save_summaries_secs = save_summaries_secs if logdir and is_chief else None
        self._save_model_secs = save_model_secs if logdir and is_chief else None
        self._summary_writer: Any = None
        if is_chief and logdir:
            self._summary_writer = FileWriter(logdir) if _is_default(summary_writer) else summary_writer
        self._is_graph_recorded = False
        self._is_writer_closed = False
        self._session_manager = session_manager or SessionManager(
            local_init_op=self._local_init_op,
            ready_op=self._ready_op,
            ready_for_local_init_op=self._ready_for_local_init_op,
            graph=self._graph,
            recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )
        if not is_chief:
            for op in self._graph.get_operations():
                if op.type in ("Variable", "VariableV2", "VarHandleOp") and not op.device:
                    raise ValueError(f"When using replicas, all Variables must have their device set: {op}")
        self._graph.finalize()

    @property
    def is_chief(self) -> bool:
        """Whether this process initializes the model and records."""
        return self._is_chief

    @property
    def session_manager(self) -> SessionManager:
        """What opens sessions."""
        return self._session_manager

    @property
    def coord(self) -> Coordinator:
        """The Coordinator of the threads."""
        return self._coord

    @property
    def init_op(self) -> Any:
        """Initializes the variables."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """What to feed for `init_op`."""
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        """Yields the names of variables that are not initialized."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """Yields the names of variables that `local_init_op` waits for."""
        return self._ready_for_local_init_op

    @property
    def summary_writer(self) -> Any:
        """The FileWriter, or None."""
        return self._summary_writer

    @property
    def summary_op(self) -> Any:
        """The summaries to record, or None."""
        return self._summary_op

    @property
    def save_summaries_secs(self) -> float | None:
        """Seconds from one recording of summaries to the next."""
        return self._save_summaries_secs

    @property
    def global_step(self) -> Any:
        """The global step, or None."""
        return self._global_step

    @property
    def saver(self) -> Any:
        """The Saver, or None."""
        return self._saver

    @property
    def save_model_secs(self) -> float | None:
        """Seconds from one checkpoint to the next."""
        return self._save_model_secs

    @property
    def save_path(self) -> str | None:
        """The beginning of the paths of checkpoints."""
        return self._save_path

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:
        """Return a session that is ready; the chief's is initialized or restored, others wait for the chief.

        Args:
            master: the target of the session.
            config: a ConfigProto.
            wait_for_checkpoint: whether to wait until there is a checkpoint.
            max_wait_secs: for how long to wait.
            start_standard_services: whether to start the threads that record, and those of queue runners.
        """
        self._coord.clear_stop()
        if self._summary_writer is not None:
            self._summary_writer.reopen()
            self._is_writer_closed = False
        if self._is_chief:
            session = self._session_manager.prepare_session(
                master,
                init_op=self._init_op,
                saver=self._saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            self._record_graph()
            if start_standard_services:
                logging.info("Starting standard services.")
                self.start_standard_services(session)
        else:
            session = self._session_manager.wait_for_session(master, config=config, max_wait_secs=max_wait_secs)
        if start_standard_services:
            logging.info("Starting queue runners.")
            self.start_queue_runners(session)
        return session

    def _record_graph(self) -> None:
        if self._logdir:
            write_graph(self._graph.as_graph_def(add_shapes=True), self._logdir, "graph.pbtxt")
        if self._summary_writer is not None and not self._is_graph_recorded:
            self._summary_writer.add_graph(self._graph)
            self._summary_writer.add_meta_graph(self._meta_graph_def)
            self._is_graph_recorded = True

    def start_standard_services(self, sess: Any) -> list[threading.Thread] | None:
        """Start the threads that write checkpoints, summaries and the number of steps per second.

        Args:
            sess: the session.

        Returns:
            The threads, or None without a `logdir`.

        Raises:
            RuntimeError: if this is no chief.
        """
        if not self._is_chief:
            raise RuntimeError(
                "Only chief supervisor can start standard services. Because only chief supervisors can write events."
            )
        if not self._logdir:
            logging.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        writer, step = self._summary_writer, self._global_step
        if step is not None and writer is not None:
            writer.add_session_log(SessionLog(status=SessionLog.START), value_of_step(sess, step))
        threads: list[threading.Thread] = []
        if self._save_summaries_secs and writer is not None:
            if self._summary_op is not None:
                threads.append(LooperThread(self._coord, self._save_summaries_secs, self._record_summaries, [sess]))
            if step is not None:
                threads.append(_StepCounter(self, sess, self._save_summaries_secs))
        if self._saver is not None and self._save_model_secs:
            threads.append(LooperThread(self._coord, self._save_model_secs, self._save_model, [sess]))
        for thread in threads:
            thread.start()
        return threads

    def _record_summaries(self, session: Any) -> None:
        if self._global_step is None:
            self._summary_writer.add_summary(session.run(self._summary_op))
            return
        summary, step = session.run([self._summary_op, self._global_step])
        self._summary_writer.add_summary(summary, step)

    def _save_model(self, session: Any) -> None:
        logging.info("Saving checkpoint to path %s", self._save_path)
        self._saver.save(session, self._save_path, global_step=self._global_step)
        if self._summary_writer is not None and self._global_step is not None:
            log = SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=self._save_path)
            self._summary_writer.add_session_log(log, value_of_step(session, self._global_step))

    def start_queue_runners(self, sess: Any, queue_runners: Sequence[Any] | None = None) -> list[threading.Thread]:
        """Start the threads of queue runners.

        Args:
            sess: the session.
            queue_runners: the runners, by default those of the graph.

        Returns:
            The threads.
        """
        if queue_runners is None:
            queue_runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        return [
            thread
            for runner in queue_runners
            for thread in runner.create_threads(sess, coord=self._coord, daemon=True, start=True)
        ]

    def loop(
        self, timer_interval_secs: float | None, target: Callable[..., Any], args: Any = None, kwargs: Any = None
    ) -> LooperThread:
        """Start a thread that calls a function every so many seconds until the supervisor stops; return it."""
        return LooperThread.loop(self._coord, timer_interval_secs, target, args, kwargs)

    def stop(
        self,
        threads: Sequence[threading.Thread] | None = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stop the threads and wait for them; raise what one of them raised.

        Args:
            threads: those to wait for besides the supervisor's own.
            close_summary_writer: whether to close the event file.
            ignore_live_threads: whether to return although threads are left after the grace period.
        """
        self._coord.request_stop()
        try:
            self._coord.join(
                threads, stop_grace_period_secs=self._stop_grace_secs, ignore_live_threads=ignore_live_threads
            )
        finally:
            if close_summary_writer and self._summary_writer is not None and not self._is_writer_closed:
                self._is_writer_closed = True
                self._summary_writer.add_session_log(SessionLog(status=SessionLog.STOP))
                self._summary_writer.close()
                self._is_graph_recorded = False

    def request_stop(self, ex: Any = None) -> None:
        """Ask the threads to stop; `ex` is an exception for `stop` to raise."""
        self._coord.request_stop(ex=ex)

    def should_stop(self) -> bool:
        """Return whether a stop was asked for."""
        return self._coord.should_stop()

    def stop_on_exception(self) -> Any:
        """Return a context in which an exception asks the threads to stop."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Wait until a stop is asked for."""
        self._coord.wait_for_stop()

    def summary_computed(self, sess: Any, summary: Any, global_step: int | None = None) -> None:
        """Record a summary.

        Args:
            sess: the session.
            summary: a serialized or parsed Summary.
            global_step: the step, by default that of the session.

        Raises:
            RuntimeError: without a writer.
        """
        if self._summary_writer is None:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self._global_step is not None:
            global_step = value_of_step(sess, self._global_step)
        self._summary_writer.add_summary(summary, global_step)

    @contextlib.contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """Open a session that is ready for a block, and stop the threads and close it at the end.

        Args:
            master: the target of the session.
            config: a ConfigProto.
            start_standard_services: see `prepare_or_wait_for_session`.
            close_summary_writer: see `stop`.

        Raises:
            Exception: what the block or a thread raised, but for OutOfRangeError, with which input ends.
        """
        session = None
        try:
            session = self.prepare_or_wait_for_session(
                master=master, config=config, start_standard_services=start_standard_services
            )
            yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                if session is not None:
                    session.close()

    Loop = loop
    PrepareSession = prepare_or_wait_for_session
    RequestStop = request_stop
    ShouldStop = should_stop
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop = stop
    StopOnException = stop_on_exception
    SummaryComputed = summary_computed
    WaitForStop = wait_for_stop


class _StepCounter(LooperThread):
    """Logs and records the number of steps per second."""

    def __init__(self, supervisor: Supervisor, session: Any, interval_secs: float) -> None:
        super().__init__(supervisor.coord, interval_secs)
        self._supervisor = supervisor
        self._session = session
        self._tag = f"{supervisor.global_step.op.name}/sec"

    def start_loop(self) -> None:
        """Note where counting begins."""
        self._last_time = time.monotonic()
        self._last_step = value_of_step(self._session, self._supervisor.global_step)

    def run_loop(self) -> None:
        """Count, log and record."""
        step, now = value_of_step(self._session, self._supervisor.global_step), time.monotonic()
        steps, seconds = step - self._last_step, now - self._last_time
        self._last_step, self._last_time = step, now
        rate = steps / seconds if seconds > 0 else float("inf")
        self._supervisor.summary_writer.add_summary(
            Summary(value=[Summary.Value(tag=self._tag, simple_value=rate)]), step
        )
        logging.info("%s: %g", self._tag, rate)


def basic_train_loop(
    supervisor: Supervisor,
    train_step_fn: Callable[..., Any],
    args: Any = None,
    kwargs: Any = None,
    master: str = "",
) -> None:
    """Call a function until the supervisor stops, in a new session where another process failed.

    Args:
        supervisor: the supervisor.
        train_step_fn: called with the session and `args` and `kwargs`; it ends training with
            `supervisor.request_stop()`.
        args, kwargs: more arguments for it.
        master: the target of the session.
    """
    while True:
        try:
            with supervisor.managed_session(master) as session:
                while not supervisor.should_stop():
                    train_step_fn(session, *(args or ()), **(kwargs or {}))
            return
        except (AbortedError, UnavailableError) as error:
            logging.info("Another process failed; training goes on in a new session: %s", error)


def _is_default(argument: Any) -> bool:
    return isinstance(argument, int) and argument == Supervisor.USE_DEFAULT


def _chosen(argument: Any, collection: str, make: Callable[[], Any]) -> Any:
    """Return an argument, or by default the first item of a collection, or a new one, which is put there."""
    if not _is_default(argument):
        return argument
    graph = get_default_graph()
    found = graph.get_collection(collection)
    if found:
        return found[0]
    made = make()
    if made is not None:
        graph.add_to_collection(collection, made)
    return made
