"""Whether SavedModels travel between Penstock and TensorFlow: each writes models, the other must compute the same.

Run by hand, with a Python that has TensorFlow and Keras:

    python tests/interchange/compare_saved_models.py --tensorflow /path/to/python

The models are a `tf.Module` with functions of several traces, a loop, tables with an asset and with entries of their
own, and a gradient of its own; a Keras CNN; Keras's recurrent layers; and a CNN of TensorFlow 1 that `simple_save`
wrote. Each is read by `tf.saved_model.load`, whose gradients are compared, too, and by
`tf.compat.v1.saved_model.load` in a session. The result is SAVED_MODELS.md.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
Results = dict[str, np.ndarray]


def _framework(name: str) -> Any:
    if name == "penstock":
        sys.path.insert(0, str(ROOT))
        importlib.import_module("penstock.alias").install()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    return importlib.import_module("tensorflow")


def _images() -> np.ndarray:
    return np.linspace(-1, 1, 2 * 12 * 12, dtype=np.float32).reshape(2, 12, 12, 1)


# The models


def _module(tf: Any, folder: Path) -> Any:
    words = folder / "words.txt"
    words.write_text("red\ngreen\nblue\n")
    index = tf.lookup.TextFileIndex
    initializer = tf.lookup.TextFileInitializer(str(words), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def clipped(x: Any) -> Any:
        e = tf.exp(x)
        return tf.math.log(1 + e), lambda upstream: tf.clip_by_value(upstream * (1 - 1 / (1 + e)), -0.25, 0.25)

    class Model(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
            self.parts = [tf.Variable(0.5, name="b"), {"count": tf.Variable(0, trainable=False)}]
            self.table = tf.lookup.StaticHashTable(initializer, -1)
            self.added = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -5)
            self.added.insert(tf.constant(["new"]), tf.constant([70], tf.int64))

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])  # type: ignore[untyped-decorator]
        def affine(self, x: Any) -> Any:
            return {"y": clipped(tf.matmul(x, self.w) + self.parts[0])}

        @tf.function  # type: ignore[untyped-decorator]
        def find(self, words: Any, shift: bool = True, *, scale: int = 2) -> Any:
            found = self.table.lookup(words) * scale + self.added.lookup(words)
            return found + 10 if shift else found

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])  # type: ignore[untyped-decorator]
        def total(self, n: Any) -> Any:
            result = tf.constant(0.0)
            for i in tf.range(n):
                if i % 2 == 0:
                    result += tf.cast(i, tf.float32) * self.parts[0]
            self.parts[1]["count"].assign_add(1)
            return result

    model = Model()
    model.find.get_concrete_function(tf.TensorSpec([None], tf.string))
    model.find.get_concrete_function(tf.TensorSpec([None], tf.string), False, scale=3)
    return model


def write_module(tf: Any, folder: Path) -> Results:
    """Write the module, and return what it computes."""
    model = _module(tf, folder)
    tf.saved_model.save(model, str(folder / "model"), signatures=model.affine)
    (folder / "words.txt").unlink()
    tf.saved_model.save(tf.Module(), str(folder / "empty"))
    return _use_module(tf, model, with_table=False) | _use_module(tf, tf.saved_model.load(str(folder / "model")))


def _use_module(tf: Any, model: Any, with_table: bool = True) -> Results:
    x = tf.constant([[1.0, -1.0], [0.5, 2.0]])
    with tf.GradientTape() as tape:
        y = model.affine(x)["y"]
    w, b = tape.gradient(y, [model.w, model.parts[0]])
    found = {"affine": y, "gradient of w": w, "gradient of b": b, "loop": model.total(5)}
    if with_table:
        found["find"] = model.find(tf.constant(["green", "new", "other"]))
        found["find, other trace"] = model.find(tf.constant(["blue"]), False, scale=3)
        found["count"] = model.parts[1]["count"]
    return {name: value.numpy() for name, value in found.items()}


def read_module(tf: Any, folder: Path) -> Results:
    """Read the module, and return what it computes, also after it was saved once more and in a session."""
    model = tf.saved_model.load(str(folder / "model"))
    results = _use_module(tf, model)
    tf.saved_model.save(model, str(folder / "again"), signatures=model.signatures)
    again = tf.saved_model.load(str(folder / "again"))
    assert np.array_equal(again.find(tf.constant(["new"])).numpy(), model.find(tf.constant(["new"])).numpy())
    served = _serve(tf, folder / "model", {"x": [[1.0, -1.0], [0.5, 2.0]]})
    np.testing.assert_allclose(served["y"], results["affine"], rtol=1e-6)
    return results


def _cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 1), name="images"),
            layers.Conv2D(4, 3, activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3, activation="silu"),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


def _recurrent(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 1), name="images"),
            layers.Reshape((12, 12)),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.GRU(4),
            layers.Dense(2, activation="softmax"),
        ]
    )


def write_keras(tf: Any, folder: Path, build: Callable[[Any], Any]) -> Results:
    """Write a Keras model by `model.export`, and return what it computes."""
    keras = importlib.import_module("keras")
    keras.utils.set_random_seed(3)
    model = build(keras)
    model.export(str(folder / "model"), verbose=False)
    return _use_keras(tf, tf.saved_model.load(str(folder / "model")))


def _use_keras(tf: Any, model: Any) -> Results:
    with tf.GradientTape() as tape:
        y = model.serve(tf.constant(_images()))
        loss = tf.reduce_sum(y**2)
    gradients = tape.gradient(loss, list(model.trainable_variables))
    results = {f"gradient {i}": np.asarray(gradient) for i, gradient in enumerate(gradients)}
    return {"predictions": y.numpy(), **results}


def read_keras(tf: Any, folder: Path) -> Results:
    """Read the model, and return what it computes, also as a layer."""
    model = tf.saved_model.load(str(folder / "model"))
    results = _use_keras(tf, model)
    layer = importlib.import_module("keras").layers.TFSMLayer(str(folder / "model"))
    np.testing.assert_allclose(np.asarray(layer(_images())), results["predictions"], rtol=1e-6)
    served = _serve(tf, folder / "model", {"images": _images()})
    np.testing.assert_allclose(served["output_0"], results["predictions"], rtol=1e-5)
    return results


def write_graph(tf: Any, folder: Path) -> Results:
    """Write a CNN of TensorFlow 1 by `simple_save`, and return what it computes."""
    v1 = tf.compat.v1
    rng = np.random.default_rng(5)
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 12, 12, 1], name="x")
        kernel = v1.get_variable("kernel", initializer=rng.normal(size=(3, 3, 1, 4)).astype(np.float32))
        dense = v1.get_variable("dense", initializer=rng.normal(size=(144, 3)).astype(np.float32), use_resource=False)
        hidden = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
        pooled = tf.reshape(tf.nn.max_pool2d(hidden, 2, 2, "SAME"), [-1, 144])
        y = tf.nn.softmax(tf.matmul(pooled, dense), name="y")
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(folder / "model"), {"x": x}, {"y": y})
        gradients = v1.gradients(tf.reduce_sum(y**2), [kernel, dense])
        values = session.run([y, *gradients], {x: _images()})
    return dict(zip(["y", "gradient of kernel", "gradient of dense"], values, strict=True))


def read_graph(tf: Any, folder: Path) -> Results:
    """Read the CNN in a session and as objects, and return what it computes."""
    served = _serve(tf, folder / "model", {"x": _images()})
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, ["serve"], str(folder / "model"))
        graph = v1.get_default_graph()
        y = graph.get_tensor_by_name("y:0")
        variables = sorted(v1.trainable_variables(), key=lambda variable: variable.name, reverse=True)
        gradients = session.run(v1.gradients(tf.reduce_sum(y**2), variables), {"x:0": _images()})
    loaded = tf.saved_model.load(str(folder / "model"))
    result = loaded.signatures["serving_default"](x=tf.constant(_images()))["y"].numpy()
    np.testing.assert_allclose(result, served["y"], rtol=1e-5)
    return {"y": served["y"], "gradient of kernel": gradients[0], "gradient of dense": gradients[1]}


def _serve(tf: Any, model: Path, feeds: dict[str, Any]) -> Results:
    """Return what a model's default signature gives in a session."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        signature = v1.saved_model.load(session, ["serve"], str(model)).signature_def["serving_default"]
        named = {signature.inputs[name].name: value for name, value in feeds.items()}
        results: Results = session.run({name: info.name for name, info in signature.outputs.items()}, named)
    return results


