# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet publishes, and what it takes away."""

from __future__ import annotations

import ipaddress

import checkdmarc.dmarc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import dns_records
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import reverse_name
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError


def sender(number: int, **changes) -> dict:
    name = f"mail{number}.sos.test"
    data = {
        "name": name,
        "tenant": "sos",
        "ip": f"198.19.0.{number}",
        "hostname": name,
        "domain": name,
        "vmta": f"vmta-{number}",
        "ptr": {"method": "rfc2136", "zone": None},
        "selector": "s20261122",
        "public": f"KEY{number}",
        "status": "active",
    }
    return {**data, **changes}


def fleet(*senders: dict, gone=(), **tenant) -> dict:
    owner = {"name": "sos", "routing": "by_sender", "domain": "sos.test", "dmarc": {"policy": "none"}, **tenant}
    return {"version": 1, "tenants": [owner], "senders": list(senders), "gone": list(gone)}


def pool(*numbers: int, gone=(), **changes) -> dict:
    members = [sender(number, domain="sos.test", public="KEY", **changes) for number in numbers]
    return fleet(*members, gone=gone, routing="pool")


def table(records: list[dict]) -> dict:
    return {(record["name"], record["type"]): record["values"] for record in records}


def keys(records: list[dict]) -> set:
    return {(record["name"], record["type"], record["match"]) for record in records}


def test_one_sender_publishes_exactly_this():
    assert table(dns_records.wanted_records(fleet(sender(1)))) == {
        ("mail1.sos.test", "A"): ["198.19.0.1"],
        ("mail1.sos.test", "MX"): ["10 mail1.sos.test."],
        ("mail1.sos.test", "TXT"): ["v=spf1 ip4:198.19.0.1 -all"],
        ("s20261122._domainkey.mail1.sos.test", "TXT"): ["v=DKIM1; k=rsa; p=KEY1"],
        ("_dmarc.mail1.sos.test", "TXT"): ["v=DMARC1; p=none"],
        ("1.0.19.198.in-addr.arpa", "PTR"): ["mail1.sos.test."],
    }


def test_a_helo_name_of_its_own_has_its_own_spf():
    found = table(dns_records.wanted_records(fleet(sender(1, hostname="mx1.sos.test"))))
    assert found["mx1.sos.test", "TXT"] == ["v=spf1 ip4:198.19.0.1 -all"] == found["mail1.sos.test", "TXT"]
    assert found["mail1.sos.test", "MX"] == ["10 mx1.sos.test."]
    assert ("mail1.sos.test", "A") not in found


def test_a_pool_shares_its_domain():
    records = dns_records.wanted_records(pool(*range(1, 8)))
    found = table(records)
    assert found["sos.test", "TXT"] == ["v=spf1 " + " ".join(f"ip4:198.19.0.{n}" for n in range(1, 8)) + " -all"]
    assert found["sos.test", "MX"] == [f"10 mail{n}.sos.test." for n in range(1, 5)]
    assert found["s20261122._domainkey.sos.test", "TXT"] == ["v=DKIM1; k=rsa; p=KEY"]
    assert found["_dmarc.sos.test", "TXT"] == ["v=DMARC1; p=none"]
    for number in range(1, 8):
        assert found[f"mail{number}.sos.test", "A"] == [f"198.19.0.{number}"]
        assert found[f"mail{number}.sos.test", "TXT"] == [f"v=spf1 ip4:198.19.0.{number} -all"]
        assert found[f"{number}.0.19.198.in-addr.arpa", "PTR"] == [f"mail{number}.sos.test."]
    assert len(keys(records)) == len(records)


def test_a_scattered_pool_is_divided_and_what_it_no_longer_needs_goes():
    large = pool(*range(1, 200, 2))
    parts = {name for name, _type in table(dns_records.wanted_records(large)) if name.startswith("_spf")}
    assert len(parts) >= 4
    absent = {record["name"] for record in dns_records.absent_records(large)}
    assert parts | absent == {f"_spf{number}.sos.test" for number in range(1, 11)} and not parts & absent


def test_too_large_a_pool_is_refused_with_a_remedy():
    members = [
        sender(
            1,
            name=f"m{n}.sos.test",
            hostname=f"m{n}.sos.test",
            domain="sos.test",
            ip=str(ipaddress.ip_address(3323068416 + 2 * n)),
        )
        for n in range(400)
    ]
    with pytest.raises(FleetError, match="by_sender"):
        dns_records.wanted_records(fleet(*members, routing="pool"))


@pytest.mark.parametrize("status", ["standby", "warming", "active", "quarantine", "resting", "retiring"])
def test_every_living_sender_is_published_also_a_stopped_one(status):
    assert len(dns_records.wanted_records(fleet(sender(1, status=status)))) == 6


