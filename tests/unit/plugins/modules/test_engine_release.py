# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import grp
import io
import os
import tarfile

import pytest

from ansible_collections.email_engine.fleet.plugins.modules import engine_release

GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def release(tmp_path):
    (tmp_path / "trees").mkdir()

    def run(name, content=None, check=False, **more):
        archive = tmp_path / f"{name}.tar"
        if content is not None:
            with tarfile.open(archive, "w") as stream:
                for inside, text in content.items():
                    member = tarfile.TarInfo(inside)
                    member.size, member.mode = len(text), 0o755 if inside.startswith("bin/") else 0o600
                    stream.addfile(member, io.BytesIO(text))
        params = {
            "directory": str(tmp_path / "trees"),
            "name": name,
            "archive": str(archive),
            "link": str(tmp_path / "link"),
            "keep": 2,
            "owner": getpass.getuser(),
            "group": GROUP,
            "readable": "all",
            **more,
        }
        return engine_release.run(params, check)

    return run


def modes(path):
    return {str(one.relative_to(path)): oct(one.stat().st_mode & 0o777) for one in sorted([path, *path.rglob("*")])}


@pytest.mark.parametrize(
    ("readable", "wanted"),
    [
        ("all", {".": "0o755", "bin": "0o755", "bin/run": "0o755", "hosts.yml": "0o644"}),
        ("group", {".": "0o750", "bin": "0o750", "bin/run": "0o750", "hosts.yml": "0o640"}),
    ],
)
def test_a_tree_is_unpacked_and_the_link_leads_to_it(release, tmp_path, readable, wanted):
    said = release("one", {"hosts.yml": b"all:", "bin/run": b"#!"}, readable=readable)
    assert said["changed"] and said["path"] == str(tmp_path / "trees/one") and said["before"] == ""
    assert (tmp_path / "link/hosts.yml").read_bytes() == b"all:"
    assert modes(tmp_path / "trees/one") == wanted
    assert not (tmp_path / "one.tar").exists()
    assert not release("one")["changed"], "the archive is not needed again"


def test_check_mode_tells_and_does_nothing(release, tmp_path):
    said = release("one", {"hosts.yml": b"all:"}, check=True)
    assert said["changed"] and said["diff"]["after"] == f"{tmp_path}/trees/one\n"
    assert not (tmp_path / "link").is_symlink() and list((tmp_path / "trees").iterdir()) == []


def test_the_newest_are_kept_and_the_current_one_always(release, tmp_path):
    for number, name in enumerate(("one", "two", "three")):
        release(name, {"hosts.yml": name.encode()}, keep=9)
        os.utime(tmp_path / "trees" / name, (number, number))
    (tmp_path / "trees/.new-cut-off").mkdir()
    said = release("one")
    assert said["removed"] == [".new-cut-off", "two"] and said["before"] == f"{tmp_path}/trees/three"
    assert sorted(path.name for path in (tmp_path / "trees").iterdir()) == ["one", "three"]
    assert (tmp_path / "link/hosts.yml").read_bytes() == b"one"


@pytest.mark.parametrize("name", ["../out", "/etc/out"])
def test_an_archive_stays_in_its_tree(release, tmp_path, name):
    with pytest.raises(OSError, match="no file of a tree"):
        release("one", {"fine": b"", name: b"x"})
    assert list((tmp_path / "trees").iterdir()) == [] and not (tmp_path / "link").is_symlink()


def test_what_is_no_archive_changes_nothing(release, tmp_path):
    (tmp_path / "one.tar").write_text("no archive")
    with pytest.raises(tarfile.TarError):
        release("one")
    assert list((tmp_path / "trees").iterdir()) == []


def test_without_an_archive_the_tree_has_to_be_there(release, tmp_path):
    with pytest.raises(OSError, match="one is not there"):
        release("one", archive=None)
    (tmp_path / "trees/one").mkdir()
    assert release("one", archive=None)["changed"]
    assert os.readlink(tmp_path / "link") == str(tmp_path / "trees/one")
