"""Writing graphs with the variables of a session as a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.core import dtypes
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.inference import static_value
from penstock.core.operation import Operation
from penstock.formats import protos
from penstock.formats.saved_model import SCHEMA_VERSION, begin_saved_model, variables_prefix, write_message
from penstock.platform import gfile
from penstock.saved_model import constants
from penstock.saved_model.export import AssetFiles
from penstock.saved_model.reading import as_tags, path_of
from penstock.saved_model.save import copy_assets
from penstock.saved_model.signature_defs import predict_signature_def
from penstock.train.saver import Saver

_RESERVED = (constants.INIT_OP_SIGNATURE_KEY, constants.TRAIN_OP_SIGNATURE_KEY)
_ASSET_TYPE = "type.googleapis.com/tensorflow.AssetFileDef"


class SavedModelBuilder:
    """Writes one or more graphs, which share the variables of one session, as a SavedModel.

    Args:
        export_dir: the folder, which must not exist, or be empty.
    Raises:
        AssertionError: if the folder is not empty.

    >>> import tempfile
    >>> import penstock.v1 as tf
    >>> path = tempfile.mkdtemp()
    >>> with tf.Graph().as_default(), tf.Session() as session:
    ...     x = tf.placeholder(tf.float32, name="x")
    ...     y = x * tf.get_variable("w", initializer=3.0)
    ...     session.run(tf.global_variables_initializer())
    ...     builder = tf.saved_model.Builder(path)
    ...     signature = tf.saved_model.predict_signature_def({"x": x}, {"y": y})
    ...     builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
    ...     written = builder.save()
    >>> with tf.Graph().as_default(), tf.Session() as session:
    ...     names = tf.saved_model.load(session, ["serve"], path).signature_def["serving_default"]
    ...     print(session.run(names.outputs["y"].name, {names.inputs["x"].name: 2.0}))
    6.0
    """

    def __init__(self, export_dir: Any) -> None:
        self._directory = path_of(export_dir)
        if gfile.exists(self._directory) and gfile.listdir(self._directory):
            raise AssertionError(
                f"Export directory {self._directory} already exists, and isn't empty. Please choose a different export "
                "directory, or delete all the contents of the specified directory."
            )
        gfile.makedirs(self._directory)
        self._message = protos.SavedModel(saved_model_schema_version=SCHEMA_VERSION)
        self._has_saved_variables = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Add the default graph, and write the values that its variables have in a session.

        Args:
            sess: the session.
            tags: what the graph is found by.
            signature_def_map: signatures by name.
            assets_collection: scalar string tensors, constants with the paths of files to take along.
            legacy_init_op: the former name of `main_op`.
            clear_devices: whether requested devices are left out.
            main_op: an operation to run after loading, for example one that fills tables.
            strip_default_attrs: whether attributes that have their default values are left out.
            saver: what saves and restores the variables, by default a Saver of all.
        Raises:
            AssertionError: if variables were written before, or a signature names no tensor.
        """
        if self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please invoke `add_meta_graph()` "
                "instead."
            )
        _check_signatures(signature_def_map)
        saver = self._prepare(assets_collection, main_op if legacy_init_op is None else legacy_init_op, saver)
        begin_saved_model(self._directory)
        saver.save(sess, variables_prefix(self._directory), write_meta_graph=False, write_state=False)
        self._add(tags, signature_def_map, assets_collection, saver, clear_devices, strip_default_attrs)
        self._has_saved_variables = True

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Add the default graph, whose variables have been written already; see `add_meta_graph_and_variables`.

        Raises:
            AssertionError: if no variables were written before, or a signature names no tensor.
        """
        if not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please invoke "
                "`add_meta_graph_and_variables()` first."
            )
        _check_signatures(signature_def_map)
        saver = self._prepare(assets_collection, main_op if legacy_init_op is None else legacy_init_op, saver)
        self._add(tags, signature_def_map, assets_collection, saver, clear_devices, strip_default_attrs)

    def save(
        self,
        as_text: bool = False,
        experimental_image_format: bool = False,
        experimental_image_writer_options: Any = None,
    ) -> bytes:
        """Write the message, with which the folder becomes a SavedModel.

        Args:
            as_text: whether to write text.
            experimental_image_format, experimental_image_writer_options: accepted as TensorFlow does.
        Returns:
            The path of the file.
        """
        begin_saved_model(self._directory)
        return write_message(self._directory, self._message, as_text).encode()

    def _prepare(self, assets: Any, main_op: Any, saver: Saver | None) -> Saver:
        """Note the main operation in the graph, and return what saves the variables."""
        if main_op is not None:
            if not isinstance(main_op, Operation):
                raise TypeError(f"Expected {main_op} to be an Operation but got type {type(main_op)} instead.")
            graph = get_default_graph()
            if graph.get_collection(constants.MAIN_OP_KEY):
                raise ValueError(
                    f"Graph already contains one or more main ops under the collection {constants.MAIN_OP_KEY}."
                )
            graph.add_to_collection(constants.MAIN_OP_KEY, main_op)
        return saver or Saver(sharded=True, write_version=protos.SaverDef.V2, allow_empty=True)

    def _add(
        self,
        tags: Iterable[str],
        signatures: Mapping[str, Any] | None,
        assets: Any,
        saver: Saver,
        clear_devices: bool,
        strip_default_attrs: bool,
    ) -> None:
        message = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        files = AssetFiles()
        for tensor in assets or ():
            path = static_value(tensor)
            if path is None or tensor.dtype.base_dtype != dtypes.string or path.ndim:
                raise ValueError(f"Invalid asset filepath tensor {tensor!r}: an asset is a constant scalar string.")
            definition = protos.AssetFileDef(filename=files.add(os.fsdecode(path.item())))
            definition.tensor_info.name = tensor.name
            message.asset_file_def.append(definition)
            noted = message.collection_def[constants.ASSETS_KEY].any_list.value.add()
            noted.type_url, noted.value = _ASSET_TYPE, definition.SerializeToString()
        copy_assets(self._directory, files.names)
        message.meta_info_def.tags.extend(as_tags(tags))
        for name, signature in (signatures or {}).items():
            message.signature_def[name].CopyFrom(signature)
        self._message.meta_graphs.add().CopyFrom(message)


def _check_signatures(signatures: Mapping[str, Any] | None) -> None:
    for name, signature in (signatures or {}).items():
        if name in _RESERVED:
            raise KeyError(f"SignatureDef map key {name!r} is reserved for internal use.")
        for infos in (signature.inputs, signature.outputs):
            for info in infos.values():
                if info.WhichOneof("encoding") is None:
                    raise AssertionError(
                        f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have one "
                        "of the 'encoding' fields (e.g., name or coo_sparse) set."
                    )


def simple_save(
    session: Any,
    export_dir: Any,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Write the default graph and the variables of a session as a SavedModel with one signature.

    Args:
        session: the session.
        export_dir: the folder, which must not exist, or be empty.
        inputs, outputs: tensors of the signature "serving_default" by name.
        legacy_init_op: an operation to run after loading, for example one that fills tables.
    Raises:
        AssertionError: if the folder is not empty.
    """
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        tags=[constants.SERVING],
        signature_def_map={constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)},
        assets_collection=get_default_graph().get_collection(GraphKeys.ASSET_FILEPATHS),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()
