# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine and a MailWizz with wizard, database, API and cron: from contacts over the API to mail that has arrived, each once."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from email_engine.api.app import create_app
from email_engine.jobs.worker import Hands
from email_engine.settings import Settings
from samples import declare, fleet, make_key, sender
from sites import wait

STANDIN = Path(__file__).parents[2] / "tests/standins/mailwizz"
sys.path[:0] = [str(STANDIN), str(STANDIN / "tests")]

from instance import Database, Instance  # noqa: E402
from mailing import Tenant  # noqa: E402
from sink import Sink  # noqa: E402

GROUP = {"servers.can_select_delivery_servers_for_campaign": "yes", "servers.can_send_from_system_servers": "no"}
COMPANY = {"name": "SOS", "country": "Germany", "address_1": "Street 1", "city": "Berlin", "zip_code": "10115"}
HTML = "<p>Hello [FNAME]</p><a href='[UNSUBSCRIBE_URL]'>out</a> [COMPANY_FULL_ADDRESS]"
WISH = {
    "type": "newsletter",
    "name": "Spring",
    "subject": "Spring",
    "list": "people",
    "html": HTML,
    "sender": "m1.sos.test",
}
CONSENT = {"source": "form", "at": "2026-11-01T10:00:00Z", "address": "192.0.2.7"}
#: As it is given -> as it arrives.
PEOPLE = {
    "ann+spring@mail.test": "ann+spring@mail.test",
    "o'brien@mail.test": "o'brien@mail.test",
    "Bob@BÜCHER.test": "bob@xn--bcher-kva.test",
    **{f"p{number}@mail.test": f"p{number}@mail.test" for number in range(120)},
}


@pytest.fixture(scope="module")
def site():
    with Database() as database, Instance(database) as instance:
        instance.install()
        yield instance


@pytest.fixture
def sink():
    with Sink() as server:
        yield server


@pytest.fixture
def customer(site, sink, request):
    found = Tenant(site, f"sos-{abs(hash(request.node.name))}", **GROUP)
    for number in (1, 2):
        name = f"m{number}.sos.test"
        found.server(sink.port, name, from_email=f"contact@{name}", headers={"X-Job": "[CAMPAIGN_UID]"})
    return found


