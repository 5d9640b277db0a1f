# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory declares beside its fleet, and requests to a fleet that knows it."""

from __future__ import annotations

from samples import declare, fleet, sender, tenant

POLICY = {
    # Not in the order of the alphabet: the order is the inventory's.
    "phases": {"week_1": 50, "ramp": 100, "late": 250},
    "active_daily_quota": 50000,
    "providers": {"gmail": {}},
    "sender_defaults": {"status": "warming", "weight": 100, "paused": False},
    "dmarc": {"policy": "none", "rua": ["mailto:dmarc@{domain}"]},
    "operator": "ops@operator.test",
    "prefixes": ["contact", "support", "hello"],
}
TWO = fleet(sender(1), sender(2), sender(3, "other"), tenants=[tenant(), tenant("other", feeders=[{"user": "other"}])])
NEW = {"ip": "198.19.0.9", "domain": "m9.sos.test", "tenant": "sos"}


def declared(app, admin, wanted=TWO, **more):
    answer = declare(app, admin, wanted, **{"policy": POLICY, "mtas": ["vps2"], **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def add(client, key, code=202, headers=None, **changes):
    answer = client.post("/api/v1/ips", headers={**key, **(headers or {})}, json={**NEW, **changes})
    return answer.json() if code == answer.status_code == 202 else problem(answer, code)


def show(client, key, name="m9.sos.test"):
    return client.get(f"/api/v1/ips/{name}", headers=key).json()


def check_dns(client, key, green="yes", *names, at="2026-11-22T06:00:00Z", verdict="ok", mta=None):
    edges = {edge: {"verdict": verdict} for edge in ("mta", "a", "ptr", "spf", "helo_spf", "dkim", "dmarc", "mx")}
    edges["mta"] = {"verdict": mta or verdict}
    senders = [{"name": name, "green": green, "edges": edges} for name in names or ("m9.sos.test",)]
    return client.post("/api/v1/checks/dns", headers=key, json={"checked_at": at, "senders": senders})
