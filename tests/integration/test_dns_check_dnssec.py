# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dns_check where zones are signed: Knot signs, unbound validates, or does not, or has the wrong trust anchor for a zone."""

from __future__ import annotations

import shutil
from pathlib import Path

import dns.message
import dns.query
import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_records import wanted_records
from ansible_collections.email_engine.fleet.tests.dns_daemons import Dnsdist, Unbound
from ansible_collections.email_engine.fleet.tests.integration import name_servers
from ansible_collections.email_engine.fleet.tests.integration.test_dns_check import check, fleet, sender, zone_files

NS1, NS2, RESOLVER, FRONT = "127.0.0.71", "127.0.0.72", "127.0.0.70", "127.0.0.73"
ZONES = ("test", "good.test", "chain.test", "whole.test", "shattered.test", "operator.test", "0.18.198.in-addr.arpa")
SIGNED = ("chain.test", "whole.test", "shattered.test")
# Of these the resolver expects another key than the zone has, as where a DS was left behind.
BROKEN = ("chain.test", "shattered.test")


def anchors(port: int) -> list[str]:
    """Each signed zone's own key, and for a broken zone that of another."""
    found = {}
    for zone in SIGNED:
        reply = dns.query.tcp(dns.message.make_query(zone, "DNSKEY"), NS1, 5, port)
        found[zone] = next(key.to_text() for key in reply.answer[0] if key.flags == 257)
    return [f'trust-anchor: "{zone}. DNSKEY {found["whole.test"]}"' for zone in SIGNED]


class Site:
    def __init__(self, place: Path, port: int):
        self.place, self.port = place, port
        self.document = fleet([sender(1, "good.test"), sender(2, "chain.test")])
        self.given = {
            "authoritative": [{"name": "lab", "address": NS1, "port": port, "suffixes": ["test", "in-addr.arpa"]}],
            "signed_name": "whole.test",
            "broken_name": "shattered.test",
            "timeout": 2,
        }

    def resolver(self, name: str, *settings: str, **more) -> Unbound:
        return Unbound(
            self.place / name, RESOLVER, dict.fromkeys(ZONES, f"{NS1}@{self.port}"), settings=settings, **more
        )

    def validating(self) -> Unbound:
        return self.resolver("validating", 'module-config: "validator iterator"', *anchors(self.port), cache=True)

    def check(self, at, **options) -> tuple[dict, dict]:
        """(the answer, {sender: edges})."""
        answer = check(self.place, self.document, resolvers=[at.at], **{**self.given, **options})
        assert "senders" in answer, answer
        return answer, {one["name"]: one["edges"] for one in answer["senders"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for program in ("knotd", "unbound", "dnsdist"):
        if not shutil.which(program):
            pytest.fail(f"{program} is missing: apt-get install knot unbound dnsdist")
    place = tmp_path_factory.mktemp("dnssec")
    port = name_servers.free_port(NS1)
    found = Site(place, port)
    files = zone_files(wanted_records(found.document), list(ZONES[1:]))
    files["test"] = f"test. 60 SOA ns.test. h.test. 1 60 60 60 60\ntest. 60 NS ns.test.\nns.test. 60 A {NS1}\n"
    files = {zone: text.replace("127.0.0.61", NS1).replace("127.0.0.62", NS2) for zone, text in files.items()}
    with (
        name_servers.Knot(place / "ns1", NS1, port, files, signed=SIGNED),
        name_servers.Knot(place / "ns2", NS2, port, files, signed=SIGNED),
    ):
        yield found


def test_a_broken_chain_is_named_where_the_resolver_validates(site):
    with site.validating() as resolver:
        answer, edges = site.check(resolver)
    assert answer["resolver"]["validating"] == "yes", answer["resolver"]
    assert {edge["verdict"] for edge in edges["mail.good.test"].values()} == {"ok"}, answer["lines"]
    chain = dict(edges["mail.chain.test"])
    assert chain.pop("ptr")["verdict"] == "wrong"  # its name is in the broken zone
    for edge in chain.values():
        assert edge["verdict"] == "wrong" and "broken DNSSEC chain" in edge["found"], edge
        assert edge["server"].startswith("resolver") and "DS at the parent" in edge["remedy"], edge


def test_who_does_not_validate_is_named_and_sees_no_broken_chain(site):
    with site.resolver("plain", cache=True) as resolver:
        answer, edges = site.check(resolver)
    assert answer["resolver"]["validating"] == "no"
    assert any("does not validate" in line and "no AD" in line for line in answer["lines"])
    assert {edge["verdict"] for one in edges.values() for edge in one.values()} == {"ok"}, answer["lines"]


def test_a_server_that_fails_is_no_broken_chain(site):
    """SERVFAIL for a reason that validation has nothing to do with: it fails unchecked, too."""
    with (
        site.validating() as resolver,
        Dnsdist(site.place / "front", FRONT, resolver.at, lies={"mail.good.test": "servfail"}) as front,
    ):
        answer, edges = site.check(front)
    assert answer["resolver"]["validating"] == "yes"
    assert {edges["mail.good.test"][edge]["verdict"] for edge in ("a", "spf", "mx")} == {"unknown"}, answer["lines"]


def test_what_cannot_be_found_out_is_unknown(site):
    with (
        site.validating() as resolver,
        Dnsdist(site.place / "away", FRONT, resolver.at, lies={"whole.test": "silent"}) as front,
    ):
        answer, edges = site.check(front, timeout=0.5)
    assert answer["resolver"]["validating"] == "unknown"
    # Nobody knows that it validates, so its SERVFAIL is only that.
    assert edges["mail.chain.test"]["mx"]["verdict"] == "unknown", answer["lines"]
