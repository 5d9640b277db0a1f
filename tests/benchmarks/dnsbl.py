# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""100 addresses at 12 lists through a resolver of the bench's own: against pydnsbl where each answer comes 40 ms late, and against the same
questions by bare aiodns where none is delayed. Spacing is off; in production it decides how long a check takes.

pydnsbl is used as its README has it, one address after the other, all lists of an address at once; what its bulk_check takes is told beside it.
Neither tests lists or resolvers, which is part of ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from dns_daemons import Daemon, Dnsdist, Rbldnsd, Unbound, Whoami  # noqa: E402

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.names import reversed_address  # noqa: E402
from ansible_collections.email_engine.fleet.plugins.modules import dnsbl_check  # noqa: E402

ADDRESSES = [f"198.18.7.{number}" for number in range(1, 101)]
LISTS = [f"list{number}" for number in range(1, 13)]
DELAY = 40  # milliseconds
ROUNDS = 8


def zones() -> dict[str, dict[str, str]]:
    """Each list has every tenth address."""
    listed = "".join(f"{address}\n" for address in ADDRESSES[::10])
    text = f":127.0.0.2:listed\n127.0.0.2\n{listed}"
    return {f"{name}.bl.test": {"ip4set": text} for name in LISTS} | {"absent.test": {"dnset": "nobody"}}


def arguments(resolver: Daemon) -> dict:
    senders = [
        {"name": f"m{n}.bench.test", "ip": address, "domain": "bench.test", "status": "active"}
        for n, address in enumerate(ADDRESSES)
    ]
    entry = {"kind": "ip", "codes": {"127.0.0.2": ["minor", "listed"]}}
    return {
        "fleet": {"senders": senders},
        "lists": LISTS,
        "changes": {name: {**entry, "zone": f"{name}.bl.test"} for name in LISTS},
        "resolvers": [resolver.at],
        "whoami": ["whoami.test"],
        "absent": "absent.test",
        "addresses": ["127.0.0.92"],
        "spacing": 0,
    }


def ours(resolver: Daemon) -> float:
    """Seconds of the module's own run, which is to find exactly the addresses that are listed."""
    params = {name: option.get("default") for name, option in dnsbl_check.ARGUMENTS.items()} | arguments(resolver)
    begin = time.perf_counter()
    found = dnsbl_check.run(params)
    seconds = time.perf_counter() - begin
    counts = found["summary"]
    if (counts["listed"]["minor"], counts["clean"], counts["unknown"]) != (10, 90, 0):
        sys.exit(f"bench: dnsbl_check is wrong: {counts}; {found['lines'][:5]}")
    return seconds


def process(resolver: Daemon) -> float:
    """Seconds of the module as Ansible starts it."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, str(ROOT / "plugins/modules/dnsbl_check.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments(resolver)}),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


def pydnsbl(resolver: Daemon, bulk: bool) -> float:
    import aiodns
    from pydnsbl import DNSBLIpChecker
    from pydnsbl.providers import Provider

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    checker = DNSBLIpChecker(providers=[Provider(f"{name}.bl.test") for name in LISTS], loop=loop)
    # It offers no way to name a resolver.
    checker._resolver = aiodns.DNSResolver(
        nameservers=[resolver.address], udp_port=resolver.port, timeout=5, tries=2, loop=loop
    )
    begin = time.perf_counter()
    found = checker.bulk_check(ADDRESSES) if bulk else [checker.check(address) for address in ADDRESSES]
    seconds = time.perf_counter() - begin
    loop.close()
    if sum(one.blacklisted for one in found) != 10 or any(one.failed_providers for one in found):
        sys.exit("bench: pydnsbl did not get its answers")
    return seconds


def bare(resolver: Daemon) -> float:
    """The same names, all at once, answers not looked at."""
    import aiodns

    names = [f"{reversed_address(address)}.{name}.bl.test" for address in ADDRESSES for name in LISTS]

    async def ask() -> int:
        asker = aiodns.DNSResolver(nameservers=[resolver.address], udp_port=resolver.port, timeout=5, tries=2)
        turns, found = asyncio.Semaphore(200), 0

        async def one(name: str) -> int:
            async with turns:
                try:
                    return len(await asker.query(name, "A"))
                except aiodns.error.DNSError as error:
                    if error.args[0] != 4:
                        raise
                    return 0

        for count in await asyncio.gather(*(one(name) for name in names)):
            found += count
        return found

    begin = time.perf_counter()
    found = asyncio.run(ask())
    seconds = time.perf_counter() - begin
    if found != 10 * len(LISTS):
        sys.exit("bench: aiodns did not get its answers")
    return seconds


def entry(ours: float, baseline: float, ratio: float) -> dict:
    return {"ours": round(ours, 3), "baseline": round(baseline, 3), "ratio": round(ratio, 2), "unit": "s"}


def measure(say: Callable[[str], None]) -> dict[str, dict]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        with (
            Rbldnsd(place / "lists", "127.0.0.91", zones()) as lists,
            Whoami(place / "whoami", "127.0.0.93") as whoami,
            Unbound(
                place / "resolver",
                "127.0.0.92",
                {**dict.fromkeys(zones(), lists.at), whoami.zone: whoami.at},
            ) as resolver,
            Dnsdist(place / "late", "127.0.0.94", resolver.at, delay=DELAY) as late,
        ):
            delayed = {"ours": [], "one by one": [], "bulk": []}
            direct = {"ours": [], "bare": []}
            # In turns, and the best of each: other work on the machine then disturbs neither more than the other.
            for _round in range(ROUNDS):
                delayed["ours"].append(ours(late))
                delayed["bulk"].append(pydnsbl(late, bulk=True))
                direct["ours"].append(ours(resolver))
                direct["bare"].append(bare(resolver))
            delayed["one by one"] = [pydnsbl(late, bulk=False) for _round in range(2)]
            whole = process(late)
    best = {name: min(times) for name, times in delayed.items()}
    own, aiodns = min(direct["ours"]), min(direct["bare"])
    say(
        f"100 addresses at 12 lists, {DELAY} ms: dnsbl_check {best['ours']:.2f} s (as a process {whole:.2f} s), "
        f"pydnsbl {best['one by one']:.2f} s, its bulk_check {best['bulk']:.2f} s"
    )
    say(f"100 addresses at 12 lists, no delay: dnsbl_check {own:.2f} s, bare aiodns {aiodns:.2f} s")
    return {
        "dnsbl_100x12": entry(best["ours"], best["one by one"], best["one by one"] / best["ours"]),
        "dnsbl_100x12_no_delay": entry(own, aiodns, own / aiodns),
    }


if __name__ == "__main__":
    print(json.dumps(measure(print), indent=2))
