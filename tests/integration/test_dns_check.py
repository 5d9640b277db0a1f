# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dns_check against two real Knot servers and a resolver that can be told to fail; each sender has a fault of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_plan import zone_text
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_records import wanted_records
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import longest_suffix, quote_txt

_spec = importlib.util.spec_from_file_location("name_servers", Path(__file__).with_name("name_servers.py"))
name_servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(name_servers)

MODULE = "ansible_collections.email_engine.fleet.plugins.modules.dns_check"
NS1, NS2, RESOLVER, HOLE, ODD = "127.0.0.61", "127.0.0.62", "127.0.0.60", "127.0.0.63", "127.0.0.64"
EDGES = ("a", "ptr", "spf", "helo_spf", "dkim", "dmarc", "mx")


def sender(number: int, zone: str, host: str = "mail", **changes) -> dict:
    name = f"{host}.{zone}"
    return {
        "name": name,
        "tenant": zone,
        "ip": f"198.18.{number // 200}.{number % 200 + 1}",
        "hostname": name,
        "domain": name,
        "from_email": f"news@{name}",
        "vmta": f"vmta-{number}",
        "ptr": {"method": "rfc2136", "zone": None},
        "selector": "s20261122",
        "public": "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "x" * 350 + str(number),
        "status": "standby",
        **changes,
    }


def fleet(senders: list[dict]) -> dict:
    tenants = [
        {
            "name": zone,
            "routing": "by_sender",
            "domain": zone,
            "dmarc": {"policy": "none", "rua": ["mailto:dmarc@{domain}", "mailto:dmarc@operator.test"]},
        }
        for zone in dict.fromkeys(one["tenant"] for one in senders)
    ]
    return {"version": 1, "tenants": tenants, "senders": senders, "gone": []}


def zone_files(records: list[dict], zones: list[str], extra: dict[str, str] | None = None) -> dict[str, str]:
    """{zone: zone file}: NS and SOA, and what of the records lies in it."""
    texts = {
        zone: f"{zone}. 60 SOA ns1.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n{zone}. 60 NS ns1.{zone}.\n"
        f"{zone}. 60 NS ns2.{zone}.\nns1.{zone}. 60 A {NS1}\nns2.{zone}. 60 A {NS2}\n"
        for zone in zones
    }
    grouped: dict[str, list[dict]] = {}
    for record in records:
        grouped.setdefault(longest_suffix(record["name"], texts), []).append(record)
    for zone in zones:
        texts[zone] += zone_text(grouped.get(zone, [])) + (extra or {}).get(zone, "")
    return texts


def check(place: Path, document: dict, **options) -> dict:
    """Run the module as Ansible does, in a process of its own; its answer, with the exit code and the time it took."""
    path = place / "arguments.json"
    path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {"fleet": document, "timeout": 0.5, **options}}))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip(), done.stderr
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return {**answer, "rc": done.returncode, "seconds": time.monotonic() - began}


# --- One sender per fault ---------------------------------------------------------------------------------------------


class Case:
    """A sender in a zone of its own. edit: (records, server) -> records, for what its servers have. expected: {edge:
    (verdict, server, words of what was found or of the remedy)}; every other edge is ok. lie: of the resolver."""

    def __init__(self, expected: dict, edit=None, extra: str = "", lie: dict | None = None, **changes):
        self.expected, self.edit, self.extra, self.lie, self.changes = expected, edit, extra, lie or {}, changes


def without(purpose: str, servers: str = "12"):
    return lambda records, server: [r for r in records if r["purpose"] != purpose or server not in servers]


def having(purpose: str, *values: str, servers: str = "12", **more):
    def edit(records, server):
        return [
            {**r, "values": list(values), **more} if r["purpose"] == purpose and server in servers else r
            for r in records
        ]

    return edit


def nothing(servers: str):
    return lambda records, server: [] if server in servers else records


