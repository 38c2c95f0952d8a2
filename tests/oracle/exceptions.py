"""Recorded cases that do not pass, by mode and name, with the reason. A case that is listed here and passes fails."""

from __future__ import annotations

EXCEPTIONS: dict[str, dict[str, str]] = {
    "eager": {},
    "graph": {},
}
