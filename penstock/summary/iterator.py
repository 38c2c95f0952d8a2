"""Reading event files back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.formats import protos
from penstock.platform.tf_record import tf_record_iterator


def summary_iterator(path: Any) -> Iterator[Any]:
    """Yield the Event messages of an event file.

    Args:
        path: the file that a summary writer made.
    Raises:
        NotFoundError: if there is no such file.
        DataLossError: if a record is damaged.
    """
    for record in tf_record_iterator(path):
        yield protos.Event.FromString(record)
