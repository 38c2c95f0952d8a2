"""Cells over time and frequency against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.contrib.grid_cells import BidirectionalGridLSTMCell, GridLSTMCell, TimeFreqLSTMCell
from penstock.core.dtypes import float32
from penstock.core.graph import Graph
from penstock.language.variables import global_variables
from penstock.ops.constant import constant
from penstock.rnn.loops import dynamic_rnn
from penstock.runtime.session import Session

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(2, 8).astype(np.float32)


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def fill(session):
    values = {}
    for seed, variable in enumerate(global_variables()):
        value = np.asarray(np.random.RandomState(seed).randn(*variable.shape.as_list()), np.float32)
        session.run(variable.assign(value))
        values[variable.op.name.partition("/")[2]] = value
    return values


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def close(session, got, expected):
    for a, b in zip(session.run(got), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_step_through_the_frequencies(session):
    state = RANDOM.randn(2, 3 * 8).astype(np.float32)
    cell = TimeFreqLSTMCell(4, use_peepholes=True, cell_clip=0.8, feature_size=4, frequency_skip=2)
    assert (cell.state_size, cell.output_size) == (8, 4)
    output, after = cell(constant(X), constant(state))
    v = fill(session)
    assert sorted(v) == ["B", "W_0", "W_F_diag", "W_I_diag", "W_O_diag"]
    below = np.zeros((2, 4))
    outputs, following = [], []
    for place in range(3):
        c, h = state[:, 8 * place : 8 * place + 4], state[:, 8 * place + 4 : 8 * place + 8]
        seen = np.concatenate([X[:, 2 * place : 2 * place + 4], h, below], 1)
        i, j, f, o = np.split(seen @ v["W_0"] + v["B"], 4, 1)
        memory = sigmoid(f + 1 + v["W_F_diag"] * c) * c + sigmoid(i + v["W_I_diag"] * c) * np.tanh(j)
        memory = np.clip(memory, -0.8, 0.8)
        below = sigmoid(o + v["W_O_diag"] * memory) * np.tanh(memory)
        outputs.append(below)
        following += [memory, below]
    close(session, [output, after], [np.concatenate(outputs, 1), np.concatenate(following, 1)])


def grid(v, windows, states, block, peepholes, share, couple, prefix=""):
    """Return outputs and next states of one block, a list of steps, of a grid."""

    def gate(letter, name, x, frequency, time):
        if not peepholes:
            return sigmoid(x)
        word = {"f": "freq", "t": "time"}[letter]
        weights = [v[f"{prefix}W_{name}_diag_{word}{other}_{block}"] for other in "ft"]
        return sigmoid(x + weights[0] * frequency + weights[1] * time)

    cf = hf = np.zeros_like(states[0])
    outputs, following = [], []
    for step, window in enumerate(windows):
        ct, ht = states[2 * step], states[2 * step + 1]
        seen = np.concatenate([window, ht, hf], 1)
        new, shown = {}, {}
        for direction, old in (("f", cf), ("t", ct)):
            letter = "f" if share else direction
            gates = seen @ v[f"{prefix}W_{letter}_{block}_0"] + v[f"{prefix}B_{letter}_{block}"]
            parts = np.split(gates, 3 if couple else 4, 1)
            write = gate(letter, "I", parts[0], cf, ct)
            keep = 1 - write if couple else gate(letter, "F", parts[2] + 1, cf, ct)
            new[direction] = keep * old + write * np.tanh(parts[1])
            shown[direction] = parts[-1]
        hf = gate("f", "O", shown["f"], new["f"], new["t"]) * np.tanh(new["f"])
        ht = gate("f" if share else "t", "O", shown["t"], new["f"], new["t"]) * np.tanh(new["t"])
        cf, ct = new["f"], new["t"]
        outputs += [ht, hf]
        following += [ct, ht]
    return outputs, following


@pytest.mark.parametrize("couple", [False, True])
@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("peepholes", [False, True])
def test_a_grid(session, peepholes, share, couple):
    cell = GridLSTMCell(
        3,
        peepholes,
        share,
        feature_size=4,
        frequency_skip=2,
        num_frequency_blocks=[3],
        couple_input_forget_gates=couple,
    )
    states = [RANDOM.randn(2, 3).astype(np.float32) for _ in range(6)]
    assert cell.output_size == 18
    output, after = cell(constant(X), cell.state_tuple_type(*map(constant, states)))
    v = fill(session)
    windows = [X[:, start : start + 4] for start in (0, 2, 4)]
    outputs, following = grid(v, windows, states, 0, peepholes, share, couple)
    close(session, [output, *after], [np.concatenate(outputs, 1), *following])
    assert after._fields[:3] == ("state_f00_b00_c", "state_f00_b00_m", "state_f01_b00_c")


def test_blocks_of_frequencies_with_one_state_tensor(session):
    cell = GridLSTMCell(
        3,
        feature_size=2,
        frequency_skip=1,
        num_frequency_blocks=[2, 3],
        start_freqindex_list=[0, 4],
        end_freqindex_list=[3, 8],
        state_is_tuple=False,
    )
    assert cell.state_size == cell.output_size == 30
    state = RANDOM.randn(2, 30).astype(np.float32)
    output, after = cell(constant(X), constant(state))
    v = fill(session)
    states = np.split(state, 10, 1)
    first = grid(v, [X[:, 0:2], X[:, 1:3]], states[:4], 0, False, False, False)
    second = grid(v, [X[:, 4:6], X[:, 5:7], X[:, 6:8]], states[4:], 1, False, False, False)
    close(session, [output, after], [np.concatenate(a + b, 1) for a, b in zip(first, second, strict=True)])


@pytest.mark.parametrize("offset", [0, 1, -1])
def test_a_grid_upward_and_downward(session, offset):
    cell = BidirectionalGridLSTMCell(
        3, True, feature_size=4, frequency_skip=2, num_frequency_blocks=[3], backward_slice_offset=offset
    )
    states = [RANDOM.randn(2, 3).astype(np.float32) for _ in range(12)]
    assert cell.output_size == 36
    output, after = cell(constant(X), cell.state_tuple_type(*map(constant, states)))
    v = fill(session)
    up = [X[:, start : start + 4] for start in (0, 2, 4)]
    padded = np.pad(X, [(0, 0), (max(-offset, 0), max(offset, 0))])
    down = [padded[:, max(offset, 0) + start : max(offset, 0) + start + 4] for start in (4, 2, 0)]
    outputs, following = grid(v, up, states[:6], 0, True, False, False, "fwd/")
    outputs_down, following_down = grid(v, down, states[6:], 0, True, False, False, "bwd/")
    close(session, [output, *after], [np.concatenate(outputs + outputs_down, 1), *following, *following_down])
    assert after._fields[6] == "bwd_state_f00_b00_c"


def test_a_grid_runs_over_time(session):
    cell = GridLSTMCell(3, feature_size=4, frequency_skip=4, num_frequency_blocks=[2])
    outputs, state = dynamic_rnn(cell, constant(RANDOM.randn(2, 5, 8).astype(np.float32)), dtype=float32)
    fill(session)
    shapes = [value.shape for value in session.run([outputs, *state])]
    assert shapes == [(2, 5, 12), (2, 3), (2, 3), (2, 3), (2, 3)]


def test_blocks_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="Must specify num_frequency_blocks"):
        GridLSTMCell(3)
    with Graph().as_default():
        cell = GridLSTMCell(3, feature_size=4, frequency_skip=2, num_frequency_blocks=[2], state_is_tuple=False)
        with pytest.raises(ValueError, match="says 2 steps for block 0, but frequencies 0 to 8 make 3 windows of 4"):
            cell(constant(X), constant(np.zeros((2, 12), np.float32)))
        cell = GridLSTMCell(3, feature_size=4, num_frequency_blocks=[2, 3], state_is_tuple=False)
        with pytest.raises(ValueError, match="must have the same length, got 2, 1 and 1"):
            cell(constant(X), constant(np.zeros((2, 30), np.float32)))
