"""Values that cross from one device to another: what the compiler puts where it cuts an edge.

Both ends name the tensor, the two devices and the sender's incarnation; from these they make the key under which the
value waits in the step's rendezvous. The kernels take part in no eager call: compiled programs write the two as lines
of their own (`penstock.compiler.partition_writer`), since they need the rendezvous of the run.
"""

from __future__ import annotations

from typing import Any, NoReturn

from penstock.core.array import Array
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op


def rendezvous_key(attrs: dict[str, Any]) -> str:
    """Return the key that both ends use: `sender;incarnation;receiver;tensor;frame:iteration`.

    Args:
        attrs: the attributes of the sending or the receiving operation.
    """
    incarnation = attrs["send_device_incarnation"] & (2**64 - 1)
    return f"{attrs['send_device']};{incarnation:016x};{attrs['recv_device']};{attrs['tensor_name']};0:0"


def _refuse(name: str, tensor_name: str) -> NoReturn:
    raise InvalidArgumentError(
        None, None, f"{name} of {tensor_name!r} runs only in programs that the compiler divided among devices"
    )


@op("_Send(tensor: T)", stateful=True, differentiable=False)
def send_op(
    tensor: Array,
    *,
    tensor_name: str,
    send_device: str,
    send_device_incarnation: int,
    recv_device: str,
    client_terminated: bool = False,
) -> None:
    _refuse("_Send", tensor_name)


@send_op.shape
def send_shape(tensor: Any, **_: Any) -> tuple[()]:
    return ()


# A value that was sent may share memory with whatever the sender has: it counts as a view.
@op("_Recv() -> tensor: tensor_type", stateful=True, view=True, differentiable=False)
def receive_op(
    *,
    tensor_type: DType,
    tensor_name: str,
    send_device: str,
    send_device_incarnation: int,
    recv_device: str,
    client_terminated: bool = False,
) -> Array:
    _refuse("_Recv", tensor_name)


@receive_op.shape
def receive_shape(**_: Any) -> None:
    return None
