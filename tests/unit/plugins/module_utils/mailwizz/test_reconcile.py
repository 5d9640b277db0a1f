# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From any MailWizz to the wanted servers: reached by one plan, left alone by the next, and nothing of others touched."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import marks, reconcile, servers, stops
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

NONCE = "nonce"
TENANTS = {"sos": (10, 100), "two": (20, 200)}  # group, customer
COLUMNS = [*servers.NEEDED, "locked", "must_confirm_delivery"]
DRAWN = ("active", "in-use")


def want(tenant, number, allowed=True, **attributes):
    key = f"mail{number}.{tenant}.test"
    return {
        "key": key,
        "tenant": tenant,
        "vmta": f"vmta-{tenant}-{number}",
        "allowed": allowed,
        "headers": [["X-Force-Return-Path", f"bounce@{tenant}.test"], ["X-Job", "[CAMPAIGN_UID]"]],
        "password": "secret",
        "attributes": {
            "name": key,
            "hostname": "192.0.2.20",
            "port": 2525,
            "username": f"mw-{tenant}",
            "protocol": "",
            "from_email": f"hello{number}@{tenant}.test",
            "from_name": "",
            "probability": 100,
            "daily_quota": 1000,
            **servers.FIXED,
            **attributes,
        },
    }


def have(number, customer, status="active", mark=None, **attributes):
    return {
        "id": number,
        "customer_id": customer,
        "type": "smtp-pmta",
        "status": status,
        "mark": mark,
        "headers": [],
        "password": marks.digest(NONCE, ""),
        "attributes": {"name": f"server{number}", "hostname": "mx.test", "from_email": None, **attributes},
    }


def campaign(number, customer, chosen=(), from_email="", status="sending"):
    return {
        "id": number,
        "uid": f"uid{number}",
        "name": f"campaign {number}",
        "customer_id": customer,
        "status": status,
        "from_email": from_email,
        "servers": list(chosen),
    }


def state(servers_=(), campaigns=(), assigned=(), fallback="no"):
    return {
        "nonce": NONCE,
        "columns": COLUMNS,
        "groups": [
            {"id": group, "name": f"fleet-{name}", "options": {reconcile.OPEN_FALLBACK: fallback}}
            for name, (group, _customer) in TENANTS.items()
        ],
        "customers": [
            {"id": customer, "uid": f"c{customer}", "group_id": group, "email": f"{name}@x.test", "status": "active"}
            for name, (group, customer) in TENANTS.items()
        ],
        "keys": [],
        "servers": list(servers_),
        "assigned": list(assigned),
        "campaigns": list(campaigns),
    }


def applied(plan, found):
    """What MailWizz has afterwards, by a reading of the orders that is not the PHP program's."""
    after = copy.deepcopy(found)
    orders = plan.orders(found)
    after["campaigns"] = [one for one in after["campaigns"] if one["id"] not in orders["pause"]]
    by_id = {one["id"]: one for one in after["servers"]}
    for order in orders["servers"]:
        assert set(order["after"]) <= set(orders["pause"])
        if order["id"] is None:
            number = max(by_id, default=0) + 1
            one = have(number, order["set"]["customer_id"], "inactive")
            after["servers"].append(one)
            by_id[number] = one
        else:
            one = by_id[order["id"]]
        for name, value in order["set"].items():
            if name == "status":
                one["status"] = value
            elif name not in ("customer_id", "type"):
                one["attributes"][name] = value
        if order["headers"] is not None:
            one["headers"] = order["headers"]
        if order["password"] is not None:
            one["password"] = marks.digest(NONCE, order["password"])
        one["mark"] = order["mark"]
    return after


def plan(wanted, found, tenants=("sos", "two"), **more):
    return reconcile.plan(wanted, tenants, found, **more)


names = st.sampled_from(["sos", "two"])
wishes = st.lists(
    st.builds(want, names, st.integers(1, 4), st.booleans(), daily_quota=st.integers(1, 3)),
    max_size=8,
    unique_by=lambda one: one["key"],
)


