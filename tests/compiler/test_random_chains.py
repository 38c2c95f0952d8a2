"""Random chains of elementwise operations agree with the operations one by one, in any layout of their inputs."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_elementwise import fuse_elementwise
from penstock.compiler.schedule import schedule
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.constant import constant, placeholder
from penstock.ops.fused.native import LOWERINGS, ROW_OPERATIONS
from penstock.ops.fused.native.elementwise import _caller

UNARY = ["Abs", "Erf", "Exp", "Neg", "Reciprocal", "Relu", "Rsqrt", "Sigmoid", "Sqrt", "Square", "Tanh"]
BINARY = ["AddV2", "Maximum", "Minimum", "Mul", "RealDiv", "ReluGrad", "SquaredDifference", "Sub", "TanhGrad"]
BINARY += ["SigmoidGrad"]
COMPARISONS = ["Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual"]
SHAPES = [(None, 4), (None, 4), (4,), (None, 1), ()]
ROWS = 3

choices = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=12)
layouts = st.lists(st.sampled_from(["plain", "turned", "gaps"]), min_size=len(SHAPES), max_size=len(SHAPES))


def build(chosen):
    inputs = [placeholder("float32", shape, name=f"x{i}") for i, shape in enumerate(SHAPES)]
    values = [*inputs, constant(0.5), constant(-2.0)]
    tests = []
    for kind, a, b in chosen:
        x, y = values[-1 - a % len(values)], values[-1 - b % len(values)]
        if not fits(x, y):
            continue
        if kind % 10 == 9:
            _append_row_operation(kind // 10, a, b, x, y, values)
        elif kind < 35:
            values.append(lookup(UNARY[kind % len(UNARY)])(x))
        elif kind < 80:
            if BINARY[kind % len(BINARY)].endswith("Grad") and x.dims != y.dims:
                continue
            values.append(lookup(BINARY[kind % len(BINARY)])(x, y))
        elif kind < 90 or not tests:
            tests.append(lookup(COMPARISONS[kind % len(COMPARISONS)])(x, y))
        elif fits(tests[-1 - b % len(tests)], x, y):
            values.append(lookup("SelectV2")(tests[-1 - b % len(tests)], x, y))
    return inputs, [
        tensor for tensor in [*values, *tests] if tensor.op.type in LOWERINGS or tensor.op.type in ROW_OPERATIONS
    ]


def fits(*tensors):
    """Tell whether values have shapes that can be broadcast together."""
    try:
        np.broadcast_shapes(*([ROWS if size is None else size for size in tensor.dims] for tensor in tensors))
    except ValueError:
        return False
    return True


def _append_row_operation(kind, a, b, x, y, values):
    """Append a reduction of rows, softmax or its like, where the operands allow it."""
    if x.dims != SHAPES[0]:
        return
    if kind < 5:
        values.append(lookup(["Sum", "Mean", "Max"][kind % 3])(x, [-1 if a % 2 else 1], keep_dims=True))
    elif kind < 6:
        values.append(lookup("Sum")(x, [1], keep_dims=False))
    elif kind < 8:
        values.append(lookup(["Softmax", "LogSoftmax"][kind % 2])(x))
    elif y.dims == SHAPES[0]:
        values.extend(lookup("SoftmaxCrossEntropyWithLogits")(x, y))


def array(shape, layout, generator):
    shape = [ROWS if size is None else size for size in shape]
    value = torch.from_numpy(generator.normal(size=shape).astype(np.float32))
    if layout == "turned" and value.dim() == 2:
        return value.t().contiguous().t()
    if layout == "gaps" and value.dim() == 2:
        return torch.cat([value, value], 1)[:, : shape[1]]
    return value


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(choices, layouts)
def test_machine_code_agrees_with_the_operations(chosen, layout):
    with Graph().as_default():
        inputs, fetches = build(chosen)
    dataflow = schedule(prune(fetches, [], inputs))
    fused = fuse_elementwise(dataflow)
    fused.check()
    generator = np.random.default_rng(len(chosen))
    known = {edge: array(SHAPES[i], layout[i], generator) for i, edge in enumerate(fused.feeds)}
    for node in fused.nodes:
        if node.op_def.name == "_Elementwise":
            chain, values = node.attrs["chain"], [known[edge] for edge in node.inputs]
            expected, found = chain.by_operation(values), _caller(chain)(values)
            for edge, one, other in zip(node.outputs, expected, found, strict=True):
                assert one.shape == other.shape and one.dtype == other.dtype, chain.region
                torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6, equal_nan=True, msg=str(chain.region))
                known[edge] = one
        elif node.op_def.name == "Const":
            known[node.output] = torch.from_numpy(np.array(node.attrs["value"]))
        else:
            attributes = {name: node.attrs[name] for name in node.op_def.kernel_attributes}
            inputs = [
                known[edge].tolist() if argument.is_host else known[edge]
                for argument, edge in zip(node.op_def.inputs, node.inputs, strict=True)
            ]
            found = node.op_def.kernel(*inputs, **attributes)
            known.update(zip(node.outputs, found if len(node.outputs) > 1 else [found], strict=True))
