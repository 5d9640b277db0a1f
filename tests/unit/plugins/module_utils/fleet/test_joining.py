# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who comes through the API is what the inventory would have made of it, and fits beside whoever is there."""

from __future__ import annotations

import copy

import jsonschema
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet import joining
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import adoption_lines
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.schema import FLEET_SCHEMA
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

POLICY = {
    "phases": {"week_1": 50, "week_2": 100},
    "active_daily_quota": 50000,
    "providers": {"gmail": {}},
    "sender_defaults": {"status": "warming", "weight": 100, "paused": False},
    "dmarc": {"policy": "none", "rua": ["mailto:dmarc@{domain}"]},
    "operator": "ops@operator.test",
    "prefixes": ["contact", "support"],
}
TENANTS = [
    {
        "name": "sos",
        "feeders": [{"user": "sos", "password": "secret"}],
        "from_name": "SOS",
        "dmarc": {"policy": "reject"},
        "senders": [{"ip": f"198.19.0.{n}", "domain": f"m{n}.sos.test", "prefix": "a"} for n in (1, 2)],
    },
    {"name": "other", "feeders": [{"address": "198.18.0.12"}]},
]
DOCUMENT = expand(TENANTS, POLICY, ["vps2"])
NEW = {"ip": "198.19.0.9", "domain": "m9.sos.test", "tenant": "sos"}
SCHEMA = jsonschema.Draft202012Validator(FLEET_SCHEMA)


def join(**changes):
    return joining.joining_sender(DOCUMENT, {**NEW, **changes}, POLICY, ["vps2"])


def test_it_is_what_the_inventory_would_have_made():
    before = copy.deepcopy(DOCUMENT)
    found = join()
    entry = {**adoption_lines(found), "status": "standby", "daily_quota": 50}
    tenants = [{**TENANTS[0], "senders": [*TENANTS[0]["senders"], entry]}, TENANTS[1]]
    assert found == expand(tenants, POLICY, ["vps2"])["senders"][-1]
    assert before == DOCUMENT
    SCHEMA.validate({**DOCUMENT, "senders": [*DOCUMENT["senders"], found]})


def test_a_sender_of_another_tenant_shares_nothing():
    assert join(tenant="other")["from_name"] is None


def test_the_same_again_is_named():
    with pytest.raises(joining.Exists) as caught:
        join(ip="198.19.0.1", domain="m1.sos.test")
    assert caught.value.name == "m1.sos.test"


def test_what_was_wrong_before_is_not_the_newcomers_fault():
    """Two that leave may hold what the fleet of today would refuse."""
    twice = {**DOCUMENT, "senders": [*DOCUMENT["senders"], {**DOCUMENT["senders"][0], "name": "old", "mta": "vps9"}]}
    assert joining.joining_sender(twice, NEW, POLICY, ["vps2"])["name"] == "m9.sos.test"


TEXT = st.text(max_size=20) | st.sampled_from(["m1.sos.test", "198.19.0.1", "vmta-m1.sos.test", "unrouted-sos", "sos"])
ANYTHING = st.none() | TEXT | st.integers() | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT, max_size=2)
#: What may be right, for each key.
GOOD = {
    "from_email": ["x@m9.sos.test", "a@m1.sos.test"],
    "hostname": ["out.m9.sos.test", "m1.sos.test"],
    "vmta": ["v9", "vmta-m1.sos.test"],
    "mta": ["vps2"],
    "from_name": ["Nine"],
    "interface": ["eth0"],
    "gateway": ["198.19.0.254"],
    "table": [100],
    "ptr": [{"method": "manual"}],
    "purposes": [["marketing"]],
    "provider_quota": [{"gmail": 5}],
}
SOUND = {key: st.sampled_from(values) for key, values in GOOD.items()}
REQUEST = st.fixed_dictionaries({"ip": st.just("198.19.0.9"), "domain": st.just("m9.sos.test")}, optional=SOUND)
ANY_REQUEST = st.fixed_dictionaries(
    {"ip": st.just("198.19.0.9") | TEXT, "domain": st.just("m9.sos.test") | TEXT},
    optional={key: values | ANYTHING for key, values in SOUND.items()},
)


@given(REQUEST | ANY_REQUEST)
def test_whatever_is_asked_the_fleet_stays_one(wanted):
    """Either refused in the words of the request, or a fleet document that the schema and the inventory's own rules accept."""
    try:
        found = joining.joining_sender(DOCUMENT, {"tenant": "sos", **wanted}, POLICY, ["vps2"])
    except FleetError as fault:
        event("refused")
        assert all(one.where.split(".")[0] in ("body", "policy_operator") for one in fault.problems)
        return
    event("taken")
    after = {**DOCUMENT, "senders": [*DOCUMENT["senders"], found]}
    SCHEMA.validate(after)
    for key in ("ip", "hostname", "vmta", "domain", "from_email"):
        assert len({one[key] for one in after["senders"]}) == len(after["senders"])


def test_a_change_keeps_the_rest():
    found = joining.changed_sender(
        DOCUMENT, "m1.sos.test", {"purposes": ["marketing"], "from_name": None}, POLICY, ["vps2"]
    )
    assert found == {**DOCUMENT["senders"][0], "purposes": ["marketing"], "from_name": None}


def test_a_change_may_not_take_anothers():
    with pytest.raises(FleetError, match=r"body.from_email: a@m2.sos.test is not in the sender's domain"):
        joining.changed_sender(DOCUMENT, "m1.sos.test", {"from_email": "a@m2.sos.test"}, POLICY, ["vps2"])


def test_a_tenant_has_no_login():
    with pytest.raises(joining.Invalid, match=r"body.feeders\[1\].user") as caught:
        wanted = {"name": "x", "feeders": [{"address": "198.18.0.9"}, {"user": "x", "password": "hunter2"}]}
        joining.joining_tenant(DOCUMENT, wanted, POLICY, ["vps2"])
    assert "hunter2" not in str(caught.value)


def test_a_tenant_keeps_its_place_when_it_changes():
    given_again = {"name": "other", "feeders": [{"address": "198.18.0.12"}], "trusted": True}
    found = joining.joining_tenant(DOCUMENT, given_again, POLICY, ["vps2"])
    assert found == {**DOCUMENT["tenants"][1], "trusted": True}
