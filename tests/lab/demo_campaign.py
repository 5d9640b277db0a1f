# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's campaigns: two tenants at one MailWizz, through the engine's API, to mailboxes that judge; and a stop in the middle of one."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.email_engine.fleet.tests.lab import mailing
from ansible_collections.email_engine.fleet.tests.lab.engine import Engine

TENANTS = ("sos-holidays", "ulixai")
RECIPIENTS = 6
#: Of the campaign that is stopped: how many it writes to in all, and in each run of MailWizz's job.
STOPPED, BATCH = 60, 20


def campaigns(engine: Engine) -> dict[str, Any]:
    """One campaign of each tenant, at the same time."""
    tenants = [mailing.Tenant(engine, name, f"news{n}x{time.time_ns()}") for n, name in enumerate(TENANTS)]
    begin = time.monotonic()
    asked = []
    for tenant in tenants:
        tenant.prepare(mailing.recipients(tenant.token, RECIPIENTS))
        asked.append(tenant.campaign()["campaign"])
    checks: dict[str, bool] = {}
    for tenant, campaign in zip(tenants, asked):
        mails = mailing.arrived(tenant.token, RECIPIENTS)
        sender = engine.get(f"/ips/{campaign['sender']}")
        checks |= {f"{key}_{tenant.name}": value for key, value in judged(mails, sender, tenant).items()}
        checks |= {f"{key}_{tenant.name}": value for key, value in used(tenant, campaign["id"], mails).items()}
    return {"ok": all(checks.values()), "seconds": round(time.monotonic() - begin, 1), **checks}


def judged(mails: list[dict[str, Any]], sender: dict[str, Any], tenant: mailing.Tenant) -> dict[str, bool]:
    """What the receivers and the recipients see of one campaign."""
    both = {"list-unsubscribe", "list-unsubscribe-post"}
    return {
        "each_recipient_once": sorted(mail["recipient"] for mail in mails)
        == sorted(mailing.recipients(tenant.token, RECIPIENTS)),
        "own_ip": {mail["source_ip"] for mail in mails} == {sender["ip"]},
        "own_name": {mail["ehlo"] for mail in mails} == {sender["name"]},
        "own_from": all(sender["from_email"] in mail["from"] for mail in mails),
        "own_return_path": {mail["return_path"].rpartition("@")[2] for mail in mails} == {sender["domain"]},
        "spf_dkim_dmarc": all(mailing.passes(mail) for mail in mails),
        "unsubscribe_headers_signed": all(both <= mailing.signed(mail) for mail in mails),
        "one_click_offered": all(mailing.one_click(mail) for mail in mails),
    }


def used(tenant: mailing.Tenant, number: str, mails: list[dict[str, Any]]) -> dict[str, bool]:
    """A recipient opens and clicks, another one leaves by one click."""
    if len(mails) < 2:
        return {"tracking_counted": False, "one_click_works": False}
    reader, leaver = mails[:2]
    pixel, links = mailing.links(reader, "/track-opening/"), mailing.links(reader, "/track-url/")
    requests = [("GET", pixel[0], None)] if pixel else []
    requests += [("GET", links[0], None)] if links else []
    requests += [("POST", mailing.one_click(leaver), "List-Unsubscribe=One-Click")]
    answers = mailing.browse(*requests)
    found = tenant.fresh(number)
    numbers = found["stats"] or {}
    left = mailing.database(f"SELECT status FROM {{list_subscriber}} WHERE email = '{leaver['recipient']}';")
    return {
        "tracking_answers": bool(pixel and links)
        and answers[0][0] == 200
        and answers[1][0] in (301, 302)
        and tenant.token in (answers[1][1] or ""),
        "tracking_counted": (numbers.get("unique_opens_count"), numbers.get("unique_clicks_count")) == (1, 1),
        "delivered_counted": numbers.get("delivery_success_count") == RECIPIENTS and found["state"] == "sent",
        "one_click_works": answers[-1][0] in (200, 202, 204) and left == [["unsubscribed"]],
        "engine_knows_who_left": tenant.status(leaver["recipient"]) == "unsubscribed",
    }


def stop_in_the_middle(engine: Engine) -> dict[str, Any]:
    """The sender of a running campaign is stopped; the rest waits, goes by no other server, and is sent once after the release."""
    tenant = mailing.Tenant(engine, "ulixai", f"halt{time.time_ns()}")
    people = mailing.recipients(tenant.token, STOPPED)
    tenant.prepare(people)
    mailing.batches(BATCH)
    try:
        campaign = tenant.campaign()["campaign"]
        name = campaign["sender"]
        address = engine.get(f"/ips/{name}")["ip"]
        first = mailing.arrived(tenant.token, BATCH)
        stop = engine.job(engine.post(f"/ips/{name}:pause", {"reason": "a stop in the middle"})["job"]["id"])
        mailing.console("send-campaigns")
        server, there = mailing.servers()[name], mailing.campaign_status(tenant.token)
        before = mailing.arrived(tenant.token, STOPPED, 5)
        refused = engine.ask("POST", f"/campaigns/{campaign['id']}:resume", {"reason": "too early"})
        here = tenant.until(campaign["id"], ["paused"], 60)
        engine.idle()
        resumed = engine.job(engine.post(f"/ips/{name}:resume", {"reason": "it is over"})["job"]["id"])
        engine.idle()
        still, again = mailing.campaign_status(tenant.token), mailing.servers()[name]
        mailing.batches(STOPPED)
        engine.post(f"/campaigns/{campaign['id']}:resume", {"reason": "it is over"})
        mails = mailing.arrived(tenant.token, STOPPED, 300)
    finally:
        mailing.batches(100)
    checks = {
        "was_running": 0 < len(first) < STOPPED,
        "stop_succeeded": stop["state"] == "succeeded",
        "campaign_paused": there == "paused" and here["state"] == "paused",
        "server_disabled": server["status"] == "disabled",
        "no_other_server_sends_the_rest": len(before) < STOPPED and {m["source_ip"] for m in before} == {address},
        "not_resumed_while_stopped": refused.status_code == 409,
        "resume_succeeded": resumed["state"] == "succeeded",
        "server_active_again": again["status"] in ("active", "in-use"),
        "campaign_waits_for_a_person": still == "paused",
        "rest_sent_exactly_once": sorted(mail["recipient"] for mail in mails) == sorted(people)
        and {mail["source_ip"] for mail in mails} == {address},
    }
    return {"ok": all(checks.values()), **checks}


def campaign() -> dict[str, Any]:
    engine = Engine()
    found, stopped = campaigns(engine), stop_in_the_middle(engine)
    own = {f"stop_{key}": value for key, value in stopped.items() if key != "ok"}
    return {**found, **own, "ok": found["ok"] and stopped["ok"]}
