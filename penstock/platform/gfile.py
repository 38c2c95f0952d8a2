"""Files and folders: `tf.io.gfile`, and TensorFlow 1's `tf.gfile`, on local paths and `file://` URLs.

Errors are those of operations (`NotFoundError`, `AlreadyExistsError` ...), as programs written for TensorFlow expect.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from penstock.core import errors

_BY_ERRNO: dict[int, Callable[..., errors.OpError]] = {
    errno.ENOENT: errors.NotFoundError,
    errno.EEXIST: errors.AlreadyExistsError,
    errno.EACCES: errors.PermissionDeniedError,
    errno.EPERM: errors.PermissionDeniedError,
    errno.EROFS: errors.PermissionDeniedError,
    errno.ENOTDIR: errors.FailedPreconditionError,
    errno.EISDIR: errors.FailedPreconditionError,
    errno.ENOTEMPTY: errors.FailedPreconditionError,
    errno.ENOSPC: errors.ResourceExhaustedError,
    errno.EDQUOT: errors.ResourceExhaustedError,
    errno.EMFILE: errors.ResourceExhaustedError,
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@contextlib.contextmanager
def _translated(path: str) -> Iterator[None]:
    """Raise the errors of the operating system as TensorFlow does.

    Raises:
        OpError: of the class that fits.
    """
    try:
        yield
    except OSError as error:
        kind = _BY_ERRNO.get(error.errno or 0, errors.UnknownError)
        raise kind(None, None, f"{path}; {error.strerror or error}") from None


def _text(path: Any) -> str:
    """Return a path as it was written, as text.

    Raises:
        TypeError: if it is no path.
    """
    path = os.fspath(path)
    return path.decode() if isinstance(path, bytes) else path


def local_path(path: Any) -> str:
    """Return the local path that a path or `file://` URL names.

    Raises:
        UnimplementedError: if it is on another file system.
    """
    text = _text(path)
    match = _SCHEME.match(text)
    if match is None:
        return text
    if match[1] != "file":
        raise errors.UnimplementedError(None, None, f"File system scheme '{match[1]}' not implemented (file: '{text}')")
    return text[match.end() :]


_MODES = ("r", "w", "a", "r+", "w+", "a+")


class GFile:
    """A file, opened when it is first read or written.

    Args:
        name: its path.
        mode: "r", "w", "a", "r+", "w+" or "a+", with "b" for bytes. As in TensorFlow, writing in mode "r+" starts
            anew, and what is written can be read once it has been flushed.
    Raises:
        InvalidArgumentError: if the mode is none of these.
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.__name = name
        self.__mode = mode
        self._reader: IO[bytes] | None = None
        self._writer: IO[bytes] | None = None
        plain = mode.replace("b", "")
        if plain not in _MODES:
            raise errors.InvalidArgumentError(None, None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'")
        self._binary = "b" in mode
        self._may_read = plain in ("r", "r+", "w+", "a+")
        self._may_write = plain != "r"
        self._appends = plain.startswith("a")

    @property
    def name(self) -> Any:
        """The path that it was opened with."""
        return self.__name

    @property
    def mode(self) -> str:
        """The mode that it was opened with."""
        return self.__mode

    def _reading(self) -> IO[bytes]:
        if not self._may_read:
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        if self._reader is None:
            path = local_path(self.__name)
            with _translated(path):
                self._reader = open(path, "rb")
        return self._reader

    def _writing(self) -> IO[bytes]:
        if not self._may_write:
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        if self._writer is None:
            path = local_path(self.__name)
            with _translated(path):
                self._writer = open(path, "ab" if self._appends else "wb")
        return self._writer

    def _given(self, data: bytes) -> Any:
        return data if self._binary else data.decode()

    def size(self) -> int:
        """Return the size of the file in bytes."""
        return stat(self.__name).length

    def write(self, file_content: Any) -> None:
        """Append text or bytes to what has been written.

        Raises:
            TypeError: if it is neither.
            PermissionDeniedError: if the mode is for reading only.
        """
        writer = self._writing()
        if isinstance(file_content, str):
            file_content = file_content.encode()
        if not isinstance(file_content, (bytes, bytearray, memoryview)):
            raise TypeError(f"Expected binary or unicode string, got {file_content!r}")
        with _translated(_text(self.__name)):
            writer.write(file_content)

    def read(self, n: int = -1) -> Any:
        """Return the next `n` bytes, as text unless the mode is binary; all that follow if `n` is -1.

        Raises:
            NotFoundError: if there is no such file.
            PermissionDeniedError: if the mode is for writing only.
        """
        reader = self._reading()
        with _translated(_text(self.__name)):
            return self._given(reader.read(n))

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Go to a position for reading.

        Args:
            offset: the number of bytes.
            whence: from where: 0 for the start, 1 for the present position, 2 for the end.
            position: an older name of `offset`.
        Raises:
            TypeError: if no offset is given.
            InvalidArgumentError: if `whence` is none of these, or the position is negative.
            OutOfRangeError: if it lies behind the end.
        """
        reader = self._reading()
        offset = position if offset is None else offset
        if offset is None:
            raise TypeError("seek(): offset argument required")
        if whence not in (0, 1, 2):
            raise errors.InvalidArgumentError(
                None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            )
        size = os.fstat(reader.fileno()).st_size
        target = offset + (0 if whence == 0 else reader.tell() if whence == 1 else size)
        if target < 0:
            raise errors.InvalidArgumentError(None, None, f"Seeking to a negative position: {target}")
        if target > size:
            raise errors.OutOfRangeError(None, None, "reached end of file")
        reader.seek(target)

    def readline(self) -> Any:
        """Return the next line with its line break, or nothing at the end."""
        return self._given(self._reading().readline())

    def readlines(self) -> list[Any]:
        """Return the lines that follow, with their line breaks."""
        return list(self)

    def tell(self) -> int:
        """Return the position in bytes: for reading if the mode allows it, else for writing."""
        return self._reading().tell() if self._may_read else self._writing().tell()

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __iter__(self) -> GFile:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def next(self) -> Any:
        """Return the next line.

        Raises:
            StopIteration: at the end.
        """
        return self.__next__()

    def flush(self) -> None:
        """Hand what has been written to the operating system."""
        if self._writer is not None:
            with _translated(_text(self.__name)):
                self._writer.flush()

    def close(self) -> None:
        """Write out what is pending, and close the file. Reading after this starts at the beginning."""
        for file in (self._reader, self._writer):
            if file is not None:
                with _translated(_text(self.__name)):
                    file.close()
        self._reader = self._writer = None

    def __del__(self) -> None:
        # Programs for TensorFlow rely on files being closed when they are no longer used.
        self.close()

    def seekable(self) -> bool:
        """Return True: every file can be read from any position."""
        return True


class FastGFile(GFile):
    """A file, as GFile."""


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """What is known of a file: its size in bytes, its time of modification, and whether it is a folder."""

    length: int
    mtime_nsec: int
    is_directory: bool


def exists(path: Any) -> bool:
    """Tell whether there is a file or folder at `path`."""
    return os.path.exists(local_path(path))


def isdir(path: Any) -> bool:
    """Tell whether there is a folder at `path`."""
    return os.path.isdir(local_path(path))


def stat(path: Any) -> FileStatistics:
    """Return what is known of a file or folder.

    Raises:
        NotFoundError: if there is none.
    """
    local = local_path(path)
    with _translated(local):
        found = os.stat(local)
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(local))


def listdir(path: Any) -> list[str]:
    """Return the names in a folder, in no particular order.

    Raises:
        NotFoundError: if there is no such folder.
    """
    local = local_path(path)
    if not os.path.isdir(local):
        raise errors.NotFoundError(None, None, f"Could not find directory {_text(path)}")
    with _translated(local):
        return os.listdir(local)


def mkdir(path: Any) -> None:
    """Make a folder, whose parent exists. A folder that is there already is left as it is.

    Raises:
        NotFoundError: if the parent does not exist.
        AlreadyExistsError: if a file of that name exists.
    """
    local = local_path(path)
    if not os.path.isdir(local):
        with _translated(local):
            os.mkdir(local)


def makedirs(path: Any) -> None:
    """Make a folder, and those above it that are missing."""
    local = local_path(path)
    with _translated(local):
        os.makedirs(local, exist_ok=True)


def remove(path: Any) -> None:
    """Delete a file.

    Raises:
        NotFoundError: if there is none.
        FailedPreconditionError: if it is a folder.
    """
    local = local_path(path)
    with _translated(local):
        if os.path.isdir(local) and not os.path.islink(local):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.remove(local)


def rmtree(path: Any) -> None:
    """Delete a folder with all that is in it, or a file.

    Raises:
        NotFoundError: if there is none.
    """
    local = local_path(path)
    if not os.path.lexists(local):
        raise errors.NotFoundError(None, None, f"{local} not found")
    with _translated(local):
        if os.path.isdir(local) and not os.path.islink(local):
            shutil.rmtree(local)
        else:
            os.remove(local)


def _expect_absent(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise errors.AlreadyExistsError(None, None, "file already exists")


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copy a file.

    Raises:
        NotFoundError: if `src` does not exist.
        AlreadyExistsError: if `dst` exists and `overwrite` is False.
    """
    source, target = local_path(src), local_path(dst)
    _expect_absent(target, overwrite)
    with _translated(source):
        shutil.copyfile(source, target)


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Rename or move a file or folder.

    Raises:
        NotFoundError: if `src` does not exist.
        AlreadyExistsError: if `dst` exists and `overwrite` is False.
    """
    source, target = local_path(src), local_path(dst)
    _expect_absent(target, overwrite)
    with _translated(source):
        os.rename(source, target)


def glob(pattern: Any) -> list[str]:
    """Return the paths that match a pattern, or one of a list of them.

    Args:
        pattern: `*`, `?` and `[...]` stand for characters of one name, as in a shell.
    """
    if isinstance(pattern, (list, tuple)):
        return [path for each in pattern for path in glob(each)]
    prefix = "file://" if _text(pattern).startswith("file://") else ""
    return [prefix + path for path in _matching(local_path(pattern))]


def _matching(pattern: str) -> list[str]:
    """Return the local paths that match a pattern, in order; unlike a shell, names that begin with a dot match too."""
    if not re.search(r"[*?\[]", pattern):
        return [pattern] if os.path.lexists(pattern) else []
    folder, name = os.path.split(pattern)
    if not name:
        return [os.path.join(path, "") for path in _matching(folder) if os.path.isdir(path)]
    found = []
    for parent in _matching(folder) if folder else [""]:
        if os.path.isdir(parent or "."):
            names = sorted(os.listdir(parent or "."))
            found += [os.path.join(parent, each) for each in names if fnmatch.fnmatchcase(each, name)]
    return found


def walk(
    top: Any, topdown: bool = True, onerror: Callable[[errors.OpError], Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield every folder below and including `top`, with the names of its folders and of its files.

    Args:
        top: where to start.
        topdown: whether a folder comes before those inside it.
        onerror: called with the error for folders that cannot be read, which otherwise are passed over.
    """
    top = _text(top)
    try:
        names = listdir(top)
    except errors.OpError as error:
        if onerror is not None:
            onerror(error)
        return
    folders = [name for name in names if isdir(os.path.join(top, name))]
    here = top, folders, [name for name in names if name not in folders]
    if topdown:
        yield here
    for folder in folders:
        yield from walk(os.path.join(top, folder), topdown, onerror)
    if not topdown:
        yield here


def join(path: Any, *paths: Any) -> str:
    """Return parts of a path joined; an absolute part starts anew."""
    return os.path.join(_text(path), *(_text(each) for each in paths))


def get_registered_schemes() -> list[str]:
    """Return the schemes of URLs that these functions know; "" is that of plain paths."""
    return ["file", ""]


# TensorFlow 1's names


def Exists(filename: Any) -> bool:
    """Tell whether there is a file or folder. See `exists`."""
    return exists(filename)


def IsDirectory(dirname: Any) -> bool:
    """Tell whether there is a folder. See `isdir`."""
    return isdir(dirname)


def Stat(filename: Any) -> FileStatistics:
    """Return what is known of a file or folder. See `stat`."""
    return stat(filename)


def ListDirectory(dirname: Any) -> list[str]:
    """Return the names in a folder. See `listdir`."""
    return listdir(dirname)


def MkDir(dirname: Any) -> None:
    """Make a folder, whose parent exists. See `mkdir`."""
    mkdir(dirname)


def MakeDirs(dirname: Any) -> None:
    """Make a folder, and those above it that are missing. See `makedirs`."""
    makedirs(dirname)


def Remove(filename: Any) -> None:
    """Delete a file. See `remove`."""
    remove(filename)


def DeleteRecursively(dirname: Any) -> None:
    """Delete a folder with all that is in it. See `rmtree`."""
    rmtree(dirname)


def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copy a file. See `copy`."""
    copy(oldpath, newpath, overwrite)


def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Rename or move a file or folder. See `rename`."""
    rename(oldname, newname, overwrite)


def Glob(filename: Any) -> list[str]:
    """Return the paths that match a pattern. See `glob`."""
    return glob(filename)


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield every folder below and including `top`, with the names in it. See `walk`."""
    return walk(top, in_order)


Open = GFile
