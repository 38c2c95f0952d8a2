"""Decisions, loops and ordering in a graph: `cond`, `case`, `while_loop`, `group`, `tuple`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.func_graph import FuncGraph
from penstock.core.graph import Graph, current_graph, get_default_graph, name_scope
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.inference import static_value
from penstock.core.op_def import lookup
from penstock.core.operation import Operation
from penstock.core.shape import TensorShape, as_dims
from penstock.core.sparse_tensor import SparseTensor, SparseTensorSpec
from penstock.core.tensor import SymbolicTensor, Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec
from penstock.ops.constant import identity, no_op, stop_gradient


def build_body(
    name: str, function: Callable[..., Any], arguments: Sequence[Tensor], graph: Graph
) -> tuple[FuncGraph, Any]:
    """Run a Python function inside a FuncGraph.

    Args:
        name: the body's name.
        function: takes tensors and returns a nest of tensors, operations or None.
        arguments: tensors like those that the body will be called with.
        graph: the surrounding graph.
    Returns:
        The body, and what the function returned.
    """
    body = FuncGraph(get_default_graph().unique_name(name).replace("/", "_"), graph)
    with body.as_default():
        parameters = [
            body.add_input(tensor.dtype.base_dtype, tensor.dims, f"arg_{i}") for i, tensor in enumerate(arguments)
        ]
        result = function(*parameters)
    return body, result


def _branch(name: str, function: Callable[[], Any], graph: Graph) -> tuple[FuncGraph, Any]:
    body, result = build_body(name, function, (), graph)
    with body.as_default():
        flat = nest.flatten(result, expand_composites=True)
        for item in flat:
            if isinstance(item, Operation):
                body.control_outputs.append(item)
        body.outputs = [
            body.capture(convert_to_tensor(item))  # type: ignore[arg-type]
            for item in flat
            if item is not None and not isinstance(item, Operation)
        ]
    body.structured_outputs = result
    return body, result


def share_inputs(bodies: Sequence[FuncGraph]) -> list[Tensor]:
    """Give all bodies one input for each tensor that any of them captured, in one order, and return those tensors."""
    outside: dict[int, Tensor] = {}
    for body in bodies:
        for tensor, _ in body.captures:
            outside.setdefault(id(tensor), tensor)
    for body in bodies:
        own = {id(tensor): placeholder for tensor, placeholder in body.captures}
        arguments = [t for t in body.inputs if all(t is not placeholder for placeholder in own.values())]
        with body.as_default():
            captured = [
                own[key] if key in own else body._placeholder(tensor.dtype, tensor.dims, "unused")
                for key, tensor in outside.items()
            ]
        body.inputs = [*arguments, *captured]
    return list(outside.values())


def _check_same(results: Sequence[tuple[FuncGraph, Any]], name: str) -> None:
    first_body, first = results[0]
    for body, result in results[1:]:
        counts = [len(nest.flatten(first)), len(nest.flatten(result))]
        if counts[0] != counts[1]:
            raise AssertionError(
                f"{name}: the branches must return the same number of values, but the first returns {first!r} and "
                f"another {result!r}: {counts}"
            )
        if len(first_body.outputs) != len(body.outputs) and len(_tensors(first)) != len(_tensors(result)):
            raise ValueError(
                f"{name}: the branches must return the same structure, but the first returns {first!r} and another "
                f"{result!r}: one returns None or an operation where the other returns a tensor."
            )
        try:
            nest.assert_same_structure(_outline(first), _outline(result), expand_composites=True)
        except (ValueError, TypeError) as error:
            raise TypeError(
                f"{name}: the branches must return the same structure, but the first returns {first!r} and another "
                f"{result!r}. {error}"
            ) from None
        for a, b in zip(first_body.outputs, body.outputs, strict=True):
            if a.dtype.base_dtype != b.dtype.base_dtype:
                raise TypeError(
                    f"{name}: the branches must return the same types, got {a.dtype.name} from {a.name!r} and "
                    f"{b.dtype.name} from {b.name!r}. "
                    "Use tf.cast in one of the branches."
                )


def _tensors(result: Any) -> list[Any]:
    return [item for item in nest.flatten(result) if item is not None and not isinstance(item, Operation)]


def _outline(result: Any) -> Any:
    def outline(item: Any) -> Any:
        if isinstance(item, CompositeTensor):
            return item
        return None if item is None or isinstance(item, Operation) else 0

    return nest.map_structure(outline, result)


def _common_structure(results: Sequence[Any]) -> Any:
    """Return the structure of what branches return, with composite values replaced by specs that hold them all."""
    flat = [nest.flatten(result) for result in results]
    merged = [
        items[0]._type_spec.most_specific_compatible_type(_merged_spec(items))
        if isinstance(items[0], CompositeTensor)
        else items[0]
        for items in zip(*flat, strict=True)
    ]
    return nest.pack_sequence_as(results[0], merged)


def _merged_spec(items: Sequence[Any]) -> TypeSpec:
    spec: TypeSpec = items[0]._type_spec
    for item in items[1:]:
        spec = spec.most_specific_compatible_type(item._type_spec)
    return spec


def _pack_outputs(result: Any, outputs: Sequence[Tensor], op: Operation) -> Any:
    """Return the outputs of an operation nested as the body's result; operations and None become the operation
    itself."""
    remaining = iter(outputs)
    flat = [
        (None if item is None else op) if item is None or isinstance(item, Operation) else next(remaining)
        for item in nest.flatten(result, expand_composites=True)
    ]
    return nest.pack_sequence_as(result, flat, expand_composites=True)


def smart_constant_value(pred: Any) -> bool | None:
    """Return a predicate's value if it is known now, else None.

    Raises:
        TypeError: if it is neither a Python bool, nor 0 or 1, nor a tensor.
    """
    if isinstance(pred, (bool, np.bool_)) or (isinstance(pred, int) and pred in (0, 1)):
        return bool(pred)
    if isinstance(pred, Tensor):
        value = static_value(pred)
        return None if value is None else bool(value)
    if hasattr(pred, "dtype"):
        return None
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {pred!r}")


def smart_cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str | None = None) -> Any:
    """Return `true_fn()` or `false_fn()`: decided now if the predicate is known, in the graph otherwise."""
    known = smart_constant_value(pred)
    if known is None:
        return cond(pred, true_fn, false_fn, name=name)
    return true_fn() if known else false_fn()


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """Run one of two functions, as `pred` decides when the graph runs.

    Args:
        pred: a boolean scalar tensor; in eager execution its value decides at once.
        true_fn: builds what is returned if `pred` is true. Only the operations made inside run conditionally.
        false_fn: builds what is returned otherwise; same structure and types.
        name: the name scope.
    Returns:
        What the functions return, as tensors.
    Raises:
        TypeError: if a function is not callable, or structures or types differ.
        AssertionError: if one function returns more values than the other.
        ValueError: if one returns None where the other returns a tensor.
        InvalidArgumentError: if the predicate is known not to be a boolean scalar.
    """
    for label, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"'{label}' must be callable, got {function!r}")
    if true_fn is None or false_fn is None:
        raise AssertionError("checked above")
    graph = current_graph()
    if graph is None:
        with name_scope(name, "cond"):
            return true_fn() if pred else false_fn()
    if isinstance(pred, (bool, np.bool_)):
        raise TypeError("pred must not be a Python bool")
    with graph.name_scope(name or "cond"):
        predicate = convert_to_tensor(pred)
        _expect_boolean_scalar(predicate, f"tf.cond {graph.get_name_scope()!r}: pred")
        results = [_branch("true", true_fn, graph), _branch("false", false_fn, graph)]
        _check_same(results, f"tf.cond {graph.get_name_scope()!r}")
        bodies = [body for body, _ in results]
        inputs = share_inputs(bodies)
        types = [tensor.dtype.base_dtype for tensor in bodies[0].outputs]
        op_name = "If" if _has_effects(bodies) else "StatelessIf"
        op, outputs = _call(
            op_name,
            graph,
            [predicate, inputs],
            {"then_branch": bodies[0], "else_branch": bodies[1], "Tout": types},
            "cond",
        )
        return _finish(_common_structure([result for _, result in results]), outputs, op)


def switch_on_index(index: Tensor, functions: Sequence[Callable[[], Any]]) -> Any:
    """Run one of several functions, as an index decides when the graph runs; the last one where it is out of range.

    Args:
        index: an int32 scalar of a graph.
        functions: build what is returned; all of the same structure and types.
    """
    graph = get_default_graph()
    results = [_branch(f"branch{i}", function, graph) for i, function in enumerate(functions)]
    _check_same(results, f"tf.switch_case {graph.get_name_scope()!r}")
    bodies = [body for body, _ in results]
    inputs = share_inputs(bodies)
    types = [tensor.dtype.base_dtype for tensor in bodies[0].outputs]
    op_name = "Case" if _has_effects(bodies) else "StatelessCase"
    op, outputs = _call(op_name, graph, [index, inputs], {"branches": bodies, "Tout": types}, "indexed_case")
    return _finish(_common_structure([result for _, result in results]), outputs, op)


_control_flow_v2 = True


def control_flow_v2_enabled() -> bool:
    """Tell whether `cond` returns lists of one tensor as they are, as in TensorFlow 2."""
    return _control_flow_v2


def enable_control_flow_v2() -> None:
    """Follow TensorFlow 2 in what `cond` returns."""
    global _control_flow_v2
    _control_flow_v2 = True


def disable_control_flow_v2() -> None:
    """Follow TensorFlow 1 in what `cond` returns: the tensor of a list of one."""
    global _control_flow_v2
    _control_flow_v2 = False


def cond_v1(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """Run one of two functions, as `pred` decides when the graph runs; see `cond`.

    Args:
        pred, true_fn, false_fn, name: see `cond`.
        strict: whether a list of one tensor is returned as a list, and not as the tensor; only TensorFlow 1's control
            flow (`disable_control_flow_v2`) asks.
        fn1, fn2: former names of `true_fn` and `false_fn`.
    """
    if (fn1 is not None and true_fn is not None) or (fn2 is not None and false_fn is not None):
        raise TypeError("cond(): true_fn and fn1, or false_fn and fn2, may not be set simultaneously.")
    result = cond(pred, true_fn or fn1, false_fn or fn2, name)
    unpacks = isinstance(result, (list, tuple)) and len(result) == 1 and not strict and not control_flow_v2_enabled()
    return result[0] if unpacks else result


def _has_effects(bodies: Sequence[FuncGraph]) -> bool:
    return any(op.op_def.is_stateful and op.type != "Placeholder" for body in bodies for op in body.get_operations())


def _call(
    op_name: str, graph: Graph, args: list[Any], attrs: dict[str, Any], name: str
) -> tuple[Operation, list[Tensor]]:
    outputs = lookup(op_name)(*args, **attrs, name=name)  # type: ignore[operator]
    if isinstance(outputs, list) and outputs:
        op = outputs[0].op
    else:
        op, outputs = graph.get_operations()[-1], []
    return op, [identity(output) for output in outputs]


def _finish(result: Any, outputs: list[Tensor], op: Operation) -> Any:
    packed = _pack_outputs(result, outputs, op)
    return op if result is None else packed


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """Run the function of the first predicate that is true.

    Args:
        pred_fn_pairs: a list of (boolean scalar tensor, function), or a dictionary of them.
        default: run where no predicate is true; without it, one of them must be.
        exclusive: whether it is an error for several predicates to be true.
        strict: whether a returned list of one is kept as a list.
        name: the name scope.
    Raises:
        TypeError: if the pairs are not pairs of a boolean tensor and a function.
        ValueError: if there are none.
        InvalidArgumentError: if no predicate is true and there is no default, or several are and `exclusive` is set.
    """
    pairs = _case_pairs(pred_fn_pairs, exclusive)
    with name_scope(name, "case"):
        if default is None:
            # The first check is of the last pair: where it does not hold, no predicate did.
            default = _checked_action([predicate for predicate, _ in pairs], pairs.pop()[1])
        if exclusive:
            true_count = lookup("Sum")([lookup("Cast")(p, DstT=dtypes.int32) for p, _ in pairs] or [0], [0])  # type: ignore[operator]
            check = lookup("LessEqual")(true_count, 1)  # type: ignore[operator]
            with_check = [assert_true(check, ["More than one condition evaluated as True but exclusive=True"])]
        else:
            with_check = []
        with get_default_graph().control_dependencies([c for c in with_check if c is not None]):
            build = default
            for predicate, function in reversed(pairs):
                build = _chain(predicate, function, build)
            return build()


def _case_pairs(pred_fn_pairs: Any, exclusive: bool) -> list[tuple[Tensor, Callable[[], Any]]]:
    """Return the pairs given to `case`, checked."""
    if not isinstance(pred_fn_pairs, (list, tuple, dict)):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(pred_fn_pairs)}")
    if type(pred_fn_pairs) is dict and not exclusive and current_graph() is None:
        raise ValueError(
            "Unordered dictionaries are not supported for 'pred_fn_pairs' when exclusive=False and execution is eager. "
            "Pass a list of pairs."
        )
    items = pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs
    if not items:
        raise ValueError("'pred_fn_pairs' is empty: pass at least one (predicate, function) pair")
    pairs = []
    for item in items:
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {item!r}.")
        predicate = item[0].deref() if hasattr(item[0], "deref") else item[0]
        if not isinstance(predicate, Tensor):
            raise TypeError(f"pred must be a Tensor, got: {predicate!r}")
        if predicate.dtype.base_dtype != dtypes.bool_:
            raise TypeError(f"pred must be Tensor of type bool: {predicate!r}")
        if not callable(item[1]):
            raise TypeError(f"fn for pred {predicate!r} must be callable, got {item[1]!r}")
        pairs.append((predicate, item[1]))
    return pairs


def _checked_action(predicates: Sequence[Tensor], action: Callable[[], Any]) -> Callable[[], Any]:
    """Return the last action as a default, which fails where its own predicate is false."""

    def checked() -> Any:
        check = assert_true(
            predicates[-1],
            ["Input error: None of conditions evaluated as True:", lookup("Pack")(list(predicates), axis=0)],  # type: ignore[operator]
            summarize=len(predicates),
        )
        with get_default_graph().control_dependencies([] if check is None else [check]):
            return action()

    return checked


def _chain(predicate: Any, function: Callable[[], Any], otherwise: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: cond(predicate, function, otherwise)


def assert_true(condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None) -> Any:
    """Fail when the graph runs if `condition` is false; eagerly, at once.

    Args:
        condition: a boolean tensor.
        data: tensors or values to print in the message.
        summarize: how many elements of each to print.
        name: the node's name.
    Returns:
        The operation to wait for; None eagerly.
    """
    return lookup("Assert")(
        condition,
        [convert_to_tensor(item) for item in data],
        summarize=3 if summarize is None else summarize,
        name=name,
    )  # type: ignore[operator]


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Repeat `body` while `cond` is true.

    Args:
        cond: from the loop variables to a boolean scalar tensor.
        body: from the loop variables to their next values, in the same structure.
        loop_vars: a nest of tensors, the values before the first iteration.
        shape_invariants: for loop variables whose shape changes, the shape that holds throughout, nested alike.
        parallel_iterations, swap_memory: accepted as TensorFlow does.
        back_prop: False if no gradient is to flow through the loop.
        maximum_iterations: the most iterations to run; None for any number.
        name: the name scope.
    Returns:
        The loop variables after the last iteration, nested as `loop_vars`.

    >>> import penstock as tf
    >>> [int(i) for i in tf.while_loop(lambda i: i < 10, lambda i: [i + 3], [0])]
    [12]

    Raises:
        TypeError: if cond or body is not callable, or a loop variable changes its type.
        ValueError: if the body returns another structure, or a loop variable changes its shape.
        AssertionError: if the body of a loop in a graph returns None for a loop variable, or the condition is None.
    """
    for label, function in (("cond", cond), ("body", body)):
        if not callable(function):
            raise TypeError(f"'{label}' must be callable, got {function!r}")
    if parallel_iterations < 1:
        raise TypeError(f"'parallel_iterations' must be a positive integer, got {parallel_iterations!r}")
    if isinstance(loop_vars, Tensor):
        raise TypeError(f"'loop_vars' must be a list or tuple of loop variables, got the tensor {loop_vars!r}")
    graph = current_graph()
    if graph is None:
        return _eager_loop(cond, body, loop_vars, maximum_iterations, packs=False)
    with graph.name_scope(name or "while"):
        result = _graph_loop(graph, cond, body, loop_vars, shape_invariants, parallel_iterations, maximum_iterations)
        return result if back_prop else nest.map_structure(stop_gradient, result, expand_composites=True)


