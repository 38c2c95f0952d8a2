"""The message for a name of `tf.contrib` that is not here: which names are, and what is used today."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from typing import Any

_TODAY = {
    "contrib": {
        "distribute": "tf.distribute",
        "estimator": "tf.estimator",
        "keras": "tf.keras",
        "learn": "tf.estimator or tf.keras",
        "cudnn_rnn": "tf.contrib.rnn.LSTMBlockFusedCell or tf.keras.layers.LSTM",
        "summary": "tf.compat.v2.summary",
        "data": "tf.data and tf.data.experimental",
        "image": "tf.image",
        "signal": "tf.signal",
        "cluster_resolver": "tf.distribute.cluster_resolver",
        "saved_model": "tf.saved_model",
        "quantize": "tf.quantization",
        "distributions": "the package tensorflow_probability",
        "bayesflow": "the package tensorflow_probability",
    },
    "contrib.rnn": {"CudnnLSTM": "LSTMBlockFusedCell"},
    "contrib.layers": {
        "group_norm": "layer_norm",
        "feature_column": "tf.feature_column",
        "real_valued_column": "tf.feature_column.numeric_column",
        "safe_embedding_lookup_sparse": "tf.nn.safe_embedding_lookup_sparse",
        "summarize_activation": "tf.summary.histogram",
        "recompute_grad": "tf.recompute_grad",
    },
    "contrib.training": {
        "train": "tf.train.MonitoredTrainingSession",
        "batch_sequences_with_states": "tf.nn.dynamic_rnn",
    },
    "contrib.framework": {"deprecated": "nothing: warnings.warn"},
}


def missing(module: str) -> Callable[[str], Any]:
    """Return a `__getattr__` for a module of the face.

    Args:
        module: its name, such as "penstock.v1.contrib.rnn".
    """
    path = module.partition(".v1.")[2]

    def explain(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        names = sorted(key for key in vars(sys.modules[module]) if not key.startswith("_"))
        text = f"tf.{path} has no attribute {name!r} here."
        today = _TODAY.get(path, {}).get(name)
        if today is not None:
            text += f" Use {today}."
        near = difflib.get_close_matches(name, names, 3)
        if near:
            text += f" Did you mean {' or '.join(near)}?"
        raise AttributeError(f"{text} It has: {', '.join(names)}.")

    return explain
