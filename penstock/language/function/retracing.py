"""The warning for functions that are traced again and again."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

from penstock.language.function.arguments import Description, as_spec

_TRACES = 5
_CALLS = 10
_MOST_WARNINGS = 2


class RetracingDetector:
    """Counts how many of the last calls of a function were traced."""

    def __init__(self) -> None:
        self.calls = 0
        self._traced_at: deque[int] = deque(maxlen=_TRACES)
        self._warnings = 0
        self._last: Description | None = None

    def note_trace(self, name: str, description: Description, names: Sequence[str]) -> None:
        """Note that the present call is traced, and warn if that has become a habit."""
        self._traced_at.append(self.calls)
        previous, self._last = self._last, description
        if len(self._traced_at) < _TRACES or self._warnings >= _MOST_WARNINGS:
            return
        window = self.calls - self._traced_at[0] + 1
        if window > _CALLS:
            return
        self._warnings += 1
        differences = "" if previous is None else _differences(previous, description, names)
        logging.getLogger("tensorflow").warning(
            "%d out of the last %d calls to %s triggered tf.function retracing. Tracing is expensive; it happens "
            "again where (1) @tf.function is applied anew in a loop, (2) tensors come with other shapes, (3) Python "
            "objects are passed instead of tensors.%s For (1), define the function outside the loop. For (2), use "
            "@tf.function(reduce_retracing=True) or an input_signature with None for sizes that change. For (3), pass "
            "tensors.",
            _TRACES,
            window,
            name,
            differences,
        )


def _differences(previous: Description, present: Description, names: Sequence[str]) -> str:
    """Return a sentence that names the arguments which made the last two traces differ."""
    before, after = labelled(previous, names), labelled(present, names)
    parts = [
        f"{label}: {before[label]} became {after[label]}"
        for label in after
        if label in before and before[label] != after[label]
    ]
    parts += [f"{label} is new" for label in after if label not in before]
    return f" The last trace differs from the one before in {'; '.join(parts)}." if parts else ""


def labelled(description: Description, names: Sequence[str]) -> dict[str, str]:
    """Return, for each argument, its name and what the choice of a trace sees of it."""
    specs = iter(description.specs)
    positional, named = description.structure
    labels = [names[i] if i < len(names) else f"args[{i}]" for i in range(len(positional))]
    result = {label: describe(part, specs) for label, part in zip(labels, positional, strict=True)}
    result.update((name, describe(part, specs)) for name, part in named)
    return result


def describe(part: Any, specs: Any) -> str:
    """Return one part of a description in words."""
    if isinstance(part, type):
        return repr(as_spec(next(specs)))
    if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], type):
        kind, content = part
        if issubclass(kind, (list, tuple)):
            return f"{kind.__name__.title()}[{', '.join(describe(item, specs) for item in content)}]"
        if isinstance(content, tuple) and all(isinstance(item, tuple) and len(item) == 2 for item in content):
            items = ", ".join(f"[{key!r}, {describe(item, specs)}]" for key, item in content)
            return f"Dict[{items}]"
        return f"Literal[{content!r}]"
    return repr(part)
