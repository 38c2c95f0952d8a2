"""What the demo shows at the end: a table and a picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from penstock.cli.demo.data import Digits

NUM_CLASSES = 10
SAMPLE_ROWS, SAMPLE_COLUMNS = 5, 6
RIGHT_COLOR, WRONG_COLOR = "#1b7837", "#c51b1b"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    model: str
    num_parameters: int
    steps_per_second: float
    accuracy: float


def print_table(console: Console, rows: list[Row]) -> None:
    """Print one line per trained model."""
    table = Table(title="on digits never seen in training")
    table.add_column("model")
    for heading in ("parameters", "steps/s", "accuracy"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row.model, f"{row.num_parameters:,}", f"{row.steps_per_second:,.0f}", f"{row.accuracy:.4f}")
    console.print(table)


def confusion_matrix(truth: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Count pairs of classes: entry (i, j) says how many digits i were read as j, int64 of shape (10, 10)."""
    counts = np.zeros((NUM_CLASSES, NUM_CLASSES), dtype=np.int64)
    np.add.at(counts, (truth, predictions), 1)
    return counts


def choose_samples(truth: np.ndarray, predictions: np.ndarray, count: int) -> np.ndarray:
    """Return indices of digits to show: a few that were read wrong, and for the rest the first ones."""
    wrong = np.flatnonzero(truth != predictions)[: count // 4]
    right = np.flatnonzero(truth == predictions)[: count - len(wrong)]
    return np.sort(np.concatenate([wrong, right]))


def draw(path: Path, digits: Digits, predictions: np.ndarray, title: str) -> None:
    """Write a PNG with sample digits, what was read, and the confusion matrix.

    Args:
        path: of the PNG; an older one is replaced only when the new one is complete.
        digits: whose test set was predicted.
        predictions: one class for each test image, int64 of shape (n,).
        title: above the picture.
    Raises:
        OSError: if the file can not be written.
    """
    truth = digits.sets.test.labels.argmax(axis=1)
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{digits.name}: {title}")
    samples_figure, matrix_figure = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.1, 1])[0]
    axes = samples_figure.subplots(SAMPLE_ROWS, SAMPLE_COLUMNS)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, index in zip(axes.flat, choose_samples(truth, predictions, axes.size)):
        image = digits.sets.test.images[index].reshape(digits.side, digits.side)
        _draw_digit(axis, image, int(truth[index]), int(predictions[index]))
    _draw_matrix(matrix_figure.subplots(), confusion_matrix(truth, predictions))

    unfinished = path.with_name(f".{path.name}.unfinished")
    figure.savefig(unfinished, format="png", dpi=110)
    os.replace(unfinished, path)


def _draw_digit(axis: Axes, image: np.ndarray, truth: int, prediction: int) -> None:
    is_right = truth == prediction
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    axis.set_title(
        f"{prediction}" if is_right else f"{prediction}, is {truth}",
        color=RIGHT_COLOR if is_right else WRONG_COLOR,
        fontsize=10,
    )


def _draw_matrix(axis: Axes, counts: np.ndarray) -> None:
    # Square roots keep single mistakes visible beside a thousand right answers.
    axis.imshow(np.sqrt(counts), cmap="Blues")
    axis.set(xlabel="read as", ylabel="digit", xticks=range(NUM_CLASSES), yticks=range(NUM_CLASSES))
    for row, column in np.argwhere(counts):
        axis.text(
            column,
            row,
            f"{counts[row, column]}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if row == column else "black",
        )
