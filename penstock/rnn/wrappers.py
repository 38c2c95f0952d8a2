"""Cells around cells: dropout, residual connections, a device."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32
from penstock.core.inference import static_value
from penstock.language.graph_functions import device
from penstock.ops.array.joining import concat
from penstock.ops.constant import identity
from penstock.ops.math.unary import floor
from penstock.ops.nn.dropout import dropout
from penstock.ops.random.functions import random_uniform
from penstock.rnn.cells import LSTMStateTuple, RNNCell, once


class CellWrapper(RNNCell):
    """What wrappers share: sizes, states and variables are those of the wrapped cell.

    Args:
        cell: the cell to wrap.
        **kwargs: see `Layer`.
    Raises:
        TypeError: if `cell` is not a cell.
    """

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        if not (callable(cell) and hasattr(cell, "state_size") and hasattr(cell, "output_size")):
            raise TypeError(f"The parameter cell {cell!r} is not an RNNCell: it needs state_size and output_size")
        super().__init__(**kwargs)
        self.cell = cell

    @property
    def wrapped_cell(self) -> Any:
        """The cell that is wrapped."""
        return self.cell

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        return self.cell.output_size

    @property
    def trainable_weights(self) -> list[Any]:
        return once(self.cell.trainable_weights + self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        weights = once(self.cell.non_trainable_weights + self._non_trainable_weights)
        return weights if self.trainable else once(self.cell.trainable_weights + self._trainable_weights + weights)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return the wrapped cell's state of zeros."""
        return self.cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Make one step of the wrapped cell. Wrappers have no variable scope of their own."""
        return self._step(inputs, state, scope)

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        return self._run(inputs, state, scope)

    def _run(self, inputs: Any, state: Any, scope: Any) -> Any:
        """Make one step of the wrapped cell; `scope` is what the wrapper was called with."""
        return self.cell(inputs, state, scope=scope)


def _keeps_memory(state: Any) -> Any:
    """Tell for each part of a state whether dropout applies to it: to all but the memory of LSTM cells."""
    if isinstance(state, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return not (hasattr(state, "handle") and hasattr(state, "flow"))


class DropoutWrapper(CellWrapper):
    """A cell whose inputs, outputs and state are dropped at random.

    Args:
        cell: the cell.
        input_keep_prob, output_keep_prob, state_keep_prob: the probability that an element is kept; numbers in (0, 1]
            or scalar tensors.
        variational_recurrent: whether the same elements are dropped in every step (Gal and Ghahramani 2016).
        input_size: the sizes of the inputs, a nest; needed for variational dropout of inputs.
        dtype: the type of inputs, state and outputs; needed for variational dropout.
        seed: a seed from which those of all the dropouts are made.
        dropout_state_filter_visitor: from a part of the state to whether it is dropped, nested as the part.
        **kwargs: see `Layer`.
    Raises:
        TypeError: if `cell` is not a cell.
        ValueError: if a probability is not in (0, 1], or `input_size` or `dtype` is missing.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, dtype=dtype, **kwargs)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _keeps_memory
        self._seed = seed
        self._variational = variational_recurrent
        self._probabilities = {
            "input": _probability("input_keep_prob", input_keep_prob),
            "output": _probability("output_keep_prob", output_keep_prob),
            "state": _probability("state_keep_prob", state_keep_prob),
        }
        self._noise: dict[str, list[Any]] = {}
        if variational_recurrent:
            self._draw_once(input_size, dtype)

    def _draw_once(self, input_size: Any, dtype: Any) -> None:
        if dtype is None:
            raise ValueError("When variational_recurrent=True, dtype must be provided")
        sizes = {"state": self.cell.state_size, "output": self.cell.output_size}
        if self._drops("input"):
            if input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size must be "
                    "provided"
                )
            sizes["input"] = input_size
        for kind, size in sizes.items():
            self._noise[kind] = [
                random_uniform(concat([[1], _sizes(part)], 0), seed=self._seed_of(kind, index), dtype=dtype)
                for index, part in enumerate(nest.flatten(size))
            ]

    def _drops(self, kind: str) -> bool:
        probability = self._probabilities[kind]
        return not isinstance(probability, float) or probability < 1.0

    def _seed_of(self, kind: str, index: int) -> int | None:
        if self._seed is None:
            return None
        digest = hashlib.md5(f"{self._seed}{kind}_{index}".encode()).hexdigest()
        return int(digest[:8], 16) & 0x7FFFFFFF

    def _dropped(self, values: Any, kind: str, which: Any = True) -> Any:
        flat = nest.flatten(values)
        chosen = nest.flatten(which) if nest.is_nested(which) else [which] * len(flat)
        return nest.pack_sequence_as(
            values,
            [self._drop(v, kind, i) if use else v for i, (v, use) in enumerate(zip(flat, chosen, strict=True))],
        )

    def _drop(self, value: Any, kind: str, index: int) -> Any:
        keep = self._probabilities[kind]
        if not self._variational:
            return dropout(value, rate=1.0 - keep, seed=self._seed_of(kind, index))
        keep = convert_to_tensor(keep, value.dtype.base_dtype)
        result = value / keep * floor(keep + self._noise[kind][index])
        result.set_shape(value.shape)
        return result

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        if self._drops("input"):
            inputs = self._dropped(inputs, "input")
        output, following = self._run(inputs, state, scope)
        if self._drops("state"):
            following = self._dropped(following, "state", self._chosen(following))
        if self._drops("output"):
            output = self._dropped(output, "output")
        return output, following

    def _chosen(self, state: Any) -> Any:
        if isinstance(state, LSTMStateTuple) or not nest.is_nested(state):
            return self._filter(state)
        return nest.flatten([self._chosen(part) for part in state])


