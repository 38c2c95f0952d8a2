"""A translator from English to German, of numbers: an encoder, a decoder with attention, and beam search.

"two thousand four hundred and twenty one" is "zweitausendvierhunderteinundzwanzig": tens and ones change places, so the
decoder must look at the right word at each step. The decoder's step is one function, which training and beam search
share. Beam search is a `while_loop` that keeps the best few translations, and a second one that reads them backward.

    python examples/seq2seq_translator.py
    python examples/seq2seq_translator.py --translate 1999 42
"""

from __future__ import annotations

import argparse

import numpy as np

import penstock.v1 as tf

PAD, START, END = 0, 1, 2
ONES_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS_ENGLISH = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ONES_GERMAN = (
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf drei+zehn vier+zehn fünf+zehn sech+zehn "
    "sieb+zehn acht+zehn neun+zehn"
).split()
TENS_GERMAN = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()


def english(number: int) -> list[str]:
    """Return the words of a number from 0 to 9999."""
    if number < 20:
        return [ONES_ENGLISH[number]]
    if number < 100:
        return [TENS_ENGLISH[number // 10 - 2], *([ONES_ENGLISH[number % 10]] if number % 10 else [])]
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = number % size
    link = ["and"] if 0 < rest < 100 else []
    return [ONES_ENGLISH[number // size], name, *link, *(english(rest) if rest else [])]


def german(number: int, last: bool = True) -> list[str]:
    """Return the parts of the German word of a number from 0 to 9999; a final one is "eins"."""
    if number < 20:
        return ["eins"] if number == 1 and last else ONES_GERMAN[number].split("+")
    if number < 100:
        ones = [*german(number % 10, last=False), "und"] if number % 10 else []
        return [*ones, TENS_GERMAN[number // 10 - 2]]
    size, name = (100, "hundert") if number < 1000 else (1000, "tausend")
    rest = number % size
    return [*german(number // size, last=False), name, *(german(rest) if rest else [])]


class Language:
    """A vocabulary, with tokens for padding, start and end."""

    def __init__(self, sentences: list[list[str]]) -> None:
        self.words = ["<pad>", "<start>", "<end>", *sorted({word for sentence in sentences for word in sentence})]
        self.numbers = {word: number for number, word in enumerate(self.words)}

    def rows(self, sentences: list[list[str]]) -> np.ndarray:
        """Return sentences as rows of tokens, each ended and then padded."""
        result = np.zeros((len(sentences), max(map(len, sentences)) + 1), np.int32)
        for row, sentence in enumerate(sentences):
            result[row, : len(sentence) + 1] = [*(self.numbers[word] for word in sentence), END]
        return result

    def read(self, tokens: np.ndarray) -> list[str]:
        """Return the words of a row of tokens, up to its end."""
        words = []
        for token in tokens:
            if token in (PAD, END):
                break
            words.append(self.words[token])
        return words


class Translator:
    """The graph of the translator.

    Args:
        source_words, target_words: the sizes of the vocabularies.
        units: the size of cells and embeddings.
        beams: how many translations beam search keeps.
        longest: the most steps that it makes.
    """

    def __init__(self, source_words: int, target_words: int, units: int, beams: int, longest: int) -> None:
        self.units, self.target_words = units, target_words
        self.source = tf.placeholder(tf.int32, [None, None], "source")
        self.target = tf.placeholder(tf.int32, [None, None], "target")
        self.embedding = tf.get_variable("target_embedding", [target_words, units])
        self.cell = tf.nn.rnn_cell.GRUCell(units, name="decoder_cell")
        self.key = tf.get_variable("attention_key", [units, 2 * units])
        self.to_attention = tf.layers.Dense(units, tf.tanh, name="attention")
        self.to_logits = tf.layers.Dense(target_words, name="logits")
        memory, known, state = self._encode(source_words)
        self.loss = self._training_loss(memory, known, state)
        self.train = tf.train.AdamOptimizer(3e-3).minimize(self.loss)
        self.best, self.scores = self._beam_search(memory, known, state, beams, longest)

    def _encode(self, words: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return what is to be attended to, (batch, time, 2 units), which of its steps count, and the first state."""
        table = tf.get_variable("source_embedding", [words, self.units])
        known = tf.not_equal(self.source, PAD)
        lengths = tf.reduce_sum(tf.cast(known, tf.int32), 1)
        outputs, states = tf.nn.bidirectional_dynamic_rnn(
            tf.nn.rnn_cell.GRUCell(self.units),
            tf.nn.rnn_cell.GRUCell(self.units),
            tf.nn.embedding_lookup(table, self.source),
            sequence_length=lengths,
            dtype=tf.float32,
        )
        return tf.concat(outputs, 2), known, tf.layers.dense(tf.concat(states, 1), self.units, name="first_state")

    def _step(
        self, tokens: tf.Tensor, state: tf.Tensor, memory: tf.Tensor, known: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the logits of the next tokens, (rows, words), and the next state, (rows, units)."""
        output, state = self.cell(tf.nn.embedding_lookup(self.embedding, tokens), state)
        scores = tf.einsum("bu,btu->bt", tf.matmul(output, self.key), memory)
        weights = tf.nn.softmax(tf.where(known, scores, tf.fill(tf.shape(scores), -1e9)))
        found = tf.einsum("bt,btu->bu", weights, memory)
        return self.to_logits(self.to_attention(tf.concat([output, found], 1))), state

    def _training_loss(self, memory: tf.Tensor, known: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Return the cross entropy of the target, whose tokens are fed one by one."""
        steps = tf.shape(self.target)[1]
        inputs = tf.concat([tf.fill([tf.shape(self.target)[0], 1], START), self.target[:, :-1]], 1)
        tokens = tf.TensorArray(tf.int32, size=steps).unstack(tf.transpose(inputs))

        def body(time: tf.Tensor, state: tf.Tensor, logits: tf.TensorArray) -> tuple:
            row, state = self._step(tokens.read(time), state, memory, known)
            return time + 1, state, logits.write(time, row)

        first = (0, state, tf.TensorArray(tf.float32, size=steps))
        _, _, logits = tf.while_loop(lambda time, *_: time < steps, body, first)
        counts = tf.cast(tf.not_equal(self.target, PAD), tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=self.target, logits=tf.transpose(logits.stack(), [1, 0, 2])
        )
        return tf.reduce_sum(losses * counts) / tf.reduce_sum(counts)

    def _beam_search(
        self, memory: tf.Tensor, known: tf.Tensor, state: tf.Tensor, beams: int, longest: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return translations of shape (batch, beams, time), the best first, and their log-probabilities."""
        batch, words = tf.shape(memory)[0], self.target_words
        memory, known, state = (
            tf.reshape(tf.stack([part] * beams, 1), tf.concat([[batch * beams], tf.shape(part)[1:]], 0))
            for part in (memory, known, state)
        )
        memory.set_shape([None, None, 2 * self.units])
        state.set_shape([None, self.units])
        # All beams start alike, so only the first one may be continued in the first step.
        total = tf.tile([[0.0] + [-np.inf] * (beams - 1)], [batch, 1])
        only_end = tf.one_hot(END, words, on_value=0.0, off_value=-np.inf)

        def going_on(time: tf.Tensor, tokens: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(time < longest, tf.reduce_any(tf.not_equal(tokens, END)))

        def body(
            time: tf.Tensor, tokens: tf.Tensor, total: tf.Tensor, state: tf.Tensor, *arrays: tf.TensorArray
        ) -> tuple:
            logits, state = self._step(tf.reshape(tokens, [-1]), state, memory, known)
            steps = tf.reshape(tf.nn.log_softmax(logits), [batch, beams, words])
            ended = tf.equal(tokens, END)[:, :, tf.newaxis]
            steps = tf.where(tf.tile(ended, [1, 1, words]), tf.zeros_like(steps) + only_end, steps)
            total, positions = tf.nn.top_k(tf.reshape(total[:, :, tf.newaxis] + steps, [batch, -1]), beams)
            parents, tokens = positions // words, positions % words
            rows = tf.reshape(parents + beams * tf.range(batch)[:, tf.newaxis], [-1])
            chosen, origins = arrays
            return (
                time + 1,
                tokens,
                total,
                tf.gather(state, rows),
                chosen.write(time, tokens),
                origins.write(time, parents),
            )

        def list_of_rows() -> tf.TensorArray:
            return tf.TensorArray(
                tf.int32, size=0, dynamic_size=True, clear_after_read=False, element_shape=[None, beams]
            )

        first = (0, tf.fill([batch, beams], START), total, state, list_of_rows(), list_of_rows())
        shapes = tf.nest.map_structure(lambda item: getattr(item, "shape", None), first[3])
        steps, _, total, _, chosen, origins = tf.while_loop(
            going_on,
            body,
            first,
            shape_invariants=(
                tf.TensorShape([]),
                tf.TensorShape([None, beams]),
                tf.TensorShape([None, beams]),
                shapes,
                tf.TensorShape(None),
                tf.TensorShape(None),
            ),
        )

        def back(time: tf.Tensor, beam: tf.Tensor, read: tf.TensorArray) -> tuple:
            read = read.write(time, tf.gather(chosen.read(time), beam, batch_dims=1))
            return time - 1, tf.gather(origins.read(time), beam, batch_dims=1), read

        last = tf.tile(tf.range(beams)[tf.newaxis], [batch, 1])
        _, _, read = tf.while_loop(
            lambda time, *_: time >= 0, back, (steps - 1, last, tf.TensorArray(tf.int32, size=steps))
        )
        return tf.transpose(read.stack(), [1, 2, 0]), total


def main(arguments: list[str] | None = None) -> float:
    """Train and print some translations; return the share of right ones among numbers that were not trained on."""
    parser = argparse.ArgumentParser(description="Translate numbers from English to German.")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--translate", type=int, nargs="*", default=[21, 1999, 4711], help="numbers from 0 to 9999")
    options = parser.parse_args(arguments)

    random = np.random.RandomState(0)
    numbers = random.permutation(10_000)
    train, test = numbers[:6000], numbers[6000:6500]
    source, target = Language([english(n) for n in numbers]), Language([german(n) for n in numbers])

    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        model = Translator(len(source.words), len(target.words), options.units, options.beams, longest=12)
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            some = random.choice(train, options.batch)
            feed = {
                model.source: source.rows([english(n) for n in some]),
                model.target: target.rows([german(n) for n in some]),
            }
            loss, _ = session.run([model.loss, model.train], feed)
            if step % 100 == 0:
                print(f"step {step}: {loss:.4f} nats a token")

        def translated(values: list[int]) -> tuple[np.ndarray, np.ndarray]:
            return session.run([model.best, model.scores], {model.source: source.rows([english(n) for n in values])})

        best, _ = translated(list(test))
        right = np.mean([target.read(row[0]) == german(n) for row, n in zip(best, test, strict=True)])
        if options.translate:
            best, scores = translated(options.translate)
            for number, rows, totals in zip(options.translate, best, scores, strict=True):
                print(" ".join(english(number)))
                for row, total in zip(rows, totals, strict=True):
                    print(f"   {np.exp(total):6.1%}  {''.join(target.read(row))}")
    print(f"{right:.1%} of {len(test)} new numbers are translated right")
    return float(right)


if __name__ == "__main__":
    main()
