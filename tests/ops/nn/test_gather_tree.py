"""GatherTree: sequences follow the parents back, and end with the end token."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant
from penstock.ops.nn.gather_tree import gather_tree
from penstock.runtime.session import Session

END = 10


def run(step_ids, parent_ids, lengths):
    with Graph().as_default(), Session() as session:
        return session.run(
            gather_tree(
                constant(np.asarray(step_ids, np.int32).reshape(-1, 1, 3)),
                constant(np.asarray(parent_ids, np.int32).reshape(-1, 1, 3)),
                constant(np.asarray(lengths, np.int32)),
                constant(END),
            )
        ).reshape(-1, 3)


def followed(step_ids, parent_ids, length):
    """Return the sequences, written as loops."""
    steps, beams = len(step_ids), 3
    result = np.full((steps, beams), END, np.int32)
    for beam in range(beams):
        at = beam
        for time in reversed(range(min(length, steps))):
            result[time, beam] = step_ids[time][at]
            at = parent_ids[time][at]
        ended = False
        for time in range(steps):
            if ended:
                result[time, beam] = END
            ended = ended or result[time, beam] == END
    return result


def test_beams_follow_their_parents():
    steps = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    parents = [[0, 0, 0], [0, 1, 1], [2, 1, 2]]
    np.testing.assert_array_equal(run(steps, parents, [3]), [[2, 2, 2], [6, 5, 6], [7, 8, 9]])


@pytest.mark.parametrize("seed", range(5))
def test_random_trees_agree_with_a_loop(seed):
    random = np.random.RandomState(seed)
    steps, parents = random.randint(0, END + 1, (6, 3)), random.randint(0, 3, (6, 3))
    length = random.randint(0, 8)
    np.testing.assert_array_equal(run(steps, parents, [length]), followed(steps, parents, length))


def test_a_parent_that_is_no_beam_is_an_error():
    with pytest.raises(InvalidArgumentError, match=r"parent_ids at time 1 must be in \[0, 3\)"):
        run([[1, 2, 3]] * 2, [[0, 0, 0], [0, 3, 0]], [2])


def test_shapes_must_agree():
    with Graph().as_default(), Session() as session:
        with pytest.raises((InvalidArgumentError, ValueError), match="shape"):
            session.run(gather_tree(np.zeros((2, 1, 3), np.int32), np.zeros((2, 1, 2), np.int32), [2], 1))
