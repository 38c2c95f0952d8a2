"""`penstock run`: runs an unmodified TensorFlow program."""

from __future__ import annotations

import click


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--v1", "v1", is_flag=True, help="Give the program TensorFlow 1's face.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def command(v1: bool, command: tuple[str, ...]) -> None:
    """Run a program whose `import tensorflow` is to mean Penstock: PROGRAM [ARGUMENTS], or -m MODULE [ARGUMENTS]."""
    from penstock.alias.running import run_program  # the engine, which `penstock --help` should not wait for

    try:
        run_program(command, "v1" if v1 else "v2")
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
