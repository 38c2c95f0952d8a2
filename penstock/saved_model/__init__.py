"""SavedModels: objects, or graphs with sessions, written to a folder that TensorFlow reads, and read from one.

TensorFlow 2's are objects: `save.py` walks them (`objects.py`), writes their functions with what these capture
(`export.py`) and their variables; `load.py` makes the objects again, and `functions.py` their functions. TensorFlow 1's
are graphs with signatures: `builder.py`, `simple_save.py` and `loader.py`; `flat.py` reads them as TensorFlow 2 does.
The folder itself is `penstock.formats.saved_model`.
"""
