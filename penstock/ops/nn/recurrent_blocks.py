"""Steps of LSTM and GRU cells, and whole sequences of LSTM steps, each as one operation.

Gates lie next to each other in the weights' columns: input, cell, forget, output; in the second version of the
sequence input, forget, cell, output. What an operation gives beside the state is what its derivative needs. Clipping
the cell's state does not count in derivatives, as in TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from penstock.core.array import Array
from penstock.core.dtypes import float16, float32
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.op_def import lookup
from penstock.core.shape import Dims
from penstock.core.shape_rules import expect_rank
from penstock.core.tensor import Tensor

_TYPES = frozenset({float16, float32})
_GIVEN = "x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T"
_KEPT = "i: T, cs: T, f: T, o: T, ci: T, co: T"
_LSTM_GRADIENTS = (
    "x_grad: T, cs_prev_grad: T, h_prev_grad: T, w_grad: T, wci_grad: T, wcf_grad: T, wco_grad: T, b_grad: T"
)
_ICFO, _IFCO = (0, 1, 2, 3), (0, 2, 1, 3)  # where the gates i, ci, f and o stand among the columns


class _Step(NamedTuple):
    """What a step of an LSTM computes: gates, the cell's states before and after tanh, and the output."""

    i: Array
    cs: Array
    f: Array
    o: Array
    ci: Array
    co: Array
    h: Array


def _fail(text: str) -> Any:
    raise InvalidArgumentError(None, None, text)


def _check(x: Array, cs_prev: Array, h_prev: Array, w: Array, b: Array, peepholes: Sequence[Array]) -> None:
    """Check the shapes of a step's arguments; of a sequence, `x` is any of its steps."""
    for name, value in (("x", x), ("cs_prev", cs_prev), ("h_prev", h_prev), ("w", w)):
        if value.ndim != 2:
            _fail(f"{name} must be a matrix, got shape {list(value.shape)}")
    batch, units = cs_prev.shape
    if h_prev.shape != cs_prev.shape:
        _fail(f"h_prev must have the shape of cs_prev, {[batch, units]}, got {list(h_prev.shape)}")
    if x.shape[0] != batch:
        _fail(f"x.dims(0) != cs_prev.dims(0): {x.shape[0]} vs. {batch}")
    if w.shape[0] != x.shape[1] + units:
        _fail(f"w.dim_size(0) != input_size + cell_size: {w.shape[0]} vs. {x.shape[1] + units}")
    if w.shape[1] != 4 * units:
        _fail(f"w.dim_size(1) != cell_size * 4: {w.shape[1]} vs. {4 * units}")
    if b.shape != (4 * units,):
        _fail(f"b.dim_size(0) != cell_size * 4: {list(b.shape)} vs. {4 * units}")
    for name, weights in zip(("wci", "wcf", "wco"), peepholes, strict=False):
        if weights.shape != (units,):
            _fail(f"{name} must have shape {[units]}, got {list(weights.shape)}")


def _step(
    gates: Array,
    cs_prev: Array,
    peepholes: Sequence[Array],
    forget_bias: float,
    cell_clip: float,
    order: Sequence[int],
) -> _Step:
    """Return what a step computes from the gates' sums; there are no or three peepholes."""
    columns = gates.chunk(4, 1)
    i, ci, f, o = (columns[place] for place in order)
    if forget_bias:
        f = f + forget_bias
    if peepholes:
        i = i + cs_prev * peepholes[0]
        f = f + cs_prev * peepholes[1]
    i, f, ci = i.sigmoid(), f.sigmoid(), ci.tanh()
    cs = ci * i + cs_prev * f
    if cell_clip > 0:
        cs = cs.clamp(-cell_clip, cell_clip)
    o = (o + cs * peepholes[2] if peepholes else o).sigmoid()
    co = cs.tanh()
    return _Step(i, cs, f, o, ci, co, o * co)


