"""TensorFlow's family of errors: one class per canonical status code, so that callers can tell what to retry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operation that needs a value (`if`, `for`, `bool`) met a symbolic tensor, which has none yet."""


class InaccessibleTensorError(ValueError):
    """A tensor was used outside of the function or branch that defines it."""


class OpError(Exception):
    """An operation that failed while a graph or an eager call ran.

    Args:
        node_def: the NodeDef of the operation that failed, or None.
        op: the `Operation` that failed, or None where it is not known (yet).
        message: what went wrong.
        error_code: the canonical status code, 1 to 16.
        *args: at most one mapping of payload names to bytes.
    """

    def __init__(self, node_def: Any, op: Any, message: str, error_code: int, *args: Any) -> None:
        super().__init__()
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code
        self._experimental_payloads: Mapping[Any, Any] = args[0] if args else {}

    @property
    def message(self) -> str:
        """What went wrong."""
        return self._message

    @property
    def op(self) -> Any:
        """The `Operation` that failed, or None where it is not known: the compiler may have made it itself."""
        return self._op

    @property
    def node_def(self) -> Any:
        """The NodeDef of the operation that failed, or None."""
        return self._node_def

    @property
    def error_code(self) -> int:
        """The canonical status code, 1 to 16."""
        return self._error_code

    @property
    def experimental_payloads(self) -> Mapping[Any, Any]:
        """Further facts that the raiser attached, by name."""
        return self._experimental_payloads

    def __str__(self) -> str:
        return self._message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Operations belong to a graph of this process and stay behind; the payloads must be plain values.
        return _unpickle, (
            type(self),
            self._node_def,
            self._message,
            self._error_code,
            dict(self._experimental_payloads),
        )


def _unpickle(cls: type[OpError], node_def: Any, message: str, error_code: int, payloads: dict[Any, Any]) -> OpError:
    error = cls.__new__(cls)
    OpError.__init__(error, node_def, None, message, error_code, payloads)
    return error


class CancelledError(OpError):
    """The operation was cancelled, for example because its session or queue was closed."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, CANCELLED, *args)


class UnknownError(OpError):
    """The operation failed for a reason that fits no other class."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, UNKNOWN, *args)


class InvalidArgumentError(OpError):
    """The operation received a value, shape or type that it never accepts."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, INVALID_ARGUMENT, *args)


class DeadlineExceededError(OpError):
    """The deadline passed before the operation was done."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, DEADLINE_EXCEEDED, *args)


class NotFoundError(OpError):
    """What was asked for, such as a file or a tensor in a checkpoint, does not exist."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, NOT_FOUND, *args)


class AlreadyExistsError(OpError):
    """What was to be created exists already."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, ALREADY_EXISTS, *args)


class PermissionDeniedError(OpError):
    """The caller may not do this."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, PERMISSION_DENIED, *args)


class ResourceExhaustedError(OpError):
    """Memory, disk or another resource ran out."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, RESOURCE_EXHAUSTED, *args)


class FailedPreconditionError(OpError):
    """The state is not ready for the operation: an uninitialized variable was read, for example."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, FAILED_PRECONDITION, *args)


class AbortedError(OpError):
    """The operation was given up because of a concurrent one; running it again may succeed."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, ABORTED, *args)


class OutOfRangeError(OpError):
    """The operation went past the end: of a data set, a queue that is closed and empty, or a file."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, OUT_OF_RANGE, *args)


class UnimplementedError(OpError):
    """The operation is not available for these types, on this device or in this form."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, UNIMPLEMENTED, *args)


class InternalError(OpError):
    """The system broke one of its own invariants."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, INTERNAL, *args)


class UnavailableError(OpError):
    """The other side cannot be reached at the moment; retrying later may succeed."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, UNAVAILABLE, *args)


class DataLossError(OpError):
    """Data is lost or corrupted beyond recovery: a truncated file, for example."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, DATA_LOSS, *args)


class UnauthenticatedError(OpError):
    """The caller did not prove who it is."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, UNAUTHENTICATED, *args)


_CLASS_BY_CODE: dict[int, type[OpError]] = {
    CANCELLED: CancelledError,
    UNKNOWN: UnknownError,
    INVALID_ARGUMENT: InvalidArgumentError,
    DEADLINE_EXCEEDED: DeadlineExceededError,
    NOT_FOUND: NotFoundError,
    ALREADY_EXISTS: AlreadyExistsError,
    PERMISSION_DENIED: PermissionDeniedError,
    RESOURCE_EXHAUSTED: ResourceExhaustedError,
    FAILED_PRECONDITION: FailedPreconditionError,
    ABORTED: AbortedError,
    OUT_OF_RANGE: OutOfRangeError,
    UNIMPLEMENTED: UnimplementedError,
    INTERNAL: InternalError,
    UNAVAILABLE: UnavailableError,
    DATA_LOSS: DataLossError,
    UNAUTHENTICATED: UnauthenticatedError,
}
_CODE_BY_CLASS: dict[type[BaseException], int] = {cls: code for code, cls in _CLASS_BY_CODE.items()}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The class of errors with this status code.

    Raises:
        KeyError: if the code is not one of 1 to 16.
    """
    return _CLASS_BY_CODE[error_code]


def error_code_from_exception_type(cls: type[BaseException]) -> int:
    """The status code of this class of errors; UNKNOWN for classes outside of the family."""
    return _CODE_BY_CLASS.get(cls, UNKNOWN)


def with_operation(error: OpError, op: Any) -> OpError:
    """Record which operation failed, unless that is recorded already, and say so in the message.

    Args:
        error: the error as the kernel raised it; changed in place.
        op: the `Operation` that failed: an object with a `name`, a `type`, a `node_def` and, as `created_at`, the
            file and line of the user's code that made it; the last two may be missing or None.
    Returns:
        `error` itself.
    """
    if error._op is not None:
        return error
    error._op = op
    if error._node_def is None:
        error._node_def = getattr(op, "node_def", None)
    label = f"{op.type} '{op.name}'"
    text = error._message if error._message.startswith(label) else f"{label}: {error._message}"
    created_at = getattr(op, "created_at", None)
    where = f", created at {created_at[0]}:{created_at[1]}" if created_at else ""
    error._message = f"{text}\n\t [[{{{{node {op.name}}}}}]]{where}"
    return error
