# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and templates, each with its twin in MailWizz; contacts on lists, and what the job tells MailWizz of them."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text

from email_engine.campaigns import inject
from email_engine.jobs.functions import Failed
from email_engine.mailwizz.client import Client
from email_engine.store import placing
from email_engine.store.mail_models import MailingList, Placement
from fake_mailwizz import Answer, FakeMailwizz
from mailing_fleet import ANN, CONSENT, HTML, KEYS, make_list, put_on, ready
from members import problem
from samples import make_key

COMPANY = {"name": "SOS", "country": "France", "address_1": "1 rue X", "city": "Paris", "zip_code": "75001"}
REFUSED = Answer(422, {"status": "error", "error": {"company": {"country": ["Country cannot be blank."]}}})


@pytest.fixture
def fake():
    server = FakeMailwizz()
    yield server
    server.close()


@pytest.fixture
def keys(app, client, admin, fake):
    return ready(app, client, admin, fake)


@pytest.fixture
def there(fake, keys):
    """The customer of tenant sos in MailWizz."""
    return fake.customers[KEYS["sos"]]


def show(client, key, name="news"):
    return client.get(f"/api/v1/lists/{name}", headers=key).json()


def test_a_list_is_made_in_both_places(client, keys, there):
    made = make_list(client, keys["sos"], company=COMPANY, reply_to="Answers@SOS.test")
    assert made.status_code == 201, made.text
    found = made.json()
    assert (found["from_name"], found["from_email"]) == ("sos", "contact@m1.sos.test")
    assert found["contacts"] == {"waiting": 0, "injected": 0, "refused": 0}
    twin = there.lists[found["mailwizz_uid"]]
    assert twin["general"]["name"] == "news" and twin["company"] == COMPANY
    assert twin["defaults"] == {
        "from_name": "sos",
        "from_email": "contact@m1.sos.test",
        "reply_to": "answers@sos.test",
    }
    assert show(client, keys["sos"]) == found == client.get("/api/v1/lists", headers=keys["sos"]).json()["items"][0]
    assert problem(make_list(client, keys["sos"]), 409)["title"] == "The list is there already"
    assert len(there.lists) == 1


def test_names_are_a_tenants_own(client, admin, keys):
    assert make_list(client, keys["sos"]).status_code == make_list(client, keys["other"]).status_code == 201
    assert "several tenants" in problem(client.get("/api/v1/lists/news", headers=admin), 422)["detail"]
    assert client.get("/api/v1/lists/news?tenant=other", headers=admin).json()["tenant"] == "other"
    problem(client.get("/api/v1/lists/news?tenant=other", headers=keys["sos"]), 404)
    problem(client.get("/api/v1/lists/none", headers=admin), 404)


def test_what_mailwizz_refuses_is_told_and_not_stored(client, keys, fake, there):
    fake.instead = REFUSED
    refused = problem(make_list(client, keys["sos"]), 422)
    assert refused["title"] == "MailWizz refuses it"
    assert "company.country: Country cannot be blank." in refused["detail"]
    fake.instead = Answer(500, "<title>Oops</title>")
    assert "Nothing was stored" in problem(make_list(client, keys["sos"]), 502)["detail"]
    fake.instead = None
    assert client.get("/api/v1/lists", headers=keys["sos"]).json()["items"] == []


def test_asked_twice_by_one_key_it_is_made_once(client, keys, there):
    key = {**keys["sos"], "Idempotency-Key": "one"}
    assert make_list(client, key).json() == make_list(client, key).json()
    assert len(there.lists) == 1


def test_a_tenant_without_senders(client, admin, keys, fake, app):
    client.post("/api/v1/tenants", headers=admin, json={"name": "empty", "feeders": [{"address": "198.18.0.12"}]})
    fake.customer("e" * 40)
    key = make_key(app, "empty's", "empty")
    client.put("/api/v1/tenants/empty/mailwizz", headers=admin, json={"url": fake.url, "key": "e" * 40})
    assert "no sender to write as" in problem(make_list(client, key), 409)["detail"]
    assert make_list(client, key, from_email="us@empty.test").json()["from_name"] == "empty"


