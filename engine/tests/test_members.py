# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Senders that come, change, move and go through the API."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from email_engine.store.models import (
    BlacklistEvent,
    DnsblList,
    DnsblVerdict,
    FleetState,
    Incident,
    Ip,
    Job,
    WarmupPlan,
)
from members import NEW, POLICY, TWO, add, check_dns, declared, problem, show
from samples import declare, fleet, make_key, sender, tenant, waiting


@pytest.fixture
def known(app, admin):
    return declared(app, admin)


def rows(app, table, **where):
    with Session(app.state.sessions.kw["bind"]) as session:
        return session.scalars(select(table).filter_by(**where)).all()


def plan(app, name="m9.sos.test"):
    (ip,) = [one for one in rows(app, Ip, hostname=name) if one.status != "retired"]
    (found,) = rows(app, WarmupPlan, ip_id=ip.id)
    return found


def jobs(app, **where):
    return [(job.kind, job.arguments) for job in rows(app, Job, **where)]


def test_a_declaration_answers_the_fleet_and_its_revision(client, app, admin, known):
    assert known["fleet"] == waiting(TWO) and client.get("/api/v1/fleet", headers=admin).json() == TWO
    (state,) = rows(app, FleetState)
    assert 0 < known["revision"] <= state.revision and dict(state.policy["phases"]) == POLICY["phases"]


def test_a_dry_run_judges_and_stores_nothing(client, app, admin, known):
    wanted = {**TWO, "senders": [*TWO["senders"][1:], sender(4)]}
    answer = declared(app, admin, wanted, dry_run=True, policy={**POLICY, "prefixes": ["x"]})
    assert (answer["new"], answer["leaving"]) == (["m4.sos.test"], ["m1.sos.test"])
    assert {one["name"] for one in answer["fleet"]["senders"]} == {f"m{n}.sos.test" for n in (1, 2, 4)} | {
        "m3.other.test"
    }
    assert client.get("/api/v1/fleet", headers=admin).json() == TWO
    assert add(client, admin)["sender"]["from_email"] == "hello@m9.sos.test"
    assert problem(declare(app, admin, fleet(), dry_run=True), 409)["detail"].count("is empty") == 1


def test_a_body_that_curl_calls_a_form_is_json(client, admin, known):
    headers = {**admin, "Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post(
        "/api/v1/ips", headers=headers, content='{"ip": "198.19.0.9", "domain": "m9.sos.test", "tenant": "sos"}'
    )
    assert answer.status_code == 202, answer.text
    assert client.post("/api/v1/ips", headers=headers, content="ip=198.19.0.8").status_code == 422


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"phases": {"week_1": 0}}, "body.policy.phases.week_1"),
        ({"phases": {}}, "body.policy.phases"),
        ({"prefixes": []}, "body.policy.prefixes"),
        ({"sender_defaults": {"status": "asleep", "weight": 1, "paused": False}}, "policy_sender_defaults.status"),
        ({"sender_defaults": {}}, "policy_sender_defaults.weight"),
        ({"dmarc": {"policy": "maybe"}}, "policy_dmarc.policy"),
    ],
)
def test_a_wrong_policy_names_its_fault(app, admin, change, word):
    assert word in problem(declare(app, admin, TWO, policy={**POLICY, **change}, mtas=["vps2"]), 422)["detail"]


def test_a_sender_is_added_and_becomes_all_it_needs(client, app, admin, known):
    answer = client.post("/api/v1/ips", headers=admin, json=NEW)
    assert answer.status_code == 202 and answer.headers["Location"] == "/api/v1/ips/m9.sos.test"
    found = answer.json()
    wanted = sender(9, from_email="hello@m9.sos.test", status="standby", phase=None, purposes=[], provider_quota={})
    assert found["sender"].items() >= wanted.items()
    assert (found["sender"]["owner"], found["sender"]["reserve"]) == ("api", False)
    assert found["job"]["href"] == f"/api/v1/jobs/{found['job']['id']}"
    assert jobs(app) == [("add_sender", {"senders": ["m9.sos.test"]})]
    made = plan(app)
    assert (made.phase, made.current_daily_quota, made.target_daily_quota, made.paused) == ("week_1", 50, 50000, True)
    assert client.get("/api/v1/fleet", headers=admin).json()["senders"][-1].items() >= wanted.items()
    actions = [row["action"] for row in client.get("/api/v1/audit?limit=500", headers=admin).json()["items"]]
    assert actions[-2:] == ["added", "queued"]
    # The next declaration of the inventory knows nothing of it, and leaves it alone.
    again = declared(app, admin)
    assert again["strangers"]["m9.sos.test"]["ip"] == "198.19.0.9" and not again["leaving"]


