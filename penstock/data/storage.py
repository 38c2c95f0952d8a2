"""Elements in files: each component of an element is a record, a serialized TensorProto; beside them stands what the
elements are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.dtypes import as_dtype
from penstock.core.errors import DataLossError, NotFoundError
from penstock.core.type_spec import TensorSpec
from penstock.data import structure as nested
from penstock.data.node import UNKNOWN, Element, Node, Run
from penstock.data.structure import NoneTensorSpec, Structure, flat_values
from penstock.formats import protos
from penstock.formats.records import RecordWriter, read_records
from penstock.formats.tensor_proto import from_tensor_proto, to_tensor_proto

_META_FILE = "dataset_spec.json"
_DATA_FILE = "elements.tfrecord"


def write_elements(
    path: str, elements: Iterable[Element], structure: Structure, compression: str = ""
) -> Iterator[Element]:
    """Yield elements, each after it was written to the file at `path`."""
    enums = [spec.dtype.as_datatype_enum for spec in structure.components]
    with RecordWriter(path, compression) as writer:
        for element in elements:
            for value, enum in zip(flat_values(element), enums, strict=True):
                writer.write(to_tensor_proto(np.asarray(array.to_numpy(value)), enum).SerializeToString())
            yield element


def read_elements(path: str, structure: Structure, compression: str = "") -> Iterator[Element]:
    """Yield the elements of a file.

    Raises:
        DataLossError: if it ends within an element.
    """
    count = len(structure.components)
    values: list[Any] = []
    for record in read_records(path, compression):
        proto = protos.TensorProto.FromString(record)
        values.append(array.from_numpy(np.asarray(from_tensor_proto(proto)), copy=True))
        if len(values) == count:
            yield structure.from_flat(values)
            values = []
    if values:
        raise DataLossError(None, None, f"{path!r} ends within an element")


def spec_to_json(spec: Any) -> Any:
    """Return an element spec as JSON has it.

    Raises:
        TypeError: for leaves other than dense tensors and None.
    """
    if isinstance(spec, TensorSpec):
        return {"tensor": [spec.shape.as_list() if spec.shape.rank is not None else None, spec.dtype.name]}
    if isinstance(spec, NoneTensorSpec):
        return {"none": True}
    if isinstance(spec, dict):
        return {"dict": {key: spec_to_json(item) for key, item in spec.items()}}
    if isinstance(spec, tuple):
        return {"tuple": [spec_to_json(item) for item in spec]}
    raise TypeError(f"elements of {spec!r} cannot be saved: only dense tensors can")


def spec_from_json(item: Any) -> Any:
    """Return the element spec that `spec_to_json` wrote."""
    ((kind, content),) = item.items()
    if kind == "tensor":
        return TensorSpec(content[0], as_dtype(content[1]))
    if kind == "dict":
        return {key: spec_from_json(part) for key, part in content.items()}
    return tuple(spec_from_json(part) for part in content) if kind == "tuple" else NoneTensorSpec()


def save(node: Node, run: Run, path: str, compression: str, shard_of: Any) -> None:
    """Write all elements of a pipeline to a directory.

    Args:
        node, run: the pipeline.
        path: the directory.
        compression: "" or "GZIP".
        shard_of: from an element to the number of the file that it goes to; None for one file.
    """
    spec = spec_to_json(node.structure.spec)
    os.makedirs(path, exist_ok=True)
    shards: dict[int, list[Element]] = {}
    if shard_of is None:
        count = sum(
            1 for _ in write_elements(os.path.join(path, _DATA_FILE), node.iterate(run), node.structure, compression)
        )
        names = [_DATA_FILE]
    else:
        for element in node.iterate(run):
            shards.setdefault(shard_of(element), []).append(element)
        count = sum(map(len, shards.values()))
        names = []
        for number in sorted(shards):
            names.append(f"{number:08d}_{_DATA_FILE}")
            for _ in write_elements(os.path.join(path, names[-1]), shards[number], node.structure, compression):
                pass
    meta = {"element_spec": spec, "compression": compression, "files": names, "cardinality": count}
    with open(os.path.join(path, _META_FILE), "w") as file:
        json.dump(meta, file)


def read_meta(path: str) -> dict[str, Any]:
    """Return what `save` wrote about a directory.

    Raises:
        NotFoundError: if it holds no saved dataset.
    """
    try:
        with open(os.path.join(path, _META_FILE)) as file:
            return json.load(file)
    except FileNotFoundError:
        raise NotFoundError(
            None, None, f"Could not find metadata file [{os.path.join(path, _META_FILE)}]: no dataset was saved there."
        ) from None


class Stored(Node):
    """The elements of one file of a directory that `save` wrote, or of all of them."""

    def __init__(self, path: str, meta: dict[str, Any], element_spec: Any, files: list[str]) -> None:
        super().__init__(spec_from_json(meta["element_spec"]) if element_spec is None else element_spec)
        self.path = path
        self.meta = meta
        self.files = files

    def iterate(self, run: Run) -> Iterator[Element]:
        for name in self.files:
            yield from read_elements(os.path.join(self.path, name), self.structure, self.meta["compression"])

    def cardinality(self, run: Run) -> int:
        return self.meta["cardinality"] if self.files == self.meta["files"] else UNKNOWN


class Snapshot(Node):
    """The elements, kept in a directory from the first whole pass on."""

    def __init__(self, input: Node, path: str, compression: str) -> None:
        super().__init__(input.structure, [input])
        self.path = path
        self.compression = compression

    def iterate(self, run: Run) -> Iterator[Element]:
        if os.path.exists(os.path.join(self.path, _META_FILE)):
            meta = read_meta(self.path)
            yield from Stored(self.path, meta, self.structure.spec, meta["files"]).iterate(run)
            return
        os.makedirs(self.path, exist_ok=True)
        data = os.path.join(self.path, _DATA_FILE)
        count = 0
        for element in write_elements(data, self.inputs[0].iterate(run), self.structure, self.compression):
            count += 1
            yield element
        spec = nested.map_leaves(lambda leaf: leaf, self.structure.spec)
        meta = {
            "element_spec": spec_to_json(spec),
            "compression": self.compression,
            "files": [_DATA_FILE],
            "cardinality": count,
        }
        with open(os.path.join(self.path, _META_FILE), "w") as file:
            json.dump(meta, file)

    def cardinality(self, run: Run) -> int:
        return self.inputs[0].cardinality(run)
