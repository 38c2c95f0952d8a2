"""Signatures of graphs: messages that name tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.graph import Graph, get_default_graph
from penstock.core.graph_def import shape_proto
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import EagerTensor
from penstock.formats import protos
from penstock.formats.saved_model import begin_saved_model, write_message
from penstock.saved_model import constants
from penstock.saved_model.reading import as_tags, find_meta_graph, parse_saved_model, path_of


def build_tensor_info(tensor: Any) -> Any:
    """Return the TensorInfo message that names a tensor of a graph.

    Args:
        tensor: a tensor, variable or SparseTensor.
    Raises:
        RuntimeError: for an eager tensor, which has no name.

    >>> import penstock.v1 as tf
    >>> with tf.Graph().as_default():
    ...     info = tf.saved_model.build_tensor_info(tf.placeholder(tf.float32, [None, 2], name="x"))
    >>> info.name
    'x:0'
    """
    if isinstance(tensor, EagerTensor):
        raise RuntimeError("`build_tensor_info` is not supported in Eager mode.")
    shape = tensor.get_shape() if hasattr(tensor, "get_shape") else TensorShape(tensor.shape)
    info = protos.TensorInfo(
        dtype=as_dtype(tensor.dtype).base_dtype.as_datatype_enum, tensor_shape=shape_proto(shape.as_tuple())
    )
    if isinstance(tensor, SparseTensor):
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        info.name = tensor.name
    return info


def get_tensor_from_tensor_info(tensor_info: Any, graph: Graph | None = None, import_scope: str | None = None) -> Any:
    """Return the tensor of a graph that a TensorInfo message names.

    Args:
        tensor_info: the message.
        graph: by default the default graph.
        import_scope: the name scope that the graph was loaded into.
    Raises:
        KeyError: if the graph has no such tensor.
        ValueError: if the message names none.
    """
    graph = graph or get_default_graph()

    def find(name: str) -> Any:
        return graph.get_tensor_by_name(f"{import_scope}/{name}" if import_scope else name)

    encoding = tensor_info.WhichOneof("encoding")
    if encoding == "name":
        return find(tensor_info.name)
    if encoding == "coo_sparse":
        sparse = tensor_info.coo_sparse
        return SparseTensor(
            find(sparse.indices_tensor_name), find(sparse.values_tensor_name), find(sparse.dense_shape_tensor_name)
        )
    raise ValueError(f"Invalid TensorInfo.encoding: {encoding}. Expected `coo_sparse` or `name`.")


def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """Return a SignatureDef message.

    Args:
        inputs, outputs: TensorInfo messages by name.
        method_name: the name of the service method.
        defaults: values of inputs that may be left out: TensorProto messages or values.
    """
    message = protos.SignatureDef(method_name=method_name or "")
    for target, infos in ((message.inputs, inputs), (message.outputs, outputs)):
        for name, info in (infos or {}).items():
            target[name].CopyFrom(info)
    for name, value in (defaults or {}).items():
        message.defaults[name].CopyFrom(value)
    return message


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """Return the signature of a model that takes and returns any tensors.

    Args:
        inputs, outputs: tensors by name.
    Raises:
        ValueError: if there are none.
    """
    for what, tensors in (("inputs", inputs), ("outputs", outputs)):
        if not tensors:
            raise ValueError(f"Prediction `{what}` cannot be None or empty.")
    return build_signature_def(
        {name: build_tensor_info(tensor) for name, tensor in inputs.items()},
        {name: build_tensor_info(tensor) for name, tensor in outputs.items()},
        constants.PREDICT_METHOD_NAME,
    )


def _check(tensor: Any, dtype: Any, text: str) -> Any:
    info = build_tensor_info(tensor)
    if as_dtype(info.dtype) != dtype:
        raise ValueError(f"{text} Found tensors of type {as_dtype(info.dtype).name}.")
    return info


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """Return the signature of a classifier of serialized examples.

    Args:
        examples: a tensor of strings.
        classes: a tensor of strings, or None.
        scores: a tensor of floats, or None.
    Raises:
        ValueError: if a tensor is missing, or of another type.
    """
    if examples is None:
        raise ValueError("Classification `examples` cannot be None.")
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    inputs = {
        constants.CLASSIFY_INPUTS: _check(
            examples, dtypes.string, "Classification input tensors must be of type string."
        )
    }
    outputs = {}
    if classes is not None:
        outputs[constants.CLASSIFY_OUTPUT_CLASSES] = _check(
            classes, dtypes.string, "Classification classes must be of type string Tensor."
        )
    if scores is not None:
        outputs[constants.CLASSIFY_OUTPUT_SCORES] = _check(
            scores, dtypes.float32, "Classification scores must be a float Tensor."
        )
    return build_signature_def(inputs, outputs, constants.CLASSIFY_METHOD_NAME)


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """Return the signature of a regression on serialized examples.

    Args:
        examples: a tensor of strings.
        predictions: a tensor of floats.
    Raises:
        ValueError: if a tensor is missing, or of another type.
    """
    for what, tensor in (("examples", examples), ("predictions", predictions)):
        if tensor is None:
            raise ValueError(f"Regression `{what}` cannot be None.")
    inputs = {
        constants.REGRESS_INPUTS: _check(examples, dtypes.string, "Regression input tensors must be of type string.")
    }
    outputs = {
        constants.REGRESS_OUTPUTS: _check(
            predictions, dtypes.float32, "Regression output tensors must be of type float."
        )
    }
    return build_signature_def(inputs, outputs, constants.REGRESS_METHOD_NAME)


def is_valid_signature(signature_def: Any) -> bool:
    """Tell whether TensorFlow Serving's classify, regress or predict method can use a signature.

    Args:
        signature_def: a SignatureDef message, or None.
    """
    if signature_def is None:
        return False
    method, inputs, outputs = signature_def.method_name, signature_def.inputs, signature_def.outputs

    def types(infos: Any, allowed: Mapping[str, Any]) -> bool:
        return set(infos) <= set(allowed) and all(as_dtype(infos[name].dtype) == allowed[name] for name in infos)

    if method == constants.PREDICT_METHOD_NAME:
        return bool(inputs) and bool(outputs)
    if method == constants.REGRESS_METHOD_NAME:
        return (
            len(inputs) == len(outputs) == 1
            and types(inputs, {constants.REGRESS_INPUTS: dtypes.string})
            and types(outputs, {constants.REGRESS_OUTPUTS: dtypes.float32})
        )
    if method == constants.CLASSIFY_METHOD_NAME:
        results = {
            constants.CLASSIFY_OUTPUT_CLASSES: dtypes.string,
            constants.CLASSIFY_OUTPUT_SCORES: dtypes.float32,
        }
        return (
            len(inputs) == 1
            and types(inputs, {constants.CLASSIFY_INPUTS: dtypes.string})
            and bool(outputs)
            and types(outputs, results)
        )
    return False


class MethodNameUpdater:
    """Changes the service methods of signatures in a SavedModel.

    Args:
        export_dir: the folder.
    Raises:
        OSError: if it holds no SavedModel.
    """

    def __init__(self, export_dir: Any) -> None:
        self._directory = path_of(export_dir)
        self._message = parse_saved_model(self._directory)

    def replace_method_name(self, signature_key: str, method_name: str, tags: Any = None) -> None:
        """Change one signature, of all graphs or of the one with the given tags.

        Args:
            signature_key: the signature's name.
            method_name: the new name of its method.
            tags: the tags of the graph; by default all graphs are searched.
        Raises:
            ValueError: if a name is missing, or no graph has the signature.
            RuntimeError: if no graph has these tags.
        """
        if not signature_key or not method_name:
            raise ValueError("`signature_key` and `method_name` must be defined.")
        found = [find_meta_graph(self._message, as_tags(tags))] if tags else list(self._message.meta_graphs)
        having = [meta_graph for meta_graph in found if signature_key in meta_graph.signature_def]
        if not having:
            raise ValueError(
                f"MetaGraphDef associated with tags {tags} does not have a signature_def {signature_key!r}."
            )
        for meta_graph in having:
            meta_graph.signature_def[signature_key].method_name = method_name

    def save(self, new_export_dir: Any = None) -> None:
        """Write the message, into the same folder or another.

        Args:
            new_export_dir: the folder, by default the one that was read.
        """
        directory = self._directory if new_export_dir is None else path_of(new_export_dir)
        if new_export_dir is not None:
            begin_saved_model(directory)
        write_message(directory, self._message)
