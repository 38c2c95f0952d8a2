"""String functions whose results have rows of different lengths: pieces, characters, n-grams."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.graph import name_scope
from penstock.core.sparse_tensor import SparseTensor
from penstock.core.tensor import Tensor
from penstock.ops.array.shaping import expand_dims as dense_expand_dims
from penstock.ops.array.shaping import reshape, shape
from penstock.ops.math.cast import cast
from penstock.ops.ragged.arranging import expand_dims
from penstock.ops.ragged.elementwise import apply_elementwise
from penstock.ops.ragged.ragged_tensor import RaggedTensor, convert_to_tensor_or_ragged, convert_values
from penstock.ops.ragged.reducing import aggregate
from penstock.ops.string import reduce_join as joining
from penstock.ops.string.join import string_join as dense_join
from penstock.ops.string.ngrams import string_n_grams_op
from penstock.ops.string.splitting import string_split_op, string_split_v2_op
from penstock.ops.string.unicode import unicode_decode_op, unicode_decode_with_offsets_op, unicode_encode_op


def _by_row(value: Any, function: Any) -> Any:
    """Return the rows that `function` makes of a vector of strings, for strings of any rank.

    Args:
        value: a tensor or RaggedTensor of strings.
        function: from a vector (n,) to a RaggedTensor of n rows.
    """
    if isinstance(value, RaggedTensor):
        return value.with_flat_values(_by_row(value.flat_values, function))
    rank = value.shape.rank
    if rank is None:
        raise ValueError("Rank of `input` must be statically known.")
    if rank == 0:
        return function(reshape(value, [1])).values
    if rank == 1:
        return function(value)
    return _by_row(RaggedTensor.from_tensor(value, ragged_rank=rank - 1), function)


def _rows_of_sparse(parts: Any, vector: Tensor) -> Any:
    """Return the pieces that a split of a vector gives as a sparse matrix as rows."""
    known = None if vector.dims is None else vector.dims[0]
    nrows = parts.shape[0] if known is None else known
    return RaggedTensor.from_value_rowids(parts.values, parts.indices[:, 0], nrows=nrows, validate=False)


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """Return the pieces of strings.

    Args:
        input: strings, ragged ones too; those of unknown rank are taken for a vector.
        sep: what stands between pieces; by default runs of white space.
        maxsplit: the largest number of splits of a string, -1 for any.
        name: the scope of the nodes.
    Returns:
        A RaggedTensor with one axis more than the input; a vector for a scalar.

    >>> split(["a b", "c"]).to_list()
    [[b'a', b'b'], [b'c']]
    """
    with name_scope(name, "StringSplit", [input]):
        value = convert_to_tensor_or_ragged(input, dtypes.string, name="input")
        separator = convert_to_tensor("" if sep is None else sep, dtypes.string, name="sep")

        def pieces(vector: Tensor) -> Any:
            return _rows_of_sparse(string_split_v2_op(vector, separator, maxsplit=maxsplit), vector)

        return pieces(value) if value.shape.rank is None else _by_row(value, pieces)


def _expect_result_type(result_type: str) -> bool:
    """Tell whether a sparse result is asked for.

    Raises:
        ValueError: if it is neither sparse nor ragged.
    """
    if result_type not in ("SparseTensor", "RaggedTensor"):
        raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")
    return result_type == "SparseTensor"


def split_v1(
    input: Any = None,
    sep: Any = None,
    maxsplit: int = -1,
    result_type: str = "SparseTensor",
    source: Any = None,
    name: str | None = None,
) -> Any:
    """Return the pieces of strings; see `split`.

    Args:
        input: strings of known rank.
        sep: what stands between pieces; by default runs of white space.
        maxsplit: the largest number of splits of a string, -1 for any.
        result_type: "SparseTensor" or "RaggedTensor".
        source: another name of `input`.
        name: the scope of the nodes.
    Raises:
        ValueError: if both or neither of `input` and `source` are given, or the result type is another.
    """
    if input is not None and source is not None:
        raise ValueError("Cannot specify both 'input' and 'source'.")
    if input is None and source is None:
        raise TypeError("split() missing required argument: 'input'")
    with name_scope(name, "StringSplit", [input, source]):
        value = convert_to_tensor_or_ragged(source if input is None else input, dtypes.string, name="input")
        is_sparse = _expect_result_type(result_type)
        if is_sparse and not isinstance(value, RaggedTensor) and value.shape.rank == 1:
            separator = convert_to_tensor("" if sep is None else sep, dtypes.string, name="sep")
            return SparseTensor(*string_split_v2_op(value, separator, maxsplit=maxsplit))
        if not isinstance(value, RaggedTensor) and value.shape.rank == 0:
            value = dense_expand_dims(value, 0)
        result = split(value, sep, maxsplit)
        return result.to_sparse() if is_sparse else result


def string_split(
    source: Any,
    sep: Any = None,
    skip_empty: bool = True,
    delimiter: Any = None,
    result_type: str = "SparseTensor",
    name: str | None = None,
) -> Any:
    """Return the pieces of strings between single characters.

    Args:
        source: a vector of strings.
        sep: the characters, each of which separates; empty for a piece a byte; by default a blank.
        skip_empty: whether empty pieces are left out.
        delimiter: another name of `sep`.
        result_type: "SparseTensor" or "RaggedTensor".
        name: the scope of the nodes.
    Raises:
        ValueError: if both names are used, or the result type is another.
    """
    if sep is not None and delimiter is not None:
        raise ValueError("Cannot specify both 'delimiter' and 'sep'.")
    separator = " " if sep is None and delimiter is None else delimiter if sep is None else sep
    with name_scope(name, "StringSplit", [source]):
        value = convert_to_tensor(source, dtypes.string)
        parts = string_split_op(value, convert_to_tensor(separator, dtypes.string), skip_empty=skip_empty)
        return SparseTensor(*parts) if _expect_result_type(result_type) else _rows_of_sparse(parts, value)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """Return the bytes of strings, each a string.

    Args:
        input: strings of known rank; ragged ones too.
        name: the scope of the nodes.
    Returns:
        A RaggedTensor with one axis more than the input; a vector for a scalar.
    """
    with name_scope(name, "StringsByteSplit", [input]):
        value = convert_to_tensor_or_ragged(input, name="input")
        nothing = convert_to_tensor("", dtypes.string)

        def pieces(vector: Tensor) -> Any:
            return _rows_of_sparse(string_split_op(vector, nothing, skip_empty=False), vector)

        return _by_row(value, pieces)


def ngrams(
    data: Any,
    ngram_width: Any,
    separator: str = " ",
    pad_values: Any = None,
    padding_width: int | None = None,
    preserve_short_sequences: bool = False,
    name: str | None = None,
) -> Any:
    """Return runs of neighbouring strings along the last axis, joined.

    Args:
        data: strings (..., n), or a RaggedTensor.
        ngram_width: the number of strings in a run, or a list of them.
        separator: what stands between the strings of a run.
        pad_values: what stands before and after a row, as one string or two; None for no padding.
        padding_width: how much of it; by default as much as leaves one string in a run.
        preserve_short_sequences: whether a row too short for any run gives one of all its strings.
        name: the scope of the nodes.
    Returns:
        A RaggedTensor if `data` is one, else a tensor, padded with empty strings.
    Raises:
        TypeError, ValueError: if the widths or paddings are not such.

    >>> ngrams([["a", "b", "c"]], 2).numpy().tolist()
    [[b'a b', b'b c']]
    """
    with name_scope(name, "StringNGrams", [data]):
        if pad_values is None:
            left, right = "", ""
        elif isinstance(pad_values, (list, tuple)):
            if len(pad_values) != 2 or not all(isinstance(item, (str, bytes)) for item in pad_values):
                raise TypeError("pad_values must be a string, tuple of strings, or None.")
            left, right = pad_values
        elif isinstance(pad_values, (str, bytes)):
            left = right = pad_values  # type: ignore[assignment]
        else:
            raise TypeError("pad_values must be a string, tuple of strings, or None.")
        if padding_width is not None and padding_width < 1:
            raise ValueError("padding_width must be greater than 0.")
        if padding_width is not None and pad_values is None:
            raise ValueError("pad_values must be provided if padding_width is set.")
        widths = list(ngram_width) if isinstance(ngram_width, (list, tuple)) else [ngram_width]
        if not all(isinstance(width, int) for width in widths):
            raise TypeError("ngram_width must be an integer. Got: " + str(ngram_width))
        if any(width < 1 for width in widths):
            raise ValueError(f"All ngram_widths must be greater than 0. Got {ngram_width}")
        if pad_values is None:
            padding_width = 0
        elif padding_width is None:
            padding_width = -1
        value = convert_to_tensor_or_ragged(data, dtypes.string, name="data")
        rank = value.shape.rank
        if not rank:
            raise ValueError("data must have known nonzero rank.")
        is_vector = rank == 1
        is_dense = not isinstance(value, RaggedTensor)
        if is_vector:
            value = dense_expand_dims(value, 0)
        if is_dense:
            value = RaggedTensor.from_tensor(value, ragged_rank=value.shape.rank - 1)
        splits = value.nested_row_splits[-1]
        result = string_n_grams_op(
            value.flat_values,
            splits,
            separator=separator,
            ngram_widths=widths,
            left_pad=left,
            right_pad=right,
            pad_width=padding_width,
            preserve_short_sequences=preserve_short_sequences,
        )
        if is_vector:
            return result.ngrams
        nested: Any = RaggedTensor.from_row_splits(result.ngrams, result.ngrams_splits, validate=False)
        for partition in reversed(value._nested_row_partitions[:-1]):
            nested = RaggedTensor(nested, partition, internal=True)
        return nested.to_tensor("") if is_dense else nested


def unicode_decode(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """Return the code points of strings.

    Args:
        input: strings of known rank; ragged ones too.
        input_encoding: their encoding, such as "UTF-8".
        errors: what is done about malformed characters: "replace" them, "ignore" them, or fail ("strict").
        replacement_char: the code point that stands for them.
        replace_control_characters: whether control characters (below 0x20) are replaced as well.
        name: the scope of the nodes.
    Returns:
        An int32 RaggedTensor with one axis more than the input; a vector for a scalar.
    Raises:
        InvalidArgumentError: if the encoding is not known, or a character is malformed and `errors` is "strict".
    """
    with name_scope(name, "UnicodeDecode", [input]):
        value = convert_to_tensor_or_ragged(input, dtypes.string, name="input")

        def decode(vector: Any) -> Any:
            found = unicode_decode_op(
                vector,
                input_encoding=input_encoding,
                errors=errors,
                replacement_char=replacement_char,
                replace_control_characters=replace_control_characters,
            )
            return RaggedTensor.from_row_splits(found.char_values, found.row_splits, validate=False)

        return _by_row(value, decode)


def unicode_decode_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Return the code points of strings, and the position of the first byte of each; see `unicode_decode`."""
    with name_scope(name, "UnicodeDecodeWithOffsets", [input]):
        value = convert_to_tensor_or_ragged(input, dtypes.string, name="input")
        kept: list[Any] = []

        def decode(vector: Any) -> Any:
            found = unicode_decode_with_offsets_op(
                vector,
                input_encoding=input_encoding,
                errors=errors,
                replacement_char=replacement_char,
                replace_control_characters=replace_control_characters,
            )
            kept.append(found.char_to_byte_starts)
            return RaggedTensor.from_row_splits(found.char_values, found.row_splits, validate=False)

        codes = _by_row(value, decode)
        offsets = kept[0]
        return codes, codes.with_flat_values(offsets) if isinstance(codes, RaggedTensor) else offsets


