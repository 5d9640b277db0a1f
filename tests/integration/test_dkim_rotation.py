# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key replaces another: the modules as Ansible runs them, real Knot servers, dkimpy as the judge of signatures."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.dkim_rotation import seen
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_records import wanted_records
from ansible_collections.email_engine.fleet.tests.integration import name_servers
from ansible_collections.email_engine.fleet.tests.integration.test_dns_check import fleet, sender, zone_files

NS1, NS2, RESOLVER = "127.0.0.81", "127.0.0.82", "127.0.0.80"
ZONE, DOMAIN, OTHER = "rot.test", "mail.rot.test", "old.rot.test"
LONG_AGO = "2026-01-01T00:00:00Z"


class Host:
    """The keys' directory, and name servers that show what they are told to."""

    def __init__(self, place: Path):
        self.place, self.keys, self.config = place, place / "dkim", place / "config"
        self.port = name_servers.free_port(NS1)
        self.domains = [DOMAIN, OTHER]
        self.runs = 0
        self.said = ""

    def module(self, name: str, **options) -> dict:
        path = self.place / "arguments.json"
        path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
        command = [sys.executable, "-m", f"ansible_collections.email_engine.fleet.plugins.modules.{name}", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.said += done.stdout + done.stderr
        assert done.stdout.strip(), done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    def make(self, domains=None) -> list[dict]:
        entries = domains or [{"domain": domain} for domain in self.domains]
        found = self.module("dkim_keys", domains=entries, directory=str(self.keys), date="20260101")
        assert "keys" in found, found
        return found["keys"]

    def rotate(self, act: str, **options) -> dict:
        given = {"domains": self.domains, "directory": str(self.keys), "config": str(self.config), **options}
        return self.module("dkim_rotation", act=act, **given)

    def date(self, domain: str, selector: str, **dates) -> None:
        """As if it had been then."""
        path = self.keys / "keys.json"
        registry = json.loads(path.read_text())
        registry["domains"][domain]["keys"][selector].update(dates)
        path.write_text(json.dumps(registry))

    def document(self) -> dict:
        keys = {key["domain"]: key for key in self.make()}
        senders = [
            sender(
                n,
                ZONE,
                domain.partition(".")[0],
                selector=keys[domain]["selector"],
                public=keys[domain]["public"],
                mta="vps2",
            )
            for n, domain in enumerate(self.domains)
        ]
        return fleet(senders)

    @contextlib.contextmanager
    def published(self, late: bool = False, text: str | None = None):
        """Everything that a converge would publish; late: not yet at the second server; text: of new keys, another one."""
        self.runs += 1
        others = [other for key in self.make() for other in key["others"]]
        if text is not None:
            others = [{**one, "text": text} if one["role"] == "next" else one for one in others]
        zones = [ZONE, "operator.test", "0.18.198.in-addr.arpa"]

        def files(keys):
            texts = zone_files(wanted_records(self.document(), 60, keys), zones)
            return {z: t.replace("127.0.0.61", NS1).replace("127.0.0.62", NS2) for z, t in texts.items()}

        new, old = files(others), files([one for one in others if one["role"] != "next"])
        place = self.place / f"dns{self.runs}"
        above = {"test": f"test. 60 SOA ns.test. h.test. 1 1 1 1 1\ntest. 60 NS ns.test.\nns.test. 60 A {NS1}\n"}
        with (
            name_servers.Knot(place / "1", NS1, self.port, {**new, **above}),
            name_servers.Knot(place / "2", NS2, self.port, old if late else new),
            name_servers.Odd(RESOLVER, self.port, (NS1, self.port), {}),
        ):
            yield

    def check(self) -> tuple[dict[str, str], dict]:
        """(what every server shows of the next keys, the whole answer)."""
        document, next_keys = self.document(), self.rotate("plan")["next_keys"]
        names = [one["name"] for one in document["senders"] if one["domain"] in {key["domain"] for key in next_keys}]
        lab = {"name": "lab", "address": NS1, "port": self.port, "suffixes": ["test", "in-addr.arpa"]}
        found = self.module(
            "dns_check",
            fleet=document,
            keys={"vps2": next_keys},
            edges=["dkim"],
            senders=names,
            resolvers=[f"{RESOLVER}@{self.port}"],
            authoritative=[lab],
            timeout=1,
        )
        assert "senders" in found, found
        return seen(document, found["senders"]), found

    def verify(self, probes: list[dict]) -> list[str]:
        messages = [probe["message"] for probe in probes]
        found = self.module("dkim_verify", messages=messages, resolvers=[f"{RESOLVER}@{self.port}"], timeout=0.5)
        return [one["verdict"] for one in found["results"]]


@pytest.fixture
def host(tmp_path):
    if not shutil.which("knotd"):
        pytest.fail("knotd is missing: apt-get install knot")
    host = Host(tmp_path)
    host.make()
    host.config.write_text("# a configuration\n")
    return host


def steps(answer: dict) -> list[tuple[str, str]]:
    return [(step["domain"], step["step"]) for step in answer["steps"]]


def begun(host: Host) -> str:
    """The selector of the key that is to sign DOMAIN."""
    answer = host.rotate("begin", rotate=[DOMAIN])
    assert steps(answer) == [(DOMAIN, "make")], answer
    (key,) = host.make(answer["new"])
    assert key["selector"] not in ("s20260101", None)
    return key["selector"]


def test_from_the_plan_to_the_last_trace(host):
    """The whole way of one key; the other domain's is never touched."""
    assert host.rotate("plan")["steps"] == [] and not host.rotate("begin")["changed"]
    new = begun(host)
    assert not host.rotate("begin", rotate=[DOMAIN])["new"], "a second new key"
    assert host.make()[0]["selector"] == "s20260101", "it must not sign yet"

    with host.published(late=True):
        verdicts, answer = host.check()
        assert verdicts == {DOMAIN: "missing"} and NS2 in answer["senders"][0]["edges"]["dkim"]["server"]
        assert steps(host.rotate("published", seen=verdicts)) == [(DOMAIN, "publish")]
    with host.published():
        verdicts, answer = host.check()
        assert verdicts == {DOMAIN: "ok"} and answer["negative_ttls"][ZONE] == 60
        waiting = host.rotate("published", seen=verdicts, wait=3600)
        assert steps(waiting) == [(DOMAIN, "wait")] and 3590 < waiting["waiting"] <= 3600
        assert host.rotate("probe")["probes"] == [] and not host.rotate("switch", proven=[DOMAIN])["changed"]
        host.date(DOMAIN, new, usable=LONG_AGO)
        (probe,) = host.rotate("probe")["probes"]
        assert (probe["domain"], probe["selector"], host.verify([probe])) == (DOMAIN, new, ["yes"])
        broken = {**probe, "message": probe["message"].replace("It is not sent", "It is sent")}
        assert host.verify([broken]) == ["no"]
    assert host.verify([probe]) == ["unknown"], "nobody answers"
    with host.published(text="v=DKIM1; k=rsa; p=" + host.make()[1]["public"]):
        assert host.verify([probe]) == ["no"], "signed by another key than the published one"

    assert not host.rotate("switch", proven=[OTHER])["changed"]
    assert host.rotate("switch", proven=[DOMAIN])["changed"]
    old_file = host.keys / f"s20260101.{DOMAIN}.pem"
    key = host.make()[0]
    assert key["selector"] == new and [one["role"] for one in key["others"]] == ["kept"] and old_file.exists()

    host.config.write_text(f"<domain-key>\n  key {old_file}\n")
    refused = host.rotate("destroy")
    assert "still signs with" in refused["msg"] and old_file.exists()
    host.config.write_text(f"key {key['path']}\n")
    assert host.rotate("destroy")["changed"] and not old_file.exists() and Path(key["path"]).exists()
    assert not host.rotate("destroy")["changed"]
    assert [one["text"] is not None for one in host.make()[0]["others"]] == [True], "its record stays"

    assert steps(host.rotate("begin")) == [(DOMAIN, "keep")]
    host.date(DOMAIN, "s20260101", retired=LONG_AGO)
    assert host.rotate("begin")["done"] == [f"{DOMAIN}: revoke s20260101"]
    assert host.make()[0]["others"][0]["text"] == "v=DKIM1; k=rsa; p="
    # Marked is not seen: it stays due, however old the mark is, until every server shows it.
    host.date(DOMAIN, "s20260101", revoked=LONG_AGO)
    name = f"s20260101._domainkey.{DOMAIN}"
    for seen_as in ("there", "unknown"):
        assert not host.rotate("withdrawn", records={name: seen_as})["changed"]
    waiting = host.rotate("begin")
    assert steps(waiting) == [(DOMAIN, "revoke")] and waiting["withdrawing"] == [name]
    assert host.rotate("withdrawn", records={name: "void"})["done"] == [f"{DOMAIN}: the record of s20260101 is void"]
    assert host.rotate("plan")["steps"][0]["due"] and host.rotate("plan")["withdrawing"] == []
    host.date(DOMAIN, "s20260101", void=LONG_AGO)
    assert host.rotate("begin")["done"] == [f"{DOMAIN}: remove s20260101"]
    assert host.make()[0]["others"][0]["text"] is None
    assert not host.rotate("withdrawn", records={name: "void"})["changed"]
    assert host.rotate("withdrawn", records={name: "gone"})["changed"] and host.make()[0]["others"] == []
    assert host.make()[0]["selectors"] == sorted(["s20260101", new]) and host.rotate("plan")["steps"] == []
    reused = host.module("dkim_keys", domains=[{"domain": DOMAIN, "selector": "s20260101"}], directory=str(host.keys))
    assert "was revoked" in reused["msg"]
    assert "PRIVATE KEY" not in host.said


def test_a_record_that_vanishes_again_starts_the_wait_again(host):
    new = begun(host)
    host.rotate("published", seen={DOMAIN: "ok"}, wait=0)
    assert steps(host.rotate("published", seen={DOMAIN: "unknown"})) == [(DOMAIN, "switch")], "unknown says nothing"
    assert steps(host.rotate("published", seen={DOMAIN: "missing"})) == [(DOMAIN, "publish")]
    assert not host.rotate("switch", proven=[DOMAIN])["changed"] and host.make()[0]["selector"] != new


def test_one_key_that_does_not_sign_keeps_no_other(host):
    keys = host.make(host.rotate("begin", rotate=[DOMAIN, OTHER])["new"])
    host.rotate("published", seen={DOMAIN: "ok", OTHER: "ok"}, wait=0)
    lost = next(Path(key["path"]) for key in keys if key["domain"] == DOMAIN)
    lost.unlink()
    found = host.rotate("probe")
    assert [probe["domain"] for probe in found["probes"]] == [OTHER]
    assert [one["domain"] for one in found["unproven"]] == [DOMAIN] and str(lost) in found["unproven"][0]["why"]


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("v=DKIM1; k=rsa; p=", "v=DKIM1; k=rsa; p=", "void"),
        ("v=DKIM1; k=rsa; p=", "v=DKIM1; k=rsa; p=MIIB", "there"),
        ("", "v=DKIM1; k=rsa; p=MIIB", "there"),
        ("", "", "gone"),
        ("", None, "unknown"),
    ],
)
def test_what_servers_show_of_a_record_that_is_withdrawn(host, first, second, verdict):
    """first, second: what the two servers have; None: it is away."""
    name, places = f"s1._domainkey.{DOMAIN}", ((NS1, first), (NS2, second))
    soa = f"{ZONE}. 60 SOA ns.{ZONE}. h.{ZONE}. 1 60 60 60 60\n{ZONE}. 60 NS ns1.{ZONE}.\n{ZONE}. 60 NS ns2.{ZONE}.\n"
    soa += f"ns1.{ZONE}. 60 A {NS1}\nns2.{ZONE}. 60 A {NS2}\n"
    with contextlib.ExitStack() as stack:
        for place, text in (*places, (RESOLVER, first)):
            if text is None:
                continue
            zone = soa + (f'{name}. 60 TXT "{text}"\n' if text else "")
            stack.enter_context(name_servers.Knot(host.place / place, place, host.port, {ZONE: zone}))
        servers = [{"name": place, "address": place, "port": host.port, "suffixes": [ZONE]} for place, _text in places]
        found = host.module(
            "dns_check",
            fleet=host.document(),
            senders=[],
            withdrawn=[name],
            resolvers=[f"{RESOLVER}@{host.port}"],
            authoritative=servers,
            timeout=0.5,
        )
    assert found.get("withdrawn") == {name: verdict}, found


def test_check_mode_writes_nothing(host):
    begun(host)
    before = (host.keys / "keys.json").read_text()
    assert host.rotate("published", seen={DOMAIN: "ok"}, _ansible_check_mode=True)["changed"]
    assert (host.keys / "keys.json").read_text() == before


def test_a_foreign_file_is_not_destroyed(host):
    begun(host)
    host.rotate("published", seen={DOMAIN: "ok"}, wait=0)
    host.rotate("switch", proven=[DOMAIN])
    file = host.keys / f"s20260101.{DOMAIN}.pem"
    file.write_text("something else")
    assert "holds another key" in host.rotate("destroy")["msg"] and file.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rules": {"keep": 3}}, "keep is 3 days"),
        ({"directory": "/nonexistent"}, "there are no keys"),
    ],
)
def test_what_cannot_be_meant_is_refused(host, options, words):
    answer = host.rotate("plan", **options)
    assert words in answer["msg"] and answer["problems"][0]["remedy"]
