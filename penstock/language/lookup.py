"""`tf.lookup`: tables from keys to values, and what fills them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.core.op_def import lookup as operation
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.core.type_spec import TensorSpec
from penstock.language.asset import Asset
from penstock.language.control_flow import group
from penstock.language.function import function
from penstock.language.init_scope import init_scope
from penstock.language.resource import RESTORE_VALUES, SAVE_VALUES, TrackableResource
from penstock.language.trackable import AutoTrackable, Trackable
from penstock.ops.constant import no_op
from penstock.ops.lookup import ops

_numbers = itertools.count()


def _inside_function() -> bool:
    """Tell whether the body of a function, branch or loop is being built."""
    return not executing_eagerly() and get_default_graph().building_function


def tables_initializer(name: str = "init_all_tables") -> Any:
    """Return an operation that fills all tables of the graph.

    Args:
        name: the name of the operation.
    """
    if executing_eagerly():
        return group(name=name)
    initializers = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group(*initializers, name=name) if initializers else no_op(name=name)


def initialize_all_tables(name: str = "init_all_tables") -> Any:
    """Return an operation that fills all tables; the old name of `tables_initializer`."""
    return tables_initializer(name)


# What fills a table


class TableInitializerBase(AutoTrackable):
    """What fills a table when it is made.

    Args:
        key_dtype, value_dtype: the types of keys and values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    @property
    def key_dtype(self) -> DType:
        """The type of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The type of the values."""
        return self._value_dtype

    def initialize(self, table: Any) -> Any:
        """Fill a table, or return the operation that does."""
        raise NotImplementedError(f"{type(self).__name__} must define initialize(table)")

    @property
    def _shared_name(self) -> str:
        """The name under which tables with the same contents are shared; empty for none."""
        return ""

    def _check_types(self, table: Any) -> None:
        if table.key_dtype.base_dtype != self.key_dtype or table.value_dtype.base_dtype != self.value_dtype:
            raise TypeError(
                f"the table maps {table.key_dtype.name} to {table.value_dtype.name}, its initializer "
                f"{self.key_dtype.name} to {self.value_dtype.name}"
            )


class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table with pairs.

    Args:
        keys: the keys, of any shape.
        values: the values, of the same shape.
        key_dtype, value_dtype: their types; by default their own.
        name: the name of the operation that fills a table.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None
    ) -> None:
        if _inside_function():
            with init_scope():
                self._convert(keys, values, key_dtype, value_dtype)
        else:
            self._convert(keys, values, key_dtype, value_dtype)
        self._name = name if name is not None else "key_value_init"
        super().__init__(self._keys.dtype, self._values.dtype)

    def _convert(self, keys: Any, values: Any, key_dtype: Any, value_dtype: Any) -> None:
        self._keys = convert_to_tensor(keys, dtype=key_dtype, name="keys")
        self._values = convert_to_tensor(values, dtype=value_dtype, name="values")

    def initialize(self, table: Any) -> Any:
        """Fill a table, or return the operation that does."""
        self._check_types(table)
        with name_scope(self._name, "key_value_init", [table.resource_handle, self._keys, self._values]):
            init_op = ops.lookup_table_import_v2_op(table.resource_handle, self._keys, self._values)
        _collect(init_op)
        return init_op


def _collect(init_op: Any) -> None:
    if init_op is not None:
        get_default_graph().add_to_collection(GraphKeys.TABLE_INITIALIZERS, init_op)


class TextFileIndex:
    """Which part of a line to take: `WHOLE_LINE`, `LINE_NUMBER`, or the number of a column from 0 on."""

    WHOLE_LINE = ops.WHOLE_LINE
    LINE_NUMBER = ops.LINE_NUMBER


