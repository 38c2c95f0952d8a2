"""From recorded arguments to values of a module that looks like TensorFlow."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tests.oracle.recording import DATA, Case, string_array, takes_gradient


def resolve(tf: Any, path: str) -> Any:
    """Return what `path` names: a function of `tf`, of Python's operator module, or a method of the first argument."""
    first, _, rest = path.partition(".")
    if first == "operator":
        return getattr(operator, rest)
    if first == "method":
        return lambda receiver, *args, **kwargs: getattr(receiver, rest)(*args, **kwargs)
    value = tf
    for name in path.split("."):
        value = getattr(value, name)
    return value


class Arguments:
    """Makes the arguments of a case, and remembers the tensors that gradients are taken with respect to.

    Attributes:
        sources: the floating tensors that were made, in order.
        variables: the variables that were made.
    """

    def __init__(self, tf: Any, case: Case) -> None:
        self._tf = tf
        self._case = case
        self.sources: list[Any] = []
        self.variables: list[Any] = []

    def call(self) -> Any:
        """Call the function of the case with newly made arguments."""
        record = self._case.record
        args = [self.build(item) for item in record.get("args", [])]
        kwargs = {name: self.build(item) for name, item in record.get("kwargs", {}).items()}
        return resolve(self._tf, record["fn"])(*args, **kwargs)

    def build(self, item: Any) -> Any:
        """Return the value that a recorded item stands for."""
        if isinstance(item, list):
            return [self.build(entry) for entry in item]
        if not isinstance(item, dict):
            return item
        ((kind, content),) = item.items()
        return getattr(self, f"_build_{kind}")(content)

    def _build_t(self, reference: str) -> Any:
        tensor = self._tf.constant(self._case.array(reference))
        if takes_gradient(reference):
            self.sources.append(tensor)
        return tensor

    def _build_n(self, reference: str) -> Any:
        return self._case.array(reference)

    def _build_var(self, content: list[Any]) -> Any:
        kind, value = content
        variable = self._tf.Variable(string_array(value) if kind == "st" else self._case.array(value))
        self.variables.append(variable)
        return variable

    def _build_st(self, content: list[Any]) -> Any:
        return self._tf.constant(string_array(content))

    def _build_f(self, text: str) -> float:
        return float(text)

    def _build_cx(self, parts: list[float]) -> complex:
        return complex(*parts)

    def _build_by(self, text: str) -> bytes:
        return text.encode("latin-1")

    def _build_dtype(self, name: str) -> Any:
        return self._tf.as_dtype(name)

    def _build_tuple(self, items: list[Any]) -> tuple[Any, ...]:
        return tuple(self.build(items))

    def _build_dict(self, items: dict[str, Any]) -> dict[str, Any]:
        return {key: self.build(value) for key, value in items.items()}

    def _build_slice(self, bounds: list[Any]) -> slice:
        return slice(*self.build(bounds))

    def _build_ellipsis(self, _: Any) -> Any:
        return Ellipsis

    def _build_sym(self, path: str) -> Any:
        return resolve(self._tf, path)

    def _build_file(self, name: str) -> str:
        return str(DATA / "files" / name)

    def _build_new(self, content: list[Any]) -> Any:
        path, args, kwargs = content
        return resolve(self._tf, path)(*self.build(args), **self._build_dict(kwargs))

    def _build_sparse(self, content: list[Any]) -> Any:
        indices, values, shape = content
        return self._tf.SparseTensor(self._case.array(indices).reshape(-1, len(shape)), self._values(values), shape)

    def _build_ragged(self, content: list[Any]) -> Any:
        values, splits = content
        return self._tf.RaggedTensor.from_nested_row_splits(
            self._tf.constant(self._values(values)), [np.array(split, np.int64) for split in splits]
        )

    def _values(self, item: dict[str, Any]) -> np.ndarray:
        return string_array(item["st"]) if "st" in item else self._case.array(item["t"])
