"""Importing the framework: a process that does nothing else, less one that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time

KIND = "seconds"


def _process(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def process(framework: str) -> float:
    module = {"penstock": "penstock", "tensorflow": "tensorflow", "pytorch": "torch"}[framework]
    return _process(f"import {module}") - _process("pass")
