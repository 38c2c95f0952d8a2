from __future__ import annotations

import os

from penstock.platform import resource_loader


def test_paths_are_relative_to_the_caller():
    here = os.path.dirname(os.path.realpath(__file__))
    assert resource_loader.get_data_files_path() == here
    assert resource_loader.get_path_to_datafile("x.txt") == os.path.join(here, "x.txt")
    assert resource_loader.readahead_file_path("x") == "x"


def test_resources_are_read_from_the_package():
    assert b"def load_resource" in resource_loader.load_resource("platform/resource_loader.py")