@st.composite
def founds(draw):
    found = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        tenant = draw(names)
        owner = draw(st.sampled_from([TENANTS[tenant][1], TENANTS[tenant][1], 999, None]))
        sender = f"mail{draw(st.integers(1, 5))}.{tenant}.test"
        mark = draw(st.sampled_from([None, {"sender": sender, "vmta": "v"}]))
        status = draw(st.sampled_from(["active", "in-use", "inactive", "disabled", "hidden"]))
        address = f"hello{draw(st.integers(1, 5))}@{tenant}.test"
        found.append(have(number, owner, status, mark, name=sender, from_email=address))
    numbers = [one["id"] for one in found]
    running = [
        campaign(
            number,
            draw(st.sampled_from([100, 200])),
            draw(st.lists(st.sampled_from(numbers), max_size=2)) if numbers else (),
            draw(st.sampled_from(["", "HELLO1@sos.test", "hello2@two.test", "other@x.test"])),
        )
        for number in range(1, draw(st.integers(0, 5)) + 1)
    ]
    return state(found, running)


@settings(max_examples=300, deadline=None)
@given(wishes, founds())
def test_one_plan_reaches_what_is_wanted_and_the_next_is_empty(wanted, found):
    first = plan(wanted, found)
    after = applied(first, found)
    again = plan(wanted, after)
    assert not again.changed, again.diff()
    for one in wanted:
        customer = TENANTS[one["tenant"]][1]
        mine = [s for s in after["servers"] if s["customer_id"] == customer and marks.is_ours(s)]
        drawn = [s for s in mine if marks.sender_of(s) == one["key"] and s["status"] in DRAWN]
        assert len(drawn) == (1 if one["allowed"] else 0)
        for server in drawn:
            known = {k: v for k, v in one["attributes"].items() if k in COLUMNS}
            assert {k: server["attributes"].get(k) or "" for k in known} == {k: v or "" for k, v in known.items()}
            assert server["headers"] == one["headers"]


@settings(max_examples=300, deadline=None)
@given(wishes, founds())
def test_nothing_of_others_is_touched_and_nothing_deleted(wanted, found):
    after = applied(plan(wanted, found), found)
    by_id = {one["id"]: one for one in after["servers"]}
    for server in found["servers"]:
        assert server["id"] in by_id
        if not marks.is_ours(server):
            assert by_id[server["id"]] == server


@settings(max_examples=300, deadline=None)
@given(wishes, founds())
def test_no_campaign_runs_on_whose_chosen_server_of_ours_is_not_drawn(wanted, found):
    after = applied(plan(wanted, found), found)
    by_id = {one["id"]: one for one in after["servers"]}
    strays = {one["id"] for one in marks.strays(found)}
    for running in after["campaigns"]:
        for number in running["servers"]:
            server = by_id[number]
            if marks.is_ours(server) and (number in strays or server["customer_id"] == running["customer_id"]):
                assert server["status"] in DRAWN and number not in strays


@settings(max_examples=200, deadline=None)
@given(wishes, founds())
def test_no_password_is_shown(wanted, found):
    made = plan(wanted, found)
    assert "secret" not in str(made.diff())
    assert "secret" not in str([(one.before, one.after) for one in made.changes])


def mine(number, tenant="sos", sender=1, status="active", **attributes):
    """A server that is as ``want`` wants it."""
    wish = want(tenant, sender)
    return {
        **have(number, TENANTS[tenant][1], status, {"sender": wish["key"], "vmta": wish["vmta"]}),
        "headers": wish["headers"],
        "password": marks.digest(NONCE, "secret"),
        "attributes": {
            **{k: None if v is None else str(v) for k, v in wish["attributes"].items() if k in COLUMNS},
            **attributes,
        },
    }


def test_a_server_that_works_at_this_moment_is_as_wanted():
    assert not plan([want("sos", 1)], state([mine(1, status="in-use")])).changed