def test_what_all_senders_of_a_tenant_share_a_new_one_shares(client, app, admin):
    manual = {"method": "manual", "zone": None}
    with_these = [sender(n, ptr=manual, from_name="SOS", interface=f"eth{n}") for n in (1, 2)]
    declared(app, admin, fleet(*with_these), mtas=["vps2", "vps9"])
    found = add(client, admin, tenant=None)["sender"]
    assert (found["ptr"], found["from_name"], found["mta"], found["interface"]) == (manual, "SOS", "vps2", None)
    other = add(client, admin, ip="198.19.0.10", domain="m10.sos.test", from_name=None, mta="vps9", ptr={})["sender"]
    assert (other["ptr"]["method"], other["from_name"], other["mta"]) == ("rfc2136", None, "vps9")


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"tenant": None}, 422, "body.tenant: is missing, and there are several tenants. Choose one of sos, other"),
        ({"tenant": "nobody"}, 422, "body.tenant: 'nobody' is no tenant"),
        ({"ip": "198.19.0.300"}, 422, "body.ip"),
        ({"ip": "::1"}, 422, "body.ip"),
        ({"domain": "UPPER.test"}, 422, "body.hostname"),
        ({"domain": "x"}, 422, "body.domain"),
        ({"from_email": "hello@other.test"}, 422, "body.from_email"),
        ({"from_email": "no"}, 422, "body.from_email"),
        ({"vmta": "a b"}, 422, "body.vmta"),
        ({"mta": "vps7"}, 422, "body.mta"),
        ({"from_name": 'a"b'}, 422, "body.from_name"),
        ({"gateway": "x"}, 422, "body.gateway"),
        ({"table": 999}, 422, "body.table"),
        ({"ptr": {"zone": "x"}}, 422, "body.ptr.zone"),
        ({"ptr": {"method": "luck"}}, 422, "body.ptr.method"),
        ({"purposes": ["spam"]}, 422, "body.purposes.0"),
        ({"provider_quota": {"aol": 5}}, 422, "body.provider_quota.aol"),
        ({"provider_quota": {"gmail": 0}}, 422, "body.provider_quota.gmail"),
        ({"weight": 101}, 422, "body.weight"),
        ({"reserve": 2}, 422, "body.reserve"),
        ({"status": "active"}, 422, "body.status"),
        ({"ip": "198.19.0.1"}, 409, "body.ip: 198.19.0.1 belongs to m1.sos.test"),
        ({"domain": "m3.other.test"}, 409, "body.domain: m3.other.test belongs to m3.other.test"),
        ({"vmta": "vmta-m1.sos.test"}, 409, "body.vmta: vmta-m1.sos.test is already used by sender m1.sos.test"),
        ({"vmta": "unrouted-other"}, 409, "body.vmta: the name 'unrouted-other' is already taken"),
        ({"hostname": "m1.sos.test"}, 409, "body.hostname"),
        ({"domain": "operator.test"}, 422, "a mail loop"),
    ],
)
def test_a_bad_sender_names_its_fault(client, app, admin, known, change, status, word):
    found = add(client, admin, status, **change)
    assert word in found["detail"] and not rows(app, Job)
    assert client.get("/api/v1/fleet", headers=admin).json() == TWO


def test_a_sender_is_added_once(client, admin, known):
    add(client, admin)
    assert "m9.sos.test is there already" in add(client, admin, 409)["detail"]


def test_nothing_is_made_before_an_inventory_was_declared(client, app, admin):
    assert declare(app, admin, TWO).status_code == 200
    assert "no inventory has been declared" in add(client, admin, 409)["detail"]


