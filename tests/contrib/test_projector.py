from __future__ import annotations

import pytest

import penstock.v1 as tf


def test_tensorboard_reads_which_embeddings_to_show(tmp_path):
    from tensorboard.plugins.projector import projector_plugin

    projector = tf.contrib.tensorboard.plugins.projector
    config = projector.ProjectorConfig()
    config.embeddings.add(tensor_name="words:0", metadata_path="metadata.tsv")
    with tf.Graph().as_default(), tf.summary.FileWriter(str(tmp_path)) as writer:
        projector.visualize_embeddings(writer, config)
    read = projector_plugin.ProjectorPlugin._read_latest_config_files
    assert callable(read)
    text = (tmp_path / projector_plugin.metadata.PROJECTOR_FILENAME).read_text()
    assert 'tensor_name: "words:0"' in text
    projector.visualize_embeddings(str(tmp_path), projector.ProjectorConfig())
    with pytest.raises(ValueError, match="logdir"):
        projector.visualize_embeddings("", config)
