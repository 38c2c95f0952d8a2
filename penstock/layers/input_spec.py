"""What a layer expects of its inputs, and the check that they are so."""

from __future__ import annotations

from typing import Any

from penstock.core import nest
from penstock.core.dtypes import as_dtype
from penstock.core.shape import TensorShape, as_shape


class InputSpec:
    """What a layer expects of one input.

    Args:
        dtype: the element type; None for any.
        shape: the whole shape, None for sizes that may be any.
        ndim, max_ndim, min_ndim: the number of axes, its maximum and minimum.
        axes: axis -> size, None for any.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing, or be there although `shape` has none.
        name: the input's name.
        optional: whether the input may be None.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else as_dtype(dtype).name
        self.shape: tuple[int | None, ...] | None = None
        if shape is not None:
            self.shape = tuple(as_shape(shape).as_list())
            ndim = len(self.shape)
        self.ndim = ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        limit = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and limit is not None and max(self.axes) >= limit:
            raise ValueError(f"Axis {max(self.axes)} is greater than the maximum allowed value: {limit - 1}")

    def __repr__(self) -> str:
        fields = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = [f"{field}={getattr(self, field)}" for field in fields if getattr(self, field)]
        return f"InputSpec({', '.join(given)})"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal specification."""
        fields = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return {field: getattr(self, field) for field in fields}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """Make a specification from what `get_config` returned."""
        return cls(**config)


def check_inputs(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Check the static types and shapes of a layer's inputs.

    Args:
        input_spec: None, an `InputSpec`, or a nest of them, one an input.
        inputs: a tensor or a nest of tensors.
        layer_name: for messages.
    Raises:
        ValueError: saying which input does not fit, what was expected and what arrived.
    """
    if not input_spec:
        return
    specs, tensors = nest.flatten(input_spec), nest.flatten(inputs)
    if len(specs) != len(tensors):
        raise ValueError(
            f"Layer {layer_name} expects {len(specs)} inputs, but it received {len(tensors)} input tensors. "
            f"Inputs received: {inputs!r}"
        )
    for index, (spec, tensor) in enumerate(zip(specs, tensors, strict=True)):
        if spec is not None and not (tensor is None and spec.optional):
            problem = _problem(spec, tensor.shape, tensor.dtype.base_dtype.name)
            if problem:
                raise ValueError(f"Input {index} of layer {layer_name} is incompatible with the layer: {problem}")


def _problem(spec: InputSpec, shape: TensorShape, dtype: str) -> str | None:
    """Say how an input does not fit, or return None."""
    if spec.dtype is not None and dtype != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={dtype}"
    if shape.rank is None:
        if spec.ndim is not None or spec.min_ndim is not None or spec.max_ndim is not None:
            return "its rank is undefined, but the layer requires a defined rank. Use tf.reshape or set_shape."
        return None
    sizes = shape.as_list()
    received = f"Full shape received: {sizes}"
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and shape.rank != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={shape.rank}. {received}"
    if spec.max_ndim is not None and shape.rank > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={shape.rank}. {received}"
    if spec.min_ndim is not None and shape.rank < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={shape.rank}. {received}"
    for axis, size in spec.axes.items():
        if not -shape.rank <= axis < shape.rank:
            return f"expected an axis {axis}, found ndim={shape.rank}. {received}"
        if size is not None and sizes[axis] not in (size, None):
            return f"expected axis {axis} of input shape to have value {size} but received input with shape {sizes}"
    if spec.shape is not None:
        expected, actual = list(spec.shape), sizes
        if spec.allow_last_axis_squeeze:
            expected = expected[:-1] if expected and expected[-1] == 1 else expected
            actual = actual[:-1] if actual and actual[-1] == 1 else actual
        if not TensorShape(expected).is_compatible_with(actual):
            return f"expected shape={spec.shape}, found shape={sizes}"
    return None
