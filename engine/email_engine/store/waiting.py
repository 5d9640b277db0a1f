# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for a person or stays wrong by itself, as alerts: read from the tables at each look, whoever wrote them.

Open incidents, quarantines that are over, DNS that stays red, checks that no longer run. A look may be repeated at will.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import Facts, waits_for_person

from . import alerts, checks, incidents
from .lifecycle import DNS_KEEPS
from .models import Alert, CheckRun, DnsCheck, Incident, Ip, Tenant

#: How long a standby's DNS may be red before somebody is told: it is being set up.
PATIENCE = timedelta(hours=2)
#: After how long without a run a check is late, by the first part of its name: two runs have failed to come.
LATE = {
    "dns": timedelta(hours=50),
    "dnsbl": timedelta(hours=9),
    "accounting": timedelta(hours=1),
    "warmup": timedelta(hours=26),
}
#: Kind of an incident -> of the alert that tells of it more exactly.
_TOLD_BY = {incidents.LISTING: "listing", incidents.DNS: "dns", incidents.HELD: "hold"}
_NOTHING = (None, "", [])
_CLOSE = "Look at its evidence, mend what is at fault, then close it with the cause: on the page under Incidents, or POST /api/v1/incidents/{}:close."


def look(session: Session, now: datetime | None = None) -> None:
    """Opens, changes and ends the alerts `incident/`, `waiting/`, `dns/` and `late/`. now: the database's time unless given."""
    moment = now or session.execute(select(func.now())).scalar_one()
    # Incidents last: the other alerts may tell of them.
    for part in (_senders, _dns, _late, _incidents):
        part(session, moment)


def _incidents(session: Session, _now: datetime) -> None:
    """Those that no alert of its own tells of: whoever opened them may have told more exactly."""
    rows = session.execute(
        select(Incident, Tenant.name, Ip.hostname)
        .join(Tenant, Tenant.id == Incident.tenant_id)
        .outerjoin(Ip, Ip.id == Incident.ip_id)
        .where(Incident.closed_at.is_(None))
        .order_by(Incident.id)
    ).all()
    opened = set(session.scalars(select(Alert.key).where(Alert.closed_at.is_(None))))
    for incident, tenant, sender in rows:
        if f"{_TOLD_BY.get(incident.kind)}/{sender or tenant}" in opened:
            continue
        alerts.tell(
            session,
            key=f"incident/{incident.id}",
            kind="incident",
            severity="warning",
            subject=f"Incident {incident.id} of {tenant}: {incident.summary}",
            text=_evidence(incident.evidence),
            remedy=_CLOSE.format(incident.id),
            tenant_id=incident.tenant_id,
        )
    alerts.over_but(session, "incident/", (f"incident/{incident.id}" for incident, *_ in rows))


def _evidence(found: dict[str, Any]) -> str:
    return "\n".join(line for name, value in sorted(found.items()) for line in _lines(name, value))


def _lines(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in sorted(value.items()):
            yield from _lines(f"{name} {key}", one)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for one in value:
            yield f"{name}: {', '.join(f'{key} {_word(told)}' for key, told in one.items() if told not in _NOTHING)}"
    elif value not in _NOTHING:
        yield f"{name}: {_word(value)}"


def _word(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _senders(session: Session, now: datetime) -> None:
    """Those that wait without an open incident, which would have been told of."""
    rows = session.scalars(
        select(Ip)
        .where(
            Ip.status == "quarantine",
            ~select(Incident.id).where(Incident.ip_id == Ip.id, Incident.closed_at.is_(None)).exists(),
        )
        .order_by(Ip.id)
    ).all()
    waiting = []
    for ip in rows:
        why = waits_for_person({"status": ip.status}, Facts(until=ip.until), now)
        if why is not None:
            waiting.append(f"waiting/{ip.hostname}")
            alerts.tell(
                session,
                key=waiting[-1],
                kind="waiting",
                severity="warning",
                subject=f"{ip.hostname} waits for a person: {why}",
                text=f"Its status is {ip.status}. Nothing lets it go on by itself.",
                remedy="Release it when the lists are clean and the cause is known, or retire it: on its page, or with the API.",
                tenant_id=ip.tenant_id,
            )
    alerts.over_but(session, "waiting/", waiting)


def _dns(session: Session, now: datetime) -> None:
    """Red is told, green ends it; what is unknown changes nothing."""
    fresh = DnsCheck.checked_at > now - DNS_KEEPS
    good = session.execute(
        select(Ip.hostname, (fresh & (DnsCheck.green == "yes")).label("good"))
        .join(DnsCheck, DnsCheck.ip_id == Ip.id)
        .where(Ip.status != "retired")
    )
    kept = [f"dns/{one.hostname}" for one in good if not one.good]
    # A second look is taken within the hour; a standby is being set up.
    late = case((Ip.status == "standby", Ip.status_changed_at <= now - PATIENCE), else_=DnsCheck.streak >= checks.LOOKS)
    red = (
        select(Ip.hostname, Ip.tenant_id, DnsCheck.edges)
        .join(DnsCheck, DnsCheck.ip_id == Ip.id)
        .where(Ip.status != "retired", fresh, DnsCheck.green == "no", late)
        .order_by(Ip.id)
    )
    for name, tenant_id, edges in session.execute(red).all():
        bad = {edge: one for edge, one in sorted(edges.items()) if one.get("verdict") in ("wrong", "missing")}
        alerts.tell(
            session,
            key=f"dns/{name}",
            kind="dns",
            severity="warning",
            subject=f"DNS of {name} is not as wanted: {', '.join(bad)}",
            text="\n".join(
                f"{edge}: {one['verdict']}; wanted {one.get('wanted')}, found {one.get('found')} (at {one.get('server')})"
                for edge, one in bad.items()
            ),
            remedy="\n".join(dict.fromkeys(str(one["remedy"]) for one in bad.values() if one.get("remedy")))
            or "Bring the DNS to what is wanted; the next check sees it.",
            tenant_id=tenant_id,
        )
    alerts.over_but(session, "dns/", kept)


def _late(session: Session, now: datetime) -> None:
    late = []
    for run in session.scalars(select(CheckRun).order_by(CheckRun.name)):
        kind = run.name.partition("/")[0]
        if kind in LATE and run.at < now - LATE[kind]:
            late.append(f"late/{run.name}")
            alerts.tell(
                session,
                key=late[-1],
                kind="late",
                severity="warning",
                subject=f"The check {run.name} does not run any more",
                text=f"It last ran at {run.at:%Y-%m-%d %H:%M} UTC. What it watches over is unseen since.",
                remedy="Look at its timer (systemctl list-timers 'email-engine-*') and at its last job, on the page under Jobs.",
            )
    alerts.over_but(session, "late/", late)
