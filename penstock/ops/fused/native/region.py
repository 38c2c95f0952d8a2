"""What a fused chain of elementwise operations computes."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch


class Access(enum.Enum):
    """How an input is read while the loop goes over the elements of the result, seen as a matrix of `outer` rows of
    `inner` elements."""

    FULL = "one element for each of the result"
    SCALAR = "one element for all"
    ROW = "one element for each column: the input is added to each row"
    COLUMN = "one element for each row"


def constant_of(number: bool | int | float) -> str | bool | int:
    """Return how a region holds a number: floats as hexadecimal text, since 0.0 and -0.0 compare equal."""
    return number.hex() if isinstance(number, float) else number


def number_of_constant(constant: str | bool | int) -> bool | int | float:
    """Return the number that a region holds."""
    return float.fromhex(constant) if isinstance(constant, str) else constant


# Operations that give one number for each row, or whose elements depend on a whole row.
ROW_OPERATIONS = frozenset(
    {
        *("ArgMax", "Max", "Mean", "Sum"),
        *("LogSoftmax", "Softmax", "SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"),
    }
)
# Those that reduce the last axis, which their second input names.
REDUCTIONS = frozenset({"ArgMax", "Max", "Mean", "Sum"})


# Operations that machine code approximates in its own way: results may differ from the kernels' in the last places.
APPROXIMATED = frozenset({"Atan2", "Erf", "Exp", "Sigmoid", "Tanh"})


class Form(enum.Enum):
    """The shape of an output, beside that of the inputs that are read in full."""

    FULL = "the same"
    KEPT = "one element for each row, the last axis has size 1"
    DROPPED = "one element for each row, without the last axis"


class Step(NamedTuple):
    """One operation of a region.

    Attributes:
        op: its name.
        operands: what it takes: ("input", i), ("step", i), or ("number", value), see `constant_of`.
        dtype: the name of its result's type.
        operand_dtypes: the names of its operands' types.
        factor: what `_ScaledSum` multiplies by, see `constant_of`; 0 for others.
        output: which of the operation's outputs it is.
    """

    op: str
    operands: tuple[tuple[str, Any], ...]
    dtype: str
    operand_dtypes: tuple[str, ...]
    factor: str | int = 0
    output: int = 0


@dataclass(frozen=True)
class Region:
    """A chain of elementwise operations on results of one shape, and of sums over their rows. Equal regions share
    their machine code.

    Attributes:
        inputs: for each input, the name of its type and how it is read.
        steps: the operations, each after those that it uses.
        outputs: the steps whose results are wanted.
        inner: the length of a row where an input is read as ROW or COLUMN, or rows are summed up, else 0.
        written: for each of the first outputs, the input that it overwrites, or -1 if it has memory of its own, as the
            others have; only where rows do not matter.
    """

    inputs: tuple[tuple[str, Access], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    inner: int = 0
    written: tuple[int, ...] = ()

    @property
    def own_outputs(self) -> list[int]:
        """The positions of the outputs that have memory of their own."""
        return [k for k in range(len(self.outputs)) if k >= len(self.written) or self.written[k] < 0]

    @property
    def has_reductions(self) -> bool:
        """Whether some step depends on whole rows."""
        return any(step.op in ROW_OPERATIONS for step in self.steps)

    @property
    def labels(self) -> list[int]:
        """The inputs that are columns of a row each, and must be in range; see `labels_fit`."""
        found = [step.operands[1][1] for step in self.steps if step.op == "SparseSoftmaxCrossEntropyWithLogits"]
        return sorted(set(found))

    @property
    def is_exact(self) -> bool:
        """Whether machine code gives the bits that the kernels of the operations give."""
        return not self.has_reductions and not any(step.op in APPROXIMATED for step in self.steps)

    @property
    def is_flat(self) -> bool:
        """Whether rows do not matter."""
        return self.inner == 0

    def __str__(self) -> str:
        """The chain as formulas, one after the other."""

        def operand(item: tuple[str, Any]) -> str:
            kind, value = item
            return {"input": f"x{value}", "step": f"t{value}", "number": f"{value}"}[kind]

        return "; ".join(
            f"t{index} = {step.op}({', '.join(map(operand, step.operands))})" for index, step in enumerate(self.steps)
        )


@dataclass(frozen=True)
class Layout:
    """Where the inputs and outputs of a region lie in larger arrays: in columns, each as wide as the results.

    Attributes:
        inputs: for each input of the region, the position of the array that holds it, and the first of its columns
            there, None for the whole array.
        columns: for each array that is taken, its number of columns, None for those that are taken whole.
        outputs: for each array that is made, the outputs of the region that stand in it, one next to the other.
        width: the number of columns of a result; 0 where all inputs and outputs are arrays of their own.
    """

    inputs: tuple[tuple[int, int | None], ...]
    columns: tuple[int | None, ...]
    outputs: tuple[tuple[int, ...], ...]
    width: int

    @classmethod
    def plain(cls, region: Region) -> Layout:
        """Return the layout in which all inputs and outputs are arrays of their own."""
        count = len(region.inputs)
        return cls(
            tuple((index, None) for index in range(count)),
            (None,) * count,
            tuple((index,) for index in range(len(region.outputs))),
            0,
        )

    def inputs_of(self, given: Sequence[Any]) -> list[Any]:
        """Return the region's inputs, views of the arrays given."""
        return [
            given[index] if first is None else given[index].narrow(-1, first, self.width)
            for index, first in self.inputs
        ]

    def results_of(self, outputs: Sequence[Any]) -> list[Any]:
        """Return the arrays made of the region's outputs."""
        return [
            torch.cat([outputs[index] for index in chosen], -1) if len(chosen) > 1 else outputs[chosen[0]]
            for chosen in self.outputs
        ]


