"""Chains of elementwise operations in one loop of machine code."""

from __future__ import annotations

import math

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_elementwise import fuse_elementwise
from penstock.compiler.schedule import schedule
from penstock.core.dtypes import bool_, float32, float64, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.language.control_flow import while_loop
from penstock.language.variables import VariableV1
from penstock.ops.array.shaping import transpose_op
from penstock.ops.constant import constant, placeholder
from penstock.ops.math.binary import maximum_op
from penstock.ops.math.cast import cast_op
from penstock.ops.math.exponential import exp_op, sigmoid_op, tanh_op
from penstock.ops.math.gamma import erf_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.reduce import reduce_mean, reduce_sum
from penstock.ops.math.unary import neg_op
from penstock.ops.nn.activation import relu_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def fused(fetches, feeds):
    after = fuse_elementwise(schedule(prune(fetches, [], feeds)))
    after.check()
    return [line.strip() for line in str(after).splitlines()[1:] if "Const" not in line]


def both_ways(fetches, feeds):
    """Return the values of a first run, operation by operation, and of a second, by machine code."""
    with Session() as session:
        first = session.run(fetches, feeds)
        program = session.program(fetches, list(feeds)).source
        assert "_elementwise_kernel" in program
        return first, session.run(fetches, feeds)


def assert_equal_both_ways(fetches, feeds, rtol=1e-6, atol=1e-30):
    for one, other in zip(*both_ways(fetches, feeds), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(other, one, rtol=rtol, atol=atol)


def test_the_dataflow_before_and_after(graph):
    x, y = placeholder("float32", [2, 3], name="x"), placeholder("float32", [2, 3], name="y")
    assert fused([tanh_op(x * y) + x], [x, y]) == ["add = _Elementwise(x:0, y:0)", "return add:0"]


def test_two_operations_stay_as_they_are(graph):
    x = placeholder("float32", [2, 3], name="x")
    assert fused([tanh_op(x) * x], [x]) == ["Tanh = Tanh(x:0)", "mul = Mul(Tanh:0, x:0)", "return mul:0"]


def test_a_chain_ends_where_something_else_uses_its_values(graph):
    x = placeholder("float32", [3, 3], name="x")
    h = tanh_op(neg_op(x) + 1.0)
    product = mat_mul_op(h, h)
    assert fused([neg_op(relu_op(h * product))], [x]) == [
        "Tanh = _Elementwise(x:0)",
        "MatMul = MatMul(Tanh:0, Tanh:0)",
        "Neg_1 = _Elementwise(Tanh:0, MatMul:0)",
        "return Neg_1:0",
    ]


def test_every_value_that_is_wanted_comes_out(graph):
    x = placeholder("float32", [None, 3], name="x")
    a = neg_op(x)
    b = a * 2.0
    c = b + a
    assert_equal_both_ways([a, c, b], {x: np.arange(6, dtype=np.float32).reshape(2, 3)})


def test_biases_columns_and_scalars_are_read_in_place(graph):
    x = placeholder("float32", [None, 3], name="x")
    rows, columns = placeholder("float32", [3], name="rows"), placeholder("float32", [None, 1], name="columns")
    scalar = placeholder("float32", [], name="scalar")
    result = (x * rows - columns) * scalar + 2.0
    assert len(fused([result], [x, rows, columns, scalar])) >= 2
    values = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    feeds = {x: values, rows: values[0], columns: values[:, :1], scalar: np.float32(3)}
    x2 = x * rows
    assert_equal_both_ways([(x2 + scalar) * rows - 1.0, result], feeds)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_arithmetic_agrees_for_each_type(graph, dtype):
    x, y = placeholder(dtype, [None], name="x"), placeholder(dtype, [None], name="y")
    values = np.array([1, -2, 3, 100, 2**30 if "int" in dtype else 1e30], dtype)
    chain = maximum_op(x * y - x, neg_op(y)) * x + y
    assert_equal_both_ways([chain, chain > x], {x: values, y: values[::-1].copy()})


def test_special_values_are_those_of_the_single_operations(graph):
    x = placeholder("float32", [None], name="x")
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 88.7, 89.0, -87.0, -104.0, 0.625, -0.6249, 1e-20, -5.0, 3e38]
    one = placeholder("float32", [], name="one")
    z = x * one
    outputs = [exp_op(z), tanh_op(z), sigmoid_op(z), erf_op(z), relu_op(z), maximum_op(z, neg_op(z))]
    assert_equal_both_ways(outputs, {x: np.array(special, np.float32), one: np.float32(1)}, rtol=3e-6, atol=2e-38)


