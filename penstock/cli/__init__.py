"""The command line: `penstock demo` and its siblings.

Each command lives in a module of its own and loads what it needs when it runs, so that `penstock --help` does not
wait for the engine.
"""

from __future__ import annotations

import click

from penstock import __version__
from penstock.cli.demo import command as demo_command
from penstock.cli.doctor import command as doctor_command
from penstock.cli.inspect import command as inspect_command
from penstock.cli.run import command as run_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="penstock")
def main() -> None:
    """TensorFlow's graphs, sessions and eager execution in readable Python."""


main.add_command(demo_command)
main.add_command(doctor_command)
main.add_command(inspect_command)
main.add_command(run_command)
