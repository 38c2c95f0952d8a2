"""Which public functions take ragged tensors, and Python's operators on them.

Handlers wait until the first ragged tensor is made (see `penstock.core.api_dispatch`): a program without one runs the
functions as they are written.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import api_dispatch, dtypes
from penstock.core.api_dispatch import Handler
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.ops import constant as constants
from penstock.ops import operators
from penstock.ops.array import filling, gather, joining, partition, reversing, selecting, shaping
from penstock.ops.debugging import comparisons, printing
from penstock.ops.math import (
    bessel,
    binary,
    bitwise,
    cast,
    clip,
    compare,
    complex,
    exponential,
    gamma,
    histogram,
    integrals,
    matmul,
    numerics,
    reduce,
    scan,
    segment,
    sum_n,
    trigonometric,
    unary,
)
from penstock.ops.nn import activation, cross_entropy, dropout, embedding, softmax
from penstock.ops.ragged import arranging, choosing, gathering, reducing, strings
from penstock.ops.ragged.dynamic_shape import ragged_shape
from penstock.ops.ragged.elementwise import apply_elementwise
from penstock.ops.ragged.indexing import getitem
from penstock.ops.ragged.ragged_tensor import RaggedTensor, convert_to_tensor_or_ragged
from penstock.ops.ragged.text import format_ragged, print_ragged
from penstock.ops.ragged.value import RaggedTensorValue
from penstock.ops.string import case, encoding, hashing, join, numbers, reduce_join, regex, substring, unicode

UNARY: list[Any] = [
    *(getattr(bessel, name) for name in dir(bessel) if name.startswith("bessel_") and name[-3:] != "_op"),
    bitwise.invert,
    cast.cast,
    cast.saturate_cast,
    cast.bitcast,
    cast.to_float,
    cast.to_double,
    cast.to_int32,
    cast.to_int64,
    cast.to_bfloat16,
    cast.to_complex64,
    cast.to_complex128,
    clip.clip_by_value,
    compare.logical_not,
    complex.angle,
    complex.conj,
    complex.imag,
    complex.real,
    exponential.exp,
    exponential.expm1,
    exponential.log,
    exponential.log1p,
    exponential.log_sigmoid,
    exponential.sigmoid,
    exponential.tanh,
    gamma.digamma,
    gamma.erf,
    gamma.erfc,
    gamma.erfcinv,
    gamma.erfinv,
    gamma.lgamma,
    gamma.ndtri,
    integrals.dawsn,
    integrals.expint,
    integrals.fresnel_cos,
    integrals.fresnel_sin,
    integrals.spence,
    numerics.check_numerics,
    constants.identity,
    constants.stop_gradient,
    filling.ones_like,
    filling.ones_like_v1,
    filling.zeros_like,
    filling.zeros_like_v1,
    trigonometric.acos,
    trigonometric.acosh,
    trigonometric.asin,
    trigonometric.asinh,
    trigonometric.atan,
    trigonometric.atanh,
    trigonometric.cos,
    trigonometric.cosh,
    trigonometric.sin,
    trigonometric.sinh,
    trigonometric.tan,
    unary.abs,
    unary.ceil,
    unary.floor,
    unary.is_finite,
    unary.is_inf,
    unary.is_nan,
    unary.negative,
    unary.reciprocal,
    unary.reciprocal_no_nan,
    unary.rint,
    unary.round,
    unary.rsqrt,
    unary.sign,
    unary.sqrt,
    unary.square,
    activation.elu,
    activation.gelu,
    activation.leaky_relu,
    activation.relu,
    activation.relu6,
    activation.selu,
    activation.silu,
    activation.softplus,
    activation.softsign,
    case.string_length,
    case.string_length_v1,
    case.string_lower,
    case.string_strip,
    case.string_upper,
    encoding.decode_base64,
    encoding.encode_base64,
    hashing.string_to_hash_bucket,
    hashing.string_to_hash_bucket_fast,
    hashing.string_to_hash_bucket_strong,
    hashing.string_to_hash_bucket_v1,
    numbers.as_string,
    numbers.string_to_number,
    numbers.string_to_number_v1,
    regex.regex_full_match,
    regex.regex_replace,
    substring.substr,
    substring.substr_v1,
    unicode.unicode_transcode,
]
BINARY: list[Any] = [
    binary.add,
    binary.atan2,
    binary.divide,
    binary.divide_no_nan,
    binary.div_no_nan_v1,
    binary.div_v1,
    binary.floor_div_v1,
    binary.floordiv,
    binary.floormod,
    binary.maximum,
    binary.minimum,
    binary.multiply,
    binary.multiply_no_nan,
    binary.nextafter,
    binary.pow,
    binary.squared_difference,
    binary.subtract,
    binary.truediv,
    binary.truncatediv,
    binary.truncatemod,
    binary.xdivy,
    binary.xlog1py,
    binary.xlogy,
    bitwise.bitwise_and,
    bitwise.bitwise_or,
    bitwise.bitwise_xor,
    bitwise.left_shift,
    bitwise.right_shift,
    compare.approximate_equal,
    compare.equal,
    compare.greater,
    compare.greater_equal,
    compare.less,
    compare.less_equal,
    compare.logical_and,
    compare.logical_or,
    compare.logical_xor,
    compare.not_equal,
    complex.complex,
    gamma.betainc,
    gamma.igamma,
    gamma.igammac,
    gamma.polygamma,
    gamma.zeta,
    cross_entropy.sigmoid_cross_entropy_with_logits,
]
ASSERTS: list[Any] = [
    getattr(comparisons, f"assert_{name}{suffix}")
    for name in ("equal", "none_equal", "less", "less_equal", "greater", "greater_equal", "near")
    for suffix in ("", "_v1")
]


def _holds_ragged(value: Any) -> bool:
    kind = type(value)
    if kind in api_dispatch.PLAIN:
        return False
    if kind is list or kind is tuple:
        for item in value:
            if type(item) not in api_dispatch.PLAIN and _holds_ragged(item):
                return True
        return False
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def overload(api: Any, target: Callable[..., Any], watched: Sequence[str]) -> None:
    """Let `target` take over the calls of a public function in which a watched argument is ragged, or holds ragged
    tensors.

    Args:
        api: the public function.
        target: a function with the same parameters.
        watched: names of parameters.
    """
    names = [parameter.name for parameter in api_dispatch.parameters_of(api)]
    places = [names.index(name) for name in watched]
    # A handler has the parameters that it uses, by the names that the function has for them.
    accepted = set(inspect.signature(target).parameters)

    def matches(arguments: Sequence[Any]) -> bool:
        return any(_holds_ragged(arguments[place]) for place in places)

    def call(*arguments: Any) -> Any:
        return target(**{name: value for name, value in zip(names, arguments, strict=True) if name in accepted})

    api_dispatch.register(api, Handler(call, matches), watched, until=RaggedTensor)


def _overload_unary(api: Any) -> None:
    first, *others = [parameter.name for parameter in api_dispatch.parameters_of(api)]

    def call(*arguments: Any) -> Any:
        value = convert_to_tensor_or_ragged(arguments[0])
        rest = dict(zip(others, arguments[1:], strict=True))
        return value.with_flat_values(api(value.flat_values, **rest))

    api_dispatch.register(
        api,
        Handler(call, lambda arguments: isinstance(arguments[0], (RaggedTensor, RaggedTensorValue))),
        [first],
        until=RaggedTensor,
    )


def _overload_binary(api: Any) -> None:
    names = [parameter.name for parameter in api_dispatch.parameters_of(api)]

    def call(*arguments: Any) -> Any:
        x, y = _operands(arguments[0], arguments[1])
        rest = dict(zip(names[2:], arguments[2:], strict=True))
        return apply_elementwise(lambda a, b: api(a, b, **rest), x, y)

    api_dispatch.register(
        api, Handler(call, lambda arguments: any(map(_is_ragged, arguments[:2]))), names[:2], until=RaggedTensor
    )


def _overload_assert(api: Any) -> None:
    names = [parameter.name for parameter in api_dispatch.parameters_of(api)]

    def call(*arguments: Any) -> Any:
        x, y = _operands(arguments[0], arguments[1])
        rest = dict(zip(names[2:], arguments[2:], strict=True))
        made: list[Any] = []

        def check(a: Any, b: Any) -> Any:
            made.append(api(a, b, **rest))
            return convert_to_tensor(a)

        apply_elementwise(check, x, y)
        return made[0]

    api_dispatch.register(
        api, Handler(call, lambda arguments: any(map(_is_ragged, arguments[:2]))), names[:2], until=RaggedTensor
    )


def _is_ragged(value: Any) -> bool:
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def _operands(x: Any, y: Any) -> tuple[Any, Any]:
    """Return two operands as tensors and RaggedTensors; a Python number takes the type of the other operand."""
    if hasattr(x, "dtype") and not hasattr(y, "dtype"):
        x = convert_to_tensor_or_ragged(x)
        return x, convert_to_tensor_or_ragged(y, preferred_dtype=x.dtype)
    if hasattr(y, "dtype") and not hasattr(x, "dtype"):
        y = convert_to_tensor_or_ragged(y)
        return convert_to_tensor_or_ragged(x, preferred_dtype=y.dtype), y
    return convert_to_tensor_or_ragged(x), convert_to_tensor_or_ragged(y)


def _reduce_v1(reduction: Callable[..., Any]) -> Callable[..., Any]:
    def reduced(
        input_tensor: Any,
        axis: Any = None,
        keepdims: Any = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: Any = None,
    ) -> Any:
        axis = reduction_indices if axis is None else axis
        return reduction(input_tensor, axis, bool(keepdims or keep_dims), name)

    return reduced


def _embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    if _is_ragged(params):
        raise ValueError("embedding_lookup takes ragged ids, not ragged params")
    return ids.with_flat_values(embedding.embedding_lookup(params, ids.flat_values, max_norm, name))


def _embedding_lookup_v1(
    params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None, max_norm: Any = None
) -> Any:
    found = embedding.embedding_lookup_v1(params, ids.flat_values, partition_strategy, name, max_norm=max_norm)
    return ids.with_flat_values(found)


def _one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    if isinstance(axis, int) and axis >= 0:
        if axis <= indices.ragged_rank:
            raise ValueError("axis must be greater than indices.ragged_rank.")
        axis -= indices.ragged_rank
    return indices.with_flat_values(filling.one_hot(indices.flat_values, depth, on_value, off_value, axis, dtype, name))


def _dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Any]:
    if not isinstance(num_partitions, int) or num_partitions < 0:
        raise TypeError("num_partitions must be a non-negative integer")
    result = arranging.stack_dynamic_partitions(data, partitions, num_partitions, name)
    return [result[i] for i in range(num_partitions)]


def _string_join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    return strings.string_join(inputs, separator, name)


def _dropout_v1(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None, name: str | None = None, rate: Any = None
) -> Any:
    if keep_prob is not None:
        rate = 1.0 - keep_prob
    return reducing.dropout(x, rate, noise_shape, seed, name)


def _softmax_v1(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    return reducing.softmax(logits, dim if axis is None else axis, name)


def _size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    return arranging.size(input, out_type, name)


def _identity(input: Any, name: str | None = None) -> Any:
    return arranging.ragged_identity(input, name)


def _boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str | None = None) -> Any:
    if axis is not None and axis != 0:
        raise ValueError("boolean_mask of ragged tensors takes axis 0 only")
    return gathering.boolean_mask(tensor, mask, name)


def _reduce_join_v1(
    inputs: Any,
    axis: Any = None,
    keep_dims: Any = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: Any = None,
) -> Any:
    axis = reduction_indices if axis is None else axis
    return strings.reduce_join(inputs, axis, bool(keepdims or keep_dims), separator, name)


_handlers: list[tuple[Any, Callable[..., Any], tuple[str, ...]]] = [
    (constants.identity, _identity, ("input",)),
    (joining.concat, arranging.concat, ("values",)),
    (joining.stack, arranging.stack, ("values",)),
    (joining.tile, arranging.tile, ("input",)),
    (joining.split, arranging.split, ("value",)),
    (joining.unstack, arranging.unstack, ("value",)),
    (shaping.expand_dims, arranging.expand_dims, ("input",)),
    (shaping.expand_dims_v1, arranging.expand_dims_v1, ("input",)),
    (shaping.squeeze, arranging.squeeze, ("input",)),
    (shaping.shape, ragged_shape, ("input",)),
    (shaping.shape_v1, ragged_shape, ("input",)),
    (shaping.size, _size, ("input",)),
    (shaping.size_v1, _size, ("input",)),
    (shaping.rank, arranging.rank, ("input",)),
    (reversing.reverse, arranging.reverse, ("tensor",)),
    (gather.gather, gathering.gather, ("params", "indices")),
    (gather.gather_v1, gathering.gather_v1, ("params", "indices")),
    (gather.batch_gather, gathering.batch_gather, ("params", "indices")),
    (gather.gather_nd, gathering.gather_nd, ("params", "indices")),
    (gather.gather_nd_v1, gathering.gather_nd_v1, ("params", "indices")),
    (selecting.boolean_mask, _boolean_mask, ("tensor", "mask")),
    (selecting.boolean_mask_v1, _boolean_mask, ("tensor", "mask")),
    (selecting.where, choosing.where, ("condition", "x", "y")),
    (selecting.where_v1, choosing.where_v1, ("condition", "x", "y")),
    (partition.dynamic_partition, _dynamic_partition, ("data", "partitions")),
    (filling.one_hot, _one_hot, ("indices",)),
    (sum_n.add_n, arranging.add_n, ("inputs",)),
    (printing.string_format, format_ragged, ("inputs",)),
    (printing.print_v2, print_ragged, ("inputs",)),
    (scan.cumsum, reducing.cumsum, ("x",)),
    (histogram.bincount, reducing.bincount, ("arr",)),
    (reduce.reduce_logsumexp, reducing.reduce_logsumexp, ("input_tensor",)),
    (matmul.matmul, reducing.matmul, ("a", "b")),
    (softmax.softmax, reducing.softmax, ("logits",)),
    (softmax.softmax_v1, _softmax_v1, ("logits",)),
    (dropout.dropout, reducing.dropout, ("x",)),
    (dropout.dropout_v1, _dropout_v1, ("x",)),
    (embedding.embedding_lookup, _embedding_lookup, ("ids",)),
    (embedding.embedding_lookup_v1, _embedding_lookup_v1, ("ids",)),
    (join.string_join, _string_join, ("inputs",)),
    (reduce_join.reduce_join, strings.reduce_join, ("inputs",)),
    (reduce_join.reduce_join_v1, _reduce_join_v1, ("inputs",)),
]
for _name in ("sum", "prod", "min", "max", "mean", "any", "all", "variance", "std"):
    _reduction = getattr(reducing, f"reduce_{_name}")
    _handlers.append((getattr(reduce, f"reduce_{_name}"), _reduction, ("input_tensor",)))
    if hasattr(reduce, f"reduce_{_name}_v1"):
        _handlers.append((getattr(reduce, f"reduce_{_name}_v1"), _reduce_v1(_reduction), ("input_tensor",)))
for _name in ("sum", "prod", "min", "max", "mean", "sqrt_n"):
    _unsorted = getattr(segment, f"unsorted_segment_{_name}")
    _by_segment = reducing.segment_function(_unsorted)
    _handlers.append((_unsorted, _by_segment, ("data", "segment_ids")))
    if hasattr(segment, f"segment_{_name}"):
        _sorted = reducing.sorted_segment_function(_unsorted)
        _handlers.append((getattr(segment, f"segment_{_name}"), _sorted, ("data", "segment_ids")))

_with_own = {api for api, _, _ in _handlers}
for _api, _target, _watched in _handlers:
    overload(_api, _target, _watched)
for _api in UNARY:
    if _api not in _with_own:
        _overload_unary(_api)
for _api in BINARY:
    _overload_binary(_api)
for _api in ASSERTS:
    _overload_assert(_api)
api_dispatch.register_elementwise("unary", UNARY)
api_dispatch.register_elementwise("binary", BINARY)
api_dispatch.register_elementwise("assert", ASSERTS)


# Python's operators


def _logical(boolean: Callable[..., Any], integer: Callable[..., Any]) -> Callable[..., Any]:
    def operator(x: Any, y: Any) -> Any:
        is_bool = dtypes.bool_ in (getattr(x, "dtype", None), getattr(y, "dtype", None))
        return (boolean if is_bool else integer)(x, y)

    return operator


_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": binary.add,
    "sub": binary.subtract,
    "mul": binary.multiply,
    "truediv": binary.truediv,
    "floordiv": binary.floordiv,
    "mod": binary.floormod,
    "pow": binary.pow,
    "matmul": matmul.matmul,
    "and": _logical(compare.logical_and, bitwise.bitwise_and),
    "or": _logical(compare.logical_or, bitwise.bitwise_or),
    "xor": _logical(compare.logical_xor, bitwise.bitwise_xor),
}
_ORDER: dict[str, Callable[..., Any]] = {
    "lt": compare.less,
    "le": compare.less_equal,
    "gt": compare.greater,
    "ge": compare.greater_equal,
}


def _binary_operator(function: Callable[..., Any], name: str, reflected: bool = False) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        return function(other, self) if reflected else function(self, other)

    operator.__name__ = operator.__qualname__ = name
    return operator


for _name, _function in _OPERATORS.items():
    setattr(RaggedTensor, f"__{_name}__", _binary_operator(_function, f"__{_name}__"))
    setattr(RaggedTensor, f"__r{_name}__", _binary_operator(_function, f"__r{_name}__", reflected=True))
for _name, _function in _ORDER.items():
    setattr(RaggedTensor, f"__{_name}__", _binary_operator(_function, f"__{_name}__"))


def _equals(self: Any, other: Any) -> Any:
    if not self.flat_values._compares_elements():
        return self is other
    if other is None:
        return False
    try:
        return compare.equal(self, other)
    except (InvalidArgumentError, ValueError):
        return False


def _not_equals(self: Any, other: Any) -> Any:
    if not self.flat_values._compares_elements():
        return self is not other
    if other is None:
        return True
    try:
        return compare.not_equal(self, other)
    except (InvalidArgumentError, ValueError):
        return True


_methods: dict[str, Any] = {
    "__eq__": _equals,
    "__ne__": _not_equals,
    "__getitem__": getitem,
    "__neg__": lambda self: unary.negative(self),
    "__abs__": lambda self: unary.abs(self),
    "__invert__": lambda self: self.with_flat_values(operators.invert(self.flat_values)),
}
for _name, _function in _methods.items():
    setattr(RaggedTensor, _name, _function)
