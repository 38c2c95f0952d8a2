"""Input pipelines: `tf.data`.

A pipeline is a tree of nodes (`node.py`), one class for each kind of step, in files by idea: `sources`, `mapping`,
`batching`, `shuffling`, `combining`, `grouping`, `buffering`, `files`, `storage`. `Dataset` (`dataset.py`) is what
users
hold: a node with methods that put another node on top. Elements travel between nodes as tuples of runtime values, one
for each leaf of the element's structure (`structure.py`). Functions are traced once into compiled programs
(`traced.py`).
Read `node.py` first.
"""
