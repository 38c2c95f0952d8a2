"""Random operations that go on in their stream from call to call.

Each node of a session has a generator of its own, made from its two seeds at the first run. Both seeds 0 mean
unpredictable numbers, which the kernel library draws faster.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch

from penstock.core import array, dtypes, entropy
from penstock.core.array import Array, Value
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.op import Type, op
from penstock.core.op_def import lookup
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, expect_rank, unchanged
from penstock.core.tensor import Tensor
from penstock.ops.hosted import on_host
from penstock.ops.random import distributions, philox
from penstock.ops.random.philox import BLOCKS_PER_OUTPUT, Philox
from penstock.ops.random.seeds import CONTAINER
from penstock.ops.random.shapes import checked_shape, from_shape, from_shape_and_parameter

INDEX = frozenset({dtypes.int32, dtypes.int64})
RATE = frozenset({dtypes.float16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64})
NARROW_FLOATING = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})


class RandomState:
    """What one node draws from.

    Attributes:
        is_seeded: whether the stream is determined by seeds.
        generator: the counter-based generator.
    """

    def __init__(self, seed: int, seed2: int) -> None:
        self.is_seeded = bool(seed or seed2)
        self.generator = Philox.from_seeds(seed, seed2)
        self._lock = threading.Lock()  # guards self.generator
        self._library_generator: torch.Generator | None = None

    def reserve(self, blocks: int) -> Philox:
        """Return a generator for the next `blocks` blocks, and skip them."""
        with self._lock:
            return self.generator.reserve(blocks)

    @property
    def library_generator(self) -> torch.Generator:
        """The kernel library's own generator, seeded unpredictably."""
        if self._library_generator is None:
            generator = torch.Generator()
            generator.manual_seed(entropy.random_integer(63))
            self._library_generator = generator
        return self._library_generator


def random_state(resources: Any, node_name: str, seed: int, seed2: int, dtype: DType | None = None) -> RandomState:
    """Return what the node `node_name` draws from, made at its first run."""
    key = f"{node_name} {seed} {seed2} {dtype.name if dtype is not None else ''}"
    return resources.lookup_or_create(CONTAINER, "random", key, lambda: RandomState(seed, seed2))


# Numbers drawn at a time where some are drawn again, so that finding those takes little memory.
_PART = 1 << 17


@op(
    "RandomUniform(shape: host T) -> output: dtype",
    stateful=True,
    differentiable=False,
    shape=from_shape,
    T=INDEX,
    dtype=dtypes.FLOATING,
)
def random_uniform_op(
    shape: Any, *, seed: int = 0, seed2: int = 0, dtype: DType, resources: Any, node_name: str
) -> Array:
    shape, count = checked_shape(shape)
    state = random_state(resources, node_name, seed, seed2, dtype)
    if not state.is_seeded:
        return torch.rand(shape, generator=state.library_generator, dtype=array.torch_dtype(dtype))
    return philox.uniform(state.reserve(count * BLOCKS_PER_OUTPUT), count, dtype).reshape(shape)


@op(
    "RandomStandardNormal(shape: host T) -> output: dtype",
    stateful=True,
    differentiable=False,
    shape=from_shape,
    T=INDEX,
    dtype=dtypes.FLOATING,
)
def random_standard_normal_op(
    shape: Any, *, seed: int = 0, seed2: int = 0, dtype: DType, resources: Any, node_name: str
) -> Array:
    shape, count = checked_shape(shape)
    state = random_state(resources, node_name, seed, seed2, dtype)
    if not state.is_seeded:
        return torch.randn(shape, generator=state.library_generator, dtype=array.torch_dtype(dtype))
    return philox.normal(state.reserve(count * BLOCKS_PER_OUTPUT), count, dtype).reshape(shape)


@op(
    "TruncatedNormal(shape: host T) -> output: dtype",
    stateful=True,
    differentiable=False,
    shape=from_shape,
    T=INDEX,
    dtype=dtypes.FLOATING,
)
def truncated_normal_op(
    shape: Any, *, seed: int = 0, seed2: int = 0, dtype: DType, resources: Any, node_name: str
) -> Array:
    shape, count = checked_shape(shape)
    state = random_state(resources, node_name, seed, seed2, dtype)
    if state.is_seeded:
        return philox.truncated_normal(state.reserve(count * BLOCKS_PER_OUTPUT), count, dtype).reshape(shape)
    kind = torch.float64 if dtype is dtypes.float64 else torch.float32
    result = torch.empty(count, dtype=kind)
    for part in result.split(_PART):
        part.normal_(generator=state.library_generator)
        while len(again := (part.abs() >= 2.0).nonzero().view(-1)):
            part[again] = torch.randn(len(again), generator=state.library_generator, dtype=kind)
    return result.to(array.torch_dtype(dtype)).reshape(shape)


