# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""However site.yml is started, it does the same: one policy, and the inventory wins. Check mode, no lab."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = ("site.yml", "playbooks/site.yml", "the collection in .venv", "the installed artefact")
ZONES = ["sos.test", "100.51.198.in-addr.arpa"]
PASSWORD, WITHOUT_A_KEY = "PasswordOfTheFeeder7", re.compile(r"\bs20\d{6}\b")
DEFAULTS = yaml.safe_load((ROOT / "roles/policy/defaults/main.yml").read_text())
FLEET = {
    "vault_feeder": PASSWORD,
    "fleet_tenants": [
        {
            "name": "sos",
            "domain": "sos.test",
            "feeders": [{"address": "192.0.2.11"}, {"user": "mw-sos", "password": "{{ vault_feeder }}"}],
            "ranges": [
                {"first": "198.51.100.1", "count": 2, "domain": "m{n}.sos.test", "vmta": "m{n}", "prefixes": ["info"]}
            ],
            "senders": [{"ip": "198.51.100.9", "domain": "m9.sos.test", "prefix": "team", "status": "active"}],
        }
    ],
}
# From weak to strong. Each variable stands in every weaker place as well, so a place that is not read, or is read in
# another order, shows.
SHARED = {
    "policy_quarantine_hold": "21d",
    "policy_dns_ttl": 901,
    "policy_operator": "shared@operator.test",
    "policy_providers": {"shared": {"domains": ["shared.test"]}},
    "powermta_http_port": 1901,
}
ALL = {
    "policy_dns_ttl": 902,
    "policy_operator": "all@operator.test",
    "policy_providers": {"all": {"domains": ["all.test"]}},
    "powermta_http_port": 1902,
}
GROUP = {"policy_providers": {"group": {"domains": ["group.test"]}}, "powermta_http_port": 1903}
HOST = {"policy_providers": {"host": {"domains": ["host.test"]}}}


def fill(scratch):
    """An inventory as the shipped ones are laid out: a link to the shared policy, its own files, a host's own."""
    shared = scratch.place / "policy.yml"
    shared.write_text(yaml.safe_dump(SHARED))
    scratch.write("group_vars/all/fleet.yml", FLEET)
    scratch.write("group_vars/all/policy.yml", ALL)
    zones = {"dns_zone_file_directory": str(scratch.place / "zones"), "dns_zone_file_zones": ZONES}
    scratch.write("group_vars/all/dns.yml", zones)
    (scratch.inventory / "group_vars/all/00_policy.yml").symlink_to(shared)
    scratch.write("group_vars/powermta/policy.yml", GROUP)
    scratch.write("host_vars/vps2.yml", HOST)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """Where the built collection is installed."""
    place = tmp_path_factory.mktemp("artefact")
    galaxy = [str(Path(sys.executable).parent / "ansible-galaxy"), "collection"]
    subprocess.run([*galaxy, "build", "--output-path", str(place), str(ROOT)], check=True, capture_output=True)
    (built,) = place.glob("*.tar.gz")
    # Forced, because the checkout counts as installed already.
    install = [*galaxy, "install", "--force", "--offline", "--no-deps", "-p", str(place / "collections"), str(built)]
    subprocess.run(install, check=True, capture_output=True, cwd=place)
    return place / "collections"


