"""The Python source of the function that calls a chain's machine code.

It is written for the chain, so that arrays which lie as most do, without gaps or as matrices with gaps between their
rows, go to the machine code after a few tests. The rest is left to a function that takes any arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.core.dtypes import as_dtype
from penstock.ops.fused.native.region import Access, Chain, Form, Layout


class _Input:
    """An input of the region.

    Attributes:
        name: the name in the source of the array that holds it.
        access: how it is read.
        address: an expression.
        columns: how many columns the array has where the input is some of them, else None.
    """

    def __init__(self, name: str, access: Access, shift: int, columns: int | None) -> None:
        self.name = name
        self.access = access
        self.address = f"{name}.data_ptr() + {shift}" if shift else f"{name}.data_ptr()"
        self.columns = columns


def caller_source(chain: Chain, is_cpu_certain: bool) -> str:
    """Return the source of `run(values)`.

    It finds `empty`, `empty_like`, `anyhow` (the function for any arrays), `code` (the machine code) and the types
    `dtype0`, `dtype1` … of the region's outputs in its namespace, and for labels what tells whether they fit.

    Args:
        chain: the chain.
        is_cpu_certain: whether there is no other device.
    """
    return "\n".join(_Caller(chain).lines(is_cpu_certain))


class _Caller:
    def __init__(self, chain: Chain) -> None:
        region = self._region = chain.region
        layout = chain.layout
        self._is_plain = layout is None
        self._layout = layout = layout or Layout.plain(region)
        self._forms = chain.forms or (Form.FULL,) * len(region.outputs)
        self._names = [f"x{index}" for index in range(len(layout.columns))]
        self._inputs = [
            _Input(self._names[given], access, (first or 0) * as_dtype(dtype).size, layout.columns[given])
            for (given, first), (dtype, access) in zip(layout.inputs, region.inputs, strict=True)
        ]
        self._full = list({item.name: item for item in self._inputs if item.access is Access.FULL}.values())

    def lines(self, is_cpu_certain: bool) -> Iterator[str]:
        full = self._full
        tests = ["n"]
        tests += [f"{item.name}.numel() == 1" for item in self._inputs if item.access is Access.SCALAR]
        if not is_cpu_certain:
            tests += [f"{name}.is_cpu" for name in self._names]
        yield "def run(values):"
        yield f"    {', '.join(self._names)}, = values"
        yield f"    n = {full[0].name}.numel()"
        if self._is_plain:
            yield f"    shape = {full[0].name}.shape"
            tests += [f"{item.name}.shape == shape" for item in full[1:]]
        else:
            yield f"    *rows_shape, last = {full[0].name}.shape"
            yield f"    shape = (*rows_shape, {self._layout.width})"
            tests.append(f"last == {full[0].columns or self._layout.width}")
            for item in full[1:]:
                shape = "shape" if item.columns is None else f"(*rows_shape, {item.columns})"
                tests.append(f"{item.name}.shape == {shape}")
        yield f"    if {' and '.join(tests)}:"
        gapless = " and ".join(f"{item.name}.is_contiguous()" for item in full)
        if self._region.is_flat and self._is_plain:
            yield f"        if {gapless}:"
            yield from (f"            {line}" for line in self._makes())
            results = [f"y{index}.data_ptr()" for index in range(len(self._layout.outputs))]
            yield f"            code.flat({', '.join(['1', 'n', *(item.address for item in self._inputs), *results])})"
            yield f"            return {self._returned()}"
        else:
            width = self._layout.width or self._region.inner
            yield f"        if {gapless}:"
            yield f"            columns = {'shape[-1]' if self._region.has_reductions else width}"
            yield f"            rows = n // {full[0].columns or width}"
            yield from self._call([f"{item.columns or 'columns'}" for item in self._inputs])
        unit = " and ".join(f"{item.name}.stride(1) == 1" for item in full)
        yield f"        elif len(shape) == 2 and {unit}:"
        yield "            rows, columns = shape"
        yield from self._call([f"{item.name}.stride(0)" for item in self._inputs])
        yield "    return anyhow(values)"

    def _makes(self) -> Iterator[str]:
        """The lines that make the results. Of all ways to ask for memory, `empty_like` takes least."""
        lead = "shape[:-1]" if self._is_plain else "rows_shape"
        shapes = {Form.FULL: "shape", Form.KEPT: f"(*{lead}, 1)", Form.DROPPED: lead}
        steps, outputs = self._region.steps, self._region.outputs
        made: dict[tuple[str, str], str] = {}
        for position, chosen in enumerate(self._layout.outputs):
            shape = shapes[self._forms[chosen[0]]]
            if len(chosen) > 1:
                shape = f"(*{lead}, {len(chosen) * self._layout.width})"
            key = shape, steps[outputs[chosen[0]]].dtype
            like = made.setdefault(key, f"y{position}")
            is_first = like == f"y{position}"
            yield f"y{position} = " + (f"empty({shape}, dtype=dtype{chosen[0]})" if is_first else f"empty_like({like})")

    def _call(self, distances: Sequence[str]) -> Iterator[str]:
        """The lines that call the loop over rows.

        Args:
            distances: for each input, the distance of its rows, if it is read in full.
        """
        sizes = {Access.ROW: "columns", Access.COLUMN: "rows"}
        fits = [
            f"{item.name}.numel() == {sizes[item.access]} and {item.name}.is_contiguous()"
            for item in self._inputs
            if item.access in sizes
        ]
        if self._region.inner:
            fits.append(f"columns == {self._region.inner}")
        fits += [f"labels_fit{index}({self._inputs[index].address}, rows, columns)" for index in self._region.labels]
        yield f"            if {' and '.join(fits) or 'True'}:"
        yield from (f"                {line}" for line in self._makes())
        arguments = ["rows", "columns"]
        for item, distance in zip(self._inputs, distances, strict=True):
            arguments += [item.address, distance] if item.access is Access.FULL else [item.address]
        yield f"                code.by_rows({', '.join([*arguments, *self._ends()])})"
        yield f"                return {self._returned()}"

    def _ends(self) -> list[str]:
        """The addresses of the region's outputs, and the distances of their rows."""
        found = [""] * len(self._region.outputs)
        for position, chosen in enumerate(self._layout.outputs):
            for place, index in enumerate(chosen):
                shift = (
                    place * self._layout.width * as_dtype(self._region.steps[self._region.outputs[index]].dtype).size
                )
                address = f"y{position}.data_ptr(){f' + {shift}' if shift else ''}"
                distance = "1" if self._forms[index] is not Form.FULL else "columns"
                found[index] = f"{address}, {len(chosen) * self._layout.width if len(chosen) > 1 else distance}"
        return found

    def _returned(self) -> str:
        return f"[{', '.join(f'y{position}' for position in range(len(self._layout.outputs)))}]"
