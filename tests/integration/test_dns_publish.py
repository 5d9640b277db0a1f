# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dns_publish against two real Knot servers, a primary and a secondary, as plain processes on 127.0.0.x."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import checkdmarc.dmarc
import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.tsigkeyring
import dns.update
import pytest
import spf

from ansible_collections.email_engine.fleet.plugins.module_utils import dns_records

MODULE = "ansible_collections.email_engine.fleet.plugins.modules.dns_publish"
PRIMARY, SECONDARY = "127.0.0.53", "127.0.0.54"
SECRET = base64.b64encode(b"a secret of the tests, 32 bytes.").decode()
OTHER_SECRET = base64.b64encode(b"another secret, not the server's").decode()
TENANTS = [f"t{number}.test" for number in range(1, 101)]
PLAIN = [
    "sos-holidays.test",
    "operator.test",
    "0.19.198.in-addr.arpa",
    "big.test",
    *[f"{n}.18.198.in-addr.arpa" for n in range(5)],
]
# Zones that are special: no update allowed, only TXT may be written, no notify to the secondary.
SPECIAL = ["refused.test", "onlytxt.test", "lagging.test", "queryonly.test"]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((PRIMARY, 0))
        return probe.getsockname()[1]


class Knot:
    """Both servers with their zones; ``ask`` reads one, ``seed`` writes to the primary."""

    def __init__(self, place: Path):
        self.place, self.port, self.processes = place, free_port(), []
        self.keyring = dns.tsigkeyring.from_text({"fleet.": SECRET})

    def start(self) -> None:
        keys = f'key:\n  - id: fleet.\n    algorithm: hmac-sha256\n    secret: "{SECRET}"\n'
        acls = (
            "acl:\n"
            "  - id: all\n    key: fleet.\n    action: [update, transfer]\n"
            "  - id: read\n    key: fleet.\n    action: transfer\n"
            "  - id: txt\n    key: fleet.\n    action: update\n    update-type: TXT\n"
            "  - id: read_txt\n    key: fleet.\n    action: transfer\n"
            "  - id: write\n    key: fleet.\n    action: update\n"
            "  - id: secondary\n    address: 127.0.0.0/8\n    key: xfr.\n    action: transfer\n"
            "  - id: from_primary\n    address: 127.0.0.0/8\n    key: xfr.\n    action: notify\n"
        )
        keys += f'  - id: xfr.\n    algorithm: hmac-sha256\n    secret: "{OTHER_SECRET}"\n'
        zones = [*PLAIN, *TENANTS, *SPECIAL]
        lists = {
            "refused.test": "read, secondary",
            "onlytxt.test": "txt, read_txt, secondary",
            "queryonly.test": "write, secondary",
        }
        for role, address in (("primary", PRIMARY), ("secondary", SECONDARY)):
            home = self.place / role
            (home / "zones").mkdir(parents=True)
            (home / "db").mkdir()
            remote = "secondary" if role == "primary" else "primary"
            text = [
                f"server:\n  rundir: {home}\n  listen: {address}@{self.port}\n  tcp-max-clients: 500\n"
                f"log:\n  - target: {home}/log\n    any: info\ndatabase:\n  storage: {home}/db\n",
                keys,
                acls,
                f"remote:\n  - id: {remote}\n    address: {SECONDARY if role == 'primary' else PRIMARY}@{self.port}\n "
                f"   key: xfr.\n",
                f"template:\n  - id: default\n    storage: {home}/zones\n    zonefile-load: difference-no-serial\n"
                "    journal-content: all\n    zonefile-sync: -1\n    serial-policy: increment\n",
                "zone:\n",
            ]
            for zone in zones:
                text.append(f"  - domain: {zone}.\n")
                if role == "primary":
                    (home / "zones" / f"{zone}.zone").write_text(self.zone_file(zone))
                    text.append(f"    acl: [{lists.get(zone, 'all, secondary')}]\n")
                    if zone != "lagging.test":
                        text.append("    notify: secondary\n")
                else:
                    text.append("    master: primary\n    acl: from_primary\n")
            (home / "knot.conf").write_text("".join(text))
            self.processes.append(
                subprocess.Popen(
                    ["knotd", "-c", str(home / "knot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            self.wait_for(address, zones)

    def zone_file(self, zone: str) -> str:
        return (
            f"{zone}. 3600 SOA ns1.lab.test. hostmaster.lab.test. 1 3600 600 86400 60\n"
            f"{zone}. 3600 NS ns1.{zone}.\n{zone}. 3600 NS ns2.{zone}.\n"
            f"ns1.{zone}. 3600 A {PRIMARY}\nns2.{zone}. 3600 A {SECONDARY}\n"
        )

    def wait_for(self, address: str, zones: list[str]) -> None:
        deadline = time.monotonic() + 30
        waiting = list(zones)
        while waiting:
            try:
                if self.ask(waiting[-1], "SOA", address):
                    waiting.pop()
                    continue
            except dns.exception.Timeout:
                pass
            assert time.monotonic() < deadline, f"{address} does not serve {waiting[-1]}: see {self.place}"
            time.sleep(0.05)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=20)

    def ask(self, name: str, rtype: str, address: str = PRIMARY) -> list[str]:
        query = dns.message.make_query(name, rtype)
        reply, _tcp = dns.query.udp_with_fallback(query, address, 1, self.port)
        found = []
        for rrset in reply.answer:
            for item in rrset:
                if rrset.rdtype == dns.rdatatype.TXT:
                    found.append(b"".join(item.strings).decode())
                else:
                    found.append(item.to_text())
        return sorted(found)

    def serial(self, zone: str, address: str = PRIMARY) -> int:
        return int(self.ask(zone, "SOA", address)[0].split()[2])

    def seed(self, zone: str, *records: tuple) -> None:
        """Somebody else writes: (name, ttl, type, text)."""
        message = dns.update.UpdateMessage(zone, keyring=self.keyring)
        for name, ttl, rtype, text in records:
            message.add(f"{name}.", ttl, rtype, text)
        assert dns.query.tcp(message, PRIMARY, 5, self.port).rcode() == 0


@pytest.fixture(scope="module")
def knot(tmp_path_factory):
    if not shutil.which("knotd"):
        pytest.fail("knotd is missing: apt-get install knot")
    servers = Knot(tmp_path_factory.mktemp("knot"))
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


def server(knot: Knot, suffixes: list[str], **changes) -> dict:
    options = {
        "name": "lab",
        "address": PRIMARY,
        "port": knot.port,
        "key_name": "fleet.",
        "key_algorithm": "hmac-sha256",
        "key_secret": SECRET,
        "suffixes": suffixes,
    }
    options.update(changes)
    return {key: value for key, value in options.items() if value is not None}


def publish(
    knot: Knot, records: list[dict], absent: list[dict] = (), check: bool = False, servers=None, **options
) -> dict:
    """Run the module as Ansible does, in a process of its own; its answer, with the exit code and all output."""
    arguments = {
        "servers": servers or [server(knot, ["test", "in-addr.arpa"])],
        "records": records,
        "absent": list(absent),
        "timeout": 10,
        "query_timeout": 2,
        "_ansible_check_mode": check,
        "_ansible_diff": True,
        **options,
    }
    path = knot.place / "arguments.json"
    path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(path)], capture_output=True, text=True, timeout=300, check=False
    )
    answer = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
    answer.pop("invocation", None)
    assert SECRET not in json.dumps(answer), "the TSIG secret is in the result"
    assert answer, done.stderr
    return {**answer, "rc": done.returncode, "seconds": time.monotonic() - began}


def record(name: str, rtype: str, *values: str, match: str = "", ttl: int = 300, **more) -> dict:
    return {"name": name, "type": rtype, "values": list(values), "match": match, "ttl": ttl, **more}


def sender(number: int, zone: str, ip: str, **changes) -> dict:
    name = f"mail{number}.{zone}"
    data = {
        "name": name,
        "tenant": "sos",
        "ip": ip,
        "hostname": name,
        "domain": name,
        "vmta": f"vmta-{number}",
        "ptr": {"method": "rfc2136", "zone": None},
        "selector": "s20261122",
        "public": "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "x" * 300 + str(number),
        "status": "active",
    }
    return {**data, **changes}


def fleet(senders: list[dict], **tenant) -> dict:
    dmarc = {"policy": "none", "rua": ["mailto:dmarc@{domain}", "mailto:dmarc@operator.test"]}
    return {
        "version": 1,
        "tenants": [{"name": "sos", "routing": "by_sender", "domain": "sos-holidays.test", "dmarc": dmarc, **tenant}],
        "senders": senders,
        "gone": [],
    }


def text_of(answer: dict) -> str:
    return answer.get("msg", "")


def test_a_fleet_is_published_read_back_and_left_alone_the_second_time(knot):
    document = fleet([sender(number, "sos-holidays.test", f"198.19.0.{number}") for number in range(1, 6)])
    records = dns_records.wanted_records(document, 300)

    serial = knot.serial("sos-holidays.test")
    foreseen = publish(knot, records, check=True)
    assert foreseen["rc"] == 0 and foreseen["changed"]
    assert foreseen["not_applied"] and not foreseen["applied"]
    assert "mail3.sos-holidays.test. 300 IN A 198.19.0.3" in foreseen["diff"][-1]["after"]
    assert knot.serial("sos-holidays.test") == serial, "check mode wrote"

    first = publish(knot, records)
    assert first["rc"] == 0 and first["changed"], text_of(first)
    assert first["diff"] == foreseen["diff"]
    assert len(first["applied"]) == len(records) and not first["not_applied"]
    for address in (PRIMARY, SECONDARY):
        assert knot.ask("mail2.sos-holidays.test", "A", address) == ["198.19.0.2"]
        assert knot.ask("mail2.sos-holidays.test", "MX", address) == ["10 mail2.sos-holidays.test."]
        assert knot.ask("2.0.19.198.in-addr.arpa", "PTR", address) == ["mail2.sos-holidays.test."]
        dkim = knot.ask("s20261122._domainkey.mail2.sos-holidays.test", "TXT", address)
        assert dkim == [f"v=DKIM1; k=rsa; p={document['senders'][1]['public']}"]
        name = "mail2.sos-holidays.test._report._dmarc.operator.test"
        assert knot.ask(name, "TXT", address) == ["v=DMARC1"]
    assert {entry["zone"] for entry in first["readback"]} == {
        "sos-holidays.test",
        "operator.test",
        "0.19.198.in-addr.arpa",
    }

    serial = knot.serial("sos-holidays.test")
    second = publish(knot, records)
    assert second["rc"] == 0 and not second["changed"] and second["changes"] == []
    assert knot.serial("sos-holidays.test") == serial


def test_receivers_judge_the_published_texts(knot):
    """pyspf and checkdmarc on what the server answers."""
    document = fleet([sender(1, "t90.test", "198.19.0.90")], domain="t90.test")
    records = [r for r in dns_records.wanted_records(document) if r["type"] != "PTR"]
    assert publish(knot, records)["rc"] == 0
    name = "mail1.t90.test"
    [text] = [value for value in knot.ask(name, "TXT") if value.startswith("v=spf1")]

    def verdict(ip: str) -> str:
        query = spf.query(i=ip, s=f"x@{name}", h=name, strict=2)
        query.cache[(name, "TXT")] = [(text.encode(),)]
        return query.check(spf=text)[0]

    assert verdict("198.19.0.90") == "pass"
    assert verdict("198.19.0.91") == "fail"
    [dmarc] = knot.ask(f"_dmarc.{name}", "TXT")
    tags = checkdmarc.dmarc.parse_dmarc_record(dmarc, name, parked=False, ignore_unrelated_records=False)["tags"]
    assert tags["p"]["value"] == "none"


def test_other_values_at_a_shared_name_stay(knot):
    name = "shared.t1.test"
    knot.seed(
        "t1.test",
        (name, 900, "TXT", '"google-site-verification=abc"'),
        (name, 900, "TXT", '"v=spf1 ip4:192.0.2.1 -all"'),
        (name, 900, "TXT", '"v=spf1 ip4:192.0.2.2 -all"'),
    )
    wanted = record(name, "TXT", "v=spf1 ip4:198.19.0.1 -all", match="v=spf1", ttl=60)
    answer = publish(knot, [wanted])
    assert answer["rc"] == 0, text_of(answer)
    assert knot.ask(name, "TXT") == ["google-site-verification=abc", "v=spf1 ip4:198.19.0.1 -all"]
    assert "google-site-verification=abc" in answer["diff"][0]["after"]
    assert not publish(knot, [wanted])["changed"], "the others' time to live is theirs"

    removed = publish(knot, [], [record(name, "TXT", match="v=spf1")])
    assert removed["changed"] and knot.ask(name, "TXT") == ["google-site-verification=abc"]
    assert not publish(knot, [], [record(name, "TXT", match="v=spf1")])["changed"]


def test_values_ttls_and_whole_sets_change(knot):
    name = "change.t2.test"
    publish(knot, [record(name, "A", "192.0.2.1")])
    answer = publish(knot, [record(name, "A", "192.0.2.2", "192.0.2.3", ttl=60)])
    assert answer["rc"] == 0 and answer["changes"][0]["action"] == "update"
    assert knot.ask(name, "A") == ["192.0.2.2", "192.0.2.3"]
    answer = publish(knot, [record(name, "A", "192.0.2.2", "192.0.2.3", ttl=120)])
    assert answer["changed"] and answer["rc"] == 0 and answer["applied"] == [f"{name} A"]
    answer = publish(knot, [], [record(name, "A")])
    assert answer["changed"] and knot.ask(name, "A") == []


def test_somebody_elses_mail_is_not_taken_over_unasked(knot):
    name = "t3.test"
    knot.seed(
        name,
        (name, 300, "MX", "1 smtp.google.com."),
        (name, 300, "TXT", '"v=spf1 include:_spf.google.com ~all"'),
    )
    wanted = [
        record(name, "MX", "10 mail1.t3.test"),
        record(name, "TXT", "v=spf1 ip4:198.19.0.1 -all", match="v=spf1"),
        record("mail1.t3.test", "A", "198.19.0.1"),
    ]
    answer = publish(knot, wanted)
    assert answer["rc"] == 1 and "smtp.google.com" in text_of(answer) and "include:_spf.google.com" in text_of(answer)
    assert knot.ask("mail1.t3.test", "A") == [], "something was published"
    answer = publish(knot, wanted, confirm=True)
    assert answer["rc"] == 0 and knot.ask(name, "MX") == ["10 mail1.t3.test."]


def test_an_alias_in_the_way_stops_everything(knot):
    knot.seed("t4.test", ("_dmarc.mail.t4.test", 300, "CNAME", "dmarc.elsewhere.test."))
    answer = publish(
        knot,
        [
            record("_dmarc.mail.t4.test", "TXT", "v=DMARC1; p=none", match="v=DMARC1"),
            record("mail.t4.test", "A", "192.0.2.1"),
        ],
    )
    assert answer["rc"] == 1 and "alias" in text_of(answer) and "dmarc.elsewhere.test" in text_of(answer)
    assert knot.ask("mail.t4.test", "A") == []


@pytest.mark.parametrize("count", [3, 30])
@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"key_secret": OTHER_SECRET}, "signature"),
        ({"key_name": "nobody."}, "TSIG key"),
        ({"key_name": None, "key_secret": None}, "refuses"),
    ],
)
def test_a_wrong_or_missing_key_is_named_before_anything_is_sent(knot, change, word, count):
    records = [record(f"key{number}.t5.test", "A", "192.0.2.1") for number in range(count)]
    for check in (True, False):
        answer = publish(knot, records, check=check, servers=[server(knot, ["test"], **change)])
        assert answer["rc"] == 1 and word in text_of(answer), text_of(answer)
        assert text_of(answer).startswith("Nothing was published")
        assert OTHER_SECRET not in json.dumps(answer)
    assert knot.ask("key0.t5.test", "A") == []


