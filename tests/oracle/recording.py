"""The recorded cases: one record a line of JSON, arrays in pools beside it. The format is described in README.md."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
GROUPS = tuple(sorted(path.stem.removeprefix("cases-") for path in DATA.glob("cases-*.json")))

_TYPES = {
    "f2": np.float16,
    "f4": np.float32,
    "f8": np.float64,
    "c8": np.complex64,
    "c16": np.complex128,
    "b1": np.bool_,
    "i1": np.int8,
    "i2": np.int16,
    "i4": np.int32,
    "i8": np.int64,
    "u1": np.uint8,
    "u2": np.uint16,
    "u4": np.uint32,
    "u8": np.uint64,
}
_DIFFERENTIABLE = ("f2", "f4", "f8", "c8", "c16")


class ArrayPools:
    """The arrays of a group, one flat pool for each type."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as archive:
            self._pools = dict(archive)

    def array(self, reference: str) -> np.ndarray:
        """Return a copy of the array that `type:offset:shape` refers to."""
        code, offset, shape_text = reference.split(":")
        shape = tuple(int(size) for size in shape_text.split(",")) if shape_text else ()
        count = int(np.prod(shape, dtype=np.int64))
        pool = self._pools.get(code, np.zeros(count, _TYPES[code]))
        start = int(offset) if code in self._pools else 0
        return pool[start : start + count].reshape(shape).copy()


def string_array(spec: list[Any]) -> np.ndarray:
    """Return `[shape, texts]` as an object array of bytes."""
    shape, texts = spec
    flat = np.empty(len(texts), dtype=object)
    flat[:] = [text.encode("latin-1") for text in texts]
    return flat.reshape(shape)


@dataclass(frozen=True)
class Case:
    """A recorded call or program.

    Attributes:
        group: the group that it belongs to, and whose arrays it refers to.
        record: the fields that were recorded.
        pools: the group's arrays.
    """

    group: str
    record: dict[str, Any]
    pools: ArrayPools

    @property
    def id(self) -> str:
        """The name of the function and a number; with "!" in front if it must raise."""
        return self.record["id"]

    @property
    def tolerance(self) -> str:
        """The class of tolerance that its values are held to."""
        return self.record.get("tol", "std")

    @property
    def is_program(self) -> bool:
        """Whether it is a small program, not a call."""
        return "code" in self.record

    @property
    def holds_in_graphs(self) -> bool:
        """Whether it was recorded through a graph and a session too."""
        return self.record.get("graph", False)

    def array(self, reference: str) -> np.ndarray:
        """Return an array of the case."""
        return self.pools.array(reference)


def takes_gradient(reference: str) -> bool:
    """Tell whether gradients were recorded for the array that `reference` names."""
    return reference.split(":")[0] in _DIFFERENTIABLE


@cache
def read_cases(group: str) -> tuple[Case, ...]:
    """Return the cases of a group, in the order of recording."""
    records = json.loads((DATA / f"cases-{group}.json").read_text(encoding="utf-8"))
    pools = ArrayPools(DATA / f"arrays-{group}.npz")
    return tuple(Case(group, record, pools) for record in records)