def _step_gradient(
    kept: _Step, cs_prev: Array, peepholes: Sequence[Array], cs_grad: Array, h_grad: Array, order: Sequence[int]
) -> tuple[Array, Array, list[Array]]:
    """Return the cotangents of a step's earlier state and of the gates' sums, and what each row adds to those of the
    peepholes."""
    i, cs, f, o, ci, co, _ = kept
    do = o * (1 - o) * h_grad * co
    dcs = (1 - co * co) * h_grad * o + cs_grad
    if peepholes:
        dcs = dcs + do * peepholes[2]
    dci = (1 - ci * ci) * dcs * i
    df = f * (1 - f) * dcs * cs_prev
    di = i * (1 - i) * dcs * ci
    columns = [di, dci, df, do]
    joined = torch.cat([columns[order.index(place)] for place in range(4)], 1)
    before = dcs * f
    if not peepholes:
        return before, joined, []
    before = before + di * peepholes[0] + df * peepholes[1]
    return before, joined, [di * cs_prev, df * cs_prev, do * cs]


# One step of an LSTM


@op(f"LSTMBlockCell({_GIVEN}) -> ({_KEPT}, h: T)", T=_TYPES)
def lstm_block_cell_op(
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    *,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
) -> tuple[Array, ...]:
    peepholes = [wci, wcf, wco] if use_peephole else []
    _check(x, cs_prev, h_prev, w, b, peepholes)
    gates = torch.addmm(b, torch.cat([x, h_prev], 1), w)
    return _step(gates, cs_prev, peepholes, forget_bias, cell_clip, _ICFO)


@lstm_block_cell_op.shape
def lstm_block_cell_shape(
    x: Dims, cs_prev: Dims, *rest: Dims, forget_bias: float, cell_clip: float, use_peephole: bool
) -> tuple[Dims, ...]:
    batch, _ = expect_rank(x, 2, "x")
    _, units = expect_rank(cs_prev, 2, "cs_prev")
    return ((batch, units),) * 7


@op(
    f"LSTMBlockCellGrad({_GIVEN}, {_KEPT}, cs_grad: T, h_grad: T) "
    "-> (cs_prev_grad: T, dicfo: T, wci_grad: T, wcf_grad: T, wco_grad: T)",
    T=_TYPES,
    differentiable=False,
)
def lstm_block_cell_grad_op(
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    i: Array,
    cs: Array,
    f: Array,
    o: Array,
    ci: Array,
    co: Array,
    cs_grad: Array,
    h_grad: Array,
    *,
    use_peephole: bool,
) -> tuple[Array, ...]:
    peepholes = [wci, wcf, wco] if use_peephole else []
    _check(x, cs_prev, h_prev, w, b, peepholes)
    kept = _Step(i, cs, f, o, ci, co, co)
    before, joined, rows = _step_gradient(kept, cs_prev, peepholes, cs_grad, h_grad, _ICFO)
    return before, joined, *([row.sum(0) for row in rows] or map(torch.zeros_like, (wci, wcf, wco)))


@lstm_block_cell_grad_op.shape
def lstm_block_cell_grad_shape(x: Dims, cs_prev: Dims, *rest: Dims, use_peephole: bool) -> tuple[Dims, ...]:
    batch, units = expect_rank(cs_prev, 2, "cs_prev")
    return ((batch, units), (batch, None if units is None else 4 * units), *rest[2:5])


@lstm_block_cell_op.gradient
def lstm_block_cell_gradient(call: Any, *grads: Tensor | None) -> list[Tensor]:
    x, cs_prev, h_prev, w, *_ = call.inputs
    i, cs, f, o, ci, co, h = call.outputs
    cs_grad, h_grad = (
        _zeros_like(output) if grad is None else grad for output, grad in ((cs, grads[1]), (h, grads[6]))
    )
    before, gates, *peepholes = lstm_block_cell_grad_op(
        *call.inputs, i, cs, f, o, ci, co, cs_grad, h_grad, use_peephole=call.attrs["use_peephole"]
    )
    matmul, slices = lookup("MatMul"), lookup("Slice")
    joined = lookup("ConcatV2")([x, h_prev], 1)  # type: ignore[operator]
    both = matmul(gates, w, transpose_b=True)  # type: ignore[operator]
    inputs = lookup("Shape")(x)  # type: ignore[operator]
    x_grad = slices(both, [0, 0], inputs)  # type: ignore[operator]
    h_grad = slices(both, lookup("Mul")(inputs, [0, 1]), lookup("Shape")(h_prev))  # type: ignore[operator]
    w_grad = matmul(joined, gates, transpose_a=True)  # type: ignore[operator]
    b_grad = lookup("Sum")(gates, [0])  # type: ignore[operator]
    return [x_grad, before, h_grad, w_grad, *peepholes, b_grad]


