# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounting files: RFC 4180 CSV with a header line, ``acct-YYYY-MM-DD-NNNN.csv``, one field set per record type."""

from __future__ import annotations

import csv
import glob
import io
import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from typing import IO, Any

from .check import FIELDS
from .model import DEFAULT_VMTA, Config
from .paths import Paths
from .tree import Block


def stamp(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S%z", time.localtime(when))


def wanted_fields(block: Block, kind: str) -> list[str]:
    """Default fields of a type, or the listed ones. Only listed fields are written (``type`` too must be listed)."""
    default = [name for name in FIELDS[kind] if name != "totalSecondsQueued"]
    for setting in block.all("record-fields"):
        if setting.args[0] == kind:
            chosen: list[str] = []
            for one in setting.args[1]:
                if one == "*":
                    chosen += [name for name in default if name not in chosen]
                elif one.startswith("!"):
                    chosen = [name for name in chosen if name != one[1:]]
                elif one not in chosen:
                    chosen.append(one)
            return [name for name in FIELDS[kind] if name in chosen] + [
                name for name in chosen if name not in FIELDS[kind]
            ]
    return default


class AcctFile:
    """One ``<acct-file>``: a rolling file or a pipe."""

    def __init__(self, block: Block, paths: Paths) -> None:
        self.block, self.name = block, block.name
        types = block.get("records") or ["d", "b"]
        self.fields = {kind: wanted_fields(block, kind) for kind in types}
        self.columns = _union([self.fields[kind] for kind in types])
        self.max_size = block.get("max-size") or 250 * 1024 * 1024
        self._real = paths.real(self.name)
        self._moved = paths.real(block.get("move-to")) if block.get("move-to") else ""
        self._out: IO[str] | None = None
        self._pipe: subprocess.Popen[str] | None = None
        self._path, self._day, self._opened, self._retry_at = "", "", 0.0, 0.0

    def signature(self) -> tuple:
        return (self.name, tuple(self.columns), tuple(s.raw for s in self.block.settings))

    def headers(self) -> set[str]:
        return {name[len("header_") :] for name in self.columns if name.startswith("header_")}

    def write(self, kind: str, record: dict[str, Any]) -> None:
        if kind not in self.fields or not self._filtered(record):
            return
        record = dict(record)
        for setting in self.block.all("map-header-to-field"):
            if setting.args[0] == kind and record.get(setting.args[1]):
                record[setting.args[2]] = record[setting.args[1]]
        record["userString"] = self.block.get("user-string") or ""
        self._line([str(record.get(name, "")) if name in self.fields[kind] else "" for name in self.columns])

    def _filtered(self, record: dict[str, Any]) -> bool:
        for setting in self.block.all("queue-filter"):
            return _queue_wanted(setting.args[0], str(record.get("queue", "")))
        return True

    def _line(self, row: list[str]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerow(row)
        if self.name.startswith("|"):
            self._to_pipe(text.getvalue())
            return
        if self._out is None or self._day != time.strftime("%Y-%m-%d") or self._out.tell() >= self.max_size:
            self.rotate()
        assert self._out is not None
        self._out.write(text.getvalue())
        self._out.flush()
        if self.block.get("sync"):
            os.fsync(self._out.fileno())

    def _to_pipe(self, line: str) -> None:
        """A broken pipe is given up until a reload or ``retry-interval``; its records are lost."""
        if time.time() < self._retry_at:
            return
        try:
            if self._pipe is None:
                self._pipe = subprocess.Popen(shlex.split(self.name[1:]), stdin=subprocess.PIPE, text=True, newline="")
                self._header(self._pipe.stdin)
            assert self._pipe.stdin
            self._pipe.stdin.write(line)
            self._pipe.stdin.flush()
        except OSError:
            self._pipe = None
            self._retry_at = time.time() + (self.block.get("retry-interval") or 300)

    def _header(self, out: Any) -> None:
        csv.writer(out, lineterminator="\r\n").writerow(self.columns)
        out.flush()

    def rotate(self) -> None:
        """Close the file, begin the next number of the day, move or delete old ones."""
        self.close()
        stem, extension = os.path.splitext(self._real)
        self._day = time.strftime("%Y-%m-%d")
        numbers = [
            int(found[1])
            for folder in filter(None, (os.path.dirname(self._real), self._moved))
            for path in glob.glob(
                os.path.join(glob.escape(folder), f"{os.path.basename(stem)}-{self._day}-*{extension}")
            )
            if (found := re.search(r"-(\d{4,})" + re.escape(extension) + "$", path))
        ]
        self._path = f"{stem}-{self._day}-{max(numbers, default=-1) + 1:04d}{extension}"
        mode = 0o644 if self.block.get("world-readable") else 0o640
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode)
        self._out = os.fdopen(handle, "a", encoding="utf-8", newline="")
        self._opened = time.time()
        self._header(self._out)
        self._delete_old(stem, extension)

    def close(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None
            if self._moved:
                shutil.move(self._path, os.path.join(self._moved, os.path.basename(self._path)))
        if self._pipe is not None and self._pipe.stdin:
            self._pipe.stdin.close()
            self._pipe = None

    def tick(self) -> None:
        every = self.block.get("move-interval")
        if every and self._moved and self._out is not None and time.time() - self._opened >= every:
            self.close()

    def _delete_old(self, stem: str, extension: str) -> None:
        after = self.block.get("delete-after")
        if self._moved or after == "never":
            return
        for path in glob.glob(f"{glob.escape(stem)}-????-??-??-*{extension}"):
            if time.time() - os.path.getmtime(path) > (after if after is not None else 8 * 86400):
                os.unlink(path)


class Accounting:
    """Every accounting file of the configuration, and the classification of bounces."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self.files: list[AcctFile] = []
        self._categories: list[tuple[Any, str]] = []

    def configure(self, config: Config) -> None:
        """Files whose definition did not change go on; a pipe is opened anew."""
        with self._lock:
            old = {file.signature(): file for file in self.files if not file.name.startswith("|")}
            new = [AcctFile(block, self._paths) for block in config.top.inside("acct-file")]
            self.files = [old.pop(file.signature(), file) for file in new]
            for file in old.values():
                file.close()
            blocks = config.top.inside("bounce-category-patterns") + config.defaults.inside("bounce-category-patterns")
            self._categories = [(s.args[0], s.args[1]) for block in blocks for s in block.settings]

    def headers(self) -> set[str]:
        """Header names any file wants to log."""
        return {name for file in self.files for name in file.headers()}

    def category(self, status: str, diagnostic: str) -> str:
        text = f"{status};{diagnostic}"
        return next((name for pattern, name in self._categories if pattern.search(text)), "other")

    def write(self, kind: str, record: dict[str, Any]) -> None:
        record = {"type": kind, "timeLogged": stamp(time.time()), **record}
        with self._lock:
            for file in self.files:
                file.write(kind, record)

    def rotate(self, name: str = "") -> int:
        with self._lock:
            chosen = [file for file in self.files if not name or file.name == name]
            for file in chosen:
                file.rotate() if not file.name.startswith("|") else file.close()
            return len(chosen)

    def tick(self) -> None:
        with self._lock:
            for file in self.files:
                file.tick()

    def close(self) -> None:
        with self._lock:
            for file in self.files:
                file.close()


def _union(lists: list[list[str]]) -> list[str]:
    columns: list[str] = []
    for fields in lists:
        columns += [name for name in fields if name not in columns]
    known = FIELDS["d"]
    return sorted(columns, key=lambda name: known.index(name) if name in known else len(known) + columns.index(name))


def _queue_wanted(patterns: list[str], queue: str) -> bool:
    from .domains import matches

    domain, _, vmta = queue.partition("/")
    wanted = all(one.startswith("!") for one in patterns)
    for one in patterns:
        where, slash, who = one.removeprefix("!").partition("/")
        if matches(where, domain) and (who if slash else DEFAULT_VMTA) in ("*", vmta):
            wanted = not one.startswith("!")
    return wanted
