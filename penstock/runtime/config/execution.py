"""Switches of kernels and of eager execution."""

from __future__ import annotations

from penstock.core import array

_POLICIES = ("silent", "silent_for_int32", "warn", "explicit")
_settings = {"device_policy": "silent", "synchronous": True, "tensor_float_32": True, "mlir_bridge": False}


def get_device_policy() -> str:
    """Return what `set_device_policy` was told; "silent" by default."""
    return str(_settings["device_policy"])


def set_device_policy(device_policy: str | None) -> None:
    """Choose what happens where an eager operation takes values of another device: they are copied in any case.

    Args:
        device_policy: "silent", "silent_for_int32", "warn", "explicit", or None for the default.
    Raises:
        ValueError: if it is something else.
    """
    if device_policy is not None and device_policy not in _POLICIES:
        raise ValueError(
            f"Invalid argument `device_policy`: {device_policy!r}. It must be one of {', '.join(_POLICIES)}, or None."
        )
    _settings["device_policy"] = device_policy or "silent"


def get_synchronous_execution() -> bool:
    """Tell whether eager operations are done when the call returns; on CPUs they always are."""
    return bool(_settings["synchronous"])


def set_synchronous_execution(enable: bool | None) -> None:
    """Ask for eager operations to be done when the call returns; on CPUs they always are."""
    _settings["synchronous"] = enable is None or bool(enable)


def tensor_float_32_execution_enabled() -> bool:
    """Tell whether products of float32 on GPUs may round their factors to ten bits of mantissa."""
    return bool(_settings["tensor_float_32"])


def enable_tensor_float_32_execution(enabled: bool) -> None:
    """Choose whether products of float32 on GPUs may round their factors to ten bits of mantissa."""
    _settings["tensor_float_32"] = bool(enabled)
    array.set_tensor_float_32(bool(enabled))


def enable_op_determinism() -> None:
    """Let operations give the same bits for the same inputs, or raise an error where they cannot.

    Random operations without a seed raise an error from now on, as TensorFlow's do; see `tf.random.set_seed`.
    """
    array.set_deterministic(True)


def enable_mlir_bridge() -> None:
    """Accepted for programs that ask for TensorFlow's MLIR compiler; Penstock has its own."""
    _settings["mlir_bridge"] = True


def disable_mlir_bridge() -> None:
    """Take back `enable_mlir_bridge`."""
    _settings["mlir_bridge"] = False
