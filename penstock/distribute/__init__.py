"""Distribution strategies within one process: `tf.distribute` as far as one replica goes.

`strategy.py` has the strategies, and what asks for the one in scope; `values.py` the classes of distributed values.
"""
