"""Cells run over time: `static_rnn`, `dynamic_rnn`, `raw_rnn` and the bidirectional forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.inference import static_value
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.control_flow import assert_true, while_loop
from penstock.language.graph_functions import control_dependencies
from penstock.language.tensor_array import TensorArray
from penstock.language.variable_scope import variable_scope
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.joining import concat
from penstock.ops.array.reversing import reverse, reverse_sequence
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import expand_dims, shape_v1, transpose
from penstock.ops.constant import identity
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import greater_equal, less_equal
from penstock.ops.math.reduce import reduce_all, reduce_max
from penstock.rnn.cells import zero_state_of


def _expect_cell(cell: Any, name: str = "cell") -> None:
    if not (callable(cell) and hasattr(cell, "state_size") and hasattr(cell, "output_size")):
        raise TypeError(f"The argument {name!r} ({cell!r}) is not an RNNCell: it needs state_size and output_size")


def _batch_size(tensor: Tensor, axis: int) -> Any:
    dims = tensor.dims
    if dims is not None and dims[axis] is not None:
        return dims[axis]
    return shape_v1(tensor)[axis]


def _first_state(cell: Any, initial_state: Any, batch_size: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return nest.map_structure(convert_to_tensor, initial_state)
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    return cell.zero_state(batch_size, dtype)


def _lengths(sequence_length: Any, batch_size: Any, steps: Any) -> Any:
    """Return sequence lengths as an int32 vector, checked as far as they are known."""
    if sequence_length is None:
        return None
    lengths = convert_to_tensor(sequence_length)
    if lengths.dtype.base_dtype != int32:
        lengths = cast(lengths, int32)
    dims = lengths.dims
    if dims is not None and (len(dims) != 1 or isinstance(batch_size, int) and dims[0] not in (None, batch_size)):
        raise ValueError(
            f"sequence_length must be a vector of length batch_size ({batch_size}), but saw shape: {lengths.shape}"
        )
    known = static_value(lengths)
    if known is not None and isinstance(steps, int) and known.size and int(known.max()) > steps:
        raise ValueError(
            f"sequence_length has {int(known.max())}, but the inputs have {steps} steps: no sequence can be longer"
        )
    if known is not None and isinstance(steps, int):
        return identity(lengths, name="sequence_length")
    longest = reduce_max(lengths)
    fits = assert_true(
        less_equal(longest, steps), ["sequence_length has", longest, "but the inputs have only so many steps:", steps]
    )
    with control_dependencies([] if fits is None else [fits]):
        return identity(lengths, name="sequence_length")


def _unless_ended(ended: Tensor, new: Any, old: Any) -> Any:
    """Return new values for the sequences that go on, and old ones for those that have ended.

    Args:
        ended: for each sequence of the batch, whether it has ended.
        new: a nest of tensors of shape (batch, ...); scalars and TensorArrays are taken in any case.
        old: a nest of tensors like `new`.
    """

    def choose(after: Any, before: Any) -> Any:
        if isinstance(after, TensorArray) or after.dims == ():
            return after
        rank = after.ndim if after.ndim is not None else before.ndim
        mask = ended
        for _ in range(1, rank or 1):
            mask = expand_dims(mask, -1)
        result = where(mask, before, after)
        result.set_shape(after.shape)  # type: ignore[attr-defined]
        return result

    flat = [choose(a, b) for a, b in zip(nest.flatten(new), nest.flatten(old), strict=True)]
    return nest.pack_sequence_as(new, flat)


def static_rnn(
    cell: Any,
    inputs: Any,
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Run a cell over a list of inputs, one copy of it for each step.

    Args:
        cell: the cell.
        inputs: a list with one tensor of shape (batch, depth), or a nest of them, for each step.
        initial_state: the state before the first step; zeros by default.
        dtype: the type of the state, where `initial_state` is not given.
        sequence_length: for each sequence its number of steps, an integer vector. After its end a sequence's outputs
            are zeros and its state stays.
        scope: the variable scope, "rnn" by default.
    Returns:
        The list of outputs, and the last state.
    Raises:
        TypeError: if `cell` is not a cell, or `inputs` not a list.
        ValueError: if there are no inputs, or neither state nor dtype is given.
    """
    _expect_cell(cell)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    inputs = [nest.map_structure(convert_to_tensor, item) for item in inputs]
    outputs: list[Any] = []
    with variable_scope(scope or "rnn") as variables:
        batch_size = _batch_size(nest.flatten(inputs[0])[0], 0)
        state = _first_state(cell, initial_state, batch_size, dtype)
        lengths = _lengths(sequence_length, batch_size, len(inputs))
        for time, item in enumerate(inputs):
            if time > 0:
                variables.reuse_variables()
            output, following = cell(item, state)
            if lengths is not None:
                ended = greater_equal(time, lengths)
                output = _unless_ended(ended, output, nest.map_structure(zeros_like, output))
                following = _unless_ended(ended, following, state)
            outputs.append(output)
            state = following
    return outputs, state


