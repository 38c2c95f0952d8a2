"""The base class of optimizers: from a loss to gradients, and from gradients to updates of variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from penstock.core import dtypes, nest
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType
from penstock.core.gradients import gradients
from penstock.core.graph import current_graph, get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.core.tape import GradientTape
from penstock.core.tensor import Tensor
from penstock.language.control_flow import group, tuple_
from penstock.language.graph_functions import control_dependencies
from penstock.language.init_scope import init_scope
from penstock.language.variables import ResourceVariable, VariableV1
from penstock.train import slot_creator
from penstock.train.scopes import colocate_with

_NO_GRADIENTS = (
    "No gradients provided for any variable, check your graph for ops that do not support gradients, between variables "
    "{variables} and loss {loss}."
)


def operation(name: str) -> Callable[..., Any]:
    """Return the operation of that name, to be called with tensors."""
    return lookup(name)  # type: ignore[return-value]


def deduplicate(values: Any, indices: Any) -> tuple[Any, Any]:
    """Sum the rows of `values` that have the same index.

    Args:
        values: tensor of shape (n, ...).
        indices: integer tensor of shape (n,).
    Returns:
        The summed rows, of shape (m, ...), and the m distinct indices in the order in which they first appear.
    """
    unique_indices, positions = operation("Unique")(indices)
    count = operation("Shape")(unique_indices)[0]
    return operation("UnsortedSegmentSum")(values, positions, count), unique_indices


class _Processor:
    """How one entry of a list of variables is differentiated and updated."""

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    def target(self) -> Any:
        """Return what the loss is differentiated with respect to."""
        return self.variable

    def update_op(self, optimizer: Optimizer, grad: Any) -> Any:
        """Apply a gradient."""
        raise NotImplementedError(f"Trying to update a Tensor {self.variable!r}: only variables can be updated")

    def _constrain(self, update: Any) -> Any:
        """Project the variable by its constraint, once it is updated."""
        constraint = getattr(self.variable, "constraint", None)
        if constraint is None:
            return update
        with control_dependencies([update]):
            return self.variable.assign(constraint(self.variable))

    def _refuse_constraint(self) -> None:
        if getattr(self.variable, "constraint", None) is not None:
            raise RuntimeError(
                f"Cannot use a constraint function on a sparse variable: {self.variable.name!r} has one, and its "
                "gradient touches some rows only. Apply the constraint with assign, or make the gradient dense with "
                "tf.convert_to_tensor."
            )


class _RefProcessor(_Processor):
    """Updates a variable that operations reach through a reference."""

    def update_op(self, optimizer: Optimizer, grad: Any) -> Any:
        if isinstance(grad, Tensor):
            return self._constrain(optimizer._apply_dense(grad, self.variable))
        self._refuse_constraint()
        return optimizer._apply_sparse_duplicate_indices(grad, self.variable)


class _ResourceProcessor(_Processor):
    """Updates a variable that operations reach through a resource handle."""

    def update_op(self, optimizer: Optimizer, grad: Any) -> Any:
        if isinstance(grad, IndexedSlices):
            self._refuse_constraint()
            return optimizer._resource_apply_sparse_duplicate_indices(grad.values, self.variable, grad.indices)
        return self._constrain(optimizer._resource_apply_dense(grad, self.variable))


def _processor(variable: Any) -> _Processor:
    if isinstance(variable, ResourceVariable):
        return _ResourceProcessor(variable)
    if hasattr(variable, "_ref"):
        return _RefProcessor(variable)
    if isinstance(variable, Tensor):
        return _Processor(variable)
    raise NotImplementedError(f"Trying to optimize unsupported type {variable!r}: expected variables")


def variable_key(variable: Any) -> Any:
    """Return what a variable's slots are found by: its graph and name, or its unique identity in eager execution."""
    graph = getattr(variable, "graph", None) if getattr(variable, "_in_graph_mode", True) else None
    return (graph, variable.op.name) if graph is not None else variable._unique_id


