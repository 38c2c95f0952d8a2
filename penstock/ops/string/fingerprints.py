"""Fingerprints of the bytes of each row of a tensor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError
from penstock.core.tensor import Tensor
from penstock.ops.string.hashing import fingerprint64

_WIDTH = 8


def _hash(data: bytes) -> list[int]:
    return list(fingerprint64(data).to_bytes(_WIDTH, "little"))


@op("Fingerprint(data: T, method: host string) -> fingerprint: uint8", differentiable=False)
def fingerprint_op(data: Value, method: Any) -> torch.Tensor:
    chosen = method.decode() if isinstance(method, bytes) else str(method)
    if chosen != "farmhash64":
        raise InvalidArgumentError(None, None, f"Unsupported fingerprint method: {chosen}. Use farmhash64.")
    if isinstance(data, torch.Tensor):
        rows = [part.tobytes() for part in data.contiguous().view(torch.uint8).numpy()]
    else:
        # The rows of strings are told apart by the fingerprints of their elements.
        parts = data.reshape(len(data), math.prod(data.shape[1:]))
        rows = [_joined(part) for part in parts]
    hashes = [_hash(row) for row in rows]
    return torch.from_numpy(np.array(hashes, np.uint8).reshape(len(hashes), _WIDTH))


@fingerprint_op.shape
def fingerprint_shape(data: Dims, method: Any) -> Dims:
    if data is None:
        return None, _WIDTH
    if not data:
        raise ShapeError("data must have at least one axis, got a scalar")
    return data[0], _WIDTH


def _joined(part: np.ndarray) -> bytes:
    if part.size == 1:
        return bytes(part[0])
    return b"".join(fingerprint64(bytes(item)).to_bytes(_WIDTH, "little") for item in part)


def fingerprint(data: Any, method: str = "farmhash64", name: str | None = None) -> Tensor:
    """Return a fingerprint of each row.

    Args:
        data: a tensor with at least one axis.
        method: "farmhash64".
        name: the name of the node.
    Returns:
        uint8 of shape `[rows, 8]`, the hash of a row's bytes, lowest byte first.
    """
    return fingerprint_op(convert_to_tensor(data), method, name=name)
