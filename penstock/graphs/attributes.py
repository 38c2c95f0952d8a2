"""Attributes of NodeDefs as operations have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph_def import dims_from_proto
from penstock.formats.tensor_proto import from_tensor_proto

_KIND_OF_FIELD = {
    "s": "string",
    "i": "int",
    "f": "float",
    "b": "bool",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}


def read_attribute(value: Any, kind: str | None = None) -> Any:
    """Return the Python value of an AttrValue message.

    Args:
        value: the message.
        kind: the kind that the operation declares; by default it follows from the message. Strings that an operation
            declares are text, others bytes; functions are NameAttrList messages.
    Raises:
        ValueError: if the message is of another kind.
    """
    field = value.WhichOneof("value")
    if kind is not None and kind.startswith("list("):
        if field not in ("list", None):
            raise ValueError(f"expected {kind}, got {_name(field)}")
        return [_item(item, kind[5:-1]) for item in getattr(value.list, _FIELD_OF_KIND[kind[5:-1]])]
    if kind is None:
        if field == "list":
            return _guess_list(value.list)
        if field is None:
            return None
        return _item(getattr(value, field), _KIND_OF_FIELD[field], as_text=False)
    if field is None or _KIND_OF_FIELD.get(field) != kind:
        raise ValueError(f"expected {kind}, got {_name(field)}")
    return _item(getattr(value, field), kind)


_FIELD_OF_KIND = {kind: field for field, kind in _KIND_OF_FIELD.items()}


def _name(field: str | None) -> str:
    return "a list" if field == "list" else _KIND_OF_FIELD.get(field or "", "nothing")


def _guess_list(message: Any) -> list[Any]:
    for field, kind in _KIND_OF_FIELD.items():
        items = getattr(message, field)
        if items:
            return [_item(item, kind, as_text=False) for item in items]
    return []


def _item(item: Any, kind: str, as_text: bool = True) -> Any:
    if kind == "string":
        return _as_text(item) if as_text else bytes(item)
    if kind == "type":
        return _type(item)
    if kind == "shape":
        return dims_from_proto(item)
    if kind == "tensor":
        return np.asarray(from_tensor_proto(item))
    return item


def _as_text(item: bytes) -> Any:
    try:
        return item.decode()
    except UnicodeDecodeError:
        return item


def _type(number: int) -> DType:
    return as_dtype(number)
