# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, the fleet and the choice of a sender, over HTTP, against a real PostgreSQL and a real Redis."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from email_engine.api import keys
from email_engine.api.app import create_app
from email_engine.store.models import ApiKey, Incident, Ip, SentHour
from samples import fleet, go_live, make_key, sender, tenant

ROLE = "email_engine"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def declare(client, admin, wanted, made_at=NOW, **more):
    body = {"made_at": made_at.isoformat(), "declared_from": "control", "revision": "abc", "fleet": wanted, **more}
    answer = client.put("/api/v1/fleet", headers=admin, json=body)
    go_live(client.app)
    return answer


@pytest.fixture
def two_tenants(client, admin):
    wanted = fleet(sender(1), sender(2), sender(3, "other"), tenants=[tenant(), tenant("other")])
    assert declare(client, admin, wanted).status_code == 200
    return wanted


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


@pytest.mark.parametrize("given", [None, "", "zzz", "ee_a_b", "ee_00000000_" + "x" * 43, "ee_é_x"])
def test_no_key_no_answer(client, admin, given):
    headers = {} if given is None else {"X-API-KEY": given.encode()}
    found = problem(client.get("/api/v1/fleet", headers=headers), 401)
    assert "X-API-KEY" in found["detail"] and (not given or given not in found["detail"])


@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now()"])
def test_an_ended_key_stops_at_once(app, client, admin, end):
    assert client.get("/api/v1/fleet", headers=admin).status_code == 200
    with app.state.sessions() as session, session.begin():
        session.execute(text(f"UPDATE api_keys SET {end}"))
    problem(client.get("/api/v1/fleet", headers=admin), 401)


def test_a_key_is_kept_nowhere(app, admin):
    with app.state.sessions() as session:
        row = session.scalars(select(ApiKey)).one()
    assert admin["X-API-KEY"].split("_", 2)[2] not in str(vars(row))
    assert row.hash != keys.digest(admin["X-API-KEY"], "another pepper")


def test_the_fleet_comes_back_and_is_not_sent_twice(client, admin, two_tenants):
    first = client.get("/api/v1/fleet", headers=admin)
    assert first.json() == two_tenants
    again = client.get("/api/v1/fleet", headers={**admin, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content
    declare(client, admin, {**two_tenants, "senders": [sender(1, from_name="New"), *two_tenants["senders"][1:]]})
    changed = client.get("/api/v1/fleet", headers={**admin, "If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200 and changed.json()["senders"][0]["from_name"] == "New"


def test_a_tenants_key_sees_its_own_only(app, client, two_tenants):
    mine = make_key(app, "other's", "other")
    found = client.get("/api/v1/fleet", headers=mine).json()
    assert {one["tenant"] for one in found["senders"]} == {one["name"] for one in found["tenants"]} == {"other"}
    problem(declare(client, mine, two_tenants), 403)
    there = client.post("/api/v1/senders:select", headers=mine, json={"campaign": "newsletter", "tenant": "sos"})
    nowhere = client.post("/api/v1/senders:select", headers=mine, json={"campaign": "newsletter", "tenant": "none"})
    assert problem(there, 404)["title"] == problem(nowhere, 404)["title"]
    chosen = client.post("/api/v1/senders:select", headers=mine, json={"campaign": "newsletter"})
    assert chosen.json()["name"] == "m3.other.test"


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"made_at": "yesterday"}, 422, "body.made_at"),
        ({"made_at": "2026-11-22T00:00:00"}, 422, "body.made_at"),
        ({"fleet": {"version": 1}}, 422, "fleet/document"),
        ({"fleet": fleet(sender(1, status="asleep"))}, 422, "fleet/senders/0/status"),
        ({"fleet": fleet(sender(1), sender(2), sender(4, daily_quota=10**30))}, 422, "out of range"),
        ({"fleet": fleet(sender(1), sender(2, from_name="\0"))}, 422, "NUL"),
        ({"fleet": fleet(tenants=[tenant(), tenant("other")])}, 409, "is empty"),
        ({"made_at": "2026-11-21T00:00:00Z"}, 409, "is older"),
    ],
)
def test_a_bad_declaration_names_its_fault(client, admin, two_tenants, change, status, word):
    body = {"made_at": NOW.isoformat(), "declared_from": "control", "revision": "abc", "fleet": two_tenants, **change}
    assert word in problem(client.put("/api/v1/fleet", headers=admin, json=body), status)["detail"]
    assert client.get("/api/v1/fleet", headers=admin).json() == two_tenants


def choose(client, key, **wish):
    return client.post("/api/v1/senders:select", headers=key, json={"campaign": "newsletter", "tenant": "sos", **wish})


