"""The folder of a SavedModel: what counts as one, and what interrupted writers and damage leave."""

from __future__ import annotations

import pytest

from penstock.formats import protos
from penstock.formats.errors import CorruptDataError, UnwritablePathError
from penstock.formats.saved_model import begin_saved_model, is_saved_model, read_saved_model, write_message


def _message():
    message = protos.SavedModel(saved_model_schema_version=1)
    message.meta_graphs.add().meta_info_def.tags.append("serve")
    return message


@pytest.mark.parametrize("as_text", [False, True])
def test_messages_come_back(tmp_path, as_text):
    begin_saved_model(tmp_path)
    assert not is_saved_model(tmp_path)
    write_message(tmp_path, _message(), as_text)
    assert is_saved_model(tmp_path) and read_saved_model(tmp_path) == _message()


def test_a_model_that_is_replaced_is_none_until_the_new_one_is_complete(tmp_path):
    begin_saved_model(tmp_path)
    write_message(tmp_path, _message(), as_text=True)
    begin_saved_model(tmp_path)
    with pytest.raises(FileNotFoundError, match="interrupted"):
        read_saved_model(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("saved_model.pb", b"\x0a\xff\xffjunk"),
        ("saved_model.pb", b""),
        ("saved_model.pbtxt", b"no text of a message {"),
        ("saved_model.pbtxt", b"\xff\xfe"),
        ("saved_model.pb", b"\x08\x07\x12\x00"),
    ],
)
def test_damaged_messages_name_the_file(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptDataError, match=name):
        read_saved_model(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritablePathError, match="cannot write to"):
        begin_saved_model(tmp_path / "file" / "model")
