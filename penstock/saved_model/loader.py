"""Reading a SavedModel into the graph of a session."""

from __future__ import annotations

import logging
import os
from typing import Any

from google.protobuf.message import DecodeError

from penstock.formats import protos
from penstock.formats.saved_model import assets_directory, variables_prefix
from penstock.saved_model import constants
from penstock.saved_model.reading import as_tags, find_meta_graph, parse_saved_model, path_of
from penstock.train.meta_graph_import import import_meta_graph_with_elements

_LOG = logging.getLogger("tensorflow")


def load(sess: Any, tags: Any, export_dir: Any, import_scope: str | None = None, **saver_kwargs: Any) -> Any:
    """Add a graph of a SavedModel to the graph of a session, restore its variables, and run its main operation.

    Args:
        sess: the session.
        tags: the tags of the graph.
        export_dir: the folder.
        import_scope: the name scope to put the nodes in, by default none.
        saver_kwargs: accepted as `tf.train.import_meta_graph` does.
    Returns:
        The MetaGraphDef message; `signature_def` in it names the tensors to feed and fetch.
    Raises:
        OSError: if the folder holds no SavedModel, or a damaged one.
        RuntimeError: if no graph has these tags.
        NotFoundError: if it uses operations that nobody declares, or variables are missing.

    >>> import tempfile
    >>> import penstock.v1 as tf
    >>> path = tempfile.mkdtemp()
    >>> with tf.Graph().as_default(), tf.Session() as session:
    ...     x = tf.placeholder(tf.float32, name="x")
    ...     tf.saved_model.simple_save(session, path, {"x": x}, {"y": x * 2.0})
    >>> with tf.Graph().as_default(), tf.Session() as session:
    ...     signature = tf.saved_model.load(session, ["serve"], path).signature_def["serving_default"]
    ...     print(session.run(signature.outputs["y"].name, {"x:0": 4.0}))
    8.0
    """
    directory = path_of(export_dir)
    message = find_meta_graph(parse_saved_model(directory), as_tags(tags))
    with sess.graph.as_default():
        saver, _ = import_meta_graph_with_elements(message, import_scope=import_scope, **saver_kwargs)
        feeds = {
            sess.graph.get_tensor_by_name(_scoped(name, import_scope)): path
            for name, path in asset_paths(message, directory).items()
        }
        if saver is None:
            _LOG.info("The specified SavedModel has no variables; no checkpoints were restored.")
        else:
            saver.restore(sess, variables_prefix(directory))
        initializer = main_op_name(message)
        if initializer is not None:
            sess.run(sess.graph.as_graph_element(_scoped(initializer, import_scope)), feeds)
    return message


def _scoped(name: str, scope: str | None) -> str:
    return f"{scope.rstrip('/')}/{name}" if scope else name


def asset_paths(message: Any, directory: str) -> dict[str, str]:
    """Return the names of the tensors that are to have paths of assets, with these paths.

    Args:
        message: a MetaGraphDef message.
        directory: the folder of the SavedModel.
    Raises:
        OSError: if an asset lies outside the folder.
    """
    definitions = list(message.asset_file_def)
    if not definitions and constants.ASSETS_KEY in message.collection_def:
        for noted in message.collection_def[constants.ASSETS_KEY].any_list.value:
            try:
                definitions.append(protos.AssetFileDef.FromString(noted.value))
            except DecodeError as error:
                raise OSError(f"The SavedModel in {directory!r} has a damaged list of assets: {error}") from None
    paths = {}
    for definition in definitions:
        name = definition.filename
        if os.path.isabs(name) or ".." in name.split("/"):
            raise OSError(f"The SavedModel in {directory!r} names an asset outside its folder: {name!r}")
        paths[definition.tensor_info.name] = os.path.join(assets_directory(directory), name)
    return paths


def main_op_name(message: Any) -> str | None:
    """Return the name of what is to be run after loading, or None.

    Args:
        message: a MetaGraphDef message.
    """
    signature = message.signature_def.get(constants.INIT_OP_SIGNATURE_KEY)
    if signature is not None:
        name: str = signature.outputs[constants.INIT_OP_SIGNATURE_KEY].name
        return name
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in message.collection_def:
            names = message.collection_def[key].node_list.value
            if len(names) > 1:
                raise RuntimeError(f"Expected exactly one main op in collection {key!r}, found {list(names)}")
            if names:
                return str(names[0])
    return None
