# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's place: made once, taken over by its name, put right where it drifted, and nobody else's touched."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import marks, options, program, tenants
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

SOS = {"name": "sos", "email": "sos@x.test", "first_name": "S", "last_name": "O", "timezone": "UTC", "password": None}
TWO = {**SOS, "name": "two", "email": "two@x.test"}


def customer(number, group, email, **changes):
    who = {"first_name": "S", "last_name": "O", "timezone": "UTC", "status": "active", **changes}
    return {"id": number, "uid": f"uid{number}", "group_id": group, "email": email, **who}


def found(groups=(), customers=(), keys=()):
    return {**marks.NOTHING, "groups": list(groups), "customers": list(customers), "keys": list(keys)}


def group(number, name, **changes):
    return {"id": number, "name": name, "options": {**tenants.GROUP_OPTIONS, **changes}}


KEY = {"id": 5, "customer_id": 1, "name": "email_engine", "key": "k" * 40}
THERE = found([group(1, "fleet-sos")], [customer(1, 1, "sos@x.test")], [KEY])


def applied(plan, state):
    after = copy.deepcopy(state)
    for order in plan.orders([SOS, TWO])["tenants"]:
        number = order["group"]["id"]
        if number is None:
            number = 1 + max((one["id"] for one in after["groups"]), default=0)
            after["groups"].append({"id": number, "name": order["group"]["name"], "options": {}})
        next(one for one in after["groups"] if one["id"] == number)["options"].update(order["group"]["options"])
        owner = order["customer"]["id"]
        if owner is None:
            assert len(order["customer"]["password"]) >= 20
            owner = 1 + max((one["id"] for one in after["customers"]), default=0)
            after["customers"].append(customer(owner, number, ""))
        next(one for one in after["customers"] if one["id"] == owner).update(order["customer"]["set"])
        if order["key"]["id"] is None:
            after["keys"].append(
                {"id": 77 + owner, "customer_id": owner, "name": order["key"]["name"], "key": "n" * 40}
            )
    return after


def test_what_is_there_is_left_alone():
    plan = tenants.plan([SOS], THERE)
    assert not plan.changed
    place = {"customer_id": 1, "customer_uid": "uid1", "group_id": 1, "key": "k" * 40}
    assert tenants.places([SOS], THERE, False) == {"sos": place}


def test_a_new_tenant_gets_all_of_it():
    plan = tenants.plan([SOS], found())
    assert plan.created == ["group fleet-sos", "customer sos@x.test", "key of sos"]
    assert tenants.places([SOS], found(), True)["sos"] == dict.fromkeys(
        ("customer_id", "customer_uid", "group_id", "key")
    )


states = st.builds(
    found,
    st.lists(
        st.sampled_from([group(1, "fleet-sos", **{"api.enabled": "no"}), group(2, "fleet-two"), group(3, "fleet-old")]),
        unique_by=lambda one: one["id"],
    ),
    st.lists(
        st.sampled_from(
            [customer(1, 1, "sos@x.test", first_name="X"), customer(2, 2, "TWO@x.test"), customer(3, 3, "o@x.test")]
        ),
        unique_by=lambda one: one["id"],
    ),
    st.lists(st.sampled_from([KEY, {**KEY, "id": 6, "name": "mine"}]), unique_by=lambda one: one["id"]),
)


@settings(max_examples=200, deadline=None)
@given(states)
def test_one_plan_is_enough(state):
    state["customers"] = [one for one in state["customers"] if one["group_id"] in [g["id"] for g in state["groups"]]]
    plan = tenants.plan([SOS, TWO], state)
    after = applied(plan, state)
    assert not tenants.plan([SOS, TWO], after).changed
    assert all(len(place["key"]) == 40 for place in tenants.places([SOS, TWO], after, False).values())
    for kind in ("groups", "customers"):
        mine = [one["id"] for one in after["groups"] if one["name"] in ("fleet-sos", "fleet-two")]
        for one in state[kind]:
            if one.get("group_id", one["id"]) not in mine:
                assert one in after[kind]