def unicode_encode(
    input: Any,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """Return strings of code points along the last axis.

    Args:
        input: int32 code points (..., n), or a RaggedTensor.
        output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
        errors: what is done about what is no code point: "replace", "ignore", or fail ("strict").
        replacement_char: the code point that stands for it.
        name: the scope of the nodes.
    Returns:
        Strings with one axis less.
    Raises:
        ValueError: if the rank is not known, or 0.
        InvalidArgumentError: if something is no code point and `errors` is "strict".
    """
    with name_scope(name, "UnicodeEncode", [input]):
        value = convert_to_tensor_or_ragged(input, name="input")
        rank = value.shape.rank
        if rank is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        if rank == 0:
            raise ValueError("input_tensor's rank must be at least 1.")
        options: dict[str, Any] = {
            "errors": errors,
            "output_encoding": output_encoding,
            "replacement_char": replacement_char,
        }
        if isinstance(value, RaggedTensor):
            if isinstance(value.values, RaggedTensor):
                return value.with_values(unicode_encode(value.values, output_encoding, errors, replacement_char))
            if value.flat_values.shape.rank == 1:
                return unicode_encode_op(value.values, value.row_splits, **options)
            return value.with_values(unicode_encode(value.values, output_encoding, errors, replacement_char))
        if rank == 2:
            rows = RaggedTensor.from_tensor(value)
            return unicode_encode_op(rows.values, rows.row_splits, **options)
        if rank > 2:
            flat = reshape(value, [-1, shape(value)[-1]])
            return reshape(unicode_encode(flat, output_encoding, errors, replacement_char), shape(value)[:-1])
        whole = RaggedTensor.from_row_splits(value, [0, cast(shape(value)[0], dtypes.int64)], validate=False)
        return reshape(unicode_encode_op(whole.values, whole.row_splits, **options), [])


def unicode_split(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """Return the characters of strings, each a string in the encoding of the input; see `unicode_decode`."""
    with name_scope(name, "UnicodeSplit", [input]):
        codes = unicode_decode(input, input_encoding, errors, replacement_char)
        return _characters(codes, input_encoding, replacement_char)


def unicode_split_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Return the characters of strings, and the position of the first byte of each; see `unicode_split`."""
    with name_scope(name, "UnicodeSplitWithOffsets", [input]):
        codes, offsets = unicode_decode_with_offsets(input, input_encoding, errors, replacement_char)
        return _characters(codes, input_encoding, replacement_char), offsets


def _characters(codes: Any, encoding: str, replacement_char: int) -> Any:
    if isinstance(codes, RaggedTensor):
        flat = dense_expand_dims(codes.flat_values, -1)
        return codes.with_flat_values(unicode_encode(flat, encoding, "ignore", replacement_char))
    return unicode_encode(expand_dims(codes, -1), encoding, "ignore", replacement_char)


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool | None = False, separator: str = "", name: str | None = None
) -> Any:
    """Return the strings of a ragged tensor joined along axes; see `tf.strings.reduce_join`."""
    with name_scope(name, "RaggedReduceJoin", [inputs]):

        def join(data: Any, ids: Any, count: Any) -> Any:
            return joining.unsorted_segment_join(data, ids, count, separator)

        def whole(value: Any, axes: Any = None, keepdims: bool = False) -> Any:
            return joining.reduce_join(value, axes, keepdims, separator)

        return aggregate(whole, convert_values(inputs), axis, bool(keepdims), combine=join)


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """Return ragged strings joined element by element; see `tf.strings.join`."""
    parts = [convert_to_tensor_or_ragged(item, dtypes.string) for item in inputs]
    return apply_elementwise(lambda *flat: dense_join(list(flat), separator, name), *parts)
