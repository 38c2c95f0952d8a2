from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from penstock.cli.demo import data, report


def test_the_confusion_matrix_counts_truth_by_row_and_prediction_by_column() -> None:
    counts = report.confusion_matrix(np.array([1, 1, 1, 4]), np.array([1, 1, 7, 4]))
    assert counts[1, 1] == 2 and counts[1, 7] == 1 and counts[4, 4] == 1 and counts.sum() == 4


def test_samples_show_some_mistakes_and_are_never_more_than_asked() -> None:
    truth = np.zeros(100, dtype=np.int64)
    predictions = truth.copy()
    predictions[50:] = 1
    samples = report.choose_samples(truth, predictions, 20)
    assert len(samples) == 20 and (samples >= 50).sum() == 5
    assert len(report.choose_samples(truth[:3], truth[:3], 20)) == 3


def test_the_table_has_a_line_for_each_model() -> None:
    console = Console(width=100, file=io.StringIO())
    report.print_table(console, [report.Row("softmax regression", 7850, 1234.0, 0.91234)])
    text = console.file.getvalue()
    for part in ("softmax regression", "7,850", "1,234", "0.9123"):
        assert part in text


def test_the_picture_is_a_png_and_replaces_the_older_one(tmp_path: Path) -> None:
    digits = data.load_small_digits(seed=0)
    predictions = digits.sets.test.labels.argmax(axis=1)
    predictions[:20] = 3
    path = tmp_path / "demo.png"
    path.write_text("older")
    report.draw(path, digits, predictions, "a test")
    with Image.open(path) as image:
        assert image.format == "PNG" and image.width > 800
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 50
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_that_can_not_be_written_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(self: object, path: Path, **options: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(report.Figure, "savefig", full_disk)
    path = tmp_path / "demo.png"
    path.write_text("older")
    digits = data.load_small_digits(seed=0)
    with pytest.raises(OSError, match="No space left"):
        report.draw(path, digits, digits.sets.test.labels.argmax(axis=1), "a test")
    assert path.read_text() == "older"
