"""Work that threads of ATen's runtime share."""

from __future__ import annotations

import sys

import pytest
import torch

from penstock.ops.fused.native.elementwise import one_operation
from penstock.ops.fused.native.lowering import cost_of
from penstock.ops.fused.native.machine_code import compile_region
from penstock.ops.fused.native.region import Access, Region, Step
from penstock.ops.fused.native.threads import SHARE, runtime

ADD = Step("AddV2", (("input", 0), ("input", 1)), "float32", ("float32", "float32"))
TANH = Step("Tanh", (("step", 0),), "float32", ("float32",))


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ATen uses another library than GNU OpenMP there")
def test_linux_has_the_runtime():
    assert runtime() is not None


def test_functions_are_worth_sharing_from_fewer_elements_on():
    inputs = (("float32", Access.FULL), ("float32", Access.FULL))
    light, heavy = Region(inputs, (ADD,), (0,)), Region(inputs, (ADD, TANH), (1,))
    assert 1000 < 2 * SHARE / cost_of(heavy) < 2 * SHARE / cost_of(light) < 200_000


@pytest.mark.parametrize("count", [0, 1, 2, 100_000, 1_000_003])
def test_elements_are_divided(threads, count):
    x, y = torch.randn(count), torch.randn(count)
    add = one_operation("AddV2", ["float32", "float32"], [True, True], torch.float32)
    assert torch.equal(add(x, y), x + y)


@pytest.mark.parametrize("rows", [1, 2, 5, 1000])
@pytest.mark.parametrize("access", [Access.FULL, Access.ROW, Access.COLUMN, Access.SCALAR])
def test_rows_are_divided_and_those_with_gaps_too(threads, rows, access):
    columns = 300
    region = Region((("float32", Access.FULL), ("float32", access)), (ADD,), (0,), columns)
    x = torch.randn(rows, 3 * columns)[:, columns : 2 * columns]
    shape = {Access.FULL: (rows, columns), Access.ROW: (1, columns), Access.COLUMN: (rows, 1), Access.SCALAR: (1, 1)}
    y = torch.randn(shape[access])
    result = torch.full((rows, 2 * columns), 7.0)
    second = [y.data_ptr(), columns] if access is Access.FULL else [y.data_ptr()]
    compile_region(region)(rows, columns, x.data_ptr(), 3 * columns, *second, result.data_ptr(), 2 * columns)
    assert torch.equal(result[:, :columns], x + y)
    assert torch.all(result[:, columns:] == 7.0)
