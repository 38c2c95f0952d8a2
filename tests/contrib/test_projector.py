from __future__ import annotations

import pytest

import penstock.v1 as tf


def test_tensorboard_reads_which_embeddings_to_show(tmp_path):
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.projector import projector_plugin

    projector = tf.contrib.tensorboard.plugins.projector
    config = projector.ProjectorConfig()
    config.embeddings.add(tensor_name="words:0", tensor_path="words.tsv", metadata_path="metadata.tsv")
    with tf.Graph().as_default(), tf.summary.FileWriter(str(tmp_path)) as writer:
        projector.visualize_embeddings(writer, config)
    context = base_plugin.TBContext(logdir=str(tmp_path))
    configs, _ = projector_plugin.ProjectorPlugin(context)._read_latest_config_files([(".", str(tmp_path))])
    assert [info.tensor_name for info in configs["."].embeddings] == ["words:0"]
    projector.visualize_embeddings(str(tmp_path), projector.ProjectorConfig())
    with pytest.raises(ValueError, match="logdir"):
        projector.visualize_embeddings("", config)
