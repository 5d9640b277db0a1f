# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a file was read, so that each of its rows counts once: whatever it is called by now, and however often it comes again.

A file is known by what it begins with (`identity`), and the place where reading ended by what stands before it (`Mark`).
"""

from __future__ import annotations

import hashlib
import typing as t

#: Bytes before the position that have to be the same at the next look.
BEFORE = 4096


class Cursor(t.NamedTuple):
    """As the engine keeps it. name: as it was first seen. position: bytes that are counted. anchor: a `Mark` as text."""

    identity: str
    name: str
    position: int
    anchor: str


class Mark(t.NamedTuple):
    """digest: of what stands before the position. size: of the whole file when it was looked at."""

    digest: str
    size: int

    def __str__(self) -> str:
        return f"{self.digest}.{self.size}"


def identity(configured: str, begin: bytes) -> str:
    """configured: file name in the configuration, ``acct.csv``: two files may be told to hold the same rows. begin: the file up to the
    end of its first row; a line alone may be the beginning of many rows."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (configured.encode("utf-8", "surrogateescape"), begin):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def mark(before: bytes, size: int) -> Mark:
    """before: the last `BEFORE` bytes before the position, or all there are."""
    return Mark(hashlib.blake2b(before, digest_size=16).hexdigest(), size)


def read_mark(text: str) -> Mark | None:
    digest, _unused, size = text.partition(".")
    return Mark(digest, int(size)) if digest and size.isdecimal() else None


def vanished(cursor: Cursor) -> int:
    """Bytes that were there when the file was last looked at, and were never read."""
    known = read_mark(cursor.anchor)
    return max(0, known.size - cursor.position) if known else 0
