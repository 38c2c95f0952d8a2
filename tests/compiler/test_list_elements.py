"""Elements of lists that are stacked only to be taken apart again."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.compiler.simplify import simplify
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.control_flow import while_loop
from penstock.language.tensor_array import TensorArray
from penstock.ops.array.shaping import transpose_op
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.exponential import tanh_op
from penstock.ops.math.reduce import reduce_sum
from penstock.runtime.session import Session

TRIPS = 4


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def outputs_of_loop(batch):
    """Return what a loop makes, [time, batch, 3], and its input."""
    x = placeholder("float64", [batch, 3], name="x")
    _, _, outputs = while_loop(
        lambda i, h, outputs: i < TRIPS,
        lambda i, h, outputs: (i + 1, tanh_op(h) + x, outputs.write(i, h)),
        [constant(0), x, TensorArray("float64", size=TRIPS)],
        name="loop",
    )
    return outputs.stack(), x


def kinds(fetches, feeds):
    after = simplify(schedule(prune(fetches, [], feeds)))
    after.check()
    return {node.op_def.name for node in after.nodes}


def both(fetches, feeds):
    results = []
    for options in (Options(), Options(simplify=False)):
        with Session() as session:
            session._options = options
            results.append(session.run(fetches, feeds))
    return results


SLICES = {
    "last of time": (lambda y: y[-1], True),
    "a step": (lambda y: y[2], True),
    "the first": (lambda y: y[0], True),
    "last of time behind the batch": (lambda y: transpose_op(y, [1, 0, 2])[:, -1], True),
    "last of time behind all": (lambda y: transpose_op(y, [1, 2, 0])[:, :, -1], True),
    "turned": (lambda y: transpose_op(y, [2, 0, 1])[:, -1], False),
    "one of the batch": (lambda y: y[:, 1], False),
    "several": (lambda y: y[1:3], False),
    "one of each": (lambda y: y[1, 0], False),
    "backwards": (lambda y: y[2, ::-1], False),
}


@pytest.mark.parametrize("batch", [2, None])
@pytest.mark.parametrize("name", SLICES)
def test_an_element_is_taken_from_the_list_and_its_gradient_put_into_one(graph, name, batch):
    take, is_element = SLICES[name]
    stacked, x = outputs_of_loop(batch)
    taken = take(stacked)
    (slope,) = gradients(reduce_sum(taken * taken), [x])
    found = kinds([taken, slope], [x])
    assert ("TensorListGetItem" in found) == is_element
    assert ("TensorListStack" not in found) == is_element
    if is_element:
        assert "TensorListReserve" in found and "StridedSliceGrad" not in found and "TensorListFromTensor" not in found
    ours, plain = both([taken, slope], {x: np.linspace(-1, 1, 6).reshape(2, 3)})
    for value, expected in zip(ours, plain, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_a_stack_that_is_used_elsewhere_stays(graph):
    stacked, x = outputs_of_loop(2)
    last, total = stacked[-1], reduce_sum(stacked)
    (slope,) = gradients(reduce_sum(last) + total, [x])
    assert {"TensorListStack", "TensorListGetItem"} <= kinds([last, total, slope], [x])
    ours, plain = both([last, total, slope], {x: np.linspace(-1, 1, 6).reshape(2, 3)})
    for value, expected in zip(ours, plain, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12)
