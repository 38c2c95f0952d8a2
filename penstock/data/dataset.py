"""`tf.data.Dataset`: a pipeline as users hold it."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.context import executing_eagerly
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype, int64, string, variant
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import current_graph
from penstock.core.shape import TensorShape
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import BatchableTypeSpec, CompositeTensor, TensorSpec, TypeSpec
from penstock.data import batching, buffering, choosing, combining, grouping, mapping, sources, storage
from penstock.data import structure as nested
from penstock.data.iterator import NumpyIterator, OwnedIterator, spec_of_description
from penstock.data.loops import graph_iterator_of, loop_over_dataset
from penstock.data.node import FromVariant, Node, PipelineValue, Run, argument
from penstock.data.options import Options
from penstock.data.padding import padded_shapes_of, padding_values_of
from penstock.data.seeds import Seeds
from penstock.data.structure import Structure
from penstock.data.traced import TracedFunction, expect_int64, predicate_of, state_function
from penstock.language.autograph import register_iterator_kind
from penstock.ops.array.gather import gather
from penstock.ops.data.calls import pipeline_call
from penstock.ops.math.cast import cast
from penstock.ops.math.compare import less_equal
from penstock.ops.math.reduce import reduce_sum

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


class DatasetSpec(BatchableTypeSpec):
    """The type of a dataset.

    Args:
        element_spec: the specs of its elements.
        dataset_shape: the shape of the tensor that holds it.
    """

    __slots__ = ("_dataset_shape", "_element_spec")

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self._element_spec = element_spec
        self._dataset_shape = TensorShape(dataset_shape)

    @classmethod
    def from_value(cls, value: Dataset) -> DatasetSpec:
        """Return the spec of a dataset."""
        return cls(value.element_spec)

    @property
    def element_spec(self) -> Any:
        """The specs of the elements."""
        return self._element_spec

    @property
    def value_type(self) -> type:
        return Dataset

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec, self._dataset_shape)

    @property
    def _component_specs(self) -> Any:
        return TensorSpec(self._dataset_shape, variant)

    def _to_components(self, value: Any) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Any:
        return Dataset(FromVariant(components, self._element_spec))

    def _batch(self, batch_size: int | None) -> DatasetSpec:
        return DatasetSpec(self._element_spec, TensorShape([batch_size]).concatenate(self._dataset_shape))

    def _unbatch(self) -> DatasetSpec:
        return DatasetSpec(self._element_spec, self._dataset_shape[1:])


class DatasetV2(CompositeTensor):
    """A sequence of elements, each nested tensors of one structure, made as they are asked for.

    >>> dataset = Dataset.range(5).map(lambda x: x * x).batch(2)
    >>> [batch.tolist() for batch in dataset.as_numpy_iterator()]
    [[0, 1], [4, 9], [16]]
    """

    _node: Node
    _options: Options

    def __init__(self, variant_tensor: Any) -> None:
        if isinstance(variant_tensor, Node):
            self._node = variant_tensor
        else:
            raise TypeError(
                "A Dataset is made by its functions, such as tf.data.Dataset.from_tensor_slices, or from a variant "
                "tensor by tf.data.experimental.from_variant."
            )
        self._options = Options()

    # Within the class body `range`, `map`, `filter`, `zip` and `enumerate` are methods; functions use the builtins.

    @classmethod
    def _made(cls, node: Node, options: Options | None = None) -> Dataset:
        """Return the dataset of a node, of the face that this class belongs to."""
        dataset = object.__new__(cls._class())
        dataset._node = node
        dataset._options = options or Options()
        return dataset

    @classmethod
    def _class(cls) -> type[Dataset]:
        return Dataset

    def _then(self, node: Node) -> Any:
        """Return the dataset of a step on top of this one."""
        return self._made(node, self._options)

    # What it is

    @property
    def element_spec(self) -> Any:
        """The specs of the elements, nested as they are."""
        return self._node.structure.spec

    @property
    def _type_spec(self) -> DatasetSpec:
        return DatasetSpec(self.element_spec)

    @property
    def _variant_tensor(self) -> Tensor:
        """The tensor that stands for the pipeline."""
        node = self._node
        if isinstance(node, FromVariant):
            return node.tensor
        captured = node.captures()
        if current_graph() is None:
            return EagerTensor(PipelineValue(node, Run()), variant)
        keys = [id(tensor) for tensor in captured]

        def build(*values: Any) -> list[Any]:
            return [PipelineValue(node, Run(dict(zip(keys, values, strict=True))))]

        return pipeline_call(build, captured, [variant], [()], type(node).__name__ + "Dataset")[0]

    def options(self) -> Options:
        """Return the options set for this dataset and those that it is made of."""
        return self._options

    def with_options(self, options: Options, name: str | None = None) -> Any:
        """Return the same elements with options, which overrule earlier ones."""
        return self._made(self._node, self._options.merge(options))

    def cardinality(self) -> Tensor:
        """Return the number of elements as an int64 scalar: INFINITE_CARDINALITY (-1), UNKNOWN_CARDINALITY (-2)."""
        if executing_eagerly():
            return convert_to_tensor(self._node.cardinality(Run()), int64)
        return self._call(lambda node, run: [array.from_scalar(node.cardinality(run), int64)], [int64], [()])[0]

    def _call(self, function: Callable[..., list[Any]], types: Sequence[DType], shapes: Sequence[Any]) -> list[Any]:
        """Make a node that calls a function of the pipeline."""

        def call(held: PipelineValue) -> list[Any]:
            return function(held.node, held.run)

        return pipeline_call(call, [self._variant_tensor], types, shapes, "Dataset")

    def __len__(self) -> int:
        if not executing_eagerly():
            raise TypeError(
                "`tf.data.Dataset` only supports `len` in eager mode. Use `tf.data.Dataset.cardinality()` instead."
            )
        count = self._node.cardinality(Run())
        if count == INFINITE_CARDINALITY:
            raise TypeError("The dataset is infinite.")
        if count == UNKNOWN_CARDINALITY:
            raise TypeError("The dataset length is unknown.")
        return count

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        kind = type(self._node).__name__
        return f"<{'' if kind == 'FromVariant' else '_'}{kind}Dataset element_spec={self.element_spec!r}>"

    # Taking elements

    def __iter__(self) -> Any:
        if not (executing_eagerly() or getattr(current_graph(), "building_function", False)):
            raise RuntimeError(
                "`tf.data.Dataset` only supports Python-style iteration in eager mode or within tf.function. In a "
                "graph, use tf.compat.v1.data.make_one_shot_iterator(dataset)."
            )
        if executing_eagerly():
            return OwnedIterator(self)
        return graph_iterator_of(self)

    def as_numpy_iterator(self) -> NumpyIterator:
        """Return an iterator over the elements as NumPy arrays.

        Raises:
            RuntimeError: outside eager execution.
        """
        if not executing_eagerly():
            raise RuntimeError("`tf.data.Dataset.as_numpy_iterator()` is only supported in eager mode.")
        return NumpyIterator(self)

    def get_single_element(self, name: str | None = None) -> Any:
        """Return the only element.

        Raises:
            InvalidArgumentError: if there is none, or more than one.
        """
        structure = self._node.structure

        def single(node: Node, run: Run) -> list[Any]:
            elements = node.iterate(run)
            found = next(elements, None)
            if found is None:
                raise InvalidArgumentError(None, None, "Dataset was empty.")
            if next(elements, None) is not None:
                raise InvalidArgumentError(None, None, "Dataset had more than one element.")
            return nested.flat_values(found)

        if executing_eagerly():
            return structure.to_user(structure.from_flat(single(self._node, Run())))
        return structure.from_tensors(self._call(single, structure.types, structure.shapes))

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """Return what remains when a function has joined all elements, one after the other, to a state.

        Args:
            initial_state: nested tensors.
            reduce_func: from the state and an element to the next state.
            name: accepted.
        """
        state = nested.normalize(initial_state)
        structure, function = state_function(state, self._node.structure, reduce_func, "reduce_func", False)
        tensors = structure.to_tensors(state)
        captured = [t for t in function.captures if not isinstance(t, EagerTensor)]

        def run_all(node: Node, run: Run, values: Sequence[Any], bindings: dict[int, Any]) -> list[Any]:
            apply = function.on_elements(Run(bindings))
            current = structure.from_flat(values)
            for element in node.iterate(run):
                current = apply(current, element)
            return nested.flat_values(current)

        if executing_eagerly():
            result = run_all(self._node, Run(), [tensor.value for tensor in tensors], {})
            return structure.to_user(structure.from_flat(result))
        keys = [id(tensor) for tensor in captured]

        def call(held: PipelineValue, *values: Any) -> list[Any]:
            bindings = dict(zip(keys, values[len(tensors) :], strict=True))
            return run_all(held.node, held.run, values[: len(tensors)], bindings)

        inputs = [self._variant_tensor, *tensors, *captured]
        return structure.from_tensors(pipeline_call(call, inputs, structure.types, structure.shapes, "ReduceDataset"))

    # Sources

    @classmethod
    def from_tensors(cls, tensors: Any, name: str | None = None) -> Any:
        """Return a dataset of one element, nested tensors."""
        return cls._made(sources.Tensors(tensors))

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> Any:
        """Return a dataset of the rows of tensors.

        Args:
            tensors: nested tensors, of equally many rows.
            name: accepted.

        >>> [int(x) for x in Dataset.from_tensor_slices([1, 2, 3])]
        [1, 2, 3]
        """
        return cls._made(sources.TensorSlices(tensors))

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Any:
        """Return a dataset of what a Python generator function yields; each pass calls it anew.

        Args:
            generator: a function that returns something iterable.
            output_types, output_shapes: nested types, and shapes, of what it yields (deprecated).
            args: tensors to call it with, as NumPy arrays.
            output_signature: the nested specs of what it yields.
            name: accepted.
        Raises:
            TypeError: if `generator` is not callable, or nothing describes what it yields.
        """
        if not callable(generator):
            raise TypeError("`generator` must be a Python callable.")
        if output_types is None and output_signature is None:
            raise TypeError("Either `output_signature` or `output_types` must be specified.")
        if output_types is not None and output_signature is not None:
            raise TypeError("`output_types` and `output_signature` must not be used together.")
        if output_signature is not None:
            spec = output_signature if nested.is_structure(output_signature) else _as_spec(output_signature)
            for leaf in nested.flatten(spec):
                if not isinstance(leaf, TypeSpec):
                    raise TypeError(
                        f"`output_signature` must contain objects that are subclass of `tf.TypeSpec` but found "
                        f"{type(leaf)} which is not."
                    )
        else:
            types = nested.map_leaves(as_dtype, tuple(output_types) if isinstance(output_types, list) else output_types)
            spec = spec_of_description(types, output_shapes)
        tensors = [convert_to_tensor(item) for item in args or ()]
        return cls._made(sources.Generated(generator, tensors, spec))

    @classmethod
    def range(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a dataset of numbers: `range(stop)`, `range(start, stop)`, `range(start, stop, step)`.

        Args:
            args: integers.
            kwargs: `output_type`, int64 by default; `name`.
        """
        dtype = as_dtype(kwargs.pop("output_type", int64))
        kwargs.pop("name", None)
        if kwargs:
            raise TypeError(f"Dataset.range got unexpected arguments: {', '.join(kwargs)}")
        numbers = [argument(item) for item in args]
        if len(numbers) == 1:
            start, stop, step = 0, numbers[0], 1
        elif len(numbers) == 2:
            (start, stop), step = numbers, 1
        elif len(numbers) == 3:
            start, stop, step = numbers
        else:
            raise ValueError(f"Invalid `args`. The length of `args` should be between 1 and 3 but is {len(args)}.")
        if isinstance(step, int) and step == 0:
            raise InvalidArgumentError(None, None, "step must be a non-zero integer.")
        return cls._made(sources.Range(start, stop, step, dtype))

    @classmethod
    def counter(cls, start: Any = 0, step: Any = 1, dtype: Any = int64, name: str | None = None) -> Any:
        """Return a dataset of numbers without end."""
        return cls._made(sources.Range(argument(start), None, argument(step), as_dtype(dtype)))

    @classmethod
    def random(cls, seed: Any = None, rerandomize_each_iteration: bool | None = None, name: str | None = None) -> Any:
        """Return a dataset of random int64 from 0 to 2**32 - 1, without end.

        Args:
            seed: of the numbers.
            rerandomize_each_iteration: whether each pass gives other numbers.
            name: accepted.
        """
        return cls._made(sources.RandomNumbers(argument(seed), bool(rerandomize_each_iteration)))

    @classmethod
    def list_files(
        cls, file_pattern: Any, shuffle: bool | None = None, seed: int | None = None, name: str | None = None
    ) -> Any:
        """Return a dataset of the names of the files that match patterns.

        Args:
            file_pattern: a pattern, or several.
            shuffle: whether in random order; yes by default.
            seed: of that order.
            name: accepted.
        Raises:
            InvalidArgumentError: if no file matches.
        """
        patterns = convert_to_tensor(file_pattern, string)
        found: list[str] = []
        if not isinstance(patterns, EagerTensor):
            raise InvalidArgumentError(None, None, "list_files takes patterns that are known, not symbolic tensors.")
        names = [os.fsdecode(item) for item in np.asarray(patterns.value, dtype=object).reshape(-1)]
        for item in names:
            found.extend(sorted(glob.glob(item)) if any(c in item for c in "*?[") else filter(os.path.exists, [item]))
        if not found:
            raise InvalidArgumentError(None, None, f"No files matched pattern: {', '.join(names)}")
        values = np.array(sorted(set(found)), dtype=object)
        dataset = cls.from_tensor_slices(values)
        return dataset if shuffle is False else dataset.shuffle(len(values), seed=seed)

    # Combining

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None, name: str | None = None) -> Any:
        """Return a dataset of elements side by side, as long as the shortest.

        Args:
            args: datasets, or one nested structure of them.
            datasets: the same, by its former name.
            name: accepted.
        Raises:
            TypeError: if neither or both are given.
        """
        if not args and datasets is None:
            raise TypeError("Must pass at least one dataset to `zip`.")
        if args and datasets is not None:
            raise TypeError("Both `*args` and `datasets` cannot be set.")
        whole = datasets if datasets is not None else args[0] if len(args) == 1 else args
        if isinstance(whole, list):
            raise TypeError(
                "Invalid input to `zip`. Inputs are expected to be (nested) structures of `tf.data.Dataset` objects. "
                "Python `list` is not supported and you should use `tuple` instead."
            )
        parts = nested.flatten(whole)
        for part in parts:
            if not isinstance(part, Dataset):
                raise TypeError(
                    "Invalid input to `zip`. Inputs are expected to be (nested) structures of `tf.data.Dataset` "
                    f"objects but encountered object of type {type(part)}."
                )
        spec = nested.pack(whole, [part.element_spec for part in parts])
        return cls._made(combining.Zip([part._node for part in parts], spec))

    def concatenate(self, dataset: Any, name: str | None = None) -> Any:
        """Return these elements, and then those of `dataset`.

        Raises:
            TypeError: if the elements have no spec in common.
        """
        return self._then(combining.Concatenate(self._node, dataset._node))

    @classmethod
    def choose_from_datasets(cls, datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = True) -> Any:
        """Return a dataset that takes each element from the dataset that `choice_dataset` names by its number.

        Args:
            datasets: a list of datasets.
            choice_dataset: int64 scalars.
            stop_on_empty_dataset: whether to end with the first that has no more; otherwise it is passed over.
        Raises:
            TypeError: if the choices are not int64 scalars.
            ValueError: if `datasets` is empty.
        """
        if choice_dataset.element_spec != TensorSpec([], int64):
            raise TypeError(
                "`choice_dataset` should be a scalar `tf.int64` element dataset but has element spec "
                f"{choice_dataset.element_spec}."
            )
        if not datasets:
            raise ValueError("`datasets` must be a non-empty list.")
        nodes = [dataset._node for dataset in datasets]
        return cls._made(combining.Choose(choice_dataset._node, nodes, stop_on_empty_dataset))

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: Any,
        weights: Any = None,
        seed: Any = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Any:
        """Return a dataset that takes each element from a dataset drawn at random.

        Args:
            datasets: a list of datasets.
            weights: their probabilities, one each, or a dataset of such lists; equal by default.
            seed: of the draws.
            stop_on_empty_dataset: whether to end with the first that has no more; otherwise it is passed over.
            rerandomize_each_iteration: whether each pass draws anew.
        """
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        nodes = [dataset._node for dataset in datasets]
        chances: Any
        if isinstance(weights, Dataset):
            chances = weights._node
        else:
            chances = [1.0] * len(nodes) if weights is None else [float(item) for item in np.asarray(weights)]
            if len(chances) != len(nodes):
                raise ValueError(
                    f"Invalid `weights`. The shape of `weights` should be [{len(nodes)}], got {len(chances)} weights."
                )
        seeds = Seeds(argument(seed), bool(rerandomize_each_iteration))
        return cls._made(combining.Sample(nodes, chances, seeds, stop_on_empty_dataset))

    # Functions of elements

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Any:
        """Return `map_func` of each element. The function is traced once.

        Args:
            map_func: takes an element (a tuple's parts as several arguments), and returns nested tensors.
            num_parallel_calls: how many calls may run at once, or AUTOTUNE.
            deterministic, synchronous, use_unbounded_threadpool, name: accepted; the order is always kept.
        """
        function = self._traced(map_func, "map")
        return self._then(mapping.Map(self._node, function, argument(num_parallel_calls)))

    def _traced(self, function: Callable[..., Any], name: str) -> TracedFunction:
        return TracedFunction(function, [self._node.structure], name=name)

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Any:
        """Return the elements of the datasets that `map_func` makes of elements, one dataset after the other.

        Raises:
            TypeError: if it returns no dataset.
        """
        function = self._traced(map_func, "flat_map")
        return self._then(mapping.FlatMap(self._node, function, _inner_spec(function, "flat_map")))

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = None,
        block_length: Any = None,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Any:
        """Return the elements of the datasets that `map_func` makes, in turns.

        Args:
            map_func: from an element to a dataset.
            cycle_length: how many datasets take turns; by default as many as there are processors.
            block_length: how many elements each gives in a turn, 1 by default.
            num_parallel_calls, deterministic, name: accepted; the order is always kept.
        Raises:
            TypeError: if `map_func` returns no dataset.
        """
        function = self._traced(map_func, "interleave")
        cycle = argument(cycle_length)
        if cycle in (None, AUTOTUNE):
            cycle = max(1, os.cpu_count() or 1)
        block = 1 if block_length is None else argument(block_length)
        for label, number in (("cycle_length", cycle), ("block_length", block)):
            if isinstance(number, int) and number <= 0:
                raise InvalidArgumentError(None, None, f"{label} must be > 0, got {number}")
        spec = _inner_spec(function, "interleave")
        return self._then(mapping.Interleave(self._node, function, spec, cycle, block))

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Any:
        """Return the elements of which `predicate` is true.

        Raises:
            ValueError: if it does not return a boolean scalar.
        """
        return self._then(mapping.Filter(self._node, predicate_of(self._traced(predicate, "filter"), "filter")))

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Any:
        """Return the elements before the first of which `predicate` is false."""
        return self._then(
            mapping.TakeWhile(self._node, predicate_of(self._traced(predicate, "take_while"), "take_while"))
        )

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Any:
        """Return what a function gives for each element, which hands a state from one call to the next.

        Args:
            initial_state: nested tensors.
            scan_func: from the state and an element to the next state and what is passed on.
            name: accepted.
        """
        state = nested.normalize(initial_state)
        structure, function = state_function(state, self._node.structure, scan_func, "scan_func", True)
        return self._then(mapping.Scan(self._node, structure.to_tensors(state), structure, function))

    def apply(self, transformation_func: Callable[..., Any]) -> Any:
        """Return `transformation_func` of this dataset.

        Raises:
            TypeError: if that is no dataset.
        """
        dataset = transformation_func(self)
        if not isinstance(dataset, Dataset):
            raise TypeError(f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(dataset)}.")
        return dataset

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Any:
        """Return the elements without those whose making fails."""
        warn = print if log_warning else None
        return self._then(mapping.IgnoreErrors(self._node, warn))

    # Batches

    def batch(
        self,
        batch_size: Any,
        drop_remainder: bool = False,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Any:
        """Return consecutive elements, stacked.

        Args:
            batch_size: how many.
            drop_remainder: whether a last batch that is smaller is left out; then the size is known.
            num_parallel_calls, deterministic, name: accepted.
        """
        return self._then(batching.Batch(self._node, argument(batch_size), bool(drop_remainder)))

    def padded_batch(
        self,
        batch_size: Any,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Any:
        """Return consecutive elements, padded at their ends to one shape and stacked.

        Args:
            batch_size: how many.
            padded_shapes: nested shapes; a size of None or -1 means that of the largest in the batch. All by default.
            padding_values: nested scalars; by default 0 and the empty string.
            drop_remainder: whether a last batch that is smaller is left out.
            name: accepted.
        Raises:
            ValueError: if a rank is unknown, or a shape does not fit.
            TypeError: for elements that are not dense.
        """
        structure = self._node.structure
        if not structure.is_flat:
            raise TypeError(f"`padded_batch` is only supported for dense tensors, got elements {structure.spec}.")
        shapes = padded_shapes_of(structure, padded_shapes)
        paddings = padding_values_of(structure, padding_values)
        return self._then(
            batching.PaddedBatch(self._node, argument(batch_size), shapes, paddings, bool(drop_remainder))
        )

    def ragged_batch(
        self, batch_size: Any, drop_remainder: bool = False, row_splits_dtype: Any = int64, name: str | None = None
    ) -> Any:
        """Return consecutive elements stacked into ragged tensors where their shapes differ.

        Args:
            batch_size: how many.
            drop_remainder: whether a last batch that is smaller is left out.
            row_splits_dtype: the type of the ragged tensors' row splits.
            name: accepted.
        """
        node = batching.RaggedBatch(self._node, argument(batch_size), bool(drop_remainder), as_dtype(row_splits_dtype))
        return self._then(node)

    def sparse_batch(self, batch_size: Any, row_shape: Any, name: str | None = None) -> Any:
        """Return consecutive elements stacked into sparse tensors whose rows have the shape `row_shape`."""
        shape = tuple(TensorShape(row_shape).as_list())
        return self._then(batching.SparseBatch(self._node, argument(batch_size), shape))

    def unbatch(self, name: str | None = None) -> Any:
        """Return the rows of elements as elements."""
        return self._then(batching.Unbatch(self._node))

    def rebatch(self, batch_size: Any, drop_remainder: bool = False, name: str | None = None) -> Any:
        """Return the rows of batches, in batches of another size."""
        return self._then(batching.Rebatch(self._node, argument(batch_size), bool(drop_remainder)))

    def window(
        self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False, name: str | None = None
    ) -> Any:
        """Return windows of consecutive elements, each a dataset (for nested elements, nested datasets).

        Args:
            size: the number of elements in a window.
            shift: how far the next window begins behind the last; `size` by default.
            stride: the distance of the elements of a window.
            drop_remainder: whether windows that the end cuts off are left out.
            name: accepted.
        """
        size, stride = argument(size), argument(stride)
        shift = size if shift is None else argument(shift)
        for label, number in (("size", size), ("shift", shift), ("stride", stride)):
            if isinstance(number, int) and number <= 0:
                raise InvalidArgumentError(None, None, f"Window {label} must be greater than zero. Got {number}.")
        spec = nested.map_leaves(DatasetSpec, self.element_spec)
        return self._then(batching.Window(self._node, spec, size, shift, stride, bool(drop_remainder)))

    # Choosing

    def shuffle(
        self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = True, name: str | None = None
    ) -> Any:
        """Return the elements in random order: each is drawn from the `buffer_size` first that were not drawn yet.

        Args:
            buffer_size: at least the number of elements for a perfect shuffle.
            seed: of the draws.
            reshuffle_each_iteration: whether each pass has an order of its own.
            name: accepted.
        """
        size = argument(buffer_size)
        if isinstance(size, int) and size <= 0 and size != -1:
            raise InvalidArgumentError(None, None, f"buffer_size must be greater than zero. Got buffer_size={size}.")
        renew = True if reshuffle_each_iteration is None else reshuffle_each_iteration
        return self._then(choosing.Shuffle(self._node, size, Seeds(argument(seed), renew)))

    def repeat(self, count: Any = None, name: str | None = None) -> Any:
        """Return the elements `count` times over; without end by default."""
        return self._then(choosing.Repeat(self._node, -1 if count is None else argument(count)))

    def take(self, count: Any, name: str | None = None) -> Any:
        """Return the first `count` elements; all for -1."""
        return self._then(choosing.Take(self._node, argument(count)))

    def skip(self, count: Any, name: str | None = None) -> Any:
        """Return the elements after the first `count`; none for -1."""
        return self._then(choosing.Skip(self._node, argument(count)))

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Any:
        """Return every `num_shards`-th element, from `index` on."""
        num_shards, index = argument(num_shards), argument(index)
        choosing.check_shard(num_shards, index)
        return self._then(choosing.Shard(self._node, num_shards, index))

    def enumerate(self, start: Any = 0, name: str | None = None) -> Any:
        """Return pairs of an int64 number and an element."""
        return self._then(choosing.Enumerate(self._node, argument(start)))

    def unique(self, name: str | None = None) -> Any:
        """Return the elements without repetitions."""
        return self._then(choosing.Unique(self._node))

    def rejection_resample(
        self,
        class_func: Callable[..., Any],
        target_dist: Any,
        initial_dist: Any = None,
        seed: Any = None,
        name: str | None = None,
    ) -> Any:
        """Return pairs of a class and an element, some left out at random so that classes come as often as asked for.

        Args:
            class_func: from an element to its class, an int32 from 0 on.
            target_dist: how often each class is to come, of shape [classes].
            initial_dist: how often it comes now; by default counted while elements pass, every class once to begin
                with.
            seed: of the draws.
            name: accepted.
        """
        classes = self._traced(class_func, "class")
        target = [float(item) for item in np.asarray(target_dist)]
        initial = None if initial_dist is None else [float(item) for item in np.asarray(initial_dist)]
        return self._then(choosing.Resample(self._node, classes, target, initial, Seeds(argument(seed), True)))

    # Keeping

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Any:
        """Return the elements, made before they are asked for where that saves time.

        Args:
            buffer_size: how many may wait, or AUTOTUNE.
            name: accepted.
        """
        return self._then(buffering.Prefetch(self._node, argument(buffer_size)))

    def cache(self, filename: Any = "", name: str | None = None) -> Any:
        """Return the elements, kept from the first whole pass on: in memory, or in a file.

        Args:
            filename: where to keep them; memory by default.
            name: accepted.
        """
        where = argument(filename, string)
        if where in ("", b""):
            return self._then(buffering.CacheInMemory(self._node))
        return self._then(buffering.CacheInFile(self._node, where))

    def snapshot(
        self,
        path: str,
        compression: str | None = "AUTO",
        reader_func: Callable[..., Any] | None = None,
        shard_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """Return the elements, kept in a directory from the first whole pass on, also for later processes.

        Args:
            path: the directory.
            compression: "AUTO", "GZIP" or None.
            reader_func: from a dataset of datasets (one a file) to the dataset that is read.
            shard_func: accepted; everything goes to one file.
            name: accepted.
        """
        node = storage.Snapshot(self._node, os.fspath(path), "GZIP" if compression == "GZIP" else "")
        dataset = self._then(node)
        return dataset if reader_func is None else reader_func(Dataset.from_tensors(0).map(lambda _: dataset))

    def save(
        self,
        path: str,
        compression: str | None = None,
        shard_func: Callable[..., Any] | None = None,
        checkpoint_args: Any = None,
    ) -> None:
        """Write the elements to a directory, for `load`.

        Args:
            path: the directory.
            compression: None or "GZIP".
            shard_func: from an element to the number of the file that it goes to.
            checkpoint_args: accepted.
        """
        shard_of = None
        if shard_func is not None:
            apply = self._traced(shard_func, "shard").on_elements(Run())
            shard_of = lambda element: int(array.to_python(apply(element)[0]))  # noqa: E731
        storage.save(self._node, Run(), os.fspath(path), compression or "", shard_of)

    @classmethod
    def load(
        cls,
        path: str,
        element_spec: Any = None,
        compression: str | None = None,
        reader_func: Callable[..., Any] | None = None,
        wait: bool = False,
    ) -> Any:
        """Return the elements that `save` wrote.

        Args:
            path: the directory.
            element_spec: the specs of the elements; as they were saved, by default.
            compression: accepted; what `save` used is known.
            reader_func: from a dataset of datasets, one a file, to the dataset that is read.
            wait: accepted.
        Raises:
            NotFoundError: if nothing was saved there.
        """
        path = os.fspath(path)
        meta = storage.read_meta(path)
        if reader_func is None:
            return cls._made(storage.Stored(path, meta, element_spec, meta["files"]))
        parts = [cls._made(storage.Stored(path, meta, element_spec, [name])) for name in meta["files"]]
        held = [((part._variant_tensor.value,),) for part in parts]  # type: ignore[attr-defined]
        node = batching.Held(Structure(DatasetSpec(parts[0].element_spec)), held)
        return reader_func(cls._made(node))

    # Grouping

    def group_by_window(
        self,
        key_func: Callable[..., Any],
        reduce_func: Callable[..., Any],
        window_size: Any = None,
        window_size_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """Return, for each key, windows of the elements that have it, reduced to datasets.

        Args:
            key_func: from an element to an int64 scalar.
            reduce_func: from a key and the dataset of up to `window_size` elements to a dataset.
            window_size: the number of elements in a window; or
            window_size_func: a function from a key to it.
            name: accepted.
        Raises:
            ValueError: unless exactly one of the last two is given.
        """
        if (window_size is None) == (window_size_func is None):
            raise ValueError("Either the `window_size` argument or the `window_size_func` argument must be specified.")
        key = self._traced(key_func, "key")
        expect_int64(key, "key_func")
        scalar = Structure(TensorSpec([], int64))
        reduce = TracedFunction(reduce_func, [scalar, Structure(DatasetSpec(self.element_spec))], name="reduce")
        size: Any = argument(window_size)
        if window_size_func is not None:
            size = TracedFunction(window_size_func, [scalar], name="window_size")
            expect_int64(size, "window_size_func")
        spec = _inner_spec(reduce, "group_by_window")
        return self._then(grouping.GroupByWindow(self._node, spec, key, reduce, size))

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: Any,
        bucket_batch_sizes: Any,
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Any:
        """Return padded batches of elements of similar length.

        Args:
            element_length_func: from an element to its length, an int32.
            bucket_boundaries: ascending lengths between buckets.
            bucket_batch_sizes: the batch size of each bucket, one more than there are boundaries.
            padded_shapes, padding_values: see `padded_batch`.
            pad_to_bucket_boundary: whether unknown sizes are padded to the largest length of the bucket.
            no_padding: whether elements are batched as they are.
            drop_remainder: whether last batches that are smaller are left out.
            name: accepted.
        Raises:
            ValueError: if the numbers of boundaries and batch sizes do not fit.
        """
        bounds = list(bucket_boundaries)
        batch_sizes = list(bucket_batch_sizes)
        if len(batch_sizes) != len(bounds) + 1:
            raise ValueError(
                "`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but "
                f"`len(bucket_batch_sizes)={len(batch_sizes)}` and `len(bucket_boundaries)={len(bounds)}`."
            )
        edges = convert_to_tensor(np.array(bounds, dtype=np.int64))
        table = convert_to_tensor(np.array(batch_sizes, dtype=np.int64))

        def bucket_of(*element: Any) -> Any:
            return _count_at_most(edges, element_length_func(*element))

        def batch_of(bucket: Any, dataset: Any) -> Any:
            size = gather(table, bucket)
            if no_padding:
                return dataset.batch(size, drop_remainder=drop_remainder)
            shapes = padded_shapes
            if pad_to_bucket_boundary:
                raise ValueError("pad_to_bucket_boundary needs the bucket's number to be known")
            return dataset.padded_batch(size, shapes, padding_values, drop_remainder)

        if pad_to_bucket_boundary and not no_padding:
            return self._bucket_padded(
                bucket_of, bounds, batch_sizes, padded_shapes, padding_values, bool(drop_remainder)
            )
        return self.group_by_window(bucket_of, batch_of, window_size_func=lambda bucket: gather(table, bucket))

    def _bucket_padded(
        self, bucket_of: Any, bounds: list[int], sizes: list[int], shapes: Any, paddings: Any, drop_remainder: bool
    ) -> Any:
        """Return batches padded to the boundaries of their buckets."""
        structure = self._node.structure
        given = padded_shapes_of(structure, shapes)
        key = self._traced(bucket_of, "bucket")
        padding = padding_values_of(structure, paddings)
        specs = [TensorSpec([None, *shape], leaf.dtype) for shape, leaf in zip(given, structure.leaves, strict=True)]
        limits = [bound - 1 for bound in bounds]
        node = grouping.BucketPadded(
            self._node, nested.pack(structure.spec, specs), key, limits, sizes, given, padding, drop_remainder
        )
        return self._then(node)

    def fingerprint(self) -> Tensor:
        """Return a uint64 scalar that datasets of the same steps and specs share."""
        text = f"{type(self._node).__name__}{self.element_spec!r}"
        number = int.from_bytes(text.encode()[:8].ljust(8, b"\0"), "little")
        return convert_to_tensor(np.array(number, dtype=np.uint64))


# Libraries know the class by the name that TensorFlow gives it.
Dataset = DatasetV2


def _as_spec(signature: Any) -> Any:
    return tuple(signature) if isinstance(signature, list) else signature


def _inner_spec(function: TracedFunction, what: str) -> Any:
    spec = function.output.spec
    if not isinstance(spec, DatasetSpec):
        raise TypeError(
            f"`map_func` of {what} must return a `Dataset` object. Got "
            f"{nested.map_leaves(lambda s: s.value_type, spec)}."
        )
    return spec.element_spec


def _count_at_most(edges: Any, length: Any) -> Any:
    return reduce_sum(cast(less_equal(edges, cast(length, int64)), int64))


def from_variant(variant: Tensor, structure: Any) -> Dataset:
    """Return the dataset that a variant tensor holds.

    Args:
        variant: see `to_variant`.
        structure: the specs of its elements.
    """
    return Dataset(FromVariant(variant, structure))


def to_variant(dataset: Dataset) -> Tensor:
    """Return the variant tensor that stands for a dataset."""
    return dataset._variant_tensor


def get_structure(dataset_or_iterator: Any) -> Any:
    """Return the specs of the elements of a dataset or iterator.

    Raises:
        TypeError: if it is neither.
    """
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(
            f"Invalid `dataset_or_iterator`: it must be a `tf.data.Dataset` or tf.data.Iterator, got "
            f"{type(dataset_or_iterator)}."
        ) from None


register_iterator_kind(DatasetV2, loop_over_dataset)
