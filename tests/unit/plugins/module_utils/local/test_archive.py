# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local import archive


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "group_vars/all").mkdir(parents=True)
    (root / "hosts.yml").write_text("all:\n")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    shared = tmp_path / "shared.yml"
    shared.write_text("a: 1\n")
    (root / "group_vars/all/shared.yml").symlink_to("../../../shared.yml")
    for name in (".git/config", "__pycache__/x.pyc", "hosts.yml~", "group_vars/.all.swp"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("left out")
    return root


def pack(tree, where, texts=None):
    where.mkdir(exist_ok=True)
    return archive.pack(archive.files_of(str(tree)), texts or {}, str(where), "inventory")


def test_links_are_followed_and_what_nobody_runs_stays(tree, tmp_path):
    path, _digest = pack(tree, tmp_path / "out")
    with tarfile.open(path) as packed:
        found = {member.name: (member.mode, packed.extractfile(member).read()) for member in packed}
    assert found == {
        "group_vars/all/shared.yml": (0o644, b"a: 1\n"),
        "hosts.yml": (0o644, b"all:\n"),
        "run": (0o755, b"#!/bin/sh\n"),
    }


def test_the_same_files_give_the_same_bytes(tree, tmp_path):
    first, digest = pack(tree, tmp_path / "one")
    for path in tree.rglob("*.yml"):
        os.utime(path, (1, 1))
    (tree / "hosts.yml").chmod(0o600)
    second, same = pack(tree, tmp_path / "two")
    assert digest == same and os.path.basename(first) == os.path.basename(second)
    assert Path(first).read_bytes() == Path(second).read_bytes()


@pytest.mark.parametrize("change", ["content", "name", "mode", "text"])
def test_any_difference_gives_another_digest(tree, tmp_path, change):
    _path, before = pack(tree, tmp_path / "out")
    if change == "content":
        (tmp_path / "shared.yml").write_text("a: 2\n")
    elif change == "name":
        (tree / "hosts.yml").rename(tree / "hosts.yaml")
    elif change == "mode":
        (tree / "run").chmod(0o644)
    _path, after = pack(tree, tmp_path / "out", {"more": b"text"} if change == "text" else None)
    assert before != after
    assert len(os.listdir(tmp_path / "out")) == 1, "the older one is gone"


def test_a_text_takes_the_place_of_a_file(tree, tmp_path):
    path, _digest = pack(tree, tmp_path / "out", {"hosts.yml": b"other"})
    with tarfile.open(path) as packed:
        assert packed.extractfile("hosts.yml").read() == b"other" and len(packed.getmembers()) == 3


@pytest.mark.parametrize("target", ["../nowhere", "."])
def test_a_link_to_nowhere_or_in_a_circle_is_refused(tree, tmp_path, target):
    (tree / "group_vars/link").symlink_to(target)
    with pytest.raises(OSError, match="group_vars/link"):
        pack(tree, tmp_path / "out")


def test_only_named_entries_are_taken(tree):
    assert set(archive.files_of(str(tree), ("run", "not there"))) == {"run"}
