# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/api.md: its commands run as they stand, and it names every operation."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import servers
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import EVENTS
from email_engine.store.lifecycle import DNS_KEEPS, LISTS_KEEP, QUEUE_KEEPS
from members import declared
from samples import fleet, sender, tenant

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
TESTED = re.findall(r"<!-- tested -->\n```\n(.*?)```", PAGE, re.DOTALL)


def test_its_commands_run(app, admin, database, redis, tmp_path):
    name = "mail1.sos-holidays.example"
    one = sender(1, "sos-holidays", name=name, hostname=name, domain=name, from_email=f"contact@{name}")
    declared(app, admin, fleet(one, tenants=[tenant("sos-holidays")]))
    (tmp_path / ".engine").write_text(f'header = "X-API-KEY: {admin["X-API-KEY"]}"\n')
    settings = {"database": database[servers.ROLE], "redis": redis[0], "key_pepper": "pepper"}
    api = servers.Api(tmp_path, **settings)
    script = f'set -e\nENGINE=http://engine\ncurl() {{ command curl --unix-socket "{api.socket}" "$@"; }}\n'
    try:
        shell = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(
            ["bash", "-c", script + "".join(TESTED)], env=shell, capture_output=True, text=True, timeout=60
        )
    finally:
        api.close()
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(TESTED) >= 6 and "its DNS was not seen" in done.stdout and '"key":"ee_' in done.stdout
    assert done.stdout.count("/problem+json") == 0 and done.stdout.count('"about:blank"') == 1


def test_it_names_every_operation(app):
    table = PAGE[PAGE.index("## All of it") :]
    said = set(re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`]*)`", table))
    there = {
        (verb.upper(), path.removeprefix("/api/v1"))
        for path, operations in app.openapi()["paths"].items()
        for verb in operations
        if path.startswith("/api/v1/")
    }
    assert said == there


def test_it_names_every_event_and_how_long_things_count():
    rows = PAGE[PAGE.index("| event |") : PAGE.index("DNS counts as seen")]
    assert set(re.findall(r"`(\w+)`", rows)) == set(EVENTS)
    hours = [int(age.total_seconds() // 3600) for age in (DNS_KEEPS, LISTS_KEEP, QUEUE_KEEPS)]
    assert hours == [50, 24, 1] and "50 hours, lists for 24, queues for one" in PAGE
