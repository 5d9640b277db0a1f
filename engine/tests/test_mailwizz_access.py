# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine is told where a tenant's MailWizz is. The key goes in, is sealed, and comes out nowhere."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import create_engine, select, text, update

from email_engine.store import sealing
from email_engine.store.mail_models import MailwizzInstance
from email_engine.store.models import AuditRow
from fake_mailwizz import Answer, FakeMailwizz
from mailing_fleet import KEYS, make_list, ready, told
from members import declared, problem
from samples import make_key
from test_mailwizz_client import certificate

PLACE = "/api/v1/tenants/sos/mailwizz"


@pytest.fixture
def fake():
    server = FakeMailwizz()
    yield server
    server.close()


def test_sealing():
    sealed = sealing.seal("secret", "pepper", "mailwizz", 1)
    assert b"secret" not in sealed and sealed != sealing.seal("secret", "pepper", "mailwizz", 1)
    assert sealing.unseal(sealed, "pepper", "mailwizz", 1) == "secret"
    changed = bytes([*sealed[:-1], sealed[-1] ^ 1])
    for wrong in (
        (sealed, "salt", "mailwizz", 1),
        (sealed, "pepper", "other", 1),
        (sealed, "pepper", "mailwizz", 2),
        (changed, "pepper", "mailwizz", 1),
        (b"", "pepper", "mailwizz", 1),
        (b"\2" + sealed[1:], "pepper", "mailwizz", 1),
    ):
        with pytest.raises(sealing.Unsealable):
            sealing.unseal(*wrong)


def test_told_once_changed_once(app, client, admin, fake):
    declared(app, admin)
    assert problem(client.get(PLACE, headers=admin), 404)["title"] == "No such MailWizz"
    tried = told(client, admin, fake, dry_run=True)
    assert tried.json().items() >= {"changed": True, "key_changed": True, "before": None}.items()
    problem(client.get(PLACE, headers=admin), 404)
    first = told(client, admin, fake).json()
    assert first["changed"] and first["mailwizz"]["url"] == f"{fake.url}/api/index.php"
    first |= {"key_changed": False, "before": first["mailwizz"]}
    # The same MailWizz, written otherwise.
    again = told(client, admin, fake, url=f"{fake.url}/").json()
    assert again == {**first, "changed": False}
    assert told(client, admin, fake, key="x" * 40, dry_run=True).json()["changed"]
    changed = told(client, admin, fake, key="x" * 40).json()
    assert changed["key_changed"] and changed["before"]["url"] == changed["mailwizz"]["url"]
    assert not told(client, admin, fake, key="x" * 40).json()["changed"]
    shown = client.get(PLACE, headers=make_key(app, "sos's", "sos")).json()
    assert shown["tenant"] == "sos" and shown["certificate"] is None and "key" not in shown
    assert client.delete(PLACE, headers=admin).status_code == 204
    assert client.delete(PLACE, headers=admin).status_code == 204
    problem(client.get(PLACE, headers=admin), 404)


def test_its_certificate_is_shown_by_its_fingerprint(app, client, admin, fake, tmp_path):
    declared(app, admin)
    pem, _both = certificate(tmp_path, "localhost")
    shown = told(client, admin, fake, certificate=pem).json()["mailwizz"]
    assert len(shown["certificate"]) == 1 and len(shown["certificate"][0]) == 95
    # Blank lines around it make no other certificate.
    assert not told(client, admin, fake, certificate=f"{pem}\n\n").json()["changed"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"url": "http://mailwizz.test"}, "body.url"),
        ({"url": "mailwizz.test/api"}, "body.url"),
        ({"key": "short"}, "body.key"),
        ({"key": "k" * 20 + "\nX-Other: y"}, "body.key"),
        ({"certificate": "none"}, "body.certificate"),
        ({"certificate": ""}, "body.certificate"),
        ({"certificate": "é"}, "body.certificate"),
        ({"certificate": "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"}, "body.certificate"),
        ({"url": "https://["}, "body.url"),
        ({"url": "https://mw.test:99999"}, "body.url"),
        ({"keys": "x"}, "body.keys"),
    ],
)
def test_what_cannot_be_one(app, client, admin, fake, changes, where):
    declared(app, admin)
    refused = problem(told(client, admin, fake, **changes), 422)
    assert [one["where"] for one in refused["errors"]] == [where]
    assert KEYS["sos"] not in str(refused)


