# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of two checkouts, the one that was changed last says the last word."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import datetime, timezone

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.revision import RECORD
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules.inventory_revision import run

YEAR = 365 * 24 * 3600
THEN = 1_700_000_000


def command(words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def look(place):
    found = run(str(place), command)
    assert found.made_at.tzinfo is not None
    return found.revision, int(found.made_at.timestamp()), found.dirty


class Checkout:
    """A repository with an inventory that links the shared policy, as the shipped ones do."""

    def __init__(self, place):
        self.place, self.inventory = place, place / "inventories" / "production"
        self.git("init", "--quiet")
        self.write("group_vars/policy.yml", "a: 1\n")
        self.write("README.md", "text\n")
        self.write("inventories/production/hosts.yml", "all: {}\n")
        (self.inventory / "00_policy.yml").symlink_to("../../group_vars/policy.yml")
        self.commit(THEN)

    def git(self, *words, when=THEN):
        dates = {"GIT_COMMITTER_DATE": f"@{when} +0000", "GIT_AUTHOR_DATE": f"@{when} +0000"}
        who = ["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", "-C", str(self.place), *who, *words],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **dates},
        )
        return done.stdout.strip()

    def write(self, name, text, when=THEN + 50):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (when, when))

    def commit(self, when):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change", when=when)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_it_is_as_old_as_its_last_commit(checkout):
    head = checkout.git("rev-parse", "HEAD")
    assert look(checkout.inventory) == (head, THEN, False)


@pytest.mark.parametrize("name", ["inventories/production/hosts.yml", "group_vars/policy.yml"])
def test_a_commit_that_changes_it_makes_it_newer(checkout, name):
    checkout.write(name, "longer: than before\n")
    assert look(checkout.inventory) == (look(checkout.inventory)[0], THEN + 50, True)
    head = checkout.commit(THEN + 100)
    assert look(checkout.inventory) == (head, THEN + 100, False)


def test_a_commit_of_something_else_does_not(checkout):
    before = look(checkout.inventory)
    checkout.write("README.md", "other\n")
    checkout.commit(THEN + 100)
    assert look(checkout.inventory) == before


def test_a_removed_file_counts(checkout):
    checkout.write("inventories/production/more.yml", "c: 3\n")
    checkout.commit(THEN + 10)
    (checkout.inventory / "more.yml").unlink()
    revision, made_at, dirty = look(checkout.inventory)
    assert dirty and revision.endswith("-dirty") and made_at >= time.time() - 60
    head = checkout.commit(THEN + 20)
    assert look(checkout.inventory) == (head, THEN + 20, False)


def test_a_new_file_counts_and_an_ignored_one_does_not(checkout):
    checkout.write("inventories/production/.gitignore", "password\n")
    head = checkout.commit(THEN + 10)
    checkout.write("inventories/production/password", "x\n", THEN + 60)
    assert look(checkout.inventory) == (head, THEN + 10, False)
    checkout.write("inventories/production/späte datei.yml", "c: 3\n", THEN + 70)
    assert look(checkout.inventory) == (f"{head}-dirty", THEN + 70, True)


def test_a_linked_file_outside_counts_by_its_time(checkout, tmp_path_factory):
    shared = tmp_path_factory.mktemp("shared") / "policy.yml"
    shared.write_text("x: 1\n")
    os.utime(shared, (THEN + 500, THEN + 500))
    (checkout.inventory / "shared.yml").symlink_to(shared)
    head = checkout.commit(THEN + 10)
    assert look(checkout.inventory) == (f"{head}-dirty", THEN + 500, True)


def test_without_git_its_newest_file_counts(tmp_path):
    for name, when in (("hosts.yml", THEN), ("all.yml", THEN + 7)):
        (tmp_path / name).write_text("x\n")
        os.utime(tmp_path / name, (when, when))
    assert look(tmp_path) == ("uncommitted", THEN + 7, False)


def test_a_repository_without_it_counts_as_none(checkout):
    checkout.write("inventories/other/hosts.yml", "all: {}\n", THEN + 9)
    assert look(checkout.place / "inventories/other")[:2] == ("uncommitted", THEN + 9)


def test_a_time_to_come_is_now(tmp_path):
    (tmp_path / "hosts.yml").write_text("x\n")
    os.utime(tmp_path / "hosts.yml", (time.time() + YEAR, time.time() + YEAR))
    assert look(tmp_path)[1] <= time.time()


def test_a_copy_says_how_old_it_is(checkout):
    said = {"revision": "abc", "made_at": "2026-11-22T10:00:00+00:00"}
    (checkout.inventory / RECORD).write_text(json.dumps(said))
    when = datetime(2026, 11, 22, 10, tzinfo=timezone.utc).timestamp()
    assert look(checkout.inventory) == ("abc", when, False)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"revision": "a", "made_at": "2026-11-22T10:00:00"}', '{"revision": 1, "made_at": "x"}', "[]"]
)
def test_a_copy_that_does_not_say_it_is_refused(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(FleetError, match="does not say how old"):
        run(str(tmp_path), command)


def test_no_inventory(tmp_path):
    with pytest.raises(FleetError, match="is no directory"):
        run(str(tmp_path / "none"), command)
