# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's attempts to send from another tenant's address. Each is refused or held, or leaves from its own; the receivers are asked what came."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.email_engine.fleet.tests.lab import mailing
from ansible_collections.email_engine.fleet.tests.lab.deployed import queued, ssh
from ansible_collections.email_engine.fleet.tests.lab.engine import Engine

SECRETS = Path("/var/lib/email-engine-lab/mailwizz")
NETWORKS = {"sos-holidays": "198.19.0.", "ulixai": "198.19.1."}
FROM = {"sos-holidays": "contact@mail1.sos-holidays.test", "ulixai": "contact@mail1.ulixai.test"}
#: Of the campaign whose servers may send one message each; the tenant has three.
WAITING, SERVERS = 6, 3
# Runs on a machine of the lab; the attempts, with their passwords, come on its standard input. Prints [code, text] of the last answer to each.
_TRY = """
import json, smtplib
for one in json.loads(ATTEMPTS):
    with smtplib.SMTP("198.18.0.12", 2525, timeout=30) as smtp:
        try:
            smtp.ehlo()
            answer = smtp.login(one["user"], one["password"]) if one["user"] else (250, b"")
            smtp.sendmail(one["mail_from"], [one["to"]], one["data"])
            answer = (250, b"accepted")
        except smtplib.SMTPRecipientsRefused as error:
            answer = next(iter(error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            answer = (error.smtp_code, error.smtp_error)
        print(json.dumps([answer[0], answer[1].decode()]))
"""


class Attempt(NamedTuple):
    """name: in the report, and in the message's subject. login: the tenant as which it logs in; None for none at all. author: whose From."""

    name: str
    author: str
    login: str | None = None
    password: str | None = None
    machine: str = "vps1"
    headers: tuple[str, ...] = ()


#: What MailWizz's host, another machine, or a customer in its MailWizz may try.
ATTEMPTS = (
    Attempt("own_login", "ulixai", "ulixai"),
    Attempt("forged_from", "sos-holidays", "ulixai"),
    Attempt("other_login", "ulixai", "sos-holidays"),
    Attempt("chosen_virtual_mta", "ulixai", "ulixai", headers=("X-Virtual-MTA: vmta-mail1",)),
    Attempt("forged_and_chosen", "sos-holidays", "ulixai", headers=("X-Virtual-MTA: vmta-mail1",)),
    Attempt("no_login", "sos-holidays"),
    Attempt("wrong_host", "sos-holidays", machine="vps3"),
    Attempt("wrong_password", "sos-holidays", "sos-holidays", "guessed"),
    Attempt("others_password", "sos-holidays", "sos-holidays", "of ulixai"),
)


def password(tenant: str) -> str:
    return (SECRETS / f"feeder_{tenant.replace('-', '_')}").read_text().strip()


def attempt(one: Attempt, token: str) -> tuple[int, str]:
    """The answer of PowerMTA."""
    secret = one.password or (password(one.login) if one.login else "")
    if secret == "of ulixai":
        secret = password("ulixai")
    sender = FROM[one.author]
    lines = [f"From: <{sender}>", *one.headers, "To: reader@gmail.test", f"Subject: {token} {one.name}", "", "Text."]
    wire = {
        "user": f"mw-{one.login}" if one.login else "",
        "password": secret,
        "mail_from": f"bounce@{sender.partition('@')[2]}",
        "to": "reader@gmail.test",
        "data": "\r\n".join(lines) + "\r\n",
    }
    code, text = json.loads(ssh(one.machine, "python3 -", f"ATTEMPTS = {json.dumps(json.dumps([wire]))}\n{_TRY}"))
    return code, text


def held() -> dict[str, int]:
    return {tenant: queued(f"unrouted-{tenant}") or 0 for tenant in NETWORKS}


def by_smtp(token: str) -> dict[str, bool]:
    """Mail handed to PowerMTA in every wrong way."""
    before = held()
    said = {one.name: attempt(one, token) for one in ATTEMPTS}
    mails = {mail["subject"].rpartition(" ")[2]: mail for mail in mailing.arrived(token, len(ATTEMPTS), 20)}
    after = held()
    own = mails.get("own_login", {}).get("source_ip")
    chosen = mails.get("chosen_virtual_mta", {})
    return {
        "own_mail_from_own_ip": own == "198.19.1.1",
        "forged_from_is_held": said["forged_from"][0] == said["other_login"][0] == said["forged_and_chosen"][0] == 250
        and after["ulixai"] - before["ulixai"] == 2
        and after["sos-holidays"] - before["sos-holidays"] == 1,
        "chosen_virtual_mta_means_nothing": chosen.get("source_ip") == own
        and not mailing.header(chosen or {"headers": []}, "X-Virtual-MTA"),
        "no_login_is_refused": 500 <= said["no_login"][0] < 600,
        "wrong_host_is_refused": 500 <= said["wrong_host"][0] < 600,
        "wrong_password_is_refused": {said["wrong_password"][0], said["others_password"][0]} == {535},
        "nothing_else_arrived": set(mails) == {"own_login", "chosen_virtual_mta"},
    }


def exhausted(engine: Engine, token: str) -> dict[str, bool]:
    """All delivery servers of a tenant have used up their quota, of one message: what is left waits, and the other tenant's are not used."""
    tenant = mailing.Tenant(engine, "ulixai", token)
    people = mailing.recipients(token, WAITING)
    tenant.prepare(people)
    mailing.database(
        "UPDATE {delivery_server} s JOIN {customer} c ON c.customer_id = s.customer_id JOIN {customer_group} g ON g.group_id = c.group_id"
        " SET s.daily_quota = 1 WHERE g.name = 'fleet-ulixai';"
    )
    mailing.console("clear-cache")
    number = tenant.campaign()["campaign"]["id"]
    tenant.until(number, ["scheduled", "sending"], 60)
    for _round in range(3):
        mailing.console("send-campaigns")
    early = mailing.arrived(token, WAITING, 10)
    status = mailing.campaign_status(token)
    # What somebody changed there by hand, the converge puts right.
    engine.job(engine.post("/jobs", {"kind": "converge"})["id"])
    mails = mailing.arrived(token, WAITING, 180)
    return {
        "exhausted_tenant_waits": len(early) <= SERVERS and status in ("sending", "processing", "pending-sending"),
        "exhausted_tenant_uses_nobody_elses": all(one["source_ip"].startswith(NETWORKS["ulixai"]) for one in mails),
        "exhausted_tenant_loses_nothing": sorted(one["recipient"] for one in mails) == sorted(people),
    }


def isolation() -> dict[str, Any]:
    engine = Engine()
    token = f"isol{time.time_ns()}"
    checks = {**by_smtp(token), **exhausted(engine, f"out{time.time_ns()}")}
    mails = mailing.everything()
    strangers = [mail for mail in mails if owner(mail["from"].rstrip("> ")) != owner(str(mail["source_ip"]))]
    checks["no_message_from_the_other_tenants_ip"] = {owner(mail["from"].rstrip("> ")) for mail in mails} >= set(
        NETWORKS
    ) and strangers == []
    return {"ok": all(checks.values()), **checks}


def owner(text: str) -> str | None:
    """The tenant whose address, or whose mail address, it is."""
    for tenant, network in NETWORKS.items():
        if text.startswith(network) or text.endswith(f".{tenant}.test"):
            return tenant
    return None
