"""Printing while a program runs: Print, PrintV2 and the StringFormat that fills its lines."""

from __future__ import annotations

import itertools
import logging
import pprint
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor, is_tensor_like
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.core.op import op
from penstock.core.resources import ResourceManager
from penstock.core.shape import Dims
from penstock.core.shape_rules import ShapeError, format_dims
from penstock.core.tensor import Tensor
from penstock.ops.debugging.summaries import printable, summarize_ends, summarize_start

_LEVELS = {"log(info)": logging.INFO, "log(warning)": logging.WARNING, "log(error)": logging.ERROR}
# What tf.print may be given for a stream; the libraries add their logging functions.
_named_streams: list[tuple[Any, str]] = []


def register_output_stream(function: Callable[..., Any], stream: str) -> None:
    """Let `print_v2` be given `function` as its output stream.

    Args:
        function: a logging function of the libraries.
        stream: what the operation calls it: "log(info)", "log(warning)" or "log(error)".
    """
    _named_streams.append((function, stream))


class _Count:
    """How often a Print operation has printed."""

    def __init__(self) -> None:
        self.printed = 0


@op(
    "Print(input: T, data: list(U)) -> output: T",
    minimum={"U": 0},
    stateful=True,
    view=True,
    shape=lambda input, data, **_: input,
)
def print_op(
    input: Value,
    data: list[Value],
    *,
    message: str = "",
    first_n: int = -1,
    summarize: int = 3,
    resources: ResourceManager,
    node_name: str,
) -> Value:
    if first_n >= 0:
        count = resources.lookup_or_create("", "Print", node_name, _Count)
        if count.printed >= first_n:
            return input
        count.printed += 1
    shown = "".join(f"[{summarize_start(value, summarize)}]" for value in data)
    _write(sys.stderr, f"{message}{shown}\n")
    return input


@print_op.gradient
def print_gradient(call: Any, grad: Tensor) -> list[Any]:
    return [grad, *[None] * (len(call.inputs) - 1)]


def _write(stream: Any, text: str) -> None:
    stream.write(printable(text))
    stream.flush()


@op("PrintV2(input: string)", stateful=True, shape=lambda *_, **__: ())
def print_v2_op(input: Value, *, output_stream: str = "stderr", end: str = "\n") -> tuple[()]:
    if input.shape:
        raise InvalidArgumentError(
            None, None, f"PrintV2 prints one string, got shape {format_dims(input.shape)}; use tf.strings.format"
        )
    text = input[()].decode("utf-8", "surrogateescape")
    if output_stream in _LEVELS:
        logging.getLogger("tensorflow").log(_LEVELS[output_stream], "%s", text + end.rstrip("\n"))
    elif output_stream in ("stdout", "stderr"):
        _write(getattr(sys, output_stream), text + end)
    elif output_stream.startswith("file://"):
        path = output_stream.removeprefix("file://")
        try:
            with open(path, "ab") as file:
                file.write((text + end).encode("utf-8", "surrogateescape"))
        except FileNotFoundError:
            raise NotFoundError(None, None, f"{path}; No such file or directory") from None
    else:
        raise InvalidArgumentError(
            None,
            None,
            f"Unknown output stream: {output_stream}, Valid streams are: stdout stderr {' '.join(_LEVELS)} file://path",
        )
    return ()


@op("StringFormat(inputs: list(T)) -> output: string", minimum={"T": 0})
def string_format_op(
    inputs: list[Value], *, template: str = "%s", placeholder: str = "%s", summarize: int = 3
) -> Value:
    parts = template.split(placeholder)
    filled = [parts[0]]
    for value, part in zip(inputs, parts[1:], strict=True):
        filled += [summarize_ends(value, summarize), part]
    result = np.empty((), dtype=object)
    result[()] = "".join(filled).encode("utf-8", "surrogateescape")
    return result


@string_format_op.shape
def string_format_shape(inputs: list[Dims], *, template: str, placeholder: str, summarize: int) -> Dims:
    expected = template.count(placeholder)
    if expected != len(inputs):
        raise ShapeError(f"num placeholders in template and num inputs must match: {expected} vs. {len(inputs)}")
    return ()


def string_format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Tensor:
    """Return a template with its placeholders replaced by tensors, shown shortened.

    Args:
        template: the text.
        inputs: a tensor, or a list of tensors, one for each placeholder.
        placeholder: what stands for a tensor in the template.
        summarize: how many elements of each end of an axis are shown; -1 for all.
        name: the node's name.
    Returns:
        A string scalar.
    Raises:
        ValueError: if the numbers of placeholders and tensors differ.

    >>> string_format("shape {}", [[1, 2, 3]]).numpy()
    b'shape [1 2 3]'
    """
    items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if template.count(placeholder) != len(items):
        raise ValueError(
            f"The template expects {template.count(placeholder)} tensors, but the inputs only has {len(items)}. Please "
            "ensure the number of placeholders in template matches inputs length."
        )
    return string_format_op(items, template=template, placeholder=placeholder, summarize=summarize, name=name)