def test_contacts_on_a_list(app, client, keys):
    make_list(client, keys["sos"])
    bad = [
        {"email": "bob@mail.test"},
        {**ANN, "email": '"b b"@mail.test'},
        {**ANN, "email": 7},
        {**ANN, "surprise": "x"},
        {**ANN, "email": "ann\0@mail.test"},
    ]
    answer = put_on(client, keys["sos"], ANN, *bad, {**ANN, "email": "cy@mail.test"}, ANN, tags=["import"])
    assert answer.status_code == 202, answer.text
    found = answer.json()
    assert (found["taken"], found["created"], found["waiting"]) == (2, 2, 2)
    assert [one["index"] for one in found["refused"]] == [1, 2, 3, 4, 5]
    assert found["refused"][0]["errors"][0]["where"] == "body.contacts.1.consent"
    assert all(fault["remedy"] for one in found["refused"] for fault in one["errors"])
    assert client.get(found["job"]["href"], headers=keys["sos"]).json()["kind"] == "inject"
    assert show(client, keys["sos"])["contacts"] == {"waiting": 2, "injected": 0, "refused": 0}
    rows = client.get("/api/v1/lists/news/contacts?state=waiting", headers=keys["sos"]).json()["items"]
    assert [one["email"] for one in rows] == ["ann@mail.test", "cy@mail.test"]
    people = client.get("/api/v1/contacts?tag=import", headers=keys["sos"]).json()["items"]
    assert [one["tags"] for one in people] == [["import"], ["import"]]
    # One job for all that is waiting.
    again = put_on(client, keys["sos"], ANN).json()
    assert (again["taken"], again["created"], again["job"]) == (1, 0, found["job"])


def test_none_of_them(client, keys):
    make_list(client, keys["sos"])
    refused = problem(put_on(client, keys["sos"], {"email": "x"}, {"email": "y"}), 422)
    assert {one["index"] for one in refused["errors"]} == {0, 1}
    problem(put_on(client, keys["sos"]), 422)
    problem(put_on(client, keys["sos"], *[{}] * 5001), 422)


def test_five_thousand_at_once(client, keys):
    make_list(client, keys["sos"])
    people = [{**ANN, "email": f"p{n}@mail.test", "fields": {"FNAME": "x"}} for n in range(5000)]
    assert put_on(client, keys["sos"], *people).json()["waiting"] == 5000
    again = put_on(client, keys["sos"], *people, tags=["again"]).json()
    assert (again["taken"], again["created"], again["waiting"]) == (5000, 0, 5000)


class Work:
    """What a job's function is handed, without the worker around it."""

    def __init__(self, app):
        self.sessions = app.state.sessions
        self.settings = SimpleNamespace(mail_batch=100)

    def alone(self, *_names):
        return contextlib.nullcontext()

    def tell(self, **_told):
        pass

    going = wait = say = tell


def brought(app, fake):
    with app.state.sessions() as session:
        number = session.scalars(select(MailingList.id)).one()
    with Client(fake.url, KEYS["sos"]) as client:
        return inject.bring(Work(app), client, number)


def test_fields_are_told_anew_and_a_no_in_mailwizz_stays_one(app, client, keys, fake, there):
    uid = make_list(client, keys["sos"]).json()["mailwizz_uid"]
    put_on(client, keys["sos"], ANN, {**ANN, "email": "bob@mail.test"})
    assert brought(app, fake).injected == 2
    ann, bob = there.lists[uid]["people"].values()
    bob["status"] = "unsubscribed"
    put_on(client, keys["sos"], *({**ANN, "email": one["EMAIL"], "fields": {"FNAME": "New"}} for one in (ann, bob)))
    assert show(client, keys["sos"])["contacts"]["waiting"] == 2
    assert brought(app, fake).injected == 2
    assert (ann["FNAME"], ann["status"]) == ("New", "confirmed")
    assert (bob["FNAME"], bob["status"]) == ("New", "unsubscribed")