class TextFileInitializer(TableInitializerBase):
    """Fills a table from the lines of a text file.

    Args:
        filename: the path, a string or a scalar string tensor.
        key_dtype: the type of the keys: int64 for line numbers, string for whole lines.
        key_index: what of a line is the key: see `TextFileIndex`.
        value_dtype, value_index: the same of the values.
        vocab_size: how many lines to read; all by default.
        delimiter: what separates columns, one character.
        name: the name of the operation that fills a table.
        value_index_offset: is added to line numbers.
    Raises:
        ValueError: if an index does not fit its type, or `vocab_size` is less than 1.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
        value_index_offset: int = 0,
    ) -> None:
        if not isinstance(filename, Tensor) and not filename:
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        for what, index, dtype in (
            ("key", key_index, as_dtype(key_dtype)),
            ("value", value_index, as_dtype(value_dtype)),
        ):
            if index < ops.WHOLE_LINE:
                raise ValueError(f"`{what}_index` should be >= -2, received: {index}.")
            if index == ops.LINE_NUMBER and dtype != dtypes.int64:
                raise ValueError(f"`{what}_dtype` must be int64 if `{what}_index` is -1, received: {dtype!r}")
            if index == ops.WHOLE_LINE and dtype != dtypes.string and not dtype.is_integer:
                raise ValueError(
                    f"`{what}_dtype` should be string or an integer type if `{what}_index` is -2, received: {dtype!r}"
                )
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be > 0, received: {vocab_size}")
        with init_scope():
            # Where a table is filled at once, its file goes along into saved models.
            self._filename = Asset(filename) if executing_eagerly() else filename
        self._file = filename
        self._key_index, self._value_index = key_index, value_index
        self._vocab_size = vocab_size
        self._delimiter = delimiter
        self._name = name
        self._offset = value_index_offset
        super().__init__(key_dtype, value_dtype)

    @property
    def _shared_name(self) -> str:
        if isinstance(self._file, Tensor):
            return ""
        size = -1 if self._vocab_size is None else self._vocab_size
        name = f"hash_table_{self._file}_{size}_{self._key_index}_{self._value_index}"
        return f"{name}_{self._offset}" if self._offset else name

    def initialize(self, table: Any) -> Any:
        """Fill a table, or return the operation that does."""
        self._check_types(table)
        with name_scope(self._name, "text_file_init", [table.resource_handle]):
            filename = convert_to_tensor(self._filename, dtypes.string, name="asset_filepath")
            init_op = ops.initialize_table_from_text_file_v2_op(
                table.resource_handle,
                filename,
                key_index=self._key_index,
                value_index=self._value_index,
                vocab_size=-1 if self._vocab_size is None else self._vocab_size,
                delimiter=self._delimiter,
                offset=self._offset,
            )
        _collect(init_op)
        if init_op is not None and not isinstance(self._filename, (Asset, Tensor)):
            get_default_graph().add_to_collection(GraphKeys.ASSET_FILEPATHS, filename)
        return init_op


# Tables


class LookupInterface(TrackableResource):
    """A table from keys to values.

    Args:
        key_dtype, value_dtype: their types.
    """

    _name: str | None = None
    _creation: Callable[[], Tensor] | None = None

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        super().__init__()
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    @property
    def key_dtype(self) -> DType:
        """The type of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The type of the values."""
        return self._value_dtype

    @property
    def name(self) -> str | None:
        """The name of the table's node; None when executing eagerly."""
        return self._name

    @property
    def resource_handle(self) -> Any:
        """The handle by which operations find the table."""
        return self._handle

    def _make(
        self, make: Callable[..., Tensor], make_anonymous: Callable[..., Tensor], name: str, **attrs: Any
    ) -> None:
        """Set the handle, of a table that is found by name in a graph and lives with the handle eagerly."""
        shared_name = attrs.pop("shared_name", "")
        saved_name = shared_name or f"table_{uuid.uuid4()}"
        self._creation = lambda: make(shared_name=saved_name, name=name, **attrs)
        with init_scope():
            if executing_eagerly():
                self._handle = make_anonymous(**attrs)
            else:
                self._handle = make(shared_name=shared_name, name=name, **attrs)
                self._name = self._handle.op.name.split("/")[-1]

    def _create_resource(self) -> Any:
        """Make another table like this one, under its name, and return the handle."""
        if self._creation is None:
            raise NotImplementedError(f"{type(self).__name__} does not say how its table is made")
        return self._creation()

    def size(self, name: str | None = None) -> Tensor:
        """Return the number of entries, a scalar int64.

        Args:
            name: the name of the scope.
        """
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]):
            return ops.lookup_table_size_v2_op(self.resource_handle)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Return the values of keys, the default for those that are not in the table.

        Args:
            keys: a tensor, SparseTensor or RaggedTensor of keys.
            name: the name of the scope.
        """
        raise NotImplementedError(f"{type(self).__name__} must define lookup(keys)")

    def __getitem__(self, keys: Any) -> Any:
        return self.lookup(keys)

    def _exported(self, name: str | None) -> tuple[Tensor, Tensor]:
        with name_scope(name, f"{self.name}_lookup_table_export_values", [self.resource_handle]):
            found = ops.lookup_table_export_v2_op(
                self.resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype
            )
        return found.keys, found.values

    def _check_keys(self, keys: Any) -> None:
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(f"Dtype of argument `keys` must be {self._key_dtype!r}, received: {keys.dtype!r}")

    @staticmethod
    def _over_values(keys: Any, find: Callable[[Any], Any]) -> Any:
        """Return what `find` gives for the values of sparse or ragged keys, at the same places."""
        if hasattr(keys, "with_flat_values"):
            return keys.with_flat_values(find(keys.flat_values))
        if hasattr(keys, "with_values"):
            return keys.with_values(find(keys.values))
        return find(keys)


class StaticHashTable(LookupInterface):
    """A table that is filled when it is made, and stays as it is.

    In a graph, `tf.compat.v1.tables_initializer()` fills it.

    Args:
        initializer: gives the entries, for example a `KeyValueTensorInitializer`.
        default_value: the value of keys that are not in the table.
        name: the name of the table's node.
        experimental_is_anonymous: whether nothing else can find the table by its name.
    """

    def __init__(
        self, initializer: Any, default_value: Any, name: str | None = None, experimental_is_anonymous: bool = False
    ) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._initializer = initializer
        shared_name = initializer._shared_name or f"hash_table_{uuid.uuid4()}"
        self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
        self._default_value.shape.merge_with([])
        self._make(
            ops.hash_table_v2_op,
            ops.anonymous_hash_table_op,
            name or "hash_table",
            shared_name=shared_name,
            key_dtype=self._key_dtype,
            value_dtype=self._value_dtype,
        )
        if _inside_function():
            with init_scope():
                self._init_op = initializer.initialize(self)
        else:
            self._init_op = initializer.initialize(self)

    def _initialize(self) -> Any:
        """Fill the table, which is another one where a saved model is loaded."""
        return self._initializer.initialize(self)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if isinstance(self._initializer, Trackable):
            children["_initializer"] = self._initializer
        return children

    @property
    def default_value(self) -> Tensor:
        """The value of keys that are not in the table."""
        return self._default_value

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        return self._init_op

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Return the values of keys, the default for those that are not in the table.

        Args:
            keys: a tensor, SparseTensor or RaggedTensor of keys.
            name: the name of the scope.
        Raises:
            TypeError: if `keys` are of another type than those of the table.
        """
        self._check_keys(keys)

        def find(wanted: Any) -> Any:
            with name_scope(name, f"{self.name}_Lookup", [self.resource_handle, wanted]):
                values = ops.lookup_table_find_v2_op(self.resource_handle, wanted, self._default_value)
            values.set_shape(wanted.shape)
            return values

        return self._over_values(keys, find)

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """Return all keys and all values, in one order.

        Args:
            name: the name of the scope.
        """
        return self._exported(name)