def test_a_pool_has_one_address(client, app, admin):
    pooled = tenant("pooled", routing="pool", domain="pooled.test", from_email="news@pooled.test")
    declared(app, admin, fleet(tenants=[pooled]), confirm_removal=True)
    assert "one From address" in add(client, admin, 422, tenant="pooled", from_email="x@m9.sos.test")["detail"]
    found = add(client, admin, tenant="pooled")["sender"]
    assert (found["hostname"], found["domain"], found["from_email"]) == (
        "m9.sos.test",
        "pooled.test",
        "news@pooled.test",
    )
    second = add(client, admin, tenant="pooled", ip="198.19.0.10", domain="m10.sos.test")["sender"]
    assert second["domain"] == "pooled.test"


def test_many_add_at_once(client, app, admin, known):
    """Each address is given once, and the prefixes take turns whoever comes first."""

    def one(n):
        return client.post(
            "/api/v1/ips", headers=admin, json={**NEW, "ip": f"198.19.1.{n % 6}", "domain": f"n{n % 6}.sos.test"}
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(1, 19)))
    assert Counter(answer.status_code for answer in answers) == {202: 6, 409: 12}
    made = [answer.json()["sender"]["from_email"] for answer in answers if answer.status_code == 202]
    assert Counter(one.partition("@")[0] for one in made) == {"contact": 2, "support": 2, "hello": 2}


def change(client, key, body, name="m9.sos.test", tag=None):
    headers = {**key, "If-Match": tag or show(client, key, name)["etag"]}
    return client.patch(f"/api/v1/ips/{name}", headers=headers, json=body)


def test_a_change_needs_to_know_what_it_changes(client, admin, known):
    add(client, admin)
    url = "/api/v1/ips/m9.sos.test"
    assert "If-Match" in problem(client.patch(url, headers=admin, json={"weight": 5}), 428)["detail"]
    found = change(client, admin, {"weight": 5}, tag='"1"')
    assert found.json()["sender"]["weight"] == 5 and found.headers["ETag"] == found.json()["sender"]["etag"] == '"2"'
    assert "read it again" in problem(change(client, admin, {"weight": 6}, tag='"1"'), 412)["detail"]
    assert problem(change(client, admin, {"weight": 6}, tag='W/"2"'), 412)
    assert change(client, admin, {"weight": 6}, tag="*").status_code == 200


def test_of_many_who_read_the_same_one_writes(client, admin, known):
    add(client, admin)

    def one(n):
        return change(client, admin, {"weight": n}, tag='"1"').status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(one, range(24))) == {200: 1, 412: 23}


def test_an_apis_sender_changes_what_it_wants_to_be(client, app, admin, known):
    add(client, admin)
    body = {
        "from_email": "new@m9.sos.test",
        "from_name": "New",
        "purposes": ["marketing"],
        "provider_quota": {"gmail": 5},
    }
    found = change(client, admin, body).json()
    assert found["sender"].items() >= body.items() and found["sender"]["status"] == "standby"
    assert change(client, admin, {"from_name": None}).json()["sender"]["from_name"] is None
    assert [kind for kind, _ in jobs(app)] == ["add_sender", "converge"]
    unchanged = change(client, admin, {"purposes": ["marketing"]}).json()
    assert unchanged["job"] is None and unchanged["sender"]["etag"] == show(client, admin)["etag"]
    assert change(client, admin, {"reserve": True}).json()["job"] is None
    row = client.get("/api/v1/audit?limit=500", headers=admin).json()["items"][-1]
    assert (row["action"], row["before"], row["after"]) == ("changed", {"reserve": False}, {"reserve": True})


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"from_email": "contact@m1.sos.test"}, 422, "body.from_email"),
        ({"provider_quota": {"aol": 5}}, 422, "body.provider_quota.aol"),
        ({"ip": "198.19.0.7"}, 422, "body.ip"),
        ({"weight": None}, 422, "body.weight"),
        ({"purposes": None}, 422, "body.purposes"),
        ({"interface": "a b"}, 422, "body.interface"),
    ],
)
def test_a_bad_change_names_its_fault(client, admin, known, body, status, word):
    add(client, admin)
    assert word in problem(change(client, admin, body), status)["detail"]


