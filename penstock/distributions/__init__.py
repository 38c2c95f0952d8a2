"""`tf.distributions` of TensorFlow 1: probability distributions with samples, densities, moments and divergences.

`distribution.py` holds what all share, `kullback_leibler.py` the divergences between pairs of them, `arguments.py` the
checks and conversions of parameters; then a file each distribution.
"""