def _probability(name: str, value: Any) -> Any:
    known = static_value(convert_to_tensor(value, float32)) if not isinstance(value, (int, float)) else value
    if known is None:
        return identity(convert_to_tensor(value))
    if not 0.0 < float(known) <= 1.0:
        raise ValueError(f"Parameter {name!r} must be between 0 and 1: {float(known)}")
    return float(known)


def _sizes(size: Any) -> list[int]:
    return size.as_list() if hasattr(size, "as_list") else [int(size)]


class ResidualWrapper(CellWrapper):
    """A cell whose inputs are added to its outputs.

    Args:
        cell: the cell.
        residual_fn: from inputs and outputs to what is returned as outputs; by default their sum.
        **kwargs: see `Layer`.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        outputs, following = self._run(inputs, state, scope)
        if self._residual_fn is not None:
            combined = self._residual_fn(inputs, outputs)
        else:
            nest.assert_same_structure(inputs, outputs)
            combined = nest.map_structure(_sum, inputs, outputs)
        nest.assert_same_structure(outputs, combined)
        return combined, following


def _sum(a: Any, b: Any) -> Any:
    if not a.shape.is_compatible_with(b.shape):
        raise ValueError(
            f"ResidualWrapper adds inputs of shape {a.shape} to outputs of shape {b.shape}: they must be equal. "
            "Pass residual_fn to combine them otherwise."
        )
    return a + b


class DeviceWrapper(CellWrapper):
    """A cell that runs on a device.

    Args:
        cell: the cell.
        device: a device name or function, as `tf.device` takes it.
        **kwargs: see `Layer`.
    """

    def __init__(self, cell: Any, device: Any, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return the wrapped cell's state of zeros, on the device."""
        with device(self._device):
            return self.cell.zero_state(batch_size, dtype)

    def _step(self, inputs: Any, state: Any, scope: Any) -> Any:
        with device(self._device):
            return self._run(inputs, state, scope)


class _WrapperV2(CellWrapper):
    """A wrapper of TensorFlow 2: cells are called with a state and keywords of their own, Keras's among them."""

    def __call__(self, inputs: Any, state: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Make one step of the wrapped cell, which gets the keywords."""
        return self._step(inputs, state, kwargs)

    def call(self, inputs: Any, state: Any, **kwargs: Any) -> Any:
        """Make one step; see `__call__`."""
        return self._step(inputs, state, kwargs)

    def _run(self, inputs: Any, state: Any, scope: Any) -> Any:
        return self.cell(inputs, state, **scope)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return a state of zeros of the wrapped cell's sizes."""
        has_own = hasattr(self.cell, "zero_state")
        return self.cell.zero_state(batch_size, dtype) if has_own else RNNCell.zero_state(self, batch_size, dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Return a state of zeros, of float32 where neither `inputs` nor `dtype` says otherwise."""
        if inputs is None and dtype is None:
            dtype = float32
        return super().get_initial_state(inputs, batch_size, dtype)


class RNNCellDropoutWrapper(_WrapperV2, DropoutWrapper):
    """A cell whose inputs, outputs and state are dropped at random; see `DropoutWrapper`."""


class RNNCellResidualWrapper(_WrapperV2, ResidualWrapper):
    """A cell whose inputs are added to its outputs; see `ResidualWrapper`."""


class RNNCellDeviceWrapper(_WrapperV2, DeviceWrapper):
    """A cell that runs on a device; see `DeviceWrapper`."""
