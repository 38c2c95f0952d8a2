"""Helpers: what a BasicDecoder samples from its outputs, and what it reads next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import bool_, int32
from penstock.core.graph import name_scope
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.control_flow import cond
from penstock.language.tensor_array import TensorArray
from penstock.ops.array.filling import fill, zeros_like
from penstock.ops.array.joining import concat, tile
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import expand_dims, shape_v1, size
from penstock.ops.math.binary import truediv
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal, greater_equal, less
from penstock.ops.math.positions import argmax
from penstock.ops.math.reduce import reduce_all
from penstock.ops.nn.embedding import embedding_lookup_v1
from penstock.ops.random.functions import categorical, random_uniform
from penstock.seq2seq.decoder import batch_first, choose_sequences


class Helper:
    """What all helpers share.

    Subclasses have `batch_size`, `sample_ids_shape`, `sample_ids_dtype`, `initialize`, `sample` and `next_inputs`.
    """

    @property
    def batch_size(self) -> Any:
        """The number of sequences, an int32 scalar."""
        raise NotImplementedError(f"{type(self).__name__} must have the property batch_size")

    @property
    def sample_ids_shape(self) -> TensorShape:
        """The shape of what is sampled, without the batch axis; that of a token by default."""
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        """The type of what is sampled; int32 by default."""
        return int32

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """Return which sequences have ended before the first step, and the first inputs."""
        raise NotImplementedError(f"{type(self).__name__} must have the method initialize")

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Return what is sampled from a step's outputs."""
        raise NotImplementedError(f"{type(self).__name__} must have the method sample")

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """Return after a step which sequences have ended, the next inputs and the next state."""
        raise NotImplementedError(f"{type(self).__name__} must have the method next_inputs")


class CustomHelper(Helper):
    """A helper made of three functions.

    Args:
        initialize_fn: () -> (finished, first inputs).
        sample_fn: called with `time`, `outputs` and `state`; returns samples.
        next_inputs_fn: called with `time`, `outputs`, `state` and `sample_ids`; returns (finished, next inputs, next
            state).
        sample_ids_shape: the shape of a sample, that of a token by default.
        sample_ids_dtype: the type of a sample, int32 by default.
    """

    def __init__(
        self,
        initialize_fn: Callable[[], Any],
        sample_fn: Callable[..., Any],
        next_inputs_fn: Callable[..., Any],
        sample_ids_shape: Any = None,
        sample_ids_dtype: Any = None,
    ) -> None:
        self._initialize_fn = initialize_fn
        self._sample_fn = sample_fn
        self._next_inputs_fn = next_inputs_fn
        self._batch_size: Any = None
        self._sample_ids_shape = TensorShape(sample_ids_shape or [])
        self._sample_ids_dtype = sample_ids_dtype or int32

    @property
    def batch_size(self) -> Any:
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> TensorShape:
        return self._sample_ids_shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._sample_ids_dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        with name_scope(name, "CustomHelperInitialize"):
            finished, inputs = self._initialize_fn()
            if self._batch_size is None:
                self._batch_size = size(finished)
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "CustomHelperSample"):
            return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "CustomHelperNextInputs"):
            return self._next_inputs_fn(time=time, outputs=outputs, state=state, sample_ids=sample_ids)


