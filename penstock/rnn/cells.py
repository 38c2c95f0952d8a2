"""Cells: functions of an input and a state to an output and the next state, with variables of their own."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.partitioners import fixed_size_partitioner
from penstock.language.variable_base import Variable
from penstock.language.variable_scope import variable_scope
from penstock.layers.arguments import as_activation, as_initializer
from penstock.layers.base import Layer, variables_of
from penstock.layers.input_spec import InputSpec
from penstock.ops.array.filling import zeros
from penstock.ops.array.joining import concat, split
from penstock.ops.array.shaping import shape_v1
from penstock.ops.initializers_v1 import ones_initializer, zeros_initializer
from penstock.ops.math.clip import clip_by_value
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.nn.bias import bias_add


class LSTMStateTuple(collections.namedtuple("LSTMStateTuple", ("c", "h"))):
    """The state of an LSTM cell: `c`, what it remembers, and `h`, its last output."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        """The type of both.

        Raises:
            TypeError: if they have different types.
        """
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


def zero_state_of(state_size: Any, batch_size: Any, dtype: Any) -> Any:
    """Return zeros of the shapes of a state.

    Args:
        state_size: a nest of numbers or TensorShapes, without the batch axis.
        batch_size: a number or an int32 scalar.
        dtype: a type, or a nest of types like `state_size`.
    """
    leaves = _leaves(state_size)
    types = nest.flatten(dtype) if nest.is_nested(dtype) else [dtype] * len(leaves)
    states = [_zeros(batch_size, size, d) for size, d in zip(leaves, types, strict=True)]
    return states[0] if _is_leaf(state_size) else nest.pack_sequence_as(_outline(state_size), states)


def _is_leaf(size: Any) -> bool:
    return isinstance(size, (int, np.integer, TensorShape)) or not nest.is_nested(size)


def _outline(state_size: Any) -> Any:
    return nest.map_structure(lambda _: 0, state_size)


def _leaves(state_size: Any) -> list[Any]:
    return [state_size] if _is_leaf(state_size) else nest.flatten(state_size)


def _zeros(batch_size: Any, size: Any, dtype: Any) -> Tensor:
    sizes = size.as_list() if isinstance(size, TensorShape) else [int(size)]
    if not isinstance(batch_size, Tensor):
        return zeros([int(batch_size), *sizes], dtype)
    result = zeros(concat([[batch_size], convert_to_tensor(np.asarray(sizes, np.int32))], 0), dtype)
    result.set_shape([None, *sizes])  # type: ignore[attr-defined]
    return result


class RNNCell(Layer):
    """What all cells share. Called with an input and a state, a cell returns an output and the next state.

    Subclasses have `state_size`, `output_size` and `call(inputs, state)`; see `Layer` for the arguments. What `call`
    makes with `tf.get_variable` counts as the cell's variables, too.
    """

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Make one step.

        Args:
            inputs: a tensor of shape (batch, depth), or a nest of them.
            state: a nest of tensors as `state_size` says.
            scope: the variable scope for the variables that the first call makes.
        Returns:
            The output, of shape (batch, output_size), and the next state.
        """
        return super().__call__(inputs, state, *args, scope=scope, **kwargs)

    def _getter(self, getter: Any, *args: Any, **kwargs: Any) -> Any:
        """Return what `get_variable` does, and remember the variables."""
        result = getter(*args, **kwargs)
        for part in variables_of(result):
            if isinstance(part, Variable):
                weights = self._trainable_weights if part.trainable else self._non_trainable_weights
                if not any(part is weight for weight in weights):
                    weights.append(part)
        return result

    @property
    def state_size(self) -> Any:
        """The sizes of the state: a number, a TensorShape, or a nest of them."""
        raise NotImplementedError(f"{type(self).__name__} must have the property state_size")

    @property
    def output_size(self) -> Any:
        """The size of the output: a number, a TensorShape, or a nest of them."""
        raise NotImplementedError(f"{type(self).__name__} must have the property output_size")

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return a state of zeros.

        Args:
            batch_size: the number of sequences.
            dtype: the type of the state.
        """
        with name_scope(f"{type(self).__name__}ZeroState"):
            return zero_state_of(self.state_size, batch_size, dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Return a state of zeros; size and type are those of `inputs` where they are not given.

        Raises:
            ValueError: if they are neither given nor to be found.
        """
        if inputs is not None:
            first = convert_to_tensor(nest.flatten(inputs)[0])
            static = first.dims[0] if first.dims else None
            batch_size = static if static is not None else shape_v1(first)[0]
            dtype = first.dtype.base_dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    def _depth(self, input_shape: Any) -> int:
        shape = TensorShape(input_shape[0] if isinstance(input_shape, (list, tuple)) else input_shape)
        depth = shape.as_list()[-1] if shape.rank else None
        if depth is None:
            raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {shape}")
        self.input_spec = InputSpec(ndim=2, axes={-1: depth})
        return depth