def _zeros_like(tensor: Tensor) -> Tensor:
    zeros: Tensor = lookup("ZerosLike")(tensor)  # type: ignore[operator]
    return zeros


# A sequence of steps of an LSTM


def _sequence(
    seq_len_max: int,
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    peepholes: Sequence[Array],
    b: Array,
    forget_bias: float,
    cell_clip: float,
    order: Sequence[int],
) -> tuple[Array, ...]:
    steps = _check_sequence(seq_len_max, x, cs_prev, h_prev, w, b, peepholes)
    size = x.shape[2]
    results = _Step(*(cs_prev.new_zeros(x.shape[0], *cs_prev.shape) for _ in range(7)))
    # The inputs' part of all steps at once.
    sums = torch.addmm(b, x[:steps].flatten(0, 1), w[:size]).view(steps, cs_prev.shape[0], w.shape[1])
    for time in range(steps):
        gates = torch.addmm(sums[time], h_prev, w[size:])
        found = _step(gates, cs_prev, peepholes, forget_bias, cell_clip, order)
        for whole, part in zip(results, found, strict=True):
            whole[time] = part
        cs_prev, h_prev = found.cs, found.h
    return results


def _check_sequence(
    seq_len_max: int, x: Array, cs_prev: Array, h_prev: Array, w: Array, b: Array, peepholes: Sequence[Array]
) -> int:
    """Check the arguments of a sequence, and return the number of its steps."""
    if x.ndim != 3:
        _fail(f"x must be 3D, got shape {list(x.shape)}")
    if not 0 <= seq_len_max <= x.shape[0]:
        _fail(f"seq_len_max must be between 0 and the number of steps {x.shape[0]}, got {seq_len_max}")
    _check(x.new_empty(x.shape[1:]), cs_prev, h_prev, w, b, peepholes)
    return seq_len_max


def _sequence_gradient(
    seq_len_max: int,
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    peepholes: Sequence[Array],
    b: Array,
    kept: _Step,
    cs_grad: Array,
    h_grad: Array,
    order: Sequence[int],
) -> tuple[Array, ...]:
    steps = _check_sequence(seq_len_max, x, cs_prev, h_prev, w, b, peepholes)
    size = x.shape[2]
    gates = x.new_zeros(steps, x.shape[1], w.shape[1])
    cs_before, h_before = torch.zeros_like(cs_prev), torch.zeros_like(h_prev)
    totals = [torch.zeros_like(weights) for weights in peepholes]
    for time in reversed(range(steps)):
        earlier = kept.cs[time - 1] if time else cs_prev
        now = _Step(*(value[time] for value in kept))
        cs_before, gates[time], rows = _step_gradient(
            now, earlier, peepholes, cs_grad[time] + cs_before, h_grad[time] + h_before, order
        )
        h_before = gates[time] @ w[size:].t()
        totals = [total + row.sum(0) for total, row in zip(totals, rows, strict=True)]
    states = torch.cat([h_prev.unsqueeze(0), kept.h[: max(steps - 1, 0)]])[:steps]
    flat = gates.flatten(0, 1)
    x_grad = torch.zeros_like(x)
    x_grad[:steps] = gates @ w[:size].t()
    w_grad = torch.cat([x[:steps], states], 2).flatten(0, 1).t() @ flat
    return x_grad, cs_before, h_before, w_grad, totals, flat.sum(0)  # type: ignore[return-value]


def _sequence_shape(seq_len_max: Any, x: Dims, cs_prev: Dims, *rest: Dims, **attrs: Any) -> tuple[Dims, ...]:
    steps, batch, _ = expect_rank(x, 3, "x")
    _, units = expect_rank(cs_prev, 2, "cs_prev")
    return ((steps, batch, units),) * 7


