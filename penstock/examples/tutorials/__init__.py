"""The tutorials' modules, under the names of TensorFlow 1."""
