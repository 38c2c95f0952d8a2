"""Runs recorded cases: eagerly, or through a graph and a session of TensorFlow 1.

python -m tests.oracle.runner [--mode graph] [--group nn] [--case NAME]     from the repository's root
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import types
import warnings
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracle.arguments import Arguments
from tests.oracle.comparison import NEXT_LOOSER, difference
from tests.oracle.recording import DATA, GROUPS, Case, read_cases

MODES = ("eager", "graph")
_program_numbers = count()


def failure(tf: Any, case: Case, mode: str) -> str | None:
    """Run a case.

    Args:
        tf: a module that looks like TensorFlow 2.
        case: what to run. If it must raise, it is run as it stands in both modes.
        mode: "eager" or "graph".
    Returns:
        Why it fails, or None if it passes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cases use deprecated names on purpose
        if "raises" in case.record:
            return _missing_error(tf, case)
        try:
            return _graph_failure(tf, case) if mode == "graph" else _eager_failure(tf, case)
        except Exception as error:
            return f"raised {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def _missing_error(tf: Any, case: Case) -> str | None:
    wanted = case.record["raises"]
    try:
        if case.is_program:
            _run_program(tf, case)
        else:
            Arguments(tf, case).call()
    except Exception as error:
        names = [base.__name__ for base in type(error).__mro__]
        return None if wanted in names else f"raised {names[0]}, expected {wanted}: {error}"
    return f"nothing raised, expected {wanted}"


def _run_program(tf: Any, case: Case) -> Any:
    """Run the program of a case as a module in a file, where its source can be looked up; return its `result`."""
    name = f"oracle_program_{next(_program_numbers)}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.py")
        path.write_text(case.record["code"], encoding="utf-8")
        module: Any = types.ModuleType(name)
        arrays = {key: case.array(reference) for key, reference in case.record.get("arrays", {}).items()}
        vars(module).update(tf=tf, np=np, DIR=str(DATA / "files"), __file__=str(path), **arrays)
        sys.modules[name] = module
        try:
            exec(compile(case.record["code"], str(path), "exec"), vars(module))
        finally:
            del sys.modules[name]
    return module.result


def _eager_failure(tf: Any, case: Case) -> str | None:
    record = case.record
    if "set_seed" in record:
        tf.random.set_seed(record["set_seed"])
    if case.is_program:
        return difference(case, _run_program(tf, case), record["out"], case.tolerance)
    if "calls" in record:
        results = [Arguments(tf, case).call() for _ in range(record["calls"])]
        return difference(case, results, record["out"], case.tolerance)
    reason = difference(case, Arguments(tf, case).call(), record["out"], case.tolerance)
    return reason if reason or "grad" not in record else _eager_gradient_failure(tf, case)


def _eager_gradient_failure(tf: Any, case: Case) -> str | None:
    recorded = case.record["grad"]
    arguments = Arguments(tf, case)
    total = None
    with tf.GradientTape(persistent=True) as outer, tf.GradientTape() as tape:
        values = _watching(arguments, (outer, tape))
        upstream = [tf.constant(case.array(reference)) for reference in recorded["up"]]
        with tape.stop_recording():
            grads = tape.gradient(values, arguments.sources, output_gradients=upstream)
        grads = [None if grad is None else tf.convert_to_tensor(grad) for grad in grads]
        if "g2" in recorded:
            total = tf.add_n([tf.reduce_sum(grad * grad) for grad in grads if grad is not None])
    reason = _gradient_difference(case, grads, recorded["g"], NEXT_LOOSER[case.tolerance])
    if reason or total is None:
        return reason and f"gradient {reason}"
    seconds = [
        None if grad is None else tf.convert_to_tensor(grad) for grad in outer.gradient(total, arguments.sources)
    ]
    reason = _gradient_difference(case, seconds, recorded["g2"], NEXT_LOOSER[NEXT_LOOSER[case.tolerance]])
    return reason and f"second gradient {reason}"


def _watching(arguments: Arguments, tapes: tuple[Any, ...]) -> list[Any]:
    """Make the arguments, watch the sources among them, call, and return the floating outputs."""
    build = arguments._build_t

    def build_and_watch(reference: str) -> Any:
        made = len(arguments.sources)
        tensor = build(reference)
        for source in arguments.sources[made:]:
            for tape in tapes:
                tape.watch(source)
        return tensor

    arguments._build_t = build_and_watch  # type: ignore[method-assign]
    return floating(arguments.call())


def _gradient_difference(case: Case, grads: list[Any], references: list[Any], tolerance: str) -> str | None:
    for position, (grad, reference) in enumerate(zip(grads, references, strict=True)):
        if (grad is None) != (reference is None):
            return f"[{position}] is {'None' if grad is None else 'a tensor'}"
        if grad is not None and (reason := difference(case, grad, {"t": reference}, tolerance)):
            return f"[{position}]: {reason}"
    return None