def test_a_campaign_is_paused_by_its_choice_or_by_its_from():
    running = [
        campaign(1, 100, [1]),
        campaign(2, 100, from_email="HELLO1@sos.test"),
        campaign(3, 100, [2], "hello2@sos.test"),
        campaign(4, 200, [], "hello1@sos.test"),
        campaign(5, 100, [1], status="draft"),
    ]
    made = plan([want("sos", 1, allowed=False), want("sos", 2)], state([mine(1), mine(2, sender=2)], running))
    assert sorted(made.pause) == [1, 2]
    assert made.disabled == ["mail1.sos.test"]
    assert made.changes[0].after_campaigns == (1, 2)


def test_who_is_stopped_already_has_its_new_campaigns_paused_too():
    made = plan([want("sos", 1, allowed=False)], state([mine(1, status="disabled")], [campaign(1, 100, [1])]))
    assert (sorted(made.pause), made.changes, made.changed) == ([1], [], True)


def test_a_copy_of_a_server_is_disabled_and_spares_the_campaigns_of_the_first():
    running = [campaign(1, 100, [1], "hello1@sos.test"), campaign(2, 100, [2], "hello1@sos.test")]
    made = plan([want("sos", 1)], state([mine(1), mine(2)], running))
    assert [one.id for one in made.changes] == [2]
    assert sorted(made.pause) == [2]


def test_a_renamed_server_gets_its_name_back():
    made = plan([want("sos", 1)], state([mine(1, name="mine now")]))
    assert (made.created, made.updated) == ([], ["mail1.sos.test"])
    assert made.changes[0].after == {"name": "mail1.sos.test"}


def test_a_server_whose_mark_was_dropped_is_known_by_its_headers():
    made = plan([want("sos", 1)], state([{**mine(1), "mark": None}]))
    assert not made.changed


def test_who_moved_to_another_host_is_disabled():
    made = plan([want("sos", 1)], state([mine(1), mine(2, "two")]), tenants=["sos"])
    assert made.disabled == ["mail1.two.test"]


def test_a_wrong_password_is_put_right_and_not_shown():
    made = plan([want("sos", 1)], state([{**mine(1), "password": marks.digest(NONCE, "old")}]))
    assert made.orders(state())["servers"][0]["password"] == "secret"
    assert "secret" not in made.diff()["after"] and "password=" in made.diff()["after"]


@pytest.mark.parametrize(
    ("servers_", "assigned", "fallback", "said"),
    [
        ([have(7, 100)], [], "no", "active in the customer of sos"),
        ([have(7, 100, "disabled")], [], "no", ""),
        ([have(7, None)], [{"server_id": 7, "group_id": 20}], "no", "given to the group of two"),
        ([have(7, None, "in-use")], [], "yes", "may fall back"),
    ],
)
def test_a_server_of_others_that_a_tenants_mail_could_leave_through_is_a_fault(servers_, assigned, fallback, said):
    made = plan([], state(servers_, assigned=assigned, fallback=fallback))
    assert not made.changed
    (one,) = made.foreign
    assert said in one["fault"]
    assert bool(made.faults) is bool(said)


def test_a_server_of_the_system_that_nobody_falls_back_to_is_nobodys_matter():
    assert plan([], state([have(7, None)])).foreign == []


def test_our_server_given_to_a_group_is_a_fault():
    made = plan([want("sos", 1)], state([mine(1)], assigned=[{"server_id": 1, "group_id": 5}]))
    assert "also given to customer groups" in made.faults[0]


@pytest.mark.parametrize("owner", [None, 999])
def test_our_server_in_no_tenants_customer_is_disabled_and_a_fault(owner):
    lost = {**mine(1), "customer_id": owner}
    running = [campaign(1, 100, [1]), campaign(2, 100, [], "hello1@sos.test"), campaign(3, 300, [1])]
    made = plan([want("sos", 1)], state([lost], running))
    assert (made.created, made.disabled) == (["mail1.sos.test"], ["mail1.sos.test"])
    # Who has its From goes on over the new one.
    assert sorted(made.pause) == [1, 3]
    assert "is no tenant's" in made.faults[0]
    after = applied(made, state([lost], running))
    assert not plan([want("sos", 1)], after).changed and not plan([want("sos", 1)], after).faults


