"""California's block groups: where they lie from their other columns (classification), and what houses cost
(regression).

The table is `housing.csv` where there is one; otherwise a small synthetic table stands in for it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--csv", default=str(Path(__file__).resolve().parents[2] / "shared/data/housing/housing.csv"))
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--rows", type=int, default=20640)
arguments = parser.parse_args()
tf.keras.utils.set_random_seed(42)


def read_table(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, values of houses, and places as numbers."""
    if Path(path).exists():
        lines = [line.split(",") for line in Path(path).read_text().splitlines()[1:]]
        lines = [line for line in lines if all(line)]
        table = np.array([[float(field) for field in line[:9]] for line in lines], dtype=np.float32)
        places = np.array([line[9] for line in lines])
    else:
        generator = np.random.default_rng(0)
        table = generator.normal(size=(1000, 9)).astype(np.float32)
        table[:, 8] = table[:, 7] * 50000 + 200000 + table[:, 0] * 10000
        places = np.where(table[:, 0] > 0.3, "INLAND", np.where(table[:, 1] > 0, "NEAR BAY", "NEAR OCEAN"))
    order = np.random.default_rng(1).permutation(len(table))[: arguments.rows]
    table, places = table[order], places[order]
    features = np.delete(table, 8, axis=1)
    features = (features - features.mean(0)) / features.std(0)
    return features, table[:, 8:9] / 100000, np.unique(places, return_inverse=True)[1].astype("int32")


def split(*arrays: np.ndarray) -> list[list[np.ndarray]]:
    """Return the arrays' training, development and test rows: 80, 10 and 10 percent."""
    count = len(arrays[0])
    edges = [0, int(0.8 * count), int(0.9 * count), count]
    return [[array[a:b] for array in arrays] for a, b in zip(edges, edges[1:], strict=False)]


features, values, places = read_table(arguments.csv)
(x, y, c), (x_dev, y_dev, c_dev), (x_test, y_test, c_test) = split(features, values, places)
classes = int(places.max()) + 1


def network(outputs: int, activation: str | None) -> tf.keras.Model:
    """Return a network with two hidden layers and dropout."""
    return tf.keras.Sequential(
        [
            tf.keras.layers.Input((x.shape[1],)),
            tf.keras.layers.Dense(64, activation="relu"),
            tf.keras.layers.Dropout(0.2),
            tf.keras.layers.Dense(32, activation="relu"),
            tf.keras.layers.Dense(outputs, activation=activation),
        ]
    )


early_stopping = tf.keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
classifier = network(classes, "softmax")
classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
classifier.fit(
    x, c, batch_size=64, epochs=arguments.epochs, validation_data=(x_dev, c_dev), callbacks=[early_stopping], verbose=0
)
predicted = classifier.predict(x_test, verbose=0).argmax(axis=1)
print(f"places: accuracy {np.mean(predicted == c_test):.3f}")
print(tf.math.confusion_matrix(c_test, predicted, num_classes=classes).numpy())

regressor = network(1, None)
regressor.compile(tf.keras.optimizers.RMSprop(1e-3), "mse", metrics=["mae"])
stopping = tf.keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
regressor.fit(
    x, y, batch_size=64, epochs=arguments.epochs, validation_data=(x_dev, y_dev), callbacks=[stopping], verbose=0
)
_, error = regressor.evaluate(x_test, y_test, verbose=0)
print(f"values: mean absolute error {100000 * error:.0f} dollars")
