"""Divergences between pairs of distributions, found by their classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from penstock.core.graph import current_graph, get_default_graph, name_scope
from penstock.core.tensor import Tensor
from penstock.ops.constant import identity
from penstock.ops.debugging.assertion import Assert
from penstock.ops.math.compare import logical_not
from penstock.ops.math.reduce import reduce_any
from penstock.ops.math.unary import is_nan

_divergences: dict[tuple[type, type], Callable[..., Any]] = {}


def _registered(type_a: type, type_b: type) -> Callable[..., Any] | None:
    """Return the function for the pair of classes that is nearest in the lines of inheritance."""
    best: tuple[int, Callable[..., Any]] | None = None
    for i, a in enumerate(inspect.getmro(type_a)):
        for j, b in enumerate(inspect.getmro(type_b)):
            found = _divergences.get((a, b))
            if found is not None and (best is None or i + j < best[0]):
                best = i + j, found
    return None if best is None else best[1]


def kl_divergence(
    distribution_a: Any, distribution_b: Any, allow_nan_stats: bool = True, name: str | None = None
) -> Tensor:
    """Return the Kullback-Leibler divergence of one distribution from another.

    Args:
        distribution_a, distribution_b: the distributions.
        allow_nan_stats: whether the result may be NaN.
        name: a name for the scope of the nodes.
    Raises:
        NotImplementedError: if none is registered for the pair of classes.
        InvalidArgumentError: at run time, if the result is NaN and must not be.
    """
    function = _registered(type(distribution_a), type(distribution_b))
    if function is None:
        raise NotImplementedError(
            f"No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{type(distribution_a).__name__} and distribution_b type {type(distribution_b).__name__}"
        )
    with name_scope(name, "KullbackLeibler"):
        result = function(distribution_a, distribution_b, name=name)
        if allow_nan_stats:
            return result
        check = Assert(
            logical_not(reduce_any(is_nan(result))),
            [
                f"KL calculation between {distribution_a.name} and {distribution_b.name} returned NaN values and was "
                "called with allow_nan_stats=False. Values:",
                result,
            ],
        )
        if current_graph() is None:
            return result
        with get_default_graph().control_dependencies([check]):
            return identity(result, name="checked_kl")


def cross_entropy(ref: Any, other: Any, allow_nan_stats: bool = True, name: str | None = None) -> Tensor:
    """Return the cross entropy of `other` seen from `ref`: the entropy of `ref` and its divergence from `other`."""
    with name_scope(name, "cross_entropy"):
        return ref.entropy() + kl_divergence(ref, other, allow_nan_stats=allow_nan_stats)


class RegisterKL:
    """A decorator that registers a function `(a, b, name=None)` as the divergence for two classes.

    Args:
        dist_cls_a, dist_cls_b: the classes, subclasses included.
    """

    def __init__(self, dist_cls_a: type, dist_cls_b: type) -> None:
        self._key = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn: Callable[..., Any]) -> Callable[..., Any]:
        """Register a function.

        Raises:
            TypeError: if it is not callable.
            ValueError: if there is one for the two classes already.
        """
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _divergences:
            a, b = (item.__name__ for item in self._key)
            raise ValueError(f"KL({a} || {b}) has already been registered to: {_divergences[self._key]}")
        _divergences[self._key] = kl_fn
        return kl_fn
