"""Schedules: the learning rate as a function of the global step.

In a graph each returns a tensor. In eager execution, where a tensor could not follow the step, each returns a function
without arguments that gives the rate of the present step; optimizers take either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.language.control_flow import case, cond
from penstock.ops.array.selecting import where
from penstock.ops.math.binary import add, divide, minimum, multiply, pow, subtract
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import equal
from penstock.ops.math.exponential import exp, log
from penstock.ops.math.trigonometric import cos
from penstock.ops.math.unary import ceil, floor, sqrt
from penstock.ops.random.functions import random_normal


def _schedule(rate: Callable[[], Any]) -> Any:
    """Return the rate in a graph; in eager execution, what computes it at each step."""
    return rate if executing_eagerly() else rate()


def _need_step(global_step: Any, schedule: str) -> None:
    if global_step is None:
        raise ValueError(
            f"global_step is required for {schedule}, got None; pass tf.train.get_or_create_global_step()."
        )


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Return `learning_rate * decay_rate ** (global_step / decay_steps)`.

    Args:
        learning_rate: the initial rate.
        global_step: number of steps so far, at least 0.
        decay_steps: number of steps in which the rate decays once by `decay_rate`.
        decay_rate: the factor.
        staircase: whether the exponent is rounded down.
        name: the name scope.
    Returns:
        A scalar of the type of `learning_rate`; eagerly a function that returns it.
    Raises:
        ValueError: if `global_step` is None.
    """
    _need_step(global_step, "exponential_decay")

    def rate() -> Any:
        with name_scope(name, "ExponentialDecay") as scope:
            initial: Any = convert_to_tensor(learning_rate, name="initial_learning_rate")
            dtype = initial.dtype.base_dtype
            span, factor = cast(decay_steps, dtype), cast(decay_rate, dtype)
            periods: Any = divide(cast(global_step, dtype), span)
            return multiply(initial, pow(factor, floor(periods) if staircase else periods), name=scope)

    return _schedule(rate)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Any:
    """Return `values[i]`, where i is the number of boundaries below `x`.

    Args:
        x: a scalar, such as the global step.
        boundaries: increasing numbers of the type of `x`.
        values: one more than there are boundaries, of one type.
        name: the name scope.
    Raises:
        ValueError: if types or lengths do not fit.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")

    def rate() -> Any:
        with name_scope(name, "PiecewiseConstant"):
            step: Any = convert_to_tensor(x)
            limits = [_boundary(item, step) for item in boundaries]
            levels = [convert_to_tensor(item) for item in values]
            for level in levels:
                if level.dtype.base_dtype != levels[0].dtype.base_dtype:
                    raise ValueError(
                        "Values must have elements all with the same dtype "
                        f"({levels[0].dtype.base_dtype!r} vs {level.dtype.base_dtype!r})."
                    )
            if not limits:
                return levels[0]
            # The first boundary that is not passed decides.
            pairs = [(step <= limit, _returning(level)) for limit, level in zip(limits, levels, strict=False)]
            return case(pairs, _returning(levels[-1]))

    return _schedule(rate)


piecewise_constant_decay = piecewise_constant


def _returning(value: Any) -> Callable[[], Any]:
    return lambda: value


def _boundary(value: Any, step: Any) -> Any:
    boundary = convert_to_tensor(value)
    wanted, given = step.dtype.base_dtype, boundary.dtype.base_dtype
    if given == wanted:
        return boundary
    if given == dtypes.int32 and wanted == dtypes.int64:
        return cast(boundary, wanted)
    raise ValueError(f"Boundaries ({given!r}) must have the same dtype as x ({wanted!r}).")


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """Return a rate that falls to `end_learning_rate` as `(1 - global_step / decay_steps) ** power`.

    Args:
        learning_rate: the initial rate.
        global_step: number of steps so far, at least 0.
        decay_steps: number of steps until the end is reached.
        end_learning_rate: the final rate.
        power: the exponent; 1.0 is a straight line.
        cycle: whether, after the end, the rate rises to fall again over the next multiple of `decay_steps`.
        name: the name scope.
    Raises:
        ValueError: if `global_step` is None.
    """
    _need_step(global_step, "polynomial_decay")

    def rate() -> Any:
        with name_scope(name, "PolynomialDecay") as scope:
            initial: Any = convert_to_tensor(learning_rate, name="initial_learning_rate")
            dtype = initial.dtype.base_dtype
            end, exponent = cast(end_learning_rate, dtype), cast(power, dtype)
            step, span = cast(global_step, dtype), cast(decay_steps, dtype)
            if cycle:
                rounds = where(equal(step, 0), cast(1.0, dtype), ceil(step / span))
                span = multiply(span, rounds)
            else:
                step = minimum(step, span)
            fraction: Any = divide(step, span)
            return add(multiply(initial - end, pow(1 - fraction, exponent)), end, name=scope)

    return _schedule(rate)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Return `learning_rate * exp(-decay_rate * global_step / decay_steps)`; see `exponential_decay`."""
    _need_step(global_step, "natural_exp_decay")
    factor = exp(-decay_rate) if not isinstance(decay_rate, float) else math.exp(-decay_rate)
    return exponential_decay(learning_rate, global_step, decay_steps, factor, staircase=staircase, name=name)


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Return `learning_rate / (1 + decay_rate * global_step / decay_steps)`; see `exponential_decay`."""
    _need_step(global_step, "inverse_time_decay")

    def rate() -> Any:
        with name_scope(name, "InverseTimeDecay") as scope:
            initial: Any = convert_to_tensor(learning_rate, name="initial_learning_rate")
            dtype = initial.dtype.base_dtype
            span, factor = cast(decay_steps, dtype), cast(decay_rate, dtype)
            periods: Any = divide(cast(global_step, dtype), span)
            decay: Any = multiply(factor, floor(periods) if staircase else periods)
            return divide(initial, 1 + decay, name=scope)

    return _schedule(rate)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Any:
    """Return a rate that falls along half a cosine wave to `alpha * learning_rate` within `decay_steps`.

    Args:
        learning_rate: the initial rate.
        global_step: number of steps so far, at least 0.
        decay_steps: number of steps until the end is reached.
        alpha: the final rate, as a fraction of the initial one.
        name: the name scope.
    Raises:
        ValueError: if `global_step` is None.
    Source: Loshchilov and Hutter 2017.
    """
    _need_step(global_step, "cosine_decay")

    def rate() -> Any:
        with name_scope(name, "CosineDecay"):
            initial: Any = convert_to_tensor(learning_rate, name="initial_learning_rate")
            dtype = initial.dtype.base_dtype
            span = cast(decay_steps, dtype)
            completed: Any = divide(minimum(cast(global_step, dtype), span), span)
            decayed = (1 - alpha) * _half_wave(completed) + alpha
            return multiply(initial, decayed)

    return _schedule(rate)


def _half_wave(completed: Any) -> Any:
    """Return `(1 + cos(pi * completed)) / 2`."""
    cosine: Any = cos(math.pi * completed)
    return 0.5 * (1.0 + cosine)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str | None = None,
) -> Any:
    """Return a rate that falls along half a cosine wave, and starts again whenever it has reached its end.

    Args:
        learning_rate: the initial rate.
        global_step: number of steps so far, at least 0.
        first_decay_steps: number of steps of the first wave.
        t_mul: each wave takes this many times the steps of the one before.
        m_mul: each wave starts at this many times the rate of the one before.
        alpha: the least rate, as a fraction of the initial one.
        name: the name scope.
    Raises:
        ValueError: if `global_step` is None.
    Source: Loshchilov and Hutter 2017.
    """
    _need_step(global_step, "cosine_decay_restarts")

    def rate() -> Any:
        with name_scope(name, "SGDRDecay") as scope:
            initial: Any = convert_to_tensor(learning_rate, name="initial_learning_rate")
            dtype = initial.dtype.base_dtype
            span, least = cast(first_decay_steps, dtype), cast(alpha, dtype)
            lengthening, lowering = cast(t_mul, dtype), cast(m_mul, dtype)
            completed: Any = divide(cast(global_step, dtype), span)

            def equal_waves() -> list[Any]:
                wave = floor(completed)
                return [wave, completed - wave]

            def longer_waves() -> list[Any]:
                ratio: Any = log(1.0 - completed * (1.0 - lengthening))
                wave = floor(ratio / log(lengthening))
                done = (1.0 - lengthening**wave) / (1.0 - lengthening)
                return [wave, (completed - done) / lengthening**wave]

            wave, fraction = cond(equal(lengthening, 1.0), equal_waves, longer_waves)
            height = lowering**wave
            decayed = (1 - least) * (height * _half_wave(fraction)) + least
            return multiply(initial, decayed, name=scope)

    return _schedule(rate)


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Any:
    """Return `learning_rate * ((alpha + linear) * cosine + beta)`, both of which fall from 1 within `decay_steps`.

    Args:
        learning_rate: the initial rate.
        global_step: number of steps so far, at least 0.
        decay_steps: number of steps until the end is reached.
        num_periods: number of periods of the cosine.
        alpha, beta: see the formula.
        name: the name scope.
    Raises:
        ValueError: if `global_step` is None.
    Source: Bello et al. 2017.
    """
    _need_step(global_step, "linear_cosine_decay")

    def rate() -> Any:
        with name_scope(name, "LinearCosineDecay") as scope:
            initial: Any = convert_to_tensor(learning_rate, name="initial_learning_rate")
            dtype = initial.dtype.base_dtype
            span = cast(decay_steps, dtype)
            step: Any = minimum(cast(global_step, dtype), span)
            linear: Any = divide(subtract(span, step), span)
            cosine = _periods(step / span, cast(num_periods, dtype))
            return multiply(initial, (cast(alpha, dtype) + linear) * cosine + cast(beta, dtype), name=scope)

    return _schedule(rate)


def _periods(completed: Any, num_periods: Any) -> Any:
    """Return the cosine of `num_periods` periods, raised to lie in [0, 1]."""
    cosine: Any = cos(math.pi * (2.0 * num_periods * completed))
    return 0.5 * (1.0 + cosine)


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: float = 1.0,
    variance_decay: float = 0.55,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Any:
    """Return `linear_cosine_decay` with normal noise added to its linear part.

    Args:
        learning_rate, global_step, decay_steps, num_periods, alpha, beta, name: see `linear_cosine_decay`.
        initial_variance: the variance of the noise at first.
        variance_decay: the variance is divided by `(1 + global_step) ** variance_decay`.
    Raises:
        ValueError: if `global_step` is None.
    Source: Bello et al. 2017; Neelakantan et al. 2015 for the noise.
    """
    _need_step(global_step, "noisy_linear_cosine_decay")

    def rate() -> Any:
        with name_scope(name, "NoisyLinearCosineDecay") as scope:
            initial: Any = convert_to_tensor(learning_rate, name="initial_learning_rate")
            dtype = initial.dtype.base_dtype
            span = cast(decay_steps, dtype)
            step: Any = minimum(cast(global_step, dtype), span)
            linear: Any = divide(subtract(span, step), span)
            variance: Any = cast(initial_variance, dtype) / pow(1.0 + step, cast(variance_decay, dtype))
            noisy = linear + random_normal(linear.shape, stddev=sqrt(variance), dtype=dtype)
            cosine = _periods(step / span, cast(num_periods, dtype))
            return multiply(initial, (cast(alpha, dtype) + noisy) * cosine + cast(beta, dtype), name=scope)

    return _schedule(rate)