def test_a_secret_that_is_none_is_not_quoted(knot):
    answer = publish(
        knot, [record("x.t5.test", "A", "192.0.2.1")], servers=[server(knot, ["test"], key_secret="no base64!")]
    )
    assert answer["rc"] == 1 and "key_secret" in text_of(answer) and "no base64!" not in json.dumps(answer)


def test_a_refusing_zone_is_found_before_the_others_are_touched(knot):
    records = [record("a.refused.test", "A", "192.0.2.1"), record("a.t6.test", "A", "192.0.2.1")]
    answer = publish(knot, records)
    assert answer["rc"] == 1 and "refuses" in text_of(answer) and "refused.test" in text_of(answer)
    assert sorted(answer["not_applied"]) == ["a.refused.test A", "a.t6.test A"] and answer["applied"] == []
    assert knot.ask("a.t6.test", "A") == []


def test_half_a_batch_says_what_is_published_and_what_is_not(knot):
    """The zone takes updates, but no addresses: that cannot be known before it is tried."""
    records = [
        record("a.onlytxt.test", "A", "192.0.2.1"),
        record("a.onlytxt.test", "TXT", "hello"),
        record("b.t7.test", "A", "192.0.2.1"),
    ]
    answer = publish(knot, records)
    assert answer["rc"] == 1 and answer["changed"]
    assert answer["applied"] == ["b.t7.test A"]
    assert answer["not_applied"] == ["a.onlytxt.test A", "a.onlytxt.test TXT"]
    assert "refuses" in text_of(answer) and "a.onlytxt.test A" in text_of(answer)
    assert text_of(answer).startswith("1 record sets were published, 2 were not")
    assert knot.ask("b.t7.test", "A") == ["192.0.2.1"] and knot.ask("a.onlytxt.test", "TXT") == []


