"""Linear-chain conditional random fields, as `tf.contrib.crf` had them.

`scores` has the score of a sequence of tags and its likelihood, `decoding` finds the best sequence.
"""
