"""`tf.graph_util` of TensorFlow 2."""

from penstock.graphs.importer import import_graph_def as import_graph_def
