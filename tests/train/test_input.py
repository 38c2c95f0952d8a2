"""File names that are found once."""

from __future__ import annotations

from pathlib import Path

import penstock.v1 as tf


def test_file_names_are_found_when_the_variable_is_initialized(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        names = tf.train.match_filenames_once(str(tmp_path / "*.txt"))
        several = tf.io.match_filenames_once([str(tmp_path / "a.*"), str(tmp_path / "c.*")], name="several")
        assert (names.op.name, several.op.name) == ("matching_filenames", "several")
        assert tf.local_variables() == [names, several]
        for name in ("b.txt", "a.txt", "c.csv"):
            (tmp_path / name).write_text("")
        session.run(tf.local_variables_initializer())
        (tmp_path / "d.txt").write_text("")
        assert session.run(names).tolist() == [str(tmp_path / name).encode() for name in ("a.txt", "b.txt")]
        assert session.run(several).tolist() == [str(tmp_path / name).encode() for name in ("a.txt", "c.csv")]
