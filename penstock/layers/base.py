"""The class that all layers share: scopes and reuse, weights, losses and updates."""

from __future__ import annotations

import copy
import re
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from penstock.core import context, nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype, float32
from penstock.core.graph import Graph, get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.operation import Operation
from penstock.core.shape import TensorShape
from penstock.core.tensor import SymbolicTensor
from penstock.language.variable_base import VariableAggregation, VariableSynchronization
from penstock.language.variable_scope import VariableScope, get_variable, variable_scope
from penstock.language.variables import PartitionedVariable, global_variables
from penstock.layers.arguments import as_constraint, as_initializer, as_regularizer
from penstock.layers.input_spec import InputSpec as InputSpec
from penstock.layers.input_spec import check_inputs
from penstock.ops.array.shaping import shape_v1
from penstock.ops.math.cast import cast

_names_in_graph: weakref.WeakKeyDictionary[Graph, dict[str, int]] = weakref.WeakKeyDictionary()


def snake_case(name: str) -> str:
    """Return a class name as layers are named after it: `Conv2DTranspose` is `conv2d_transpose`."""
    words = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    words = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
    return words if words[0] != "_" else "private" + words


def _unique_layer_name(base_name: str) -> str:
    """Return `base_name` for the first layer of a graph that asks for it, then `<base_name>_1` and so on."""
    counts = _names_in_graph.setdefault(get_default_graph(), {})
    count = counts.get(base_name, 0)
    counts[base_name] = count + 1
    return f"{base_name}_{count}" if count else base_name


def add_to_collection_once(items: Iterable[Any], name: str) -> None:
    """Add what a collection of the current graph does not have yet."""
    collection = get_default_graph().get_collection_ref(name)
    for item in items:
        if not any(item is existing for existing in collection):
            collection.append(item)


def _reachable(inputs: Iterable[Any]) -> set[Operation]:
    """Return the operations that depend on the given tensors."""
    found: set[Operation] = set()
    waiting = [tensor for tensor in inputs if isinstance(tensor, SymbolicTensor)]
    while waiting:
        for operation in waiting.pop().consumers():
            if operation not in found:
                found.add(operation)
                waiting.extend(operation.outputs)
    return found


def _operation(item: Any) -> Any:
    return item if isinstance(item, Operation) else getattr(item, "op", None)


def variables_of(variable: Any) -> list[Any]:
    """Return a variable as a list, a partitioned one as its parts."""
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]


