# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds: made at once, ended by the clock or a person, and never mixed up with a person's own stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from email_engine.jobs.kinds import variables
from email_engine.jobs.sweep import Sweep
from email_engine.settings import Settings
from email_engine.store import halts, holds, jobs, stops
from email_engine.store.audit import Actor
from email_engine.store.models import AuditRow, Ip, Job
from samples import declare, fleet, sender, tenant

WHO = Actor("warmup")


@pytest.fixture
def sessions(app, admin):
    assert declare(app, admin, fleet(sender(1), sender(2), sender(3, "other"), tenants=[tenant(), tenant("other")]))
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'warming', phase = 'week_1', starts_as = NULL, reserve = false"))
        session.execute(text("DELETE FROM jobs"))
    return app.state.sessions


def of(session, number=1):
    return session.scalars(select(Ip).where(Ip.hostname == f"m{number}.sos.test")).one()


def hold(sessions, reason="too much today", hours=1, number=1):
    with sessions() as session, session.begin():
        until = session.scalar(select(func.now())) + timedelta(hours=hours)
        return holds.hold(session, WHO, of(session, number), reason, until)


def lift(sessions):
    with sessions() as session, session.begin():
        return holds.lift_due(session)


def over(sessions):
    with sessions() as session, session.begin():
        session.execute(
            update(Ip).values(hold_until=func.now() - timedelta(seconds=1)).where(Ip.hold_until.is_not(None))
        )


def asked(sessions):
    with sessions() as session:
        rows = session.scalars(select(Job).where(Job.state == "queued").order_by(Job.number))
        return [(job.kind, job.lane, job.arguments.get("senders")) for job in rows]


def done(sessions):
    with sessions() as session, session.begin():
        session.execute(update(Job).values(state="succeeded"))


def shown(client, admin, number=1):
    found = client.get(f"/api/v1/ips/m{number}.sos.test", headers=admin).json()
    return found["paused"], found["reasons"]


def test_it_stops_at_once_and_says_why(sessions, client, admin):
    assert hold(sessions)
    assert asked(sessions) == [("stop", "stop", ["m1.sos.test"]), ("converge", "converge", None)]
    assert shown(client, admin) == (True, ["too much today"]) and shown(client, admin, 2) == (False, [])
    with sessions() as session:
        stop = session.scalars(select(Job).where(Job.kind == "stop")).one()
        assert variables("stop", stop.arguments)["stop_by_engine"] is True
        row = session.scalars(select(AuditRow).where(AuditRow.action == "on hold")).one()
        assert (row.actor, row.target, row.reason) == ("warmup", "sender m1.sos.test", "too much today")


def test_asked_again_nothing_happens_and_the_longer_one_counts(sessions):
    assert hold(sessions, hours=2)
    done(sessions)
    assert not hold(sessions, "another", hours=1) and asked(sessions) == []
    assert hold(sessions, "for longer", hours=3)
    with sessions() as session:
        assert of(session).hold_reason == "for longer"


def test_it_ends_by_the_clock(sessions, client, admin):
    hold(sessions)
    done(sessions)
    assert lift(sessions) == []
    over(sessions)
    assert lift(sessions) == ["m1.sos.test"] and lift(sessions) == []
    assert asked(sessions) == [("resume", "converge", ["m1.sos.test"])]
    assert shown(client, admin) == (False, [])


def test_a_persons_stop_outlasts_it(sessions, client, admin):
    hold(sessions)
    done(sessions)
    with sessions() as session, session.begin():
        stops.sender(session, Actor("ops"), of(session), True, "I looked at it")
    done(sessions)
    over(sessions)
    assert lift(sessions) == ["m1.sos.test"]
    assert shown(client, admin) == (True, ["I looked at it"])
    with sessions() as session:
        resume = session.scalars(select(Job).where(Job.state == "queued")).one()
        assert resume.arguments["by_engine"] is True, "on the host only the engine's own stop is lifted"


def test_a_person_may_end_it(sessions, client, admin):
    hold(sessions)
    why = {"reason": "it was a test"}
    answer = client.post("/api/v1/ips/m1.sos.test:resume", headers=admin, json=why).json()
    assert answer["changed"] and shown(client, admin) == (False, [])
    with sessions() as session:
        states = dict(session.execute(select(Job.kind, Job.state).where(Job.kind == "stop")).all())
        assert states == {"stop": "cancelled"}, "it had not begun, and would come after the resume"


def test_a_listing_outlasts_it(sessions):
    hold(sessions)
    done(sessions)
    with sessions() as session, session.begin():
        session.execute(update(Ip).values(status="quarantine").where(Ip.hostname == "m1.sos.test"))
    over(sessions)
    assert lift(sessions) == ["m1.sos.test"] and asked(sessions) == []


def test_it_is_not_lifted_before_its_stop_arrived(sessions):
    """A stop of several that runs after the resume would stop it again, and nobody would know."""
    with sessions() as session, session.begin():
        session.execute(update(Ip).values(hold_reason="x", hold_until=func.now()).where(Ip.hostname == "m1.sos.test"))
        both = {"senders": ["m1.sos.test", "m2.sos.test"], "by_engine": True, "reason": "x"}
        jobs.enqueue(session, WHO, "stop", arguments=both)
    over(sessions)
    assert lift(sessions) == []
    done(sessions)
    assert lift(sessions) == ["m1.sos.test"]


