"""Regular expressions in RE2's syntax, run by Python's engine."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from typing import Any

import numpy as np

from penstock.core import array
from penstock.core.array import Value
from penstock.core.convert import convert_to_tensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.op import op
from penstock.core.shape_rules import unchanged
from penstock.core.tensor import Tensor
from penstock.ops.string.elementwise import map_strings, single

_MOST_REPETITIONS = 1000  # of RE2
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


@functools.cache
def _category(name: str) -> str:
    """Return the characters of a general category of Unicode ("L", "Nd" ...) as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)).startswith(name):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    if not ranges:
        raise ValueError(f"invalid character class range: \\p{{{name}}}")
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


class _Translator:
    """Rewrites a pattern from RE2's syntax to that of Python's `re`, where they differ."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        # For each open group, what sets flags inside it ("(?i:" for "(?i)"), and whether lines are told apart there.
        self._open: list[tuple[str, bool]] = [("", False)]

    def translate(self) -> str:
        """Return the pattern for `re`.

        Raises:
            ValueError: if RE2 does not know the syntax.
        """
        parts = []
        while self._at < len(self._pattern):
            parts.append(self._next())
        return "".join(parts) + self._closing()

    def _closing(self) -> str:
        return ")" * self._open[-1][0].count("(")

    def _next(self) -> str:
        rest = self._pattern[self._at :]
        if rest[0] == "\\":
            return self._escape(inside_class=False)
        if rest[0] == "[":
            return self._character_class()
        if rest[0] == "(":
            return self._group(rest)
        if rest[0] in "*+?{":
            return self._repetition(rest)
        self._at += 1
        if rest[0] == ")":
            if len(self._open) == 1:
                raise ValueError(f"unexpected ): {self._pattern}")
            closing = self._closing()
            self._open.pop()
            return closing + ")"
        if rest[0] == "|":
            return f"{self._closing()}|{self._open[-1][0]}"
        # Where lines are not told apart, RE2's $ is the very end; Python's also stands before a final line break.
        return r"\Z" if rest[0] == "$" and not self._open[-1][1] else rest[0]

    def _repetition(self, rest: str) -> str:
        found = re.match(r"(?:[*+?]|\{(\d+)(?:,(\d*))?\})(\??)", rest)
        if found is None:
            self._at += 1
            return r"\{"
        if any(count and int(count) > _MOST_REPETITIONS for count in (found[1], found[2])):
            raise ValueError(f"invalid repetition size: {found[0]}")
        self._at += found.end()
        if rest[found.end() : found.end() + 1] == "+":
            raise ValueError(f"bad repetition operator: {found[0]}+")
        return found[0]

    def _group(self, rest: str) -> str:
        flags = re.match(r"\(\?([imsU]*)(-[imsU]+)?([:)])", rest)
        if flags is not None:
            if "U" in flags[0]:
                raise ValueError(f"the flag U is not supported: {flags[0]}")
            self._at += flags.end()
            outer, tells_lines = self._open[-1]
            tells_lines = ("m" in flags[1] or tells_lines) and "m" not in (flags[2] or "")
            if flags[3] == ":":
                self._open.append(("", tells_lines))
                return flags[0]
            if not flags[1] and not flags[2]:
                raise ValueError(f"missing argument to repetition operator: {flags[0]}")
            opening = f"(?{flags[1]}{flags[2] or ''}:"
            self._open[-1] = outer + opening, tells_lines
            return opening
        named = re.match(r"\(\?P<(\w+)>", rest)
        if rest.startswith("(?") and named is None:
            raise ValueError(f"invalid perl operator: {rest[:3]}")
        self._open.append(("", self._open[-1][1]))
        self._at += 1 if named is None else named.end()
        return "(" if named is None else f"(?P<{named[1]}>"

    def _character_class(self) -> str:
        start, parts = self._at, ["["]
        self._at += 1
        if self._pattern[self._at : self._at + 1] == "^":
            parts.append("^")
            self._at += 1
        is_first = True
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            posix = re.compile(r"\[:(\^?)(\w+):\]").match(self._pattern, self._at)
            if character == "]" and not is_first:
                self._at += 1
                return "".join(parts) + "]"
            if posix is not None:
                if posix[2] not in _POSIX or posix[1]:
                    raise ValueError(f"invalid character class range: {posix[0]}")
                parts.append(_POSIX[posix[2]])
                self._at = posix.end()
            elif character == "\\":
                parts.append(self._escape(inside_class=True))
            else:
                parts.append("\\" + character if character in "[]&~|" else character)
                self._at += 1
            is_first = False
        raise ValueError(f"missing ]: {self._pattern[start:]}")

    def _escape(self, inside_class: bool) -> str:
        rest = self._pattern[self._at :]
        if len(rest) < 2:
            raise ValueError("trailing \\")
        letter = rest[1]
        category = re.match(r"\\([pP])(?:(\w)|\{(\^?)(\w+)\})", rest)
        if category is not None:
            self._at += category.end()
            negated = (category[1] == "P") != bool(category[3])
            inside = _category(category[2] or category[4])
            if not inside_class:
                return f"[{'^' if negated else ''}{inside}]"
            if negated:
                raise ValueError(f"a negated category within a class is not supported: {category[0]}")
            return inside
        if letter == "Q":
            end = rest.find("\\E")
            quoted = rest[2:] if end < 0 else rest[2:end]
            self._at += len(rest) if end < 0 else end + 2
            return re.escape(quoted)
        code = re.match(r"\\x\{([0-9A-Fa-f]+)\}", rest)
        if code is not None:
            self._at += code.end()
            return f"\\U{int(code[1], 16):08x}"
        if letter.isdigit() and letter != "0":
            raise ValueError(f"invalid escape sequence: \\{letter}")
        if letter.isalpha() and letter not in "aftnrvxdDsSwWbBAz":
            raise ValueError(f"invalid escape sequence: \\{letter}")
        self._at += 2
        return r"\Z" if letter == "z" else f"\\{letter}"


@functools.lru_cache(maxsize=256)
def _compiled(pattern: bytes) -> re.Pattern[str]:
    text = pattern.decode("utf-8", "surrogateescape")
    try:
        # RE2's classes \d, \s, \w and \b know ASCII only.
        return re.compile(_Translator(text).translate(), re.ASCII)
    except (ValueError, re.error) as error:
        raise InvalidArgumentError(None, None, f"Invalid pattern: {text}, error: {error}") from None


def _replaced(item: bytes, pattern: re.Pattern[str], rewrite: str, everywhere: bool) -> bytes:
    text = item.decode("utf-8", "surrogateescape")
    parts, end, last_match = [], 0, -1
    for match in pattern.finditer(text):
        if match.start() == match.end() == last_match:
            continue  # RE2 finds no empty match right behind another one
        parts += [text[end : match.start()], _expanded(rewrite, match)]
        end = last_match = match.end()
        if not everywhere:
            break
    return "".join([*parts, text[end:]]).encode("utf-8", "surrogateescape")


def _expanded(rewrite: str, match: re.Match[str]) -> str:
    return re.sub(r"\\(.)", lambda found: "\\" if found[1] == "\\" else match[int(found[1])] or "", rewrite)


def _usable_rewrite(rewrite: str, groups: int, everywhere: bool) -> str | None:
    """Return what RE2 makes use of in a rewrite, or None where it leaves strings alone."""
    for escape in re.finditer(r"\\(.?)", rewrite, re.DOTALL):
        if escape[1].isdigit() and int(escape[1]) > groups:
            return None
    malformed = re.match(r"((?:[^\\]|\\[\\0-9])*)\\(?![\\0-9])", rewrite, re.DOTALL)
    if malformed is None:
        return rewrite
    return malformed[1] if everywhere else None


def _replace(input: Value, pattern: bytes, rewrite: bytes, everywhere: bool) -> Value:
    compiled = _compiled(pattern)
    text = _usable_rewrite(rewrite.decode("utf-8", "surrogateescape"), compiled.groups, everywhere)
    if text is None:
        return input.copy()
    return map_strings(lambda item: _replaced(item, compiled, text, everywhere), input)


def _matches(input: Value, pattern: bytes) -> Value:
    compiled = _compiled(pattern)
    found = [compiled.fullmatch(item.decode("utf-8", "surrogateescape")) is not None for item in input.reshape(-1)]
    return array.from_numpy(np.array(found, dtype=np.bool_).reshape(input.shape))


@op(
    "RegexReplace(input: string, pattern: string, rewrite: string) -> output: string",
    differentiable=False,
    shape=unchanged,
)
def regex_replace_op(input: Value, pattern: Value, rewrite: Value, *, replace_global: bool = True) -> Value:
    return _replace(input, single(pattern, "Pattern"), single(rewrite, "Rewrite"), replace_global)


@op("StaticRegexReplace(input: string) -> output: string", shape=unchanged)
def static_regex_replace_op(input: Value, *, pattern: str, rewrite: str, replace_global: bool = True) -> Value:
    return _replace(input, pattern.encode(), rewrite.encode(), replace_global)


@op("RegexFullMatch(input: string, pattern: string) -> output: bool", shape=unchanged)
def regex_full_match_op(input: Value, pattern: Value) -> Value:
    return _matches(input, single(pattern, "Pattern"))


@op("StaticRegexFullMatch(input: string) -> output: bool", shape=unchanged)
def static_regex_full_match_op(input: Value, *, pattern: str) -> Value:
    return _matches(input, pattern.encode())


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    """Return strings with what matches a pattern rewritten.

    Args:
        input: a string tensor.
        pattern: a regular expression in RE2's syntax, a string or a scalar string tensor.
        rewrite: what to put there; `\\\\1` stands for the first group, `\\\\0` for all that matched.
        replace_global: whether every match is rewritten, or the first one only.
        name: the node's name.
    Raises:
        InvalidArgumentError: if the pattern is invalid.
    """
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return static_regex_replace_op(
            input, pattern=_text(pattern), rewrite=_text(rewrite), replace_global=replace_global, name=name
        )
    return regex_replace_op(input, pattern, rewrite, replace_global=replace_global, name=name)


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Tell for each string whether a pattern matches all of it.

    Args:
        input: a string tensor.
        pattern: a regular expression in RE2's syntax, a string or a scalar string tensor.
        name: the node's name.
    Raises:
        InvalidArgumentError: if the pattern is invalid.
    """
    if isinstance(pattern, (str, bytes)):
        return static_regex_full_match_op(convert_to_tensor(input), pattern=_text(pattern), name=name)
    return regex_full_match_op(input, pattern, name=name)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
