# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages on disk. A message is accepted only after its file is synced and renamed; it goes only after every recipient's end."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Message:
    """``envelope``: id, queued (epoch seconds), orig, rcpts [{addr, orcpt, domain, vmta, pool}], jobId, envId, src..."""

    path: str
    envelope: dict[str, Any]
    size: int
    open: set[int]

    def content(self) -> bytes:
        with open(self.path, "rb") as source:
            source.readline()
            return source.read()


class Spool:
    """Several directories; new messages go to the first one."""

    def __init__(self, directories: list[str]) -> None:
        self.directories = directories
        self._lock = threading.Lock()

    def store(self, envelope: dict[str, Any], content: bytes) -> Message:
        """On return the message survives a kill of the daemon and of the machine."""
        identity = f"{int(time.time()):x}-{uuid.uuid4().hex[:16]}"
        folder = os.path.join(self.directories[0], identity[-2:])
        if not os.path.isdir(folder):
            os.makedirs(folder, mode=0o750, exist_ok=True)
            _sync_directory(self.directories[0])
        envelope = {**envelope, "id": identity}
        path = os.path.join(folder, identity + ".msg")
        temporary = path + ".tmp"
        with open(temporary, "wb") as out:
            out.write(json.dumps(envelope).encode() + b"\n" + content)
            out.flush()
            os.fsync(out.fileno())
        os.rename(temporary, path)
        _sync_directory(folder)
        return Message(path, envelope, len(content), set(range(len(envelope["rcpts"]))))

    def finished(self, message: Message, index: int) -> None:
        """A recipient has its final outcome; the last one removes the message."""
        with self._lock:
            message.open.discard(index)
            done = message.path[:-4] + ".done"
            if message.open:
                with open(done, "a", encoding="ascii") as out:
                    out.write(f"{index}\n")
                    out.flush()
                    os.fsync(out.fileno())
                return
            for path in (message.path, done):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def recover(self) -> Iterator[Message]:
        """What is left from the last run, oldest first; half-written files are removed."""
        found = []
        for directory in self.directories:
            for folder, _, names in os.walk(directory):
                for name in names:
                    path = os.path.join(folder, name)
                    if name.endswith(".tmp") or name.endswith(".done") and not os.path.exists(path[:-5] + ".msg"):
                        os.unlink(path)
                    elif name.endswith(".msg"):
                        found.append(path)
        for path in sorted(found, key=os.path.basename):
            with open(path, "rb") as source:
                head = source.readline()
                envelope = json.loads(head)
            size = os.path.getsize(path) - len(head)
            message = Message(path, envelope, size, set(range(len(envelope["rcpts"]))))
            done = path[:-4] + ".done"
            if os.path.exists(done):
                with open(done, encoding="ascii") as log:
                    message.open -= {int(line) for line in log if line.endswith("\n")}
            if message.open:
                yield message
            else:
                os.unlink(path)


def _sync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
