from __future__ import annotations

import numpy as np
import pytest

import penstock.ops  # noqa: F401
from penstock.core.errors import InvalidArgumentError
from penstock.ops.constant import constant
from penstock.ops.string.regex import (
    regex_full_match,
    regex_full_match_op,
    regex_replace,
    regex_replace_op,
    static_regex_full_match_op,
    static_regex_replace_op,
)
from penstock.testing.op_case import OpCase

TEXTS = np.array([b"Hello World", b"", b"llama"], object)
STARRED = np.array([b"He<ll>o Wor<l>d", b"", b"<ll>ama"], object)
CASES = [
    OpCase(regex_replace_op, [TEXTS, np.array(b"l+", object), np.array(rb"<\0>", object)], STARRED),
    OpCase(static_regex_replace_op, [TEXTS], STARRED, {"pattern": "l+", "rewrite": r"<\0>"}),
    OpCase(regex_full_match_op, [TEXTS, np.array(b"[a-z]*", object)], np.array([False, True, True])),
    OpCase(static_regex_full_match_op, [TEXTS], np.array([True, False, False]), {"pattern": "H.*d"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


@pytest.mark.parametrize(
    ("pattern", "rewrite", "text", "result"),
    [
        ("(a)(b)?", r"[\2|\1]", "ab a", "[b|a] [|a]"),
        ("a*", "x", "baac", "xbxcx"),
        ("a", r"\3", "a", "a"),
        ("(?i)A|b", r"\\", "aBc", r"\\c"),
        (r"\pL", "L", "é1", "L1"),
        (r"\P{L}", "-", "é1", "é-"),
        ("^", ">", "ab\ncd", ">ab\ncd"),
        ("(?m)^", ">", "ab\ncd", ">ab\n>cd"),
        ("(?m)b$", "!", "ab\ncb", "a!\nc!"),
        ("$", "E", "a\n", "a\nE"),
        (".", "d", "é\n", "d\n"),
        ("(?s).", "d", "\n", "d"),
        (r"\bfoo\b", "X", "foo food", "X food"),
        (r"\w", "w", "é", "é"),
        ("(?P<n>a)", r"<\1>", "a", "<a>"),
        ("[[:alpha:]]", "A", "a1", "A1"),
        ("[^[:digit:]x]", "-", "a1x", "-1x"),
        (r"\Qa.b\E", "X", "a.b", "X"),
        (r"\z", "END", "a", "aEND"),
        (r"\x{e9}", "E", "é", "E"),
        (r"[\]\d]", "", "]1a", "a"),
        ("((?i)a)a", "x", "Aa AA", "x AA"),
    ],
)
def test_patterns_mean_what_re2_makes_of_them(pattern: str, rewrite: str, text: str, result: str) -> None:
    assert regex_replace(text, pattern, rewrite).numpy().decode() == result


@pytest.mark.parametrize("pattern", ["(", ")", "(?=a)", r"(a)\1", r"\C", "[a", r"\y", "a**", "[[:no:]]"])
def test_what_re2_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Invalid pattern"):
        regex_replace("a", pattern, "x")


def test_bytes_beyond_utf8_pass_through() -> None:
    assert regex_replace(b"\xffa", "a", "b").numpy() == b"\xffb"


def test_patterns_may_be_tensors() -> None:
    assert regex_full_match(["ab", "abc", "a\n"], constant("a.?")).numpy().tolist() == [True, False, False]
    assert regex_replace("aa", constant("a"), "b", replace_global=False).numpy() == b"ba"
    with pytest.raises(InvalidArgumentError, match="Pattern must be a scalar"):
        regex_full_match("a", constant(["a"]))


@pytest.mark.parametrize("pattern", ["a{1001}", "a++", "(?<n>a)"])
def test_syntax_that_only_python_knows_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Invalid pattern"):
        regex_full_match(constant(["a"]), pattern)


def test_a_brace_that_counts_nothing_is_itself() -> None:
    assert regex_full_match(constant(["a{,2}", "aa"]), "a{,2}").numpy().tolist() == [True, False]


def test_a_malformed_rewrite_ends_where_it_goes_wrong() -> None:
    assert regex_replace(constant("aba"), "a", "x\\").numpy() == b"xbx"
    assert regex_replace(constant("aba"), "a", "x\\", replace_global=False).numpy() == b"aba"
