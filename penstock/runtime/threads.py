"""How many threads run kernels and partitions.

Within a kernel, the kernel library divides the work: that number belongs to the process, and the session that asks last
decides it. Threads keep the number that they ran their first kernel with, except the one that sets it. Partitions run
on threads of their session.
"""

from __future__ import annotations

from typing import Any

from penstock.core import array

_settings = {"intra": 0, "inter": 0}


def set_default_threads(kind: str, count: int) -> None:
    """Choose the number of threads for sessions that do not ask for one.

    Args:
        kind: "intra" for threads within a kernel, "inter" for partitions that run at a time.
        count: 0 leaves the choice to the system.
    Raises:
        ValueError: if the number is negative.
    """
    if count < 0:
        raise ValueError(f"The number of threads must be at least 0, got {count}")
    _settings[kind] = count
    if kind == "intra" and count:
        array.set_kernel_threads(count)


def default_threads(kind: str) -> int:
    """Return what `set_default_threads` was told, 0 if nothing."""
    return _settings[kind]


def inter_op_threads(config: Any) -> int:
    """Return how many partitions of a session run at a time, 0 for as many as there are processors.

    Args:
        config: a ConfigProto message, or None.
    """
    asked = 0 if config is None else config.inter_op_parallelism_threads
    # TensorFlow takes -1 for "on the calling thread".
    return 1 if asked < 0 else asked or _settings["inter"]


def apply_intra_op_threads(config: Any) -> None:
    """Let kernels use as many threads as a session asks for, if it asks.

    Args:
        config: a ConfigProto message, or None.
    """
    if config is not None and config.intra_op_parallelism_threads > 0:
        array.set_kernel_threads(config.intra_op_parallelism_threads)
