# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred at once, against real processes: no change is lost, nothing is done twice, and nobody is told that the engine is at fault."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

import members
import samples
import servers
from email_engine.settings import Settings
from email_engine.store.models import AuditRow, Incident, Ip, Job, Tenant

MANY = 100
REASON = {"reason": "a test"}


@pytest.fixture
def known(database, redis):
    return {
        "database": database[servers.ROLE],
        "redis": redis[0],
        "key_pepper": "pepper",
        "requests_per_minute": 10**9,
        # However slow the machine is: this is about what is done, not about when.
        "patience": 300,
    }


@pytest.fixture
def populate(known):
    """Declares senders; the admin's key."""

    def run(*senders):
        return samples.populated(Settings(**known), samples.fleet(*senders), policy=members.POLICY, mtas=["vps2"])[0]

    return run


@pytest.fixture
def api(known, tmp_path):
    """Two processes."""
    server = servers.Api(tmp_path, 2, **known)
    yield server
    server.close()


@pytest.fixture
def rows(database):
    engine = create_engine(database[servers.ROLE])
    with Session(engine) as session:
        yield session
    engine.dispose()


def together(api, key, requests):
    """Their answers, in order; all are sent at the same moment, each over a connection of its own."""
    ready = threading.Barrier(len(requests))

    def one(request):
        method, path, more = request
        with api.client(headers=key, timeout=300) as client:
            ready.wait()
            return client.request(method, f"/api/v1/{path}", **more)

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(one, requests))


def statuses(answers):
    return Counter(one.status_code for one in answers)


def post(path, body, **headers):
    return ("POST", path, {"json": body, "headers": {name.replace("_", "-"): value for name, value in headers.items()}})


def log(rows, target):
    return rows.scalars(select(AuditRow).where(AuditRow.target == target).order_by(AuditRow.id)).all()


def shown(rows, name="m1.sos.test"):
    ip = rows.scalars(select(Ip).where(Ip.hostname == name)).one()
    return {column.name: getattr(ip, column.name) for column in Ip.__table__.columns if column.name != "until"}


def test_many_writers_of_one_sender(api, populate, rows):
    key = populate(samples.sender(1), samples.sender(2))
    read = f'"{shown(rows)["version"]}"'
    rows.rollback()
    asked = [post(f"ips/m1.sos.test:{verb}", REASON) for verb in ("pause", "resume") for _ in range(25)]
    asked += [("PATCH", "ips/m1.sos.test", {"json": {"weight": n}, "headers": {"If-Match": "*"}}) for n in range(20)]
    asked += [
        ("PATCH", "ips/m1.sos.test", {"json": {"weight": n}, "headers": {"If-Match": read}}) for n in range(50, 65)
    ]
    asked += [post("ips/m1.sos.test:move", {"event": "rest", **REASON}) for _ in range(10)]
    asked += [("DELETE", "ips/m1.sos.test", {"headers": {"If-Match": read}}) for _ in range(5)]
    random.Random(1).shuffle(asked)
    answers = together(api, key, asked)
    assert set(statuses(answers)) <= {200, 202, 409, 412}, [one.text for one in answers if one.status_code >= 500]
    by_kind = Counter()
    for (method, path, more), answer in zip(asked, answers, strict=True):
        verb = path.rpartition(":")[2] if method == "POST" else f"{method} {more['headers']['If-Match']}"
        by_kind[verb, answer.status_code] += 1
    # A stop and a change that takes whatever it finds are never too late.
    assert by_kind["pause", 200] == by_kind["resume", 200] == 25 and by_kind["PATCH *", 200] == 20
    # Of those who had read the same row one may change it; of ten who move it the first.
    assert by_kind[f"PATCH {read}", 200] <= 1
    assert by_kind["move", 200] == 1 and by_kind["move", 409] == 9
    written = log(rows, "sender m1.sos.test")
    samples.unbroken(written, {**shown(rows), "tenant": "sos"})
    changed = sum(one.json()["changed"] for one in answers if one.status_code == 200 and "changed" in one.json())
    assert sum(row.action in ("paused", "resumed") for row in written) == changed
    assert sum(row.action == "moved" for row in written) == 1
    # Each of its jobs is queued at most once.
    queued = Counter(rows.execute(select(Job.kind, Job.lane).where(Job.state == "queued")).all())
    assert set(queued.values()) <= {1}, queued


