"""A recursive network: its shape is the tree of each expression, which only the data knows.

It learns the truth of expressions such as `((1 ^ 0) & 1)`. A leaf is a vector for its digit, an inner node a matrix
product of its two children, with weights of its own for each operator. The nodes of all trees of a batch stand in one
list, children before parents; a `while_loop` walks the list, a `cond` decides between leaf and inner node, and a
TensorArray holds the vectors. Gradients flow back through the loop along the trees.

    python examples/recursive_network.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

import penstock.v1 as tf

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
SYMBOLS = ["0", "1", *OPERATORS]


class Forest:
    """Expressions as lists of nodes, children before parents.

    `symbols[i]` says what node i is, `left[i]` and `right[i]` where its children stand (a leaf has none: 0); `roots`
    says where the trees end, `truths` what they are worth.
    """

    def __init__(self, random: np.random.RandomState, trees: int, depth: int) -> None:
        self.symbols: list[int] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.roots: list[int] = []
        self.truths: list[int] = []
        self.texts: list[str] = []
        for _ in range(trees):
            root, truth, text = self._grow(random, depth)
            self.roots.append(root)
            self.truths.append(truth)
            self.texts.append(text)

    def _grow(self, random: np.random.RandomState, depth: int) -> tuple[int, int, str]:
        if depth == 0 or random.rand() < 0.2:
            digit = random.randint(2)
            return self._add(digit, 0, 0), digit, str(digit)
        (left, a, first), (right, b, second) = self._grow(random, depth - 1), self._grow(random, depth - 1)
        name = random.choice(list(OPERATORS))
        node = self._add(SYMBOLS.index(name), left, right)
        return node, OPERATORS[name](a, b), f"({first} {name} {second})"

    def _add(self, symbol: int, left: int, right: int) -> int:
        self.symbols.append(symbol)
        self.left.append(left)
        self.right.append(right)
        return len(self.symbols) - 1


class RecursiveNetwork:
    """The graph of the network.

    Args:
        units: the size of the vector of a node.
    """

    def __init__(self, units: int) -> None:
        self.symbols, self.left, self.right, self.roots, self.truths = (
            tf.placeholder(tf.int32, [None], name) for name in ("symbols", "left", "right", "roots", "truths")
        )
        leaves = tf.get_variable("leaves", [2, units])
        kernels = tf.get_variable("kernels", [len(OPERATORS), 2 * units, units])
        biases = tf.get_variable("biases", [len(OPERATORS), units], initializer=tf.zeros_initializer())
        count = tf.size(self.symbols)

        def body(node: tf.Tensor, vectors: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            symbol = self.symbols[node]

            def leaf() -> tf.Tensor:
                return leaves[symbol]

            def inner() -> tf.Tensor:
                pair = tf.concat([vectors.read(self.left[node]), vectors.read(self.right[node])], 0)
                return tf.tanh(tf.tensordot(pair, kernels[symbol - 2], 1) + biases[symbol - 2])

            return node + 1, vectors.write(node, tf.cond(symbol < 2, leaf, inner))

        vectors = tf.TensorArray(tf.float32, size=count, clear_after_read=False, element_shape=[units])
        _, vectors = tf.while_loop(lambda node, _: node < count, body, (0, vectors))
        logits = tf.layers.dense(vectors.gather(self.roots), 2, name="truth")
        self.loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.truths, logits=logits))
        self.train = tf.train.AdamOptimizer(1e-2).minimize(self.loss)
        self.found = tf.argmax(logits, 1)
        right = tf.equal(tf.cast(self.found, tf.int32), self.truths)
        self.accuracy = tf.reduce_mean(tf.cast(right, tf.float32))

    def feed(self, forest: Forest) -> dict:
        """Return what to feed for a forest."""
        return {getattr(self, name): getattr(forest, name) for name in ("symbols", "left", "right", "roots", "truths")}


def main(arguments: list[str] | None = None) -> float:
    """Train and print some expressions; return the share of deeper ones that are judged right."""
    parser = argparse.ArgumentParser(description="Learn the truth of expressions.")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--trees", type=int, default=16, help="expressions in a batch")
    parser.add_argument("--depth", type=int, default=3, help="of the expressions to learn from; tests are deeper by 2")
    parser.add_argument("--units", type=int, default=24)
    options = parser.parse_args(arguments)

    random = np.random.RandomState(0)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        model = RecursiveNetwork(options.units)
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            feed = model.feed(Forest(random, options.trees, options.depth))
            loss, accuracy, _ = session.run([model.loss, model.accuracy, model.train], feed)
            if step % 50 == 0:
                print(f"step {step}: {loss:.4f} nats an expression, {accuracy:.0%} right")
        test = Forest(random, 100, options.depth + 2)
        accuracy, found = session.run([model.accuracy, model.found], model.feed(test))
    for text, value in sorted(zip(test.texts, found, strict=True), key=lambda pair: len(pair[0]))[40:45]:
        print(f"{text} = {value}")
    print(f"{accuracy:.0%} of {len(test.texts)} deeper expressions are judged right")
    return float(accuracy)


if __name__ == "__main__":
    main()
