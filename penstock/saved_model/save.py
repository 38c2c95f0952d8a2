"""Writing objects, their functions and variables as a SavedModel."""

from __future__ import annotations

import os
import shutil
from typing import Any

from penstock.core.context import executing_eagerly
from penstock.core.graph import get_default_graph
from penstock.formats import protos
from penstock.formats.saved_model import (
    FINGERPRINT_FILE,
    SCHEMA_VERSION,
    assets_directory,
    begin_saved_model,
    variables_prefix,
    write_message,
    write_whole,
)
from penstock.language.trackable import is_tracked
from penstock.saved_model.export import Export
from penstock.saved_model.fingerprint import fingerprint_of
from penstock.saved_model.objects import SavedObjects
from penstock.saved_model.options import SaveOptions
from penstock.saved_model.reading import path_of
from penstock.saved_model.signatures import find_default, make_signatures
from penstock.train.checkpoint import write_objects


def save(obj: Any, export_dir: Any, signatures: Any = None, options: SaveOptions | None = None) -> None:
    """Write an object, and what it holds, as a SavedModel.

    Variables, tables, modules, lists and dictionaries that are attributes are written, and every `tf.function` with the
    traces that it has or, if it was declared with an input signature, will have. The folder holds no model until
    everything is written.

    Args:
        obj: the object, of a class that derives from `tf.Module`, or another trackable object.
        export_dir: the folder; a model that it holds is replaced.
        signatures: a `tf.function` with an input signature, a concrete function, or a dictionary of them by name. By
            default the function of `obj`, if it has only one that takes and returns tensors.
        options: see `SaveOptions`.
    Raises:
        ValueError: if `obj` is not trackable, or a signature takes or returns something else than tensors.
        KeyError: if a function uses a variable, table or other resource that is not reachable from `obj`.
        AssertionError: while a graph is built.
        NotFoundError: if a file that a table or `Asset` names does not exist.
        OSError: if the folder cannot be written.

    >>> import tempfile
    >>> import penstock as tf
    >>> class Scale(tf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = tf.Variable(3.0)
    ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> path = tempfile.mkdtemp()
    >>> tf.saved_model.save(Scale(), path)
    >>> tf.saved_model.load(path)([1.0, 2.0]).numpy().tolist()
    [3.0, 6.0]
    """
    if not executing_eagerly():
        if get_default_graph().building_function:
            raise RuntimeError(
                "tf.saved_model.save is not supported inside a traced @tf.function. Move the call to the outer eagerly-"
                "executed context."
            )
        raise AssertionError(
            "tf.saved_model.save is not supported when graph building: it writes objects and functions. In a graph, "
            "use tf.compat.v1.saved_model.simple_save or Builder."
        )
    if not is_tracked(obj, "savedmodel"):
        raise ValueError(
            "Expected an object of type `Trackable`, such as `tf.Module` or a subclass of the `Trackable` class, for "
            f"export. Got {obj!r} with type {type(obj)}."
        )
    options = options or SaveOptions()
    directory = path_of(export_dir)
    made, defaults = make_signatures(find_default(obj) if signatures is None else signatures)
    saved = SavedObjects(obj, made, options.experimental_custom_gradients)
    export = Export(saved, made, defaults, options)
    message = protos.SavedModel(saved_model_schema_version=SCHEMA_VERSION)
    message.meta_graphs.add().CopyFrom(export.meta_graph)
    begin_saved_model(directory)
    write_objects(saved.objects, variables_prefix(directory))
    copy_assets(directory, export.assets.names)
    write_whole(
        os.path.join(directory, FINGERPRINT_FILE),
        fingerprint_of(message, directory).SerializeToString(),
    )
    write_message(directory, message)


def copy_assets(directory: str, names: dict[str, str]) -> None:
    """Copy files into the folder of a saved model.

    Args:
        directory: the folder.
        names: path of a file -> its name in the model.
    """
    target = assets_directory(directory)
    os.makedirs(target, exist_ok=True)
    for path, name in names.items():
        destination = os.path.join(target, name)
        if not (os.path.exists(destination) and os.path.samefile(path, destination)):
            shutil.copyfile(path, destination)
