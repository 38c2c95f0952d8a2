"""Functions that make a layer and apply it: `tf.layers.conv2d` beside `tf.layers.Conv2D`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from penstock.core.tensor import Tensor
from penstock.layers.base import Layer

_EITHER = inspect.Parameter.POSITIONAL_OR_KEYWORD


def layer_function(layer: type[Layer], name: str, inputs: str) -> Callable[..., Tensor]:
    """Return the function that makes a layer and applies it.

    Args:
        layer: the layer's class. Its arguments are the function's, after `inputs` and before `reuse`.
        name: the function's name.
        inputs: what the function takes as `inputs`, for its documentation.
    """
    own = [p for p in inspect.signature(layer).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    first = inspect.Parameter("inputs", _EITHER, annotation=Any)
    last = inspect.Parameter("reuse", _EITHER, default=None, annotation="bool | None")
    signature = inspect.Signature([first, *own, last], return_annotation=Tensor)

    def function(*args: Any, **kwargs: Any) -> Tensor:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{name}(): {error}") from None
        values, reuse = given.pop("inputs"), given.pop("reuse", None)
        return layer(**given, _scope=given.get("name"), _reuse=reuse).apply(values)

    function.__name__ = function.__qualname__ = name
    function.__module__ = layer.__module__
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__doc__ = f"""Make a `{layer.__name__}` layer and apply it.

    Args:
        inputs: {inputs}.
        name: the layer's name, which is that of its variable scope.
        reuse: whether to use the variables of an earlier layer of that name.
        {own[0].name} and the others: see `{layer.__name__}`.
    """
    return function
