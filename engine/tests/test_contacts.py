# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts: nobody without a consent, nobody who said no, no address in two spellings, none in the audit log."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text

from email_engine import recipients
from email_engine.store import placing
from email_engine.store.mail_models import Contact, Placement, Withdrawal
from email_engine.store.models import Job
from fake_mailwizz import Answer, FakeMailwizz
from mailing_fleet import ANN, CONSENT, KEYS, make_list, put_on, ready
from members import problem

LATER = {**CONSENT, "at": "2026-11-22T12:00:00Z"}


@pytest.fixture
def fake():
    server = FakeMailwizz()
    yield server
    server.close()


@pytest.fixture
def keys(app, client, admin, fake):
    return ready(app, client, admin, fake)


def add(client, key, code=201, **changes):
    answer = client.post("/api/v1/contacts", headers=key, json={**ANN, **changes})
    return answer.json() if answer.status_code == code < 400 else problem(answer, code)


def change(client, key, contact, code=200, match="*", **changes):
    headers = {**key, **({"If-Match": match} if match else {})}
    answer = client.patch(f"/api/v1/contacts/{contact['id']}", headers=headers, json=changes)
    return answer.json() if answer.status_code == code < 400 else problem(answer, code)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("ann@mail.test", "ann@mail.test"),
        ("Ann+News@Mail.Test", "ann+news@mail.test"),
        ("o'neil@mail.test", "o'neil@mail.test"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"),
        ("a.b-c_d@sub.mail.test", "a.b-c_d@sub.mail.test"),
    ],
)
def test_addresses(given, sent):
    assert recipients.normalised(given) == sent


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('"ann smith"@mail.test', "quoted name"),
        ('"ann"@mail.test', "quoted name"),
        ("zoë@mail.test", "not ASCII"),
        ("ann@test", "no domain"),
        ("ann@localhost", "no e-mail address"),
        ("ann@printer.local", "no e-mail address"),
        ("ann@[192.0.2.1]", "no e-mail address"),
        ("ann", "no e-mail address"),
        ("ann@", "no e-mail address"),
        ("@mail.test", "no e-mail address"),
        ("ann@@mail.test", "no e-mail address"),
        ("ann@mail..test", "no e-mail address"),
        (".ann@mail.test", "no e-mail address"),
        ("Ann <ann@mail.test>", "no e-mail address"),
        ("ann@mail.test\nBcc: x@y.test", "no e-mail address"),
        ("a" * 65 + "@mail.test", "no e-mail address"),
        ("", "no e-mail address"),
    ],
)
def test_no_addresses(given, words):
    with pytest.raises(ValueError, match=words) as caught:
        recipients.normalised(given)
    assert not given or given not in str(caught.value)


@settings(max_examples=300)
@given(given=st.emails() | st.text(max_size=30))
def test_whatever_is_given_has_one_form_or_none(given):
    try:
        once = recipients.normalised(given)
    except ValueError:
        return
    assert once.isascii() and once == once.lower() == recipients.normalised(once)
    assert once.count("@") == 1 and not any(sign in once for sign in '" \n<>,')


def test_added(client, keys):
    made = add(client, keys["sos"], email="Ann+News@Bücher.example", fields={"FNAME": "Ann"}, tags=["vip", "b"])
    assert (made["email"], made["given_email"]) == ("ann+news@xn--bcher-kva.example", "Ann+News@Bücher.example")
    assert made["consent"] == {**CONSENT, "at": "2026-11-01T09:00:00Z"}
    assert (made["status"], made["fields"], made["tags"]) == ("subscribed", {"FNAME": "Ann"}, ["b", "vip"])
    shown = client.get(f"/api/v1/contacts/{made['id']}", headers=keys["sos"])
    assert shown.json() == made and shown.headers["ETag"] == made["etag"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"consent": None}, ["body.consent"]),
        ({"consent": {**CONSENT, "source": "  "}}, ["body.consent.source"]),
        ({"consent": {**CONSENT, "at": "2026-11-01T10:00:00"}}, ["body.consent.at"]),
        ({"consent": {**CONSENT, "at": "2126-11-01T10:00:00Z"}}, ["body.consent.at"]),
        ({"consent": {**CONSENT, "address": "home"}}, ["body.consent.address"]),
        ({"consent": {**CONSENT, "address": "fe80::1%eth0"}}, ["body.consent.address"]),
        ({"consent": {"source": "x"}}, ["body.consent.at", "body.consent.address"]),
        ({"email": "ann", "consent": None}, ["body.email", "body.consent"]),
        ({"fields": {"EMAIL": "x"}}, ["body.fields"]),
        ({"fields": {"first name": "x"}}, None),
        ({"fields": {"FNAME": "a\0b"}}, None),
        ({"tags": ["<b>"]}, ["body.tags.0"]),
    ],
)
def test_refused(client, keys, changes, where):
    refused = add(client, keys["sos"], 422, **changes)
    assert where is None or [one["where"] for one in refused["errors"]] == where
    if "consent" in changes and changes["consent"] is None:
        assert "source" in refused["errors"][-1]["remedy"]
    assert client.get("/api/v1/contacts", headers=keys["sos"]).json()["items"] == []


