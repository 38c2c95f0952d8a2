"""`tf.contrib.tensorboard.plugins.projector`: embeddings for TensorBoard's projector page."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo as EmbeddingInfo
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig as ProjectorConfig
from tensorboard.plugins.projector.projector_config_pb2 import SpriteMetadata as SpriteMetadata

from penstock.platform import gfile

FILE_NAME = "projector_config.pbtxt"


def visualize_embeddings(summary_writer: Any, config: Any) -> None:
    """Write which tensors of the checkpoints in a folder TensorBoard's projector page shows.

    Args:
        summary_writer: a FileWriter, whose folder it is, or the folder.
        config: a ProjectorConfig.

    Raises:
        ValueError: without a folder.
    """
    folder = summary_writer if isinstance(summary_writer, (str, os.PathLike)) else summary_writer.get_logdir()
    if not folder:
        raise ValueError("Summary writer must have a logdir")
    with gfile.GFile(os.path.join(os.fspath(folder), FILE_NAME), "w") as file:
        file.write(text_format.MessageToString(config))
