"""Calls operations with inputs and attributes that make no sense, in processes of their own.

    python -m tests.ops.fuzz --seconds 600 [--seed 1] [--op MatMul]     from the repository's root

Each call must end: with a result, an OpError, a ValueError or a TypeError; within seconds, in memory of limited size,
and without taking the process with it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CALL_LIMIT_S = 10
START_LIMIT_S = 120
MEMORY_LIMIT = 1 << 30  # beyond what the process has taken when it starts

# Operations whose work is outside of the process or to wait for others; that are compiled and have no kernel; that draw
# as many numbers as they are told, one by one; or that functions of the same file alone call.
EXCLUDED = {
    "Abort",
    "Batch",
    "Barrier",
    "BarrierTakeMany",
    "EncodedImages",
    "EncodedSounds",
    "FixedUnigramCandidateSampler",
    "LearnedUnigramCandidateSampler",
    "LogUniformCandidateSampler",
    "Placeholder",
    "PlaceholderV2",
    "UniformCandidateSampler",
    "EagerPyFunc",
    "MergeV2Checkpoints",
    "PrintV2",
    "Print",
    "PyFunc",
    "PyFuncStateless",
    "Restore",
    "RestoreSlice",
    "RestoreV2",
    "Save",
    "SaveSlices",
    "SaveV2",
    "ShardedFilename",
    "Stage",
    "Unstage",
    "WriteFile",
    "_HostRecv",
    "_HostSend",
    "_Recv",
    "_Send",
}
SIZES = (0, 1, 2, 3, -1, 7, 2**31 - 1, -(2**31), 2**40, 2**62)
NUMBERS = (0.0, 1.0, -1.0, 0.5, 3.0, 1e30, -1e30, float("nan"), float("inf"), float("-inf"))
SHAPES = (
    (),
    (0,),
    (1,),
    (2,),
    (3,),
    (2, 3),
    (3, 2),
    (0, 3),
    (2, 0),
    (1, 4, 4, 2),
    (2, 2, 3, 1),
    (2, 1, 2, 1, 2),
    (4, 4),
)


def names() -> list[str]:
    """Return the operations that are called."""
    from penstock.core.op_def import registered

    return sorted(
        name
        for name, op in registered().items()
        if op.kernel.__module__.startswith("penstock.ops.")
        and not op.kernel.__module__.startswith(("penstock.ops.fused", "penstock.ops.data", "penstock.ops.function"))
        and name not in EXCLUDED
        and not any(argument.is_ref for argument in op.inputs)
        and not any(argument.dtype is not None and argument.dtype.name == "resource" for argument in op.inputs)
        and not any("func" in attribute.kind or attribute.kind == "object" for attribute in op.attributes.values())
    )


def call_at_random(name: str, seed: int) -> None:
    """Call an operation with arguments that follow from the seed alone."""
    import numpy as np

    from penstock.core import dtypes
    from penstock.core.op_def import REQUIRED, registered

    op: Any = registered()[name]
    choose = random.Random(f"{name} {seed}")
    shared = choose.choice(SHAPES)
    picked: dict[str, Any] = {}

    def a_type(allowed: Any) -> Any:
        if not allowed or choose.random() < 0.05:
            return choose.choice(["float32", "int32", "int64", "bool", "string", "complex64", "uint8", "float64"])
        return choose.choice(sorted(dtype.name for dtype in allowed))

    def a_tensor(dtype: str, host: bool) -> Any:
        shape = shared if choose.random() < 0.6 else choose.choice(SHAPES)
        if host:
            shape = choose.choice([(), (0,), (1,), (2,), (3,), (4,), (2, 2), (4, 2)])
        count = int(np.prod(shape))
        if dtype == "string":
            flat = np.empty(count, dtype=object)
            flat[:] = [choose.choice([b"", b"a", b"1.5", b"\xff\x00", b"abc def", b"(", b"-1"]) for _ in range(count)]
            return flat.reshape(shape)
        kind = dtypes.as_dtype(dtype)
        if dtype in ("variant", "resource"):
            return None
        if kind.is_integer and not kind.is_quantized:
            limits = np.iinfo(kind.as_numpy_dtype)
            ordinary = choose.random() < 0.6
            values = [choose.randint(-1, 3) if ordinary else choose.choice(SIZES) for _ in range(count)]
            values = [min(max(value, int(limits.min)), int(limits.max)) for value in values]
            return np.array(values, dtype=kind.as_numpy_dtype).reshape(shape)
        ordinary = choose.random() < 0.5
        reals = [choose.uniform(-2, 2) if ordinary else choose.choice(NUMBERS) for _ in range(count)]
        with np.errstate(all="ignore"):
            return np.array(reals).astype(kind.as_numpy_dtype).reshape(shape)

    def an_input(argument: Any) -> Any:
        if argument.list_attr is not None:
            types = picked.get(argument.list_attr) or [choose.choice(["float32", "int32", "string"])]
            return [a_tensor(dtype, argument.is_host) for dtype in types]
        if argument.dtype is not None:
            dtype = argument.dtype.base_dtype.name
        elif choose.random() < 0.03:
            dtype = a_type(None)
        else:
            attribute = op.attributes[argument.type_attr]
            dtype = picked.setdefault(argument.type_attr, a_type(attribute.allowed))
        if argument.number_attr is not None:
            return [a_tensor(dtype, argument.is_host) for _ in range(choose.randint(0, 3))]
        return a_tensor(dtype, argument.is_host)

    def an_attribute(attribute: Any) -> Any:
        kind = attribute.kind
        if kind == "string":
            texts = sorted(attribute.allowed or ()) + ["", "x"]
            return choose.choice(texts)
        single = {
            "int": lambda: choose.choice(SIZES),
            "float": lambda: choose.choice(NUMBERS),
            "bool": lambda: choose.random() < 0.5,
            "type": lambda: a_type(attribute.allowed),
            "shape": lambda: choose.choice([None, (), (2, 3), (0,), (-1,), (None, 2), (2**31, 2**31)]),
        }
        if kind in single:
            return single[kind]()
        if kind == "tensor":
            return np.array(choose.choice(NUMBERS), dtype=np.float32)
        item = kind.removeprefix("list(").removesuffix(")")
        if item == "string":
            return [choose.choice(["", "x", "1"]) for _ in range(choose.randint(0, 3))]
        ordinary = choose.random() < 0.6
        count = choose.choice([0, 1, 2, 4, 4, 5])
        return [choose.randint(0, 3) if item == "int" and ordinary else single[item]() for _ in range(count)]

    derived = {a.number_attr for a in op.inputs} | {a.list_attr for a in op.inputs} | {a.type_attr for a in op.inputs}
    attrs = {
        key: an_attribute(attribute)
        for key, attribute in op.attributes.items()
        if key not in derived and (attribute.default is REQUIRED or choose.random() < 0.3)
    }
    picked.update({key: value for key, value in attrs.items() if op.attributes[key].kind == "type"})
    op(*[an_input(argument) for argument in op.inputs], **attrs)


def work() -> None:
    """Answer requests from standard input, a line each, with what became of the call."""
    import warnings

    import penstock as tf
    import penstock.ops

    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY_LIMIT, resource.RLIM_INFINITY))
    answers.write("ready\n")
    for line in sys.stdin:
        name, seed = json.loads(line)
        try:
            call_at_random(name, seed)
            answers.write("ok\n")
        except (tf.errors.OpError, ValueError, TypeError):
            answers.write("refused\n")
        except Exception as error:
            answers.write(f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}\n")


class Worker:
    """A process that makes the calls."""

    def __init__(self) -> None:
        self._process: Any = None

    def ask(self, name: str, seed: int) -> str:
        """Return "ok", "refused", or in what other way a call ended."""
        if self._process is None:
            self._start()
        self._process.stdin.write(json.dumps([name, seed]) + "\n")
        self._process.stdin.flush()
        answer = self._answer(CALL_LIMIT_S)
        if not answer:
            answer = f"ended the process, exit code {self._process.wait()}" if answer == "" else "takes too long"
            self.stop()
        return answer

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ops.fuzz", "--worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._answer(START_LIMIT_S) == "ready", "the worker does not start"

    def _answer(self, limit_s: float) -> str | None:
        """Return the next line, "" where the process has ended, None where there is none in time."""
        ready, _, _ = select.select([self._process.stdout], [], [], limit_s)
        return self._process.stdout.readline().strip() if ready else None


def fuzz(calls: list[tuple[str, int]], seconds: float) -> tuple[int, list[str]]:
    """Make calls until they or the time are used up.

    Returns:
        The number of calls made, and what is wrong with which.
    """
    worker, wrong, made = Worker(), [], 0
    end = time.monotonic() + seconds
    try:
        for name, seed in calls:
            if time.monotonic() > end:
                break
            answer = worker.ask(name, seed)
            made += 1
            if answer not in ("ok", "refused"):
                wrong.append(f"{name} (seed {seed}): {answer}")
    finally:
        worker.stop()
    return made, wrong


def main() -> None:
    """Fuzz, and print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--op", action="append")
    options = parser.parse_args()
    if options.worker:
        work()
        return
    import penstock.ops  # noqa: F401  declares the operations

    chosen = options.op or names()
    calls = [(name, options.seed + number) for number in range(100_000 // len(chosen)) for name in chosen]
    made, wrong = fuzz(calls, options.seconds)
    print(*wrong, sep="\n")
    print(f"{made} calls, {len(wrong)} of which ended badly")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