class TrainingHelper(Helper):
    """A helper that reads given inputs, and samples the likeliest tokens.

    Args:
        inputs: a tensor of shape (batch, time, ...), or a nest of them.
        sequence_length: int32, how many steps each sequence has.
        time_major: whether inputs have the shape (time, batch, ...).
        name: the name scope.
    Raises:
        ValueError: if `sequence_length` is not a vector.
    """

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None) -> None:
        with name_scope(name, "TrainingHelper"):
            self._inputs = inputs
            tensors = nest.map_structure(convert_to_tensor, inputs)
            if not time_major:
                tensors = nest.map_structure(batch_first, tensors)
            self._rows = nest.map_structure(_rows, tensors)
            self._sequence_length = convert_to_tensor(sequence_length, name="sequence_length")
            if self._sequence_length.ndim != 1:
                raise ValueError(
                    f"Expected sequence_length to be a vector, but received shape: {self._sequence_length.shape}"
                )
            self._zero_inputs = nest.map_structure(lambda item: zeros_like(item[0]), tensors)
            self._batch_size = size(self._sequence_length)

    @property
    def inputs(self) -> Any:
        """The inputs as they were given."""
        return self._inputs

    @property
    def sequence_length(self) -> Tensor:
        """How many steps each sequence has."""
        return self._sequence_length

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        with name_scope(name, "TrainingHelperInitialize"):
            return self._inputs_at(0)

    def _inputs_at(self, time: Any) -> tuple[Any, Any]:
        """Return which sequences have ended before a step, and the inputs of that step, zeros after the last one."""
        time = cast(time, self._sequence_length.dtype)
        finished = greater_equal(time, self._sequence_length)

        def read() -> Any:
            return nest.map_structure(
                lambda row, blank: _with_shape(row.read(time), blank.shape), self._rows, self._zero_inputs
            )

        inputs = cond(reduce_all(finished), lambda: self._zero_inputs, read)
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "TrainingHelperSample"):
            return cast(argmax(outputs, -1), int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "TrainingHelperNextInputs"):
            finished, inputs = self._inputs_at(time + 1)
            return finished, inputs, state


def _rows(tensor: Tensor) -> TensorArray:
    count = shape_v1(tensor)[0]
    return TensorArray(
        tensor.dtype.base_dtype, size=count, element_shape=tensor.shape[1:], clear_after_read=False
    ).unstack(tensor)


def _with_shape(tensor: Any, shape: Any) -> Any:
    tensor.set_shape(shape)
    return tensor


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """A helper that reads given inputs, and with a probability the embedding of what was sampled (Bengio et al. 2015).

    Args:
        inputs, sequence_length, time_major, name: see `TrainingHelper`.
        embedding: a function from tokens to inputs, or a matrix with a row for each token.
        sampling_probability: how often a sample is read in place of the given input; a scalar or one for each sequence.
        seed: for sampling tokens.
        scheduling_seed: for choosing between sample and given input.
    Raises:
        ValueError: if the probability is neither scalar nor vector.
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        embedding: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        scheduling_seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(inputs, sequence_length, time_major, name)
        self._embed = embedding_function(embedding)
        self._probability = _probability(sampling_probability)
        self._seed, self._scheduling_seed = seed, scheduling_seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "ScheduledEmbeddingTrainingHelperSample"):
            chosen = _chosen(self._probability, self._batch_size, self._scheduling_seed)
            tokens = _drawn(outputs, self._seed)
            return where(chosen, tokens, zeros_like(tokens) - 1)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs"):
            finished, inputs, state = super().next_inputs(time, outputs, state, sample_ids)
            sampled = greater_equal(sample_ids, 0)
            own = self._embed(where(sampled, sample_ids, zeros_like(sample_ids)))
            return finished, choose_sequences(sampled, own, inputs), state


class ScheduledOutputTrainingHelper(TrainingHelper):
    """A helper that reads given inputs, and with a probability the decoder's own outputs.

    Args:
        inputs, sequence_length, time_major, name: see `TrainingHelper`.
        sampling_probability: how often an output is read in place of the given input; a scalar or one for each
            sequence.
        seed: for choosing.
        next_inputs_fn: from outputs to inputs; by default they are inputs themselves.
        auxiliary_inputs: further inputs of shape (batch, time, ...), joined with what is read.
    Raises:
        ValueError: if the probability is neither scalar nor vector.
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        next_inputs_fn: Callable[[Any], Any] | None = None,
        auxiliary_inputs: Any = None,
        name: str | None = None,
    ) -> None:
        self._auxiliary: Any = None
        joined = inputs
        if auxiliary_inputs is not None:
            self._auxiliary = TrainingHelper(auxiliary_inputs, sequence_length, time_major)
            joined = nest.map_structure(lambda x, y: concat([x, y], -1), inputs, auxiliary_inputs)
        super().__init__(joined, sequence_length, time_major, name)
        self._probability = _probability(sampling_probability)
        self._seed = seed
        self._next_inputs_fn = next_inputs_fn

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "ScheduledOutputTrainingHelperSample"):
            return cast(_chosen(self._probability, self._batch_size, self._seed), int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "ScheduledOutputTrainingHelperNextInputs"):
            finished, inputs, state = super().next_inputs(time, outputs, state, sample_ids)
            own = self._next_inputs_fn(outputs) if self._next_inputs_fn is not None else outputs
            if self._auxiliary is not None:
                _, further, _ = self._auxiliary.next_inputs(time, outputs, state)
                own = nest.map_structure(lambda x, y: concat([x, y], -1), own, further)
            return finished, choose_sequences(cast(sample_ids, bool_), own, inputs), state