MAIL = "mail.{zone}"
EVERY_UNKNOWN = dict.fromkeys(("a", "spf", "helo_spf", "dkim", "dmarc", "mx"), "unknown")
CASES = {
    "good": Case({}),
    # -- the host's names
    "noaddress": Case(
        {
            "a": ("missing", "", "nxdomain|nodata"),
            "ptr": ("wrong", "", "leads to nothing"),
            "mx": ("wrong", "", "no address"),
        },
        without("address"),
    ),
    "split": Case(
        {"a": ("wrong", NS2, "198.18.9.9")},
        having("address", "198.18.9.9", servers="2"),
    ),
    "twoaddresses": Case(
        {"a": ("wrong", "", "198.18.9.9")},
        lambda records, server: [
            {**r, "values": [*r["values"], "198.18.9.9"]} if r["purpose"] == "address" else r for r in records
        ],
    ),
    "sixth": Case({"a": ("wrong", "", "also AAAA 2001:db8::1")}, extra=MAIL + ". 60 AAAA 2001:db8::1\n"),
    "noptr": Case({"ptr": ("missing", "", "")}, without("ptr")),
    "otherptr": Case({"ptr": ("wrong", "", "static.provider.test")}, having("ptr", "static.provider.test.")),
    "twoptr": Case(
        {"ptr": ("wrong", "", "mail.twoptr.test | old.twoptr.test")},
        having("ptr", "mail.twoptr.test.", "old.twoptr.test."),
    ),
    "alias": Case(
        {
            "a": ("wrong", "", "an alias of real.alias.test"),
            "spf": ("wrong", "", "an alias"),
            "mx": ("wrong", "", "an alias"),
        },
        lambda records, server: [
            {**r, "name": "real.alias.test"} if r["name"] == "mail.alias.test" else r for r in records
        ],
        extra=MAIL + ". 60 CNAME real.alias.test.\n",
    ),
    # -- SPF
    "nospf": Case({"spf": ("missing", "", "no SPF record")}, without("spf")),
    "latespf": Case({"spf": ("missing", NS2, "why this one does not follow")}, without("spf", "2")),
    "twospf": Case(
        {"spf": ("wrong", "", "2 records"), "helo_spf": ("wrong", "", "2 records")},
        having("spf", "v=spf1 ip4:198.18.9.9 -all", "v=spf1 mx -all"),
    ),
    "otherspf": Case(
        {"spf": ("wrong", "", "fail for 198.18"), "helo_spf": ("wrong", "", "fail for 198.18")},
        having("spf", "v=spf1 ip4:198.18.9.9 -all"),
    ),
    "openspf": Case(
        {"spf": ("wrong", "", "pass for anybody"), "helo_spf": ("wrong", "", "pass for anybody")},
        having("spf", "v=spf1 +all"),
    ),
    "vaguespf": Case(
        {"spf": ("wrong", "", "neutral for anybody"), "helo_spf": ("wrong", "", "neutral for anybody")},
        having("spf", "v=spf1 mx ?all"),
    ),
    "mxspf": Case({}, having("spf", "v=spf1 mx include:_spf.elsewhere.test -all")),
    "blindspf": Case(
        {"spf": ("unknown", "", "SERVFAIL"), "helo_spf": ("unknown", "", "SERVFAIL")},
        having("spf", "v=spf1 include:broken.elsewhere.test mx -all"),
    ),
    # -- DKIM
    "revoked": Case({"dkim": ("wrong", "", "revoked")}, having("dkim", "v=DKIM1; k=rsa; p=")),
    "otherkey": Case({"dkim": ("wrong", "", "another key")}, having("dkim", "v=DKIM1; k=rsa; p=MIIB")),
    "latekey": Case({"dkim": ("missing", NS2, "")}, without("dkim", "2")),
    "unmade": Case({"dkim": ("unknown", "", "Converge first")}, selector=None, public=None),
    "keyalias": Case(
        {},
        lambda records, server: [r for r in records if r["purpose"] != "dkim"],
        extra="s20261122._domainkey." + MAIL + ". 60 CNAME keyalias._domainkey.elsewhere.test.\n",
    ),
    "beside": Case(
        {"dkim": ("wrong", ODD, "beside its records")},
        without("dkim"),
        extra="s20261122._domainkey." + MAIL + ". 60 NS odd.elsewhere.test.\n",
    ),
    # -- DMARC
    "nodmarc": Case({"dmarc": ("missing", "", "nor at a parent")}, without("dmarc")),
    "twodmarc": Case({"dmarc": ("wrong", "", "2 records")}, having("dmarc", "v=DMARC1; p=none", "v=DMARC1; p=reject")),
    "noreports": Case(
        {"dmarc": ("wrong", "", "no reports to mailto:dmarc@operator.test")},
        having("dmarc", "v=DMARC1; p=none; rua=mailto:dmarc@mail.noreports.test"),
    ),
    "parents": Case(
        {},
        without("dmarc"),
        extra="_dmarc.{zone}. 60 TXT "
        + quote_txt("v=DMARC1; p=reject; rua=mailto:dmarc@mail.parents.test,mailto:dmarc@operator.test")
        + "\n",
    ),
    "foreign": Case(
        {"dmarc": ("missing", "", "mail.foreign.test._report._dmarc.elsewhere.test")},
        lambda records, server: [
            {**r, "values": [r["values"][0] + ",mailto:x@elsewhere.test"]} if r["purpose"] == "dmarc" else r
            for r in records
        ],
    ),
    # -- MX
    "nomx": Case({"mx": ("missing", "", "")}, without("mail")),
    "nullmx": Case({"mx": ("wrong", "", "takes no mail")}, without("mail"), extra=MAIL + ". 60 MX 0 .\n"),
    "deadmx": Case(
        {"mx": ("wrong", "", "gone.deadmx.test, which has no address")}, having("mail", "10 gone.deadmx.test.")
    ),
    # -- servers
    "lame": Case({**dict.fromkeys(EVERY_UNKNOWN, ("unknown", NS2, "REFUSED"))}),
    "broken": Case({**dict.fromkeys(EVERY_UNKNOWN, ("unknown", NS2, "SERVFAIL"))}),
    "silent": Case(
        {**dict.fromkeys(EVERY_UNKNOWN, ("unknown", HOLE, "does not answer"))},
        extra="{zone}. 60 NS hole.{zone}.\nhole.{zone}. 60 A " + HOLE + "\n",
    ),
    "homeless": Case(
        {**dict.fromkeys(EVERY_UNKNOWN, ("unknown", "ns9.homeless.test", "no address"))},
        extra="{zone}. 60 NS ns9.{zone}.\n",
    ),
    "empty": Case(
        {
            **dict.fromkeys(("a", "spf", "dkim", "dmarc", "mx"), ("missing", NS2, "")),
            "ptr": ("missing", NS2, "nxdomain"),
        },
        nothing("2"),
    ),
    # -- the resolver
    "stale": Case(
        {"dkim": ("missing", "resolver", "time to live")}, lie={("s20261122._domainkey." + MAIL, "*"): "nxdomain"}
    ),
    "bogus": Case({"mx": ("unknown", "resolver", "SERVFAIL")}, lie={(MAIL, "MX"): "servfail"}),
    "garbage": Case({"mx": ("unknown", "resolver", "")}, lie={(MAIL, "MX"): "garbage"}),
    "shut": Case({"mx": ("unknown", "resolver", "REFUSED")}, lie={(MAIL, "MX"): "refused"}),
    "tcponly": Case({}, lie={(MAIL, "*"): "udp_lost"}),
    "cutoff": Case({}, lie={(MAIL, "*"): "truncated"}),
    "quiet": Case({"mx": ("unknown", "resolver", "does not answer")}, lie={(MAIL, "MX"): "silent"}),
}
UNLOADED = {"lame.test": "absent", "broken.test": "unloadable"}
COMMON = ["operator.test", "elsewhere.test", *(f"{n}.18.198.in-addr.arpa" for n in range(2))]


