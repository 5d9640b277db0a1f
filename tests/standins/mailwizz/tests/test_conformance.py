# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection relies on, asked of the stand-in or of a licensed installation.

A licensed one is named by the environment; run this file on its own machine, as root (PHP runs as MAILWIZZ_USER):

    MAILWIZZ_URL       https://mail.example.com, without a slash at the end
    MAILWIZZ_KEY       API key of a customer made for this
    MAILWIZZ_ROOT      the web root, /var/www/mailwizz
    MAILWIZZ_ARCHIVE   latest/ of the archive it came from, with install/
    MAILWIZZ_CRONTAB   file with the lines that the wizard or the backend shows
    MAILWIZZ_DATABASE  name of its database, to be sure that it is the one meant
    MAILWIZZ_PHP, MAILWIZZ_USER   /usr/bin/php, www-data
    MAILWIZZ_SEND=yes  also makes a list, a delivery server (afterwards disabled) and a campaign, and sends it to 127.0.0.1

Everything but the last only reads. What differs from a licensed installation is to be changed in the stand-in.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import instance
import pytest
from instance import Browser, Database, Instance
from mailing import COMPANY, HTML, Api, Tenant, b64, php
from sink import Sink

ENV = {
    name: os.environ.get(f"MAILWIZZ_{name}", "")
    for name in ["URL", "KEY", "ROOT", "ARCHIVE", "CRONTAB", "DATABASE", "PHP", "USER", "SEND"]
}
LICENSED = bool(ENV["URL"])
COMMANDS = {
    "send-campaigns": "* * * * *",
    "queue": "* * * * *",
    "send-transactional-emails": "*/2 * * * *",
    "bounce-handler": "*/10 * * * *",
    "feedback-loop-handler": "*/20 * * * *",
    "process-delivery-and-bounce-log": "*/3 * * * *",
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
}
FIELDS = {
    "welcome": ["market_place", "purchase_code", "site_name", "site_tagline", "site_description", "terms_consent"],
    "requirements": ["result"],
    "filesystem": ["result"],
    "database": ["hostname", "port", "dbname", "username", "password", "prefix"],
    "admin": ["first_name", "last_name", "email", "password", "timezone", "create_customer"],
    "cron": [],
}
COLUMNS = {
    "option": "category key value is_serialized date_added last_updated",
    "customer": "customer_id customer_uid group_id first_name last_name email password timezone status date_added last_updated",
    "customer_group": "group_id name date_added last_updated",
    "customer_group_option": "group_id code is_serialized value",
    "customer_api_key": "key_id customer_id name description key ip_whitelist ip_blacklist date_added",
    "list": "list_id list_uid customer_id name display_name description opt_in status",
    "list_field": "field_id list_id type_id label tag required visibility sort_order",
    "list_subscriber": "subscriber_id subscriber_uid list_id email source status ip_address date_added",
    "campaign": "campaign_id campaign_uid customer_id list_id type name from_name from_email subject reply_to send_at status",
    "campaign_delivery_log": "log_id campaign_id subscriber_id message retries max_retries email_message_id delivery_confirmed status date_added",
    "campaign_bounce_log": "campaign_id subscriber_id message bounce_type processed",
    "campaign_complain_log": "campaign_id subscriber_id message",
    "delivery_server": "server_id customer_id bounce_server_id tracking_domain_id type name hostname username password port protocol timeout"
    " from_email from_name reply_to_email probability hourly_quota daily_quota monthly_quota pause_after_send meta_data confirmation_key locked use_for"
    " signing_enabled force_from force_reply_to force_sender must_confirm_delivery max_connection_messages status date_added last_updated",
    "delivery_server_to_customer_group": "server_id group_id",
    "campaign_to_delivery_server": "campaign_id server_id",
    "bounce_server": "server_id customer_id hostname username password email service port protocol status",
    "feedback_loop_server": "server_id customer_id hostname username password email service port protocol status",
    "tracking_domain": "domain_id customer_id name scheme",
    "sending_domain": "domain_id customer_id name dkim_private_key dkim_public_key locked verified signing_enabled",
    "email_blacklist": "email subscriber_id reason",
    "transactional_email": "email_id email_uid customer_id to_email to_name subject body send_at status",
}


class Licensed(Instance):
    """An installation that is there already, with the means of the stand-in's."""

    def __init__(self) -> None:
        self.root = Path(ENV["ROOT"])
        self.url = ENV["URL"]
        self.php = ENV["PHP"] or "/usr/bin/php"
        self.user = ENV["USER"] or "www-data"
        self.browser = Browser(self.url)


