"""`tf.experimental.dtensor`: descriptions of device meshes and of how tensors lie on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

UNSHARDED = "unsharded"
MATCH = "match"


class Mesh:
    """Devices in a grid with named dimensions.

    Args:
        dim_names: the names.
        global_device_ids: the grid: an integer array with an axis for each name.
        local_device_ids: the numbers of the devices of this process.
        local_devices: their names.
        mesh_name: a name for the grid.
    """

    def __init__(
        self,
        dim_names: Sequence[str],
        global_device_ids: Any,
        local_device_ids: Sequence[int],
        local_devices: Sequence[Any],
        mesh_name: str = "",
    ) -> None:
        if len(set(dim_names)) != len(dim_names):
            raise ValueError(f"Dimension names must be unique, got {list(dim_names)}")
        self.dim_names = list(dim_names)
        self.global_device_ids = global_device_ids
        self._local_device_ids = list(local_device_ids)
        self._local_devices = list(local_devices)
        self.name = mesh_name

    def local_device_ids(self) -> list[int]:
        """Return the numbers of the devices of this process."""
        return self._local_device_ids

    def local_devices(self) -> list[Any]:
        """Return the names of the devices of this process."""
        return self._local_devices

    def dim_size(self, dim_name: str) -> int:
        """Return the size of a dimension."""
        return int(self.global_device_ids.shape[self.dim_names.index(dim_name)])


class Layout:
    """How a tensor lies on a mesh: for each axis, the mesh dimension that it is split over, or UNSHARDED.

    Args:
        sharding_specs: one for each axis.
        mesh: the mesh.
    """

    def __init__(self, sharding_specs: Sequence[str], mesh: Mesh) -> None:
        for spec in sharding_specs:
            if spec not in (UNSHARDED, MATCH) and spec not in mesh.dim_names:
                raise ValueError(f"{spec!r} is no dimension of the mesh, which has {mesh.dim_names}")
        self.sharding_specs = list(sharding_specs)
        self.mesh = mesh
        self.rank = len(self.sharding_specs)

    @classmethod
    def replicated(cls, mesh: Mesh, rank: int) -> Layout:
        """Return the layout of a tensor that every device has whole."""
        return cls([UNSHARDED] * rank, mesh)
