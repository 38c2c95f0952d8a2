"""The devices of this process: what the machine has, what programs see of it, and under which names.

A physical device is divided into logical ones (`tf.config.set_logical_device_configuration`, or
`ConfigProto(device_count={"CPU": 4})`); programs name the logical ones.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from penstock.core import array
from penstock.core.context import default_is_eager
from penstock.core.device import DeviceSpecV2, as_device_spec
from penstock.core.errors import InvalidArgumentError

LOCAL_TASK = "/job:localhost/replica:0/task:0"
_CPU_MEMORY_BYTES = 256 << 20  # what TensorFlow reports for a CPU; nothing enforces it


class PhysicalDevice(NamedTuple):
    """A device of the machine, such as `/physical_device:GPU:0`."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device that programs can name, such as `/device:GPU:0`."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """One logical device on a physical one.

    Args:
        memory_limit: for a GPU, the megabytes that it may use; None for all.
        experimental_priority: kept, without effect.
        experimental_device_ordinal: kept, without effect.
    """

    memory_limit: float | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


@dataclass(frozen=True)
class Device:
    """A device on which operations can be placed.

    Attributes:
        name: the full name, `/job:localhost/replica:0/task:0/device:CPU:0`.
        device_type: `CPU` or `GPU`.
        location: where the kernel library keeps its values: `cpu`, `cuda:0`.
        memory_limit_bytes: for messages and listings.
        incarnation: a number that differs for each start of the process.
    """

    name: str
    device_type: str
    location: str
    memory_limit_bytes: int
    incarnation: int


_lock = threading.RLock()
_visible: list[PhysicalDevice] | None = None  # None: all
_configurations: dict[PhysicalDevice, list[LogicalDeviceConfiguration]] = {}
_initialized = False
_soft_placement: bool | None = None
_incarnations: dict[str, int] = {}
_cache: dict[tuple[int, int], list[Device]] = {}


def physical_devices() -> list[PhysicalDevice]:
    """Return the devices of the machine."""
    gpus = [PhysicalDevice(f"/physical_device:GPU:{index}", "GPU") for index in range(array.gpu_count())]
    return [PhysicalDevice("/physical_device:CPU:0", "CPU"), *gpus]


def visible_devices() -> list[PhysicalDevice]:
    """Return the physical devices that programs may use."""
    return physical_devices() if _visible is None else list(_visible)


def set_visible_devices(devices: Sequence[PhysicalDevice]) -> None:
    """Restrict what programs may use.

    Raises:
        RuntimeError: if logical devices exist already.
    """
    global _visible
    with _lock:
        if list(devices) == visible_devices():
            return
        if _initialized:
            raise RuntimeError("Visible devices cannot be modified after being initialized")
        _visible = list(devices)
        _cache.clear()


def logical_configuration(device: PhysicalDevice) -> list[LogicalDeviceConfiguration] | None:
    """Return how a physical device is divided, None if nothing was said."""
    return _configurations.get(device)


def set_logical_configuration(device: PhysicalDevice, configurations: list[LogicalDeviceConfiguration]) -> None:
    """Divide a physical device.

    Raises:
        RuntimeError: if logical devices exist already.
    """
    with _lock:
        if _configurations.get(device) == configurations:
            return
        if _initialized:
            raise RuntimeError("Virtual devices cannot be modified after being initialized")
        _configurations[device] = configurations
        _cache.clear()


def is_initialized() -> bool:
    """Tell whether logical devices exist, so that their configuration is settled."""
    return _initialized


def logical_devices() -> list[LogicalDevice]:
    """Return the devices that programs can name; from now on they stay as they are."""
    global _initialized
    _initialized = True
    return [LogicalDevice(device.name.removeprefix(LOCAL_TASK), device.device_type) for device in local_devices()]


def local_devices(counts: Mapping[str, int] | None = None) -> list[Device]:
    """Return the devices on which this process can place operations, CPUs first.

    Args:
        counts: how many at most of a type, by type; for CPUs, how many.
    """
    counts = counts or {}
    visible = visible_devices()
    cpus = [device for device in visible if device.device_type == "CPU"]
    cpu_count = counts.get("CPU") or sum(len(_configurations.get(cpu) or [None]) for cpu in cpus) or 1
    key = cpu_count, counts.get("GPU", -1)
    with _lock:
        if key not in _cache:
            found = [_device("CPU", index, "cpu", _CPU_MEMORY_BYTES) for index in range(cpu_count)]
            found.extend(_gpus(visible)[: counts.get("GPU")])
            _cache[key] = found
        return list(_cache[key])


def _gpus(visible: Sequence[PhysicalDevice]) -> list[Device]:
    found: list[Device] = []
    for physical in visible:
        if physical.device_type == "GPU":
            ordinal = int(physical.name.rpartition(":")[2])
            for configuration in _configurations.get(physical) or [LogicalDeviceConfiguration()]:
                limit = configuration.memory_limit
                size_bytes = array.gpu_memory_bytes(ordinal) if limit is None else int(limit) << 20
                found.append(_device("GPU", len(found), f"cuda:{ordinal}", size_bytes))
    return found


def _device(device_type: str, index: int, location: str, memory_limit_bytes: int) -> Device:
    name = f"{LOCAL_TASK}/device:{device_type}:{index}"
    incarnation = _incarnations.setdefault(name, random.SystemRandom().randrange(1, 2**63))
    return Device(name, device_type, location, memory_limit_bytes, incarnation)


def soft_placement() -> bool:
    """Tell whether an operation goes elsewhere if the requested device does not exist or cannot run it.

    That is what programs of TensorFlow 2 expect; for those of TensorFlow 1 it is an error.
    """
    return default_is_eager() if _soft_placement is None else _soft_placement


def set_soft_placement(enabled: bool) -> None:
    """Choose what `soft_placement` answers."""
    global _soft_placement
    _soft_placement = bool(enabled)


def find_device(devices: Sequence[Device], requested: DeviceSpecV2) -> Device | None:
    """Return the first device that has all the parts of a request, None if there is none."""
    for device in devices:
        if matches(as_device_spec(device.name), requested):
            return device
    return None


def matches(device: DeviceSpecV2, requested: DeviceSpecV2) -> bool:
    """Tell whether a full name has all the parts of a request."""
    return all(wanted is None or wanted == has for wanted, has in zip(requested._parts(), device._parts(), strict=True))


def eager_device(requested: str) -> Device:
    """Return the device on which an eager operation runs within a `tf.device` block.

    Raises:
        InvalidArgumentError: if there is no such device, and soft placement is off or the job is another.
    """
    devices = local_devices()
    spec = as_device_spec(requested)
    found = find_device(devices, spec)
    if found is not None:
        return found
    elsewhere = find_device(devices, DeviceSpecV2(spec.job, spec.replica, spec.task))
    full = as_device_spec(LOCAL_TASK).make_merged_spec(spec).to_string()
    if elsewhere is None:
        known = ", ".join(device.name for device in devices)
        raise InvalidArgumentError(None, None, f"{full} unknown device. This process has [{known}].")
    if soft_placement():
        return elsewhere
    types = ", ".join(dict.fromkeys(device.device_type for device in devices))
    names = ", ".join(device.name for device in devices)
    raise InvalidArgumentError(
        None,
        None,
        f"Could not satisfy device specification '{full}'. enable_soft_placement=0. Supported device types [{types}]. "
        f"All available devices [{names}]. Name one of these, or call tf.config.set_soft_device_placement(True).",
    )