class Optimizer:
    """Computes gradients of a loss and applies them to variables.

    Subclasses give `_apply_dense` and `_apply_sparse` for variables behind references, `_resource_apply_dense` and
    `_resource_apply_sparse` for variables behind handles, and `_create_slots`, `_prepare` and `_finish` where needed.

    Args:
        use_locking: whether updates exclude one another; steps that run concurrently then never tear a value.
        name: prefix of the names of slots, and of the operations that `apply_gradients` makes.
    Raises:
        ValueError: if the name is empty.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Any]] = {}
        self._non_slot_dict: dict[tuple[str, Any], Any] = {}
        # What restores variables that a checkpoint has and the optimizer has not made yet, by (name, variable).
        self._awaited: dict[tuple[str, Any], list[Callable[[Any], None]]] = {}

    def get_name(self) -> str:
        """Return the optimizer's name."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:
        """Compute gradients of `loss` and apply them.

        Args:
            loss: a tensor; in eager execution a function without arguments that returns one.
            global_step: a variable to be incremented by 1 after the update.
            var_list: the variables to update, by default the trainable ones.
            gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss: see `compute_gradients`.
            name: the name of the returned operation, by default the optimizer's.
        Returns:
            The operation that makes one step; None in eager execution.
        Raises:
            ValueError: if no variable has a gradient.
        """
        grads_and_vars = self.compute_gradients(
            loss,
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        if not any(grad is not None for grad, _ in grads_and_vars):
            variables = [str(variable) for _, variable in grads_and_vars]
            raise ValueError(_NO_GRADIENTS.format(variables=variables, loss=loss))
        return self.apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """Return the gradient of `loss` for each variable.

        Args:
            loss: a tensor, or a function without arguments that returns one.
            var_list: variables or tensors, nested or not; by default the trainable variables.
            gate_gradients: GATE_NONE, GATE_OP, or GATE_GRAPH to compute all gradients before any is used.
            aggregation_method: see `AggregationMethod`.
            colocate_gradients_with_ops: whether each runs on the device of the operation that it differentiates.
            grad_loss: the gradient of what follows with respect to the loss; ones by default.
        Returns:
            Pairs of gradient and variable; the gradient is a tensor, IndexedSlices, or None where there is no
            dependence.
        Raises:
            TypeError, ValueError: if an argument is invalid, or there is nothing to differentiate by.
            RuntimeError: in eager execution, if `loss` is not a function.
        """
        if callable(loss):
            return self._tape_gradients(loss, var_list, grad_loss)
        if executing_eagerly():
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager execution is enabled."
            )
        if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH.  "
                f"Not {gate_gradients}"
            )
        self._assert_valid_dtypes([loss])
        if grad_loss is not None:
            self._assert_valid_dtypes([grad_loss])
        if var_list is None:
            graph = get_default_graph()
            variables = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
            variables += graph.get_collection(GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
        else:
            variables = nest.flatten(var_list)
        variables = variables + get_default_graph().get_collection(GraphKeys._STREAMING_MODEL_PORTS)
        processors = [_processor(variable) for variable in variables]
        if not variables:
            raise ValueError("No variables to optimize.")
        grads = gradients(
            loss,
            [processor.target() for processor in processors],
            grad_ys=grad_loss,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            gate_gradients=gate_gradients == Optimizer.GATE_OP,
            aggregation_method=aggregation_method,
        )
        if gate_gradients == Optimizer.GATE_GRAPH:
            grads = tuple_(grads)
        pairs = list(zip(grads, variables, strict=True))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None and v.dtype.base_dtype != dtypes.resource])
        return pairs

    @staticmethod
    def _tape_gradients(loss: Callable[[], Any], var_list: Any, grad_loss: Any) -> list[tuple[Any, Any]]:
        with GradientTape() as tape:
            if var_list is not None:
                tape.watch(var_list)
            value = loss()
        variables = list(tape.watched_variables()) if var_list is None else nest.flatten(var_list)
        return list(zip(tape.gradient(value, variables, grad_loss), variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: str | None = None
    ) -> Any:
        """Update variables by their gradients.

        Args:
            grads_and_vars: pairs as `compute_gradients` returns them; those without a gradient are passed over.
            global_step: a variable to be incremented by 1 after the update.
            name: the name of the returned operation, by default the optimizer's.
        Returns:
            The operation that applies all gradients; None in eager execution.
        Raises:
            TypeError: if a gradient is no tensor.
            ValueError: if there are no variables, or none has a gradient.
        """
        pairs = [(self._as_gradient(grad), variable) for grad, variable in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        updated = [variable for grad, variable in pairs if grad is not None]
        if not updated:
            raise ValueError(f"No gradients provided for any variable: {[str(variable) for _, variable in pairs]}.")
        processors = [(grad, _processor(variable)) for grad, variable in pairs if grad is not None]
        with init_scope():
            self._create_slots(updated)
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates = []
            for grad, processor in processors:
                variable = processor.variable
                with name_scope("update_" + _scope_name(variable)), colocate_with(variable):
                    updates.append(processor.update_op(self, grad))
            if global_step is None:
                train_op = self._finish(updates, scope)
            else:
                with control_dependencies([self._finish(updates, "update")]), colocate_with(global_step):
                    train_op = _increment(global_step, scope)
        graph = current_graph()
        if graph is None:
            return None
        if isinstance(train_op, Tensor) or not hasattr(train_op, "type"):
            train_op = train_op.op
        collection = graph.get_collection_ref(GraphKeys.TRAIN_OP)
        if train_op not in collection:
            collection.append(train_op)
        return train_op

    @staticmethod
    def _as_gradient(grad: Any) -> Any:
        if grad is None or isinstance(grad, (Tensor, IndexedSlices)):
            return grad
        try:
            return convert_to_tensor(grad)
        except (TypeError, ValueError):
            raise TypeError(f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {grad!r}") from None

    # Slots

    def get_slot(self, var: Any, name: str) -> Any:
        """Return the slot `name` of a variable, or None if there is none.

        Args:
            var: a variable that was passed to `minimize` or `apply_gradients`.
            name: see `get_slot_names`.
        """
        named = self._slots.get(name)
        return None if named is None else named.get(variable_key(var))

    def get_slot_names(self) -> list[str]:
        """Return the names of the slots that the optimizer has made, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """Return the optimizer's own variables of the current graph: slots and others, sorted by name."""
        graph = current_graph()

        def belongs(variable: Any) -> bool:
            return graph is None or not getattr(variable, "_in_graph_mode", True) or variable.graph is graph

        own = list(self._non_slot_dict.values())
        own.extend(slot for named in self._slots.values() for slot in named.values())
        return sorted((variable for variable in own if belongs(variable)), key=lambda variable: variable.name)

    def _slot_dict(self, slot_name: str) -> dict[Any, Any]:
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Any:
        """Return a slot, made with the initial value `val` if it does not exist yet."""
        return self._slot(var, slot_name, lambda: slot_creator.create_slot(var, val, op_name))

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Any:
        """Return a slot, made with an initializer if it does not exist yet."""
        return self._slot(
            var, slot_name, lambda: slot_creator.create_slot_with_initializer(var, initializer, shape, dtype, op_name)
        )

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        """Return a slot, made of zeros of the variable's shape if it does not exist yet."""
        return self._slot(var, slot_name, lambda: slot_creator.create_zeros_slot(var, op_name))

    def _slot(self, var: Any, slot_name: str, create: Callable[[], Any]) -> Any:
        named = self._slot_dict(slot_name)
        key = variable_key(var)
        if key not in named:
            named[key] = create()
            self._restore_awaited(slot_name, key, named[key])
        return named[key]

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Any]:
        """Return the variables that belong to the optimizer as a whole, by name, for checkpoints."""
        return {name: variable for (name, _), variable in self._non_slot_dict.items()}

    def _await_restoration(self, name: str, var: Any, restore: Callable[[Any], None]) -> None:
        """Call `restore` with a variable of the optimizer (a slot, where `var` is given) as soon as it is made."""
        key = None if var is None else variable_key(var)
        self._awaited.setdefault((name, key), []).append(restore)

    def _restore_awaited(self, name: str, key: Any, made: Any) -> None:
        for restore in self._awaited.pop((name, key), ()):
            restore(made)

    # Variables that belong to the optimizer as a whole

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        """Return a variable of the optimizer, made if the graph of `colocate_with` has none of that name yet."""
        graph = current_graph()
        key = (name, graph)
        found = self._non_slot_dict.get(key)
        if found is None:
            with _colocate(colocate_with):
                found = VariableV1(
                    initial_value, name=name, trainable=False, use_resource=isinstance(colocate_with, ResourceVariable)
                )
            self._non_slot_dict[key] = found
            self._restore_awaited(name, None, found)
        return found

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Any:
        """Return the optimizer's variable `name` of a graph (None: of eager execution), or None."""
        return self._non_slot_dict.get((name, graph))

    def _non_slot_variables(self) -> Iterable[Any]:
        """Return the optimizer's variables that are no slots."""
        return self._non_slot_dict.values()

    # What subclasses give

    def _valid_dtypes(self) -> set[DType]:
        """Return the types that losses and variables may have."""
        return {dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64}

    def _assert_valid_dtypes(self, tensors: Sequence[Any]) -> None:
        valid = self._valid_dtypes()
        for tensor in tensors:
            dtype = tensor.dtype.base_dtype
            if dtype not in valid:
                raise ValueError(
                    f"Invalid type {dtype!r} for {tensor.name}, expected: {sorted(valid, key=lambda item: item.name)}."
                )

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Make all slots that the variables need; called before gradients are applied."""

    def _prepare(self) -> None:
        """Make the tensors that all updates share, such as the learning rate; called before gradients are applied."""

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        """Return the operation that updates a variable behind a reference by a tensor."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how to apply dense gradients: override _apply_dense"
        )

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        """Return the operation that updates a variable behind a handle by a tensor."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how to apply dense gradients to resource variables: "
            "override _resource_apply_dense"
        )

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        """Return the operation that updates rows of a variable behind a handle; `indices` may repeat.

        By default repeated rows are summed, and `_resource_apply_sparse` is called. Override it where sums need not be
        formed.
        """
        summed, unique_indices = deduplicate(grad, indices)
        return self._resource_apply_sparse(summed, handle, unique_indices)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        """Return the operation that updates rows of a variable behind a handle; no index is repeated."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how to apply sparse gradients to resource variables: "
            "override _resource_apply_sparse"
        )

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        """Return the operation that updates rows of a variable behind a reference; indices of `grad` may repeat.

        By default repeated rows are summed, and `_apply_sparse` is called. Override it where sums need not be formed.
        """
        summed, unique_indices = deduplicate(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(summed, unique_indices, grad.dense_shape), var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        """Return the operation that updates rows of a variable behind a reference; no index of `grad` is repeated."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how to apply sparse gradients: override _apply_sparse"
        )

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        """Return the operation that completes an update.

        Args:
            update_ops: the operations that update the variables.
            name_scope: the name of the operation to return.
        """
        return group(*update_ops, name=name_scope)

    def _call_if_callable(self, param: Any) -> Any:
        """Return a hyperparameter's value: what the function returns, if it is one."""
        return param() if callable(param) else param


_colocate = colocate_with


def _scope_name(variable: Any) -> str:
    if getattr(variable, "_in_graph_mode", True):
        return variable.op.name
    return variable.name.split(":")[0]


def _increment(global_step: Any, name: str) -> Any:
    dtype = global_step.dtype.base_dtype
    if isinstance(global_step, ResourceVariable):
        return operation("AssignAddVariableOp")(global_step.handle, convert_to_tensor(1, dtype), name=name)
    reference = global_step._ref() if hasattr(global_step, "_ref") else global_step
    return operation("AssignAdd")(reference, 1, name=name)


def reference(variable: Any) -> Any:
    """Return what updates take for a variable: its handle, or the reference to it."""
    return variable.handle if isinstance(variable, ResourceVariable) else variable._ref()


class KernelOptimizer(Optimizer):
    """An optimizer whose update of a variable is one operation, which comes in four forms.

    Subclasses give `_update`.
    """

    def _update(self, var: Any, grad: Any, indices: Any) -> Any:
        """Return the operation that updates a variable.

        Args:
            var: the variable.
            grad: its gradient; where `indices` are given, only these rows of it.
            indices: distinct positions of the rows, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to apply gradients: override _update")

    @staticmethod
    def _training_op(name: str, var: Any, indices: Any) -> Callable[..., Any]:
        """Return the form of the operation `Apply<name>` for a kind of variable and of gradient."""
        kind = "Resource" if isinstance(var, ResourceVariable) else ""
        return operation(f"{kind}{'' if indices is None else 'Sparse'}Apply{name}")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._update(var, grad, None)

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        return self._update(handle, grad, None)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._update(var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return self._update(handle, grad, indices)