class Product:
    """What is asked: site, api, archive (tree with install/), crontab (text)."""

    def __init__(self, site: Instance, api: Api, archive: Path, crontab: str) -> None:
        self.site = site
        self.api = api
        self.archive = archive
        self.crontab = crontab


@pytest.fixture(scope="module")
def product(request: pytest.FixtureRequest) -> Iterator[Product]:
    if LICENSED:
        site: Instance = Licensed()
        crontab = Path(ENV["CRONTAB"]).read_text() if ENV["CRONTAB"] else ""
        yield Product(site, Api(site.url, ENV["KEY"], "/api/index.php"), Path(ENV["ARCHIVE"]), crontab)
        return
    database: Database = request.getfixturevalue("database")
    with Instance(database) as site:
        crontab = installed(site)
        tenant = Tenant(site, "conformance")
        yield Product(site, Api(site.url, tenant.key, "/api/index.php"), instance.HERE / "latest", crontab)


def installed(site: Instance) -> str:
    """Walks through the wizard. Returns what its page of the crontab says."""
    browser = Browser(site.url)
    page = ""
    for step, fields in site.wizard().items():
        page = browser.get(f"/install/index.php?route={step}").text if step != "welcome" else ""
        assert browser.post(f"/install/index.php?route={step}", {**fields, "next": "1"}).status == 302, step
    site.get("/index.php")
    return page


def answer(product: Product, path: str) -> dict[str, Any]:
    said = product.api.get(path)
    assert (said.status, said.data["status"]) == (200, "success"), said.data
    return said.data["data"]


# Reading


def test_hook_returns_the_application(product: Product) -> None:
    found = product.site.script(
        "return [class_exists('DeliveryServerSmtpPmta'), MW_VERSION, (string) Yii::app()->options->get('system.common.version'),"
        " Yii::app()->db->createCommand('SELECT DATABASE()')->queryScalar()];"
    )
    assert found[0] is True
    assert found[1] == found[2]
    assert found[3] == (ENV["DATABASE"] or getattr(product.site, "db", {}).get("name", found[3]))


def test_delivery_server_model(product: Product) -> None:
    """Attributes and headers can be set, and validation speaks in getErrors(). Nothing is saved."""
    found = product.site.script(
        "$server = new DeliveryServerSmtpPmta();"
        " $server->additional_headers = [['name' => 'X-Job', 'value' => '[CAMPAIGN_UID]']]; $server->probability = 7;"
        " return [$server->type, $server->force_from, $server->hasAttribute('daily_quota'), $server->hasAttribute('nothing'), $server->validate(),"
        " array_keys($server->getErrors()), count($server->getTableSchema()->columns) > 20];"
    )
    assert found[:5] == ["smtp-pmta", "always", True, False, False]
    assert {"hostname", "from_email"} <= set(found[5])
    assert found[6] is True


@pytest.mark.parametrize("table", COLUMNS)
def test_columns(product: Product, table: str) -> None:
    rows = product.site.script(
        f"return Yii::app()->db->createCommand('SHOW COLUMNS FROM {{{{{table}}}}}')->queryAll();"
    )
    assert set(COLUMNS[table].split()) - {row["Field"] for row in rows} == set()


def test_prefix_of_headers(product: Product) -> None:
    assert re.fullmatch(
        r"X-([A-Za-z]+-)?", product.site.script("return Yii::app()->params['email.custom.header.prefix'];")
    )


@pytest.mark.parametrize("name", ["frontend", "backend", "customer", "api"])
def test_urls_are_known(product: Product, name: str) -> None:
    assert product.site.script(f"return Yii::app()->options->get('system.urls.{name}_absolute_url');").startswith(
        "http"
    )


@pytest.mark.parametrize("step", FIELDS)
def test_fields_of_the_wizard(product: Product, step: str) -> None:
    text = (product.archive / f"install/views/{step}.php").read_text()
    assert [name for name in [*FIELDS[step], "next"] if not re.search(rf"\bname\s*=\s*[\"']{name}[\"']", text)] == []


def test_template_of_the_configuration(product: Product) -> None:
    text = (product.archive / "apps/common/data/config/main-custom.php").read_text()
    for name in ("DB_CONNECTION_STRING", "DB_USER", "DB_PASS", "DB_PREFIX", "EMAILS_CUSTOM_HEADER_PREFIX"):
        assert f"{{{name}}}" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_crontab(product: Product, command: str) -> None:
    if LICENSED and not product.crontab:
        pytest.skip("MAILWIZZ_CRONTAB is not set")
    lines = re.findall(
        rf"^\s*({re.escape(COMMANDS[command])})\s.*console\.php {command}\b", product.crontab, re.MULTILINE
    )
    assert len(lines) == 1


