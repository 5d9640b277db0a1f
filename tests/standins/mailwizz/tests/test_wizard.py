# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer over HTTP: order, fields, what each step refuses, what it leaves behind."""

from __future__ import annotations

import html
import re
import stat
import subprocess

import pytest
from instance import ADMIN, STEPS, Browser


def errors(text: str) -> list[str]:
    """Texts of the fields' errors and of the summary, as a reader of the page sees them."""
    found = re.findall(r'<div class="(?:errorMessage|alert[^"]*)">(.*?)</div>', text, re.S)
    return [html.unescape(item) for item in found]


def walk(browser: Browser, fields: dict, until: str):
    """Posts the steps before `until`, each of which must be accepted."""
    for step in STEPS[: STEPS.index(until)]:
        answer = browser.post(f"/install/index.php?route={step}", {**fields[step], "next": "1"})
        assert (answer.status, errors(answer.text)) == (302, []), step


def submit(browser: Browser, fields: dict, step: str, **changed: str):
    return browser.post(f"/install/index.php?route={step}", {**fields[step], **changed, "next": "1"})


@pytest.mark.parametrize("prefix", ["mw_", "", "a1_b2_"])
def test_seven_steps_lead_to_a_working_site(bare, prefix):
    browser = Browser(bare.url)
    fields = bare.wizard(prefix)
    for step, following in zip(STEPS, [*STEPS[1:], "finish"]):
        page = browser.get(f"/install/index.php?route={step}")
        assert page.status == 200
        assert set(re.findall(r'name="(\w+)"', page.text)) == {*fields[step], "next"}
        answer = submit(browser, fields, step)
        assert (answer.status, answer.location) == (302, f"index.php?route={following}"), answer.text
    assert browser.get("/install/index.php?route=finish").status == 200
    bare.db["prefix"] = prefix

    tables = {list(row.values())[0] for row in bare.sql("SHOW TABLES")}
    assert {f"{prefix}option", f"{prefix}user", f"{prefix}delivery_server", f"{prefix}country"} <= tables
    assert all(table.startswith(prefix) for table in tables)
    stored = {
        f"{row['category']}.{row['key']}": row["value"]
        for row in bare.sql(
            "SELECT category, `key`, CONVERT(value USING utf8) AS value FROM {{option}}"
            " WHERE category IN ('system.common', 'system.license')"
        )
    }
    assert stored["system.common.version"] == "2.1.13"
    assert stored["system.common.site_name"] == "Fleet"
    assert stored["system.common.clean_urls"] == "0"
    assert stored["system.license.purchase_code"] == "TEST-1234"
    assert stored["system.license.market_place"] == "envato"
    assert stored["system.license.email"] == ADMIN["email"]
    for table in ("user", "customer"):
        (person,) = bare.sql(f"SELECT email, password, status, LENGTH({table}_uid) AS uid FROM {{{{{table}}}}}")
        assert (person["email"], person["status"], person["uid"]) == (ADMIN["email"], "active", "13")
        assert re.fullmatch(r"\$P\$G.{30}", person["password"])  # G: cost 13
    for table in ("campaign", "list", "list_subscriber", "customer_email_template", "delivery_server"):
        assert bare.sql(f"SELECT COUNT(*) AS n FROM {{{{{table}}}}}") == [{"n": "0"}]


def test_the_configuration_is_the_template_filled_in_and_closed(bare):
    bare.install(first_hit=False)
    config = bare.root / "apps/common/config/main-custom.php"
    assert stat.S_IMODE(config.stat().st_mode) == 0o555
    text = config.read_text()
    assert "{DB_" not in text
    assert f"mysql:host=127.0.0.1;port={bare.db['port']};dbname={bare.db['name']}" in text
    assert "'email.custom.header.prefix' => 'X-'" in text


def test_quotes_in_the_password(database):
    from instance import Instance

    with Instance(database, db_password="o'brien\\'s \"quotes\"") as instance:
        instance.install()
        assert instance.option("system.common.version") == "2.1.13"


def test_the_database_may_be_a_socket(bare):
    bare.install(database={"hostname": f"unix_socket={bare.db['socket']}", "port": ""})
    assert bare.option("system.common.version") == "2.1.13"


