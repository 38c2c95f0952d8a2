"""Bytes on disk and on the wire, as TensorFlow reads and writes them.

Protocol buffer messages (`protos`), tensors as messages (`tensor_proto`), record files (`records`), event files
(`events`) and the values in them (`summary_values`), checkpoints (`tensor_bundle` over `table`, and
`checkpoint_state`). The room knows bytes, NumPy and protobuf; it imports no other room of the package, so its failures
are the Python exceptions of `errors`, which the rooms above translate. Read `tensor_proto.py` and `records.py` first.
"""
