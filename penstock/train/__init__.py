"""What trains: TensorFlow 1's `tf.train`.

Optimizers (`optimizer` has the base class that users subclass, each method has a file of its own), schedules of the
learning rate, moving averages and the global step; `saver` with the checkpoint functions around it
(`checkpoint_management`, `checkpoint_utils`), and `meta_graph`, which writes a graph with its collections. Read
`optimizer.py` and `saver.py` first.
"""
