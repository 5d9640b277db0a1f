# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet document: what an inventory expands to, and what is refused before anything is changed."""

from __future__ import annotations

import copy
import itertools

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand, feeder_passwords
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.inventory import (
    LISTED_KEYS,
    RANGE_KEYS,
    TENANT_KEYS,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.schema import FLEET_SCHEMA
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

POLICY = {
    "phases": {"week_1": 50, "week_2": 100},
    "active_daily_quota": 50000,
    "providers": {"gmail": {"domains": ["gmail.test"]}},
    "sender_defaults": {"status": "warming", "weight": 100, "paused": False},
    "dmarc": {"policy": "none", "rua": ["mailto:dmarc@{domain}"]},
    "operator": "ops@operator.test",
}

SCHEMA = jsonschema.Draft202012Validator(FLEET_SCHEMA)


def one_range(**changes):
    block = {
        "cidr": "198.19.0.0/24",
        "count": 5,
        "domain": "mail{n}.sos.test",
        "vmta": "vmta-mail{n}",
        "prefixes": ["contact", "support", "hello"],
    }
    block.update(changes)
    return {key: value for key, value in block.items() if value is not None}


def tenant(name="sos", address="198.18.0.11", **changes):
    return {"name": name, "feeders": [{"address": address}], "ranges": [one_range()], **changes}


def document(*tenants, mtas=("vps2",)):
    result = expand(list(tenants), POLICY, list(mtas))
    SCHEMA.validate(result)
    return result


def refused(*tenants, mtas=("vps2",)):
    with pytest.raises(FleetError) as caught:
        expand(list(tenants), POLICY, list(mtas))
    return str(caught.value)


def test_a_range_becomes_senders():
    senders = document(tenant())["senders"]
    assert [sender["ip"] for sender in senders] == [f"198.19.0.{n}" for n in range(1, 6)]
    assert [sender["from_email"] for sender in senders] == [
        "contact@mail1.sos.test",
        "support@mail2.sos.test",
        "hello@mail3.sos.test",
        "contact@mail4.sos.test",
        "support@mail5.sos.test",
    ]
    assert {sender["vmta"] for sender in senders} == {f"vmta-mail{n}" for n in range(1, 6)}
    assert all(sender["hostname"] == sender["domain"] == sender["name"] for sender in senders)


def test_a_range_and_a_list_make_one_fleet():
    listed = {"ip": "203.0.113.7", "domain": "vip.sos.test", "from_email": "news@vip.sos.test", "status": "active"}
    senders = document(tenant(senders=[listed]))["senders"]
    assert len(senders) == 6
    assert (senders[5]["vmta"], senders[5]["daily_quota"], senders[5]["phase"]) == ("vmta-vip.sos.test", 50000, None)


@pytest.mark.parametrize("count", [5, 100, 1000])
def test_the_count_is_the_whole_change(count):
    cidr = "198.18.0.0/15"
    grown = document(tenant(ranges=[one_range(cidr=cidr, count=count)]))["senders"]
    small = document(tenant(ranges=[one_range(cidr=cidr, count=3)]))["senders"]
    assert len(grown) == count
    assert grown[:3] == small


@given(
    counts=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    more=st.integers(1, 20),
    skip=st.lists(st.integers(1, 20), max_size=5, unique=True),
)
def test_growth_renames_and_reorders_nobody(counts, more, skip):
    def fleet(last):
        blocks = [
            one_range(cidr=f"10.{i}.0.0/24", domain=f"m{{n}}.r{i}.test", vmta=f"r{i}-{{n}}", count=count, skip=skip)
            for i, count in enumerate([*counts[:-1], last])
        ]
        return document(tenant(ranges=blocks))["senders"]

    before, after = fleet(counts[-1]), fleet(counts[-1] + more)
    assert after[: len(before)] == before


def test_a_cidr_offers_its_host_addresses_only():
    assert "(6 addresses)" in refused(tenant(ranges=[one_range(cidr="198.19.0.0/29", count=7)]))
    senders = document(tenant(ranges=[one_range(cidr="198.19.0.0/29", count=None)]))["senders"]
    assert [sender["ip"] for sender in senders] == [f"198.19.0.{n}" for n in range(1, 7)]


def test_skip_leaves_a_hole():
    senders = document(tenant(ranges=[one_range(skip=[2, 4])]))["senders"]
    assert [sender["ip"][-1] for sender in senders] == ["1", "3", "5"]
    assert senders[1]["from_email"] == "hello@mail3.sos.test"


def test_an_override_reaches_one_sender_only():
    block = one_range(overrides={"3": {"status": "quarantine", "reasons": ["listed"]}})
    senders = document(tenant(ranges=[block]))["senders"]
    assert [sender["status"] for sender in senders] == ["warming", "warming", "quarantine", "warming", "warming"]


def test_more_specific_settings_win():
    block = one_range(status="active", overrides={2: {"status": "resting"}})
    senders = document(
        tenant(
            status="standby",
            ranges=[block, one_range(cidr="198.19.1.0/30", domain="b{n}.sos.test", vmta="b{n}", count=1)],
        )
    )["senders"]
    assert [sender["status"] for sender in senders] == ["active", "resting", "active", "active", "active", "standby"]


def test_pool_routing_shares_the_tenants_domain():
    pooled = tenant(routing="pool", domain="sos.test", from_email="news@sos.test")
    senders = document(pooled)["senders"]
    assert {sender["domain"] for sender in senders} == {"sos.test"}
    assert {sender["from_email"] for sender in senders} == {"news@sos.test"}
    assert [sender["hostname"] for sender in senders] == [f"mail{n}.sos.test" for n in range(1, 6)]


def test_several_hosts_share_the_senders():
    blocks = [one_range(mta="vps2"), one_range(mta="vps4", cidr="198.19.1.0/24", domain="b{n}.sos.test", vmta="b{n}")]
    senders = document(tenant(ranges=blocks), mtas=("vps2", "vps4"))["senders"]
    assert [sender["mta"] for sender in senders] == ["vps2"] * 5 + ["vps4"] * 5


def test_the_document_holds_no_secret():
    users = tenant(feeders=[{"user": "mw-sos", "password": "s3cret-word"}])
    assert "s3cret-word" not in repr(document(users))
    assert feeder_passwords([users]) == {"mw-sos": "s3cret-word"}


def test_input_is_left_alone():
    given_ = tenant(ranges=[one_range(overrides={1: {"weight": 5}})])
    before = copy.deepcopy(given_)
    document(given_)
    assert given_ == before


BAD_QUOTAS = ["50", "0", 0, -5, 50.5, True, None, [50]]
OTHER = {"name": "other", "address": "198.18.0.21"}
BAD = {
    "no tenants": ([], ["fleet_tenants", "empty"]),
    "same address across tenants": (
        [tenant(), tenant(**OTHER, ranges=[one_range(domain="m{n}.other.test", vmta="o{n}")])],
        ["fleet_tenants[other].ranges[0] number 1.ip", "198.19.0.1", "fleet_tenants[sos].ranges[0] number 1"],
    ),
    "overlapping ranges within a tenant": (
        [tenant(ranges=[one_range(), one_range(first="198.19.0.5", domain="b{n}.sos.test", vmta="b{n}")])],
        ["198.19.0.5 is already used by fleet_tenants[sos].ranges[0] number 5", "ranges[1] number 1.ip"],
    ),
    "same domain across tenants": (
        [tenant(), tenant(**OTHER, ranges=[one_range(cidr="198.19.1.0/24", vmta="o{n}")])],
        ["mail1.sos.test is already used", ".domain"],
    ),
    "same virtual MTA": (
        [tenant(), tenant(**OTHER, ranges=[one_range(cidr="198.19.1.0/24", domain="m{n}.other.test")])],
        ["vmta-mail1 is already used"],
    ),
    "virtual MTA named like a pool": ([tenant(pool="vmta-mail1")], ["vmta-mail1", "already taken", ".pool"]),
    "tenant twice": (
        [
            tenant(),
            tenant(address="198.18.0.12", ranges=[one_range(cidr="198.19.1.0/24", domain="m{n}.b.test", vmta="o{n}")]),
        ],
        ["declared twice"],
    ),
    "two tenants behind one feeder": (
        [
            tenant(),
            tenant(
                name="other",
                address="198.18.0.0/24",
                ranges=[one_range(cidr="198.19.1.0/24", domain="m{n}.b.test", vmta="o{n}")],
            ),
        ],
        ["fleet_tenants[other].feeders[0]", "overlaps 198.18.0.11/32", "'user'"],
    ),
    "anybody as feeder": ([tenant(address="0.0.0.0/0")], ["would let everybody relay"]),
    "anybody as feeder, in two halves": (
        [tenant(feeders=[{"address": "0.0.0.0/1"}, {"address": "128.0.0.0/1"}])],
        ["feeders[0]: 0.0.0.0/1 would let strangers relay", "feeders[1]: 128.0.0.0/1", "'user'"],
    ),
    "a provider's network as feeder": ([tenant(address="203.0.0.0/15")], ["wider than /16"]),
    "operator in a sender's domain": (
        [tenant(operator="postmaster@mail2.sos.test")],
        ["fleet_tenants[sos].operator", "own domain of mail2.sos.test", "another mail server"],
    ),
    "operator in a pool's domain": (
        [tenant(routing="pool", domain="sos.test", from_email="a@sos.test", operator="ops@sos.test")],
        ["fleet_tenants[sos].operator", "mail loop"],
    ),
    "no feeder": ([tenant(feeders=[])], ["fleet_tenants[sos].feeders", "empty"]),
    "first outside its network": (
        [tenant(ranges=[one_range(first="198.19.1.1")])],
        [".first", "not a host address of 198.19.0.0/24"],
    ),
    "network address first": ([tenant(ranges=[one_range(first="198.19.0.0")])], [".first", "not a host address"]),
    "count beyond the range": ([tenant(ranges=[one_range(count=300)])], [".count", "254 addresses", "Lower 'count'"]),
    "count as text": ([tenant(ranges=[one_range(count="five")])], [".count", "'five'"]),
    "count below zero": ([tenant(ranges=[one_range(count=-1)])], [".count", "-1"]),
    "count true": ([tenant(ranges=[one_range(count=True)])], [".count", "True"]),
    "no address": ([tenant(ranges=[one_range(cidr=None)])], ["neither 'cidr' nor 'first'"]),
    "IPv6 network": ([tenant(ranges=[one_range(cidr="2001:db8::/64")])], [".cidr", "IPv6"]),
    "IPv6 address": (
        [tenant(senders=[{"ip": "2001:db8::1", "domain": "a.sos.test", "prefix": "x"}])],
        ["senders[0].ip", "IPv6"],
    ),
    "IPv6 first": ([tenant(ranges=[one_range(first="::1")])], [".first", "IPv6"]),
    "not an address": ([tenant(ranges=[one_range(first="198.19.0.256")])], [".first", "not an IPv4 address"]),
    "leading zeros": (
        [tenant(senders=[{"ip": "198.19.0.010", "domain": "a.sos.test", "prefix": "x"}])],
        ["senders[0].ip"],
    ),
    "loopback": ([tenant(senders=[{"ip": "127.0.0.5", "domain": "a.sos.test", "prefix": "x"}])], ["cannot be bound"]),
    "multicast": ([tenant(senders=[{"ip": "224.0.0.5", "domain": "a.sos.test", "prefix": "x"}])], ["cannot be bound"]),
    "underscore in host name": ([tenant(ranges=[one_range(domain="mail_{n}.sos.test")])], [".domain", "RFC 1123"]),
    "one label": ([tenant(ranges=[one_range(domain="mail{n}")])], [".domain", "at least one dot"]),
    "label too long": ([tenant(ranges=[one_range(domain="m" * 63 + "{n}.sos.test")])], ["RFC 1123"]),
    "upper case": ([tenant(ranges=[one_range(domain="Mail{n}.sos.test")])], ["upper case"]),
    "unicode": ([tenant(ranges=[one_range(domain="été{n}.sos.test")])], ["xn--"]),
    "pattern without number": ([tenant(ranges=[one_range(domain="mail.sos.test")])], [".domain", "same name"]),
    "unknown placeholder": ([tenant(ranges=[one_range(domain="mail{i}.sos.test")])], ["{n}"]),
    "From of another domain": (
        [tenant(senders=[{"ip": "198.19.2.1", "domain": "a.sos.test", "from_email": "x@b.sos.test"}])],
        ["senders[0].from_email", "not in the sender's domain a.sos.test"],
    ),
    "no From": ([tenant(ranges=[one_range(prefixes=[])])], ["neither 'from_email' nor 'prefix'"]),
    "bad prefix": ([tenant(ranges=[one_range(prefixes=["a b"])])], [".from_email", "plain"]),
    "misspelt key": ([tenant(ranges=[one_range(prefix_list=["a"])])], ["prefix_list", "Did you mean 'prefixes'?"]),
    "misspelt status": ([tenant(status="activ")], ["'activ'", "Did you mean 'active'?"]),
    "weight over 100": ([tenant(weight=101)], [".weight", "101"]),
    "unknown provider": ([tenant(provider_quota={"gmial": 5})], ["provider_quota.gmial", "gmail"]),
    "unknown host": ([tenant(mta="vps9")], ["'vps9'", "vps2"]),
    "pool without domain": ([tenant(routing="pool")], ["'domain' and 'from_email'"]),
    "pool From elsewhere": (
        [tenant(routing="pool", domain="sos.test", from_email="a@b.test")],
        ["not in the tenant's domain"],
    ),
    "password with hash": ([tenant(feeders=[{"user": "mw", "password": "a#b"}])], ["feeders[0].password"]),
    "override of nobody": ([tenant(ranges=[one_range(overrides={9: {}})])], ["overrides.9", "1 to 5"]),
    "a table that is the system's": ([tenant(gateway="198.19.0.254", table=255)], [".table", "1 and 252"]),
    "a provider quota of zero": ([tenant(provider_quota={"gmail": 0})], ["provider_quota.gmail", "use status"]),
    "a table without a gateway that is no number": ([tenant(table="x")], [".table", "'x'"]),
    "a provider quota that is no dictionary": ([tenant(provider_quota=0)], [".provider_quota", "dictionary"]),
    "an override's address outside the network": (
        [tenant(ranges=[one_range(overrides={2: {"ip": "203.0.113.9"}})])],
        ["ranges[0].overrides.2.ip", "203.0.113.9 is not a host address of 198.19.0.0/24", "'skip'"],
    ),
    "an override's address that is the network": (
        [tenant(ranges=[one_range(overrides={2: {"ip": "198.19.0.0"}})])],
        ["overrides.2.ip", "198.19.0.0 is not a host address"],
    ),
    "an override's address that is the broadcast address": (
        [tenant(ranges=[one_range(overrides={"2": {"ip": "198.19.0.255"}})])],
        ["overrides.2.ip", "198.19.0.255 is not a host address"],
    ),
    "an override's number in other digits": ([tenant(ranges=[one_range(overrides={"²": {}})])], ["overrides.²"]),
    "rotating purposes": ([tenant(ranges=[one_range(rotating_purposes=["x"])])], ["rotating_purposes", "'x'"]),
    "a display name of two lines": ([tenant(ranges=[one_range(from_names=["a\nb"])])], ["from_names", "plain text"]),
    "reasons as text": ([tenant(reasons="listed")], [".reasons", "must be a list"]),
    "a reason that is a list": ([tenant(reasons=[["listed"]])], [".reasons", "is not a text"]),
    "an interface with a command": ([tenant(interface="eth0; rm")], [".interface", "network interface"]),
    "an interface that is too long": ([tenant(interface="e" * 16)], [".interface"]),
    "a pool that is a list": ([tenant(pool=["x"])], ["fleet_tenants[sos].pool", "is not a name"]),
    "a phase that is a list": ([tenant(phase=["week_1"])], [".phase", "is not one of week_1, week_2"]),
    "tenant is text": (["sos"], ["fleet_tenants[0]", "must be a dictionary"]),
    "SPF that says all": ([tenant(spf_mechanisms=["+all"])], ["spf_mechanisms", "not an SPF mechanism"]),
    "more than its phase": (
        [tenant(ranges=[one_range(daily_quota=51, status="warming", phase="week_1")])],
        [
            "fleet_tenants[sos].ranges[0] number 1.daily_quota: is 51, more than the 50 of its phase week_1",
            "Leave it out",
        ],
    ),
    "more than the first phase": (
        [tenant(daily_quota=5000, status="active", ranges=[one_range(overrides={2: {"status": "warming"}})])],
        ["number 2.daily_quota: is 5000, more than the 50 of its phase week_1"],
    ),
    "bad DMARC policy": ([tenant(dmarc={"policy": "reject all"})], ["dmarc.policy"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_the_place_and_the_fault(name):
    tenants, words = BAD[name]
    text = refused(*tenants)
    for word in words:
        assert word in text
    first = text.splitlines()[0]
    assert first.count(": ") >= 1 and first.rstrip().endswith((".", "?")), "where: what. remedy."


def test_less_than_its_phase_and_a_quota_that_grows_by_days_are_its_own():
    def quota(count, **policy):
        asked = tenant(ranges=[one_range(daily_quota=count, status="warming", phase="week_1")])
        return expand([asked], {**POLICY, **policy}, ["vps2"])["senders"][0]["daily_quota"]

    assert (quota(30), quota(50), quota(70, warmup={"schedule": "geometric"})) == (30, 50, 70)


def test_an_overrides_address_may_be_any_of_the_network():
    senders = document(tenant(ranges=[one_range(overrides={2: {"ip": "198.19.0.254"}, 3: {"ip": "198.19.0.2"}})]))
    assert [sender["ip"][-3:] for sender in senders["senders"]] == ["0.1", "254", "0.2", "0.4", "0.5"]
    apart = one_range(cidr=None, first="198.19.0.1", overrides={2: {"ip": "203.0.113.9"}})
    assert document(tenant(ranges=[apart]))["senders"][1]["ip"] == "203.0.113.9"


def test_purposes_take_turns():
    block = one_range(rotating_purposes=["marketing", ["transactional", "notification"]])
    given_ = [sender["purposes"] for sender in document(tenant(ranges=[block]))["senders"]]
    assert given_[:3] == [["marketing"], ["transactional", "notification"], ["marketing"]]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        *(({"phases": {"week_1": quota}}, ["policy_phases.week_1", repr(quota)]) for quota in BAD_QUOTAS),
        *(({"active_daily_quota": quota}, ["policy_active_daily_quota", repr(quota)]) for quota in BAD_QUOTAS),
        ({"operator": "abuse@mail1.sos.test"}, ["policy_operator: abuse@mail1.sos.test lies in", "mail loop"]),
        ({"phases": None}, ["policy_phases: must be a dictionary"]),
        ({"phases": {1: 50}}, ["policy_phases.1", "is not a text"]),
        ({"sender_defaults": {"weight": 5, "paused": False}}, ["policy_sender_defaults.status", "is missing"]),
        ({"sender_defaults": {**POLICY["sender_defaults"], "wieght": 5}}, ["wieght", "Did you mean 'weight'?"]),
        ({"dmarc": []}, ["policy_dmarc: must be a dictionary"]),
    ],
)
def test_bad_policy_names_the_variable(policy, words):
    with pytest.raises(FleetError) as caught:
        expand([tenant(phase="week_1" if "week_1" in str(policy) else None)], {**POLICY, **policy}, ["vps2"])
    assert len(caught.value.problems) == 1
    assert all(word in str(caught.value) for word in words)


def test_a_host_must_be_named_when_there_are_several():
    assert "cannot be guessed" in refused(tenant(), mtas=("vps2", "vps4"))
    assert "the group is empty" in refused(tenant(), mtas=())


def test_a_pool_does_not_span_hosts():
    blocks = [
        one_range(mta="vps2", count=1),
        one_range(mta="vps4", cidr="198.19.1.0/24", domain="b{n}.sos.test", vmta="b{n}"),
    ]
    text = refused(
        tenant(routing="pool", domain="sos.test", from_email="a@sos.test", ranges=blocks), mtas=("vps2", "vps4")
    )
    assert "would span vps2 and vps4" in text


def test_all_problems_are_told_at_once():
    text = refused(tenant(weight=101, status="activ", mta="vps9"))
    assert all(word in text for word in ("101", "activ", "vps9"))


def test_a_thousand_faults_are_shortened():
    lines = refused(tenant(ranges=[one_range(cidr="10.0.0.0/16", count=1000, domain="mail_{n}.sos.test")])).splitlines()
    assert len(lines) == 26 and "more problems" in lines[-1]


WORDS = st.sampled_from(
    ["x", "", "a\nb", "eth0", "eth0; rm", "week_1", "active", "50", "²", "marketing", "198.19.0.7", "a.sos.test", "{n}"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
KEYS = st.sampled_from([*TENANT_KEYS, *RANGE_KEYS, *LISTED_KEYS, "address", "user", "1", 2]) | SCALARS
ANYTHING = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(KEYS, x, max_size=4), max_leaves=12
)


def answer(tenants, policy):
    """Whatever is written, the answer is a FleetError or a document that keeps to its schema."""
    try:
        result = expand(tenants, policy, ["vps2"])
    except FleetError as error:
        assert error.problems and str(error)
        return
    SCHEMA.validate(result)


@given(ANYTHING)
def test_no_input_crashes(data):
    answer(data, POLICY)


@given(st.sampled_from(["tenant", "range", "override", "listed", "feeder"]), st.data())
def test_one_wrong_value_is_refused_or_harmless(level, data):
    """A sound inventory with one key set to anything: what is accepted is what the schema promises."""
    keys = {
        "tenant": TENANT_KEYS,
        "range": RANGE_KEYS,
        "override": LISTED_KEYS,
        "listed": LISTED_KEYS,
        "feeder": ("address", "user", "password"),
    }
    key = data.draw(st.sampled_from(keys[level]))
    changed = {key: data.draw(ANYTHING | ANYTHING.map(lambda x: [x]))}
    fleet = tenant(
        feeders=[{"address": "198.18.0.11", **(changed if level == "feeder" else {})}],
        ranges=[
            {**one_range(count=2, overrides={1: changed if level == "override" else {}}), **changed}
            if level == "range"
            else one_range(count=2, overrides={1: changed if level == "override" else {}})
        ],
        senders=[
            {"ip": "203.0.113.7", "domain": "vip.sos.test", "prefix": "a", **(changed if level == "listed" else {})}
        ],
    )
    answer([{**fleet, **(changed if level == "tenant" else {})}], POLICY)


@given(st.sampled_from(sorted(POLICY)), ANYTHING, st.data())
def test_no_policy_crashes(key, value, data):
    if isinstance(POLICY[key], dict) and data.draw(st.booleans()):
        value = {**POLICY[key], data.draw(st.sampled_from(sorted(POLICY[key])) | SCALARS): value}
    phase = data.draw(st.sampled_from([None, "week_1"]))
    answer([tenant(phase=phase)], {**POLICY, key: value})


def test_names_and_addresses_are_unique_in_a_document():
    senders = document(tenant(ranges=[one_range(cidr="10.0.0.0/16", count=500)]))["senders"]
    for key in ("ip", "name", "vmta", "from_email"):
        values = [sender[key] for sender in senders]
        assert len(set(values)) == len(values)
    assert (
        all(a["name"] != b["name"] for a, b in itertools.pairwise(senders)) if hasattr(itertools, "pairwise") else True
    )