def static_state_saving_rnn(
    cell: Any, inputs: Any, state_saver: Any, state_name: Any, sequence_length: Any = None, scope: Any = None
) -> tuple[list[Any], Any]:
    """Run a cell over a list of inputs, from a saved state, and save the last one.

    Args:
        cell, inputs, sequence_length, scope: see `static_rnn`.
        state_saver: has methods `state(name)`, which returns a state, and `save_state(name, value)`, which returns an
            operation.
        state_name: the name of the state, or a nest of names as `cell.state_size`.
    Returns:
        The list of outputs, of which the last waits for the state to be saved, and the last state.
    """
    names = nest.flatten(state_name)
    saved = nest.pack_sequence_as(state_name, [state_saver.state(name) for name in names])
    if nest.is_nested(state_name) != nest.is_nested(cell.state_size):
        raise ValueError(f"state_name {state_name!r} must be nested as the cell's state, {cell.state_size!r}")
    outputs, state = static_rnn(cell, inputs, saved, None, sequence_length, scope)
    saves = [state_saver.save_state(name, value) for name, value in zip(names, nest.flatten(state), strict=True)]
    last = nest.flatten(outputs[-1])
    graph = last[0].graph
    with graph.control_dependencies(saves):
        outputs[-1] = nest.pack_sequence_as(outputs[-1], [identity(tensor) for tensor in last])
    return outputs, state


