# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A million accounting rows from the file to committed sums, against Python's bare csv reader on the same file.

PostgreSQL, Redis and the engine's API are real, each a process of its own. The module reads in a process of its own, too, in calls of
the size that the playbook makes, and reports each to the API; the time is that of all of it. As a program
(``accounting.py read FOLDER SOCKET KEY`` with SENDERS on stdin) this is that process.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "engine" / "tests"), str(ROOT / "tests")]

ROWS, SMALL, SENDERS, FOLLOWED = 1_000_000, 100_000, 100, 7
HEADER = [
    *(
        "type",
        "timeLogged",
        "timeQueued",
        "orig",
        "rcpt",
        "dsnStatus",
        "dsnDiag",
        "dsnMta",
        "bounceCat",
        "srcMta",
        "dlvType",
    ),
    *("dlvSourceIp", "dlvDestinationIp", "dlvSize", "vmta", "jobId", "envId", "queue", "vmtaPool"),
]
#: What of a thousand rows is what; the rest is delivered.
_BOUNCED, _DEFERRED = 20, 80


def write(path: Path, count: int) -> None:
    """A day of *count* rows, all of them different."""
    chance = random.Random(count)
    begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    domains = ["gmail.com", "hotmail.fr", "yahoo.fr", "orange.fr", *(f"d{n}.test" for n in range(400))]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADER)
        for number in range(count):
            sender, kind = chance.randrange(SENDERS), chance.randrange(1000)
            domain = domains[chance.randrange(4) if chance.random() < 0.7 else chance.randrange(len(domains))]
            at = time.strftime("%Y-%m-%d %H:%M:%S+0000", time.gmtime(begin + number * 86_000 // count))
            type_, status, reply, category = (
                ("b", "5.1.1 (bad destination mailbox address)", "smtp;550 5.1.1 no such user", "bad-mailbox")
                if kind < _BOUNCED
                else ("t", "4.7.0 (other or undefined security status)", "smtp;421 4.7.0 try later", "policy-related")
                if kind < _BOUNCED + _DEFERRED
                else ("d", "2.0.0 (success)", f"smtp;250 2.0.0 OK {number} 5b1f17b1804b1-47 - gsmtp", "")
            )
            name = f"m{sender}.bench.test"
            writer.writerow(
                [
                    type_, at, at, f"bounce-{number}@{name}", f"reader{number}@{domain}", status, reply, f"mx.{domain} (192.0.2.99)", category,
                    "feeder (10.0.0.5)", "smtp", f"198.19.1.{sender}", "192.0.2.99", "41150", f"vmta-{name}", "job7", "",
                    f"{domain}/vmta-{name}", "bench",
                ]
            )  # fmt: skip


def _bare(path: Path) -> float:
    begin = time.perf_counter()
    with path.open(newline="") as file:
        for _row in csv.reader(file):
            pass
    return time.perf_counter() - begin


def read(folder: Path, socket: Path, key: dict[str, str], senders: list[dict]) -> dict[str, float]:
    """All of it, in calls as the playbook makes them. Seconds and peak memory in MiB."""
    import servers

    from ansible_collections.email_engine.fleet.plugins.modules import pmta_accounting

    params = {name: option.get("default") for name, option in pmta_accounting.ARGUMENTS.items()}
    params |= {"files": {str(folder / "acct.csv"): {"records": "d,b,t"}}, "senders": senders}
    params["providers"] = {"gmail": {"domains": ["gmail.com"]}, "yahoo": {"domains": ["yahoo.fr"]}}
    rows, more = 0, True
    with servers.client(socket, timeout=60) as client:
        begin = time.perf_counter()
        while more:
            known = client.get("/api/v1/accounting/cursors?mta=vps2", headers=key).raise_for_status().json()
            given = {
                "cursors": known["cursors"],
                "former": known["former"],
                "tracked": known["tracked"],
                "recipient_salt": known["salt"],
            }
            found = pmta_accounting.run({**params, **given})
            answer = client.post("/api/v1/accounting", headers=key, json={"mta": "vps2", **found["report"]})
            rows += answer.raise_for_status().json()["rows"]
            more = found["more"]
        seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "rows": rows, "peak": peak}


def measure(say: Callable[[str], None]) -> dict[str, dict]:
    """The entry of the report: rows a second; `ratio`, on which the bar is stated, is that number, too."""
    import servers

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        postgresql, redis = servers.PostgreSQL(), servers.Redis(place)
        try:
            big, small = (_run(place, count, postgresql.place, redis.url) for count in (ROWS, SMALL))
            bare = min(_bare(place / str(ROWS) / _file()) for _ in range(2))
        finally:
            redis.kill()
            postgresql.close()
    rate, reader = ROWS / big["seconds"], ROWS / bare
    say(
        f"accounting: {rate:.0f} rows/s to committed sums, the bare csv reader {reader:.0f} rows/s: {rate / reader:.2f} of it"
    )
    say(f"accounting: peak memory {big['peak']:.0f} MiB for {ROWS} rows, {small['peak']:.0f} MiB for {SMALL}")
    if big["peak"] > small["peak"] * 1.5 + 20:
        raise SystemExit("bench: the memory of the accounting grows with the rows")
    entry = {"ours": round(rate), "baseline": round(reader), "ratio": round(rate), "unit": "rows/s"}
    return {"accounting_rows_s": entry | {"of_reader": round(rate / reader, 2)}}


def _file() -> str:
    return f"acct-{datetime.now(UTC):%Y-%m-%d}-0000.csv"


def _run(place: Path, count: int, postgresql: Path, redis: str) -> dict[str, float]:
    """One engine that knows nothing yet, one file of *count* rows."""
    import samples
    import servers
    from email_engine.settings import Settings

    folder = place / str(count)
    folder.mkdir()
    write(folder / _file(), count)
    many = [
        samples.sender(
            number,
            "bench",
            ip=f"198.19.1.{number}",
            daily_quota=10**9,
            **({} if number < FOLLOWED else {"status": "active", "phase": None}),
        )
        for number in range(SENDERS)
    ]
    known = {
        "database": servers.empty_database(postgresql)[servers.ROLE],
        "redis": redis,
        "key_pepper": "pepper",
        "requests_per_minute": 10**9,
    }
    key = samples.populated(Settings(**known), samples.fleet(*many, tenants=[samples.tenant("bench")]))[0]
    api = servers.Api(folder, 1, **known)
    try:
        command = [sys.executable, __file__, "read", str(folder), str(api.socket), json.dumps(key)]
        done = subprocess.run(command, input=json.dumps(many), text=True, check=True, stdout=subprocess.PIPE)
    finally:
        api.close()
    found = json.loads(done.stdout)
    if found["rows"] != count:
        raise SystemExit(f"bench: {found['rows']} of {count} rows were counted")
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        folder, socket, key = Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
        print(json.dumps(read(folder, socket, key, json.load(sys.stdin))))
    else:
        print(json.dumps(measure(print), indent=2))