@pytest.mark.parametrize("silent", [True, False])
def test_a_dead_server_costs_one_timeout_and_stops_the_others(knot, silent):
    records = [record(f"d{number}.t8.test", "A", "192.0.2.1") for number in range(200)]
    records += [record(f"e{number}.dead.example", "A", "192.0.2.1") for number in range(200)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.99", 0))
        port = hole.getsockname()[1] if silent else free_port()
        servers = [
            server(knot, ["t8.test"]),
            server(knot, ["dead.example"], name="dead", address="127.0.0.99", port=port),
        ]
        answer = publish(knot, records, servers=servers)
    word = "does not answer" if silent else "cannot be reached"
    assert answer["rc"] == 1 and f"server dead (127.0.0.99 port {port}): {word}" in text_of(answer)
    assert answer["seconds"] < 10
    assert knot.ask("d0.t8.test", "A") == []


def test_a_secondary_that_lags_is_named(knot):
    answer = publish(knot, [record("a.lagging.test", "A", "192.0.2.1")], timeout=1)
    assert answer["rc"] == 1 and answer["changed"] and answer["applied"] == ["a.lagging.test A"]
    assert (
        SECONDARY in text_of(answer) and "a.lagging.test A" in text_of(answer) and "after 1 seconds" in text_of(answer)
    )
    assert [e["missing"] for e in answer["readback"] if SECONDARY in e["server"]] == [["a.lagging.test A"]]
    again = publish(knot, [record("a.lagging.test", "A", "192.0.2.1")], timeout=1)
    assert again["rc"] == 1 and not again["changed"], "nothing to change, but not published everywhere either"
    subprocess.run(
        ["knotc", "-s", str(knot.place / "secondary" / "knot.sock"), "zone-retransfer", "lagging.test"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert publish(knot, [record("a.lagging.test", "A", "192.0.2.1")])["rc"] == 0


def test_an_unreachable_secondary_fails_a_change_and_warns_without_one(knot):
    servers = [server(knot, ["t9.test"], authoritative=[f"{SECONDARY}@{knot.port}", f"127.0.0.98@{free_port()}"])]
    answer = publish(knot, [record("a.t9.test", "A", "192.0.2.1")], servers=servers, timeout=1, query_timeout=1)
    assert answer["rc"] == 1 and "127.0.0.98" in text_of(answer) and answer["applied"] == ["a.t9.test A"]
    answer = publish(knot, [record("a.t9.test", "A", "192.0.2.1")], servers=servers, timeout=1, query_timeout=1)
    assert answer["rc"] == 0 and not answer["changed"] and "127.0.0.98" in json.dumps(answer["warnings"])


def test_names_nobody_serves_and_optional_ones(knot):
    servers = [server(knot, ["t10.test", "nozone.test"])]
    answer = publish(knot, [record("a.elsewhere.example", "A", "192.0.2.1")], servers=servers)
    assert answer["rc"] == 1 and "a.elsewhere.example" in text_of(answer) and "suffix" in text_of(answer)
    answer = publish(knot, [record("a.nozone.test", "A", "192.0.2.1")], servers=servers)
    assert answer["rc"] == 1 and "a.nozone.test" in text_of(answer)
    optional = [
        record("a.elsewhere.example", "TXT", "v=DMARC1", optional=True),
        record("a.nozone.test", "TXT", "v=DMARC1", optional=True),
        record("a.t10.test", "A", "192.0.2.1"),
    ]
    answer = publish(knot, optional, servers=servers)
    assert answer["rc"] == 0, text_of(answer)
    assert sorted(entry["name"] for entry in answer["not_served"]) == ["a.elsewhere.example", "a.nozone.test"]


def test_a_delegated_name_is_not_written_into_the_parent(knot):
    knot.seed("t11.test", ("child.t11.test", 300, "NS", "ns.elsewhere.example."))
    few = [record("mail.child.t11.test", "A", "192.0.2.1")]
    many = few + [record(f"m{number}.t11.test", "A", "192.0.2.1") for number in range(30)]
    for records in (few, many):
        answer = publish(knot, records)
        assert answer["rc"] == 1 and "delegates" in text_of(answer) and "ns.elsewhere.example" in text_of(answer)
    assert knot.ask("m0.t11.test", "A") == []


def test_too_many_changes_wait_for_a_yes(knot):
    records = [record(f"m{number}.t12.test", "A", "192.0.2.1") for number in range(12)]
    assert publish(knot, records)["rc"] == 0, "additions alone never stop"
    changed = [{**entry, "values": ["192.0.2.2"]} if index < 5 else entry for index, entry in enumerate(records)]
    answer = publish(knot, changed)
    assert answer["rc"] == 1 and "5 of its 12 record sets" in text_of(answer)
    assert knot.ask("m0.t12.test", "A") == ["192.0.2.1"]
    answer = publish(knot, changed, confirm=True)
    assert answer["rc"] == 0 and knot.ask("m0.t12.test", "A") == ["192.0.2.2"]


def test_zones_that_may_not_be_transferred_are_asked_name_by_name(knot):
    records = [record(f"m{number}.queryonly.test", "A", f"192.0.2.{number}") for number in range(1, 60)]
    assert publish(knot, records)["rc"] == 0
    answer = publish(knot, records)
    assert answer["rc"] == 0 and not answer["changed"]
    assert answer["queries"] > 100


def test_a_hundred_zones(knot):
    records = [
        entry
        for zone in TENANTS[15:85]
        for entry in dns_records.wanted_records(
            fleet([sender(1, zone, "198.19.0.1")], domain=zone, dmarc={"policy": "none"})
        )
        if entry["type"] != "PTR"
    ]
    first = publish(knot, records)
    assert first["rc"] == 0 and len(first["zones"]) == 70, text_of(first)
    second = publish(knot, records)
    assert second["rc"] == 0 and not second["changed"]
    print(
        f"\n70 zones, {len(records)} sets: {first['seconds']:.2f} s, nothing to do {second['seconds']:.2f} s, "
        f"{second['queries']} messages"
    )


def test_a_thousand_senders(knot):
    senders = [sender(n, "big.test", f"198.18.{n // 250}.{n % 250 + 1}") for n in range(1000)]
    records = dns_records.wanted_records(fleet(senders, domain="big.test"), 300)
    first = publish(knot, records, timeout=60)
    assert first["rc"] == 0 and len(first["applied"]) == len(records), text_of(first)[:2000]
    second = publish(knot, records)
    assert second["rc"] == 0 and not second["changed"]
    print(
        f"\n1,000 senders, {len(records)} sets: {first['seconds']:.2f} s, nothing to do {second['seconds']:.2f} s "
        f"with {second['queries']} messages and transfers"
    )
    assert second["queries"] < 200
    assert second["seconds"] < 10
