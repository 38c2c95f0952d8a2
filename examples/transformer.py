"""A Transformer (Vaswani et al. 2017), encoder and decoder, from raw operations, that learns to turn sequences around.

Every part is a few lines of matrix products: attention with several heads, layer normalization, feed-forward layers,
sine positions, a mask that hides the future. After training, sequences are decoded greedily by a `while_loop`.

    python examples/transformer.py
    python examples/transformer.py --task copy
"""

from __future__ import annotations

import argparse

import numpy as np

import penstock.v1 as tf

PAD, START, END, FIRST_SYMBOL = 0, 1, 2, 3
HIDDEN = -1e9  # the score of what must not be seen


def dense(x: tf.Tensor, units: int, name: str) -> tf.Tensor:
    """Return `x @ kernel + bias` along the last axis."""
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [int(x.shape[-1]), units])
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
    return tf.tensordot(x, kernel, 1) + bias


def layer_norm(x: tf.Tensor, name: str) -> tf.Tensor:
    """Return `x` with mean 0 and variance 1 along the last axis, scaled and shifted."""
    size = int(x.shape[-1])
    with tf.variable_scope(name):
        scale = tf.get_variable("scale", [size], initializer=tf.ones_initializer())
        shift = tf.get_variable("shift", [size], initializer=tf.zeros_initializer())
    mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
    return (x - mean) * tf.rsqrt(variance + 1e-6) * scale + shift


def attention(queries: tf.Tensor, memory: tf.Tensor, hidden: tf.Tensor, heads: int, name: str) -> tf.Tensor:
    """Return for each query a mixture of the memory.

    Args:
        queries: of shape (batch, time, units).
        memory: of shape (batch, steps, units).
        hidden: 1 where a step must not be seen, of a shape that broadcasts to (batch, heads, time, steps).
        heads: how many mixtures are made side by side.
        name: the variable scope.
    """
    units = int(queries.shape[-1])
    depth = units // heads

    def split(x: tf.Tensor, label: str) -> tf.Tensor:
        x = dense(x, units, label)
        return tf.transpose(tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1], heads, depth]), [0, 2, 1, 3])

    with tf.variable_scope(name):
        q, k, v = split(queries, "query"), split(memory, "key"), split(memory, "value")
        scores = tf.matmul(q, k, transpose_b=True) / np.sqrt(depth) + hidden * HIDDEN
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])
        mixed = tf.reshape(mixed, [tf.shape(mixed)[0], tf.shape(mixed)[1], units])
        return dense(mixed, units, "output")


def feed_forward(x: tf.Tensor, name: str) -> tf.Tensor:
    """Return a network with one hidden layer, applied at each step alike."""
    units = int(x.shape[-1])
    with tf.variable_scope(name):
        return dense(tf.nn.relu(dense(x, 4 * units, "inner")), units, "outer")


def positions(steps: tf.Tensor, units: int) -> tf.Tensor:
    """Return sines and cosines of the number of each step, of shape (steps, units)."""
    rates = 1 / np.power(10000.0, np.arange(0, units, 2) / units)
    angles = tf.cast(tf.range(steps), tf.float32)[:, tf.newaxis] * rates.astype(np.float32)
    return tf.concat([tf.sin(angles), tf.cos(angles)], 1)


