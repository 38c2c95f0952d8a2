"""Importing the framework: a process that does nothing else, less one that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

KIND = "seconds"


def _process(code: str) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def process(framework: str) -> float:
    module = {"penstock": "penstock", "tensorflow": "tensorflow", "pytorch": "torch"}[framework]
    return _process(f"import {module}") - _process("pass")
