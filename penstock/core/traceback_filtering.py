"""Whether errors show the frames between a user's call of an operation and what went wrong within it."""

from __future__ import annotations

_is_enabled = True


def enable_traceback_filtering() -> None:
    """Let errors of operations show the user's frames and the call itself; that is the default."""
    global _is_enabled
    _is_enabled = True


def disable_traceback_filtering() -> None:
    """Let errors of operations show all frames, those of Penstock included."""
    global _is_enabled
    _is_enabled = False


def is_traceback_filtering_enabled() -> bool:
    """Tell whether errors of operations leave out the frames within."""
    return _is_enabled


def filtered(error: Exception) -> Exception:
    """Return an error without the frames that it has gathered so far, if they are to be left out."""
    return error.with_traceback(None) if _is_enabled else error