def test_functions_are_exact_to_few_units_in_the_last_place(graph):
    x = placeholder("float32", [None], name="x")
    values = np.random.default_rng(1).normal(size=10_000).astype(np.float32) * 20
    one = placeholder("float32", [], name="one")
    z = x * one
    _, found = both_ways([exp_op(z), tanh_op(z), sigmoid_op(z), z * z], {x: values, one: np.float32(1)})
    wide = values.astype(np.float64)
    for value, exact in zip(found, [np.exp(wide), np.tanh(wide), 1 / (1 + np.exp(-wide)), wide * wide], strict=True):
        np.testing.assert_allclose(value, exact, rtol=5e-7, atol=2e-7)


def test_the_error_function_is_exact_to_few_units_in_the_last_place(graph):
    x, one = placeholder("float32", [None], name="x"), placeholder("float32", [], name="one")
    values = np.concatenate([np.linspace(-6, 6, 10_001), [1e-30, -1e-6, 0.99999994, 1.0, 4.0]]).astype(np.float32)
    erf = erf_op(x * one)
    _, (found, _) = both_ways([erf, neg_op(erf)], {x: values, one: np.float32(1)})
    exact = [math.erf(value) for value in values.tolist()]
    np.testing.assert_allclose(found, exact, rtol=3e-7)


def test_shapes_that_only_fit_at_run_time_broadcast(graph):
    x, y = placeholder("float32", [None, 3], name="x"), placeholder("float32", [None, 3], name="y")
    ones = np.ones((4, 3), np.float32)
    assert_equal_both_ways([(x + y) * x - y], {x: ones, y: 2 * ones[:1]})


def test_empty_arrays_pass(graph):
    x = placeholder("float32", [None, 3], name="x")
    assert_equal_both_ways([neg_op(tanh_op(x) * 2.0)], {x: np.zeros((0, 3), np.float32)})


def test_arrays_in_any_layout_agree(graph):
    x = placeholder("float32", [4, 3], name="x")
    wide = placeholder("float32", [4, 8], name="wide")
    turned = transpose_op(x, [1, 0])
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    other = np.arange(32, dtype=np.float32).reshape(4, 8)
    assert_equal_both_ways([neg_op(tanh_op(turned) * 2.0)], {x: values})
    assert_equal_both_ways([neg_op(tanh_op(wide[:, 2:5]) * x + 1.0)], {x: values, wide: other})


def test_large_arrays_are_shared_among_threads(graph):
    x, bias = placeholder("float32", [None, 300], name="x"), placeholder("float32", [300], name="bias")
    values = np.random.default_rng(2).normal(size=(3000, 300)).astype(np.float32)
    assert_equal_both_ways([(tanh_op(x * 2.0) + 3.0) * x], {x: values}, rtol=1e-5)
    assert_equal_both_ways([relu_op(x * bias + 2.0) * 3.0 + 1.0], {x: values, bias: values[0]}, rtol=1e-5)


def test_a_failing_operation_is_named(graph):
    x, y = placeholder("float32", [None], name="x"), placeholder("float32", [None], name="y")
    result = neg_op(neg_op(x) * y)
    with Session() as session:
        for _ in range(3):
            with pytest.raises(InvalidArgumentError, match="mul") as caught:
                session.run(result, {x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})
            assert caught.value.op.name == "mul"