def test_who_said_no_here_and_agreed_again_is_written_to_again(app, client, keys, fake, there):
    uid = make_list(client, keys["sos"]).json()["mailwizz_uid"]
    put_on(client, keys["sos"], ANN)
    brought(app, fake)
    contact = client.get("/api/v1/contacts", headers=keys["sos"]).json()["items"][0]
    place = f"/api/v1/contacts/{contact['id']}"
    client.patch(place, headers={**keys["sos"], "If-Match": "*"}, json={"status": "unsubscribed"})
    (twin,) = there.lists[uid]["people"].values()
    assert twin["status"] == "unsubscribed"
    refused = put_on(client, keys["sos"], ANN, {**ANN, "email": "bob@mail.test"}).json()["refused"]
    assert [one["index"] for one in refused] == [0] and "agreed again" in refused[0]["errors"][0]["remedy"]
    with app.state.sessions() as session:
        later = session.scalar(text("SELECT to_json(clock_timestamp())"))
    assert put_on(client, keys["sos"], {**ANN, "consent": {**CONSENT, "at": later}}).json()["taken"] == 1
    brought(app, fake)
    assert twin["status"] == "confirmed" and twin["details"]["ip_address"] == "192.0.2.7"
    with app.state.sessions() as session:
        assert not session.scalars(select(Placement.agreed_again).where(Placement.agreed_again)).all()


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(("verb", "left"), [("patch", ["unsubscribed"]), ("delete", [])])
def test_who_says_no_while_its_batch_is_under_way_is_taken_back(
    app, client, keys, fake, there, monkeypatch, verb, left, killed
):
    """MailWizz does not know it yet when it is told of the no, and then gets it with the batch; the worker may be killed before it stores that."""

    def killer(*_args):
        raise KeyboardInterrupt

    uid = make_list(client, keys["sos"]).json()["mailwizz_uid"]
    put_on(client, keys["sos"], ANN)
    place = f"/api/v1/contacts/{client.get('/api/v1/contacts', headers=keys['sos']).json()['items'][0]['id']}"
    bulk = fake.post_bulk

    def meanwhile(*args, **more):
        fake._lock.release()
        try:
            body = {"json": {"status": "unsubscribed"}} if verb == "patch" else {}
            answer = getattr(client, verb)(place, headers={**keys["sos"], "If-Match": "*"}, **body)
            assert answer.status_code in (200, 204), answer.text
        finally:
            fake._lock.acquire()
        return bulk(*args, **more)

    monkeypatch.setattr(fake, "post_bulk", meanwhile)
    if killed:
        monkeypatch.setattr(placing, "place", killer)
        with pytest.raises(KeyboardInterrupt):
            brought(app, fake)
        monkeypatch.undo()
    brought(app, fake)
    assert [one["status"] for one in there.lists[uid]["people"].values()] == left


def test_nothing_is_brought_to_a_customer_that_became_another_tenants(app, client, keys, fake, there):
    uid = make_list(client, keys["sos"]).json()["mailwizz_uid"]
    put_on(client, keys["sos"], ANN)
    there.servers += fake.customers[KEYS["other"]].servers
    with pytest.raises(Failed, match="m3.other.test of tenant other"):
        brought(app, fake)
    assert there.lists[uid]["people"] == {}


