# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants of the API, and keys."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from members import TWO, add, declared, problem
from samples import make_key, tenant

THIRD = {"name": "third", "feeders": [{"address": "198.18.0.33"}]}


@pytest.fixture
def known(app, admin):
    return declared(app, admin)


def add_tenant(client, key, **changes):
    return client.post("/api/v1/tenants", headers=key, json={**THIRD, **changes})


def fleet_tenants(client, key):
    return {one["name"]: one for one in client.get("/api/v1/fleet", headers=key).json()["tenants"]}


def test_a_tenant_is_added_and_has_senders(client, admin, known):
    answer = add_tenant(client, admin)
    assert answer.status_code == 202 and answer.headers["Location"] == "/api/v1/tenants/third"
    wanted = tenant("third", feeders=THIRD["feeders"])
    assert fleet_tenants(client, admin)["third"] == wanted
    found = client.get("/api/v1/tenants/third", headers=admin)
    assert found.json() == {
        **wanted,
        "owner": "api",
        "paused": False,
        "held_reason": None,
        "etag": found.headers["ETag"],
    }
    assert add(client, admin, tenant="third")["sender"]["tenant"] == "third"
    assert len(client.get("/api/v1/tenants", headers=admin).json()["items"]) == 3


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"name": "Third"}, 422, "body.name"),
        ({"feeders": []}, 422, "body.feeders: is empty"),
        ({"feeders": [{"user": "x", "password": "hunter2"}]}, 422, "body.feeders.0"),
        ({"feeders": [{"address": "nowhere"}]}, 422, "body.feeders[0]"),
        ({"feeders": [{"address": "198.18.0.11"}]}, 409, "body.feeders[0]: 198.18.0.11 overlaps"),
        ({"feeders": [{"address": "0.0.0.0/0"}]}, 422, "body.feeders[0]"),
        ({"operator": "nobody"}, 422, "body.operator"),
        ({"operator": "me@m1.sos.test"}, 409, "a mail loop"),
        ({"routing": "luck"}, 422, "body.routing"),
        ({"routing": "pool"}, 422, "routing 'pool' needs"),
        ({"dmarc": {"policy": "maybe"}}, 422, "body.dmarc.policy"),
        ({"spf_mechanisms": ["all"]}, 422, "body.spf_mechanisms"),
        ({"pool": "sos"}, 409, "body.pool: the name 'sos' is already taken"),
        ({"trusted": "perhaps"}, 422, "body.trusted"),
        ({"name": "sos"}, 409, "sos is there already"),
    ],
)
def test_a_bad_tenant_names_its_fault(client, admin, known, change, status, word):
    found = problem(add_tenant(client, admin, **change), status)
    assert word in found["detail"] and "hunter2" not in str(found)
    assert set(fleet_tenants(client, admin)) == {"sos", "other"}


def test_a_tenant_changes_what_the_api_owns(client, admin, known):
    add_tenant(client, admin)
    url = "/api/v1/tenants/third"
    problem(client.patch(url, headers=admin, json={"trusted": True}), 428)
    changed = client.patch(
        url, headers={**admin, "If-Match": '"1"'}, json={"trusted": True, "operator": "me@else.test"}
    )
    assert changed.status_code == 200 and changed.json()["job"]
    assert fleet_tenants(client, admin)["third"]["operator"] == "me@else.test"
    problem(client.patch(url, headers={**admin, "If-Match": '"1"'}, json={"trusted": False}), 412)
    again = client.patch(url, headers={**admin, "If-Match": changed.headers["ETag"]}, json={"operator": None})
    assert again.json()["tenant"]["operator"] == "ops@operator.test"
    same = client.patch(url, headers={**admin, "If-Match": "*"}, json={"trusted": True})
    assert same.json()["job"] is None
    for verb, more in (("patch", {"json": {"trusted": True}}), ("delete", {})):
        found = getattr(client, verb)("/api/v1/tenants/sos", headers={**admin, "If-Match": "*"}, **more)
        assert "belongs to the inventory" in problem(found, 409)["detail"]