def test_without_customer(bare):
    bare.install(admin={"create_customer": "no"})
    assert bare.sql("SELECT COUNT(*) AS n FROM {{customer}}") == [{"n": "0"}]


def test_the_views_name_the_fields(bare_shared):
    """Who drives an installer reads the names in install/views first."""
    for step, fields in bare_shared.wizard().items():
        view = (bare_shared.root / f"install/views/{step}.php").read_text()
        assert set(re.findall(r'name="(\w+)"', view)) == {*fields, "next"}, step


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"purchase_code": "ENVATO-1234"}, "Invalid purchase code"),
        ({"purchase_code": "TEST-"}, "Invalid purchase code"),
        ({"purchase_code": ""}, "Please enter the purchase code"),
        ({"market_place": "elsewhere"}, "market place"),
        ({"site_name": "x"}, "between 2 and 20"),
        ({"site_name": "x" * 21}, "between 2 and 20"),
        ({"site_tagline": "x" * 101}, "between 2 and 100"),
        ({"site_description": "x" * 201}, "between 2 and 200"),
        ({"site_name": "Our MailWizz"}, "must not contain"),
        ({"site_description": "runs mailwizz"}, "must not contain"),
        ({"terms_consent": ""}, "terms and conditions"),
    ],
)
def test_welcome_refuses(bare_shared, changed, said):
    browser = Browser(bare_shared.url)
    answer = submit(browser, bare_shared.wizard(), "welcome", **changed)
    assert answer.status == 200
    assert any(said in error for error in errors(answer.text)), errors(answer.text)
    assert browser.get("/install/index.php?route=requirements").location == "index.php?route=welcome"


def test_a_post_without_next_is_a_visit(bare_shared):
    browser = Browser(bare_shared.url)
    answer = browser.post("/install/index.php?route=welcome", bare_shared.wizard()["welcome"])
    assert (answer.status, errors(answer.text)) == (200, [])


def test_steps_in_their_order_only(bare_shared):
    browser = Browser(bare_shared.url)
    fields = bare_shared.wizard()
    assert submit(browser, fields, "database").location == "index.php?route=welcome"
    walk(browser, fields, "filesystem")
    assert submit(browser, fields, "admin").location == "index.php?route=filesystem"
    browser.get("/install/index.php?route=welcome")  # clears the session
    assert submit(browser, fields, "filesystem").location == "index.php?route=welcome"


def test_state_is_in_the_session(bare_shared):
    fields = bare_shared.wizard()
    walk(Browser(bare_shared.url), fields, "filesystem")
    assert submit(Browser(bare_shared.url), fields, "filesystem").location == "index.php?route=welcome"


@pytest.mark.parametrize("left_out", ["User-Agent", "Accept"])
def test_requirements_want_two_headers(bare_shared, left_out):
    browser = Browser(bare_shared.url, headers={"User-Agent": "x", "Accept": "*/*", left_out: ""})
    walk(browser, bare_shared.wizard(), "requirements")
    answer = submit(browser, bare_shared.wizard(), "requirements")
    assert answer.status == 200
    assert "HTTP_" + left_out.upper().replace("-", "_") in errors(answer.text)[0]


@pytest.mark.parametrize("step", ["requirements", "filesystem"])
def test_a_result_of_zero_is_refused(bare_shared, step):
    browser = Browser(bare_shared.url)
    walk(browser, bare_shared.wizard(), step)
    assert submit(browser, bare_shared.wizard(), step, result="0").status == 200