def floating(output: Any) -> list[Any]:
    """Return the floating and complex tensors in a structure of outputs, in order."""
    if isinstance(output, dict):
        output = [output[key] for key in sorted(output)]
    if isinstance(output, (list, tuple)):
        return [tensor for item in output for tensor in floating(item)]
    if hasattr(output, "dense_shape") or hasattr(output, "flat_values"):
        return floating(output.values if hasattr(output, "dense_shape") else output.flat_values)
    dtype = getattr(output, "dtype", None)
    return [output] if getattr(dtype, "is_floating", False) or getattr(dtype, "is_complex", False) else []


def _graph_failure(tf: Any, case: Case) -> str | None:
    record, v1 = case.record, tf.compat.v1
    with tf.Graph().as_default():
        if "set_seed" in record:
            v1.set_random_seed(record["set_seed"])
        arguments = Arguments(tf, case)
        output = arguments.call()
        grads: list[Any] = []
        if "grad" in record:
            upstream = [tf.constant(case.array(reference)) for reference in record["grad"]["up"]]
            grads = v1.gradients(floating(output), arguments.sources, grad_ys=upstream)
            grads = [None if grad is None else tf.convert_to_tensor(grad) for grad in grads]
        fetches: list[Any] = []
        frame = _take_fetches(output, fetches)
        with v1.Session() as session:
            if arguments.variables:
                session.run(v1.global_variables_initializer())
            if "calls" in record:
                results = [_put_back(frame, session.run(fetches)) for _ in range(record["calls"])]
                return difference(case, results, record["out"], case.tolerance)
            values, computed = session.run([fetches, [grad for grad in grads if grad is not None]])
    if reason := difference(case, _put_back(frame, values), record["out"], case.tolerance):
        return reason
    if not grads:
        return None
    left = iter(computed)
    aligned = [None if grad is None else next(left) for grad in grads]
    reason = _gradient_difference(case, aligned, record["grad"]["g"], NEXT_LOOSER[case.tolerance])
    return reason and f"gradient {reason}"


class _Fetched:
    """The place of a fetched tensor in a structure."""

    def __init__(self, position: int) -> None:
        self.position = position


def _take_fetches(output: Any, fetches: list[Any]) -> Any:
    """Return a structure with a place in it for each tensor, and append the tensors to `fetches`."""
    if isinstance(output, dict):
        return {key: _take_fetches(value, fetches) for key, value in output.items()}
    if hasattr(output, "_fields"):
        return type(output)(*(_take_fetches(item, fetches) for item in output))
    if isinstance(output, (list, tuple)):
        return [_take_fetches(item, fetches) for item in output]
    if hasattr(output, "dense_shape"):
        parts = {name: getattr(output, name) for name in ("indices", "values", "dense_shape")}
        return types.SimpleNamespace(**_take_fetches(parts, fetches))
    if hasattr(output, "flat_values"):
        parts = {"flat_values": output.flat_values, "nested_row_splits": list(output.nested_row_splits)}
        return types.SimpleNamespace(**_take_fetches(parts, fetches))
    if hasattr(output, "op") and hasattr(output, "dtype"):
        fetches.append(output)
        return _Fetched(len(fetches) - 1)
    return output


def _put_back(frame: Any, values: list[Any]) -> Any:
    if isinstance(frame, _Fetched):
        return values[frame.position]
    if isinstance(frame, dict):
        return {key: _put_back(value, values) for key, value in frame.items()}
    if hasattr(frame, "_fields"):
        return type(frame)(*(_put_back(item, values) for item in frame))
    if isinstance(frame, list):
        return [_put_back(item, values) for item in frame]
    if isinstance(frame, types.SimpleNamespace):
        return types.SimpleNamespace(**_put_back(vars(frame), values))
    return frame


def main() -> None:
    """Print the failing cases and how many pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", default="penstock")
    parser.add_argument("--mode", choices=MODES, default="eager")
    parser.add_argument("--group", choices=GROUPS, action="append")
    parser.add_argument("--case", help="a function's name, or a case's")
    options = parser.parse_args()
    tf = importlib.import_module(options.module)
    passed = total = 0
    for group in options.group or GROUPS:
        for case in read_cases(group):
            if options.case not in (None, case.id, case.record["fn"]):
                continue
            if options.mode == "graph" and not case.holds_in_graphs:
                continue
            reason = failure(tf, case, options.mode)
            total += 1
            passed += reason is None
            if reason:
                print(f"{case.id}: {reason}")
    print(f"{passed} of {total} cases pass in mode {options.mode}")


if __name__ == "__main__":
    main()