def test_a_tenant_goes_with_its_keys_and_may_come_back(app, client, admin, known):
    add_tenant(client, admin)
    add(client, admin, tenant="third")
    mine = make_key(app, "third's", "third")
    assert (
        "still has senders: m9.sos.test"
        in problem(client.delete("/api/v1/tenants/third", headers=admin), 409)["detail"]
    )
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'retired' WHERE hostname = 'm9.sos.test'"))
    assert client.get("/api/v1/tenants", headers=mine).status_code == 200
    assert client.delete("/api/v1/tenants/third", headers=admin).status_code == 202
    problem(client.get("/api/v1/tenants", headers=mine), 401)
    problem(client.get("/api/v1/tenants/third", headers=admin), 404)
    assert set(fleet_tenants(client, admin)) == {"sos", "other"}
    assert add_tenant(client, admin).status_code == 202 and "third" in fleet_tenants(client, admin)


def test_a_tenant_that_leaves_the_inventory_goes_with_its_last_sender(app, client, admin, known):
    without = {**TWO, "tenants": TWO["tenants"][:1], "senders": TWO["senders"][:2]}
    declared(app, admin, without)
    assert set(fleet_tenants(client, admin)) == {"sos", "other"}
    client.post("/api/v1/fleet:applied", headers=admin, json={"revision": 1, "gone": ["m3.other.test"]})
    assert set(fleet_tenants(client, admin)) == {"sos"}
    declared(app, admin)
    assert set(fleet_tenants(client, admin)) == {"sos", "other"}


def test_an_apis_tenant_is_adopted(app, client, admin, known):
    add_tenant(client, admin)
    declared(app, admin, {**TWO, "tenants": [*TWO["tenants"], fleet_tenants(client, admin)["third"]]})
    assert client.get("/api/v1/tenants/third", headers=admin).json()["owner"] == "inventory"


def make(client, key, headers=None, **wanted):
    return client.post("/api/v1/keys", headers={**key, **(headers or {})}, json={"name": "new", **wanted})


def test_a_key_is_made_shown_once_and_ended(client, admin, known):
    answer = make(client, admin, tenant="sos")
    assert answer.status_code == 201
    mine = {"X-API-KEY": answer.json()["key"]}
    assert {one["tenant"] for one in client.get("/api/v1/fleet", headers=mine).json()["senders"]} == {"sos"}
    listed = client.get("/api/v1/keys", headers=admin)
    assert mine["X-API-KEY"] not in listed.text and [one["name"] for one in listed.json()["items"]] == ["admin", "new"]
    problem(client.get("/api/v1/keys", headers=mine), 403)
    problem(client.delete("/api/v1/keys/new", headers=mine), 403)
    assert client.delete("/api/v1/keys/new", headers=admin).status_code == 204
    problem(client.get("/api/v1/fleet", headers=mine), 401)
    problem(client.delete("/api/v1/keys/new", headers=admin), 404)
    assert "body.name" in problem(make(client, admin), 409)["detail"]


@pytest.mark.parametrize(
    ("wanted", "status", "word"),
    [
        ({"name": ""}, 422, "body.name"),
        ({"name": "a\nb"}, 422, "body.name"),
        ({"tenant": "nobody"}, 404, "no tenant nobody"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "body.expires_at: lies in the past"),
        ({"expires_at": "2999-01-01T00:00:00"}, 422, "body.expires_at"),
    ],
)
def test_a_bad_key_names_its_fault(client, admin, known, wanted, status, word):
    assert word in problem(make(client, admin, **wanted), status)["detail"]


def test_a_keys_secret_is_not_told_again(app, client, admin, known):
    once = {"Idempotency-Key": "k1"}
    first, again = make(client, admin, once), make(client, admin, once)
    assert again.status_code == 201 and again.json() == {**first.json(), "key": None}
    with app.state.sessions() as session:
        everything = session.execute(text("SELECT answer::text FROM idempotency_keys")).scalars().all()
    assert first.json()["key"] not in str(everything)
