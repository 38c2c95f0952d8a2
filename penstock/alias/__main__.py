"""`python -m penstock.alias [--v1] program.py [arguments]` runs an unmodified TensorFlow program."""

from __future__ import annotations

import sys

from penstock.alias.running import run_program

USAGE = "usage: python -m penstock.alias [--v1] program.py [arguments]"


def main() -> None:
    """Read the command line and run the program."""
    arguments = sys.argv[1:]
    face = "v2"
    if arguments and arguments[0] == "--v1":
        face, arguments = "v1", arguments[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        raise SystemExit(0 if arguments else 2)
    run_program(arguments, face)


if __name__ == "__main__":
    main()