def test_once_for_each_tenant(client, keys):
    first = add(client, keys["sos"], tags=["a"])
    again = add(client, keys["sos"], 200, email="ANN@mail.test", tags=["b"], fields={"FNAME": "Ann"})
    assert (again["id"], again["tags"], again["fields"]) == (first["id"], ["a", "b"], {"FNAME": "Ann"})
    # An older consent does not replace the later one.
    older = add(client, keys["sos"], 200, consent={**CONSENT, "at": "2020-01-01T00:00:00Z", "source": "old"})
    assert older["consent"]["source"] == CONSENT["source"]
    assert add(client, keys["sos"], 200, consent=LATER)["consent"]["at"] == LATER["at"]
    assert add(client, keys["other"])["id"] != first["id"]


def test_another_tenants_is_not_there(client, admin, keys):
    theirs = add(client, keys["other"])
    place = f"/api/v1/contacts/{theirs['id']}"
    problem(client.get(place, headers=keys["sos"]), 404)
    change(client, keys["sos"], theirs, 404, tags=["x"])
    problem(client.delete(place, headers=keys["sos"]), 404)
    assert client.get("/api/v1/contacts", headers=keys["sos"]).json()["items"] == []
    problem(client.get("/api/v1/contacts?tenant=other", headers=keys["sos"]), 404)
    add(client, keys["sos"], 404, tenant="other")
    add(client, admin, 422)
    assert client.get(place, headers=admin).json() == theirs
    assert len(client.get("/api/v1/contacts?tenant=other", headers=admin).json()["items"]) == 1
    assert add(client, admin, tenant="sos")["tenant"] == "sos"


def test_chosen_by_tag_status_and_address(client, keys):
    for n in range(3):
        add(client, keys["sos"], email=f"p{n}@mail.test", tags=["even"] if n % 2 == 0 else [])
    change(client, keys["sos"], add(client, keys["sos"], email="no@mail.test", tags=["even"]), status="unsubscribed")

    def found(**query):
        return [
            one["email"] for one in client.get("/api/v1/contacts", headers=keys["sos"], params=query).json()["items"]
        ]

    assert found(tag="even", status="subscribed") == ["p0@mail.test", "p2@mail.test"]
    assert found(status="unsubscribed") == ["no@mail.test"]
    assert found(email="P1@Mail.test") == ["p1@mail.test"]
    assert found(tag="odd") == []
    page = client.get("/api/v1/contacts?limit=3", headers=keys["sos"]).json()
    assert len(page["items"]) == 3 and found(after=page["next"]) == ["no@mail.test"]


def test_changed(client, keys):
    made = add(client, keys["sos"], tags=["a"], fields={"FNAME": "Ann"})
    change(client, keys["sos"], made, 428, match=None, tags=["b"])
    after = change(client, keys["sos"], made, match=made["etag"], tags=["b"])
    assert (after["tags"], after["fields"]) == (["b"], {"FNAME": "Ann"}) and after["etag"] != made["etag"]
    change(client, keys["sos"], made, 412, match=made["etag"], tags=["c"])
    assert change(client, keys["sos"], made, fields={})["fields"] == {}


