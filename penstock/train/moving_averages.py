"""Moving averages of variables and tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.language.control_flow import group
from penstock.language.init_scope import init_scope
from penstock.language.variable_base import Variable
from penstock.language.variable_scope import get_variable, variable_scope
from penstock.language.variables import RefVariable, ResourceVariable
from penstock.ops.math.binary import divide, minimum, pow, truediv
from penstock.ops.math.cast import cast
from penstock.train import slot_creator
from penstock.train.scopes import colocate_with

_AVERAGED_TYPES = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """Move a variable towards a value: `variable -= (1 - decay) * (variable - value)`.

    Args:
        variable: holds the average.
        value: a tensor of the variable's shape and type.
        decay: the part of the average that is kept, in [0, 1].
        zero_debias: whether to correct the average for its start at 0; two more variables, `biased` and `local_step`,
            then keep what that takes.
        name: the name of the update.
    Returns:
        The update; its value is the new average.
    """
    with name_scope(name, "AssignMovingAvg") as scope:
        rate = convert_to_tensor(1.0 - decay, name="decay")
        if rate.dtype != variable.dtype.base_dtype:
            rate = cast(rate, variable.dtype.base_dtype)
        value = _as_of_now(value)
        with colocate_with(variable):
            if zero_debias:
                return _assign_unbiased(variable, value, rate, scope)
            return variable.assign_sub((variable - value) * rate, name=scope)


def _as_of_now(value: Any) -> Any:
    """Return what a value is after the control dependencies of the surrounding blocks.

    A reference variable stands for the value that it had when the step began: updates that the average waits for would
    be missed.
    """
    return value.read_value() if isinstance(value, RefVariable) else value


def _assign_unbiased(variable: Any, value: Any, rate: Any, scope: str) -> Any:
    with variable_scope(variable.name.split(":")[0]):
        biased = get_variable(
            "biased",
            shape=variable.get_shape(),
            dtype=variable.dtype.base_dtype,
            initializer=slot_creator.zeros_initializer,
            trainable=False,
            use_resource=isinstance(variable, ResourceVariable),
        )
        local_step = get_variable(
            "local_step",
            shape=[],
            dtype=variable.dtype.base_dtype,
            initializer=slot_creator.zeros_initializer,
            trainable=False,
            use_resource=isinstance(variable, ResourceVariable),
        )
    average = biased.assign_sub((biased - value) * rate)
    step = local_step.assign_add(1.0)
    # An average that starts at 0 has seen `1 - decay ** step` of its values.
    kept: Any = pow(1.0 - rate, step)
    return variable.assign(average / (1.0 - kept), name=scope)


def weighted_moving_average(
    value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None, name: str | None = None
) -> Any:
    """Return the moving average of `value`, each step counted by its weight.

    Args:
        value: a numeric tensor.
        decay: the part of the average that is kept.
        weight: a tensor that multiplies with `value`.
        truediv: whether integers are divided as real numbers.
        collections: what the two variables are added to, by default the global variables.
        name: the variable scope.
    Returns:
        The average after this step, of the shape of `value * weight`.
    """
    with variable_scope(name, "WeightedMovingAvg") as scope:
        sums = get_variable(
            "value_x_weight",
            shape=value.get_shape(),
            dtype=value.dtype,
            initializer=slot_creator.zeros_initializer,
            trainable=False,
            collections=collections,
        )
        weights = get_variable(
            "weight",
            shape=weight.get_shape(),
            dtype=weight.dtype,
            initializer=slot_creator.zeros_initializer,
            trainable=False,
            collections=collections,
        )
        numerator = assign_moving_average(sums, value * weight, decay, zero_debias=False)
        denominator = assign_moving_average(weights, weight, decay, zero_debias=False)
        return (_truediv if truediv else divide)(numerator, denominator, name=scope.name)


_truediv = truediv


class ExponentialMovingAverage:
    """Keeps an average of each variable next to it: `average = decay * average + (1 - decay) * variable`.

    Args:
        decay: the part of the average that is kept, near 1.0.
        num_updates: number of updates so far; if given, the decay is at most `(1 + num_updates) / (10 + num_updates)`.
        zero_debias: whether averages of tensors, which start at 0, are corrected for that.
        name: name of the averages, after that of what they average.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        """The name of the averages."""
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> Any:
        """Return an operation that updates the averages, which are made where there are none yet.

        Args:
            var_list: variables, whose averages start at their initial values, and tensors, whose averages start at 0.
                By default the trainable variables.
        Raises:
            TypeError: if one of them is not floating.
        """
        if var_list is None:
            items = get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)
        else:
            items = list(var_list)
        debiased: set[Any] = set()
        for item in items:
            if item.dtype.base_dtype not in _AVERAGED_TYPES:
                raise TypeError(f"The variables must be half, float, or double: {item.name}")
            if item.ref() not in self._averages:
                with init_scope():
                    average = self._make(item)
                self._averages[item.ref()] = average
                if self._zero_debias and not isinstance(item, Variable):
                    debiased.add(average.ref())
        with name_scope(self._name) as scope:
            decay = convert_to_tensor(self._decay, name="decay")
            if self._num_updates is not None:
                num_updates = cast(_as_of_now(self._num_updates), dtypes.float32, name="num_updates")
                decay = minimum(decay, (1.0 + num_updates) / (10.0 + num_updates))
            updates = []
            for item in items:
                average = self._averages[item.ref()]
                updates.append(assign_moving_average(average, item, decay, zero_debias=average.ref() in debiased))
            return group(*updates, name=scope)

    def _make(self, item: Any) -> Any:
        is_variable = isinstance(item, Variable)
        if not is_variable:
            follows = item.op.type in ("Variable", "VariableV2", "VarHandleOp")
            return slot_creator.create_zeros_slot(item, self._name, colocate_with_primary=follows)
        average = slot_creator.create_slot(item, item.initialized_value(), self._name)
        get_default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, item)
        return average

    def average(self, var: Any) -> Any:
        """Return the variable that holds the average of `var`, or None."""
        return self._averages.get(var.ref())

    def average_name(self, var: Any) -> str:
        """Return the name of the variable that holds the average of `var`, or will once `apply` was called."""
        average = self._averages.get(var.ref())
        if average is not None:
            return average.name.split(":")[0]
        own = var.name.split(":")[0]
        return get_default_graph().unique_name(f"{own}/{self._name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Iterable[Any] | None = None) -> dict[str, Any]:
        """Return a map for a Saver that puts averages, as they are in a checkpoint, in the place of the variables.

        Args:
            moving_avg_variables: the variables that have averages, by default the trainable and the averaged ones.
        Returns:
            Name in the checkpoint -> variable; variables without averages have their own names.
        """
        graph = get_default_graph()
        if moving_avg_variables is None:
            averaged = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
            averaged += graph.get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES)
        else:
            averaged = list(moving_avg_variables)
        by_reference = {variable.ref(): variable for variable in averaged}
        names = {self.average_name(variable): variable for variable in by_reference.values()}
        for variable in graph.get_collection(GraphKeys.GLOBAL_VARIABLES):
            if variable.ref() not in by_reference:
                names.setdefault(variable.op.name, variable)
        return names
