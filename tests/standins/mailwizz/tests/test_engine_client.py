# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's client asks the application, as 2.0, as 2.x and as 3.x, with clean URLs and without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from instance import Database, Instance
from mailing import COMPANY, HTML, Tenant

sys.path.insert(0, str(Path(__file__).parents[4] / "engine"))

from email_engine.mailwizz import faults
from email_engine.mailwizz.client import Client, batches

DEFAULTS = {"from_name": "Ex", "from_email": "ex@mail.example", "reply_to": "ex@mail.example"}


@pytest.fixture(scope="module")
def site(database: Database) -> Iterator[Instance]:
    with Instance(database) as instance:
        instance.install()
        yield instance


@pytest.fixture(scope="module")
def tenant(site: Instance) -> Tenant:
    return Tenant(site, "one")


@pytest.fixture(params=["2.0", "2", "3"])
def mode(site: Instance, request: Any) -> Iterator[str]:
    site.option("system.standin.api_mode", request.param)
    yield request.param
    site.option("system.standin.api_mode", "2")


@pytest.fixture(params=["/api", "/api/index.php"])
def client(site: Instance, tenant: Tenant, mode: str, request: Any) -> Iterator[Client]:
    with Client(site.url + request.param, tenant.key, timeout=20) as client:
        yield client


@pytest.fixture
def uid(client: Client) -> str:
    return client.create_list({"name": "news", "description": "d"}, DEFAULTS, COMPANY)


def test_lists_and_fields(client: Client, uid: str) -> None:
    assert client.get_list(uid).name == "news"
    assert uid in [one.uid for one in client.lists()]
    assert "EMAIL" in [one.tag for one in client.fields(uid) if one.required]
    client.delete_list(uid)
    with pytest.raises(faults.NotFound):
        client.get_list(uid)


def test_a_list_that_is_refused(client: Client) -> None:
    with pytest.raises(faults.Refused) as caught:
        client.create_list({"name": "", "description": ""}, DEFAULTS, COMPANY)
    assert caught.value.status == 422 and caught.value.errors


def test_subscribers(client: Client, uid: str) -> None:
    details = {"status": "confirmed", "source": "api", "ip_address": "192.0.2.7"}
    rows = [{"EMAIL": f"p{n}@mail.example", "FNAME": "Zoë & co", "details": details} for n in range(120)]
    placed = [one for part in batches(rows, 100) for one in client.bulk(uid, part)]
    assert len({one.uid for one in placed}) == 120 and not [one for one in placed if one.errors]
    again, bad = client.bulk(uid, [rows[0], {"EMAIL": '"a b"@mail.example'}])
    assert again.errors and bad.errors and again.uid is bad.uid is None
    found = client.find_subscriber(uid, "p7@mail.example")
    assert found is not None and (found.uid, found.status) == (placed[7].uid, "confirmed")
    assert client.find_subscriber(uid, "nobody@mail.example") is None
    assert len(list(client.subscribers(uid))) == 120
    client.update_subscriber(uid, found.uid, {"EMAIL": "p7@mail.example", "FNAME": "Eva"})
    client.unsubscribe(uid, found.uid)
    client.unsubscribe_everywhere("p8@mail.example")
    client.unsubscribe_everywhere("nobody@mail.example")
    assert len(list(client.subscribers(uid, "unsubscribed"))) == 2
    # What the engine does for a contact that agreed again.
    client.update_subscriber(uid, found.uid, {"EMAIL": "p7@mail.example"}, details)
    assert [one.email for one in client.subscribers(uid, "unsubscribed")] == ["p8@mail.example"]
    client.delete_subscriber(uid, found.uid)
    client.delete_subscriber(uid, found.uid)
    assert client.find_subscriber(uid, "p7@mail.example") is None


def test_one_subscriber(client: Client, uid: str) -> None:
    number = client.create_subscriber(uid, {"EMAIL": "one+tag@mail.example"}, {"status": "confirmed"})
    found = client.find_subscriber(uid, "one+tag@mail.example")
    assert found is not None and found.uid == number
    with pytest.raises(faults.Refused) as caught:
        client.create_subscriber(uid, {"EMAIL": "one+tag@mail.example"})
    assert caught.value.status == 409


def test_templates(client: Client, tenant: Tenant) -> None:
    uid = client.create_template("plain", HTML + "Grüße")
    client.update_template(uid, "plain", HTML + "Änderung")
    assert uid in [one.uid for one in client.templates()]
    content = tenant.site.sql(f"SELECT content FROM {{{{customer_email_template}}}} WHERE template_uid = '{uid}'")
    assert "Änderung" in content[0]["content"]
    client.delete_template(uid)
    client.delete_template(uid)
    assert uid not in [one.uid for one in client.templates()]


def test_campaigns(client: Client, uid: str) -> None:
    client.bulk(uid, [{"EMAIL": "a@mail.example", "details": {"status": "confirmed"}}])
    number = client.create_campaign(
        {
            "name": f"Spring [{uid}]",
            "type": "regular",
            "from_name": "Ex",
            "from_email": "ex@mail.example",
            "subject": "Hello",
            "reply_to": "ex@mail.example",
            "send_at": "2030-01-01 00:00:00",
            "list_uid": uid,
            "status": "draft",
            "template": {"content": HTML},
        }
    )
    found = client.find_campaign(f"Spring [{uid}]")
    assert found is not None and (found.uid, found.status) == (number, "draft")
    with pytest.raises(faults.Refused):
        client.pause(number)
    client.update_campaign(number, {"status": "pending-sending"})
    assert client.pause(number) == client.pause(number) == "paused"
    assert client.resume(number) == client.resume(number) != "paused"
    assert isinstance(client.stats(number)["subscribers_count"], int)
    client.delete_campaign(number)


def test_delivery_servers_are_the_customers_own(client: Client) -> None:
    assert isinstance(client.delivery_servers(), list)


def test_a_key_that_opens_nothing(site: Instance, mode: str) -> None:
    with Client(site.url, "0" * 40) as client, pytest.raises(faults.KeyRefused) as caught:
        list(client.lists())
    assert caught.value.status == (401 if mode == "3" else 400)


def test_another_tenants_list_is_not_there(site: Instance, mode: str) -> None:
    other = Tenant(site, f"other{mode}")
    with Client(site.url, other.key) as client, pytest.raises(faults.NotFound):
        client.get_list(Tenant.list(other)[::-1])


def test_it_is_offline(site: Instance, tenant: Tenant) -> None:
    site.option("system.common.api_status", "offline")
    try:
        with Client(site.url, tenant.key) as client, pytest.raises(faults.Busy):
            list(client.lists())
    finally:
        site.option("system.common.api_status", "online")


def test_the_site_instead_of_its_api(site: Instance, tenant: Tenant) -> None:
    with Client(f"{site.url}/backend/api", tenant.key) as client, pytest.raises(faults.MailwizzError) as caught:
        list(client.lists())
    assert isinstance(caught.value, faults.Stranger) and "API" in caught.value.remedy