def _sequence_gradient_shape(seq_len_max: Any, *dims: Dims, use_peephole: bool) -> tuple[Dims, ...]:
    return dims[:8]


@op(f"BlockLSTM(seq_len_max: host int64, {_GIVEN}) -> ({_KEPT}, h: T)", T=_TYPES, shape=_sequence_shape)
def block_lstm_op(
    seq_len_max: int,
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    *,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
) -> tuple[Array, ...]:
    peepholes = [wci, wcf, wco] if use_peephole else []
    return _sequence(seq_len_max, x, cs_prev, h_prev, w, peepholes, b, forget_bias, cell_clip, _ICFO)


@op(f"BlockLSTMV2(seq_len_max: host int64, {_GIVEN}) -> ({_KEPT}, h: T)", T=_TYPES, shape=_sequence_shape)
def block_lstm_v2_op(
    seq_len_max: int,
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    *,
    cell_clip: float = 0.0,
    use_peephole: bool = False,
) -> tuple[Array, ...]:
    peepholes = [wci, wcf, wco] if use_peephole else []
    return _sequence(seq_len_max, x, cs_prev, h_prev, w, peepholes, b, 0.0, cell_clip, _IFCO)


def _gradient_kernel(order: Sequence[int]) -> Any:
    def kernel(
        seq_len_max: int,
        x: Array,
        cs_prev: Array,
        h_prev: Array,
        w: Array,
        wci: Array,
        wcf: Array,
        wco: Array,
        b: Array,
        i: Array,
        cs: Array,
        f: Array,
        o: Array,
        ci: Array,
        co: Array,
        h: Array,
        cs_grad: Array,
        h_grad: Array,
        *,
        use_peephole: bool,
    ) -> tuple[Array, ...]:
        weights = [wci, wcf, wco]
        *first, totals, last = _sequence_gradient(
            *(seq_len_max, x, cs_prev, h_prev, w, weights if use_peephole else [], b),
            *(_Step(i, cs, f, o, ci, co, h), cs_grad, h_grad, order),
        )
        return (*first, *(totals if use_peephole else map(torch.zeros_like, weights)), last)

    return kernel


def _declare_gradient(name: str, order: Sequence[int]) -> Any:
    line = f"{name}(seq_len_max: host int64, {_GIVEN}, {_KEPT}, h: T, cs_grad: T, h_grad: T) -> ({_LSTM_GRADIENTS})"
    return op(line, T=_TYPES, differentiable=False, shape=_sequence_gradient_shape)(_gradient_kernel(order))


block_lstm_grad_op = _declare_gradient("BlockLSTMGrad", _ICFO)
block_lstm_grad_v2_op = _declare_gradient("BlockLSTMGradV2", _IFCO)


def _gradient_of_sequence(call: Any, grads: Sequence[Tensor | None], grad_op: Any) -> list[Tensor | None]:
    _, cs, *_, h = call.outputs
    cs_grad, h_grad = (
        _zeros_like(output) if grad is None else grad for output, grad in ((cs, grads[1]), (h, grads[6]))
    )
    return [None, *grad_op(*call.inputs, *call.outputs, cs_grad, h_grad, use_peephole=call.attrs["use_peephole"])]


@block_lstm_op.gradient
def block_lstm_gradient(call: Any, *grads: Tensor | None) -> list[Tensor | None]:
    return _gradient_of_sequence(call, grads, block_lstm_grad_op)


@block_lstm_v2_op.gradient
def block_lstm_v2_gradient(call: Any, *grads: Tensor | None) -> list[Tensor | None]:
    return _gradient_of_sequence(call, grads, block_lstm_grad_v2_op)


# One step of a GRU


def _check_gru(x: Array, h_prev: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array) -> None:
    for name, value in (("x", x), ("h_prev", h_prev)):
        if value.ndim != 2:
            _fail(f"{name} must be a matrix, got shape {list(value.shape)}")
    units = h_prev.shape[1]
    if h_prev.shape[0] != x.shape[0]:
        _fail(f"h_prev.dims(0) != batch_size: {h_prev.shape[0]} vs. {x.shape[0]}")
    rows = x.shape[1] + units
    expected: dict[str, tuple[Array, tuple[int, ...]]] = {
        "w_ru": (w_ru, (rows, 2 * units)),
        "w_c": (w_c, (rows, units)),
    }
    expected |= {"b_ru": (b_ru, (2 * units,)), "b_c": (b_c, (units,))}
    for name, (value, shape) in expected.items():
        if value.shape != shape:
            _fail(
                f"{name} must have shape {list(shape)} for inputs {list(x.shape)} and a state "
                f"{list(h_prev.shape)}, got {list(value.shape)}"
            )


