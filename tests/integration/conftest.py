# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks with an inventory of the test's own, without the lab: in check mode on this machine, or with no host in reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
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
    def failures(self) -> str:
        """The messages of what failed."""
        return "\n".join(task["message"] for task in self.tasks if task["status"] == "failed")

    @property
    def hosts(self) -> set:
        return {task["host"] for task in self.tasks}

    @property
    def changed(self) -> list:
        return [task["task"] for task in self.tasks if task["changed"]]


class Scratch:
    """An inventory that a test fills, with one host vps2, which is this machine in check mode, or nowhere."""

    def __init__(self, place: Path):
        self.place, self.inventory = place, place / "inventory"
        (place / "home").mkdir(parents=True, exist_ok=True)
        for name in ("pmta.deb", "license"):
            (place / name).write_text("a stand-in\n")
        self.in_reach()
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

    def _host(self, **variables: object) -> None:
        common = {"ansible_python_interpreter": sys.executable, "ansible_pipelining": True, "resolver_manage": False}
        hosts = {"powermta": {"hosts": {"vps2": variables}}}
        self.write("hosts.yml", {"all": {"vars": common, "children": hosts}})
        self.reachable = variables.get("ansible_connection") == "local"

    def in_reach(self) -> None:
        """From now on runs are in check mode, and vps2 is this machine."""
        self._host(ansible_connection="local", ansible_become=False)

    def engine_here(self) -> None:
        """The group engine has a host, which is this machine."""
        host = {"ansible_connection": "local", "ansible_host": "127.0.0.1"}
        self.write("engine.yml", {"engine": {"hosts": {"vps3": host}}})

    def out_of_reach(self) -> None:
        """From now on runs are real ones. What they do to the control node happens; vps2 is a port nobody listens on."""
        self._host(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)

    def write(self, name: str, data: object) -> Path:
        """A file of the inventory; *data* is text, or anything that YAML can say."""
        path = self.inventory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
        return path

    def files(self) -> dict:
        """The whole inventory: {path: content}."""
        return {str(path): path.read_bytes() for path in sorted(self.inventory.rglob("*")) if path.is_file()}

    def play(self, playbook: object, *extra: str, cwd: Path = ROOT, prefix: tuple = (), **settings: str) -> Run:
        """Run one playbook, away from the settings and collections of whoever runs the tests."""
        record = self.place / f"{uuid.uuid4().hex}.jsonl"
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
            **settings,
        }
        command = [*prefix, str(BIN / "ansible-playbook"), "-i", str(self.inventory), str(playbook), "--diff", *extra]
        if self.reachable:
            command.append("--check")
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        return Run(done, record)


@pytest.fixture(scope="session")
def make_scratch():
    return Scratch


@pytest.fixture
def scratch(tmp_path) -> Scratch:
    return Scratch(tmp_path / "scratch")


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A real engine; imported here, because most tests need none of its libraries."""
    from ansible_collections.email_engine.fleet.tests.integration.served import Engine

    engine = Engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()


@pytest.fixture
def engine(served):
    """The same, which knows nothing yet."""
    served.engine.dispose()
    served.reset()
    return served


@pytest.fixture(scope="session")
def scratch_with_engine(tmp_path_factory, served) -> Scratch:
    from ansible_collections.email_engine.fleet.tests.integration.served import KEY, PASSWORD

    scratch = Scratch(tmp_path_factory.mktemp("site"))
    scratch.engine_here()
    scratch.write("group_vars/engine/engine.yml", {"engine_https_port": served.port})
    scratch.write("group_vars/all/vault.yml", {"engine_admin_key": KEY, "vault_feeder": PASSWORD})
    return scratch


@pytest.fixture
def site(scratch_with_engine, engine) -> Scratch:
    """An inventory with an engine host, which is this machine, and a sound fleet."""
    from ansible_collections.email_engine.fleet.tests.integration.served import fill

    scratch_with_engine.in_reach()
    fill(scratch_with_engine)
    return scratch_with_engine