def test_nobody_may_send_and_why(app, client, admin, two_tenants):
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'quarantine' WHERE hostname = 'm1.sos.test'"))
        second = session.scalars(select(Ip).where(Ip.hostname == "m2.sos.test")).one()
        hour = session.scalar(text("SELECT date_trunc('hour', now())"))
        session.add(SentHour(tenant_id=second.tenant_id, ip_id=second.id, hour=hour, sent=50))
    found = problem(choose(client, admin), 409)
    assert found["senders"] == [
        {"sender": "m1.sos.test", "reason": "status is quarantine"},
        {"sender": "m2.sos.test", "reason": "daily quota is used up: 50 of 50"},
    ]


@pytest.mark.parametrize(
    ("wish", "status", "word"),
    [
        ({"campaign": "spam"}, 422, "body.campaign"),
        ({"mode": "luck"}, 422, "body.mode"),
        ({"tenant": None}, 422, "body.tenant"),
        ({"tenant": "nobody"}, 404, "no tenant nobody"),
    ],
)
def test_a_bad_wish_names_its_fault(client, admin, two_tenants, wish, status, word):
    assert word in problem(choose(client, admin, **wish), status)["detail"]


def test_least_used(app, client, admin, two_tenants):
    with app.state.sessions() as session, session.begin():
        first = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        hour = session.scalar(text("SELECT date_trunc('hour', now())"))
        session.add(SentHour(tenant_id=first.tenant_id, ip_id=first.id, hour=hour, sent=1))
    assert choose(client, admin, mode="least_used").json()["name"] == "m2.sos.test"


def test_round_robin_is_exact_for_many_at_once(app, client, admin, two_tenants):
    """Two applications as two processes have them, many threads: each sender as often as the other."""
    second = TestClient(create_app(app.state.settings))

    def one(number):
        return choose((client, second)[number % 2], admin, mode="round_robin").json()["name"]

    with ThreadPoolExecutor(8) as pool:
        assert set(Counter(pool.map(one, range(200))).values()) == {100}