def test_many_starts_within_one_budget(api, populate, rows, database):
    """One sender is listed, a hundred reserves see their DNS green: one may start, then a person is asked."""
    standing = [samples.sender(n, status="standby", phase=None, daily_quota=0) for n in range(2, MANY + 2)]
    key = populate(samples.sender(1), *standing)
    listed = """INSERT INTO blacklist_events (tenant_id, ip_id, blacklist_name, codes, severity)
        SELECT tenant_id, id, 'list.test', '{}', 'critical' FROM ips WHERE hostname = 'm1.sos.test'"""
    with rows.begin():
        rows.execute(text(listed))
        rows.execute(text("UPDATE ips SET reserve = false"))
    edges = {edge: {"verdict": "ok"} for edge in ("mta", "a", "ptr", "spf", "helo_spf", "dkim", "dmarc", "mx")}
    asked = [
        post(
            "checks/dns",
            {
                "checked_at": "2026-11-22T06:00:00Z",
                "senders": [{"name": one["name"], "green": "yes", "edges": edges}],
            },
        )
        for one in standing
    ]
    with rows.begin():
        checked = rows.scalar(text("SELECT now()")).isoformat()
    for _method, _path, more in asked:
        more["json"]["checked_at"] = checked
    answers = together(api, key, asked)
    assert statuses(answers) == {200: MANY}
    started = [name for one in answers for name in one.json()["started"]]
    assert len(started) == 1
    with rows.begin():
        assert Counter(rows.scalars(select(Ip.status))) == {"warming": 2, "standby": MANY - 1}
        assert rows.scalars(select(Tenant.held_reason)).one() is not None
        assert rows.scalars(select(Incident.kind)).all() == ["held"]
        assert rows.scalar(select(func.count()).where(AuditRow.action == "moved")) == 1
        assert rows.scalar(select(func.count()).select_from(Job).where(Job.kind == "converge")) == 1


def test_the_same_wish_many_times(api, populate, rows):
    key = populate(samples.sender(1))
    wish = {"ip": "198.19.0.77", "domain": "m77.sos.test"}
    answers = together(api, key, [post("ips", wish, Idempotency_Key="same")] * MANY)
    assert statuses(answers) == {202: MANY}
    assert all(one.json() == answers[0].json() for one in answers)
    assert Counter("Idempotent-Replayed" in one.headers for one in answers) == {True: MANY - 1, False: 1}
    with rows.begin():
        assert rows.scalars(select(Ip.hostname).where(Ip.owner == "api")).all() == ["m77.sos.test"]
        assert rows.scalars(select(Job.kind)).all() == ["add_sender"]


@pytest.mark.parametrize("keyed", [True, False])
def test_many_wish_for_the_same_address(api, populate, rows, keyed):
    key = populate(samples.sender(1))
    asked = [
        post(
            "ips", {"ip": "198.19.0.77", "domain": f"n{n}.sos.test"}, **({"Idempotency_Key": f"k{n}"} if keyed else {})
        )
        for n in range(MANY)
    ]
    answers = together(api, key, asked)
    assert statuses(answers) == {202: 1, 409: MANY - 1}, statuses(answers)
    with rows.begin():
        assert len(rows.scalars(select(Ip).where(Ip.owner == "api")).all()) == 1
        assert rows.scalars(select(Job.kind)).all() == ["add_sender"]


def test_many_different_wishes(api, populate, rows):
    """Prefixes take turns exactly: each is judged beside all others, though at first there is nobody to wait for."""
    key = populate()
    asked = [post("ips", {"ip": f"198.19.1.{n}", "domain": f"n{n}.sos.test"}) for n in range(30)]
    answers = together(api, key, asked)
    assert statuses(answers) == {202: 30}
    with rows.begin():
        mailboxes = rows.scalars(select(Ip.sender_email).where(Ip.owner == "api")).all()
    assert set(Counter(one.partition("@")[0] for one in mailboxes).values()) == {10}


