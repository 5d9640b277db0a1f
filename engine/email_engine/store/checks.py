# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DNS check saw: whom it lets start, and whose set-up is at fault. No fault of the DNS moves mail or changes an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import DELIVERING
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import NO, YES

from . import alerts, fleet, incidents, runs, starts
from .audit import Actor
from .models import DnsCheck, Domain, Ip

#: Edge of the identity graph -> the seeds' column of a domain.
_COLUMNS = {"spf": "spf_valid", "dkim": "dkim_valid", "dmarc": "dmarc_valid", "ptr": "ptr_valid"}
#: A statement takes 65,535 values.
_AT_ONCE = 5000
_VALID = {"ok": True, "wrong": False, "missing": False}
#: Seen on the MTA host and in a mailbox: they say nothing of whether the DNS is seen.
_ELSEWHERE = ("mta", "mail")
RUN, BLIND = "dns", "blind/dns"
#: One look may have met an authoritative server in the middle of a change.
LOOKS = 2


class Seen(NamedTuple):
    """green: yes, no or unknown. edges: {edge: {"verdict": ok|wrong|missing|unknown, ...}}."""

    name: str
    green: str
    edges: Mapping[str, Mapping[str, Any]]


def dns(session: Session, actor: Actor, checked_at: datetime, seen: Iterable[Seen]) -> tuple[list[str], list[str]]:
    """Senders that start by this, and names that no sender has. Older than what is known: ignored."""
    by_name = {one.name: one for one in seen}
    fleet.hold(session)
    senders = session.scalars(select(Ip).where(Ip.hostname.in_(by_name), Ip.status != "retired").order_by(Ip.id)).all()
    # A clock that runs ahead must not make later checks look old.
    at = session.scalars(select(func.least(checked_at, func.now()))).one()
    news = _keep(session, senders, by_name, at)
    _ran(session, at, by_name, len(senders))
    domains = {
        one.id: one for one in session.scalars(select(Domain).where(Domain.id.in_({ip.domain_id for ip in senders})))
    }
    started = []
    for ip in senders:
        if ip.id not in news:
            continue
        found = by_name[ip.hostname]
        domain = domains[ip.domain_id]
        for edge, column in _COLUMNS.items():
            setattr(domain, column, _VALID.get(found.edges.get(edge, {}).get("verdict")))
        domain.last_dns_check = at
        _judge(session, actor, ip, found, news[ip.id])
        if found.green == YES and starts.by_check(session, actor, ip):
            started.append(ip.hostname)
    session.flush()
    return started, sorted(set(by_name) - {ip.hostname for ip in senders})


def _judge(session: Session, actor: Actor, ip: Ip, seen: Seen, streak: int) -> None:
    """A fault that a second look confirms is an incident until a look finds it mended; what is unknown changes nothing."""
    if seen.green == YES:
        found = incidents.opened(session, ip, incidents.DNS)
        if found is not None:
            incidents.close(session, actor, actor.name, found, "the DNS check found every edge as wanted again")
    elif seen.green == NO and streak >= LOOKS and ip.status in DELIVERING:
        bad = {edge: dict(one) for edge, one in sorted(seen.edges.items()) if one["verdict"] in ("wrong", "missing")}
        summary = f"its DNS is not as wanted: {', '.join(bad) or 'see the check'}"
        incidents.open_(session, actor, ip, incidents.DNS, summary, {"edges": bad})


def _ran(session: Session, at: datetime, seen: Mapping[str, Seen], known: int) -> None:
    """Whether the check sees at all. A look at a few senders says so only when it sees something."""
    fleet_size = session.scalar(select(func.count()).select_from(Ip).where(Ip.status != "retired")) or 0
    if not known:
        return
    edges = [(name, edge) for one in seen.values() for name, edge in one.edges.items()]
    sees = any(name not in _ELSEWHERE and edge.get("verdict") != "unknown" for name, edge in edges)
    whole = 2 * known >= fleet_size
    if whole:
        runs.keep(session, RUN, at, "ok" if sees else "blind", {"senders": known})
    if sees:
        alerts.over(session, BLIND)
    elif whole:
        alerts.tell(
            session,
            key=BLIND,
            kind="blind",
            severity="critical",
            subject="The check of the DNS sees nothing",
            text="Of no sender any edge could be seen. Nobody was started or told of by it.",
            remedy="Look at the resolver of the checking host (roles/resolver), and whether port 53 is open outward.",
        )


def _keep(session: Session, senders: Sequence[Ip], seen: Mapping[str, Seen], at: datetime) -> dict[int, int]:
    """Ids of the senders about whom this is the newest -> so many looks in a row had this colour."""
    news: dict[int, int] = {}
    for start in range(0, len(senders), _AT_ONCE):
        rows = [
            {
                "tenant_id": ip.tenant_id,
                "ip_id": ip.id,
                "checked_at": at,
                "green": seen[ip.hostname].green,
                "edges": seen[ip.hostname].edges,
            }
            for ip in senders[start : start + _AT_ONCE]
        ]
        statement = insert(DnsCheck).values(rows)
        new = statement.excluded
        values = {"checked_at": new.checked_at, "green": new.green, "edges": new.edges}
        # The same report again is the same look.
        one_more = case((DnsCheck.checked_at < new.checked_at, DnsCheck.streak + 1), else_=DnsCheck.streak)
        values["streak"] = case((DnsCheck.green == new.green, one_more), else_=1)
        newer = DnsCheck.checked_at <= new.checked_at
        statement = statement.on_conflict_do_update(index_elements=["ip_id"], set_=values, where=newer)
        rows_back = session.execute(statement.returning(DnsCheck.ip_id, DnsCheck.streak))
        news |= {row.ip_id: row.streak for row in rows_back}
    return news
