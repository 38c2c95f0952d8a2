"""Writes the SavedModels of tests/saved_model/data with TensorFlow 2.21: run it by a Python that has TensorFlow."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "saved_model" / "data"


def _initializer(tf: Any, words: Path) -> Any:
    index = tf.lookup.TextFileIndex
    return tf.lookup.TextFileInitializer(str(words), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)


def write_objects(tf: Any, words: Path) -> None:
    """Write a module with variables, a list, a table with an asset, and functions."""

    class Model(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
            self.parts = [tf.Variable(0.5, name="b")]
            self.table = tf.lookup.StaticHashTable(_initializer(tf, words), -1)

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            return tf.matmul(x, self.w) + self.parts[0]

        @tf.function  # type: ignore[untyped-decorator]
        def find(self, words: Any, shift: bool = True) -> Any:
            found = self.table.lookup(words)
            return found + 10 if shift else found

    model = Model()
    model.find.get_concrete_function(tf.TensorSpec([None], tf.string))
    model.find.get_concrete_function(tf.TensorSpec([None], tf.string), False)
    tf.saved_model.save(model, str(DATA / "objects"), signatures=model.__call__)


def write_graph(tf: Any, words: Path) -> None:
    """Write a graph with a reference variable, a table with an asset, and a signature."""
    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        sought = v1.placeholder(tf.string, [None], name="words")
        w = v1.get_variable("w", initializer=[[1.0], [2.0]], use_resource=False)
        y = tf.matmul(x, w, name="y")
        numbers = tf.lookup.StaticHashTable(_initializer(tf, words), -1).lookup(sought)
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(
            session,
            str(DATA / "graph"),
            {"x": x, "words": sought},
            {"y": y, "numbers": numbers},
            legacy_init_op=v1.tables_initializer(),
        )


if __name__ == "__main__":
    tensorflow = importlib.import_module("tensorflow")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "words.txt"
        file.write_text("red\ngreen\n")
        for name in ("objects", "graph"):
            shutil.rmtree(DATA / name, ignore_errors=True)
        write_objects(tensorflow, file)
        write_graph(tensorflow, file)
