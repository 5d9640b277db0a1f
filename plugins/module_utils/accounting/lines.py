# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of an accounting file into rows. Whatever the pieces in which a file is read, its rows are the same ones.

A row ends with its line, or later where a quoted field goes on (RFC 4180). Where quotes do not end within `LONGEST` lines, or the row
has another number of fields than the header, its first line is bad, and the next one begins a row again.
"""

from __future__ import annotations

import csv
import typing as t

LONGEST = 20


class Cut(t.NamedTuple):
    """rows: of the right width. bad: offsets in the block at which bad lines begin. used: bytes that need not be read again."""

    rows: list[list[str]]
    bad: list[int]
    used: int


def cut(block: bytes, width: int, final: bool) -> Cut:
    """The rows of a block that begins where a row does. final: no more bytes will ever follow.

    What has no line end yet is left; so is a row whose quotes may end in what follows. Undecodable bytes are kept as surrogates.
    """
    end = block.rfind(b"\n") + 1
    found = _at_once(block[:end], width) or _one_by_one(block[:end].split(b"\n")[:-1], width, final)
    if final and found.used == end < len(block):
        # Torn: even where its fields are as many as they should be, the last one may be half of it.
        return Cut(found.rows, [*found.bad, end], len(block))
    return found


def first(block: bytes, width: int) -> Cut:
    """The first row alone, or none yet, with the bad lines before it."""
    return _one_by_one(block.split(b"\n")[:-1], width, False, 1)


def _at_once(block: bytes, width: int) -> Cut | None:
    """The usual: each line is one row. None for any other block."""
    if b"\0" in block:
        return None
    texts = block.decode("utf-8", "surrogateescape").split("\n")[:-1]
    try:
        rows = list(csv.reader(texts, strict=True))
    except csv.Error:
        return None
    return Cut(rows, [], len(block)) if len(rows) == len(texts) and set(map(len, rows)) == {width} else None


def _one_by_one(lines: list[bytes], width: int, final: bool, most: int | None = None) -> Cut:
    rows, bad, at, number = [], [], 0, 0
    while number < len(lines) and len(rows) != most:
        some = lines[number : number + LONGEST]
        row, taken, open_quotes = _row(some)
        if open_quotes and len(some) < LONGEST and not final:
            break
        if row is None or (row and len(row) != width):
            bad.append(at)
            taken = 1
        elif row:
            rows.append(row)
        at += sum(len(line) + 1 for line in lines[number : number + taken])
        number += taken
    return Cut(rows, bad, at)


def _row(lines: list[bytes]) -> tuple[list[str] | None, int, bool]:
    """(fields, lines taken, False), (None, 1, False) where the first line is no row, (None, 1, True) where quotes are still open."""
    if b"\0" in lines[0]:
        return None, 1, False
    reader = csv.reader((line.decode("utf-8", "surrogateescape") for line in lines), strict=True)
    try:
        return next(reader, []), reader.line_num, False
    except csv.Error as error:
        return None, 1, "unexpected end" in str(error)
