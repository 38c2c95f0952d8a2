"""`penstock demo`: two digit readers, from the data to the picture, written as a TensorFlow 1 program.

`data` reads the digits, `models` builds the graphs, `run` trains, saves, restores and predicts, `report` prints the
table and draws the picture. Read `models` first.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

EXTRA_MODULES = ("sklearn", "matplotlib")


class DemoError(click.ClickException):
    """A problem with what the user gave: one line on stderr and exit code 2."""

    exit_code = 2


@click.command("demo")
@click.option("--data", "data_dir", type=click.Path(path_type=Path), help="folder with MNIST's four .gz files")
@click.option(
    "--output",
    "output_dir",
    type=click.Path(path_type=Path),
    default=Path("penstock-demo"),
    show_default=True,
    help="folder for checkpoints, TensorBoard logs and the picture",
)
@click.option(
    "--steps", type=click.IntRange(min=1), default=1000, show_default=True, help="steps of softmax regression"
)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="epochs of the CNN [default: 10 on MNIST, 30 on the small digits]"
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="of data, weights and dropout"
)
def command(data_dir: Path | None, output_dir: Path, steps: int, epochs: int | None, seed: int) -> None:
    """Train a softmax regression and a CNN on handwritten digits.

    Without --data the digits are the 1797 small ones that come with scikit-learn.
    """
    missing = [name for name in EXTRA_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise DemoError(f"the demo needs {' and '.join(missing)}: pip install penstock[demo]")

    from penstock.cli.demo import data  # loads scikit-learn, for which --help should not wait

    try:
        digits = data.load_mnist(data_dir, seed) if data_dir else data.load_small_digits(seed)
        prepare_output(output_dir)
    except (OSError, ValueError) as error:
        raise DemoError(str(error)) from error
    if epochs is None:
        epochs = 10 if data_dir else 30

    from penstock.cli.demo import run  # loads the engine, for which the messages above should not wait

    try:
        run.run_demo(digits, output_dir, steps=steps, epochs=epochs, seed=seed)
    except OSError as error:
        raise DemoError(f"{error}; what was written before is in '{output_dir}'") from error


def prepare_output(folder: Path) -> None:
    """Create the output folder and make sure that files can be written there, before hours are spent.

    Raises:
        OSError: with a message that names the folder.
    """
    probe = folder / ".penstock-demo-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"can not write to the output folder '{folder}': {error.strerror}; pass --output DIR") from error
