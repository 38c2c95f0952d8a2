"""Saving the variables of a graph to checkpoints, and restoring them."""

from __future__ import annotations

import math
import numbers
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from penstock.core import dtypes
from penstock.core.context import executing_eagerly
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from penstock.core.graph import get_default_graph, name_scope
from penstock.core.graph_keys import GraphKeys
from penstock.formats import protos
from penstock.formats.tensor_bundle import bundle_exists
from penstock.language.control_flow import group, with_dependencies
from penstock.language.graph_functions import control_dependencies, device
from penstock.ops.array.joining import stack
from penstock.ops.array.shaping import shape_v1
from penstock.ops.constant import constant, identity, placeholder_with_default_op
from penstock.ops.io.checkpoint import (
    merge_v2_checkpoints_op,
    open_checkpoint,
    restore_v2_op,
    save_v2_op,
    sharded_filename_op,
    translated,
)
from penstock.ops.string.join import string_join
from penstock.train.checkpoint_management import (
    checkpoint_exists,
    get_checkpoint_mtimes,
    meta_graph_filename,
    remove_checkpoint,
    update_checkpoint_state,
)
from penstock.train.global_step import global_step as evaluate_global_step
from penstock.train.meta_graph import export_meta_graph
from penstock.train.saveable import SaveableObject, SaveSpec, VariableSaveable, names_to_variables, saveables_of

_MISMATCH = (
    "Restoring from checkpoint failed: the graph is not the one from which the checkpoint was written. {error}\n"
    "Nothing was restored. Build the graph as it was then, or pass the Saver only the variables that fit."
)
_MISSING = (
    "Restoring from checkpoint failed: a variable of the graph is missing from the checkpoint. {error}\n"
    "Nothing was restored. tf.train.list_variables tells which names the checkpoint has; pass the Saver a dict from "
    "these to variables."
)

Saveables: TypeAlias = Sequence[SaveableObject]


