"""The modules of TensorFlow's examples package that old programs import."""
