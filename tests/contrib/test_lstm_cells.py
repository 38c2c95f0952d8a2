"""Long short-term memories with other gates, norms and weights, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.contrib.lstm_cells import (
    CoupledInputForgetGateLSTMCell,
    GLSTMCell,
    IndyLSTMCell,
    LayerNormBasicLSTMCell,
    LayerNormLSTMCell,
    PhasedLSTMCell,
    WeightNormLSTMCell,
)
from penstock.core.dtypes import float32
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.variables import global_variables, global_variables_initializer
from penstock.ops.constant import constant
from penstock.rnn.cells import LSTMStateTuple
from penstock.rnn.loops import dynamic_rnn
from penstock.runtime.session import Session

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(2, 3).astype(np.float32)
C = RANDOM.randn(2, 4).astype(np.float32)
H = RANDOM.randn(2, 4).astype(np.float32)


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def fill(session):
    """Give all variables random values and return them by their names in the cell's scope."""
    values = {}
    for seed, variable in enumerate(global_variables()):
        value = np.asarray(np.random.RandomState(seed).randn(*variable.shape.as_list()), np.float32)
        session.run(variable.assign(value))
        values[variable.op.name.partition("/")[2]] = value
    return values


def step(cell, x=X, c=C, h=H):
    return cell(constant(x), LSTMStateTuple(constant(c), constant(h)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normal(x, gamma, beta):
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True) * gamma + beta


def close(session, got, expected):
    for a, b in zip(session.run(got), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_layer_norm_lstm(session):
    output, (c, h) = LayerNormBasicLSTMCell(4)(constant(X), LSTMStateTuple(constant(C), constant(H)))
    v = fill(session)
    i, j, f, o = np.split(np.concatenate([X, H], 1) @ v["kernel"], 4, 1)
    i, j, f, o = (
        normal(x, v[f"{n}/gamma"], v[f"{n}/beta"])
        for x, n in ((i, "input"), (j, "transform"), (f, "forget"), (o, "output"))
    )
    memory = normal(C * sigmoid(f + 1) + sigmoid(i) * np.tanh(j), v["state/gamma"], v["state/beta"])
    shown = np.tanh(memory) * sigmoid(o)
    close(session, [output, c, h], [shown, memory, shown])
    assert "bias" not in v


def test_a_coupled_gate_writes_as_much_as_it_forgets(session):
    h = H[:, :2]
    cell = CoupledInputForgetGateLSTMCell(4, use_peepholes=True, num_proj=2, proj_clip=0.4, num_unit_shards=2)
    output, (c, m) = step(cell, h=h)
    v = fill(session)
    j, f, o = np.split(np.concatenate([X, h], 1) @ np.concatenate([v["W_0"], v["W_1"]]) + v["B"], 3, 1)
    assert v["W_0"].shape == (3, 12) and v["W_1"].shape == (2, 12)
    keep = sigmoid(f + 1 + v["W_F_diag"] * C)
    memory = keep * C + (1 - keep) * np.tanh(j)
    shown = np.clip(sigmoid(o + v["W_O_diag"] * memory) * np.tanh(memory) @ v["W_P_0"], -0.4, 0.4)
    close(session, [output, c, m], [shown, memory, shown])
    assert len(cell.variables) == 6


def test_a_coupled_gate_with_layer_norm_and_one_state_tensor(session):
    cell = CoupledInputForgetGateLSTMCell(4, state_is_tuple=False, layer_norm=True, norm_gain=0.5)
    assert cell.state_size == 8
    output, state = cell(constant(X), constant(np.concatenate([C, H], 1)))
    session.run(global_variables_initializer())
    v = {w.op.name.partition("/")[2]: session.run(w) for w in global_variables()}
    assert "B" not in v and (v["forget/gamma"] == 0.5).all()
    j, f, o = (
        normal(x, v[f"{n}/gamma"], v[f"{n}/beta"])
        for x, n in zip(
            np.split(np.concatenate([X, H], 1) @ v["W_0"], 3, 1), ("transform", "forget", "output"), strict=True
        )
    )
    keep = sigmoid(f + 1)
    memory = normal(keep * C + (1 - keep) * np.tanh(j), v["state/gamma"], v["state/beta"])
    shown = sigmoid(o) * np.tanh(memory)
    close(session, [output, state], [shown, np.concatenate([memory, shown], 1)])


def test_too_many_shards(session):
    with pytest.raises(ValueError, match="Too many shards: 'W' of shape .7, 12. cannot be kept as 9"):
        step(CoupledInputForgetGateLSTMCell(4, num_unit_shards=9))


@pytest.mark.parametrize("norm", [True, False])
def test_an_lstm_with_everything(session, norm):
    h = H[:, :2]
    cell = LayerNormLSTMCell(4, use_peepholes=True, cell_clip=0.7, num_proj=2, proj_clip=0.4, layer_norm=norm)
    output, (c, m) = step(cell, h=h)
    v = fill(session)
    assert {"kernel", "bias", "w_f_diag", "w_i_diag", "w_o_diag", "projection/kernel"} <= set(v)
    gates = np.concatenate([X, h], 1) @ v["kernel"] + (0 if norm else v["bias"])

    def maybe(x, name):
        return normal(x, v[f"{name}/gamma"], v[f"{name}/beta"]) if norm else x

    i, j, f, o = map(maybe, np.split(gates, 4, 1), ("input", "transform", "forget", "output"))
    memory = sigmoid(f + 1 + v["w_f_diag"] * C) * C + sigmoid(i + v["w_i_diag"] * C) * np.tanh(j)
    memory = np.clip(maybe(memory, "state"), -0.7, 0.7)
    shown = sigmoid(o + v["w_o_diag"] * memory) * np.tanh(memory) @ v["projection/kernel"]
    shown = np.clip(shown, -0.4, 0.4)
    close(session, [output, c, m], [shown, memory, shown])


def test_directions_and_lengths_of_weights(session):
    h = H[:, :2]
    output, (c, m) = step(WeightNormLSTMCell(4, num_proj=2), h=h)
    v = fill(session)

    def unit(w):
        return w / np.linalg.norm(w, axis=0)

    gates = X @ (unit(v["kernel"][:3]) * v["norm_0"]) + h @ (unit(v["kernel"][3:]) * v["norm_1"]) + v["bias"]
    i, j, f, o = np.split(gates, 4, 1)
    memory = sigmoid(f + 1) * C + sigmoid(i) * np.tanh(j)
    shown = sigmoid(o) * np.tanh(memory) @ (unit(v["projection/kernel"]) * v["projection/norm_0"])
    close(session, [output, c, m], [shown, memory, shown])


def test_without_norm_the_weights_are_plain(session):
    output, _ = step(WeightNormLSTMCell(4, norm=False))
    v = fill(session)
    assert sorted(v) == ["bias", "kernel"]
    i, j, f, o = np.split(np.concatenate([X, H], 1) @ v["kernel"] + v["bias"], 4, 1)
    close(session, [output], [sigmoid(o) * np.tanh(sigmoid(f + 1) * C + sigmoid(i) * np.tanh(j))])


def test_groups_have_kernels_of_their_own(session):
    x = RANDOM.randn(2, 6).astype(np.float32)
    output, (c, m) = step(GLSTMCell(4, number_of_groups=2, num_proj=2), x=x, h=H[:, :2])
    v = fill(session)
    parts = [
        np.split(np.concatenate([x[:, 3 * g : 3 * g + 3], H[:, g : g + 1]], 1) @ v[f"group{g}/kernel"], 4, 1)
        for g in range(2)
    ]
    i, j, f, o = (np.concatenate([parts[0][k], parts[1][k]], 1) + v[f"bias_{name}"] for k, name in enumerate("ijfo"))
    memory = sigmoid(f + 1) * C + sigmoid(i) * np.tanh(j)
    shown = sigmoid(o) * np.tanh(memory) @ v["projection/kernel"]
    close(session, [output, c, m], [shown, memory, shown])
    with pytest.raises(ValueError, match="num_units must be a multiple of number_of_groups=3, got 4"):
        GLSTMCell(4, number_of_groups=3)
    with pytest.raises(ValueError, match="the size of the inputs must be a multiple of number_of_groups=2, got 3"):
        step(GLSTMCell(4, number_of_groups=2))


def test_diagonal_recurrence(session):
    output, (c, m) = step(IndyLSTMCell(4))
    v = fill(session)
    i, j, f, o = np.split(X @ v["kernel_w"] + np.tile(H, [1, 4]) * v["kernel_u"] + v["bias"], 4, 1)
    memory = sigmoid(f + 1) * C + sigmoid(i) * np.tanh(j)
    shown = sigmoid(o) * np.tanh(memory)
    close(session, [output, c, m], [shown, memory, shown])


def phased(v, times, x, c, h, peepholes, leak=0.001):
    seen = [x, h, c] if peepholes else [x, h]
    gates = sigmoid(np.concatenate(seen, 1) @ v["mask_gates/kernel"] + v["mask_gates/bias"])
    write, keep = np.split(gates, 2, 1)
    new = np.tanh(np.concatenate([x, h], 1) @ v["new_input/kernel"] + v["new_input/bias"])
    memory = c * keep + write * new
    seen = [x, h, memory] if peepholes else [x, h]
    shown = np.tanh(memory) * sigmoid(np.concatenate(seen, 1) @ v["output_gate/kernel"] + v["output_gate/bias"])
    position = np.mod(times - v["phase"], v["period"]) / v["period"]
    opening = leak * position
    falling = position < v["ratio_on"]
    opening[falling] = (2 - 2 * position / v["ratio_on"])[falling]
    rising = position < v["ratio_on"] / 2
    opening[rising] = (2 * position / v["ratio_on"])[rising]
    return opening * shown + (1 - opening) * h, opening * memory + (1 - opening) * c


@pytest.mark.parametrize("peepholes", [False, True])
def test_units_open_for_a_part_of_their_period(session, peepholes):
    times = np.linspace(0, 9, 12, dtype=np.float32).reshape(2, 6, 1)
    series = RANDOM.randn(2, 6, 3).astype(np.float32)
    cell = PhasedLSTMCell(
        4, peepholes, ratio_on=0.6, trainable_ratio_on=False, period_init_min=2.0, period_init_max=5.0
    )
    outputs, state = dynamic_rnn(cell, (constant(times), constant(series)), dtype=float32)
    session.run(global_variables_initializer())
    values = dict(zip([w.op.name.partition("cell/")[2] for w in cell.variables], cell.variables, strict=True))
    v = {name: session.run(variable) for name, variable in values.items()}
    assert ((2 <= v["period"]) & (v["period"] <= 5)).all() and (v["ratio_on"] == np.float32(0.6)).all()
    assert ((0 <= v["phase"]) & (v["phase"] <= v["period"])).all()
    c = h = np.zeros((2, 4), np.float32)
    expected = []
    for t in range(6):
        h, c = phased(v, times[:, t], series[:, t], c, h, peepholes)
        expected.append(h)
    close(session, [outputs, state.c], [np.stack(expected, 1), c])
    slopes = gradients(outputs, [values["period"], values["phase"]])
    assert all(np.abs(slope).max() > 0 for slope in session.run(slopes))
    assert values["ratio_on"] not in cell.trainable_variables
