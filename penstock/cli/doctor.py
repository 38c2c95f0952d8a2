"""`penstock doctor`: what is installed here and what programs can run on."""

from __future__ import annotations

import importlib.metadata
import os
import platform

import click
from rich.console import Console
from rich.table import Table

from penstock.cli.coverage import print_coverage

REQUIRED = ("penstock", "torch", "numpy", "ml-dtypes", "protobuf", "tensorboard", "google-crc32c", "pillow")
OPTIONAL = {"scikit-learn": "demo", "matplotlib": "demo", "keras": "keras", "grpcio": "cluster", "ray": "ray"}


@click.command("doctor")
@click.option("--coverage", "shows_coverage", is_flag=True, help="Print how much of TensorFlow's surface is here.")
def command(shows_coverage: bool) -> None:
    """Print versions and devices; exit code 1 if something required is missing."""
    console = Console()
    if shows_coverage:
        print_coverage(console)
        return
    console.print(f"Python {platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores")
    versions = {name: installed_version(name) for name in (*REQUIRED, *OPTIONAL)}
    table = Table("package", "version", "note", box=None)
    for name, version in versions.items():
        note = "" if version else f"pip install penstock[{OPTIONAL[name]}]" if name in OPTIONAL else "required"
        table.add_row(name, version or "-", note.replace("[", r"\["))
    console.print(table)

    missing = [name for name in REQUIRED if not versions[name]]
    if missing:
        raise click.ClickException(f"not installed: {', '.join(missing)}; run: pip install penstock")
    for device in list_devices():
        console.print(device, highlight=False)


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def list_devices() -> list[str]:
    """Return the full names of the devices that a session sees here."""
    import penstock.v1 as tf  # loads torch, which `penstock --help` should not wait for

    with tf.Session(graph=tf.Graph()) as session:
        return [device.name for device in session.list_devices()]
