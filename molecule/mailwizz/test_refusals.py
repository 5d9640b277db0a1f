# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role refuses before it changes anything; then, on the same machine emptied, the wizard's refusal and the other archive."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

testinfra_hosts = ["ansible://mailwizz"]

PROJECT = Path(__file__).resolve().parents[2]
ROOT = "/var/www/mailwizz"
MARK = "/var/lib/email-engine-mailwizz/unpacked-var-www-mailwizz.json"
ARCHIVES = Path("/var/lib/email-engine-lab/mailwizz")
RELEASE, BACKUP = ARCHIVES / "mailwizz-2.1.13-standin.zip", ARCHIVES / "mailwizz-prod-standin.tar.gz"


@pytest.fixture
def play(request):
    """The playbook once more, for this host: its status and what it says."""

    def play(check=True, **variables):
        inventory = str(Path(request.config.getoption("ansible_inventory")).resolve())
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", inventory]
        command += ["email_engine.fleet.mailwizz", "-e", json.dumps(variables), *(["--check"] if check else [])]
        environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_INJECT_FACT_VARS": "false"}
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return play


@pytest.fixture
def refused(play):
    def refused(*words, check=True, **variables):
        code, said = play(check, **variables)
        assert code, said
        recap = said.rpartition("PLAY RECAP")[2]
        assert "changed=0" in recap and "changed=1" not in recap, said
        text = " ".join(said.split())
        for word in words:
            assert word in text, said

    return refused


@contextlib.contextmanager
def changed(host, begin, end):
    host.check_output(begin)
    try:
        yield
    finally:
        host.check_output(end)


def test_a_second_run_changes_nothing_and_check_mode_with_diff_neither(play):
    for check in (True, False):
        code, said = play(check=check)
        recap = said.rpartition("PLAY RECAP")[2]
        assert code == 0 and "changed=0" in recap and "changed=1" not in recap, said


# Archives ---------------------------------------------------------------------------------------------------------------


def test_an_archive_that_is_not_there(refused):
    refused("mailwizz_archive is /srv/none.zip", mailwizz_archive="/srv/none.zip")


def test_another_products_archive(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "wordpress.zip", "w") as file:
        file.writestr("wordpress/index.php", "<?php")
    refused("wordpress.zip: is no MailWizz: it has no apps/init.php", mailwizz_archive=str(tmp_path / "wordpress.zip"))


def test_a_truncated_archive(refused, tmp_path):
    path = tmp_path / BACKUP.name
    path.write_bytes(BACKUP.read_bytes()[:-5000])
    refused("cannot be read to its end", "Copy it again", mailwizz_archive=str(path))


def test_a_dump_in_the_place_of_the_archive(refused, tmp_path):
    path = tmp_path / "mailapp-prod.sql.gz"
    path.write_bytes(gzip.compress(b"-- MySQL dump 10.13\nINSERT INTO mw_campaign VALUES (1);\n"))
    refused("is a dump of a database, and none is imported", mailwizz_archive=str(path))


def test_an_archive_that_leads_out_of_its_folder(refused, tmp_path):
    path = tmp_path / "evil.zip"
    path.write_bytes(RELEASE.read_bytes())
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("latest/../../../../etc/cron.d/evil", "* * * * * root true\n")
    refused("leads out of the folder", mailwizz_archive=str(path))


# Variables --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vps1", "198.18.0.11"])
def test_a_name_that_links_cannot_have(refused, name):
    refused(f"mailwizz_hostname is {name}", mailwizz_hostname=name)


def test_tracking_names_that_are_none(refused):
    refused(
        "mailwizz_tracking_names has go, 198.18.0.11,", mailwizz_tracking_names=["go", "198.18.0.11", "go.lab.test"]
    )


def test_reports_from_a_name(refused):
    refused(
        "mailwizz_webhook_addresses names cafe, and", mailwizz_webhook_addresses=["198.18.0.12", "cafe", "fd00::/8"]
    )


def test_a_tenant_that_nobody_declared(refused):
    refused("'sos-holiday' is no tenant of fleet_tenants", mailwizz_tenants=["sos-holiday"])


def test_a_php_that_is_not_to_be_had(refused):
    refused("mailwizz_php_version is 7.1", "have no php7.1-fpm", mailwizz_php_version="7.1")


def test_certificates_that_are_not_named(refused):
    refused("set mailwizz_tls_certificate and mailwizz_tls_key", mailwizz_tls="files")


def test_a_database_that_cannot_be_reached(refused):
    there = {"host": "198.18.0.12", "port": 3399, "name": "mailwizz", "user": "mailwizz", "password": "not-the-fault"}
    refused(
        "cannot reach the database at 198.18.0.12, port 3399",
        mailwizz_database=there,
        mailwizz_database_managed=False,
    )


