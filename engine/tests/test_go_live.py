# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody who is new sends before its DNS is green; faults of the DNS are told, and move nothing; few leave service in a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from email_engine.jobs.sweep import Sweep
from email_engine.store.models import Alert, AuditRow, CheckRun, Incident, Ip, Job, WarmupPlan
from members import POLICY, check_dns, show
from samples import declare, fleet, sender

ACTIVE = {"status": "active", "phase": None, "daily_quota": 4000}
NOW = datetime.now(UTC)


def at(minutes):
    return (NOW - timedelta(hours=1) + timedelta(minutes=minutes)).isoformat()


def declared(app, admin, *senders, made_at="2026-11-22T00:00:00Z"):
    answer = declare(app, admin, fleet(*senders), made_at, wait=True, policy=POLICY, mtas=["vps2"])
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json()["fleet"]["senders"]}


def within(app, do):
    with app.state.sessions() as session, session.begin():
        return do(session)


def incidents(app):
    wanted = select(Incident.kind, Incident.closed_at.is_(None)).order_by(Incident.id)
    return within(app, lambda session: [tuple(row) for row in session.execute(wanted)])


class TestGoLive:
    def test_who_is_declared_to_send_waits(self, app, client, admin):
        found = declared(app, admin, sender(1), sender(2, **ACTIVE), sender(3, status="standby", phase=None))
        assert {(one["status"], one["phase"]) for one in found.values()} == {("standby", None)}
        assert show(client, admin, "m1.sos.test")["starts_as"] == {"status": "warming", "phase": "week_1"}
        reserve = {n: show(client, admin, f"m{n}.sos.test")["reserve"] for n in (1, 2, 3)}
        assert reserve == {1: False, 2: False, 3: True}

    def test_it_goes_live_as_declared_once_its_dns_is_green(self, app, client, admin):
        declared(app, admin, sender(1, phase="ramp", daily_quota=100), sender(2, **ACTIVE), sender(3))
        names = [f"m{n}.sos.test" for n in (1, 2, 3)]
        assert check_dns(client, admin, "unknown", *names, at=at(1), verdict="unknown").json()["started"] == []
        assert check_dns(client, admin, "no", *names, at=at(2), verdict="wrong").json()["started"] == []
        answer = check_dns(client, admin, "yes", *names, at=at(3)).json()
        assert answer["started"] == names and answer["job"]
        found = [show(client, admin, name) for name in names]
        assert [(one["status"], one["phase"], one["daily_quota"]) for one in found] == [
            ("warming", "ramp", 100),
            ("active", None, 4000),
            ("warming", "week_1", 50),
        ]
        assert all(one["starts_as"] is None for one in found)
        plans = within(
            app,
            lambda s: dict(s.execute(select(Ip.hostname, WarmupPlan.paused).join(Ip, Ip.id == WarmupPlan.ip_id)).all()),
        )
        assert plans == {names[0]: False, names[2]: False}

    def test_a_listing_keeps_it_back(self, app, client, admin):
        declared(app, admin, sender(1))
        listed = """INSERT INTO blacklist_events (tenant_id, ip_id, blacklist_name, codes, severity)
            SELECT tenant_id, id, 'zen', '{}', 'critical' FROM ips"""
        within(app, lambda session: session.execute(text(listed)))
        assert check_dns(client, admin, "yes", "m1.sos.test", at=at(1)).json()["started"] == []

    def test_it_costs_no_budget_and_a_held_tenant_has_none(self, app, client, admin):
        declared(app, admin, *(sender(n) for n in (1, 2, 3)))
        within(app, lambda session: session.execute(text("UPDATE tenants SET held_reason = 'x'")))
        names = [f"m{n}.sos.test" for n in (1, 2, 3)]
        assert check_dns(client, admin, "yes", *names, at=at(1)).json()["started"] == []
        within(app, lambda session: session.execute(text("UPDATE tenants SET held_reason = NULL")))
        assert check_dns(client, admin, "yes", *names, at=at(2)).json()["started"] == names
        counted = select(func.count()).select_from(AuditRow).where(AuditRow.evidence.contains({"after_listing": True}))
        assert within(app, lambda session: session.scalar(counted)) == 0

    def test_who_is_known_keeps_what_it_is(self, app, client, admin):
        declared(app, admin, sender(1))
        check_dns(client, admin, "yes", "m1.sos.test", at=at(1))
        found = declared(app, admin, sender(1, **ACTIVE), made_at="2026-11-23T00:00:00Z")
        assert found["m1.sos.test"]["status"] == "warming"

    @pytest.mark.parametrize(
        ("changes", "starts_as", "reserve"),
        [
            (ACTIVE, {"status": "active", "phase": None}, False),
            ({"phase": "ramp"}, {"status": "warming", "phase": "ramp"}, False),
            ({"status": "standby", "phase": None}, None, True),
        ],
    )
    def test_while_it_waits_the_inventory_may_say_otherwise(self, app, client, admin, changes, starts_as, reserve):
        declared(app, admin, sender(1))
        declared(app, admin, sender(1, **changes), made_at="2026-11-23T00:00:00Z")
        found = show(client, admin, "m1.sos.test")
        assert (found["status"], found["starts_as"], found["reserve"]) == ("standby", starts_as, reserve)

    def test_the_same_declaration_again_changes_nothing(self, app, client, admin):
        declared(app, admin, sender(1))
        before = client.get("/api/v1/fleet", headers=admin).headers["ETag"]
        declared(app, admin, sender(1), made_at="2026-11-23T00:00:00Z")
        assert client.get("/api/v1/fleet", headers=admin).headers["ETag"] == before


