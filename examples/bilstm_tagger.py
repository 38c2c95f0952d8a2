"""A tagger: a bidirectional LSTM with a conditional random field says what each character of a line of Python is.

The lines come from this repository, and their tags from Python's own tokenizer: keyword, name, number, string, comment,
operator or space. What a character is depends on both sides of it: `for` is a keyword, unless it goes on as `format`.
The random field learns which tags follow each other, and the best sequence of tags is found by Viterbi's algorithm.

    python examples/bilstm_tagger.py
"""

from __future__ import annotations

import argparse
import io
import keyword
import tokenize
from pathlib import Path

import numpy as np

import penstock.v1 as tf

SOURCES = Path(__file__).parents[1] / "penstock" / "core"
TAGS = ["space", "name", "keyword", "number", "string", "comment", "operator"]
LETTERS = " nk0'#+"  # how tags are printed
KINDS = {tokenize.NUMBER: "number", tokenize.STRING: "string", tokenize.COMMENT: "comment", tokenize.OP: "operator"}


def tagged_lines(source: str, width: int) -> list[tuple[str, list[int]]]:
    """Return the lines of a program that are complete in themselves and not too long, with a tag for each character."""
    lines = source.splitlines()
    tags = [[0] * len(line) for line in lines]
    whole = [True] * len(lines)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (row, start), (last_row, end) = token.start, token.end
        if token.type == tokenize.NAME:
            kind = "keyword" if keyword.iskeyword(token.string) else "name"
        elif token.type in KINDS:
            kind = KINDS[token.type]
        else:
            continue
        if row != last_row:  # a string over several lines: its parts look like anything
            whole[row - 1 : last_row] = [False] * (last_row - row + 1)
            continue
        tags[row - 1][start:end] = [TAGS.index(kind)] * (end - start)
    return [
        (line, kinds)
        for line, kinds, complete in zip(lines, tags, whole, strict=True)
        if complete and 0 < len(line) <= width
    ]


def as_arrays(examples: list[tuple[str, list[int]]], width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return character codes and tags, of shape (lines, width), and the lengths of the lines."""
    codes, tags = np.zeros((2, len(examples), width), np.int32)
    for row, (line, kinds) in enumerate(examples):
        codes[row, : len(line)] = [min(ord(character), 127) for character in line]
        tags[row, : len(line)] = kinds
    return codes, tags, np.asarray([len(line) for line, _ in examples], np.int32)


class Tagger:
    """The graph of the tagger.

    Args:
        width: the length of the longest line.
        units: the size of each LSTM.
    """

    def __init__(self, width: int, units: int) -> None:
        self.codes = tf.placeholder(tf.int32, [None, width], "codes")
        self.tags = tf.placeholder(tf.int32, [None, width], "tags")
        self.lengths = tf.placeholder(tf.int32, [None], "lengths")
        table = tf.get_variable("embedding", [128, units])
        both, _ = tf.nn.bidirectional_dynamic_rnn(
            tf.nn.rnn_cell.LSTMCell(units),
            tf.nn.rnn_cell.LSTMCell(units),
            tf.nn.embedding_lookup(table, self.codes),
            sequence_length=self.lengths,
            dtype=tf.float32,
        )
        scores = tf.layers.dense(tf.concat(both, -1), len(TAGS), name="scores")
        likelihood, transitions = tf.contrib.crf.crf_log_likelihood(scores, self.tags, self.lengths)
        self.loss = -tf.reduce_sum(likelihood) / tf.cast(tf.reduce_sum(self.lengths), tf.float32)
        self.train = tf.train.AdamOptimizer(5e-3).minimize(self.loss)
        self.found, _ = tf.contrib.crf.crf_decode(scores, transitions, self.lengths)
        counts = tf.sequence_mask(self.lengths, width)
        right = tf.boolean_mask(tf.equal(self.found, self.tags), counts)
        self.accuracy = tf.reduce_mean(tf.cast(right, tf.float32))


def main(arguments: list[str] | None = None) -> float:
    """Train and print some lines with their tags; return the share of right tags in lines that were not trained on."""
    parser = argparse.ArgumentParser(description="Tag the characters of Python programs.")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--units", type=int, default=48)
    parser.add_argument("--width", type=int, default=60, help="longer lines are left out")
    options = parser.parse_args(arguments)

    examples = []
    for path in sorted(SOURCES.glob("*.py")):
        examples.extend(tagged_lines(path.read_text(encoding="utf-8"), options.width))
    random = np.random.RandomState(0)
    random.shuffle(examples)
    held_out = len(examples) // 10
    test, train = as_arrays(examples[:held_out], options.width), as_arrays(examples[held_out:], options.width)
    print(f"{len(examples) - held_out} lines to learn from, {held_out} to test with")

    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        model = Tagger(options.width, options.units)
        places = (model.codes, model.tags, model.lengths)
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            rows = random.randint(0, len(train[0]), options.batch)
            feed = {place: array[rows] for place, array in zip(places, train, strict=True)}
            loss, _ = session.run([model.loss, model.train], feed)
            if step % 50 == 0:
                print(f"step {step}: {loss:.4f} nats a character")
        feed = {place: array[:500] for place, array in zip(places, test, strict=True)}
        accuracy, found = session.run([model.accuracy, model.found], feed)
    for (line, _), tags in zip(examples[:6], found, strict=False):
        print(line)
        print("".join(LETTERS[tag] for tag in tags[: len(line)]))
    print(f"{accuracy:.2%} of the characters of new lines are tagged right")
    return float(accuracy)


if __name__ == "__main__":
    main()
