# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The heart: takes accepted messages, decides which queue may send, and records every outcome. One lock guards it all."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from . import dsn, rollup, status
from .accounting import Accounting, stamp
from .limits import Windows
from .model import DEFAULT_VMTA, Config, SourceHost
from .pmtalog import Log
from .queues import Entry, Queue
from .resolve import Resolver
from .routing import Chooser
from .spool import Message, Spool

STANDARD_LICENCE = 200


class Engine:
    def __init__(self, config: Config, spool: Spool, accounting: Accounting, log: Log) -> None:
        self.lock = threading.RLock()
        self.config, self.spool, self.accounting, self.log = config, spool, accounting, log
        self.queues: dict[tuple[str, str], Queue] = {}
        self.windows = Windows()
        self.chooser = Chooser()
        self.resolver = Resolver(config)
        self.paused_jobs: set[str] = set()
        self.disabled: dict[tuple[str, str, str], float | None] = {}
        self.started = time.time()
        self.listening: list[tuple[str, int]] = []
        self.local: set = set()
        self.outbound = STANDARD_LICENCE
        self.traffic = {"in": 0, "out": 0, "bounced": 0, "transient": 0}
        self.wake: Callable[[], None] = lambda: None
        self.start_delivery: Callable[[Queue], None] = lambda queue: None
        self.stopping = False
        self._connections: dict[str, int] = {}
        self._swept = 0.0

    # -- configuration ---------------------------------------------------------------------------------------------

    def apply(self, config: Config) -> None:
        """A reload: rate windows begin anew, mail of removed VMTAs bounces."""
        with self.lock:
            self.config = config
            self.resolver = Resolver(config)
            self.windows.clear()
            self.accounting.configure(config)
            for queue in list(self.queues.values()):
                if not self._known(queue.vmta):
                    for entry in queue.take_all():
                        self._no_vmta(queue, entry)
        self.wake()

    def config_hosts(self) -> list[SourceHost]:
        """The global ``smtp-source-host`` lines: the sources of ``{default}`` and of VMTAs without their own."""
        return self.config.hosts

    def _known(self, vmta: str) -> bool:
        return vmta == DEFAULT_VMTA or vmta in self.config.vmtas

    def _no_vmta(self, queue: Queue, entry: Entry) -> None:
        self.bounce(queue, entry, "5.3.5", "no such virtual MTA")

    # -- intake ----------------------------------------------------------------------------------------------------

    def submit(self, envelope: dict[str, Any], content: bytes) -> Message:
        """Store durably, log the receipt, queue. Runs in a worker thread."""
        message = self.spool.store(envelope, content)
        with self.lock:
            self.traffic["in"] += len(envelope["rcpts"])
            for rcpt in envelope["rcpts"]:
                self.accounting.write("r", self._receipt(message, rcpt))
        self.enqueue(message)
        self.wake()
        return message

    def enqueue(self, message: Message) -> None:
        rcpts, ask = message.envelope["rcpts"], self.resolver.mx_names
        # Before the lock is taken: the roll-up may ask DNS.
        place = {i: rollup.target(self.config, rcpts[i]["domain"], rcpts[i]["vmta"], ask) for i in sorted(message.open)}
        with self.lock:
            for index, domain in place.items():
                queue = self.queue(domain, rcpts[index]["vmta"])
                if self._known(queue.vmta):
                    queue.ready.append(Entry(message, index))
                else:
                    self._no_vmta(queue, Entry(message, index))

    def queue(self, domain: str, vmta: str) -> Queue:
        """The queue of a recipient domain or roll-up, through ``queue-to``."""
        target = self.config.setting(domain, vmta, "queue-to")
        key = (target or domain, vmta)
        if key not in self.queues:
            self.queues[key] = Queue(*key)
        return self.queues[key]

    # -- scheduling ------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Start every connection the limits allow now."""
        with self.lock:
            now = time.time()
            sweep = now - self._swept >= 2
            if sweep:
                self._swept = now
                self.accounting.tick()
                self._reenable(now)
            for queue in list(self.queues.values()):
                if not len(queue):
                    continue
                queue.ripen(now)
                self._leave_backoff(queue, now)
                if sweep:
                    self._expire(queue)
                while not self.stopping and self._may_connect(queue, now):
                    queue.connections += 1
                    self._connections[queue.vmta] = self._connections.get(queue.vmta, 0) + 1
                    self.windows.take(("connect", queue.name), self._rate(queue, "connect-rate"))
                    self.start_delivery(queue)

    def _may_connect(self, queue: Queue, now: float) -> bool:
        if (
            queue.paused
            or not queue.ready
            or now < queue.retry_at
            or queue.connections - len(queue.sending) >= len(queue.ready)
        ):
            return False
        if queue.connections >= self._cap(queue) or sum(self._connections.values()) >= self._total():
            return False
        owner = self.config.vmtas.get(queue.vmta)
        limit = owner.limit("max-smtp-out") if owner else None
        if limit is not None and self._connections.get(queue.vmta, 0) >= limit:
            return False
        if not self.windows.room(("connect", queue.name), self._rate(queue, "connect-rate")):
            return False
        return self._room(queue) and any(entry.job not in self.paused_jobs or not entry.job for entry in queue.ready)

    def _total(self) -> int:
        return min(self.outbound, self.config.glob("total-max-smtp-out", self.outbound))

    def _cap(self, queue: Queue) -> int:
        cap = self.setting(queue, "max-smtp-out")
        backoff = self.setting(queue, "backoff-max-smtp-out")
        return min(cap, backoff) if queue.mode == "backoff" and backoff is not None else cap

    def _rate(self, queue: Queue, what: str) -> Any:
        if queue.mode == "backoff":
            found = self.setting(queue, f"backoff-max-{what}")
            if found is not None:
                return found
        return self.setting(queue, f"max-{what}")

    def _room(self, queue: Queue) -> bool:
        owner = self.config.vmtas.get(queue.vmta)
        total = owner.limit("max-smtp-msg-rate") if owner else None
        return self.windows.room(("msg", queue.name), self._rate(queue, "msg-rate")) and self.windows.room(
            ("vmta", queue.vmta), total
        )

    def setting(self, queue: Queue, name: str) -> Any:
        return self.config.setting(queue.domain, queue.vmta, name)

    def next_entry(self, queue: Queue, recipient: str | None = None) -> Entry | None:
        """The next recipient (of that domain) a connection may attempt; it is counted against the rates here."""
        with self.lock:
            if queue.paused or self.stopping or not self._room(queue):
                return None
            for _ in range(len(queue.ready)):
                entry = queue.ready.popleft()
                if entry.job and entry.job in self.paused_jobs or recipient not in (None, entry.recipient["domain"]):
                    queue.ready.append(entry)
                    continue
                self.windows.take(("msg", queue.name), self._rate(queue, "msg-rate"))
                owner = self.config.vmtas.get(queue.vmta)
                self.windows.take(("vmta", queue.vmta), owner.limit("max-smtp-msg-rate") if owner else None)
                queue.sending.append(entry)
                return entry
            return None

    def put_back(self, queue: Queue, entry: Entry) -> None:
        """An entry that was taken but never offered to the remote host."""
        with self.lock:
            queue.sending.remove(entry)
            queue.ready.appendleft(entry)

    def connection_ended(self, queue: Queue) -> None:
        with self.lock:
            queue.connections -= 1
            self._connections[queue.vmta] = self._connections.get(queue.vmta, 1) - 1
            if not self._known(queue.vmta):
                for entry in queue.take_all():
                    self._no_vmta(queue, entry)
        self.wake()

    def _expire(self, queue: Queue) -> None:
        """``bounce-after`` counts for paused and rate-limited mail too."""
        limit = self.setting(queue, "bounce-after")
        old = [entry for entry in queue.waiting() if entry.age > limit]
        if not old:
            return
        gone = {id(entry) for entry in old}
        queue.ready = type(queue.ready)(entry for entry in queue.ready if id(entry) not in gone)
        kept = [item for item in queue.later if id(item[2]) not in gone]
        queue.later[:] = sorted(kept)
        for entry in old:
            self.bounce(queue, entry, "4.4.7", queue.last_error or "delivery time expired")

    # -- outcomes --------------------------------------------------------------------------------------------------

    def delivered(self, queue: Queue, entry: Entry, reply: str, seen: dict[str, Any]) -> None:
        with self.lock:
            queue.failures, queue.retry_at = 0, 0.0
            queue.kbytes += entry.message.size / 1024
            self.traffic["out"] += 1
            record = self._record(queue, entry, "relayed", "2.0.0", f"smtp;{reply}", seen)
            self.accounting.write("d", record)
            self._final(queue, entry)
            if queue.mode == "backoff" and self.setting(queue, "backoff-to-normal-after-delivery"):
                self.set_mode(queue, "normal")

    def bounce(
        self, queue: Queue, entry: Entry, code: str, diagnostic: str, seen: dict[str, Any] | None = None
    ) -> None:
        with self.lock:
            record = self._record(queue, entry, "failed", code, diagnostic, seen or {})
            record["bounceCat"] = self.accounting.category(code, diagnostic)
            self.traffic["bounced"] += 1
            self.accounting.write("b", record)
            envelope = entry.message.envelope
            if envelope["orig"] and not envelope.get("suppressDsn"):
                dsn.send(self, entry, code, diagnostic)
            self._final(queue, entry)

    def transient(self, queue: Queue, entry: Entry, code: str, diagnostic: str, seen: dict[str, Any]) -> None:
        with self.lock:
            record = self._record(queue, entry, "delayed", code, diagnostic, seen)
            record["bounceCat"] = self.accounting.category(code, diagnostic)
            self.traffic["transient"] += 1
            queue.last_error = diagnostic
            self.accounting.write("t", record)
            if entry in queue.sending:
                queue.sending.remove(entry)
            if not self._known(queue.vmta):
                self._no_vmta(queue, entry)
                return
            queue.delay(entry, time.time() + self._retry(queue, entry.attempts))
            entry.attempts += 1

    def queue_trouble(self, queue: Queue, code: str, diagnostic: str, seen: dict[str, Any]) -> None:
        """A connection or resolution failed: a ``tq`` record; the queue's own retry is set by ``queue_failed``."""
        with self.lock:
            queue.last_error = diagnostic
            self.accounting.write(
                "tq",
                {
                    "queue": queue.name,
                    "vmta": queue.vmta,
                    "dsnStatus": status.described(code),
                    "dsnDiag": diagnostic,
                    "dlvType": "smtp",
                    **seen,
                },
            )

    def queue_failed(self, queue: Queue) -> None:
        with self.lock:
            queue.retry_at = time.time() + self._retry(queue, queue.failures)
            queue.failures += 1

    def _retry(self, queue: Queue, attempts: int) -> float:
        waits = self.setting(queue, "backoff-retry-after" if queue.mode == "backoff" else "retry-after")
        return waits[min(attempts, len(waits) - 1)]

    def _final(self, queue: Queue, entry: Entry) -> None:
        if entry in queue.sending:
            queue.sending.remove(entry)
        self.spool.finished(entry.message, entry.index)

    def _receipt(self, message: Message, rcpt: dict[str, Any]) -> dict[str, Any]:
        envelope = message.envelope
        return {
            **{f"header_{name}": value for name, value in envelope.get("headers", {}).items()},
            "orig": envelope["orig"],
            "rcpt": rcpt["addr"],
            "orcpt": rcpt.get("orcpt", ""),
            "vmta": rcpt["vmta"],
            "vmtaPool": rcpt.get("pool", ""),
            **{
                key: envelope.get(key, "")
                for key in ("jobId", "envId", "srcType", "srcMta", "rcvSmtpUser", "rcvSourceIp", "rcvDestinationIp")
            },
        }

    def _record(
        self, queue: Queue, entry: Entry, action: str, code: str, diag: str, seen: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            **self._receipt(entry.message, entry.recipient),
            "timeQueued": stamp(entry.message.envelope["queued"]),
            "totalSecondsQueued": int(entry.age),
            "dsnAction": action,
            "dsnStatus": status.described(code),
            "dsnDiag": diag,
            "dlvType": "smtp",
            "dlvSize": entry.message.size,
            "queue": queue.name,
            **seen,
        }

    # -- modes and sources -----------------------------------------------------------------------------------------

    def set_mode(self, queue: Queue, mode: str, normal_after: float | None = None) -> None:
        with self.lock:
            if queue.mode != mode:
                self.log(f"queue {queue.name} enters {mode} mode")
                queue.mode, queue.mode_since = mode, time.time()
            queue.normal_after = normal_after

    def _leave_backoff(self, queue: Queue, now: float) -> None:
        if queue.mode != "backoff":
            return
        after = queue.normal_after if queue.normal_after is not None else self.setting(queue, "backoff-to-normal-after")
        if after != "never" and now - queue.mode_since >= after:
            self.set_mode(queue, "normal")

    def disable_source(self, ip: str, domain: str, vmta: str, after: float | None) -> None:
        with self.lock:
            self.disabled[ip, domain, vmta] = None if after is None else time.time() + after

    def source_disabled(self, ip: str, queue: Queue) -> bool:
        with self.lock:
            return any(
                where == ip and domain in ("*", queue.domain) and vmta in ("*", queue.vmta)
                for where, domain, vmta in self.disabled
            )

    def _reenable(self, now: float) -> None:
        for key in [key for key, until in self.disabled.items() if until is not None and until <= now]:
            del self.disabled[key]
