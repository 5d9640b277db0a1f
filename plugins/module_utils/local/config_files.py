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

# Far above any configuration; below what a small host has.
LARGEST = 256 * 2**20
# Of one configuration: ten small files that include each other twice are a thousand.
MOST_FILES = 5000
PIPE_SECONDS = 30

_REMOTE = re.compile(r"https?://", re.IGNORECASE)
_MAGIC = re.compile(r"[*?[]")


def read_text(path: str, only_regular: bool = False) -> str:
    """The text of a file; bytes that are no UTF-8 become lone surrogates (the linter says where they are).

    only_regular: refuse pipes and devices. Raises OSError; `reason` puts it into words.
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
        return _read(handle, path, stat.S_ISFIFO(found.st_mode)).decode("utf-8", "surrogateescape")
    finally:
        os.close(handle)


def _read(handle: int, path: str, pipe: bool) -> bytes:
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
        if size > LARGEST:
            raise OSError(errno.EFBIG, f"it is larger than {LARGEST // 2**20} MiB", path)
        parts.append(part)


def reason(error: OSError) -> str:
    """Why a file cannot be read, and what to do where that is known."""
    if isinstance(error, PermissionError):
        return "permission denied; run as a user who may read it"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, NotADirectoryError):
        return "a part of its path is not a directory"
    return error.strerror or str(error)


class Includes:
    """Reads the includes of one configuration, and remembers what it could not read and why.

    A relative name starts from the directory of the file that holds the include. URLs are not fetched.
    """

    def __init__(self) -> None:
        # (pattern, the file it stands in) -> why something was not read, one line for each file
        self.unread: dict[tuple[str, str], list[str]] = {}
        # Names as the including files lead to them, in the order they were read
        self.read: list[str] = []

    def __call__(self, pattern: str, from_file: str) -> list[tuple[str, str]] | None:
        """Name and text of each file that can be read; None if none can."""
        texts = []
        whys = self.unread[pattern, from_file] = []
        for path in self._paths(pattern, from_file, whys):
            if len(self.read) >= MOST_FILES:
                whys.append(f"{path} was not read: more than {MOST_FILES} files are included")
                break
            try:
                texts.append((path, read_text(path, only_regular=True)))
                self.read.append(path)
            except OSError as error:
                whys.append(f"{path} cannot be read: {reason(error)}")
        return texts or None

    @staticmethod
    def _paths(pattern: str, from_file: str, whys: list[str]) -> list[str]:
        if _REMOTE.match(pattern):
            whys.append(f"{pattern} was not fetched: the linter stays offline")
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
            whys.append(f"no file matches {path}")
        return found


def included(pattern: str, from_file: str) -> list[tuple[str, str]] | None:
    """The files of one include, names as `Includes` has them; None if there is none or one of them cannot be read."""
    includes = Includes()
    texts = includes(pattern, from_file)
    return None if includes.unread[pattern, from_file] else texts
