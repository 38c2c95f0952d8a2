"""Files that lie beside the code that asks for them: `tf.resource_loader`."""

from __future__ import annotations

import sys
from pathlib import Path


def _directory_of_caller() -> Path:
    return Path(sys._getframe(2).f_code.co_filename).resolve().parent


def load_resource(path: str) -> bytes:
    """Return the contents of a file, given relative to the package's folder.

    Raises:
        OSError: if it cannot be read.
    """
    return (Path(__file__).resolve().parents[1] / path).read_bytes()


def get_data_files_path() -> str:
    """Return the folder of the calling file."""
    return str(_directory_of_caller())


def get_path_to_datafile(path: str) -> str:
    """Return the path of a file given relative to the folder of the calling file."""
    return str(_directory_of_caller() / path)


def get_root_dir_with_all_resources() -> str:
    """Return the folder that holds the calling file's data."""
    return str(_directory_of_caller())


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """Return the path as it is: local files need no preparation."""
    return path
