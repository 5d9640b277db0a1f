# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role schedules: what it refuses, and that systemd takes what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/schedules"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
VARS = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))
KNOWN, KINDS = VARS["__schedules_known"], VARS["__schedules_kinds"]
DAILY = {"calendar": "*-*-* 06:00:00 UTC", "kind": "dns_check", "playbook": "dns_check"}


def problems(schedules, engine=True):
    asked = json.dumps({"schedules": schedules, "kinds": KINDS, "engine": engine})
    program = (ROLE / "files/problems.py").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", program, asked], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("engine", [True, False])
def test_the_schedules_that_are_there_are_good(engine):
    assert problems(KNOWN, engine) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"calendar": "every morning UTC"}, "systemd does not understand 'every morning UTC'"),
        ({"calendar": "-h"}, "systemd does not understand"),
        ({"calendar": ""}, "schedules.x.calendar: missing"),
        ({"calendar": "*-*-* 06:00:00"}, "names no time zone"),
        ({"calendar": "2026-01-01 00:00:00 UTC"}, "does not come again"),
        ({"calendar": "*-*-* *:*:0/10 UTC"}, "comes every 10 s; a minute is the least"),
        ({"calendar": "*-*-* *:00/10:00 UTC", "jitter": "10min"}, "not shorter than the 600 s between two runs"),
        ({"calendar": "*-*-* 00,23:00:00 UTC", "jitter": "1h"}, "not shorter than the 3600 s"),
        ({"jitter": "a while"}, "'a while' is no span of time"),
        ({"jitter": "--help"}, "is no span of time"),
        ({"jitter": 60}, "schedules.x.jitter: has to be a text, not 60"),
        ({"kind": "dns-check"}, "the engine has no kind dns-check; there are collect, converge,"),
        ({"kind": "stop"}, "the engine has no kind stop"),
        ({"kind": None}, "schedules.x.kind: has to be a text"),
        ({"playbook": "../x"}, "'../x' is not the name of one in playbooks/"),
        ({"enabled": "no"}, "schedules.x.enabled: has to be true or false"),
        ({"persistant": True}, "schedules.x.persistant: unknown; there are calendar,"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(changes, said):
    found = problems({"x": {**DAILY, **changes}})
    assert len(found) == 1 and said in found[0], found


@pytest.mark.parametrize(
    "calendar",
    [
        "*-*-* 00/4:00:00 UTC",
        "Mon..Fri *-*-* 08:30:00 Europe/Paris",
        "daily UTC",
        "*-*-* 02:30:00 America/Argentina/Salta",
    ],
)
def test_calendars_with_a_zone_are_taken(calendar):
    assert problems({"x": {**DAILY, "calendar": calendar, "jitter": "30min"}}) == []


def test_a_schedule_of_ones_own_says_what_it_runs():
    own = {"x": {"calendar": DAILY["calendar"]}}
    assert "schedules.x.kind: missing" in problems(own)[0] and problems(own, engine=False) == [
        "schedules.x.playbook: missing"
    ]
    assert "has to be a dictionary" in problems({"x": "daily"})[0]
    assert "a name has small letters" in problems({"X/../y": DAILY})[0]
    assert problems({"x": {"enabled": False}}) == []


def test_two_that_run_the_same_overlap():
    both = {**KNOWN, "lists": {**DAILY, "kind": "dnsbl_check"}}
    assert problems(both) == [
        "schedules dnsbl and lists overlap: both run dnsbl_check; give one of them all the times, or switch it off"
    ]
    assert problems({**both, "dnsbl": {**KNOWN["dnsbl"], "enabled": False}}) == []
    assert "schedules dns and x overlap" in problems({**KNOWN, "x": DAILY}, engine=False)[0]


def test_the_kinds_are_those_that_the_command_takes():
    sys.path.insert(0, str(ROOT / "engine"))
    try:
        from email_engine.cli import ADDABLE
    finally:
        sys.path.remove(str(ROOT / "engine"))
    assert sorted(ADDABLE) == KINDS
    assert {one["kind"] for one in KNOWN.values()} <= set(KINDS)


def test_the_playbooks_are_there():
    assert [
        name for name in KNOWN if not (ROOT / f"playbooks/{KNOWN[name].get('playbook', 'site')}.yml").exists()
    ] == []


def rendered(tmp_path, engine, others=None, **variables):
    """The units that the role would write, in a directory."""
    tasks = yaml.safe_load((ROLE / "tasks/timers.yml").read_text(encoding="utf-8"))
    tasks = [one for one in tasks if "ansible.builtin.template" in one]
    for one in tasks:
        one.pop("notify", None)
        template = one["ansible.builtin.template"]
        template["src"] = f"{ROLE}/templates/{template['src']}"
        template.pop("owner"), template.pop("group")
    units = tmp_path / "units"
    units.mkdir()
    here = {"hosts": {"here": {"ansible_connection": "local"}}}
    inventory = {"all": {"children": {"engine" if engine else "scheduler": here, **(others or {})}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    files = [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")]
    play = {"hosts": "here", "gather_facts": False, "vars_files": files, "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    extra = {"__schedules_units": str(units), "ansible_python_interpreter": sys.executable, **variables}
    command = [PLAYBOOK, "-i", tmp_path / "hosts.yml", "-e", json.dumps(extra), tmp_path / "play.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return units


def verified(units):
    """systemd-analyze verify wants programs to be there, so they become one that is."""
    for path in units.iterdir():
        text = path.read_text(encoding="utf-8")
        for program in ("/usr/local/sbin/email-engine", "/srv/fleet/.venv/bin/ansible-playbook"):
            text = text.replace(f"ExecStart={program}", "ExecStart=/bin/true")
        path.write_text(text, encoding="utf-8")
    names = sorted(str(path) for path in units.iterdir() if "@" not in path.name)
    done = subprocess.run(
        ["systemd-analyze", "verify", *names], capture_output=True, text=True, timeout=60, check=False
    )
    return [line for line in done.stderr.splitlines() if "email-engine-schedule" in line or "/units/" in line]


def test_with_an_engine_each_timer_asks_for_a_job(tmp_path):
    units = rendered(tmp_path, True, schedules={"recheck": {"enabled": False}, "dns": {"jitter": "1min"}})
    names = {path.name for path in units.iterdir()}
    wanted = set(KNOWN) - {"recheck"}
    assert names == {f"email-engine-schedule-{name}.{kind}" for name in wanted for kind in ("timer", "service")}
    service = (units / "email-engine-schedule-dnsbl.service").read_text()
    assert "ExecStart=/usr/local/sbin/email-engine jobs add dnsbl_check\n" in service
    timer = (units / "email-engine-schedule-dns.timer").read_text().splitlines()
    for line in (
        "OnCalendar=*-*-* 06:00:00 UTC",
        "RandomizedDelaySec=1min",
        "FixedRandomDelay=true",
        "Persistent=true",
    ):
        assert line in timer
    assert "Persistent=false" in (units / "email-engine-schedule-collect.timer").read_text()
    assert verified(units) == []


def test_without_an_engine_playbooks_run_that_report(tmp_path):
    units = rendered(
        tmp_path,
        False,
        schedules_directory="/srv/fleet",
        schedules_inventory="inventories/my fleet",
        schedules_user="root",
        schedules_on_failure=["/bin/echo", "100% broken:"],
        schedules_arguments=["--vault-password-file=/root/.vault"],
    )
    services = {path.name for path in units.iterdir() if path.suffix == ".service" and "@" not in path.name}
    # Incidents are kept by an engine alone.
    assert services == {f"email-engine-schedule-{name}.service" for name in ("collect", "dns", "dnsbl", "warmup")}
    service = (units / "email-engine-schedule-dns.service").read_text()
    assert (
        "ExecStart=/srv/fleet/.venv/bin/ansible-playbook --inventory 'inventories/my fleet' --vault-password-file=/root/.vault"
        ' --extra-vars \'{"dns_check_fail_on": "unknown", "checks_connection": "local"}\' playbooks/dns_check.yml\n'
        in service
    )
    assert "OnFailure=email-engine-schedule-failed@%n.service" in service
    assert "ExecStart=/bin/echo '100%% broken:' %i" in (units / "email-engine-schedule-failed@.service").read_text()
    assert verified(units) == []


def test_with_an_engine_the_always_on_host_has_none(tmp_path):
    assert list(rendered(tmp_path, False, {"engine": {"hosts": {"vps3": {}}}}).iterdir()) == []
