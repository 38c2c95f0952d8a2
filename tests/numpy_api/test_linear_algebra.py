"""Products of vectors, matrices and arrays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import penstock as tf

tnp = tf.experimental.numpy


def expressions(table: str) -> list[str]:
    """Return the expressions of a table, which semicolons and ends of lines part."""
    return [text.strip() for text in table.replace("\n", ";").split(";") if text.strip()]


@pytest.mark.parametrize(
    "text",
    expressions("""
        n.matmul(m, v); n.matmul(v, n.transpose(m)); n.matmul(v, w); n.matmul(t, n.swapaxes(t, 1, 2))
        n.matmul(t, v); n.matmul(i, j); n.matmul(h, f); n.matmul(n.ones((2, 2), 'int8'), n.ones((2, 2), 'int8'))
        n.matmul(n.ones((2, 2), 'uint32'), n.ones((2, 2), 'uint32')); n.dot(m, v); n.dot(2, m)
        n.dot(t, n.transpose(m)); n.dot(t, n.swapaxes(t, 1, 2)); n.dot(v, 3); n.inner(m, m); n.inner(t, v)
        n.inner(v, 2); n.outer(m, [1, 2]); n.outer(b, b); n.vdot(c, v); n.vdot(m, m)
        n.tensordot(m, n.transpose(m), 1); n.tensordot(t, t, 3); n.tensordot(t, t, [[1, 2], [1, 2]])
        n.einsum('ij,kj->ik', m, m); n.einsum('...k,k', t, v); n.einsum('i,i', i, v)
        n.einsum('ii', n.eye(2), optimize=True); n.kron(v, m); n.kron(t, m); n.kron(2, m)
        n.kron([1, 2], [[1, 2], [3, 4]]); n.cross([1, 2, 3], [3, 2, 1])
        n.cross([[1.0], [2], [3]], [[3.0], [1], [2]], axis=0); n.cross(n.ones((2, 3)), [[1.0, 2, 3]])
        n.cross([[1, 2, 3]], [[3], [2], [1]], axisa=1, axisb=0, axisc=0)
    """),
)
def test_products_are_those_of_numpy(text: str, agree: Callable[[str], None]) -> None:
    agree(text)


def test_cross_takes_vectors_of_two_elements() -> None:
    assert int(tnp.cross([1, 2], [3, 2])) == -4
    assert tnp.cross([1, 2], [3, 2, 4]).numpy().tolist() == [8, -4, -4]
    assert tnp.cross([3, 2, 4], [1, 2]).numpy().tolist() == [-8, 4, 4]


@pytest.mark.parametrize(
    "call",
    [
        lambda: tnp.matmul(2, [[1]]),
        lambda: tnp.cross([1, 2, 3, 4], [1, 2, 3, 4]),
        lambda: tnp.einsum("i", [1], casting="unsafe"),
        lambda: tnp.einsum("i", [1], out=[1]),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        call()
