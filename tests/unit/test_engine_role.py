# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role engine refuses before it changes anything, run by Ansible on this machine without a host; and who is given secrets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).parents[2] / "roles/engine"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
GOOD = ["mailtos://user:hunter22@host/?to=ops@example.com", "tgram://1:token22/3"]


def play(tmp_path: Path, name: str, **variables) -> subprocess.CompletedProcess:
    tasks = yaml.safe_load((ROLE / "tasks/preflight.yml").read_text(encoding="utf-8"))
    (task,) = (one for one in tasks if one["name"] == name)
    book = tmp_path / "play.yml"
    body = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [task]}
    book.write_text(yaml.safe_dump([body]), encoding="utf-8")
    command = [PLAYBOOK, "-vvv", "-i", "localhost,", book]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)


@pytest.mark.parametrize(
    ("urls", "refused"),
    [
        ([], ""),
        (GOOD, ""),
        (["ops@example.com/hunter22"], "1 of 1 entries"),
        ([*GOOD, "slack://a/b c/hunter22"], "1 of 3 entries"),
        (["x://hunter22\nx://other"], "1 of 1 entries"),
        (["", 5], "2 of 2 entries"),
    ],
)
def test_addresses_of_alerts_that_are_none_are_refused_and_not_shown(tmp_path, urls, refused):
    done = play(tmp_path, "Refuse addresses of alerts that are none", engine_alert_urls=urls)
    assert (done.returncode != 0) == bool(refused), done.stdout
    assert refused in done.stdout and "hunter22" not in done.stdout + done.stderr


def test_the_api_is_not_given_the_addresses_and_the_workers_are():
    units = {path.name: path.read_text(encoding="utf-8") for path in ROLE.rglob("*.service.j2")}
    assert "alert_urls" not in units["email-engine-api.service.j2"]
    assert "__engine_secrets" not in units["email-engine-api.service.j2"], "it would be given all"
    secrets = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))["__engine_secrets"]
    assert "email_engine_alert_urls" in secrets
    assert "for name in __engine_secrets" in (ROLE / "templates/worker.j2").read_text(encoding="utf-8")
