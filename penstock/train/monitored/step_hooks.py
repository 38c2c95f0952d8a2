"""Hooks that watch steps, stop them, or feed them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.errors import OutOfRangeError
from penstock.core.graph import get_default_graph
from penstock.platform import logging
from penstock.train.global_step import global_step_read
from penstock.train.monitored.hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from penstock.train.monitored.timers import SecondOrStepTimer


def required_global_step(hook: str) -> Any:
    """Return a tensor that reads the global step.

    Raises:
        RuntimeError: if the graph has none; `hook` names who needs it.
    """
    step = global_step_read()
    if step is None:
        raise RuntimeError(
            f"Global step should be created to use {hook}. Call tf.train.get_or_create_global_step() first, and give "
            "it to optimizer.minimize(..., global_step=...)."
        )
    return step


class StopAtStepHook(SessionRunHook):
    """Stops at a step.

    Args:
        num_steps: how many steps to take from where training begins, or
        last_step: the global step to stop at.

    Raises:
        ValueError: unless exactly one is given.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._num_steps = num_steps
        self._last_step = last_step

    def begin(self) -> None:
        """Find the global step."""
        self._global_step = required_global_step("StopAtStepHook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Count from the step at which training begins, once."""
        if self._last_step is None:
            self._last_step = int(session.run(self._global_step)) + (self._num_steps or 0)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Stop when the step is reached."""
        last = self._last_step or 0
        # The value may have been read before the step was counted: only then is a second look needed.
        if run_values.results + 1 >= last and int(run_context.session.run(self._global_step)) >= last:
            run_context.request_stop()


class NanLossDuringTrainingError(RuntimeError):
    """The loss became NaN."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Stops when a loss is NaN.

    Args:
        loss_tensor: the loss, a tensor or its name.
        fail_on_nan_loss: whether to raise rather than to stop.

    Raises:
        NanLossDuringTrainingError: in a step, if `fail_on_nan_loss`.
    """

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss_tensor = loss_tensor
        self._fail_on_nan_loss = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the loss."""
        return SessionRunArgs(self._loss_tensor)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Look at the loss."""
        if not np.isnan(run_values.results):
            return
        message = "Model diverged with loss = NaN."
        if self._fail_on_nan_loss:
            logging.error(message)
            raise NanLossDuringTrainingError
        logging.warning(message)
        run_context.request_stop()


class GlobalStepWaiterHook(SessionRunHook):
    """Holds the first step back until the global step, which others count, has reached a value.

    Args:
        wait_until_step: the value.
    """

    def __init__(self, wait_until_step: int) -> None:
        self._wait_until_step = wait_until_step

    def begin(self) -> None:
        """Find the global step."""
        self._has_started = False
        self._global_step = required_global_step("GlobalStepWaiterHook")

    def before_run(self, run_context: SessionRunContext) -> None:
        """Wait, the first time."""
        if self._has_started:
            return
        if self._wait_until_step > 0:
            logging.info("Waiting for global step %d before starting training.", self._wait_until_step)
            logged = 0
            while (step := int(run_context.session.run(self._global_step))) < self._wait_until_step:
                if step - logged > 1000:
                    logging.info("Waiting for global step %d before starting training. Current step is %d.",
                                 self._wait_until_step, step)  # fmt: skip
                    logged = step
                time.sleep(0.5)
        self._has_started = True


class FinalOpsHook(SessionRunHook):
    """Runs something at the end.

    Args:
        final_ops: a tensor, an operation, or a nest of them.
        final_ops_feed_dict: what to feed then.
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._final_ops = final_ops
        self._feed_dict = final_ops_feed_dict
        self._values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """The values, nested like `final_ops`; None before the end."""
        return self._values

    def end(self, session: Any) -> None:
        """Run it."""
        if self._final_ops is None:
            return
        try:
            self._values = session.run(self._final_ops, feed_dict=self._feed_dict)
        except (OutOfRangeError, StopIteration) as error:
            logging.warning(
                "An OutOfRangeError or StopIteration exception is raised by the code in FinalOpsHook. This typically "
                "means the Ops running by the FinalOpsHook have a dependency back to some input source, which should "
                "not happen. The exception is: %s", error)  # fmt: skip


class FeedFnHook(SessionRunHook):
    """Feeds each step what a function returns.

    Args:
        feed_fn: takes nothing and returns a dictionary for `feed_dict`.
    """

    def __init__(self, feed_fn: Callable[[], dict[Any, Any]]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for nothing, and feed."""
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())


class LoggingTensorHook(SessionRunHook):
    """Logs values, every so many steps or seconds, or at the end.

    Args:
        tensors: a dictionary from labels to tensors or names of tensors, or a sequence of those.
        every_n_iter: steps of this session from one time to the next.
        every_n_secs: seconds from one time to the next.
        at_end: whether to log at the end too, or only then if neither of the above is given.
        formatter: from the dictionary of labels and values to the text.

    Raises:
        ValueError: unless one of `every_n_iter` and `every_n_secs`, or `at_end`, is given.
    """

    def __init__(
        self,
        tensors: Any,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[Any, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        self._tensors = dict(tensors) if isinstance(tensors, dict) else {item: item for item in tensors}
        self._labels = sorted(tensors) if isinstance(tensors, dict) else list(tensors)
        self._formatter = formatter
        self._at_end = at_end
        self._timer = None if only_at_end else SecondOrStepTimer(every_secs=every_n_secs, every_steps=every_n_iter)

    def begin(self) -> None:
        """Find the tensors."""
        if self._timer is not None:
            self._timer.reset()
        self._steps = 0
        self._fetches = {label: _tensor_of(item) for label, item in self._tensors.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Ask for the values where they are due."""
        self._is_due = self._timer is not None and self._timer.should_trigger_for_step(self._steps)
        return SessionRunArgs(self._fetches) if self._is_due else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Log them."""
        if self._is_due:
            self._log(run_values.results)
        self._steps += 1

    def end(self, session: Any) -> None:
        """Log the values of the end."""
        if self._at_end:
            self._log(session.run(self._fetches))

    def _log(self, values: dict[Any, Any]) -> None:
        seconds = None if self._timer is None else self._timer.update_last_triggered_step(self._steps)[0]
        with np.printoptions(suppress=True):
            if self._formatter is not None:
                logging.info(self._formatter(values))
                return
            text = ", ".join(f"{label} = {values[label]}" for label in self._labels)
        if seconds is None:
            logging.info("%s", text)
        else:
            logging.info("%s (%.3f sec)", text, seconds)


def _tensor_of(item: Any) -> Any:
    """Return a tensor or operation of the default graph, found by its name if `item` is one."""
    graph = get_default_graph()
    if not isinstance(item, str):
        if getattr(item, "graph", None) is not graph:
            raise ValueError(f"Passed {item} should have graph attribute that is equal to current graph {graph}.")
        return item
    if ":" in item:
        return graph.as_graph_element(item)
    element = graph.as_graph_element(f"{item}:0")
    if len(element.op.outputs) > 1:
        raise ValueError(f"Name {item} is ambiguous, as this `Operation` has multiple outputs: name one, {item}:0.")
    return element