def test_only_admins_tell(app, client, admin, fake):
    declared(app, admin)
    mine = make_key(app, "sos's", "sos")
    problem(told(client, mine, fake), 403)
    problem(client.delete(PLACE, headers=mine), 403)
    problem(client.post(f"{PLACE}:check", headers=mine), 403)


def test_the_key_is_nowhere(app, client, admin, fake, database, caplog):
    caplog.set_level(logging.DEBUG)
    ready(app, client, admin, fake)
    with create_engine(database["owner"]).connect() as connection:
        rows = connection.execute(text("SELECT row_to_json(audit_log)::text FROM audit_log")).scalars().all()
        rows += connection.execute(
            text("SELECT row_to_json(mailwizz_instances)::text FROM mailwizz_instances")
        ).scalars()
    assert len(rows) > 4
    assert not [row for row in rows if KEYS["sos"] in row or KEYS["sos"].encode().hex() in row]
    assert KEYS["sos"] not in caplog.text
    with app.state.sessions() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.target == "MailWizz of tenant sos")).one()
        assert (row.action, row.after) == ("told", {"url": f"{fake.url}/api/index.php", "certificate": None})


def test_two_tenants_have_two_keys(app, client, admin, fake):
    ready(app, client, admin, fake)
    refused = problem(told(client, admin, fake, "other", key=KEYS["sos"]), 409)
    assert refused["title"] == "The key is another tenant's" and "tenant sos" in refused["detail"]


def test_a_key_that_works(app, client, admin, fake):
    ready(app, client, admin, fake)
    found = client.post(f"{PLACE}:check", headers=admin)
    assert found.status_code == 200, found.text
    assert found.json()["delivery_servers"] == {"m1.sos.test": "active", "m2.sos.test": "active"}


def test_a_customer_of_another_tenant(app, client, admin, fake):
    ready(app, client, admin, fake)
    fake.customer("x" * 40, "m1.sos.test", "m3.other.test")
    refused = problem(told(client, admin, fake, key="x" * 40), 409)
    assert refused["title"] == "The key is another tenant's"
    assert "m3.other.test of tenant other" in refused["detail"]
    # What MailWizz could not show at first is seen later, before anything is made there.
    fake.instead = Answer(500, "<title>Oops</title>")
    assert told(client, admin, fake, key="x" * 40).status_code == 200
    fake.instead = None
    for answer in (
        client.post(f"{PLACE}:check", headers=admin),
        make_list(client, make_key(app, "sos's again", "sos")),
    ):
        assert problem(answer, 409)["title"] == "The key is another tenant's"
    assert fake.customers["x" * 40].lists == {}


@pytest.mark.parametrize(
    ("instead", "status", "words"),
    [
        (Answer(401, {"status": "error", "error": "Invalid API key!"}), 502, "Invalid API key!"),
        (Answer(200, "<title>Welcome</title>"), 502, "Welcome"),
        (Answer(429, {"status": "error", "error": "slow"}, {"Retry-After": "9"}), 503, "slow"),
    ],
)
def test_a_key_that_does_not(app, client, admin, fake, instead, status, words):
    ready(app, client, admin, fake)
    fake.instead = instead
    answer = client.post(f"{PLACE}:check", headers=admin)
    refused = problem(answer, status)
    assert words in refused["detail"] and refused["errors"][0]["remedy"]
    assert answer.headers.get("Retry-After") == instead.headers.get("Retry-After")


def test_a_mailwizz_that_is_away(app, client, admin, fake):
    ready(app, client, admin, fake)
    fake.close()
    assert "not to be reached" in problem(client.post(f"{PLACE}:check", headers=admin), 502)["detail"]


def test_another_pepper(app, client, admin, fake):
    """A key that cannot be read is told as such, and may be told anew."""
    ready(app, client, admin, fake)
    with app.state.sessions() as session, session.begin():
        session.execute(update(MailwizzInstance).values(key_sealed=sealing.seal("k", "salt", "mailwizz", 1)))
    refused = problem(client.post(f"{PLACE}:check", headers=admin), 409)
    assert "key_pepper" in refused["detail"] and refused["errors"][0]["remedy"]
    assert told(client, admin, fake).json()["changed"]
    assert client.post(f"{PLACE}:check", headers=admin).status_code == 200


def test_without_one(app, client, admin):
    declared(app, admin)
    refused = problem(client.post(f"{PLACE}:check", headers=admin), 409)
    assert refused["title"] == "The tenant has no MailWizz" and "converge.yml" in refused["errors"][0]["remedy"]
