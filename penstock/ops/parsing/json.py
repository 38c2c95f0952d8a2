"""From examples written as JSON to serialized messages."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf import json_format

from penstock.core.array import Value
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.formats import protos
from penstock.ops.parsing.columns import invalid


@op("DecodeJSONExample(json_examples: string) -> binary_examples: string", shape=unchanged, differentiable=False)
def decode_json_example_op(json_examples: Value) -> Value:
    result = np.empty(json_examples.shape, dtype=object)
    flat = result.reshape(-1)
    for place, text in enumerate(json_examples.reshape(-1)):
        try:
            flat[place] = json_format.Parse(text, protos.Example()).SerializeToString(deterministic=True)
        except (json_format.ParseError, UnicodeDecodeError) as error:
            raise invalid(f"Error while parsing JSON: {error}") from None
    return result


def decode_json_example(json_examples: Any, name: str | None = None) -> Tensor:
    """Return Example messages that are written as JSON in their serialized form.

    Args:
        json_examples: strings of any shape.
        name: the name of the operation.
    Raises:
        InvalidArgumentError: if one is no Example.
    """
    return decode_json_example_op(json_examples, name=name)
