"""What programs of 2016 to 2019 used of `tf.contrib` and that has no room of its own.

`layers` and `arg_scope` are the functional layers and their defaults by scope; `rnn_cells`, `lstm_cells`,
`convolutional_cells`, `grid_cells`, `memory_cells`, `rnn_wrappers` and `rnn_loops` further recurrent networks;
`framework` helpers for variables, `hparams` the container of settings, `optimize` the function `optimize_loss`,
`training` operations that train, `slim_learning` whole training runs with them, `losses` and `metrics` those that take
predictions first, `eager` gradients of Python functions, `projector` embeddings for TensorBoard, `legacy_seq2seq` the
losses of unrolled networks, `missing` the message for names that are not here. `penstock.seq2seq` and `penstock.crf`
stand beside this room.
"""
