"""Runtime values: what flows along the edges of a running graph.

Numeric values are `torch.Tensor`, strings are NumPy object arrays of bytes, resources and variants are Python objects.
This is the one file below `penstock.ops` that knows the kernel library.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import torch

from penstock.core import dtypes
from penstock.core.allocator import keep_freed_memory
from penstock.core.dtypes import DType

keep_freed_memory()
# What the kernel library has loaded lives as long as the process: the garbage collector need not look through it, which
# takes it a tenth of a second each time.
gc.freeze()

Array: TypeAlias = torch.Tensor
Value: TypeAlias = Any

_TORCH_OF: dict[DType, torch.dtype] = {
    dtypes.float16: torch.float16,
    dtypes.bfloat16: torch.bfloat16,
    dtypes.float32: torch.float32,
    dtypes.float64: torch.float64,
    dtypes.float8_e5m2: torch.float8_e5m2,
    dtypes.float8_e4m3fn: torch.float8_e4m3fn,
    dtypes.int8: torch.int8,
    dtypes.int16: torch.int16,
    dtypes.int32: torch.int32,
    dtypes.int64: torch.int64,
    dtypes.uint8: torch.uint8,
    dtypes.uint16: torch.uint16,
    dtypes.uint32: torch.uint32,
    dtypes.uint64: torch.uint64,
    dtypes.bool_: torch.bool,
    dtypes.complex64: torch.complex64,
    dtypes.complex128: torch.complex128,
}
_DTYPE_OF: dict[torch.dtype, DType] = {torch_dtype: dtype for dtype, torch_dtype in _TORCH_OF.items()}
# Quantized values travel as the integers that store them; their DType is known from the graph.
_TORCH_OF.update(
    {
        dtypes.qint8: torch.int8,
        dtypes.quint8: torch.uint8,
        dtypes.qint16: torch.int16,
        dtypes.quint16: torch.uint16,
        dtypes.qint32: torch.int32,
    }
)
# NumPy types that torch.from_numpy refuses: the same bits as an integer of that width.
_CARRIER: dict[Any, tuple[Any, torch.dtype]] = {
    np.dtype(ml_dtypes.bfloat16): (np.int16, torch.bfloat16),
    np.dtype(ml_dtypes.float8_e5m2): (np.uint8, torch.float8_e5m2),
    np.dtype(ml_dtypes.float8_e4m3fn): (np.uint8, torch.float8_e4m3fn),
}
_NUMPY_OF_CARRIED = {torch_dtype: numpy_dtype for numpy_dtype, (_, torch_dtype) in _CARRIER.items()}
_CARRIER_OF = {
    torch.bfloat16: (torch.int16, np.dtype(ml_dtypes.bfloat16)),
    torch.float8_e5m2: (torch.uint8, np.dtype(ml_dtypes.float8_e5m2)),
    torch.float8_e4m3fn: (torch.uint8, np.dtype(ml_dtypes.float8_e4m3fn)),
}


# From a number, and torch's type as `dtype`, to a value without dimensions.
scalar_tensor = torch.scalar_tensor


def torch_dtype(dtype: DType) -> torch.dtype:
    """Return the kernel library's type for values of `dtype`.

    Raises:
        TypeError: if values of `dtype` are not numeric arrays.
    """
    try:
        return _TORCH_OF[dtype]
    except KeyError:
        raise TypeError(f"values of type {dtype.name} are not numeric arrays") from None


def torch_dtypes(dtypes_: Iterable[DType]) -> frozenset[torch.dtype]:
    """Return the kernel library's types for those of the given types that are plain numbers."""
    return frozenset(_TORCH_OF[dtype] for dtype in dtypes_ if dtype in _TORCH_OF and not dtype.is_quantized)


def dtype_of(value: Value) -> DType:
    """Return the DType of a runtime value, as far as the value itself knows it."""
    if isinstance(value, torch.Tensor):
        return _DTYPE_OF[value.dtype]
    if isinstance(value, np.ndarray):
        return dtypes.string
    return getattr(value, "value_dtype", dtypes.variant)


def dims_of(value: Value) -> tuple[int, ...]:
    """Return the shape of a runtime value; a resource or variant has shape ()."""
    shape = getattr(value, "shape", None)
    return tuple(shape) if isinstance(value, (torch.Tensor, np.ndarray)) and shape is not None else ()


