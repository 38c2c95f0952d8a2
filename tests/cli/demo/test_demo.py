"""Wrong input to `penstock demo`: one line, exit code 2, and nothing touched."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from penstock.cli import demo, main
from penstock.examples.tutorials.mnist import input_data
from tests.examples.tutorials.mnist.idx_files import write_mnist


def run_demo(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["demo", *map(str, arguments)])


def assert_one_line_error(result: Result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1, result.stderr
    for part in parts:
        assert part in result.stderr


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    result = run_demo("--data", tmp_path / "nowhere", "--output", tmp_path / "out")
    assert_one_line_error(result, str(tmp_path / "nowhere"), "does not exist")


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data")
    (tmp_path / "data" / input_data.TRAIN_LABELS).unlink()
    result = run_demo("--data", tmp_path / "data", "--output", tmp_path / "out")
    assert_one_line_error(result, "train-labels-idx1-ubyte.gz", "nothing is downloaded")


def test_a_truncated_data_file_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data")
    path = tmp_path / "data" / input_data.TEST_IMAGES
    path.write_bytes(path.read_bytes()[:-5])
    result = run_demo("--data", tmp_path / "data", "--output", tmp_path / "out")
    assert_one_line_error(result, "t10k-images-idx3-ubyte.gz", "not a complete gzip file")


def test_an_output_folder_that_can_not_be_written_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    result = run_demo("--output", tmp_path / "file" / "out")
    assert_one_line_error(result, str(tmp_path / "file" / "out"), "pass --output DIR")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_file_in_the_place_of_the_output_folder_survives(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    assert_one_line_error(run_demo("--output", tmp_path / "file"), "can not write to the output folder")
    assert (tmp_path / "file").read_text() == "precious"


def test_the_check_of_the_output_folder_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "earlier").write_text("result")
    demo.prepare_output(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["earlier"]


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else find_spec(name, *rest)
    )
    result = run_demo("--output", tmp_path / "out")
    assert_one_line_error(result, "the demo needs matplotlib: pip install penstock[demo]")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--steps", "0"), ("--epochs", "-1"), ("--seed", "x")])
def test_numbers_out_of_range_are_usage_errors(option: tuple[str, str]) -> None:
    result = run_demo(*option)
    assert result.exit_code == 2
    assert option[0] in result.output
