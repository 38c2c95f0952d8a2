"""The numbers of threads."""

from __future__ import annotations

from penstock.core import local_devices
from penstock.runtime.threads import default_threads, set_default_threads


def get_intra_op_parallelism_threads() -> int:
    """Return how many threads a kernel may use; 0 leaves the choice to the system."""
    return default_threads("intra")


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Choose how many threads a kernel may use; 0 leaves the choice to the system.

    Raises:
        RuntimeError: if logical devices exist already.
    """
    _set("intra", "Intra", num_threads)


def get_inter_op_parallelism_threads() -> int:
    """Return how many devices' parts of a step run at a time; 0 leaves the choice to the system."""
    return default_threads("inter")


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Choose how many devices' parts of a step run at a time; 0 leaves the choice to the system.

    Raises:
        RuntimeError: if logical devices exist already.
    """
    _set("inter", "Inter", num_threads)


def _set(kind: str, word: str, num_threads: int) -> None:
    if num_threads == default_threads(kind):
        return
    if local_devices.is_initialized():
        raise RuntimeError(f"{word} op parallelism cannot be modified after initialization.")
    set_default_threads(kind, num_threads)