class BaseSaverBuilder:
    """Builds the nodes that save and restore.

    Args:
        write_version: the format of checkpoints, V2.
    """

    SaveSpec = SaveSpec
    SaveableObject = SaveableObject

    def __init__(self, write_version: int = 2) -> None:
        self._write_version = write_version

    def save_op(self, filename_tensor: Any, saveables: Saveables) -> Any:
        """Return the operation that writes all tensors to one checkpoint."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        names = [spec.name for spec in specs]
        return save_v2_op(filename_tensor, names, [spec.slice_spec for spec in specs], [spec.tensor for spec in specs])

    def bulk_restore(self, filename_tensor: Any, saveables: Saveables, restore_sequentially: bool) -> list[Any]:
        """Return the tensors of all saveables as a checkpoint has them, read by one operation."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with device("/cpu:0"):
            return restore_v2_op(
                filename_tensor,
                [spec.name for spec in specs],
                [spec.slice_spec for spec in specs],
                dtypes=[spec.dtype for spec in specs],
            )

    def sharded_filename(self, filename_tensor: Any, shard: int, num_shards: Any) -> Any:
        """Return the name of one shard of a checkpoint."""
        return sharded_filename_op(filename_tensor, shard, num_shards)

    def build(
        self,
        names_to_saveables: dict[str, Any],
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        filename: str = "model",
    ) -> Any:
        """Add the nodes to the default graph.

        Args:
            names_to_saveables: see `saveables_of`.
            reshape, sharded, max_to_keep, keep_checkpoint_every_n_hours, name, restore_sequentially, filename: see
                `Saver`.
        Returns:
            A SaverDef message with the names of the nodes.
        """
        definition, _ = self._build(
            names_to_saveables,
            reshape,
            sharded,
            max_to_keep,
            keep_checkpoint_every_n_hours,
            name,
            restore_sequentially,
            filename,
        )
        return definition

    def _build(
        self,
        names_to_saveables: dict[str, Any],
        reshape: bool,
        sharded: bool,
        max_to_keep: int,
        keep_checkpoint_every_n_hours: float,
        name: str | None,
        restore_sequentially: bool,
        filename: str,
    ) -> tuple[Any, Saveables]:
        """Add the nodes; return the SaverDef, and what is saved."""
        with name_scope(name, "save"):
            path = placeholder_with_default_op(filename or "model", shape=(), dtype=dtypes.string, name="filename")
            path = placeholder_with_default_op(path, shape=(), dtype=dtypes.string, name="Const")
            saveables = saveables_of(names_to_saveables)
            if sharded:
                shards = _by_device(saveables)
                save_tensor = self._add_sharded_save(path, shards)
                restores = []
                for shard, (where, items) in enumerate(shards):
                    with device(where):
                        assigns = self._add_restore(path, items, reshape, restore_sequentially)
                        restores.append(
                            group(*assigns, name="restore_shard" if shard == 0 else f"restore_shard_{shard}")
                        )
                restore_op = group(*restores, name="restore_all")
            else:
                save = self.save_op(path, saveables)
                save_tensor = with_dependencies([save], path)
                restore_op = group(
                    *self._add_restore(path, saveables, reshape, restore_sequentially), name="restore_all"
                )
        definition = protos.SaverDef(
            filename_tensor_name=path.name,
            save_tensor_name=save_tensor.name,
            restore_op_name=restore_op.name,
            max_to_keep=max_to_keep,
            sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            version=self._write_version,
        )
        return definition, saveables

    def _add_sharded_save(self, path: Any, shards: Sequence[tuple[str, Saveables]]) -> Any:
        """Write the variables of each device to a checkpoint of their own, then join these."""
        with device("/device:CPU:*"):
            temporary = string_join([path, constant("_temp/part")])
        num_shards = constant(len(shards), name="num_shards")
        parts, saved = [], []
        for shard, (where, items) in enumerate(shards):
            with device(_cpu_of(where)):
                part = self.sharded_filename(temporary, shard, num_shards)
                parts.append(part)
                saved.append(with_dependencies([self.save_op(part, items)], part))
        with device(_cpu_of(shards[-1][0])), control_dependencies(saved):
            prefixes = stack(parts, name="MergeV2Checkpoints/checkpoint_prefixes")
            merge = merge_v2_checkpoints_op(prefixes, path, delete_old_dirs=True)
            with control_dependencies([merge]):
                return identity(path)

    def _add_restore(self, path: Any, saveables: Saveables, reshape: bool, restore_sequentially: bool) -> list[Any]:
        values = self.bulk_restore(path, saveables, restore_sequentially)
        assigns: list[Any] = []
        position = 0
        for saveable in saveables:
            shapes = [_static_shape(spec) for spec in saveable.specs] if reshape else None
            restored = values[position : position + len(saveable.specs)]
            position += len(saveable.specs)
            assigns.append(saveable.restore(restored, shapes))
        return assigns


class BulkSaverBuilder(BaseSaverBuilder):
    """The builder that Savers use: one operation reads all tensors."""


def _static_shape(spec: SaveSpec) -> Any:
    shape = spec.tensor.get_shape()
    return shape.as_list() if shape.is_fully_defined() else shape_v1(spec.tensor)


def _by_device(saveables: Saveables) -> list[tuple[str, list[SaveableObject]]]:
    devices: dict[str, list[SaveableObject]] = {}
    for saveable in saveables:
        devices.setdefault(saveable.device, []).append(saveable)
    return sorted(devices.items())


def _cpu_of(name: str) -> str:
    """Return the CPU of the task that a device belongs to: files are written from there."""
    task = [part for part in name.split("/") if part and not part.lower().startswith(("device:", "cpu:", "gpu:"))]
    return "/".join(["", *task, "device:CPU:0"])


