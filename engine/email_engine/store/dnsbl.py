# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check of the blocklists heard, and what follows: who stops, who may begin, who is held. One transaction; the hosts come after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import case, false, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import DELIVERING, SELECTABLE
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle import brakes, listings
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.brakes import STOPPING, Brakes
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import NO, UNKNOWN, YES
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.listings import Control, Heard
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import CHECK

from . import alerts, fleet, halts, incidents, jobs, lifecycle, policy, runs, starts
from .audit import Actor, record
from .models import Alert, BlacklistEvent, CheckRun, DnsblList, DnsblVerdict, Incident, Ip, Job, Tenant

RUN, BLIND, MASS = "dnsbl", "blind/dnsbl", "mass/dnsbl"
FIRST, AGAIN = "first", "again"
#: States of a list that an operator has to do something about. One that could not be asked this time may be there the next time.
_WRONG = ("failed", "blind")
_STORED = {listings.LISTED: YES, listings.CLEAN: NO, listings.UNKNOWN: UNKNOWN}
#: What it means that a list is out without which nobody is seen clean.
_HOLDS = (
    "Until it answers again or is asked no longer, nobody is promoted or released, no rest ends and no standby takes over: a sender is "
    "clean only where every list of this weight says so."
)
#: Minutes after which a second round that nobody reported is asked for again.
SECOND_ROUND = 15
#: Why a list's news of many are not believed, and what helps.
_DOUBTS = {
    listings.DOUBT_LISTED: (
        "lists what must not be listed",
        "Ask by hand whether the control addresses are listed. Where that is right, have them taken off the list, or take them out of "
        "policy_dnsbl.controls; where it is not, look at the resolver of the checking host (roles/resolver).",
    ),
    listings.DOUBT_SILENT: (
        "gave no answer about what must not be listed",
        "Run playbooks/rbl_check.yml again. Where it stays so, look at the resolver of the checking host (roles/resolver).",
    ),
    listings.DOUBT_UNASKED: (
        "was asked about nothing that must not be listed",
        "Name such an address and such a domain in policy_dnsbl.controls, and see that playbooks/rbl_check.yml of this release is what runs.",
    ),
}
#: A statement takes 65,535 values.
_AT_ONCE = 5000
#: Statuses in which it sends, or holds what it might send.
_MOVES = (*sorted(DELIVERING), "resting")


class Listing(NamedTuple):
    """A list, as the check found it. severity: the worst that its codes can mean."""

    name: str
    zone: str
    kind: str
    state: str
    detail: str | None
    severity: str


class Report(NamedTuple):
    """A check of the lists. blind: why its resolver cannot be believed; None when it can. heard: by name of the sender."""

    checked_at: datetime
    round: str
    blind: str | None
    lists: Sequence[Listing]
    controls: Sequence[Control]
    heard: Mapping[str, Sequence[Heard]]


@dataclass
class Followed:
    """Names of senders, of tenants (held), numbers of incidents that were opened, and the jobs that bring it to the hosts."""

    listed: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    incidents: list[int] = field(default_factory=list)
    again: bool = False
    distrusted: bool = False
    unknown: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


def report(session: Session, actor: Actor, given: Report) -> Followed:
    """What the verdicts make of the senders. A report that is older than what is known of a list and a sender says nothing about them."""
    fleet.hold(session)
    # A clock that runs ahead must not make later checks look old.
    at = session.scalars(select(func.least(given.checked_at, func.now()))).one()
    return _Judgement(session, actor, given, at).follow()