def test_the_inventorys_sender_is_changed_in_the_inventory(client, admin, known):
    refused = problem(change(client, admin, {"from_name": "Me"}, "m1.sos.test"), 409)
    assert "sender m1.sos.test: belongs to the inventory. Edit the inventory" in refused["detail"]
    assert change(client, admin, {"weight": 7, "reserve": True}, "m1.sos.test").status_code == 200
    gone = problem(client.delete("/api/v1/ips/m1.sos.test", headers=admin), 409)
    assert "belongs to the inventory" in gone["detail"]


def test_a_sender_starts_when_its_dns_is_green(client, app, admin, known):
    add(client, admin)
    for green in ("no", "unknown"):
        assert check_dns(client, admin, green).json() == {"started": [], "job": None, "unknown": []}
    found = check_dns(client, admin, "yes", "m9.sos.test", "nobody.test").json()
    assert found["started"] == ["m9.sos.test"] and found["unknown"] == ["nobody.test"]
    (converge,) = rows(app, Job, kind="converge")
    assert found["job"] == str(converge.id)
    now = show(client, admin)
    assert (now["status"], now["phase"], now["daily_quota"]) == ("warming", "week_1", 50)
    assert not plan(app).paused
    domain = client.get("/api/v1/domains/m9.sos.test", headers=admin).json()
    assert (domain["spf_valid"], domain["ptr_valid"], domain["last_dns_check"] is None) == (True, True, False)
    row = [
        one for one in client.get("/api/v1/audit?limit=500", headers=admin).json()["items"] if one["action"] == "moved"
    ]
    assert row[0]["after"]["status"] == "warming" and row[0]["evidence"]["dns_green"] == "yes"
    assert check_dns(client, admin).json()["started"] == []


@pytest.mark.parametrize(("verdict", "valid"), [("ok", True), ("wrong", False), ("missing", False), ("unknown", None)])
def test_what_was_not_seen_is_not_known(client, admin, known, verdict, valid):
    name = "m1.sos.test"
    assert client.get(f"/api/v1/domains/{name}", headers=admin).json()["spf_valid"] is None
    check_dns(client, admin, "unknown", name)
    check_dns(client, admin, "unknown", name, verdict=verdict)
    found = client.get(f"/api/v1/domains/{name}", headers=admin).json()
    assert {found[one] for one in ("spf_valid", "dkim_valid", "dmarc_valid", "ptr_valid")} == {valid}


def test_an_older_check_says_nothing_new(client, app, admin, known):
    add(client, admin)
    (ip,) = rows(app, Ip, hostname="m9.sos.test")
    before, later = (ip.created_at - timedelta(minutes=minutes) for minutes in (2, 1))
    check_dns(client, admin, "no", at=later.isoformat())
    assert check_dns(client, admin, "yes", at=before.isoformat()).json()["started"] == []
    # A clock that runs ahead must not shut out what comes after it.
    check_dns(client, admin, "no", at="2999-01-01T00:00:00Z")
    now = datetime.now(UTC).isoformat()
    assert check_dns(client, admin, "yes", at=now).json()["started"] == ["m9.sos.test"]


def test_a_reserve_waits_for_a_person(client, app, admin, known):
    add(client, admin, reserve=True)
    assert check_dns(client, admin).json()["started"] == []
    assert move(client, admin, "start").json()["sender"]["status"] == "warming"
    assert show(client, admin)["reserve"] is False


def test_the_inventorys_standby_is_a_reserve(client, app, admin):
    declared(app, admin, fleet(sender(1), sender(9, status="standby", phase=None)))
    assert show(client, admin)["reserve"] is True


def move(client, key, event, name="m9.sos.test"):
    return client.post(f"/api/v1/ips/{name}:move", headers=key, json={"event": event, "reason": "a test"})


