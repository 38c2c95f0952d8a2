"""What TensorFlow's internals have and Penstock does otherwise: eager contexts, decorators, device lists."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from penstock.core import array
from penstock.core import context as thread_context
from penstock.core.graph import Graph, get_default_graph
from penstock.core.op import raw_operation
from penstock.core.op_def import registered
from penstock.core.shape import TensorShape
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.type_spec import TypeSpec
from penstock.language import behavior
from penstock.language.resource_variable import ResourceVariable
from penstock.ops.math.matmul import matmul
from penstock.ops.sparse.densifying import from_dense, to_dense
from penstock.platform.gfile import GFile
from penstock.runtime.config.devices import list_physical_devices

F = TypeVar("F", bound=Callable[..., Any])


class _Context:
    """The eager context, as far as programs touch it."""

    def clear_kernel_cache(self) -> None:
        """Do nothing: kernels are not kept."""

    def executing_eagerly(self) -> bool:
        """Tell whether operations run as they are called."""
        return thread_context.executing_eagerly()

    def num_gpus(self) -> int:
        """Return the number of GPUs in use."""
        return num_gpus()


_context = _Context()


def context() -> _Context:
    """Return the eager context."""
    return _context


def async_wait() -> None:
    """Return at once: eager operations are done when their calls return."""


def num_gpus() -> int:
    """Return the number of GPUs in use."""
    return len(list_physical_devices("GPU"))


@contextlib.contextmanager
def graph_mode() -> Iterator[None]:
    """Build a graph within the block."""
    with Graph().as_default():
        yield


def tf2_enabled() -> bool:
    """Tell whether the process behaves as TensorFlow 2."""
    return thread_context.default_is_eager() and behavior.resource_variables_enabled()


def unwrap(maybe_decorated: Any) -> tuple[list[Any], Any]:
    """Return no decorators and the function itself."""
    return [], maybe_decorated


def add_dispatch_support(target: F) -> F:
    """Return a function as it is."""
    return target


def is_op_determinism_enabled() -> bool:
    """Tell whether operations were asked to be deterministic, by `tf.config.experimental.enable_op_determinism`."""
    return array.is_deterministic()


def disable_op_determinism() -> None:
    """Take back `tf.config.experimental.enable_op_determinism`."""
    array.set_deterministic(False)


def list_local_devices(session_config: Any = None) -> list[Any]:
    """Return the devices of this process."""
    import penstock.v1 as tf  # the face is loaded late, as it is not needed to install the alias

    with tf.Session(graph=tf.Graph(), config=session_config) as session:
        return session.list_devices()


def sparse_tensor_to_csr(indices: Any, values: Any, dense_shape: Any) -> SparseTensor:
    """Return a sparse matrix, or a stack of them: a SparseTensor stands for TensorFlow's matrices by rows."""
    return SparseTensor(indices, values, dense_shape)


def sparse_product(a: SparseTensor, b: SparseTensor, type: Any) -> SparseTensor:
    """Return the product of two sparse matrices, or of two stacks of them."""
    return from_dense(matmul(to_dense(a, validate_indices=False), to_dense(b, validate_indices=False)))


def csr_to_sparse_tensor(sparse_matrix: SparseTensor, type: Any) -> SparseTensor:
    """Return what `sparse_tensor_to_csr` made a matrix, as a SparseTensor."""
    return sparse_matrix


def type_spec_name(cls: type) -> str:
    """Return the name under which files have a class of specs."""
    return f"tf.{cls.__name__}"


def type_spec_of_name(name: str) -> type:
    """Return the class of specs that has a name in files.

    Raises:
        ValueError: if there is none.
    """
    stack: list[type] = [TypeSpec]
    while stack:
        cls = stack.pop()
        if type_spec_name(cls) == name:
            return cls
        stack.extend(cls.__subclasses__())
    raise ValueError(f"No TypeSpec has been registered with name {name!r}")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Hold back the log messages about deprecated names; there are none."""
    yield


def deprecated(*args: Any, **kwargs: Any) -> Callable[[F], F]:
    """Return a decorator that leaves a function as it is."""
    return lambda function: function


def export(*names: str, **kwargs: Any) -> Callable[[F], F]:
    """Return a decorator that leaves a function as it is."""
    return lambda function: function


def make_decorator(target: Any, decorator_func: F, *args: Any, **kwargs: Any) -> F:
    """Return a decorated function, which keeps the name and the signature of what it decorates."""
    functools.update_wrapper(decorator_func, target)
    return decorator_func


def is_resource_variable(var: Any) -> bool:
    """Tell whether a variable has the semantics of resources."""
    return isinstance(var, ResourceVariable)


def get_name_scope() -> str:
    """Return the name scope that operations are made in."""
    return get_default_graph().get_name_scope()


def unknown_shape(rank: int | None = None) -> TensorShape:
    """Return a shape of unknown sizes, and of unknown rank by default."""
    return TensorShape(None if rank is None else [None] * rank)


def scalar_shape() -> TensorShape:
    """Return the shape of a scalar."""
    return TensorShape([])


def vector_shape(length: Any) -> TensorShape:
    """Return the shape of a vector."""
    return TensorShape([length])


def matrix_shape(rows: Any, cols: Any) -> TensorShape:
    """Return the shape of a matrix."""
    return TensorShape([rows, cols])


def read_file_to_string(filename: Any, binary_mode: bool = False) -> Any:
    """Return the contents of a file: text, or bytes."""
    with GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: Any, file_content: Any) -> None:
    """Write a file with text, or bytes."""
    with GFile(filename, "wb" if isinstance(file_content, bytes) else "w") as file:
        file.write(file_content)


def generated_operation(name: str) -> Callable[..., Any] | None:
    """Return an operation as TensorFlow's generated modules have it: `gen_math_ops.mat_mul(a, b)`.

    Args:
        name: the operation's name in small letters.
    Returns:
        A function of the inputs, in order, and the attributes; None if there is no such operation.
    """
    declared = next((known for known in registered() if _snake(known) == name), None)
    if declared is None:
        return None
    operation = raw_operation(declared)
    inputs = [argument.name for argument in registered()[declared].inputs]

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > len(inputs):
            raise TypeError(f"{name}() takes its {len(inputs)} inputs by position, and attributes by keyword")
        return operation(**dict(zip(inputs, args)), **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = operation.__doc__
    return call


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<!^)(?=[A-Z][a-z])", "_", name).lower()
