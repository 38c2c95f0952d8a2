"""How the C library gives memory to kernels."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from penstock.core.allocator import keep_freed_memory
kept = keep_freed_memory()
def step():
    return torch.ones(6_000_000), torch.ones(4_000_000)
for _ in range(40):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(kept, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 20)
"""


def run(**environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is glibc's")
def test_large_temporaries_do_not_fault_on_every_step():
    kept, faults = run()
    if not kept:
        pytest.skip("the C library takes no such setting")
    assert faults < 1000, "40 MB are 9,800 pages"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is glibc's")
def test_a_setting_of_the_user_stands():
    kept, _ = run(MALLOC_TRIM_THRESHOLD_="131072")
    assert not kept
