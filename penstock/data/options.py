"""Options of pipelines. They are kept and merged; the pipelines run alike whatever they say."""

from __future__ import annotations

import enum
from typing import Any


class AutoShardPolicy(enum.IntEnum):
    """How distributed workers share a dataset."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class ExternalStatePolicy(enum.Enum):
    """What is done about state outside a pipeline when it is saved."""

    WARN = 0
    IGNORE = 1
    FAIL = 2


class AutotuneAlgorithm(enum.Enum):
    """How parallelism is chosen."""

    DEFAULT = 0
    HILL_CLIMB = 1
    GRADIENT_DESCENT = 2
    MAX_PARALLELISM = 3
    STAGE_BASED = 4


class OptionsBase:
    """Named options; those that nobody set are None, or have the default that TensorFlow names."""

    _options: dict[str, Any] = {}

    def __init__(self) -> None:
        object.__setattr__(self, "_set", {})
        for name, default in self._options.items():
            if isinstance(default, type):
                self._set[name] = default()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._options:
            raise AttributeError(f"Cannot get the property {name} on {type(self).__name__}.")
        return self._set.get(name, None if isinstance(self._options[name], type) else self._options[name])

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._options:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        self._set[name] = value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in self._options)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def _merged(self, other: Any) -> Any:
        result = type(self)()
        for source in (self, other):
            for name, value in source._set.items():
                kept = result._set.get(name)
                result._set[name] = kept._merged(value) if isinstance(kept, OptionsBase) else value
        return result


class AutotuneOptions(OptionsBase):
    """`Options.autotune`."""

    _options = {
        "autotune_algorithm": None,
        "cpu_budget": None,
        "enabled": None,
        "initial_parallelism": None,
        "min_parallelism": None,
        "ram_budget": None,
    }


class DistributeOptions(OptionsBase):
    """`Options.experimental_distribute`."""

    _options = {"auto_shard_policy": AutoShardPolicy.AUTO, "num_devices": None}


class OptimizationOptions(OptionsBase):
    """`Options.experimental_optimization`."""

    _options = dict.fromkeys(
        (
            "apply_default_optimizations",
            "filter_fusion",
            "filter_parallelization",
            "inject_prefetch",
            "map_and_batch_fusion",
            "map_and_filter_fusion",
            "map_fusion",
            "map_parallelization",
            "noop_elimination",
            "parallel_batch",
            "seq_interleave_prefetch",
            "shuffle_and_repeat_fusion",
        )
    )


class ServiceOptions(OptionsBase):
    """`Options.experimental_service`."""

    _options = {"pinned": None}


class ThreadingOptions(OptionsBase):
    """`Options.threading`."""

    _options = {"max_intra_op_parallelism": None, "private_threadpool_size": None}


class Options(OptionsBase):
    """What a pipeline may do to run faster, and how it is spread over devices.

    >>> options = Options()
    >>> options.deterministic = True
    >>> options.experimental_distribute.auto_shard_policy = AutoShardPolicy.OFF
    """

    _options = {
        "autotune": AutotuneOptions,
        "dataset_name": None,
        "deterministic": None,
        "experimental_deterministic": None,
        "experimental_distribute": DistributeOptions,
        "experimental_external_state_policy": None,
        "experimental_optimization": OptimizationOptions,
        "experimental_service": ServiceOptions,
        "experimental_slack": None,
        "experimental_symbolic_checkpoint": None,
        "experimental_threading": None,
        "experimental_warm_start": None,
        "framework_type": None,
        "threading": ThreadingOptions,
    }

    def __getattr__(self, name: str) -> Any:
        if name == "experimental_deterministic":
            return self.deterministic
        return self.threading if name == "experimental_threading" else super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        former = {"experimental_deterministic": "deterministic", "experimental_threading": "threading"}
        super().__setattr__(former.get(name, name), value)

    def merge(self, options: Options) -> Options:
        """Return these options, overruled by those that `options` sets."""
        return self._merged(options)