@pytest.fixture
def engine(database, redis, tmp_path, customer, site):
    """ask(method, path, body, status): the engine, with a worker, a tenant whose MailWizz it knows, and a list in it."""
    secrets = {"key_pepper": "pepper", "session_secret": "session"}
    known = Settings(
        database=database["email_engine"],
        redis=redis[0],
        work=tmp_path,
        job_beat=0.1,
        job_sweep=0.5,
        mail_batch=50,
        **secrets,
    )
    app = create_app(known)
    admin = make_key(app, "admin")
    assert declare(app, admin, fleet(sender(1, daily_quota=500), sender(2))).status_code == 200
    client, key = TestClient(app), make_key(app, "sos's", "sos")

    def ask(method, path, body=None, status=200, headers=key):
        answer = client.request(method, f"/api/v1{path}", headers=headers, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    ask.admin = admin
    ask("PUT", "/tenants/sos/mailwizz", {"url": site.url, "key": customer.key}, headers=admin)
    ask("POST", "/lists", {"name": "people", "company": COMPANY}, 201)
    hands = Hands("mail", known)
    hands.start()
    yield ask
    hands.stop()
    app.state.sessions.kw["bind"].dispose()


def until(ask, number, *states):
    def look():
        found = ask("GET", f"/campaigns/{number}")
        return found if found["state"] in states else None

    return wait(look, 60, lambda: ask("GET", f"/campaigns/{number}"))


def read(ask, number):
    job = ask("GET", f"/campaigns/{number}?fresh=true")["reading"]["id"]
    wait(lambda: ask("GET", f"/jobs/{job}")["state"] == "succeeded", 30, lambda: ask("GET", f"/jobs/{job}"))
    return ask("GET", f"/campaigns/{number}")


def cron(site):
    done = site.console("send-campaigns")
    assert done.returncode == 0, done.stderr


def test_each_contact_gets_the_campaign_once_from_the_sender_that_was_chosen(engine, site, sink, customer):
    given = [{"email": email, "consent": CONSENT, "fields": {"FNAME": "You"}} for email in PEOPLE]
    taken = engine("POST", "/lists/people/contacts", {"contacts": given}, 202)
    assert taken["taken"] == len(PEOPLE) and not taken["refused"]
    asked = engine("POST", "/campaigns", WISH, 202)["campaign"]["id"]
    found = until(engine, asked, "scheduled", "failed")
    assert found["state"] == "scheduled" and found["progress"]["injected"] == len(PEOPLE), found
    for _ in range(3):
        cron(site)
    assert sorted(mail.recipient for mail in sink.mails) == sorted(PEOPLE.values())
    assert {mail["From"] for mail in sink.mails} == {"sos <contact@m1.sos.test>"}
    assert {mail["X-Job"] for mail in sink.mails} == {found["mailwizz_uid"]}
    found = read(engine, asked)
    assert found["state"] == "sent" and found["ended_at"]
    assert found["progress"]["processed"] == found["progress"]["delivered"] == len(PEOPLE)
    assert found["stats"]["delivery_error_count"] == 0


def test_who_leaves_in_mailwizz_gets_no_mail_of_the_tenant_any_more(engine, site, sink, customer):
    given = [{"email": f"q{number}@mail.test", "consent": CONSENT} for number in range(2)]
    engine("POST", "/lists/people/contacts", {"contacts": given}, 202)
    asked = engine("POST", "/campaigns", WISH, 202)["campaign"]["id"]
    until(engine, asked, "scheduled")
    cron(site)
    wait(lambda: len(sink.mails) == 2)
    left = sink.mails[0]
    url = next(one for one in left["List-Unsubscribe"].replace(",", " ").split() if one.startswith("<http"))
    assert httpx2.post(url.strip("<>"), data={"List-Unsubscribe": "One-Click"}).status_code < 300
    read(engine, asked)
    shown = {one["email"]: one["status"] for one in engine("GET", "/contacts")["items"]}
    assert shown.pop(left.recipient) == "unsubscribed" and set(shown.values()) == {"subscribed"}
    # The next look finds nothing new, and changes nothing.
    read(engine, asked)
    assert (
        len(
            [
                row
                for row in engine("GET", "/audit?limit=500", headers=engine.admin)["items"]
                if row["action"] == "changed"
            ]
        )
        == 1
    )


def test_a_pause_and_a_stop_reach_mailwizz_and_only_a_person_ends_them(engine, site, sink, customer):
    engine("POST", "/lists/people/contacts", {"contacts": [{"email": "ann@mail.test", "consent": CONSENT}]}, 202)
    asked = engine("POST", "/campaigns", WISH, 202)["campaign"]["id"]
    uid = until(engine, asked, "scheduled")["mailwizz_uid"]
    why = {"reason": "a test"}
    engine("POST", f"/campaigns/{asked}:pause", why)
    wait(lambda: customer.status(uid) == "paused", 30)
    cron(site)
    assert not sink.mails
    engine("POST", "/ips/m1.sos.test:pause", why)
    assert "may not" in engine("POST", f"/campaigns/{asked}:resume", why, 409)["title"]
    engine("POST", "/ips/m1.sos.test:resume", why, headers=engine.admin)
    engine("POST", f"/campaigns/{asked}:resume", why)
    wait(lambda: customer.status(uid) == "pending-sending", 30)
    cron(site)
    assert [mail.recipient for mail in sink.mails] == ["ann@mail.test"]
    second = engine("POST", "/campaigns", {**WISH, "name": "Never"}, 202)["campaign"]["id"]
    until(engine, second, "scheduled")
    engine("POST", f"/campaigns/{second}:cancel", why)
    wait(lambda: len(customer.get("/campaigns").data["data"]["records"]) == 1, 30)
    cron(site)
    assert len(sink.mails) == 1