class BasicRNNCell(RNNCell):
    """The simplest cell: `activation(concat(input, state) @ kernel + bias)` is output and next state.

    Args:
        num_units: the size of state and output.
        activation: a function or its name; tanh by default.
        reuse: whether the variables must exist already.
        name, dtype, kwargs: see `Layer`.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = as_activation(activation) or tanh

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the bias."""
        depth = self._depth(input_shape)
        self._kernel = self.add_weight("kernel", [depth + self._num_units, self._num_units])
        self._bias = self.add_weight("bias", [self._num_units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output, which is the next state too."""
        output = self._activation(bias_add(matmul(concat([inputs, state], 1), self._kernel), self._bias))
        return output, output


class GRUCell(RNNCell):
    """A gated recurrent unit (Cho et al. 2014): a gate decides how much of the state each step replaces.

    Args:
        num_units: the size of state and output.
        activation: a function or its name; tanh by default.
        reuse: whether the variables must exist already.
        kernel_initializer: makes the first values of the kernels.
        bias_initializer: those of the biases; by default ones for the gates and zeros for the candidate.
        name, dtype, kwargs: see `Layer`.
    """

    _WEIGHT_NAMES = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = as_activation(activation) or tanh
        self._kernel_initializer = as_initializer(kernel_initializer)
        self._bias_initializer = as_initializer(bias_initializer)

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        """Make the kernels and biases of the gates and of the candidate."""
        depth, units = self._depth(input_shape), self._num_units
        given, first = self._bias_initializer, self._kernel_initializer
        gate_kernel, gate_bias, candidate_kernel, candidate_bias = self._WEIGHT_NAMES
        self._gate_kernel = self.add_weight(gate_kernel, [depth + units, 2 * units], initializer=first)
        self._gate_bias = self.add_weight(
            gate_bias, [2 * units], initializer=ones_initializer() if given is None else given
        )
        self._candidate_kernel = self.add_weight(candidate_kernel, [depth + units, units], initializer=first)
        self._candidate_bias = self.add_weight(
            candidate_bias, [units], initializer=zeros_initializer() if given is None else given
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output, which is the next state too."""
        gates = sigmoid(bias_add(matmul(concat([inputs, state], 1), self._gate_kernel), self._gate_bias))
        reset, update = split(value=gates, num_or_size_splits=2, axis=1)
        together = concat([inputs, reset * state], 1)
        candidate = self._activation(bias_add(matmul(together, self._candidate_kernel), self._candidate_bias))
        following = update * state + (1 - update) * candidate
        return following, following


class BasicLSTMCell(RNNCell):
    """A long short-term memory (Hochreiter and Schmidhuber 1997), without peepholes, clipping or projection.

    Args:
        num_units: the size of memory and output.
        forget_bias: added to the forget gate's input, so that the cell remembers at first.
        state_is_tuple: whether the state is an `LSTMStateTuple`; otherwise one tensor with both parts side by side.
        activation: a function or its name; tanh by default.
        reuse: whether the variables must exist already.
        name, dtype, kwargs: see `Layer`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = as_activation(activation) or tanh

    @property
    def state_size(self) -> Any:
        units = self._num_units
        return LSTMStateTuple(units, units) if self._state_is_tuple else 2 * units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the bias of all four gates."""
        depth, units = self._depth(input_shape), self._num_units
        self._kernel = self.add_weight("kernel", [depth + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state if self._state_is_tuple else split(value=state, num_or_size_splits=2, axis=1)
        gates = bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = split(value=gates, num_or_size_splits=4, axis=1)
        memory = c * sigmoid(f + self._forget_bias) + sigmoid(i) * self._activation(j)
        output = self._activation(memory) * sigmoid(o)
        return output, LSTMStateTuple(memory, output) if self._state_is_tuple else concat([memory, output], 1)


class LSTMCell(RNNCell):
    """A long short-term memory with optional peepholes, clipping and projection (Sak et al. 2014).

    Args:
        num_units: the size of the memory.
        use_peepholes: whether the gates see the memory, through diagonal weights.
        cell_clip: the largest magnitude of the memory; None for any.
        initializer: makes the first values of kernels and peepholes.
        num_proj: the size of the output, to which a matrix maps it; None for no such matrix.
        proj_clip: the largest magnitude of what the matrix gives.
        num_unit_shards, num_proj_shards: into how many parts the kernels are split.
        forget_bias: added to the forget gate's input.
        state_is_tuple: whether the state is an `LSTMStateTuple`; otherwise one tensor with both parts side by side.
        activation: a function or its name; tanh by default.
        reuse: whether the variables must exist already.
        name, dtype, kwargs: see `Layer`.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int | None = None,
        num_proj_shards: int | None = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = as_initializer(initializer)
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._num_unit_shards = num_unit_shards
        self._num_proj_shards = num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = as_activation(activation) or tanh

    @property
    def state_size(self) -> Any:
        c, h = self._num_units, self.output_size
        return LSTMStateTuple(c, h) if self._state_is_tuple else c + h

    @property
    def output_size(self) -> Any:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the bias of all four gates, the peepholes and the projection."""
        depth, units = self._depth(input_shape), self._num_units
        first = self._initializer
        self._kernel = self.add_weight(
            "kernel",
            [depth + self.output_size, 4 * units],
            initializer=first,
            partitioner=_shards(self._num_unit_shards),
        )
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer())
        if self._use_peepholes:
            self._w_f_diag = self.add_weight("w_f_diag", [units], initializer=first)
            self._w_i_diag = self.add_weight("w_i_diag", [units], initializer=first)
            self._w_o_diag = self.add_weight("w_o_diag", [units], initializer=first)
        if self._num_proj is not None:
            self._projection = self.add_weight(
                "projection/kernel",
                [units, self._num_proj],
                initializer=first,
                partitioner=_shards(self._num_proj_shards),
            )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        c, h = state if self._state_is_tuple else split(state, [self._num_units, self.output_size], axis=1)
        gates = bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = split(value=gates, num_or_size_splits=4, axis=1)
        f = f + self._forget_bias
        if self._use_peepholes:
            memory = sigmoid(f + self._w_f_diag * c) * c + sigmoid(i + self._w_i_diag * c) * self._activation(j)
        else:
            memory = sigmoid(f) * c + sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            memory = clip_by_value(memory, -self._cell_clip, self._cell_clip)
        opened = sigmoid(o + self._w_o_diag * memory) if self._use_peepholes else sigmoid(o)
        output = opened * self._activation(memory)
        if self._num_proj is not None:
            output = matmul(output, self._projection)
            if self._proj_clip is not None:
                output = clip_by_value(output, -self._proj_clip, self._proj_clip)
        return output, LSTMStateTuple(memory, output) if self._state_is_tuple else concat([memory, output], 1)


def _shards(count: int | None) -> Any:
    return None if count is None else fixed_size_partitioner(count)


def once(weights: Iterable[Any]) -> list[Any]:
    """Return weights without repetition: cells may share them."""
    return list({id(weight): weight for weight in weights}.values())


class MultiRNNCell(RNNCell):
    """Cells on top of each other: the output of each is the input of the next.

    Args:
        cells: the cells, the lowest first.
        state_is_tuple: whether the state is a tuple of the cells' states; otherwise one tensor with all side by side.
    Raises:
        ValueError: if there are no cells, or the states cannot be put side by side.
        TypeError: if `cells` is not a list or tuple.
    """

    def __init__(self, cells: Any, state_is_tuple: bool = True) -> None:
        super().__init__()
        if not isinstance(cells, (list, tuple)):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if len({id(cell) for cell in cells}) < len(cells):
            warnings.warn(
                "The same cell is given several times, and its levels share variables. Make one cell for each level if "
                "each is to have its own.",
                stacklevel=2,
            )
        if not state_is_tuple and any(nest.is_nested(cell.state_size) for cell in cells):
            raise ValueError(f"Some cells return tuples of states, but the flag state_is_tuple is not set: {cells}")
        self._cells = list(cells)
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    @property
    def trainable_weights(self) -> list[Any]:
        return once(w for cell in self._cells for w in cell.trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        weights = once(w for cell in self._cells for w in cell.non_trainable_weights)
        return weights if self.trainable else once(w for cell in self._cells for w in cell.trainable_weights) + weights

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return a state of zeros, each cell's as the cell makes it."""
        with name_scope(f"{type(self).__name__}ZeroState"):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return zero_state_of(self.state_size, batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output of the last cell and the next states."""
        if self._state_is_tuple:
            if not nest.is_nested(state) or len(state) != len(self._cells):
                raise ValueError(f"Expected state to be a tuple of length {len(self._cells)}, but received: {state}")
            states = list(state)
        else:
            states = split(state, [cell.state_size for cell in self._cells], axis=1)
        following = []
        for level, (cell, before) in enumerate(zip(self._cells, states, strict=True)):
            with variable_scope(f"cell_{level}"):
                inputs, after = cell(inputs, before)
            following.append(after)
        return inputs, tuple(following) if self._state_is_tuple else concat(following, 1)
