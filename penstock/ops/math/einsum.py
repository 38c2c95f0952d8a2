"""Sums of products over named axes."""

from __future__ import annotations

import re
import string
from typing import Any

import numpy as np
import torch

from penstock.core.array import Array
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import op_scope
from penstock.core.op import op
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, broadcast, merge_dim
from penstock.core.tensor import Tensor
from penstock.ops.constant import shape_op
from penstock.ops.math.broadcasting import reduce_to
from penstock.ops.math.complex import conj
from penstock.ops.math.kernels import STORED_ONLY, operation, through_numpy

_TERM = re.compile(r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*")


def parse_equation(equation: str, count: int) -> tuple[list[str], str]:
    """Return the axes of each input and of the output of an equation such as `ij,jk->ik`.

    Raises:
        ShapeError: if it is malformed, or has not `count` inputs.
    """
    text = equation.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != count:
        raise ShapeError(f"the equation {equation!r} has {len(terms)} inputs, got {count} tensors")
    if not arrow:
        letters = inputs.replace(",", "").replace(".", "")
        output = ("..." if "..." in inputs else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    for term in (*terms, output):
        if not _TERM.fullmatch(term):
            raise ShapeError(
                f"cannot read {term!r} in the equation {equation!r}: expected letters and at most one '...'"
            )
    unknown = set(output.replace(".", "")) - set(inputs)
    if unknown:
        raise ShapeError(f"the output of {equation!r} has axes {', '.join(sorted(unknown))} that no input has")
    return terms, output


def _split(term: str) -> tuple[str, str]:
    before, _, after = term.partition("...")
    return before, after


def _labels(term: str) -> str:
    return term.replace("...", "")


@op("Einsum(inputs: N * T) -> output: T")
def einsum_op(inputs: list[Array], *, equation: str) -> Array:
    terms, output = parse_equation(equation, len(inputs))
    for term, value in zip(terms, inputs, strict=True):
        rank = len(_labels(term))
        if value.ndim < rank or ("..." not in term and value.ndim != rank):
            raise InvalidArgumentError(
                None,
                None,
                f"Expected an input of rank {rank} for {term!r} of {equation!r}, got shape {list(value.shape)}",
            )
    letters = _labels(output)
    unique = "".join(dict.fromkeys(letters))
    if unique != letters:
        dots = "..." if "..." in output else ""
        value = einsum_op.kernel(inputs, equation=f"{','.join(terms)}->{dots}{unique}")
        spare = [letter for letter in string.ascii_letters if letter not in unique]
        batch = "".join(spare[: value.ndim - len(unique)])
        return _with_repeated_axes(value, output.replace("...", batch), batch + unique)
    if inputs[0].dtype in STORED_ONLY:
        return through_numpy(lambda *arrays: np.einsum(f"{','.join(terms)}->{output}", *arrays), *inputs)
    result = torch.einsum(f"{','.join(terms)}->{output}", *inputs)
    if result.dtype != inputs[0].dtype:  # ATen adds small integers up in a wider type
        result = result.to(inputs[0].dtype)
    return result.clone() if any(result.data_ptr() == value.data_ptr() for value in inputs) else result


def _with_repeated_axes(value: Array, letters: str, unique: str) -> Array:
    """Put the axes of `value`, named `unique`, on the diagonals that repeated letters stand for; zeros elsewhere."""
    sizes = dict(zip(unique, value.shape, strict=True))
    result = torch.zeros([sizes[letter] for letter in letters], dtype=value.dtype, device=value.device)
    strides = dict.fromkeys(unique, 0)
    for letter, stride in zip(letters, result.stride(), strict=True):
        strides[letter] += stride
    result.as_strided(tuple(value.shape), tuple(strides[letter] for letter in unique)).copy_(value)
    return result


@einsum_op.shape
def einsum_shape(inputs: list[Dims], *, equation: str) -> Dims:
    terms, output = parse_equation(equation, len(inputs))
    sizes: dict[str, int | None] = {}
    batch: Dims = ()
    for term, dims in zip(terms, inputs, strict=True):
        before, after = _split(term)
        if dims is None:
            batch = None if "..." in term else batch
            continue
        rank = len(before) + len(after)
        if len(dims) < rank or ("..." not in term and len(dims) != rank):
            raise ShapeError(f"{term!r} of the equation {equation!r} expects rank {rank}, got rank {len(dims)}")
        own = [*zip(before, dims[: len(before)], strict=True), *zip(after, dims[len(dims) - len(after) :], strict=True)]
        for letter, size in own:
            known = sizes.get(letter)
            if known is None or size is None or size != 1 and known != 1:
                sizes[letter] = merge_dim(known, size, f"sizes of axis {letter!r} of {equation!r}")
            else:
                sizes[letter] = max(known, size)
        if "..." in term and batch is not None:
            batch = broadcast(batch, dims[len(before) : len(dims) - len(after)])
    before, after = _split(output)
    if "..." in output and batch is None:
        return None
    middle = batch if "..." in output and batch is not None else ()
    return (*(sizes.get(letter) for letter in before), *middle, *(sizes.get(letter) for letter in after))


@einsum_op.gradient
def einsum_gradient(call: Any, grad: Tensor) -> tuple[Tensor, ...]:
    inputs = call.inputs
    terms, output = parse_equation(call.attrs["equation"], len(inputs))
    return tuple(_input_gradient(index, inputs, terms, output, grad) for index in range(len(inputs)))


def _input_gradient(index: int, inputs: Any, terms: list[str], output: str, grad: Tensor) -> Tensor:
    """Return the cotangent of one input: the equation with that input and the output exchanged."""
    x, term = inputs[index], terms[index]
    others = [conj(other) for position, other in enumerate(inputs) if position != index]
    other_terms = [other for position, other in enumerate(terms) if position != index]
    available = set(_labels(output)).union(*(_labels(other) for other in other_terms))
    axes = list(dict.fromkeys(_labels(term)))
    kept = "".join(letter for letter in axes if letter in available)
    dots = "..." if "..." in term else ""
    equation = f"{','.join([output, *other_terms])}->{dots}{kept}"
    result: Tensor = einsum_op([grad, *others], equation=equation)
    # From here, axes are "...kept"; the input's own order, repeated axes and axes that were summed alone come back.
    if len(kept) < len(axes) or dots:
        moved = einsum_op([x], equation=f"{term}->{dots}{''.join(axes)}")
        lost = [position - len(axes) for position, letter in enumerate(axes) if letter not in kept]
        for position in reversed(lost):
            result = operation("ExpandDims")(result, position)
        result = reduce_to(moved, result) if dots else result
        if lost:
            result = operation("BroadcastTo")(result, shape_op(moved))
    source, target = f"{dots}{''.join(axes)}", term
    if source == target:
        return result
    return einsum_op([result], equation=f"{source}->{target}")


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Return the sum of products of the inputs over the axes that the output does not have.

    Args:
        equation: the axes of each input and of the output by letters, such as `ij,jk->ik`; `...` stands for
            axes that are broadcast. Without `->`, the output has the letters that occur once, in alphabetical order.
        inputs: a tensor for each part of the equation.
        kwargs: `name`, the scope of the nodes; `optimize`, how the order of products is searched
            ("greedy", "optimal", "auto" ...).
    Raises:
        ValueError: if the equation is malformed or does not fit the inputs.
        TypeError: for other keywords.
    """
    name, optimize = kwargs.pop("name", None), kwargs.pop("optimize", "greedy")
    if kwargs:
        raise TypeError(f"Invalid keyword arguments for einsum: {', '.join(kwargs)}. Expected 'name' and 'optimize'.")
    with op_scope(name, "einsum"):
        terms, output = parse_equation(equation, len(inputs))
        if len(set(_labels(output))) < len(_labels(output)):
            raise ValueError(f"Output subscripts contain a label appearing more than once: {equation}")
        tensors = [convert_to_tensor(value) for value in inputs]
        for term, tensor in zip(terms, tensors, strict=True):
            rank = len(_labels(term))
            if tensor.ndim is not None and (tensor.ndim < rank or "..." not in term and tensor.ndim != rank):
                raise ValueError(
                    f"Unable to apply einsum: {term!r} of {equation!r} expects rank {rank}, got shape {tensor.shape}"
                )
        while len(tensors) > 2:
            first, second = _next_pair(terms, output, tensors, optimize)
            rest = [i for i in range(len(tensors)) if i not in (first, second)]
            needed = set(_labels(output)).union(*(_labels(terms[i]) for i in rest))
            dots = "..." if "..." in terms[first] + terms[second] else ""
            kept = dots + "".join(
                dict.fromkeys(c for c in _labels(terms[first]) + _labels(terms[second]) if c in needed)
            )
            product = einsum_op([tensors[first], tensors[second]], equation=f"{terms[first]},{terms[second]}->{kept}")
            tensors, terms = [*(tensors[i] for i in rest), product], [*(terms[i] for i in rest), kept]
        return einsum_op(tensors, equation=f"{','.join(terms)}->{output}")


def _next_pair(terms: list[str], output: str, tensors: list[Tensor], optimize: Any) -> tuple[int, int]:
    """Return the two inputs to multiply next: what NumPy would choose where all sizes are known, else the first two."""
    if any(tensor.dims is None or None in tensor.dims for tensor in tensors):
        return 0, 1
    method = optimize if optimize in ("greedy", "optimal") else "greedy"
    stand_ins = [np.broadcast_to(np.zeros((), np.int8), tensor.dims) for tensor in tensors]  # type: ignore[arg-type]
    path, _ = np.einsum_path(f"{','.join(terms)}->{output}", *stand_ins, optimize=method)
    pair = path[1]
    return (pair[0], pair[1]) if len(pair) == 2 else (0, 1)
