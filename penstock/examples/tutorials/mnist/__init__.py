"""MNIST as the TensorFlow 1 tutorials used it: `input_data` reads the files, `mnist` builds the fully connected net."""
