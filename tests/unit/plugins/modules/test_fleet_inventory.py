# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a sender into the inventory: the lines are added, and not a byte of the rest moves."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.modules import fleet_inventory

ROOT = Path(__file__).resolve().parents[4]
ENTRY = {"ip": "192.0.2.9", "domain": "mail9.x.example", "prefix": "team"}


@pytest.mark.parametrize("name", ["example", "two_tenants", "lab"])
def test_only_the_entry_is_added(name):
    before = (ROOT / f"inventories/{name}/group_vars/all/fleet.yml").read_text()
    tenant = yaml.safe_load(before)["fleet_tenants"][0]["name"]
    after = fleet_inventory.with_sender(before, tenant, ENTRY)
    changed = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    assert [line for line in changed if line[0] == "-"] in ([], ["-     senders: []"])
    assert yaml.safe_load(after)["fleet_tenants"][0]["senders"] == [ENTRY]
    again = fleet_inventory.with_sender(after, tenant, {**ENTRY, "ip": "192.0.2.10"})
    assert not [line for line in difflib.ndiff(after.splitlines(), again.splitlines()) if line[0] == "-"]


def test_an_unknown_tenant_or_a_template_is_for_a_person():
    for text in ("fleet_tenants:\n  - name: a\n", "fleet_tenants: '{{ other }}'\n"):
        with pytest.raises(fleet_inventory.CannotWrite):
            fleet_inventory.with_sender(text, "b", ENTRY)


def test_the_file_is_found_and_a_vault_is_named(tmp_path):
    folder = tmp_path / "group_vars/all"
    folder.mkdir(parents=True)
    with pytest.raises(fleet_inventory.CannotWrite, match="no file"):
        fleet_inventory.find_file(str(tmp_path))
    (folder / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    with pytest.raises(fleet_inventory.CannotWrite, match="vault.yml is encrypted"):
        fleet_inventory.find_file(str(tmp_path))
    (folder / "fleet.yml").write_text("fleet_tenants: []\n")
    assert fleet_inventory.find_file(str(tmp_path)) == str(folder / "fleet.yml")


def test_the_lines_can_be_pasted():
    assert yaml.safe_load("\n".join(fleet_inventory.entry_lines(ENTRY))) == [ENTRY]
