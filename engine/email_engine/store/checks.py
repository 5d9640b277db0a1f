# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DNS check saw, and whom it lets start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import YES

from . import fleet, starts
from .audit import Actor
from .models import DnsCheck, Domain, Ip

#: Edge of the identity graph -> the seeds' column of a domain.
_COLUMNS = {"spf": "spf_valid", "dkim": "dkim_valid", "dmarc": "dmarc_valid", "ptr": "ptr_valid"}
#: A statement takes 65,535 values.
_AT_ONCE = 5000
_VALID = {"ok": True, "wrong": False, "missing": False}


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
        if found.green == YES and starts.by_check(session, actor, ip):
            started.append(ip.hostname)
    session.flush()
    return started, sorted(set(by_name) - {ip.hostname for ip in senders})


def _keep(session: Session, senders: Sequence[Ip], seen: Mapping[str, Seen], at: datetime) -> set[int]:
    """Ids of the senders about whom this is the newest."""
    news: set[int] = set()
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
        newer = DnsCheck.checked_at <= new.checked_at
        statement = statement.on_conflict_do_update(index_elements=["ip_id"], set_=values, where=newer)
        news.update(session.scalars(statement.returning(DnsCheck.ip_id)))
    return news