def test_values_read_before_an_update_are_those_from_before(graph):
    v = VariableV1(np.ones(3, np.float32), use_resource=True)
    before = tanh_op(v.read_value() * 2.0)
    step = v.assign_add(before)
    with graph.control_dependencies([step]):
        after = v.read_value()
    with Session() as session:
        for _ in range(3):
            session.run(v.initializer)
            a, b = session.run([neg_op(before + 1.0), after])
            np.testing.assert_allclose(a, -np.tanh(np.full(3, 2.0)) - 1, rtol=1e-6)
            np.testing.assert_allclose(b, 1 + np.tanh(np.full(3, 2.0)), rtol=1e-6)


def test_derivatives_run_in_machine_code(graph):
    x = placeholder("float32", [None], name="x")
    y = reduce_sum(sigmoid_op(tanh_op(x) * x + 1.0))
    assert_equal_both_ways([gradients(y, x)[0]], {x: np.linspace(-2, 2, 9, dtype=np.float32)}, rtol=1e-5)


def test_scalars_of_constants_that_are_not_finite_stay_inputs(graph):
    x = placeholder("float32", [2], name="x")
    assert_equal_both_ways([maximum_op(neg_op(x), constant(-np.inf)) * 2.0], {x: np.ones(2, np.float32)})


def test_a_negative_zero_is_not_a_zero(graph):
    x = placeholder("float32", [2], name="x")
    for zero in (0.0, -0.0):
        chain = neg_op(maximum_op(x, x) * constant(zero) * 3.0)
        first, second = both_ways([chain], {x: np.array([1.0, 2.0], np.float32)})
        assert np.signbit(first[0]).tolist() == np.signbit(second[0]).tolist() == [zero.hex()[0] != "-"] * 2


def test_a_vector_condition_chooses_rows(graph):
    x = placeholder("float32", [3, 3], name="x")
    condition = placeholder("bool", [3], name="condition")
    chosen = lookup("Select")(condition, x * 2.0, neg_op(x))
    feeds = {x: np.arange(9, dtype=np.float32).reshape(3, 3), condition: [True, False, True]}
    with Session() as session:
        for _ in range(2):
            found = session.run(neg_op(chosen * x), feeds)
    values = feeds[x]
    expected = -np.where(np.array([[True], [False], [True]]), values * 2, -values) * values
    np.testing.assert_allclose(found, expected)


def test_a_derivative_computes_anew_what_is_cheaper_than_memory(graph):
    x, grad = placeholder("float32", [4, 8], name="x"), placeholder("float32", [8, 8], name="grad")
    y = 0.5 * x * (1.0 + erf_op(x * 0.5**0.5))
    product = mat_mul_op(y, grad)
    (derivative,) = gradients(product, [x])
    lines = [line for line in fused([product, derivative], [x, grad]) if "_Elementwise" in line]
    assert len(lines) == 2
    assert lines[0].endswith("= _Elementwise(x:0)")
    assert lines[1].endswith("_Elementwise(gradients/MatMul_grad/MatMul:0, x:0)")
    generator = np.random.default_rng(0)
    feeds = {t: generator.normal(size=t.shape.as_list()).astype(np.float32) for t in (x, grad)}
    assert_equal_both_ways([product, derivative], feeds, rtol=1e-5, atol=1e-6)


def test_what_is_computed_anew_for_two_chains_comes_in_order(graph):
    x, y = placeholder("float32", [4, 4], name="x"), placeholder("float32", [4, 4], name="y")
    first = x * y + x
    shared = first * 2.0 + y
    kept = shared * y
    product = mat_mul_op(first, first)
    second = product + shared
    one, two = second * 3.0, second * second
    last = mat_mul_op(second, second)
    end = last * kept * one * two * x * y * product
    lines = [line for line in fused([end], [x, y]) if "_Elementwise" in line]
    assert lines[-1].endswith("_Elementwise(MatMul_1:0, x:0, y:0, MatMul:0)")  # all the rest is computed inside
    generator = np.random.default_rng(0)
    feeds = {t: generator.normal(size=(4, 4)).astype(np.float32) for t in (x, y)}
    assert_equal_both_ways([end], feeds, rtol=1e-4, atol=1e-4)


