"""Trackable objects around a resource, such as a table, which saved models make again where they are loaded."""

from __future__ import annotations

from typing import Any

from penstock.core.tensor import Tensor
from penstock.language.function import function
from penstock.language.init_scope import init_scope
from penstock.language.trackable import Trackable

# The functions by which a saved model saves and restores what a resource holds.
SAVE_VALUES, RESTORE_VALUES = "_save_values", "_restore_values"


class CapturableResource(Trackable):
    """An object that functions capture as a resource. Subclass it, and define how the resource is made and filled.

    Args:
        device: where the resource is made.
    """

    _handle: Any = None

    def __init__(self, device: str = "") -> None:
        self._resource_device = device

    def _create_resource(self) -> Any:
        """Make the resource and return its handle."""
        raise NotImplementedError(f"{type(self).__name__} must define _create_resource()")

    def _initialize(self) -> Any:
        """Fill the resource; by default, nothing is done."""

    def _destroy_resource(self) -> Any:
        """Free the resource; by default it is freed with its handle."""

    @property
    def resource_handle(self) -> Tensor:
        """The handle by which operations find the resource, which is made when it is first asked for."""
        if self._handle is None:
            with init_scope():
                self._handle = self._create_resource()
        return self._handle

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type != "savedmodel":
            return children

        @function(input_signature=[], autograph=False)
        def creator() -> Any:
            return self._create_resource()

        @function(input_signature=[], autograph=False)
        def initializer() -> int:
            self._initialize()
            return 1

        @function(input_signature=[], autograph=False)
        def destroyer() -> int:
            self._destroy_resource()
            return 1

        return {
            **children,
            "_create_resource": creator,
            "_initialize": initializer,
            "_destroy_resource": destroyer,
        }


class TrackableResource(CapturableResource):
    """A resource of a user's own that a saved model makes again; see `CapturableResource`.

    Args:
        device: where the resource is made.

    >>> import penstock as tf
    >>> class Counter(tf.saved_model.experimental.TrackableResource):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self._initialize()
    ...     def _create_resource(self):
    ...         return tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[], shared_name="counter")
    ...     def _initialize(self):
    ...         tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=tf.constant(5, tf.int64))
    >>> tf.raw_ops.ReadVariableOp(resource=Counter().resource_handle, dtype=tf.int64).numpy().item()
    5
    """
