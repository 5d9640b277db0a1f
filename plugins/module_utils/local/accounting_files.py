# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads PowerMTA's accounting files on from where they were left, for pmta_accounting. Never more than a block of one is in memory."""

from __future__ import annotations

import calendar
import glob
import os
import time
import typing as t

from ..accounting import cursors as cur
from ..accounting.header import counted, read_header
from ..accounting.lines import cut, first
from ..accounting.names import gaps, numbered
from ..accounting.sums import Scope, Sums
from ..problems import FleetError, Problem

BLOCK = 1 << 18
#: In which the first row is looked for, at first.
BEGIN = 1 << 16
#: A line that does not end within so many bytes is none.
LINE = 1 << 20
#: Sums of one report, so that it stays well below what the engine's web server takes.
CELLS = 20_000
#: Seconds after which a file that has a successor gets no more rows, and what lacks its line end never will have one.
SETTLED = 3600
_SHOWN = 20


class Limits(t.NamedTuple):
    """A call ends at the first block after so many rows, or recipients of followed senders."""

    rows: int
    recipients: int


class _File(t.NamedTuple):
    path: str
    stem: str
    configured: str
    kinds: tuple[str, ...]
    identity: str
    size: int
    closed: bool


class Reading:
    """files: as ``powermta_accounting`` has them. cursors: of this host."""

    def __init__(self, files: t.Mapping[str, t.Mapping], cursors: t.Iterable[cur.Cursor], scope: Scope, limits: Limits):
        self._files, self._scope, self._limits = files, scope, limits
        self._yesterday = time.strftime("%Y-%m-%d", time.gmtime(scope.now - 86_400))
        self._cursors = {one.identity: one for one in cursors}
        self.sums = Sums(scope)
        self.problems: list[str] = []
        self._here: set[str] = set()
        self.gaps: list[str] = []
        #: As the engine takes them.
        self.read: list[dict[str, t.Any]] = []
        self.more = False

    def run(self) -> None:
        """Raises FleetError for files that are configured in a way nobody can read."""
        found = self._find()
        seen: dict[str, _File] = {}
        # Of copies the longest one, in which the others end.
        for file in sorted(found, key=lambda one: (-one.size, one.path)):
            first = seen.setdefault(file.identity, file)
            if first is not file:
                self.problems.append(f"{file.path} is a copy of {first.path}, and counts once")
        self._vanished(seen)
        for file in sorted(seen.values(), key=lambda one: os.path.basename(one.path)):
            if self._full():
                self.more = True
                break
            try:
                self._read(file)
            except OSError as error:
                self.problems.append(f"{file.path} cannot be read: {error.strerror or error}")

    def _full(self) -> bool:
        sums = self.sums
        return sums.rows >= self._limits.rows or len(sums.recipients) >= self._limits.recipients or sums.cells >= CELLS

    # -- finding ---------------------------------------------------------------------------------------------------

    def _find(self) -> list[_File]:
        kinds = {path: types for path, types in counted(self._files).items() if types}
        stems = {path: os.path.splitext(os.path.basename(path)) for path in self._files if not path.startswith("|")}
        found, begin = [], _epoch(self._scope.since)
        for path, types in kinds.items():
            stem, extension = stems[path]
            directives = {str(key).lower(): value for key, value in (self._files[path] or {}).items()}
            folders = [os.path.dirname(path), *([str(directives["move-to"])] if directives.get("move-to") else [])]
            paths = [
                os.path.join(folder, one)
                for folder in dict.fromkeys(folders)
                for one in self._names(folder, stem, extension, stems.values())
            ]
            names = {os.path.basename(one) for one in paths}
            self._here |= {shown(one, 255) for one in names}
            known = [one.name for one in self._cursors.values() if numbered(one.name, stem)]
            self.gaps += gaps(stem, extension, names, known, self._yesterday)
            last = max((one for one in (numbered(name, stem) for name in names) if one), default=None)
            for where in sorted(paths):
                try:
                    file = self._look(where, stem, os.path.basename(path), types, begin, last)
                except (OSError, FleetError) as error:
                    said = f"{where} cannot be read: {error.strerror or error}" if isinstance(error, OSError) else error
                    self.problems.append(str(said))
                    continue
                if file is not None:
                    found.append(file)
        return found

    def _names(self, folder: str, stem: str, extension: str, stems: t.Iterable[tuple[str, str]]) -> list[str]:
        """Those of one configured file: acct-fbl-2026-01-05-0000.csv is not of acct.csv where there is an acct-fbl.csv, too."""
        longer = [one for one, _ in stems if one.startswith(f"{stem}-")]
        pattern = os.path.join(glob.escape(folder), glob.escape(stem) + "*" + glob.escape(extension))
        names = (os.path.basename(path) for path in glob.glob(pattern))
        return [
            name
            for name in names
            if (name == stem + extension or name.startswith(f"{stem}-"))
            and not any(name == one + extension or name.startswith(f"{one}-") for one in longer)
        ]

    def _look(
        self, path: str, stem: str, configured: str, kinds: tuple[str, ...], begin: float, last: t.Any
    ) -> _File | None:
        """None where nothing is to be read yet, or any more."""
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            if state.st_mtime < begin:
                return None
            line = file.readline(LINE)
            if not line or (not line.endswith(b"\n") and len(line) < LINE):
                return None
            header = read_header(line.decode("utf-8", "surrogateescape"), kinds, path)
            block = file.read(BEGIN)
            found = first(block, header.width)
            if not found.rows and len(block) == BEGIN:
                block += file.read(LINE - BEGIN)
                found = first(block, header.width)
        if not found.rows:
            if not found.bad and len(block) < LINE:
                return None
            what = f"none of its first {len(block)} bytes is a row of so many fields as its header has"
            raise FleetError([Problem(path, what, "Move it elsewhere if it is no accounting file.")])
        mine = numbered(os.path.basename(path), stem)
        closed = bool(mine and last and mine < last and time.time() - state.st_mtime > SETTLED)
        return _File(
            path, stem, configured, kinds, cur.identity(configured, line + block[: found.used]), state.st_size, closed
        )

    def _vanished(self, seen: t.Collection[str]) -> None:
        for one in self._cursors.values():
            lost = cur.vanished(one)
            if lost and one.identity not in seen and one.name not in self._here:
                self.gaps.append(f"{one.name} is gone, and its last {lost} bytes were never read")

    # -- reading ---------------------------------------------------------------------------------------------------

    def _read(self, file: _File) -> None:
        known = self._cursors.get(file.identity)
        start = known.position if known else 0
        with open(file.path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size < start:
                self.problems.append(
                    f"{file.path} has {size} bytes, and {start} were counted: it was cut, nothing of it is counted"
                )
                return
            header_line = stream.readline(LINE)
            header = read_header(header_line.decode("utf-8", "surrogateescape"), file.kinds, file.path)
            if known:
                stream.seek(max(0, start - cur.BEFORE))
                before = stream.read(min(start, cur.BEFORE))
                said = cur.read_mark(known.anchor)
                if said is None or said.digest != cur.mark(before, 0).digest:
                    what = "was written anew below what is counted already, nothing more of it is counted"
                    self.problems.append(f"{file.path} {what}")
                    return
            position = start or len(header_line)
            stream.seek(position)
            position, rows, bad = self._rows(stream, position, header, file)
            stream.seek(max(0, position - cur.BEFORE))
            anchor = cur.mark(stream.read(min(position, cur.BEFORE)), size)
        if known is None or position != start or str(anchor) != known.anchor:
            self.read.append(
                {
                    "identity": file.identity,
                    "name": known.name if known else shown(os.path.basename(file.path), 255),
                    "start": start,
                    "position": position,
                    "anchor": str(anchor),
                    "rows": rows,
                    "bad_rows": bad,
                }
            )

    def _rows(self, stream: t.BinaryIO, position: int, header: t.Any, file: _File) -> tuple[int, int, int]:
        """Where reading ended, rows, and bad ones among them."""
        rows = bad = 0
        offsets: list[int] = []
        rest = b""
        while True:
            if self._full():
                self.more = True
                break
            piece = stream.read(BLOCK)
            block = rest + piece
            found = cut(block, header.width, file.closed and not piece)
            faults = self.sums.add(found.rows, header, file.kinds)
            self.sums.rows += len(found.bad)
            rows += len(found.rows) + len(found.bad)
            bad += faults + len(found.bad)
            offsets += [position + one for one in found.bad[: _SHOWN - len(offsets)]]
            position += found.used
            rest = block[found.used :]
            if not piece:
                break
            if len(rest) > LINE + BLOCK:
                self.problems.append(
                    f"{file.path}: no row ends in the {LINE} bytes from {position} on; it is left there"
                )
                break
        if offsets:
            shown = ", ".join(str(one) for one in offsets[:5])
            self.problems.append(f"{file.path}: {bad} rows that are none, the first at byte {shown}")
        return position, rows, bad


def shown(text: str, most: int = 1000) -> str:
    """As others can read it, whatever bytes a name is made of."""
    return text.encode("ascii", "backslashreplace").decode()[:most]


def _epoch(day: str) -> float:
    """Seconds since 1970 at which the day begins, UTC."""
    try:
        return calendar.timegm(time.strptime(day, "%Y-%m-%d"))
    except ValueError:
        what = f"{day!r} is no day"
        raise FleetError([Problem("since", what, "Write it as 2026-01-31.")]) from None