def test_a_persons_resume_leaves_the_stop_of_another_alone(sessions, client, admin):
    with sessions() as session, session.begin():
        both = {"senders": ["m1.sos.test", "m2.sos.test"], "by_engine": True, "reason": "listed"}
        jobs.enqueue(session, WHO, "stop", arguments=both)
    client.post("/api/v1/ips/m1.sos.test:resume", headers=admin, json={"reason": "x"})
    assert ("stop", "stop", both["senders"]) in asked(sessions)


# Stops that did not arrive


def stopped(sessions, **values):
    """The engine's stops and resumes change so, as their workers would have them."""
    with sessions() as session, session.begin():
        session.execute(update(Job).where(Job.kind == values.pop("kind", "stop")).values(**values))


def again(sessions):
    with sessions() as session, session.begin():
        return halts.again(session)


def ago(minutes):
    return func.now() - timedelta(minutes=minutes)


def quarantined(sessions, number=1):
    with sessions() as session, session.begin():
        ip = of(session, number)
        ip.status = "quarantine"
        halts.halt(session, WHO, [ip], "listed")


@pytest.mark.parametrize("stop", [hold, quarantined])
def test_a_stop_that_failed_is_made_again_and_less_and_less_often(sessions, stop):
    stop(sessions)
    assert again(sessions) == [], "it is on its way"
    for wait in (1, 2, 4, 8, 15, 15):
        done(sessions)
        stopped(sessions, state="failed", started_at=ago(60), finished_at=ago(wait - 0.5))
        assert again(sessions) == [], wait
        stopped(sessions, finished_at=ago(wait + 0.1))
        assert again(sessions) == ["m1.sos.test"] and again(sessions) == [], wait
        assert asked(sessions) == [("stop", "stop", ["m1.sos.test"]), ("converge", "converge", None)]
    with sessions() as session:
        last = session.scalars(select(Job).where(Job.kind == "stop").order_by(Job.number.desc())).first()
        assert last.arguments["by_engine"] is True and last.arguments["reason"] in ("listed", "too much today")


@pytest.mark.parametrize("state", ["succeeded", "cancelled"])
def test_a_stop_that_arrived_or_that_a_person_cancelled_is_not(sessions, state):
    hold(sessions)
    done(sessions)
    stopped(sessions, state=state, started_at=ago(60), finished_at=ago(60))
    assert again(sessions) == []


def test_whose_hold_is_over_is_not_stopped_again(sessions):
    hold(sessions)
    done(sessions)
    stopped(sessions, state="failed", started_at=ago(60), finished_at=ago(60))
    over(sessions)
    assert again(sessions) == []


def test_a_host_that_is_away_holds_up_no_other(sessions):
    with sessions() as session, session.begin():
        for number, mta in ((1, "vps2"), (2, "vps5"), (3, "vps2")):
            ip = (
                of(session, number)
                if number != 3
                else session.scalars(select(Ip).where(Ip.hostname == "m3.other.test")).one()
            )
            ip.status, ip.mta = "quarantine", mta
        halts.halt(session, WHO, session.scalars(select(Ip)).all(), "listed")
    done(sessions)
    stopped(sessions, state="failed", started_at=ago(60), finished_at=ago(60))
    assert again(sessions) == ["m1.sos.test", "m2.sos.test", "m3.other.test"]
    assert [one[2] for one in asked(sessions) if one[0] == "stop"] == [
        ["m1.sos.test", "m3.other.test"],
        ["m2.sos.test"],
    ]


def test_a_resume_that_dies_after_the_stop_undoes_nothing(sessions):
    """Its playbook takes a moment to end, and may lift on the hosts what the stop has just made."""
    hold(sessions)
    done(sessions)
    stopped(sessions, started_at=ago(60), finished_at=ago(60))
    over(sessions)
    assert lift(sessions) == ["m1.sos.test"]
    stopped(sessions, kind="resume", state="running", started_at=ago(5))
    hold(sessions, "too much again", hours=2)
    with sessions() as session, session.begin():
        assert session.scalars(select(Job.cancel_asked_by).where(Job.kind == "resume")).one() == "warmup"
        session.execute(
            update(Job)
            .where(Job.kind != "resume", Job.state == "queued")
            .values(state="succeeded", started_at=ago(4), finished_at=ago(3))
        )
    assert again(sessions) == [], "it is not over yet"
    stopped(sessions, kind="resume", state="cancelled", finished_at=ago(2))
    assert again(sessions) == ["m1.sos.test"]
    with sessions() as session, session.begin():
        session.execute(
            update(Job)
            .where(Job.state == "queued")
            .values(state="succeeded", started_at=ago(1), finished_at=func.now())
        )
    assert again(sessions) == [], "one that began after the resume's end stands"


def test_the_sweep_sees_to_it(sessions, database, tmp_path):
    settings = Settings(database=database["email_engine"], redis="unix:///none", key_pepper="pepper", work=tmp_path)
    quarantined(sessions)
    done(sessions)
    stopped(sessions, state="failed", started_at=ago(60), finished_at=ago(60))
    Sweep(sessions, settings).run()
    assert ("stop", "stop", ["m1.sos.test"]) in asked(sessions)