@pytest.mark.parametrize("status", ["unsubscribed", "complained", "bounced"])
def test_who_said_no_is_not_written_to_again_without_a_later_consent(client, keys, status):
    key = keys["sos"]
    made = add(client, key)
    assert change(client, key, made, status=status)["status"] == status
    for refused in (
        add(client, key, 409),
        add(client, key, 409, consent=LATER),
        change(client, key, made, 409, status="subscribed"),
        change(client, key, made, 409, status="subscribed", consent=LATER),
    ):
        assert refused["title"] == "The contact said no"
        assert "mail.test" not in refused["detail"]
    again = {**CONSENT, "at": client.get(f"/api/v1/contacts/{made['id']}", headers=key).json()["status_at"]}
    add(client, key, 409, consent=again)
    again["at"] = (datetime.fromisoformat(again["at"]) + timedelta(milliseconds=1)).isoformat()
    assert add(client, key, 200, consent=again)["status"] == "subscribed"


def injected(app, fake, contact, list_uid):
    """As the job leaves it: the contact is in MailWizz."""
    mails = fake.customers[KEYS["sos"]].lists[list_uid]
    record, _wrong = fake.subscribe(mails, {"EMAIL": contact["email"], "details": {"status": "confirmed"}})
    with app.state.sessions() as session, session.begin():
        placed = session.scalars(select(Placement).where(Placement.contact_id == contact["id"])).one()
        placed.state, placed.subscriber_uid = "injected", record["subscriber_uid"]
    return record


def on_a_list(app, client, key, fake):
    uid = make_list(client, key).json()["mailwizz_uid"]
    assert put_on(client, key, ANN).status_code == 202
    contact = client.get("/api/v1/contacts", headers=key).json()["items"][0]
    return contact, injected(app, fake, contact, uid)


def jobs(app):
    with app.state.sessions() as session:
        return [(job.kind, job.state) for job in session.scalars(select(Job).where(Job.kind == "inject"))]


def finish(app):
    with app.state.sessions() as session, session.begin():
        for job in session.scalars(select(Job).where(Job.kind == "inject")):
            job.state = "succeeded"


def test_a_no_reaches_mailwizz_at_once(app, client, keys, fake):
    contact, twin = on_a_list(app, client, keys["sos"], fake)
    assert change(client, keys["sos"], contact, status="unsubscribed")["status"] == "unsubscribed"
    assert twin["status"] == "unsubscribed"


