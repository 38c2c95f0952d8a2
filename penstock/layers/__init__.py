"""TensorFlow 1's layers: objects that make their variables on first use, and functions that make and apply one.

`base` has the class that all share: scopes, reuse, weights, losses and updates. The other files have one family each.
`regularizers` has the penalties that weights may carry.
"""
