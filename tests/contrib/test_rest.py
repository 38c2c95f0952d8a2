"""Settings, tables, losses of unrolled networks, and the messages for names that are not there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from penstock.contrib.hparams import HParams
from penstock.contrib.legacy_seq2seq import rnn_decoder, sequence_loss, sequence_loss_by_example
from penstock.contrib.lookup import (
    index_table_from_file,
    index_table_from_tensor,
    index_to_string_table_from_tensor,
)
from penstock.contrib.missing import missing
from penstock.core.dtypes import float32, int64
from penstock.core.graph import Graph
from penstock.language.lookup import tables_initializer
from penstock.language.variables import global_variables, global_variables_initializer
from penstock.ops.constant import constant
from penstock.rnn.cells import GRUCell
from penstock.runtime.session import Session


def test_settings_keep_their_types():
    settings = HParams(rate=0.1, units=3, name="a", fast=True, sizes=[1, 2])
    assert settings.parse("rate=2,units=5,sizes=[7,8,9],fast=false,name=b") is settings
    assert settings.values() == {"rate": 2.0, "units": 5, "name": "b", "fast": False, "sizes": [7, 8, 9]}
    settings.parse("sizes[1]=4")
    assert settings.sizes == [7, 4, 9] and "rate" in settings
    assert settings.get("units") == 5 and settings.get("none", 1) == 1
    assert json.loads(settings.to_json()) == settings.values()
    settings.parse_json('{"units": 6}').set_hparam("name", "c")
    settings.add_hparam("more", 1.5)
    settings.del_hparam("rate")
    assert settings.values() == {"units": 6, "name": "c", "fast": False, "sizes": [7, 4, 9], "more": 1.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unit=3", "Unknown hyperparameter type for unit: the settings are"),
        ("units=x", "Could not parse hparam 'units' of type 'int' with value 'x'"),
        ("sizes=3", "Must pass a list"),
        ("units", "Malformed hyperparameter value"),
        ("units[0]=3", "single value"),
    ],
)
def test_settings_that_cannot_be_read_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        HParams(units=3, sizes=[1]).parse(text)


def test_settings_refuse_values_of_other_types():
    settings = HParams(units=3)
    with pytest.raises(ValueError, match="Could not cast hparam 'units'"):
        settings.set_hparam("units", 2.5)
    with pytest.raises(KeyError):
        settings.set_hparam("unit", 2)
    with pytest.raises(ValueError, match="reserved"):
        settings.add_hparam("units", 1)


def test_tables_map_words_to_numbers_and_back(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("a\nb\nc\n")
    with Graph().as_default(), Session() as session:
        words = index_table_from_tensor(["a", "b", "c"])
        bucketed = index_table_from_tensor(["a", "b", "c"], num_oov_buckets=1)
        lines = index_table_from_file(str(path), default_value=7)
        back = index_to_string_table_from_tensor(["a", "b", "c"])
        asked = constant(["c", "x", "a"])
        looked = [
            words.lookup(asked),
            bucketed.lookup(asked),
            lines.lookup(asked),
            back.lookup(constant([2, 5], int64)),
        ]
        session.run(tables_initializer())
        first, second, third, fourth = session.run(looked)
    assert first.tolist() == [2, -1, 0]
    assert second.tolist() == [2, 3, 0]
    assert third.tolist() == [2, 7, 0]
    assert fourth.tolist() == [b"c", b"UNK"]


def test_losses_of_unrolled_networks():
    random = np.random.RandomState(0)
    logits = random.randn(3, 2, 4).astype(np.float32)
    targets = random.randint(0, 4, (3, 2))
    weights = np.asarray([[1, 1], [1, 0], [0.5, 0]], np.float32)
    losses = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, targets[..., None], 2)[..., 0]
    each = (losses * weights).sum(0) / weights.sum(0)
    with Graph().as_default(), Session() as session:
        arguments = [list(map(constant, values)) for values in (logits, targets, weights)]
        np.testing.assert_allclose(session.run(sequence_loss_by_example(*arguments)), each, rtol=1e-5)
        assert session.run(sequence_loss(*arguments)) == pytest.approx(each.mean(), rel=1e-5)
        with pytest.raises(ValueError, match="must be the same"):
            sequence_loss(arguments[0], arguments[1][:2], arguments[2])


def test_the_unrolled_decoder_can_read_its_own_outputs():
    with Graph().as_default(), Session() as session:
        cell = GRUCell(4)
        inputs = [constant(np.random.RandomState(time).randn(2, 4).astype(np.float32)) for time in range(3)]
        outputs, state = rnn_decoder(inputs, cell.zero_state(2, float32), cell, lambda previous, time: previous)
        again, _ = cell(outputs[1], outputs[1])
        assert len(global_variables()) == 4
        session.run(global_variables_initializer())
        a, b, c = session.run([outputs[2], again, state])
        np.testing.assert_allclose(a, b, rtol=1e-6)
        np.testing.assert_array_equal(a, c)


def test_missing_names_are_explained():
    face = pytest.importorskip("penstock.v1.contrib")
    with pytest.raises(AttributeError, match=r"tf\.contrib has no attribute 'distribute' here\. Use tf\.distribute"):
        face.distribute
    with pytest.raises(AttributeError, match=r"Did you mean .*LSTMCell.*It has: AttentionCellWrapper"):
        face.rnn.LstmCell
    with pytest.raises(AttributeError, match="__path_of_nothing__"):
        missing("penstock.v1.contrib.rnn")("__path_of_nothing__")
