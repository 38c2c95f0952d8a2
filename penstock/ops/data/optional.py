"""Optional values: variants that hold the tensors of an element, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.array import Value, from_scalar
from penstock.core.dtypes import DType, bool_, variant
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape import Dims


class OptionalValue:
    """What a variant tensor of an optional holds.

    Attributes:
        components: the runtime values; None for an optional without a value.
    """

    __slots__ = ("components",)

    value_dtype = variant

    def __init__(self, components: Sequence[Value] | None) -> None:
        self.components = components

    def __repr__(self) -> str:
        return "<optional without a value>" if self.components is None else "<optional with a value>"


def _scalar(*inputs: Any, **attrs: Any) -> Dims:
    return ()


@op(
    "OptionalFromValue(components: list(Toutput_types)) -> optional: variant",
    minimum={"Toutput_types": 1},
    differentiable=False,
    shape=_scalar,
)
def optional_from_value_op(components: list[Value]) -> Value:
    return OptionalValue(list(components))


@op("OptionalNone() -> optional: variant", differentiable=False, shape=_scalar)
def optional_none_op() -> Value:
    return OptionalValue(None)


@op("OptionalHasValue(optional: variant) -> has_value: bool", differentiable=False, shape=_scalar)
def optional_has_value_op(optional: Value) -> Value:
    return from_scalar(optional.components is not None, bool_)


def _given_shapes(optional: Dims, *, output_types: list[DType], output_shapes: list[Dims]) -> list[Dims]:
    return list(output_shapes)


@op(
    "OptionalGetValue(optional: variant) -> components: list(output_types)",
    minimum={"output_types": 1, "output_shapes": 1},
    differentiable=False,
    view=True,
    shape=_given_shapes,
)
def optional_get_value_op(optional: Value, *, output_types: list[DType], output_shapes: list[Dims]) -> list[Value]:
    if optional.components is None:
        raise InvalidArgumentError(None, None, "The given optional does not have a value. Ask has_value() first.")
    return list(optional.components)