def test_a_no_that_mailwizz_does_not_hear_is_stored_and_told_later(app, client, keys, fake):
    contact, twin = on_a_list(app, client, keys["sos"], fake)
    fake.instead = Answer(500, "<title>Oops</title>")
    assert change(client, keys["sos"], contact, status="unsubscribed")["status"] == "unsubscribed"
    assert withdrawn(app) == [(twin["subscriber_uid"], False)]
    with app.state.sessions() as session:
        assert session.scalars(select(Job.tenant_id).where(Job.kind == "withdraw")).one()
    # It agrees again before MailWizz was told: then there is nothing to tell.
    later = client.get(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"]).json()["status_at"]
    later = (datetime.fromisoformat(later) + timedelta(milliseconds=1)).isoformat()
    add(client, keys["sos"], 200, consent={**CONSENT, "at": later})
    assert withdrawn(app) == []


def test_a_route_that_mailwizz_does_not_know_is_no_deed(app, client, keys, fake, monkeypatch):
    contact, twin = on_a_list(app, client, keys["sos"], fake)

    def unknown(*_args, **_more):
        raise Answer(404, {"status": "error", "error": "Page not found."})

    monkeypatch.setattr(fake, "unsubscribe", unknown)
    change(client, keys["sos"], contact, status="unsubscribed")
    assert withdrawn(app) == [(twin["subscriber_uid"], False)]


def test_fields_follow_into_mailwizz(app, client, keys, fake):
    contact, _twin = on_a_list(app, client, keys["sos"], fake)
    finish(app)
    change(client, keys["sos"], contact, tags=["only ours"])
    assert jobs(app) == [("inject", "succeeded")]
    change(client, keys["sos"], contact, fields={"FNAME": "Ann"})
    assert jobs(app) == [("inject", "succeeded"), ("inject", "queued")]


def test_erased(app, client, keys, fake, database):
    contact, _twin = on_a_list(app, client, keys["sos"], fake)
    assert client.delete(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"]).status_code == 204
    problem(client.get(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"]), 404)
    mails = next(iter(fake.customers[KEYS["sos"]].lists.values()))
    assert mails["people"] == {}
    with create_engine(database["owner"]).connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        rows = {
            table: connection.execute(text(f'SELECT row_to_json(t)::text FROM "{table}" t')).scalars().all()
            for table in tables
        }
    left = [table for table, found in rows.items() if any("mail.test" in row or "192.0.2.7" in row for row in found)]
    assert left == []
    assert any('"erased"' in row for row in rows["audit_log"])


def test_erased_there_too_or_not_at_all(app, client, keys, fake):
    contact, _twin = on_a_list(app, client, keys["sos"], fake)
    fake.close()
    problem(client.delete(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"]), 502)
    assert client.get(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"]).status_code == 200


def test_many_add_the_same_at_once(app, client, keys):
    people = [{**ANN, "email": f"p{n}@mail.test"} for n in range(200)]
    make_list(client, keys["sos"])
    with ThreadPoolExecutor(6) as pool:
        orders = [people, people[::-1], people[100:] + people[:100]] * 2
        answers = list(pool.map(lambda rows: put_on(client, keys["sos"], *rows), orders))
    assert [one.status_code for one in answers] == [202] * 6
    assert sum(one.json()["created"] for one in answers) == 200
    with app.state.sessions() as session:
        assert len(session.scalars(select(Contact.id)).all()) == 200


def test_the_log_has_no_address(app, client, keys, caplog):
    caplog.set_level("INFO")
    made = add(client, keys["sos"])
    change(client, keys["sos"], made, status="complained")
    add(client, keys["sos"], 409)
    add(client, keys["sos"], 422, email="ann@@mail.test")
    assert "mail.test" not in caplog.text
    shown = client.get("/api/v1/audit?limit=500", headers=keys["sos"]).json()
    assert "mail.test" not in json.dumps(shown) and f"contact {made['id']}" in json.dumps(shown)


def withdrawn(app):
    with app.state.sessions() as session:
        return [(row.subscriber_uid, row.erase) for row in session.scalars(select(Withdrawal))]


def test_a_refused_update_leaves_the_subscriber_known(app, client, keys, fake):
    contact, twin = on_a_list(app, client, keys["sos"], fake)
    with app.state.sessions() as session, session.begin():
        placed = session.scalars(select(Placement)).one()
        placing.place(session, placed.list_id, placing.Result(contact["id"], None, "FNAME is required"))
    with app.state.sessions() as session:
        assert session.scalars(select(Placement.subscriber_uid)).one() == twin["subscriber_uid"]


def test_erasing_looks_for_whom_it_knows_no_uid_of(app, client, keys, fake):
    contact, _twin = on_a_list(app, client, keys["sos"], fake)
    with app.state.sessions() as session, session.begin():
        placed = session.scalars(select(Placement)).one()
        placed.state, placed.subscriber_uid = "refused", None
    assert client.delete(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"]).status_code == 204
    assert next(iter(fake.customers[KEYS["sos"]].lists.values()))["people"] == {}
    assert withdrawn(app) == []


def test_erased_without_a_mailwizz_says_what_was_not_done(app, client, admin, keys, fake):
    contact, _twin = on_a_list(app, client, keys["sos"], fake)
    client.delete("/api/v1/tenants/sos/mailwizz", headers=admin)
    answer = client.delete(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"])
    assert answer.status_code == 200 and answer.json()["lists"] == ["news"] and "by hand" in answer.json()["left"]
    problem(client.get(f"/api/v1/contacts/{contact['id']}", headers=keys["sos"]), 404)
    assert withdrawn(app) == []


def test_an_erased_no_is_none_to_an_older_consent(app, client, keys):
    made = add(client, keys["sos"])
    change(client, keys["sos"], made, status="complained")
    at = client.get(f"/api/v1/contacts/{made['id']}", headers=keys["sos"]).json()["status_at"]
    assert client.delete(f"/api/v1/contacts/{made['id']}", headers=keys["sos"]).status_code == 204
    refused = add(client, keys["sos"], 409)
    assert "who was erased is complained since" in refused["detail"]
    make_list(client, keys["sos"])
    answer = put_on(client, keys["sos"], ANN, {**ANN, "email": "bob@mail.test"}).json()
    assert (answer["taken"], [one["index"] for one in answer["refused"]]) == (1, [0])
    # Of another tenant it is nobody's no; a later consent is one.
    assert add(client, keys["other"])["status"] == "subscribed"
    later = (datetime.fromisoformat(at) + timedelta(milliseconds=1)).isoformat()
    assert add(client, keys["sos"], consent={**CONSENT, "at": later})["status"] == "subscribed"
