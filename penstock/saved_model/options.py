"""How a SavedModel is written and read."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any


class VariablePolicy(enum.Enum):
    """What is written of a variable besides its value. Variables here are not distributed, so the policies differ in
    devices alone."""

    NONE = None
    SAVE_VARIABLE_DEVICES = "save_variable_devices"
    EXPAND_DISTRIBUTED_VARIABLES = "expand_distributed_variables"

    @classmethod
    def from_obj(cls, value: Any) -> VariablePolicy:
        """Return the policy that a value, possibly its name, stands for.

        Raises:
            ValueError: if it stands for none.
        """
        if value is None or isinstance(value, cls):
            return cls.NONE if value is None else value
        for policy in cls:
            if isinstance(value, str) and policy.value == value.lower():
                return policy
        raise ValueError(
            f"invalid VariablePolicy value {value!r}: it is one of {[policy.value for policy in cls]}, or None"
        )


class SaveOptions:
    """How a SavedModel is written.

    Args:
        namespace_whitelist: accepted as TensorFlow does; no operation is refused for its namespace.
        save_debug_info: accepted; stack traces are not written.
        function_aliases: name -> tf.function or concrete function that is to be found under this name.
        experimental_debug_stripper, experimental_io_device, experimental_image_format, experimental_sharding_callback:
            accepted; they concern file systems and files that are not written here.
        experimental_variable_policy: see `VariablePolicy`.
        experimental_custom_gradients: whether the gradients that `tf.custom_gradient` gave are written.
        experimental_skip_saver: whether to leave out the nodes by which a session restores the variables.
        extra_tags: tags besides "serve".
    """

    def __init__(
        self,
        namespace_whitelist: Sequence[str] | None = None,
        save_debug_info: bool = False,
        function_aliases: Mapping[str, Any] | None = None,
        experimental_debug_stripper: bool = False,
        experimental_io_device: str | None = None,
        experimental_variable_policy: Any = None,
        experimental_custom_gradients: bool = True,
        experimental_image_format: bool = False,
        experimental_skip_saver: bool = False,
        experimental_sharding_callback: Any = None,
        extra_tags: Sequence[str] | None = None,
    ) -> None:
        self.namespace_whitelist = _names("namespace_whitelist", namespace_whitelist)
        self.save_debug_info = save_debug_info
        self.function_aliases = dict(function_aliases or {})
        self.experimental_debug_stripper = experimental_debug_stripper
        self.experimental_io_device = experimental_io_device
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_custom_gradients = experimental_custom_gradients
        self.experimental_image_format = experimental_image_format
        self.experimental_skip_saver = experimental_skip_saver
        self.experimental_sharding_callback = experimental_sharding_callback
        self.extra_tags = _names("extra_tags", extra_tags)


def _names(argument: str, values: Any) -> list[str]:
    if values is None:
        return []
    if isinstance(values, (str, bytes)) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{argument} must be a list of strings, got {values!r}")
    return list(values)


class LoadOptions:
    """How a SavedModel is read.

    Args:
        allow_partial_checkpoint: whether variables may stay without values that the checkpoint does not have.
        experimental_io_device: accepted as TensorFlow does.
        experimental_skip_checkpoint: whether all variables stay without values.
        experimental_variable_policy: see `VariablePolicy`.
        experimental_load_function_aliases: whether functions that were saved under further names are returned in the
            attribute `function_aliases`.
    """

    def __init__(
        self,
        allow_partial_checkpoint: bool = False,
        experimental_io_device: str | None = None,
        experimental_skip_checkpoint: bool = False,
        experimental_variable_policy: Any = None,
        experimental_load_function_aliases: bool = False,
    ) -> None:
        self.allow_partial_checkpoint = allow_partial_checkpoint
        self.experimental_io_device = experimental_io_device
        self.experimental_skip_checkpoint = experimental_skip_checkpoint
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_load_function_aliases = experimental_load_function_aliases
