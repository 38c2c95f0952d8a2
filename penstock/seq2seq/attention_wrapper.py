"""A cell that looks at memories: after each step it attends to them, and reads what it found in the next step."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import int32
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.tensor_array import TensorArray
from penstock.layers.core import Dense
from penstock.ops.array.filling import zeros
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import expand_dims, squeeze
from penstock.ops.constant import identity
from penstock.ops.debugging.comparisons import assert_equal
from penstock.ops.math.matmul import matmul
from penstock.rnn.cells import RNNCell, zero_state_of
from penstock.seq2seq.attention import AttentionMechanism
from penstock.seq2seq.decoder import known_or_dynamic


class AttentionWrapperState(
    collections.namedtuple(
        "AttentionWrapperState",
        ("cell_state", "attention", "time", "alignments", "alignment_history", "attention_state"),
    )
):
    """The state of an AttentionWrapper.

    `cell_state` is the wrapped cell's, `attention` what the last step found, `time` the number of the step,
    `alignments` the last weights, `alignment_history` all weights so far as a TensorArray (or an empty tuple), and
    `attention_state` the state of the mechanism. Several mechanisms have tuples of the last three.
    """

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """Return the state with some fields replaced, such as `cell_state=encoder_state`.

        Raises:
            ValueError: if a new value has another shape than the one it replaces.
        """

        def checked(old: Any, new: Any) -> Any:
            if isinstance(old, Tensor) and isinstance(new, Tensor) and not old.shape.is_compatible_with(new.shape):
                raise ValueError(
                    f"The shape of the AttentionWrapperState is {old.shape}, but its new value has {new.shape}"
                )
            return new

        replaced = self._replace(**kwargs)
        return AttentionWrapperState(
            *(
                old if new is old else nest.map_structure(checked, old, new)
                for old, new in zip(self, replaced, strict=True)
            )
        )


def compute_attention(
    attention_mechanism: Any, cell_output: Any, attention_state: Any, attention_layer: Any
) -> tuple[Any, Any, Any]:
    """Return what a mechanism finds for a cell's output, the weights, and the mechanism's next state.

    Args:
        attention_mechanism: the mechanism.
        cell_output: the query, of shape (batch, depth).
        attention_state: the mechanism's state.
        attention_layer: applied to the output joined with what was found; None to return what was found alone.
    """
    alignments, after = attention_mechanism(cell_output, state=attention_state)
    context = squeeze(matmul(expand_dims(alignments, 1), attention_mechanism.values), [1])
    attention = context if attention_layer is None else attention_layer(concat([cell_output, context], 1))
    return attention, alignments, after


class AttentionWrapper(RNNCell):
    """A cell around a cell that attends to memories.

    Each step joins the input with what the last step found, runs the cell, asks the mechanisms with the cell's output,
    and maps output and finding by a layer to this step's attention.

    Args:
        cell: the cell.
        attention_mechanism: a mechanism, or a list of them.
        attention_layer_size: the size of the layer's output; None for no layer. A list for several mechanisms.
        alignment_history: whether the state keeps the weights of all steps.
        cell_input_fn: from inputs and attention to the cell's inputs; joins them by default.
        output_attention: whether the output is the attention, and not the cell's output.
        initial_cell_state: the cell's state that `zero_state` gives; zeros by default.
        name: the name of the layer.
        attention_layer: a layer, or a list of them, in place of `attention_layer_size`.
        attention_fn: in place of `compute_attention`.
    Raises:
        TypeError: if a mechanism is none.
        ValueError: if the arguments do not fit each other.
    """

    def __init__(
        self,
        cell: Any,
        attention_mechanism: Any,
        attention_layer_size: Any = None,
        alignment_history: bool = False,
        cell_input_fn: Callable[[Any, Any], Any] | None = None,
        output_attention: bool = True,
        initial_cell_state: Any = None,
        name: str | None = None,
        attention_layer: Any = None,
        attention_fn: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(name=name)
        if not (callable(cell) and hasattr(cell, "state_size") and hasattr(cell, "output_size")):
            raise TypeError(f"The parameter cell {cell!r} is not an RNNCell")
        self._is_multi = isinstance(attention_mechanism, (list, tuple))
        mechanisms = tuple(attention_mechanism) if self._is_multi else (attention_mechanism,)
        for mechanism in mechanisms:
            if not isinstance(mechanism, AttentionMechanism):
                raise TypeError(
                    "attention_mechanism must be an AttentionMechanism or list of multiple AttentionMechanism "
                    f"instances, saw type: {type(mechanism).__name__}"
                )
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        self._cell = cell
        self._mechanisms = mechanisms
        self._layers = self._attention_layers(attention_layer_size, attention_layer)
        self._attention_size = sum(
            _width(mechanism.values) if layer is None else _layer_width(layer, cell, mechanism)
            for layer, mechanism in zip(self._layers, mechanisms, strict=True)
        )
        self._attention_fn = attention_fn or compute_attention
        self._cell_input_fn = cell_input_fn or (lambda inputs, attention: concat([inputs, attention], -1))
        self._output_attention = output_attention
        self._alignment_history = alignment_history
        self._initial_cell_state = None
        if initial_cell_state is not None:
            first = convert_to_tensor(nest.flatten(initial_cell_state)[-1])
            with get_default_graph().control_dependencies(self._batch_checks(known_or_dynamic(first, 0))):
                self._initial_cell_state = nest.map_structure(
                    lambda item: identity(convert_to_tensor(item), name="check_initial_cell_state"), initial_cell_state
                )

    def _attention_layers(self, sizes: Any, layers: Any) -> tuple[Any, ...]:
        if sizes is not None and layers is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        count = len(self._mechanisms)
        given = layers if sizes is None else sizes
        if given is None:
            return (None,) * count
        listed = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if len(listed) != count:
            raise ValueError(
                f"If provided, attention_layer_size or attention_layer must contain exactly one entry per "
                f"attention_mechanism, saw: {len(listed)} vs {count}"
            )
        if sizes is None:
            return listed
        return tuple(
            Dense(size, name="attention_layer", use_bias=False, dtype=mechanism.values.dtype.base_dtype)
            for size, mechanism in zip(listed, self._mechanisms, strict=True)
        )

    def _batch_checks(self, batch_size: Any) -> list[Any]:
        checks = []
        for mechanism in self._mechanisms:
            known = mechanism.batch_size
            message = (
                f"When applying AttentionWrapper {self.name}: Non-matching batch sizes between the memory (encoder "
                "output) and the query (decoder output). Are you using the BeamSearchDecoder? You may need to tile "
                "your memory input via the tf.contrib.seq2seq.tile_batch function with argument multiple=beam_width."
            )
            if isinstance(known, int) and isinstance(batch_size, int):
                if known != batch_size:
                    raise ValueError(f"{message} The memory has {known}, the query {batch_size}.")
                continue
            checks.append(assert_equal(known, batch_size, message=message))
        return [check for check in checks if check is not None]

    @property
    def output_size(self) -> Any:
        return self._attention_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> Any:
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            time=TensorShape([]),
            attention=self._attention_size,
            alignments=self._one_or_all([mechanism.alignments_size for mechanism in self._mechanisms]),
            attention_state=self._one_or_all([mechanism.state_size for mechanism in self._mechanisms]),
            alignment_history=self._one_or_all([() for _ in self._mechanisms]),
        )

    def _one_or_all(self, items: Any) -> Any:
        return tuple(items) if self._is_multi else items[0]

    @property
    def trainable_weights(self) -> list[Any]:
        return [*self._cell.trainable_weights, *super().trainable_weights] if self.trainable else []

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """Return the state before the first step; use `clone(cell_state=...)` to start from an encoder's state.

        Args:
            batch_size: the number of sequences, as the memories have.
            dtype: the type of the state.
        """
        with name_scope(f"{type(self).__name__}ZeroState"):
            known = batch_size if not isinstance(batch_size, Tensor) else None
            checks = self._batch_checks(int(known) if known is not None else batch_size)
            with get_default_graph().control_dependencies(checks):
                cell_state = self._initial_cell_state
                if cell_state is None:
                    cell_state = self._cell.zero_state(batch_size, dtype)
                first = [mechanism.initial_alignments(batch_size, dtype) for mechanism in self._mechanisms]
                return AttentionWrapperState(
                    cell_state=cell_state,
                    time=zeros([], int32),
                    attention=zero_state_of(self._attention_size, batch_size, dtype),
                    alignments=self._one_or_all(first),
                    attention_state=self._one_or_all(
                        [mechanism.initial_state(batch_size, dtype) for mechanism in self._mechanisms]
                    ),
                    alignment_history=self._one_or_all(
                        [
                            TensorArray(dtype, size=0, dynamic_size=True, element_shape=weights.shape)
                            if self._alignment_history
                            else ()
                            for weights in first
                        ]
                    ),
                )

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the attention (or the cell's output) and the next state.

        Raises:
            TypeError: if the state is not an AttentionWrapperState.
        """
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                "Expected state to be instance of AttentionWrapperState. Received type "
                f"{type(state).__name__} instead. Use zero_state to make one."
            )
        output, cell_state = self._cell(self._cell_input_fn(inputs, state.attention), state.cell_state)
        batch_size = known_or_dynamic(output, 0)
        with get_default_graph().control_dependencies(self._batch_checks(batch_size)):
            output = identity(output, name="checked_cell_output")
        many = self._is_multi
        states = state.attention_state if many else (state.attention_state,)
        histories = state.alignment_history if many else (state.alignment_history,)
        found, weights, after, kept = [], [], [], []
        for mechanism, layer, before, history in zip(self._mechanisms, self._layers, states, histories, strict=True):
            attention, alignments, following = self._attention_fn(mechanism, output, before, layer)
            found.append(attention)
            weights.append(alignments)
            after.append(following)
            kept.append(history.write(state.time, alignments) if self._alignment_history else ())
        attention = concat(found, 1)
        following = AttentionWrapperState(
            time=state.time + 1,
            cell_state=cell_state,
            attention=attention,
            attention_state=self._one_or_all(after),
            alignments=self._one_or_all(weights),
            alignment_history=self._one_or_all(kept),
        )
        return (attention if self._output_attention else output), following


def _width(values: Any) -> int:
    return int(values.shape.as_list()[-1])


def _layer_width(layer: Any, cell: Any, mechanism: Any) -> int:
    size = cell.output_size
    own: Any = size.as_list()[-1] if isinstance(size, TensorShape) else int(size)
    inputs = own + _width(mechanism.values)
    return int(layer.compute_output_shape(TensorShape([None, inputs])).as_list()[-1])
