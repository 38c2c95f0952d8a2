"""Queues, readers, their runners and coordinators, and the pipelines made of them."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import penstock.ops  # noqa: F401  declares the operations
from penstock.core import dtypes
from penstock.core.errors import CancelledError, InvalidArgumentError, OutOfRangeError
from penstock.core.graph import Graph
from penstock.core.sparse_tensor import SparseTensor
from penstock.formats.records import RecordWriter
from penstock.language.variables import global_variables_initializer, local_variables_initializer
from penstock.runtime.session import Session
from penstock.train import input, queues
from penstock.train.coordinator import Coordinator, LooperThread
from penstock.train.queue_runner import QueueRunner, start_queue_runners


@pytest.fixture
def session():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        yield session


def test_elements_leave_in_order_and_batches(session):
    queue = queues.FIFOQueue(10, [dtypes.int32, dtypes.string], shapes=[[], []])
    session.run(queue.enqueue_many(([1, 2, 3], ["a", "b", "c"])))
    first = session.run(queue.dequeue())
    assert (first[0], first[1]) == (1, b"a")
    batch = session.run(queue.dequeue_many(2))
    assert batch[0].tolist() == [2, 3]
    assert session.run(queue.size()) == 0


def test_closed_queues_give_what_is_left_and_take_nothing(session):
    queue = queues.FIFOQueue(10, dtypes.int32, shapes=[[]])
    session.run(queue.enqueue_many([[1, 2]]))
    session.run(queue.close())
    assert session.run(queue.is_closed())
    with pytest.raises(CancelledError, match="is closed"):
        session.run(queue.enqueue(3))
    with pytest.raises(OutOfRangeError, match=r"requested 3, current size 2"):
        session.run(queue.dequeue_many(3))
    assert session.run(queue.dequeue_up_to(3)).tolist() == [1, 2]
    with pytest.raises(OutOfRangeError):
        session.run(queue.dequeue())


def test_putting_waits_for_room_and_taking_for_elements(session):
    queue = queues.FIFOQueue(1, dtypes.int32, shapes=[[]])
    put = queue.enqueue_many([[1, 2, 3]])
    producer = threading.Thread(target=session.run, args=(put,))
    producer.start()
    assert session.run(queue.dequeue_many(3)).tolist() == [1, 2, 3]
    producer.join()


def test_waiting_ends_when_the_session_closes():
    raised = []
    with Graph().as_default() as graph:
        session = Session(graph=graph)
        element = queues.FIFOQueue(1, dtypes.int32).dequeue()
        waits = threading.Event()

        def consume():
            waits.set()
            try:
                session.run(element)
            except (CancelledError, RuntimeError) as error:
                raised.append(error)

        consumer = threading.Thread(target=consume)
        consumer.start()
        waits.wait()
        session.close()
        consumer.join(20)
    assert not consumer.is_alive()
    assert len(raised) == 1


def test_cancelled_enqueues_stop_waiting(session):
    queue = queues.FIFOQueue(1, dtypes.int32, shapes=[[]])
    session.run(queue.enqueue(1))
    put, cancel = queue.enqueue(2), queue.close(cancel_pending_enqueues=True)
    raised = []

    def produce():
        try:
            session.run(put)
        except CancelledError as error:
            raised.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    session.run(cancel)
    producer.join(20)
    assert len(raised) == 1


def test_shuffling_is_tensorflows_and_keeps_enough_to_mix(session):
    queue = queues.RandomShuffleQueue(10, 2, dtypes.int32, shapes=[[]], seed=3)
    session.run(queue.enqueue_many([[1, 2, 3, 4, 5, 6, 7, 8]]))
    assert session.run(queue.dequeue_many(4)).tolist() == [8, 4, 5, 1]
    session.run(queue.close())
    assert session.run(queue.dequeue_many(4)).tolist() == [7, 3, 6, 2]


def test_padding_and_priority(session):
    padding = queues.PaddingFIFOQueue(10, dtypes.int32, shapes=[[None]])
    session.run(padding.enqueue(np.array([1, 2], np.int32)))
    session.run(padding.enqueue(np.array([3], np.int32)))
    assert session.run(padding.dequeue_many(2)).tolist() == [[1, 2], [3, 0]]
    ordered = queues.PriorityQueue(10, dtypes.string, shapes=[[]])
    session.run(ordered.enqueue_many(([3, 1, 2], ["c", "a", "b"])))
    assert session.run(ordered.dequeue_many(3))[1].tolist() == [b"a", b"b", b"c"]


def test_named_components_are_dictionaries(session):
    queue = queues.FIFOQueue(10, [dtypes.int32, dtypes.float32], names=["a", "b"])
    session.run(queue.enqueue({"a": 1, "b": 2.0}))
    assert session.run(queue.dequeue()) == {"a": 1, "b": 2.0}
    with pytest.raises(ValueError, match="do not match names"):
        queue.enqueue({"a": 1})


def test_batches_need_shapes(session):
    queue = queues.FIFOQueue(10, dtypes.int32)
    with pytest.raises(InvalidArgumentError, match="specified shapes"):
        session.run(queue.dequeue_many(1))


def read_all(session, reader, names):
    queue = queues.FIFOQueue(10, dtypes.string, shapes=[[]])
    session.run(queue.enqueue_many([names]))
    session.run(queue.close())
    key, value = reader.read(queue)
    found = []
    with pytest.raises(OutOfRangeError):
        while True:
            found.append(tuple(session.run([key, value])))
    assert session.run(reader.num_records_produced()) == len(found)
    assert session.run(reader.num_work_units_completed()) == len(names)
    session.run(reader.reset())
    assert session.run(reader.num_records_produced()) == 0
    return found


def test_readers_give_keys_and_records(session, tmp_path):
    path = str(tmp_path / "data")
    (tmp_path / "data").write_bytes(b"head\nab\ncd\n")
    name = path.encode()
    lines = [(name + b":2", b"ab"), (name + b":3", b"cd")]
    assert read_all(session, queues.TextLineReader(skip_header_lines=1), [path]) == lines
    assert read_all(session, queues.WholeFileReader(), [path]) == [(name, b"head\nab\ncd\n")]
    assert read_all(session, queues.IdentityReader(), [path]) == [(name, name)]
    fixed = queues.FixedLengthRecordReader(2, header_bytes=5, footer_bytes=1, hop_bytes=3)
    assert read_all(session, fixed, [path]) == [(name + b":0", b"ab"), (name + b":1", b"cd")]
    with RecordWriter(path, "GZIP") as writer:
        writer.write(b"one")
        writer.write(b"two")
    records = read_all(session, queues.TFRecordReader(options="GZIP"), [path])
    assert records == [(name + b":0", b"one"), (name + b":19", b"two")]


def test_several_records_are_read_at_once(session, tmp_path):
    (tmp_path / "data").write_text("a\nb\nc\n")
    queue = queues.FIFOQueue(10, dtypes.string, shapes=[[]])
    session.run(queue.enqueue(str(tmp_path / "data")))
    found = session.run(queues.TextLineReader().read_up_to(queue, 2))
    assert found[1].tolist() == [b"a", b"b"]


def test_a_pipeline_ends_after_its_epochs(session, tmp_path):
    (tmp_path / "one").write_text("a\nb\nc\n")
    names = input.string_input_producer([str(tmp_path / "one")], num_epochs=2, shuffle=False)
    _, value = queues.TextLineReader().read(names)
    batch = input.batch([value], 4, allow_smaller_final_batch=True)
    session.run([global_variables_initializer(), local_variables_initializer()])
    coordinator = Coordinator()
    threads = start_queue_runners(session, coordinator)
    found = []
    with pytest.raises(OutOfRangeError):
        while True:
            found.extend(session.run(batch).tolist())
    coordinator.request_stop()
    coordinator.join(threads)
    assert found == [b"a", b"b", b"c"] * 2


def test_slices_are_shuffled_into_batches_once_an_epoch(session):
    numbers = input.range_input_producer(5, shuffle=True, seed=1).dequeue()
    pair = input.slice_input_producer([np.arange(4), np.arange(4) * 10.0], num_epochs=1, shuffle=False)
    batch = input.shuffle_batch(pair, 2, 8, 2, seed=2)
    session.run([global_variables_initializer(), local_variables_initializer()])
    coordinator = Coordinator()
    threads = start_queue_runners(session, coordinator)
    found = [pair for _ in range(2) for pair in zip(*session.run(batch), strict=True)]
    assert sorted(found) == [(0, 0.0), (1, 10.0), (2, 20.0), (3, 30.0)]
    assert session.run(numbers) == 2
    coordinator.request_stop()
    coordinator.join(threads)


def test_filtered_rows_do_not_reach_the_batch(session):
    rows, keep = np.arange(6), np.array([True, False, True, False, True, False])
    batch = input.maybe_batch([rows], keep, 3, enqueue_many=True)
    session.run(global_variables_initializer())
    coordinator = Coordinator()
    threads = start_queue_runners(session, coordinator)
    assert session.run(batch).tolist() == [0, 2, 4]
    coordinator.request_stop()
    coordinator.join(threads)


def test_queue_runners_survive_their_messages(session):
    queue = queues.FIFOQueue(10, dtypes.int32, shapes=[[]])
    runner = QueueRunner(queue, [queue.enqueue(1)])
    copy = QueueRunner.from_proto(runner.to_proto())
    assert copy.enqueue_ops == runner.enqueue_ops
    assert copy.close_op is runner.close_op


def test_coordinator_raises_what_a_thread_raised():
    coordinator = Coordinator()

    def fail():
        with coordinator.stop_on_exception():
            raise KeyError("lost")

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(KeyError, match="lost"):
        coordinator.join([thread])
    assert coordinator.should_stop()
    coordinator.clear_stop()
    coordinator.request_stop(OutOfRangeError(None, None, "the end"))
    coordinator.join([])
    assert coordinator.joined


def test_looper_calls_until_the_stop():
    coordinator, calls = Coordinator(), []

    def call():
        calls.append(len(calls))
        if len(calls) == 3:
            coordinator.request_stop()

    LooperThread.loop(coordinator, None, call)
    coordinator.join()
    assert calls == [0, 1, 2]


def test_a_batch_of_one_component_is_a_tensor_and_sparse_ones_stay_sparse(session):
    sparse = SparseTensor([[0, 1], [1, 0], [2, 2]], [1.0, 2.0, 3.0], [3, 3])
    one = input.batch([np.ones([2])], 2)
    assert one.shape.as_list() == [2, 2]
    assert isinstance(input.batch([np.ones([2])] * 2, 2), list)
    rows = input.batch({"s": sparse, "d": np.ones([3, 1])}, 2, enqueue_many=True)
    wholes = input.shuffle_batch([sparse], 2, 4, 1)
    coordinator = Coordinator()
    threads = start_queue_runners(session, coordinator)
    found = session.run(rows)
    assert found["s"].indices.tolist() == [[0, 1], [1, 0]] and found["s"].values.tolist() == [1, 2]
    assert found["s"].dense_shape.tolist() == [2, 3] and found["d"].shape == (2, 1)
    assert session.run(wholes).dense_shape.tolist() == [2, 3, 3]
    coordinator.request_stop()
    coordinator.join(threads)
