# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts begin, change and end once, however often and from wherever the fault is found."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

import samples
from email_engine.store import alerts, failures, jobs, waiting
from email_engine.store.audit import Actor
from email_engine.store.models import Alert, AuditRow, CheckRun, DnsCheck, Incident, Ip, Job, Tenant
from members import declared

# The day on which clocks go forward in Europe.
NOW = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
FAULT = {
    "key": "listing/m1.sos.test",
    "kind": "listing",
    "severity": "critical",
    "subject": "m1.sos.test is on a list",
    "text": "zen.spamhaus.org: 127.0.0.2",
    "remedy": "Look why.",
}


def within(app, do):
    with app.state.sessions() as session, session.begin():
        return do(session)


def tell(app, **changes):
    return within(app, lambda session: alerts.tell(session, **{**FAULT, **changes}))


def opened(app):
    """Open alerts: key to subject."""
    wanted = select(Alert.key, Alert.subject).where(Alert.closed_at.is_(None))
    return within(app, lambda session: dict(session.execute(wanted).all()))


def audited(app):
    rows = select(AuditRow.action, AuditRow.target).where(AuditRow.actor == "alerts").order_by(AuditRow.id)
    found = within(app, lambda session: [tuple(row) for row in session.execute(rows)])
    return [one for one in found if not one[1].startswith("alert late/")]


def test_it_begins_changes_and_ends_once(app):
    assert [tell(app) for _ in range(50)] == [True] + [False] * 49
    assert [tell(app, text="and another list") for _ in range(3)] == [True, False, False]
    assert [within(app, lambda session: alerts.over(session, FAULT["key"])) for _ in range(3)] == [True, False, False]
    assert audited(app) == [("alerted", "sender m1.sos.test")] * 2 + [("alert ended", "sender m1.sos.test")]
    assert tell(app), "what comes back is a new one"
    assert len(within(app, lambda session: session.scalars(select(Alert)).all())) == 2


@pytest.mark.parametrize("part", ["severity", "subject", "text", "remedy"])
def test_each_part_that_is_told_counts(app, part):
    tell(app)
    assert tell(app, **{part: "warning" if part == "severity" else "another"})


def test_of_many_who_find_it_at_once_one_opens_it(app):
    gate = threading.Barrier(8)

    def find(_):
        with app.state.sessions() as session, session.begin():
            gate.wait()
            return alerts.tell(session, **FAULT)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(find, range(8))) == [False] * 7 + [True]


def test_what_was_undone_was_not_told(app):
    with app.state.sessions() as session:
        assert alerts.tell(session, **FAULT)
    assert opened(app) == {} and audited(app) == []


def test_texts_are_short_and_without_secrets(app):
    key = "ee_0a1b2c3d_" + "A" * 43
    tell(app, subject="a\nb " * 100, text=f"{key} password=hunter2 {'x' * 9999}", remedy="nul\x00")
    (row,) = within(app, lambda session: session.scalars(select(Alert)).all())
    assert "\n" not in row.subject and len(row.subject) <= alerts.SUBJECT and len(row.text) <= alerts.BODY
    assert key not in row.text and "hunter2" not in row.text
    assert key not in str(within(app, lambda session: [one.evidence for one in session.scalars(select(AuditRow))]))


@pytest.fixture
def fleet(app, admin):
    """An open incident of m1, and m2 at the end of its quarantine."""
    declared(app, admin)
    with app.state.sessions() as session, session.begin():
        first, second, _third = session.scalars(select(Ip).order_by(Ip.id)).all()
        session.add(Incident(tenant_id=first.tenant_id, ip_id=first.id, kind="listing", summary="SBL"))
        second.status, second.until = "quarantine", NOW - timedelta(seconds=1)


def look(app, now=NOW):
    """What is told of, but for checks, which do not run here."""
    within(app, lambda session: waiting.look(session, now))
    return {key for key in opened(app) if not key.startswith(("late/", "lane/"))}


def late(app, now):
    look(app, now)
    return {key for key in opened(app) if key.startswith("late/")}


def test_what_waits_for_a_person_is_alerted_until_somebody_acts(app, fleet):
    assert look(app) == look(app, NOW + timedelta(days=1)) == {"incident/1", "waiting/m2.sos.test"}
    assert opened(app)["waiting/m2.sos.test"].endswith("its quarantine is over: release it or retire it")
    assert sorted(audited(app)) == [("alerted", "alert incident/1"), ("alerted", "sender m2.sos.test")]
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE incidents SET closed_at = now(), cause = 'x'"))
        session.execute(text("UPDATE ips SET status = 'retired' WHERE hostname = 'm2.sos.test'"))
    assert look(app) == set()


def test_a_sender_with_an_open_incident_is_told_of_by_that(app, fleet):
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'quarantine', until = now() - interval '9 days'"))
    assert "waiting/m1.sos.test" not in look(app)


def test_a_quarantine_that_lasts_waits_for_nobody(app, fleet):
    assert look(app, NOW - timedelta(seconds=2)) == {"incident/1"}