def test_declarations_stops_and_changes_at_once(api, populate, rows):
    """The newest declaration is what remains, no stop is refused, and nobody waits for somebody who waits for him."""
    senders = [samples.sender(n) for n in range(1, 21)]
    key = populate(*senders)
    asked = []
    for n in range(20):
        wanted = samples.fleet(*(samples.sender(m, from_name=f"name {n}") for m in range(1, 21)))
        body = {
            "made_at": f"2026-11-22T01:00:{n:02}Z",
            "declared_from": f"host {n}",
            "revision": f"r{n}",
            "fleet": wanted,
            "mtas": ["vps2", f"mta{n}"],
            "policy": {**members.POLICY, "active_daily_quota": 1000 + n},
        }
        asked.append(("PUT", "fleet", {"json": body}))
    asked += [post(f"ips/m{n}.sos.test:{verb}", REASON) for n in range(1, 21) for verb in ("pause", "resume")]
    asked += [post(f"{what}:{verb}", REASON) for what in ("tenants/sos", "fleet") for verb in ("pause", "resume")] * 5
    asked += [
        ("PATCH", f"ips/m{n}.sos.test", {"json": {"weight": n}, "headers": {"If-Match": "*"}}) for n in range(1, 21)
    ]
    assert len(asked) == MANY
    random.Random(2).shuffle(asked)
    answers = together(api, key, asked)
    for (method, path, _more), answer in zip(asked, answers, strict=True):
        allowed = {200, 409} if method == "PUT" else {200}
        assert answer.status_code in allowed, (method, path, answer.text)
        assert answer.status_code == 200 or "is older" in answer.text
    with rows.begin():
        for ip in rows.scalars(select(Ip)).all():
            final = {"paused": ip.paused, "weight": ip.weight, "from_name": ip.sender_name}
            samples.unbroken(log(rows, f"sender {ip.hostname}"), final)
        assert {ip.sender_name for ip in rows.scalars(select(Ip))} == {"name 19"}
        assert rows.scalar(text("SELECT policy ->> 'active_daily_quota' FROM fleet_state")) == "1019"


def test_round_robin_is_exact_across_processes(api, populate, known, tmp_path_factory):
    key = populate(*(samples.sender(n) for n in range(1, 4)))
    other = servers.Api(tmp_path_factory.mktemp("second"), 2, **known)
    try:
        wish = [post("senders:select", {"campaign": "newsletter", "tenant": "sos", "mode": "round_robin"})] * 75
        with ThreadPoolExecutor(2) as pool:
            halves = pool.map(lambda one: together(one, key, wish * 2), (api, other))
        answers = [one for half in halves for one in half]
    finally:
        other.close()
    assert set(Counter(one.json()["name"] for one in answers).values()) == {100}


def test_round_robin_without_redis_needs_no_connection_that_somebody_waits_with(api, populate, redis):
    key = populate(*(samples.sender(n) for n in range(1, 4)))
    _url, stop, start = redis
    stop()
    try:
        wish = post("senders:select", {"campaign": "newsletter", "tenant": "sos", "mode": "round_robin"})
        answers = together(api, key, [wish] * 90)
    finally:
        start()
    assert set(Counter(one.json()["name"] for one in answers).values()) == {30}


def test_a_deadlock_is_run_again(api, populate, database, rows):
    """Somebody holds what the request needs, and then wants what it holds: PostgreSQL ends the request's transaction."""
    key = populate(samples.sender(1))
    owner = create_engine(database["owner"])
    with owner.begin() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text("SET LOCAL deadlock_timeout = '20s'"))
        other.execute(text("SELECT 1 FROM fleet_state FOR UPDATE"))
        answer = pool.submit(together, api, key, [post("ips/m1.sos.test:pause", REASON)])
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not other.scalar(text(waiting)):
            time.sleep(0.01)
            other.execute(text("SELECT pg_stat_clear_snapshot()"))
        other.execute(text("SELECT 1 FROM ips FOR UPDATE"))
        other.rollback()
        (found,) = answer.result()
    owner.dispose()
    assert found.status_code == 200 and found.json()["changed"]
    assert [row.action for row in log(rows, "sender m1.sos.test")] == ["declared", "went live", "paused"]