@op(
    "GRUBlockCell(x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T) -> (r: T, u: T, c: T, h: T)",
    T=frozenset({float32}),
)
def gru_block_cell_op(
    x: Array, h_prev: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array
) -> tuple[Array, Array, Array, Array]:
    _check_gru(x, h_prev, w_ru, w_c, b_ru, b_c)
    r, u = torch.addmm(b_ru, torch.cat([x, h_prev], 1), w_ru).sigmoid().chunk(2, 1)
    c = torch.addmm(b_c, torch.cat([x, r * h_prev], 1), w_c).tanh()
    return r.contiguous(), u.contiguous(), c, u * h_prev + (1 - u) * c


@gru_block_cell_op.shape
def gru_block_cell_shape(x: Dims, h_prev: Dims, *rest: Dims) -> tuple[Dims, ...]:
    batch, _ = expect_rank(x, 2, "x")
    _, units = expect_rank(h_prev, 2, "h_prev")
    return ((batch, units),) * 4


@op(
    "GRUBlockCellGrad(x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T, r: T, u: T, c: T, d_h: T) "
    "-> (d_x: T, d_h_prev: T, d_c_bar: T, d_r_bar_u_bar: T)",
    T=frozenset({float32}),
    differentiable=False,
)
def gru_block_cell_grad_op(
    x: Array,
    h_prev: Array,
    w_ru: Array,
    w_c: Array,
    b_ru: Array,
    b_c: Array,
    r: Array,
    u: Array,
    c: Array,
    d_h: Array,
) -> tuple[Array, Array, Array, Array]:
    _check_gru(x, h_prev, w_ru, w_c, b_ru, b_c)
    size = x.shape[1]
    d_c_bar = d_h * (1 - u) * (1 - c * c)
    d_u_bar = d_h * (h_prev - c) * u * (1 - u)
    d_x_second, d_reset = (d_c_bar @ w_c.t()).split([size, h_prev.shape[1]], 1)
    d_r_bar = d_reset * h_prev * r * (1 - r)
    d_gates = torch.cat([d_r_bar, d_u_bar], 1)
    d_x_first, d_h_first = (d_gates @ w_ru.t()).split([size, h_prev.shape[1]], 1)
    return d_x_first + d_x_second, d_h_first + d_reset * r + d_h * u, d_c_bar, d_gates


@gru_block_cell_grad_op.shape
def gru_block_cell_grad_shape(x: Dims, h_prev: Dims, *rest: Dims) -> tuple[Dims, ...]:
    batch, units = expect_rank(h_prev, 2, "h_prev")
    return x, h_prev, (batch, units), (batch, None if units is None else 2 * units)


@gru_block_cell_op.gradient
def gru_block_cell_gradient(call: Any, *grads: Tensor | None) -> list[Tensor]:
    x, h_prev, *_ = call.inputs
    r, u, c, h = call.outputs
    d_h = _zeros_like(h) if grads[3] is None else grads[3]
    d_x, d_h_prev, d_c_bar, d_gates = gru_block_cell_grad_op(*call.inputs, r, u, c, d_h)
    matmul, concat, total = lookup("MatMul"), lookup("ConcatV2"), lookup("Sum")
    w_ru = matmul(concat([x, h_prev], 1), d_gates, transpose_a=True)  # type: ignore[operator]
    reset = lookup("Mul")(r, h_prev)  # type: ignore[operator]
    w_c = matmul(concat([x, reset], 1), d_c_bar, transpose_a=True)  # type: ignore[operator]
    return [d_x, d_h_prev, w_ru, w_c, total(d_gates, [0]), total(d_c_bar, [0])]  # type: ignore[operator]