class Layer:
    """A function of tensors with variables of its own, made when it is first called.

    Subclasses make variables in `build(input_shape)` with `add_weight`, and compute in `call(inputs)`. Called again, or
    made with the scope of another layer and reuse, a layer uses the variables that exist.

    Args:
        trainable: whether the variables are trained by default.
        name: the name of the layer and its variable scope; by default after the class.
        dtype: the type of the variables; by default that of the first input.
        **kwargs: `activity_regularizer`; `_scope`, the variable scope (or its name) to take the variables from;
            `_reuse`, whether they must exist already.
    """

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        self.activity_regularizer = as_regularizer(kwargs.pop("activity_regularizer", None))
        if kwargs:
            raise TypeError(f"Keyword argument not understood: {next(iter(kwargs))!r} of {type(self).__name__}")
        self.trainable = trainable
        self.built = False
        self.input_spec: Any = None
        self.stateful = False
        self._dtype = None if dtype is None else as_dtype(dtype).base_dtype
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._updates: list[tuple[Any, list[Any]]] = []
        self._losses: list[tuple[Any, list[Any]]] = []
        self._call_inputs: list[Any] | None = None
        self._graph: Graph | None = None
        self._current_scope: Any = None
        self._scope: Any = None
        self._name: str
        self._base_name: str
        if isinstance(name, VariableScope):
            self._base_name = name.name
            self._name = _unique_layer_name(snake_case(type(self).__name__))
        elif name:
            self._base_name = self._name = name
        else:
            self._base_name = snake_case(type(self).__name__)
            self._name = _unique_layer_name(self._base_name)
        if scope:
            with variable_scope(scope) as captured:
                self._scope = captured

    # What a layer is

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The type of the variables; None until it is known."""
        return self._dtype

    @property
    def graph(self) -> Graph | None:
        """The graph that the layer was first called in.

        Raises:
            RuntimeError: when executing eagerly.
        """
        if context.executing_eagerly():
            raise RuntimeError("Layer.graph not supported when executing eagerly.")
        return self._graph

    @property
    def scope_name(self) -> str:
        """The name of the variable scope.

        Raises:
            ValueError: if the layer has not been called yet.
        """
        if self._scope is None:
            raise ValueError(
                f'No name available for layer scope because the layer "{self._name}" has not been used yet. '
                "The scope is determined the first time the layer is called: call it before asking for `scope_name`."
            )
        return self._scope.name

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that training changes; none if the layer is not trainable."""
        return list(self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that training leaves alone."""
        if self.trainable:
            return list(self._non_trainable_weights)
        return self._trainable_weights + self._non_trainable_weights

    @property
    def weights(self) -> list[Any]:
        """All variables, trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def variables(self) -> list[Any]:
        """All variables, trainable ones first."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The variables that training leaves alone."""
        return self.non_trainable_weights

    def count_params(self) -> int:
        """Return the number of elements of all variables.

        Raises:
            ValueError: if the layer has not been built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name}, but the layer isn't built. "
                "Call it, or `build(input_shape)`, first."
            )
        return sum(int(np.prod(variable.shape.as_list())) for variable in self.weights)

    # Updates and losses

    @property
    def updates(self) -> list[Any]:
        """Operations to run with each training step, such as those of moving averages."""
        if not self.trainable and not self.stateful:
            return []
        return [update for update, _ in self._updates]

    @property
    def losses(self) -> list[Any]:
        """Scalars to add to the loss, such as penalties on weights."""
        return [loss for loss, _ in self._losses]

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Add operations to run with each training step.

        Args:
            updates: an operation or tensor, or a list of them.
            inputs: the tensors that they depend on; by default the inputs of the call they are added in.
        """
        if context.executing_eagerly():
            return
        self._updates.extend((getattr(update, "op", update), self._relevant(inputs)) for update in _as_list(updates))

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add scalars to the loss; they enter `GraphKeys.REGULARIZATION_LOSSES`.

        Args:
            losses: a scalar tensor or a list of them; None is left out.
            inputs: the tensors that they depend on; by default the inputs of the call they are added in.
        """
        new = [convert_to_tensor(loss) for loss in _as_list(losses) if loss is not None]
        self._losses.extend((loss, self._relevant(inputs)) for loss in new)
        if not context.executing_eagerly():
            add_to_collection_once(new, GraphKeys.REGULARIZATION_LOSSES)

    def _relevant(self, inputs: Any) -> list[Any]:
        if inputs is not None:
            return nest.flatten(inputs)
        return self._call_inputs or []

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """Return the updates that depend on `inputs`, or those that depend on no input for None."""
        return self._those_for(self._updates if self.updates else [], inputs)

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """Return the losses that depend on `inputs`, or those that depend on no input for None."""
        return self._those_for(self._losses, inputs)

    @staticmethod
    def _those_for(entries: list[tuple[Any, list[Any]]], inputs: Any) -> list[Any]:
        if inputs is None:
            return [item for item, relevant in entries if _operation(item) not in _reachable(relevant)]
        reachable = _reachable(nest.flatten(inputs))
        return [item for item, relevant in entries if _operation(item) in reachable & _reachable(relevant)]

    # Weights

    def add_weight(
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
        partitioner: Any = None,
    ) -> Any:
        """Make a variable of the layer, or take the existing one where the scope is reused.

        Args:
            name: the name within the layer's scope.
            shape: the shape, fully known.
            dtype: the type; by default the layer's, or float32.
            initializer: makes the first value; by default the scope's, which is glorot_uniform if it has none.
            regularizer: from the variable to a scalar to add to the losses.
            trainable: whether training changes the variable, if the layer is trainable.
            constraint: from the value after an update to the value to keep.
            use_resource: whether to make a resource variable; by default as the scope says.
            synchronization, aggregation: how replicas read and update it.
            partitioner: splits the variable into parts.
        Raises:
            ValueError: if `trainable` contradicts `synchronization`, or the scope's rules on reuse are broken.
        """
        if synchronization == VariableSynchronization.ON_READ:
            if trainable:
                raise ValueError(
                    "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable "
                    "variables. You have specified trainable=True and synchronization=VariableSynchronization.ON_READ."
                )
            trainable = False
        trainable = (True if trainable is None else trainable) and self.trainable
        in_graph = not context.executing_eagerly()
        existing = {id(variable) for variable in global_variables()} if in_graph else set()
        self._set_scope()
        reuse = (self.built or self._reuse) if in_graph else None
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with self._open_name_scope():
                variable = get_variable(
                    name,
                    shape=TensorShape(shape),
                    dtype=as_dtype(dtype) if dtype is not None else self._dtype or float32,
                    initializer=as_initializer(initializer),
                    trainable=trainable,
                    constraint=as_constraint(constraint),
                    use_resource=use_resource,
                    partitioner=partitioner,
                    synchronization=synchronization,
                    aggregation=aggregation,
                )
                parts = variables_of(variable)
                penalty = as_regularizer(regularizer)
                if penalty is not None and not any(id(part) in existing for part in parts):
                    for part in parts:
                        with name_scope(f"{name}/Regularizer"):
                            loss = penalty(part)
                        self._losses.append((loss, []))
                        if in_graph:
                            add_to_collection_once([loss] if loss is not None else [], GraphKeys.REGULARIZATION_LOSSES)
        (self._trainable_weights if trainable else self._non_trainable_weights).extend(parts)
        return variable

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """Make a variable; the older name of `add_weight`."""
        return self.add_weight(*args, **kwargs)

    def get_weights(self) -> list[np.ndarray]:
        """Return the values of all variables, computed in the default session or eagerly."""
        return [variable.numpy() if context.executing_eagerly() else variable.eval() for variable in self.weights]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Set the values of all variables, in the default session or eagerly.

        Args:
            weights: arrays, one for each of `weights`, in that order.
        Raises:
            ValueError: if their number or a shape is another.
        """
        values = [np.asarray(value) for value in weights]
        variables = self.weights
        if len(values) != len(variables):
            raise ValueError(f"Layer {self.name!r} has {len(variables)} weights, but {len(values)} were given")
        for variable, value in zip(variables, values, strict=True):
            if not variable.shape.is_compatible_with(value.shape):
                raise ValueError(
                    f"{variable.name} of layer {self.name!r} has shape {variable.shape}, got {value.shape}"
                )
        for variable, value in zip(variables, values, strict=True):
            if context.executing_eagerly():
                variable.assign(value)
            else:
                variable.load(value)

    # Scopes

    _getter: Any = None  # through which `get_variable` goes in `build` and `call`

    def _set_scope(self, scope: Any = None) -> None:
        """Choose the variable scope on first use."""
        if self._scope is not None:
            return
        if self._reuse:
            manager = variable_scope(self._base_name if scope is None else scope)
        else:
            manager = variable_scope(scope, default_name=self._base_name)
        with manager as captured:
            self._scope = captured

    @contextmanager
    def _open_name_scope(self) -> Iterator[str]:
        with name_scope(self._current_scope.original_name_scope) as scope:
            yield scope

    # Calls

    def build(self, input_shape: Any) -> None:
        """Make the variables; subclasses override this. `input_shape` is a TensorShape or a list of them."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; subclasses override this."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Return the shape of the output for inputs of `input_shape`.

        Raises:
            NotImplementedError: if the subclass does not say.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement compute_output_shape; override it")

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer, making its variables on the first call.

        Args:
            inputs: a tensor or a nest of tensors.
            *args, **kwargs: further arguments of `call`; `scope`, the variable scope to use on the first call.
        Returns:
            What `call` returns.
        Raises:
            ValueError: if the inputs are not as `input_spec` says, or of another graph than those of the first call.
        """
        self._set_scope(kwargs.pop("scope", None))
        in_graph = not context.executing_eagerly()
        inputs = _with_arrays_converted(inputs)
        flat = nest.flatten(inputs)
        if in_graph:
            self._check_graph(flat)
        reuse = (True if self.built else self._reuse) if in_graph else None
        getter = self._getter
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False, custom_getter=getter) as scope:
            self._current_scope = scope
            with self._open_name_scope():
                outer, self._call_inputs = self._call_inputs, flat
                try:
                    outputs = self._build_and_call(inputs, flat, args, kwargs)
                finally:
                    self._call_inputs = outer
        if in_graph:
            add_to_collection_once(self.updates, GraphKeys.UPDATE_OPS)
        return outputs

    def _build_and_call(self, inputs: Any, flat: list[Any], args: Any, kwargs: Any) -> Any:
        check_inputs(self.input_spec, inputs, self.name)
        if not self.built:
            if self._dtype is None and flat and flat[0] is not None:
                self._dtype = flat[0].dtype.base_dtype
            self.build(nest.map_structure(lambda item: item if item is None else item.shape, inputs))
            self.built = True
            check_inputs(self.input_spec, inputs, self.name)
        outputs = self.call(inputs, *args, **kwargs)
        if outputs is None:
            raise ValueError(
                f"The `call` method of layer {self.name!r} must return a tensor or a list of tensors, but returned None"
            )
        if self.activity_regularizer is not None:
            with name_scope("ActivityRegularizer"):
                for output in nest.flatten(outputs):
                    loss = self.activity_regularizer(output)
                    # The strength must not depend on the size of the batch.
                    self.add_loss(loss / cast(shape_v1(output)[0], loss.dtype))
        return outputs

    def _check_graph(self, tensors: list[Any]) -> None:
        graph: Any = get_default_graph()
        while getattr(graph, "outer_graph", None) is not None:  # variables are made outside of loops and branches
            graph = graph.outer_graph
        if self._graph is None:
            self._graph = graph
        symbolic = next((tensor for tensor in tensors if isinstance(tensor, SymbolicTensor)), None)
        if (
            symbolic is not None
            and self.built
            and self.weights
            and not graph.building_function
            and self._graph is not graph
        ):
            raise ValueError(
                f"Input graph and Layer graph are not the same: layer {self.name!r} made its variables in another "
                f"graph than that of {symbolic!r}. Make one layer for each graph."
            )

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer; the same as calling it."""
        return self(inputs, *args, **kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> Layer:
        """Return a copy that shares the graph and the scope."""
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        shared = ("_graph", "_scope", "_current_scope")
        for key, value in self.__dict__.items():
            result.__dict__[key] = value if key in shared else copy.deepcopy(value, memo)
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that all layers share."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if self._dtype is not None:
            config["dtype"] = self._dtype.name
        return config


def _with_arrays_converted(inputs: Any) -> Any:
    """Return inputs with NumPy arrays as tensors, and a nested list of numbers as one tensor."""
    leaves = nest.flatten(inputs)
    if leaves and isinstance(inputs, (list, tuple)) and all(isinstance(leaf, (bool, int, float)) for leaf in leaves):
        return convert_to_tensor(inputs)
    arrays = (np.ndarray, np.generic, bool, int, float)
    return nest.map_structure(lambda leaf: convert_to_tensor(leaf) if isinstance(leaf, arrays) else leaf, inputs)


def _as_list(items: Any) -> list[Any]:
    return list(items) if isinstance(items, (list, tuple)) else [items]
