"""The switch that makes functions run as the Python code that they are."""

from __future__ import annotations


class _Switch:
    """Whether functions run eagerly."""

    def __init__(self) -> None:
        self.on = False


switch = _Switch()


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Let every `tf.function` call its Python function, or its traced graph again.

    Args:
        run_eagerly: whether the Python function is called, to step through it with a debugger for example.
    """
    switch.on = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Tell whether functions call their Python functions; see `run_functions_eagerly`."""
    return switch.on