def test_nobody_starts_before_its_dns_is_green(client, app, admin, known):
    add(client, admin)
    assert "its DNS was not seen" in problem(move(client, admin, "start"), 409)["reasons"][0]
    check_dns(client, admin, "no")
    assert "its DNS is not as wanted" in problem(move(client, admin, "start"), 409)["reasons"][0]
    assert "only a check may" in problem(move(client, admin, "warmed", "m1.sos.test"), 409)["reasons"][0]
    assert "does not apply" in problem(move(client, admin, "release"), 409)["reasons"][0]
    assert "body.event" in problem(move(client, admin, "fly"), 422)["detail"]


def listing(app, name="m9.sos.test"):
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == name, Ip.status != "retired")).one()
        session.add(
            BlacklistEvent(tenant_id=ip.tenant_id, ip_id=ip.id, blacklist_name="zen", codes=[], severity="critical")
        )
        return ip.id


def test_a_known_listing_holds_up_a_start(client, app, admin, known):
    add(client, admin, reserve=True)
    check_dns(client, admin)
    number = listing(app)
    assert "is listed" in problem(move(client, admin, "start"), 409)["detail"]
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE blacklist_events SET cleared_at = now()"))
        ip = session.get(Ip, number)
        session.add(
            DnsblVerdict(
                tenant_id=ip.tenant_id, ip_id=ip.id, blacklist_name="zen", listed="yes", checked_at=ip.created_at
            )
        )
    assert "is listed" in problem(move(client, admin, "start"), 409)["detail"]


def test_a_release_says_all_that_is_missing(client, app, admin, known):
    assert move(client, admin, "listed", "m1.sos.test").json()["sender"]["status"] == "quarantine"
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        session.add(Incident(tenant_id=ip.tenant_id, ip_id=ip.id, kind="listed", summary="SBL"))
    assert len(problem(move(client, admin, "release", "m1.sos.test"), 409)["reasons"]) == 3
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        session.execute(text("UPDATE incidents SET closed_at = now(), cause = 'x'"))
        session.add(
            DnsblVerdict(
                tenant_id=ip.tenant_id, ip_id=ip.id, blacklist_name="zen", listed="no", checked_at=ip.updated_at
            )
        )
        zen = {"name": "zen", "zone": "zen.test", "kind": "ip", "state": "healthy", "severity": "critical"}
        session.add(DnsblList(**zen, checked_at=ip.updated_at))
    check_dns(client, admin, "yes", "m1.sos.test")
    found = move(client, admin, "release", "m1.sos.test").json()["sender"]
    assert (found["status"], found["phase"], found["daily_quota"]) == ("warming", "week_1", 50)


def test_what_was_seen_too_long_ago_is_not_known(client, app, admin, known):
    add(client, admin, reserve=True)
    check_dns(client, admin)
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE dns_checks SET checked_at = checked_at - interval '3 days'"))
    assert "its DNS was not seen" in problem(move(client, admin, "start"), 409)["detail"]


def applied(client, key, **report):
    return client.post("/api/v1/fleet:applied", headers=key, json={"revision": 1, **report})


def test_a_sender_leaves_when_its_queue_is_empty(client, app, admin, known):
    add(client, admin)
    check_dns(client, admin)
    answer = client.delete("/api/v1/ips/m9.sos.test", headers={**admin, "If-Match": '"1"'})
    problem(answer, 412)
    found = client.delete("/api/v1/ips/m9.sos.test", headers=admin)
    assert found.status_code == 202
    assert (found.json()["sender"]["status"], found.json()["sender"]["declared"]) == ("retiring", False)
    again = client.delete("/api/v1/ips/m9.sos.test", headers=admin).json()
    assert again["job"] == found.json()["job"]
    assert applied(client, admin, waiting={"m9.sos.test": 3}).json() == {"retired": [], "unknown": []}
    # Its address is not anybody else's before that.
    assert "198.19.0.9 belongs to m9.sos.test" in add(client, admin, 409, domain="m8.sos.test")["detail"]
    assert applied(client, admin, waiting={"m9.sos.test": 0}).json()["retired"] == []
    assert applied(client, admin, gone=["m9.sos.test"]).json()["retired"] == ["m9.sos.test"]
    problem(client.get("/api/v1/ips/m9.sos.test", headers=admin), 404)
    retired = client.get("/api/v1/ips?status=retired", headers=admin).json()["items"]
    assert [one["name"] for one in retired] == ["m9.sos.test"]
    assert add(client, admin)["sender"]["status"] == "standby"