def test_an_incident_that_an_alert_tells_of_is_not_told_twice(app, fleet):
    tell(app)
    assert look(app) == {FAULT["key"], "waiting/m2.sos.test"}
    within(app, lambda session: alerts.over(session, FAULT["key"]))
    assert look(app) == {"incident/1", "waiting/m2.sos.test"}, "the listing is gone, the incident still open"
    tell(app)
    assert "incident/1" in look(app), "an incident that is open has not ended"


def test_an_incident_of_another_kind_is_told_with_its_evidence(app, fleet):
    tell(app)
    evidence = {"listings": [{"list": "zen", "codes": ["127.0.0.11"], "meaning": None}], "note": "PBL", "nothing": []}
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).order_by(Ip.id)).first()
        row = {
            "tenant_id": ip.tenant_id,
            "ip_id": ip.id,
            "kind": "configuration",
            "summary": "PBL",
            "evidence": evidence,
        }
        session.add(Incident(**row))
    assert "incident/2" in look(app) and "incident/1" not in look(app)
    (said,) = within(app, lambda session: session.scalars(select(Alert.text).where(Alert.key == "incident/2")).all())
    assert said == "listings: list zen, codes 127.0.0.11\nnote: PBL"


def dns(app, name, green, checked_at=NOW, streak=2, **more):
    edges = {
        "spf": {
            "verdict": "ok" if green == "yes" else "missing",
            "wanted": "v=spf1",
            "found": None,
            "remedy": "Publish it.",
        }
    }

    def put(session):
        ip = session.scalars(select(Ip).where(Ip.hostname == name)).one()
        for column, value in more.items():
            setattr(ip, column, value)
        session.execute(text("DELETE FROM dns_checks"))
        session.add(
            DnsCheck(
                tenant_id=ip.tenant_id, ip_id=ip.id, checked_at=checked_at, green=green, edges=edges, streak=streak
            )
        )

    within(app, put)


def test_dns_that_turns_red_is_alerted_and_only_green_ends_it(app, admin):
    declared(app, admin)
    dns(app, "m1.sos.test", "no", streak=1)
    assert look(app) == set(), "once is not enough"
    dns(app, "m1.sos.test", "no")
    assert look(app) == {"dns/m1.sos.test"} and "spf" in opened(app)["dns/m1.sos.test"]
    dns(app, "m1.sos.test", "unknown")
    assert look(app) == {"dns/m1.sos.test"}
    dns(app, "m1.sos.test", "yes", NOW - timedelta(days=9))
    assert look(app) == {"dns/m1.sos.test"}, "green long ago is unknown"
    dns(app, "m1.sos.test", "yes")
    assert look(app) == set()


@pytest.mark.parametrize(("hours", "alerted"), [(1, False), (3, True)])
def test_a_standby_has_time_to_get_its_dns(app, admin, hours, alerted):
    declared(app, admin)
    dns(app, "m1.sos.test", "no", status="standby", status_changed_at=NOW - timedelta(hours=hours))
    assert (look(app) == {"dns/m1.sos.test"}) == alerted


@pytest.mark.parametrize(("name", "hours"), [("dnsbl", 9), ("dns", 50), ("accounting/vps2", 1), ("warmup", 26)])
def test_a_check_that_stopped_running_is_alerted(app, name, hours):
    within(app, lambda session: session.add(CheckRun(name=name, at=NOW, state="ok")))
    assert late(app, NOW + timedelta(hours=hours)) == set()
    assert late(app, NOW + timedelta(hours=hours, seconds=1)) == {f"late/{name}"}
    assert late(app, NOW) == set()


@pytest.mark.parametrize(("lane", "kind"), [("mail", "inject"), ("stop", "stop"), ("converge", "converge")])
def test_a_lane_that_nobody_works_on_is_alerted(app, lane, kind):
    def look(minutes):
        with app.state.sessions() as session, session.begin():
            now = session.execute(select(func.now())).scalar_one() + timedelta(minutes=minutes)
            waiting.look(session, now)
        return {key: alert for key, alert in opened(app).items() if key.startswith("lane/")}

    with app.state.sessions() as session, session.begin():
        jobs.enqueue(session, Actor("test"), kind)
    assert not look(9)
    assert list(look(11)) == [f"lane/{lane}"]
    with app.state.sessions() as session, session.begin():
        session.execute(update(Job).values(state="running", worker="w", seen_at=func.now()))
    assert not look(11)


def test_a_check_that_never_ran_is_late_once_there_were_senders_for_long_enough(app, admin):
    assert late(app, NOW) == set(), "nobody to look after"
    declared(app, admin)
    within(app, lambda session: session.execute(update(Ip).values(created_at=NOW)))
    second = timedelta(seconds=1)
    known = set()
    for name, hours in (("accounting/vps2", 1), ("dnsbl", 9), ("warmup", 26), ("dns", 50)):
        assert late(app, NOW + timedelta(hours=hours)) == known
        known.add(f"late/{name}")
        assert late(app, NOW + timedelta(hours=hours) + second) == known
    assert "never ran" in opened(app)["late/dns"]
    within(app, lambda session: session.execute(update(Ip).values(status="retired")))
    assert late(app, NOW + timedelta(days=9)) == set()