MODELS: dict[str, tuple[Callable[[Any, Path], Results], Callable[[Any, Path], Results]]] = {
    "a module with functions, tables and a gradient of its own": (write_module, read_module),
    "a Keras CNN by model.export": (functools.partial(write_keras, build=_cnn), read_keras),
    "a Keras model of LSTMs and a GRU by model.export": (functools.partial(write_keras, build=_recurrent), read_keras),
    "a TensorFlow 1 CNN by simple_save": (write_graph, read_graph),
}


def _work(task: str, framework: str, folder: Path) -> None:
    """Write or read all models below a folder, and leave what they compute, or why not."""
    tf = _framework(framework)
    for number, (write, read) in enumerate(MODELS.values()):
        place = folder / str(number)
        place.mkdir(exist_ok=True)
        try:
            results = (write if task == "write" else read)(tf, place)
        except Exception as error:  # each model is compared, whatever the others do
            (place / f"{task}.error").write_text(f"{type(error).__name__}: {error}"[:600])
        else:
            np.savez(place / f"{task}.npz", **results)  # type: ignore[arg-type]


def _compare(folder: Path) -> str:
    """Return the largest relative difference between what was computed on both sides, or what went wrong."""
    for task in ("write", "read"):
        if (folder / f"{task}.error").exists():
            return f"{task}: {(folder / f'{task}.error').read_text()}".replace("\n", " ")
    with np.load(folder / "write.npz") as written, np.load(folder / "read.npz") as read:
        if set(written) != set(read):
            return f"other results: {set(written) ^ set(read)}"
        worst = 0.0
        for name in written:
            scale = max(float(np.abs(written[name]).max(initial=0)), 1e-6)
            worst = max(worst, float(np.abs(written[name] - read[name]).max(initial=0)) / scale)
    return f"{len(read)} results agree to {worst:.1e}" if worst < 1e-4 else f"DIFFER by {worst:.1e}"


