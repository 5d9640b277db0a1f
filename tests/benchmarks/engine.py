# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's request rates, against an endpoint of the same application that only looks at the key.

PostgreSQL, Redis and the application are started here, as processes of their own, and asked over a socket. As a program
(``engine.py SOCKET WORKERS``) this is that application, with the empty endpoint.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Response
from sqlalchemy import create_engine, text

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "engine" / "tests")]
import samples  # noqa: E402
import servers  # noqa: E402
from email_engine.api import serve  # noqa: E402
from email_engine.api.deps import Caller  # noqa: E402
from email_engine.settings import Settings  # noqa: E402

CONNECTIONS, ROUNDS, SECONDS = 8, 24, 0.5
MODES = ("round_robin", "weighted_random", "least_used")
_EMPTY = "/bench/empty"
# What senders sent in the last thirty days, hour by hour.
_REPORTED = """
INSERT INTO sent_hourly (tenant_id, ip_id, hour, sent)
SELECT tenant_id, id, date_trunc('hour', now()) - n * interval '1 hour', 10 FROM ips, generate_series(0, 30 * 24) n
"""


def application() -> FastAPI:
    app = serve.application()

    @app.get(_EMPTY, status_code=204)
    def empty(_key: Caller) -> Response:
        return Response(status_code=204)

    return app


class Load:
    """Requests over kept connections, each sent as soon as the one before is answered."""

    def __init__(self, path: Path, key: dict[str, str]):
        self.path, self.head = path, "".join(f"{name}: {value}\r\n" for name, value in key.items())

    def request(self, method: str, route: str, body: object = None, more: str = "") -> bytes:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {route} HTTP/1.1\r\nHost: engine\r\n{self.head}{more}Content-Length: {len(content)}\r\n"
        return f"{head}Content-Type: application/json\r\n\r\n".encode() + content

    async def _connection(self, requests: list[bytes], status: int, end: Callable[[int], bool]) -> int:
        reader, writer = await asyncio.open_unix_connection(str(self.path), limit=2**24)
        count = 0
        while not end(count):
            writer.write(requests[count % len(requests)])
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if int(head.split(b" ", 2)[1]) != status:
                raise SystemExit(f"bench: the engine answered {head.decode()}")
            length = head.partition(b"content-length: ")[2]
            if length:
                await reader.readexactly(int(length.partition(b"\r\n")[0]))
            count += 1
        writer.close()
        return count

    async def _all(self, requests: list[bytes], status: int, seconds: float) -> float:
        begin = time.perf_counter()
        runs = (
            self._connection(requests, status, lambda _: time.perf_counter() - begin > seconds)
            for _ in range(CONNECTIONS)
        )
        return sum(await asyncio.gather(*runs)) / (time.perf_counter() - begin)

    def rate(self, requests: list[bytes], status: int, seconds: float = SECONDS) -> float:
        """Answers a second."""
        return asyncio.run(self._all(requests, status, seconds))

    def seconds(self, request: bytes) -> float:
        """Of one answer."""
        begin = time.perf_counter()
        asyncio.run(self._connection([request], 200, lambda done: done == 1))
        return time.perf_counter() - begin


def _declared(settings: Settings) -> list[dict[str, str]]:
    """Keys of two tenants, one of 100 senders, one of 1,000."""
    many = [
        samples.sender(number, name, ip=f"10.{second}.{number // 250}.{number % 250 + 1}", daily_quota=10**9)
        for second, (name, count) in enumerate((("hundred", 100), ("thousand", 1000)))
        for number in range(count)
    ]
    fleet = samples.fleet(*many, tenants=[samples.tenant("hundred"), samples.tenant("thousand")])
    _admin, *keys = samples.populated(settings, fleet, "hundred", "thousand")
    engine = create_engine(settings.database.get_secret_value())
    with engine.begin() as connection:
        connection.execute(text(_REPORTED))
    engine.dispose()
    return keys


def measure(say: Callable[[str], None]) -> dict[str, dict]:
    """The entries of the report."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        postgresql, redis = servers.PostgreSQL(), servers.Redis(place)
        try:
            known = {
                "database": servers.empty_database(postgresql.place)[servers.ROLE],
                "redis": redis.url,
                "key_pepper": "pepper",
                "requests_per_minute": 10**9,
            }
            hundred, thousand = _declared(Settings(**known))
            api = servers.Api(place, 1, [str(Path(__file__).resolve())], **known)
            try:
                return _measure(api.socket, hundred, thousand, say)
            finally:
                api.close()
        finally:
            redis.kill()
            postgresql.close()


def _measure(
    path: Path, hundred: dict[str, str], thousand: dict[str, str], say: Callable[[str], None]
) -> dict[str, dict]:
    load = Load(path, hundred)
    with servers.client(path) as client:
        tag = client.get("/api/v1/fleet", headers=hundred).headers["ETag"]
    asked = {
        "empty": ([load.request("GET", _EMPTY)], 204),
        "fleet_etag_rate": ([load.request("GET", "/api/v1/fleet", more=f"If-None-Match: {tag}\r\n")], 304),
        "select_rate": (
            [
                load.request("POST", "/api/v1/senders:select", {"campaign": "newsletter", "mode": mode})
                for mode in MODES
            ],
            200,
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in asked}
    # In turns: other work on the machine then disturbs none more than another. The first round warms up.
    for number in range(ROUNDS + 1):
        for name, (requests, status) in asked.items():
            rate = load.rate(requests, status)
            if number:
                rates[name].append(rate)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    say("engine: " + ", ".join(f"{name} {rate:.0f}/s" for name, rate in middle.items()))
    empty = rates.pop("empty")
    report = {
        name: {
            "ours": round(middle[name]),
            "baseline": round(middle["empty"]),
            # Of neighbours in time, and then the middle one.
            "ratio": round(statistics.median(one / other for one, other in zip(found, empty, strict=True)), 2),
            "unit": "requests/s",
        }
        for name, found in rates.items()
    }
    both = [Load(path, key) for key in (hundred, thousand)]
    # Whole documents, in turns as well, and the best of each.
    turns = [[load.seconds(load.request("GET", "/api/v1/fleet")) for load in both] for _ in range(25)]
    times = [min(found) for found in zip(*turns, strict=True)]
    report["fleet_1000_over_100"] = {
        "ours": round(times[1], 3),
        "baseline": round(times[0], 3),
        "ratio": round(times[1] / times[0], 2),
        "unit": "s",
    }
    return report


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve.serve(sys.argv[1], int(sys.argv[2]), f"{Path(__file__).stem}:application")
    else:
        print(json.dumps(measure(print), indent=2))
