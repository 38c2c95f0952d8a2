"""A chain of elementwise operations some of whose results become the values of variables.

A result overwrites the variable's memory, element by element, where the chain reads the value that is there and nobody
else still needs it. Elsewhere it is computed in memory of its own, which the variable then takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.dtypes import as_dtype
from penstock.core.resources import VariableStorage
from penstock.ops.fused.declare import fused_op
from penstock.ops.fused.native.elementwise import CPU_ONLY, code_of, elementwise_specialized
from penstock.ops.fused.native.region import Access, Chain, Region
from penstock.ops.state.variables import check_type

Update = Callable[[list[Array], list[VariableStorage]], list[Array]]


@fused_op("_ElementwiseUpdate(inputs: list(Tin), variables: N * resource) -> outputs: list(Tout)", stateful=True)
def elementwise_update_op(inputs: list[Array], variables: list[VariableStorage], *, chain: object) -> list[Array]:
    assert isinstance(chain, Chain)
    return _assign(chain.region, variables, chain.by_operation(inputs))


@elementwise_update_op.specialize
def elementwise_update_specialized(attrs: dict[str, Any]) -> Update:
    chain: Chain = attrs["chain"]
    compute = elementwise_specialized({"chain": replace(chain, region=replace(chain.region, written=()))})
    in_place = _in_place(chain.region) if chain.region.is_flat else None
    is_first = True

    def run(values: list[Array], variables: list[VariableStorage]) -> list[Array]:
        nonlocal is_first
        if in_place is not None and not is_first:
            results = in_place(values, variables)
            if results is not None:
                return results
        is_first = False
        return _assign(chain.region, variables, compute(values))

    return run


def _assign(region: Region, variables: Sequence[VariableStorage], results: list[Array]) -> list[Array]:
    """Give variables copies of the first results, and return the others."""
    for variable, index in zip(variables, region.outputs, strict=False):
        check_type(variable, as_dtype(region.steps[index].dtype), "assign to")
    for variable, value in zip(variables, results, strict=False):
        with variable.lock:
            variable.assign(value)
    return results[len(variables) :]


def _in_place(region: Region) -> Callable[[list[Array], list[VariableStorage]], list[Array] | None]:
    """Return the function that runs a region on the variables' own memory, or on memory that they take, and answers
    None where that cannot be.

    Its source is generated; the region is one in which rows do not matter.
    """
    namespace: dict[str, Any] = {
        "code": code_of(region),
        "empty": torch.empty,
    }
    for position in region.own_outputs:
        namespace[f"type{position}"] = as_dtype(region.steps[region.outputs[position]].dtype)
        namespace[f"dtype{position}"] = torch_dtype(namespace[f"type{position}"])
    exec("\n".join(_in_place_lines(region)), namespace)
    run: Callable[[list[Array], list[VariableStorage]], list[Array] | None] = namespace["run"]
    return run


def _in_place_lines(region: Region) -> Iterator[str]:
    names = [f"x{index}" for index in range(len(region.inputs))]
    accesses = [access for _, access in region.inputs]
    full = [name for name, access in zip(names, accesses, strict=True) if access is Access.FULL]
    count = len(region.written)
    updated = [f"v{position}" for position in range(count)]
    own = [f"y{position}" for position in region.own_outputs]
    tests = ["n", *(f"{name}.shape == shape" for name in full[1:])]
    tests += [f"x{index}.is_contiguous()" for index in region.written if index >= 0]
    tests += [f"{name}.numel() == 1" for name, access in zip(names, accesses, strict=True) if access is Access.SCALAR]
    for position, index in enumerate(region.written):
        if index >= 0:
            tests += [f"v{position}.value is x{index}", f"not v{position}.is_shared"]
        else:
            tests.append(f"v{position}.dtype is type{position}")
    if not CPU_ONLY:
        tests += [f"{name}.is_cpu" for name in names]
    yield "def run(values, variables):"
    yield f"    {', '.join(names)}, = values"
    yield f"    {', '.join(updated)}, = variables"
    # Gradients of filters lie otherwise than the variables; those are the memory that is written.
    read = [name for index, name in enumerate(names) if name in full and index not in region.written]
    yield from (f"    if not {name}.is_contiguous(): {name} = {name}.contiguous()" for name in read)
    yield f"    n = {full[0]}.numel()"
    yield f"    shape = {full[0]}.shape"
    yield f"    if not ({' and '.join(tests)}):"
    yield "        return None"
    yield from (f"    y{position} = empty(shape, dtype=dtype{position})" for position in region.own_outputs)
    addresses = [f"{name}.data_ptr()" for name in (*names, *own)]
    # In one order everywhere, so that no two steps wait for each other.
    locks = ", ".join(f"{name}.lock" for name in updated)
    yield f"    locks = {f'sorted([{locks}], key=id)' if count > 1 else f'[{locks}]'}"
    yield "    for lock in locks: lock.acquire()"
    yield "    try:"
    yield f"        code.flat({', '.join(['1', 'n', *addresses])})"
    for position, index in enumerate(region.written):
        if index < 0:
            yield f"        v{position}.take(y{position})"
    yield "    finally:"
    yield "        for lock in locks: lock.release()"
    yield f"    return [{', '.join(f'y{position}' for position in region.own_outputs if position >= count)}]"