class Site:
    """The document, and what each server has of it."""

    def __init__(self):
        self.senders = [sender(n, f"{name}.test", **case.changes) for n, (name, case) in enumerate(CASES.items())]
        self.senders.append(sender(150, "nowhere.example"))
        self.document = fleet(self.senders)
        self.zones = [*COMMON, *(f"{name}.test" for name in CASES)]

    def files(self, server: str) -> dict[str, str | None]:
        wanted = wanted_records(self.document)
        records = []
        for name in CASES:
            zone = f"{name}.test"
            own = [r for r in wanted if r["sender"] == f"mail.{zone}"]
            records += CASES[name].edit(own, server) if CASES[name].edit else own
        extra = {f"{name}.test": case.extra.format(zone=f"{name}.test") for name, case in CASES.items()}
        key = next(r for r in wanted if r["name"] == "s20261122._domainkey.mail.keyalias.test")["values"][0]
        extra["elsewhere.test"] = (
            "_spf.elsewhere.test. 60 TXT " + quote_txt("v=spf1 ip4:192.0.2.7 -all") + "\n"
            f"keyalias._domainkey.elsewhere.test. 60 TXT {quote_txt(key)}\nodd.elsewhere.test. 60 A {ODD}\n"
        )
        extra["operator.test"] = "parents.test._report._dmarc.operator.test. 60 TXT v=DMARC1\n"
        files: dict[str, str | None] = dict(zone_files(records, self.zones, extra))
        if server == "2":
            del files["lame.test"]
            files["broken.test"] = None
        return files

    def lies(self) -> dict:
        told = {
            ("broken.elsewhere.test", "*"): "servfail",
            ("nowhere.example", "*"): "nxdomain",
            ("example", "*"): "nxdomain",
        }
        for name, case in CASES.items():
            told.update({(owner.format(zone=f"{name}.test"), rtype): lie for (owner, rtype), lie in case.lie.items()})
        return told


