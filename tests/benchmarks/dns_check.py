# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""100 senders judged at two authoritative servers and a resolver, each of which answers 40 ms late: against checkdmarc, which asks that
resolver for its part of it (SPF, DMARC, MX of the same domains). And 1,000 senders against 100.

checkdmarc is used as its own command does it, one domain after the other, and keeps its cache from domain to domain; its DNSSEC checks are
left out."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import dns.resolver

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from dns_daemons import Dnsdist, Unbound, free_port  # noqa: E402

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_records import wanted_records  # noqa: E402
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.edges import EDGES  # noqa: E402
from ansible_collections.email_engine.fleet.plugins.modules import dns_check  # noqa: E402
from ansible_collections.email_engine.fleet.tests.integration.name_servers import Knot  # noqa: E402
from ansible_collections.email_engine.fleet.tests.integration.test_dns_check import (  # noqa: E402
    fleet,
    sender,
    zone_files,
)

KNOT = ("127.0.0.101", "127.0.0.102")  # what answers at once
FRONT = ("127.0.0.103", "127.0.0.104")  # in front of it, the addresses in the zones
RESOLVER, LATE = "127.0.0.105", "127.0.0.106"
DELAY = 40  # milliseconds
ROUNDS = 5
ZONES = [*(f"z{number}.test" for number in range(10)), "operator.test", *(f"{n}.18.198.in-addr.arpa" for n in range(5))]


def senders(count: int) -> list[dict]:
    return [sender(number, f"z{number % 10}.test", f"mail{number}") for number in range(count)]


def files() -> dict[str, str]:
    texts = zone_files(wanted_records(fleet(senders(1000))), ZONES)
    texts = {zone: text.replace("127.0.0.61", FRONT[0]).replace("127.0.0.62", FRONT[1]) for zone, text in texts.items()}
    return {
        **texts,
        "test": f"test. 60 SOA ns.test. h.test. 1 60 60 60 60\ntest. 60 NS ns.test.\nns.test. 60 A {FRONT[0]}\n",
    }


def ours(count: int, late: Dnsdist, port: int) -> float:
    """Seconds of the module's own run, in which every sender has to be sound."""
    params = {
        "fleet": fleet(senders(count)),
        "senders": None,
        "resolvers": [late.at],
        "authoritative": [
            {
                "name": "bench",
                "address": FRONT[0],
                "port": port,
                "authoritative": None,
                "suffixes": ["test", "in-addr.arpa"],
            }
        ],
        "keys": None,
        "mtas": None,
        "withdrawn": [],
        "edges": list(EDGES),
        "signed_name": "test",
        "broken_name": "z0.test",
        "timeout": 5,
        "concurrency": 100,
    }
    begin = time.perf_counter()
    found = dns_check.run(SimpleNamespace(params=params))
    seconds = time.perf_counter() - begin
    if found["summary"]["yes"] != count:
        sys.exit(f"bench: dns_check is wrong: {found['lines'][:10]}")
    return seconds


def checkdmarc(count: int, late: Dnsdist) -> float:
    import checkdmarc.dmarc
    import checkdmarc.smtp
    import checkdmarc.spf

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [late.address], late.port
    checkdmarc.utils.DNS_CACHE.clear()
    # It asks for DNSSEC in between, of the host's own resolver, which would only cost it time.
    with mock.patch.object(checkdmarc.smtp, "check_dnssec", lambda *_args, **_more: False):
        begin = time.perf_counter()
        for one in senders(count):
            spf = checkdmarc.spf.check_spf(one["domain"], resolver=resolver, timeout=5)
            dmarc = checkdmarc.dmarc.check_dmarc(one["domain"], resolver=resolver, timeout=5)
            mx = checkdmarc.smtp.check_mx(one["domain"], resolver=resolver, timeout=5)
            if not spf["valid"] or not dmarc["valid"] or not mx["hosts"]:
                sys.exit(f"bench: checkdmarc did not get its answers: {spf}, {dmarc}, {mx}")
        return time.perf_counter() - begin


def entry(ours: float, baseline: float, ratio: float) -> dict:
    return {"ours": round(ours, 3), "baseline": round(baseline, 3), "ratio": round(ratio, 2), "unit": "s"}


def measure(say: Callable[[str], None]) -> dict[str, dict]:
    with tempfile.TemporaryDirectory() as folder:
        place, port = Path(folder), free_port(FRONT[0])
        place.chmod(0o755)
        texts, inner = files(), free_port(KNOT[0])
        with (
            Knot(place / "ns1", KNOT[0], inner, texts),
            Knot(place / "ns2", KNOT[1], inner, texts),
            Dnsdist(place / "front1", FRONT[0], f"{KNOT[0]}@{inner}", delay=DELAY, port=port),
            Dnsdist(place / "front2", FRONT[1], f"{KNOT[1]}@{inner}", delay=DELAY, port=port),
            Unbound(
                place / "resolver", RESOLVER, dict.fromkeys(["test", *ZONES], f"{KNOT[0]}@{inner}"), cache=True
            ) as resolver,
            Dnsdist(place / "late", LATE, resolver.at, delay=DELAY) as late,
        ):
            ours(10, late, port)
            # In turns, and the best of each: other work on the machine then disturbs neither more than the other.
            hundred, thousand, theirs = [], [], []
            for round_ in range(ROUNDS):
                hundred.append(ours(100, late, port))
                if round_ < 3:
                    thousand.append(ours(1000, late, port))
                if round_ < 2:
                    theirs.append(checkdmarc(100, late))
    own, peer, many = min(hundred), min(theirs), min(thousand)
    say(f"100 senders, {DELAY} ms: dns_check {own:.2f} s, checkdmarc's part {peer:.2f} s; 1,000 senders: {many:.2f} s")
    return {
        "dns_check_100": entry(own, peer, peer / own),
        "dns_check_1000_over_100": entry(many, own, many / own),
    }


if __name__ == "__main__":
    print(json.dumps(measure(print), indent=2))
