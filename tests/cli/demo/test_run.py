from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from penstock.cli import main

pytestmark = pytest.mark.usefixtures("graph_mode")


MNIST = Path(__file__).parents[4] / "shared" / "data" / "mnist"


def run_demo(*arguments: str | Path) -> str:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(main, ["demo", *map(str, arguments)])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def accuracy(output: str, model: str) -> float:
    """Return the last column of a model's line in the table."""
    (line,) = [line for line in output.splitlines() if model in line and "│" in line]
    return float(line.split("│")[-2])


def test_the_demo_learns_to_read_and_leaves_checkpoints_logs_and_a_picture(tmp_path: Path) -> None:
    output = run_demo("--output", tmp_path, "--steps", 200, "--epochs", 3)
    assert accuracy(output, "softmax regression") > 0.9
    assert accuracy(output, "two-layer CNN") > 0.9
    assert "saved, restored in a new session: the same 359 predictions" in output
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
    runs = {"softmax", "cnn", "learning_rate_0.1", "learning_rate_0.01", "learning_rate_0.001"}
    assert {path.name for path in (tmp_path / "logs").iterdir()} == runs
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == runs


@pytest.mark.needs_tensorboard
def test_tensorboard_reads_the_graph_and_both_curves_of_every_run(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run_demo("--output", tmp_path, "--steps", 50, "--epochs", 1)
    for run in (tmp_path / "logs").iterdir():
        events = EventAccumulator(str(run))
        events.Reload()
        assert events.Graph().node, run.name
        assert {"loss", "accuracy"} <= set(events.Tags()["scalars"])
        assert len(events.Scalars("loss")) > 5
    losses = {
        rate: EventAccumulator(str(tmp_path / "logs" / f"learning_rate_{rate}")).Reload().Scalars("loss")[-1].value
        for rate in ("0.1", "0.01", "0.001")
    }
    assert losses["0.1"] < losses["0.01"] < losses["0.001"]


def test_the_same_seed_gives_the_same_accuracy(tmp_path: Path) -> None:
    first, second = (
        run_demo("--output", tmp_path / name, "--steps", 20, "--epochs", 1, "--seed", 7) for name in ("first", "second")
    )
    assert accuracy(first, "softmax regression") == accuracy(second, "softmax regression")


@pytest.mark.slow
@pytest.mark.needs_data
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not MNIST.is_dir(), reason="the MNIST files are not beside the repository")
def test_on_mnist_the_softmax_reaches_0_91_and_the_cnn_0_99(tmp_path: Path) -> None:
    output = run_demo("--data", MNIST, "--output", tmp_path)
    assert accuracy(output, "softmax regression") >= 0.91
    assert accuracy(output, "two-layer CNN") >= 0.99
