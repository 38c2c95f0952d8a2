"""Building a loop in the graph: its variables as flat tensors, and what is required of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import get_default_graph
from penstock.core.shape import TensorShape, as_dims
from penstock.core.tensor import Tensor
from penstock.language.autograph.operators.conditionals import checked_predicate
from penstock.language.autograph.operators.variables import (
    Undefined,
    UndefinedReturnValue,
    flatten,
    is_return,
    is_static,
    pack,
    same_structure,
    zeros_like,
)
from penstock.language.control_flow import assert_true, while_loop
from penstock.language.variable_base import Variable
from penstock.ops.constant import identity

GetState = Callable[[], tuple[Any, ...]]
SetState = Callable[[tuple[Any, ...]], None]

_RETURN_IN_LOOP = (
    "a return statement cannot be placed inside this TensorFlow loop unless every path through the function returns "
    "a value: add a return statement at the end of the function"
)


def staged_while(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
) -> None:
    """Build a loop in the graph, and assign the variables what they are after it.

    Args:
        test: reads the variables and returns a boolean scalar tensor.
        body: reads and assigns the variables.
        get_state, set_state: read and assign all of them.
        names: their names, for errors and shape invariants.
        options: what `set_loop_options` set; "test_binds" if the test assigns variables, which the body reads.
    Raises:
        ValueError: if a variable changes its shape, or cannot be given a value before the loop.
        TypeError: if a variable changes its type or structure.
    """
    before = get_state()

    def bind_and_run() -> None:
        test()
        body()

    step = bind_and_run if options.get("test_binds") else body
    try:
        _staged_while(test, step, get_state, set_state, names, options, list(before))
        if options.get("test_binds"):
            test()
    except BaseException:
        set_state(before)
        raise


def _staged_while(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    options: dict[str, Any],
    before: list[Any],
) -> None:
    invariants = _invariants(options.get("shape_invariants"), names, before)
    late = [i for i, value in enumerate(before) if value is None or isinstance(value, Undefined)]
    start = list(before)
    if late or any(_holds_variables(value) for value in before):
        start = _with_placeholders(body, get_state, set_state, names, before, late, invariants)
    variables = [_LoopVariable(name, value) for name, value in zip(names, start, strict=True)]
    flat = [tensor for variable in variables for tensor in variable.tensors]
    shapes = [shape for index, variable in enumerate(variables) for shape in variable.shapes(invariants.get(index))]
    blank = [] if flat else [convert_to_tensor(0)]

    def unpack(tensors: Sequence[Tensor]) -> tuple[Any, ...]:
        remaining = iter(tensors)
        return tuple(variable.packed(remaining) for variable in variables)

    def run_test(*tensors: Tensor) -> Tensor:
        set_state(unpack(tensors))
        return checked_predicate(test(), "while loop")

    def run_body(*tensors: Tensor) -> list[Tensor]:
        set_state(unpack(tensors))
        body()
        remaining = iter(shapes)
        after = [
            tensor
            for variable, value in zip(variables, get_state(), strict=True)
            for tensor in variable.next_tensors(value, remaining)
        ]
        return after + [identity(tensor) for tensor in tensors[len(after) :]]

    results = while_loop(
        run_test,
        run_body,
        [*flat, *blank],
        shape_invariants=[*(TensorShape(shape) for shape in shapes), *(TensorShape([]) for _ in blank)],
        parallel_iterations=options.get("parallel_iterations") or 10,
        swap_memory=bool(options.get("swap_memory")),
        maximum_iterations=options.get("maximum_iterations"),
    )
    filled = [i for i in late if isinstance(before[i], Undefined) and not isinstance(start[i], Undefined)]
    checked = [names[i] for i in filled if not isinstance(before[i], UndefinedReturnValue)]
    results = list(results)[: len(flat)]
    if checked:
        set_state(tuple(start))
        started = assert_true(test(), [f"loop must iterate at least once to initialize {', '.join(checked)}"])
        with get_default_graph().control_dependencies([started]):
            results = [identity(tensor) for tensor in results]
    set_state(unpack(results))


def _with_placeholders(
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    before: list[Any],
    late: list[int],
    invariants: dict[int, Any],
) -> list[Any]:
    """Return the values before the loop, with values like those after one iteration for variables that have none.

    A tf.Variable that the body replaces by a tensor is read before the loop. The body is built once more for this, in a
    graph that is thrown away.
    """
    with scratch_graph("loop_outline").as_default():
        set_state(tuple(_unknown(value) for value in before))
        body()
        after = get_state()
        shapes = [[x.dims if isinstance(x, Tensor) else () for x in flatten(value)] for value in after]
    set_state(tuple(before))
    start = [
        _read_where_replaced(old, new) if _holds_variables(old) else old for old, new in zip(before, after, strict=True)
    ]
    for index in late:
        value, old = after[index], before[index]
        if value is None or isinstance(value, Undefined):
            continue
        name = names[index]
        if is_return(name) and not (isinstance(old, UndefinedReturnValue) and old.definite):
            raise NotImplementedError(_RETURN_IN_LOOP)
        try:
            start[index] = pack(value, [zeros_like(leaf) for leaf in flatten(value)])
        except TypeError as error:
            raise ValueError(f"'{name}' must be defined before the loop. {error}") from None
        unknown = any(dims is None or None in dims for dims in shapes[index])
        if unknown and index not in invariants:
            invariants[index] = pack(value, [TensorShape(dims) for dims in shapes[index]])
    return start


def _holds_variables(value: Any) -> bool:
    return any(isinstance(leaf, Variable) for leaf in flatten(value))


def _read_where_replaced(old: Any, new: Any) -> Any:
    later = flatten(new)
    leaves = flatten(old)
    if len(leaves) != len(later):
        return old
    kept = [
        convert_to_tensor(leaf) if isinstance(leaf, Variable) and leaf is not other else leaf
        for leaf, other in zip(leaves, later, strict=True)
    ]
    return pack(old, kept)


def _unknown(value: Any) -> Any:
    """Return an unknown value like that of a variable, in the graph that is thrown away."""
    if isinstance(value, UndefinedReturnValue):
        return UndefinedReturnValue(definite=True)
    return pack(value, [leaf if is_static(leaf) else _parameter(leaf) for leaf in flatten(value)])


def _parameter(leaf: Any) -> Tensor:
    """Return an unknown like a leaf, in the graph that is thrown away."""
    tensor = leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf)
    graph: Any = get_default_graph()
    return graph.add_input(tensor.dtype.base_dtype, tensor.dims, "loop_var")


def scratch_graph(name: str) -> FuncGraph:
    """Return a graph that is thrown away, inside the current one."""
    return FuncGraph(name, get_default_graph())


def _invariants(given: Any, names: Sequence[str], values: Sequence[Any]) -> dict[int, Any]:
    """Return shape invariants by the positions of their variables."""
    result: dict[int, Any] = {}
    for key, shape in given or ():
        for index, (name, value) in enumerate(zip(names, values, strict=True)):
            if (key == name) if isinstance(key, str) else (key is value):
                result[index] = shape
    return result


class _LoopVariable:
    """A variable of a loop: its structure, the tensors it consists of, and what in it is no tensor."""

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value
        self.leaves = flatten(value)
        self.tensors: list[Tensor] = []
        for leaf in self.leaves:
            if not is_static(leaf):
                self.tensors.append(convert_to_tensor(leaf))

    def shapes(self, invariant: Any) -> list[Any]:
        """Return the shapes that hold throughout the loop, for each tensor."""
        if invariant is None:
            return [tensor.dims for tensor in self.tensors]
        given = invariant
        if len(self.leaves) == 1 and not nest.is_nested(self.value):
            given = [invariant]
        else:
            given = nest.flatten_up_to(nest.map_structure(lambda _: 0, self.value), invariant)
        return [None if shape is None else as_dims(shape) for shape in given]

    def packed(self, tensors: Any) -> Any:
        """Return the variable's value, made of the next tensors."""
        if self.leaves == [] or (len(self.leaves) == 1 and self.leaves[0] is self.value and is_static(self.value)):
            return self.value
        return pack(self.value, [leaf if is_static(leaf) else next(tensors) for leaf in self.leaves])

    def next_tensors(self, value: Any, shapes: Any) -> list[Tensor]:
        """Return the tensors of the value after an iteration.

        Raises:
            TypeError: if the structure or a type has changed.
            ValueError: if a shape has changed, or something else that is no tensor.
        """
        if isinstance(value, Undefined):
            if isinstance(self.value, Undefined):
                return []
            raise ValueError(f"'{self.name}' is undefined at the end of the loop body: it was deleted.")
        if (value is None) != (self.value is None):
            raise ValueError(f"'{self.name}' is None {'after' if value is None else 'before'} one iteration only.")
        if isinstance(self.value, list) and isinstance(value, list) and len(value) > len(self.value):
            raise TypeError(
                f"'{self.name}' is a list that grows in a loop over Tensors, from {len(self.value)} to {len(value)} "
                "elements in one iteration. Use a tf.TensorArray: array = array.write(i, x)."
            )
        same_structure(self.name, self.value, value, "before the loop and after one iteration")
        result: list[Tensor] = []
        for before, after in zip(self.leaves, flatten(value), strict=True):
            if is_static(before):
                if before is not after:
                    raise ValueError(
                        f"'{self.name}' holds {before!r} before the loop, but {after!r} after one iteration: only "
                        "values that can be Tensors can change in a loop over Tensors."
                    )
                continue
            old = convert_to_tensor(before)
            new = convert_to_tensor(after)
            if old.dtype.base_dtype != new.dtype.base_dtype:
                raise TypeError(
                    f"'{self.name}' has dtype {old.dtype.base_dtype.name} before the loop, but dtype "
                    f"{new.dtype.base_dtype.name} after one iteration"
                )
            invariant = next(shapes)
            if not _keeps(invariant, new.dims):
                has = "shape" if invariant == old.dims else "shape invariant"
                raise ValueError(
                    f"'{self.name}' has {has} {TensorShape(invariant)} before the loop, but shape {new.shape} after "
                    "one "
                    "iteration. Use tf.autograph.experimental.set_loop_options to set shape invariants."
                )
            result.append(new)
        return result


def _keeps(invariant: Any, dims: Any) -> bool:
    if invariant is None:
        return True
    if dims is None or len(dims) != len(invariant):
        return False
    return all(wanted is None or wanted == size for wanted, size in zip(invariant, dims, strict=True))
