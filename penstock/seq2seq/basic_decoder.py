"""A decoder that runs a cell, with a helper that says what the next input is."""

from __future__ import annotations

import collections
from typing import Any

from penstock.core import nest
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.seq2seq.decoder import Decoder

BasicDecoderOutput = collections.namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))
BasicDecoderOutput.__doc__ = "What a BasicDecoder's step returns: the cell's output, and the tokens sampled from it."


def output_size_of(cell: Any, output_layer: Any) -> Any:
    """Return the size of what a decoder's step gives: the cell's, or what a layer makes of it."""
    size = cell.output_size
    if output_layer is None:
        return size

    def after_layer(item: Any) -> TensorShape:
        inner = item.as_list() if isinstance(item, TensorShape) else [int(item)]
        return output_layer.compute_output_shape(TensorShape([None, *inner]))[1:]

    return after_layer(size) if not nest.is_nested(size) else nest.map_structure(after_layer, size)


def check_decoder_parts(cell: Any, output_layer: Any) -> None:
    """Check that a decoder's cell is a cell and its output layer a layer.

    Raises:
        TypeError: if they are not.
    """
    if not (callable(cell) and hasattr(cell, "state_size") and hasattr(cell, "output_size")):
        raise TypeError(f"cell must be an RNNCell, received: {type(cell)}")
    if output_layer is not None and not (callable(output_layer) and hasattr(output_layer, "compute_output_shape")):
        raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")


class BasicDecoder(Decoder):
    """A decoder that runs a cell, and lets a helper sample tokens and choose the next inputs.

    Args:
        cell: the cell.
        helper: the helper.
        initial_state: the cell's first state.
        output_layer: applied to the cell's outputs, before sampling; None for no layer.
    Raises:
        TypeError: if an argument is of the wrong kind.
    """

    def __init__(self, cell: Any, helper: Any, initial_state: Any, output_layer: Any = None) -> None:
        check_decoder_parts(cell, output_layer)
        if not all(hasattr(helper, name) for name in ("initialize", "sample", "next_inputs")):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        self._cell = cell
        self._helper = helper
        self._initial_state = initial_state
        self._output_layer = output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def output_size(self) -> Any:
        return BasicDecoderOutput(output_size_of(self._cell, self._output_layer), self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> Any:
        dtype = nest.flatten(self._initial_state)[0].dtype.base_dtype
        size = output_size_of(self._cell, self._output_layer)
        types = nest.map_structure(lambda _: dtype, size) if nest.is_nested(size) else dtype
        return BasicDecoderOutput(types, self._helper.sample_ids_dtype)

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        finished, inputs = self._helper.initialize()
        return finished, inputs, self._initial_state

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        with name_scope(name, "BasicDecoderStep", [time]):
            outputs, after = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            sample_ids = self._helper.sample(time=time, outputs=outputs, state=after)
            finished, next_inputs, next_state = self._helper.next_inputs(
                time=time, outputs=outputs, state=after, sample_ids=sample_ids
            )
        return BasicDecoderOutput(outputs, sample_ids), next_state, next_inputs, finished