def _time_first(tensor: Tensor) -> Tensor:
    """Return a tensor with the first two axes exchanged, or as it is if it has fewer."""
    rank = tensor.ndim
    if rank is None:
        raise ValueError(f"Expected the rank of {tensor!r} to be known; set it with set_shape")
    return tensor if rank < 2 else transpose(tensor, [1, 0, *range(2, rank)])


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Run a cell over the steps of tensors, in a loop.

    Args:
        cell: the cell.
        inputs: a tensor of shape (batch, time, ...), or a nest of them.
        sequence_length: for each sequence its number of steps, an integer vector. After its end a sequence's outputs
            are zeros and its state stays.
        initial_state: the state before the first step; zeros by default.
        dtype: the type of the state, where `initial_state` is not given.
        parallel_iterations, swap_memory: accepted.
        time_major: whether inputs and outputs have the shape (time, batch, ...).
        scope: the variable scope, "rnn" by default.
    Returns:
        The outputs, of shape (batch, time, output_size), and the last state.
    Raises:
        TypeError: if `cell` is not a cell.
        ValueError: if neither state nor dtype is given, depths are unknown, or sequences are longer than the inputs.
        InvalidArgumentError: when the graph runs, if sequences are longer than the inputs.
    """
    _expect_cell(cell)
    with variable_scope(scope or "rnn"):
        flat = [convert_to_tensor(item) for item in nest.flatten(inputs)]
        for item in flat:
            if item.dims is not None and len(item.dims) < 2:
                raise ValueError(f"Expected input tensor {item!r} to have rank at least 2, but saw shape: {item.shape}")
        if not time_major:
            flat = [_time_first(item) for item in flat]
        for item in flat:
            if item.dims is not None and item.ndim is not None and item.ndim >= 3 and None in item.dims[2:]:
                raise ValueError(
                    f"Input size (depth of inputs) must be accessible via shape inference, but saw value None in "
                    f"{item.shape}"
                )
        steps, batch_size = _batch_size(flat[0], 0), _batch_size(flat[0], 1)
        state = _first_state(cell, initial_state, batch_size, dtype)
        lengths = _lengths(sequence_length, batch_size, steps)
        outputs, last = _loop(cell, inputs, flat, steps, batch_size, state, lengths, parallel_iterations, swap_memory)
        if not time_major:
            outputs = nest.map_structure(_time_first, outputs)
        return outputs, last


def _loop(
    cell: Any,
    inputs: Any,
    flat: Sequence[Tensor],
    steps: Any,
    batch_size: Any,
    state: Any,
    lengths: Any,
    parallel_iterations: int | None,
    swap_memory: bool,
) -> tuple[Any, Any]:
    sizes = cell.output_size
    like = nest.map_structure(lambda _: 0, sizes) if nest.is_nested(sizes) else 0
    types = [item.dtype.base_dtype for item in nest.flatten(state)]
    output_dtype = types[0] if types else flat[0].dtype.base_dtype
    shapes = [_with_batch(batch_size, size) for size in (nest.flatten(sizes) if nest.is_nested(sizes) else [sizes])]
    arrays = [
        TensorArray(output_dtype, size=steps, element_shape=shape, tensor_array_name=f"output_{i}")
        for i, shape in enumerate(shapes)
    ]
    rows = [
        TensorArray(item.dtype.base_dtype, size=steps, tensor_array_name=f"input_{i}").unstack(item)
        for i, item in enumerate(flat)
    ]

    def step(time: Any, arrays: Any, state: Any) -> Any:
        items = [row.read(time) for row in rows]
        for item, whole in zip(items, flat, strict=True):
            item.set_shape(whole.shape[1:])  # type: ignore[attr-defined]
        output, following = cell(nest.pack_sequence_as(inputs, items), state)
        nest.assert_same_structure(state, following)
        if lengths is not None:
            ended = greater_equal(time, lengths)
            output = _unless_ended(ended, output, nest.map_structure(zeros_like, output))
            following = _unless_ended(ended, following, state)
        written = [array.write(time, item) for array, item in zip(arrays, nest.flatten(output), strict=True)]
        return time + 1, written, following

    _, arrays, last = while_loop(
        lambda time, *_: time < steps,
        step,
        (convert_to_tensor(0, name="time"), arrays, state),
        parallel_iterations=parallel_iterations or 32,
        swap_memory=swap_memory,
        maximum_iterations=steps,
    )
    stacked = []
    for array, shape in zip(arrays, shapes, strict=True):
        output = array.stack()
        output.set_shape(TensorShape([steps if isinstance(steps, int) else None]).concatenate(shape))
        stacked.append(output)
    return nest.pack_sequence_as(like, stacked) if nest.is_nested(sizes) else stacked[0], last


def _with_batch(batch_size: Any, size: Any) -> TensorShape:
    known = batch_size if isinstance(batch_size, int) else None
    return TensorShape([known]).concatenate(size if isinstance(size, TensorShape) else TensorShape([int(size)]))


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Run one cell over the steps forward and another one backward.

    Args:
        cell_fw, cell_bw: the cells.
        initial_state_fw, initial_state_bw: their states before their first steps; zeros by default.
        inputs, sequence_length, dtype, parallel_iterations, swap_memory, time_major: see `dynamic_rnn`. Each sequence
            is reversed within its own length.
        scope: the variable scope, "bidirectional_rnn" by default.
    Returns:
        The outputs of both cells in the order of time, and their last states.
    """
    _expect_cell(cell_fw, "cell_fw")
    _expect_cell(cell_bw, "cell_bw")
    time_axis, batch_axis = (0, 1) if time_major else (1, 0)

    def reversed_in_time(tensor: Any) -> Any:
        if sequence_length is not None:
            return reverse_sequence(tensor, sequence_length, seq_axis=time_axis, batch_axis=batch_axis)
        return reverse(tensor, [time_axis])

    options = (parallel_iterations, swap_memory, time_major)
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forward:
            output_fw, state_fw = dynamic_rnn(
                cell_fw, inputs, sequence_length, initial_state_fw, dtype, *options, scope=forward
            )
        with variable_scope("bw") as backward:
            output, state_bw = dynamic_rnn(
                cell_bw,
                nest.map_structure(lambda item: reversed_in_time(convert_to_tensor(item)), inputs),
                sequence_length,
                initial_state_bw,
                dtype,
                *options,
                scope=backward,
            )
    output_bw = nest.map_structure(reversed_in_time, output)
    return (output_fw, output_bw), (state_fw, state_bw)


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """Run one cell over a list of inputs forward and another one backward.

    Args:
        cell_fw, cell_bw: the cells.
        initial_state_fw, initial_state_bw: their states before their first steps; zeros by default.
        inputs, dtype, sequence_length: see `static_rnn`.
        scope: the variable scope, "bidirectional_rnn" by default.
    Returns:
        For each step the outputs of both cells joined along the last axis, and the last states of the two.
    """
    _expect_cell(cell_fw, "cell_fw")
    _expect_cell(cell_bw, "cell_bw")
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("inputs must be a list")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forward:
            output_fw, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, forward)
        with variable_scope("bw") as backward:
            turned = _reversed_list(inputs, sequence_length)
            output, state_bw = static_rnn(cell_bw, turned, initial_state_bw, dtype, sequence_length, backward)
    output_bw = _reversed_list(output, sequence_length)
    joined = [
        nest.pack_sequence_as(a, [concat([x, y], 1) for x, y in zip(nest.flatten(a), nest.flatten(b), strict=True)])
        for a, b in zip(output_fw, output_bw, strict=True)
    ]
    return joined, state_fw, state_bw


