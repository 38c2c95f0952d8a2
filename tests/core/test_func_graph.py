"""Functions as graphs: what they capture."""

from __future__ import annotations

from penstock.core.dtypes import float32
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder


def test_one_tensor_is_captured_once_however_it_is_named():
    with Graph().as_default() as graph:
        x = placeholder(float32, [2], name="x")
        branch = FuncGraph("branch", graph)
        inside = branch.capture(x)
        body = FuncGraph("body", branch)
        assert body.capture(inside) is body.capture(x)
        assert [outside for outside, _ in body.captures] == [inside]
        assert len(body.inputs) == len(branch.inputs) == 1
