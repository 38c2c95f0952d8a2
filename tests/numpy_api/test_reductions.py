"""Sums, extremes, statistics, positions and running sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import penstock as tf

tnp = tf.experimental.numpy


def expressions(table: str) -> list[str]:
    """Return the expressions of a table, which semicolons and ends of lines part."""
    return [text.strip() for text in table.replace("\n", ";").split(";") if text.strip()]


@pytest.mark.parametrize(
    "name", ("sum prod max min amax amin mean var std ptp count_nonzero nansum nanprod nanmean").split()
)
@pytest.mark.parametrize("axis", ["None", "0", "-1", "(0, 2)"])
def test_reductions_along_axes(name: str, axis: str, agree: Callable[[str], None]) -> None:
    agree(f"n.{name}(t / 7, axis={axis})")
    if name != "count_nonzero":
        agree(f"n.{name}(t / 7, axis={axis}, keepdims=True)")


@pytest.mark.parametrize(
    "text",
    expressions("""
        n.sum(b); n.sum(h); n.sum(n.asarray([1, 2], dtype='uint8')); n.prod(h, dtype='float32'); n.sum(c); n.sum([])
        n.prod([]); n.sum(m, dtype='int64'); n.max(b); n.min(b); n.max(h, 0); n.mean(i); n.mean(b); n.mean(c)
        n.mean(f); n.mean(m, dtype='float32'); n.var(c); n.std(f); n.var(i); n.var(m, axis=0, dtype='float32')
        n.var(m, axis=1, ddof=1); n.nansum([[1.0, np.nan], [2, 3]], axis=1); n.nanprod([np.nan, 2.0])
        n.nanmean([[1.0, np.nan], [2, 3]], axis=0); n.nansum(i); n.average(m)
        n.average(m, axis=0, weights=[1, 2, 3]); n.average(m, weights=m, returned=True); n.average(i)
        n.average(t, axis=1, weights=[1.0, 2, 3]); n.argmax(m); n.argmax(t, axis=1); n.argmin(v)
        n.argmin(t, axis=-1); n.argmax(b); n.argmax(5); n.sort(v); n.sort(t, axis=0); n.sort(t, axis=None)
        n.sort(b); n.argsort(v); n.argsort(t, axis=1); n.argsort(m, axis=None)
        n.argsort([1, 0, 1, 0], kind='stable'); n.cumsum(t); n.cumsum(t, axis=1); n.cumsum(b); n.cumsum(h)
        n.cumprod(v); n.cumprod(m, axis=-1, dtype='float32'); n.diff(v); n.diff(t, axis=0); n.diff(i, 2); n.diff(b)
        n.diff(v, 0)
    """),
)
def test_values_are_those_of_numpy(text: str, agree: Callable[[str], None]) -> None:
    agree(text)


@pytest.mark.parametrize(
    "call",
    [
        lambda: tnp.amax([1, 2], out=[0]),
        lambda: tnp.mean([1, 2], out=[0]),
        lambda: tnp.sort([1, 2], kind="heapsort"),
        lambda: tnp.argsort([1, 2], order="name"),
        lambda: tnp.diff([1, 2], -1),
        lambda: tnp.diff(1),
        lambda: tnp.average(tnp.ones((2, 2)), weights=[1, 2]),
    ],
)
def test_what_tensors_cannot_do_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        call()


def test_running_sums_of_unsigned_numbers_are_signed():
    assert tnp.cumsum(np.array([1, 2], np.uint8)).dtype.name == "int64"
    assert tnp.cumprod(np.array([1, 2], np.uint64)).dtype.name == "uint64"
