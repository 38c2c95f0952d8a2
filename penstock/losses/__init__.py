"""TensorFlow 1's losses: errors of predictions, weighted, reduced to a scalar and kept in a collection.

`weights` has the rules by which weights broadcast, `losses` the functions, `collection` what works on the collection.
"""
