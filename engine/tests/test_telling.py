# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts reach real receivers: once each, in spite of crashes and of many workers, and without their addresses in any text."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, select, text

import servers
from email_engine.alerting.couriers import Courier, Couriers
from email_engine.alerting.receivers import Address, Journal, receivers
from email_engine.jobs.redaction import redactor
from email_engine.redaction import Redactor, parts_of_address
from email_engine.settings import Settings
from email_engine.store import alerts, telling
from email_engine.store.models import Alert, AlertTelling
from receivers import PASSWORD, TOKEN, Dead, Mail, Web
from test_alerts import FAULT, tell, within

NOW = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)


def stand(kind):
    one = kind()
    yield one
    one.close()


@pytest.fixture
def web():
    yield from stand(Web)


@pytest.fixture
def mail():
    yield from stand(Mail)


@pytest.fixture
def dead():
    yield from stand(Dead)


def address(url):
    return Address(url, "pepper", "engine-1")


def courier(app, url):
    return Courier(app.state.sessions, address(url))


def rested(app, one):
    """As if its pauses were over."""
    one._not_before = 0
    within(app, lambda session: session.execute(text("UPDATE alert_tellings SET next_at = NULL")))
    return one


def test_the_same_fault_over_50_runs_is_one_message_a_change_a_second_the_end_a_third(app, web):
    one = courier(app, web.url)
    for _ in range(50):
        tell(app)
        one.run()
    assert web.titles() == ["engine-1: [critical] m1.sos.test is on a list"]
    for _ in range(50):
        tell(app, text="and on another one")
        one.run()
    for _ in range(50):
        within(app, lambda session: alerts.over(session, FAULT["key"]))
        one.run()
    assert web.titles()[1:] == [
        "engine-1: [critical, changed] m1.sos.test is on a list",
        "engine-1: [over] m1.sos.test is on a list",
    ]
    first, second, third = (body for _path, body in web.got)
    assert (first["type"], third["type"]) == ("failure", "success")
    assert FAULT["text"] in first["message"] and f"What to do: {FAULT['remedy']}" in first["message"]
    assert "and on another one" in second["message"] and "It is over" in third["message"]


def test_it_arrives_by_mail(app, mail):
    tell(app, severity="warning", subject="Umlaut ä and 0,1 %")
    assert courier(app, mail.url).run() == 1
    (message,) = mail.got
    assert message["subject"] == "engine-1: [warning] Umlaut ä and 0,1 %" and message["to"] == "ops@operator.test"
    assert FAULT["remedy"] in message.get_body(("plain",)).get_content()


def due(app, receiver="x", now=NOW):
    return within(app, lambda session: telling.claim(session, receiver, now))


def told(app, receiver="x", now=NOW, error=None):
    messages = due(app, receiver, now)
    within(app, lambda session: telling.done(session, receiver, messages, error, now=now))
    return [one.what for one in messages]


@pytest.mark.parametrize(("severity", "again"), [("critical", ["again"]), ("warning", ["again"]), ("info", [])])
def test_what_lasts_is_told_again_each_day(app, severity, again):
    tell(app, severity=severity)
    assert told(app) == ["new"]
    assert told(app, now=NOW + timedelta(hours=23, minutes=59)) == []
    for day in (1, 2):
        assert told(app, now=NOW + timedelta(days=day)) == again


def ended(app, **changes):
    """An alert that began and ended; the time just after."""
    tell(app, **changes)
    within(app, lambda session: alerts.over(session, FAULT["key"]))
    return datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize(("severity", "what"), [("critical", ["was"]), ("warning", []), ("info", [])])
def test_what_ended_before_anybody_knew_is_told_where_it_was_critical(app, severity, what):
    now = ended(app, severity=severity)
    assert told(app, now=now) == what and told(app, now=now) == []
    (row,) = within(app, lambda session: session.scalars(select(Alert)).all())
    assert (row.told_at is not None) == (row.closing_told_at is not None) == bool(what)


def test_what_ended_while_a_receiver_failed_is_told_when_it_hears_again(app):
    tell(app)
    now = datetime.now(UTC)
    assert told(app, now=now, error="no") == ["new"]
    now = ended(app)
    later = now + timedelta(days=3)
    assert told(app, now=later) == ["was"] and told(app, now=later) == []
    assert told(app, "came later", now=later) == []


def test_what_was_is_told_with_all_that_is_known(app, web):
    ended(app)
    assert courier(app, web.url).run() == 1
    assert web.titles() == ["engine-1: [critical, was, and is over] m1.sos.test is on a list"]
    message = web.got[0][1]["message"]
    assert FAULT["text"] in message and "It is over" in message and ", until " in message


