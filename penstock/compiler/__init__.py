"""From a graph, fetches and feeds to a Program: one Python function over kernels.

`compile.py` is the list of what happens, in order. The passes work on a `Dataflow` (`dataflow.py`), a light copy of the
part of the graph that the fetches need; `codegen.py` writes the Python source; `program.py` holds the result and
explains its errors.
"""
