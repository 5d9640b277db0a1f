# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues domain/VMTA: what waits, what is paused, in backoff or disabled. All of it is forgotten at a restart but the mail."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .spool import Message

_TURN = itertools.count()


@dataclass
class Entry:
    """One recipient of one message in a queue."""

    message: Message
    index: int
    attempts: int = 0

    @property
    def recipient(self) -> dict:
        return self.message.envelope["rcpts"][self.index]

    @property
    def job(self) -> str:
        return self.message.envelope.get("jobId", "")

    @property
    def age(self) -> float:
        return time.time() - self.message.envelope["queued"]


@dataclass
class Queue:
    domain: str
    vmta: str
    ready: deque[Entry] = field(default_factory=deque)
    later: list[tuple[float, int, Entry]] = field(default_factory=list)
    sending: list[Entry] = field(default_factory=list)
    paused: bool = False
    mode: str = "normal"
    mode_since: float = 0.0
    normal_after: float | None = None
    connections: int = 0
    retry_at: float = 0.0
    failures: int = 0
    last_error: str = ""
    turn: int = 0
    kbytes: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.domain}/{self.vmta}"

    def __len__(self) -> int:
        return len(self.ready) + len(self.later) + len(self.sending)

    def waiting(self) -> Iterator[Entry]:
        yield from self.ready
        yield from (entry for _, _, entry in self.later)

    def delay(self, entry: Entry, until: float) -> None:
        heapq.heappush(self.later, (until, next(_TURN), entry))

    def ripen(self, now: float) -> None:
        while self.later and self.later[0][0] <= now:
            self.ready.append(heapq.heappop(self.later)[2])

    def take_all(self, keep: object = None) -> list[Entry]:
        """Empty the queue of what is not being sent."""
        found = [entry for entry in self.waiting() if entry is not keep]
        self.ready.clear()
        self.later.clear()
        return found


def matches(pattern: str, queue: Queue) -> bool:
    """``domain/vmta`` with ``*``; without a VMTA part every VMTA is meant."""
    from .domains import matches as domain_matches

    where, slash, vmta = pattern.partition("/")
    return domain_matches(where.lower(), queue.domain) and (not slash or vmta in ("*", queue.vmta))
