"""The page of all operations."""

from __future__ import annotations

from pathlib import Path

from penstock.cli import ops_page

PAGE = Path(__file__).parents[2] / "docs" / "ops.md"


def test_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == ops_page.page(), "docs/ops.md is not current: run `make docs`"


def test_each_operation_has_a_row_with_its_signature():
    page = ops_page.page()
    assert "| `Cross(a: T, b: T) → (product: T)` |" in page
    assert "| `BiasAdd(value: T, bias: T, *, data_format='NHWC') → (output: T)` |" in page
    assert "| yes |" in page and "| no |" in page


def test_notes_name_operations_that_are_declared():
    page = ops_page.page()
    assert all(f"| `{name}(" in page for name in ops_page.DIFFERENCES)
