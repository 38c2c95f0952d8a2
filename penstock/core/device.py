"""Device names: `/job:worker/replica:0/task:1/device:GPU:0`, in whole or in part."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

# These types may be written without `device:`, in upper or lower case: `/gpu:1`.
_SHORT_TYPES = frozenset({"CPU", "GPU", "TPU", "XPU"})
_EXAMPLE = "expected a form such as '/job:worker/replica:0/task:1/device:GPU:0' or '/cpu:0'"

_Spec = TypeVar("_Spec", bound="DeviceSpecV2")


def _optional_int(value: Any, what: str) -> int | None:
    """Convert a part that counts.

    Raises:
        ValueError: if `value` is neither None nor a non-negative integer in figures.
    """
    if value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError(f"The {what} of a device must be an integer, got {value!r}.") from None
    if number < 0:
        raise ValueError(f"The {what} of a device must be at least 0, got {number}.")
    return number


def _normal_type(device_type: Any) -> str | None:
    if device_type is None or device_type == "*":
        return None
    upper = str(device_type).upper()
    return upper if upper in _SHORT_TYPES else str(device_type)


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[str | None, int | None, int | None, str | None, int | None]:
    """The five parts of a device name: job, replica, task, type, index; None for what it leaves open.

    Raises:
        ValueError: if the text is malformed; the message names the part.
    """
    job: str | None = None
    numbers: dict[str, int | None] = {"replica": None, "task": None}
    device: tuple[str | None, int | None] | None = None
    for part in text.split("/"):
        if not part:
            continue
        key, *values = part.split(":")
        if key == "job" and len(values) == 1:
            job = values[0]
        elif key in numbers and len(values) == 1:
            if values[0] != "*":
                try:
                    numbers[key] = _optional_int(values[0], key)
                except ValueError as error:
                    raise ValueError(f"Malformed device '{text}': {error}") from None
            else:
                numbers[key] = None
        elif (key == "device" and 1 <= len(values) <= 2) or (key.upper() in _SHORT_TYPES and len(values) <= 1):
            if device is not None:
                raise ValueError(f"Multiple device types are not allowed in the device '{text}'; {_EXAMPLE}.")
            device_type, *index = values if key == "device" else [key, *values]
            try:
                device = (
                    _normal_type(device_type),
                    None if not index or index[0] == "*" else _optional_int(index[0], "index"),
                )
            except ValueError as error:
                raise ValueError(f"Malformed device '{text}': {error}") from None
        else:
            raise ValueError(f"Unknown attribute '{part}' in the device '{text}'; {_EXAMPLE}.")
    return (job, numbers["replica"], numbers["task"], *(device or (None, None)))


class DeviceSpecV2:
    """A device, or a constraint on devices where parts are None.

    Args:
        job: the name of the job, such as `'worker'`.
        replica: the index of the replica.
        task: the index of the task within the job.
        device_type: such as `'CPU'` or `'GPU'`.
        device_index: which device of this type on the task.
    Raises:
        ValueError: if `replica`, `task` or `device_index` is no integer.
    """

    __slots__ = ("_device_index", "_device_type", "_job", "_replica", "_task")

    def __init__(
        self,
        job: Any = None,
        replica: Any = None,
        task: Any = None,
        device_type: Any = None,
        device_index: Any = None,
    ) -> None:
        self._job: str | None = None if job is None else str(job)
        self._replica = _optional_int(replica, "replica")
        self._task = _optional_int(task, "task")
        self._device_type = _normal_type(device_type)
        self._device_index = _optional_int(device_index, "index")

    @property
    def job(self) -> str | None:
        """The name of the job."""
        return self._job

    @property
    def replica(self) -> int | None:
        """The index of the replica."""
        return self._replica

    @property
    def task(self) -> int | None:
        """The index of the task within the job."""
        return self._task

    @property
    def device_type(self) -> str | None:
        """The type, such as `'CPU'`."""
        return self._device_type

    @property
    def device_index(self) -> int | None:
        """Which device of this type on the task."""
        return self._device_index

    def _parts(self) -> tuple[str | None, int | None, int | None, str | None, int | None]:
        return self._job, self._replica, self._task, self._device_type, self._device_index

    def to_string(self) -> str:
        """The name, with the parts that are not None; the index of a type without one is `*`."""
        job, replica, task, device_type, device_index = self._parts()
        text = "" if job is None else f"/job:{job}"
        text += "" if replica is None else f"/replica:{replica}"
        text += "" if task is None else f"/task:{task}"
        if device_type is not None:
            text += f"/device:{device_type}:{'*' if device_index is None else device_index}"
        return text

    @classmethod
    def from_string(cls: type[_Spec], spec: str) -> _Spec:
        """Parse a device name.

        Raises:
            ValueError: if it is malformed.
        """
        return cls(*_parse(spec))

    def parse_from_string(self: _Spec, spec: str) -> _Spec:
        """A new spec of the device name; this one stays as it is.

        Raises:
            ValueError: if the name is malformed.
        """
        return self.from_string(spec)

    def make_merged_spec(self: _Spec, dev: DeviceSpecV2) -> _Spec:
        """A new spec in which the parts that `dev` has replace those of this one."""
        return type(self)(*(a if b is None else b for a, b in zip(self._parts(), dev._parts(), strict=True)))

    def replace(self: _Spec, **kwargs: Any) -> _Spec:
        """A new spec with the named parts changed.

        Raises:
            TypeError: if a name is not that of a part.
        """
        names = ("job", "replica", "task", "device_type", "device_index")
        return type(self)(**{**dict(zip(names, self._parts(), strict=True)), **kwargs})

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, type(self)) and isinstance(self, type(other)) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        job, replica, task, device_type, device_index = self._parts()
        return (
            f"<DeviceSpec(job={job}, replica={replica}, task={task}, "
            f"device_type={device_type}, device_index={device_index})>"
        )


class DeviceSpecV1(DeviceSpecV2):
    """TensorFlow 1's spec: as `DeviceSpecV2`, but its parts can be set and it parses and merges in place."""

    __slots__ = ()

    @property
    def job(self) -> str | None:
        """The name of the job."""
        return self._job

    @job.setter
    def job(self, job: Any) -> None:
        self._job = None if job is None else str(job)

    @property
    def replica(self) -> int | None:
        """The index of the replica."""
        return self._replica

    @replica.setter
    def replica(self, replica: Any) -> None:
        self._replica = _optional_int(replica, "replica")

    @property
    def task(self) -> int | None:
        """The index of the task within the job."""
        return self._task

    @task.setter
    def task(self, task: Any) -> None:
        self._task = _optional_int(task, "task")

    @property
    def device_type(self) -> str | None:
        """The type, such as `'CPU'`."""
        return self._device_type

    @device_type.setter
    def device_type(self, device_type: Any) -> None:
        self._device_type = _normal_type(device_type)

    @property
    def device_index(self) -> int | None:
        """Which device of this type on the task."""
        return self._device_index

    @device_index.setter
    def device_index(self, device_index: Any) -> None:
        self._device_index = _optional_int(device_index, "index")

    def _set_parts(self, parts: tuple[Any, ...]) -> None:
        self._job, self._replica, self._task, self._device_type, self._device_index = parts

    def parse_from_string(self, spec: str) -> DeviceSpecV1:
        """Become the spec of the device name, and return it.

        Raises:
            ValueError: if the name is malformed.
        """
        self._set_parts(_parse(spec))
        return self

    def merge_from(self, dev: DeviceSpecV2) -> None:
        """Take over the parts that `dev` has."""
        self._set_parts(self.make_merged_spec(dev)._parts())

    # Parts can be set, but the hash follows them, as in TensorFlow: do not change a spec that is a key.
    __hash__ = DeviceSpecV2.__hash__


