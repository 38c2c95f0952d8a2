"""Runs the workloads for Penstock and its peers in turn, and prints medians and ratios.

    python -m benchmarks                       all workloads, three rounds
    python -m benchmarks run_add cnn_step      some of them
    python -m benchmarks --rounds 5

Each measurement is a process of its own. TensorFlow runs in the environment that `make bench-peers` makes, where it
exists.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import workloads

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(os.environ.get("PENSTOCK_PEERS", ROOT / ".venv-peers"))


def interpreters() -> dict[str, str]:
    """Return framework -> the Python that has it."""
    found = {"penstock": sys.executable, "pytorch": sys.executable}
    peer = PEERS / "bin" / "python"
    if peer.exists():
        found["tensorflow"] = str(peer)
    return found


def run(python: str, framework: str, workload: str) -> dict[str, Any] | None:
    """Return a workload's figure, `value` and its `kind`; None where the framework does not have the workload."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    command = [python, "-m", "benchmarks.worker", framework, workload]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{framework} {workload} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def show(value: float, kind: str) -> str:
    """Return a figure with its unit.

    Args:
        value: the figure.
        kind: "seconds", "bytes" or "ratio".
    """
    if kind == "bytes":
        return f"{value / 2**20:.0f} MiB"
    if kind == "ratio":
        return f"{value:.2f}"
    return f"{value * 1e6:.1f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def main() -> None:
    """Measure and print a table."""
    names = [module.name for module in pkgutil.iter_modules(workloads.__path__)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"all by default: {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.workloads if name not in names]
    if unknown:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(names)}")
    frameworks = interpreters()
    print(
        "| workload | "
        + " | ".join(frameworks)
        + " | "
        + " | ".join(f"ratio to {f}" for f in frameworks if f != "penstock")
        + " |"
    )
    print("|---" * (2 * len(frameworks)) + "|")
    for workload in arguments.workloads or names:
        values: dict[str, list[float]] = {framework: [] for framework in frameworks}
        kind = "seconds"
        for _ in range(arguments.rounds):
            for framework, python in frameworks.items():
                figure = run(python, framework, workload)
                if figure is not None:
                    values[framework].append(figure["value"])
                    kind = figure["kind"]
        medians = {framework: statistics.median(found) for framework, found in values.items() if found}
        cells = [show(medians[f], kind) if f in medians else "" for f in frameworks]
        ratios = [
            f"{medians['penstock'] / medians[f]:.2f}" if f in medians else "" for f in frameworks if f != "penstock"
        ]
        print("| " + " | ".join([workload, *cells, *ratios]) + " |", flush=True)


if __name__ == "__main__":
    main()
