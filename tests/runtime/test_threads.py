"""How many threads run kernels and partitions."""

from __future__ import annotations

import pytest

from penstock.formats import protos
from penstock.runtime import threads


def test_a_session_that_asks_for_nothing_has_the_default(monkeypatch):
    monkeypatch.setitem(threads._settings, "inter", 3)
    assert threads.inter_op_threads(None) == threads.inter_op_threads(protos.ConfigProto()) == 3
    assert threads.inter_op_threads(protos.ConfigProto(inter_op_parallelism_threads=2)) == 2
    assert threads.inter_op_threads(protos.ConfigProto(inter_op_parallelism_threads=-1)) == 1


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="-2"):
        threads.set_default_threads("intra", -2)