class StaticVocabularyTable(LookupInterface):
    """A table from words to numbers, in which unknown words get numbers from hash buckets above those of the entries.

    Args:
        initializer: gives the entries, whose values should be the numbers from 0 on; None for buckets alone.
        num_oov_buckets: the number of buckets, at least 1.
        lookup_key_dtype: the type of the keys: string, int64 or int32; by default that of the initializer.
        name: the name of the table's node.
        experimental_is_anonymous: whether nothing else can find the table by its name.
    Raises:
        ValueError: if there is no bucket, or neither an initializer nor a type.
        TypeError: if keys or values are of a type that cannot be.
    """

    def __init__(
        self,
        initializer: Any,
        num_oov_buckets: int,
        lookup_key_dtype: Any = None,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError(f"`num_oov_buckets` must be > 0; use StaticHashTable. Received: {num_oov_buckets}.")
        if initializer is None and lookup_key_dtype is None:
            raise ValueError("`lookup_key_dtype` is required without an initializer")
        key_dtype = as_dtype(initializer.key_dtype if lookup_key_dtype is None else lookup_key_dtype)
        table_key_dtype = key_dtype if initializer is None else as_dtype(initializer.key_dtype)
        if table_key_dtype not in (dtypes.int64, dtypes.string):
            raise TypeError(f"Invalid `key_dtype`, expected one of (tf.int64, tf.string), but got {table_key_dtype!r}.")
        if initializer is not None and initializer.value_dtype != dtypes.int64:
            raise TypeError(f"Invalid `value_dtype`, expected tf.int64 but got {initializer.value_dtype!r}.")
        if key_dtype.is_integer != table_key_dtype.is_integer:
            raise TypeError(
                f"Invalid `key_dtype`: {table_key_dtype!r} of the initializer and {key_dtype!r} are not both integers "
                "or both strings"
            )
        super().__init__(key_dtype, dtypes.int64)
        self._num_oov_buckets = num_oov_buckets
        self._table = None
        if initializer is None:
            self._own_name: str | None = name or f"hash_bucket_{next(_numbers)}"
        else:
            self._table = StaticHashTable(initializer, default_value=-1, name=name)
            self._own_name = None

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return {} if self._table is None else {"_table": self._table}

    @property
    def name(self) -> str | None:
        """The name of the table's node; None when executing eagerly."""
        return self._own_name if self._table is None else self._table.name

    @property
    def resource_handle(self) -> Any:
        """The handle of the table of known words; None if there is none."""
        return None if self._table is None else self._table.resource_handle

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        return no_op() if self._table is None else self._table.initializer

    def size(self, name: str | None = None) -> Tensor:
        """Return the number of entries and buckets, a scalar int64.

        Args:
            name: the name of the scope.
        """
        with name_scope(name, f"{self.name}_Size"):
            known: Any = 0 if self._table is None else self._table.size()
            buckets = convert_to_tensor(self._num_oov_buckets, dtypes.int64)
            return buckets if self._table is None else known + buckets

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Return the numbers of words, those of unknown ones from their buckets.

        Args:
            keys: a tensor, SparseTensor or RaggedTensor of keys.
            name: the name of the scope.
        Raises:
            TypeError: if `keys` are of another type than those of the table.
        """
        self._check_keys(keys)

        def find(wanted: Any) -> Any:
            with name_scope(name, f"{self.name}_Lookup"):
                text = wanted
                if wanted.dtype.is_integer:
                    wanted = operation("Cast")(wanted, DstT=dtypes.int64)  # type: ignore[operator]
                    text = operation("AsString")(wanted)  # type: ignore[operator]
                buckets = operation("StringToHashBucketFast")(  # type: ignore[operator]
                    text, num_buckets=self._num_oov_buckets, name="hash_bucket"
                )
                if self._table is None:
                    return buckets
                ids = self._table.lookup(wanted)
                buckets = buckets + self._table.size()
                is_known = operation("NotEqual")(ids, self._table.default_value)  # type: ignore[operator]
                return operation("SelectV2")(is_known, ids, buckets)  # type: ignore[operator]

        return self._over_values(keys, find)


class MutableTable(LookupInterface):
    """What tables have to which entries can be added."""

    _default_value: Tensor
    _value_shape: TensorShape
    _has_checkpoint_values = True

    def _checkpoint_values(self, key: str) -> dict[str, Tensor]:
        """Return what a checkpoint holds of the table: tensors by name."""
        keys, values = self._exported(None)
        return {f"{key}-keys": keys, f"{key}-values": values}

    def _restore_checkpoint_values(self, key: str, read: Callable[[str], Any]) -> Any:
        """Replace the entries by those of a checkpoint, whose tensors `read` returns; in a graph, return how."""
        keys = convert_to_tensor(read(f"{key}-keys"), dtype=self._key_dtype)
        values = convert_to_tensor(read(f"{key}-values"), dtype=self._value_dtype)
        return ops.lookup_table_import_v2_op(self.resource_handle, keys, values)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type != "savedmodel" or not self._has_checkpoint_values:
            return children

        @function(input_signature=[TensorSpec([], dtypes.string, "checkpoint_key")], autograph=False)
        def save(checkpoint_key: Tensor) -> list[dict[str, Any]]:
            return [
                {"name": checkpoint_key + f"-{part}", "slice_spec": "", "tensor": tensor}
                for part, tensor in zip(("keys", "values"), self._exported(None), strict=True)
            ]

        specs = [
            TensorSpec(None, self._key_dtype, "restored_tensors_0"),
            TensorSpec(None, self._value_dtype, "restored_tensors_1"),
        ]

        @function(input_signature=specs, autograph=False)
        def restore(restored_tensors_0: Tensor, restored_tensors_1: Tensor) -> int:
            ops.lookup_table_import_v2_op(self.resource_handle, restored_tensors_0, restored_tensors_1)
            return 1

        return {
            **children,
            SAVE_VALUES: save.get_concrete_function(),
            RESTORE_VALUES: restore.get_concrete_function(),
        }

    def remove(self, keys: Any, name: str | None = None) -> Any:
        """Remove the entries of keys, as far as there are any.

        Args:
            keys: a tensor of keys.
            name: the name of the scope.
        Raises:
            TypeError: if `keys` are of another type than those of the table.
        """
        self._check_keys(keys)
        with name_scope(name, f"{self.name}_lookup_table_remove", [self.resource_handle, keys]):
            return ops.lookup_table_remove_v2_op(self.resource_handle, keys)

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Add entries, in place of those with the same keys.

        Args:
            keys: keys of any shape.
            values: a value for each.
            name: the name of the scope.
        """
        with name_scope(name, f"{self.name}_lookup_table_insert", [self.resource_handle, keys, values]):
            keys = convert_to_tensor(keys, dtype=self._key_dtype, name="keys")
            values = convert_to_tensor(values, dtype=self._value_dtype, name="values")
            return ops.lookup_table_insert_v2_op(self.resource_handle, keys, values)

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """Return all keys and all values, in one order.

        Args:
            name: the name of the scope.
        """
        return self._exported(name)

    def _find(self, keys: Any, default: Any, name: str | None, key_ndim: int) -> Any:
        def find(wanted: Any) -> Any:
            with name_scope(name, f"{self.name}_lookup_table_find", [self.resource_handle, wanted, default]):
                wanted = convert_to_tensor(wanted, dtype=self._key_dtype, name="keys")
                values = ops.lookup_table_find_v2_op(self.resource_handle, wanted, default)
            if wanted.dims is not None:
                values.set_shape(TensorShape(wanted.dims[: len(wanted.dims) - key_ndim]).concatenate(self._value_shape))
            return values

        return self._over_values(keys, find)


class MutableHashTable(MutableTable):
    """A table to which entries are added and from which they are removed.

    Args:
        key_dtype, value_dtype: the types of keys and values.
        default_value: the value of keys that are not in the table; its shape is that of all values.
        name: the name of the table's node.
        checkpoint: whether checkpoints should hold the entries.
        experimental_is_anonymous: whether nothing else can find the table by its name.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        self._has_checkpoint_values = checkpoint
        self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
        self._value_shape = self._default_value.shape
        attrs = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype}
        if self._value_shape.rank == 0:
            self._make(ops.mutable_hash_table_v2_op, ops.anonymous_mutable_hash_table_op, name, **attrs)
        else:
            self._make(
                ops.mutable_hash_table_of_tensors_v2_op,
                ops.anonymous_mutable_hash_table_of_tensors_op,
                name,
                value_shape=self._value_shape,
                **attrs,
            )

    def lookup(  # type: ignore[override]
        self, keys: Any, dynamic_default_values: Any = None, name: str | None = None
    ) -> Any:
        """Return the values of keys, the default for those that are not in the table.

        Args:
            keys: a tensor, SparseTensor or RaggedTensor of keys.
            dynamic_default_values: a default for each key, in place of the table's.
            name: the name of the scope.
        """
        default = self._default_value
        if dynamic_default_values is not None:
            default = convert_to_tensor(dynamic_default_values, dtype=self._value_dtype)
        return self._find(keys, default, name, 0)


class DenseHashTable(MutableTable):
    """A table for many entries, in which two keys are reserved; keys may be vectors.

    Args:
        key_dtype, value_dtype: the types of keys and values.
        default_value: the value of keys that are not in the table; its shape is that of all values.
        empty_key, deleted_key: two different keys that no entry has.
        initial_num_buckets: a power of 2, which changes no result.
        name: the name of the table's node.
        checkpoint: whether checkpoints should hold the entries.
        experimental_is_anonymous: whether nothing else can find the table by its name.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        self._has_checkpoint_values = checkpoint
        self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype, name="default_value")
        self._value_shape = self._default_value.shape
        empty = convert_to_tensor(empty_key, dtype=self._key_dtype, name="empty_key")
        deleted = convert_to_tensor(deleted_key, dtype=self._key_dtype, name="deleted_key")
        self._key_shape = empty.shape

        def make(**attrs: Any) -> Tensor:
            return ops.mutable_dense_hash_table_v2_op(empty, deleted, **attrs)

        def make_anonymous(**attrs: Any) -> Tensor:
            return ops.anonymous_mutable_dense_hash_table_op(empty, deleted, **attrs)

        buckets = {} if initial_num_buckets is None else {"initial_num_buckets": initial_num_buckets}
        self._make(make, make_anonymous, name, value_dtype=self._value_dtype, value_shape=self._value_shape, **buckets)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Return the values of keys, the default for those that are not in the table.

        Args:
            keys: a tensor, SparseTensor or RaggedTensor of keys.
            name: the name of the scope.
        """
        return self._find(keys, self._default_value, name, self._key_shape.rank or 0)

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Add entries, in place of those with the same keys; another name of `insert`."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Any:
        """Remove the entries of keys; another name of `remove`."""
        return self.remove(keys, name)
