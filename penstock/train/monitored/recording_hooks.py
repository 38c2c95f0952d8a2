"""Hooks that write checkpoints, summaries and traces."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.formats.protos import RunOptions, SessionLog, Summary
from penstock.graphs.files import write_graph
from penstock.platform import gfile, logging
from penstock.runtime.timeline import Timeline
from penstock.summary.writer import FileWriterCache
from penstock.train.global_step import get_global_step
from penstock.train.meta_graph import export_meta_graph
from penstock.train.monitored.hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from penstock.train.monitored.step_hooks import required_global_step
from penstock.train.monitored.timers import SecondOrStepTimer


class CheckpointSaverListener:
    """Is told when a checkpoint is written; the methods of this class do nothing."""

    def begin(self) -> None:
        """Called once, before the session is made."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before a checkpoint of this global step is written."""

    def after_save(self, session: Any, global_step_value: int) -> bool | None:
        """Called after a checkpoint of this global step was written.

        Returns:
            Whether training is to stop.
        """
        return None

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end of the session."""


class CheckpointSaverHook(SessionRunHook):
    """Writes a checkpoint at the beginning, every so many steps or seconds, and at the end.

    Args:
        checkpoint_dir: the folder.
        save_secs: seconds from one to the next.
        save_steps: steps from one to the next.
        saver: the Saver, by default that of the scaffold, or of the graph's collection SAVERS.
        checkpoint_basename: the beginning of the file names.
        scaffold: a Scaffold.
        listeners: `CheckpointSaverListener`s.
        save_graph_def: whether the graph and a MetaGraph are written too.

    Raises:
        ValueError: unless one of `save_secs` and `save_steps`, and at most one of `saver` and `scaffold`, is given.
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
        save_graph_def: bool = True,
    ) -> None:
        logging.info("Create CheckpointSaverHook.")
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver = saver
        self._checkpoint_dir = checkpoint_dir
        self._save_path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._scaffold = scaffold
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)
        self._listeners = list(listeners or [])
        self._save_graph_def = save_graph_def

    def begin(self) -> None:
        """Find the global step, and open the folder's event file."""
        self._summary_writer = FileWriterCache.get(self._checkpoint_dir)
        self._global_step = required_global_step("CheckpointSaverHook")
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Write the graph, and the checkpoint of the step at which training begins."""
        step = int(session.run(self._global_step))
        graph = get_default_graph()
        if self._save_graph_def:
            write_graph(graph.as_graph_def(add_shapes=True), self._checkpoint_dir, "graph.pbtxt")
        self._summary_writer.add_graph(graph)
        self._summary_writer.add_meta_graph(export_meta_graph(graph=graph, saver_def=self._find_saver().as_saver_def()))
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Write a checkpoint if one is due."""
        if not self._timer.should_trigger_for_step(run_values.results + 1):
            return
        # The value may have been read before the step was counted.
        step = int(run_context.session.run(self._global_step))
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        """Write the last checkpoint."""
        step = int(session.run(self._global_step))
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)
        self._summary_writer.flush()

    def _save(self, session: Any, step: int) -> bool:
        """Write a checkpoint, and return whether a listener wants to stop."""
        for listener in self._listeners:
            listener.before_save(session, step)
        logging.info("Saving checkpoints for %d into %s.", step, self._save_path)
        self._find_saver().save(session, self._save_path, global_step=step, write_meta_graph=self._save_graph_def)
        self._summary_writer.add_session_log(
            SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=self._save_path), step
        )
        wishes = [listener.after_save(session, step) for listener in self._listeners]
        if any(wishes):
            logging.info("A CheckpointSaverListener requested that training be stopped.")
        return any(wishes)

    def _find_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        found = get_default_graph().get_collection(GraphKeys.SAVERS)
        if len(found) != 1:
            raise RuntimeError(
                f"{'More than one' if found else 'No'} items in collection {GraphKeys.SAVERS}. Please provide a saver "
                "or a scaffold to CheckpointSaverHook."
            )
        self._saver = found[0]
        return self._saver