def as_device_spec(device: Any) -> DeviceSpecV2:
    """Convert a device name, a spec or None (no constraint) to a spec.

    Raises:
        ValueError: if the name is malformed.
        TypeError: if `device` is none of these.
    """
    if device is None:
        return DeviceSpecV2()
    if isinstance(device, DeviceSpecV2):
        return device
    if isinstance(device, bytes):
        device = device.decode()
    if isinstance(device, str):
        return DeviceSpecV2.from_string(device)
    raise TypeError(f"A device must be a string, a DeviceSpec or None, got {device!r} of type {type(device).__name__}.")


def canonical_name(device: Any) -> str:
    """The full form of a device name, spec or None: `'/device:CPU:0'` for `'/cpu:0'`, `''` for None.

    Raises:
        ValueError: if the name is malformed.
        TypeError: if `device` is none of these.
    """
    return as_device_spec(device).to_string()


def merge_device(spec: Any) -> Callable[[Any], str]:
    """A function that gives a device the parts of `spec` that it leaves open.

    This is how nested `device` blocks combine: the inner block's parts, then the outer's for the rest.

    Args:
        spec: a device name, a spec or None, which constrains nothing.
    Returns:
        A function from a device (a name, a spec, None, or an object with a `device`, such as an operation) to a
        canonical name.
    Raises:
        ValueError: if the name is malformed.
    """
    outer = as_device_spec(spec)

    def merge(device: Any) -> str:
        inner = as_device_spec(getattr(device, "device", device))
        return outer.make_merged_spec(inner).to_string()

    return merge