def test_commands_exist(product: Product) -> None:
    assert product.site.console("hello").stdout.startswith("Hello World!")
    nothing = product.site.console("no-such-command")
    assert nothing.returncode != 0
    assert [
        name
        for name in COMMANDS
        if not re.search(rf"(?<![\w-]){name.replace('-', '-?')}(?![\w-])", nothing.stdout + nothing.stderr)
    ] == []


def test_api_without_a_good_key(product: Product) -> None:
    for key in ("", "0" * 40):
        said = Api(product.site.url, key, "/api/index.php").get("/lists")
        assert said.status in (400, 401)
        assert said.data["status"] == "error" and said.data["error"]


@pytest.mark.parametrize(
    "path", ["/lists", "/campaigns", "/templates", "/transactional-emails", "/countries", "/delivery-servers"]
)
def test_collections(product: Product, path: str) -> None:
    data = answer(product, path + "?per_page=1000")
    assert {"count", "total_pages", "current_page", "next_page", "prev_page", "records"} <= set(data)
    assert isinstance(data["records"], list) and len(data["records"]) <= 50
    assert data["count"] is None or int(data["count"]) >= len(data["records"])


def test_unknown_things(product: Product) -> None:
    for path in (f"/lists/{'0' * 13}", f"/campaigns/{'0' * 13}", "/no-such-thing", "/delivery-servers/999999999"):
        said = product.api.get(path)
        assert (said.status, said.data["status"]) == (404, "error")


def test_forms_only(product: Product) -> None:
    said = product.api.call(
        "POST", "/campaigns", body=b'{"campaign": {"name": "x"}}', headers={"Content-Type": "application/json"}
    )
    assert (said.status, said.data["status"]) == (422, "error")


def test_servers_cannot_be_made(product: Product) -> None:
    assert product.api.post("/delivery-servers", {"name": "x"}).status >= 400


def test_webhook_says_nothing(product: Product) -> None:
    said = product.site.browser.request("POST", "/index.php/dswh/pmta", b"{}")
    assert (said.status, said.text) == (200, "")


def test_details_of_a_row_of_a_bulk(product: Product) -> None:
    """Whether a subscriber can be added as confirmed to a double opt-in list, many in one request."""
    if LICENSED and ENV["SEND"] != "yes":
        pytest.skip("MAILWIZZ_SEND is not yes")
    api = product.api
    made = api.post(
        "/lists",
        {
            "general": {"name": "Bulk", "description": "Made by a test", "opt_in": "double"},
            "defaults": {"from_name": "Shop", "from_email": "news@shop.example", "reply_to": "help@shop.example"},
            "company": COMPANY,
        },
    )
    uid = made.data["list_uid"]
    address = f"b{secrets.token_hex(4)}@recipients.example"
    try:
        rows = [{"EMAIL": address, "FNAME": "Ann", "details": {"status": "confirmed"}}]
        assert api.post(f"/lists/{uid}/subscribers/bulk", {"subscribers": rows}).status == 201
        found = answer(product, f"/lists/{uid}/subscribers/search-by-email?EMAIL={address}")
        assert found["status"] == "confirmed"
    finally:
        api.delete(f"/lists/{uid}")


# One campaign


