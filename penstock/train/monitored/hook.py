"""What a hook of a monitored session is."""

from __future__ import annotations

from typing import Any, NamedTuple


class SessionRunArgs(NamedTuple):
    """What to run in a step.

    Attributes:
        fetches: a tensor, an operation, or a nest of them.
        feed_dict: values for tensors, as for `Session.run`.
        options: a RunOptions message.
    """

    fetches: Any
    feed_dict: Any = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """What a step yielded.

    Attributes:
        results: the values of the fetches that the hook asked for, nested like them, or None.
        options: the RunOptions of the step.
        run_metadata: the RunMetadata of the step.
    """

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """A step, as hooks see it.

    Args:
        original_args: the `SessionRunArgs` of the caller.
        session: the session that runs it.
    """

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the caller asked for."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session that runs the step."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook asked that this be the last step."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Ask that this be the last step: `should_stop()` of the session is true after it."""
        self._stop_requested = True


class SessionRunHook:
    """Extends the steps of a monitored session; the methods of this class do nothing."""

    def begin(self) -> None:
        """Called once, before the session is made; the graph may still be added to."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when a session was made, also when it was made again after a failure; the graph is finalized.

        Args:
            session: the new session.
            coord: the Coordinator of its threads.
        """

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each step.

        Args:
            run_context: the step.

        Returns:
            What to run and feed besides what the caller asked for, or None.
        """
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each step that did not fail.

        Args:
            run_context: the step.
            run_values: the values that `before_run` asked for.
        """

    def end(self, session: Any) -> None:
        """Called at the end, unless training ended by an exception other than OutOfRangeError and StopIteration.

        Args:
            session: the session, which is still open.
        """