def test_values_that_are_fetched_or_used_elsewhere_are_written_once(graph):
    x, grad = placeholder("float32", [4, 4], name="x"), placeholder("float32", [4, 4], name="grad")
    h = neg_op(x) * x + 1.0
    y = h * 2.0
    product = mat_mul_op(y, grad)
    z = tanh_op(h) + product * h
    lines = [line for line in fused([z, product, h], [x, grad]) if "_Elementwise" in line]
    assert len(lines) == 2 and "x:0" not in lines[1]


@pytest.mark.parametrize("source", ["float32", "float64", "int32", "int64", "bool"])
def test_casts_in_chains_give_what_single_casts_give(graph, source):
    x = placeholder(source, [None], name="x")
    given = [0, 1, -1, 2.5, -2.5, 3e9, -3e9, 2.0**62, 1e30, -1e30, np.nan, np.inf, -np.inf, 16777217, 1e-46]
    if source != "bool" and not source.startswith("float"):
        given = [number for number in given if abs(number) < 2.0 ** (30 if source == "int32" else 62)]
    outputs = [cast_op(x, DstT=kind) for kind in (bool_, float32, float64, int32, int64)]
    used = [cast_op(y, DstT=float64) * 2.0 + 1.0 for y in outputs]
    assert not any("= Cast(" in line for line in fused(used, [x]))
    assert_equal_both_ways(used, {x: np.array(given).astype(source)})


def test_casts_of_single_integers_in_a_loop_agree(graph):
    x = placeholder("float32", [], name="x")
    _, total = while_loop(
        lambda i, t: i < 5, lambda i, t: (i + 1, t * 0.5 + cast_op(i, DstT=float32) * x - 1.0), [constant(0), x]
    )
    with Session() as session:
        assert session.run(total, {x: 2.0}) == 10.375


def test_bits_are_part_of_a_chain(graph):
    x = placeholder("float32", [None], name="x")
    bits = lookup("Bitcast")(x, type=int32)
    sign = lookup("BitwiseAnd")(bits, constant(-(2**31)))
    other = lookup("BitwiseXor")(lookup("BitwiseOr")(bits, constant(12)), sign)
    assert len(fused([other], [x])) == 2
    assert_equal_both_ways([sign < 0, other], {x: np.array([1.0, -1.0, 0.0, -0.0, np.nan, 1e-40], np.float32)})
    assert any("= Bitcast(" in line for line in fused([lookup("Bitcast")(x * 1.0, type=int64)], [x]))


def test_types_without_machine_code_stay_as_they_are(graph):
    x, y = placeholder("int8", [None], name="x"), placeholder("bool", [None], name="y")
    z = lookup("SelectV2")(y & y, x, x)
    assert not any("_Elementwise" in line for line in fused([lookup("SelectV2")(y | y, z, x)], [x, y]))


def test_two_operations_on_large_arrays_are_one(graph):
    x = placeholder("float32", [400, 400], name="x")
    assert fused([relu_op(x) * 2.0], [x]) == ["mul = _Elementwise(x:0)", "return mul:0"]


def test_a_gradient_that_lies_otherwise_than_its_variable_is_applied_in_place(graph):
    """Gradients of filters lie with their channels in another order."""
    variable = VariableV1(np.zeros((3, 5), np.float32), use_resource=True)
    x = placeholder("float32", [5, 3], name="x")
    step = variable.assign_sub(transpose_op(x, [1, 0]) * 2.0 + 1.0)
    with Session() as session:
        session.run(variable.initializer)
        values = np.arange(15, dtype=np.float32).reshape(5, 3)
        for count in (1, 2, 3):
            session.run(step, {x: values})
            np.testing.assert_array_equal(session.run(variable), -count * (2 * values.T + 1))


def cell(gates, c, count=4):
    """Return the results of an LSTM cell's pointwise part, from gates next to each other."""
    i, j, f, o = lookup("Split")(np.int32(1), gates, num_split=count)[:4]
    c = c * sigmoid_op(f) + sigmoid_op(i) * tanh_op(j)
    return tanh_op(c) * sigmoid_op(o), c


def test_columns_are_read_where_they_are(graph):
    gates, c = placeholder("float32", [None, 12], name="gates"), placeholder("float32", [None, 3], name="c")
    assert fused(cell(gates, c), [gates, c]) == ["mul_2 = _Elementwise(gates:0, c:0)", "return mul_2:1, mul_2:0"]