class Lab:
    """The servers as they run."""

    def __init__(self, place: Path, port: int, site: Site):
        self.place, self.port, self.site = place, port, site
        self.resolver = f"{RESOLVER}@{port}"
        self.ns1 = {"name": "lab", "address": NS1, "port": port, "suffixes": ["test", "in-addr.arpa"]}

    def check(self, **options) -> dict:
        given = {"resolvers": [self.resolver], "authoritative": [self.ns1], **options}
        return check(self.place, given.pop("fleet", self.site.document), **given)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    if not shutil.which("knotd"):
        pytest.fail("knotd is missing: apt-get install knot")
    place, site = tmp_path_factory.mktemp("dns"), Site()
    port = name_servers.free_port(NS1)
    key = "s20261122._domainkey.mail.beside.test"
    text = next(r["values"][0] for r in wanted_records(site.document) if r["name"] == key)
    cut = {
        (key, "TXT"): [f"{key} TXT {quote_txt(text)}"],
        (key, "SOA"): [f"{key} SOA odd.elsewhere.test. x. 1 1 1 1 1"],
        (key, "NS"): [f"{key} NS odd.elsewhere.test."],
    }
    odd_lies = {**cut, (key, "CNAME"): [f"{key} CNAME elsewhere.test."]}
    with (
        name_servers.Knot(place / "ns1", NS1, port, site.files("1")),
        name_servers.Knot(place / "ns2", NS2, port, site.files("2")),
        name_servers.Odd(RESOLVER, port, (NS1, port), {**site.lies(), **cut}),
        name_servers.Odd(ODD, port, (NS1, port), odd_lies, authoritative=True),
        name_servers.Odd(HOLE, port, (NS1, port), {("test", "*"): "silent", ("arpa", "*"): "silent"}),
    ):
        yield Lab(place, port, site)


@pytest.fixture(scope="module")
def answer(lab):
    """What the module says about all of them in one call."""
    return lab.check()


def verdicts(answer: dict, name: str) -> dict:
    return next(one for one in answer["senders"] if one["name"] == name)


def test_it_answers_for_every_sender(answer):
    assert answer["rc"] == 0 and answer["changed"] is False, answer
    assert [one["name"] for one in answer["senders"]] == [
        *(f"mail.{name}.test" for name in CASES),
        "mail.nowhere.example",
    ]
    assert all(tuple(one["edges"]) == EDGES for one in answer["senders"])


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_seen_at_its_edge_and_server(answer, name):
    found = verdicts(answer, f"mail.{name}.test")
    for edge, told in found["edges"].items():
        verdict, server, words = CASES[name].expected.get(edge, ("ok", "", ""))
        assert told["verdict"] == verdict, (edge, told)
        assert server in told["server"], (edge, told)
        assert any(word in f"{told['found']} {told['wanted']} {told['remedy']}" for word in words.split("|")), (
            edge,
            told,
        )
        assert verdict == "ok" or (told["server"] or edge == "dkim") and told["remedy"], (edge, told)
    bad = {verdict for verdict, _server, _words in CASES[name].expected.values()}
    assert found["green"] == ("no" if bad & {"wrong", "missing"} else "unknown" if bad else "yes")


def test_a_zone_that_does_not_exist_is_missing_although_it_has_no_servers(answer):
    found = verdicts(answer, "mail.nowhere.example")
    assert {edge: found["edges"][edge]["verdict"] for edge in ("a", "spf", "dkim", "dmarc", "mx")} == dict.fromkeys(
        ("a", "spf", "dkim", "dmarc", "mx"), "missing"
    )


def test_the_counts_and_the_lines_agree_with_the_verdicts(answer):
    greens = [one["green"] for one in answer["senders"]]
    assert {green: answer["summary"][green] for green in ("yes", "no", "unknown")} == {
        green: greens.count(green) for green in ("yes", "no", "unknown")
    }
    assert answer["lines"][0].startswith(f"{greens.count('yes')} of {len(greens)} senders are green")
    told = "\n".join(answer["lines"])
    assert "mail.revoked.test: dkim is wrong at" in told and "mail.good.test" not in told