@pytest.mark.parametrize("status", ["standby", "quarantine"])
def test_who_must_not_send_keeps_its_queue_until_it_is_empty(client, app, admin, known, status):
    add(client, admin)
    with app.state.sessions() as session, session.begin():
        session.scalars(select(Ip).where(Ip.hostname == "m9.sos.test")).one().status = status
    found = client.delete("/api/v1/ips/m9.sos.test", headers=admin).json()["sender"]
    assert (found["status"], found["declared"]) == (status, False)
    assert applied(client, admin, waiting={"m9.sos.test": 0}).json()["retired"] == []
    assert applied(client, admin, gone=["m9.sos.test"]).json()["retired"] == ["m9.sos.test"]


def test_what_was_renewed_is_not_retired(client, admin, known):
    assert applied(client, admin, gone=["m1.sos.test", "nobody.test"]).json()["retired"] == []
    assert show(client, admin, "m1.sos.test")["status"] == "warming"


def test_a_seen_empty_queue_lets_a_standby_go(client, admin, known):
    add(client, admin)
    assert "its queue was not seen" in problem(move(client, admin, "retire"), 409)["detail"]
    applied(client, admin, waiting={"m9.sos.test": 2})
    assert "holds mail" in problem(move(client, admin, "retire"), 409)["detail"]
    applied(client, admin, waiting={"m9.sos.test": 0})
    assert move(client, admin, "retire").json()["sender"]["status"] == "retired"


def test_who_is_left_out_of_the_inventory_retires(client, app, admin, known):
    declared(app, admin, {**TWO, "senders": TWO["senders"][1:]})
    assert (show(client, admin, "m1.sos.test")["status"], show(client, admin, "m1.sos.test")["declared"]) == (
        "retiring",
        False,
    )
    assert applied(client, admin, gone=["m1.sos.test"]).json()["retired"] == ["m1.sos.test"]


def test_who_is_put_back_before_it_was_gone_stays(client, app, admin, known):
    declared(app, admin, {**TWO, "senders": TWO["senders"][1:]})
    assert declared(app, admin)["changed"] == ["m1.sos.test"]
    assert show(client, admin, "m1.sos.test").items() >= {"status": "warming", "declared": True}.items()
    assert applied(client, admin, waiting={"m1.sos.test": 0}).json()["retired"] == []


def test_whom_a_person_retired_the_inventory_does_not_bring_back(client, app, admin, known):
    """Not before it was taken out of the inventory once."""
    move(client, admin, "retire", "m1.sos.test")
    applied(client, admin, waiting={"m1.sos.test": 0})
    assert declared(app, admin)["new"] == []
    without = {**TWO, "senders": TWO["senders"][1:]}
    assert declared(app, admin, without)["leaving"] == []
    assert declared(app, admin)["new"] == ["m1.sos.test"]


def test_keys_come_back_from_where_they_were_made(client, app, admin, known):
    key = {"domain": "m1.sos.test", "selector": "s20261122", "path": "/etc/pmta/k", "public": "MIIB"}
    found = applied(client, admin, keys=[key, {**key, "domain": "nobody.test"}]).json()
    assert found["unknown"] == ["nobody.test"]
    shown = show(client, admin, "m1.sos.test")
    assert (shown["selector"], shown["key"], shown["public"]) == ("s20261122", "/etc/pmta/k", "MIIB")
    before = client.get("/api/v1/fleet", headers=admin).headers["ETag"]
    applied(client, admin, keys=[key])
    assert client.get("/api/v1/fleet", headers=admin).headers["ETag"] == before


def test_the_api_owns_nothing_of_another_tenants_domain(client, app, admin, known):
    add(client, admin)
    client.delete("/api/v1/ips/m9.sos.test", headers=admin)
    applied(client, admin, gone=["m9.sos.test"])
    assert "served another tenant" in add(client, admin, 409, tenant="other")["detail"]