class Saver:
    """Saves the variables of a graph to checkpoints, and restores them.

    Args:
        var_list: variables to save, as a list, or a dict from names in the checkpoint; by default all global variables.
        reshape: whether variables may be restored from tensors of other shapes with as many elements.
        sharded: whether the variables of each device go into files of their own.
        max_to_keep: how many checkpoints are kept; older ones are deleted. 0 or None keeps all.
        keep_checkpoint_every_n_hours: one checkpoint of every so many hours is kept for good.
        name: the name scope of the nodes, by default "save".
        restore_sequentially: accepted; variables are restored one after the other.
        saver_def: a SaverDef message that names nodes which exist already; then none are built.
        builder: builds the nodes, by default a `BulkSaverBuilder`.
        defer_build: whether nodes are only built by `build`.
        allow_empty: whether there may be no variables; saving and restoring then do nothing.
        write_version: the format of checkpoints, 2.
        pad_step_number: whether step numbers in file names have eight digits.
        save_relative_paths: whether the file `checkpoint` has paths relative to its directory.
        filename: the path that is used where the nodes are run without one.
    Raises:
        TypeError, ValueError: if `var_list` is invalid, or there are no variables.
        RuntimeError: in eager execution without `var_list`.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: BaseSaverBuilder | None = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = 2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. "
                "Either set defer_build=False or var_list=None."
            )
        if executing_eagerly() and var_list is None:
            raise RuntimeError(
                "When eager execution is enabled, `var_list` must specify a list or dict of variables to save"
            )
        if write_version != protos.SaverDef.V2:
            raise ValueError(
                f"checkpoints are written in format version 2 (SaverDef.V2), got write_version={write_version}"
            )
        self._var_list = var_list
        self._reshape = reshape
        self._sharded = sharded
        self._max_to_keep = max_to_keep or 0
        self._keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self._name = name
        self._restore_sequentially = restore_sequentially
        self.saver_def = saver_def
        self._builder = builder
        self._allow_empty = allow_empty
        self._is_empty = False
        self._write_version = write_version
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._saveables: Saveables = []
        self._last_checkpoints: list[tuple[str, float]] = []
        self._to_delete: list[tuple[str, float]] = []
        self._is_built = False
        if saver_def is not None:
            self._check_saver_def()
            self._write_version = saver_def.version
            self._max_to_keep = saver_def.max_to_keep
            self._keep_checkpoint_every_n_hours = saver_def.keep_checkpoint_every_n_hours
            self._is_built = True
        elif executing_eagerly():
            self._saveables = saveables_of(self._names())
            self._is_built = True
        elif not defer_build:
            self.build()
        self._next_checkpoint_time = time.time() + self._keep_checkpoint_every_n_hours * 3600

    def build(self) -> None:
        """Add the nodes to the default graph, if that was deferred.

        Raises:
            RuntimeError: in eager execution.
            ValueError: if there are no variables.
        """
        if executing_eagerly():
            raise RuntimeError("Use save/restore instead of build in eager mode.")
        if self._is_built:
            return
        names = self._names()
        if not names:
            if not self._allow_empty:
                raise ValueError("No variables to save")
            self._is_empty = True
            self._is_built = True
            return
        builder = self._builder or BulkSaverBuilder(self._write_version)
        self.saver_def, self._saveables = builder._build(
            names,
            self._reshape,
            self._sharded,
            self._max_to_keep,
            self._keep_checkpoint_every_n_hours,
            self._name,
            self._restore_sequentially,
            self._filename or "model",
        )
        self._check_saver_def()
        self._is_built = True

    def _names(self) -> dict[str, Any]:
        variables = self._var_list
        if variables is None:
            graph = get_default_graph()
            variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES) + graph.get_collection(
                GraphKeys.SAVEABLE_OBJECTS
            )
        if isinstance(variables, dict):
            return variables
        if not isinstance(variables, Iterable) or isinstance(variables, (str, bytes)):
            raise TypeError(f"Variables to save should be passed in a dict or a list. Got {variables!r}")
        return names_to_variables(variables)

    def _check_saver_def(self) -> None:
        if not isinstance(self.saver_def, protos.SaverDef):
            raise ValueError(f"saver_def must be a saver_pb2.SaverDef: {self.saver_def}")
        for field in ("save_tensor_name", "restore_op_name"):
            if not getattr(self.saver_def, field):
                raise ValueError(f"saver_def must specify the {field}: {self.saver_def}")

    # Saving

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Write a checkpoint, and delete the oldest where there are more than are to be kept.

        Args:
            sess: the session whose variables are saved; None in eager execution.
            save_path: the prefix of the checkpoint's files, whose directory must exist.
            global_step: a number, tensor or variable that is appended to the prefix.
            latest_filename: name of the file that tells which checkpoint is the latest, by default "checkpoint".
            meta_graph_suffix: the end of the name of the file with the graph.
            write_meta_graph: whether the graph is written too.
            write_state: whether the file that tells the latest checkpoint is written.
            strip_default_attrs, save_debug_info: see `export_meta_graph`.
        Returns:
            The prefix of the checkpoint, to be passed to `restore`; None if there is nothing to save.
        Raises:
            TypeError: if `sess` is no session.
            ValueError: if a path is invalid, or the directory does not exist.
            RuntimeError: if the Saver is not built yet.
            OpError: if saving fails; older checkpoints are as they were.
        """
        if not self._is_built:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        save_path = os.fspath(save_path)
        if not save_path:
            raise ValueError("no path specified: save_path is empty; pass the prefix of the checkpoint's files")
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        if not executing_eagerly() and not hasattr(sess, "run"):
            raise TypeError(f"'sess' must be a Session; {sess}")
        prefix = self._prefix(sess, save_path, global_step, latest_filename)
        written: str | None = None
        if not self._is_empty:
            written = self._write(sess, prefix, save_path)
            if write_state:
                self._record(written)
                update_checkpoint_state(
                    save_dir=os.path.dirname(save_path),
                    model_checkpoint_path=written,
                    all_model_checkpoint_paths=self.last_checkpoints,
                    latest_filename=latest_filename,
                    save_relative_paths=self._save_relative_paths,
                )
                self._delete_old(meta_graph_suffix)
        if write_meta_graph and not executing_eagerly():
            with sess.graph.as_default():
                self.export_meta_graph(
                    meta_graph_filename(prefix, meta_graph_suffix),
                    strip_default_attrs=strip_default_attrs,
                    save_debug_info=save_debug_info,
                )
        return written

    def _prefix(self, sess: Any, save_path: str, global_step: Any, latest_filename: str) -> str:
        if global_step is not None:
            step = _as_int(sess, global_step)
            return f"{save_path}-{step:08d}" if self._pad_step_number else f"{save_path}-{step}"
        if os.path.basename(save_path) == latest_filename and not self._sharded:
            raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")
        return save_path

    def _write(self, sess: Any, prefix: str, save_path: str) -> str:
        try:
            if executing_eagerly():
                BulkSaverBuilder().save_op(prefix, self._saveables)
                return prefix
            definition = self.saver_def
            written = sess.run(definition.save_tensor_name, {definition.filename_tensor_name: prefix})
            return written.decode() if isinstance(written, bytes) else str(written)
        except (FailedPreconditionError, NotFoundError) as error:
            parent = os.path.dirname(save_path)
            if parent and not os.path.isdir(parent):
                raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.") from error
            raise

    def _record(self, prefix: str) -> None:
        """Note a checkpoint as the latest, and which one is now too many."""
        if not self._max_to_keep:
            # Without a limit no list is kept: it would grow for as long as the program runs.
            self._last_checkpoints = [(prefix, time.time())]
            return
        self._last_checkpoints = [entry for entry in self._last_checkpoints if entry[0] != prefix]
        self._last_checkpoints.append((prefix, time.time()))
        if len(self._last_checkpoints) > self._max_to_keep:
            self._to_delete.append(self._last_checkpoints.pop(0))

    def _delete_old(self, meta_graph_suffix: str) -> None:
        while self._to_delete:
            prefix, written = self._to_delete.pop(0)
            if written > self._next_checkpoint_time:
                self._next_checkpoint_time += self._keep_checkpoint_every_n_hours * 3600
                continue
            remove_checkpoint(prefix, self._write_version, meta_graph_suffix)

    # Restoring

    def restore(self, sess: Any, save_path: Any) -> None:
        """Set the variables to what a checkpoint has. They need not be initialized.

        Args:
            sess: the session whose variables are set; None in eager execution.
            save_path: the checkpoint's prefix, as `save` returned it.
        Raises:
            ValueError: if there is no such checkpoint.
            NotFoundError: if the checkpoint lacks a variable.
            InvalidArgumentError: if a variable has another shape or type than in the checkpoint.
            DataLossError: if the checkpoint is damaged. No variable is changed in any of these cases.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = os.fspath(save_path)
        if not checkpoint_exists(prefix) or not bundle_exists(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        try:
            self._check_fits(prefix)
            if executing_eagerly():
                self._restore_eagerly(prefix)
            else:
                definition = self.saver_def
                sess.run(definition.restore_op_name, {definition.filename_tensor_name: prefix})
        except NotFoundError as error:
            raise NotFoundError(error.node_def, error.op, _MISSING.format(error=error.message)) from error
        except InvalidArgumentError as error:
            raise InvalidArgumentError(error.node_def, error.op, _MISMATCH.format(error=error.message)) from error

    def _check_fits(self, prefix: str) -> None:
        """Compare the shapes of variables with those in a checkpoint, before the first variable is assigned."""
        if self._reshape:
            return
        reader = open_checkpoint(prefix)
        wrong = []
        for saveable in self._saveables:
            if not isinstance(saveable, VariableSaveable) or saveable.specs[0].slice_spec:
                continue
            name = saveable.specs[0].name
            shape = saveable.variable.get_shape()
            if name in reader and shape.is_fully_defined():
                stored, _ = translated(lambda name=name: reader.shape_and_dtype(name), prefix)  # type: ignore[misc]
                if tuple(shape.as_list()) != stored:
                    wrong.append(f"{name}: lhs shape= {_brackets(shape.as_list())} rhs shape= {_brackets(stored)}")
        if wrong:
            raise InvalidArgumentError(
                None, None, "Assign requires shapes of both tensors to match. " + "; ".join(wrong)
            )

    def _restore_eagerly(self, prefix: str) -> None:
        values = BulkSaverBuilder().bulk_restore(prefix, self._saveables, False)
        position = 0
        for saveable in self._saveables:
            restored = values[position : position + len(saveable.specs)]
            position += len(saveable.specs)
            shapes = [_static_shape(spec) for spec in saveable.specs] if self._reshape else None
            saveable.restore(restored, shapes)

    # Which checkpoints there are

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that were written and not deleted, oldest first."""
        return [prefix for prefix, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Replace the list of checkpoints, which will be deleted in turn.

        Args:
            last_checkpoints: prefixes, oldest first.
        Raises:
            TypeError: if it is not a list.
        """
        if not isinstance(last_checkpoints, list):
            raise TypeError(f"last_checkpoints must be a list of prefixes, got {type(last_checkpoints).__name__}")
        # The time when they were written is not known, so that none of them is one to be kept for good.
        self._last_checkpoints = [(prefix, -math.inf) for prefix in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Sequence[tuple[str, float]]) -> None:
        """Replace the list of checkpoints by pairs of prefix and time of writing, in seconds since the epoch."""
        if not isinstance(last_checkpoints_with_time, list):
            raise TypeError(
                f"last_checkpoints_with_time must be a list of pairs, got {type(last_checkpoints_with_time).__name__}"
            )
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Take up the list of checkpoints of an earlier run, as the file `checkpoint` has it.

        Args:
            checkpoint_paths: prefixes, oldest first; those of which there are no files are left out.
        """
        existing = [path for path in checkpoint_paths if checkpoint_exists(path)]
        self.set_last_checkpoints_with_time(list(zip(existing, get_checkpoint_mtimes(existing), strict=True)))

    # Messages

    def as_saver_def(self) -> Any:
        """Return the SaverDef message with the names of the nodes."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Return the SaverDef message, with names relative to a name scope; None if the nodes are not within it."""
        if not export_scope:
            return self.saver_def
        scope = export_scope.rstrip("/") + "/"
        if not self.saver_def.filename_tensor_name.startswith(scope):
            return None
        message = protos.SaverDef()
        message.CopyFrom(self.saver_def)
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(message, field, getattr(message, field)[len(scope) :])
        return message

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> Saver:
        """Return a Saver for nodes that a SaverDef message names.

        Args:
            saver_def: the message.
            import_scope: the name scope that the nodes were imported into.
        """
        message = protos.SaverDef()
        message.CopyFrom(saver_def)
        if import_scope:
            for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
                setattr(message, field, f"{import_scope.rstrip('/')}/{getattr(message, field)}")
        return Saver(saver_def=message, name=message.filename_tensor_name.split("/")[0])

    def export_meta_graph(
        self,
        filename: Any = None,
        collection_list: Sequence[Any] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """Return the default graph as a MetaGraphDef, with this Saver; see `export_meta_graph`."""
        return export_meta_graph(
            filename=filename,
            graph_def=get_default_graph().as_graph_def(add_shapes=True),
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
            save_debug_info=save_debug_info,
        )


def _as_int(sess: Any, global_step: Any) -> int:
    if isinstance(global_step, numbers.Integral):
        return int(global_step)
    return evaluate_global_step(sess, global_step)


def _brackets(sizes: Sequence[int | None]) -> str:
    return "[" + ",".join("?" if size is None else str(size) for size in sizes) + "]"