def main() -> None:
    """Compare all models in both directions, and write SAVED_MODELS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tensorflow", help="a Python that has TensorFlow and Keras")
    parser.add_argument("--task", choices=["write", "read"])
    parser.add_argument("--framework", choices=["penstock", "tensorflow"])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.task:
        _work(arguments.task, arguments.framework, arguments.folder)
        return
    pythons = {"penstock": sys.executable, "tensorflow": arguments.tensorflow}
    names = {"penstock": "Penstock", "tensorflow": "TensorFlow"}
    lines = ["# SavedModels between Penstock and TensorFlow 2.21", "", "Written by `compare_saved_models.py`."]
    lines += ["", "| model | from | to | result |", "| --- | --- | --- | --- |"]
    for writer, reader in (("penstock", "tensorflow"), ("tensorflow", "penstock"), ("penstock", "penstock")):
        with tempfile.TemporaryDirectory() as folder:
            for task, framework in (("write", writer), ("read", reader)):
                command = [pythons[framework], __file__, "--task", task, "--framework", framework, "--folder", folder]
                subprocess.run(command, check=True, timeout=600)
            for number, name in enumerate(MODELS):
                lines.append(f"| {name} | {names[writer]} | {names[reader]} | {_compare(Path(folder) / str(number))} |")
    text = "\n".join(lines) + "\n"
    (HERE / "SAVED_MODELS.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