@pytest.mark.parametrize("confirms", [True, False])
def test_whom_mailwizz_would_not_write_to_is_confirmed_or_refused(
    app, client, keys, fake, there, monkeypatch, confirms
):
    """What a batch says of each status is not promised to be heard."""
    uid = make_list(client, keys["sos"]).json()["mailwizz_uid"]
    put_on(client, keys["sos"], ANN, {**ANN, "email": "bob@mail.test"})
    subscribe, put = fake.subscribe, fake.put_person
    monkeypatch.setattr(fake, "subscribe", lambda mails, given: subscribe(mails, {**given, "details": {}}))
    if not confirms:
        deaf = lambda *args, form, query: put(*args, form={**form, "details": {}}, query=query)  # noqa: E731
        monkeypatch.setattr(fake, "put_person", deaf)
    counts = brought(app, fake)
    statuses = {one["status"] for one in there.lists[uid]["people"].values()}
    if confirms:
        assert (statuses, counts.injected) == ({"confirmed"}, 2)
    else:
        assert (statuses, counts.refused) == ({"unconfirmed"}, 2)
        rows = client.get("/api/v1/lists/news/contacts", headers=keys["sos"]).json()["items"]
        assert "is unconfirmed in MailWizz" in rows[0]["error"]


def test_a_twin_that_was_never_confirmed_is(app, client, keys, fake, there):
    uid = make_list(client, keys["sos"]).json()["mailwizz_uid"]
    twin, _wrong = fake.subscribe(there.lists[uid], {"EMAIL": ANN["email"]})
    put_on(client, keys["sos"], ANN)
    assert brought(app, fake).injected == 1 and twin["status"] == "confirmed"


def make_template(client, key, **changes):
    return client.post("/api/v1/templates", headers=key, json={"name": "plain", "content": HTML, **changes})


def test_a_template_in_both_places(client, keys, there):
    key = {**keys["sos"], "If-Match": "*"}
    made = make_template(client, key).json()
    assert there.templates[made["mailwizz_uid"]] == {"name": "plain", "content": HTML}
    shown = client.get("/api/v1/templates/plain", headers=key)
    assert shown.json() == {**made, "content": HTML} and shown.headers["ETag"] == made["etag"]
    assert client.get("/api/v1/templates", headers=key).json()["items"] == [made]
    assert problem(make_template(client, key), 409)["title"] == "The template is there already"
    other = HTML + " é"
    problem(client.put("/api/v1/templates/plain", headers=keys["sos"], json={"content": other}), 428)
    after = client.put("/api/v1/templates/plain", headers=key, json={"content": other}).json()
    assert after["sha256"] != made["sha256"] and there.templates[made["mailwizz_uid"]]["content"] == other
    assert client.put("/api/v1/templates/plain", headers=key, json={"content": other}).json() == after
    assert client.delete("/api/v1/templates/plain", headers=key).status_code == 204
    assert there.templates == {}
    problem(client.get("/api/v1/templates/plain", headers=key), 404)


def test_the_same_content_is_not_sent_again(client, keys, fake):
    key = {**keys["sos"], "If-Match": "*"}
    make_template(client, key)
    asked = len(fake.asked)
    client.put("/api/v1/templates/plain", headers=key, json={"content": HTML})
    assert len(fake.asked) == asked


@pytest.mark.parametrize("tag", ["[UNSUBSCRIBE_URL]", "[COMPANY_FULL_ADDRESS]"])
def test_what_every_template_needs(client, keys, there, tag):
    key = {**keys["sos"], "If-Match": "*"}
    wrong = HTML.replace(tag, "")
    refused = problem(make_template(client, key, content=wrong), 422)
    assert [one["where"] for one in refused["errors"]] == ["body.content"]
    assert tag in refused["detail"] and refused["errors"][0]["remedy"]
    assert there.templates == {}
    make_template(client, key)
    problem(client.put("/api/v1/templates/plain", headers=key, json={"content": wrong}), 422)


def test_another_tenants_template_is_not_there(client, keys):
    make_template(client, keys["sos"])
    key = {**keys["other"], "If-Match": "*"}
    problem(client.get("/api/v1/templates/plain", headers=key), 404)
    problem(client.put("/api/v1/templates/plain", headers=key, json={"content": HTML}), 404)
    problem(client.delete("/api/v1/templates/plain", headers=key), 404)
