"""Cells around cells: layers before and after, gates, attention, as `tf.contrib.rnn` had them."""

from __future__ import annotations

from typing import Any

from penstock.contrib.rnn_cells import linear
from penstock.core import nest
from penstock.core.tensor import Tensor
from penstock.language.variable_scope import get_variable, get_variable_scope, variable_scope
from penstock.ops.array.joining import concat, split
from penstock.ops.array.shaping import expand_dims, reshape
from penstock.ops.initializers_v1 import constant_initializer, random_uniform_initializer
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.embedding import embedding_lookup_v1
from penstock.ops.nn.softmax import softmax
from penstock.rnn.cells import RNNCell
from penstock.rnn.wrappers import CellWrapper


class _LearningWrapper(CellWrapper):
    """A wrapper with a variable scope for its own variables and those of the cell."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Make one step; see `RNNCell`."""
        return RNNCell.__call__(self, inputs, state, scope, *args, **kwargs)


class HighwayWrapper(CellWrapper):
    """A cell whose output a gate mixes with its input (Srivastava et al. 2015).

    Args:
        cell: the cell, whose output has the size of its input.
        couple_carry_transform_gates: whether what the gate lets pass of the input is missing from the output.
        carry_bias_init: the first value of the gate's bias.
    """

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0) -> None:
        super().__init__(cell)
        self._couples = couple_carry_transform_gates
        self._bias_init = carry_bias_init

    def _gate(self, inputs: Any, name: str, bias: float) -> Tensor:
        size, dtype = int(inputs.shape.as_list()[-1]), inputs.dtype.base_dtype
        weights = get_variable(f"{name}_w", [size, size], dtype)
        return sigmoid(matmul(inputs, weights) + get_variable(f"{name}_b", [size], dtype, constant_initializer(bias)))

    def _mix(self, inputs: Any, outputs: Any) -> Tensor:
        inputs.shape.assert_is_compatible_with(outputs.shape)
        carry = self._gate(inputs, "carry", self._bias_init)
        transform = 1 - carry if self._couples else self._gate(inputs, "transform", -self._bias_init)
        return inputs * carry + outputs * transform

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        outputs, following = self.cell(inputs, state, scope=scope)
        nest.assert_same_structure(inputs, outputs)
        with variable_scope(get_variable_scope(), custom_getter=self._getter):
            return nest.map_structure(self._mix, inputs, outputs), following


class CompiledWrapper(CellWrapper):
    """A cell as it is: programs are compiled in any case.

    Args:
        cell: the cell.
        compile_stateful: accepted.
    """

    def __init__(self, cell: Any, compile_stateful: bool = False) -> None:
        super().__init__(cell)


class InputProjectionWrapper(_LearningWrapper):
    """A cell whose inputs go through a layer.

    Args:
        cell: the cell.
        num_proj: the size of the layer.
        activation: of the layer; None for none.
        input_size: accepted.
        reuse: whether the variables must exist already.
    """

    def __init__(
        self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell, _reuse=reuse)
        self._num_proj = num_proj
        self._activation = activation

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        projected = linear(inputs, self._num_proj, True)
        return self.cell(projected if self._activation is None else self._activation(projected), state)


class OutputProjectionWrapper(_LearningWrapper):
    """A cell whose outputs go through a layer.

    Args:
        cell: the cell.
        output_size: the size of the layer.
        activation: of the layer; None for none.
        reuse: whether the variables must exist already.
    Raises:
        ValueError: if the size is not positive.
    """

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None) -> None:
        super().__init__(cell, _reuse=reuse)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._output_size = output_size
        self._activation = activation

    @property
    def output_size(self) -> Any:
        return self._output_size

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        output, following = self.cell(inputs, state)
        projected = linear(output, self._output_size, True)
        return projected if self._activation is None else self._activation(projected), following


