# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet document asks of delivery servers: one rule for weights, quotas, statuses, headers and pools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import servers
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

MTAS = {"vps2": {"address": "192.0.2.20", "port": 2525}}
LOGINS = {"sos": {"user": "mw-sos", "password": "secret"}}


def tenant(**changes):
    return {
        "name": "sos",
        "routing": "by_sender",
        "trusted": False,
        "domain": None,
        "from_email": None,
        "feeders": [{"user": "mw-sos"}],
        **changes,
    }


def sender(number=1, **changes):
    return {
        "name": f"mail{number}.sos.test",
        "tenant": "sos",
        "domain": "sos.test",
        "from_email": f"hello{number}@sos.test",
        "from_name": "SOS",
        "vmta": f"vmta-{number}",
        "mta": "vps2",
        "status": "active",
        "paused": False,
        "weight": 100,
        "daily_quota": 1000,
        "declared": True,
        **changes,
    }


def wanted(senders, who=None, **more):
    document = {"tenants": [who or tenant()], "senders": senders}
    return servers.wanted(document, ["sos"], more.pop("mtas", MTAS), more.pop("logins", LOGINS), **more)


@pytest.mark.parametrize(
    ("weight", "step"),
    [
        (0, 5),
        (1, 5),
        (7, 5),
        (8, 10),
        (12, 10),
        (13, 15),
        (50, 50),
        (52, 50),
        (53, 55),
        (97, 95),
        (98, 100),
        (100, 100),
    ],
)
def test_a_weight_is_the_nearest_step(weight, step):
    assert servers.probability(weight) == step


@given(st.integers(1, 100))
def test_every_weight_has_a_step_that_mailwizz_takes(weight):
    step = servers.probability(weight)
    assert step in range(5, 101, 5)
    assert abs(step - weight) <= (2 if weight >= 5 else 4)


def test_a_sender_becomes_one_server():
    (one,) = wanted([sender(weight=40)], protocol="tls")
    assert one["key"] == "mail1.sos.test"
    assert one["allowed"]
    assert one["headers"] == [["X-Force-Return-Path", "bounce@sos.test"], ["X-Job", "[CAMPAIGN_UID]"]]
    assert one["password"] == "secret"
    assert "password" not in one["attributes"]
    assert one["attributes"] == {
        **servers.FIXED,
        "name": "mail1.sos.test",
        "hostname": "192.0.2.20",
        "port": 2525,
        "username": "mw-sos",
        "protocol": "tls",
        "from_email": "hello1@sos.test",
        "from_name": "SOS",
        "probability": 40,
        "daily_quota": 1000,
    }
    assert (one["attributes"]["force_from"], one["attributes"]["signing_enabled"]) == ("always", "no")


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"status": "warming"}, True),
        ({"status": "standby"}, False),
        ({"status": "quarantine"}, False),
        ({"status": "resting"}, False),
        ({"status": "retiring"}, False),
        ({"paused": True}, False),
        ({"daily_quota": 0}, False),
        ({"weight": 0}, False),
    ],
)
def test_only_who_may_be_given_new_mail_is_drawn(changes, allowed):
    assert wanted([sender(**changes)])[0]["allowed"] is allowed


def test_who_powermta_holds_is_not_drawn():
    one, two = wanted([sender(1), sender(2)], stopped=["VMTA-2"])
    assert (one["allowed"], two["allowed"]) == (True, False)


@pytest.mark.parametrize("changes", [{"status": "retired"}, {"declared": False}])
def test_who_left_is_not_wanted(changes):
    assert wanted([sender(**changes)]) == []


def test_a_quota_of_nothing_is_never_without_limit():
    assert wanted([sender(daily_quota=0)])[0]["attributes"]["daily_quota"] == 1


def test_only_a_trusted_tenant_names_its_virtual_mta():
    assert ["X-Virtual-MTA", "vmta-1"] in wanted([sender()], tenant(trusted=True))[0]["headers"]
    assert all(name != "X-Virtual-MTA" for name, _value in wanted([sender()])[0]["headers"])


def pool(**changes):
    return tenant(routing="pool", domain="pool.test", from_email="hello@pool.test", trusted=True, **changes)


def test_a_pool_is_one_server_with_the_quota_of_those_who_send():
    (one,) = wanted([sender(1), sender(2), sender(3, status="standby"), sender(4)], pool(), stopped=["vmta-4"])
    assert one["key"] == "sos-pool"
    assert one["attributes"]["daily_quota"] == 2000
    assert one["attributes"]["probability"] == 100
    assert one["attributes"]["from_email"] == "hello@pool.test"
    assert one["headers"] == [["X-Force-Return-Path", "bounce@pool.test"], ["X-Job", "[CAMPAIGN_UID]"]]


def test_a_pool_of_whom_nobody_sends_is_not_drawn():
    assert not wanted([sender(1, paused=True)], pool())[0]["allowed"]


def test_a_pool_over_two_hosts_is_a_server_for_each():
    mtas = {**MTAS, "vps4": {"address": "192.0.2.40", "port": 2525}}
    found = wanted([sender(1), sender(2, mta="vps4")], pool(), mtas=mtas)
    assert [(one["key"], one["attributes"]["hostname"]) for one in found] == [
        ("sos-pool@vps2", "192.0.2.20"),
        ("sos-pool@vps4", "192.0.2.40"),
    ]


def test_a_feeder_known_by_its_address_has_no_login():
    (one,) = wanted(
        [sender()], tenant(feeders=[{"address": "192.0.2.11"}]), logins={"sos": {"user": "", "password": ""}}
    )
    assert (one["attributes"]["username"], one["password"]) == ("", "")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"mtas": {}}, "mtas: vps2"),
        ({"logins": {}}, "has no user"),
        ({"logins": {"sos": {"user": "mw-sos", "password": ""}}}, "has no password"),
    ],
)
def test_what_is_missing_is_named(more, said):
    with pytest.raises(FleetError, match=said):
        wanted([sender()], **more)


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "172.16.0.1", "192.168.0.1", "198.18.0.1", "127.0.0.1", "fd00::1", "vps2"]
)
def test_a_login_in_clear_text_stays_on_a_private_link(address):
    assert wanted([sender()], mtas={"vps2": {"address": address, "port": 2525}})


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00::1"])
def test_a_login_in_clear_text_to_a_public_address_is_refused(address):
    mtas = {"vps2": {"address": address, "port": 2525}}
    with pytest.raises(FleetError, match=r"vps2: .*clear text.*mailwizz_delivery_protocol"):
        wanted([sender()], mtas=mtas)
    assert wanted([sender()], mtas=mtas, protocol="starttls")
    by_address = tenant(feeders=[{"address": "8.8.4.4"}])
    assert wanted([sender()], by_address, mtas=mtas, logins={"sos": {"user": "", "password": ""}})


def test_an_unknown_tenant_is_named():
    with pytest.raises(FleetError, match="'sso' is no tenant"):
        servers.wanted({"tenants": [tenant()], "senders": []}, ["sso"], MTAS, LOGINS)
