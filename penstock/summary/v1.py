"""TensorFlow 1's summary operations: nodes whose run returns a serialized `Summary` for a `FileWriter`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import json_format

from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32, string
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import Tensor
from penstock.formats import protos
from penstock.ops.summary.summary import (
    audio_summary_v2_op,
    histogram_summary_op,
    image_summary_op,
    merge_summary_op,
    scalar_summary_op,
    tensor_summary_v2_op,
)

_INVALID_TAG_CHARACTERS = re.compile(r"[^-/\w\.]")


def clean_tag(name: str | None) -> str | None:
    """Return a name as tags and name scopes can have it: other characters become `_`, slashes in front go."""
    return None if name is None else _INVALID_TAG_CHARACTERS.sub("_", name).lstrip("/")


@contextlib.contextmanager
def summary_scope(
    name: str, family: str | None = None, default_name: str | None = None, values: Any = None
) -> Iterator[tuple[str, str]]:
    """Open the name scope of a summary.

    Args:
        name: the summary's name.
        family: the group that TensorBoard shows it in; it stands twice in front of the tag, as in TensorFlow.
        default_name: the scope's name if `name` is empty.
        values: accepted as TensorFlow does.
    Yields:
        The tag, unique in the graph, and the scope with a slash at its end.
    """
    name, family = clean_tag(name) or "", clean_tag(family)
    base = f"{family}/{name}" if family is not None else name
    with name_scope(base or None, default_name, values) as scope:
        tag = scope.rstrip("/")
        yield (tag if family is None else f"{family}/{tag}"), scope


def _collect(summary: Tensor, collections: Iterable[Any] | None, default: list[Any]) -> Tensor:
    """Add a summary to its collections; eager values belong to none."""
    if not executing_eagerly():
        graph = get_default_graph()
        for key in default if collections is None else collections:
            graph.add_to_collection(key, summary)
    return summary


def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """Return a summary of one number.

    Args:
        name: the tag, made unique by the name scopes around it.
        tensor: a real number, of shape ().
        collections: collections of the graph to add the summary to; by default `GraphKeys.SUMMARIES`.
        family: a group for TensorBoard.
    Returns:
        A string scalar, the serialized `Summary`.
    """
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        return _collect(scalar_summary_op(tag, tensor, name=scope), collections, [GraphKeys.SUMMARIES])


def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """Return a summary of how numbers are distributed.

    Args:
        name, collections, family: see `scalar`.
        values: real numbers of any shape. A run fails if one is not finite.
    """
    with summary_scope(name, family, "HistogramSummary", [values]) as (tag, scope):
        return _collect(histogram_summary_op(tag, values, name=scope), collections, [GraphKeys.SUMMARIES])


def image(name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None) -> Tensor:
    """Return a summary of images.

    Args:
        name, collections, family: see `scalar`. The images' tags are `<tag>/image/0` and so on, `<tag>/image` for one.
        tensor: uint8 or floating, of shape (batch, height, width, channels), 1, 3 or 4 channels; floats are scaled.
        max_outputs: the number of images to take from the batch.
    """
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        summary = image_summary_op(tag, tensor, max_images=max_outputs, name=scope)
        return _collect(summary, collections, [GraphKeys.SUMMARIES])


def audio(
    name: str, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None
) -> Tensor:
    """Return a summary of sounds.

    Args:
        name, collections, family: see `scalar`. The sounds' tags are `<tag>/audio/0` and so on, `<tag>/audio` for one.
        tensor: float32 from -1 to 1, of shape (batch, frames, channels) or (batch, frames).
        sample_rate: frames per second, a float32 scalar.
        max_outputs: the number of sounds to take from the batch.
    """
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        rate = convert_to_tensor(sample_rate, float32, name="sample_rate")
        summary = audio_summary_v2_op(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        return _collect(summary, collections, [GraphKeys.SUMMARIES])


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: str | None = None,
    collections: Any = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Tensor:
    """Return a summary that holds a whole tensor.

    Args:
        name, collections, family: see `scalar`.
        tensor: of any type and shape.
        summary_description: a text for TensorBoard, in Markdown.
        summary_metadata: a `SummaryMetadata`, which names the plugin that shows the tensor.
        display_name: the name that TensorBoard shows.
    """
    metadata = protos.SummaryMetadata()
    if summary_metadata is not None:
        metadata.CopyFrom(summary_metadata)
    if display_name is not None:
        metadata.display_name = display_name
    if summary_description is not None:
        metadata.summary_description = summary_description
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        summary = tensor_summary_v2_op(tag, tensor, metadata.SerializeToString(), name=scope)
        return _collect(summary, collections, [GraphKeys.SUMMARIES])


def text(name: str, tensor: Any, collections: Any = None) -> Tensor:
    """Return a summary of text, which TensorBoard shows as Markdown; an array of strings becomes a table.

    Args:
        name, collections: see `scalar`.
        tensor: strings of any shape.
    Raises:
        ValueError: if `tensor` holds no strings.
    """
    strings = convert_to_tensor(tensor)
    if strings.dtype.base_dtype != string:
        raise ValueError(f"Expected tensor {name} to have dtype string, got {strings.dtype.name}; use tf.as_string")
    metadata = protos.SummaryMetadata()
    metadata.plugin_data.plugin_name = "text"
    return tensor_summary(name, strings, summary_metadata=metadata, collections=collections)


def merge(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """Return one summary with the values of several.

    Args:
        inputs: serialized summaries, as the other functions here return them.
        collections: collections of the graph to add the merged summary to; by default none.
        name: the name scope.
    Raises:
        RuntimeError: when executing eagerly.
    """
    if executing_eagerly():
        raise RuntimeError(
            "Merging tf.summary.* ops is not compatible with eager execution. Write each summary on its own."
        )
    inputs = list(inputs)
    with name_scope(name, "Merge", inputs):
        return _collect(merge_summary_op(inputs), collections, [])


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """Return one summary with the values of all summaries of a collection, or None if there are none.

    Args:
        key: the collection.
        scope: a regular expression; only summaries whose names it matches at the start are taken.
        name: the name scope.
    Raises:
        RuntimeError: when executing eagerly.
    """
    if executing_eagerly():
        raise RuntimeError(
            "Merging tf.summary.* ops is not compatible with eager execution. Write each summary on its own."
        )
    summaries = get_default_graph().get_collection(key, scope)
    return merge(summaries, name=name) if summaries else None


def get_summary_description(node_def: Any) -> Any:
    """Return the `SummaryDescription` that the node of a TensorSummary operation carries.

    Args:
        node_def: a `NodeDef` of type TensorSummary, whose attribute `description` is JSON.
    Raises:
        ValueError: if the node is of another type.
    """
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}: expected a TensorSummary node")
    return json_format.Parse(node_def.attr["description"].s.decode(), protos.SummaryDescription())


def all_v2_summary_ops() -> list[Any] | None:
    """Return the operations of TensorFlow 2's summaries in the current graph; None when executing eagerly."""
    return None if executing_eagerly() else get_default_graph().get_collection(GraphKeys._SUMMARY_COLLECTION)


def initialize(graph: Any = None, session: Any = None) -> None:
    """Initialize the writers of TensorFlow 2's summaries in a graph.

    Args:
        graph: a graph to write to the default writer.
        session: the session to run in; by default the default session.
    Raises:
        RuntimeError: if the graph has no such writer.
    """
    if executing_eagerly():
        return
    raise RuntimeError(
        "No default tf.contrib.summary.SummaryWriter found. The summaries of this graph are written by "
        "tf.summary.FileWriter, which needs no initialization."
    )
