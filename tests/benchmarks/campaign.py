# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A campaign to 2,000 recipients in the lab, from the API's call to the last delivery, counted at both ends; beside it, the same number of
messages from a bare SMTP client to the same PowerMTA. The lab is brought up and taken down for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.email_engine.fleet.tests.lab import demo, mailing
from ansible_collections.email_engine.fleet.tests.lab.demo_isolation import password
from ansible_collections.email_engine.fleet.tests.lab.deployed import ssh
from ansible_collections.email_engine.fleet.tests.lab.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
COUNT, TENANT = 2000, "ulixai"
# On vps1: as many messages as a campaign has, of its size, over one connection as fast as PowerMTA takes them.
_BARE = r"""
import json, smtplib
job = json.loads(JOB)
with smtplib.SMTP("198.18.0.12", 2525, timeout=60) as smtp:
    smtp.ehlo()
    smtp.login(job["user"], job["password"])
    for to in job["to"]:
        head = "From: <%s>\r\nTo: %s\r\nSubject: %s\r\nList-Unsubscribe: <https://mailwizz.lab.test/x>\r\n" % (job["from"], to, job["subject"])
        smtp.sendmail(job["mail_from"], [to], head + "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n" + job["body"] + "\r\n")
"""
# On internet: each message's mailbox and time of arrival.
_ARRIVED = "find /var/mail/lab -path '*/{token}.*' -type f -path '*/new/*' -printf '%h %T@\\n'"


def arrived(token: str, count: int, seconds: float) -> list[tuple[str, float]]:
    """[(mailbox, time of arrival)], once there are *count* or no more come."""
    end = time.monotonic() + seconds
    while True:
        lines = ssh("internet", _ARRIVED.format(token=token)).splitlines()
        if len(lines) >= count or time.monotonic() > end:
            # One more look: what is doubled comes late.
            time.sleep(5)
            lines = ssh("internet", _ARRIVED.format(token=token)).splitlines()
            return [(line.rpartition(" ")[0], float(line.rpartition(" ")[2])) for line in lines]
        time.sleep(2)


def measure(say: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    lab = str(ROOT / "bin" / "lab")
    demo.OUT.mkdir(parents=True, exist_ok=True)
    inventory = demo.OUT / "bench_mailwizz"
    shutil.rmtree(inventory, ignore_errors=True)
    shutil.copytree(ROOT / "inventories" / "lab_mailwizz", inventory)
    subprocess.run([lab, "up", "--fresh"], check=True, stdout=subprocess.DEVNULL)
    try:
        demo.play("bench_mailwizz", "site.yml", inventory)
        return {"campaign_2000": figure(Engine(), say)}
    finally:
        subprocess.run([lab, "down"], check=True, stdout=subprocess.DEVNULL)


def figure(engine: Engine, say: Callable[[str], None]) -> dict[str, Any]:
    """ratio: messages a second of the campaign, against those of the bare client; both from the first request to the last delivery."""
    engine.idle()
    bare = bare_client(engine)
    say(f"{COUNT} messages from a bare SMTP client: {COUNT / bare:.1f} a second to the last delivery")
    ours = campaign(engine)
    say(
        f"a campaign to {COUNT}: {COUNT / ours['seconds']:.1f} a second from the call to the last delivery ({ours['seconds']:.0f} s)"
    )
    return {
        "ours": round(COUNT / ours["seconds"], 1),
        "baseline": round(COUNT / bare, 1),
        "ratio": round(bare / ours["seconds"], 2),
        "unit": "messages/s",
        "seconds": round(ours["seconds"], 1),
        "sending_seconds": round(ours["sending"], 1),
    }


def bare_client(engine: Engine) -> float:
    """Seconds to the last delivery."""
    token = f"bare{time.time_ns()}"
    sender = engine.get("/ips/mail1.ulixai.test")
    job = {
        "user": f"mw-{TENANT}",
        "password": password(TENANT),
        "from": sender["from_email"],
        "mail_from": f"bounce@{sender['domain']}",
        "subject": token,
        "body": "x" * 78 + ("\r\n" + "x" * 78) * 20,
        "to": mailing.recipients(token, COUNT),
    }
    begin = time.time()
    ssh("vps1", "python3 -", f"JOB = {json.dumps(json.dumps(job))}\n{_BARE}")
    found = arrived(token, COUNT, 600)
    if len(found) != COUNT:
        raise SystemExit(f"bench: of {COUNT} messages of the bare client {len(found)} arrived")
    return max(at for _box, at in found) - begin


def campaign(engine: Engine) -> dict[str, float]:
    """seconds: from the call to the last delivery. sending: from the first delivery. Ends the run where a message is lost or doubled."""
    tenant = mailing.Tenant(engine, TENANT, f"bench{time.time_ns()}")
    people = mailing.recipients(tenant.token, COUNT)
    tenant.prepare(people)
    mailing.batches(COUNT)
    begin = time.time()
    made = tenant.campaign()["campaign"]
    found = arrived(tenant.token, COUNT, 900)
    boxes = sorted(Path(box).parent.name + "@" + Path(box).parents[1].name for box, _at in found)
    sent = tenant.until(made["id"], ["sent"], 180)
    logged = mailing.database(
        "SELECT COUNT(*), COUNT(DISTINCT l.subscriber_id) FROM {campaign_delivery_log} l JOIN {campaign} c USING (campaign_id)"
        f" WHERE c.campaign_uid = '{sent['mailwizz_uid']}' AND l.status = 'success';"
    )
    ends = {
        "receivers": boxes == sorted(people),
        "mailwizz": logged == [[str(COUNT)] * 2],
        "engine": sent["state"] == "sent",
    }
    if not all(ends.values()):
        raise SystemExit(
            f"bench: messages of the campaign were lost or doubled: {ends}, {len(found)} arrived, logged {logged}"
        )
    times = [at for _box, at in found]
    return {"seconds": max(times) - begin, "sending": max(times) - min(times)}
