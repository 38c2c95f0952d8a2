"""Event files."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import threading

import pytest

from penstock.formats import protos, records
from penstock.formats.errors import CorruptDataError, UnwritablePathError
from penstock.formats.events import EventFileWriter, read_events


def _event(step):
    return protos.Event(step=step, wall_time=1.0)


def _steps(path):
    return [event.step for event in read_events(path) if not event.file_version]


def test_a_file_has_tensorflows_name_and_begins_with_its_version(tmp_path):
    writer = EventFileWriter(tmp_path / "a" / "b", filename_suffix=".v2")
    writer.close()
    assert re.fullmatch(r"events\.out\.tfevents\.\d{10}\..+\.\d+\.\d+\.v2", os.path.basename(writer.path))
    (event,) = read_events(writer.path)
    assert event.file_version == "brain.Event:2"
    assert writer.get_logdir() == str(tmp_path / "a" / "b")


def test_two_writers_of_one_second_have_files_of_their_own(tmp_path):
    writers = [EventFileWriter(tmp_path) for _ in range(3)]
    for writer in writers:
        writer.close()
    assert len(os.listdir(tmp_path)) == 3


def test_events_reach_the_disk_when_the_queue_is_full_and_at_flush(tmp_path):
    writer = EventFileWriter(tmp_path, max_queue=3)
    writer.add_event(_event(1))
    writer.add_event(_event(2))
    assert _steps(writer.path) == []
    writer.add_event(_event(3))
    assert _steps(writer.path) == [1, 2, 3]
    writer.add_event(_event(4))
    writer.flush()
    assert _steps(writer.path) == [1, 2, 3, 4]
    writer.close()


def test_events_reach_the_disk_when_their_time_has_come(tmp_path, monkeypatch):
    flushed = threading.Event()
    flush = records.RecordWriter.flush

    def tell(self):
        flush(self)
        if threading.current_thread().name == "event-file-flush":
            flushed.set()

    monkeypatch.setattr(records.RecordWriter, "flush", tell)
    writer = EventFileWriter(tmp_path, max_queue=1000, flush_secs=0.01)
    writer.add_event(_event(1))
    assert flushed.wait(timeout=30)
    assert _steps(writer.path) == [1]
    writer.close()


def test_a_closed_writer_ignores_events_until_it_is_reopened(tmp_path):
    writer = EventFileWriter(tmp_path)
    first = writer.path
    writer.add_event(_event(1))
    writer.reopen()
    assert writer.path == first
    writer.close()
    writer.close()
    writer.add_event(_event(2))
    writer.flush()
    writer.reopen()
    writer.add_event(_event(3))
    writer.close()
    assert (_steps(first), _steps(writer.path)) == ([1], [3])


def test_a_forgotten_writer_is_closed(tmp_path):
    writer = EventFileWriter(tmp_path)
    path = writer.path
    writer.add_event(_event(1))
    del writer
    gc.collect()
    assert _steps(path) == [1]


def test_many_threads_lose_and_tear_nothing(tmp_path):
    writer = EventFileWriter(tmp_path, max_queue=7)

    def work(first):
        for step in range(first, first + 200):
            writer.add_event(_event(step))

    threads = [threading.Thread(target=work, args=(1000 * (i + 1),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(_steps(writer.path)) == [1000 * (i + 1) + step for i in range(8) for step in range(200)]


def test_an_unwritable_directory_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritablePathError, match=r"file/events\.out.*Give a log directory"):
        EventFileWriter(tmp_path / "file")


def test_a_truncated_file_yields_its_whole_events_and_then_is_corrupt(tmp_path):
    writer = EventFileWriter(tmp_path)
    for step in range(3):
        writer.add_event(_event(step))
    writer.close()
    os.truncate(writer.path, os.path.getsize(writer.path) - 1)
    reader = read_events(writer.path)
    assert [next(reader).step for _ in range(3)] == [0, 0, 1]
    with pytest.raises(CorruptDataError, match="truncated"):
        next(reader)


def test_a_record_that_is_no_event_is_corrupt(tmp_path):
    with records.RecordWriter(tmp_path / "f") as writer:
        writer.write(b"\xff\xff")
    with pytest.raises(CorruptDataError, match="no Event"):
        list(read_events(tmp_path / "f"))


_RUN = """
import os, signal, sys
from penstock.formats import protos
from penstock.formats.events import EventFileWriter
writer = EventFileWriter(sys.argv[1])
for step in range(25):
    writer.add_event(protos.Event(step=step))
if sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("end", "steps"), [("exit", 25), ("kill", 20)])
def test_what_was_flushed_survives_a_kill_and_all_survives_an_exit(tmp_path, end, steps):
    subprocess.run([sys.executable, "-c", _RUN, str(tmp_path), end], check=end == "exit")
    (name,) = os.listdir(tmp_path)
    assert _steps(tmp_path / name) == list(range(steps))
