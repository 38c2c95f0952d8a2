"""The devices of the machine, and how programs see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import array, local_devices
from penstock.core.device import as_device_spec
from penstock.core.local_devices import LogicalDevice, LogicalDeviceConfiguration, PhysicalDevice
from penstock.formats import protos

_memory_growth: dict[PhysicalDevice, bool] = {}


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Return the devices of the machine.

    Args:
        device_type: `"CPU"` or `"GPU"` for those only.

    >>> list_physical_devices("CPU")
    [PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')]
    """
    return [d for d in local_devices.physical_devices() if device_type is None or d.device_type == device_type]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """Return the devices that programs can name; after this call their configuration stays as it is.

    Args:
        device_type: `"CPU"` or `"GPU"` for those only.
    """
    return [d for d in local_devices.logical_devices() if device_type is None or d.device_type == device_type]


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Return the physical devices that programs may use."""
    return [d for d in local_devices.visible_devices() if device_type is None or d.device_type == device_type]


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Let programs use these physical devices only.

    Args:
        devices: one or a list of those that `list_physical_devices` returns.
        device_type: the type that is restricted; None for all.
    Raises:
        ValueError: if a device is not of the machine, or not of the type.
        RuntimeError: if logical devices exist already.
    """
    chosen = _as_list(devices)
    for device in chosen:
        if device not in list_physical_devices(device_type):
            raise ValueError(f"Unrecognized device: {device!r}")
    others = [] if device_type is None else [d for d in get_visible_devices() if d.device_type != device_type]
    wanted = {*chosen, *others}
    local_devices.set_visible_devices([d for d in local_devices.physical_devices() if d in wanted])


def get_logical_device_configuration(device: PhysicalDevice) -> list[LogicalDeviceConfiguration] | None:
    """Return how a physical device is divided; None if nothing was said.

    Raises:
        ValueError: if the device is not of the machine.
    """
    _check_known(device)
    return local_devices.logical_configuration(device)


def set_logical_device_configuration(
    device: PhysicalDevice, logical_devices: Sequence[LogicalDeviceConfiguration]
) -> None:
    """Divide a physical device into several logical ones, each of which can be named in `tf.device`.

    Args:
        device: one of `list_physical_devices()`.
        logical_devices: one `LogicalDeviceConfiguration` for each.
    Raises:
        ValueError: if the device is not of the machine, or a CPU is given a memory limit.
        RuntimeError: if logical devices exist already.
    """
    _check_known(device)
    if device.device_type == "CPU" and any(configuration.memory_limit is not None for configuration in logical_devices):
        raise ValueError("Setting memory limit on CPU virtual devices is currently not supported")
    if logical_devices and _memory_growth.get(device):
        raise ValueError("Cannot configure virtual devices on a device with memory growth enabled")
    local_devices.set_logical_configuration(device, list(logical_devices))


def get_soft_device_placement() -> bool:
    """Tell whether operations go to another device where the requested one cannot run them."""
    return local_devices.soft_placement()


def set_soft_device_placement(enabled: bool) -> None:
    """Choose whether operations go to another device where the requested one cannot run them, or fail."""
    local_devices.set_soft_placement(enabled)


def get_memory_growth(device: PhysicalDevice) -> bool | None:
    """Return what `set_memory_growth` was told; memory is taken as it is needed in any case.

    Raises:
        ValueError: if the device is not of the machine.
        KeyError: if nothing was said of it.
    """
    _check_known(device)
    return _memory_growth[device]


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Ask for memory to be taken as it is needed, which is what happens in any case.

    Raises:
        ValueError: if the device is not of the machine, or divided into logical ones.
        RuntimeError: if logical devices exist already.
    """
    _check_known(device)
    if local_devices.logical_configuration(device):
        raise ValueError("Cannot set memory growth on device when virtual devices configured")
    if _memory_growth.get(device) == enable:
        return
    if local_devices.is_initialized():
        raise RuntimeError("Physical devices cannot be modified after being initialized")
    _memory_growth[device] = enable


def get_memory_info(device: str) -> dict[str, int]:
    """Return the bytes that values take on a GPU: `current`, and `peak` since the last `reset_memory_stats`.

    Args:
        device: such as `"GPU:0"`.
    Raises:
        ValueError: if there is no such device, or it is not a GPU.
    """
    return array.gpu_memory_info(_gpu_ordinal(device))


def get_memory_usage(device: str) -> int:
    """Return the bytes that values take on a GPU now; see `get_memory_info`."""
    return get_memory_info(device)["current"]


def reset_memory_stats(device: str) -> None:
    """Let `peak` of `get_memory_info` start from what is used now.

    Raises:
        ValueError: if there is no such device, or it is not a GPU.
    """
    array.reset_gpu_memory_peak(_gpu_ordinal(device))


def get_device_details(device: PhysicalDevice) -> dict[str, Any]:
    """Return what is known of a device: for a GPU, `device_name` and `compute_capability`.

    Raises:
        ValueError: if it is no physical device.
    """
    if not isinstance(device, PhysicalDevice):
        raise ValueError(f"device must be a tf.config.PhysicalDevice, but got: {device!r}")
    _check_known(device)
    return array.gpu_details(int(device.name.rpartition(":")[2])) if device.device_type == "GPU" else {}


def list_local_devices(session_config: Any = None) -> list[Any]:
    """Return the devices of this process as DeviceAttributes messages.

    Args:
        session_config: a ConfigProto whose `device_count` says how many there are.
    """
    counts = None if session_config is None else session_config.device_count
    return [
        protos.DeviceAttributes(
            name=device.name.removeprefix(local_devices.LOCAL_TASK),
            device_type=device.device_type,
            memory_limit=device.memory_limit_bytes,
            incarnation=device.incarnation,
            xla_global_id=-1,
        )
        for device in local_devices.local_devices(counts)
    ]


def gpu_device_name() -> str:
    """Return the name of the first GPU that programs can use, "" if there is none."""
    names = [d.name for d in local_devices.local_devices() if d.device_type == "GPU"]
    return names[0].removeprefix(local_devices.LOCAL_TASK) if names else ""


def _as_list(devices: Any) -> list[PhysicalDevice]:
    if devices is None:
        return []
    return [devices] if isinstance(devices, PhysicalDevice) else list(devices)


def _check_known(device: Any) -> None:
    if device not in local_devices.physical_devices():
        raise ValueError(f"Unrecognized device: {device!r}")


def _gpu_ordinal(name: str) -> int:
    spec = as_device_spec(name if name.startswith("/") else f"/{name}")
    found = local_devices.find_device(local_devices.local_devices(), spec)
    if found is None:
        raise ValueError(f"No matching devices found for '{name}'")
    if found.device_type != "GPU":
        raise ValueError(f"Allocator stats not available for device '{name}'")
    return int(found.location.rpartition(":")[2])