def from_numpy(array: np.ndarray, *, copy: bool = False) -> Value:
    """Return the runtime value of a NumPy array; without `copy`, numeric values share its memory where possible."""
    if array.dtype.kind in "OSU":
        return _as_bytes(array)
    if copy or not array.flags.writeable or any(stride < 0 for stride in array.strides) or not array.dtype.isnative:
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    carrier = _CARRIER.get(array.dtype)
    if carrier is not None:
        return torch.from_numpy(array.view(carrier[0])).view(carrier[1])
    if array.dtype.kind == "V" and array.dtype.names:  # NumPy's quantized types are structs of one field
        array = array.view(array.dtype[0])
    return torch.from_numpy(array)


def _as_bytes(array: np.ndarray) -> np.ndarray:
    result = np.empty(array.shape, dtype=object)
    flat = result.reshape(-1)
    for index, item in enumerate(array.reshape(-1)):
        if isinstance(item, str):
            item = item.encode()
        elif not isinstance(item, bytes):
            raise TypeError(f"a string tensor holds bytes or str, got {item!r} of type {type(item).__name__}")
        flat[index] = bytes(item)
    return result


def from_scalar(value: bool | int | float | complex, dtype: DType) -> Array:
    """Return a value of shape () that holds a Python number."""
    return torch.scalar_tensor(value, dtype=_TORCH_OF[dtype])


def from_numbers(values: list[int] | list[float], dtype: DType) -> Array:
    """Return a vector of Python numbers."""
    return torch.tensor(values, dtype=_TORCH_OF[dtype])


def to_numpy(value: Value, *, copy: bool = False) -> Any:
    """Return a runtime value as NumPy: an array, a scalar for shape (), or the object itself for resources.

    Args:
        value: the runtime value.
        copy: whether the result must not share memory with `value`.
    """
    if isinstance(value, torch.Tensor):
        try:
            array = value.numpy()
        except (TypeError, RuntimeError):  # not on the CPU, lazily conjugated, or a type that NumPy lacks
            array, copy = _to_numpy_otherwise(value), False
        if not value.ndim:
            return array[()]
        return array.copy() if copy else array
    if isinstance(value, np.ndarray):
        return value[()] if value.ndim == 0 else (value.copy() if copy else value)
    return value


def _to_numpy_otherwise(value: Array) -> np.ndarray:
    value = value.cpu().resolve_conj().resolve_neg().contiguous().clone()
    carrier = _CARRIER_OF.get(value.dtype)
    return value.numpy() if carrier is None else value.view(carrier[0]).numpy().view(carrier[1])


def to_python(value: Value) -> Any:
    """Return a runtime value as a Python number or nested list of them, the form in which kernels get host inputs."""
    return value.tolist() if isinstance(value, (torch.Tensor, np.ndarray)) else value


def shares_memory(a: Value, b: Value) -> bool:
    """Tell whether two runtime values may be views of the same memory."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.numel() == 0 or b.numel() == 0:
            return False
        return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.shares_memory(a, b)
    return a is b


def owns_memory(value: Value) -> bool:
    """Tell whether an array lies densely in memory that is no larger than it."""
    return (
        isinstance(value, torch.Tensor)
        and lies_densely(value)
        and value.untyped_storage().nbytes() == value.numel() * value.element_size()
    )


def lies_densely(value: torch.Tensor) -> bool:
    """Tell whether an array fills its memory without gaps, in the order of its axes or with the channels last."""
    return value.is_contiguous() or (value.ndim == 4 and value.is_contiguous(memory_format=torch.channels_last))


def only_number(value: Value) -> Any:
    """Return the element of a numeric value that has just one, else None."""
    return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else None


def clone(value: Value) -> Value:
    """Return a copy of a runtime value that shares no memory with it."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def value_from_dlpack(capsule: Any) -> Value:
    """Return the runtime value of a DLPack capsule or exporter, sharing its memory."""
    return torch.from_dlpack(capsule)


def gpu_count() -> int:
    """Return the number of GPUs on which values can be computed."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def gpu_memory_bytes(ordinal: int) -> int:
    """Return the size of a GPU's memory."""
    return int(torch.cuda.get_device_properties(ordinal).total_memory)


def gpu_details(ordinal: int) -> dict[str, Any]:
    """Return the name and the compute capability of a GPU."""
    return {
        "device_name": torch.cuda.get_device_name(ordinal),
        "compute_capability": torch.cuda.get_device_capability(ordinal),
    }