class TestFaultsOfTheDns:
    @pytest.fixture
    def live(self, app, client, admin):
        declared(app, admin, sender(1), sender(2))
        check_dns(client, admin, "yes", "m1.sos.test", "m2.sos.test", at=at(0))
        within(app, lambda session: session.execute(text("DELETE FROM jobs")))

    def look(self, client, admin, green, minute):
        verdict = {"yes": "ok", "no": "wrong", "unknown": "unknown"}[green]
        return check_dns(client, admin, green, "m1.sos.test", at=at(minute), verdict=verdict)

    def test_a_second_look_makes_it_an_incident_and_moves_nothing(self, app, client, admin, live):
        self.look(client, admin, "no", 1)
        assert incidents(app) == []
        self.look(client, admin, "no", 1)
        assert incidents(app) == [], "the same report again is the same look"
        self.look(client, admin, "no", 2), self.look(client, admin, "no", 3)
        assert incidents(app) == [("dns", True)]
        assert show(client, admin, "m1.sos.test")["status"] == "warming"
        assert within(app, lambda session: session.scalar(select(func.count()).select_from(Job))) == 0

    def test_unknown_between_them_starts_anew_and_green_closes(self, app, client, admin, live):
        for minute, green in enumerate(("no", "unknown", "no"), 1):
            self.look(client, admin, green, minute)
        assert incidents(app) == []
        self.look(client, admin, "no", 5)
        self.look(client, admin, "unknown", 6)
        assert incidents(app) == [("dns", True)]
        self.look(client, admin, "yes", 7)
        assert incidents(app) == [("dns", False)]

    def test_red_once_is_looked_at_again_soon(self, app, client, admin, live, tmp_path):
        self.look(client, admin, "no", 1)
        settings = app.state.settings.model_copy(update={"work": tmp_path})
        Sweep(app.state.sessions, settings).run()
        asked = select(Job.kind, Job.arguments)
        found = within(app, lambda session: [tuple(row) for row in session.execute(asked)])
        assert ("dns_check", {"senders": ["m1.sos.test"]}) in found

    @pytest.mark.parametrize("mta", ["unknown", "ok"])
    def test_a_check_that_sees_nothing_is_told(self, app, client, admin, live, mta):
        """What the MTA hosts show is not seen in the DNS."""
        names = ("m1.sos.test", "m2.sos.test")
        check_dns(client, admin, "unknown", *names, at=at(1), verdict="unknown", mta=mta)
        opened = select(Alert.key).where(Alert.closed_at.is_(None))
        assert within(app, lambda session: session.scalars(opened).all()) == ["blind/dns"]
        assert within(app, lambda session: session.scalar(select(CheckRun.state))) == "blind"
        check_dns(client, admin, "yes", *names, at=at(2))
        assert within(app, lambda session: session.scalars(opened).all()) == []


class TestFewLeaveInADay:
    """Of five senders two may go in a day, whoever asks."""

    @pytest.fixture
    def five(self, app, client, admin):
        declared(app, admin, *(sender(n) for n in range(1, 6)))
        check_dns(client, admin, "yes", *(f"m{n}.sos.test" for n in range(1, 6)), at=at(0))

    def ask(self, client, admin, number, verb="retire", **body):
        given = {"reason": "rotation", **body}
        return client.post(f"/api/v1/ips/m{number}.sos.test:{verb}", headers=admin, json=given)

    def test_the_third_one_is_refused(self, client, admin, five):
        assert self.ask(client, admin, 1, days=0).json()["sender"]["status"] == "retiring"
        assert self.ask(client, admin, 2, "move", event="rest").status_code == 200
        for answer in (
            self.ask(client, admin, 3, days=0),
            self.ask(client, admin, 4, days=5),
            self.ask(client, admin, 5, "move", event="rest"),
            self.ask(client, admin, 5, "move", event="retire"),
        ):
            assert answer.status_code == 409 and "no more than 2" in answer.json()["reasons"][0]

    def test_a_stop_is_never_refused(self, client, admin, five):
        for n in (1, 2, 3, 4, 5):
            assert self.ask(client, admin, n, "move", event="listed").status_code == 200

    def test_a_warm_down_counts_and_begins_once(self, app, client, admin, five):
        assert self.ask(client, admin, 1).json()["sender"]["status"] == "warming"
        plan = within(
            app, lambda session: session.scalars(select(WarmupPlan).where(WarmupPlan.down_until.is_not(None))).one()
        )
        assert plan.down_from == 50
        assert self.ask(client, admin, 2, days=0).status_code == 202
        assert self.ask(client, admin, 3, days=0).status_code == 409

    def test_a_day_later_it_goes_on(self, app, client, admin, five, database):
        from test_failover import ago

        self.ask(client, admin, 1, days=0), self.ask(client, admin, 2, days=0)
        ago(database, 1)
        assert self.ask(client, admin, 3, days=0).status_code == 202


def test_a_persons_listing_stops_at_once(app, client, admin):
    declared(app, admin, sender(1))
    check_dns(client, admin, "yes", "m1.sos.test", at=at(0))
    within(app, lambda session: session.execute(update(Job).values(state="succeeded")))
    body = {"event": "listed", "reason": "a receiver says so"}
    client.post("/api/v1/ips/m1.sos.test:move", headers=admin, json=body)
    queued = select(Job.kind, Job.lane).where(Job.state == "queued").order_by(Job.number)
    assert within(app, lambda session: [tuple(row) for row in session.execute(queued)]) == [
        ("stop", "stop"),
        ("converge", "converge"),
    ]
