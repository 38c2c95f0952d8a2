"""Kernels assume nothing of the CPU: they give the same on a device that is merely pretended."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array
from penstock.core.graph import Graph
from penstock.core.inference import group_inputs
from penstock.core.resources import ResourceManager
from penstock.ops.fused.native import elementwise, elementwise_update
from penstock.ops.hosted import on_host
from penstock.testing.pretended_device import LOCATION, PretendedDevice
from tests.ops.test_properties import CASES

# Shapes are known on the host; programs bring them to the device where an array is wanted.
ON_HOST = {"Rank", "Shape", "ShapeN", "Size"}
OFF_DEVICE = {"string", "variant", "resource"}


@pytest.fixture(autouse=True)
def devices(monkeypatch):
    for module in (elementwise, elementwise_update):
        monkeypatch.setattr(module, "CPU_ONLY", False)


def node_of(case):
    """Return a case as an operation of a graph; None if it has inputs that are not constants there."""
    with Graph().as_default() as graph:
        case._call(case._constants())
    node = [op for op in graph.get_operations() if op.type == case.op.name][-1]
    return node if all(tensor.op.type == "Const" for tensor in node.inputs) else None


def arguments(node, location):
    def value(tensor, is_host):
        number = np.asarray(tensor.op.attrs["value"])
        return number.tolist() if is_host else array.to_device(array.from_numpy(number, copy=True), location)

    return [
        [value(item, argument.is_host) for item in given] if argument.is_sequence else value(given, argument.is_host)
        for argument, given in zip(node.op_def.inputs, group_inputs(node.op_def, node.inputs, node.attrs), strict=True)
    ]


def flat(values):
    return [item for value in values for item in flat(value)] if isinstance(values, (list, tuple)) else [values]


def run(node, location):
    attributes = {name: node.attrs[name] for name in node.op_def.kernel_attributes}
    available = {"resources": ResourceManager(), "node_name": node.name}
    attributes.update({name: available[name] for name in node.op_def.injected})
    return flat([node.op_def.kernel(*arguments(node, location), **attributes)])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_kernel_gives_the_same_on_another_device(case):
    node = node_of(case)
    if node is None or any(t.dtype.base_dtype.name in OFF_DEVICE for t in (*node.inputs, *node.outputs)):
        return  # such operations are never placed there
    expected = run(node, "cpu")
    with PretendedDevice():
        found = run(node, LOCATION)
        has_arrays = any(not argument.is_host for argument in node.op_def.inputs) and case.op.name not in ON_HOST
        for value in found:
            if has_arrays and array.dtype_of(value).name != "variant":
                assert array.location_of(value) == LOCATION
        found = [array.to_device(value, "cpu") for value in found]
    for value, other in zip(found, expected, strict=True):
        numbers, wanted = (np.asarray(array.to_numpy(each), np.complex128) for each in (value, other))
        np.testing.assert_allclose(numbers, wanted, 1e-5, 1e-6)


def test_a_kernel_that_needs_the_host_has_its_values_brought_there_and_back():
    seen = []

    @on_host
    def kernel(x, ys, *, scale=1):
        seen.extend(array.location_of(value) for value in (x, *ys))
        return x * scale, [y + 1 for y in ys]

    with PretendedDevice():
        one, two = (array.to_device(array.from_numpy(np.full(2, k)), LOCATION) for k in (1.0, 2.0))
        product, (plus,) = kernel(one, [two], scale=3)
        assert array.location_of(product) == array.location_of(plus) == LOCATION
        assert product.tolist() == [3.0, 3.0] and plus.tolist() == [3.0, 3.0]
    assert seen == ["cpu", "cpu"]


def test_what_a_device_refuses_is_refused():
    with PretendedDevice():
        x = array.to_device(array.from_numpy(np.ones(2)), LOCATION)
        with pytest.raises(RuntimeError, match="two devices"):
            x + array.from_numpy(np.ones(2))
        with pytest.raises(TypeError, match="NumPy"):
            x.numpy()
