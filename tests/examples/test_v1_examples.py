"""The programs of examples/ in TensorFlow 1's style run, with settings that take a second."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_character_network_learns_and_writes(capsys):
    text = str(EXAMPLES / "char_rnn.py")
    small = "--steps 12 --batch 8 --length 16 --units 16 --layers 1 --sample 20 --text".split()
    losses, written = load("char_rnn").main([*small, text])
    assert losses[-1] < losses[0]
    assert len(written) == 20
    assert "step 12" in capsys.readouterr().out


def test_the_tagger_beats_guessing():
    share = load("bilstm_tagger").main("--steps 20 --batch 16 --units 8 --width 40".split())
    assert share > 1 / 7


def test_the_tokenizer_tags_characters():
    (line, tags), *_ = load("bilstm_tagger").tagged_lines("for x in 12:  # go\n    pass\n", 40)
    assert line == "for x in 12:  # go"
    assert "".join(" nk0'#+"[tag] for tag in tags) == "kkk n kk 00+  ####"


def test_the_translator_translates_what_it_can():
    translator = load("seq2seq_translator")
    share = translator.main("--steps 2 --units 8 --beams 2 --batch 8 --translate 21".split())
    assert 0 <= share <= 1


@pytest.mark.parametrize(
    ("number", "words", "word"),
    [
        (0, "zero", "null"),
        (1, "one", "eins"),
        (21, "twenty one", "einundzwanzig"),
        (1999, "one thousand nine hundred and ninety nine", "eintausendneunhundertneunundneunzig"),
        (4711, "four thousand seven hundred and eleven", "viertausendsiebenhundertelf"),
    ],
)
def test_numbers_are_spelled_right(number, words, word):
    translator = load("seq2seq_translator")
    assert " ".join(translator.english(number)) == words
    assert "".join(translator.german(number)) == word


@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_the_transformer_decodes(task):
    small = "--steps 3 --batch 4 --units 8 --heads 2 --layers 1 --longest 4".split()
    assert 0 <= load("transformer").main([*small, "--task", task]) <= 1


def test_the_recursive_network_follows_trees():
    recursive = load("recursive_network")
    assert recursive.main("--steps 10 --trees 4 --depth 1 --units 4".split()) > 0.2
    forest = recursive.Forest(np.random.RandomState(0), 20, 3)
    assert all(eval(text) == truth for text, truth in zip(forest.texts, forest.truths, strict=True))
    assert all(left < node for node, left in enumerate(forest.left) if forest.symbols[node] > 1)
