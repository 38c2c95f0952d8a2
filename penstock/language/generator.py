"""`tf.random.Generator`: random numbers from a state that is a variable."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype
from penstock.core.graph import name_scope
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.language.init_scope import init_scope
from penstock.language.resource_variable import ResourceVariable
from penstock.ops.random import generator_state, stateless
from penstock.ops.random.functions import shape_tensor
from penstock.ops.random.stateless import PHILOX, THREEFRY
from penstock.ops.random.stateless_functions import algorithm_number

_LONG = (1 << 64) - 1


def _state_size(alg: int) -> int:
    return 2 if alg == THREEFRY else 3


def _signed(number: int) -> int:
    number &= _LONG
    return number - (1 << 64) if number >> 63 else number


def _as_longs(values: Any) -> Tensor:
    """Return integers, unsigned ones by their bits, as an int64 tensor."""
    if isinstance(values, Tensor):
        if values.dtype.base_dtype == dtypes.uint64:
            return lookup("Bitcast")(values, type=dtypes.int64)  # type: ignore[operator]
        return lookup("Cast")(values, DstT=dtypes.int64)  # type: ignore[operator]
    if any(isinstance(value, Tensor) for value in (values if isinstance(values, (list, tuple)) else ())):
        return lookup("Pack")([_as_longs(value) for value in values])  # type: ignore[operator]
    numbers = np.array(values, dtype=object)
    flat = [_signed(int(number)) for number in numbers.reshape(-1)]
    return convert_to_tensor(np.array(flat, dtype=np.int64).reshape(numbers.shape))


def create_rng_state(seed: Any, alg: Any) -> Tensor:
    """Return the state of a generator that a seed determines.

    Args:
        seed: an integer of any size, of which as many bits are used as the state has; or a vector of integers, before
            which zeros are put.
        alg: 'philox', 'threefry', 'auto_select', an `Algorithm` or its number.
    Returns:
        int64 of shape (3,): counter and key; of shape (2,) for threefry.
    Raises:
        ValueError: if the vector is longer than the state.
    """
    size = _state_size(algorithm_number(alg))
    if isinstance(seed, (int, np.integer)):
        number = int(seed)
        return _as_longs([number >> 64 * place & _LONG for place in range(size)])
    state = _as_longs(seed)
    if state.ndim == 0:
        state = lookup("ExpandDims")(state, 0)  # type: ignore[operator]
    state.shape.with_rank(1)
    length = state.dims[0] if state.dims is not None else None
    if length is None:
        raise ValueError("the length of the seed must be known while building; call set_shape on it")
    if length > size:
        raise ValueError(f"The seed must hold at most {size} numbers, got {length}")
    return lookup("Pad")(state, [[size - length, 0]])  # type: ignore[operator]


class Generator:
    """A generator of random numbers, whose state is a variable and moves on with each draw.

    Make one with `from_seed`, `from_state`, `from_key_counter` or `from_non_deterministic_state`.

    Args:
        copy_from: a generator whose state and algorithm to copy; nothing else may be given then.
        state: int64 of shape (3,): the counter's two halves and the key.
        alg: 'philox', 'auto_select', an `Algorithm` or its number.
    Raises:
        ValueError: if the state has not the size that the algorithm needs.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None) -> None:
        if copy_from is not None:
            if state is not None or alg is not None:
                raise ValueError("copy_from takes the state and algorithm of another generator; give no others")
            self._alg: int = copy_from.algorithm
            value: Any = lookup("Identity")(copy_from.state)  # type: ignore[operator]
        else:
            if state is None or alg is None:
                raise ValueError("a Generator needs both state and alg; make it with Generator.from_seed(seed)")
            self._alg = algorithm_number(alg)
            value = state.read_value() if isinstance(state, ResourceVariable) else _as_longs(state)
            if not value.shape.is_compatible_with([_state_size(self._alg)]):
                raise ValueError(f"Shapes {value.shape} and [{_state_size(self._alg)}] are incompatible")
        self._state_var = ResourceVariable(value, trainable=False, dtype=dtypes.int64, name="StateVar")

    @classmethod
    def from_state(cls, state: Any, alg: Any) -> Generator:
        """Return the generator with this state.

        Args:
            state: int64 of shape (3,), or a variable of it, whose value is copied.
            alg: the algorithm.
        """
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """Return the generator that a seed determines.

        Args:
            seed: see `create_rng_state`.
            alg: the algorithm, by default 'philox'.
        """
        number = PHILOX if alg is None else algorithm_number(alg)
        return cls(state=create_rng_state(seed, number), alg=number)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """Return a generator with an unpredictable state.

        Args:
            alg: the algorithm, by default 'philox'.
        """
        number = PHILOX if alg is None else algorithm_number(alg)
        shape = convert_to_tensor([_state_size(number)], dtypes.int32)
        return cls(state=generator_state.non_deterministic_ints_op(shape, dtype=dtypes.int64), alg=number)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any) -> Generator:
        """Return the generator with this key and counter.

        Args:
            key: a scalar integer.
            counter: two integers, the low half first.
            alg: the algorithm.
        """
        return cls(state=_joined(counter, key), alg=alg)

    @property
    def state(self) -> ResourceVariable:
        """The variable that holds the state."""
        return self._state_var

    @property
    def algorithm(self) -> int:
        """The number of the algorithm."""
        return self._alg

    @property
    def key(self) -> Any:
        """The key: a scalar int64 tensor."""
        return self._state_var.read_value()[-1]

    def reset(self, state: Any) -> None:
        """Replace the state.

        Args:
            state: int64 of shape (3,).
        """
        self._state_var.assign(_as_longs(state))

    def reset_from_seed(self, seed: Any) -> None:
        """Replace the state by the one that a seed determines; see `create_rng_state`."""
        self._state_var.assign(create_rng_state(seed, self._alg))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Replace key and counter; see `from_key_counter`."""
        self._state_var.assign(_joined(counter, key))

    def skip(self, delta: Any) -> Tensor:
        """Move on as if `delta` numbers had been drawn.

        Args:
            delta: a scalar integer.
        Returns:
            The state before: int64 of shape (3,).
        """
        steps = lookup("Cast")(delta, DstT=dtypes.uint64)  # type: ignore[operator]
        return generator_state.rng_read_and_skip_op(self._state_var.handle, self._alg, steps)

    def _next(self, shape: Tensor) -> tuple[Tensor, Tensor]:
        """Return the key and counter from which to draw numbers of a shape, and move on."""
        before = self.skip(lookup("Prod")(shape, 0))  # type: ignore[operator]
        bits = lookup("Bitcast")(before, type=dtypes.uint64)  # type: ignore[operator]
        return bits[-1:], bits[:-1]

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Draw from a normal distribution.

        Args:
            shape: the shape of the result.
            mean, stddev: numbers or tensors that broadcast to the shape.
            dtype: float16, bfloat16, float32 or float64.
            name: the name of the scope.
        """
        with name_scope(name, "stateful_normal", [shape, mean, stddev]):
            return self._scaled(stateless.stateless_random_normal_v2_op, shape, mean, stddev, dtype)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Draw from a normal distribution without what is two standard deviations or more from the mean.

        Args:
            shape, mean, stddev, dtype, name: see `normal`.
        """
        with name_scope(name, "truncated_normal", [shape, mean, stddev]):
            return self._scaled(stateless.stateless_truncated_normal_v2_op, shape, mean, stddev, dtype)

    def _scaled(self, operation: Any, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Tensor:
        shape = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        key, counter = self._next(shape)
        return operation(shape, key, counter, self._alg, dtype=as_dtype(dtype)) * stddev + mean

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Draw from the uniform distribution on [minval, maxval).

        Args:
            shape: the shape of the result.
            minval, maxval: the bounds, by default 0 and 1; for integers both or, for the full range, neither.
            dtype: a floating type, int32, int64, uint32 or uint64.
            name: the name of the scope.
        Raises:
            ValueError: if one bound alone is given for integers.
        """
        dtype = as_dtype(dtype)
        if dtype.is_integer and (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer dtype {dtype!r}, minval and maxval must be both `None` or both non-`None`; "
                f"got minval={minval} and maxval={maxval}"
            )
        if dtype.is_integer and minval is None:
            return self.uniform_full_int(shape, dtype, name)
        with name_scope(name, "stateful_uniform", [shape, minval, maxval]):
            shape = shape_tensor(shape)
            low = convert_to_tensor(minval, dtype, name="min")
            high = convert_to_tensor(1 if maxval is None else maxval, dtype, name="max")
            key, counter = self._next(shape)
            if dtype.is_integer:
                return stateless.stateless_random_uniform_int_v2_op(shape, key, counter, self._alg, low, high)
            drawn = stateless.stateless_random_uniform_v2_op(shape, key, counter, self._alg, dtype=dtype)
            return drawn * (high - low) + low

    def uniform_full_int(self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None) -> Tensor:
        """Draw integers of any value that the type has.

        Args:
            shape: the shape of the result.
            dtype: int32, int64, uint32 or uint64.
            name: the name of the scope.
        """
        with name_scope(name, "stateful_uniform_full_int", [shape]):
            shape = shape_tensor(shape)
            key, counter = self._next(shape)
            return stateless.stateless_random_uniform_full_int_v2_op(
                shape, key, counter, self._alg, dtype=as_dtype(dtype)
            )

    def binomial(
        self, shape: Any, counts: Any, probs: Any, dtype: Any = dtypes.int32, name: str | None = None
    ) -> Tensor:
        """Draw from binomial distributions.

        Args:
            shape: the shape of the result; its last axes are those of the parameters, broadcast together.
            counts: the numbers of trials.
            probs: the probabilities of success.
            dtype: float16, float32, float64, int32 or int64.
            name: the name of the scope.
        """
        with name_scope(name, "binomial", [shape, counts, probs]):
            counts = convert_to_tensor(counts, name="counts")
            probs = convert_to_tensor(probs, name="probs")
            return generator_state.stateful_random_binomial_op(
                self._state_var.handle, self._alg, shape_tensor(shape), counts, probs, dtype=as_dtype(dtype)
            )

    def make_seeds(self, count: int = 1) -> Tensor:
        """Return seeds for the stateless functions.

        Args:
            count: how many.
        Returns:
            int64 of shape (2, count), a seed a column.
        """
        keys = self.uniform_full_int([count], dtypes.int64)
        return lookup("Pack")([keys, lookup("ZerosLike")(keys)])  # type: ignore[operator]

    def split(self, count: int = 1) -> list[Generator]:
        """Return generators that are independent of this one and of each other.

        Args:
            count: how many.
        """
        keys = lookup("Unpack")(self.uniform_full_int([count], dtypes.int64), num=count)  # type: ignore[operator]
        zeros: Sequence[int] = [0] * (_state_size(self._alg) - 1)
        return [Generator(state=_as_longs([*zeros, key]), alg=self._alg) for key in keys]


def _joined(counter: Any, key: Any) -> Tensor:
    counter, key = _as_longs(counter), _as_longs(key)
    TensorShape([2]).assert_is_compatible_with(counter.shape)
    key.shape.assert_is_compatible_with([])
    return lookup("ConcatV2")([counter, lookup("ExpandDims")(key, 0)], 0)  # type: ignore[operator]


class _Global:
    """The generator of the process."""

    generator: Generator | None = None  # guarded by lock
    lock = threading.Lock()


def get_global_generator() -> Generator:
    """Return the generator of the process, made with an unpredictable state at the first call."""
    with _Global.lock:
        if _Global.generator is None:
            with init_scope():
                _Global.generator = Generator.from_non_deterministic_state()
        return _Global.generator


def set_global_generator(generator: Generator) -> None:
    """Replace the generator of the process.

    Args:
        generator: what `get_global_generator` returns from now on.
    """
    with _Global.lock:
        _Global.generator = generator
