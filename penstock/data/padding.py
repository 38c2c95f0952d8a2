"""Shapes that elements of a batch are padded to, and the values they are padded with."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import context
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import string
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.data import structure as nested
from penstock.data.node import argument
from penstock.data.structure import Structure


def padded_shapes_of(structure: Structure, given: Any) -> list[tuple[int | None, ...]]:
    """Return the shape that each leaf is padded to, where None means that of the largest element in the batch.

    Args:
        structure: the elements.
        given: nested shapes, in which None and -1 stand for sizes that are not fixed; by default those of the elements.

    Raises:
        ValueError: if a rank is unknown, or a shape does not fit the elements.
    """
    if given is None:
        shapes: list[Any] = []
        for spec in structure.leaves:
            if spec.shape.rank is None:
                raise ValueError(
                    "You must provide `padded_shapes` argument because component of the dataset has unknown rank."
                )
            shapes.append(spec.shape.as_tuple())
        return shapes
    parts = [given] if not nested.is_structure(structure.spec) else _match_shapes(structure.spec, given)
    result: list[Any] = []
    for spec, part in zip(structure.leaves, parts, strict=True):
        if isinstance(part, Tensor):
            part = np.asarray(part).tolist()
        known = part if isinstance(part, (list, tuple)) else TensorShape(part).as_list()
        sizes = TensorShape([None if size in (None, -1) else int(size) for size in known])
        if spec.shape.rank is not None and spec.shape.rank != sizes.rank:
            raise ValueError(
                f"The padded shape {sizes} is not compatible with the shape {spec.shape} of the corresponding input "
                "component."
            )
        if spec.shape.rank is not None:
            for wanted, size in zip(sizes.as_list(), spec.shape.as_list(), strict=True):
                if wanted is not None and size is not None and wanted < size:
                    raise ValueError(
                        f"The padded shape {sizes} is not compatible with the shape {spec.shape} of the corresponding "
                        "input component."
                    )
        result.append(sizes.as_tuple())
    return result


def _match_shapes(spec: Any, given: Any) -> list[Any]:
    """Return the shapes that stand where `spec` has leaves; lists and tuples there are shapes."""
    if not nested.is_structure(spec):
        return [given]
    if isinstance(spec, dict):
        if not isinstance(given, dict) or sorted(given) != sorted(spec):
            raise ValueError(f"`padded_shapes` must have the keys {sorted(spec)}, got {given}")
        return [leaf for key in sorted(spec) for leaf in _match_shapes(spec[key], given[key])]
    parts = nested.children(spec)
    if not isinstance(given, (list, tuple)) or len(given) != len(parts):
        raise ValueError(f"`padded_shapes` must have a shape for each of {len(parts)} components, got {given}")
    return [leaf for part, item in zip(parts, given, strict=True) for leaf in _match_shapes(part, item)]


def padding_values_of(structure: Structure, given: Any) -> list[Any]:
    """Return the Python number or bytes, or the symbolic scalar, that each leaf is padded with.

    Args:
        structure: the elements.
        given: nested scalars, or one for all; by default 0, False and the empty string.

    Raises:
        TypeError: if a value is of another dtype than its leaf.
        ValueError: if one is not a scalar.
    """
    if given is None:
        parts: list[Any] = [None] * len(structure.leaves)
    elif not nested.is_structure(given) and nested.is_structure(structure.spec):
        parts = [given] * len(structure.leaves)
    else:
        parts = nested.match(structure.spec, given, "`padding_values`")
    result = []
    for spec, part in zip(structure.leaves, parts, strict=True):
        if part is None:
            part = b"" if spec.dtype == string else False if spec.dtype.name == "bool" else 0
        with context.eager_mode():
            tensor = part if isinstance(part, Tensor) else convert_to_tensor(part, spec.dtype)
        if tensor.dtype != spec.dtype:
            raise TypeError(f"Mismatched type between padding value {part} and component of type {spec.dtype.name}")
        if tensor.shape.rank not in (0, None):
            raise ValueError(f"Padding value should be a scalar, but is not: {part}")
        result.append(argument(tensor))
    return result