@op(
    "RandomUniformInt(shape: host T, minval: host Tout, maxval: host Tout) -> output: Tout",
    stateful=True,
    differentiable=False,
    shape=from_shape,
    T=INDEX,
)
def random_uniform_int_op(
    shape: Any, minval: Any, maxval: Any, *, seed: int = 0, seed2: int = 0, Tout: DType, resources: Any, node_name: str
) -> Array:
    shape, count = checked_shape(shape)
    check_range(minval, maxval, count)
    state = random_state(resources, node_name, seed, seed2, Tout)
    if not state.is_seeded and count:
        return torch.randint(minval, maxval, shape, generator=state.library_generator, dtype=array.torch_dtype(Tout))
    return philox.integers(state.reserve(count * BLOCKS_PER_OUTPUT), count, minval, maxval, Tout).reshape(shape)


def check_range(minval: Any, maxval: Any, count: int) -> None:
    """Check the bounds of random integers.

    Raises:
        InvalidArgumentError: if they are not numbers, or there is none between them.
    """
    for name, value in (("minval", minval), ("maxval", maxval)):
        if isinstance(value, list):
            raise InvalidArgumentError(None, None, f"{name} must be 0-D, got {value}")
    if minval >= maxval and count:
        raise InvalidArgumentError(None, None, f"Need minval < maxval, got {minval} >= {maxval}")