def test_round_robin_without_redis(client, admin, two_tenants, redis):
    _url, stop, start = redis
    before = [choose(client, admin, mode="round_robin").json()["name"] for _ in range(4)]
    stop()
    try:
        during = [choose(client, admin, mode="round_robin").json()["name"] for _ in range(6)]
    finally:
        start()
    after = [choose(client, admin, mode="round_robin").json()["name"] for _ in range(6)]
    for part in (before, during, after):
        assert set(Counter(part).values()) == {len(part) // 2}


def test_a_cached_fleet_is_never_an_old_one(app, client, admin, two_tenants):
    assert choose(client, admin).json()["candidates"] == 2
    with Session(app.state.sessions.kw["bind"]) as session, session.begin():
        session.execute(text("UPDATE ips SET paused = true WHERE hostname = 'm1.sos.test'"))
    assert choose(client, admin).json()["candidates"] == 1


def test_health(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ok", "database": "ok", "redis": "ok"}


def pause(client, key, what, verb="pause"):
    return client.post(f"/api/v1/{what}:{verb}", headers=key, json={"reason": "a test"})


def paused(client, key):
    found = client.get("/api/v1/fleet", headers=key).json()["senders"]
    return {one["name"].partition(".")[0] for one in found if one["paused"]}


@pytest.mark.parametrize(
    ("what", "stopped"), [("ips/m1.sos.test", {"m1"}), ("tenants/sos", {"m1", "m2"}), ("fleet", {"m1", "m2", "m3"})]
)
def test_stop_and_go_on(client, admin, two_tenants, what, stopped):
    before = client.get("/api/v1/fleet", headers=admin)
    first, again = (pause(client, admin, what).json() for _ in range(2))
    assert (first["paused"], first["changed"], again["changed"]) == (True, True, False)
    assert first["job"] == again["job"]
    during = client.get("/api/v1/fleet", headers={**admin, "If-None-Match": before.headers["ETag"]})
    assert during.status_code == 200 and paused(client, admin) == stopped
    rows = client.get("/api/v1/audit", headers=admin).json()["items"]
    assert [row["reason"] for row in rows if row["action"] == "paused"] == ["a test"]
    # A declaration neither resumes nor takes the stop for a change of the inventory.
    answer = declare(client, admin, two_tenants).json()
    assert not answer["changed"] and paused(client, admin) == stopped
    resumed = pause(client, admin, what, "resume").json()
    assert (resumed["paused"], resumed["changed"]) == (False, True)
    assert client.get("/api/v1/fleet", headers=admin).json() == before.json()


def test_each_stop_holds_by_itself(client, admin, two_tenants):
    for what in ("ips/m1.sos.test", "tenants/sos", "fleet"):
        pause(client, admin, what)
    pause(client, admin, "fleet", "resume")
    assert paused(client, admin) == {"m1", "m2"}
    pause(client, admin, "tenants/sos", "resume")
    assert paused(client, admin) == {"m1"}


def test_a_tenant_may_stop_its_own_and_nobody_elses(app, client, admin, two_tenants):
    mine = make_key(app, "other's", "other")
    assert pause(client, mine, "ips/m3.other.test").json()["changed"]
    assert pause(client, mine, "tenants/other").json()["changed"]
    for what in ("ips/m1.sos.test", "ips/none.test", "tenants/sos", "tenants/none"):
        assert problem(pause(client, mine, what), 404)["detail"].startswith("there is no ")
    for what, verb in (("fleet", "pause"), ("ips/m3.other.test", "resume"), ("tenants/other", "resume")):
        problem(pause(client, mine, what, verb), 403)
    assert paused(client, admin) == {"m3"}


def test_pages(client, admin, two_tenants):
    names, after = [], 0
    while after is not None:
        found = client.get("/api/v1/ips", headers=admin, params={"limit": 2, "after": after}).json()
        names += [one["name"] for one in found["items"]]
        after = found["next"]
    assert names == [one["name"] for one in two_tenants["senders"]]
    for params in ({"limit": 0}, {"limit": 501}, {"after": -1}, {"after": 2**63}):
        problem(client.get("/api/v1/ips", headers=admin, params=params), 422)


def test_one_sender(app, client, admin, two_tenants):
    found = client.get("/api/v1/ips/m1.sos.test", headers=admin)
    assert found.json().items() >= two_tenants["senders"][0].items() and found.headers["ETag"] == '"2"'
    assert (found.json()["owner"], found.json()["reserve"], found.json()["etag"]) == ("inventory", False, '"2"')
    pause(client, admin, "ips/m1.sos.test")
    assert client.get("/api/v1/ips/m1.sos.test", headers=admin).headers["ETag"] == '"3"'
    mine = make_key(app, "other's", "other")
    theirs, none = (client.get(f"/api/v1/ips/{name}.test", headers=mine) for name in ("m1.sos", "none"))
    assert problem(theirs, 404)["title"] == problem(none, 404)["title"]
    assert [one["name"] for one in client.get("/api/v1/ips", headers=mine).json()["items"]] == ["m3.other.test"]


@pytest.fixture
def incident(app, two_tenants):
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        found = Incident(tenant_id=ip.tenant_id, ip_id=ip.id, kind="listed", summary="SBL")
        session.add(found)
        session.flush()
        return f"/api/v1/incidents/{found.id}"


def test_an_incident_is_acknowledged_and_closed_once(client, admin, incident):
    first = client.post(f"{incident}:acknowledge", headers=admin).json()
    assert first["acknowledged_by"] == "admin"
    assert client.post(f"{incident}:acknowledge", headers=admin).json() == first
    problem(client.post(f"{incident}:close", headers=admin, json={"cause": ""}), 422)
    closed = client.post(f"{incident}:close", headers=admin, json={"cause": "a bought list"}).json()
    assert (closed["cause"], closed["closed_by"]) == ("a bought list", "admin")
    again = problem(client.post(f"{incident}:close", headers=admin, json={"cause": "other"}), 409)
    assert "a bought list" in again["detail"]
    assert client.get("/api/v1/incidents", headers=admin).json()["items"] == []
    assert len(client.get("/api/v1/incidents?closed=true", headers=admin).json()["items"]) == 1
    rows = client.get("/api/v1/audit", headers=admin).json()["items"]
    assert [row["action"] for row in rows][-2:] == ["acknowledged", "closed"]


def test_of_many_who_close_it_one_does(client, admin, incident):
    def close(number):
        return client.post(f"{incident}:close", headers=admin, json={"cause": f"cause {number}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(close, range(24))) == {200: 1, 409: 23}


def test_an_incident_is_the_tenants(app, client, incident):
    mine = make_key(app, "other's", "other")
    assert client.get("/api/v1/incidents", headers=mine).json()["items"] == []
    for verb in ("acknowledge", "close"):
        problem(client.post(f"{incident}:{verb}", headers=mine, json={"cause": "mine"}), 404)


def test_the_audit_log_shows_a_tenant_its_own(app, client, admin, two_tenants):
    mine = make_key(app, "other's", "other")
    targets = [row["target"] for row in client.get("/api/v1/audit", headers=mine).json()["items"]]
    assert targets == ["tenant other", *["sender m3.other.test"] * 2, "API key other's"]


def test_a_key_has_so_many_requests_a_minute(app, client, admin, two_tenants, redis):
    mine = make_key(app, "other's", "other")
    app.state.settings.requests_per_minute = 3
    answers = [client.get("/api/v1/fleet", headers=mine) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[3].headers["Retry-After"]) <= 60 and "3 requests" in problem(answers[3], 429)["detail"]
    assert client.get("/api/v1/fleet", headers=admin).status_code == 200
    # Stop is always allowed.
    assert client.post("/api/v1/tenants/other:pause", headers=mine, json={"reason": "test"}).status_code == 200
    for name in app.state.redis.keys("requests:*"):
        # As a minute later.
        assert 0 < app.state.redis.ttl(name) <= 60 and app.state.redis.expire(name, 0)
    assert client.get("/api/v1/fleet", headers=mine).status_code == 200
    _url, stop, start = redis
    stop()
    try:
        assert {client.get("/api/v1/fleet", headers=mine).status_code for _ in range(6)} == {200}
    finally:
        start()
