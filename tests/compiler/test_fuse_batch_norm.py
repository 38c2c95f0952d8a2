"""Batch normalization in one kernel with the sum and the ReLU behind it; its derivative with theirs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.compiler import reuse
from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_batch_norm import fuse_batch_norm
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.math.binary import add_v2_op
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.sum_n import add_n
from penstock.ops.nn import batch_norm
from penstock.ops.nn.activation import relu_op
from penstock.ops.nn.normalization import fused_batch_norm_op, fused_batch_norm_v3_op
from penstock.runtime.session import Session

CHANNELS = 6


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


@pytest.fixture
def machine_code(monkeypatch):
    """Let small images run as machine code, and in the memory of others."""
    monkeypatch.setattr(batch_norm, "LARGE", 1)
    monkeypatch.setattr(reuse, "_WORTH_REUSING", 1)


def images(name, dims=(2, 3, 3, CHANNELS), dtype="float32"):
    return placeholder(dtype, list(dims), name=name)


def vectors(channels=CHANNELS):
    return [placeholder("float32", [channels], name=name) for name in ("scale", "offset", "mean", "variance")]


def normalized(x, parameters, operation=fused_batch_norm_v3_op, **attrs):
    return operation(x, *parameters, **{"is_training": True, **attrs}, name="norm")


def lines(fetches, feeds):
    dataflow = fuse_batch_norm(schedule(prune(fetches, [], feeds)))
    dataflow.check()
    return str(dataflow).splitlines()[1:]


def operations(fetches, feeds):
    return [line.split(" = ")[1].partition("(")[0] for line in lines(fetches, feeds)[:-1]]


def values(tensors, seed=0):
    generator = np.random.default_rng(seed)
    found = {}
    for tensor in tensors:
        shape = [2 if size is None else size for size in tensor.shape.as_list()]
        array = generator.standard_normal(shape)
        found[tensor] = (np.abs(array) + 0.1 if len(shape) == 1 else array).astype(tensor.dtype.as_numpy_dtype)
    return found


def run(graph, options, fetches, fed):
    with Session(graph=graph) as session:
        session._options = options
        return session.run(fetches, fed)


def agree(graph, fetches, feeds, **tolerance):
    """Check that fetches have the same values with the pass and without."""
    fed = values(feeds)
    wanted = run(graph, Options.none(), fetches, fed)
    for options in (Options(), Options.only("fuse_batch_norm")):
        found = run(graph, options, fetches, fed)
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, **{"rtol": 1e-4, "atol": 1e-5, **tolerance})


def test_the_sum_and_the_relu_join_the_normalization(graph):
    x, shortcut, parameters = images("x"), images("shortcut"), vectors()
    y = relu_op(add_v2_op(normalized(x, parameters).y, shortcut, name="sum"), name="relu")
    assert lines([y], [x, shortcut, *parameters]) == [
        "  relu = _FusedBatchNorm(x:0, scale:0, offset:0, mean:0, variance:0, shortcut:0)",
        "  return relu:0",
    ]


def test_the_derivative_takes_the_sum_of_gradients_and_the_mask(graph):
    x, shortcut, g, h, parameters = images("x"), images("shortcut"), images("g"), images("h"), vectors()
    y = relu_op(add_v2_op(shortcut, normalized(x, parameters).y, name="sum"), name="relu")
    slopes = gradients(y, [x, shortcut, *parameters[:2]], [add_n([g, h], name="total")])
    assert lines(slopes, [x, shortcut, g, h, *parameters]) == [
        "  relu = _FusedBatchNorm(x:0, scale:0, offset:0, mean:0, variance:0, shortcut:0)",
        "  gradients/norm_grad/FusedBatchNormGradV3 = "
        "_FusedBatchNormGrad(x:0, scale:0, relu:3, relu:4, g:0, h:0, relu:0)",
        "  return gradients/norm_grad/FusedBatchNormGradV3:0, gradients/norm_grad/FusedBatchNormGradV3:3, "
        "gradients/norm_grad/FusedBatchNormGradV3:1, gradients/norm_grad/FusedBatchNormGradV3:2",
    ]


def test_a_mask_that_follows_from_the_images_is_not_read(graph):
    x, g, parameters = images("x"), images("g"), vectors()
    y = relu_op(normalized(x, parameters).y, name="relu")
    (slope,) = gradients(y, [x], [g])
    assert lines([slope], [x, g, *parameters]) == [
        "  relu = _FusedBatchNorm(x:0, scale:0, offset:0, mean:0, variance:0)",
        "  gradients/norm_grad/FusedBatchNormGradV3 = _FusedBatchNormGrad(x:0, scale:0, relu:3, relu:4, g:0, offset:0)",
        "  return gradients/norm_grad/FusedBatchNormGradV3:0",
    ]


def test_values_that_something_else_uses_stay(graph):
    x, shortcut, parameters = images("x"), images("shortcut"), vectors()
    norm = normalized(x, parameters)
    total = add_v2_op(norm.y, shortcut)
    y = relu_op(total)
    feeds = [x, shortcut, *parameters]
    assert operations([y, norm.y], feeds) == ["FusedBatchNormV3", "AddV2", "Relu"]
    assert operations([y, total], feeds) == ["_FusedBatchNorm", "Relu"]
    assert operations([reduce_sum(norm.y), y], feeds) == ["FusedBatchNormV3", "AddV2", "Relu", "Const", "Sum"]


def test_a_gradient_that_is_fetched_is_a_result(graph, machine_code):
    x, g, parameters = images("x"), images("g"), vectors()
    norm = normalized(x, parameters)
    y = relu_op(norm.y)
    fetches = gradients(y, [norm.y, x], [g])
    feeds = [x, g, *parameters]
    assert operations(fetches, feeds) == ["_FusedBatchNorm", "_FusedBatchNormGrad"]
    agree(graph, fetches, feeds)


def test_statistics_may_be_fetched_and_used(graph, machine_code):
    x, parameters = images("x"), vectors()
    norm = normalized(x, parameters, exponential_avg_factor=0.25)
    fetches = [relu_op(norm.y), norm.batch_mean, norm.batch_variance, reduce_sum(norm.reserve_space_1)]
    assert operations(fetches, [x, *parameters])[0] == "_FusedBatchNorm"
    agree(graph, fetches, [x, *parameters])


def test_what_is_added_may_depend_on_the_statistics(graph, machine_code):
    x, parameters = images("x"), vectors()
    norm = normalized(x, parameters)
    y = relu_op(add_v2_op(norm.y, add_v2_op(x, norm.batch_mean)))
    assert "_FusedBatchNorm" not in operations([y], [x, *parameters])
    agree(graph, [y], [x, *parameters])


def test_operations_that_others_wait_for_stay(graph):
    x, parameters = images("x"), vectors()
    y = relu_op(normalized(x, parameters).y)
    with graph.control_dependencies([y.op]):
        z = relu_op(x)
    assert "_FusedBatchNorm" not in operations([z, y], [x, *parameters])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_stays(graph, dtype):
    x, parameters = images("x", dtype=dtype), vectors()
    assert operations([relu_op(normalized(x, parameters).y)], [x, *parameters]) == ["FusedBatchNormV3", "Relu"]


def test_what_is_known_to_be_broadcast_stays(graph):
    x, row, parameters = images("x"), images("row", (1, 3, 3, CHANNELS)), vectors()
    y = add_v2_op(normalized(x, parameters).y, row)
    assert operations([y], [x, row, *parameters]) == ["FusedBatchNormV3", "AddV2"]
    agree(graph, [y], [x, row, *parameters])


def test_what_turns_out_to_be_broadcast_is(graph, machine_code):
    x, row, parameters = images("x", (None, 3, 3, CHANNELS)), images("row", (None, 3, 3, CHANNELS)), vectors()
    y = relu_op(add_v2_op(normalized(x, parameters).y, row))
    assert operations([y], [x, row, *parameters]) == ["_FusedBatchNorm"]
    fed = values([x, row, *parameters])
    fed[row] = fed[row][:1]
    plain, fused = (run(graph, options, y, fed) for options in (Options.none(), Options()))
    np.testing.assert_allclose(plain, fused, rtol=1e-4, atol=1e-5)


def test_the_images_memory_takes_the_result_where_nothing_needs_them(graph, machine_code):
    x, parameters = images("x"), vectors()
    y = relu_op(normalized(relu_op(x, name="made"), parameters).y)
    source = Session(graph=graph).program(y, [x, *parameters]).source
    assert "_fused_batch_norm_in_place_kernel(made" in source
    (slope,) = gradients(y, [x])
    source = Session(graph=graph).program(slope, [x, *parameters]).source
    assert "_fused_batch_norm_kernel(made" in source
    agree(graph, [y, slope], [x, *parameters])


@pytest.mark.parametrize("operation", [fused_batch_norm_v3_op, fused_batch_norm_op])
@pytest.mark.parametrize("is_training", [False, True])
@pytest.mark.parametrize("is_code", [False, True])
@pytest.mark.parametrize(
    ("data_format", "dims"), [("NHWC", (None, 3, 3, CHANNELS)), ("NCHW", (2, CHANNELS, None, 3)), ("NHWC", (None,) * 4)]
)
def test_blocks_have_the_same_values_and_gradients(
    graph, operation, is_training, is_code, data_format, dims, monkeypatch
):
    monkeypatch.setattr(batch_norm, "LARGE", 1 if is_code else 1 << 60)
    monkeypatch.setattr(reuse, "_WORTH_REUSING", 1)
    whole = [2 if size is None else size for size in dims]
    if dims == (None,) * 4:
        whole = [2, 3, 3, CHANNELS]
    h = x = images("x", dims)
    parameters = vectors()
    attrs = {"is_training": is_training, "data_format": data_format}
    for _ in range(2):
        inner = relu_op(normalized(h * 1.5, parameters, operation, **attrs).y)
        shortcut = normalized(h * 0.5, parameters, operation, **attrs).y
        h = relu_op(add_v2_op(normalized(inner * 1.25, parameters, operation, **attrs).y, shortcut))
    slopes = gradients(reduce_sum(h * h), [x, *parameters[:2]])
    feeds = [x, *parameters]
    assert sum(name.startswith("_FusedBatchNorm") for name in operations([h, *slopes], feeds)) == 8
    fed = values(feeds)
    fed[x] = np.random.default_rng(0).standard_normal(whole).astype(np.float32)
    wanted = run(graph, Options.none(), [h, *slopes], fed)
    for a, b in zip(run(graph, Options(), [h, *slopes], fed), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * max(1, np.abs(b).max()))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30)), min_size=2, max_size=9), data=st.data())
def test_random_graphs_agree(machine_code, choices, data):
    graph = Graph()
    with graph.as_default():
        x, parameters = images("x", (None, 3, 3, CHANNELS)), vectors()
        found = [x]
        statistics = []
        for kind, choice in choices:
            h = found[-1 - choice % len(found)]
            if kind < 3:
                norm = normalized(h, parameters, is_training=kind > 0, epsilon=0.5)
                statistics.append(norm.batch_variance)
                found.append(norm.y)
            elif kind < 5:
                found.append(add_v2_op(h, found[-1]) * (0.5 if choice % 2 else 1.0))
            else:
                found.append(relu_op(h))
        fetches = data.draw(st.lists(st.sampled_from([*found, *statistics]), min_size=1, max_size=3))
        slopes = gradients(reduce_sum(found[-1] * 0.1), [x])
        fetches += [slope for slope in slopes if slope is not None]
        agree(graph, fetches, [x, *parameters], rtol=5e-3, atol=5e-3)
