"""A container of settings with types, which a command line can change."""

from __future__ import annotations

import json
import re
from typing import Any

_SETTING = re.compile(r"\s*([A-Za-z_][\w.]*)(?:\[(\d+)\])?\s*=\s*(\[[^\]]*\]|[^,]*)\s*(?:,|$)")


def _as_type(name: str, kind: type, text: Any) -> Any:
    """Return a value as the type that a setting has.

    Raises:
        ValueError: if it cannot be.
    """
    if kind is bool and isinstance(text, str):
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"Could not parse hparam {name!r} of type 'bool' with value {text!r}: write true or false")
        return text.lower() in ("true", "1")
    if kind is int and isinstance(text, float) and not text.is_integer():
        raise ValueError(f"Could not cast hparam {name!r} of type 'int' from value {text!r}")
    if kind in (int, float) and isinstance(text, bool):
        raise ValueError(f"Could not cast hparam {name!r} of type {kind.__name__!r} from value {text!r}")
    try:
        return kind(text)
    except (TypeError, ValueError):
        raise ValueError(f"Could not parse hparam {name!r} of type {kind.__name__!r} with value {text!r}") from None


class HParams:
    """Settings as attributes: `HParams(rate=0.1, sizes=[3, 4])` has `rate` and `sizes`.

    Args:
        model_structure: accepted.
        **kwargs: the settings; lists must not be empty.
    """

    def __init__(self, model_structure: Any = None, **kwargs: Any) -> None:
        self._types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """Add a setting.

        Raises:
            ValueError: if the name is taken, or a list is empty.
        """
        if hasattr(self, name):
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        many = isinstance(value, (list, tuple))
        if many and not value:
            raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
        self._types[name] = (type(value[0]) if many else type(value), many)
        setattr(self, name, list(value) if many else value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Change a setting, to a value of its type.

        Raises:
            KeyError: if there is no such setting.
            ValueError: if the value has another type.
        """
        kind, many = self._types[name]
        if isinstance(value, (list, tuple)) != many:
            raise ValueError(f"Setting {name!r} is {'a list' if many else 'a single value'}, got {value!r}")
        if kind is type(None) or value is None:
            converted = value
        else:
            converted = [_as_type(name, kind, item) for item in value] if many else _as_type(name, kind, value)
        setattr(self, name, converted)

    def del_hparam(self, name: str) -> None:
        """Remove a setting, if there is such a one."""
        if hasattr(self, name):
            delattr(self, name)
            del self._types[name]

    def parse(self, values: str) -> HParams:
        """Change settings as a text says, such as "rate=0.2,sizes=[1,2],sizes[0]=5"; return the settings.

        Raises:
            ValueError: if the text cannot be read, or a setting is unknown or of another type.
        """
        place = 0
        while place < len(values.rstrip()):
            match = _SETTING.match(values, place)
            if match is None:
                raise ValueError(f"Malformed hyperparameter value: {values[place:]!r}; write name=value,name=[1,2]")
            name, index, text = match.groups()
            if name not in self._types:
                raise ValueError(
                    f"Unknown hyperparameter type for {name}: the settings are {', '.join(sorted(self._types))}"
                )
            kind, many = self._types[name]
            kind = str if kind is type(None) else kind
            if index is not None:
                if not many:
                    raise ValueError(f"{name} is a single value, it has no entry {index}")
                getattr(self, name)[int(index)] = _as_type(name, kind, text)
            elif many:
                if not text.startswith("["):
                    raise ValueError(f"Must pass a list for the multi-valued hyperparameter {name}, got {text!r}")
                items = [item.strip() for item in text[1:-1].split(",") if item.strip()]
                setattr(self, name, [_as_type(name, kind, item) for item in items])
            else:
                setattr(self, name, _as_type(name, kind, text))
            place = match.end()
        return self

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        """Change settings as a dictionary says; return the settings."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def parse_json(self, values_json: str) -> HParams:
        """Change settings as a JSON object says; return the settings."""
        return self.override_from_dict(json.loads(values_json))

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        """Return the settings as a JSON object; what JSON cannot hold is null."""
        return json.dumps(
            self.values(), default=lambda _: None, indent=indent, separators=separators, sort_keys=sort_keys
        )

    def values(self) -> dict[str, Any]:
        """Return the settings as a dictionary."""
        return {name: getattr(self, name) for name in self._types}

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting, or a default where there is none.

        Raises:
            ValueError: if the default has another type than the setting.
        """
        if key not in self._types:
            return default
        kind, many = self._types[key]
        if default is not None:
            given = default if isinstance(default, (list, tuple)) else [default]
            if isinstance(default, (list, tuple)) != many or any(not isinstance(item, (kind, int)) for item in given):
                raise ValueError(f"Hparam {key!r} of type {kind.__name__!r} is incompatible with default={default!r}")
        return getattr(self, key)

    def __contains__(self, key: str) -> bool:
        return key in self._types

    def __str__(self) -> str:
        return str(sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"HParams({self})"
