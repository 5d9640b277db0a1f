# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/policy.md: its table is what is shipped, and its example does what it says, in both roles that read the policy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, render
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.policy import nodes
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.policy_check import check
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]
from policy import host_policy, role_policy  # noqa: E402

PAGE = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
EXAMPLE = yaml.safe_load(re.search(r"```yaml\n(policy_provider_changes:.*?)```", PAGE, re.DOTALL)[1])
HOME = {"powermta": "__powermta_policy", "fleet": "__fleet_policy"}


def test_the_table_is_what_is_shipped():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")
    ]
    shown = {row[0]: row[1:5] for row in rows if len(row) == 6}
    del shown["receiver"]
    assert shown == {
        name: [
            str(one["settings"]["max-smtp-out"]),
            str(one["settings"]["max-msg-per-connection"]),
            one["settings"]["max-msg-rate"].removesuffix("/h"),
            ", ".join([*(f"`{host}`" for host in one.get("mx", ())), *(["by IP"] if one.get("by_ip") else [])]),
        ]
        for name, one in role_policy()["providers"].items()
    }


@pytest.fixture(scope="module", params=HOME)
def changed(request, tmp_path_factory):
    """The providers as a role templates them, with the example in the inventory."""
    folder = tmp_path_factory.mktemp(request.param)
    role = yaml.safe_load((ROOT / f"roles/{request.param}/vars/main.yml").read_text(encoding="utf-8"))
    book = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars_files": [str(ROOT / "roles/policy/defaults/main.yml")],
            "vars": {"ansible_python_interpreter": sys.executable, "said": role[HOME[request.param]]["providers"]},
            "tasks": [
                {"ansible.builtin.copy": {"content": "{{ said | to_json }}", "dest": str(folder / "providers.json")}}
            ],
        }
    ]
    (folder / "play.yml").write_text(yaml.safe_dump(book), encoding="utf-8")
    (folder / "inventory.yml").write_text(yaml.safe_dump(EXAMPLE), encoding="utf-8")
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-e", f"@{folder}/inventory.yml"]
    done = subprocess.run([*command, folder / "play.yml"], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "providers.json").read_text(encoding="utf-8"))


def test_the_example_changes_one_number_adds_a_receiver_and_leaves_the_rest(changed):
    shipped = role_policy()["providers"]
    number = EXAMPLE["policy_provider_changes"]["gmail"]["settings"]["max-msg-rate"]
    assert number != shipped["gmail"]["settings"]["max-msg-rate"]
    shipped["gmail"]["settings"]["max-msg-rate"] = number
    shipped["gmx"] = EXAMPLE["policy_provider_changes"]["gmx"]
    assert changed == shipped


def test_the_example_is_rendered_without_a_finding(changed):
    policy = host_policy(providers=changed, domains=EXAMPLE["policy_domains"])
    check(policy)
    text = render(nodes(policy))
    assert [finding for finding in lint(text) if finding.severity == "error"] == []
    assert text.count("max-msg-rate 500/h") >= 4 and "<smtp-pattern-list gmx-replies>" in text


def test_a_change_of_a_receiver_that_is_misspelt_is_told_how_it_is_spelt():
    providers = {**role_policy()["providers"], "gmial": {"settings": {"max-msg-rate": "1/h"}}}
    with pytest.raises(FleetError, match=r"policy_providers\.gmial: has no domains.*: gmail, microsoft"):
        check(host_policy(providers=providers))