def gpu_memory_info(ordinal: int) -> dict[str, int]:
    """Return the bytes that values take on a GPU now, and the most that they ever took."""
    return {
        "current": int(torch.cuda.memory_allocated(ordinal)),
        "peak": int(torch.cuda.max_memory_allocated(ordinal)),
    }


def reset_gpu_memory_peak(ordinal: int) -> None:
    """Let `gpu_memory_info` count the most from now on."""
    torch.cuda.reset_peak_memory_stats(ordinal)


def to_device(value: Value, location: str) -> Value:
    """Return a value on a device of the kernel library, such as `cuda:0`; itself if it is there or no numeric value.

    Objects that hold values say with a method `to_device` how they are brought there.
    """
    if isinstance(value, torch.Tensor):
        return value.to(location)
    move = getattr(value, "to_device", None)
    return move(location) if callable(move) and not isinstance(value, np.ndarray) else value


def record_kernels(function: Callable[..., list[Any]], values: Sequence[Value]) -> Callable[..., list[Any]]:
    """Return a function that gives what `function` gives, as a graph of a GPU's driver: no Python runs between kernels.

    Args:
        function: runs nothing but kernels of the GPU, whose arguments and results are all on it.
        values: what it is called with to record it; later ones have the same shapes and types.
    Returns:
        A function whose results its next call overwrites.
    Raises:
        RuntimeError: if a kernel does what cannot be recorded, such as to wait for a number.
        TypeError: if an argument or a result is not on the GPU.
    """
    inputs = [value.clone() for value in values]
    side, current = torch.cuda.Stream(), torch.cuda.current_stream()
    side.wait_stream(current)
    with torch.cuda.stream(side):  # libraries make their workspaces when they are first used
        function(*inputs)
    current.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        outputs = function(*inputs)
    if not all(isinstance(value, torch.Tensor) and value.is_cuda for value in (*inputs, *outputs)):
        raise TypeError("a value of the step is not on the GPU")

    def play(*given: Value) -> list[Value]:
        for target, value in zip(inputs, given, strict=True):
            target.copy_(value)
        graph.replay()
        return outputs

    return play


def are_close(a: Value, b: Value) -> bool:
    """Tell whether two arrays are of one shape and type, and agree to rounding."""
    return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, 1e-3, 1e-5, equal_nan=True)


def location_of(value: Value) -> str:
    """Return the device of the kernel library that holds a value: `cpu`, `cuda:0`."""
    return str(value.device) if isinstance(value, torch.Tensor) else "cpu"


def size_bytes(value: Value) -> int:
    """Return the size of a value's elements."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, np.ndarray):
        return sum(map(len, value.reshape(-1).tolist()))
    return 0


def address_of(value: Value) -> int:
    """Return where the elements of a numeric value begin in memory, 0 for other values."""
    return value.data_ptr() if isinstance(value, torch.Tensor) else 0


def on_one_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same, its kernels on the calling thread alone."""
    threads, set_threads = torch.get_num_threads, torch.set_num_threads

    def run(*values: Any) -> Any:
        before = threads()
        if before == 1:
            return function(*values)
        set_threads(1)
        try:
            return function(*values)
        finally:
            set_threads(before)

    return run


def alone_if(is_small: bool, kernel: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a kernel of ATen gives, computed by the calling thread alone if there is little to do: to wake the
    others would take longer."""
    threads = torch.get_num_threads()
    if threads == 1 or not is_small:
        return kernel(*arguments)
    torch.set_num_threads(1)
    try:
        return kernel(*arguments)
    finally:
        torch.set_num_threads(threads)


def set_kernel_threads(count: int) -> None:
    """Let a kernel use up to `count` threads: in the calling thread, and in threads that have run no kernel yet."""
    torch.set_num_threads(count)


def kernel_threads() -> int:
    """Return how many threads a kernel called in this thread may use."""
    return torch.get_num_threads()


def set_deterministic(enabled: bool) -> None:
    """Let kernels give the same bits for the same inputs, or raise an error where they cannot."""
    torch.set_deterministic_debug_mode("error" if enabled else "default")


def is_deterministic() -> bool:
    """Tell what `set_deterministic` was told."""
    return torch.are_deterministic_algorithms_enabled()


def set_tensor_float_32(enabled: bool) -> None:
    """Let products of float32 on GPUs round their factors to ten bits of mantissa."""
    torch.set_float32_matmul_precision("high" if enabled else "highest")
    torch.backends.cudnn.allow_tf32 = enabled