@op("RandomShuffle(value: T) -> output: T", stateful=True, differentiable=False, shape=unchanged)
def random_shuffle_op(value: Value, *, seed: int = 0, seed2: int = 0, resources: Any, node_name: str) -> Value:
    if not value.ndim or len(value) < 2:
        return array.clone(value)
    state = random_state(resources, node_name, seed, seed2, array.dtype_of(value))
    if not state.is_seeded:
        return take_rows(value, torch.randperm(len(value), generator=state.library_generator).numpy())
    return take_rows(value, philox.permutation(state.reserve((len(value) + 2) // 4), len(value)))


def take_rows(value: Value, order: np.ndarray) -> Value:
    """Return the rows of a value in another order."""
    return value[order] if isinstance(value, np.ndarray) else value[torch.from_numpy(order)]


@op(
    "Multinomial(logits: T, num_samples: host int32) -> output: output_dtype",
    stateful=True,
    differentiable=False,
    T=dtypes.REAL_NUMBER,
    output_dtype=INDEX,
)
@on_host
def multinomial_op(
    logits: Array,
    num_samples: Any,
    *,
    seed: int = 0,
    seed2: int = 0,
    output_dtype: DType = dtypes.int64,
    resources: Any,
    node_name: str,
) -> Array:
    state = random_state(resources, node_name, seed, seed2, output_dtype)
    rounded = -(-num_samples // 4) * 4 if isinstance(num_samples, int) else 0
    generator = state.reserve(len(logits) * rounded * 2 * BLOCKS_PER_OUTPUT if logits.ndim else 0)
    return draw_classes(generator, logits, num_samples, output_dtype)


def draw_classes(generator: Philox, logits: Array, num_samples: Any, output_dtype: DType) -> Array:
    """Draw class numbers of the type `output_dtype`, of shape [batch, num_samples], for logits [batch, classes].

    Raises:
        InvalidArgumentError: if the logits are no matrix or have no classes, or the number of samples is negative.
    """
    if logits.ndim != 2:
        raise InvalidArgumentError(None, None, f"logits should be a matrix, got shape {list(logits.shape)}")
    if isinstance(num_samples, list):
        raise InvalidArgumentError(None, None, f"num_samples should be a scalar, got {num_samples}")
    if num_samples < 0:
        raise InvalidArgumentError(None, None, f"num_samples should be non-negative, got {num_samples}")
    if not logits.shape[1] and logits.shape[0]:
        raise InvalidArgumentError(None, None, "num_classes should be positive, got 0")
    if not logits.shape[0] or not num_samples:
        return torch.empty(logits.shape[0], num_samples, dtype=array.torch_dtype(output_dtype))
    classes = distributions.categorical(generator, logits.double().cpu().numpy(), num_samples)
    return torch.from_numpy(classes).to(array.torch_dtype(output_dtype))


@multinomial_op.shape
def multinomial_shape(logits: Dims, num_samples: Any, *args: Any, **attrs: Any) -> Dims:
    batch, _ = expect_rank(logits, 2, "logits")
    if isinstance(num_samples, list):
        raise ShapeError(f"num_samples should be a scalar, got {num_samples}")
    return (batch, num_samples)


@op(
    "RandomGamma(shape: host S, alpha: T) -> output: T",
    stateful=True,
    shape=from_shape_and_parameter,
    S=INDEX,
    T=NARROW_FLOATING,
)
@on_host
def random_gamma_op(
    shape: Any, alpha: Array, *, seed: int = 0, seed2: int = 0, resources: Any, node_name: str
) -> Array:
    shape, samples = checked_shape(shape)
    state = random_state(resources, node_name, seed, seed2, array.dtype_of(alpha))
    generator = state.reserve(samples * alpha.numel() * BLOCKS_PER_OUTPUT)
    return draw_gamma(generator, alpha, samples).reshape((*shape, *alpha.shape))


def draw_gamma(generator: Philox, alpha: Array, samples: int) -> Array:
    """Draw from gamma distributions of scale 1: [samples, number of elements of alpha]."""
    draws = distributions.gamma(generator, alpha.double().reshape(-1).cpu().numpy(), samples)
    return torch.from_numpy(np.ascontiguousarray(draws.T)).to(alpha.dtype)


@random_gamma_op.gradient
def random_gamma_gradient(call: Any, grad: Tensor) -> tuple[None, Tensor]:
    return None, gamma_gradient(call.inputs[1], call.outputs[0], grad)


def gamma_gradient(alpha: Tensor, sample: Tensor, grad: Tensor) -> Tensor:
    """Return the gradient with respect to `alpha` of draws whose last axes are those of `alpha`.

    Raises:
        UnimplementedError: if a rank is not known.
    """
    if alpha.ndim is None or sample.ndim is None:
        raise UnimplementedError(
            None, None, "the gradient of gamma samples needs the ranks of alpha and of the samples; set their shapes"
        )
    partial = random_gamma_grad_op(alpha, sample) * grad
    return lookup("Sum")(partial, list(range(sample.ndim - alpha.ndim)))  # type: ignore[operator]


@op("RandomGammaGrad(alpha: T, sample: T) -> output: T", T={dtypes.float32, dtypes.float64}, differentiable=False)
def random_gamma_grad_op(alpha: Array, sample: Array) -> Array:
    # The distribution function is differentiated by alpha with five points: the library's derivative has few digits.
    a, x = torch.broadcast_tensors(alpha.double(), sample.double())
    h = 1e-3 * a
    p = torch.special.gammainc
    slope = (8.0 * (p(a + h, x) - p(a - h, x)) - (p(a + 2 * h, x) - p(a - 2 * h, x))) / (12.0 * h)
    result = -slope / torch.exp((a - 1.0) * torch.log(x) - x - torch.lgamma(a))
    return torch.where(torch.isfinite(result), result, torch._standard_gamma_grad(a, x)).to(alpha.dtype)


@random_gamma_grad_op.shape
def random_gamma_grad_shape(alpha: Dims, sample: Dims) -> Dims:
    return sample if alpha is not None and sample is not None and len(sample) >= len(alpha) else None


@op(
    "RandomPoissonV2(shape: host S, rate: R) -> output: dtype",
    stateful=True,
    differentiable=False,
    shape=from_shape_and_parameter,
    S=INDEX,
    R=Type(RATE, dtypes.float64),
    dtype=RATE,
)
@on_host
def random_poisson_v2_op(
    shape: Any,
    rate: Array,
    *,
    seed: int = 0,
    seed2: int = 0,
    dtype: DType = dtypes.int64,
    resources: Any,
    node_name: str,
) -> Array:
    shape, samples = checked_shape(shape)
    state = random_state(resources, node_name, seed, seed2, dtype)
    generator = state.reserve(samples * rate.numel() * BLOCKS_PER_OUTPUT)
    return draw_poisson(generator, rate, samples, dtype).reshape((*shape, *rate.shape))


@op(
    "RandomPoisson(shape: host S, rate: dtype) -> output: dtype",
    stateful=True,
    differentiable=False,
    shape=from_shape_and_parameter,
    S=INDEX,
    dtype=NARROW_FLOATING,
)
@on_host
def random_poisson_op(
    shape: Any, rate: Array, *, seed: int = 0, seed2: int = 0, dtype: DType, resources: Any, node_name: str
) -> Array:
    return random_poisson_v2_op.kernel(
        shape, rate, seed=seed, seed2=seed2, dtype=dtype, resources=resources, node_name=node_name
    )


def draw_poisson(generator: Philox, rate: Array, samples: int, dtype: DType) -> Array:
    """Draw from Poisson distributions: [samples, number of elements of rate], of the type `dtype`."""
    highest = float(dtype.max)
    draws = distributions.poisson(generator, rate.double().reshape(-1).cpu().numpy(), samples, highest)
    return torch.from_numpy(np.ascontiguousarray(draws.T)).to(array.torch_dtype(dtype))