def _probability(value: Any) -> Tensor:
    probability = convert_to_tensor(value, name="sampling_probability")
    if probability.ndim not in (0, 1):
        raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {probability.shape}")
    return probability


def _chosen(probability: Tensor, batch_size: Any, seed: int | None) -> Tensor:
    return less(random_uniform(expand_dims(batch_size, 0), dtype=probability.dtype.base_dtype, seed=seed), probability)


def _drawn(logits: Tensor, seed: int | None) -> Tensor:
    return categorical(logits, 1, int32, seed)[:, 0]


def embedding_function(embedding: Any) -> Callable[[Any], Any]:
    """Return an embedding as a function: a matrix becomes a lookup of its rows."""
    return embedding if callable(embedding) else lambda tokens: embedding_lookup_v1(embedding, tokens)


class GreedyEmbeddingHelper(Helper):
    """A helper that reads the embedding of the likeliest token of the step before.

    Args:
        embedding: a function from tokens to inputs, or a matrix with a row for each token.
        start_tokens: int32, the first token of each sequence.
        end_token: int32 scalar, the token that ends a sequence.
    Raises:
        ValueError: if the tokens have other ranks.
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any) -> None:
        self._embed = embedding_function(embedding)
        self._start_tokens = convert_to_tensor(start_tokens, int32, name="start_tokens")
        self._end_token = convert_to_tensor(end_token, int32, name="end_token")
        if self._start_tokens.ndim != 1:
            raise ValueError(f"start_tokens must be a vector, got the shape {self._start_tokens.shape}")
        if self._end_token.ndim != 0:
            raise ValueError(f"end_token must be a scalar, got the shape {self._end_token.shape}")
        self._batch_size = size(self._start_tokens)
        self._start_inputs = self._embed(self._start_tokens)

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return tile(convert_to_tensor([False]), expand_dims(self._batch_size, 0)), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        if not isinstance(outputs, Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return argmax(outputs, -1, int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        finished = equal(sample_ids, self._end_token)
        inputs = cond(reduce_all(finished), lambda: self._start_inputs, lambda: self._embed(sample_ids))
        return finished, inputs, state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """A helper that draws tokens from the outputs, which are logits, and reads their embeddings.

    Args:
        embedding, start_tokens, end_token: see `GreedyEmbeddingHelper`.
        softmax_temperature: divides the logits: above 1 for more surprising samples, below 1 for likelier ones.
        seed: for drawing.
    """

    def __init__(
        self,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        softmax_temperature: Any = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._temperature = softmax_temperature
        self._seed = seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        if not isinstance(outputs, Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return _drawn(outputs if self._temperature is None else truediv(outputs, self._temperature), self._seed)


class InferenceHelper(Helper):
    """A helper for decoders that read what they sample.

    Args:
        sample_fn: from outputs to samples.
        sample_shape: the shape of a sample, without the batch axis.
        sample_dtype: the type of samples.
        start_inputs: the first inputs, of shape (batch, ...).
        end_fn: from samples to whether sequences end.
        next_inputs_fn: from samples to inputs; by default they are inputs themselves.
    """

    def __init__(
        self,
        sample_fn: Callable[[Any], Any],
        sample_shape: Any,
        sample_dtype: Any,
        start_inputs: Any,
        end_fn: Callable[[Any], Any],
        next_inputs_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        self._sample_fn = sample_fn
        self._sample_shape = TensorShape(sample_shape)
        self._sample_dtype = sample_dtype
        self._start_inputs = convert_to_tensor(start_inputs, name="start_inputs")
        self._end_fn = end_fn
        self._next_inputs_fn = next_inputs_fn
        self._batch_size = shape_v1(self._start_inputs)[0]

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> TensorShape:
        return self._sample_shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._sample_dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return fill(expand_dims(self._batch_size, 0), False), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample_fn(outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        inputs = sample_ids if self._next_inputs_fn is None else self._next_inputs_fn(sample_ids)
        return self._end_fn(sample_ids), inputs, state
