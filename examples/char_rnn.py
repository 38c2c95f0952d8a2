"""A character RNN: an LSTM learns to continue a text, character by character, and then writes by itself.

Training walks through the text in parallel rows; the state at the end of each piece is the state at the start of the
next one (truncated backpropagation through time). Writing is one `while_loop` in the graph: sample a character, feed it
back.

    python examples/char_rnn.py
    python examples/char_rnn.py --text my_novel.txt --steps 3000
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import penstock.v1 as tf

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("architecture", "adding-an-op", "control-flow")),
]


def read_text(path: str | None) -> str:
    """Return the text of a file; by default, of pages of the documentation."""
    if path is not None:
        return Path(path).read_text(encoding="utf-8")
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def pieces(codes: np.ndarray, batch: int, length: int) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Yield inputs, targets and whether the text starts anew, for ever.

    Args:
        codes: the text as numbers.
        batch: into how many rows the text is cut, which are read in parallel.
        length: how many characters of each row are read at a time.
    """
    columns = (len(codes) - 1) // batch
    inputs = codes[: batch * columns].reshape(batch, columns)
    targets = codes[1 : batch * columns + 1].reshape(batch, columns)
    while True:
        for start in range(0, columns - length + 1, length):
            yield inputs[:, start : start + length], targets[:, start : start + length], start == 0


class CharacterModel:
    """The graph of the model.

    Args:
        characters: how many different characters there are.
        units: the size of each LSTM layer.
        layers: how many layers there are.
    """

    def __init__(self, characters: int, units: int, layers: int) -> None:
        cells = [tf.nn.rnn_cell.LSTMCell(units) for _ in range(layers)]
        self.cell = tf.nn.rnn_cell.MultiRNNCell(cells)
        self.table = tf.get_variable("embedding", [characters, units])
        self.to_logits = tf.layers.Dense(characters, name="logits")

        self.inputs = tf.placeholder(tf.int32, [None, None], "inputs")
        self.targets = tf.placeholder(tf.int32, [None, None], "targets")
        self.first_state = self.cell.zero_state(tf.shape(self.inputs)[0], tf.float32)
        with tf.variable_scope("lstm") as self.scope:
            outputs, self.last_state = tf.nn.dynamic_rnn(
                self.cell, tf.nn.embedding_lookup(self.table, self.inputs), initial_state=self.first_state
            )
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.targets, logits=self.to_logits(outputs))
        self.loss = tf.reduce_mean(losses)

        optimizer = tf.train.AdamOptimizer(3e-3)
        slopes, variables = zip(*optimizer.compute_gradients(self.loss), strict=True)
        clipped, _ = tf.clip_by_global_norm(slopes, 5.0)
        self.train = optimizer.apply_gradients(zip(clipped, variables, strict=True))

    def writing(self, start: tf.Tensor, length: tf.Tensor, temperature: float) -> tf.Tensor:
        """Return characters that the model writes after a first one.

        Args:
            start: the number of the first character, a vector of one.
            length: how many characters to write.
            temperature: divides the logits: below 1 for likelier text.
        """

        def step(time: tf.Tensor, code: tf.Tensor, state: tuple, written: tf.TensorArray) -> tuple:
            with tf.variable_scope(self.scope, reuse=True), tf.variable_scope("rnn"):
                output, state = self.cell(tf.nn.embedding_lookup(self.table, code), state)
            code = tf.multinomial(self.to_logits(output) / temperature, 1, output_dtype=tf.int32)[:, 0]
            return time + 1, code, state, written.write(time, code[0])

        first = (0, start, self.cell.zero_state(1, tf.float32), tf.TensorArray(tf.int32, size=length))
        return tf.while_loop(lambda time, *_: time < length, step, first)[-1].stack()


def main(arguments: list[str] | None = None) -> tuple[list[float], str]:
    """Train, and print a sample now and then; return the losses and the last sample."""
    parser = argparse.ArgumentParser(description="Learn to write like a text.")
    parser.add_argument("--text", help="a text file; the documentation by default")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=64, help="characters read before the weights change")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--sample", type=int, default=300, help="characters to write")
    options = parser.parse_args(arguments)

    text = read_text(options.text)
    alphabet = sorted(set(text))
    number = {character: code for code, character in enumerate(alphabet)}
    codes = np.asarray([number[character] for character in text], np.int32)
    print(f"{len(text)} characters, {len(alphabet)} different ones")

    losses = []
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        model = CharacterModel(len(alphabet), options.units, options.layers)
        sample = model.writing(tf.constant([number["\n"]]), tf.constant(options.sample), 0.7)
        session.run(tf.global_variables_initializer())
        feed = pieces(codes, options.batch, options.length)
        written, state = "", None
        for step in range(1, options.steps + 1):
            inputs, targets, anew = next(feed)
            values = {model.inputs: inputs, model.targets: targets}
            if not anew and state is not None:
                values.update(zip(tf.nest.flatten(model.first_state), tf.nest.flatten(state), strict=True))
            loss, state, _ = session.run([model.loss, model.last_state, model.train], values)
            losses.append(float(loss))
            if step % 250 == 0 or step == options.steps:
                written = "".join(alphabet[code] for code in session.run(sample))
                print(f"--- step {step}: {np.mean(losses[-50:]):.3f} nats a character\n{written}\n")
    return losses, written


if __name__ == "__main__":
    main()