FRESH = {"mailwizz_root": "/var/www/another"}


def test_an_installation_without_what_the_wizard_asks_for(refused):
    admin, database = {"email": "admin", "password": "short"}, {"name": "a`b", "password": "short"}
    refused(
        "mailwizz_purchase_code is not set",
        "mailwizz_admin.email is not set, or no address",
        "mailwizz_admin.password is not set, or shorter",
        "mailwizz_database.password is not set, or shorter",
        "mailwizz_database.name and .user are letters",
        **FRESH,
        mailwizz_purchase_code="",
        mailwizz_admin=admin,
        mailwizz_database=database,
    )


def test_what_the_wizard_would_not_take(refused):
    refused(
        "site_name: holds the word mailwizz",
        "site_tagline: has 101 characters",
        **FRESH,
        mailwizz_site_name="Our MailWizz",
        mailwizz_site_tagline="x" * 101,
    )


# What is there already --------------------------------------------------------------------------------------------------


def test_a_mailwizz_that_somebody_else_installed(host, play, refused):
    before = host.check_output(
        f"find {ROOT} -newermt 1970-01-01 -type f ! -path '*/runtime/*' | sort | xargs sha256sum | sha256sum"
    )
    with changed(host, f"mv {MARK} {MARK}.kept", f"rm -f {MARK}; mv {MARK}.kept {MARK}"):
        refused("holds a MailWizz that this role did not install", "mailwizz_allow_existing_data")
        code, said = play(check=False, mailwizz_allow_existing_data=True)
        assert code == 0 and "changed=1 " in said.rpartition("PLAY RECAP")[2], said
    after = host.check_output(
        f"find {ROOT} -newermt 1970-01-01 -type f ! -path '*/runtime/*' | sort | xargs sha256sum | sha256sum"
    )
    assert before == after, "it was taken over as it was"


def test_files_of_something_else(host, refused):
    with changed(host, "mkdir -p /var/www/another/blog", "rm -r /var/www/another"):
        refused("/var/www/another holds 1 files or folders that are no MailWizz", **FRESH)


def test_a_database_with_data_that_no_mailwizz_uses(refused):
    refused("the database mailwizz holds", "They are not touched", "mailwizz_allow_existing_data", **FRESH)


def test_another_database_than_the_one_it_uses(refused):
    database = {"name": "another", "password": "long enough"}
    refused("uses the database mailwizz, and mailwizz_database.name says another", mailwizz_database=database)


def test_another_password_than_the_one_it_uses(host, refused):
    refused("Access denied", "main-custom.php first", mailwizz_database={"password": "another one"}, check=False)
    assert host.run("cd / && runuser -u www-data -- php /var/www/mailwizz/apps/console/console.php hello").rc == 0


# From the beginning, with the other archive -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emptied(host):
    host.check_output(f"rm -rf {ROOT} {MARK} /etc/cron.d/mailwizz && mariadb --execute='DROP DATABASE mailwizz'")


@pytest.mark.usefixtures("emptied")
def test_a_wrong_purchase_code_is_refused_in_the_products_words(host, play):
    code, said = play(check=False, mailwizz_purchase_code="WRONG-SECRET-0001", mailwizz_archive=str(BACKUP))
    assert code and "step welcome" in said and "purchase code" in said.lower(), said
    assert "WRONG-SECRET-0001" not in said
    assert not host.file("/etc/cron.d/mailwizz").exists
    assert (
        host.check_output(
            "mariadb -BNe \"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='mailwizz'\""
        )
        == "0"
    )


def test_a_backup_of_a_server_is_installed_without_that_servers_data(host, play):
    code, said = play(check=False, mailwizz_archive=str(BACKUP))
    assert code == 0, said
    assert host.check_output("mariadb -BNe 'SELECT COUNT(*) FROM mailwizz.mw_campaign'") == "0"
    assert host.check_output(f"grep -rlE 'Old-Server-Secret|Old.,.Customer|old customer' {ROOT} || true") == ""
    assert host.check_output(f"find {ROOT} -name '*.sql' ! -path '*/install-sql/*' ! -path '*/update-sql/*'") == ""
    writable = host.check_output(f"cd / && runuser -u www-data -- find {ROOT} -name '*.php' -writable")
    assert writable == ""
    assert not host.file(f"{ROOT}/install").exists
    code, said = play(check=False, mailwizz_archive=str(BACKUP))
    recap = said.rpartition("PLAY RECAP")[2]
    assert code == 0 and "changed=0" in recap and "changed=1" not in recap, said
