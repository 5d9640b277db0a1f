# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns in the lab, as a tenant makes them through the engine's API, and what recipients do with what arrives."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.email_engine.fleet.tests.lab.deployed import READER, ssh
from ansible_collections.email_engine.fleet.tests.lab.engine import Engine

HOST = "mailwizz.lab.test"
ROOT = "/var/www/mailwizz"
CERTIFICATE = "/etc/email-engine-mailwizz/tls/certificate.pem"
#: What MailWizz demands of every campaign, and one link to be clicked.
TEMPLATE = (
    "<html><body><p>Hello [FNAME], this is {token}.</p><p><a href='https://{host}/offers?for={token}'>Offers</a></p>"
    "<p><a href='[UNSUBSCRIBE_URL]'>Unsubscribe</a></p><p>[COMPANY_FULL_ADDRESS]</p></body></html>"
)
COMPANY = {"name": "Lab", "country": "France", "address_1": "1 Test Street", "city": "Paris", "zip_code": "75001"}
# Runs on the machine internet, as a recipient's mail program and browser do: requests of its own, no redirect followed; prints [[status, location], ...].
_BROWSE = """
import json, ssl, sys, urllib.request
job = json.load(sys.stdin)
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=job["trust"])))
for method, url, body in job["requests"]:
    wanted = urllib.request.Request(url, data=body.encode() if body else None, method=method, headers={"User-Agent": "Mozilla/5.0 (lab)"})
    try:
        with opener.open(wanted, timeout=30) as answer:
            print(json.dumps([answer.status, answer.headers.get("Location")]))
    except urllib.error.HTTPError as answer:
        print(json.dumps([answer.code, answer.headers.get("Location")]))
"""


def contact(email: str, **more: Any) -> dict[str, Any]:
    """One that agreed just now."""
    consent = {"source": "the lab's form", "at": datetime.now(UTC).isoformat(), "address": "198.18.0.50"}
    return {"email": email, "consent": consent, "fields": {"FNAME": "Lou"}, **more}


def recipients(token: str, count: int) -> list[str]:
    """Addresses at the lab's providers, in turn."""
    return [f"{token}.{n}@{('gmail.test', 'outlook.test')[n % 2]}" for n in range(count)]


class Tenant:
    """A tenant at work. token: in the names and subjects of all that it makes."""

    def __init__(self, engine: Engine, name: str, token: str):
        self.engine, self.name, self.token = engine, name, token

    def prepare(self, emails: Sequence[str]) -> None:
        """A list with these contacts, in MailWizz too, and a template."""
        tenant = {"tenant": self.name}
        self.engine.post("/lists", {"name": self.token, "company": COMPANY, **tenant}, expect=(201,))
        for start in range(0, len(emails), 1000):
            body = {"contacts": [contact(email) for email in emails[start : start + 1000]]}
            taken = self.engine.post(f"/lists/{self.token}/contacts?tenant={self.name}", body, expect=(202,))
            assert not taken["refused"], taken
        if taken["job"]:
            job = self.engine.job(taken["job"]["id"], seconds=600)
            assert job["state"] == "succeeded", job
        content = TEMPLATE.format(token=self.token, host=HOST)
        self.engine.post("/templates", {"name": self.token, "content": content, **tenant}, expect=(201,))

    def campaign(self, kind: str = "newsletter", **more: Any) -> dict[str, Any]:
        """Ask for one; the answer names the sender."""
        body = {
            "tenant": self.name,
            "name": self.token,
            "type": kind,
            "list": self.token,
            "template": self.token,
            "subject": f"{self.token} news",
            **more,
        }
        return self.engine.post("/campaigns", body, expect=(202,))

    def read(self, number: str) -> dict[str, Any]:
        return self.engine.get(f"/campaigns/{number}")

    def until(self, number: str, states: Iterable[str], seconds: float = 240) -> dict[str, Any]:
        """The campaign once it is in one of these states, or as it is when the time is over."""
        wanted, end = set(states), time.monotonic() + seconds
        while (found := self.read(number))["state"] not in wanted and time.monotonic() < end:
            time.sleep(1)
        return found

    def fresh(self, number: str) -> dict[str, Any]:
        """With the numbers that MailWizz has now."""
        reading = self.engine.get(f"/campaigns/{number}?fresh=true")["reading"]
        if reading:
            self.engine.job(reading["id"], seconds=120)
        return self.read(number)

    def status(self, email: str) -> str:
        """The contact's, as the engine knows it."""
        found = self.engine.get(f"/contacts?tenant={self.name}&email={email.replace('+', '%2B')}")["items"]
        return found[0]["status"] if found else "unknown"


