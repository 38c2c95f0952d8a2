from __future__ import annotations

import pytest

from penstock.core.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    UnimplementedError,
)
from penstock.platform import gfile
from penstock.platform.gfile import FastGFile, GFile


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"line1\nline2\nlast")
    return str(path)


def test_what_is_written_can_be_read(tmp_path):
    path = str(tmp_path / "new.txt")
    with GFile(path, "w") as file:
        file.write("größe")
        assert file.tell() == 7
        assert (file.name, file.mode) == (path, "w")
    assert GFile(path).read() == "größe"
    assert FastGFile(path, "rb").read() == "größe".encode()
    with GFile(path, "a") as file:
        file.write(b"!")
    assert GFile(path).size() == 8


def test_lines(lines):
    assert GFile(lines).readlines() == ["line1\n", "line2\n", "last"]
    assert list(GFile(lines, "rb")) == [b"line1\n", b"line2\n", b"last"]
    file = GFile(lines)
    assert [file.readline(), file.tell(), file.next()] == ["line1\n", 6, "line2\n"]
    assert [file.readline(), file.readline()] == ["last", ""]
    with pytest.raises(StopIteration):
        file.next()


def test_positions(lines):
    file = GFile(lines)
    file.seek(2)
    assert file.read(2) == "ne"
    file.seek(-2, 2)
    assert file.read() == "st"
    file.seek(position=1)
    file.seek(1, 1)
    assert file.tell() == 2
    for arguments, error in (((100,), OutOfRangeError), ((-1,), InvalidArgumentError), ((0, 5), InvalidArgumentError)):
        with pytest.raises(error):
            file.seek(*arguments)
    with pytest.raises(TypeError, match="offset argument required"):
        file.seek()


def test_pending_writes_are_read_after_a_flush(tmp_path):
    with GFile(str(tmp_path / "f"), "w+") as file:
        file.write("abc")
        assert file.read() == ""
        file.flush()
        assert file.read() == "abc"


def test_modes_are_kept_to(lines, tmp_path):
    with pytest.raises(PermissionDeniedError, match="isn't open for writing"):
        GFile(lines).write("x")
    with pytest.raises(PermissionDeniedError, match="isn't open for reading"):
        GFile(str(tmp_path / "w"), "w").read()
    with pytest.raises(InvalidArgumentError, match="mode is not"):
        GFile(lines, "q")
    with pytest.raises(TypeError, match="Expected binary or unicode string"):
        GFile(str(tmp_path / "w"), "w").write(3)


def test_files_are_opened_when_they_are_used(tmp_path):
    file = GFile(str(tmp_path / "none"))
    with pytest.raises(NotFoundError, match="No such file or directory"):
        file.read()
    with pytest.raises(NotFoundError):
        GFile(str(tmp_path / "none" / "f"), "w").write("x")
    with pytest.raises(FailedPreconditionError, match="Is a directory"):
        GFile(str(tmp_path)).read()


def test_folders(tmp_path):
    deep = str(tmp_path / "a" / "b")
    with pytest.raises(NotFoundError):
        gfile.mkdir(deep)
    gfile.makedirs(deep)
    gfile.makedirs(deep)
    gfile.mkdir(deep)
    assert gfile.isdir(deep) and gfile.exists(tmp_path / "a")
    (tmp_path / "a" / "f").write_text("x")
    assert sorted(gfile.listdir(str(tmp_path / "a"))) == ["b", "f"]
    assert list(gfile.walk(str(tmp_path))) == [
        (str(tmp_path), ["a"], []),
        (str(tmp_path / "a"), ["b"], ["f"]),
        (deep, [], []),
    ]
    assert [top for top, _, _ in gfile.Walk(str(tmp_path), in_order=False)] == [
        deep,
        str(tmp_path / "a"),
        str(tmp_path),
    ]
    with pytest.raises(FailedPreconditionError, match="Is a directory"):
        gfile.remove(deep)
    gfile.rmtree(str(tmp_path / "a"))
    assert not gfile.exists(deep)
    for missing in (gfile.rmtree, gfile.listdir, gfile.stat, gfile.remove):
        with pytest.raises(NotFoundError):
            missing(deep)


def test_walking_where_nothing_is_reports_an_error(tmp_path):
    failures = []
    assert list(gfile.walk(str(tmp_path / "none"), onerror=failures.append)) == []
    assert [type(error) for error in failures] == [NotFoundError]


def test_copies_and_renames_overwrite_only_if_asked(lines, tmp_path):
    other = str(tmp_path / "other")
    for act in (gfile.copy, gfile.rename):
        (tmp_path / "source").write_text("new")
        (tmp_path / "other").write_text("old")
        with pytest.raises(AlreadyExistsError, match="file already exists"):
            act(str(tmp_path / "source"), other)
        act(str(tmp_path / "source"), other, overwrite=True)
        assert (tmp_path / "other").read_text() == "new"
        with pytest.raises(NotFoundError):
            act(str(tmp_path / "none"), str(tmp_path / "nowhere"))
    assert not gfile.exists(str(tmp_path / "source"))


def test_patterns(lines, tmp_path):
    (tmp_path / "more.txt").write_text("")
    both = [lines, str(tmp_path / "more.txt")]
    assert gfile.glob(str(tmp_path / "*.txt")) == both
    assert gfile.Glob([str(tmp_path / "l*"), str(tmp_path / "m?re.txt")]) == both
    assert gfile.glob(f"file://{tmp_path}/l*") == [f"file://{lines}"]
    assert gfile.glob(str(tmp_path / "none*")) == gfile.glob(str(tmp_path / "none")) == []
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.txt").write_text("")
    assert gfile.glob(str(tmp_path / "f*" / "*.t[xy]t")) == [str(tmp_path / "folder" / "x.txt")]
    (tmp_path / ".hidden").write_text("")
    assert gfile.glob(str(tmp_path / "*den")) == [str(tmp_path / ".hidden")]


def test_statistics(lines, tmp_path):
    assert gfile.stat(lines).length == 16
    assert gfile.stat(lines).mtime_nsec > 0
    assert gfile.Stat(str(tmp_path)).is_directory


def test_urls(lines):
    assert gfile.exists(f"file://{lines}")
    assert GFile(f"file://{lines}").read(5) == "line1"
    with pytest.raises(UnimplementedError, match="File system scheme 's3' not implemented"):
        gfile.exists("s3://bucket/file")


def test_joining():
    assert gfile.join("a", "b") == "a/b"
    assert gfile.join("a", "/b") == "/b"