def test_columns_of_other_sizes_are_read_from_the_array_too(graph):
    x, y = placeholder("float32", [None, 7], name="x"), placeholder("float32", [None, 3], name="y")
    parts = lookup("SplitV")(x, np.array([3, 4], np.int32), np.int32(1), num_split=2, name="split")
    h, other = tanh_op(parts[0] * y) + y, neg_op(parts[1])
    assert fused([h, other], [x, y]) == [
        "split = SplitV(x:0, split/size_splits:0, split/split_dim:0)",
        "add = _Elementwise(x:0, y:0)",
        "Neg = Neg(split:1)",
        "return add:0, Neg:0",
    ]


def test_results_that_are_joined_are_written_next_to_each_other(graph):
    x, y = placeholder("float32", [None, 3], name="x"), placeholder("float32", [None, 3], name="y")
    a = tanh_op(x * y)
    b = a + x
    joined = lookup("ConcatV2")([b, a, b], np.int32(1), name="joined")
    assert fused([joined], [x, y]) == ["add = _Elementwise(x:0, y:0)", "return add:0"]
    assert fused([joined, a], [x, y]) == ["add = _Elementwise(x:0, y:0)", "return add:1, add:0"]


@pytest.mark.parametrize("rows", [0, 1, 5, 4000])
@pytest.mark.parametrize("width", [1, 3, 16])
def test_columns_give_the_values_of_the_operations(graph, rows, width):
    gates = placeholder("float32", [None, 4 * width], name="gates")
    c = placeholder("float32", [None, width], name="c")
    h, following = cell(gates, c)
    grads = gradients([h], [gates, c])
    joined = lookup("ConcatV2")([h, following], np.int32(-1))
    generator = np.random.default_rng(0)
    feeds = {
        gates: generator.normal(size=[rows, 4 * width]).astype("float32"),
        c: generator.normal(size=[rows, width]).astype("float32"),
    }
    assert_equal_both_ways([h, joined, *grads], feeds, rtol=1e-5, atol=1e-6)


def test_columns_of_arrays_with_gaps_and_of_more_axes(graph):
    wide = placeholder("float32", [8, None], name="wide")
    c = placeholder("float32", [None, 2], name="c")
    turned = transpose_op(wide, [1, 0])
    cube, state = placeholder("float32", [2, 3, 8]), placeholder("float32", [2, 3, 2])
    i, j, f, o = lookup("Split")(np.int32(2), cube, num_split=4)
    h = tanh_op(i * j + f * o) * state
    joined = lookup("ConcatV2")([h, tanh_op(h)], np.int32(2))
    generator = np.random.default_rng(0)
    feeds = {
        tensor: generator.normal(size=size).astype("float32")
        for tensor, size in ((wide, [8, 5]), (c, [5, 2]), (cube, [2, 3, 8]), (state, [2, 3, 2]))
    }
    assert_equal_both_ways([*cell(turned, c), joined], feeds, rtol=1e-5, atol=1e-6)


def test_biases_next_to_columns(graph):
    gates, b = placeholder("float32", [None, 6], name="gates"), placeholder("float32", [3], name="b")
    column = placeholder("float32", [None, 1], name="column")
    x, y = lookup("Split")(np.int32(1), gates, num_split=2)
    first, second = tanh_op(x + b) * y, sigmoid_op(y * 2.0) + b
    whole = lookup("ConcatV2")([first, second], np.int32(1))
    generator = np.random.default_rng(0)
    feeds = {
        gates: generator.normal(size=[4, 6]).astype("float32"),
        b: generator.normal(size=[3]).astype("float32"),
        column: generator.normal(size=[4, 1]).astype("float32"),
    }
    assert_equal_both_ways([first, second * column, whole], feeds, rtol=1e-5, atol=1e-6)


