# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads configurations and what they include, with an end to time and memory whatever the path leads to."""

from __future__ import annotations

import errno
import glob
import itertools
import os
import re
import select
import stat
from typing import NamedTuple

# Far above any configuration, with or without what it includes; below what a small host has.
LARGEST = 256 * 2**20
# Of one configuration: ten small files that include each other twice are a thousand.
MOST_FILES = 5000
PIPE_SECONDS = 30

_REMOTE = re.compile(r"https?://", re.IGNORECASE)
_MAGIC = re.compile(r"[*?[]")


def read_text(path: str, only_regular: bool = False, most: int = LARGEST) -> str:
    """The text of a file; bytes that are no UTF-8 become lone surrogates (the linter says where they are).

    only_regular: refuse pipes and devices. most: bytes. Raises OSError; `trouble` puts it into words.
    """
    # Not blocking: opening a pipe nobody writes to would wait for ever.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "no file can have this name", path) from error
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
        if only_regular and not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        return _read(handle, path, stat.S_ISFIFO(found.st_mode), most).decode("utf-8", "surrogateescape")
    finally:
        os.close(handle)


def _read(handle: int, path: str, pipe: bool, most: int) -> bytes:
    parts, size = [], 0
    while True:
        if pipe:
            waiting = select.poll()
            waiting.register(handle, select.POLLIN)
            if not waiting.poll(PIPE_SECONDS * 1000):
                raise OSError(errno.ETIMEDOUT, f"nothing came through the pipe within {PIPE_SECONDS} seconds", path)
        part = os.read(handle, 2**20)
        if not part:
            return b"".join(parts)
        size += len(part)
        if size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MiB", path)
        parts.append(part)


def read_stdin() -> str:
    """As `read_text`, from standard input."""
    return _read(0, "-", False, LARGEST).decode("utf-8", "surrogateescape")


class Trouble(NamedTuple):
    """Why something was not read, and what to do."""

    what: str
    remedy: str


def trouble(error: OSError) -> Trouble:
    """The error in an operator's words."""
    if isinstance(error, PermissionError):
        return Trouble("permission denied", "Run as a user who may read it")
    if isinstance(error, FileNotFoundError):
        return Trouble("there is no such file", "Correct the path")
    if isinstance(error, NotADirectoryError):
        return Trouble("a part of its path is not a directory", "Correct the path")
    if isinstance(error, IsADirectoryError):
        return Trouble("it is a directory", "Name the file itself, or the files as DIRECTORY/*")
    return Trouble(error.strerror or str(error), "Name a configuration file that can be read")


class Includes:
    """Reads the includes of one configuration, and remembers what it could not read and why.

    A relative name starts from the directory of the file that holds the include. URLs are not fetched.
    """

    def __init__(self) -> None:
        # (pattern, the file it stands in) -> what of it was not read
        self.unread: dict[tuple[str, str], list[Trouble]] = {}
        # Names as the including files lead to them, in the order they were read
        self.read: list[str] = []
        # Bytes that may still be read
        self.left = LARGEST

    def __call__(self, pattern: str, from_file: str) -> list[tuple[str, str]] | None:
        """Name and text of each file that can be read; None if none can."""
        texts = []
        unread = self.unread[pattern, from_file] = []
        for path in self._paths(pattern, from_file, unread):
            if len(self.read) >= MOST_FILES:
                unread.append(
                    Trouble(f"{path} was not read: {MOST_FILES} files were included already", "Include each file once")
                )
                break
            try:
                text = read_text(path, only_regular=True, most=self.left)
                texts.append((path, text))
                self.read.append(path)
                self.left -= len(text)
            except OSError as error:
                what, remedy = trouble(error)
                if error.errno == errno.EFBIG:
                    what = f"with what was included before it is larger than {LARGEST >> 20} MiB"
                unread.append(Trouble(f"{path} cannot be read: {what}", remedy))
        return texts or None

    @staticmethod
    def _paths(pattern: str, from_file: str, unread: list[Trouble]) -> list[str]:
        if _REMOTE.match(pattern):
            unread.append(
                Trouble(f"{pattern} was not fetched: the linter stays offline", "Fetch it and check it by itself")
            )
            return []
        path = os.path.join(os.path.dirname(from_file), pattern)
        # A name may hold brackets and mean them.
        if not _MAGIC.search(pattern) or os.path.lexists(path):
            return [path]
        base = glob.escape(os.path.dirname(from_file))
        try:
            found = sorted(itertools.islice(glob.iglob(os.path.join(base, pattern)), MOST_FILES + 1))
        except (ValueError, re.error):
            found = []
        if not found:
            unread.append(Trouble(f"no file matches {path}", "Correct the pattern, or remove the include"))
        return found


def included(pattern: str, from_file: str) -> list[tuple[str, str]] | None:
    """The files of one include, names as `Includes` has them; None if there is none or one of them cannot be read."""
    includes = Includes()
    texts = includes(pattern, from_file)
    return None if includes.unread[pattern, from_file] else texts
