# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of accounting files into sums: per sender, provider and day, per sender and hour, and per recipient of senders in warm-up.

What is kept grows with senders, providers and hours, and with the recipients of the senders that are followed; not with the rows.
"""

from __future__ import annotations

import hashlib
import typing as t

from ..problems import Problem
from . import outcomes
from .header import IGNORED, REQUIRED, Header
from .outcomes import NOTHING, Outcome
from .providers import Providers
from .times import Minutes

#: The server's own mail; it belongs to no sender.
OWN = "{default}"
#: Strangers' names that are kept.
STRAYS = 100
_AHEAD = 86_400
_HANDED = ("d", "b", "t")
#: Kind of fault -> (what is said, remedy).
_WHY = {
    "time": ("no time with an offset in timeLogged", "Leave iso-times on in powermta_accounting."),
    "type": ("no known record type", "Take what other programs wrote out of the files."),
    "future": ("logged in the future", "Set the clock of this host, and keep it by NTP."),
}


class Scope(t.NamedTuple):
    """Whom rows are summed for.

    senders: [{"name", "vmta", "domain", "ip"}]. former: the same of what senders were until lately, the latest first; nobody has their names of
    virtual MTAs, domains and addresses now, or they count for who has. followed: names of senders whose recipients are told one by one. salt: of their keys.
    since: ``2026-01-05``; rows logged before that day are left out. now: seconds since 1970.
    """

    senders: t.Sequence[t.Mapping[str, t.Any]]
    providers: t.Mapping[str, t.Mapping]
    followed: t.Collection[str]
    salt: bytes
    since: str
    now: float
    former: t.Sequence[t.Mapping[str, t.Any]] = ()


class Sums:
    def __init__(self, scope: Scope):
        self._vmtas = _unique(scope, "vmta")
        self._domains = _unique(scope, "domain")
        self._addresses = _unique(scope, "ip")
        self._followed, self._salt = frozenset(scope.followed), scope.salt[:64]
        self._since, self._latest = scope.since, int(scope.now) + _AHEAD
        self._providers, self._minutes = Providers(scope.providers), Minutes()
        self._bounces: dict[tuple, Outcome] = {}
        self._counts: dict[tuple[str, str, str, Outcome], int] = {}
        self._cells: set[tuple[str, ...]] = set()
        self.recipients: dict[tuple[str, bytes], list[int | None]] = {}
        self.strays: dict[str, int] = {}
        self.rows = self.old = 0
        #: Kind of fault -> rows. Their text is nowhere kept: it names people.
        self.bad: dict[str, int] = {}

    def add(self, rows: t.Iterable[t.Sequence[str]], header: Header, kinds: t.Collection[str]) -> int:
        """Count rows of one file. kinds: those that count. Returns how many could not be read."""
        columns = header.columns
        of_type, of_time = columns["type"], columns["timeLogged"]
        of_vmta, of_rcpt = columns.get("vmta", -1), columns.get("rcpt", -1)
        of_queue, of_way = columns.get("queue", -1), columns.get("dlvType", -1)
        minutes, vmtas, counts, provider = self._minutes, self._vmtas, self._counts, self._providers.of
        before = sum(self.bad.values())
        for row in rows:
            self.rows += 1
            kind, logged = row[of_type], row[of_time]
            if kind not in kinds:
                if kind not in REQUIRED and kind not in IGNORED:
                    self._fault("type")
                continue
            minute = minutes.of(logged)
            if minute is None:
                self._fault("time")
                continue
            if minute.day < self._since:
                self.old += 1
                continue
            if minute.epoch > self._latest:
                self._fault("future")
                continue
            if kind in _HANDED:
                vmta = row[of_vmta]
                sender = vmtas.get(vmta) or vmtas.get(vmta.lower())
                if sender is None:
                    self._stray(vmta)
                    continue
                way = row[of_way] if of_way >= 0 else ""
                outcome = outcomes.delivery(way) if kind == "d" else self._refusal(kind, row, columns)
                where = provider(row[of_rcpt], row[of_queue] if of_queue >= 0 else "")
                if outcome.attempt and sender in self._followed:
                    self._follow(sender, row, columns, logged, outcome.delivered)
            else:
                found = self._reported(kind, row, columns)
                if found is None:
                    continue
                sender, where, outcome = found
            if outcome is not NOTHING:
                key = (sender, where, minute.hour, outcome)
                count = counts.get(key)
                if count is None:
                    self._cells |= {(sender, where, minute.day), (sender, minute.hour)}
                counts[key] = 1 if count is None else count + 1
        return sum(self.bad.values()) - before

    def timeless(self, rows: t.Iterable[t.Sequence[str]], header: Header, kinds: t.Collection[str]) -> bool:
        """Whether there are rows that count, and the time of none of them can be read."""
        of_type, of_time = header.columns["type"], header.columns["timeLogged"]
        found = False
        for row in rows:
            if row[of_type] in kinds:
                if self._minutes.of(row[of_time]) is not None:
                    return False
                found = True
        return found

    def _refusal(self, kind: str, row: t.Sequence[str], columns: t.Mapping[str, int]) -> Outcome:
        address = row[columns["dlvDestinationIp"]] if "dlvDestinationIp" in columns else ""
        met = outcomes.remote(row[columns["dsnDiag"]], row[columns["dsnMta"]], address)
        if kind == "t":
            return outcomes.transient(met)
        key = (row[columns["dsnStatus"]][:6], row[columns["bounceCat"]], met)
        found = self._bounces.get(key)
        if found is None:
            found = outcomes.bounce(*key)
            if len(self._bounces) < STRAYS * 10:
                self._bounces[key] = found
        return found

    def _reported(
        self, kind: str, row: t.Sequence[str], columns: t.Mapping[str, int]
    ) -> tuple[str, str, Outcome] | None:
        """Of what others report later: whose it is says the address that sent, else the domain that bounces come back to."""

        def told(name: str) -> str:
            return row[columns[name]] if name in columns else ""

        sender = self._addresses.get(told("dlvSourceIp")) if kind == "f" else None
        for name in ("orig", "header_Return-Path", "reportedDomain", "header_From"):
            domain = told(name).rpartition("@")[2].strip("<> \t").lower()
            sender = sender or self._domains.get(domain)
        if sender is None:
            self._stray("reports of nobody's mail")
            return None
        if kind == "rb":
            return (
                sender,
                self._providers.of(told("rcpt")),
                outcomes.remote_bounce(told("dsnStatus"), told("bounceCat")),
            )
        who = self._providers.of_feedback(told("rcpt"), told("userAgent"), told("format"), told("reportingMta"))
        return sender, who, outcomes.feedback(told("feedbackType"))

    def _follow(
        self, sender: str, row: t.Sequence[str], columns: t.Mapping[str, int], logged: str, delivered: bool
    ) -> None:
        at = self._minutes.epoch(logged)
        if at is None:
            return
        # The same moment in another zone is the same message. A job's number is not in it: not every file has that column.
        queued = self._minutes.epoch(row[columns["timeQueued"]])
        parts = (row[columns["orig"]], row[columns["rcpt"]], str(queued), row[columns["vmta"]])
        text = "\0".join(parts).lower().encode("utf-8", "surrogateescape")
        key = (sender, hashlib.blake2b(text, key=self._salt, digest_size=16).digest())
        known = self.recipients.get(key)
        if known is None:
            self.recipients[key] = [at, at if delivered else None]
            return
        known[0] = min(at, t.cast(int, known[0]))
        if delivered:
            known[1] = at if known[1] is None else min(at, known[1])

    @property
    def cells(self) -> int:
        """How many sums there are to tell."""
        return len(self._cells)

    def _stray(self, vmta: str) -> None:
        if vmta == OWN:
            return
        vmta = vmta.encode("ascii", "backslashreplace").decode()[:200]
        name = vmta if vmta in self.strays or len(self.strays) < STRAYS else "others"
        self.strays[name] = self.strays.get(name, 0) + 1

    def _fault(self, why: str) -> None:
        self.bad[why] = self.bad.get(why, 0) + 1

    def days(self) -> list[dict[str, t.Any]]:
        """[{"sender", "provider", "day", "attempts", "delivered", "deferred", "bounced", "bounces", "complaints"}]; complaints: None
        where no report came, which does not say that nobody complained."""
        found: dict[tuple[str, str, str], dict[str, t.Any]] = {}
        for (sender, provider, hour, outcome), count in sorted(self._counts.items(), key=lambda item: item[0][:3]):
            key = (sender, provider, hour[:10])
            day = found.get(key)
            if day is None:
                day = found[key] = {
                    "sender": sender, "provider": provider, "day": key[2], "attempts": 0, "delivered": 0, "deferred": 0,
                    "bounced": 0, "bounces": {}, "complaints": None,
                }  # fmt: skip
            for name in ("delivered", "deferred", "bounced"):
                day[name] += count * getattr(outcome, name)
            day["attempts"] += count * outcome.attempt
            if outcome.category:
                day["bounces"][outcome.category] = day["bounces"].get(outcome.category, 0) + count
            if outcome.complaint:
                day["complaints"] = (day["complaints"] or 0) + count
        return list(found.values())

    def hours(self) -> list[tuple[str, str, int]]:
        """(sender, ``2026-01-05T10:00:00Z``, attempts)."""
        found: dict[tuple[str, str], int] = {}
        for (sender, _provider, hour, outcome), count in self._counts.items():
            if outcome.attempt:
                found[sender, hour] = found.get((sender, hour), 0) + count
        return [(sender, f"{hour}:00:00Z", count) for (sender, hour), count in sorted(found.items())]

    def sightings(self) -> dict[str, list[tuple[str, int, int | None]]]:
        """Sender -> (key in hex, first attempt, delivery), times as seconds since 1970."""
        found: dict[str, list[tuple[str, int, int | None]]] = {}
        for (sender, key), (first, delivered) in self.recipients.items():
            found.setdefault(sender, []).append((key.hex(), t.cast(int, first), delivered))
        return found

    def faults(self) -> list[str]:
        return [str(Problem(f"{count} rows", *_WHY[why])) for why, count in sorted(self.bad.items())]


def _unique(scope: Scope, field: str) -> dict[str, str]:
    """Value of *field* -> name of the one sender that has it, or else had it last. What several have says nothing."""
    found: dict[str, str | None] = {}
    for one in scope.senders:
        value = str(one.get(field) or "").lower()
        if value:
            found[value] = one["name"] if found.get(value, one["name"]) == one["name"] else None
    for one in scope.former:
        value = str(one.get(field) or "").lower()
        if value:
            found.setdefault(value, one["name"])
    return {value: name for value, name in found.items() if name is not None}
