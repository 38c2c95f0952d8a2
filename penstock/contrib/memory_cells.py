"""The neural Turing machine, as `tf.contrib.rnn` had it."""

from __future__ import annotations

import collections
import math
from typing import Any

from penstock.core.dtypes import float32, int32
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.control_flow import cond
from penstock.language.variable_scope import variable_scope
from penstock.ops.array.filling import ones_like, zeros
from penstock.ops.array.joining import concat, split, tile
from penstock.ops.array.reversing import roll
from penstock.ops.array.shaping import expand_dims, shape_v1
from penstock.ops.initializers_v1 import (
    constant_initializer,
    glorot_uniform_initializer,
    truncated_normal_initializer,
    zeros_initializer,
)
from penstock.ops.math.binary import pow
from penstock.ops.math.clip import clip_by_value
from penstock.ops.math.compare import equal
from penstock.ops.math.exponential import sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.unary import sqrt, square
from penstock.ops.nn.activation import softplus
from penstock.ops.nn.bias import bias_add
from penstock.ops.nn.softmax import softmax
from penstock.rnn.cells import RNNCell

NTMControllerState = collections.namedtuple(
    "NTMControllerState", ("controller_state", "read_vector_list", "w_list", "M", "time")
)
_TINY = 1e-8  # keeps a similarity with a row of zeros finite


