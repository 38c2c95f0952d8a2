"""Tables from words to numbers and back, made in one call, as `tf.contrib.lookup` had them."""

from __future__ import annotations

from typing import Any

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import as_dtype, int64, string
from penstock.language.lookup import (
    KeyValueTensorInitializer,
    StaticHashTable,
    StaticVocabularyTable,
    TextFileIndex,
    TextFileInitializer,
)
from penstock.ops.array.shaping import size
from penstock.ops.math.cast import cast
from penstock.ops.math.sequence import range as range_of


def _with_buckets(initializer: Any, default_value: int, num_oov_buckets: int, name: str | None) -> Any:
    if num_oov_buckets > 0:
        return StaticVocabularyTable(initializer, num_oov_buckets, name=name)
    return StaticHashTable(initializer, default_value, name=name)


def index_table_from_tensor(
    mapping: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: Any = None,
    dtype: Any = string,
    name: str | None = None,
) -> Any:
    """Return a table from words to their positions in a vector.

    Args:
        mapping: the words.
        num_oov_buckets: how many further numbers there are for words that are not in it, by their hash.
        default_value: the number of words that are not in it, where there are no such numbers.
        hasher_spec: accepted.
        dtype: the type of the words.
        name: the table's name.
    Raises:
        ValueError: if there is no vector, or a number is negative.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    keys = convert_to_tensor(mapping, as_dtype(dtype))
    positions = cast(range_of(size(keys)), int64)
    return _with_buckets(KeyValueTensorInitializer(keys, positions), default_value, num_oov_buckets, name)


def index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: Any = None,
    key_dtype: Any = string,
    name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE,
    value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:
    """Return a table from the lines of a file to their numbers.

    Args:
        vocabulary_file: the file.
        num_oov_buckets, default_value, hasher_spec, name: see `index_table_from_tensor`.
        vocab_size: how many lines are read; None for all.
        key_dtype: the type of the keys.
        key_column_index, value_column_index, delimiter: see `TextFileInitializer`.
    Raises:
        ValueError: if there is no file, or a number is negative.
    """
    if vocabulary_file is None or isinstance(vocabulary_file, str) and not vocabulary_file:
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    initializer = TextFileInitializer(
        vocabulary_file,
        key_dtype,
        key_column_index,
        int64,
        value_column_index,
        delimiter=delimiter,
        vocab_size=vocab_size,
    )
    return _with_buckets(initializer, default_value, num_oov_buckets, name)


def index_to_string_table_from_tensor(mapping: Any, default_value: str = "UNK", name: str | None = None) -> Any:
    """Return a table from numbers to the words at their positions in a vector; `default_value` for other numbers."""
    words = convert_to_tensor(mapping, string)
    positions = cast(range_of(size(words)), int64)
    return StaticHashTable(KeyValueTensorInitializer(positions, words), default_value, name=name)


def index_to_string_table_from_file(
    vocabulary_file: Any,
    vocab_size: int | None = None,
    default_value: str = "UNK",
    name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER,
    value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> Any:
    """Return a table from numbers to the lines of a file; `default_value` for other numbers."""
    initializer = TextFileInitializer(
        vocabulary_file, int64, key_column_index, string, value_column_index, delimiter=delimiter, vocab_size=vocab_size
    )
    return StaticHashTable(initializer, default_value, name=name)
