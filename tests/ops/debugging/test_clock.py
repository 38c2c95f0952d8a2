"""The time of a step."""

from __future__ import annotations

import time

from penstock.core.graph import Graph
from penstock.ops.debugging.clock import timestamp
from penstock.runtime.session import Session

COVERS = ("Timestamp",)


def test_the_time_is_that_of_the_run():
    before = time.time()
    assert before <= float(timestamp()) <= time.time()
    with Graph().as_default(), Session() as session:
        now = timestamp()
        assert now.dtype.name == "float64"
        middle = time.time()
        first, second = session.run(now), session.run(now)
        assert middle <= first <= second <= time.time()
