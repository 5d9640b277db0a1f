# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks on this machine, in check mode, with an inventory of the test's own: ``scratch``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# What a sound host of the group powermta tells about itself; this machine may be anything.
FACTS = {
    "service_mgr": "systemd",
    "pkg_mgr": "apt",
    "distribution": "Debian",
    "fqdn": "vps2.scratch.test",
    "default_ipv4": {"interface": "lo", "address": "192.0.2.12"},
    "cacheable": True,
}


class Run:
    """One finished ansible-playbook: ``code``, ``output`` and the ``tasks`` that ran (see callbacks/recorder.py)."""

    def __init__(self, done: subprocess.CompletedProcess, record: Path):
        self.code, self.output = done.returncode, done.stdout + done.stderr
        lines = record.read_text().splitlines() if record.exists() else []
        self.tasks = [json.loads(line) for line in lines]

    def named(self, name: str) -> dict:
        """The last task of this name."""
        return [task for task in self.tasks if task["task"] == name][-1]

    @property
    def hosts(self) -> set:
        return {task["host"] for task in self.tasks}

    @property
    def changed(self) -> list:
        return [task["task"] for task in self.tasks if task["changed"]]


class Scratch:
    """An inventory that a test fills, with one host vps2 that is this machine; runs never leave check mode."""

    def __init__(self, place: Path):
        self.place, self.inventory, self.runs = place, place / "inventory", 0
        (place / "home").mkdir(parents=True)
        for name in ("pmta.deb", "license"):
            (place / name).write_text("a stand-in\n")
        interpreter = {"ansible_python_interpreter": sys.executable, "ansible_pipelining": True}
        host = {"ansible_connection": "local", "ansible_become": False}
        self.write("hosts.yml", {"all": {"vars": interpreter, "children": {"powermta": {"hosts": {"vps2": host}}}}})
        self.write(
            "group_vars/powermta/powermta.yml",
            {
                "powermta_package": str(place / "pmta.deb"),
                "powermta_license": str(place / "license"),
                "powermta_management_address": "192.0.2.12",
                "powermta_management_host_name": "vps2.scratch.test",
                "powermta_interface": "lo",
            },
        )
        facts = place / "facts.yml"
        tasks = [{"name": "Know the host", "ansible.builtin.set_fact": FACTS}]
        facts.write_text(yaml.safe_dump([{"hosts": "powermta", "gather_facts": False, "tasks": tasks}]))
        run = self.play(facts)
        assert run.code == 0, run.output

    def write(self, name: str, data: object) -> Path:
        """A file of the inventory; *data* is text, or anything that YAML can say."""
        path = self.inventory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
        return path

    def play(self, playbook: object, *extra: str, cwd: Path = ROOT, options: dict | None = None) -> Run:
        """Run one playbook in check mode, away from the settings and collections of whoever runs the tests."""
        self.runs += 1
        record = self.place / f"record{self.runs}.jsonl"
        environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.place / "home"),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.place / "facts"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "EMAIL_ENGINE_RECORD": str(record),
            **(options or {}),
        }
        command = [str(BIN / "ansible-playbook"), "-i", str(self.inventory), str(playbook), "--check", "--diff"]
        done = subprocess.run(
            [*command, *extra], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        return Run(done, record)


@pytest.fixture
def scratch(tmp_path) -> Scratch:
    return Scratch(tmp_path / "scratch")
