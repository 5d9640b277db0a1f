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

from sqlalchemy import case, delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import Facts, waits_for_person

from . import alerts, checks, incidents
from .lifecycle import DNS_KEEPS
from .models import Alert, CheckRun, DnsCheck, FleetState, Incident, Ip, Job, Tenant

#: How long a standby's DNS may be red before somebody is told: it is being set up.
PATIENCE = timedelta(hours=2)
#: After how long without a run a check is late, by the first part of its name: two runs have failed to come.
LATE = {
    "dns": timedelta(hours=50),
    "dnsbl": timedelta(hours=9),
    "accounting": timedelta(hours=1),
    "warmup": timedelta(hours=26),
}
#: How long a job may wait in a lane where none runs.
UNWORKED = timedelta(minutes=10)
#: How long good news of a warm-up stands.
NEWS = timedelta(days=1)
#: Kinds of alerts that go with their sender; `dns/` and `waiting/` end by themselves.
_OF_SENDERS = ("listing", "overshoot", "warmup")
#: Kind of an incident -> of the alert that tells of it more exactly.
_TOLD_BY = {incidents.LISTING: "listing", incidents.DNS: "dns", incidents.HELD: "hold"}
_NOTHING = (None, "", [])
_CLOSE = "Look at its evidence, mend what is at fault, then close it with the cause: on the page under Incidents, or POST /api/v1/incidents/{}:close."


def look(session: Session, now: datetime | None = None) -> None:
    """Opens, changes and ends the alerts `incident/`, `waiting/`, `dns/`, `late/` and `lane/`, and ends those of senders that they say nothing
    of any more. now: the database's time unless given."""
    moment = now or session.execute(select(func.now())).scalar_one()
    # Incidents last: the other alerts may tell of them.
    for part in (_senders, _dns, _late, _lanes, _gone, _incidents):
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
    """Checks that ran and run no more, and those that never ran though there have been senders for longer than it takes."""
    late = []
    runs = {run.name: run for run in session.scalars(select(CheckRun))}
    wanted = _wanted(session)
    for name in sorted({*runs, *wanted}):
        limit = LATE.get(name.partition("/")[0])
        if limit is None:
            continue
        if name not in wanted and name.startswith("accounting/") and _left(session, name):
            continue
        run = runs.get(name)
        last = run.at if run is not None else wanted[name]
        if last >= now - limit:
            continue
        late.append(f"late/{name}")
        alerts.tell(
            session,
            key=late[-1],
            kind="late",
            severity="warning",
            subject=f"The check {name} {'does not run any more' if run else 'never ran'}",
            text=f"It last ran at {last:%Y-%m-%d %H:%M} UTC. What it watches over is unseen since."
            if run
            else f"There have been senders since {last:%Y-%m-%d %H:%M} UTC, and what it watches over was never seen.",
            remedy="Look at its timer (systemctl list-timers 'email-engine-*') and at its last job, on the page under Jobs.",
        )
    alerts.over_but(session, "late/", late)


def _lanes(session: Session, now: datetime) -> None:
    """Lanes with work, and nobody who works on it."""
    stood = []
    touched = func.coalesce(Job.seen_at, Job.created_at)
    running = aliased(Job)
    waits = (
        select(Job.lane, func.min(touched))
        .where(Job.state == "queued", touched <= now - UNWORKED)
        .where(~exists().where(running.lane == Job.lane, running.state == "running"))
        .group_by(Job.lane)
        .order_by(Job.lane)
    )
    for lane, since in session.execute(waits).all():
        unit = "email-engine-worker" if lane == "converge" else f"email-engine-{lane}-worker"
        stood.append(f"lane/{lane}")
        alerts.tell(
            session,
            key=stood[-1],
            kind="lane",
            severity="critical" if lane == "stop" else "warning",
            subject=f"Nobody works on the jobs of lane {lane}",
            text=f"The oldest of them waits since {since:%Y-%m-%d %H:%M} UTC, and none runs.",
            remedy=f"Start its worker: systemctl restart {unit}; journalctl -u {unit} tells why it does not run.",
        )
    alerts.over_but(session, "lane/", stood)


def _wanted(session: Session) -> dict[str, datetime]:
    """The checks that are scheduled without any setting -> since when there have been senders for them."""
    rows = session.execute(select(Ip.mta, func.min(Ip.created_at)).where(Ip.status != "retired").group_by(Ip.mta))
    hosts = {f"accounting/{mta}": since for mta, since in rows}
    if not hosts:
        return {}
    return {**dict.fromkeys(("dns", "dnsbl", "warmup"), min(hosts.values())), **hosts}


def _left(session: Session, name: str) -> bool:
    """Whether the MTA of that accounting is one no longer, and no sender's; nobody reads it then, and its run is forgotten."""
    mta = name.partition("/")[2]
    declared = session.scalars(select(FleetState.mtas)).one()
    if not declared or mta in declared:
        return False
    session.execute(delete(CheckRun).where(CheckRun.name == name))
    for kind in ("gap", "accounting", "strays"):
        alerts.over(session, f"{kind}/{mta}")
    return True


def _gone(session: Session, now: datetime) -> None:
    """What is told of a sender ends with it; that it rests, with its rest; that its warm-up changed, after a day."""
    statuses = dict(session.execute(select(Ip.hostname, Ip.status).where(Ip.status != "retired")).all())
    opened = select(Alert.key, Alert.kind, Alert.severity, Alert.changed_at).where(
        Alert.closed_at.is_(None), Alert.kind.in_(_OF_SENDERS)
    )
    for key, kind, severity, changed_at in session.execute(opened.order_by(Alert.key)).all():
        status = statuses.get(key.partition("/")[2])
        news = kind == "warmup" and severity == "info"
        rested = kind == "warmup" and not news and status != "resting"
        if status is None or rested or (news and changed_at <= now - NEWS):
            alerts.over(session, key)
