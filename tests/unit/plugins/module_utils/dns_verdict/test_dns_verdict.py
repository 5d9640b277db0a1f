# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each edge's truth table: one sound world, and in each row one thing in it that is different."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict import edges, report, tree
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.answers import (
    FOUND,
    NODATA,
    NXDOMAIN,
    UNKNOWN,
    Answer,
    Blind,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.edges import EDGES, Edge, View, combine
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.facts import Facts, facts_of
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.judges import judges
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.mta import hosts_of
from ansible_collections.email_engine.fleet.plugins.module_utils.local.spf_evaluation import evaluate
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

NAME, DOMAIN, IP = "host1.mail.test", "mail.test", "198.18.0.1"
REVERSE, KEY, PUBLIC = "1.0.18.198.in-addr.arpa", "s1._domainkey.mail.test", "MIIBIjANBgkq"
REPORT = "mail.test._report._dmarc.operator.test"
POLICY = "v=DMARC1; p=none; rua=mailto:d@mail.test,mailto:d@operator.test"
FACTS = Facts(
    name=NAME,
    ip=IP,
    hostname=NAME,
    domain=DOMAIN,
    from_domain=DOMAIN,
    key_name=KEY,
    public=PUBLIC,
    spf=f"v=spf1 ip4:{IP} -all",
    helo=f"v=spf1 ip4:{IP} -all",
    mx=f"10 {NAME}.",
    dmarc=POLICY,
    report_uris=("mailto:d@mail.test", "mailto:d@operator.test"),
    report_names=(REPORT,),
    ptr_names=(REVERSE,),
    ptr_by_hand=True,
    mta="vps2",
    vmta="VMTA-1",
)
MTAS = {"vps2": {"bound": ["127.0.0.0/8", f"{IP}/32"], "sources": {"vmta-1": [f"{IP} {NAME}"]}, "loaded": ["vmta-1"]}}
WORLD = {
    (NAME, "A"): [IP],
    (NAME, "TXT"): [f"v=spf1 ip4:{IP} -all"],
    (REVERSE, "PTR"): [NAME],
    (DOMAIN, "TXT"): [f"v=spf1 ip4:{IP} -all", "something-else=1"],
    (DOMAIN, "MX"): [f"10 {NAME}."],
    (KEY, "TXT"): [f"v=DKIM1; k=rsa; p={PUBLIC}"],
    (f"_dmarc.{DOMAIN}", "TXT"): [POLICY],
    (REPORT, "TXT"): ["v=DMARC1"],
}
JUDGES = judges(evaluate, hosts_of(MTAS))
SERVFAIL = Answer(UNKNOWN, why="servfail", detail="SERVFAIL")


def looking(world: dict):
    def look(name: str, rtype: str) -> Answer:
        value = world.get((name, rtype), NXDOMAIN)
        if isinstance(value, Answer):
            return value
        return Answer(value) if isinstance(value, str) else Answer(FOUND, tuple(sorted(value)))

    return look


def judged(edge: str, world: dict, **facts) -> Edge:
    return JUDGES[edge].judge(dataclasses.replace(FACTS, **facts), looking({**WORLD, **world}))


def alias(*targets: str, values=(), state: str = FOUND) -> Answer:
    return Answer(state, tuple(values), targets)


@pytest.mark.parametrize("edge", EDGES)
def test_a_sound_world_is_ok(edge):
    found = judged(edge, {})
    assert (found.verdict, found.remedy) == ("ok", ""), found


def spf(*records: str, **more) -> dict:
    return {(DOMAIN, "TXT"): list(records), **more}


def dmarc(*records: str) -> dict:
    return {(f"_dmarc.{DOMAIN}", "TXT"): list(records)}


def key(*records: str) -> dict:
    return {(KEY, "TXT"): list(records)}


ELEVEN = "v=spf1 " + " ".join(f"a:h{number}.mail.test" for number in range(11)) + f" ip4:{IP} -all"
ELEVEN_HOSTS = {(f"h{number}.mail.test", "A"): ["192.0.2.1"] for number in range(11)}
AFTER = f"v=spf1 ip4:{IP} " + " ".join(f"a:h{number}.mail.test" for number in range(11)) + " -all"
VOIDS = f"v=spf1 ip4:{IP} a:v1.mail.test a:v2.mail.test a:v3.mail.test -all"

TABLE = [
    # edge, what is different, verdict, words of what is said
    ("a", {(NAME, "A"): NXDOMAIN}, "missing", "nxdomain"),
    ("a", {(NAME, "A"): NODATA}, "missing", "nodata"),
    ("a", {(NAME, "A"): NODATA, (NAME, "CNAME"): SERVFAIL}, "missing", "nodata"),
    ("a", {(NAME, "A"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("a", {(NAME, "A"): ["198.18.0.2"]}, "wrong", "198.18.0.2"),
    ("a", {(NAME, "A"): [IP, "198.18.0.2"]}, "wrong", "198.18.0.2"),
    ("a", {(NAME, "A"): alias("real.mail.test", values=[IP])}, "wrong", "alias of real.mail.test"),
    ("a", {(NAME, "CNAME"): ["real.mail.test"]}, "wrong", "beside its records"),
    ("a", {(NAME, "CNAME"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("a", {(NAME, "AAAA"): ["2001:db8::1"]}, "wrong", "also AAAA"),
    ("a", {(NAME, "AAAA"): SERVFAIL}, "unknown", "AAAA"),
    ("a", {(NAME, "A"): ["198.18.0.2"], (NAME, "AAAA"): SERVFAIL}, "wrong", "198.18.0.2"),
    ("ptr", {(REVERSE, "PTR"): NXDOMAIN}, "missing", "hosting provider"),
    ("ptr", {(REVERSE, "PTR"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("ptr", {(REVERSE, "PTR"): ["static.provider.test"]}, "wrong", "static.provider.test"),
    ("ptr", {(REVERSE, "PTR"): [NAME, "old.mail.test"]}, "wrong", "old.mail.test"),
    ("ptr", {(REVERSE, "PTR"): alias(f"1.0-63.{REVERSE[2:]}", values=[NAME])}, "ok", ""),
    ("ptr", {(NAME, "A"): ["198.18.0.2"]}, "wrong", "leads to 198.18.0.2"),
    ("ptr", {(NAME, "A"): NXDOMAIN}, "wrong", "leads to nothing"),
    ("ptr", {(NAME, "A"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("spf", {(DOMAIN, "TXT"): NXDOMAIN}, "missing", "nxdomain"),
    ("spf", spf("something-else=1"), "missing", "something-else=1"),
    ("spf", spf("v=spf10 -all"), "missing", "no SPF record"),
    ("spf", {(DOMAIN, "TXT"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("spf", {(DOMAIN, "TXT"): alias("x.test", values=[f"v=spf1 ip4:{IP} -all"])}, "wrong", "alias of x.test"),
    ("spf", {(DOMAIN, "CNAME"): ["x.test"]}, "wrong", "beside its records"),
    ("spf", spf(f"v=spf1 ip4:{IP} -all", "v=spf1 -all"), "wrong", "2 records"),
    ("spf", spf("v=spf1 -all"), "wrong", "fail for 198.18.0.1"),
    ("spf", spf("v=spf1 ip4:198.18.0.2 ~all"), "wrong", "softfail for"),
    ("spf", spf("v=spf1 ip4:198.18.0.2"), "wrong", "neutral for"),
    ("spf", spf(f"v=spf1 ip4:{IP} moo -all"), "wrong", "Unknown mechanism"),
    ("spf", spf(f"v=spf1 ip4:{IP} moo -all"), "wrong", "Correct the record"),
    ("spf", spf("v=spf1 -all"), "wrong", "Publish it"),
    ("spf", spf("v=spf1 +all"), "wrong", "pass for anybody"),
    ("spf", spf("v=spf1 ip4:0.0.0.0/0 -all"), "wrong", "pass for anybody"),
    ("spf", spf("v=spf1 ip4:128.0.0.0/1 -all"), "wrong", "pass for anybody"),
    ("spf", spf(f"v=spf1 ip4:{IP} ?all"), "wrong", "neutral for anybody"),
    ("spf", spf(f"v=spf1 ip4:{IP}"), "wrong", "neutral for anybody"),
    (
        "spf",
        spf("v=spf1 include:x.test -all") | {("x.test", "TXT"): ["v=spf1 +all"]},
        "wrong",
        "pass for anybody",
    ),
    ("spf", spf(f"v=spf1 ip4:{IP} ~all"), "ok", ""),
    ("spf", spf("V=SPF1 A:host1.mail.test -ALL"), "ok", ""),
    ("spf", spf("v=spf1 mx -all"), "ok", ""),
    ("spf", spf("v=spf1 redirect=x.test") | {("x.test", "TXT"): [f"v=spf1 ip4:{IP} -all"]}, "ok", ""),
    ("spf", spf("v=spf1 exists:%{l}.%{ir}.x.test -all") | {("bounce.1.0.18.198.x.test", "A"): ["127.0.0.2"]}, "ok", ""),
    ("spf", spf(ELEVEN) | ELEVEN_HOSTS, "wrong", "Too many DNS lookups"),
    ("spf", spf(AFTER) | ELEVEN_HOSTS, "wrong", "permerror (Too many DNS lookups"),
    ("spf", spf(VOIDS), "wrong", "Void lookup limit of 2"),
    ("spf", spf(VOIDS) | {("v3.mail.test", "A"): ["192.0.2.1"]}, "ok", ""),
    ("spf", spf(f"v=spf1 ip4:{IP} include:x.test -all") | {("x.test", "TXT"): SERVFAIL}, "unknown", "x.test"),
    ("spf", spf(f"v=spf1 include:x.test ip4:{IP} -all") | {("x.test", "TXT"): SERVFAIL}, "unknown", "x.test"),
    ("spf", spf(f"v=spf1 ip4:{IP} {' '.join(f'ip4:198.18.1.{n}' for n in range(30))} -all"), "ok", "bytes"),
    ("helo_spf", {(NAME, "TXT"): NXDOMAIN}, "ok", "none"),
    ("helo_spf", {(NAME, "TXT"): ["something-else=1"]}, "ok", "none"),
    ("helo_spf", {(NAME, "TXT"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("helo_spf", {(NAME, "TXT"): ["v=spf1 -all"]}, "wrong", "fail for 198.18.0.1"),
    ("helo_spf", {(NAME, "TXT"): ["v=spf1 ~all"]}, "wrong", "softfail for"),
    ("helo_spf", {(NAME, "TXT"): [f"v=spf1 ip4:{IP} -all", "v=spf1 a -all"]}, "wrong", "2 records"),
    ("helo_spf", {(NAME, "TXT"): ["v=spf1 +all"]}, "wrong", "pass for anybody"),
    ("helo_spf", {(NAME, "TXT"): ["v=spf1 a -all"]}, "ok", ""),
    (
        "helo_spf",
        {(NAME, "TXT"): ["v=spf1 exists:%{l}.x.test -all"], ("postmaster.x.test", "A"): ["127.0.0.2"]},
        "wrong",
        "pass for anybody",
    ),
    ("dkim", {(KEY, "TXT"): NXDOMAIN}, "missing", "nxdomain"),
    ("dkim", {(KEY, "TXT"): NODATA}, "missing", "nodata"),
    ("dkim", {(KEY, "TXT"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("dkim", key("v=DKIM1; p="), "wrong", "revoked"),
    ("dkim", key("v=DKIM1; p=  "), "wrong", "new selector"),
    ("dkim", key("v=DKIM1; k=rsa"), "wrong", "no key"),
    ("dkim", key("v=DKIM1; p=MIIBother"), "wrong", "another key"),
    ("dkim", key(f"v=DKIM1; p={PUBLIC}="), "wrong", "another key"),
    ("dkim", key(f"v=DKIM1; p={PUBLIC}", f"v=DKIM1; p={PUBLIC}; n=2"), "wrong", "2 records"),
    ("dkim", key(f"k=rsa; v=DKIM1; p={PUBLIC}"), "wrong", "v=DKIM1 has to come first"),
    ("dkim", key(f"v=DKIM2; p={PUBLIC}"), "wrong", "v=DKIM1"),
    ("dkim", key(f"v=DKIM1; k=ed25519; p={PUBLIC}"), "wrong", "k=ed25519"),
    ("dkim", key(f"v=DKIM1; h=sha1; p={PUBLIC}"), "wrong", "not for sha256"),
    ("dkim", key(f"v=DKIM1; s=tlsrpt; p={PUBLIC}"), "wrong", "not for mail"),
    ("dkim", key(f"v=DKIM1; p={PUBLIC}; p={PUBLIC}"), "wrong", "comes twice"),
    ("dkim", key(f"v=DKIM1; p={PUBLIC}; nonsense"), "wrong", "no tag"),
    ("dkim", key(f"p={PUBLIC}"), "ok", ""),
    ("dkim", key(f"v=DKIM1; h=sha1:sha256; s=email; p={PUBLIC[:4]} {PUBLIC[4:]};"), "ok", ""),
    ("dkim", key(f"v=DKIM1; t=y; p={PUBLIC}"), "ok", "t=y"),
    ("dkim", {(KEY, "TXT"): alias("k.cdn.test", values=[f"p={PUBLIC}"])}, "ok", ""),
    ("dkim", {(KEY, "TXT"): alias("k.cdn.test", state=NXDOMAIN)}, "missing", ""),
    ("dkim", {(KEY, "CNAME"): ["k.cdn.test"]}, "wrong", "beside its records"),
    ("dkim", {(KEY, "CNAME"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("dmarc", {(f"_dmarc.{DOMAIN}", "TXT"): NXDOMAIN}, "missing", "nor at a parent"),
    ("dmarc", dmarc("something=1"), "missing", "nor at a parent"),
    ("dmarc", dmarc("v=DMARC10; p=none"), "missing", ""),
    ("dmarc", {(f"_dmarc.{DOMAIN}", "TXT"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("dmarc", {**dmarc("x"), ("_dmarc.test", "TXT"): SERVFAIL}, "unknown", "_dmarc.test"),
    ("dmarc", dmarc(POLICY, "v=DMARC1; p=reject"), "wrong", "2 records"),
    ("dmarc", dmarc(POLICY + "; p=none"), "wrong", "comes twice"),
    ("dmarc", dmarc(POLICY + "; junk"), "wrong", "no tag"),
    ("dmarc", dmarc(POLICY.replace("none", "nonne")), "wrong", "p=nonne"),
    ("dmarc", dmarc(POLICY + "; sp=x"), "wrong", "sp=x"),
    ("dmarc", dmarc(POLICY + "; adkim=strict"), "wrong", "adkim=strict"),
    ("dmarc", dmarc(POLICY.replace("p=none; ", "")), "ok", ""),
    ("dmarc", dmarc(POLICY + "; pct=10; unheard=1; adkim=s; aspf=s"), "ok", ""),
    ("dmarc", dmarc("v=DMARC1; p=none"), "wrong", "no reports to mailto:d@mail.test, mailto:d@operator.test"),
    ("dmarc", dmarc("v=DMARC1; p=none; rua=mailto:d@mail.test"), "wrong", "no reports to mailto:d@operator.test"),
    ("dmarc", dmarc(POLICY.upper().replace("V=DMARC1", "v=DMARC1")), "ok", ""),
    ("dmarc", dmarc(POLICY + "!10m"), "ok", ""),
    ("dmarc", dmarc(POLICY + ",https://x.test/d"), "wrong", "mailto:name@domain"),
    ("dmarc", dmarc(POLICY + ",https://d@x.test"), "wrong", "mailto:name@domain"),
    ("dmarc", dmarc(POLICY + ",mailto:d@"), "wrong", "mailto:name@domain"),
    ("dmarc", dmarc(POLICY + ",mailto:x@foreign.test"), "missing", "mail.test._report._dmarc.foreign.test"),
    ("dmarc", {**dmarc(POLICY + ",mailto:x@sub.mail.test"), ("_dmarc.sub.mail.test", "TXT"): NXDOMAIN}, "ok", ""),
    ("dmarc", {(REPORT, "TXT"): NXDOMAIN}, "missing", REPORT),
    ("dmarc", {(REPORT, "TXT"): ["yes please"]}, "wrong", "yes please"),
    ("dmarc", {(REPORT, "TXT"): SERVFAIL}, "unknown", REPORT),
    ("dmarc", {("_dmarc.operator.test", "TXT"): SERVFAIL}, "unknown", "_dmarc.operator.test"),
    ("dmarc", {(f"_dmarc.{DOMAIN}", "CNAME"): ["x.test"]}, "wrong", "beside its records"),
    ("dmarc", {(f"_dmarc.{DOMAIN}", "TXT"): alias("d.cdn.test", values=[POLICY])}, "ok", ""),
    ("mx", {(DOMAIN, "MX"): NXDOMAIN}, "missing", "nxdomain"),
    ("mx", {(DOMAIN, "MX"): SERVFAIL}, "unknown", "SERVFAIL"),
    ("mx", {(DOMAIN, "MX"): ["0 ."]}, "wrong", "takes no mail"),
    ("mx", {(DOMAIN, "MX"): ["10 gone.mail.test."]}, "wrong", "gone.mail.test, which has no address"),
    ("mx", {(DOMAIN, "MX"): [f"10 {NAME}.", "20 gone.mail.test."]}, "wrong", "gone.mail.test"),
    ("mx", {(DOMAIN, "MX"): ["10 192.0.2.1."]}, "wrong", "no address"),
    ("mx", {(NAME, "A"): SERVFAIL}, "unknown", f"{NAME} A"),
    ("mx", {(NAME, "A"): NXDOMAIN, (NAME, "AAAA"): SERVFAIL}, "unknown", "AAAA"),
    ("mx", {(NAME, "A"): NXDOMAIN, (NAME, "AAAA"): ["2001:db8::1"]}, "ok", ""),
    ("mx", {(NAME, "A"): alias("real.mail.test", values=[IP])}, "wrong", "an alias of real.mail.test"),
]


@pytest.mark.parametrize(
    ("edge", "world", "verdict", "words"), TABLE, ids=[f"{n}-{row[0]}" for n, row in enumerate(TABLE)]
)
def test_what_is_different_decides(edge, world, verdict, words):
    found = judged(edge, world)
    assert found.verdict == verdict, found
    assert words in f"{found.wanted} {found.found} {found.remedy}", found
    assert found.wanted and found.found
    assert verdict == "ok" or found.remedy, "nobody is told what to do"


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["x" * 100], ""),
        (["x" * 200, "y" * 230], "together take"),
        (["x" * 200], ""),
    ],
)
def test_many_texts_beside_a_short_record_are_minded(texts, note):
    edge = judged("spf", {(DOMAIN, "TXT"): [f"v=spf1 ip4:{IP} -all", *texts]})
    assert edge.verdict == "ok" and bool(note) == bool(edge.remedy) and note in edge.remedy, edge


def test_a_host_that_was_not_looked_at_leaves_its_key_unknown():
    edge = judged("dkim", {}, key_name=None, public=None, key_trouble="vps2 was not looked at")
    assert edge.verdict == "unknown" and "vps2 was not looked at" in edge.found and edge.remedy


def test_a_sender_without_a_key_is_not_judged_before_it_converged():
    found = judged("dkim", {}, key_name=None, public=None)
    assert found.verdict == "unknown" and found.remedy.startswith("Converge first")


def test_the_other_family_counts_for_ipv6():
    world = {(NAME, "A"): NODATA, (NAME, "AAAA"): ["2001:db8::1"]}
    assert judged("a", world, ip="2001:db8::1").verdict == "ok"
    assert judged("a", {**world, (NAME, "A"): [IP]}, ip="2001:db8::1").verdict == "wrong"
    text = {(DOMAIN, "TXT"): ["v=spf1 ip6:2001:db8::1 -all"]}
    assert judged("spf", text, ip="2001:db8::1").verdict == "ok"
    assert judged("spf", {(DOMAIN, "TXT"): ["v=spf1 ip6:::/0 -all"]}, ip="2001:db8::1").verdict == "wrong"


# --- DMARC: the walk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("test", ["test"]),
        ("a.test", ["a.test", "test"]),
        ("1.2.3.4.5.6.test", [f"{'.'.join('123456'[n:])}.test" for n in range(6)] + ["test"]),
        (
            "1.2.3.4.5.6.7.8.9.test",
            ["1.2.3.4.5.6.7.8.9.test", "4.5.6.7.8.9.test", "5.6.7.8.9.test", "6.7.8.9.test", "7.8.9.test", "8.9.test",
             "9.test", "test"],
        ),
    ],
)  # fmt: skip
def test_the_walk_asks_for_at_most_eight_names(domain, names):
    assert tree.walked_names(domain) == names
    assert len(names) <= 8


@pytest.mark.parametrize(
    ("records", "organisation", "policy"),
    [
        ({}, "a.b.c.test", None),
        ({"a.b.c.test": "p=none"}, "a.b.c.test", "a.b.c.test"),
        ({"a.b.c.test": "p=none", "c.test": "p=reject"}, "c.test", "a.b.c.test"),
        ({"c.test": "p=reject"}, "c.test", "c.test"),
        ({"c.test": "p=reject", "test": "psd=y"}, "c.test", "c.test"),
        ({"test": "psd=y; p=none"}, "c.test", "test"),
        ({"b.c.test": "psd=n; p=none", "c.test": "p=reject"}, "b.c.test", "b.c.test"),
        ({"c.test": "psd=y; p=reject", "test": "p=none"}, "b.c.test", "c.test"),
        ({"a.b.c.test": "psd=y; p=reject", "c.test": "p=none"}, "a.b.c.test", "a.b.c.test"),
        ({"a.b.c.test": "psd=u; p=none", "c.test": "p=none; junk"}, "c.test", "a.b.c.test"),
        ({"c.test": ["p=none", "p=reject"], "test": "p=none"}, "test", "test"),
    ],
)
def test_the_organisation_and_the_policy_of_a_name(records, organisation, policy):
    """RFC 9989 4.10.1 and 4.10.2."""
    world = {
        (f"_dmarc.{name}", "TXT"): [f"v=DMARC1; {text}" for text in ([texts] if isinstance(texts, str) else texts)]
        for name, texts in records.items()
    }
    look = looking(world)
    assert tree.organisation("a.b.c.test", tree.walk("a.b.c.test", look)) == organisation
    found = tree.policy_for("a.b.c.test", look)
    assert (found.name if found else None) == policy


@pytest.mark.parametrize(
    ("from_domain", "policies", "verdict"),
    [
        ("test.test", {}, "wrong"),
        ("org.test", {"org.test": ""}, "ok"),
        ("sub.mail.test", {"mail.test": ""}, "ok"),
        ("sub.mail.test", {"mail.test": "; adkim=s"}, "wrong"),
        ("sub.mail.test", {"mail.test": "; aspf=s"}, "wrong"),
        ("sub.mail.test", {"sub.mail.test": "", "mail.test": "; psd=n"}, "ok"),
        ("sub.mail.test", {"sub.mail.test": "; psd=n", "mail.test": ""}, "wrong"),
    ],
)
def test_mail_has_to_be_aligned(from_domain, policies, verdict):
    domain = "mail.org.test" if from_domain == "org.test" else DOMAIN
    world = {(f"_dmarc.{DOMAIN}", "TXT"): NXDOMAIN}
    for name, more in (policies or {from_domain: ""}).items():
        world[f"_dmarc.{name}", "TXT"] = [f"v=DMARC1; p=none; rua=mailto:d@{name}{more}"]
    uri = next(iter(policies or {from_domain: ""}))
    found = judged("dmarc", world, domain=domain, from_domain=from_domain, report_uris=(f"mailto:d@{uri}",))
    assert found.verdict == verdict, found
    assert verdict == "ok" or "not aligned" in found.found


# --- From views to a verdict ------------------------------------------------------------------------------------------


def view(verdict: str, server: str, authoritative: bool = True) -> View:
    return View(server, authoritative, Edge(verdict, "w", f"f {server}", "", f"r {server}" if verdict != "ok" else ""))


@pytest.mark.parametrize(
    ("views", "verdict", "server", "remedy"),
    [
        ([], "unknown", "", "Name a resolver"),
        ([("ok", "n1", True), ("ok", "r", False)], "ok", "", ""),
        ([("ok", "n1", True), ("wrong", "n2", True), ("ok", "r", False)], "wrong", "n2", edges.BEHIND),
        ([("ok", "n1", True), ("missing", "n2", True), ("unknown", "n3", True)], "missing", "n2", edges.BEHIND),
        ([("ok", "n1", True), ("missing", "r", False)], "missing", "r", edges.STALE),
        ([("missing", "r", False)], "missing", "r", "r r"),
        ([("wrong", "n1", True), ("wrong", "n2", True), ("wrong", "r", False)], "wrong", "n1, n2, r", "r n1"),
        ([("wrong", "n1", True), ("missing", "n2", True)], "wrong", "n1", "r n1"),
        ([("ok", "n1", True), ("unknown", "n2", True), ("ok", "r", False)], "unknown", "n2", "r n2"),
        ([("ok", "n1", True), ("unknown", "r", False)], "unknown", "r", "r r"),
        ([("wrong", f"n{n}", True) for n in range(7)], "wrong", "n0, n1, n2, n3 and 3 more", "r n0"),
    ],
)
def test_the_worst_view_counts_and_is_named(views, verdict, server, remedy):
    found = combine([view(*one) for one in views])
    assert (found.verdict, found.server, found.remedy) == (verdict, server, remedy)


verdicts = st.sampled_from(edges.VERDICTS)


@given(st.lists(st.tuples(verdicts, st.sampled_from(["n1", "n2", "r"]), st.booleans())))
def test_no_view_but_ok_makes_ok(views):
    found = combine([view(*one) for one in views])
    assert (found.verdict == "ok") == (bool(views) and all(verdict == "ok" for verdict, *_rest in views))


@given(st.dictionaries(st.sampled_from(EDGES), verdicts))
def test_green_is_yes_only_when_every_edge_is_ok(found):
    green = edges.green({name: Edge(verdict) for name, verdict in found.items()})
    told = [found.get(name, "unknown") for name in EDGES]
    assert (green == "yes") == all(verdict == "ok" for verdict in told)
    assert (green == "no") == any(verdict in ("wrong", "missing") for verdict in told)


# --- Whatever stands in the DNS ---------------------------------------------------------------------------------------

words = st.sampled_from(
    ["v=spf1", "v=DMARC1;", "v=DKIM1;", "p=", "p=none;", f"p={PUBLIC}", "rua=mailto:d@x.test", "rua=,!;", "psd=y;", "-all",
     "+all", "include:mail.test", "redirect=mail.test", "exists:%{i}.%{p}", "exists:%{", "a:%{l1r-}.x", "mx/33", "ip4:1.2.3",
     "ip6:::", "ptr", "exp=%{d}", "a:..", "a:" + "x" * 70, ";", "=", "\x00", "\udcff", "\u200b", " ", '"', "é"]
)  # fmt: skip
texts = st.one_of(st.lists(words, max_size=6).map(" ".join), st.text(max_size=40))
names = st.sampled_from(["", "mail.test", NAME, "x", "a..b", "x" * 70 + ".test"])
states = st.sampled_from(["", NXDOMAIN, NODATA, UNKNOWN])


@st.composite
def answers(draw, rtype: str):
    state = draw(states)
    aliases = tuple(draw(st.lists(names, max_size=1)))
    if state:
        return Answer(state, (), aliases, "timeout" if state == UNKNOWN else "", "")
    value = {
        "A": st.sampled_from([IP, "198.18.0.2", "0.0.0.1"]),
        "AAAA": st.just("2001:db8::1"),
        "MX": st.tuples(st.integers(0, 65535), names).map(lambda one: f"{one[0]} {one[1]}."),
        "TXT": texts,
    }.get(rtype, names)
    return Answer(FOUND, tuple(sorted(draw(st.lists(value, min_size=1, max_size=3)))), aliases)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_no_record_makes_a_judge_stumble_and_what_is_unknown_is_never_ok(data):
    world = {question: Answer(FOUND, tuple(sorted(values))) for question, values in WORLD.items()}
    # Most of the world stays sound, so that the judges come far.
    for question in data.draw(st.sets(st.sampled_from(sorted(WORLD)), max_size=4)):
        world[question] = data.draw(answers(question[1]))
    blind = []

    def look(name: str, rtype: str) -> Answer:
        if (name, rtype) not in world:
            world[name, rtype] = data.draw(st.one_of(st.just(Answer(NXDOMAIN)), answers(rtype)))
        if world[name, rtype].unknown:
            blind.append((name, rtype))
        return world[name, rtype]

    for edge, judge in JUDGES.items():
        blind.clear()
        found = judge.judge(FACTS, look)
        assert found.verdict in edges.VERDICTS
        assert not (blind and found.verdict == "ok"), (edge, blind, found)
        json.dumps(found.as_dict()).encode()
        assert all(text.isprintable() for text in (found.wanted, found.found, found.remedy)), found


# --- The document, and the report -------------------------------------------------------------------------------------


def document(**changes) -> dict:
    sender = {
        "name": NAME,
        "tenant": "one",
        "ip": IP,
        "hostname": NAME,
        "domain": DOMAIN,
        "from_email": "news@Mail.test",
        "mta": "vps2",
        "vmta": "VMTA-1",
        "ptr": {"method": "manual", "zone": "0-63.0.18.198.in-addr.arpa"},
        "selector": "s1",
        "public": PUBLIC,
        "status": "standby",
    }
    dmarc_options = {"policy": "none", "rua": ["mailto:d@{domain}", "mailto:d@operator.test"]}
    tenant = {"name": "one", "routing": "by_sender", "domain": "mail.test", "dmarc": dmarc_options}
    return {"version": 1, "tenants": [tenant], "senders": [{**sender, **changes}], "gone": []}


def test_the_facts_are_what_has_to_be_published():
    [found] = facts_of(document())
    assert found == dataclasses.replace(
        FACTS,
        dmarc="v=DMARC1; p=none; rua=mailto:d@mail.test,mailto:d@operator.test",
        ptr_names=(REVERSE, "1.0-63.0.18.198.in-addr.arpa"),
    )
    assert facts_of(document(selector=None, public=None))[0].key_name is None
    assert facts_of(document(status="retired")) == []


@pytest.mark.parametrize(
    ("given_document", "names", "words"),
    [
        ({}, None, "no list of senders"),
        ({"senders": [], "tenants": {}}, None, "no list of tenants"),
        ({"senders": [{}], "tenants": []}, None, "fleet.senders[0]: lacks name"),
        ({"senders": ["x"], "tenants": []}, None, "fleet.senders[0]: lacks name"),
        (document(tenant="two"), None, "its tenant two is not there"),
        (document(ip="198.18.0.300"), None, "cannot be used"),
        (document(ptr={"method": "manual", "zone": "x.test"}), None, "cannot be used"),
        (document(), ["mail9.test"], "the fleet has no sender mail9.test"),
        (document(status="retired"), [NAME], "not retired"),
    ],
)
def test_a_document_that_is_none_is_refused(given_document, names, words):
    with pytest.raises(FleetError) as error:
        facts_of(given_document, names)
    assert words in str(error.value)


def checked(name: str, **broken: Edge) -> dict:
    found = {edge: broken.get(edge, Edge("ok")) for edge in EDGES}
    return {"name": name, "green": edges.green(found), "edges": {edge: one.as_dict() for edge, one in found.items()}}


def test_the_report_counts_and_tells_what_many_share_once():
    wrong = Edge("wrong", "this", "that", "n2", "Do it")
    senders = [checked(f"m{n}", mx=Edge("unknown", "w", "no answer", "r", "Wait")) for n in range(5)]
    senders += [checked("m5", a=wrong), checked("m6")]
    assert report.summary(senders)["edges"]["mx"] == {"ok": 2, "wrong": 0, "missing": 0, "unknown": 5}
    assert [report.summary(senders)[green] for green in ("senders", "yes", "no", "unknown")] == [7, 1, 1, 5]
    assert report.lines(senders) == [
        "1 of 7 senders are green, 1 are not, 5 are unknown",
        "m0 and 4 more: mx is unknown at r",
        "    wanted: w",
        "    found: no answer",
        "    remedy: Wait",
        "m5: a is wrong at n2",
        "    wanted: this",
        "    found: that",
        "    remedy: Do it",
    ]


def test_no_answer_has_a_remedy_whatever_the_reason():
    for why in ("timeout", "lame", "servfail", "refused", "zonk"):
        assert edges.blind("w", Blind("n", "A", Answer(UNKNOWN, why=why))).remedy
