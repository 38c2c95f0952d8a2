"""NumPy's functions on tensors: `tf.experimental.numpy`.

Each function takes what NumPy's takes (tensors, arrays, numbers, nested lists), promotes types as NumPy does, and is
written with the public functions of `penstock.ops`. So it runs eagerly, in graphs and in functions alike, and has
gradients.

`dtypes` holds the types and their promotion, `conversion` makes tensors, the other modules hold one family of functions
each. `behavior` gives NumPy's methods, indexing and promotion to tensors themselves.
"""
