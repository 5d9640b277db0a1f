# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/dnsbl-check.md: its catalogue is the one that is shipped, and its example can be used."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.catalogue import DEAD, LISTS, SEVERITIES
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.lists import chosen

ROOT = Path(__file__).resolve().parents[5]
PAGE = (ROOT / "docs/dnsbl-check.md").read_text(encoding="utf-8")
CATALOGUE = PAGE.split("## The catalogue", 1)[1]


def row(name: str, entry: dict) -> str:
    said = {severity for severity, _meaning in (*entry.get("codes", {}).values(), *entry.get("bits", {}).values())}
    zone = entry.get("zone") or entry["keyed_zone"].replace("{key}", "KEY")
    what = "domains" if entry["kind"] == "domain" else "addresses" + (", IPv6 too" if entry.get("ipv6") else "")
    asked = "when named"
    if entry["asked"]:
        asked = "yes" if entry.get("zone") else f"with the key `{entry['key']}`"
    severities = ", ".join(severity for severity in SEVERITIES if severity in said)
    return f"| `{name}` | `{zone}` | {what} | {asked} | {severities} | {entry['licence']} |"


def test_the_catalogue_is_the_one_that_is_shipped():
    shown = [line for line in CATALOGUE.splitlines() if line.startswith("| `")]
    assert shown == [row(*item) for item in sorted(LISTS.items(), key=lambda item: (-item[1]["weight"], item[0]))]
    assert set(re.findall(r"`(\w+)` \(", CATALOGUE.split("Dead, ", 1)[1])) == set(DEAD)


def test_the_example_can_be_used():
    example = yaml.safe_load(re.search(r"```yaml\n(policy_dnsbl:.*?)```", PAGE, re.DOTALL)[1])["policy_dnsbl"]
    found = {one.name: one for one in chosen(example["lists"], {}, example["changes"])}
    assert "uceprotect3" not in found
    assert found["spamcop"].severity == "minor"
    assert found["own"].zone == "bl.example.net"


def test_every_variable_is_told():
    defaults = yaml.safe_load((ROOT / "roles/policy/defaults/main.yml").read_text(encoding="utf-8"))["policy_dnsbl"]
    variables = PAGE.split("## Variables", 1)[1].split("```", 1)[0]
    assert [
        name for name in defaults if f"`policy_dnsbl.{name}`" not in variables and f"`{name}`" not in variables
    ] == []