def print_v1(
    input_: Any,
    data: Any,
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Return `input_`, having printed some tensors to stderr when it is computed.

    Args:
        input_: the tensor to pass on.
        data: the tensors to print.
        message: what the line starts with.
        first_n: how many times to print; always by default.
        summarize: how many elements of each tensor, 3 by default; negative for all.
        name: the node's name.
    """
    return print_op(
        input_,
        list(data),
        message=message or "",
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
        name=name,
    )


class _Shown:
    """Stands for a tensor in a nest that `pprint` lays out."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _is_sparse(item: Any) -> bool:
    return not isinstance(item, Tensor) and all(hasattr(item, part) for part in ("indices", "values", "dense_shape"))


def _laid_out(item: Any, placeholder: str, tensors: list[Any]) -> str:
    """Return how `item` is printed, with placeholders for the tensors in it, which are added to `tensors`."""
    if isinstance(item, str):
        return item

    def leaf(part: Any) -> Any:
        if _is_sparse(part):
            tensors.extend((part.indices, part.values, part.dense_shape))
            return f"SparseTensor(indices={placeholder}, values={placeholder}, shape={placeholder})"
        if isinstance(part, Tensor) or is_tensor_like(part):
            tensors.append(part)
            return _Shown(placeholder)
        return part

    return pprint.pformat(nest.map_structure(leaf, item))


def _template(inputs: tuple[Any, ...], separator: str) -> tuple[str, str, list[Any]]:
    """Return the line to print, its placeholder, which occurs nowhere else in it, and the tensors it stands for."""
    for number in itertools.count():
        placeholder = f"{{{number}}}" if number else "{}"
        tensors: list[Any] = []
        template = separator.join(_laid_out(item, placeholder, tensors) for item in inputs)
        if template.count(placeholder) == len(tensors):
            return template, placeholder, tensors
    raise AssertionError("some number occurs in no text")


def _stream_name(output_stream: Any) -> str:
    if output_stream is sys.stdout or output_stream is sys.__stdout__:
        return "stdout"
    if output_stream is sys.stderr or output_stream is sys.__stderr__:
        return "stderr"
    for function, stream in _named_streams:
        if output_stream is function:
            return stream
    if isinstance(output_stream, str) and output_stream.startswith("file://"):
        return output_stream
    raise ValueError(
        f"Unsupported output stream, logging level, or file.{output_stream}. Supported streams are sys.stdout, "
        "sys.stderr, tf.logging.info, tf.logging.warning, tf.logging.error. File needs to be in the form of "
        "'file://<filepath>'."
    )


def print_v2(*inputs: Any, **kwargs: Any) -> Any:
    """Print values when the program runs.

    Args:
        *inputs: strings, tensors, other Python values, and nests of them; tensors are shown shortened. A single string
            tensor is printed as it is.
        output_stream: sys.stderr (the default), sys.stdout, tf.logging.info, warning or error, or "file://path".
        summarize: how many elements of each end of an axis are shown, 3 by default; -1 for all.
        sep: what separates the inputs, a space by default.
        end: what the line ends with, a line break by default.
        name: the node's name.
    Returns:
        The printing operation, to be run or made a control dependency; None eagerly.
    Raises:
        ValueError: if an argument or the stream is not known.
    """
    known = {"output_stream": sys.stderr, "name": None, "summarize": 3, "sep": " ", "end": "\n"}
    unknown = {key: value for key, value in kwargs.items() if key not in known}
    if unknown:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {unknown}")
    options = {**known, **kwargs}
    stream, name = _stream_name(options["output_stream"]), options["name"]
    end = "\n" if options["end"] is None else options["end"]
    if len(inputs) == 1 and isinstance(inputs[0], Tensor) and inputs[0].dtype.base_dtype == dtypes.string:
        if inputs[0].dims == ():
            return print_v2_op(inputs[0], output_stream=stream, end=end, name=name)
    template, placeholder, tensors = _template(inputs, " " if options["sep"] is None else options["sep"])
    summarize = 3 if options["summarize"] is None else options["summarize"]
    line = string_format_op(
        [convert_to_tensor(tensor) for tensor in tensors],
        template=template,
        placeholder=placeholder,
        summarize=summarize,
        name=f"{name}_format" if name else None,
    )
    return print_v2_op(line, output_stream=stream, end=end, name=name)
