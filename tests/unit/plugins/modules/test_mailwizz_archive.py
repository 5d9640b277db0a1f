# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import archive
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import mailwizz_archive

TREE = {name: f"<?php // {name}\n".encode() * 40 for name in (*archive.PIECES, archive.WIZARD)}
TREE[archive.INIT] = b"<?php\ndefine('MW_VERSION', '2.7.3');\n"
TREE["apps/common/data/install-sql/schema.sql"] = b"CREATE TABLE `option` ();"


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return str(path)


def tarred(path, files, mode="w:gz", more=()):
    with tarfile.open(path, mode) as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        for info in more:
            file.addfile(info)
    return str(path)


def below(prefix, files=None):
    return {prefix + name: content for name, content in (files or TREE).items()}


def run(path, tmp_path):
    return mailwizz_archive.run(path, str(tmp_path / "cache"))


def refused(path, tmp_path):
    with pytest.raises(FleetError) as caught:
        run(path, tmp_path)
    assert not [name for name in os.listdir(tmp_path / "cache") if name.endswith(".tar.gz")]
    return str(caught.value)


@pytest.fixture(autouse=True)
def _cache(tmp_path):
    (tmp_path / "cache").mkdir()


def packed(found):
    with tarfile.open(found["path"]) as file:
        return {info.name: (info, file.extractfile(info).read() if info.isfile() else None) for info in file}


@pytest.mark.parametrize(
    "make, prefix, layout",
    [(zipped, "latest/", "release"), (tarred, "var/www/html/", "backup"), (zipped, "", "backup")],
)
def test_both_layouts_give_the_same_tree(tmp_path, make, prefix, layout):
    found = run(make(tmp_path / "source", below(prefix)), tmp_path)
    assert (found["layout"], found["prefix"], found["version"]) == (layout, prefix, "2.7.3")
    assert {name: content for name, (_info, content) in packed(found).items() if content is not None} == TREE
    assert found["files"] == len(TREE)


def test_owners_and_modes_are_set(tmp_path):
    for name, (info, _content) in packed(run(zipped(tmp_path / "a.zip", below("latest/")), tmp_path)).items():
        assert (info.uname, info.gname) == ("root", "www-data")
        assert info.mode == (0o750 if info.isdir() else 0o640), name


def test_every_writable_folder_is_there_though_the_archive_had_it_not(tmp_path):
    names = set(packed(run(zipped(tmp_path / "a.zip", below("latest/")), tmp_path)))
    assert set(archive.WRITABLE) <= names


def test_a_backups_password_and_data_are_left_out(tmp_path):
    data = {archive.CONFIGURATION: b"'password' => 'secret'", "dump.sql.gz": b"x", "frontend/assets/files/a.png": b"x"}
    found = run(tarred(tmp_path / "a.tar.gz", below("srv/", {**TREE, **data})), tmp_path)
    assert found["left_out"] == 3
    assert not set(data) & set(packed(found))


def test_the_second_look_reads_what_the_first_wrote(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", below("latest/"))
    first = run(path, tmp_path)
    monkeypatch.setattr(mailwizz_archive.mailwizz_source, "pack", lambda *_all: pytest.fail("read again"))
    assert run(path, tmp_path) == first


def test_the_same_archive_gives_the_same_bytes(tmp_path):
    path = zipped(tmp_path / "a.zip", below("latest/"))
    both = [mailwizz_archive.run(path, str(tmp_path / name)) for name in ("one", "two")]
    assert Path(both[0]["path"]).read_bytes() == Path(both[1]["path"]).read_bytes()


@pytest.mark.parametrize("make, name", [(zipped, "a.zip"), (tarred, "a.tar.gz")])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(tmp_path, make, name, share):
    path = make(tmp_path / name, {**below("latest/"), "latest/big.bin": os.urandom(100_000)})
    os.truncate(path, int(os.path.getsize(path) * share))
    assert "cannot be read to its end" in refused(path, tmp_path)


def test_a_tar_that_ends_between_two_members_is_refused(tmp_path):
    path = tarred(tmp_path / "a.tar", below("latest/"), mode="w")
    with tarfile.open(path) as file:
        last = file.getmembers()[-1]
    os.truncate(path, last.offset)
    assert "its end is missing" in refused(path, tmp_path)


def test_a_damaged_file_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", below("latest/"))
    with open(path, "r+b") as stream:
        stream.seek(200)
        stream.write(b"\xff" * 8)
    assert "cannot be read to its end" in refused(path, tmp_path)


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_text("<html>Please log in</html>")
    assert "no .zip or .tar" in refused(str(path), tmp_path)


@pytest.mark.parametrize("name", ["mailapp-prod.sql", "mailapp-prod.sql.gz", "renamed.tar.gz", "renamed.zip"])
def test_a_dump_is_refused_whatever_it_is_called(tmp_path, name):
    path = tmp_path / name
    text = b"-- MySQL dump 10.13\nCREATE TABLE mw_campaign (id int);\n"
    path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert "is a dump of a database, and none is imported" in refused(str(path), tmp_path)


def test_another_product_is_refused(tmp_path):
    assert "is no MailWizz" in refused(zipped(tmp_path / "a.zip", {"wp/index.php": b""}), tmp_path)
    strange = {**TREE, archive.INIT: b"<?php // no version"}
    assert "names no MW_VERSION" in refused(zipped(tmp_path / "b.zip", below("latest/", strange)), tmp_path)


def test_a_name_or_link_that_leads_out_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {**below("latest/"), "latest/../../../etc/cron.d/x": b"x"})
    assert "leads out" in refused(path, tmp_path)
    link = tarfile.TarInfo("srv/frontend/assets/files/x")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    assert "link 'srv/frontend" in refused(tarred(tmp_path / "b.tgz", below("srv/"), more=[link]), tmp_path)
    info = zipfile.ZipInfo("latest/apps/x")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(zipped(tmp_path / "c.zip", below("latest/")), "a") as file:
        file.writestr(info, "/etc/passwd")
    assert "link 'latest/apps/x'" in refused(str(tmp_path / "c.zip"), tmp_path)


def test_hard_links_are_files(tmp_path):
    link = tarfile.TarInfo("srv/apps/second.php")
    link.type, link.linkname = tarfile.LNKTYPE, "srv/index.php"
    found = run(tarred(tmp_path / "a.tgz", below("srv/"), more=[link]), tmp_path)
    assert packed(found)["apps/second.php"][1] == TREE["index.php"]


def test_a_hard_link_to_nothing_is_refused(tmp_path):
    link = tarfile.TarInfo("srv/apps/second.php")
    link.type, link.linkname = tarfile.LNKTYPE, "elsewhere"
    assert "which it does not hold" in refused(tarred(tmp_path / "a.tgz", below("srv/"), more=[link]), tmp_path)