@pytest.fixture(scope="module")
def sent(product: Product) -> Iterator[dict[str, Any]]:
    """A message that the product handed to a server of ours, and the uids of what it belongs to."""
    if LICENSED and ENV["SEND"] != "yes":
        pytest.skip("MAILWIZZ_SEND is not yes")
    api = product.api
    list_uid = api.post(
        "/lists",
        {
            "general": {"name": "Conformance", "description": "Made by a test"},
            "defaults": {"from_name": "Shop", "from_email": "news@shop.example", "reply_to": "help@shop.example"},
            "company": COMPANY,
        },
    ).data["list_uid"]
    address = f"c{secrets.token_hex(4)}@recipients.example"
    said = api.post(
        f"/lists/{list_uid}/subscribers", {"EMAIL": address, "FNAME": "Ann", "details": {"status": "confirmed"}}
    ).data
    subscriber = said.get("subscriber_uid") or said["data"]["record"]["subscriber_uid"]
    with Sink() as sink:
        headers = [
            {"name": "X-Force-Return-Path", "value": "bounce@mta-01.example"},
            {"name": "X-Job", "value": "[CAMPAIGN_UID]"},
            {"name": "X-Virtual-MTA", "value": "vmta-01"},
        ]
        server = product.site.script(
            f"""
            foreach (CustomerApiKey::model()->findAll() as $key) {{
                if (hash('sha256', $key->key) === '{hashlib.sha256(api.key.encode()).hexdigest()}') {{ break; }}
            }}
            $server = new DeliveryServerSmtpPmta();
            $server->name = 'conformance'; $server->hostname = '127.0.0.1'; $server->port = {sink.port}; $server->username = ''; $server->password = '';
            $server->from_email = 'news@mta-01.example'; $server->from_name = 'Shop'; $server->force_from = 'always'; $server->signing_enabled = 'no';
            $server->customer_id = $key->customer_id; $server->status = 'active'; $server->additional_headers = json_decode({php(headers)}, true);
            if (!$server->save()) {{ throw new Exception(json_encode($server->getErrors())); }}
            return (int) $server->server_id;
            """
        )
        try:
            campaign = api.post(
                "/campaigns",
                {
                    "campaign": {
                        "name": "Conformance",
                        "from_name": "Shop",
                        "from_email": "news@shop.example",
                        "subject": "Hello [FNAME]",
                        "reply_to": "help@shop.example",
                        "send_at": "2020-01-01 00:00:00",
                        "list_uid": list_uid,
                        "status": "pending-sending",
                        "template": {"content": b64(HTML)},
                        "options": {"url_tracking": "yes"},
                    }
                },
            ).data["campaign_uid"]
            product.site.console("send-campaigns")
            yield {
                "mail": sink.mails,
                "campaign": campaign,
                "list": list_uid,
                "subscriber": subscriber,
                "server": server,
                "address": address,
            }
            api.put(f"/campaigns/{campaign}/mark-sent")
        finally:
            product.site.script(
                f"$server = DeliveryServer::model()->findByPk({server}); return $server->saveAttributes(['status' => 'disabled']);"
            )
            api.delete(f"/lists/{list_uid}")


def test_headers_of_a_campaign(product: Product, sent: dict[str, Any]) -> None:
    (mail,) = sent["mail"]
    prefix = product.site.script("return Yii::app()->params['email.custom.header.prefix'];")
    assert (mail.sender, mail.recipient) == ("bounce@mta-01.example", sent["address"])
    assert "<news@mta-01.example>" in mail["From"]
    assert (mail["X-Job"], mail["X-Virtual-MTA"]) == (sent["campaign"], "vmta-01")
    assert mail[prefix + "Campaign-Uid"] == sent["campaign"]
    assert mail[prefix + "Subscriber-Uid"] == sent["subscriber"]
    assert mail[prefix + "Delivery-Sid"] == str(sent["server"])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"/lists/{sent['list']}/unsubscribe/{sent['subscriber']}/{sent['campaign']}" in mail["List-Unsubscribe"]
    assert mail["List-Id"].startswith(sent["list"])
    assert mail["Precedence"] == "bulk"
    assert sent["campaign"] in mail["Feedback-ID"]
    assert re.fullmatch(r"<[0-9a-f]{40}@mta-01\.example>", mail["Message-ID"])
    assert "DKIM-Signature" not in mail.message
    assert "track-url/" in mail.body("html")


def test_delivery_is_logged(product: Product, sent: dict[str, Any]) -> None:
    (row,) = product.site.script(
        "return Yii::app()->db->createCommand('SELECT l.status, l.email_message_id FROM {{campaign_delivery_log}} l"
        f' JOIN {{{{campaign}}}} c ON c.campaign_id = l.campaign_id WHERE c.campaign_uid = "{sent["campaign"]}"\')->queryAll();'
    )
    assert row == {"status": "success", "email_message_id": sent["mail"][0]["Message-ID"].strip("<>")}


def test_statistics_of_a_campaign(product: Product, sent: dict[str, Any]) -> None:
    data = answer(product, f"/campaigns/{sent['campaign']}/stats")
    assert (int(data["processed_count"]), int(data["delivery_success_count"])) == (1, 1)
    assert {
        "opens_count",
        "clicks_count",
        "unsubscribes_count",
        "complaints_count",
        "bounces_count",
        "hard_bounces_count",
    } <= set(data)


def test_one_click_of_a_campaign(product: Product, sent: dict[str, Any]) -> None:
    """The last one: afterwards the subscriber is gone."""
    link = re.findall(r"<(https?://[^>]+)>", sent["mail"][0]["List-Unsubscribe"])[0]
    place = re.sub(r"^https?://[^/]+", "", link)
    assert Browser(product.site.url).post(place, {"List-Unsubscribe": "One-Click"}).status == 200
    found = answer(product, f"/lists/{sent['list']}/subscribers/search-by-email?EMAIL={sent['address']}")
    assert found["status"] == "unsubscribed"