def while_loop_v1(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Repeat `body` while `cond` is true; see `while_loop`.

    Args:
        cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory, name, maximum_iterations:
            see `while_loop`.
        return_same_structure: whether a list of one loop variable is returned as a list, and not as the tensor.
    """
    if current_graph() is None and callable(cond) and callable(body) and not isinstance(loop_vars, Tensor):
        return _eager_loop(cond, body, loop_vars, maximum_iterations, packs=not return_same_structure)
    result = while_loop(
        cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory, maximum_iterations, name
    )
    single = isinstance(loop_vars, (list, tuple)) and len(loop_vars) == 1 and not return_same_structure
    return result[0] if single else result


def _call_with(function: Callable[..., Any], loop_vars: Any) -> Any:
    return function(*loop_vars) if isinstance(loop_vars, (list, tuple)) else function(loop_vars)


def _eager_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: Any, packs: bool
) -> Any:
    """Run a loop at once.

    Args:
        packs: whether the body of a loop over one variable may return its value alone; the loop then returns it so.
    """
    if not isinstance(loop_vars, dict) and len(loop_vars) == 0:
        raise ValueError("'loop_vars' must be provided: there is nothing to repeat")
    limit = None if maximum_iterations is None else convert_to_tensor(maximum_iterations, name="maximum_iterations")
    if limit is not None and limit.dims:
        raise ValueError(f"'maximum_iterations' must be a scalar. Received shape: {limit.shape}")
    packs = packs and len(loop_vars) == 1
    outline = nest.map_structure(lambda _: 0, list(loop_vars))
    count, packed = 0, False
    # Python numbers stay what they are while the loop runs, so that they take the type of what they meet.
    while _call_with(cond, loop_vars) and (limit is None or count < limit):
        loop_vars, before = _call_with(body, loop_vars), loop_vars
        if limit is not None:
            nest.assert_same_structure(loop_vars, before)
        if packs and not isinstance(loop_vars, (list, tuple)):
            packed, loop_vars = True, (loop_vars,)
        nest.assert_same_structure(list(loop_vars), outline)
        count += 1
    result = nest.map_structure(_as_loop_value, loop_vars)
    return result[0] if packed else result


def _as_loop_value(item: Any) -> Any:
    return item if nest.is_nested_or_composite(item) else convert_to_tensor(item)


def _graph_loop(
    graph: Graph,
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any,
    parallel_iterations: int,
    maximum_iterations: Any,
) -> Any:
    flat = [
        convert_to_tensor(item, name=f"loop_var_{i}")
        for i, item in enumerate(nest.flatten(loop_vars, expand_composites=True))
    ]
    variables = nest.flatten(loop_vars)
    specs = [_loop_spec(item) for item in variables]
    if shape_invariants is not None:
        from_user = nest.flatten_up_to(nest.map_structure(lambda _: 0, loop_vars), shape_invariants)
        specs = [_invariant_spec(item, shape) for item, shape in zip(variables, from_user, strict=True)]
    dims = [
        part
        for item, spec in zip(variables, specs, strict=True)
        for part in (_dims_of(item) if spec is None else [as_dims(each.shape) for each in spec.flatten()])
    ]
    outline = nest.pack_sequence_as(
        loop_vars,
        [spec if isinstance(item, CompositeTensor) else item for item, spec in zip(variables, specs, strict=True)],
    )
    name = graph.get_name_scope()
    limited = maximum_iterations is not None
    if limited:
        limit = convert_to_tensor(maximum_iterations, dtypes.int32, name="maximum_iterations")
        flat, dims = [convert_to_tensor(0), *flat], [(), *dims]

    def nested(parameters: Sequence[Tensor]) -> Any:
        return nest.pack_sequence_as(outline, list(parameters[1:] if limited else parameters), expand_composites=True)

    def run_cond(*parameters: Tensor) -> Any:
        wanted = _call_with(cond, nested(parameters))
        if wanted is None:
            raise AssertionError(f"tf.while_loop {name!r}: the condition is None, expected a boolean scalar")
        wanted = convert_to_tensor(wanted)
        if wanted.dims is None or wanted.dims:
            wanted = lookup("Squeeze")(wanted)  # type: ignore[operator]
        if not limited:
            return wanted
        return lookup("LogicalAnd")(wanted, lookup("Less")(parameters[0], limit))  # type: ignore[operator]

    def run_body(*parameters: Tensor) -> list[Tensor]:
        result = _call_with(body, nested(parameters))
        if isinstance(loop_vars, (list, tuple)) and (
            not nest.is_nested(result)
            or len(loop_vars) == 1
            and (not isinstance(result, (list, tuple)) or nest.is_namedtuple(result))
        ):
            result = [result]
        if isinstance(loop_vars, (list, tuple)) and isinstance(result, (list, tuple)) and len(result) != len(loop_vars):
            raise ValueError(
                f"tf.while_loop {name!r}: the body returns {len(result)} values for {len(loop_vars)} loop variables: "
                f"{loop_vars!r}"
            )
        if any(item is None for item in nest.flatten(result)):
            raise AssertionError(
                f"tf.while_loop {name!r}: the body returns {result!r}, and None is no value of a loop variable; the "
                f"loop variables are {loop_vars!r}"
            )
        nest.assert_same_structure(result, loop_vars, check_types=False, expand_composites=True)
        following = [convert_to_tensor(item) for item in nest.flatten(result, expand_composites=True)]
        return [lookup("AddV2")(parameters[0], 1), *following] if limited else following  # type: ignore[operator]

    like = [_Like(tensor, shape) for tensor, shape in zip(flat, dims, strict=True)]
    cond_body, wanted = build_body("while_cond", run_cond, like, graph)  # type: ignore[arg-type]
    loop_body, following = build_body("while_body", run_body, like, graph)  # type: ignore[arg-type]
    with cond_body.as_default():
        cond_body.outputs = [cond_body.capture(wanted)]
    with loop_body.as_default():
        loop_body.outputs = [loop_body.capture(tensor) for tensor in following]
    _expect_boolean_scalar(cond_body.outputs[0], f"tf.while_loop {name!r}: the condition")
    for index, (before, shape, after) in enumerate(zip(flat, dims, loop_body.outputs, strict=True)):
        variable = f"tf.while_loop {name!r}: loop variable {index - limited} ({before!r})"
        if before.dtype.base_dtype != after.dtype.base_dtype:
            raise TypeError(
                f"{variable} enters with type {before.dtype.name}, but the body returns {after.dtype.name}. Use "
                "tf.cast "
                "in the body."
            )
        if not _keeps(shape, after.dims):
            raise ValueError(
                f"{variable} enters with shape {before.shape}, but has shape {after.shape} after one iteration. Pass "
                "shape_invariants with None for the sizes that change."
            )
    captured = share_inputs([cond_body, loop_body])
    with loop_body.as_default():
        loop_body.outputs = [*loop_body.outputs, *loop_body.inputs[len(flat) :]]
    effects = _has_effects([cond_body, loop_body])
    attrs = {
        "cond": cond_body,
        "body": loop_body,
        "output_shapes": [*dims, *(tensor.dims for tensor in captured)],
        "parallel_iterations": parallel_iterations,
    }
    op, outputs = _call("While" if effects else "StatelessWhile", graph, [[*flat, *captured]], attrs, "while")
    loop_body.loop = op
    if limited:
        op.__dict__["_trips"] = op.outputs[0]
    results = outputs[1 : len(flat)] if limited else outputs[: len(flat)]
    return nest.pack_sequence_as(outline, results, expand_composites=True)


def _expect_boolean_scalar(predicate: Tensor, what: str) -> None:
    if predicate.dtype.base_dtype != dtypes.bool_:
        raise InvalidArgumentError(
            None,
            None,
            f"{what} must be a boolean tensor, got {predicate.dtype.name}: compare it, or use tf.cast(..., tf.bool).",
        )
    if predicate.dims:
        raise InvalidArgumentError(
            None,
            None,
            f"{what} must be a scalar, but it has the shape {predicate.shape}. Use tf.reduce_all or tf.reduce_any to "
            "make one.",
        )


def _dims_of(item: Any) -> list[Any]:
    """Return the static shapes of a loop variable that is no composite tensor."""
    return [convert_to_tensor(part).dims for part in nest.flatten(item, expand_composites=True)]


def _loop_spec(item: Any) -> TypeSpec | None:
    """Return what a loop keeps of a composite loop variable: of sparse tensors the rank; None for other values."""
    if isinstance(item, SparseTensor):
        rank = item.shape.rank
        return SparseTensorSpec(None if rank is None else [None] * rank, item.dtype)
    return item._type_spec if isinstance(item, CompositeTensor) else None


def _invariant_spec(item: Any, invariant: Any) -> TypeSpec:
    """Return the spec that a shape invariant, a shape or a spec, holds a loop variable to.

    Raises:
        ValueError: if a loop variable is not of the spec.
    """
    if isinstance(invariant, TypeSpec):
        if isinstance(item, CompositeTensor) and not invariant.is_compatible_with(item):
            raise ValueError(f"The loop variable {item!r} is not of the spec {invariant!r} given for it")
        return invariant
    shape = TensorShape(invariant)
    if isinstance(item, CompositeTensor):
        return item._shape_invariant_to_type_spec(shape)
    return TensorSpec(shape, dtypes.variant)


class _Like:
    """The type and shape of a parameter."""

    def __init__(self, tensor: Tensor, dims: Any) -> None:
        self.dtype = tensor.dtype
        self.dims = dims


def _keeps(invariant: Any, dims: Any) -> bool:
    if invariant is None:
        return True
    if dims is None or len(dims) != len(invariant):
        return False
    return all(known is None or known == size for known, size in zip(invariant, dims, strict=True))


def group(*inputs: Any, name: str | None = None) -> Any:
    """Return an operation that is done when all inputs are done.

    Args:
        *inputs: operations, tensors, variables, or nests of them.
        name: the operation's name.
    """
    graph = current_graph()
    if graph is None:
        return None
    flat = [item for item in nest.flatten(list(inputs), expand_composites=True) if item is not None]
    for item in flat:
        if not isinstance(item, (Operation, SymbolicTensor, IndexedSlices)) and not hasattr(item, "op"):
            raise TypeError(
                f"'inputs' should be zero or more (nested) Tensors. Received {item!r} with type {type(item)}."
            )
    with graph.name_scope(name or "group_deps") as scope, graph.control_dependencies(flat):
        return no_op(name=scope)


def tuple_(tensors: Sequence[Any], name: str | None = None, control_inputs: Sequence[Any] | None = None) -> list[Any]:
    """Return the tensors as they are once all of them, and the control inputs, have been computed.

    Args:
        tensors: tensors or None.
        name: the name scope.
        control_inputs: operations to wait for besides.
    """
    if current_graph() is None:
        return list(tensors)
    with name_scope(name, "tuple"):
        waits = [t if isinstance(t, Operation) else t.op for t in tensors if t is not None]
        for item in control_inputs or ():
            if not isinstance(item, (Operation, SymbolicTensor)) and not hasattr(item, "op"):
                raise TypeError(f"'control_inputs' must only contain Operation or Tensor. Received: {type(item)}")
            waits.append(item if isinstance(item, Operation) else item.op)
        if not waits:
            raise ValueError("Must have at least one Tensor or Operation: all entries are None")
        gate = group(*waits)
        return [
            None if t is None else gate if isinstance(t, Operation) else with_dependencies([gate], t) for t in tensors
        ]


def tuple_v2(tensors: Sequence[Any], control_inputs: Sequence[Any] | None = None, name: str | None = None) -> list[Any]:
    """Return the tensors as they are once all of them, and the control inputs, have been computed; see `tuple_`."""
    return tuple_(tensors, name, control_inputs)


def with_dependencies(dependencies: Sequence[Any], output: Any, name: str | None = None) -> Any:
    """Return `output` as it is once the dependencies have run.

    Args:
        dependencies: operations or tensors.
        output: a tensor or IndexedSlices.
        name: the name scope.
    """
    if current_graph() is None:
        return output
    with name_scope(name, "control_dependency") as scope, get_default_graph().control_dependencies(dependencies):
        if isinstance(output, IndexedSlices):
            return IndexedSlices(identity(output.values), output.indices, output.dense_shape)
        return identity(convert_to_tensor(output), name=scope)
