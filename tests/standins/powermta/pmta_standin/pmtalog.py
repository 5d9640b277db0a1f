# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's log file: one line per event, with the local time."""

from __future__ import annotations

import os
import sys
import threading
import time


class Log:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path, self._out, self.debug = "", None, False

    def open(self, path: str, world_readable: bool = False) -> None:
        with self._lock:
            if self._out:
                self._out.close()
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644 if world_readable else 0o640)
            self._path, self._out = path, os.fdopen(handle, "a", encoding="utf-8", buffering=1)

    def rotate(self) -> None:
        with self._lock:
            path = self._path
            if self._out:
                self._out.close()
                self._out = None
                os.replace(path, path + "." + time.strftime("%Y%m%d%H%M%S"))
        self.open(path)

    def __call__(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}"
        with self._lock:
            if self._out:
                self._out.write(line + "\n")
            if self.debug:
                print(line, file=sys.stderr, flush=True)
