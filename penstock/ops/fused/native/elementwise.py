"""The operation that stands for a chain of elementwise operations, and how its machine code is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from penstock.core.array import Array, torch_dtype
from penstock.core.dtypes import as_dtype
from penstock.core.op_def import OpDef
from penstock.ops.fused.declare import fused_op
from penstock.ops.fused.native.caller import caller_source
from penstock.ops.fused.native.region import Access, Chain, Form, Region, Step

# A chain that runs once is not worth compiling, unless its first results would differ from later ones in the last
# places; for a chain of so many steps, that takes too long to wait for.
_RUNS_BEFORE_COMPILING = 1
_LONG = 64
CPU_ONLY = not torch.cuda.is_available()

Loop = Callable[..., None]


@fused_op("_Elementwise(inputs: list(Tin)) -> outputs: list(Tout)")
def elementwise_op(inputs: list[Array], *, chain: object) -> list[Array]:
    assert isinstance(chain, Chain)
    return chain.by_operation(inputs)


@elementwise_op.specialize
def elementwise_specialized(attrs: dict[str, Any]) -> Callable[[list[Array]], list[Array]]:
    chain: Chain = attrs["chain"]
    compiled: Callable[[list[Array]], list[Array]] | None = None
    runs = 0 if chain.region.is_exact or len(chain.region.steps) > _LONG else _RUNS_BEFORE_COMPILING

    def run(values: list[Array]) -> list[Array]:
        nonlocal compiled, runs
        if compiled is not None:
            return compiled(values)
        if runs >= _RUNS_BEFORE_COMPILING or chain.region in _made:
            compiled = _caller(chain)
            return compiled(values)
        runs += 1
        return chain.by_operation(values)

    return run


_made: dict[Region, _Code] = {}


class _Code:
    """The machine code of a region, made as it is needed."""

    def __init__(self, region: Region) -> None:
        self.region = region

    @cached_property
    def flat(self) -> Loop:
        """The loop over results in which rows do not matter."""
        return _compile(self.region)

    @cached_property
    def by_rows(self) -> Loop:
        """The loop over rows, each input with a distance of its rows."""
        return _compile(self.region if not self.region.is_flat else replace(self.region, inner=1))


def code_of(region: Region) -> _Code:
    """Return the machine code of a region, which equal regions share."""
    return _made.setdefault(region, _Code(region))


def _compile(region: Region) -> Loop:
    # LLVM is loaded when the first chain is compiled.
    from penstock.ops.fused.native.machine_code import compile_region

    return compile_region(region)


def _caller(chain: Chain) -> Callable[[list[Array]], list[Array]]:
    """Return the function that runs a chain."""
    code = code_of(chain.region)
    namespace: dict[str, Any] = {"empty": torch.empty, "empty_like": torch.empty_like, "code": code}
    namespace["anyhow"] = _AnyLayout(chain, code)
    for position, index in enumerate(chain.region.outputs):
        namespace[f"dtype{position}"] = torch_dtype(as_dtype(chain.region.steps[index].dtype))
    for index in chain.region.labels:
        namespace[f"labels_fit{index}"] = _labels_fit(chain.region.inputs[index][0])
    exec(caller_source(chain, CPU_ONLY), namespace)
    run: Callable[[list[Array]], list[Array]] = namespace["run"]
    return run


def _labels_fit(dtype: str) -> Callable[[int, int, int], bool]:
    from penstock.ops.fused.native.labels import labels_fit

    fit: Callable[[int, int, int], bool] = labels_fit(dtype)
    return fit


class _AnyLayout:
    """Runs a chain on arrays however they lie in memory: by machine code where their rows are regular."""

    def __init__(self, chain: Chain, code: _Code) -> None:
        self._chain = chain
        self._region = chain.region
        self._code = code
        self._full = [index for index, (_, access) in enumerate(self._region.inputs) if access is Access.FULL]
        self._dtypes = [torch_dtype(as_dtype(self._region.steps[index].dtype)) for index in self._region.outputs]

    def __call__(self, given: Sequence[Array]) -> list[Array]:
        """Return the results."""
        layout = self._chain.layout
        if layout is None:
            return self._outputs(given)
        return layout.results_of(self._outputs(layout.inputs_of(given)))

    def _outputs(self, values: Sequence[Array]) -> list[Array]:
        first = values[self._full[0]]
        shape, count = first.shape, first.numel()
        fits = count and all(values[index].shape == shape for index in self._full)
        if not fits or not all(value.device.type == "cpu" for value in values):
            return self._chain.outputs_of(values)
        if self._region.is_flat and not first.is_contiguous() and self._lie_alike(values):
            results = [torch.empty_like(first, dtype=dtype) for dtype in self._dtypes]
            self._code.flat(1, count, *[array.data_ptr() for array in (*values, *results)])
            return results
        inner = self._region.inner or (shape[-1] if shape else 1)
        outer = count // inner
        if (
            self._region.has_reductions
            and shape[-1] != inner
            or count % inner
            or not self._sizes_fit(values, outer, inner)
        ):
            return self._chain.outputs_of(values)
        prepared = [
            value if access is Access.SCALAR else _regular(value, inner, access)
            for value, (_, access) in zip(values, self._region.inputs, strict=True)
        ]
        for index in self._region.labels:
            if not _labels_fit(self._region.inputs[index][0])(prepared[index].data_ptr(), outer, inner):
                return self._chain.outputs_of(values)
        distances = {index: _row_distance(prepared[index], inner) for index in self._full}
        forms = self._chain.forms or (Form.FULL,) * len(self._region.outputs)
        shapes = {Form.FULL: shape, Form.KEPT: (*shape[:-1], 1), Form.DROPPED: shape[:-1]}
        results = [torch.empty(shapes[form], dtype=dtype) for form, dtype in zip(forms, self._dtypes, strict=True)]
        if self._region.is_flat and all(distance == inner for distance in distances.values()):
            self._code.flat(1, count, *[array.data_ptr() for array in (*prepared, *results)])
            return results
        arguments = [outer, inner]
        for index, value in enumerate(prepared):
            arguments += [value.data_ptr(), distances[index]] if index in distances else [value.data_ptr()]
        for result, form in zip(results, forms, strict=True):
            arguments += [result.data_ptr(), inner if form is Form.FULL else 1]
        self._code.by_rows(*arguments)
        return results

    def _lie_alike(self, values: Sequence[Array]) -> bool:
        """Tell whether all inputs that are read in full fill their memory without gaps, in the same order."""
        first = values[self._full[0]]
        format = {4: torch.channels_last, 5: torch.channels_last_3d}.get(first.dim())
        return format is not None and all(values[index].is_contiguous(memory_format=format) for index in self._full)

    def _sizes_fit(self, values: Sequence[Array], outer: int, inner: int) -> bool:
        sizes = {Access.FULL: outer * inner, Access.SCALAR: 1, Access.ROW: inner, Access.COLUMN: outer}
        return all(
            value.numel() == sizes[access] for value, (_, access) in zip(values, self._region.inputs, strict=True)
        )


def _regular(value: Array, inner: int, access: Access) -> Array:
    """Return the value, copied unless it lies without gaps or in rows at one distance."""
    if value.is_contiguous():
        return value
    rows = access is Access.FULL and value.dim() == 2 and value.shape[1] == inner and value.stride(1) == 1
    return value if rows else value.contiguous()


def _row_distance(value: Array, inner: int) -> int:
    return inner if value.is_contiguous() else value.stride(0)


def one_operation(
    name: str, dtypes: Sequence[Any], are_full: Sequence[bool], result: torch.dtype
) -> Callable[..., Array]:
    """Return the machine code of a single operation, as a function of arrays without gaps.

    Args:
        name: one of `LOWERINGS`.
        dtypes: the names of the inputs' types.
        are_full: whether each input has the shape of the result, as the first must, or one element.
        result: the type of the result.
    """
    accesses = [Access.FULL if is_full else Access.SCALAR for is_full in are_full]
    operands = tuple(("input", index) for index in range(len(dtypes)))
    step = Step(name, operands, str(result).removeprefix("torch."), tuple(dtypes))
    region = Region(tuple(zip(dtypes, accesses, strict=True)), (step,), (0,))
    loop = _compile(region)

    def run(*values: Array) -> Array:
        shape = values[0].shape
        count = shape.numel()
        output = torch.empty(shape, dtype=result)
        loop(1, count, *[value.data_ptr() for value in values], output.data_ptr())
        return output

    return run


def step_kernel(op_def: OpDef, attrs: dict[str, Any]) -> Callable[..., Any]:
    """Return the kernel of an operation, bound to its attributes."""
    rule = op_def.specialize_rule
    kernel = rule(attrs) if rule is not None else None
    if kernel is not None:
        return kernel
    keywords = {name: attrs[name] for name in op_def.kernel_attributes}
    plain = op_def.kernel
    if op_def.has_sequence_input:
        return lambda *values: plain(list(values), **keywords)
    return (lambda *values: plain(*values, **keywords)) if keywords else plain
