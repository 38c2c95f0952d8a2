"""Finding and checking what is to be read: the folder, its message, and the graph of the wanted tags."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from penstock.formats.errors import CorruptDataError
from penstock.formats.saved_model import is_saved_model, read_saved_model


def path_of(export_dir: Any) -> str:
    """Return a folder's path as text."""
    path = os.fspath(export_dir)
    return path.decode() if isinstance(path, bytes) else path


def parse_saved_model(export_dir: Any) -> Any:
    """Return the SavedModel message in a folder.

    Raises:
        OSError: if there is none, or it is damaged.
    """
    try:
        return read_saved_model(path_of(export_dir))
    except CorruptDataError as error:
        raise OSError(str(error)) from None


def contains_saved_model(export_dir: Any) -> bool:
    """Tell whether a folder holds a SavedModel.

    Args:
        export_dir: the folder.

    >>> import penstock as tf
    >>> tf.saved_model.contains_saved_model("no/such/folder")
    False
    """
    return is_saved_model(path_of(export_dir))


def as_tags(tags: Any) -> list[str]:
    """Return tags, which may be one string, as a list."""
    return [tags] if isinstance(tags, str) else list(tags)


def find_meta_graph(message: Any, tags: Iterable[str]) -> Any:
    """Return the MetaGraphDef that has exactly the given tags.

    Raises:
        RuntimeError: if none has.
    """
    wanted = set(tags)
    for meta_graph in message.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == wanted:
            return meta_graph
    available = [set(meta_graph.meta_info_def.tags) or "{}" for meta_graph in message.meta_graphs]
    named = str(sorted(wanted)).strip("[]")
    raise RuntimeError(
        f"MetaGraphDef associated with tags {named} could not be found in SavedModel, with available tags "
        f"'{available}'. To inspect available tag-sets in the SavedModel, use `penstock inspect`."
    )
