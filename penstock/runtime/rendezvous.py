"""Where the values of one step wait for the partition that needs them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from penstock.core.cancellation import Cancellation
from penstock.core.errors import DeadlineExceededError, InternalError

_MISSING = object()


class LocalRendezvous:
    """The rendezvous of one step within this process. Each key is sent once and received once.

    Keys are TensorFlow's: `sender device;incarnation;receiver device;tensor;frame:iteration`.

    Args:
        run: what ends the waiting: it is cancelled when a partition fails, and knows the deadline.
        leave, enter: called before and after a partition waits, for it needs no processor meanwhile.
    """

    def __init__(
        self,
        run: Cancellation,
        leave: Callable[[], None] | None = None,
        enter: Callable[[], None] | None = None,
    ) -> None:
        self._run = run
        self._leave = leave
        self._enter = enter
        self._arrived = threading.Condition()
        self._values: dict[str, Any] = {}  # guarded by self._arrived
        self._sent: set[str] = set()  # guarded by self._arrived

    def send(self, key: str, value: Any) -> None:
        """Leave a value for whoever receives the key; nobody waits for it to be taken.

        Raises:
            InternalError: if the key was sent before.
        """
        with self._arrived:
            if key in self._sent:
                raise InternalError(None, None, f"the key {key!r} was sent twice in one step")
            self._sent.add(key)
            self._values[key] = value
            self._arrived.notify_all()

    def receive(self, key: str) -> Any:
        """Wait for the value of a key, and take it.

        Raises:
            CancelledError: if the step is cancelled, as it is when a partition fails.
            DeadlineExceededError: if the deadline passes first; the message names the key.
        """
        value = self._values.pop(key, _MISSING)  # the dictionary's own lock is enough for what has arrived
        if value is not _MISSING:
            return value
        if self._leave is not None:
            self._leave()
        try:
            with self._run.notifying(self._wake), self._arrived:
                while (value := self._values.pop(key, _MISSING)) is _MISSING:
                    self._check(key)
                    self._arrived.wait(self._run.remaining_s())
        finally:
            if self._enter is not None:
                self._enter()
        return value

    def _check(self, key: str) -> None:
        try:
            self._run.check()
        except DeadlineExceededError as error:
            sender = key.partition(";")[0]
            raise DeadlineExceededError(
                None, None, f"{error.message} It was waiting for {sender} to send {key!r}."
            ) from None

    def _wake(self) -> None:
        with self._arrived:
            self._arrived.notify_all()
