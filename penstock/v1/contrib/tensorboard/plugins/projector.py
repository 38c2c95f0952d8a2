"""`tf.contrib.tensorboard.plugins.projector` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.contrib.projector import EmbeddingInfo as EmbeddingInfo
from penstock.contrib.projector import ProjectorConfig as ProjectorConfig
from penstock.contrib.projector import SpriteMetadata as SpriteMetadata
from penstock.contrib.projector import visualize_embeddings as visualize_embeddings

__getattr__ = _missing(__name__)
