# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine is installed from on its host satisfies what the engine says it needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement

from ansible_collections.email_engine.fleet.plugins.module_utils.local import wheels

ENGINE = Path(__file__).parents[2] / "engine"
LOCK = (ENGINE / "requirements.lock").read_text(encoding="utf-8")
NEEDED = [
    Requirement(line) for line in tomllib.loads((ENGINE / "pyproject.toml").read_text())["project"]["dependencies"]
]
HOSTS = ["3.11.2", "3.11.9", "3.12.3", "3.13.5"]  # Debian 12, Ubuntu 22.04 with python3.11, Ubuntu 24.04, Debian 13


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(python: str) -> dict[str, str]:
    environment = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "platform_machine": "x86_64",
        "sys_platform": "linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    lines = [Requirement(line.split(" --hash")[0]) for line in wheels.locked(LOCK, environment)]
    found = {canonical(one.name): next(iter(one.specifier)).version for one in lines}
    assert len(found) == len(lines), "one version of each"
    return found


@pytest.mark.parametrize("python", HOSTS)
def test_the_lock_has_what_the_engine_needs(python):
    versions = locked(python)
    lacking = [
        str(one)
        for one in NEEDED
        if canonical(one.name) not in versions or versions[canonical(one.name)] not in one.specifier
    ]
    assert lacking == [], "write it anew: docs/engine.md says how"


@pytest.mark.parametrize("python", HOSTS)
def test_extras_are_locked_too(python):
    assert "psycopg-binary" in locked(python)
