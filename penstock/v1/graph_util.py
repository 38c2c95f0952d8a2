"""`tf.graph_util` of TensorFlow 1."""

from penstock.graphs.freeze import convert_variables_to_constants as convert_variables_to_constants
from penstock.graphs.importer import import_graph_def as import_graph_def
from penstock.graphs.subgraph import extract_sub_graph as extract_sub_graph
from penstock.graphs.subgraph import must_run_on_cpu as must_run_on_cpu
from penstock.graphs.subgraph import remove_training_nodes as remove_training_nodes
from penstock.graphs.subgraph import tensor_shape_from_node_def_name as tensor_shape_from_node_def_name
