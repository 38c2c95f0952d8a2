"""Keras on Penstock, in a process of its own: it claims the name `tensorflow` for the whole process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed")

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import warnings
import numpy as np
import penstock as tf

keras = tf.keras
layers = keras.layers

def model():
    keras.utils.set_random_seed(1)
    return keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
                             layers.Flatten(), layers.Dropout(0.2), layers.Dense(3, activation="softmax")])

rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 64)
histories = []
for eagerly in (False, False, True):
    net = model()
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eagerly)
    log = keras.callbacks.TensorBoard("FOLDER/logs", histogram_freq=1)
    histories.append(net.fit(x, y, batch_size=16, epochs=2, validation_split=0.25, verbose=0, callbacks=[log]).history)
np.testing.assert_array_equal(histories[0]["loss"], histories[1]["loss"])
np.testing.assert_allclose(histories[0]["loss"], histories[2]["loss"], rtol=1e-5)

net.save("FOLDER/net.keras")
net.save_weights("FOLDER/net.weights.h5")
np.testing.assert_allclose(keras.models.load_model("FOLDER/net.keras").predict(x, verbose=0), net.predict(x, verbose=0),
                           rtol=1e-5)
other = model()
other.load_weights("FOLDER/net.weights.h5")
np.testing.assert_array_equal(other.get_weights()[0], net.get_weights()[0])

dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64, seed=1).batch(16)
net.fit(dataset, epochs=1, verbose=0)
assert len(net.evaluate(dataset, verbose=0)) == 2

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    optimizer = keras.optimizers.SGD(lr=0.5)
assert any("lr" in str(item.message) for item in caught)
w = tf.Variable(3.0)
optimizer.minimize(lambda: w * w, [w])
assert float(w) == 0.0, w

compiled = model()
compiled.compile("adam", "sparse_categorical_crossentropy")
compiled.fit(x, y, batch_size=32, epochs=1, verbose=0)
names = [closure.cell_contents for closure in compiled.train_function.__closure__ or ()]
functions = [item for item in [compiled.train_function, *names] if hasattr(item, "experimental_get_tracing_count")]
traced = [item.experimental_get_tracing_count() for item in functions]
assert functions and sum(traced) >= 1
compiled.fit(x, y, batch_size=32, epochs=3, verbose=0)
assert [item.experimental_get_tracing_count() for item in functions] == traced, traced

assert float(keras.backend.sum(tf.constant([1.0, 2.0]))) == 3.0
keras.backend.clear_session()
try:
    keras.absent
except AttributeError as error:
    assert "tf.keras" in str(error)
print("done")
"""


SEEDED = """
import numpy as np
import penstock as tf

keras = tf.keras
x = np.linspace(-1, 1, 64, dtype="float32").reshape(16, 4)
losses = []
for _ in range(2):
    keras.utils.set_random_seed(7)
    net = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    net.compile("sgd", "mse")
    losses.append(net.fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0).history["loss"])
assert losses[0] == losses[1], losses
print(losses[0])
"""


def _run(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_models_train_save_and_load_and_are_traced_once(tmp_path: Path) -> None:
    assert _run(PROGRAM.replace("FOLDER", str(tmp_path))).endswith("done")


def test_seeds_make_runs_repeatable_within_a_process_and_between_two() -> None:
    assert _run(SEEDED) == _run(SEEDED)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["training", "saving", "layers", "core"])
def test_a_slice_of_kerass_own_tests_passes(name: str) -> None:
    runner = Path(__file__).with_name("run_keras_tests.py")
    done = subprocess.run(
        [sys.executable, str(runner), "--slice", name, "-n", "0"],
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