# --- Options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("senders", "fail_on", "code"),
    [
        (["mail.good.test"], "unknown", 0),
        (["mail.unmade.test"], "unknown", 1),
        (["mail.unmade.test"], "wrong", 0),
        (["mail.good.test", "mail.nomx.test"], "wrong", 1),
        (["mail.nomx.test"], "never", 0),
    ],
)
def test_it_fails_when_it_is_told_to(lab, senders, fail_on, code):
    found = lab.check(senders=senders, fail_on=fail_on, _ansible_check_mode=True)
    assert (found["rc"], found["changed"]) == (code, False)
    assert [one["name"] for one in found["senders"]] == senders
    assert not code or found["msg"] == "\n".join(found["lines"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"senders": ["mail9.good.test"]}, "senders: the fleet has no sender mail9.good.test"),
        ({"resolvers": ["resolver.test"]}, "resolvers: "),
        ({"resolvers": ["192.0.2.1@x"]}, "address@port"),
        ({"authoritative": [{"name": "x", "address": "ns1.test", "suffixes": ["test"]}]}, "authoritative[0]: "),
        ({"timeout": 0}, "timeout: 0"),
        ({"concurrency": 0}, "concurrency: 0"),
        ({"concurrency": 501}, "concurrency: 501"),
        ({"fleet": {"version": 1}}, "fleet: has no list of senders"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(lab, options, words):
    found = check(lab.place, **{"document": options.pop("fleet", lab.site.document), **options})
    assert found["rc"] == 1 and words in found["msg"], found
    assert found["problems"][0]["remedy"] and "senders" not in found


def test_without_any_answer_everything_is_unknown_and_soon_said(lab):
    found = lab.check(
        resolvers=[f"{HOLE}@{lab.port}"], authoritative=[{**lab.ns1, "address": HOLE, "authoritative": []}]
    )
    assert found["summary"]["unknown"] == len(found["senders"]), found["lines"][:10]
    assert all(
        edge["verdict"] == "unknown" and edge["remedy"] for one in found["senders"] for edge in one["edges"].values()
    )
    assert found["seconds"] < 15 and found["queries"] < 500


def test_every_resolver_is_a_view_of_its_own(lab):
    found = lab.check(senders=["mail.good.test"], resolvers=[lab.resolver, f"{NS2}@{lab.port}", f"{HOLE}@{lab.port}"])
    edge = verdicts(found, "mail.good.test")["edges"]["mx"]
    assert edge["verdict"] == "unknown" and edge["server"] == f"resolver {HOLE} port {lab.port}"


def test_named_servers_are_asked_instead_of_those_in_the_zone(lab):
    only = {**lab.ns1, "authoritative": [f"{NS1}@{lab.port}"]}
    found = lab.check(senders=["mail.split.test", "mail.lame.test"], authoritative=[only])
    assert [one["green"] for one in found["senders"]] == ["yes", "yes"], found["lines"]


def test_a_missing_library_is_named(lab, tmp_path):
    (tmp_path / "spf.py").write_text("raise ImportError('not here')")
    path = lab.place / "arguments.json"
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1 and "pyspf" in json.loads(done.stdout)["msg"]


# --- A pool -----------------------------------------------------------------------------------------------------------


def test_a_pool_with_a_divided_spf_record_and_hosts_of_other_names(tmp_path):
    """The second server lacks a part of the record: whose address stands there is not permitted, by that server."""
    zones = ["pool.test", "operator.test", *(f"{n}.18.198.in-addr.arpa" for n in range(5))]
    changes = {"domain": "pool.test", "from_email": "news@pool.test", "public": "MIIBIjANBgkq"}
    senders = [sender(7 * n, "pool.test", f"h{n}", **changes) for n in range(60)]
    document = fleet(senders)
    document["tenants"][0]["routing"] = "pool"
    records = wanted_records(document)
    parts = [r for r in records if r["name"].startswith("_spf")]
    assert len(parts) > 1, "the record is not divided"
    late = [r for r in records if r is not parts[-1]]
    port = name_servers.free_port(NS1)
    above = {"test": f"test. 60 SOA ns. h. 1 1 1 1 1\ntest. 60 NS ns.test.\nns.test. 60 A {NS1}\n"}
    with (
        name_servers.Knot(tmp_path / "1", NS1, port, zone_files(records, zones)),
        name_servers.Knot(tmp_path / "2", NS2, port, zone_files(late, zones)),
        name_servers.Knot(tmp_path / "r", RESOLVER, port, {**zone_files(records, zones), **above}),
    ):
        lab = {"name": "lab", "address": NS1, "port": port, "suffixes": ["test", "in-addr.arpa"]}
        found = check(tmp_path, document, resolvers=[f"{RESOLVER}@{port}"], authoritative=[lab], timeout=5)
    for one in found["senders"]:
        verdicts_of = {edge: told["verdict"] for edge, told in one["edges"].items()}
        assert verdicts_of == {**dict.fromkeys(EDGES, "ok"), "spf": "wrong"}, one
        assert NS2 in one["edges"]["spf"]["server"] and NS1 not in one["edges"]["spf"]["server"]
        assert "permerror" in one["edges"]["spf"]["found"]


# --- Many -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_thousand_senders(tmp_path):
    """All sound: each of their records is asked for at both servers and the resolver."""
    port = name_servers.free_port(NS1)
    zones = [*(f"z{n}.test" for n in range(10)), "operator.test", *(f"{n}.18.198.in-addr.arpa" for n in range(5))]
    senders = [sender(n, f"z{n % 10}.test", f"mail{n}") for n in range(1000)]
    files = zone_files(wanted_records(fleet(senders)), zones)
    above = {"test": f"test. 60 SOA ns. h. 1 1 1 1 1\ntest. 60 NS ns.test.\nns.test. 60 A {NS1}\n"}
    options = {
        "timeout": 5,
        "resolvers": [f"{RESOLVER}@{port}"],
        "authoritative": [{"name": "lab", "address": NS1, "port": port, "suffixes": ["test", "in-addr.arpa"]}],
    }
    with (
        name_servers.Knot(tmp_path / "1", NS1, port, files),
        name_servers.Knot(tmp_path / "2", NS2, port, files),
        name_servers.Knot(tmp_path / "r", RESOLVER, port, {**files, **above}),
    ):
        hundred = check(tmp_path, fleet(senders[:100]), **options)
        thousand = check(tmp_path, fleet(senders), **options)
    print(
        f"\n100 senders: {hundred['seconds']:.1f} s, {hundred['queries']} queries; "
        f"1,000: {thousand['seconds']:.1f} s, {thousand['queries']} queries"
    )
    for found, count in ((hundred, 100), (thousand, 1000)):
        assert found["summary"]["yes"] == count, found["lines"][:10]
        assert found["queries"] < 40 * count


# --- The MTA hosts ------------------------------------------------------------------------------------------------------


def seen_on_the_host(document: dict) -> dict:
    senders = document["senders"]
    return {
        "bound": [f"{one['ip']}/32" for one in senders],
        "sources": {one["vmta"]: [f"{one['ip']} {one['hostname']}"] for one in senders},
        "loaded": [one["vmta"] for one in senders],
    }


def test_what_the_mta_host_shows_is_an_edge_of_its_own(lab):
    document = {**lab.site.document, "senders": [{**one, "mta": "vps2"} for one in lab.site.document["senders"]]}
    seen = seen_on_the_host(document)
    names = ["mail.good.test", "mail.nospf.test"]

    def asked(**options):
        return lab.check(fleet=document, senders=names, **options)

    def mta(answer):
        return [one["edges"]["mta"]["verdict"] for one in answer["senders"]]

    def greens(answer):
        return [one["green"] for one in answer["senders"]]

    left_out = asked()
    assert greens(left_out) == ["yes", "no"] and all("mta" not in one["edges"] for one in left_out["senders"])
    sound = asked(mtas={"vps2": seen})
    assert (mta(sound), greens(sound)) == (["ok", "ok"], ["yes", "no"]), sound["lines"]
    away = asked(mtas={})
    assert (mta(away), greens(away)) == (["unknown", "unknown"], ["unknown", "no"]), away["lines"]
    unbound = asked(mtas={"vps2": {**seen, "bound": []}})
    assert (mta(unbound), greens(unbound)) == (["missing", "missing"], ["no", "no"]), unbound["lines"]
    assert unbound["summary"]["edges"]["mta"] == {"ok": 0, "wrong": 0, "missing": 2, "unknown": 0}
    assert any("mail.good.test: mta is missing at vps2" in line for line in unbound["lines"])
    alone = asked(edges=["mta"])
    assert alone["rc"] == 1 and alone["problems"][0]["where"] == "edges"
    strange = asked(mtas={"vps2": {"bound": []}})
    assert strange["rc"] == 1 and strange["problems"][0]["where"] == "mtas.vps2"
