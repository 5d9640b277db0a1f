# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real engine behind TLS on this machine, with a PostgreSQL and a Redis of its own; fleets to declare to it."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.modules import fleet_declare

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "engine/tests")]

import servers  # noqa: E402
from email_engine.api import keys  # noqa: E402
from email_engine.store.audit import Actor  # noqa: E402

PEPPER, KEY = "p" * 40, "ee_0123abcd_" + "k" * 43
PASSWORD = "PasswordOfTheFeeder7"
NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
POLICY = {
    "phases": {"week_1": 50, "week_2": 100},
    "active_daily_quota": 50000,
    "sender_defaults": {"status": "warming", "weight": 100, "paused": False},
    "providers": {"gmail": {"domains": ["gmail.test"]}},
    "dmarc": {"policy": "none"},
    "operator": "ops@operator.test",
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def certificate(place, name):
    """(certificate, key) of one that signs itself for 127.0.0.1."""
    found = place / f"{name}.pem", place / f"{name}.key"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *subject]
    subprocess.run([*command, "-out", str(found[0]), "-keyout", str(found[1])], check=True, capture_output=True)
    return found


class Engine:
    """The application as it is served, but for TLS, which it does itself here."""

    def __init__(self, place):
        self.place, self.port = place, free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.file, self.tls_key = certificate(place, "engine")
        self.ca = self.file.read_text()
        self.postgresql, self.redis = servers.PostgreSQL(), servers.Redis(place)
        self.reset()
        self.start()

    def reset(self):
        """Nothing is known but one admin's key."""
        self.database = servers.empty_database(self.postgresql.place)
        self.engine = create_engine(self.database["owner"])
        with Session(self.engine) as session, session.begin():
            keys.ensure(session, Actor("test"), PEPPER, "inventory", KEY)
            self.tenant_key = keys.create(session, Actor("test"), PEPPER, "unbound")

    def start(self):
        given = {
            "DATABASE": self.database[servers.ROLE],
            "REDIS": self.redis.url,
            "KEY_PEPPER": PEPPER,
            "SESSION_SECRET": "s" * 40,
        }
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
        environment |= {f"EMAIL_ENGINE_{name}": value for name, value in given.items()}
        serve = ["-m", "uvicorn", "email_engine.api.serve:application", "--factory", "--host", "127.0.0.1"]
        tls = ["--ssl-certfile", str(self.file), "--ssl-keyfile", str(self.tls_key), "--port", str(self.port)]
        with (self.place / "log").open("a") as log:
            command = [sys.executable, *serve, *tls]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.place)
        context, end = ssl.create_default_context(cafile=self.file), time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health", context=context, timeout=5).close()
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise AssertionError((self.place / "log").read_text()) from None
                time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def close(self):
        self.stop()
        self.redis.kill()
        self.engine.dispose()
        self.postgresql.close()

    def sql(self, statement):
        with self.engine.begin() as connection:
            found = connection.execute(text(statement))
            return [tuple(row) for row in found] if found.returns_rows else []

    @property
    def given(self):
        return {"url": self.url, "key": KEY, "ca": self.ca, "timeout": 10}

    def declare(self, document, check=False, age=0, wait=False, **more):
        """wait: who is new waits for its DNS, as it is; else it goes live at once, and the answer says so."""
        params = {
            **self.given,
            "fleet": document,
            "policy": {**POLICY, "prefixes": ["contact", "info"]},
            "mtas": ["vps2"],
            "revision": "abc123",
            "made_at": (NOW - timedelta(seconds=age)).isoformat(),
            "declared_from": "control",
            "confirm_removal": False,
        }
        result = fleet_declare.run({**params, **more}, check)
        if not wait:
            live = {one["name"]: one for one in document.get("senders", ())}
            for one in result["fleet"]["senders"]:
                known = live.get(one["name"], {})
                if one["name"] in result["new"] and known.get("status") in ("warming", "active"):
                    one.update(status=known["status"], phase=known["phase"])
            if not check:
                self.go_live()
        return result

    def go_live(self):
        """As if the DNS of all who wait had been seen green."""
        if self.sql("SELECT count(*) FROM ips WHERE starts_as IS NOT NULL") != [(0,)]:
            self.sql(
                "UPDATE ips SET status = starts_as->>'status', phase = starts_as->>'phase', starts_as = NULL "
                "WHERE starts_as IS NOT NULL"
            )

    def senders(self):
        return self.sql("SELECT hostname, owner, status, paused, declared FROM ips ORDER BY id")


def tenants(count=3, password=PASSWORD, **changes):
    block = {
        "first": "198.51.100.1",
        "count": count,
        "domain": "m{n}.sos.test",
        "vmta": "vmta-m{n}",
        "prefixes": ["contact", "info"],
    }
    feeders = [{"address": "192.0.2.11"}, {"user": "mw-sos", "password": password}]
    return [{"name": "sos", "domain": "sos.test", "feeders": feeders, "ranges": [block], **changes}]


def fleet(count=3, **changes):
    return expand(tenants(count, **changes), POLICY, ["vps2"])


SOUND = {
    "policy_operator": "ops@operator.test",
    "policy_providers": POLICY["providers"],
    "policy_phases": POLICY["phases"],
    "policy_dmarc": POLICY["dmarc"],
}


def fill(scratch, count=3, **changes):
    scratch.write(
        "group_vars/all/fleet.yml", {**SOUND, "fleet_tenants": tenants(count, "{{ vault_feeder }}", **changes)}
    )