def test_a_retired_sender_leaves_nothing_behind():
    everything = keys(dns_records.wanted_records(fleet(sender(1), sender(2))))
    for document in (
        fleet(sender(1), sender(2, status="retired")),
        fleet(sender(1), gone=[sender(2, status="retired")]),
    ):
        wanted, absent = dns_records.wanted_records(document), dns_records.absent_records(document)
        assert keys(wanted) | keys(absent) == everything
        assert not keys(wanted) & keys(absent)
        assert {record["name"].endswith(("mail2.sos.test", "2.0.19.198.in-addr.arpa")) for record in absent} == {True}


def test_texts_of_ours_go_whatever_they_say():
    """What was published last may differ from what the sender would want today."""
    gone = sender(2, hostname="mx2.sos.test", status="retired")
    for record in dns_records.absent_records(fleet(sender(1), gone=[gone])):
        assert record["values"] == [] or record["type"] != "TXT"


def test_a_name_that_came_back_is_not_taken_away():
    """The sender's address changed: the old one is gone, the new one has the same name."""
    document = fleet(sender(1, ip="198.19.0.77"), gone=[sender(1, status="retired")])
    assert keys(dns_records.absent_records(document)) == {("1.0.19.198.in-addr.arpa", "PTR", "")}


def test_a_pool_that_shrinks_keeps_what_is_shared():
    document = pool(1, 2, gone=[sender(3, domain="sos.test", status="retired")])
    assert {entry for entry in keys(dns_records.absent_records(document)) if not entry[0].startswith("_spf")} == {
        ("mail3.sos.test", "A", ""),
        ("mail3.sos.test", "TXT", "v=spf1"),
        ("3.0.19.198.in-addr.arpa", "PTR", ""),
    }


@pytest.mark.parametrize("unknown", [{"public": None}, {"public": None, "selector": None}])
def test_a_shared_key_is_never_taken_away_because_it_is_not_known_yet(unknown):
    document = fleet(
        sender(1, domain="sos.test", **unknown), gone=[sender(3, domain="sos.test", status="retired")], routing="pool"
    )
    assert not any("_domainkey" in record["name"] for record in dns_records.absent_records(document))


def test_a_pool_that_ends_takes_every_mail_host_with_it():
    gone = [sender(number, domain="sos.test", status="retired") for number in (1, 2, 3)]
    found = table(dns_records.absent_records({**pool(gone=gone), "tenants": []}))
    assert found["sos.test", "MX"] == ["10 mail1.sos.test.", "10 mail2.sos.test.", "10 mail3.sos.test."]
    assert found["sos.test", "TXT"] == [] and ("_spf1.sos.test", "TXT") in found


def test_keys_that_do_not_exist_yet_are_pending():
    document = fleet(sender(1), sender(2, public=None), sender(3, public=None, selector=None))
    assert [(p["domain"], p["name"]) for p in dns_records.pending_records(document)] == [
        ("mail2.sos.test", "s20261122._domainkey.mail2.sos.test"),
        ("mail3.sos.test", None),
    ]
    assert sum("_domainkey" in record["name"] for record in dns_records.wanted_records(document)) == 1


@pytest.mark.parametrize(
    ("dmarc", "text"),
    [
        ({}, "v=DMARC1; p=none"),
        (
            {"policy": "reject", "subdomain_policy": "quarantine", "np": "reject"},
            "v=DMARC1; p=reject; sp=quarantine; np=reject",
        ),
        ({"policy": "none", "adkim": "s", "aspf": "r", "sp": "none"}, "v=DMARC1; p=none; sp=none; adkim=s; aspf=r"),
        (
            {"policy": "none", "rua": ["mailto:dmarc@{domain}", "mailto:x@operator.test"]},
            "v=DMARC1; p=none; rua=mailto:dmarc@a.test,mailto:x@operator.test",
        ),
    ],
)
def test_dmarc_texts(dmarc, text):
    assert dns_records.dmarc_text("a.test", dmarc) == text
    tags = checkdmarc.dmarc.parse_dmarc_record(text, "a.test", parked=False)["tags"]
    assert tags["p"]["value"] == dmarc.get("policy", "none")


@pytest.mark.parametrize(
    "dmarc",
    [
        {"policy": "maybe"},
        {"rua": ["dmarc@a.test"]},
        {"rua": ["mailto:a,b@a.test"]},
        {"adkim": "x"},
        {"rua": ["mailto:a@b!10m"]},
    ],
)
def test_a_dmarc_that_nobody_could_read_names_the_tenant(dmarc):
    with pytest.raises(FleetError, match="tenant sos, dmarc"):
        dns_records.wanted_records(fleet(sender(1), dmarc=dmarc))


@pytest.mark.parametrize(
    ("domain", "target", "registered", "needed"),
    [
        ("mail1.sos.test", "mail1.sos.test", None, False),
        ("mail1.sos.test", "sos.test", None, False),
        ("sos.test", "reports.sos.test", None, False),
        ("mail1.sos.test", "reports.sos.test", "sos.test", False),
        ("mail1.sos.test", "reports.sos.test", None, True),
        ("mail1.sos.test", "operator.test", "sos.test", True),
        ("mail1.sos.test", "notsos.test", "sos.test", True),
    ],
)
def test_when_reports_need_the_receivers_consent(domain, target, registered, needed):
    assert dns_records.needs_authorisation(domain, target, registered) is needed


