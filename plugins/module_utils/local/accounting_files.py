# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads PowerMTA's accounting files on from where they were left, for pmta_accounting. Never more than a block of one is in memory."""

from __future__ import annotations

import calendar
import hashlib
import os
import time
import typing as t

from ..accounting import cursors as cur
from ..accounting.header import counted, is_header, read_header
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
_ELSEWHERE = "Move it out of this directory if it is no accounting file."
_BACK = "Put it back as it was, from a backup say; if that is lost, move it elsewhere: the rows that were counted stay counted."
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
        #: Of the problems those about rows that are there and were not counted: as long as there are any, the sums are too low.
        self.left: list[str] = []
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
            longest = seen.setdefault(file.identity, file)
            if longest is not file:
                self._compare(file, longest)
        self._vanished(seen)
        for file in sorted(seen.values(), key=lambda one: os.path.basename(one.path)):
            if self._full():
                self.more = True
                break
            try:
                self._read(file)
            except OSError as error:
                self._unread(file.path, error)

    def _leave(self, problem: Problem | FleetError) -> None:
        """Name what is there and is not counted."""
        self.problems.append(str(problem))
        self.left.append(str(problem))

    def _unread(self, path: str, error: OSError) -> None:
        if isinstance(error, FileNotFoundError) and not os.path.lexists(path):
            # It was moved while this looked, and is found again by the next look.
            self.more = True
            return
        what = f"cannot be read: {error.strerror or error}"
        self._leave(Problem(path, what, "Look at its rights and its disk: it is read as root, or as PowerMTA's group."))

    def _compare(self, file: _File, longest: _File) -> None:
        """Both begin with the same row. Two files may; the shorter one is a copy where all that it holds stands in the other, too."""
        try:
            same = _digest(file.path, file.size) == _digest(longest.path, file.size)
        except OSError as error:
            self._unread(file.path, error)
            return
        if same:
            what = f"is a copy of {longest.path}, and counts once"
            self.problems.append(str(Problem(file.path, what, "Keep copies in another directory.")))
        else:
            what = f"begins as {longest.path} does and goes on otherwise, so it is not counted"
            self._leave(
                Problem(file.path, what, "Keep of the two the one that PowerMTA wrote, and move the other elsewhere.")
            )

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
            paths = []
            for folder in dict.fromkeys(folders):
                try:
                    names = self._names(folder, stem, extension, stems.values())
                except OSError as error:
                    what = f"the directory of {os.path.basename(path)} cannot be read: {error.strerror or error}"
                    self._leave(Problem(folder, what, "Create it, or correct powermta_accounting, and converge."))
                    continue
                paths += [os.path.join(folder, one) for one in names]
            here = {os.path.basename(one) for one in paths}
            self._here |= {shown(one, 255) for one in here}
            known = [one.name for one in self._cursors.values() if numbered(one.name, stem)]
            self.gaps += gaps(stem, extension, here, known, self._yesterday)
            last = max((one for one in (numbered(name, stem) for name in here) if one), default=None)
            for where in sorted(paths):
                try:
                    file = self._look(where, stem, os.path.basename(path), types, begin, last)
                except OSError as error:
                    self._unread(where, error)
                    continue
                except FleetError as error:
                    self._leave(error)
                    continue
                if file is not None:
                    found.append(file)
        return found

    def _names(self, folder: str, stem: str, extension: str, stems: t.Iterable[tuple[str, str]]) -> list[str]:
        """Those of one configured file: acct-fbl-2026-01-05-0000.csv is not of acct.csv where there is an acct-fbl.csv, too. Raises
        OSError."""
        longer = [one for one, _unused in stems if one.startswith(f"{stem}-")]
        return [
            name
            for name in os.listdir(folder)
            if name.endswith(extension)
            and (name == stem + extension or name.startswith(f"{stem}-"))
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
            mine = numbered(os.path.basename(path), stem)
            try:
                header = read_header(line.decode("utf-8", "surrogateescape"), kinds, path)
            except FleetError as error:
                if mine or os.path.basename(path) == configured or is_header(line.decode("utf-8", "surrogateescape")):
                    raise
                # Its name is none that PowerMTA gives, and its first line no header: somebody else's.
                self.problems.append(str(error))
                return None
            block = file.read(BEGIN)
            found = first(block, header.width)
            if not found.rows and len(block) == BEGIN:
                block += file.read(LINE - BEGIN)
                found = first(block, header.width)
        if not found.rows:
            if not found.bad and len(block) < LINE:
                return None
            what = f"none of its first {len(block)} bytes is a row of so many fields as its header has"
            raise FleetError([Problem(path, what, _ELSEWHERE)])
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
                what = f"it was cut below the {start} bytes that were counted, and nothing more of it is counted"
                self._leave(Problem(file.path, what, _BACK))
                return
            header_line = stream.readline(LINE)
            header = read_header(header_line.decode("utf-8", "surrogateescape"), file.kinds, file.path)
            if known:
                stream.seek(max(0, start - cur.BEFORE))
                before = stream.read(min(start, cur.BEFORE))
                said = cur.read_mark(known.anchor)
                if said is None or said.digest != cur.mark(before, 0).digest:
                    what = "it was written anew below what is counted already, and nothing more of it is counted"
                    self._leave(Problem(file.path, what, _BACK))
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
            if self.sums.timeless(found.rows, header, file.kinds):
                # They count once their times can be read: the position stays before them.
                what = f"no row from byte {position} on has a time with an offset, and they are not counted"
                remedy = "Take `iso-times no` out of powermta_accounting and converge; write the offset behind the times that are there."
                self._leave(Problem(file.path, what, remedy))
                break
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
                what = f"no row ends in the {LINE} bytes from {position} on, and nothing after them is counted"
                self._leave(Problem(file.path, what, "Look at it there, and take out what is no row."))
                break
        if offsets:
            shown = ", ".join(str(one) for one in offsets[:5])
            what = f"{bad} rows that are none, the first at byte {shown}; they are not counted"
            remedy = "A crash or a full disk tears rows; where there are more, look what else writes there."
            self.problems.append(str(Problem(file.path, what, remedy)))
        return position, rows, bad


def _digest(path: str, size: int) -> bytes:
    """Of the first *size* bytes."""
    digest = hashlib.blake2b(digest_size=32)
    with open(path, "rb") as stream:
        while size > 0 and (piece := stream.read(min(size, BLOCK))):
            digest.update(piece)
            size -= len(piece)
    return digest.digest()


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
