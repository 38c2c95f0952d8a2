"""What goes wrong between a program and its files."""

from __future__ import annotations

import os


class CorruptDataError(ValueError):
    """Bytes that are not what their format promises: truncated, altered, or inconsistent in themselves."""


class UnwritablePathError(OSError):
    """A path that cannot be created or written; `errno` is that of the operating system's error."""


def unwritable(path: str, error: OSError, advice: str) -> UnwritablePathError:
    """Make the error to raise when the operating system refuses to write.

    Args:
        path: the file or directory that was to be written.
        error: what the operating system said.
        advice: a sentence that says what to do.
    Returns:
        An `UnwritablePathError` with the errno of `error`.
    """
    reason = error.strerror or str(error)
    return UnwritablePathError(error.errno, f"cannot write to {os.fspath(path)!r}: {reason}. {advice}")
