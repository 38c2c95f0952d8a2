"""A device that is none: arrays that say they are elsewhere than on the CPU, although their numbers are.

What a GPU refuses is refused here as well: arrays of two devices in one kernel, NumPy's view of an array, the address
of its elements. So code for GPUs can be tried where there is none:

>>> import numpy as np
>>> from penstock.core import array
>>> with PretendedDevice():
...     x = array.to_device(array.from_numpy(np.ones(2)), LOCATION)
...     array.location_of(x + 1), array.to_device(x + 1, "cpu").tolist()
('meta', [2.0, 2.0])
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

LOCATION = "meta"  # the one device of the kernel library that every build of it has, and that holds no numbers
_CPU = torch.device("cpu")
# These take indices, values or masks from the CPU beside an array of a device.
_MIXED = frozenset({"aten::copy_", "aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"})
_NATIVE_CODE = "/ops/fused/"  # where addresses are handed to machine code of the CPU


class ElsewhereArray(torch.Tensor):
    """An array of the pretended device.

    Attributes:
        held: its numbers, on the CPU.
    """

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> ElsewhereArray:
        """Return an array of the device that holds the numbers of one on the CPU."""
        options: dict[str, Any] = {"dtype": held.dtype, "device": torch.device(LOCATION), "layout": held.layout}
        if held.layout is torch.strided:
            options.update(strides=held.stride(), storage_offset=held.storage_offset())
        made: ElsewhereArray = torch.Tensor._make_wrapper_subclass(cls, held.shape, **options)
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, kernel: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run a kernel of the library."""
        return _run(kernel, args, kwargs or {})

    def tolist(self) -> Any:
        """Return the numbers as Python has them, as a device does that is waited for."""
        return self.held.tolist()

    def numpy(self, **_: Any) -> Any:
        """Refuse, as arrays of devices do.

        Raises:
            TypeError: always.
        """
        raise TypeError("an array of another device has no view as a NumPy array; copy it to the CPU first")

    def data_ptr(self) -> int:
        """Return the address of the elements, to compare it.

        Raises:
            RuntimeError: if machine code of the CPU asks, whose lines have no file or stand with the fused operations.
        """
        caller = sys._getframe(1).f_code.co_filename
        if _NATIVE_CODE in caller or caller.startswith("<"):
            raise RuntimeError("machine code of the CPU was given an array of another device")
        return self.held.data_ptr()


def _run(kernel: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    name = kernel._schema.name
    given = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
    known = {id(value.held): value for value in given if isinstance(value, ElsewhereArray)}
    if known and name not in _MIXED and any(not isinstance(value, ElsewhereArray) and value.ndim for value in given):
        raise RuntimeError(f"{kernel} was given arrays of two devices, {LOCATION} and cpu")
    asked = kwargs.get("device")
    is_elsewhere = bool(known) if asked is None else torch.device(asked).type == LOCATION
    if name in _MIXED:
        is_elsewhere = isinstance(args[0], ElsewhereArray)
    if asked is not None:
        kwargs = {**kwargs, "device": _CPU}
    result = kernel(*tree_map(_held, args), **tree_map(_held, kwargs))
    if not is_elsewhere:
        return result

    def elsewhere(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) in known:
            return known[id(value)]
        return ElsewhereArray(value.resolve_conj().resolve_neg() if value.layout is torch.strided else value)

    return tree_map(elsewhere, result)


def _held(value: Any) -> Any:
    return value.held if isinstance(value, ElsewhereArray) else value


class _Kernels(TorchDispatchMode):
    def __torch_dispatch__(self, kernel: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(kernel, args, kwargs or {})


class _Factories(TorchFunctionMode):
    """Arrays of Python numbers, which the library makes without asking a dispatch mode."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        asked = kwargs.get("device")
        if function in (torch.tensor, torch.as_tensor) and asked is not None and torch.device(asked).type == LOCATION:
            return ElsewhereArray(function(*args, **{**kwargs, "device": _CPU}))
        return function(*args, **kwargs)


class PretendedDevice:
    """A block within which the calling thread has the device."""

    def __enter__(self) -> None:
        self._modes = _Factories(), _Kernels()
        for mode in self._modes:
            mode.__enter__()

    def __exit__(self, *raised: Any) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*raised)