@pytest.mark.parametrize("code", tenants.GROUP_OPTIONS)
def test_an_option_that_somebody_changed_is_put_right(code):
    state = {**THERE, "groups": [group(1, "fleet-sos", **{code: "maybe"})]}
    (step,) = tenants.plan([SOS], state).steps
    assert step.options == {code: tenants.GROUP_OPTIONS[code]}


def test_a_customer_of_another_group_is_somebody_elses():
    state = found([group(1, "fleet-sos")], [customer(9, 4, "SOS@x.test")])
    with pytest.raises(FleetError, match="is a customer of another group"):
        tenants.plan([SOS], state)


def test_a_customer_that_is_not_active_is_told():
    state = {**THERE, "customers": [customer(1, 1, "sos@x.test", status="inactive")]}
    plan = tenants.plan([SOS], state)
    assert not plan.changed
    assert "is inactive" in plan.warnings[0]


def test_several_customers_without_the_address_are_nobodys_to_choose():
    state = found([group(1, "fleet-sos")], [customer(1, 1, "a@x.test"), customer(2, 1, "b@x.test")])
    with pytest.raises(FleetError, match="none of the 2 customers"):
        tenants.plan([SOS], state)


def test_no_key_and_no_password_in_a_diff():
    plan = tenants.plan([{**SOS, "password": "hush-hush"}, TWO], THERE)
    assert "hush" not in str(plan.diff()) and "kkkk" not in str(plan.diff())
    assert "customer two@x.test: made" in plan.diff()["after"]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ([SOS, SOS], "stands twice"),
        ([SOS, {**TWO, "email": "SOS@x.test"}], "is already that of sos"),
        ([{**SOS, "email": "nobody"}], "is no address"),
        ([{**SOS, "name": "a b"}], "is no name"),
    ],
)
def test_what_cannot_be_a_place_is_refused(given_, said):
    with pytest.raises(FleetError, match=said):
        tenants.wanted(given_)


def test_what_was_taken_and_is_not_there_is_an_error():
    with pytest.raises(FleetError, match="does not show it"):
        tenants.places([SOS], found(), False)


# Options ---------------------------------------------------------------------------------------------------------------


def test_options_are_text_and_compared_as_text():
    wanted = options.wanted({"system.common.clean_urls": 1, "system.urls.scheme": "https", "system.a.b": ""})
    there = {"system.common.clean_urls": "1", "system.urls.scheme": "http", "system.a.b": None}
    assert options.changes(wanted, there) == {"system.urls.scheme": "https", "system.a.b": ""}


def test_secret_options_are_hidden_in_a_diff():
    changed = {"system.license.purchase_code": "CODE"}
    assert "CODE" not in str(options.diff(changed, {"system.license.purchase_code": "OLDCODE"}))


@pytest.mark.parametrize("given_", [{"clean_urls": 1}, {"system.a.b": True}, {"system.a.b": [1]}, {"system.a.b": None}])
def test_options_that_mailwizz_has_no_place_for_are_refused(given_):
    with pytest.raises(FleetError, match=r"options\."):
        options.wanted(given_)


# The program's answer --------------------------------------------------------------------------------------------------


def test_the_last_answer_counts_whatever_stands_around_it():
    out = 'Notice: x\nemail_engine.fleet: {"a": 0}\n<b>y</b>\nemail_engine.fleet: {"a": 1}\nbye'
    assert program.answer("info", 0, out, "") == {"a": 1}


@pytest.mark.parametrize("out", ["", "Fatal error", "email_engine.fleet: {", "email_engine.fleet: [1]"])
def test_no_answer_is_an_error_that_shows_what_came(out):
    with pytest.raises(FleetError, match=r"command info: gave no answer \(exit 255\), but: memory"):
        program.answer("info", 255, out, "memory   exhausted\n")


def test_an_error_of_the_program_is_ours():
    with pytest.raises(FleetError, match=r"w: x\. y"):
        program.answer("info", 1, 'email_engine.fleet: {"error": {"where": "w", "what": "x", "remedy": "y"}}', "")
