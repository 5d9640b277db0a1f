# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that the host is installed by."""

from __future__ import annotations

import io

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, select, text

import receivers
import samples
from email_engine import cli
from email_engine.store import alerts, migrations
from email_engine.store.models import Ip
from servers import ROLE

ONE, OTHER = "ee_0123abcd_" + "A" * 43, "ee_4567cdef_" + "B" * 43


@pytest.fixture
def command(app, database, redis, monkeypatch, capsys):
    """Runs the command, with the settings of the application: (exit status, output, errors)."""
    for name, value in {"DATABASE": database[ROLE], "REDIS": redis[0], "KEY_PEPPER": "pepper"}.items():
        monkeypatch.setenv(f"EMAIL_ENGINE_{name}", value)

    def run(*words, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = cli.main(words)
        return status, *capsys.readouterr()

    return run


def opens(app, key):
    return TestClient(app).get("/api/v1/fleet", headers={"X-API-KEY": key}).status_code == 200


def audited(app):
    with app.state.sessions() as session:
        return [tuple(row) for row in session.execute(text("SELECT action, target FROM audit_log ORDER BY id"))]


def test_the_inventorys_key_is_had_and_replaced(command, app):
    assert command("keys", "ensure", "inventory", stdin=f"{ONE}\n") == (0, "changed: key inventory\n", "")
    assert opens(app, ONE)
    assert command("keys", "ensure", "inventory", stdin=ONE) == (0, "unchanged: key inventory\n", "")
    assert command("keys", "ensure", "inventory", stdin=OTHER)[1] == "changed: key inventory\n"
    assert opens(app, OTHER) and not opens(app, ONE), "one key has that name"
    assert audited(app) == [("created", "API key inventory"), ("replaced", "API key inventory")]


def test_a_revoked_key_is_had_again(command, app):
    command("keys", "ensure", "inventory", stdin=ONE)
    assert command("keys", "revoke", "inventory") == (0, "changed: key inventory is revoked\n", "")
    assert not opens(app, ONE)
    assert command("keys", "revoke", "inventory") == (1, "", "email-engine: there is no valid key inventory\n")
    assert command("keys", "ensure", "inventory", stdin=ONE)[1] == "changed: key inventory\n"
    assert opens(app, ONE)


@pytest.mark.parametrize("key", ["", "ee_0123abcd_short", ONE + "A", "ee_XXXXXXXX_" + "A" * 43])
def test_what_is_no_key_is_refused_and_not_repeated(command, app, key):
    status, out, error = command("keys", "ensure", "inventory", stdin=key)
    assert (status, out) == (1, "") and "no API key" in error and (not key or key not in error)
    assert audited(app) == []


def test_two_keys_cannot_share_a_prefix(command, app):
    command("keys", "ensure", "one", stdin=ONE)
    status, _out, error = command("keys", "ensure", "two", stdin=ONE[:12] + "C" * 43)
    assert status == 1 and "ee_0123abcd" in error
    assert opens(app, ONE)


def test_a_key_is_made_and_shown_once(command, app):
    status, key, _error = command("keys", "create", "ops")
    assert status == 0 and opens(app, key.strip())
    assert command("keys", "create", "ops")[0] == 1
    listed = command("keys", "list")[1]
    assert listed.startswith("ops\tadministrator\tee_") and key.strip() not in listed


def test_a_tenants_key_sees_that_tenant_and_ends_when_it_should(command, app, admin):
    assert samples.declare(app, admin, samples.fleet(samples.sender(1))).status_code == 200
    key = command("keys", "create", "theirs", "--tenant", "sos", "--expires", "2999-01-31")[1].strip()
    assert opens(app, key)
    assert samples.declare(app, {"X-API-KEY": key}, samples.fleet()).status_code == 403, "that is an administrator's"
    listed = command("keys", "list")[1]
    assert "theirs\tsos\t" in listed and "until 2999-01-31" in listed
    over = command("keys", "create", "over", "--expires", "2020-01-31T00:00Z")[1].strip()
    assert not opens(app, over)
    assert command("keys", "create", "x", "--tenant", "nobody") == (1, "", "email-engine: there is no tenant nobody\n")


@pytest.mark.parametrize(
    "words", [[], ["keys"], ["keys", "create"], ["keys", "create", "a", "--expires", "soon"], ["worker", "x"]]
)
def test_wrong_calls_end_with_2(command, words):
    with pytest.raises(SystemExit) as end:
        command(*words)
    assert end.value.code == 2


def test_the_schema_comes_to_this_version(command, database):
    arguments = ("migrate", "--owner-url", database["owner"], "--role", ROLE)
    assert command(*arguments)[1].startswith("unchanged: schema ")
    migrations.downgrade(database["owner"], ROLE)
    assert command(*arguments)[1].startswith("changed: schema none -> ")
    assert command(*arguments)[1].startswith("unchanged: schema ")


def test_the_owner_may_be_a_role_that_cannot_log_in(command, database):
    """As it is installed: the superuser logs in, and works as the owner."""
    with create_engine(database["owner"], isolation_level="AUTOCOMMIT").connect() as connection:
        migrations.downgrade(database["owner"], ROLE)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        connection.exec_driver_sql("DROP ROLE IF EXISTS tables_owner")
        connection.exec_driver_sql("CREATE ROLE tables_owner NOLOGIN")
        connection.exec_driver_sql("GRANT CREATE ON SCHEMA public TO tables_owner")
        url = f"{database['owner']}&options=-crole%3Dtables_owner"
        assert command("migrate", "--owner-url", url, "--role", ROLE)[1].startswith("changed: schema none -> ")
        owners = connection.exec_driver_sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert owners.scalars().all() == ["tables_owner"]
        connection.exec_driver_sql("DROP OWNED BY tables_owner CASCADE")
        connection.exec_driver_sql("DROP ROLE tables_owner")


def jobs(app):
    with app.state.sessions() as session:
        return [
            tuple(row) for row in session.execute(text("SELECT kind, lane, state, asked_by FROM jobs ORDER BY number"))
        ]


def test_a_timer_asks_for_a_job_that_neither_waits_nor_runs(command, app, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "root")
    assert command("jobs", "add", "dns_check")[:2] == (0, "changed: job 1 of kind dns_check is asked for\n")
    assert command("jobs", "add", "dns_check")[1] == "unchanged: job 1 of kind dns_check waits\n"
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE jobs SET state = 'running'"))
    assert command("jobs", "add", "dns_check")[1] == "unchanged: job 1 of kind dns_check runs\n"
    assert command("jobs", "add", "collect")[1] == "changed: job 2 of kind collect is asked for\n"
    who = "command line (root)"
    assert jobs(app) == [("dns_check", "check", "running", who), ("collect", "check", "queued", who)]
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE jobs SET state = 'succeeded'"))
    assert command("jobs", "add", "dns_check")[1].startswith("changed: job 3 ")


@pytest.mark.parametrize("kind", ["stop", "resume", "add_sender", "retire_sender", "nonsense"])
def test_what_takes_more_than_a_name_is_not_asked_for_so(command, app, kind):
    with pytest.raises(SystemExit) as end:
        command("jobs", "add", kind)
    assert end.value.code == 2 and jobs(app) == []


def test_alerts_are_tried_and_shown(command, app, monkeypatch):
    assert command("alerts", "test") == (
        1,
        "",
        "email-engine: no receiver is set: put addresses into engine_alert_urls of the vault, then run site.yml\n",
    )
    web = receivers.Web()
    dead = f"json://127.0.0.1:1/{receivers.TOKEN}"
    try:
        monkeypatch.setenv("EMAIL_ENGINE_ALERT_URLS", f"{web.url}\n\n{dead}\n{web.url}")
        status, out, error = command("alerts", "test")
    finally:
        web.close()
    assert status == 1 and error == "email-engine: 1 of 2 did not take it\n" and "test" in web.titles()[0]
    first, second = out.splitlines()
    assert first.endswith("(1 of 2): sent") and "(2 of 2): NOT sent: " in second and receivers.TOKEN not in out
    with app.state.sessions() as session, session.begin():
        about = {"kind": "blind", "severity": "critical", "text": "x", "remedy": "y"}
        alerts.tell(session, key="blind/dnsbl", subject="The check sees nothing", **about)
    said = command("alerts", "list")[1]
    assert said.startswith("blind/dnsbl\tcritical\tsince ") and said.endswith(
        "\tnot told: soon\tThe check sees nothing\n"
    )


def test_campaigns_are_listed(command, app):
    admin = samples.make_key(app, "admin")
    assert samples.declare(app, admin, samples.fleet(samples.sender(1))).status_code == 200
    with app.state.sessions() as session, session.begin():
        one = samples.campaign_of(session, session.scalars(select(Ip)).one())
        one.state, one.paused_reason = "paused", "its sender is stopped: a test"
    line = "#1\tpaused\tsos\tm1.sos.test\t0 of 0 in MailWizz, 0 sent\tSpring news\tits sender is stopped: a test\n"
    assert command("campaigns", "list") == command("campaigns", "list", "--tenant", "sos") == (0, line, "")
    assert command("campaigns", "list", "--tenant", "other") == (0, "", "")
