"""Which TensorFlow the process behaves as: eager or graphs by default, and what `==` and `shape[0]` mean.

Importing the TensorFlow 1 face makes a process a TensorFlow 1 process, unless it has used the TensorFlow 2 face before;
using that face later takes this back as long as nothing has been built. The functions of this file decide explicitly,
and are not overruled.
"""

from __future__ import annotations

from typing import Any

from penstock.core import context
from penstock.core.shape import disable_v2_tensorshape, enable_v2_tensorshape
from penstock.core.tensor import disable_tensor_equality, enable_tensor_equality
from penstock.language.control_flow import disable_control_flow_v2, enable_control_flow_v2

_v2_face_used = False
_decided = False
_resource_variables = True


def executing_eagerly() -> bool:
    """Tell whether operations run as they are called."""
    return context.executing_eagerly()


def resource_variables_enabled() -> bool:
    """Tell whether variables made in a graph are resource variables by default."""
    return _resource_variables


def enable_resource_variables() -> None:
    """Make resource variables the default in graphs."""
    global _resource_variables
    _resource_variables = True


def disable_resource_variables() -> None:
    """Make reference variables the default in graphs, as in TensorFlow 1."""
    global _resource_variables
    _resource_variables = False


def _has_built() -> bool:
    graph = context.state.default_graph
    return graph is not None and bool(graph.get_operations())


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """Execute eagerly from now on.

    Raises:
        ValueError: if operations have been added to the default graph already.
    """
    global _decided
    if not context.default_is_eager() and _has_built():
        raise ValueError(
            "tf.enable_eager_execution must be called at program startup: the default graph has operations already."
        )
    _decided = True
    context.set_default_eager(True)


def disable_eager_execution() -> None:
    """Build graphs by default from now on."""
    global _decided
    _decided = True
    context.set_default_eager(False)


def enable_v2_behavior() -> None:
    """Behave as TensorFlow 2: eager execution, `==` by element, sizes as integers, resource variables."""
    enable_eager_execution()
    _behave_as_v2()


def disable_v2_behavior() -> None:
    """Behave as TensorFlow 1: graphs, `==` by identity, sizes as Dimension, reference variables."""
    disable_eager_execution()
    _behave_as_v1()


def _behave_as_v2() -> None:
    enable_v2_tensorshape()
    enable_tensor_equality()
    enable_resource_variables()
    enable_control_flow_v2()


def _behave_as_v1() -> None:
    disable_v2_tensorshape()
    disable_tensor_equality()
    disable_resource_variables()
    disable_control_flow_v2()


def note_v1_face() -> None:
    """Take the process for a TensorFlow 1 program, unless it is known to be another."""
    if not _decided and not _v2_face_used:
        context.set_default_eager(False)
        _behave_as_v1()


def note_v2_face() -> None:
    """Take the process for a TensorFlow 2 program, unless it has decided otherwise or built a graph."""
    global _v2_face_used
    if _v2_face_used:
        return
    _v2_face_used = True
    if not _decided and not _has_built():
        context.set_default_eager(True)
        _behave_as_v2()
