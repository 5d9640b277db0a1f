# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus gets: as promtool wants it, as the documentation says it, of one moment, and of all processes."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.orm import sessionmaker

import lively
import samples
import servers
from email_engine.metrics.families import FAMILIES
from email_engine.metrics.fleet import Fleet
from email_engine.store.audit import Actor, record
from email_engine.store.models import DnsblVerdict, DnsCheck, Ip, QueueReport
from lively import LISTS, NOW

ROLE = "email_engine"
PAGE = Path(__file__).parents[2] / "docs/metrics.md"


def scrape(client):
    """Samples by name, then by the values of their labels: in the order of FAMILIES, else of the alphabet."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = FAMILIES[sample.name].labels if sample.name in FAMILIES else sorted(sample.labels)
            found.setdefault(sample.name, {})[tuple(sample.labels[name] for name in labels)] = sample.value
    return found


@pytest.fixture
def fleet(app, client, admin):
    lively.make(app, client, admin)
    with app.state.sessions() as session, session.begin():
        one = session.scalars(select(Ip).order_by(Ip.id)).first()
        session.add(QueueReport(tenant_id=one.tenant_id, ip_id=one.id, queued=17))
        record(session, Actor("key admin"), "applied", "fleet")
        samples.campaign_of(session, one)
    return client


def test_promtool_finds_nothing_but_the_seeds_name(fleet):
    if shutil.which("promtool") is None:
        pytest.fail("promtool is not installed: apt-get install prometheus")
    text = fleet.get("/metrics").text
    judged = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    # A gauge's name; but the seeds' dashboards ask for it.
    said = 'email_engine_ips_total non-counter metrics should not have "_total" suffix'
    assert (judged.stdout + judged.stderr).split("\n") == [said, ""]


def test_the_names_and_labels_of_the_seeds(fleet):
    found = scrape(fleet)
    assert found["email_engine_ips_total"] == {
        ("standby",): 1,
        ("warming",): 1,
        ("active",): 2,
        ("quarantine",): 1,
        ("resting",): 1,
        ("retiring",): 1,
        ("retired",): 0,
    }
    quotas = found["email_engine_warmup_quota"]
    assert len(quotas) == 7 and (quotas["198.19.0.1",], quotas["198.19.0.2",]) == (50, 1000)
    lists = found["email_engine_blacklist_status"]
    assert (lists["198.19.0.2", LISTS[0]], lists["198.19.0.1", LISTS[0]]) == (1, 0)
    # Unknown is no sample, and neither is a list that was never asked.
    assert {name for _ip, name in lists} == set(LISTS[:2]) and "198.19.0.4" not in {ip for ip, _name in lists}
    assert found["email_engine_blacklist_unknown"] == {(LISTS[0],): 0, (LISTS[1],): 0, (LISTS[2],): 6}
    assert found["email_engine_blacklist_unchecked"] == {(): 1}


def test_what_an_operator_needs(fleet):
    found = scrape(fleet)
    assert found["email_engine_sender_sent_today"]["198.19.0.3",] == 12_345
    assert (
        found["email_engine_sender_paused"]["198.19.0.3",] == 1
        and found["email_engine_sender_paused"]["198.19.0.1",] == 0
    )
    assert found["email_engine_sender_waiting"] == {("198.19.0.1",): 17}
    info = found["email_engine_sender_info"]
    assert info["198.19.0.2", "m2.sos.test", "sos", "vps2", "quarantine", "week_3"] == 1
    assert found["email_engine_incidents_open"] == {("complaints", "yes"): 1, ("listed", "no"): 1}
    oldest = found["email_engine_incident_oldest_timestamp_seconds"]["listed", "no"]
    assert oldest == pytest.approx((NOW - timedelta(hours=26)).timestamp())
    assert found["email_engine_waiting_for_person"] == {("other",): 0, ("sos",): 1}
    assert found["email_engine_dns_senders"] == {("yes",): 5, ("no",): 1, ("unknown",): 1}
    assert found["email_engine_dns_edges"]["spf", "missing"] == 1
    jobs = found["email_engine_jobs"]
    assert len(jobs) == 20 and (jobs["stop", "queued"], jobs["converge", "running"], jobs["stop", "failed"]) == (
        1,
        1,
        0,
    )
    assert {lane for (lane,) in found["email_engine_job_oldest_queued_timestamp_seconds"]} == {"converge", "stop"}
    assert found["email_engine_converge_success_timestamp_seconds"][()] == pytest.approx(NOW.timestamp(), abs=6 * 3600)
    assert found["email_engine_declaration_made_timestamp_seconds"][()] == pytest.approx(NOW.timestamp())
    assert found["email_engine_audit_rows_total"][()] >= 10 and found["email_engine_database_up"] == {(): 1}


def test_what_the_checks_saw(fleet):
    found = scrape(fleet)
    now = pytest.approx(NOW.timestamp(), abs=6 * 3600)
    assert found["email_engine_warmup_qualified"] == {("198.19.0.1",): 3}
    assert found["email_engine_warmup_target_quota"] == {("198.19.0.1",): 50_000}
    assert found["email_engine_warmup_phase_timestamp_seconds"]["198.19.0.1",] == pytest.approx(
        NOW.timestamp() - 9 * 86400
    )
    assert found["email_engine_warmdown_end_timestamp_seconds"] == {
        ("198.19.0.7",): pytest.approx(NOW.timestamp() + 3 * 86400)
    }
    assert (
        found["email_engine_sender_held"]["198.19.0.3",] == 1 and found["email_engine_sender_held"]["198.19.0.1",] == 0
    )
    assert found["email_engine_sender_hold_end_timestamp_seconds"] == {("198.19.0.3",): now}
    health = found["email_engine_blacklist_health"]
    assert len(health) == 12 and health[LISTS[2], "failed"] == health[LISTS[0], "healthy"] == 1 == sum(
        value for (name, _state), value in health.items() if name == LISTS[1]
    )
    assert set(found["email_engine_check_timestamp_seconds"]) == {("dnsbl",), ("dns",), ("accounting/vps2",)}
    assert (
        found["email_engine_check_state"]["dns", "blind"] == 1 and found["email_engine_check_state"]["dns", "ok"] == 0
    )
    assert found["email_engine_accounting_rows"] == {("vps2",): 1500}
    assert found["email_engine_accounting_bad_rows"] == {("vps2",): 3}
    assert found["email_engine_accounting_gaps"] == {("vps2",): 1}
    assert found["email_engine_accounting_complete_timestamp_seconds"] == {("vps2",): now}
    states = found["email_engine_signal_state"]
    assert sum(states.values()) * 3 == len(states) and states["complaints", "other", "not_available"] == 1
    assert found["email_engine_alerts_open"] == {("list", "warning"): 1, ("listing", "critical"): 1}
    assert found["email_engine_alert_oldest_timestamp_seconds"]["listing", "critical"] == now
    assert found["email_engine_alerts_untold"] == {(): 0}, "they have just begun"


def test_alerts_that_reach_nobody_are_counted(fleet, app):
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE alerts SET changed_at = now() - interval '3 minutes'"))
        session.execute(text("UPDATE alert_tellings SET error = 'no'"))
    found = scrape(fleet)
    assert found["email_engine_alerts_untold"] == {(): 2}
    assert found["email_engine_alert_receiver_failing"] == {("mailtos-0a1b2c3d",): 1}


def test_what_was_not_collected_is_unknown_and_what_was_and_sent_nothing_is_0(fleet, app):
    sent = scrape(fleet)["email_engine_sender_sent_today"]
    assert len(sent) == 7 and sent["198.19.0.4",] == 0
    with app.state.sessions() as session, session.begin():
        session.execute(text("DELETE FROM check_runs"))
        session.execute(text("DELETE FROM sent_hourly WHERE sent = 0"))
    sent = scrape(fleet)["email_engine_sender_sent_today"]
    assert set(sent) == {(f"198.19.0.{number}",) for number in (1, 3, 6, 7)}


def test_a_stop_of_the_tenant_is_a_pause_of_its_senders(fleet, admin):
    assert fleet.post("/api/v1/tenants/other:pause", headers=admin, json={"reason": "test"}).status_code == 200
    found = scrape(fleet)
    assert found["email_engine_tenant_paused"] == {("other",): 1, ("sos",): 0}
    paused = {ip for (ip,), value in found["email_engine_sender_paused"].items() if value}
    assert paused == {"198.19.0.3", "198.19.0.6", "198.19.0.7"} and found["email_engine_everything_paused"] == {(): 0}


def test_what_was_seen_too_long_ago_is_unknown(app, fleet):
    with app.state.sessions() as session, session.begin():
        for table in (DnsblVerdict, DnsCheck):
            for one in session.scalars(select(table)):
                one.checked_at = NOW - timedelta(days=5)
        session.scalars(select(QueueReport)).one().seen_at = NOW - timedelta(days=5)
    found = scrape(fleet)
    assert "email_engine_blacklist_status" not in found and "email_engine_sender_waiting" not in found
    assert found["email_engine_blacklist_unknown"][LISTS[0],] == 6
    assert found["email_engine_dns_senders"] == {("yes",): 0, ("no",): 0, ("unknown",): 7}
    then = (NOW - timedelta(days=5)).timestamp()
    assert found["email_engine_dns_check_oldest_timestamp_seconds"][()] == pytest.approx(then)


def test_an_address_that_serves_again_has_one_sample(app, fleet):
    with app.state.sessions() as session, session.begin():
        old = session.scalars(select(Ip).where(Ip.hostname == "m7.other.test")).one()
        old.status = "retired"
        session.flush()
        values = {one.name: getattr(old, one.name) for one in Ip.__table__.columns if one.name not in ("id", "version")}
        session.add(Ip(**{**values, "status": "standby", "daily_quota": 7}))
    found = scrape(fleet)
    assert found["email_engine_warmup_quota"]["198.19.0.7",] == 7
    assert found["email_engine_ips_total"]["retired",] == 1


def test_a_scrape_sees_one_moment(app, fleet):
    """Somebody retires a sender between two of its queries: none of them sees it, or all do."""
    queries = []

    def interfere(_connection, _cursor, statement, *_):
        queries.append(statement)
        if "FROM ips i" in statement and "fleet_state f" in statement:
            with app.state.sessions() as session, session.begin():
                session.execute(text("UPDATE ips SET status = 'retired' WHERE hostname = 'm1.sos.test'"))

    bind = create_engine(app.state.sessions.kw["bind"].url)
    event.listen(bind, "after_cursor_execute", interfere)
    found = {one.name: one for one in Fleet(sessionmaker(bind)).collect()}
    bind.dispose()
    retired = {one.labels["status"]: one.value for one in found["email_engine_ips_total"].samples}["retired"]
    assert (len(found["email_engine_warmup_quota"].samples), retired) == (7, 0)
    assert len(found["email_engine_sender_held"].samples) == 7
    assert scrape(fleet)["email_engine_ips_total"]["retired",] == 1


def test_a_scrape_costs_the_same_number_of_queries(app, client, admin):
    counts = []
    for size in (1, 60):
        lively.declare(client, admin, samples.fleet(*(samples.sender(n) for n in range(1, size + 1))))
        bind, seen = app.state.sessions.kw["bind"], []
        hear = lambda *_, seen=seen: seen.append(1)  # noqa: E731
        event.listen(bind, "before_cursor_execute", hear)
        scrape(client)
        event.remove(bind, "before_cursor_execute", hear)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 32


def test_a_scrape_writes_nothing(app, fleet):
    """Its transaction is read-only, so a mistake in a query cannot change the fleet."""
    bind, modes = app.state.sessions.kw["bind"], []

    def ask(connection, *_):
        modes.append(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one())

    event.listen(bind, "after_cursor_execute", ask, once=True)
    scrape(fleet)
    assert modes == ["on"]


def test_without_the_database_requests_are_still_counted(app, database, client, admin):
    there = app.state.sessions.kw["bind"]
    app.state.sessions.configure(bind=create_engine(database[ROLE].replace("/engine?", "/nothing?")))
    found = scrape(client)
    app.state.sessions.configure(bind=there)
    assert found["email_engine_database_up"] == {(): 0}
    assert "email_engine_ips_total" not in found and "email_engine_build_info" in found


def test_requests_are_counted_by_route(fleet, admin):
    def count(*labels):
        return scrape(fleet)["email_engine_requests_total"].get(labels, 0)

    cases = [
        ("GET", "/api/v1/ips/m1.sos.test", ("GET", "/api/v1/ips/{name}", "200")),
        ("GET", "/api/v1/ips/none.test", ("GET", "/api/v1/ips/{name}", "404")),
        ("GET", "/senders/m1.sos.test", ("GET", "/senders/{name}", "303")),
        ("GET", "/no/such/path", ("GET", "none", "404")),
        ("BREW", "/no/such/path", ("other", "none", "404")),
    ]
    for method, path, labels in cases:
        before = count(*labels)
        fleet.request(method, path, headers=admin, follow_redirects=False)
        assert count(*labels) == before + 1, labels
    durations = scrape(fleet)["email_engine_request_duration_seconds_count"]
    assert durations["GET", "/api/v1/ips/{name}"] >= 2


def test_a_fault_is_counted_as_one(app, monkeypatch):
    client = TestClient(app, raise_server_exceptions=False)
    before = scrape(client)["email_engine_requests_total"].get(("GET", "/api/v1/fleet", "500"), 0)
    monkeypatch.setattr("email_engine.api.keys.find", lambda *_: 1 / 0)
    assert client.get("/api/v1/fleet", headers={"X-API-KEY": "x"}).status_code == 500
    assert scrape(client)["email_engine_requests_total"]["GET", "/api/v1/fleet", "500"] == before + 1


def test_whoever_is_asked_counts_for_all_processes(database, redis, tmp_path):
    """Two worker processes: each scrape, whichever it meets, has the sum; and nothing of the service's run before."""
    runtime = tmp_path / "run"
    runtime.mkdir()
    secrets = {"key_pepper": "pepper", "session_secret": "session"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNTIME_DIRECTORY", str(runtime))
        api = servers.Api(tmp_path, workers=2, database=database[ROLE], redis=redis[0], **secrets)
    try:
        for _ in range(40):
            with api.client() as client:
                assert client.get("/login").status_code == 200
        sums = set()
        for _ in range(12):
            with api.client() as client:
                sums.add(scrape(client)["email_engine_requests_total"]["GET", "/login", "200"])
        written = [one for one in (runtime / "metrics").iterdir() if one.name.startswith("counter_")]
    finally:
        api.close()
    assert sums == {40} and len(written) >= 2


def documented():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `email_engine_")]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return {
        name.strip("`"): (kind, tuple(label.strip("` ") for label in labels.split(",") if label.strip()), meaning)
        for name, kind, labels, meaning in cells
    }


def test_the_documentation_has_what_is_exposed(fleet):
    fleet.get("/login")
    text = fleet.get("/metrics").text
    exposed = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        exposed[name] = (family.type, labels, family.documentation)
    page = documented()
    assert {name: (kind, set(labels), meaning) for name, (kind, labels, meaning) in page.items()} == exposed
    assert {name: tuple(one) for name, one in FAMILIES.items()} == page
