"""Resources: what keeps state between steps, by container and name.

A session owns one `ResourceManager`, and so does eager execution. Kernels that make or find a resource take it as the
injected keyword `resources`, and the name of their node as `node_name`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from penstock.core import array
from penstock.core.cancellation import Interruption
from penstock.core.dtypes import DType, resource
from penstock.core.errors import FailedPreconditionError, NotFoundError
from penstock.core.shape import Dims

R = TypeVar("R")


class VariableStorage:
    """The memory of a variable. Kernels get it for `ref` inputs and for inputs of type resource.

    Its tensor belongs to the variable alone: what is read is either used up within the step, or the storage is marked
    as shared and the next update in place starts from a copy.

    Attributes:
        name: the variable's name, for messages.
        dtype, dims: the type and static shape of the value.
        value: the runtime value, None until it is first assigned.
        is_shared: whether a value read earlier may still be in use.
    """

    __slots__ = ("dims", "dtype", "is_shared", "lock", "name", "value")

    value_dtype = resource

    def __init__(self, name: str, dtype: DType, dims: Dims) -> None:
        self.name = name
        self.dtype = dtype
        self.dims = dims
        self.value: Any = None
        self.is_shared = False
        self.lock = threading.RLock()

    def read(self) -> Any:
        """Return the value, to be used within this step only.

        Raises:
            FailedPreconditionError: if nothing has been assigned yet.
        """
        value = self.value
        if value is None:
            raise FailedPreconditionError(
                None,
                None,
                f"Attempting to use uninitialized value {self.name}. Run the variable's initializer first, "
                "for example session.run(tf.global_variables_initializer()).",
            )
        return value

    def read_shared(self) -> Any:
        """Return the value, to be kept for any time: later updates leave it as it is."""
        self.is_shared = True
        return self.read()

    def writable(self) -> Any:
        """Return the value for an update in place, copied first if an earlier reader may still use it.

        Raises:
            FailedPreconditionError: if nothing has been assigned yet.
        """
        value = self.read()
        if self.is_shared:
            value = self.value = array.clone(value)
            self.is_shared = False
        return value

    def assign(self, value: Any) -> None:
        """Replace the value by a copy of `value`."""
        self.value = array.clone(value)
        self.is_shared = False

    def take(self, value: Any) -> None:
        """Replace the value by `value`, whose memory is nobody else's from now on."""
        self.value = value if array.owns_memory(value) else array.clone(value)
        self.is_shared = False

    def detach(self) -> None:
        """Leave the present value to its readers: the next update in place starts from a copy."""
        self.is_shared = True

    def __repr__(self) -> str:
        return f"<variable {self.name!r} {self.dtype.name}>"


def detach_variable(resource: Any) -> None:
    """Leave the value of a resource to its readers; of resources that are no variables, nobody holds the memory."""
    if isinstance(resource, VariableStorage):
        resource.detach()


class ResourceManager:
    """The resources of one session or task.

    Attributes:
        interruption: what loops and operations that wait ask whether they are to stop.
    """

    def __init__(self) -> None:
        self.interruption = Interruption()
        self._resources: dict[tuple[str, str, str], Any] = {}  # guarded by self._lock
        self._lock = threading.RLock()

    def lookup_or_create(self, container: str, kind: str, name: str, create: Callable[[], R]) -> R:
        """Return the resource of that kind and name, made by `create` if it does not exist yet."""
        key = (container, kind, name)
        resource = self._resources.get(key)
        if resource is None:
            with self._lock:
                resource = self._resources.get(key)
                if resource is None:
                    resource = self._resources[key] = create()
        return resource

    def lookup(self, container: str, kind: str, name: str) -> Any:
        """Return the resource of that kind and name.

        Raises:
            NotFoundError: if it does not exist.
        """
        try:
            return self._resources[container, kind, name]
        except KeyError:
            raise NotFoundError(
                None, None, f"resource {name!r} of kind {kind} in container {container!r} does not exist"
            ) from None

    def delete(self, resource: Any) -> None:
        """Forget a resource, wherever it is registered."""
        with self._lock:
            for key in [key for key, value in self._resources.items() if value is resource]:
                del self._resources[key]

    def clear(self, containers: list[str] | None = None, prefix: str = "") -> None:
        """Forget the resources of the given containers, or all, whose names begin with `prefix`."""
        with self._lock:
            for key in [key for key in self._resources if containers is None or key[0] in containers]:
                if key[2].startswith(prefix):
                    del self._resources[key]


eager_resources = ResourceManager()
