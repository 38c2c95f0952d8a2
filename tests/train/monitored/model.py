"""A model for the tests of training loops: one weight, drawn towards the value of a placeholder."""

from __future__ import annotations

import glob
from typing import Any, NamedTuple

import penstock.v1 as tf


class Model(NamedTuple):
    """The placeholder (3.0 by default), the global step, the loss and the operation that trains."""

    x: Any
    step: Any
    loss: Any
    train: Any


def make() -> Model:
    """Make the model in the default graph."""
    x = tf.placeholder_with_default(3.0, [], name="x")
    step = tf.train.get_or_create_global_step()
    loss = tf.square(tf.get_variable("w", initializer=1.0) - x, name="loss")
    tf.summary.scalar("loss", loss)
    return Model(x, step, loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step))


def events(folder: Any) -> list[tuple[str, int, Any]]:
    """Return (kind, step, tags or status) of the events in a folder, without those that describe the file and graph."""
    found = []
    for path in sorted(glob.glob(f"{folder}/events*")):
        for event in tf.train.summary_iterator(path):
            kind = event.WhichOneof("what")
            if kind == "summary":
                found.append((kind, event.step, [value.tag for value in event.summary.value]))
            elif kind == "session_log":
                found.append((kind, event.step, event.session_log.status))
    return found
