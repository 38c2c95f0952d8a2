"""Where elements come from: tensors, their slices, ranges, random numbers, Python generators."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core import array, context
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, int64
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.core.tensor import Tensor
from penstock.core.type_spec import TensorSpec
from penstock.data import structure as nested
from penstock.data.batches import unbatch_element
from penstock.data.node import INFINITE, UNKNOWN, Element, Indexed, Node, Run
from penstock.data.seeds import Seeds
from penstock.data.structure import Structure
from penstock.ops.data import values
from penstock.ops.script.py_function import failure


class Tensors(Node):
    """One element."""

    def __init__(self, element: Any) -> None:
        element = nested.normalize(element)
        structure = Structure(nested.spec_of(element))
        self.tensors = structure.to_tensors(element)
        super().__init__(structure, arguments=self.tensors)

    def iterate(self, run: Run) -> Iterator[Element]:
        yield self.structure.from_flat([run.value(tensor) for tensor in self.tensors])

    def cardinality(self, run: Run) -> int:
        return 1


class TensorSlices(Node):
    """The rows of tensors, one row an element."""

    def __init__(self, element: Any) -> None:
        element = nested.normalize(element)
        self.whole = Structure(nested.spec_of(element))
        if not self.whole.leaves:
            raise ValueError("Invalid `tensors`: at least one tensor is needed to take slices of. Got none.")
        self.tensors = self.whole.to_tensors(element)
        sizes: set[int] = set()
        for spec in self.whole.leaves:
            shape = getattr(spec, "shape", None)
            if shape is not None and shape.rank == 0:
                raise ValueError("Unbatching a tensor is only supported for rank >= 1")
            if shape is not None and shape.rank is not None and shape[0] is not None:
                sizes.add(int(shape[0]))
        if len(sizes) > 1:
            raise ValueError(
                f"Dimensions {' and '.join(map(str, sorted(sizes)))} are not compatible: all tensors need the same "
                "number of rows."
            )
        self.size = sizes.pop() if sizes else None
        specs = [spec._unbatch() for spec in self.whole.leaves]
        super().__init__(nested.pack(self.whole.spec, specs), arguments=self.tensors)

    def _element(self, run: Run) -> Element:
        element = self.whole.from_flat([run.value(tensor) for tensor in self.tensors])
        if self.whole.is_flat and len({values.num_rows(item) for item in element}) > 1:
            raise InvalidArgumentError(
                None, None, f"All tensors need the same number of rows, got {[values.num_rows(i) for i in element]}."
            )
        return element

    def iterate(self, run: Run) -> Iterator[Element]:
        element = self._element(run)
        if not self.whole.is_flat:
            yield from unbatch_element(self.whole, element)
            return
        for index in range(values.num_rows(element[0])):
            yield tuple(values.row(item, index) for item in element)

    def cardinality(self, run: Run) -> int:
        if self.size is not None:
            return self.size
        return values.num_rows(self._element(run)[0]) if self.whole.is_flat else UNKNOWN

    def indexed(self, run: Run) -> Indexed | None:
        if not self.whole.is_flat:
            return None
        element = self._element(run)

        def take(indices: Sequence[int], is_ordered: bool) -> Element:
            if is_ordered:
                start = indices[0]
                return tuple(values.rows(item, start, start + len(indices)) for item in element)
            return tuple(values.take(item, indices) for item in element)

        return Indexed(iter(range(values.num_rows(element[0]))), take, True)


class Range(Node):
    """Numbers at equal distances."""

    def __init__(self, start: Any, stop: Any, step: Any, dtype: DType) -> None:
        super().__init__(TensorSpec([], dtype), arguments=[start, stop, step])
        self.dtype = dtype
        self.limits = (start, stop, step)

    def _numbers(self, run: Run) -> range | itertools.count[Any]:
        start, stop, step = (run.number(item) for item in self.limits)
        return itertools.count(start, step) if stop is None else range(start, stop, step)

    def iterate(self, run: Run) -> Iterator[Element]:
        dtype = self.dtype
        for number in self._numbers(run):
            yield (array.from_scalar(number, dtype),)

    def cardinality(self, run: Run) -> int:
        numbers = self._numbers(run)
        return len(numbers) if isinstance(numbers, range) else INFINITE

    def indexed(self, run: Run) -> Indexed:
        kind = np.dtype(self.dtype.as_numpy_dtype)

        def take(indices: Sequence[int], is_ordered: bool) -> Element:
            return (array.from_numpy(np.array(indices, dtype=kind)),)

        return Indexed(iter(self._numbers(run)), take, False)


class RandomNumbers(Node):
    """Pseudo-random integers from 0 to 2**32 - 1, without end."""

    def __init__(self, seed: Any, rerandomize: bool) -> None:
        super().__init__(TensorSpec([], int64))
        self.seeds = Seeds(seed, rerandomize)

    def iterate(self, run: Run) -> Iterator[Element]:
        for word in self.seeds.words():
            yield (array.from_scalar(word, int64),)

    def cardinality(self, run: Run) -> int:
        return INFINITE


class Generated(Node):
    """What a Python generator function yields.

    Args:
        generator: called at the start of each pass, with `arguments` as NumPy arrays; returns an iterable.
        arguments: tensors.
        element_spec: the specs of what is yielded.
    """

    def __init__(self, generator: Callable[..., Any], arguments: Sequence[Tensor], element_spec: Any) -> None:
        super().__init__(element_spec, arguments=arguments)
        self.generator = generator

    def iterate(self, run: Run) -> Iterator[Element]:
        arguments = [array.to_numpy(run.value(item), copy=True) for item in self.arguments]
        spec, leaves = self.structure.spec, self.structure.leaves
        # The user's code runs eagerly, whatever graph is being built where its results are asked for; nothing of that
        # may last while the generator waits.
        with context.eager_mode():
            items = iter(self.generator(*arguments))
        while True:
            with context.eager_mode():
                try:
                    item = next(items, _END)
                except OpError:
                    raise
                except Exception as error:
                    raise failure(error) from error
                if item is _END:
                    return
                try:
                    parts = nested.match(spec, item, "`generator` yielded an element that")
                except ValueError:
                    raise InvalidArgumentError(
                        None,
                        None,
                        "TypeError: `generator` yielded an element that did not match the expected structure. The "
                        f"expected structure was {nested.map_leaves(_type_of, spec)}, but the yielded element was "
                        f"{item}.",
                    ) from None
                element = tuple(_leaf_value(leaf, part, item) for leaf, part in zip(leaves, parts, strict=True))
            yield element


_END: Any = object()


def _type_of(spec: Any) -> Any:
    return getattr(spec, "dtype", spec)


def _leaf_value(spec: Any, part: Any, item: Any) -> Any:
    if type(spec) is not TensorSpec:
        return nested.value_of_leaf(spec, part)
    try:
        if isinstance(part, np.ndarray) and part.dtype != spec.dtype.as_numpy_dtype and spec.dtype.is_numeric:
            part = part.astype(spec.dtype.as_numpy_dtype, casting="same_kind")
        tensor = part if isinstance(part, Tensor) else convert_to_tensor(part, spec.dtype)
        if tensor.dtype != spec.dtype:
            raise TypeError(f"it is a tensor of type {tensor.dtype.name}")
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            None,
            None,
            f"TypeError: `generator` yielded an element that could not be converted to the expected type. The expected "
            f"type was {spec.dtype.name}, but the yielded element was {item}: {error}",
        ) from None
    if not spec.shape.is_compatible_with(tensor.shape):
        raise InvalidArgumentError(
            None,
            None,
            f"TypeError: `generator` yielded an element of shape {tensor.shape} where an element of shape {spec.shape} "
            "was expected.",
        )
    return tensor.value  # type: ignore[attr-defined]
