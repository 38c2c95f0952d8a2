"""Ragged tensors as text, for `tf.strings.format` and `tf.print`."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.ops.array.filling import fill
from penstock.ops.array.selecting import where
from penstock.ops.array.shaping import reshape
from penstock.ops.debugging.printing import print_v2, string_format
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import greater
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.ragged.arranging import concat
from penstock.ops.ragged.gathering import slices_of_rows
from penstock.ops.ragged.ragged_tensor import RaggedTensor
from penstock.ops.string.join import string_join
from penstock.ops.string.numbers import as_string
from penstock.ops.string.reduce_join import reduce_join, unsorted_segment_join
from penstock.ops.string.regex import regex_replace


def ragged_text(value: RaggedTensor, summarize: int | None = None) -> Any:
    """Return a ragged tensor as a string: its rows in brackets.

    Args:
        value: the tensor.
        summarize: how many values are shown at either end of a row; None or -1 for all.
    """
    flat = value.flat_values
    if flat.dtype == dtypes.string:
        flat = string_join(["'", regex_replace(flat, r"(['\\])", r"\\\1"), "'"])
    else:
        flat = as_string(flat)
    while (flat.shape.rank or 0) > 1:  # the innermost axes are uniform
        rows = RaggedTensor.from_tensor(reshape(flat, [-1, *flat.shape.as_list()[-1:]]))
        flat = reshape(_bracketed(rows, summarize), flat.shape.as_list()[:-1])
    for partition in reversed(value._nested_row_partitions):
        flat = _bracketed(RaggedTensor(flat, partition, internal=True), summarize)
    count = reshape(value.nrows(), [1])
    return reshape(_bracketed(RaggedTensor.from_row_lengths(flat, count, validate=False), summarize), [])


def _bracketed(rows: RaggedTensor, summarize: int | None) -> Any:
    """Return each row of strings as one string."""
    if summarize is not None and summarize >= 0:
        lengths = rows.row_lengths()
        is_long = greater(lengths, 2 * summarize)
        shown = where(is_long, lengths * 0 + summarize, lengths)
        start = slices_of_rows(rows.values, rows.row_starts(), rows.row_starts() + shown)
        dots = cast(is_long, lengths.dtype)
        middle = RaggedTensor.from_row_lengths(fill([reduce_sum(dots)], "..."), dots, validate=False)
        end = slices_of_rows(rows.values, rows.row_limits() - dots * summarize, rows.row_limits())
        rows = concat([start, middle, end], 1)
    joined = unsorted_segment_join(rows.values, rows.value_rowids(), rows.nrows(), ", ")
    return string_join(["[", joined, "]"])


def format_ragged(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Any:
    """Return a template with tensors, some of them ragged, in the places of placeholders; see `tf.strings.format`.

    Raises:
        ValueError: if there are not as many placeholders as inputs.
    """
    given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    pieces = template.split(placeholder)
    if len(pieces) != len(given) + 1:
        raise ValueError(f"{len(pieces) - 1} placeholder(s) in template does not match {len(given)} tensor(s) provided")
    parts: list[Any] = [convert_to_tensor(pieces[0])]
    for value, piece in zip(given, pieces[1:], strict=True):
        is_ragged = isinstance(value, RaggedTensor)
        text = ragged_text(value, summarize) if is_ragged else string_format("{}", [value], summarize=summarize)
        parts += [text, convert_to_tensor(piece)]
    return reduce_join(parts, name=name)


def print_ragged(inputs: Any, kwargs: dict[str, Any]) -> Any:
    """Print tensors, some of them ragged; see `tf.print`."""
    options = dict(kwargs)
    summarize, separator = options.pop("summarize", None), options.pop("sep", " ")
    count = 3 if summarize is None else summarize
    parts: list[Any] = []
    for value in inputs:
        if isinstance(value, RaggedTensor):
            parts.append(ragged_text(value, count))
        elif isinstance(value, str):
            parts.append(convert_to_tensor(value))
        else:
            parts.append(string_format("{}", [value], summarize=count))
    return print_v2(reduce_join(parts, separator=separator), **options)
