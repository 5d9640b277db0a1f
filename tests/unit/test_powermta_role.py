# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role powermta decides in its own tasks, run by Ansible on this machine without a host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "roles/powermta/tasks"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def task(file: str, name: str) -> dict:
    return next(one for one in yaml.safe_load((TASKS / file).read_text(encoding="utf-8")) if one["name"] == name)


def play(tmp_path: Path, tasks: list[dict], **variables) -> subprocess.CompletedProcess:
    book = tmp_path / "play.yml"
    body = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}
    book.write_text(yaml.safe_dump([body]), encoding="utf-8")
    command = [PLAYBOOK, "-i", "localhost,", book]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)


@pytest.mark.parametrize(
    ("unrecorded", "refused"),
    [
        ([], ""),
        (["VMTA-1", "unrouted-a"], ""),
        (["unrouted-a", "old-1"], "old-1"),
        (["vmta-2"], "vmta-2"),  # declared, but for another host
        (["unrouted-gone"], "unrouted-gone"),
    ],
)
def test_mail_that_nobody_answers_for_is_refused(tmp_path, unrecorded, refused):
    fleet = {
        "tenants": [{"held": "unrouted-a"}],
        "senders": [{"vmta": "vmta-1", "mta": "vps2"}, {"vmta": "vmta-2", "mta": "vps3"}],
    }
    done = play(
        tmp_path,
        [task("preflight.yml", "Refuse to drop virtual MTAs in which unknown mail waits")],
        powermta_fleet=fleet,
        powermta_host="vps2",
        powermta_state_directory="/var/lib/email-engine",
        powermta_found={"unrecorded": unrecorded},
    )
    assert (done.returncode != 0) == bool(refused), done.stdout + done.stderr
    if refused:
        assert f"mail waits in {refused}," in done.stdout and "pmta delete" in done.stdout
