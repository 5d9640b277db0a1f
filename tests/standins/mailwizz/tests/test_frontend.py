# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for the people and machines that get the mail: unsubscribing, tracking, the web version, PowerMTA's reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from instance import Answer, Browser, Database, Instance
from mailing import Tenant, path
from sink import Mail, Sink


@pytest.fixture(scope="module")
def site(database: Database) -> Iterator[Instance]:
    with Instance(database) as instance:
        instance.install()
        yield instance


@pytest.fixture(scope="module")
def tenant(site: Instance) -> Tenant:
    return Tenant(site, "one")


class Mailed:
    """A campaign that three people got: uids, links, and the mail."""

    def __init__(self, site: Instance, tenant: Tenant) -> None:
        self.tenant = tenant
        self.site = site
        site.sql("DELETE FROM {{delivery_server}}")
        site.sql("DELETE FROM {{email_blacklist}}")
        with Sink() as sink:
            tenant.server(sink.port, headers={"X-Force-Return-Path": "bounce@mta-01.example"})
            self.list = tenant.list("ann@x.test", "bob@x.test", "cy@x.test")
            self.campaign = tenant.campaign(self.list)
            assert site.console("send-campaigns").returncode == 0
        self.mails: dict[str, Mail] = {mail.recipient.split("@")[0]: mail for mail in sink.mails}
        assert len(self.mails) == 3

    def link(self, name: str, pattern: str) -> str:
        found = re.search(rf'"(http[^"]*{pattern}[^"]*)"', self.mails[name].body("html"))
        assert found
        return path(found[1])

    def one_click(self, name: str) -> str:
        return path(re.findall(r"<(http[^>]+)>", self.mails[name]["List-Unsubscribe"])[0])

    def status(self, name: str) -> str:
        return self.tenant.get(f"/lists/{self.list}/subscribers/search-by-email?EMAIL={name}@x.test").data["data"][
            "status"
        ]

    def stats(self) -> dict[str, Any]:
        return self.tenant.get(f"/campaigns/{self.campaign}/stats").data["data"]


@pytest.fixture
def mailed(site: Instance, tenant: Tenant) -> Mailed:
    return Mailed(site, tenant)


def test_one_click(mailed: Mailed, site: Instance) -> None:
    """One POST, no cookies, no page before it; again is no error."""
    for _time in range(2):
        answer = Browser(site.url).post(mailed.one_click("ann"), {"List-Unsubscribe": "One-Click"})
        assert answer.status == 200
    assert [mailed.status(name) for name in ("ann", "bob")] == ["unsubscribed", "confirmed"]
    assert mailed.stats()["unsubscribes_count"] == 1
    notes = mailed.tenant.get(f"/campaigns/{mailed.campaign}/unsubscribes").data["data"]["records"]
    assert [row["subscriber"]["email"] for row in notes] == ["ann@x.test"]


def test_looking_at_the_page_unsubscribes_nobody(mailed: Mailed, site: Instance) -> None:
    browser = Browser(site.url)
    link = mailed.link("ann", "/unsubscribe/")
    page = browser.get(link)
    assert page.status == 200
    assert "ann@x.test" in page.text and '<form method="post"' in page.text
    assert mailed.status("ann") == "confirmed"
    token = re.findall(r'name="csrf_token" value="(\w+)"', page.text)[0]
    assert Browser(site.url).post(link, {"csrf_token": token}).status == 400
    assert browser.post(link, {}).status == 400
    assert mailed.status("ann") == "confirmed"
    assert browser.post(link, {"csrf_token": token}).status == 200
    assert mailed.status("ann") == "unsubscribed"


def test_unsubscribing_what_does_not_exist(mailed: Mailed, site: Instance) -> None:
    parts = mailed.one_click("ann").split("?")[0].split("/")
    for place in (-4, -2, -1):
        wrong = [*parts]
        wrong[place] = "a" * 13
        assert site.post("/".join(wrong), {"List-Unsubscribe": "One-Click"}).status == 404
    other = mailed.tenant.list("eve@x.test")
    wrong = [*parts]
    wrong[-4] = other
    assert site.post("/".join(wrong), {"List-Unsubscribe": "One-Click"}).status == 404
    assert mailed.status("ann") == "confirmed"


def test_opens(mailed: Mailed, site: Instance) -> None:
    link = mailed.link("ann", "/track-opening/")
    for _time in range(2):
        answer = site.get(link)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/gif")
        assert answer.text.startswith("GIF89a")
    stats = mailed.stats()
    assert (stats["opens_count"], stats["unique_opens_count"], stats["unique_opens_rate"]) == (2, 1, 33.33)
    assert site.get(link[:-13] + "a" * 13).status == 404


