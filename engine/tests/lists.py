# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of blocklist checks, and a fleet they are about: sos has five that send and two reserves, other has three."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text, update

from email_engine.store.models import Alert, AuditRow, Incident, Ip, Job
from members import POLICY, check_dns, declared
from samples import fleet, sender, tenant

LISTS = {
    "zen": ("ip", "critical"),
    "psbl": ("ip", "major"),
    "dbl": ("domain", "critical"),
    "uce3": ("ip", "information"),
}
SENDING = [f"m{n}.sos.test" for n in (1, 2, 3, 4, 5)]
RESERVES = ["m6.sos.test", "m7.sos.test"]
OTHERS = [f"m{n}.other.test" for n in (11, 12, 13)]
EVERYBODY = [*SENDING, *RESERVES, *OTHERS]


def populate(app, client, admin, size=0, **policy):
    """size: more senders of a third tenant, so that a few are no mass."""
    wanted = [
        *(sender(n) for n in (1, 2, 3, 4, 5)),
        *(sender(n, status="standby", phase=None) for n in (6, 7)),
        *(sender(n, "other") for n in (11, 12, 13)),
        *(sender(n, "third") for n in range(101, 101 + size)),
    ]
    tenants = [tenant(name) for name in ("sos", "other", "third")[: 3 if size else 2]]
    more = {"policy": {**POLICY, "brakes": policy}}
    declared(app, admin, fleet(*wanted, tenants=tenants), **more)
    with app.state.sessions() as session, session.begin():
        live = {"status": "warming", "phase": "week_1", "starts_as": None, "reserve": False}
        session.execute(update(Ip).where(Ip.hostname.not_in(RESERVES)).values(**live))
        session.execute(text("UPDATE ips SET reserve = true WHERE status = 'standby'"))
        session.execute(text("DELETE FROM jobs"))
    check_dns(client, admin, "yes", *EVERYBODY, at=datetime.now(UTC).isoformat())
    with app.state.sessions() as session, session.begin():
        session.execute(text("DELETE FROM jobs"))


class Check:
    """Reports, each a little later than the one before, and all in the past."""

    def __init__(self, app, client, admin):
        self.app, self.client, self.admin = app, client, admin
        self.at = datetime.now(UTC) - timedelta(hours=2)

    def body(self, listed=(), unknown=(), states=None, controls=None, names=EVERYBODY, **more):
        """listed: {name: list or [lists] or {list: severity}}. unknown: names of lists that gave no answer. states: of lists."""
        listed = dict(listed)
        lists = [
            {"name": name, "zone": f"{name}.test", "kind": kind, "state": (states or {}).get(name, "healthy")}
            | {"severity": severity}
            for name, (kind, severity) in LISTS.items()
        ]
        senders = [{"name": name, "verdicts": self._verdicts(name, listed.get(name, ()), unknown)} for name in names]
        said = [{"list": name, "target": "192.0.2.1", "verdict": verdict} for name, verdict in (controls or {}).items()]
        self.at += timedelta(seconds=1)
        whole = {"checked_at": self.at.isoformat(), "resolver": {"verdict": "healthy", "reasons": []}, "round": "first"}
        return {**whole, "lists": lists, "controls": said, "senders": senders, **more}

    def _verdicts(self, name, listed, unknown):
        listed = [listed] if isinstance(listed, str) else listed
        severities = listed if isinstance(listed, dict) else {}
        found = []
        for one, (kind, severity) in LISTS.items():
            about = {"list": one, "target": name if kind == "domain" else f"198.19.0.{name[1:].partition('.')[0]}"}
            if one in listed:
                says = {
                    "severity": severities.get(one, severity),
                    "codes": ["127.0.0.2"],
                    "meaning": "a source of spam",
                }
                found.append({**about, "verdict": "listed", **says})
            else:
                found.append({**about, "verdict": "unknown" if one in unknown else "clean"})
        return found

    def post(self, body):
        answer = self.client.post("/api/v1/checks/dnsbl", headers=self.admin, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def __call__(self, listed=(), **more):
        return self.post(self.body(listed, **more))

    # What the database says afterwards

    def within(self, do):
        with self.app.state.sessions() as session, session.begin():
            return do(session)

    def statuses(self):
        return self.within(lambda session: dict(session.execute(select(Ip.hostname, Ip.status)).all()))

    def sender(self, name):
        return self.within(lambda session: session.scalars(select(Ip).where(Ip.hostname == name)).one())

    def jobs(self):
        def read(session):
            rows = session.scalars(select(Job).where(Job.state == "queued").order_by(Job.number))
            return [(job.kind, job.lane, job.arguments.get("senders")) for job in rows]

        return self.within(read)

    def done(self):
        self.within(lambda session: session.execute(update(Job).values(state="succeeded")))

    def incidents(self, kind=None):
        wanted = select(Incident).where(Incident.closed_at.is_(None)).order_by(Incident.id)
        wanted = wanted if kind is None else wanted.where(Incident.kind == kind)
        return self.within(lambda session: session.scalars(wanted).all())

    def alerts(self):
        wanted = select(Alert).where(Alert.closed_at.is_(None))
        return self.within(lambda session: {one.key: one for one in session.scalars(wanted)})

    def told(self):
        """How often an alert was opened or changed."""
        wanted = select(func.count()).select_from(AuditRow).where(AuditRow.action == "alerted")
        return self.within(lambda session: session.scalar(wanted))

    def audit(self, *actions):
        wanted = select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.id)
        return self.within(lambda session: session.scalars(wanted).all())

    def close(self, incident, cause="a bought list"):
        url = f"/api/v1/incidents/{incident.id}:close"
        assert self.client.post(url, headers=self.admin, json={"cause": cause}).status_code == 200
