"""Importing the framework: a process that does nothing else, less one that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time

KIND = "seconds"


def _process(code: str) -> float:
    # With bytecode, as an installed package has it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def process(framework: str) -> float:
    # A name of each, as packages may load themselves only when they are used.
    code = {
        "penstock": "import penstock; penstock.constant",
        "tensorflow": "import tensorflow; tensorflow.constant",
        "pytorch": "import torch; torch.tensor",
    }
    _process(code[framework])  # writes the bytecode
    return _process(code[framework]) - _process("pass")
