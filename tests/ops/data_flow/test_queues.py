"""The operations on queues and readers are tested through their classes in tests/train/test_queues.py."""

from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import array, dtypes
from penstock.core.cancellation import Interruption
from penstock.core.errors import InvalidArgumentError
from penstock.ops.data_flow.queue_value import Queue

COVERS = (
    *(f"{kind}V2" for kind in ("FIFOQueue", "PaddingFIFOQueue", "PriorityQueue", "RandomShuffleQueue")),
    *(f"Queue{name}V2" for name in ("Enqueue", "EnqueueMany", "Dequeue", "DequeueMany", "DequeueUpTo")),
    *(f"Queue{name}V2" for name in ("Close", "IsClosed", "Size")),
    *(f"{kind}ReaderV2" for kind in ("WholeFile", "Identity", "TextLine", "TFRecord", "FixedLengthRecord")),
    *(f"Reader{name}V2" for name in ("Read", "ReadUpTo", "NumRecordsProduced", "NumWorkUnitsCompleted", "Reset")),
)


def test_elements_that_were_taken_in_vain_are_put_back_in_order():
    queue = Queue("q", [dtypes.int64], [()], -1)
    values = [array.from_numpy(np.array(number)) for number in range(3)]
    queue.put([(value,) for value in values], Interruption())
    queue.close(False)
    with pytest.raises(Exception, match="insufficient elements"):
        queue.take(5, Interruption())
    assert [int(element[0]) for element in queue.take(3, Interruption())] == [0, 1, 2]


def test_components_of_another_shape_or_type_are_refused():
    queue = Queue("q", [dtypes.int64], [(2,)], -1)
    with pytest.raises(InvalidArgumentError, match="Shape mismatch"):
        queue.check([array.from_numpy(np.zeros(3, np.int64))], has_batch=False)
    with pytest.raises(InvalidArgumentError, match="types"):
        queue.check([array.from_numpy(np.zeros(2))], has_batch=False)
