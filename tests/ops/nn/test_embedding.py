"""Looking up rows of tables."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.tape import GradientTape
from penstock.ops.nn.embedding import embedding_lookup, embedding_lookup_v1
from penstock.testing.op_case import normal

TABLE = normal(7, 3)
IDS = np.array([[6, 0], [3, 3]])


def test_rows_of_one_table():
    np.testing.assert_array_equal(embedding_lookup(TABLE, IDS).numpy(), TABLE[IDS])


def test_rows_of_a_table_in_parts():
    np.testing.assert_array_equal(embedding_lookup([TABLE[:3], TABLE[3:5], TABLE[5:]], IDS).numpy(), TABLE[IDS])
    dealt = [TABLE[0::3], TABLE[1::3], TABLE[2::3]]
    np.testing.assert_array_equal(embedding_lookup_v1(dealt, IDS).numpy(), TABLE[IDS])


def test_long_rows_are_scaled_to_the_greatest_norm():
    result = embedding_lookup(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]), np.array([0, 1, 2]), max_norm=1.0)
    np.testing.assert_allclose(result.numpy(), [[0.6, 0.8], [0.3, 0.4], [0, 0]])


def test_the_gradient_adds_up_over_repeated_rows():
    table = convert_to_tensor(TABLE)
    with GradientTape() as tape:
        tape.watch(table)
        rows = embedding_lookup(table, IDS)
    grad = convert_to_tensor(tape.gradient(rows, table)).numpy()
    np.testing.assert_array_equal(grad[:, 0], [1, 0, 0, 2, 0, 0, 1])


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="params"):
        embedding_lookup([], IDS)
    with pytest.raises(ValueError, match="partition strategy"):
        embedding_lookup_v1([TABLE, TABLE], IDS, "random")
