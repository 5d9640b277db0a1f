# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's own wizard, walked through over HTTP by the module; and each way in which it may say no."""

from __future__ import annotations

import copy
import json
import socket
import threading

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local.mailwizz_wizard import Site
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import wizard
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import mailwizz_install
from ansible_collections.email_engine.fleet.tests.integration.mailwizz_instance import as_ansible, program_of
from ansible_collections.email_engine.fleet.tests.standins.mailwizz.instance import Database, Instance


@pytest.fixture(scope="module")
def database():
    with Database() as one:
        yield one


@pytest.fixture
def bare(database):
    """MailWizz's files, served, and an empty database."""
    with Instance(database, db_password="p'w \"x\\") as one:
        yield one


def params(bare, **changes):
    database = {name: bare.db[name] for name in ("host", "port", "name", "user", "password", "prefix")}
    return {
        "market_place": "envato",
        "purchase_code": "TEST-4711",
        "site_name": "Fleet",
        "site_tagline": "Mail of ours",
        "site_description": "Mail of ours",
        "database": {**database, **changes.pop("database", {})},
        "admin": {"first_name": "Ada", "last_name": "Love-Lace", "email": "ada@x.example", "password": "hush hush"},
        "timezone": "Europe/Paris",
        "allow_existing_data": False,
        **changes,
    }


def install(bare, check=False, **changes):
    program, site = program_of(bare), Site(f"{bare.url}/", "mail.x.example", 60)
    return mailwizz_install.run(params(bare, **changes), check, program, site)


def installed(bare):
    return program_of(bare).ask("info", {})["installed"]


def test_from_nothing_to_a_login(bare):
    assert install(bare, check=True) == {"changed": True}
    assert not installed(bare)
    assert install(bare) == {"changed": True, "step": "finish", "version": "2.1.13"}
    assert install(bare) == {"changed": False, "version": "2.1.13"}
    info = program_of(bare).ask("info", {})
    assert info["prefix"] == "mw_"
    empty = ("customers", "lists", "subscribers", "templates", "campaigns", "delivery_servers")
    assert {info["counts"][kind] for kind in empty} == {0}
    (user,) = bare.sql("SELECT email, timezone FROM {{user}};")
    assert user == {"email": "ada@x.example", "timezone": "Europe/Paris"}


def test_over_a_socket_without_a_prefix(bare):
    install(bare, database={"host": f"unix_socket={bare.db['socket']}", "prefix": ""})
    assert program_of(bare).ask("info", {})["prefix"] == ""


def test_as_ansible_runs_it_and_no_secret_comes_back(bare):
    about = params(bare)
    result = as_ansible("mailwizz_install", bare, url=bare.url, host_name="mail.x.example", **about)
    assert result["changed"], result
    text = json.dumps(result)
    assert not [word for word in ("TEST-4711", "hush hush", json.dumps(bare.db["password"])[1:-1]) if word in text]


def test_a_code_that_is_refused_is_told_in_the_products_words(bare):
    result = as_ansible("mailwizz_install", bare, url=bare.url, **params(bare, purchase_code="STOLEN-1"))
    assert result["failed"] and result["step"] == "welcome"
    assert result["errors"] and "purchase code" in " ".join(result["errors"]).lower(), result
    assert "STOLEN-1" not in json.dumps(result)
    assert bare.database.execute("SHOW TABLES;", bare.db["name"]) == ""
    assert install(bare)["changed"]


def test_a_folder_that_cannot_be_written_to_ends_at_its_step(bare):
    (bare.root / "apps/extensions").rmdir()
    with pytest.raises(wizard.Refused, match="apps/extensions") as caught:
        install(bare)
    assert caught.value.step == "filesystem"


def test_a_database_with_tables_is_refused_unless_allowed(bare):
    bare.database.execute("CREATE TABLE precious (n INT);", bare.db["name"])
    for check in (True, False):
        with pytest.raises(FleetError, match="holds 1 tables"):
            install(bare, check=check)
    assert install(bare, allow_existing_data=True)["changed"]
    assert "precious" in bare.database.execute("SHOW TABLES;", bare.db["name"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"port": 1}, "cannot be opened"), ({"password": "other"}, "Access denied"), ({"name": "nowhere"}, "nowhere")],
)
def test_a_database_that_cannot_be_opened_is_told_before_the_wizard_is_asked(bare, wrong, said):
    (bare.root / "install/index.php").unlink()
    with pytest.raises(FleetError, match=said):
        install(bare, database=wrong)


def test_what_did_not_come_to_its_end_is_told(bare):
    install(bare)
    bare.sql("DELETE FROM {{user}};")
    with pytest.raises(FleetError, match="its database has no user: an installation did not come to its end"):
        install(bare, allow_existing_data=True)


def test_a_form_of_another_version_is_named_and_nothing_sent(bare):
    view = bare.root / "install/views/welcome.php"
    view.write_text(view.read_text().replace("purchase_code", "licence_key"))
    with pytest.raises(FleetError, match="no field purchase_code; its fields: market_place, licence_key"):
        install(bare)


def test_a_broken_site_is_told_with_its_status(bare):
    (bare.root / "install/index.php").write_text("<?php http_response_code(500); echo '<title>Fatal</title>';")
    with pytest.raises(wizard.Refused, match="HTTP 500: Fatal"):
        install(bare)


def test_a_site_without_the_wizard_is_told(bare):
    for path in sorted((bare.root / "install").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (bare.root / "install").rmdir()
    with pytest.raises(wizard.Refused) as caught:
        install(bare)
    assert caught.value.step == "welcome"


def test_nobody_who_answers_is_told(bare):
    site = Site("http://127.0.0.1:1/", None, 5)
    with pytest.raises(FleetError, match="step welcome .*refused"):
        mailwizz_install.run(params(bare), False, program_of(bare), site)


def test_one_who_never_answers_is_told(bare):
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()
        thread = threading.Thread(target=lambda: (server.accept(), done.wait(20)))
        thread.start()
        site = Site(f"http://127.0.0.1:{server.getsockname()[1]}/", None, 1)
        try:
            with pytest.raises(FleetError, match="gave no answer within 1 s"):
                mailwizz_install.run(params(bare), False, program_of(bare), site)
        finally:
            done.set()
            thread.join()


def test_what_the_wizard_would_refuse_late_is_refused_first(bare):
    wrong = copy.deepcopy(params(bare)["admin"])
    with pytest.raises(FleetError, match=r"admin\.password"):
        install(bare, admin={**wrong, "password": "short"})
    assert not installed(bare)
