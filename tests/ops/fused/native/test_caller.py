"""The Python functions that call the machine code of chains."""

from __future__ import annotations

import pytest
import torch

from penstock.ops.fused.native.caller import caller_source
from penstock.ops.fused.native.elementwise import elementwise_op
from penstock.ops.fused.native.region import Access, Chain, Form, Layout, Region, Step

FLOATS = ("float32", "float32")
MULTIPLY = Step("Mul", (("input", 0), ("input", 1)), "float32", FLOATS)
ADD = Step("AddV2", (("step", 0), ("input", 1)), "float32", FLOATS)
REGION = Region((("float32", Access.FULL), ("float32", Access.FULL)), (MULTIPLY, ADD), (0, 1))
# The inputs are columns 0-2 and 3-5 of one array; the results stand next to each other, the second one first.
LAYOUT = Layout(((0, 0), (0, 3)), (6,), ((1, 0),), 3)


def chain(layout=None, forms=()):
    return Chain(REGION, (torch.mul, torch.add), ({}, {}), (None, None), forms, layout)


def compiled(chain):
    run = elementwise_op.specialize_rule({"chain": chain})

    def twice(values):
        run(values)
        return run(values)

    return twice


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 6), (1, 6), (0, 6)])
def test_columns_are_taken_from_one_array_and_put_into_one(shape):
    whole = torch.randn(shape)
    x, y = whole[..., :3], whole[..., 3:]
    (found,) = compiled(chain(LAYOUT))([whole])
    torch.testing.assert_close(found, torch.cat([x * y + y, x * y], -1), rtol=0, atol=0)


def test_rows_with_gaps_and_columns_with_gaps_give_the_same():
    wide = torch.randn(5, 14)
    for whole in (wide[:, 1:7], wide[:, ::2][:, :6], torch.randn(6, 5).t()):
        x, y = whole[:, :3], whole[:, 3:]
        (found,) = compiled(chain(LAYOUT))([whole])
        torch.testing.assert_close(found, torch.cat([x * y + y, x * y], -1), rtol=0, atol=0)


def test_arrays_of_their_own_go_to_the_flat_loop_and_matrices_with_gaps_to_that_over_rows():
    source = caller_source(chain(), is_cpu_certain=True)
    assert "code.flat(1, n" in source and "code.by_rows(rows, columns" in source
    assert "code.flat(" not in caller_source(chain(LAYOUT), is_cpu_certain=True)
    assert "is_cpu" in caller_source(chain(), is_cpu_certain=False)
    x, y = torch.randn(4, 3), torch.randn(4, 6)[:, 2:5]
    product, total = compiled(chain(forms=(Form.FULL, Form.FULL)))([x, y])
    torch.testing.assert_close(product, x * y, rtol=0, atol=0)
    torch.testing.assert_close(total, x * y + y, rtol=0, atol=0)
