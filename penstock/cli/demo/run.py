"""Train the digit readers, save them, restore them in new sessions, and predict."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import penstock.v1 as tf
from penstock.cli.demo import models, report
from penstock.cli.demo.data import Digits
from penstock.examples.tutorials.mnist.input_data import DataSet

BATCH_SIZE = 100
LEARNING_RATES = (0.1, 0.01, 0.001)
# The test set goes through the graph in pieces, so that memory does not grow with it.
EVALUATION_BATCH_SIZE = 500
SUMMARIES_PER_RUN = 40


@dataclass(frozen=True)
class Trained:
    """What became of a training run.

    Attributes:
        checkpoint: path prefix of the saved variables.
        steps_per_second: of training alone, without summaries, evaluation and the first step, which compiles.
        predictions: for all test images, int64 of shape (n,).
    """

    checkpoint: str
    steps_per_second: float
    predictions: np.ndarray


def run_demo(digits: Digits, output_dir: Path, *, steps: int, epochs: int, seed: int) -> list[report.Row]:
    """Train both models and leave checkpoints, logs and the picture in `output_dir`.

    Args:
        digits: to train and test on.
        output_dir: an existing folder.
        steps: of softmax regression, 100 images each; the runs at other learning rates take as many.
        epochs: of the CNN.
        seed: of weights and dropout.
    Returns:
        The rows of the printed table.
    Raises:
        OSError: if a file can not be written.
    """
    console = Console()
    console.print(
        f"{digits.name}: {digits.sets.train.num_examples} for training, {digits.sets.test.num_examples} for testing"
    )
    steps_per_epoch = max(1, digits.sets.train.num_examples // BATCH_SIZE)
    softmax = models.softmax_regression(digits.side, seed)
    cnn = models.convolutional(digits.side, seed, steps_per_epoch)
    plan = [(softmax, "softmax", steps), (cnn, "cnn", epochs * steps_per_epoch)]

    rows = []
    with _progress(console) as progress:
        for model, folder, num_steps in plan:
            trained = train(model, digits, output_dir, folder, num_steps, progress)
            restored = restore_and_predict(model, trained.checkpoint, digits.sets.test)
            if not np.array_equal(restored, trained.predictions):
                raise RuntimeError(f"{model.name}: restored from {trained.checkpoint}, it predicts something else")
            truth = digits.sets.test.labels.argmax(axis=1)
            accuracy = float(np.mean(restored == truth))
            rows.append(report.Row(model.name, model.num_parameters, trained.steps_per_second, accuracy))
        for learning_rate in LEARNING_RATES:
            model = models.softmax_regression(digits.side, seed, learning_rate)
            train(model, digits, output_dir, f"learning_rate_{learning_rate}", steps, progress)

    report.print_table(console, rows)
    picture = output_dir / "demo.png"
    report.draw(picture, digits, restored, f"{rows[-1].model}, {rows[-1].accuracy:.1%} right")
    console.print(f"saved, restored in a new session: the same {len(truth)} predictions")
    console.print(f"picture      {picture}", highlight=False)
    console.print(f"TensorBoard  tensorboard --logdir {output_dir / 'logs'}", highlight=False)
    return rows


def train(
    model: models.Model, digits: Digits, output_dir: Path, folder: str, num_steps: int, progress: Progress
) -> Trained:
    """Train a model from its initial values, with summaries of the test set, and save it.

    Args:
        model: whose graph runs in a new session.
        digits: to train on; `sets.test` is predicted afterwards.
        output_dir: gets `logs/<folder>` and `checkpoints/<folder>`.
        folder: the name of this run.
        num_steps: how many steps of BATCH_SIZE images.
        progress: shows a bar for this run.
    """
    train_set, test_set = digits.sets.train, digits.sets.test
    watched = {
        model.images: test_set.images[:EVALUATION_BATCH_SIZE],
        model.labels: test_set.labels[:EVALUATION_BATCH_SIZE],
    }
    steps_per_summary = max(1, num_steps // SUMMARIES_PER_RUN)
    checkpoint_dir = output_dir / "checkpoints" / folder
    checkpoint_dir.mkdir(parents=True, exist_ok=True)
    bar = progress.add_task(folder.replace("_", " "), total=num_steps)
    training_seconds = 0.0

    with tf.Session(graph=model.graph) as session:
        writer = tf.summary.FileWriter(str(output_dir / "logs" / folder), model.graph)
        session.run(model.initialize)
        for step in range(num_steps):
            if step % steps_per_summary == 0:
                writer.add_summary(session.run(model.summaries, watched), step)
            images, labels = train_set.next_batch(BATCH_SIZE)
            feeds = {
                model.images: images,
                model.labels: labels,
                model.keep_probability: models.TRAINING_KEEP_PROBABILITY,
            }
            start = time.perf_counter()
            session.run(model.train_step, feeds)
            if step:
                training_seconds += time.perf_counter() - start
            progress.advance(bar)
        writer.add_summary(session.run(model.summaries, watched), num_steps)
        writer.close()
        checkpoint = model.saver.save(session, str(checkpoint_dir / "model.ckpt"), global_step=num_steps)
        predictions = predict(session, model, test_set)
    steps_per_second = (num_steps - 1) / training_seconds if training_seconds else float("nan")
    return Trained(checkpoint, steps_per_second, predictions)


def restore_and_predict(model: models.Model, checkpoint: str, data_set: DataSet) -> np.ndarray:
    """Return what a new session predicts for all images after restoring a checkpoint, int64 of shape (n,)."""
    with tf.Session(graph=model.graph) as session:
        model.saver.restore(session, checkpoint)
        return predict(session, model, data_set)


def predict(session: tf.Session, model: models.Model, data_set: DataSet) -> np.ndarray:
    """Return the predicted classes of all images of a data set, int64 of shape (n,)."""
    pieces = [
        session.run(model.predictions, {model.images: data_set.images[first : first + EVALUATION_BATCH_SIZE]})
        for first in range(0, data_set.num_examples, EVALUATION_BATCH_SIZE)
    ]
    return np.concatenate(pieces)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