class StepCounterHook(SessionRunHook):
    """Logs and records the number of steps per second.

    Args:
        every_n_steps: steps from one time to the next.
        every_n_secs: seconds from one time to the next.
        output_dir: the folder of the event file.
        summary_writer: a FileWriter in its place.

    Raises:
        ValueError: unless exactly one of the first two is given.
    """

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(every_steps=every_n_steps, every_secs=every_n_secs)
        self._summary_writer = summary_writer
        self._output_dir = output_dir

    def begin(self) -> None:
        """Find the global step, and open the event file."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = FileWriterCache.get(self._output_dir)
        self._global_step = required_global_step("StepCounterHook")
        self._tag = f"{get_global_step().op.name}/sec"

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Log and record if it is due."""
        if not self._timer.should_trigger_for_step(run_values.results + 1):
            return
        step = int(run_context.session.run(self._global_step))
        if not self._timer.should_trigger_for_step(step):
            return
        seconds, steps = self._timer.update_last_triggered_step(step)
        if seconds is not None and steps is not None:
            self._log_and_record(steps, seconds, step)

    def _log_and_record(self, elapsed_steps: int, elapsed_time: float, global_step: int) -> None:
        steps_per_sec = elapsed_steps / elapsed_time
        if self._summary_writer is not None:
            value = Summary.Value(tag=self._tag, simple_value=steps_per_sec)
            self._summary_writer.add_summary(Summary(value=[value]), global_step)
        logging.info("%s: %g", self._tag, steps_per_sec)


class SummarySaverHook(SessionRunHook):
    """Writes summaries, every so many steps or seconds.

    Args:
        save_steps: steps from one time to the next.
        save_secs: seconds from one time to the next.
        output_dir: the folder of the event file.
        summary_writer: a FileWriter in its place.
        scaffold: a Scaffold, whose `summary_op` is run, or
        summary_op: the summaries, a tensor or a list of them.

    Raises:
        ValueError: unless exactly one of `scaffold` and `summary_op`, and one of the first two, is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._summary_op = summary_op
        self._summary_writer = summary_writer
        self._output_dir = output_dir
        self._scaffold = scaffold
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        """Find the global step, and open the event file."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = FileWriterCache.get(self._output_dir)
        self._next_step: int | None = None
        self._global_step = required_global_step("SummarySaverHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the summaries where they are due."""
        self._is_due = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
        return SessionRunArgs(self._summaries() if self._is_due else None)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Write them."""
        if self._summary_writer is None:
            return
        step = int(run_context.session.run(self._global_step))
        if self._next_step is None:
            self._summary_writer.add_session_log(SessionLog(status=SessionLog.START), step)
        if self._is_due:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results or []:
                self._summary_writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any = None) -> None:
        """Flush the event file."""
        if self._summary_writer is not None:
            self._summary_writer.flush()

    def _summaries(self) -> list[Any] | None:
        found = self._summary_op if self._summary_op is not None else self._scaffold.summary_op
        return found if found is None or isinstance(found, list) else [found]


class ProfilerHook(SessionRunHook):
    """Traces a step every so many steps or seconds: writes `timeline-STEP.json` for Chrome or Perfetto, and the trace
    for TensorBoard's graph page.

    Args:
        save_steps: steps from one time to the next.
        save_secs: seconds from one time to the next.
        output_dir: the folder.
        show_dataflow: whether arrows lead from operations to those that take their values.
        show_memory: whether the memory of outputs is drawn.

    Raises:
        ValueError: unless exactly one of the first two is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        self._output_dir = output_dir
        self._show_dataflow = show_dataflow
        self._show_memory = show_memory
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        """Find the global step, and open the event file."""
        self._next_step: int | None = None
        self._summary_writer = FileWriterCache.get(self._output_dir)
        self._global_step = required_global_step("ProfilerHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for a trace where one is due; never of the first step, which compiles."""
        self._is_due = self._next_step is not None and self._timer.should_trigger_for_step(self._next_step)
        options = RunOptions(trace_level=RunOptions.FULL_TRACE) if self._is_due else None
        return SessionRunArgs(None, options=options)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Write it."""
        step = int(run_context.session.run(self._global_step))
        if self._next_step is None:
            self._timer.update_last_triggered_step(step - 1)
        if self._is_due:
            self._timer.update_last_triggered_step(step)
            path = os.path.join(self._output_dir, f"timeline-{step}.json")
            logging.info("Saving timeline for %d into '%s'.", step, path)
            trace = Timeline(run_values.run_metadata.step_stats).generate_chrome_trace_format(
                self._show_dataflow, self._show_memory
            )
            with gfile.GFile(path, "w") as file:
                file.write(trace)
            self._summary_writer.add_run_metadata(run_values.run_metadata, f"step_{step}")
        self._next_step = step + 1
