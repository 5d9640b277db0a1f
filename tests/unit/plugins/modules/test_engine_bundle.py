# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local import wheels
from ansible_collections.email_engine.fleet.plugins.modules import engine_bundle

PYTHON = {
    "environment": {"python_version": "3.11", "python_full_version": "3.11.2", "platform_machine": "x86_64"},
    "glibc": "2.36",
}
AGE = {"revision": "3f2c", "made_at": "2026-05-01T12:00:00+00:00", "dirty": False, "changed": False}


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A collection and an inventory, and pip's part played by empty wheels: what it fetches is tested in the lab."""
    root = tmp_path / "collection"
    for name in (
        "plugins/modules/a.py",
        "roles/a/tasks/main.yml",
        "tests/test.py",
        "engine/email_engine/a.py",
        "engine/tests/t.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "galaxy.yml").write_text("name: fleet")
    (root / "engine/pyproject.toml").write_text("")
    (root / "engine/requirements.lock").write_text("one==1 --hash=sha256:aa\n")
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text("all:")
    (inventory / engine_bundle.REVISION).write_text("of an earlier copy")
    made = []

    def fetch(wanted, _environment, _glibc, directory):
        made.append(wanted)
        os.mkdir(directory)
        Path(directory, "one-1-py3-none-any.whl").write_text(str(wanted))

    def own(source, directory):
        made.append("own")
        os.mkdir(directory)
        Path(directory, "email_engine-0.1.0-py3-none-any.whl").write_text(Path(source, "email_engine/a.py").read_text())

    monkeypatch.setattr(wheels, "fetch", fetch)
    monkeypatch.setattr(wheels, "own", own)
    return {
        "collection": str(root),
        "inventory": str(inventory),
        "inventory_revision": AGE,
        "cache": str(tmp_path / "cache"),
        "python": PYTHON,
        "made": made,
    }


def names(bundle):
    with tarfile.open(bundle["path"]) as archive:
        return archive.getnames()


def test_it_packs_what_runs(params):
    said = engine_bundle.run(params)
    base = "ansible_collections/email_engine/fleet"
    assert names(said["collection"]) == [
        f"{base}/{name}" for name in ("galaxy.yml", "plugins/modules/a.py", "roles/a/tasks/main.yml")
    ]
    assert names(said["inventory"]) == [engine_bundle.REVISION, "hosts.yml"]
    assert names(said["wheels"]) == [
        "email_engine-0.1.0-py3-none-any.whl",
        "one-1-py3-none-any.whl",
        "requirements.txt",
    ]
    with tarfile.open(said["inventory"]["path"]) as archive:
        assert json.load(archive.extractfile(engine_bundle.REVISION)) == {"revision": "3f2c", "made_at": AGE["made_at"]}
    assert all(bundle["digest"] in bundle["path"] for bundle in said.values())
    assert Path(params["cache"]).stat().st_mode & 0o777 == 0o700


def test_a_second_run_makes_nothing_and_says_the_same(params):
    first = engine_bundle.run(params)
    assert engine_bundle.run(params) == first and len(params["made"]) == 2


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("collection/plugins/modules/a.py", "collection"),
        ("collection/engine/email_engine/a.py", "wheels"),
        ("inventory/hosts.yml", "inventory"),
        ("collection/tests/test.py", None),
        ("collection/engine/tests/t.py", None),
    ],
)
def test_a_change_moves_its_own_digest_and_no_other(params, tmp_path, name, changed):
    before = engine_bundle.run(params)
    (tmp_path / name).write_text("changed")
    after = engine_bundle.run(params)
    assert [part for part in before if before[part] != after[part]] == ([changed] if changed else [])


def test_another_lock_fetches_again_and_forgets_what_was(params, tmp_path):
    engine_bundle.run(params)
    (tmp_path / "collection/engine/requirements.lock").write_text("one==2 --hash=sha256:bb\n")
    engine_bundle.run(params)
    assert params["made"] == [["one==1 --hash=sha256:aa"], "own", ["one==2 --hash=sha256:bb"]]
    assert len([name for name in os.listdir(params["cache"]) if name.startswith("fetched-")]) == 1
