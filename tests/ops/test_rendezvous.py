"""What stands where an edge between devices was cut."""

from __future__ import annotations

import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import constant
from penstock.ops.rendezvous import receive_op, send_op

ENDS = {
    "tensor_name": "edge_1_x",
    "send_device": "/job:a/replica:0/task:0/device:CPU:0",
    "send_device_incarnation": 1,
    "recv_device": "/job:a/replica:0/task:0/device:CPU:1",
}


def test_both_ends_can_be_nodes_of_a_graph():
    with Graph().as_default():
        send = send_op(constant([1.0, 2.0]), name="send", **ENDS)
        received = receive_op(tensor_type="float32", name="receive", **ENDS)
    assert send.type == "_Send" and send.get_attr("client_terminated") is False
    assert received.op.type == "_Recv" and received.shape.rank is None


def test_outside_of_a_divided_program_there_is_nobody_to_send_to():
    with pytest.raises(InvalidArgumentError, match="edge_1_x"):
        send_op(constant(1.0), **ENDS)
    with pytest.raises(InvalidArgumentError, match="edge_1_x"):
        receive_op(tensor_type="float32", **ENDS)