def arrived(token: str, count: int, seconds: float = 180) -> list[dict[str, Any]]:
    """What the receivers stored, with its text, once there are *count* messages or the time is over."""
    command = f"python3 - --text --search {token} --wait {seconds} --count {count}"
    return json.loads(ssh("internet", command, READER, codes=(0, 1)))


def everything() -> list[dict[str, Any]]:
    """All that the receivers ever stored."""
    return json.loads(ssh("internet", "python3 -", READER))


def browse(*requests: tuple[str, str, str | None]) -> list[list[Any]]:
    """[status, location] of each (method, address, body), asked for from where the recipients are."""
    job = {"trust": ssh("vps1", f"cat {CERTIFICATE}"), "requests": requests}
    said = ssh("internet", f"python3 -c '{_BROWSE}'", json.dumps(job))
    return [json.loads(line) for line in said.splitlines()]


def header(mail: dict[str, Any], name: str) -> str:
    return next((value for key, value in mail["headers"] if key.lower() == name.lower()), "")


def one_click(mail: dict[str, Any]) -> str:
    """The address that List-Unsubscribe gives for the POST of RFC 8058; empty where there is none."""
    found = re.search(r"<(https://[^>]+)>", header(mail, "List-Unsubscribe"))
    return found[1] if found and header(mail, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click" else ""


def signed(mail: dict[str, Any]) -> set[str]:
    """Names of the headers that the sender's own signature covers."""
    own = mail["from"].rpartition("@")[2].strip("> ")
    for name, value in mail["headers"]:
        if name.lower() == "dkim-signature" and f"d={own};" in value.replace(" ", ""):
            return {one.lower() for one in re.sub(r"\s", "", re.search(r"\bh=([^;]*)", value)[1]).split(":")}
    return set()


def links(mail: dict[str, Any], part: str) -> list[str]:
    """Addresses in the message whose path holds *part*."""
    found = re.findall(r"https://[^\s\"'<>]+", mail["text"])
    return [url.replace("&amp;", "&") for url in found if part in urlsplit(url).path]


def passes(mail: dict[str, Any]) -> bool:
    """SPF, DKIM and DMARC as the receiver judged them."""
    verdict = mail["authentication_results"] or {}
    return (verdict.get("spf"), (verdict.get("dkim") or {}).get("result"), verdict.get("dmarc")) == ("pass",) * 3


# MailWizz from the inside ---------------------------------------------------------------------------------------------


def console(command: str) -> str:
    """A command of MailWizz's own, as its cron jobs run it."""
    return ssh("vps1", f"runuser -u www-data -- php -q {ROOT}/apps/console/console.php {command}")


def database(query: str) -> list[list[str]]:
    """Rows of MailWizz's database; tables by their name without the prefix in braces."""
    text = re.sub(r"\{(\w+)\}", r"mw_\1", query)
    said = ssh("vps1", "mariadb --batch --skip-column-names mailwizz", text)
    return [line.split("\t") for line in said.splitlines()]


def servers() -> dict[str, dict[str, str]]:
    """Delivery servers by name: customer's address, status, weight, quota."""
    rows = database(
        "SELECT s.name, c.email, s.status, s.probability, s.daily_quota FROM {delivery_server} s"
        " LEFT JOIN {customer} c ON c.customer_id = s.customer_id;"
    )
    return {name: dict(zip(("customer", "status", "probability", "quota"), rest)) for name, *rest in rows}


def campaign_status(token: str) -> str:
    """Of the campaign whose name begins with *token*, in MailWizz."""
    rows = database(f"SELECT status FROM {{campaign}} WHERE name LIKE '{token}%';")
    assert len(rows) == 1, rows
    return rows[0][0]


def batches(size: int) -> None:
    """How many recipients one run of the cron job writes to."""
    console(f"option set_option --name=system.cron.send_campaigns.subscribers_at_once --value={size}")