def test_clicks(mailed: Mailed, site: Instance) -> None:
    link = mailed.link("ann", "/track-url/")
    answer = site.get(link)
    assert (answer.status, answer.location) == (301, "https://shop.example/?a=1&e=ann%40x.test")
    site.get(mailed.link("bob", "/track-url/"))
    stats = mailed.stats()
    assert (stats["clicks_count"], stats["unique_clicks_count"]) == (2, 2)


def test_no_open_redirect(mailed: Mailed, site: Instance) -> None:
    link = mailed.link("ann", "/track-url/")
    for wrong in (link[:-40] + "0" * 40, link[:-40] + "https://evil.example", link + "?url=https://evil.example"):
        answer = site.get(wrong)
        assert "evil" not in answer.location
        assert answer.status in (404, 301) and (answer.status == 301) == wrong.startswith(link)


def test_web_version(mailed: Mailed, site: Instance) -> None:
    one = mailed.mails["ann"]["X-Subscriber-Uid"]
    page = site.get(f"/index.php/campaigns/{mailed.campaign}/web-version/{one}")
    assert page.status == 200
    assert "Hello ann" in page.text and "Ex Ltd, Street 1" in page.text
    assert site.get(f"/index.php/campaigns/{mailed.campaign}").status == 200
    assert site.get(f"/index.php/campaigns/{'a' * 13}/web-version/{one}").status == 404


def test_report_of_abuse(mailed: Mailed, site: Instance) -> None:
    browser = Browser(site.url)
    link = path(mailed.mails["ann"]["X-Report-Abuse"].split(": ")[1])
    token = re.findall(r'name="csrf_token" value="(\w+)"', browser.get(link).text)[0]
    assert browser.post(link, {"csrf_token": token}).status == 200
    assert (mailed.status("ann"), mailed.stats()["complaints_count"]) == ("unsubscribed", 1)


# dswh/pmta


def record(mailed: Mailed, name: str, **values: str) -> dict[str, str]:
    return {
        "type": "b",
        "header_Message-Id": mailed.mails[name]["Message-ID"],
        "bounceCat": "bad-mailbox",
        "dsnDiag": "550 no",
        **values,
    }


def report(site: Instance, text: str, place: str = "/dswh/pmta") -> Answer:
    answer = site.browser.request("POST", place, text.encode(), headers={"Content-Type": "application/json"})
    assert (answer.status, answer.text) == (200, "")
    return answer


@pytest.mark.parametrize(
    "place",
    [
        "/dswh/pmta",
        "/index.php/dswh/pmta",
        # The path is the visitor's, not what the web server makes of it.
        "/dswh/pmta/../../foo",
        "/dswh/pmta/a/b/c",
        "/%64swh/pmta",
        "//dswh/pmta",
    ],
)
@pytest.mark.parametrize("form", ["lines", "array", "object"])
def test_reports_of_bounces(mailed: Mailed, site: Instance, form: str, place: str) -> None:
    hard = record(mailed, "ann")
    soft = record(mailed, "bob", type="rb", bounceCat="quota-issues")
    other = record(mailed, "cy", type="rs", bounceCat="spam-related")
    if form == "object":
        for one in (hard, soft, other):
            report(site, json.dumps(one), place)
    else:
        lines = "\n".join(map(json.dumps, (hard, soft, other)))
        report(site, lines if form == "lines" else json.dumps([hard, soft, other]), place)
    rows = mailed.tenant.get(f"/campaigns/{mailed.campaign}/bounces").data["data"]["records"]
    assert {row["subscriber"]["email"]: row["bounce_type"] for row in rows} == {
        "ann@x.test": "hard",
        "bob@x.test": "soft",
        "cy@x.test": "internal",
    }
    assert [mailed.status(name) for name in ("ann", "bob", "cy")] == ["blacklisted", "confirmed", "confirmed"]


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("bad-mailbox", "hard"),
        ("inactive-mailbox", "hard"),
        ("bad-domain", "hard"),
        ("no-answer-from-host", "soft"),
        ("relaying-issues", "soft"),
        ("routing-errors", "soft"),
        ("policy-related", "internal"),
        ("other", "internal"),
    ],
)
def test_kinds_of_bounces(mailed: Mailed, site: Instance, category: str, kind: str) -> None:
    report(site, json.dumps(record(mailed, "ann", bounceCat=category)))
    assert mailed.stats()[f"{kind}_bounces_count"] == 1


