"""StringNGrams: runs of neighbouring strings, joined."""

from __future__ import annotations

import numpy as np
import torch

from penstock.core import array
from penstock.core.array import Value
from penstock.core.dtypes import int32, int64
from penstock.core.op import Type, op
from penstock.core.shape import Dims
from penstock.ops.string.elementwise import as_strings, invalid


def _ngrams(tokens: list[bytes], width: int, pads: tuple[bytes, bytes], pad_width: int) -> list[list[bytes]]:
    """Return the runs of `width` tokens, of which up to `pad_width` at either end are padding."""
    padded = [pads[0]] * pad_width + tokens + [pads[1]] * pad_width
    return [padded[i : i + width] for i in range(len(padded) - width + 1)]


@op(
    "StringNGrams(data: string, data_splits: Tsplits) -> (ngrams: string, ngrams_splits: Tsplits)",
    minimum={"ngram_widths": 0},
    Tsplits=Type(frozenset({int32, int64}), default=int64),
)
def string_n_grams_op(
    data: Value,
    data_splits: torch.Tensor,
    *,
    separator: str,
    ngram_widths: list[int],
    left_pad: str,
    right_pad: str,
    pad_width: int,
    preserve_short_sequences: bool,
) -> tuple[Value, Value]:
    splits = array.to_python(data_splits)
    if any(width <= 0 for width in ngram_widths):
        raise invalid(f"ngram_widths must contain positive values, got {ngram_widths}")
    if preserve_short_sequences and not ngram_widths and pad_width < 0:
        raise invalid(f"pad_width must be at least 0 where short sequences are kept without widths, got {pad_width}")
    if splits:
        if splits[0] != 0:
            raise invalid(f"First split value must be 0, got {splits[0]}")
        if any(b < a for a, b in zip(splits, splits[1:], strict=False)):
            raise invalid(f"Invalid split value: splits must not fall, got {splits}")
        if splits[-1] != len(data):
            raise invalid(f"Last split value must be data size. Expected {len(data)}, got {splits[-1]}")
    pads = left_pad.encode(), right_pad.encode()
    found: list[bytes] = []
    ends = [0] if splits else []
    for start, end in zip(splits, splits[1:], strict=False):
        tokens = data[start:end].tolist()
        rows: list[list[bytes]] = []
        for width in ngram_widths:
            rows += _ngrams(tokens, width, pads, width - 1 if pad_width < 0 else min(pad_width, width - 1))
        if preserve_short_sequences and not rows and tokens:
            width = 0 if pad_width < 0 else pad_width
            rows = [[pads[0]] * width + tokens + [pads[1]] * width]
        found += [separator.encode().join(row) for row in rows]
        ends.append(len(found))
    kind = np.int32 if data_splits.dtype is torch.int32 else np.int64
    return as_strings(found, (len(found),)), array.from_numpy(np.array(ends, dtype=kind))


@string_n_grams_op.shape
def string_n_grams_shape(
    data: Dims,
    data_splits: Dims,
    *,
    separator: str,
    ngram_widths: list[int],
    left_pad: str,
    right_pad: str,
    pad_width: int,
    preserve_short_sequences: bool,
) -> tuple[Dims, Dims]:
    return (None,), data_splits
