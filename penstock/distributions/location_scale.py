"""What distributions share that are one distribution, stretched and moved."""

from __future__ import annotations

from typing import Any

from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions.arguments import checked, joint_shape, joint_shape_tensor
from penstock.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from penstock.ops.constant import identity
from penstock.ops.debugging.comparisons import assert_positive
from penstock.ops.debugging.shapes import assert_same_float_dtype


class LocationScale(Distribution):
    """Distributions with a location and a scale.

    Args:
        loc: floating, the locations.
        scale: positive; its shape broadcasts with that of `loc`.
        validate_args, allow_nan_stats, name: see `Distribution`.
    Raises:
        ValueError: if the types differ, or are not floating.
    """

    _PARAMETERS = ("loc", "scale")

    def __init__(self, loc: Any, scale: Any, validate_args: bool, allow_nan_stats: bool, name: str) -> None:
        parameters = {
            "loc": loc, "scale": scale, "validate_args": validate_args, "allow_nan_stats": allow_nan_stats, "name": name
        }  # fmt: skip
        with name_scope(name, values=[loc, scale]) as scope:
            self._loc = identity(loc, name="loc")
            self._scale = checked(scale, [assert_positive(scale)] if validate_args else [], name="scale")
            assert_same_float_dtype([self._loc, self._scale])
        super().__init__(
            self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, name=scope or name
        )

    @property
    def loc(self) -> Tensor:
        """The locations."""
        return self._loc

    @property
    def scale(self) -> Tensor:
        """The scales."""
        return self._scale

    def _batch_shape(self) -> TensorShape:
        return joint_shape(self.loc, self.scale)

    def _batch_shape_tensor(self) -> Tensor:
        return joint_shape_tensor(self.loc, self.scale)
