"""Whether graphs travel between Penstock and TensorFlow: each writes graphs, the other must compute the same from them.

Run by hand, with a Python that has TensorFlow:

    python tests/interchange/compare_with_tensorflow.py --tensorflow /path/to/python

The graphs are those of `programs.py`, with reference variables, with resource variables and, from TensorFlow, with both
forms of control flow; functions made by `Defun`; and the cases of the op oracle, where it is found beside the project.
Of graphs with branches or loops, the lowered form (`lower_control_flow`) is checked, too. The result is RESULTS.md.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ORACLE = ROOT.parent / "shared" / "oracle"
_NOT_COMPARED = {"shape", "sign"}  # tolerance classes of values that are not determined


def _modules(framework: str) -> tuple[Any, Any]:
    """Return the TensorFlow 2 and TensorFlow 1 faces of a framework."""
    if framework == "penstock":
        return importlib.import_module("penstock"), importlib.import_module("penstock.v1")
    whole = importlib.import_module("tensorflow")
    whole.compat.v1.disable_eager_execution()
    return whole, whole.compat.v1


def _record(tf: Any, graph: Any, feeds: list[dict[Any, Any]], fetches: list[Any], **more: Any) -> dict[str, Any]:
    """Run what was built, and return what the other side needs to run it again."""
    init = [variable.initializer.name for variable in tf.global_variables()]
    named = [tensor for tensor in fetches if tensor is not None]
    with tf.Session() as session:
        session.run([graph.get_operation_by_name(name) for name in init])
        values = [session.run(named, feed) for feed in feeds]
    return {
        "graph_def": graph.as_graph_def().SerializeToString(),
        "feeds": [{tensor.name: value for tensor, value in feed.items()} for feed in feeds],
        "fetches": [graph.as_graph_element(item).name for item in named],
        "values": values,
        "init": init,
        **more,
    }


def _programs(framework: str) -> Iterator[tuple[str, Any]]:
    _, tf = _modules(framework)
    sys.path.insert(0, str(HERE))
    programs = importlib.import_module("programs").PROGRAMS
    forms = [False, True] if framework == "tensorflow" else [True]
    for functional in forms:
        if framework == "tensorflow":
            (tf.enable_control_flow_v2 if functional else tf.disable_control_flow_v2)()
        for resources in (False, True):
            (tf.enable_resource_variables if resources else tf.disable_resource_variables)()
            for name, program in programs.items():
                label = f"{name}, {'resource' if resources else 'reference'} variables"
                if framework == "tensorflow":
                    label += f", {'functional' if functional else 'dataflow'} control flow"
                    if functional and not resources and "updates" in name:
                        continue  # TensorFlow cannot build it
                yield label, lambda program=program: program(tf)
    if framework == "penstock":
        defun: Any = importlib.import_module("penstock.language.defun").Defun
    else:
        defun = importlib.import_module("tensorflow.python.framework.function").Defun

    def functions() -> Any:
        @defun(tf.float32, tf.float32, func_name="Product")
        def product(a: Any, b: Any) -> Any:
            return a * b, a + b

        @defun(tf.float32, tf.float32)
        def sevenfold(x: Any, dy: Any) -> Any:
            return dy * 7.0 + x * 0.0

        @defun(tf.float32, grad_func=sevenfold, out_names=["same"])
        def unchanged(x: Any) -> Any:
            return tf.identity(x)

        x = tf.placeholder(tf.float32, [2])
        a, b = product(unchanged(x), x)
        return [{x: [1.0, 2.0]}], [a, b, *tf.gradients(a + b, [x])]

    yield "functions made by Defun", functions


def _write(framework: str, path: str) -> None:
    whole, tf = _modules(framework)
    written: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for name, build in _programs(framework):
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(1)
            try:
                feeds, fetches = build()
                written[f"program: {name}"] = _record(tf, graph, feeds, fetches)
            except Exception as error:
                failed[f"program: {name}"] = f"{type(error).__name__}: {error}"
    for name, case in _oracle_cases():
        oracle = sys.modules["oracle"]
        with tf.Graph().as_default() as graph:
            try:
                decoder = oracle.Decoder(whole, case, track=True)
                function, args, kwargs = oracle.call(whole, case, decoder)
                out = function(*args, **kwargs)
                fetches, _ = oracle.fetchable(out)
                if "grad" in case:
                    up = [whole.constant(case["_arrays"].get(u)) for u in case["grad"]["up"]]
                    found = tf.gradients(oracle.flat_floats(whole, out), decoder.inputs, grad_ys=up)
                    fetches = [*fetches, *(oracle.dense(whole, g) for g in found if g is not None)]
                if fetches:
                    written[f"op: {name}"] = _record(tf, graph, [{}], fetches, tolerance=case.get("tol", "std"))
            except Exception as error:
                failed[f"op: {name}"] = f"{type(error).__name__}: {error}"
    with open(path, "wb") as file:
        pickle.dump((written, failed), file)


def _oracle_cases() -> Iterator[tuple[str, Any]]:
    """Yield one case for each function of the op oracle that holds in graphs and is not random."""
    if not ORACLE.is_dir():
        return
    sys.path.insert(0, str(ORACLE))
    oracle: Any = importlib.import_module("oracle")
    seen: collections.Counter[str] = collections.Counter()
    for case in oracle.load():
        usable = case.get("graph") and "code" not in case and "raises" not in case and "calls" not in case
        if not usable or case.get("tol") in _NOT_COMPARED or "random" in case["fn"] or "set_seed" in case:
            continue
        seen[case["fn"]] += 1
        if seen[case["fn"]] == 1:
            yield case["id"], case


def _check(framework: str, path: str, result: str) -> None:
    _, tf = _modules(framework)
    with open(path, "rb") as file:
        written, _ = pickle.load(file)
    outcome: dict[str, str] = {}
    for name, case in written.items():
        try:
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(tf.GraphDef.FromString(case["graph_def"]), name="")
                with tf.Session() as session:
                    session.run([graph.get_operation_by_name(item) for item in case["init"]])
                    for feed, expected in zip(case["feeds"], case["values"], strict=True):
                        values = session.run(case["fetches"], feed)
                        for tensor, value, wanted in zip(case["fetches"], values, expected, strict=True):
                            _compare(tensor, value, wanted)
            outcome[name] = ""
        except Exception as error:
            outcome[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    with open(result, "w") as out:
        json.dump(outcome, out)


def _compare(name: str, value: Any, wanted: Any) -> None:
    if wanted is None:
        return  # an operation, run for its effects
    value, wanted = np.asarray(value), np.asarray(wanted)
    if wanted.dtype.kind in "fc":
        np.testing.assert_allclose(value, wanted, rtol=2e-3, atol=2e-4, err_msg=name)
    else:
        np.testing.assert_array_equal(value, wanted, err_msg=name)


def _lower(path: str, lowered: str) -> None:
    protos = importlib.import_module("penstock.formats.protos")
    lower: Any = importlib.import_module("penstock.graphs.lower").lower_control_flow
    with open(path, "rb") as file:
        written, _ = pickle.load(file)
    result, failed = {}, {}
    for name, case in written.items():
        message = protos.GraphDef.FromString(case["graph_def"])
        if message.library.function and "Defun" not in name:
            try:
                result[name] = {**case, "graph_def": lower(message).SerializeToString()}
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}"
    with open(lowered, "wb") as file:
        pickle.dump((result, failed), file)


def _run(python: str, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([python, str(Path(__file__).resolve()), *arguments], check=True, env=environment)


def _compare_all(tensorflow: str) -> None:
    python = {"penstock": sys.executable, "tensorflow": tensorflow}
    sections: list[tuple[str, dict[str, str], dict[str, str]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for writer, reader in (("penstock", "tensorflow"), ("tensorflow", "penstock")):
            path, result = f"{folder}/{writer}.pickle", f"{folder}/{writer}.json"
            _run(python[writer], "--role", "write", "--framework", writer, "--path", path)
            _run(python[reader], "--role", "check", "--framework", reader, "--path", path, "--result", result)
            with open(path, "rb") as file:
                failed = pickle.load(file)[1]
            sections.append((f"{writer} writes, {reader} computes", json.loads(Path(result).read_text()), failed))
        for writer in ("penstock", "tensorflow"):
            path, result = f"{folder}/lowered.pickle", f"{folder}/lowered.json"
            _run(python["penstock"], "--role", "lower", "--path", f"{folder}/{writer}.pickle", "--result", path)
            for reader in ("tensorflow", "penstock"):
                _run(python[reader], "--role", "check", "--framework", reader, "--path", path, "--result", result)
                with open(path, "rb") as file:
                    failed = pickle.load(file)[1]
                title = f"{writer} writes, lowered to dataflow control flow, {reader} computes"
                sections.append((title, json.loads(Path(result).read_text()), failed))
    _report(sections)


def _report(sections: list[tuple[str, dict[str, str], dict[str, str]]]) -> None:
    names = {"penstock": "Penstock", "tensorflow": "TensorFlow"}
    lines = [
        "# Graphs between Penstock and TensorFlow 2.21",
        "",
        "Written by `compare_with_tensorflow.py`: GraphDefs that one writes, imported and computed by the other.",
        "",
        "| direction | graphs | agree |",
        "| --- | --- | --- |",
    ]
    for title, outcome, _ in sections:
        agree = sum(not reason for reason in outcome.values())
        lines.append(f"| {_titled(title, names)} | {len(outcome)} | {agree} |")
    for title, outcome, failed in sections:
        wrong = {name: reason for name, reason in outcome.items() if reason}
        if wrong:
            lines += ["", f"## Differences: {_titled(title, names)}", ""]
            lines += [f"- {name}: {reason}" for name, reason in wrong.items()]
        if failed:
            lines += ["", f"## Not built: {_titled(title, names)}", ""]
            lines += [f"- {name}: {' '.join(reason.split())[:200]}" for name, reason in failed.items()]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines[4 : 6 + len(sections)]))


def _titled(title: str, names: dict[str, str]) -> str:
    for plain, proper in names.items():
        title = title.replace(plain, proper)
    return title


def main() -> None:
    """Compare, or play one role of the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tensorflow", help="the Python interpreter that has TensorFlow")
    parser.add_argument("--role", choices=["write", "check", "lower"])
    parser.add_argument("--framework", choices=["penstock", "tensorflow"])
    parser.add_argument("--path")
    parser.add_argument("--result")
    arguments = parser.parse_args()
    if arguments.role == "write":
        _write(arguments.framework, arguments.path)
    elif arguments.role == "check":
        _check(arguments.framework, arguments.path, arguments.result)
    elif arguments.role == "lower":
        _lower(arguments.path, arguments.result)
    elif arguments.tensorflow:
        _compare_all(arguments.tensorflow)
    else:
        parser.error("--tensorflow is needed: the path of a Python that has TensorFlow")


if __name__ == "__main__":
    main()