@pytest.mark.parametrize("owner", [None, 999])
@pytest.mark.parametrize("mark", [{}, {"tenant": "sos"}])
def test_a_stop_meets_our_server_in_no_tenants_customer(owner, mark):
    lost = {**mine(1), "customer_id": owner}
    lost["mark"] = {**lost["mark"], **mark}
    found = state([lost], [campaign(1, 100, [1]), campaign(2, 999, from_email="x@x.test"), campaign(3, 300)])
    for whom in ({"tenant": "sos"}, {"everything": True}):
        made, _unknown = stop(found, **whom)
        assert made.disabled == ["mail1.sos.test"] and 1 in made.pause and 3 not in made.pause
    made, unknown = stop(found, "mail1.sos.test")
    assert (made.disabled, unknown, sorted(made.pause)) == (["mail1.sos.test"], [], [1])
    assert bool(stop(found, tenant="two")[0].changes) is not bool(mark)


def test_a_version_without_a_column_is_refused():
    found = {**state(), "columns": [name for name in COLUMNS if name != "force_from"]}
    with pytest.raises(FleetError, match="no column force_from"):
        plan([want("sos", 1)], found)


def test_columns_of_newer_versions_are_set_where_they_are():
    found = {**state(), "columns": [*COLUMNS, "minute_quota", "warmup_plan_id"]}
    assert "minute_quota" in plan([want("sos", 1)], found).changes[0].after
    assert "minute_quota" not in plan([want("sos", 1)], state()).changes[0].after


def test_a_tenant_without_a_place_is_refused_or_predicted():
    found = {**state(), "groups": [], "customers": []}
    with pytest.raises(FleetError, match="has no customer in the group fleet-sos"):
        plan([want("sos", 1)], found, tenants=["sos"])
    made = plan([want("sos", 1)], found, tenants=["sos"], predict=True)
    assert made.created == ["mail1.sos.test"]
    assert "no place in MailWizz yet" in made.warnings[0]


def test_several_customers_in_a_group_are_told_apart_by_the_engines_key():
    found = state([mine(1)])
    found["customers"].append({"id": 101, "uid": "x", "group_id": 10, "email": "x@x.test", "status": "active"})
    with pytest.raises(FleetError, match="several customers"):
        plan([want("sos", 1)], found)
    found["keys"] = [{"id": 1, "customer_id": 100, "name": "email_engine", "key": None}]
    assert not plan([want("sos", 1)], found).changed


# Stops -----------------------------------------------------------------------------------------------------------------


def stop(found, *names_, tenant=None, everything=False):
    return stops.plan(stops.Whom(names_, tenant, everything), "complaints", found)


def test_a_stop_is_about_names_or_virtual_mtas():
    found = state([mine(1), mine(2, sender=2), mine(3, "two")], [campaign(1, 100, [2]), campaign(2, 100, [1])])
    made, unknown = stop(found, "MAIL1.sos.test", "vmta-two-1", "nobody")
    assert [one.sender for one in made.changes] == ["mail1.sos.test", "mail1.two.test"]
    assert sorted(made.pause) == [2]
    assert unknown == ["nobody"]
    assert made.changes[0].mark["stopped"] == "complaints"


def test_a_stop_of_a_tenant_pauses_whatever_it_sends():
    running = [campaign(1, 100), campaign(2, 200), campaign(3, 100, from_email="else@x.test")]
    made, _unknown = stop(state([mine(1), mine(2, "two")], running), tenant="sos")
    assert [one.id for one in made.changes] == [1]
    assert sorted(made.pause) == [1, 3]


@settings(max_examples=200, deadline=None)
@given(founds())
def test_a_stop_of_everything_leaves_no_server_of_ours_drawn_and_no_campaign(found):
    made, _unknown = stop(found, everything=True)
    after = applied(made, found)
    for before, server in zip(found["servers"], after["servers"]):
        if marks.is_ours(server):
            assert server["status"] == "disabled"
        else:
            assert server == before
    assert after["campaigns"] == []
    assert not stop(after, everything=True)[0].changed
