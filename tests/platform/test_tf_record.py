"""Files of records as users write and read them."""

from __future__ import annotations

import pytest

from penstock.core.errors import DataLossError, NotFoundError
from penstock.formats import protos
from penstock.platform.tf_record import TFRecordCompressionType, TFRecordOptions, TFRecordWriter, tf_record_iterator
from penstock.summary.iterator import summary_iterator


@pytest.mark.parametrize("options", [None, "GZIP", TFRecordOptions(TFRecordCompressionType.ZLIB, compression_level=3)])
def test_records_come_back(tmp_path, options):
    path = tmp_path / "data"
    with TFRecordWriter(path, options) as writer:
        writer.write(b"one")
        writer.flush()
        writer.write(b"two")
    assert list(tf_record_iterator(path, options)) == [b"one", b"two"]


def test_errors_are_tensorflows(tmp_path):
    path = tmp_path / "data"
    with pytest.raises(NotFoundError):
        next(tf_record_iterator(path))
    with pytest.raises(NotFoundError):
        TFRecordWriter(tmp_path / "none" / "data")
    path.write_bytes(b"no records at all")
    with pytest.raises(DataLossError):
        next(tf_record_iterator(path))
    with pytest.raises(ValueError, match="Not a valid compression_type"):
        TFRecordOptions("LZMA")


def test_events_are_read_back(tmp_path):
    with TFRecordWriter(tmp_path / "events") as writer:
        writer.write(protos.Event(step=3).SerializeToString())
    assert [event.step for event in summary_iterator(str(tmp_path / "events"))] == [3]
