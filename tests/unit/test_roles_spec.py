# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role says the same in its argument specification, which is its documentation, and in its defaults, which is what runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(path for place in ("roles", "tests/lab/roles") for path in (ROOT / place).glob("*") if path.is_dir())


class Loader(yaml.SafeLoader):
    """YAML as Ansible writes it: !unsafe and !vault are texts here."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


def read(path: Path) -> dict:
    return (yaml.load(path.read_text(encoding="utf-8"), Loader) or {}) if path.exists() else {}


def specification(role: Path) -> dict[str, dict]:
    """Entry point -> its specification."""
    return read(role / "meta/argument_specs.yml").get("argument_specs", {})


def differences(specs: dict[str, dict], defaults: dict) -> list[str]:
    """One line for each option that the two do not agree on. An option without a default is null, or required and not there."""
    found = []
    known = set()
    for entry, spec in specs.items():
        for name, option in (spec.get("options") or {}).items():
            known.add(name)
            if option.get("required"):
                if name in defaults:
                    found.append(f"{entry}: {name} is required and has a default")
            elif name not in defaults:
                found.append(f"{entry}: {name} is not in the defaults")
            elif option.get("default") != defaults[name]:
                found.append(
                    f"{entry}: {name} is {option.get('default')!r} in the specification, {defaults[name]!r} in the defaults"
                )
    found += [f"{name} is in the defaults and in no specification" for name in sorted(set(defaults) - known)]
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_specification_and_defaults_agree(role):
    specs = specification(role)
    assert specs, f"{role.name} has no meta/argument_specs.yml"
    assert differences(specs, read(role / "defaults/main.yml")) == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_entry_point_exists_and_is_described(role):
    for entry, spec in specification(role).items():
        assert (role / f"tasks/{entry}.yml").exists()
        assert spec.get("short_description")
        assert spec.get("description")
        for name, option in (spec.get("options") or {}).items():
            assert option.get("description"), f"{entry}: {name} is not described"
            assert option.get("type"), f"{entry}: {name} has no type"
            assert option["type"] != "list" or option.get("elements"), (
                f"{entry}: {name} does not say of what it is a list"
            )


@pytest.mark.parametrize("role", [role for role in ROLES if role.parent.parent == ROOT], ids=lambda role: role.name)
def test_roles_need_what_the_collection_needs(role):
    runtime = read(ROOT / "meta/runtime.yml")["requires_ansible"]
    assert runtime == f">={read(role / 'meta/main.yml')['galaxy_info']['min_ansible_version']}.0"


def test_the_comparison_can_fail():
    spec = {"main": {"options": {"a": {"default": 1}, "b": {}, "c": {"required": True}}}}
    assert differences(spec, {"a": 1, "b": None}) == []
    assert len(differences(spec, {"a": 2, "b": None})) == 1
    assert len(differences(spec, {"a": True, "b": 1})) == 1  # True == 1 in Python and means the same here
    assert len(differences(spec, {"a": 1, "c": 3, "d": 4})) == 3
