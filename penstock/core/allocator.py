"""How the C library gives memory to kernels.

By default glibc maps large blocks anew for each request and returns them when they are freed, so that a step pays a
page fault for every 4 KB of its temporaries. Kept, the memory serves the next step.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MMAP_THRESHOLDS = (1 << 30, 32 << 20)  # older versions take no more than the second
_KEPT_BYTES = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Let freed memory serve later requests rather than return to the operating system at once.

    Settings that a user made in the environment stand.

    Returns:
        Whether the C library is one that takes the setting.
    """
    if not sys.platform.startswith("linux"):
        return False
    if any(name in os.environ for name in ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")):
        return False
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        is_set = any(mallopt(_MMAP_THRESHOLD, size) for size in _MMAP_THRESHOLDS)
        return is_set and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
    return False