def test_consent_stands_in_the_receivers_zone_and_is_optional():
    document = fleet(sender(1), dmarc={"policy": "none", "rua": ["mailto:x@operator.test"]})
    [record] = [entry for entry in dns_records.wanted_records(document) if entry["optional"]]
    assert record["name"] == "mail1.sos.test._report._dmarc.operator.test" and record["values"] == ["v=DMARC1"]


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (None, "1.0.19.198.in-addr.arpa"),
        ("0.19.198.in-addr.arpa", "1.0.19.198.in-addr.arpa"),
        ("19.198.in-addr.arpa.", "1.0.19.198.in-addr.arpa"),
        ("0-63.0.19.198.in-addr.arpa", "1.0-63.0.19.198.in-addr.arpa"),
        ("0/26.0.19.198.in-addr.arpa", "1.0/26.0.19.198.in-addr.arpa"),
        ("sos.0.19.198.in-addr.arpa", "1.sos.0.19.198.in-addr.arpa"),
    ],
)
def test_where_a_ptr_stands(zone, name):
    assert dns_records.ptr_name("198.19.0.1", zone) == name


@pytest.mark.parametrize(
    "zone",
    ["64-127.0.19.198.in-addr.arpa", "64/26.0.19.198.in-addr.arpa", "0-63.1.19.198.in-addr.arpa", "example.com", ""],
)
def test_a_zone_the_address_is_not_in_is_refused(zone):
    with pytest.raises(ValueError):
        dns_records.ptr_name("198.19.0.1", zone)
    with pytest.raises(FleetError, match="mail1"):
        dns_records.wanted_records(fleet(sender(1, ptr={"method": "rfc2136", "zone": zone})))


@given(st.ip_addresses(v=4), st.integers(24, 31))
def test_rfc_2317_names_hold_for_every_address_of_the_range(address, length):
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    parent = reverse_name(str(address)).partition(".")[2]
    first, last = int(network[0]) & 255, int(network[-1]) & 255
    for label in (f"{first}-{last}", f"{first}/{length}"):
        name = dns_records.ptr_name(str(address), f"{label}.{parent}")
        assert name == f"{int(address) & 255}.{label}.{parent}"


def test_the_list_for_the_hosting_provider():
    manual = {"method": "manual", "zone": None}
    document = fleet(*(sender(number, ptr=manual) for number in range(1, 5)), sender(5))
    observed = {"198.19.0.1": ["Mail1.sos.test."], "198.19.0.2": ["x.test.", "mail2.sos.test"], "198.19.0.3": []}
    requests = dns_records.ptr_requests(document, observed)
    assert [(r["ip"], r["state"]) for r in requests] == [
        ("198.19.0.1", "ok"),
        ("198.19.0.2", "wrong"),
        ("198.19.0.3", "missing"),
        ("198.19.0.4", "unknown"),
    ]
    assert requests[0]["name"] == "1.0.19.198.in-addr.arpa" and requests[3]["observed"] is None
    assert not any(r["type"] == "PTR" and r["sender"] != "mail5.sos.test" for r in dns_records.wanted_records(document))


def test_contradictions_are_all_named():
    other = {"name": "ulixai", "routing": "by_sender", "domain": None, "dmarc": {}}
    document = fleet(sender(1), sender(2, tenant="ulixai", domain="mail1.sos.test"), sender(3, ip="198.19.0.1"))
    document["tenants"].append(other)
    with pytest.raises(FleetError) as caught:
        dns_records.wanted_records(document)
    said = str(caught.value)
    assert "tenants sos and ulixai" in said and "1.0.19.198.in-addr.arpa PTR" in said


@given(st.lists(st.sampled_from(["active", "retired", "gone"]), min_size=1, max_size=12), st.booleans())
def test_wanted_and_absent_never_meet(states, pooled):
    build = {"domain": "sos.test", "public": "KEY"} if pooled else {}
    members = [
        sender(number, status="retired" if state == "gone" else state, **build)
        for number, state in enumerate(states, 1)
    ]
    document = fleet(
        *(m for m, state in zip(members, states) if state != "gone"),
        gone=[m for m, state in zip(members, states) if state == "gone"],
        routing="pool" if pooled else "by_sender",
    )
    wanted, absent = dns_records.wanted_records(document), dns_records.absent_records(document)
    assert not keys(wanted) & keys(absent)
    everything = [{**member, "status": "active"} for member in members]
    assert keys(dns_records.wanted_records({**document, "senders": everything, "gone": []})) <= keys(wanted) | keys(
        absent
    )
    assert wanted == sorted(wanted, key=lambda record: (record["name"], record["type"], record["match"]))
