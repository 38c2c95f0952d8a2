"""Strings in rows."""

from __future__ import annotations

import penstock as tf


def test_pieces_of_a_vector_have_as_many_rows():
    with tf.Graph().as_default():
        assert tf.strings.split(tf.constant(["a b", "c"])).shape.as_list() == [2, None]
        unknown = tf.compat.v1.placeholder(tf.string)
        pieces = tf.strings.split(unknown)
        with tf.compat.v1.Session() as session:
            assert session.run(pieces, {unknown: ["a b", "c"]}).to_list() == [[b"a", b"b"], [b"c"]]