def test_filters(client, admin, known):
    def names(query):
        return [one["name"] for one in client.get(f"/api/v1/ips?{query}", headers=admin).json()["items"]]

    add(client, admin)
    assert names("status=standby") == ["m9.sos.test"]
    assert names("status=standby&status=warming&tenant=sos") == ["m1.sos.test", "m2.sos.test", "m9.sos.test"]
    assert names("tenant=other") == ["m3.other.test"]
    problem(client.get("/api/v1/ips?tenant=nobody", headers=admin), 404)
    problem(client.get("/api/v1/ips?status=asleep", headers=admin), 422)


class TestBrakes:
    """A standby beside a listing is a failover: one in seven days, none when a second sender is listed."""

    @pytest.fixture
    def standbys(self, client, app, admin, known):
        for n in (9, 10, 11):
            add(client, admin, ip=f"198.19.0.{n}", domain=f"m{n}.sos.test")
        return [f"m{n}.sos.test" for n in (9, 10, 11)]

    def held(self, client, admin):
        return client.get("/api/v1/tenants/sos", headers=admin).json()["held_reason"]

    def test_without_a_listing_all_start(self, client, admin, standbys):
        assert check_dns(client, admin, "yes", *standbys).json()["started"] == standbys

    def test_beside_a_listing_one_starts_and_the_tenant_is_held(self, client, app, admin, standbys):
        listing(app, "m1.sos.test")
        assert check_dns(client, admin, "yes", *standbys).json()["started"] == standbys[:1]
        assert "automatic start" in self.held(client, admin)
        (incident,) = client.get("/api/v1/incidents?kind=held&tenant=sos", headers=admin).json()["items"]
        assert incident["sender"] is None
        assert check_dns(client, admin, "yes", *standbys).json()["started"] == []
        assert len(client.get("/api/v1/incidents?kind=held", headers=admin).json()["items"]) == 1
        url = f"/api/v1/incidents/{incident['id']}:close"
        client.post(url, headers=admin, json={"cause": "a bought list"})
        assert self.held(client, admin) is None
        with app.state.sessions() as session, session.begin():
            session.execute(text("UPDATE blacklist_events SET cleared_at = now()"))
        assert check_dns(client, admin, "yes", *standbys).json()["started"] == standbys[1:]

    def test_beside_two_listings_none_starts(self, client, app, admin, standbys):
        listing(app, "m1.sos.test"), listing(app, "m2.sos.test")
        assert check_dns(client, admin, "yes", *standbys).json()["started"] == []
        assert "2 senders of sos are listed" in self.held(client, admin)

    def test_at_once_no_more_than_one(self, client, app, admin, standbys):
        listing(app, "m1.sos.test")
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda name: check_dns(client, admin, "yes", name).json(), standbys * 4))
        assert sum(len(answer["started"]) for answer in answers) == 1


def test_a_stop_and_its_resume_do_not_overtake_each_other(client, app, admin, known):
    def ask(verb):
        return client.post(f"/api/v1/ips/m1.sos.test:{verb}", headers=admin, json={"reason": verb}).json()

    ask("pause"), ask("resume"), ask("pause")
    found = {(job.kind, job.state): job for job in rows(app, Job)}
    assert ("stop", "queued") in found and ("resume", "cancelled") in found and ("resume", "queued") not in found
    assert len(rows(app, Job, kind="converge")) == 1
    assert found["stop", "queued"].arguments == {"senders": ["m1.sos.test"], "reason": "pause"}


def test_a_tenants_key_changes_no_fleet(client, app, known):
    mine = make_key(app, "sos's", "sos")
    for answer in (
        client.post("/api/v1/ips", headers=mine, json=NEW),
        client.patch("/api/v1/ips/m1.sos.test", headers=mine, json={"weight": 1}),
        client.delete("/api/v1/ips/m1.sos.test", headers=mine),
        move(client, mine, "retire", "m1.sos.test"),
        check_dns(client, mine),
        applied(client, mine),
    ):
        problem(answer, 403)