def test_columns_beside_sums_over_rows(graph):
    gates, c = placeholder("float32", [None, 8], name="gates"), placeholder("float32", [None, 4], name="c")
    x, y = lookup("Split")(np.int32(1), gates, num_split=2)
    centered = x * y - reduce_mean(x, -1, keepdims=True)
    whole = lookup("ConcatV2")([centered, centered * c], np.int32(1))
    total = reduce_sum(centered, -1)
    generator = np.random.default_rng(0)
    feeds = {
        gates: generator.normal(size=[5, 8]).astype("float32"),
        c: generator.normal(size=[5, 4]).astype("float32"),
    }
    assert_equal_both_ways([whole, total], feeds, rtol=1e-5, atol=1e-6)
    (line,) = (line for line in fused([whole, total], [gates, c]) if "_Elementwise" in line)
    assert line.endswith("_Elementwise(gates:0, c:0)")


def test_chains_that_meet_where_they_are_joined_are_one(graph):
    x, y = placeholder("float32", [None, 3], name="x"), placeholder("float32", [None, 3], name="y")
    joined = lookup("ConcatV2")([tanh_op(x * 2.0), sigmoid_op(y) * y, tanh_op(x)], np.int32(1), name="joined")
    product = mat_mul_op(joined, constant(np.ones([9, 2], np.float32)), name="product")
    assert [line for line in fused([product], [x, y]) if "MatMul" not in line] == [
        "Tanh_1 = _Elementwise(x:0, y:0)",
        "return product:0",
    ]
    generator = np.random.default_rng(0)
    feeds = {t: generator.normal(size=[5, 3]).astype("float32") for t in (x, y)}
    assert_equal_both_ways([product, joined], feeds, rtol=1e-5, atol=1e-6)


def test_chains_that_are_used_elsewhere_keep_their_places(graph):
    x, y = placeholder("float32", [4, 3], name="x"), placeholder("float32", [4, 3], name="y")
    first = tanh_op(x * 2.0) + x
    product = mat_mul_op(first, constant(np.ones([3, 3], np.float32)))
    second = sigmoid_op(product) * y + y
    joined = lookup("ConcatV2")([first, second], np.int32(1), name="joined")
    generator = np.random.default_rng(0)
    feeds = {t: generator.normal(size=[4, 3]).astype("float32") for t in (x, y)}
    assert_equal_both_ways([joined], feeds, rtol=1e-5, atol=1e-6)
    assert any("ConcatV2" in line for line in fused([joined], [x, y]))


def test_parts_of_several_groups_are_joined_by_a_copy(graph):
    x, y = placeholder("float32", [4, 3], name="x"), placeholder("float32", [4, 3], name="y")
    joined = lookup("ConcatV2")([tanh_op(x * y + x), placeholder("float32", [4, 3], name="z")], np.int32(1))
    assert any("ConcatV2" in line for line in fused([joined], [x, y, joined.op.inputs[1]]))


def test_an_error_in_a_chain_that_joins_names_the_operation_that_failed(graph):
    gates, c = placeholder("float32", [None, 6], name="gates"), placeholder("float32", [None, 3], name="c")
    x, y = lookup("Split")(np.int32(1), gates, num_split=2)
    joined = lookup("ConcatV2")([tanh_op(x * c, name="inner"), y * c], np.int32(1))
    with pytest.raises(InvalidArgumentError, match=r"\[2,3\] vs\. \[5,3\]|2.*5"), Session() as session:
        session.run(joined, {gates: np.ones([2, 6], np.float32), c: np.ones([5, 3], np.float32)})


def test_one_operation_beside_large_ones_is_no_chain(graph):
    labels = placeholder("float32", [None, 16])
    logits = placeholder("float32", [None, 16])
    cross_entropy = lookup("SoftmaxCrossEntropyWithLogits")(logits, labels)[0]
    feeds = placeholder("float32", [4096, 1024]), placeholder("float32", [1024, 1024])
    large = lookup("MatMul")(*feeds)
    kinds = {}
    for name, fetches in (("alone", [cross_entropy]), ("beside", [cross_entropy, large])):
        dataflow = fuse_elementwise(schedule(prune(fetches, [], [logits, labels, *feeds])))
        kinds[name] = "_Elementwise" in [node.op_def.name for node in dataflow.nodes]
    assert kinds == {"alone": True, "beside": False}