class EmbeddingWrapper(_LearningWrapper):
    """A cell whose inputs are tokens, which a learned table makes vectors.

    Args:
        cell: the cell.
        embedding_classes: the number of tokens.
        embedding_size: the size of a vector.
        initializer: makes the first values of the table; by default the scope's, or uniform with variance 1.
        reuse: whether the table must exist already.
    Raises:
        ValueError: if a size is not positive.
    """

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell, _reuse=reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}."
            )
        self._shape = [embedding_classes, embedding_size]
        self._initializer = initializer

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        dtype = nest.flatten(state)[0].dtype.base_dtype
        first = self._initializer or get_variable_scope().initializer or random_uniform_initializer(-(3**0.5), 3**0.5)
        table = get_variable("embedding", self._shape, dtype, first)
        return self.cell(embedding_lookup_v1(table, reshape(inputs, [-1])), state)


class AttentionCellWrapper(RNNCell):
    """A cell that attends to its own last outputs (Bahdanau et al. 2015).

    Args:
        cell: the cell.
        attn_length: to how many outputs it attends.
        attn_size: the size of what it finds, the cell's output size by default.
        attn_vec_size: the size of the attention's hidden layer, `attn_size` by default.
        input_size: the size of the cell's inputs, that of the inputs by default.
        state_is_tuple: whether the state is a tuple of the cell's state, what was found, and the last outputs.
        reuse: whether the variables must exist already.
    Raises:
        TypeError: if `cell` is not a cell.
        ValueError: if a length is not positive, or the cell's state is a tuple and the whole state is not.
    """

    def __init__(
        self,
        cell: Any,
        attn_length: int,
        attn_size: int | None = None,
        attn_vec_size: int | None = None,
        input_size: int | None = None,
        state_is_tuple: bool = True,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        if not (callable(cell) and hasattr(cell, "state_size") and hasattr(cell, "output_size")):
            raise TypeError(f"The parameter cell {cell!r} is not an RNNCell")
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        if nest.is_nested(cell.state_size) and not state_is_tuple:
            raise ValueError(
                "Cell returns tuple of states, but the flag state_is_tuple is not set. State size is: "
                f"{cell.state_size}"
            )
        self._cell = cell
        self._length = attn_length
        self._size = attn_size if attn_size is not None else cell.output_size
        self._vector_size = attn_vec_size if attn_vec_size is not None else self._size
        self._input_size = input_size
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = (self._cell.state_size, self._size, self._size * self._length)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._size

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        if self._state_is_tuple:
            state, found, outputs = state
        else:
            state, found, outputs = split(state, [self._cell.state_size, self._size, self._size * self._length], axis=1)
        outputs = reshape(outputs, [-1, self._length, self._size])
        depth = self._input_size or int(inputs.shape.as_list()[1])
        with variable_scope("input_projection"):
            joined = linear([inputs, found], depth, True)
        output, following = self._cell(joined, state)
        parts = nest.flatten(following)
        found, kept = self._attend(parts[0] if len(parts) == 1 else concat(parts, 1), outputs)
        with variable_scope("attn_output_projection"):
            output = linear([output, found], self._size, True)
        kept = reshape(concat([kept, expand_dims(output, 1)], 1), [-1, self._length * self._size])
        return output, (following, found, kept) if self._state_is_tuple else concat([following, found, kept], 1)

    def _attend(self, query: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is found among the last outputs, and the last outputs without the first one."""
        with variable_scope("attention"):
            dtype = query.dtype.base_dtype
            kernel = get_variable("attn_w", [1, 1, self._size, self._vector_size], dtype)
            direction = get_variable("attn_v", [self._vector_size], dtype)
            asked = reshape(linear(query, self._vector_size, True), [-1, 1, self._vector_size])
        keys = reshape(
            matmul(reshape(outputs, [-1, self._size]), reshape(kernel, [self._size, self._vector_size])),
            [-1, self._length, self._vector_size],
        )
        weights = softmax(reduce_sum(direction * tanh(keys + asked), [2]))
        found = reduce_sum(expand_dims(weights, 2) * outputs, [1])
        return reshape(found, [-1, self._size]), outputs[:, 1:]
