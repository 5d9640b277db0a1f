# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/campaigns.md: its commands run as they stand, with a tenant's key where no admin's is needed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import servers
from fake_mailwizz import FakeMailwizz
from members import declared
from samples import fleet, make_key, sender, tenant

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"<!-- tested -->\n```\n(.*?)```", re.DOTALL)
TESTED = BLOCK.findall((DOCS / "campaigns.md").read_text(encoding="utf-8"))
FUNCTION = BLOCK.findall((DOCS / "api.md").read_text(encoding="utf-8"))[0].splitlines()[0]


def test_its_commands_run(app, client, admin, database, redis, tmp_path):
    name = "mail1.sos-holidays.example"
    one = sender(1, "sos-holidays", name=name, hostname=name, domain=name, from_email=f"contact@{name}")
    declared(app, admin, fleet(one, tenants=[tenant("sos-holidays")]))
    fake = FakeMailwizz()
    customer = fake.customer("k" * 40, name)
    told = {"url": fake.url, "key": "k" * 40}
    assert client.put("/api/v1/tenants/sos-holidays/mailwizz", headers=admin, json=told).status_code == 200
    for who, key in {"admin": admin, "tenant": make_key(app, "sos", "sos-holidays")}.items():
        (tmp_path / f".engine.{who}").write_text(f'header = "X-API-KEY: {key["X-API-KEY"]}"\n')
    api = servers.Api(tmp_path, database=database[servers.ROLE], redis=redis[0], key_pepper="pepper")
    script = (
        "set -e\nENGINE=http://engine\n"
        f'curl() {{ command curl --unix-socket "{api.socket}" "$@"; echo; }}\n{FUNCTION}\n'
        "cp ~/.engine.admin ~/.engine\n" + TESTED[0] + "cp ~/.engine.tenant ~/.engine\n" + "".join(TESTED[1:])
    )
    try:
        shell = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(["bash", "-c", script], env=shell, capture_output=True, text=True, timeout=60)
    finally:
        api.close()
        fake.close()
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(TESTED) >= 5 and "about:blank" not in done.stdout
    assert '"refused":[{"index":1,' in done.stdout and '"email":"ann+news@example.org"' in done.stdout
    assert [one["name"] for one in customer.templates.values()] == ["plain"]
    (mails,) = customer.lists.values()
    assert mails["company"]["city"] == "Paris"
