# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for a person is told each day, once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text

from email_engine.store import alerts
from email_engine.store.models import AuditRow, Incident, Ip
from members import declared

# The day on which clocks go forward in Europe.
NOW = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)


@pytest.fixture
def waiting(app, admin):
    """An open incident of m1, and m2 at the end of its quarantine."""
    declared(app, admin)
    with app.state.sessions() as session, session.begin():
        first, second, _third = session.scalars(select(Ip).order_by(Ip.id)).all()
        session.add(Incident(tenant_id=first.tenant_id, ip_id=first.id, kind="listed", summary="SBL"))
        second.status, second.until = "quarantine", NOW - timedelta(seconds=1)
    return {"incident 1", "sender m2.sos.test"}


def told(app, now=NOW):
    with app.state.sessions() as session, session.begin():
        return {one.target for one in alerts.raise_due(session, now)}


def test_it_is_told_again_each_day_until_somebody_acts(app, waiting):
    assert told(app) == waiting
    assert told(app) == told(app, NOW + timedelta(hours=23, minutes=59)) == set()
    assert told(app, NOW + timedelta(days=1)) == waiting
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE incidents SET closed_at = now(), cause = 'x'"))
        session.execute(text("UPDATE ips SET status = 'retired' WHERE hostname = 'm2.sos.test'"))
    assert told(app, NOW + timedelta(days=2)) == set()


def test_it_says_what_to_do_and_leaves_a_trace(app, waiting):
    with app.state.sessions() as session, session.begin():
        found = {one.target: (one.tenant, one.why) for one in alerts.raise_due(session, NOW)}
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "alerted")).all()
    assert found == {
        "incident 1": ("sos", "SBL: close it with its cause"),
        "sender m2.sos.test": ("sos", "its quarantine is over: release it or retire it"),
    }
    assert {row.target: row.reason for row in rows} == {target: why for target, (_, why) in found.items()}


def test_a_sender_with_an_open_incident_is_told_of_by_that(app, waiting):
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'quarantine', until = now() - interval '9 days'"))
    assert "sender m1.sos.test" not in told(app)


def test_a_quarantine_that_lasts_waits_for_nobody(app, waiting):
    assert told(app, NOW - timedelta(seconds=2)) == {"incident 1"}


@pytest.mark.parametrize("hours", [-11, 0, 5])
def test_the_day_is_the_same_in_every_time_zone(app, waiting, hours):
    zone = timezone(timedelta(hours=hours))
    assert told(app, NOW.astimezone(zone)) == waiting
    assert told(app, (NOW + timedelta(hours=23)).astimezone(UTC)) == set()
    assert told(app, (NOW + timedelta(hours=24)).astimezone(zone)) == waiting


def test_what_was_told_in_vain_is_told_again(app, waiting):
    """A sweep that dies before its commit has told nobody."""
    with app.state.sessions() as session:
        assert alerts.raise_due(session, NOW)
    assert told(app) == waiting


@pytest.mark.parametrize("what", ["incident 1", "sender m2.sos.test"])
def test_of_many_timers_at_once_one_tells(app, waiting, what):
    gate = threading.Barrier(8)
    with app.state.sessions() as session, session.begin():
        if what == "incident 1":
            session.execute(text("UPDATE ips SET status = 'active'"))
        else:
            session.execute(text("UPDATE incidents SET closed_at = now(), cause = 'x'"))
            session.execute(text("UPDATE ips SET until = now() - interval '1 hour'"))

    def fire(_):
        with app.state.sessions() as session, session.begin():
            gate.wait()
            return [one.target for one in alerts.raise_due(session)]

    with ThreadPoolExecutor(8) as pool:
        found = [target for targets in pool.map(fire, range(8)) for target in targets]
    assert found == [what]
