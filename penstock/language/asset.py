"""`tf.saved_model.Asset`: a file that a saved model takes along."""

from __future__ import annotations

import os
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor, register_conversion
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import Tensor
from penstock.language.init_scope import init_scope
from penstock.language.trackable import Trackable


class Asset(Trackable):
    """A file that is copied into the folder of a saved model, where functions that use its path then find it.

    Args:
        path: the file's path, a string or a scalar string tensor.

    >>> import penstock as tf
    >>> asset = tf.saved_model.Asset("vocabulary.txt")
    >>> asset.asset_path.numpy()
    b'vocabulary.txt'
    """

    def __init__(self, path: Any) -> None:
        with init_scope():
            path = path if isinstance(path, (Tensor, str, bytes)) else os.fspath(path)
            self._path = convert_to_tensor(path, dtypes.string, name="asset_path")
            if not executing_eagerly():
                get_default_graph().add_to_collection(GraphKeys.ASSET_FILEPATHS, self._path)

    @property
    def asset_path(self) -> Any:
        """The path, a scalar string tensor."""
        return self._path

    def __repr__(self) -> str:
        return f"<Asset {self._path!r}>"


def _as_tensor(asset: Asset, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    return convert_to_tensor(asset.asset_path, dtype)


register_conversion(Asset, _as_tensor, 100)