def traces():
    """What this machine would show of a deployment that was not only shown."""
    places = ("/etc/pmta", "/etc/systemd/system", "/etc/sysctl.d", "/usr/local/lib/email-engine", "/etc/email-engine")
    found = {place: sorted(map(str, Path(place).rglob("*"))) for place in places}
    links = json.loads(subprocess.run(["ip", "-j", "-4", "address"], capture_output=True, text=True, check=True).stdout)
    # The lab may come and go beside these tests.
    own = [link for link in links if link["ifname"] != "eelab0"]
    found["addresses"] = sorted((link["ifname"], one["local"]) for link in own for one in link["addr_info"])
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory, artefact, make_scratch):
    """{entry: run}; two at a time."""
    scratch = make_scratch(tmp_path_factory.mktemp("entries"))
    fill(scratch)
    elsewhere = scratch.place / "elsewhere"
    elsewhere.mkdir()
    ways = (
        ("site.yml", {}),
        ("playbooks/site.yml", {}),
        ("email_engine.fleet.site", {"cwd": elsewhere}),
        ("email_engine.fleet.site", {"cwd": elsewhere, "ANSIBLE_COLLECTIONS_PATH": str(artefact)}),
    )
    before = traces()
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda way: scratch.play(way[0], "-vvv", **way[1]), ways))
    assert traces() == before, "check mode changed this machine"
    return dict(zip(ENTRIES, done))


def diffs(run, task):
    """What the task would write: {file: text}."""
    shown = run.named(task)["diff"]
    return {
        entry["after_header"]: WITHOUT_A_KEY.sub("SELECTOR", entry["after"])
        for entry in (shown if isinstance(shown, list) else [shown])
    }


def outcome(run):
    """All that depends on variables: the fleet document, the configuration, the zone file."""
    return {
        "document": run.named("Expand the inventory into the fleet document")["facts"]["fleet_document"],
        "config": diffs(run, "Apply the configuration")["/etc/pmta/config"],
        "zones": {Path(name).name: text for name, text in diffs(run, "Write zone files for those who paste").items()},
    }


@pytest.mark.parametrize("entry", ENTRIES)
def test_it_runs_to_the_end(entry, runs):
    assert runs[entry].code == 0, runs[entry].output[-4000:]
    assert runs[entry].hosts == {"localhost", "vps2"}


@pytest.mark.parametrize("entry", ENTRIES)
def test_it_is_the_code_that_was_meant(entry, runs, artefact):
    place = artefact if entry == ENTRIES[-1] else ROOT
    files = {Path(task["file"].rpartition(":")[0]).resolve() for task in runs[entry].tasks}
    assert len(files) > 5
    assert all(file.is_relative_to(place) for file in files), files


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_nobody_overrides_is_the_default(entry, runs):
    found = outcome(runs[entry])
    quotas = [sender["daily_quota"] for sender in found["document"]["senders"]]
    assert quotas == [DEFAULTS["policy_phases"]["week_1"]] * 2 + [DEFAULTS["policy_active_daily_quota"]]
    assert f"    bounce-after {DEFAULTS['policy_domain_settings']['bounce-after']}\n" in found["config"]
    assert "smtp-listener 192.0.2.12:2525\n" in found["config"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_linked_policy_beats_the_default(entry, runs):
    config = outcome(runs[entry])["config"]
    assert "bounce-after 21d\n" in config and DEFAULTS["policy_quarantine_hold"] != "21d"


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_inventory_beats_the_linked_policy(entry, runs):
    found = outcome(runs[entry])
    assert {tenant["operator"] for tenant in found["document"]["tenants"]} == {"all@operator.test"}
    assert "postmaster all@operator.test\n" in found["config"]
    lines = found["zones"]["sos.test.zone"].splitlines()
    assert lines and all(line.split()[1] == "902" for line in lines)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_group_beats_all_and_a_host_its_group(entry, runs):
    config = outcome(runs[entry])["config"]
    assert "http-mgmt-port 1903\n" in config
    assert re.findall(r"^domain-macro .*", config, re.MULTILINE) == ["domain-macro host host.test"]


def test_all_entries_do_the_same(runs):
    outcomes = {json.dumps(outcome(run), sort_keys=True) for run in runs.values()}
    assert len(outcomes) == 1
    tasks = {json.dumps([(task["host"], task["task"], task["changed"]) for task in run.tasks]) for run in runs.values()}
    assert len(tasks) == 1


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_secret_is_shown(entry, runs):
    assert "mw-sos" in runs[entry].output and PASSWORD not in runs[entry].output
