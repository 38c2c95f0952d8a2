"""Runs the workloads for Penstock and its peers in turn, and prints medians and ratios.

    python -m benchmarks                       all workloads, three rounds
    python -m benchmarks run_add cnn_step      some of them
    python -m benchmarks --rounds 5

Each workload has a process for each framework, which measure in turn; figures that a process has only once, such as
its first run or its peak memory, take a process each time. TensorFlow runs in the environment that `make bench-peers`
makes, where it exists.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import pkgutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

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


class Worker:
    """A process that measures one workload for one framework."""

    def __init__(self, python: str, framework: str, workload: str) -> None:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
        command = [python, "-m", "benchmarks.worker", framework, workload]
        self.name = f"{framework} {workload}"
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def figure(self) -> float | None:
        """Return one more figure, None where the framework does not have the workload."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._signal("SIGCONT")
        with contextlib.suppress(BrokenPipeError):  # it has printed its only figure already
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise SystemExit(f"{self.name} failed:\n{self._errors.read()[-2000:]}")
        figure: float | None = json.loads(line)
        self._signal("SIGSTOP")
        return figure

    def _signal(self, name: str) -> None:
        """Stop the process while others measure, or let it go on: idle threads of some libraries spin."""
        if hasattr(signal, name) and self._process.poll() is None:
            self._process.send_signal(getattr(signal, name))

    def close(self) -> None:
        """End the process."""
        self._signal("SIGCONT")
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()
        self._errors.close()


def measure(workload: str, frameworks: dict[str, str], rounds: int) -> dict[str, float]:
    """Return framework -> the median of a workload's figures, taken in turn, for those that have the workload."""
    once = hasattr(importlib.import_module(f"benchmarks.workloads.{workload}"), "KIND")
    values: dict[str, list[float]] = {}
    for _ in range(rounds if once else 1):
        workers: dict[str, Worker] = {}
        absent: set[str] = set()
        try:
            for _ in range(1 if once else rounds):
                for framework, python in frameworks.items():
                    if framework in absent:
                        continue
                    if framework not in workers:  # only now, so that no other measures while it starts
                        workers[framework] = Worker(python, framework, workload)
                    if not _note(values, framework, workers[framework].figure()):
                        absent.add(framework)
        finally:
            for worker in workers.values():
                worker.close()
    return {framework: statistics.median(found) for framework, found in values.items()}


def _note(values: dict[str, list[float]], framework: str, figure: float | None) -> bool:
    if figure is not None:
        values.setdefault(framework, []).append(figure)
    return figure is not None


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
        kind = getattr(importlib.import_module(f"benchmarks.workloads.{workload}"), "KIND", "seconds")
        medians = measure(workload, frameworks, arguments.rounds)
        cells = [show(medians[f], kind) if f in medians else "" for f in frameworks]
        ratios = [
            f"{medians['penstock'] / medians[f]:.2f}" if f in medians else "" for f in frameworks if f != "penstock"
        ]
        print("| " + " | ".join([workload, *cells, *ratios]) + " |", flush=True)


if __name__ == "__main__":
    main()