def embedded(tokens: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """Return tokens as vectors that say what they are and where."""
    units = int(table.shape[1])
    return tf.nn.embedding_lookup(table, tokens) * np.sqrt(units) + positions(tf.shape(tokens)[1], units)


def padding(tokens: tf.Tensor) -> tf.Tensor:
    """Return 1 for padding, of shape (batch, 1, 1, time)."""
    return tf.cast(tf.equal(tokens, PAD), tf.float32)[:, tf.newaxis, tf.newaxis]


class Transformer:
    """Encoder and decoder; variables are made at the first use and shared from then on.

    Args:
        symbols: the size of the vocabulary.
        units: the size of the vectors.
        heads: how many attention heads each layer has.
        layers: how many layers encoder and decoder have.
    """

    def __init__(self, symbols: int, units: int, heads: int, layers: int) -> None:
        self.symbols, self.heads, self.layers = symbols, heads, layers
        table = tf.get_variable("embedding", [symbols, units], initializer=tf.random_normal_initializer(0, 0.1))
        self.table = tf.identity(table)  # the result of one operation, whose gradients are summed once

    def encode(self, tokens: tf.Tensor) -> tf.Tensor:
        """Return a vector for each token, which has seen all tokens: (batch, time, units)."""
        x, hidden = embedded(tokens, self.table), padding(tokens)
        for layer in range(self.layers):
            with tf.variable_scope(f"encoder_{layer}", reuse=tf.AUTO_REUSE):
                near = layer_norm(x, "norm_attention")
                x += attention(near, near, hidden, self.heads, "attention")
                x += feed_forward(layer_norm(x, "norm_feed_forward"), "feed_forward")
        with tf.variable_scope("encoder", reuse=tf.AUTO_REUSE):
            return layer_norm(x, "norm")

    def decode(self, tokens: tf.Tensor, memory: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
        """Return the logits of the token after each one, which has seen those before it: (batch, time, symbols)."""
        x, hidden = embedded(tokens, self.table), padding(source)
        steps = tf.range(tf.shape(tokens)[1])
        future = tf.cast(steps[:, tf.newaxis] < steps[tf.newaxis], tf.float32)[tf.newaxis, tf.newaxis]
        for layer in range(self.layers):
            with tf.variable_scope(f"decoder_{layer}", reuse=tf.AUTO_REUSE):
                near = layer_norm(x, "norm_self")
                x += attention(near, near, future, self.heads, "self_attention")
                x += attention(layer_norm(x, "norm_memory"), memory, hidden, self.heads, "attention")
                x += feed_forward(layer_norm(x, "norm_feed_forward"), "feed_forward")
        with tf.variable_scope("decoder", reuse=tf.AUTO_REUSE):
            return tf.tensordot(layer_norm(x, "norm"), tf.transpose(self.table), 1)

    def loss(self, source: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Return the cross entropy of the targets' tokens."""
        inputs = tf.concat([tf.fill([tf.shape(target)[0], 1], START), target[:, :-1]], 1)
        logits = self.decode(inputs, self.encode(source), source)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
        counts = tf.cast(tf.not_equal(target, PAD), tf.float32)
        return tf.reduce_sum(losses * counts) / tf.reduce_sum(counts)

    def greedy(self, source: tf.Tensor, longest: int) -> tf.Tensor:
        """Return the likeliest tokens, one after the other, until all rows have ended: (batch, time)."""
        memory = self.encode(source)

        def going_on(tokens: tf.Tensor) -> tf.Tensor:
            ended = tf.reduce_any(tf.equal(tokens, END), 1)
            return tf.logical_and(tf.shape(tokens)[1] <= longest, tf.logical_not(tf.reduce_all(ended)))

        def body(tokens: tf.Tensor) -> list[tf.Tensor]:
            logits = self.decode(tokens, memory, source)[:, -1]
            return [tf.concat([tokens, tf.argmax(logits, 1, output_type=tf.int32)[:, tf.newaxis]], 1)]

        start = tf.fill([tf.shape(source)[0], 1], START)
        return tf.while_loop(going_on, body, [start], [tf.TensorShape([None, None])])[:, 1:]


def examples(random: np.random.RandomState, count: int, symbols: int, longest: int, task: str) -> tuple:
    """Return random sequences, and the same sequences turned around (or as they are), ended and padded."""
    source, target = np.zeros((2, count, longest + 1), np.int32)
    for row in range(count):
        length = random.randint(1, longest + 1)
        sequence = random.randint(FIRST_SYMBOL, symbols, length)
        source[row, : length + 1] = [*sequence, END]
        target[row, : length + 1] = [*(sequence[::-1] if task == "reverse" else sequence), END]
    return source, target


def main(arguments: list[str] | None = None) -> float:
    """Train and print some sequences; return the share of new ones that come out right."""
    parser = argparse.ArgumentParser(description="Turn sequences around with a Transformer.")
    parser.add_argument("--task", choices=["reverse", "copy"], default="reverse")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--symbols", type=int, default=13, help="the size of the vocabulary, with the three marks")
    parser.add_argument("--longest", type=int, default=10)
    options = parser.parse_args(arguments)

    random = np.random.RandomState(0)
    shape = (options.symbols, options.longest, options.task)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        source = tf.placeholder(tf.int32, [None, None], "source")
        target = tf.placeholder(tf.int32, [None, None], "target")
        model = Transformer(options.symbols, options.units, options.heads, options.layers)
        loss = model.loss(source, target)
        rise = tf.minimum(1.0, tf.cast(tf.train.get_or_create_global_step(), tf.float32) / 100)
        train = tf.train.AdamOptimizer(2e-3 * rise).minimize(loss, tf.train.get_global_step())
        found = model.greedy(source, options.longest + 1)
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            inputs, outputs = examples(random, options.batch, *shape)
            value, _ = session.run([loss, train], {source: inputs, target: outputs})
            if step % 100 == 0:
                print(f"step {step}: {value:.4f} nats a token")
        inputs, outputs = examples(random, 200, *shape)
        tokens = session.run(found, {source: inputs})
    right = 0
    for row, (given, wanted, got) in enumerate(zip(inputs, outputs, tokens, strict=True)):
        count = int((wanted != PAD).sum())
        good = got[:count].tolist() == wanted[:count].tolist()
        right += good
        if row < 3:
            print(f"{given[: count - 1].tolist()} -> {got[: count - 1].tolist()}{'' if good else '  wrong'}")
    print(f"{right / len(inputs):.1%} of {len(inputs)} new sequences come out right")
    return right / len(inputs)


if __name__ == "__main__":
    main()