class NTMCell(RNNCell):
    """A neural Turing machine (Graves et al. 2014): a cell that reads and writes a memory.

    Args:
        controller: the cell that gives the heads their parameters.
        memory_size: the number of rows of the memory.
        memory_vector_dim: the size of a row.
        read_head_num, write_head_num: how many heads read and write in each step.
        shift_range: by how many rows a head may move in a step.
        output_dim: the size of the output, that of the inputs by default.
        clip_value: the largest magnitude of the heads' parameters and of the output.
        dtype, name: see `RNNCell`.
    Raises:
        TypeError: if `controller` is not a cell.

    The state is an `NTMControllerState`: that of the controller, a list with what each reading head has read, a list
    with where each head points, reading ones first, the memory, of shape (batch, memory_size, memory_vector_dim), and
    the number of steps so far. In the first step the memory, and what the heads have read and point at, are learned.
    """

    def __init__(
        self,
        controller: Any,
        memory_size: int,
        memory_vector_dim: int,
        read_head_num: int,
        write_head_num: int,
        shift_range: int = 1,
        output_dim: int | None = None,
        clip_value: float = 20,
        dtype: Any = float32,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        if not (callable(controller) and hasattr(controller, "state_size") and hasattr(controller, "output_size")):
            raise TypeError(f"The parameter controller {controller!r} is not an RNNCell")
        self.controller = controller
        self.memory_size = memory_size
        self.memory_vector_dim = memory_vector_dim
        self.read_head_num = read_head_num
        self.write_head_num = write_head_num
        self.shift_range = shift_range
        self.output_dim = output_dim
        self.clip_value = clip_value
        self.num_heads = read_head_num + write_head_num
        self.num_parameters_per_head = memory_vector_dim + 2 + (2 * shift_range + 1) + 1

    @property
    def state_size(self) -> Any:
        return NTMControllerState(
            controller_state=self.controller.state_size,
            read_vector_list=[self.memory_vector_dim] * self.read_head_num,
            w_list=[self.memory_size] * self.num_heads,
            M=TensorShape([self.memory_size, self.memory_vector_dim]),
            time=TensorShape([]),
        )

    @property
    def output_size(self) -> Any:
        return self.output_dim

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return the state before the first step."""
        with name_scope(f"{type(self).__name__}ZeroState"):
            return NTMControllerState(
                controller_state=self.controller.zero_state(batch_size, dtype),
                read_vector_list=[zeros([batch_size, self.memory_vector_dim], dtype)] * self.read_head_num,
                w_list=[zeros([batch_size, self.memory_size], dtype)] * self.num_heads,
                M=zeros([batch_size, self.memory_size, self.memory_vector_dim], dtype),
                time=zeros([], int32),
            )

    def build(self, input_shape: Any) -> None:
        """Make the weights of the heads' parameters and of the output, and the first memory, readings and pointers."""
        depth = self._depth(input_shape)
        if self.output_dim is None:
            self.output_dim = depth
        size = self.controller.output_size
        count = self.num_parameters_per_head * self.num_heads + 2 * self.memory_vector_dim * self.write_head_num
        self._params_kernel = self.add_weight("parameters_kernel", [size, count], initializer=_scaled(size))
        self._params_bias = self.add_weight("parameters_bias", [count], initializer=zeros_initializer())
        size += self.memory_vector_dim * self.read_head_num
        self._output_kernel = self.add_weight("output_kernel", [size, self.output_dim], initializer=_scaled(size))
        self._output_bias = self.add_weight("output_bias", [self.output_dim], initializer=zeros_initializer())
        first = glorot_uniform_initializer()
        self._first_readings = [
            self.add_weight(f"initial_read_vector_{i}", [1, self.memory_vector_dim], initializer=first)
            for i in range(self.read_head_num)
        ]
        self._first_pointers = [
            self.add_weight(f"initial_address_weights_{i}", [1, self.memory_size], initializer=first)
            for i in range(self.num_heads)
        ]
        self._first_memory = self.add_weight(
            "memory", [self.memory_size, self.memory_vector_dim], initializer=constant_initializer(1e-6)
        )
        self.built = True

    def _before(self, state: Any, batch_size: Any) -> tuple[list[Any], list[Any], Any]:
        """Return what the heads have read, where they point, and the memory; at first those are learned."""

        def learned() -> Any:
            return (
                [tile(tanh(reading), [batch_size, 1]) for reading in self._first_readings],
                [tile(softmax(pointer), [batch_size, 1]) for pointer in self._first_pointers],
                tile(expand_dims(tanh(self._first_memory), 0), [batch_size, 1, 1]),
            )

        return cond(equal(state.time, 0), learned, lambda: (list(state.read_vector_list), list(state.w_list), state.M))

    def call(self, inputs: Any, state: Any) -> Any:
        """Return the output and the next state."""
        static = inputs.shape.as_list()[0]
        readings, pointers, memory = self._before(state, static if static is not None else shape_v1(inputs)[0])
        with variable_scope("controller"):
            shown, controller_state = self.controller(concat([inputs, *readings], 1), state.controller_state)
        parameters = bias_add(matmul(shown, self._params_kernel), self._params_bias)
        parameters = clip_by_value(parameters, -self.clip_value, self.clip_value)
        of_heads = self.num_parameters_per_head * self.num_heads
        pointers = [
            self._point(head, memory, pointer)
            for head, pointer in zip(split(parameters[:, :of_heads], self.num_heads, axis=1), pointers, strict=True)
        ]
        reading = pointers[: self.read_head_num]
        readings = [reduce_sum(expand_dims(pointer, 2) * memory, 1) for pointer in reading]
        if self.write_head_num:
            changes = split(parameters[:, of_heads:], 2 * self.write_head_num, axis=1)
            for pointer, erased, added in zip(pointers[self.read_head_num :], changes[::2], changes[1::2], strict=True):
                rows = expand_dims(pointer, 2)
                kept = ones_like(memory) - matmul(rows, expand_dims(sigmoid(erased), 1))
                memory = memory * kept + matmul(rows, expand_dims(tanh(added), 1))
        output = bias_add(matmul(concat([shown, *readings], 1), self._output_kernel), self._output_bias)
        output = clip_by_value(output, -self.clip_value, self.clip_value)
        return output, NTMControllerState(controller_state, readings, pointers, memory, state.time + 1)

    def _point(self, parameters: Tensor, memory: Tensor, before: Tensor) -> Tensor:
        """Return where a head points: for each row of the memory a weight (Graves et al. 2014, section 3.3).

        Args:
            parameters: of the head, of shape (batch, num_parameters_per_head).
            memory: of shape (batch, memory_size, memory_vector_dim).
            before: where it pointed, of shape (batch, memory_size).
        """
        size = self.memory_vector_dim
        key, strength, gate = tanh(parameters[:, :size]), parameters[:, size : size + 1], parameters[:, size + 1 :]
        gate, shifts, sharpness = gate[:, :1], softmax(gate[:, 1:-1]), softplus(gate[:, -1:]) + 1
        lengths = sqrt(reduce_sum(square(memory), 2)) * sqrt(reduce_sum(square(key), 1, keepdims=True))
        similarity = reduce_sum(memory * expand_dims(key, 1), 2) / (lengths + _TINY)
        found = softmax(softplus(strength) * similarity)
        interpolated = sigmoid(gate) * found + (1 - sigmoid(gate)) * before
        # The weights of the shifts are those of 0, 1, ... rows forward, and then those backward, the farthest first.
        rows = [*range(self.shift_range + 1), *range(-self.shift_range, 0)]
        shifted = [shifts[:, i : i + 1] * roll(interpolated, row, 1) for i, row in enumerate(rows)]
        sharpened = pow(sum(shifted[1:], shifted[0]), sharpness)
        return sharpened / reduce_sum(sharpened, 1, keepdims=True)


def _scaled(size: int) -> Any:
    return truncated_normal_initializer(stddev=1.0 / math.sqrt(size))
