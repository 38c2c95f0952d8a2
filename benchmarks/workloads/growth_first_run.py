"""Growth of the first run: its time an operation in a graph of 16,000 operations over that in one of 1,000."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads.growth_step import times

KIND = "ratio"


def tensorflow(tf: Any) -> float:
    times(tf, 1_000)  # what is made once in a process
    return times(tf, 16_000)[1] / times(tf, 1_000)[1] / 16
