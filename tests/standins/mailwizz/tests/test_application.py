# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, the logins, what the first visit leaves, updates and the archives."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from instance import ADMIN, WRITABLE, Browser, Instance

BUILD = Path(__file__).parents[1] / "build"


def test_hello(mailwizz):
    done = mailwizz.console("hello")
    assert (done.returncode, done.stdout) == (0, "Hello World!\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("process-bounces",), ("../hello",), ("Hello",), ("hello", "nobody"), ("hello", "--loud=1"),
        ("option",), ("option", "get_option"), ("option", "set_option", "--name=a.b"),
    ],
)  # fmt: skip
def test_what_the_command_line_refuses(mailwizz, arguments):
    done = mailwizz.console(*arguments)
    assert done.returncode == 1
    assert done.stderr


def test_options(mailwizz):
    assert mailwizz.option("system.common.clean_urls") == "0"
    assert mailwizz.option("system.test.nothing") == ""
    mailwizz.option("system.test.deep.word", "käse 'quoted'")
    assert mailwizz.option("system.test.deep.word") == "käse 'quoted'"
    assert mailwizz.sql("SELECT `key` FROM {{option}} WHERE category = 'system.test.deep'") == [{"key": "word"}]


@pytest.mark.parametrize(
    ("path", "root"), [("/index.php", ""), ("/backend/index.php/guest/index", ""), ("/customer/guest/index", "")]
)
def test_the_first_visit_tells_where_the_site_is(database, path, root):
    with Instance(database) as instance:
        instance.install(first_hit=False)
        with pytest.raises(RuntimeError, match="no web request has reached"):
            instance.script("return AppUrl::absolute('frontend', 'lists');")
        assert instance.option("system.urls.frontend_absolute_url") == ""
        instance.get(path, headers={"Host": "news.example.com"})
        instance.get(path, headers={"Host": "later.example.com"})
        urls = [
            instance.option(f"system.urls.{name}_absolute_url") for name in ("frontend", "backend", "customer", "api")
        ]
        assert urls == [f"http://news.example.com/{name}" for name in ("", "backend/", "customer/", "api/")]
        link = "return AppUrl::absolute('frontend', 'lists/a');"
        assert instance.script(link) == "http://news.example.com/index.php/lists/a"
        instance.option("system.urls.scheme", "https")
        instance.option("system.common.clean_urls", "1")
        assert instance.script(link) == "https://news.example.com/lists/a"


@pytest.mark.parametrize(("application", "model"), [("backend", "UserLogin"), ("customer", "CustomerLogin")])
def test_login(mailwizz, application, model):
    browser = Browser(mailwizz.url)
    entry = f"/{application}/index.php"
    assert browser.get(entry + "/dashboard").location == entry + "/guest/index"
    page = browser.get(entry + "/guest/index").text
    assert 'name="csrf-token-name" content="csrf_token"' in page
    token = re.search(r'name="csrf-token-value" content="(\w+)"', page)[1]
    good = {f"{model}[email]": ADMIN["email"], f"{model}[password]": ADMIN["password"], "csrf_token": token}

    assert browser.post(entry + "/guest/index", {**good, "csrf_token": "0"}).status == 400
    wrong = browser.post(entry + "/guest/index", {**good, f"{model}[password]": "wrong"})
    assert (wrong.status, "Invalid login" in wrong.text) == (200, True)
    assert browser.get(entry + "/dashboard").status == 302

    answer = browser.post(entry + "/guest/index", good)
    assert (answer.status, answer.location) == (302, entry + "/dashboard")
    assert "Ada Lovelace" in browser.get(entry + "/dashboard").text
    assert Browser(mailwizz.url).get(entry + "/dashboard").status == 302
    other = "customer" if application == "backend" else "backend"
    assert browser.get(f"/{other}/index.php/dashboard").status == 302


def test_unknown_pages(mailwizz):
    assert mailwizz.get("/backend/index.php/nothing/at/all").status == 404
    assert mailwizz.get("/backend/index.php/dashboard/nothing").status == 404


