"""Tensors shared with other libraries through DLPack, without a copy."""

from __future__ import annotations

from typing import Any

from penstock.core.array import value_from_dlpack
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor import EagerTensor


def to_dlpack(tf_tensor: Any) -> Any:
    """Return a DLPack capsule that shares the memory of an eager tensor, to be taken once by another library.

    Raises:
        InvalidArgumentError: if it is not an eager tensor.
    """
    if not isinstance(tf_tensor, EagerTensor):
        raise InvalidArgumentError(
            None, None, f"The argument to `to_dlpack` must be an eager tensor, got {type(tf_tensor).__name__}"
        )
    return tf_tensor.__dlpack__()


def from_dlpack(dlcapsule: Any) -> EagerTensor:
    """Return an eager tensor that shares the memory of a DLPack capsule, or of an object that exports one.

    >>> import penstock as tf
    >>> x = tf.constant([1.0, 2.0])
    >>> from_dlpack(to_dlpack(x)).numpy().tolist()
    [1.0, 2.0]

    Raises:
        TypeError: if it is neither a capsule nor such an object.
        InvalidArgumentError: if the capsule was taken before, or is none of DLPack's.
    """
    if not hasattr(dlcapsule, "__dlpack__"):
        if type(dlcapsule).__name__ != "PyCapsule":
            raise TypeError(f"from_dlpack takes a DLPack capsule or an object that exports one, got {dlcapsule!r}")
        if '"dltensor' not in repr(dlcapsule):
            raise InvalidArgumentError(
                None, None, f"DLPack tensor must be a capsule with name 'dltensor' that was not consumed: {dlcapsule!r}"
            )
    return EagerTensor(value_from_dlpack(dlcapsule))
