# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import archive
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz.archive import Entry, plan

TREE = [*archive.PIECES, archive.WIZARD, "apps/common/data/install-sql/schema.sql", "frontend/assets/files/logo.png"]


def entries(prefix="", names=(), without=()):
    return [Entry(prefix + name) for name in [*TREE, *names] if name not in without]


def told(problems):
    return "\n".join(map(str, problems))


@pytest.mark.parametrize(
    "prefix, layout",
    [
        ("latest/", "release"),
        ("./latest/", "release"),
        ("mailwizz-2.7.3/latest/", "release"),
        ("", "backup"),
        ("var/www/html/", "backup"),
        ("./var/www/mailwizz/", "backup"),
    ],
)
def test_both_layouts_are_found_whatever_is_in_front(prefix, layout):
    found = plan(entries(prefix), "a.zip")
    assert (found.problems, found.layout) == ([], layout)
    assert found.members[f"{prefix}index.php"] == "index.php"
    assert set(found.members.values()) >= set(archive.PIECES) | {archive.WIZARD}


def test_the_files_of_an_update_are_no_second_mailwizz():
    found = plan([*entries("latest/"), Entry("update/apps/init.php"), Entry("readme.txt")], "a.zip")
    assert found.problems == []
    assert all(name.startswith("latest/") for name in found.members)


def test_two_copies_are_not_chosen_from():
    found = plan([*entries("var/www/html/"), *entries("var/www/old/")], "a.tar.gz")
    assert "2 copies of MailWizz (var/www/html/, var/www/old/)" in told(found.problems)


def test_a_backups_own_data_stays_behind():
    data = [
        archive.CONFIGURATION,
        "apps/common/runtime/cache/x",
        "backend/assets/cache/1/a.js",
        "mailapp-prod.sql.gz",
        "backup.SQL",
    ]
    found = plan(entries("var/www/html/", [*data, "apps/common/runtime/.htaccess", "apps/extensions/ours/a.php"]), "b")
    assert found.problems == []
    assert found.left_out == sorted([*data, "frontend/assets/files/logo.png"])
    assert {"apps/common/runtime/.htaccess", "apps/extensions/ours/a.php"} <= set(found.members.values())
    assert "apps/common/data/install-sql/schema.sql" in found.members.values()


def test_what_a_release_ships_in_such_a_folder_is_the_product():
    assert "frontend/assets/files/logo.png" in plan(entries("latest/"), "a").members.values()
    assert plan(entries("latest/", [archive.CONFIGURATION]), "a").left_out == [archive.CONFIGURATION]


@pytest.mark.parametrize("name", ["../etc/cron.d/x", "/etc/cron.d/x", "latest/../../x", "latest\\..\\x", "a\0b"])
def test_a_name_that_leads_out_is_a_problem(name):
    assert "leads out of the folder" in told(plan([*entries("latest/"), Entry(name)], "a.zip").problems)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd"])
def test_so_is_a_link(target):
    found = plan([*entries("latest/"), Entry("latest/apps/l", "link", target)], "a.zip")
    assert "link 'latest/apps/l'" in told(found.problems)


def test_links_and_devices_of_the_tree_itself_are_not_taken():
    found = plan([*entries("latest/"), Entry("latest/a", "link", "index.php"), Entry("latest/b", "other")], "a.zip")
    assert (found.problems, found.left_out) == ([], ["a", "b"])


def test_what_is_no_mailwizz_is_said_so():
    found = plan([Entry("wordpress/index.php"), Entry("wordpress/wp-config.php")], "/srv/wp.zip")
    assert told(found.problems).startswith("/srv/wp.zip: is no MailWizz: it has no apps/init.php. mailwizz_archive is")


def test_each_missing_piece_is_named():
    for piece in archive.PIECES[1:]:
        assert piece in told(plan(entries("latest/", without=[piece]), "a").problems)
    problems = plan(entries("latest/", without=[archive.WIZARD]), "a").problems
    assert "no install/index.php" in told(problems) and "add its folder install/" in told(problems)


@pytest.mark.parametrize("name", ["a.sql", "a.sql.gz", "mailapp-prod-20260216.SQL.GZ", "x.dump", "x.sql.zip"])
def test_dumps_are_known_by_name(name):
    assert archive.is_dump(name)


@pytest.mark.parametrize("name", ["a.tar.gz", "sql", "mysqldump.php", "a.sql.tar.gz"])
def test_other_files_are_not(name):
    assert not archive.is_dump(name)


@pytest.mark.parametrize(
    "text, version",
    [("<?php\ndefine('MW_VERSION', '2.7.3');", "2.7.3"), ('define("MW_VERSION","3.0.1")', "3.0.1"), ("<?php", None)],
)
def test_the_version_is_read(text, version):
    assert archive.version(text) == version
