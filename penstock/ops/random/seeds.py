"""How the seeds of operations follow from those of the graph, the process and the user."""

from __future__ import annotations

import random
from typing import Any
from weakref import WeakKeyDictionary

from penstock.core import array
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, current_graph
from penstock.core.resources import eager_resources

DEFAULT_GRAPH_SEED = 87654321
CONTAINER = "random/"
_LARGEST = 2**31 - 1


class _EagerSeeds:
    """The seed of eager execution, and the generator of the seeds of operations that have none of their own."""

    def __init__(self) -> None:
        self.seed: int | None = None
        self.generator = random.Random()


_eager = _EagerSeeds()
_operations_seeded: WeakKeyDictionary[Graph, int] = WeakKeyDictionary()


def _graph_seed(graph: Graph) -> int | None:
    """Return a graph's seed; functions without one have that of what surrounds them."""
    if graph.seed is None and isinstance(graph, FuncGraph):
        return _eager.seed if graph.outer_graph is None else _graph_seed(graph.outer_graph)
    return graph.seed


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """Return the two seeds of an operation.

    Args:
        op_seed: the seed that the user gave to the operation, or None.
    Returns:
        Two integers in [0, 2**31), never both 0; `(None, None)` if neither the graph nor the operation has a seed,
        which means unpredictable numbers.
    Raises:
        RuntimeError: if there is no seed, and operations were asked to be deterministic.
    """
    graph = current_graph()
    global_seed = _eager.seed if graph is None else _graph_seed(graph)
    if global_seed is None:
        if op_seed is None and array.is_deterministic():
            raise RuntimeError(
                "Random ops require a seed to be set when determinism is enabled. Please set a seed before running "
                "the op, e.g. by calling tf.random.set_seed(1)."
            )
        return (None, None) if op_seed is None else (DEFAULT_GRAPH_SEED, int(op_seed) % _LARGEST)
    if op_seed is None:
        if graph is None:
            op_seed = _eager.generator.randint(0, _LARGEST)
        else:
            op_seed = _operations_seeded.get(graph, 0)
            _operations_seeded[graph] = op_seed + 1
    seeds = int(global_seed) % _LARGEST, int(op_seed) % _LARGEST
    return (0, _LARGEST) if seeds == (0, 0) else seeds


def seed_attributes(op_seed: int | None) -> dict[str, Any]:
    """Return the attributes `seed` and `seed2` of an operation whose user gave `op_seed`."""
    seed, seed2 = get_seed(op_seed)
    return {"seed": seed or 0, "seed2": seed2 or 0}


def set_seed(seed: Any) -> None:
    """Set the seed from which those of operations follow: of eager execution, or of the graph being built.

    Eager random operations start again from the beginning of their streams.

    Args:
        seed: an integer, or None for unpredictable numbers.
    """
    graph = current_graph()
    if graph is not None:
        graph.seed = seed
        return
    _eager.seed = seed
    _eager.generator = random.Random(seed)
    eager_resources.clear([CONTAINER])


def set_random_seed(seed: Any) -> None:
    """Set the seed of the graph being built, or of eager execution; the name that `set_seed` has in TensorFlow 1.

    Args:
        seed: an integer, or None for unpredictable numbers.
    """
    set_seed(seed)
