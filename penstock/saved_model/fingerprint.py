"""What identifies a SavedModel: hashes of its parts.

The hashes are this package's own. They tell models apart, but differ from those that TensorFlow computes for the same.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import Any

from google.protobuf.message import DecodeError

from penstock.formats import protos
from penstock.formats.saved_model import FINGERPRINT_FILE, variables_prefix
from penstock.saved_model.reading import path_of


class Fingerprint:
    """What identifies a SavedModel.

    Args:
        saved_model_checksum: a hash of the whole message.
        graph_def_program_hash: a hash of its graph.
        signature_def_hash: a hash of its signatures.
        saved_object_graph_hash: a hash of its objects.
        checkpoint_hash: a hash of the index of its variables.
        version: the version of the hashes.
    """

    def __init__(
        self,
        saved_model_checksum: int | None = None,
        graph_def_program_hash: int | None = None,
        signature_def_hash: int | None = None,
        saved_object_graph_hash: int | None = None,
        checkpoint_hash: int | None = None,
        version: int | None = None,
    ) -> None:
        self.saved_model_checksum = saved_model_checksum
        self.graph_def_program_hash = graph_def_program_hash
        self.signature_def_hash = signature_def_hash
        self.saved_object_graph_hash = saved_object_graph_hash
        self.checkpoint_hash = checkpoint_hash
        self.version = version

    @classmethod
    def from_proto(cls, proto: Any) -> Fingerprint:
        """Return what a FingerprintDef message, or its bytes, describes.

        Raises:
            ValueError: if the bytes are none.
        """
        if isinstance(proto, bytes):
            try:
                proto = protos.FingerprintDef.FromString(proto)
            except DecodeError as error:
                raise ValueError(f"not the bytes of a fingerprint: {error}") from None
        return cls(
            proto.saved_model_checksum,
            proto.graph_def_program_hash,
            proto.signature_def_hash,
            proto.saved_object_graph_hash,
            proto.checkpoint_hash,
            proto.version.producer,
        )

    def _key(self) -> tuple[Any, ...]:
        return (
            self.graph_def_program_hash,
            self.signature_def_hash,
            self.saved_object_graph_hash,
            self.checkpoint_hash,
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Fingerprint):
            return self._key() == other._key() and self.saved_model_checksum == other.saved_model_checksum
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def singleprint(self) -> str:
        """Return the hashes of the parts as one text.

        Raises:
            ValueError: if one is missing.
        """
        if any(part is None for part in self._key()):
            raise ValueError(f"a hash is missing: {self}")
        return "/".join(str(part) for part in self._key())

    def __str__(self) -> str:
        lines = (f"  {name}: {value}" for name, value in vars(self).items())
        return "SavedModel Fingerprint\n" + "\n".join(lines)


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def fingerprint_of(message: Any, directory: str) -> Any:
    """Return the FingerprintDef message of a SavedModel whose variables are written.

    Args:
        message: the SavedModel message.
        directory: the folder.
    """

    def serialized(part: Any) -> bytes:
        data: bytes = part.SerializeToString(deterministic=True)
        return data

    (meta_graph,) = message.meta_graphs
    signatures = b"".join(
        name.encode() + serialized(meta_graph.signature_def[name]) for name in sorted(meta_graph.signature_def)
    )
    with open(variables_prefix(directory) + ".index", "rb") as file:
        index = file.read()
    return protos.FingerprintDef(
        saved_model_checksum=_hash(serialized(message)),
        graph_def_program_hash=_hash(serialized(meta_graph.graph_def)),
        signature_def_hash=_hash(signatures),
        saved_object_graph_hash=_hash(serialized(meta_graph.object_graph_def)),
        checkpoint_hash=_hash(index),
        version={"producer": 1},
        uuid=str(uuid.uuid4()),
    )


def read_fingerprint(export_dir: Any) -> Fingerprint:
    """Return what identifies a SavedModel.

    Args:
        export_dir: the folder.
    Raises:
        FileNotFoundError: if it has no fingerprint.
        ValueError: if the fingerprint is damaged.
    """
    path = os.path.join(path_of(export_dir), FINGERPRINT_FILE)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"SavedModel Fingerprint Error: there is no {path}; models older than it have none.")
    with open(path, "rb") as file:
        return Fingerprint.from_proto(file.read())
