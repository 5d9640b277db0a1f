# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same request by the same Idempotency-Key acts once, whoever comes when."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from members import NEW, add, declared, problem

ONCE = {"Idempotency-Key": "abc"}


@pytest.fixture
def known(app, admin):
    return declared(app, admin)


def ask(client, key, **changes):
    return client.post("/api/v1/ips", headers={**key, **ONCE}, json={**NEW, **changes})


def count(app, table):
    with app.state.sessions() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table}"))


def test_asked_again_it_is_answered_again(app, client, admin, known):
    first, again = ask(client, admin), ask(client, admin)
    assert first.status_code == again.status_code == 202 and first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"
    assert count(app, "jobs") == 1
    # The order of a body's members means nothing.
    turned = client.post("/api/v1/ips", headers={**admin, **ONCE}, json=dict(reversed(NEW.items())))
    assert turned.status_code == 202
    # Without the key it is a request of its own.
    assert add(client, admin, 409)


def test_another_request_takes_another_key(client, admin, known):
    ask(client, admin)
    assert "header.Idempotency-Key" in problem(ask(client, admin, reserve=True), 422)["detail"]
    other = client.post("/api/v1/tenants", headers={**admin, **ONCE}, json={"name": "x"})
    assert "header.Idempotency-Key" in problem(other, 422)["detail"]


def test_a_failure_is_not_kept(app, client, admin, known):
    problem(ask(client, admin, tenant="nobody"), 422)
    assert count(app, "idempotency_keys") == 0
    assert ask(client, admin).status_code == 202


def test_a_key_is_its_callers(app, client, admin, known):
    second = {"X-API-KEY": client.post("/api/v1/keys", headers=admin, json={"name": "second"}).json()["key"]}
    ask(client, admin)
    problem(ask(client, second), 409)


def test_of_many_at_once_one_acts(app, client, admin, known):
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: ask(client, admin), range(24)))
    assert {answer.status_code for answer in answers} == {202}
    assert all(answer.json() == answers[0].json() for answer in answers) and count(app, "jobs") == 1
    assert Counter("Idempotent-Replayed" in answer.headers for answer in answers) == {False: 1, True: 23}


@pytest.mark.parametrize("given", ["", "a b", "x" * 201, "é".encode()])
def test_a_bad_key_is_named(client, admin, known, given):
    headers = {**admin, "Idempotency-Key": given}
    assert "header.idempotency-key" in problem(client.post("/api/v1/ips", headers=headers, json=NEW), 422)["detail"]


def test_every_creating_operation_takes_one(client):
    """Creating is what answers with a Location; an action by a colon says by itself when it has nothing to do."""
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    creating = {path for path, found in paths.items() if "post" in found and not path.rpartition("/")[2].count(":")}
    takes = {
        path
        for path in creating
        if any(one["name"] == "idempotency-key" for one in paths[path]["post"].get("parameters", ()))
    }
    reports = {"checks/dns", "checks/dnsbl", "accounting", "signals", "warmup"}  # what was seen twice is counted once
    assert creating - takes <= {f"/api/v1/{name}" for name in reports} and len(takes) >= 3