def test_nobody_waits_for_the_accounting_of_an_mta_that_left(app, admin):
    declared(app, admin)
    runs = [CheckRun(name=f"accounting/{mta}", at=NOW, state="ok") for mta in ("vps2", "gone")]
    within(app, lambda session: session.add_all(runs))
    tell(app, key="gap/gone", kind="gap")
    then = NOW + timedelta(hours=2)
    assert {"late/accounting/vps2"} <= late(app, then) and "late/accounting/gone" not in opened(app)
    assert "gap/gone" not in opened(app)
    kept = within(app, lambda session: session.scalars(select(CheckRun.name)).all())
    assert kept == ["accounting/vps2"]


def test_an_mta_that_is_declared_is_waited_for_without_any_sender(app, admin):
    declared(app, admin, mtas=["vps2", "spare"])
    within(app, lambda session: session.add(CheckRun(name="accounting/spare", at=NOW, state="ok")))
    assert "late/accounting/spare" in late(app, NOW + timedelta(hours=2))


@pytest.mark.parametrize(
    ("status", "severity", "hours", "stays"),
    [
        ("resting", "critical", 200, True),
        ("warming", "critical", 0, False),
        ("quarantine", "critical", 0, False),
        ("retired", "critical", 0, False),
        ("warming", "info", 23, True),
        ("warming", "info", 25, False),
        ("retired", "info", 0, False),
    ],
)
def test_what_is_told_of_a_warm_up_ends(app, admin, status, severity, hours, stays):
    declared(app, admin)
    key = "warmup/m1.sos.test"
    tell(app, key=key, kind="warmup", severity=severity)

    def change(session):
        session.execute(update(Ip).where(Ip.hostname == "m1.sos.test").values(status=status))
        session.execute(update(Alert).values(changed_at=NOW - timedelta(hours=hours)))

    within(app, change)
    assert (key in look(app)) == stays


@pytest.mark.parametrize("kind", ["listing", "dns", "overshoot", "warmup"])
def test_what_is_told_of_a_sender_ends_with_it(app, admin, kind):
    declared(app, admin)
    status = "resting" if kind == "warmup" else "warming"
    within(app, lambda session: session.execute(update(Ip).values(status=status)))
    dns(app, "m1.sos.test", "no")
    for name in ("m1.sos.test", "m2.sos.test"):
        tell(app, key=f"{kind}/{name}", kind=kind)
    assert f"{kind}/m1.sos.test" in look(app)
    within(
        app, lambda session: session.execute(update(Ip).where(Ip.hostname == "m1.sos.test").values(status="retired"))
    )
    assert f"{kind}/m1.sos.test" not in look(app)
    assert (f"{kind}/m2.sos.test" in look(app)) == (kind != "dns")


def test_a_kind_of_job_that_fails_is_one_alert_until_it_succeeds(app):
    error = "vps2: Failed to connect to 192.0.2.{} after {} s"
    found = [within(app, lambda session, n=n: failures.tell(session, "collect", error.format(n, n))) for n in range(20)]
    assert found == [True] + [False] * 19
    assert within(app, lambda session: failures.tell(session, "collect", "another one"))
    assert within(app, lambda session: failures.over(session, "collect")) and opened(app) == {}


def test_a_tenant_sees_its_own_alerts_and_no_word_of_receivers(app, client, admin):
    declared(app, admin)
    numbers = within(app, lambda session: dict(session.execute(select(Tenant.name, Tenant.id)).all()))
    for name in ("sos", "other"):
        tell(app, key=f"listing/{name}", tenant_id=numbers[name])
    tell(app, key="blind/dnsbl", kind="blind", severity="warning")
    within(app, lambda session: session.execute(text("UPDATE alerts SET error = 'no answer'")))
    within(app, lambda session: alerts.over(session, "listing/other"))

    def keys(key, **chosen):
        answer = client.get("/api/v1/alerts", headers=key, params=chosen)
        assert answer.status_code == 200, answer.text
        return [one["key"] for one in answer.json()["items"]]

    mine, others = (samples.make_key(app, f"{name}'s", name) for name in ("sos", "other"))
    assert keys(admin) == ["listing/sos", "blind/dnsbl"] and keys(mine) == ["listing/sos"] and keys(others) == []
    assert keys(others, closed=True) == ["listing/other"] and keys(admin, severity="warning") == ["blind/dnsbl"]
    assert keys(admin, kind="listing") == ["listing/sos"] == keys(admin, tenant="sos")
    assert client.get("/api/v1/alerts", headers=mine, params={"tenant": "other"}).status_code == 404
    assert [client.get("/api/v1/alerts", headers=key).json()["items"][0]["error"] for key in (admin, mine)] == [
        "no answer",
        None,
    ]
    first = client.get("/api/v1/alerts", headers=admin, params={"limit": 1}).json()
    assert keys(admin, after=first["next"]) == ["blind/dnsbl"]