def test_reports_that_change_nothing(mailed: Mailed, site: Instance) -> None:
    without = {key: value for key, value in record(mailed, "ann").items() if key != "header_Message-Id"}
    unknown = record(mailed, "ann", **{"header_Message-Id": "<nobody@x.test>"})
    for text in (
        "",
        "no json",
        "[]",
        "[1, null]",
        "{}",
        json.dumps(without),
        json.dumps(unknown),
        json.dumps(record(mailed, "ann", type="d")),
        json.dumps(record(mailed, "ann", bounceCat="")),
    ):
        report(site, text)
    assert (mailed.stats()["bounces_count"], mailed.status("ann")) == (0, "confirmed")


@pytest.mark.parametrize(("action", "status"), [("unsubscribe", "unsubscribed"), ("blacklist", "blacklisted")])
def test_complaints(mailed: Mailed, site: Instance, action: str, status: str) -> None:
    site.option("system.cron.process_feedback_loop_servers.subscriber_action", action)
    try:
        report(site, json.dumps(record(mailed, "ann", type="f")))
    finally:
        site.option("system.cron.process_feedback_loop_servers.subscriber_action", "unsubscribe")
    assert (mailed.status("ann"), mailed.stats()["complaints_count"]) == (status, 1)


def test_complaint_may_delete(mailed: Mailed, site: Instance) -> None:
    site.option("system.cron.process_feedback_loop_servers.subscriber_action", "delete")
    try:
        report(site, json.dumps(record(mailed, "ann", type="f")))
    finally:
        site.option("system.cron.process_feedback_loop_servers.subscriber_action", "unsubscribe")
    assert mailed.tenant.get(f"/lists/{mailed.list}/subscribers/search-by-email?EMAIL=ann@x.test").status == 404


# The other commands


def test_log_of_bounces_blacklists(mailed: Mailed, site: Instance) -> None:
    """One hard bounce is enough; soft ones need five."""
    one = mailed.mails["ann"]["X-Subscriber-Uid"]
    site.sql(
        "INSERT INTO {{campaign_bounce_log}} (campaign_id, subscriber_id, message, bounce_type, date_added)"
        f" SELECT (SELECT campaign_id FROM {{{{campaign}}}} WHERE campaign_uid = '{mailed.campaign}'), subscriber_id, 'x', 'hard', NOW()"
        f" FROM {{{{list_subscriber}}}} WHERE subscriber_uid = '{one}'"
    )
    report(site, json.dumps(record(mailed, "bob", bounceCat="quota-issues")))
    assert site.console("process-delivery-and-bounce-log").returncode == 0
    assert [mailed.status(name) for name in ("ann", "bob")] == ["blacklisted", "confirmed"]
    site.option("system.cron.process_delivery_bounce.max_soft_bounce", "1")
    try:
        site.console("process-delivery-and-bounce-log")
    finally:
        site.option("system.cron.process_delivery_bounce.max_soft_bounce", "5")
    assert mailed.status("bob") == "blacklisted"


@pytest.mark.parametrize("command", ["queue", "bounce-handler", "feedback-loop-handler", "hourly", "daily"])
def test_quiet_commands(site: Instance, command: str) -> None:
    done = site.console(command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{command}: ")


@pytest.mark.parametrize("command", ["process-bounces", "process-feedback-loop", "process-feedback-loops"])
def test_commands_that_do_not_exist(site: Instance, command: str) -> None:
    assert site.console(command).returncode != 0


def test_transactional_mail_is_sent(site: Instance, tenant: Tenant) -> None:
    site.sql("DELETE FROM {{delivery_server}}")
    with Sink() as sink:
        tenant.server(sink.port, name="bulk", use_for="campaigns")
        uid = tenant.post(
            "/transactional-emails",
            {
                "email": {
                    "to_name": "Ann",
                    "to_email": "ann@x.test",
                    "from_name": "Shop",
                    "subject": "Hi",
                    "body": "PHA+SGk8L3A+",
                    "send_at": "2026-01-01 00:00:00",
                }
            },
        ).data["email_uid"]
        assert "Email delivery is temporary disabled" in site.console("send-transactional-emails").stdout
        tenant.server(sink.port, name="all")
        for _time in range(2):
            assert site.console("send-transactional-emails").returncode == 0
        assert [(mail.recipient, mail["From"], mail.body("html").strip()) for mail in sink.mails] == [
            ("ann@x.test", "Shop <news@all.example>", "<p>Hi</p>")
        ]
    assert tenant.get(f"/transactional-emails/{uid}").data["data"]["record"]["status"] == "sent"