class StepError(Exception):
    """One of the operations of a chain failed.

    Attributes:
        index: which one.
        values: the runtime values that it was given.
        error: what it raised.
    """

    def __init__(self, index: int, values: list[Any], error: Exception) -> None:
        super().__init__(str(error))
        self.index = index
        self.values = values
        self.error = error


@dataclass(frozen=True, eq=False)
class Chain:
    """A region and the kernels that do the same one by one.

    Attributes:
        region: what is computed.
        kernels: for each step, the operation's own kernel, bound to its attributes.
        numbers: for each step, its operands that are numbers as runtime values, by position.
        nodes: for each step, the node that it was, for error messages.
        forms: for each output, its shape; all have that of the inputs by default.
        layout: where the region's inputs and outputs lie in the arrays that the chain takes and gives, None where they
            are arrays of their own.
    """

    region: Region
    kernels: tuple[Callable[..., Any], ...]
    numbers: tuple[dict[int, Any], ...]
    nodes: tuple[Any, ...]
    forms: tuple[Form, ...] = ()
    layout: Layout | None = None

    def by_operation(self, given: Sequence[Any]) -> list[Any]:
        """Return what the chain makes of the runtime values that it takes, by one operation after the other.

        Raises:
            StepError: if one of them fails.
        """
        if self.layout is None:
            return self.outputs_of(given)
        return self.layout.results_of(self.outputs_of(self.layout.inputs_of(given)))

    def outputs_of(self, values: Sequence[Any]) -> list[Any]:
        """Return the region's outputs for the runtime values of its inputs, by one operation after the other.

        Raises:
            StepError: if one of them fails.
        """
        results: list[Any] = []
        for index, (step, kernel, numbers) in enumerate(
            zip(self.region.steps, self.kernels, self.numbers, strict=True)
        ):
            arguments = [
                values[item] if kind == "input" else results[item] if kind == "step" else numbers[position]
                for position, (kind, item) in enumerate(step.operands)
            ]
            try:
                results.append(kernel(*arguments))
            except Exception as error:
                raise StepError(index, arguments, error) from error
        return [results[index] for index in self.region.outputs]

    def __str__(self) -> str:
        """The operations' names, and how often each occurs."""
        counts = Counter(step.op for step in self.region.steps if not step.output)
        return ", ".join(f"{name} x {count}" if count > 1 else name for name, count in counts.items())
