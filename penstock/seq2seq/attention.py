"""Attention: from a query and a memory to weights over the steps of the memory.

A mechanism scores each step of the memory against the query, and makes weights ("alignments") of the scores: a softmax,
or for the monotonic kinds a distribution that only moves forward.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.tensor import Tensor
from penstock.language.functional import scan
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.layers.core import Dense
from penstock.ops.array.filling import one_hot, ones, zeros, zeros_like
from penstock.ops.array.joining import concat, stack
from penstock.ops.array.selecting import sequence_mask, where
from penstock.ops.array.shaping import expand_dims, reshape, shape_v1, squeeze, transpose
from penstock.ops.initializers_v1 import constant_initializer, ones_initializer, zeros_initializer
from penstock.ops.math.cast import cast
from penstock.ops.math.clip import clip_by_value
from penstock.ops.math.compare import greater
from penstock.ops.math.exponential import exp, log, sigmoid, tanh
from penstock.ops.math.matmul import matmul
from penstock.ops.math.positions import argmax
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.math.scan import cumprod, cumsum
from penstock.ops.math.unary import rsqrt, square
from penstock.ops.nn.softmax import softmax
from penstock.ops.random.functions import random_normal
from penstock.seq2seq.decoder import known_or_dynamic


class AttentionMechanism:
    """What all attention mechanisms are: called with `query` and `state`, they return alignments and the next state."""

    @property
    def alignments_size(self) -> Any:
        """The number of weights, the steps of the memory."""
        raise NotImplementedError(f"{type(self).__name__} must have the property alignments_size")

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        raise NotImplementedError(f"{type(self).__name__} must have the property state_size")


class BaseAttentionMechanism(AttentionMechanism):
    """What the mechanisms of this module share: the memory, its keys, and weights made of scores.

    Args:
        query_layer: a layer for queries; None to take them as they are.
        memory: a tensor of shape (batch, time, depth).
        probability_fn: from scores and the state to weights.
        memory_sequence_length: how many steps of each memory count; None for all.
        memory_layer: a layer that makes keys of the memory; None to take the memory as it is.
        check_inner_dims_defined: whether the sizes after time must be known.
        score_mask_value: the score of steps that do not count, minus infinity by default.
        custom_key_value_fn: from keys and values to keys and values.
        name: the name scope.
    Raises:
        TypeError: if a layer is not callable.
        ValueError: if sizes are unknown.
    """

    def __init__(
        self,
        query_layer: Any,
        memory: Any,
        probability_fn: Callable[[Any, Any], Any],
        memory_sequence_length: Any = None,
        memory_layer: Any = None,
        check_inner_dims_defined: bool = True,
        score_mask_value: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        for label, layer in (("query_layer", query_layer), ("memory_layer", memory_layer)):
            if layer is not None and not callable(layer):
                raise TypeError(f"{label} is not a Layer: {type(layer)}")
        self._query_layer = query_layer
        self._memory_layer = memory_layer
        if not callable(probability_fn):
            raise TypeError(f"probability_fn must be callable, saw type: {type(probability_fn)}")
        with name_scope(name, "BaseAttentionMechanismInit", nest.flatten(memory)):
            self._lengths = None
            if memory_sequence_length is not None:
                self._lengths = convert_to_tensor(memory_sequence_length, name="memory_sequence_length")
            self._values = _masked_memory(memory, self._lengths, check_inner_dims_defined)
            self._keys = memory_layer(self._values) if memory_layer is not None else self._values
            if custom_key_value_fn is not None:
                self._keys, self._values = custom_key_value_fn(self._keys, self._values)
            self._batch_size = known_or_dynamic(self._keys, 0)
            self._alignments_size = known_or_dynamic(self._keys, 1)
            dtype = self._keys.dtype.base_dtype
            lowest = -math.inf if score_mask_value is None else score_mask_value
            self._mask_value = convert_to_tensor(lowest, dtype)
        self._probability_fn = probability_fn

    @property
    def memory_layer(self) -> Any:
        """The layer that makes keys of the memory."""
        return self._memory_layer

    @property
    def query_layer(self) -> Any:
        """The layer for queries."""
        return self._query_layer

    @property
    def values(self) -> Tensor:
        """The memory, zeros in steps that do not count."""
        return self._values

    @property
    def keys(self) -> Tensor:
        """What queries are compared with."""
        return self._keys

    @property
    def batch_size(self) -> Any:
        """The number of memories."""
        return self._batch_size

    @property
    def alignments_size(self) -> Any:
        return self._alignments_size

    @property
    def state_size(self) -> Any:
        return self._alignments_size

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """Return the weights before the first step, zeros."""
        result = zeros(stack([convert_to_tensor(batch_size), convert_to_tensor(self._alignments_size)]), dtype)
        known = [size if isinstance(size, int) else None for size in (batch_size, self._alignments_size)]
        result.set_shape(known)  # type: ignore[attr-defined]
        return result

    def initial_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """Return the state before the first step: the first weights."""
        return self.initial_alignments(batch_size, dtype)

    def _weights(self, score: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        """Return the weights of scores, and the next state."""
        if self._lengths is not None:
            counts = sequence_mask(self._lengths, maxlen=shape_v1(score)[1])
            score = where(counts, score, zeros_like(score) + self._mask_value)
        alignments = self._probability_fn(score, state)
        return alignments, alignments


def _masked_memory(memory: Any, lengths: Any, check: bool) -> Any:
    def masked(item: Any) -> Tensor:
        tensor = convert_to_tensor(item, name="memory")
        dims = tensor.dims
        if check and (dims is None or any(size is None for size in dims[2:])):
            raise ValueError(f"Expected memory to have fully defined inner dims, but saw shape: {tensor.shape}")
        if lengths is None:
            return tensor
        known = lengths.dims
        if known is not None and dims is not None and None not in (known[0], dims[0]) and known[0] != dims[0]:
            raise ValueError(
                f"memory_sequence_length has {known[0]} entries, but memory has the batch size {dims[0]}; with beam "
                "search, use tile_batch on both"
            )
        mask = cast(sequence_mask(lengths, maxlen=shape_v1(tensor)[1]), tensor.dtype.base_dtype)
        for _ in range(2, tensor.ndim or 2):
            mask = expand_dims(mask, -1)
        return tensor * mask

    return nest.map_structure(masked, memory)


class BahdanauAttention(BaseAttentionMechanism):
    """Additive attention (Bahdanau et al. 2015): the score is `v . tanh(W_query query + W_memory memory)`.

    Args:
        num_units: the size of what queries and memory are mapped to.
        memory: a tensor of shape (batch, time, depth).
        memory_sequence_length: how many steps of each memory count; None for all.
        normalize: whether `v` has a learned length and a bias is added (Salimans and Kingma 2016).
        probability_fn: from scores to weights, softmax by default.
        score_mask_value: the score of steps that do not count, minus infinity by default.
        dtype: the type of the layers, float32 by default.
        custom_key_value_fn: from keys and values to keys and values.
        name: the name scope.
    """

    _scope = "bahdanau_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str = "BahdanauAttention",
    ) -> None:
        chosen = probability_fn or softmax
        self._num_units = num_units
        self._normalize = normalize
        super().__init__(
            Dense(num_units, name="query_layer", use_bias=False, dtype=dtype),
            memory,
            lambda score, _: chosen(score),
            memory_sequence_length,
            Dense(num_units, name="memory_layer", use_bias=False, dtype=dtype),
            score_mask_value=score_mask_value,
            custom_key_value_fn=custom_key_value_fn,
            name=name,
        )

    def _score(self, query: Tensor) -> Tensor:
        return _bahdanau_score(self._query_layer(query), self._keys, self._normalize)

    def __call__(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        """Return weights of shape (batch, time) for a query of shape (batch, depth), and the next state."""
        with variable_scope(None, self._scope, [query]):
            return self._weights(self._score(query), state)


def _bahdanau_score(query: Tensor, keys: Tensor, normalize: bool) -> Tensor:
    units = int(query.shape[-1])
    dtype = query.dtype.base_dtype
    direction = get_variable("attention_v", [units], dtype=dtype)
    together = expand_dims(query, 1) + keys
    if not normalize:
        return reduce_sum(convert_to_tensor(direction) * tanh(together), [2])
    length = get_variable(
        "attention_g", dtype=dtype, initializer=constant_initializer(math.sqrt(1.0 / units)), shape=()
    )
    bias = get_variable("attention_b", [units], dtype=dtype, initializer=zeros_initializer())
    unit = length * convert_to_tensor(direction) * rsqrt(reduce_sum(square(direction)))
    return reduce_sum(unit * tanh(together + bias), [2])


class LuongAttention(BaseAttentionMechanism):
    """Multiplicative attention (Luong et al. 2015): the score is `query . (W memory)`.

    Args:
        num_units: the size of what the memory is mapped to, the depth of the queries.
        memory: a tensor of shape (batch, time, depth).
        memory_sequence_length: how many steps of each memory count; None for all.
        scale: whether scores are multiplied by a learned number.
        probability_fn: from scores to weights, softmax by default.
        score_mask_value: the score of steps that do not count, minus infinity by default.
        dtype: the type of the layer, float32 by default.
        custom_key_value_fn: from keys and values to keys and values.
        name: the name scope.
    """

    _scope = "luong_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str = "LuongAttention",
    ) -> None:
        chosen = probability_fn or softmax
        self._num_units = num_units
        self._scale = scale
        super().__init__(
            None,
            memory,
            lambda score, _: chosen(score),
            memory_sequence_length,
            Dense(num_units, name="memory_layer", use_bias=False, dtype=dtype),
            score_mask_value=score_mask_value,
            custom_key_value_fn=custom_key_value_fn,
            name=name,
        )

    def _score(self, query: Tensor) -> Tensor:
        return _luong_score(query, self._keys, self._scale)

    def __call__(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        """Return weights of shape (batch, time) for a query of shape (batch, depth), and the next state.

        Raises:
            ValueError: if the query has another depth than the keys.
        """
        with variable_scope(None, self._scope, [query]):
            return self._weights(self._score(query), state)


def _luong_score(query: Any, keys: Any, scale: bool) -> Tensor:
    depth, key_units = query.shape.as_list()[-1], keys.shape.as_list()[-1]
    if depth != key_units:
        raise ValueError(
            f"Incompatible or unknown inner dimensions between query and keys. Query ({query.name}) has units: "
            f"{depth}. "
            f"Keys ({keys.name}) have units: {key_units}. Perhaps you need to set num_units to the keys' dimension "
            f"({key_units})?"
        )
    score = squeeze(matmul(expand_dims(query, 1), keys, transpose_b=True), [1])
    if scale:
        score = score * get_variable(
            "attention_g", dtype=query.dtype.base_dtype, initializer=ones_initializer(), shape=()
        )
    return score


def safe_cumprod(x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """Return cumulative products of numbers in [0, 1], by logarithms, so that gradients stay finite.

    Args:
        x: the numbers.
        *args, **kwargs: see `tf.cumsum`.
    """
    with name_scope(None, "SafeCumprod", [x]):
        tensor = convert_to_tensor(x)
        tiny = np.finfo(tensor.dtype.as_numpy_dtype).tiny
        return exp(cumsum(log(clip_by_value(tensor, tiny, 1)), *args, **kwargs))


def monotonic_attention(p_choose_i: Any, previous_attention: Any, mode: str) -> Tensor:
    """Return weights that only move forward (Raffel et al. 2017).

    Args:
        p_choose_i: for each step of the memory the probability that it is chosen when it is reached, of shape (batch,
            time).
        previous_attention: the weights before, of the same shape.
        mode: "recursive" (exact, a loop), "parallel" (cumulative sums and products, less stable) or "hard" (for
            probabilities that are 0 or 1).
    Raises:
        ValueError: if there is no such mode.
    """
    p = convert_to_tensor(p_choose_i, name="p_choose_i")
    previous = convert_to_tensor(previous_attention, name="previous_attention")
    if mode == "recursive":
        batch_size = known_or_dynamic(p, 0)
        shifted = concat(
            [ones(stack([convert_to_tensor(batch_size), convert_to_tensor(1)]), p.dtype), 1 - p[:, :-1]], 1
        )
        passed = scan(
            lambda before, row: reshape(row[0] * before + row[1], expand_dims(convert_to_tensor(batch_size), 0)),
            [transpose(shifted), transpose(previous)],
            zeros(expand_dims(convert_to_tensor(batch_size), 0), p.dtype),
        )
        return p * transpose(passed)
    if mode == "parallel":
        not_chosen = safe_cumprod(1 - p, axis=1, exclusive=True)
        return p * not_chosen * cumsum(previous / clip_by_value(not_chosen, 1e-10, 1.0), axis=1)
    if mode == "hard":
        reached = p * cumsum(previous, axis=1)
        return reached * cumprod(1 - reached, axis=1, exclusive=True)
    raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")


def _monotonic_weights(noise: float, mode: str, seed: int | None) -> Callable[[Any, Any], Any]:
    def weights(score: Tensor, previous: Tensor) -> Tensor:
        if noise > 0:
            score = score + noise * random_normal(shape_v1(score), dtype=score.dtype.base_dtype, seed=seed)
        if mode == "hard":
            chosen = cast(greater(score, 0), score.dtype.base_dtype)
        else:
            chosen = sigmoid(score)
        return monotonic_attention(chosen, previous, mode)

    return weights


def _first_step(mechanism: Any, batch_size: Any, dtype: Any) -> Tensor:
    """Return weights that are 1 for the first step of the memory."""
    return one_hot(
        zeros(expand_dims(convert_to_tensor(batch_size), 0), "int32"), mechanism.alignments_size, dtype=dtype
    )


class BahdanauMonotonicAttention(BahdanauAttention):
    """Additive attention that only moves forward (Raffel et al. 2017).

    Args:
        num_units, memory, memory_sequence_length, normalize, score_mask_value, dtype, name: see `BahdanauAttention`.
        sigmoid_noise: how much noise is added to scores while training, which teaches them to be decided.
        sigmoid_noise_seed: its seed.
        score_bias_init: the first value of a number that is added to the scores.
        mode: see `monotonic_attention`.
    """

    _scope = "bahdanau_monotonic_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        score_mask_value: Any = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: Any = None,
        name: str = "BahdanauMonotonicAttention",
    ) -> None:
        super().__init__(
            num_units, memory, memory_sequence_length, normalize, None, score_mask_value, dtype, None, name
        )
        self._probability_fn = _monotonic_weights(sigmoid_noise, mode, sigmoid_noise_seed)
        self._score_bias_init = score_bias_init

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """Return the weights before the first step: all on the first step of the memory."""
        return _first_step(self, batch_size, dtype)

    def _score(self, query: Tensor) -> Tensor:
        return super()._score(query) + _score_bias(self._score_bias_init, query)


class LuongMonotonicAttention(LuongAttention):
    """Multiplicative attention that only moves forward (Raffel et al. 2017).

    Args:
        num_units, memory, memory_sequence_length, scale, score_mask_value, dtype, name: see `LuongAttention`.
        sigmoid_noise, sigmoid_noise_seed, score_bias_init, mode: see `BahdanauMonotonicAttention`.
    """

    _scope = "luong_monotonic_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        score_mask_value: Any = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: Any = None,
        name: str = "LuongMonotonicAttention",
    ) -> None:
        super().__init__(num_units, memory, memory_sequence_length, scale, None, score_mask_value, dtype, None, name)
        self._probability_fn = _monotonic_weights(sigmoid_noise, mode, sigmoid_noise_seed)
        self._score_bias_init = score_bias_init

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """Return the weights before the first step: all on the first step of the memory."""
        return _first_step(self, batch_size, dtype)

    def _score(self, query: Tensor) -> Tensor:
        return super()._score(query) + _score_bias(self._score_bias_init, query)


def _score_bias(first: float, query: Tensor) -> Any:
    return get_variable(
        "attention_score_bias", dtype=query.dtype.base_dtype, initializer=constant_initializer(first), shape=()
    )


def hardmax(logits: Any, name: str | None = None) -> Tensor:
    """Return 1 where the logits of the last axis are largest, and 0 elsewhere.

    Args:
        logits: a floating-point tensor whose last size is known.
        name: the name scope.
    """
    with name_scope(name, "Hardmax", [logits]):
        tensor = convert_to_tensor(logits, name="logits")
        depth = known_or_dynamic(tensor, -1)
        return one_hot(argmax(tensor, -1), depth, dtype=tensor.dtype.base_dtype)
