"""What a decoder is, and the loop that runs one until every sequence has ended."""

from __future__ import annotations

from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.graph import name_scope
from penstock.core.inference import static_value
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.control_flow import while_loop
from penstock.language.tensor_array import TensorArray
from penstock.language.variable_scope import variable_scope
from penstock.ops.array.filling import zeros, zeros_like
from penstock.ops.array.joining import concat
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import expand_dims, shape_v1, transpose
from penstock.ops.math.compare import greater_equal, logical_not, logical_or
from penstock.ops.math.reduce import reduce_all


class Decoder:
    """What all decoders share: `dynamic_decode` calls `initialize` once, then `step` until all sequences have ended.

    Subclasses have `batch_size`, `output_size`, `output_dtype`, `initialize`, `step` and, if they change their outputs
    at the end, `finalize`.
    """

    @property
    def batch_size(self) -> Any:
        """The number of sequences, an int32 scalar."""
        raise NotImplementedError(f"{type(self).__name__} must have the property batch_size")

    @property
    def output_size(self) -> Any:
        """The sizes of what a step returns, without the batch axis: a nest of numbers or TensorShapes."""
        raise NotImplementedError(f"{type(self).__name__} must have the property output_size")

    @property
    def output_dtype(self) -> Any:
        """The types of what a step returns, nested as `output_size`."""
        raise NotImplementedError(f"{type(self).__name__} must have the property output_dtype")

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Return before the first step which sequences have ended, the first inputs and the first state."""
        raise NotImplementedError(f"{type(self).__name__} must have the method initialize")

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """Make one step.

        Args:
            time: the number of the step, an int32 scalar.
            inputs, state: those of this step.
            name: the name scope.
        Returns:
            Outputs, the next state, the next inputs, and which sequences have ended.
        """
        raise NotImplementedError(f"{type(self).__name__} must have the method step")

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """Return the final outputs and state, made from those of all steps; by default as they are.

        Args:
            outputs: what the steps returned, stacked along a first axis of time.
            final_state: the state after the last step.
            sequence_lengths: how many steps each sequence has.
        """
        return outputs, final_state

    @property
    def tracks_own_finished(self) -> bool:
        """Whether a sequence may go on after it has ended, as beams that change places do."""
        return False


def known_or_dynamic(tensor: Tensor, axis: int) -> Any:
    """Return the size of an axis: a number if it is known, else an int32 scalar."""
    dims = tensor.dims
    return dims[axis] if dims is not None and dims[axis] is not None else shape_v1(tensor)[axis]


def _known_batch(batch_size: Any) -> int | None:
    value = static_value(batch_size) if isinstance(batch_size, Tensor) else batch_size
    return None if value is None else int(value)


def _shape(size: Any) -> TensorShape:
    return size if isinstance(size, TensorShape) else TensorShape([] if size == () else [int(size)])


def _flat_sizes(size: Any) -> list[Any]:
    return [size] if isinstance(size, (int, TensorShape)) else nest.flatten(size)


def _blank(size: Any, dtype: Any, batch_size: Any) -> Any:
    sizes = [_shape(item).as_list() for item in _flat_sizes(size)]
    batch = convert_to_tensor(batch_size, int32)
    parts = [
        zeros(
            concat([expand_dims(batch, 0), convert_to_tensor(item, int32)], 0) if item else expand_dims(batch, 0), kind
        )
        for item, kind in zip(sizes, nest.flatten(dtype), strict=True)
    ]
    return nest.pack_sequence_as(dtype, parts)


def choose_sequences(chosen: Tensor, yes: Any, no: Any) -> Any:
    """Return the rows of one nest of tensors where `chosen` is true, else those of another.

    Args:
        chosen: booleans, one for each sequence.
        yes, no: nests of tensors of shape (batch, ...); of scalars and TensorArrays those of `no` are taken.
    """

    def choose(a: Any, b: Any) -> Any:
        if isinstance(b, TensorArray) or b.dims == ():
            return b
        mask = chosen
        for _ in range(1, b.ndim if b.ndim is not None else a.ndim):
            mask = expand_dims(mask, -1)
        result = where(mask, a, b)
        result.set_shape(b.shape)  # type: ignore[attr-defined]
        return result

    return nest.map_structure(choose, yes, no)


def dynamic_decode(
    decoder: Any,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: Any = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: Any = None,
    **kwargs: Any,
) -> tuple[Any, Any, Any]:
    """Run a decoder until every sequence has ended.

    Args:
        decoder: the decoder.
        output_time_major: whether outputs have the shape (time, batch, ...), and not (batch, time, ...).
        impute_finished: whether outputs of sequences that have ended are zeros and their states stay; without it, they
            are whatever the steps give.
        maximum_iterations: the most steps, a number or an int32 scalar; None for any number.
        parallel_iterations, swap_memory: accepted.
        scope: the variable scope, "decoder" by default.
        **kwargs: passed to `decoder.initialize` and `decoder.step`.
    Returns:
        The outputs of all steps, the last state, and the number of steps of each sequence.
    Raises:
        TypeError: if `decoder` is not a Decoder.
        ValueError: if `maximum_iterations` is not a scalar.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with variable_scope(scope, "decoder"):
        limit = None
        if maximum_iterations is not None:
            limit = convert_to_tensor(maximum_iterations, int32, name="maximum_iterations")
            if limit.dims != ():
                raise ValueError(f"maximum_iterations must be a scalar, got the shape {limit.shape}")
        finished, inputs, state = decoder.initialize(**kwargs)
        finished = convert_to_tensor(finished)
        if limit is not None:
            finished = logical_or(finished, greater_equal(convert_to_tensor(0), limit))
        inputs, state = _as_tensors(inputs), _as_tensors(state)
        sizes, types, batch_size = decoder.output_size, decoder.output_dtype, decoder.batch_size
        blank = _blank(sizes, types, batch_size) if impute_finished else None
        known = TensorShape([_known_batch(batch_size)])
        shapes = [known.concatenate(_shape(size)) for size in _flat_sizes(sizes)]
        arrays = [
            TensorArray(kind, size=0, dynamic_size=True, element_shape=shape)
            for kind, shape in zip(nest.flatten(types), shapes, strict=True)
        ]

        def step(time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> Any:
            outputs, after, next_inputs, ended = decoder.step(time, inputs, state, **kwargs)
            nest.assert_same_structure(types, outputs)
            nest.assert_same_structure(state, after)
            if not decoder.tracks_own_finished:
                ended = logical_or(ended, finished)
            next_lengths = where(logical_not(finished), zeros_like(lengths) + (time + 1), lengths)
            next_lengths.set_shape(lengths.shape)  # type: ignore[attr-defined]
            if impute_finished:
                outputs = choose_sequences(finished, blank, outputs)
                after = choose_sequences(finished, state, after)
            written = [array.write(time, item) for array, item in zip(arrays, nest.flatten(outputs), strict=True)]
            return time + 1, written, after, next_inputs, ended, next_lengths

        _, arrays, final_state, _, _, lengths = while_loop(
            lambda time, arrays, state, inputs, finished, lengths: logical_not(reduce_all(finished)),
            step,
            (convert_to_tensor(0), arrays, state, inputs, finished, zeros_like(finished, int32)),
            parallel_iterations=parallel_iterations,
            maximum_iterations=limit,
            swap_memory=swap_memory,
        )
        stacked = []
        for array, shape in zip(arrays, shapes, strict=True):
            output = array.stack()
            output.set_shape(TensorShape([None]).concatenate(shape))
            stacked.append(output)
        outputs, final_state = decoder.finalize(nest.pack_sequence_as(types, stacked), final_state, lengths)
        if not output_time_major:
            outputs = nest.map_structure(batch_first, outputs)
        return outputs, final_state, lengths


def _as_tensors(values: Any) -> Any:
    return nest.map_structure(lambda item: item if isinstance(item, TensorArray) else convert_to_tensor(item), values)


def batch_first(tensor: Tensor) -> Tensor:
    """Return a tensor with its first two axes exchanged."""
    with name_scope(None, "batch_first"):
        rank = tensor.ndim
        return tensor if rank is not None and rank < 2 else transpose(tensor, [1, 0, *range(2, rank or 2)])
