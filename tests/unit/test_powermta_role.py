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


OTHERS = yaml.safe_load((ROOT / "roles/powermta/vars/main.yml").read_text(encoding="utf-8"))["__powermta_other_mtas"]


@pytest.mark.parametrize(
    ("service", "state", "replace", "refused"),
    [
        ("postfix@-.service", "running", False, True),
        ("exim4", "running", False, True),
        ("sendmail.service", "running", False, True),
        ("postfix.service", "stopped", False, False),
        ("postfix-exporter.service", "running", False, False),
        ("exim4.service", "running", True, False),
    ],
)
def test_a_mail_server_is_replaced_only_with_leave(tmp_path, service, state, replace, refused):
    done = play(
        tmp_path,
        [task("preflight.yml", "Refuse to share the host with a mail server that has to stay")],
        ansible_facts={"services": {service: {"name": service, "state": state}}},
        powermta_replace_mail_servers=replace,
        powermta_smtp_port=25,
        __powermta_other_mtas=OTHERS,
    )
    assert (done.returncode != 0) == refused, done.stdout + done.stderr
    if refused:
        assert f"localhost: {service} runs" in done.stdout and "powermta_replace_mail_servers" in done.stdout


def test_other_mail_servers_are_stopped_only_with_leave():
    stop = task("install.yml", "Stop other mail servers, which would hold port 25")
    assert stop["when"] == "powermta_replace_mail_servers"


@pytest.mark.parametrize(
    ("running", "restarted", "told"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_changed_limits_are_told_and_restart_nobody(tmp_path, running, restarted, told):
    install = task("install.yml", "Set the limits and the order of the service")
    assert install["notify"] == ["Reload systemd", "Tell that PowerMTA has to be restarted"]
    handlers = yaml.safe_load((ROOT / "roles/powermta/handlers/main.yml").read_text(encoding="utf-8"))
    handler = next(one for one in handlers if one["name"] == install["notify"][1])
    done = play(
        tmp_path,
        [handler],
        powermta_found={"running": running},
        powermta_service="pmta",
        powermta_open_files=4096,
        __powermta_installed={"changed": restarted},
        __powermta_licensed={"changed": False, "skipped": True},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("systemctl restart pmta" in done.stdout) == told
