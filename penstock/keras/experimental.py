"""`tf.keras.experimental`: names that have a place of their own in Keras 3."""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "CosineDecay": ("optimizers.schedules", "CosineDecay"),
    "CosineDecayRestarts": ("optimizers.schedules", "CosineDecayRestarts"),
    "LinearModel": None,
    "PeepholeLSTMCell": None,
    "SequenceFeatures": None,
    "WideDeepModel": None,
}


def __getattr__(name: str) -> Any:
    """Return a name that was experimental once."""
    place = _PLACES.get(name)
    if place is None:
        removed = " Keras 3 removed it." if name in _PLACES else ""
        raise AttributeError(f"tf.keras.experimental has no attribute {name!r}.{removed}")
    return getattr(importlib.import_module(f"keras.{place[0]}"), place[1])
