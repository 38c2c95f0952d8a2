"""Machine code that mirrors a filter and exchanges its inputs and outputs."""

from __future__ import annotations

import pytest
import torch

from penstock.ops.fused.native.turned_filter import turn_filter


@pytest.mark.parametrize("width", [16, 32, 48])
@pytest.mark.parametrize(("height", "breadth", "inputs", "outputs"), [(1, 1, 16, 16), (3, 3, 64, 32), (2, 3, 80, 48)])
def test_panels_hold_the_mirrored_filter_and_zeros_beyond_the_last_input(height, breadth, inputs, outputs, width):
    filter = torch.randn(height, breadth, inputs, outputs)
    count = -(-inputs // width)
    panels = torch.zeros(count, height * breadth, outputs, width)
    sizes = [count, inputs, height * breadth, inputs, outputs, width]
    turn_filter()(*sizes, filter.data_ptr(), panels.data_ptr())
    turned = filter.flip(0, 1).transpose(2, 3).reshape(height * breadth, outputs, inputs)
    padded = torch.zeros(height * breadth, outputs, count * width)
    padded[:, :, :inputs] = turned
    assert torch.equal(panels, padded.view(height * breadth, outputs, count, width).permute(2, 0, 1, 3))