def test_every_folder_must_be_writable(bare_shared):
    folder = bare_shared.root / "frontend/assets/gallery"
    browser = Browser(bare_shared.url)
    fields = bare_shared.wizard()
    walk(browser, fields, "filesystem")
    folder.chmod(0o555)
    try:
        answer = submit(browser, fields, "filesystem")
        assert answer.status == 200
        assert errors(answer.text) == [
            "Not all folders are writable, please fix them to continue! frontend/assets/gallery"
        ]
    finally:
        folder.chmod(0o755)
    assert submit(browser, fields, "filesystem").status == 302


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "wrong"}, "Access denied"),
        ({"dbname": "nowhere"}, "Access denied"),
        ({"port": "1"}, "Connection refused"),
        ({"hostname": "unix_socket=/nowhere"}, "No such file"),
        ({"hostname": ""}, "Please provide the hostname!"),
        ({"username": ""}, "Please provide the username!"),
        ({"port": "http"}, "The port is a number!"),
        ({"dbname": "a;b"}, "The database name may hold"),
        ({"prefix": "MW_"}, "The tables prefix may hold"),
        ({"prefix": "mw-"}, "The tables prefix may hold"),
    ],
)
def test_database_refuses(bare_shared, changed, said):
    browser = Browser(bare_shared.url)
    fields = bare_shared.wizard()
    walk(browser, fields, "database")
    answer = submit(browser, fields, "database", **changed)
    assert answer.status == 200
    assert any(said in error for error in errors(answer.text)), errors(answer.text)
    assert fields["database"]["password"] not in answer.text
    assert not (bare_shared.root / "apps/common/config/main-custom.php").exists()


def test_a_database_that_holds_tables_fails_in_the_middle(bare):
    """The configuration is written by then: another visitor is sent away, this one may go on."""
    fields = bare.wizard()
    browser = Browser(bare.url)
    walk(browser, fields, "database")
    schema = (bare.root / "apps/common/data/install-sql/schema.sql").read_text()
    insert = (bare.root / "apps/common/data/install-sql/insert.sql").read_text()
    bare.database.execute(
        "\n".join(part.replace("INTO `", "INTO `mw_").replace("EXISTS `", "EXISTS `mw_").replace("REFERENCES `", "REFERENCES `mw_")
                  for part in (schema, insert)),
        bare.db["name"],
    )  # fmt: skip
    answer = submit(browser, fields, "database")
    assert (answer.status, "Duplicate entry" in errors(answer.text)[0]) == (200, True)
    assert Browser(bare.url).get("/install/index.php?route=welcome").location == "../"
    for table in [list(row.values())[0] for row in bare.sql("SHOW TABLES")]:
        bare.sql(f"SET FOREIGN_KEY_CHECKS=0; DROP TABLE `{table}`")
    assert submit(browser, fields, "database").status == 302


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"first_name": "A"}, "first name"),
        ({"last_name": "R2-D2"}, "last name"),
        ({"email": "ada"}, "valid email"),
        ({"password": "five5"}, "at least 6"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ],
)
def test_admin_refuses(at_admin, changed, said):
    browser, fields = at_admin
    answer = submit(browser, fields, "admin", **changed)
    assert answer.status == 200
    assert any(said in error for error in errors(answer.text)), errors(answer.text)


def test_the_crontab_is_shown(bare):
    browser = Browser(bare.url)
    fields = bare.wizard()
    walk(browser, fields, "cron")
    text = html.unescape(browser.get("/install/index.php?route=cron").text)
    lines = [line for line in text.splitlines() if "console.php" in line]
    assert [line.split("console.php ")[1].split()[0] for line in lines] == [
        "send-campaigns",
        "queue",
        "send-transactional-emails",
        "bounce-handler",
        "feedback-loop-handler",
        "process-delivery-and-bounce-log",
        "hourly",
        "daily",
    ]
    assert lines[2] == (
        f"*/2 * * * * /usr/bin/php -q {bare.root}/apps/console/console.php send-transactional-emails >/dev/null 2>&1"
    )


def test_installed_is_installed(mailwizz_with_installer):
    for step in STEPS:
        answer = Browser(mailwizz_with_installer.url).get(f"/install/index.php?route={step}")
        assert (answer.status, answer.location) == (302, "../")


def test_before_the_install_the_site_shows_an_error_of_the_database(bare_shared):
    for path in ("/index.php", "/backend/index.php", "/customer/index.php"):
        answer = bare_shared.get(path)
        assert answer.status == 500
        assert "CDbConnection failed to open the DB connection" in answer.text
    assert bare_shared.console("option", "get_option", "--name=system.common.version").returncode == 1


def test_set_dir_perms_opens_the_folders(bare):
    script = bare.root / "apps/console/commands/shell/set-dir-perms"
    (bare.root / "apps/extensions").chmod(0o555)
    subprocess.run([str(script)], check=True)
    assert stat.S_IMODE((bare.root / "apps/extensions").stat().st_mode) == 0o777