def _reversed_list(items: Sequence[Any], lengths: Any) -> list[Any]:
    """Return the steps in reverse, each sequence within its own length."""
    if lengths is None:
        return list(reversed(items))
    columns = []
    for parts in zip(*(nest.flatten(item) for item in items), strict=True):
        tensors = [convert_to_tensor(part) for part in parts]
        rows = concat([tensor[np.newaxis] for tensor in tensors], 0)
        turned = reverse_sequence(rows, lengths, seq_axis=0, batch_axis=1)
        columns.append([turned[time] for time in range(len(tensors))])
    return [nest.pack_sequence_as(item, [column[time] for column in columns]) for time, item in enumerate(items)]


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """Run a cell in a loop in which a function decides about inputs, outputs and the end.

    Args:
        cell: the cell.
        loop_fn: `(time, cell_output, cell_state, loop_state) -> (elements_finished, next_input, next_cell_state,
            emit_output, next_loop_state)`. At time 0 it gets None for output, state and loop state, and returns the
            first state, and the structure of what it emits (None for the cell's output).
        parallel_iterations, swap_memory: accepted.
        scope: the variable scope, "rnn" by default.
    Returns:
        A TensorArray (or a nest of them) of what was emitted, the last state and the last loop state.
    Raises:
        TypeError: if `cell` is not a cell or `loop_fn` not callable.
    """
    _expect_cell(cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn"):
        time = convert_to_tensor(0)
        finished, first_input, state, emitted, loop_state = loop_fn(time, None, None, None)
        flat_input = [convert_to_tensor(item) for item in nest.flatten(first_input)]
        batch_size = _batch_size(flat_input[0], 0)
        state = nest.map_structure(convert_to_tensor, state)
        has_loop_state = loop_state is not None
        loop_state = loop_state if has_loop_state else convert_to_tensor(0)
        if emitted is None:
            like = nest.map_structure(lambda _: 0, cell.output_size)
            dtype = nest.flatten(state)[0].dtype.base_dtype if nest.flatten(state) else flat_input[0].dtype.base_dtype
            blank = zero_state_of(cell.output_size, batch_size, dtype)
        else:
            like = emitted
            blank = nest.map_structure(lambda item: _repeated(convert_to_tensor(item), batch_size), emitted)
        arrays = [
            TensorArray(item.dtype.base_dtype, size=0, dynamic_size=True, element_shape=item.shape)
            for item in nest.flatten(blank)
        ]

        def step(time: Any, finished: Any, inputs: Any, arrays: Any, state: Any, loop_state: Any) -> Any:
            output, following = cell(inputs, state)
            nest.assert_same_structure(state, following)
            after = time + 1
            now_finished, next_input, next_state, emit, next_loop_state = loop_fn(
                after, output, following, loop_state if has_loop_state else None
            )
            nest.assert_same_structure(state, next_state)
            emit = output if emit is None else emit
            shown = _unless_ended(finished, nest.map_structure(convert_to_tensor, emit), blank)
            next_state = _unless_ended(finished, next_state, state)
            written = [array.write(time, item) for array, item in zip(arrays, nest.flatten(shown), strict=True)]
            still = finished | convert_to_tensor(now_finished)
            return after, still, next_input, written, next_state, next_loop_state if has_loop_state else loop_state

        _, _, _, arrays, state, loop_state = while_loop(
            lambda time, finished, *_: ~reduce_all(finished),
            step,
            (
                time,
                convert_to_tensor(finished),
                nest.pack_sequence_as(first_input, flat_input),
                arrays,
                state,
                loop_state,
            ),
            parallel_iterations=parallel_iterations or 32,
            swap_memory=swap_memory,
        )
        emitted_arrays = nest.pack_sequence_as(like, arrays)
        return emitted_arrays, state, loop_state if has_loop_state else None


def _repeated(tensor: Tensor, batch_size: Any) -> Tensor:
    return zero_state_of(tensor.shape, batch_size, tensor.dtype.base_dtype)