class _Judgement:
    """One report; its parts share what they know. The fleet is held."""

    def __init__(self, session: Session, actor: Actor, given: Report, at: datetime):
        self.session, self.actor, self.given, self.at = session, actor, given, at
        self.limits: Brakes = brakes.of(policy.load(session).policy.get("brakes", {}))
        self.answer = Followed()
        found = select(Ip).where(Ip.hostname.in_(given.heard), Ip.status != "retired").order_by(Ip.id)
        self.senders = {ip.id: ip for ip in session.scalars(found.execution_options(populate_existing=True))}
        self.answer.unknown = sorted(set(given.heard) - {ip.hostname for ip in self.senders.values()})
        self.tenants = dict(session.execute(select(Tenant.id, Tenant.name)).all())
        #: A look at a few senders says nothing of the fleet's check.
        self.whole = 2 * len(self.senders) >= self._size()
        self.events = self._open_events()
        self.pending = self._pending()
        states = {one.name: one.state for one in given.lists}
        seen = self._seen()
        self.heard = {
            ip.id: listings.believed((one for one in given.heard[ip.hostname] if (ip.id, *one.key) not in seen), states)
            for ip in self.senders.values()
        }

    # What is known -----------------------------------------------------------------------------------------------------

    def _seen(self) -> set[tuple[int, str, str]]:
        """(sender, list, target) of which as much is known already."""
        columns = (DnsblVerdict.ip_id, DnsblVerdict.blacklist_name, DnsblVerdict.target)
        wanted = select(*columns).where(DnsblVerdict.ip_id.in_(self.senders), DnsblVerdict.checked_at >= self.at)
        return {(row[0], row[1], row[2]) for row in self.session.execute(wanted)}

    def _open_events(self) -> dict[int, dict[tuple[str, str], BlacklistEvent]]:
        events: dict[int, dict[tuple[str, str], BlacklistEvent]] = {}
        wanted = select(BlacklistEvent).where(
            BlacklistEvent.ip_id.in_(self.senders), BlacklistEvent.cleared_at.is_(None)
        )
        for event in self.session.scalars(wanted):
            events.setdefault(event.ip_id, {})[event.blacklist_name, event.target] = event
        return events

    def _pending(self) -> dict[int, dict[tuple[str, str], str]]:
        """Listings that one answer is not enough for, as the open incident has them, and how bad they are."""
        wanted = select(Incident).where(
            Incident.ip_id.in_(self.senders), Incident.kind == incidents.LISTING, Incident.closed_at.is_(None)
        )
        found: dict[int, dict[tuple[str, str], str]] = {}
        for one in self.session.scalars(wanted):
            bad = {(said["list"], said["target"]): said["severity"] for said in one.evidence.get("listings", ())}
            waiting = ((name, target) for name, target in one.evidence.get("look_again", ()))
            if one.ip_id is not None:
                found[one.ip_id] = {key: bad.get(key) or brakes.MAJOR for key in waiting}
        return found

    def known(self, number: int) -> dict[tuple[str, str], str]:
        """(list, target) -> the worst that it said of this sender before."""
        found = {key: event.severity for key, event in self.events.get(number, {}).items()}
        for key, severity in self.pending.get(number, {}).items():
            if listings.stops_less(found.get(key), severity):
                found[key] = severity
        return found

    # The report as a whole ---------------------------------------------------------------------------------------------

    def follow(self) -> Followed:
        given = self.given
        newest = self.session.scalar(select(CheckRun.at).where(CheckRun.name == RUN))
        if newest is None or newest <= self.at:
            self._keep_lists()
        healthy = [one.name for one in given.lists if one.state == listings.HEALTHY]
        why = given.blind or (None if healthy else "no list passed its test")
        if why is not None:
            return self._blind(why)
        news = self._news()
        if self._mass(news) and given.round == FIRST:
            # No verdict is stored: what a lying resolver says must not look like a listing, even for an hour.
            return self._again(len(news))
        if given.round == AGAIN and news:
            doubts = listings.doubts(healthy, given.controls)
            found = {
                one.blacklist: doubts[one.blacklist] for new in news.values() for one in new if one.blacklist in doubts
            }
            self._distrust(doubts)
            left = self._news()
            if not left:
                self.answer.distrusted = True
                return self._distrusted(len(news), found)
            news = left
        if given.round == AGAIN or self.whole:
            alerts.over(self.session, MASS)
        if self.whole:
            self._ran("ok", {"lists": len(healthy), "senders": len(self.senders)})
            alerts.over(self.session, BLIND)
        self._act(self._mass(news))
        return self.answer

    def _size(self) -> int:
        return self.session.scalar(select(func.count()).select_from(Ip).where(Ip.status != "retired")) or 0

    def _news(self) -> dict[int, tuple[Heard, ...]]:
        """Of each sender of which a list says something new: what."""
        found = {number: listings.news(heard, self.known(number)) for number, heard in self.heard.items()}
        return {number: new for number, new in found.items() if new}

    def _mass(self, news: Mapping[int, Sequence[Heard]]) -> bool:
        return bool(news) and brakes.is_mass_event(self.limits, listings.changes(news.values()), self._size())

    def _distrust(self, doubts: Collection[str]) -> None:
        """Leave out what lists newly say that are not believed about many; one that lists everybody goes alone."""
        for number, heard in self.heard.items():
            known = self.known(number)
            self.heard[number] = tuple(
                one._replace(verdict=listings.UNKNOWN, detail="the list was not clean about the controls")
                if one.verdict == listings.LISTED
                and one.blacklist in doubts
                and listings.stops_less(known.get(one.key), one.severity)
                else one
                for one in heard
            )

    def _again(self, senders: int) -> Followed:
        """The caller looks again at once. Where it does not come to that, the sweep asks for it, and a person is told meanwhile."""
        self.answer.again = True
        why = f"{senders} senders were newly listed at once, and the second round was not reported yet"
        self._ran("distrusted", {"why": why, "again": True})
        alerts.tell(
            self.session,
            key=MASS,
            kind="mass",
            severity="warning",
            subject="Many senders are newly listed at once, and are looked at again",
            text=f"{why}. Until then nobody was stopped by it, and nobody is promoted.",
            remedy=f"It ends with the second round, which playbooks/rbl_check.yml makes at once; a new check begins after {SECOND_ROUND} "
            "minutes. Where this stays open, look at the last job dnsbl_check, or run the playbook.",
        )
        return self.answer

    def _distrusted(self, senders: int, doubts: Mapping[str, str]) -> Followed:
        words = [f"{name} {_DOUBTS[why][0]}" for name, why in sorted(doubts.items())]
        remedies = dict.fromkeys(_DOUBTS[why][1] for _name, why in sorted(doubts.items()))
        alerts.over(self.session, MASS)
        self._ran("distrusted", {"why": "; ".join(words)})
        alerts.tell(
            self.session,
            key=BLIND,
            kind="blind",
            severity="critical",
            subject="The check of the blocklists is not believed",
            text=f"{senders} senders were newly listed at once, but {', '.join(words)}. Nobody was stopped, cleared or started by it.",
            remedy="\n".join(remedies),
        )
        return self.answer

    def _blind(self, why: str) -> Followed:
        """Nothing is known by this report, so nothing changes but that somebody is told. A look at a few says so of no other."""
        if not self.whole:
            return self.answer
        self._ran("blind", {"why": why})
        alerts.tell(
            self.session,
            key=BLIND,
            kind="blind",
            severity="critical",
            subject="The check of the blocklists sees nothing",
            text=f"{why}. Nobody was stopped, cleared or started by it.",
            remedy="Look at the resolver of the checking host (roles/resolver) and at what it answers about 127.0.0.1's and 127.0.0.2's entries.",
        )
        return self.answer

    def _ran(self, state: str, detail: dict[str, Any]) -> None:
        runs.keep(self.session, RUN, self.at, state, detail)

    def _keep_lists(self) -> None:
        deciding = listings.deciding(one.severity for one in self.given.lists)
        for one in self.given.lists:
            values = {"zone": one.zone, "kind": one.kind, "state": one.state, "detail": one.detail}
            values["severity"] = one.severity
            statement = insert(DnsblList).values(name=one.name, checked_at=self.at, **values)
            values["checked_at"] = statement.excluded.checked_at
            self.session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
            if self.given.blind is not None:
                continue  # then nothing is said of any list
            if one.state in _WRONG:
                said = "fails its own test" if one.state == "failed" else "does not want to be asked from here"
                alerts.tell(
                    self.session,
                    key=f"list/{one.name}",
                    kind="list",
                    severity="info" if one.severity == listings.INFORMATION else "warning",
                    subject=f"The list {one.name} {said}",
                    text=f"{one.detail or said}\n{_HOLDS}" if one.severity == deciding else one.detail or said,
                    remedy="It is left out until it passes its test. Ask it through a resolver of its liking or with a key, or take it out of policy_dnsbl.",
                )
            elif one.state == listings.HEALTHY:
                alerts.over(self.session, f"list/{one.name}")
        if self.given.blind is None and self.given.lists:
            # What is asked no longer holds up nobody.
            alerts.over_but(self.session, "list/", (f"list/{one.name}" for one in self.given.lists))

    # The senders -------------------------------------------------------------------------------------------------------

    def _act(self, mass: bool) -> None:
        streaks = self._keep_verdicts()
        stopped: list[tuple[Ip, bool]] = []
        waiting: list[Ip] = []
        for ip in self.senders.values():
            heard = self.heard[ip.id]
            judged = listings.judge(heard, self.known(ip.id), self.limits)
            self._events(ip, heard, judged, streaks)
            self._configuration(ip, heard, judged, streaks)
            if judged.does == listings.STOP:
                sending = ip.status in SELECTABLE
                if self._stop(ip, judged, heard):
                    stopped.append((ip, sending))
            elif judged.does == listings.LOOK_AGAIN:
                self._look_again(ip, judged, heard)
                waiting.append(ip)
            else:
                self._maybe_clear(ip, heard, streaks)
        self._minor()
        self._afterwards(stopped, waiting, mass)

    def _keep_verdicts(self) -> dict[tuple[int, str, str], int]:
        """(sender, list, target) -> so many equal answers in a row."""
        rows = [
            {
                "tenant_id": ip.tenant_id,
                "ip_id": ip.id,
                "blacklist_name": one.blacklist,
                "target": one.target,
                "listed": _STORED[one.verdict],
                "codes": list(one.codes),
                "severity": one.severity if one.verdict == listings.LISTED else None,
                "detail": one.detail or one.meaning,
                "since": self.at,
                "checked_at": self.at,
            }
            for ip in self.senders.values()
            for one in {one.key: one for one in self.heard[ip.id]}.values()
        ]
        streaks: dict[tuple[int, str, str], int] = {}
        for start in range(0, len(rows), _AT_ONCE):
            statement = insert(DnsblVerdict).values(rows[start : start + _AT_ONCE])
            new = statement.excluded
            # A list that says less now, or more, says something else.
            stops = [
                func.coalesce(severity.in_(STOPPING), false()) for severity in (DnsblVerdict.severity, new.severity)
            ]
            same = (DnsblVerdict.listed == new.listed) & (stops[0] == stops[1])
            values = {name: new[name] for name in ("listed", "codes", "severity", "detail", "checked_at")}
            values["streak"] = case((same, DnsblVerdict.streak + 1), else_=1)
            values["since"] = case((same, DnsblVerdict.since), else_=new.since)
            statement = statement.on_conflict_do_update(
                index_elements=["ip_id", "blacklist_name", "target"],
                set_=values,
                where=DnsblVerdict.checked_at < new.checked_at,
            ).returning(DnsblVerdict.ip_id, DnsblVerdict.blacklist_name, DnsblVerdict.target, DnsblVerdict.streak)
            streaks |= {(row[0], row[1], row[2]): row[3] for row in self.session.execute(statement)}
        return streaks

    def _events(
        self,
        ip: Ip,
        heard: Iterable[Heard],
        judged: listings.Judgement,
        streaks: Mapping[tuple[int, str, str], int],
    ) -> None:
        """Listings begin and end; one that has to be looked at again has not begun."""
        mine = self.events.setdefault(ip.id, {})
        for one in heard:
            event = mine.get(one.key)
            waits = judged.does == listings.LOOK_AGAIN and one in judged.because
            if event is not None and self._gone(ip, one, streaks, event.severity):
                self._clear(ip, event, streaks[ip.id, *one.key])
                event = None
            if one.verdict != listings.LISTED or waits:
                continue
            severity = one.severity or listings.INFORMATION
            known = event.severity if event is not None else None
            if event is None:
                event = mine[one.key] = BlacklistEvent(
                    tenant_id=ip.tenant_id,
                    ip_id=ip.id,
                    blacklist_name=one.blacklist,
                    target=one.target,
                    codes=list(one.codes),
                    severity=severity,
                    listed_at=self.at,
                )
                self.session.add(event)
            elif severity == known or listings.stops_less(known, severity):
                # One that says less now ends as any other does, by as many answers.
                event.codes, event.severity = list(one.codes), severity
            if severity in STOPPING and known not in STOPPING and ip.hostname not in self.answer.listed:
                self.answer.listed.append(ip.hostname)
        self.session.flush()

    def _clear(self, ip: Ip, event: BlacklistEvent, answers: int) -> None:
        mine = self.events[ip.id]
        event.cleared_at = self.at
        del mine[event.blacklist_name, event.target]
        # Another may begin in its place.
        self.session.flush()
        about = {"list": event.blacklist_name, "target": event.target, "clean": answers}
        record(self.session, self.actor, "cleared", f"sender {ip.hostname}", tenant_id=ip.tenant_id, evidence=about)
        if event.severity in STOPPING and not any(left.severity in STOPPING for left in mine.values()):
            self.answer.cleared.append(ip.hostname)

    def _cleared(self, ip: Ip, one: Heard, streaks: Mapping[tuple[int, str, str], int]) -> bool:
        return one.verdict == listings.CLEAN and streaks[ip.id, *one.key] >= self.limits.clears

    def _gone(self, ip: Ip, one: Heard, streaks: Mapping[tuple[int, str, str], int], severity: str) -> bool:
        """Whether a listing of this severity is over: the list says so often enough that it lists it no longer, or not as what stops."""
        less = severity in STOPPING and one.verdict == listings.LISTED and one.severity not in STOPPING
        return (less or one.verdict == listings.CLEAN) and streaks[ip.id, *one.key] >= self.limits.clears

    def _configuration(
        self,
        ip: Ip,
        heard: Iterable[Heard],
        judged: listings.Judgement,
        streaks: Mapping[tuple[int, str, str], int],
    ) -> None:
        """A fault of the set-up is told and mended. No mail is moved, no address is changed."""
        if judged.configuration:
            summary = "; ".join(one.words() for one in judged.configuration)
            self._open(ip, incidents.CONFIGURATION, summary, {"listings": _shown(judged.configuration)})
            return
        found = incidents.opened(self.session, ip, incidents.CONFIGURATION)
        if found is None:
            return
        named = {(one["list"], one["target"]) for one in found.evidence.get("listings", ())}
        clean = {one.key for one in heard if self._cleared(ip, one, streaks)}
        if named and named <= clean:
            incidents.close(self.session, self.actor, self.actor.name, found, "the lists that named it do so no longer")

    def _open(self, ip: Ip, kind: str, summary: str, evidence: Mapping[str, Any]) -> Incident:
        """The incident, with what was known of it before: nothing that was heard once is lost."""
        before = incidents.opened(self.session, ip, kind)
        known = before.evidence if before is not None else {}
        found = {(one["list"], one["target"]): one for one in (*known.get("listings", ()), *evidence["listings"])}
        merged = {**known, **evidence, "listings": list(found.values())}
        incident = incidents.open_(self.session, self.actor, ip, kind, summary[:500], merged)
        if before is None:
            self.answer.incidents.append(incident.id)
        return incident

    def _stop(self, ip: Ip, judged: listings.Judgement, heard: Sequence[Heard]) -> bool:
        """Whether it sent, or might have sent what it holds, and is stopped now."""
        summary = "; ".join(one.words() for one in judged.because)
        evidence = {**self._evidence(judged.because, heard), "look_again": []}
        incident = self._open(ip, incidents.LISTING, summary, evidence)
        moved = ip.status in _MOVES
        if moved:
            about = {"incident": incident.id, "listings": evidence["listings"], "checked_at": self.at.isoformat()}
            why = {"reason": summary[:500], "evidence": about}
            lifecycle.move(self.session, self.actor, ip, "listed", CHECK, policy.load(self.session), **why)
            self.answer.stopped.append(ip.hostname)
        self._tell(ip, incident)
        return moved

    def _look_again(self, ip: Ip, judged: listings.Judgement, heard: Sequence[Heard]) -> None:
        evidence = {**self._evidence(judged.because, heard), "look_again": [list(one.key) for one in judged.because]}
        summary = "; ".join(one.words() for one in judged.because)
        incident = self._open(ip, incidents.LISTING, f"said once, and looked at again: {summary}", evidence)
        self._tell(ip, incident)

    def _maybe_clear(self, ip: Ip, heard: Iterable[Heard], streaks: Mapping[tuple[int, str, str], int]) -> None:
        """What was said once and not again is over. A listing that stopped a sender is ended by a person, who names the cause."""
        waiting = self.pending.get(ip.id)
        if not waiting and ip.hostname not in self.answer.cleared:
            return
        found = incidents.opened(self.session, ip, incidents.LISTING)
        if found is None:
            return
        over = {one.key for one in heard if self._gone(ip, one, streaks, brakes.MAJOR)}
        if waiting and waiting.keys() <= over:
            cause = f"{', '.join(sorted(name for name, _target in waiting))} said so once, and not again"
            incidents.close(self.session, self.actor, self.actor.name, found, cause)
        elif ip.hostname in self.answer.cleared:
            self._tell_gone(ip, found)

    def _minor(self) -> None:
        """What stops nobody hurts delivery all the same, and is the first sign of worse."""
        names = {f"minor/{ip.hostname}": ip for ip in self.senders.values()}
        kept = []
        for key, ip in names.items():
            found = sorted(about for about, one in self.events.get(ip.id, {}).items() if one.severity == listings.MINOR)
            if found:
                kept.append(key)
                alerts.tell(
                    self.session,
                    key=key,
                    kind="listing",
                    severity="info",
                    subject=f"{ip.hostname} is listed by a list that stops nobody",
                    text="\n".join(f"{name} lists {target}." for name, target in found),
                    remedy="Find the cause before a heavier list does, and ask for delisting once; the runbook listing.md says how.",
                    tenant_id=ip.tenant_id,
                )
        others = select(Alert.key).where(Alert.closed_at.is_(None), Alert.key.in_(names.keys() - set(kept)))
        for key in self.session.scalars(others.order_by(Alert.key)).all():
            alerts.over(self.session, key)

    def _evidence(self, because: Iterable[Heard], heard: Iterable[Heard]) -> dict[str, Any]:
        others: dict[str, set[str]] = {listings.CLEAN: set(), listings.UNKNOWN: set()}
        for one in heard:
            if one.verdict in others:
                others[one.verdict].add(one.blacklist)
        return {
            "listings": _shown(because),
            "clean": sorted(others[listings.CLEAN]),
            "unknown": sorted(others[listings.UNKNOWN]),
            **(
                {"controls": sorted({one.blacklist for one in self.given.controls})}
                if self.given.round == AGAIN
                else {}
            ),
        }

    def _tell(self, ip: Ip, incident: Incident) -> None:
        """By the incident alone, so that the same listing has the same text at each check."""
        lines = [_words(one) for one in incident.evidence["listings"]]
        once = bool(incident.evidence.get("look_again"))
        if once:
            lines.append("It goes on until a second list or the next check says so, too.")
        elif ip.status == "quarantine":
            lines.append("It is stopped. Its mail waits, and goes by no other address.")
        if standby := incident.evidence.get("standby"):
            lines.append(
                f"{standby['name']} begins for new campaigns, in {standby['phase']} at {standby['daily_quota']} a day."
            )
        alerts.tell(
            self.session,
            key=f"listing/{ip.hostname}",
            kind="listing",
            severity="warning" if once else "critical",
            subject=f"{ip.hostname} {'may be' if once else 'is'} listed",
            text="\n".join(lines),
            remedy="Find the cause, mend it, and ask for delisting once; the runbook listing.md says how.",
            tenant_id=ip.tenant_id,
        )

    def _tell_gone(self, ip: Ip, incident: Incident) -> None:
        alerts.tell(
            self.session,
            key=f"listing/{ip.hostname}",
            kind="listing",
            severity="warning",
            subject=f"{ip.hostname} is listed no longer",
            text="No list that was asked names it any more. It stays stopped until a person releases it.",
            remedy=f"Close incident {incident.id} with its cause, then run playbooks/release.yml.",
            tenant_id=ip.tenant_id,
        )

    # What follows for the tenants --------------------------------------------------------------------------------------

    def _afterwards(self, stopped: Sequence[tuple[Ip, bool]], waiting: Sequence[Ip], mass: bool) -> None:
        if mass:
            # Whoever is looked at again is one of the many: by the next answer its listing is no news any more.
            self._hold_all([*(ip for ip, _sending in stopped), *waiting])
        else:
            for ip, sending in stopped:
                if sending:
                    self._failover(ip)
        if stopped:
            reason = f"listed: {', '.join(ip.hostname for ip, _ in stopped)}"[:500]
            self.answer.jobs = halts.halt(self.session, self.actor, [ip for ip, _ in stopped], reason)
        elif self.answer.started:
            self.answer.jobs = [jobs.enqueue(self.session, self.actor, "converge", once=True)]

    def _hold_all(self, listed: Sequence[Ip]) -> None:
        """Many at once, and the lists are sound: whatever it is, another address is no answer to it."""
        for number in sorted({ip.tenant_id for ip in listed}):
            tenant = self.session.scalars(select(Tenant).where(Tenant.id == number).with_for_update(**fleet.HELD)).one()
            if tenant.held_reason is None:
                names = [ip.hostname for ip in listed if ip.tenant_id == number]
                reason = f"many senders were listed at once, {', '.join(names[:3])}{' and more' if names[3:] else ''} of it among them"
                incidents.hold_tenant(self.session, self.actor, tenant, reason, {"listed": names})
                self.answer.held.append(tenant.name)

    def _failover(self, ip: Ip) -> None:
        found = starts.failover(self.session, self.actor, ip)
        tenant = self.tenants[ip.tenant_id]
        if found.started is not None:
            standby = found.started
            self.answer.started.append(standby.hostname)
            incident = incidents.opened(self.session, ip, incidents.LISTING)
            if incident is not None:
                shown = {"name": standby.hostname, "phase": standby.phase, "daily_quota": standby.daily_quota}
                incident.evidence = {**incident.evidence, "standby": shown}
                self.session.flush()
                self._tell(ip, incident)
            alerts.over(self.session, f"failover/{tenant}")
        elif found.held:
            self.answer.held.append(tenant)
        elif found.why is not None:
            alerts.tell(
                self.session,
                key=f"failover/{tenant}",
                kind="failover",
                severity="warning",
                subject=f"No standby of {tenant} was started",
                text=f"{ip.hostname} is listed and stopped, and no standby takes new campaigns: {found.why}.",
                remedy="Give the tenant a standby (playbooks/add_ip.yml), or wait until the listing is over. The stopped sender's mail stays where it is.",
                tenant_id=ip.tenant_id,
            )


def _words(shown: Mapping[str, Any]) -> str:
    one = Heard(
        shown["list"], shown["target"], listings.LISTED, tuple(shown["codes"]), shown["severity"], shown["meaning"]
    )
    return one.words()


def _shown(heard: Iterable[Heard]) -> list[dict[str, Any]]:
    return [
        {
            "list": one.blacklist,
            "target": one.target,
            "codes": list(one.codes),
            "severity": one.severity,
            "meaning": one.meaning,
        }
        for one in heard
    ]


def again_due(session: Session) -> bool:
    """Whether a second round was asked for some time ago, and nobody reported it."""
    wanted = select(CheckRun.name).where(
        CheckRun.name == RUN,
        CheckRun.detail["again"].astext == "true",
        CheckRun.at < func.now() - timedelta(minutes=SECOND_ROUND),
    )
    return session.scalar(wanted) is not None
