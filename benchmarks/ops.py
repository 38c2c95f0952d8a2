"""Eager calls of much used functions on arrays of a megabyte, Penstock against TensorFlow, one thread each.

    python -m benchmarks.ops [--worse-than 1.5]                 a table of time per call and ratio
    python -m benchmarks.ops --worker penstock                  the times of one framework as JSON

TensorFlow runs in the environment that `make bench-peers` makes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.__main__ import ROOT, interpreters

ELEMENTWISE = (
    "abs exp math.log sqrt square tanh sigmoid sin cos "
    "floor round sign negative math.rsqrt math.log1p math.expm1 math.erf "
    "math.softplus nn.relu nn.elu nn.selu nn.leaky_relu nn.relu6 nn.softmax nn.log_softmax nn.silu nn.gelu "
    "math.is_nan math.is_finite zeros_like ones_like stop_gradient identity shape size rank transpose argmax argmin "
    "reduce_sum reduce_mean reduce_max reduce_min reduce_prod math.reduce_std math.reduce_variance "
    "reduce_logsumexp cumsum sort argsort math.l2_normalize linalg.norm"
).split()
BINARY = (
    "add subtract multiply divide maximum minimum pow math.squared_difference math.divide_no_nan math.floordiv "
    "math.floormod less less_equal greater greater_equal equal not_equal math.atan2"
).split()


def calls(tf: Any) -> dict[str, Callable[[], Any]]:
    """Return name -> a call on values that are made once."""

    def function(path: str) -> Any:
        value = tf
        for name in path.split("."):
            value = getattr(value, name)
        return value

    random = np.random.default_rng(0)
    x = tf.constant(random.uniform(0.1, 2, (512, 512)).astype(np.float32))
    y = tf.constant(random.uniform(0.1, 2, (512, 512)).astype(np.float32))
    row = tf.constant(random.uniform(0.1, 2, 512).astype(np.float32))
    integers = tf.constant(random.integers(0, 512, 4096).astype(np.int32))
    mask = x > 1.0
    images = tf.constant(random.uniform(0, 1, (8, 64, 64, 8)).astype(np.float32))
    kernel = tf.constant(random.uniform(-1, 1, (3, 3, 8, 8)).astype(np.float32))
    segments = tf.constant(np.sort(random.integers(0, 64, 512)).astype(np.int32))
    found: dict[str, Callable[[], Any]] = {name: partial(function(name), x) for name in ELEMENTWISE}
    found.update({name: partial(function(name), x, y) for name in BINARY})
    found.update(
        {
            "matmul": lambda: tf.matmul(x, y),
            "add row": lambda: x + row,
            "reduce_sum axis 0": lambda: tf.reduce_sum(x, 0),
            "reduce_mean axis 1": lambda: tf.reduce_mean(x, 1),
            "reduce_any": lambda: tf.reduce_any(mask),
            "concat": lambda: tf.concat([x, y], 1),
            "stack": lambda: tf.stack([x, y]),
            "unstack": lambda: tf.unstack(x),
            "split": lambda: tf.split(x, 8, 1),
            "tile": lambda: tf.tile(row, [512]),
            "reshape": lambda: tf.reshape(x, [-1]),
            "expand_dims": lambda: tf.expand_dims(x, 0),
            "squeeze": lambda: tf.squeeze(images, []),
            "cast int32": lambda: tf.cast(x, tf.int32),
            "cast float64": lambda: tf.cast(x, tf.float64),
            "gather": lambda: tf.gather(x, integers),
            "gather_nd": lambda: tf.gather_nd(x, integers[:, None]),
            "slice": lambda: x[1:400, ::2],
            "pad": lambda: tf.pad(x, [[1, 1], [2, 2]]),
            "reverse": lambda: tf.reverse(x, [1]),
            "where": lambda: tf.where(mask, x, y),
            "where positions": lambda: tf.where(mask),
            "boolean_mask": lambda: tf.boolean_mask(x, mask),
            "one_hot": lambda: tf.one_hot(integers, 64),
            "fill": lambda: tf.fill([512, 512], 1.5),
            "zeros": lambda: tf.zeros([512, 512]),
            "ones": lambda: tf.ones([512, 512]),
            "range": lambda: tf.range(262144),
            "clip_by_value": lambda: tf.clip_by_value(x, 0.5, 1.5),
            "top_k": lambda: tf.math.top_k(x, 5),
            "unique": lambda: tf.unique(integers),
            "segment_sum": lambda: tf.math.segment_sum(x, segments),
            "unsorted_segment_sum": lambda: tf.math.unsorted_segment_sum(x, segments, 64),
            "scatter_nd": lambda: tf.scatter_nd(segments[:, None], x, [64, 512]),
            "einsum": lambda: tf.einsum("ij,kj->ik", x, y),
            "tensordot": lambda: tf.tensordot(x, y, 1),
            "add_n": lambda: tf.add_n([x, y, x]),
            "linalg.band_part": lambda: tf.linalg.band_part(x, -1, 0),
            "linalg.diag_part": lambda: tf.linalg.diag_part(x),
            "cholesky": lambda: tf.linalg.cholesky(tf.eye(256)),
            "nn.conv2d": lambda: tf.nn.conv2d(images, kernel, 1, "SAME"),
            "nn.depthwise_conv2d": lambda: tf.nn.depthwise_conv2d(images, kernel[..., :1], [1, 1, 1, 1], "SAME"),
            "nn.max_pool2d": lambda: tf.nn.max_pool2d(images, 2, 2, "VALID"),
            "nn.avg_pool2d": lambda: tf.nn.avg_pool2d(images, 2, 2, "VALID"),
            "nn.bias_add": lambda: tf.nn.bias_add(x, row),
            "nn.dropout": lambda: tf.nn.dropout(x, 0.5),
            "nn.moments": lambda: tf.nn.moments(x, [0]),
            "softmax_cross_entropy": lambda: tf.nn.softmax_cross_entropy_with_logits(x, y),
            "sparse_softmax_cross_entropy": lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(segments, x),
            "sigmoid_cross_entropy": lambda: tf.nn.sigmoid_cross_entropy_with_logits(x, y),
            "random.normal": lambda: tf.random.normal([512, 512]),
            "random.uniform": lambda: tf.random.uniform([512, 512]),
            "random.shuffle": lambda: tf.random.shuffle(integers),
            "image.resize": lambda: tf.image.resize(images, [32, 32]),
            "image.flip_left_right": lambda: tf.image.flip_left_right(images),
            "signal.rfft": lambda: tf.signal.rfft(x),
            "bincount": lambda: tf.math.bincount(integers),
        }
    )
    return found


def measure(call: Callable[[], Any], seconds: float) -> float:
    """Return the least time of a call, in seconds; the least is what other work on the machine disturbs least."""
    call()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def work(framework: str, seconds: float) -> None:
    """Print the times of all calls as JSON."""
    tf = importlib.import_module(framework)
    if framework == "tensorflow":
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    print(json.dumps({name: measure(call, seconds) for name, call in calls(tf).items()}))


def run(python: str, framework: str, seconds: float) -> dict[str, float]:
    """Return name -> seconds a call."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    command = [python, "-m", "benchmarks.ops", "--worker", framework, "--seconds", str(seconds)]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure and print a table, the worst first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=0.1, help="for each call")
    parser.add_argument("--worse-than", type=float, default=0.0, help="show ratios above this only")
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.seconds)
        return
    frameworks = interpreters()
    if "tensorflow" not in frameworks:
        raise SystemExit("TensorFlow is not installed beside Penstock; run `make bench-peers` first")
    times = {name: run(frameworks[name], name, options.seconds) for name in ("penstock", "tensorflow")}
    ratios = {name: seconds / times["tensorflow"][name] for name, seconds in times["penstock"].items()}
    print("| call | Penstock | TensorFlow | ratio |\n|---|---|---|---|")
    for name, ratio in sorted(ratios.items(), key=lambda item: -item[1]):
        if ratio > options.worse_than:
            ours, theirs = times["penstock"][name] * 1e6, times["tensorflow"][name] * 1e6
            print(f"| {name} | {ours:.1f} µs | {theirs:.1f} µs | {ratio:.2f} |")
    print(f"{sum(ratio > 1.5 for ratio in ratios.values())} of {len(ratios)} calls take more than 1.5 times as long")


if __name__ == "__main__":
    sys.exit(main())
