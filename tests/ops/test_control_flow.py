"""Operations over functions, as far as they stand on their own."""

from __future__ import annotations

import pytest

from penstock.core import dtypes
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph
from penstock.ops.constant import constant
from penstock.ops.control_flow import fake_param_op, partitioned_call_op, stateful_partitioned_call_op
from penstock.runtime.session import Session

COVERS = ("FakeParam", "PartitionedCall", "StatefulPartitionedCall")


@pytest.mark.parametrize("call", [partitioned_call_op, stateful_partitioned_call_op], ids=lambda op: op.name)
def test_a_call_runs_the_function_on_its_arguments(call):
    with Graph().as_default() as graph, Session() as session:
        function = FuncGraph("sum_and_product", graph)
        with function.as_default():
            a, b = function.add_input(dtypes.float32, ()), function.add_input(dtypes.float32, ())
            function.outputs = [a + b, a * b]
        outputs = call([constant(3.0), constant(4.0)], f=function, Tout=["float32", "float32"])
        assert session.run(outputs) == [7.0, 12.0]
        assert [tensor.dims for tensor in outputs] == [(), ()]


def test_a_stand_in_has_the_shape_as_far_as_it_is_known():
    assert fake_param_op(dtype=dtypes.float32, shape=[2, None]).shape.as_list() == [2, 0]
    assert fake_param_op(dtype=dtypes.variant, shape=[]).dtype == dtypes.variant
