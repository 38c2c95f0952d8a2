"""`tf.train.QueueRunner`: threads that fill queues."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from penstock.core.errors import CancelledError, OutOfRangeError
from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.core.tensor import default_session
from penstock.formats import protos
from penstock.platform import logging


class QueueRunner:
    """Runs operations that fill a queue, each in a thread of its own, until one fails or is done.

    Args:
        queue: the queue.
        enqueue_ops: the operations.
        close_op: closes the queue; made by default.
        cancel_op: closes the queue and cancels what waits; made by default.
        queue_closed_exception_types: with which errors an operation ends without failing; by default OutOfRangeError.
        queue_runner_def: the message that describes all this, in its place.
        import_scope: the scope under which the graph that the message describes was imported.
    """

    def __init__(
        self,
        queue: Any = None,
        enqueue_ops: Any = None,
        close_op: Any = None,
        cancel_op: Any = None,
        queue_closed_exception_types: Any = None,
        queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if queue_runner_def is not None:
            if queue is not None or enqueue_ops is not None:
                raise ValueError("queue_runner_def describes the queue and its operations: give no others")
            self._from_message(queue_runner_def, import_scope)
        else:
            if not queue or not enqueue_ops:
                raise ValueError("Must provide queue and enqueue_ops.")
            self._queue = queue
            self._name = queue.name
            self._enqueue_ops = list(enqueue_ops)
            self._close_op = queue.close() if close_op is None else close_op
            self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
            types = (OutOfRangeError,) if queue_closed_exception_types is None else queue_closed_exception_types
            if not isinstance(types, tuple) or not types:
                raise TypeError(f"queue_closed_exception_types must be a tuple of exception types, got {types!r}")
            self._closed_types = types
        self._lock = threading.Lock()
        self._runs_per_session: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()  # guarded by _lock
        self._exceptions_raised: list[BaseException] = []  # guarded by self._lock

    def _from_message(self, message: Any, import_scope: str | None) -> None:
        graph = get_default_graph()

        def find(name: str) -> Any:
            return graph.as_graph_element(f"{import_scope}/{name}" if import_scope else name)

        self._queue = find(message.queue_name)
        self._name = self._queue.op.name
        self._enqueue_ops = [find(name) for name in message.enqueue_op_name]
        self._close_op = find(message.close_op_name)
        self._cancel_op = find(message.cancel_op_name)
        self._closed_types = (OutOfRangeError,)

    @property
    def queue(self) -> Any:
        """The queue."""
        return self._queue

    @property
    def enqueue_ops(self) -> list[Any]:
        """The operations that fill the queue."""
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        """The operation that closes the queue."""
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        """The operation that closes the queue and cancels what waits."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> tuple[type[BaseException], ...]:
        """With which errors an operation ends without failing."""
        return self._closed_types

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """What the threads raised, where no coordinator was told."""
        return self._exceptions_raised

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self._name

    def _run(self, sess: Any, enqueue_op: Any, coord: Any) -> None:
        ended_well = False
        try:
            while coord is None or not coord.should_stop():
                sess.run(enqueue_op)
        except self._closed_types:
            ended_well = True
        except Exception as error:
            if coord is not None:
                coord.request_stop(error)
            else:
                logging.error("Exception in QueueRunner: %s", error)
                with self._lock:
                    self._exceptions_raised.append(error)
        finally:
            self._end(sess, ended_well)

    def _end(self, sess: Any, ended_well: bool) -> None:
        with self._lock:
            self._runs_per_session[sess] -= 1
            is_last = self._runs_per_session[sess] == 0
            if is_last:
                del self._runs_per_session[sess]
        if ended_well and is_last:
            # The last producer is done: consumers learn that no more will come.
            try:
                sess.run(self._close_op)
            except (CancelledError, RuntimeError) as error:  # the session was closed meanwhile
                logging.vlog(1, "Ignored exception: %s", error)

    def _close_on_stop(self, sess: Any, coord: Any) -> None:
        coord.wait_for_stop()
        try:
            sess.run(self._cancel_op)
        except (CancelledError, RuntimeError) as error:  # the session was closed meanwhile
            logging.vlog(1, "Ignored exception: %s", error)

    def create_threads(
        self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """Return threads that run the operations, and one that cancels them when the coordinator stops.

        Args:
            sess: the session.
            coord: a Coordinator, which the threads report to.
            daemon: whether the process may end while they run.
            start: whether to start them.
        Returns:
            The threads; none if those of an earlier call still run in this session.
        """
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        threads = [
            threading.Thread(
                target=self._run,
                args=(sess, enqueue_op, coord),
                name=f"QueueRunnerThread-{self.name}-{enqueue_op.name}",
            )
            for enqueue_op in self._enqueue_ops
        ]
        if coord is not None:
            name = f"QueueRunnerThread-{self.name}-close_on_stop"
            threads.append(threading.Thread(target=self._close_on_stop, args=(sess, coord), name=name))
        for thread in threads:
            thread.daemon = daemon
            if coord is not None:
                coord.register_thread(thread)
            if start:
                thread.start()
        return threads

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Return the message that describes the runner; None if its queue is outside of `export_scope`."""
        prefix = f"{export_scope}/" if export_scope else ""
        if not self._queue.name.startswith(prefix):
            return None
        message = protos.QueueRunnerDef()
        message.queue_name = self._queue.queue_ref.name if hasattr(self._queue, "queue_ref") else self._queue.name
        message.enqueue_op_name.extend(op.name.removeprefix(prefix) for op in self._enqueue_ops)
        message.close_op_name = self._close_op.name.removeprefix(prefix)
        message.cancel_op_name = self._cancel_op.name.removeprefix(prefix)
        return message

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        """Return the runner that a message describes."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Have `start_queue_runners` start a runner.

    Args:
        qr: the runner.
        collection: the collection of the graph to put it into.
    """
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Any = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Start the threads of all queue runners of the graph.

    Args:
        sess: the session, by default the default one.
        coord: a Coordinator, which the threads report to.
        daemon: whether the process may end while they run.
        start: whether to start them.
        collection: the collection of the graph that holds the runners.
    Returns:
        The threads.
    Raises:
        ValueError: if there is no session.
    """
    if sess is None:
        sess = default_session(None, get_default_graph(), "start queue runners", "the graph")
    graph = getattr(sess, "graph", get_default_graph())
    threads: list[threading.Thread] = []
    for runner in graph.get_collection(collection):
        threads.extend(runner.create_threads(sess, coord=coord, daemon=daemon, start=start))
    return threads