def test_update(database):
    with Instance(database) as instance:
        instance.install()
        assert instance.console("update", "--interactive=0").returncode == 0
        migrations = instance.root / "apps/common/data/update-sql"
        migrations.mkdir(exist_ok=True)
        (migrations / "2.1.12.sql").write_text("ALTER TABLE `list` ADD `colour` int(1) NOT NULL DEFAULT '3';\n")
        (migrations / "2.1.13.sql").write_text("UPDATE `nothing` SET a = 1;\n")
        instance.option("system.common.version", "2.1.11")
        answer = instance.get("/customer/index.php/guest/index")
        assert (answer.status, answer.location) == (302, "/backend/index.php/update")

        assert instance.console("update", "--interactive=0").returncode == 1
        assert instance.option("system.common.site_status") == "offline"
        assert instance.option("system.common.version") == "2.1.12"

        (migrations / "2.1.13.sql").write_text("UPDATE `list` SET colour = 1;\n")
        assert instance.console("update", "--interactive=0").returncode == 0
        assert instance.option("system.common.version") == "2.1.13"
        assert instance.option("system.common.site_status") == "online"
        assert instance.script("return Lists::model()->hasAttribute('colour');") is True


def test_offline(database):
    with Instance(database) as instance:
        instance.install()
        instance.option("system.common.site_status", "offline")
        assert instance.get("/customer/index.php/guest/index").status == 503
        assert instance.get("/backend/index.php/guest/index").status == 200


def test_booting_runs_nothing_and_answers_the_application(mailwizz):
    assert mailwizz.script("return get_class(Yii::app());") == "CConsoleApplication"


# --- The archives -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    place = tmp_path_factory.mktemp("archives")
    done = subprocess.run([str(BUILD), str(place)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        str(place / n) for n in ("mailwizz-2.1.13-standin.zip", "mailwizz-prod-standin.tar.gz")
    ]
    return [Path(name) for name in done.stdout.split()]


def test_same_bytes_from_the_same_sources(archives, tmp_path):
    subprocess.run(
        [str(BUILD), str(tmp_path)], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "TZ": "Asia/Tokyo"}
    )
    for archive in archives:
        assert (
            hashlib.sha256(archive.read_bytes()).digest()
            == hashlib.sha256((tmp_path / archive.name).read_bytes()).digest()
        )


def test_the_vendors_layout(archives):
    with zipfile.ZipFile(archives[0]) as archive:
        names = archive.namelist()
        assert {name.split("/")[0] for name in names} == {"latest", "update"}
        assert "define('MW_VERSION', '2.1.13')" in archive.read("latest/apps/init.php").decode()
        template = archive.read("latest/apps/common/data/config/main-custom.php").decode()
        schema = archive.read("latest/apps/common/data/install-sql/schema.sql").decode()
    for folder in WRITABLE:
        assert any(name.startswith(f"latest/{folder}/") for name in names), folder
    assert any(name.startswith("latest/install/views/") for name in names)
    assert not any(
        name.startswith("update/install/") or name.endswith("/config/main-custom.php") and "/data/" not in name
        for name in names
    )
    assert re.findall(r"\{[A-Z_]+\}", template) == [
        "{DB_CONNECTION_STRING}", "{DB_USER}", "{DB_PASS}", "{DB_PREFIX}", "{EMAILS_CUSTOM_HEADER_PREFIX}",
    ]  # fmt: skip
    assert "`mw_" not in schema
    assert "second_quota" not in schema


def test_newer_columns_when_asked_for(tmp_path):
    subprocess.run([str(BUILD), "--newer", str(tmp_path)], capture_output=True, check=True)
    with zipfile.ZipFile(tmp_path / "mailwizz-2.1.13-standin.zip") as archive:
        assert b"second_quota" in archive.read("latest/apps/common/data/install-sql/schema.sql")


def test_a_backup_of_a_server(archives):
    with tarfile.open(archives[1]) as archive:
        names = set(archive.getnames())
        config = archive.extractfile("var/www/html/apps/common/config/main-custom.php").read().decode()
    assert all(name == "var" or name.startswith("var/") for name in names)
    assert "Old-Server-Secret-1" in config
    assert {"var/www/html/backup.sql", "var/www/html/install/index.php", "var/www/html/apps/init.php"} <= names


def test_the_archive_installs(archives, database, tmp_path):
    with zipfile.ZipFile(archives[0]) as archive:
        archive.extractall(tmp_path)
    with Instance(database, tree=tmp_path / "latest") as instance:
        instance.install()
        assert instance.option("system.common.version") == "2.1.13"
