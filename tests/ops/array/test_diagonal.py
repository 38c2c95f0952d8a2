"""Diagonals, bands and identities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.array.diagonal import (
    diag,
    diag_op,
    diag_part,
    diag_part_op,
    eye,
    matrix_band_part_op,
    matrix_diag_op,
    matrix_diag_part_op,
    matrix_diag_part_v2_op,
    matrix_diag_part_v3_op,
    matrix_diag_v2_op,
    matrix_diag_v3_op,
    matrix_set_diag_op,
    matrix_set_diag_v2_op,
    matrix_set_diag_v3_op,
    set_diag,
    trace,
)
from penstock.testing.op_case import OpCase, normal

M = normal(2, 3, 4)
D = normal(2, 3, seed=1)
BAND = normal(2, 2, 3, seed=2)
SQUARE = np.stack([np.diag(row) for row in D])


def _set(matrix: np.ndarray, diagonal: np.ndarray, *_: Any) -> np.ndarray:
    result = matrix.copy()
    result[:, range(3), range(3)] = diagonal
    return result


CASES = [
    OpCase(matrix_diag_op, [D], SQUARE),
    OpCase(matrix_diag_v2_op, [D, 0, -1, -1, 0.0], SQUARE),
    OpCase(matrix_diag_v3_op, [D, 1, -1, -1, 0.0], lambda d, *_: np.stack([np.diag(row, 1) for row in d])),
    OpCase(matrix_diag_v3_op, [BAND, [-1, 0], 3, 3, 9.0], name="band"),
    OpCase(matrix_diag_part_op, [M], lambda m: np.diagonal(m, 0, 1, 2)),
    OpCase(matrix_diag_part_v2_op, [M, -1, 0.0], lambda m, *_: np.diagonal(m, -1, 1, 2)),
    OpCase(matrix_diag_part_v3_op, [M, 1, 0.0], lambda m, *_: np.diagonal(m, 1, 1, 2)),
    OpCase(matrix_diag_part_v3_op, [M, [-1, 1], 0.0], attrs={"align": "LEFT_RIGHT"}, name="band"),
    OpCase(matrix_set_diag_op, [M, D], _set),
    OpCase(matrix_set_diag_v2_op, [M, D, 0], _set),
    OpCase(matrix_set_diag_v3_op, [M, D, 0], _set),
    OpCase(matrix_set_diag_v3_op, [M, BAND, [-1, 0]], name="band"),
    OpCase(matrix_band_part_op, [M, 1, 0], lambda m, *_: np.tril(np.triu(m, -1), 0)),
    OpCase(matrix_band_part_op, [M, -1, 0], lambda m, *_: np.tril(m), name="lower"),
    OpCase(diag_op, [normal(2, 2)], lambda d: np.diag(d.reshape(-1)).reshape(2, 2, 2, 2)),
    OpCase(diag_part_op, [normal(2, 2, 2, 2)], lambda x: np.diagonal(x.reshape(4, 4)).reshape(2, 2)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize("align", ["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"])
@pytest.mark.parametrize("k", [(-2, 1), (0, 3), (-1, -1), (-2, -1)])
def test_bands_are_read_and_written_alike(align: str, k: tuple[int, int]) -> None:
    band = diag_part(M, k=k, align=align)
    np.testing.assert_array_equal(set_diag(M, band, k=k, align=align).numpy(), M)
    rebuilt = diag(band, k=k, num_rows=3, num_cols=4, align=align).numpy()
    np.testing.assert_array_equal(rebuilt, np.tril(np.triu(M, k[0]), k[1]))


def test_short_diagonals_are_moved_to_the_end_that_align_says() -> None:
    x = np.arange(1, 10).reshape(3, 3)
    assert diag_part(x, k=(-1, 1)).numpy().tolist() == [[0, 2, 6], [1, 5, 9], [4, 8, 0]]
    assert diag_part(x, k=(-1, 1), align="LEFT_RIGHT").numpy().tolist() == [[2, 6, 0], [1, 5, 9], [0, 4, 8]]


def test_identities_and_traces() -> None:
    np.testing.assert_array_equal(eye(2, 3).numpy(), np.eye(2, 3))
    np.testing.assert_array_equal(eye(2, batch_shape=[4]).numpy(), np.stack([np.eye(2)] * 4))
    np.testing.assert_allclose(trace(M).numpy(), np.trace(M, axis1=1, axis2=2))


def test_diagonals_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="diagonal 4"):
        diag_part(M, k=4)
    with pytest.raises(InvalidArgumentError, match="num_lower"):
        matrix_band_part_op(M, 4, 0)


@pytest.mark.parametrize("size", [2.5, "a", None])
def test_sizes_of_an_identity_matrix_must_be_integers(size):
    with pytest.raises(TypeError, match="must be integers"):
        eye(size)
