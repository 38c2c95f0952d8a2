"""Convolutions by oneDNN with filters that are brought into its layout here.

oneDNN reads a filter in panels of some output channels each: [panel, height, width, input channel, output channel of
the panel]. That is how TensorFlow's filters lie, but for the panels. Its own conversion, which knows nothing of that,
takes up to as long as the convolution. What oneDNN wants of each convolution is looked up once, and where it is another
layout, or oneDNN is not there, nothing here is of use.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch

from penstock.core.array import Array
from penstock.ops.nn.windows import cached

# Smaller results take longer to bring the filter into another layout than the convolution gains.
_LEAST_PIXELS = 64
_LEAST_ELEMENTS = 1 << 12
# Of memory for filters that no convolution uses at the moment.
_KEPT_BYTES = 1 << 27
# Filters from which on machine code turns them, in squares of 16 × 16; for smaller ones LLVM is not worth its memory.
_LARGE_ELEMENTS = 1 << 17
_SQUARE = 16


class Geometry(NamedTuple):
    """What the layout of a filter depends on.

    Attributes:
        images: the sizes of the images, channels second.
        filter: the filter's sizes, [height, width, input channels, output channels].
        padding, stride, dilation: a number for each spatial axis.
        threads: how many oneDNN may use.
    """

    images: tuple[int, ...]
    filter: tuple[int, ...]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    threads: int


class _Packed:
    """A filter in oneDNN's layout.

    Attributes:
        tensor: as oneDNN's operations take it.
        memory: its elements, with zeros where the last panel has no channels.
    """

    def __init__(self, filter: Array, geometry: Geometry) -> None:
        self.tensor = torch.ops.mkldnn._reorder_convolution_weight(
            filter.permute(3, 2, 0, 1), geometry.padding, geometry.stride, geometry.dilation, 1, geometry.images
        )
        self.bytes: int = torch.ops.mkldnn._nbytes(self.tensor)
        kind = ctypes.c_float * (self.bytes // 4)
        # The view does not keep the memory, the tensor does.
        self.memory = torch.frombuffer(kind.from_address(torch.ops.mkldnn.data_ptr(self.tensor)), dtype=torch.float32)

    def panels(self, geometry: Geometry, width: int) -> Array:
        """Return the memory as [panel, positions and input channels, output channels of the panel]."""
        return self.memory.view(-1, math.prod(geometry.filter[:3]), width)


class _Pool:
    """Packed filters that no convolution uses at the moment, the geometries used last at the end."""

    def __init__(self) -> None:
        self._free: OrderedDict[Geometry, list[_Packed]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def take(self, geometry: Geometry) -> _Packed | None:
        with self._lock:
            found = self._free.get(geometry)
            if not found:
                return None
            packed = found.pop()
            self._bytes -= packed.bytes
            return packed

    def give(self, geometry: Geometry, packed: _Packed) -> None:
        with self._lock:
            self._free.setdefault(geometry, []).append(packed)
            self._free.move_to_end(geometry)
            self._bytes += packed.bytes
            while self._bytes > _KEPT_BYTES:
                _, dropped = self._free.popitem(last=False)
                self._bytes -= sum(item.bytes for item in dropped)


_pool = _Pool()


@cached
def panel_width(geometry: Geometry) -> int | None:
    """Return how many output channels a panel has; None where oneDNN wants something else than panels."""
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "data_ptr"):
        return None
    numbers = torch.arange(1, math.prod(geometry.filter) + 1, dtype=torch.float32).view(geometry.filter)
    packed = _Packed(numbers, geometry)
    outputs = geometry.filter[-1]
    rows = math.prod(geometry.filter[:3])
    # Panels fill whole rows: their number follows from the size, their width from where the first row ends.
    width = packed.bytes // 4 // rows
    if packed.memory.numel() != rows * width or width < outputs:
        return None
    first = packed.memory[:outputs].tolist()
    length = next((index for index, number in enumerate(first) if number != index + 1), outputs)
    width = length if length < outputs else width
    if width == 0 or packed.memory.numel() != rows * width * -(-outputs // width):
        return None
    expected = torch.zeros_like(packed.memory)
    _fill(expected.view(-1, rows, width), numbers)
    if not torch.equal(expected, packed.memory):
        return None
    packed.memory.zero_()
    _pool.give(geometry, packed)
    return width


def _fill(panels: Array, filter: Array) -> None:
    """Write a filter's elements into panels."""
    _, rows, width = panels.shape
    outputs = filter.shape[-1]
    flat = filter.reshape(rows, outputs)
    whole = outputs // width
    panels[:whole].copy_(flat[:, : whole * width].view(rows, whole, width).transpose(0, 1))
    if whole * width < outputs:
        panels[whole, :, : outputs - whole * width].copy_(flat[:, whole * width :])


def _fill_turned(panels: Array, filter: Array) -> None:
    """Write the mirrored filter, inputs and outputs exchanged, into panels."""
    height, breadth, inputs, outputs = filter.shape
    count, _, width = panels.shape
    if filter.numel() < _LARGE_ELEMENTS or inputs % _SQUARE or outputs % _SQUARE or width % _SQUARE:
        _fill(panels, filter.flip(0, 1).transpose(2, 3))
        return
    # LLVM is loaded when it is first needed.
    from penstock.ops.fused.native.turned_filter import turn_filter

    positions = height * breadth
    turn_filter()(count, inputs, positions, inputs, outputs, width, filter.data_ptr(), panels.data_ptr())


def convolve(
    images: Array,
    filter: Array,
    bias: Array | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    is_turned: bool = False,
) -> Array | None:
    """Return a convolution of images, or None where it is not one for packed filters.

    Args:
        images: channels second, lying channels last.
        filter: [height, width, input channels, output channels].
        bias: a number for each output channel.
        stride, padding, dilation: a number for each spatial axis.
        is_turned: whether the filter is mirrored, and takes output channels and gives input channels.
    """
    if (
        filter.dtype != torch.float32
        or images.dtype != torch.float32
        or filter.numel() < _LEAST_ELEMENTS
        or not (images.is_cpu and filter.is_cpu and filter.is_contiguous())
        or not images.is_contiguous(memory_format=torch.channels_last)
        or images.shape[0] * math.prod(images.shape[2:]) < _LEAST_PIXELS * math.prod(stride)
    ):
        return None
    height, width, inputs, outputs = filter.shape
    if is_turned:
        inputs, outputs = outputs, inputs
    geometry = Geometry(
        tuple(images.shape),
        (height, width, inputs, outputs),
        tuple(padding),
        tuple(stride),
        tuple(dilation),
        torch.get_num_threads(),
    )
    panel = panel_width(geometry)
    if panel is None:
        return None
    packed = _pool.take(geometry) or _Packed(filter.new_zeros(geometry.filter), geometry)
    (_fill_turned if is_turned else _fill)(packed.panels(geometry, panel), filter)
    result: Array = torch.ops.mkldnn._convolution_pointwise(
        images, packed.tensor, bias, padding, stride, dilation, 1, "none", [], ""
    )
    _pool.give(geometry, packed)
    return result
