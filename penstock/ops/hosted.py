"""Kernels that compute on the host, wherever their inputs are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import torch


def on_host(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Declare that a kernel takes and gives values in the host's memory.

    Values that are on a GPU are brought to the host, and the results to the GPU. This is for algorithms that go
    through their input one by one, or that draw numbers; `@op` stands above it:

    >>> import torch
    >>> @on_host
    ... def reversed_kernel(x, *, times: int = 1):
    ...     return torch.from_numpy(x.numpy()[::-1].copy())
    >>> reversed_kernel(torch.tensor([1, 2])).tolist()
    [2, 1]
    """

    @functools.wraps(kernel)
    def run(*inputs: Any, **attributes: Any) -> Any:
        device = _device_of(inputs)
        if device is None:
            return kernel(*inputs, **attributes)
        return _moved(kernel(*_moved(inputs, torch.device("cpu")), **attributes), device)

    run.runs_on_host = True  # type: ignore[attr-defined]
    return run


def _device_of(values: Iterable[Any]) -> torch.device | None:
    """Return the device of the first array that is not in the host's memory, None where there is none."""
    for value in values:
        if isinstance(value, torch.Tensor):
            if not value.is_cpu:
                return value.device
        elif isinstance(value, list):
            device = _device_of(item for item in value if isinstance(item, torch.Tensor))
            if device is not None:
                return device
    return None


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, (list, tuple)):
        items = [_moved(item, device) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value