def test_a_new_receiver_learns_what_is_open(app):
    tell(app)
    assert told(app, "old") == told(app, "new") == ["new"]


def test_of_many_workers_one_sends(app, web):
    tell(app)
    web.seconds = 0.3
    gate = threading.Barrier(6)

    def work(_):
        one = courier(app, web.url)
        gate.wait()
        return one.run()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(6))) == 1
    assert len(web.got) == 1


def test_what_a_dead_worker_had_claimed_is_sent_after_the_lease(app):
    tell(app)
    assert due(app) and not due(app, now=NOW + telling.LEASE - timedelta(seconds=1))
    (message,) = due(app, now=NOW + telling.LEASE)
    assert (message.what, message.attempts) == ("new", 2)


def test_a_change_while_it_is_sent_is_told_as_well(app):
    tell(app)
    messages = due(app)
    tell(app, text="worse")
    within(app, lambda session: telling.done(session, "x", messages, now=NOW))
    (message,) = due(app)
    assert (message.what, message.text) == ("changed", "worse")


def test_pauses_grow_and_end_at_an_hour(app):
    tell(app)
    now, pauses = NOW, []
    for _ in range(10):
        assert told(app, now=now, error="no") == ["new"]
        (following,) = within(app, lambda session: session.scalars(select(AlertTelling.next_at)).all())
        pauses.append((following - now).total_seconds())
        assert told(app, now=following - timedelta(seconds=1)) == []
        now = following
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert told(app, now=now) == ["new"]
    assert told(app, now=now) == []


def test_many_at_once_are_one_message(app, web):
    for number in range(100):
        tell(
            app,
            key=f"listing/m{number}.sos.test",
            subject=f"m{number} is on a list",
            severity="warning" if number else "critical",
        )
    one = courier(app, web.url)
    assert one.run() == 1 and one.run() == 0
    assert web.titles() == ["engine-1: [critical] 100 alerts"]
    message = web.got[0][1]["message"]
    assert message.startswith("- [critical] m0 is on a list") and "... and 60 more" in message


def test_a_receiver_that_fails_is_tried_again_and_the_reason_is_kept(app, web):
    one = courier(app, web.url)
    tell(app)
    web.status = 500
    assert one.run() == 0 and one.run() == 0, "it rests"
    (row,) = within(app, lambda session: session.scalars(select(Alert)).all())
    assert row.attempts == 1 and "500" in row.error and row.told_at is None
    web.status = 200
    assert rested(app, one).run() == 1
    (row,) = within(app, lambda session: session.scalars(select(Alert)).all())
    assert (row.attempts, row.error) == (0, None) and row.told_at is not None


def test_a_dead_receiver_holds_up_nobody(app, database, web, dead, mail):
    urls = "\n".join([dead.url, web.url, "nonsense://x", mail.url])
    settings = Settings(database=database[servers.ROLE], redis="redis://", key_pepper="pepper", alert_urls=urls)
    couriers = Couriers(settings)
    tell(app)
    began = time.monotonic()
    couriers.start()
    while not (web.got and mail.got) and time.monotonic() - began < 20:
        time.sleep(0.05)
    took = time.monotonic() - began
    for _ in range(200):
        errors = within(
            app, lambda session: dict(session.execute(select(AlertTelling.receiver, AlertTelling.error)).all())
        )
        if sum(one is not None for one in errors.values()) == 2:
            break
        time.sleep(0.05)
    began = time.monotonic()
    couriers.stop()
    assert time.monotonic() - began < 7
    assert len(web.got) == len(mail.got) == 1 and took < 2
    assert "apprise does not know" in next(error for name, error in errors.items() if name.startswith("nonsense"))


def test_the_journal_hears_of_it_without_any_settings(app, database, caplog):
    settings = Settings(database=database[servers.ROLE], redis="redis://", key_pepper="pepper")
    (journal,) = receivers(settings)
    assert isinstance(journal, Journal) and journal.counts
    tell(app)
    with caplog.at_level(logging.INFO):
        Courier(app.state.sessions, journal).run()
    (record,) = caplog.records
    assert record.getMessage() == "alert (new): [critical] m1.sos.test is on a list" and record.alert == FAULT["key"]
    (row,) = within(app, lambda session: session.scalars(select(Alert)).all())
    assert row.told_at is not None
    assert not receivers(settings.model_copy(update={"alert_urls": settings.key_pepper}))[0].counts


# --- Addresses hold secrets -------------------------------------------------------------------------------------------

