# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories that are shipped: they expand, and they differ from each other by what they say they do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.hosts import attach_keys
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz.places import places
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.render import render_host

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from policy import host_policy  # noqa: E402

ROLE = yaml.safe_load((ROOT / "roles/policy/defaults/main.yml").read_text())


def fleet(name):
    folder = ROOT / "inventories" / name
    values = dict(ROLE)
    for path in sorted((folder / "group_vars/all").glob("*.yml")):
        # What is vaulted is bin/lab's, and not the repository's.
        if not path.name.startswith("vault"):
            values.update(yaml.safe_load(path.read_text()))
    hosts = yaml.safe_load((folder / "hosts.yml").read_text())["all"]["children"]["powermta"]["hosts"]
    policy = {key.removeprefix("policy_"): value for key, value in values.items() if key.startswith("policy_")}
    return values["fleet_tenants"], policy, list(hosts)


@pytest.mark.parametrize(("name", "senders"), [("example", 5), ("lab", 5), ("lab_mailwizz", 8), ("two_tenants", 100)])
def test_it_expands(name, senders):
    document = expand(*fleet(name))
    assert len(document["senders"]) == senders


@pytest.mark.parametrize("name", ["example", "lab", "lab_mailwizz", "two_tenants"])
def test_its_configuration_has_no_findings(name):
    tenants, policy, hosts = fleet(name)
    document = expand(tenants, policy, hosts)
    keys = [
        {"domain": s["domain"], "selector": "s1", "path": f"/etc/pmta/dkim/{s['domain']}.pem", "public": "x"}
        for s in document["senders"]
    ]
    users = {feeder["user"]: "secret" for t in document["tenants"] for feeder in t["feeders"] if "user" in feeder}
    for host in hosts:
        made = render_host(attach_keys(document, keys), host, host_policy(**policy), users)
        text = made["content"].replace("include /etc/pmta/fleet-secrets\n", made["secrets"])
        assert lint(text) == [] and made["vmtas"]


def test_two_tenants_share_nothing():
    document = expand(*fleet("two_tenants"))
    for key in ("ip", "domain", "pool", "from_email"):
        first, second = (
            {s[key] for s in document["senders"] if s["tenant"] == name} for name in ("sos-expat", "ulixai")
        )
        assert first and second and not first & second
    assert [s["status"] for s in document["senders"]].count("standby") == 6


@pytest.mark.parametrize("name", ["example", "lab", "lab_mailwizz", "two_tenants"])
def test_it_links_the_shared_policy(name):
    link = ROOT / "inventories" / name / "group_vars/all/00_policy.yml"
    assert link.is_symlink() and link.resolve() == ROOT / "group_vars/policy.yml"


def test_the_labs_engine_is_all_that_its_inventory_adds():
    plain, engine = (ROOT / "inventories" / name for name in ("lab", "lab_engine"))
    hosts = [yaml.safe_load((folder / "hosts.yml").read_text())["all"] for folder in (plain, engine)]
    assert hosts[1]["children"].pop("engine")["hosts"] == hosts[0]["children"].pop("lab_spare")["hosts"]
    assert hosts[0]["children"].pop("engine") is None
    assert hosts[0] == hosts[1]
    # vault.yml is bin/lab's, and not the repository's.
    own = {"hosts.yml", "group_vars/all/engine.yml", "group_vars/all/vault.yml"}
    for path in engine.rglob("*.yml"):
        name = str(path.relative_to(engine))
        assert name in own or path.resolve() == (plain / name).resolve(), name


def test_mailwizz_is_all_that_its_lab_adds():
    """What was deployed by the other inventory goes on by this one: the same machines, engine, and first tenant."""
    engine, mailwizz = (ROOT / "inventories" / name for name in ("lab_engine", "lab_mailwizz"))
    assert yaml.safe_load((engine / "hosts.yml").read_text()) == yaml.safe_load((mailwizz / "hosts.yml").read_text())
    own = {"hosts.yml", "fleet.yml", "rates.yml", "logins.yml", "mailwizz.yml", "vault.yml", "vault_mailwizz.yml"}
    for path in mailwizz.rglob("*.yml"):
        here = path.relative_to(mailwizz)
        assert path.name in own or path.resolve() == (engine / here).resolve(), here
    (before,), (first, second) = fleet("lab_engine")[0], fleet("lab_mailwizz")[0]
    assert {**first, "feeders": None} == {**before, "feeders": None} and second["name"] == "ulixai"


@pytest.mark.parametrize("name", ["example", "lab_mailwizz", "two_tenants"])
def test_every_tenant_has_a_mailwizz(name):
    folder = ROOT / "inventories" / name
    tenants, policy, mtas = fleet(name)
    shared = yaml.safe_load((folder / "group_vars/mailwizz/mailwizz.yml").read_text())
    hosts = yaml.safe_load((folder / "hosts.yml").read_text())["all"]["children"]["mailwizz"]["hosts"]
    homes = places(
        expand(tenants, policy, mtas),
        [{"inventory_hostname": host, **shared, **values} for host, values in hosts.items()],
        [tenant["name"] for tenant in tenants],
    )
    assert sorted(name for names in homes.values() for name in names) == sorted(t["name"] for t in tenants)
