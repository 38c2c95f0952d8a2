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
    # A name of each, as packages may load themselves only when they are used.
    code = {
        "penstock": "import penstock; penstock.constant",
        "tensorflow": "import tensorflow; tensorflow.constant",
        "pytorch": "import torch; torch.tensor",
    }
    return _process(code[framework]) - _process("pass")