ADDRESSES = {
    f"json://127.0.0.1:8080/hooks/{TOKEN}": {TOKEN},
    f"mailtos://alerts:{PASSWORD}@operator.test/?to=ops@operator.test": {PASSWORD},
    "tgram://123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/-1001234567890": {"AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"},
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops": {"A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"},
    "jsons://operator.test/x?token=abcdefgh&pass=with%20space": {"abcdefgh", "with space", "with%20space"},
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js": {"JHMHI8qBe7bk2ZwO5U711o3dV_js"},
    "ntfys://topic/abcdefghijklmnopqrstuvwxyz": {"abcdefghijklmnopqrstuvwxyz"},
}


@pytest.mark.parametrize("url", ADDRESSES, ids=lambda url: url.partition(":")[0])
def test_what_is_secret_of_an_address_is_hidden_and_the_rest_is_not(url):
    hide = Redactor(parts_of_address(url)).text
    for secret in ADDRESSES[url]:
        assert secret not in hide(f"Retry of /x/{secret}/y") and secret not in hide(f"an error about {url}")
    plain = "ops@operator.test at operator.test or 127.0.0.1 and localhost: alerts of the hooks"
    assert hide(plain) == plain


TELL = """
import logging, sys
from sqlalchemy.orm import sessionmaker
from email_engine import logs, settings
from email_engine.alerting import couriers, receivers
from email_engine.store.connection import connect
known = settings.load()
logs.configure(known)
for one in receivers.receivers(known):
    couriers.Courier(sessionmaker(connect(known.database.get_secret_value(), 1)), one).run()
logging.getLogger("urllib3").error("Retrying after POST /hooks/%s", sys.argv[1])
"""


def test_no_secret_of_an_address_is_anywhere(app, database, web, tmp_path):
    """Neither in rows nor in logs, whatever fails, at the most talkative level."""
    web.status = 403
    host = web.url.partition("://")[2].partition("/")[0]
    urls = [
        web.url,
        f"json://user:{PASSWORD}@{host}/{TOKEN}",
        f"mailto://user:{PASSWORD}@127.0.0.1:1/?from=a@b.test&to=c@d.test",
        f"json://127.0.0.1:1/{TOKEN}?:method={TOKEN}",
        f"nonsense://{PASSWORD}/{TOKEN}",
        f"slack://{PASSWORD}/{TOKEN}",
    ]
    settings = Settings(
        database=database[servers.ROLE],
        redis="redis://",
        key_pepper="pepper",
        alert_urls="\n".join(urls),
        log_level="DEBUG",
        inventory=tmp_path,
    )
    tell(app)
    environment = {**os.environ, "EMAIL_ENGINE_DATABASE": database[servers.ROLE], "EMAIL_ENGINE_REDIS": "redis://"}
    environment |= {"EMAIL_ENGINE_KEY_PEPPER": "pepper", "EMAIL_ENGINE_LOG_LEVEL": "DEBUG"}
    environment |= {"EMAIL_ENGINE_ALERT_URLS": "\n".join(urls)}
    done = subprocess.run(
        [sys.executable, "-c", TELL, TOKEN], env=environment, capture_output=True, text=True, cwd=servers.HERE.parent
    )
    assert done.returncode == 0, done.stderr
    owner = create_engine(database["owner"])
    with owner.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = [
            row for table in tables for row in connection.scalars(text(f"SELECT row_to_json(t)::text FROM {table} t"))
        ]
    owner.dispose()
    everywhere = "\n".join([*rows, done.stdout, done.stderr])
    assert done.stdout.count("was not told") == len(urls) and "Retrying after" in done.stdout
    assert len([row for row in rows if '"receiver"' in row and '"error":"' in row]) == len(urls)
    assert TOKEN not in everywhere and PASSWORD not in everywhere
    assert TOKEN not in repr(settings)
    hide = redactor(settings).text
    assert TOKEN not in hide(f"a job says {TOKEN}") and PASSWORD not in hide(f"and {PASSWORD}")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("recipient_salt: 0a1b2c3d4e", "recipient_salt: ***"),
        ('{"recipient_salt": "0a1b2c3d4e", "mta": "vps2"}', '{"recipient_salt": "***", "mta": "vps2"}'),
        ("engine_alert_urls=tgram://1:a/2", "engine_alert_urls=***"),
        ("basalt: 3, desalted", "basalt: 3, desalted"),
    ],
)
def test_salts_and_addresses_are_hidden_by_their_names(said, kept):
    assert Redactor().text(said) == kept


def test_what_a_name_says_is_secret_is_hidden_whole():
    found = {"engine_alert_urls": ["tgram://1:a/2"], "recipient_salt": "x", "salty": "x"}
    assert Redactor().value(found) == {"engine_alert_urls": "***", "recipient_salt": "***", "salty": "x"}
