"""Graphs as files and messages hold them: reading GraphDefs, and rewriting them.

`importer.import_graph_def` reads a GraphDef, its library of functions included. What TensorFlow 1 writes for branches
and loops, nodes such as Switch, Merge, Enter and Exit, is raised to If and While first (`raise_loops`,
`raise_branches`); `lower.lower_control_flow` goes the other way. All of them work on `nodes.Node`, a NodeDef whose
inputs are taken apart.
`subgraph`, `freeze` and `files` cut, freeze and write graphs.

Start with `nodes.py`, then `importer.py`. Writing a graph as a GraphDef is in `penstock.core.graph_def`.
"""
