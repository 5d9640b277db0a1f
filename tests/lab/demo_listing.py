# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's last scenario: a sender is listed. It stops, a standby starts at its own cap, one alert goes out, and nobody else's mail is touched."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.email_engine.fleet.tests.lab.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
LISTED, ADDRESS, VMTA = "mail2.sos-holidays.test", "198.19.0.2", "vmta-mail2"
RESERVE, RESERVE_ADDRESS = "mail8.sos-holidays.test", "198.19.0.8"
#: Addresses the lab's engine sends its alerts to.
ALERTS = "alerts@operator.test"
STOP_WITHIN = 60.0
_SEND = """
import json, smtplib, sys
with smtplib.SMTP("198.18.0.12", 2525, timeout=30) as smtp:
    for mail in json.load(sys.stdin):
        smtp.sendmail("bounce@" + mail["from"].partition("@")[2], ["waiting@gmail.test"],
            "From: " + mail["from"] + "\\r\\nTo: waiting@gmail.test\\r\\nSubject: " + mail["subject"] + "\\r\\n\\r\\nText.\\r\\n")
"""


def lab(*arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        [str(ROOT / "bin" / "lab"), *arguments], input=stdin, check=True, capture_output=True, text=True
    )
    return done.stdout


def send(mails: list[dict[str, str]]) -> None:
    lab("ssh", "vps1", f"python3 -c '{_SEND}'", stdin=json.dumps(mails))


def read(token: str, seconds: int, count: int) -> list[dict[str, Any]]:
    """The messages with *token* in their subjects, once there are *count*, or the time is over."""
    command = [str(ROOT / "bin" / "lab"), "ssh", "internet"]
    wanted = f"python3 - --search {token} --wait {seconds} --count {count}"
    script = (ROOT / "tests" / "lab" / "read_mail.py").read_text()
    # Ends with 1 when there are fewer messages than were waited for; that is judged by who asked.
    return json.loads(
        subprocess.run([*command, wanted], input=script, text=True, check=False, capture_output=True).stdout
    )


def alerts(seconds: int, count: int) -> list[dict[str, Any]]:
    return [mail for mail in read(LISTED, seconds, count) if mail["recipient"] == ALERTS]


def paused() -> float | None:
    """The time at which every queue of the listed sender is paused; None: not within two minutes."""
    end = time.time() + 120
    while time.time() < end:
        if f"/{VMTA} " in lab("ssh", "vps2", "pmta show queues --paused --maxitems=1000"):
            return time.time()
        time.sleep(0.5)
    return None


def reserve(engine: Engine) -> None:
    """An eighth sender that is ready, and kept back."""
    body = {"ip": RESERVE_ADDRESS, "domain": RESERVE, "reserve": True}
    engine.job(engine.post("/ips", body, expect=(202,))["job"]["id"])
    engine.idle()


def checked(engine: Engine) -> dict[str, Any]:
    """A whole check of all lists, as the timer starts it."""
    return engine.job(engine.post("/jobs", {"kind": "dnsbl_check"})["id"], seconds=300)


def audit(engine: Engine, after: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while page := engine.get(f"/audit?after={rows[-1]['id'] if rows else after}&limit=500")["items"]:
        rows += page
    return rows


def listing(_inventory: Path) -> dict[str, Any]:
    engine = Engine()
    reserve(engine)
    clean = checked(engine)
    checks = {
        "clean_check_stops_nobody": clean["state"] == "succeeded"
        and engine.get(f"/ips/{LISTED}")["status"] == "active",
        "reserve_waits": engine.get(f"/ips/{RESERVE}")["status"] == "standby",
    }
    last = max((row["id"] for row in audit(engine, 0)), default=0)
    others = [engine.get(f"/ips/mail{n}.sos-holidays.test") for n in (1, 3, 4, 5)]
    token = f"listing{time.time_ns()}"
    lab("ssh", "internet", "systemctl stop postfix")  # the providers are down, so that mail waits
    try:
        mails = [{"from": one["from_email"], "subject": f"{token} {one['name']}"} for one in others]
        send([*mails, {"from": engine.get(f"/ips/{LISTED}")["from_email"], "subject": f"{token} {LISTED}"}])
        lab("list", "zen", ADDRESS, "127.0.0.2")
        began = time.time()
        job = engine.post("/jobs", {"kind": "dnsbl_check"})
        stopped = paused()
        done = engine.job(job["id"], seconds=300)
        engine.idle()
    finally:
        lab("ssh", "internet", "systemctl start postfix")
    lab("ssh", "vps2", "pmta schedule '*/*'")
    rows = audit(engine, last)
    moved = [row for row in rows if row["action"] == "moved"]
    fall = next((row for row in moved if row["target"] == f"sender {LISTED}"), None)
    start = next((row for row in moved if row["target"] == f"sender {RESERVE}"), None)
    decided = datetime.fromisoformat(fall["at"]).timestamp() if fall else None
    sender, standby = engine.get(f"/ips/{LISTED}"), engine.get(f"/ips/{RESERVE}")
    first = f"first{time.time_ns()}"
    send([{"from": standby["from_email"], "subject": first}])
    got = read(token, 60, len(others))
    arrived = read(first, 60, 1)
    told = alerts(60, 1)
    again = checked(engine)
    engine.idle()
    checks |= {
        "check_succeeded": done["state"] == again["state"] == "succeeded",
        "listed_is_quarantined": sender["status"] == "quarantine",
        "stopped_in_time": bool(stopped and decided and stopped - decided < STOP_WITHIN),
        "standby_warms_up_at_its_own_cap": (standby["status"], standby["phase"], standby["daily_quota"])
        == ("warming", "week_1", 50),
        "standby_sends_from_its_own_ip": [mail["source_ip"] for mail in arrived] == [RESERVE_ADDRESS],
        "mail_of_others_arrived_from_their_own_ip": sorted((m["subject"], m["source_ip"]) for m in got)
        == sorted((f"{token} {one['name']}", one["ip"]) for one in others),
        "one_alert": len(told) == 1 and len(alerts(5, 2)) == 1,
        "one_standby": sum(row["evidence"].get("event") == "start" for row in moved) == 1,
        "audited_before_executed": bool(fall)
        and all(fall["id"] < row["id"] for row in rows if row["target"].startswith("job ") and row["at"] >= fall["at"]),
    }
    return {
        "ok": all(checks.values()),
        **checks,
        "seconds_from_answer_to_stop": round(stopped - decided, 1) if stopped and decided else None,
        "seconds_from_start_of_check_to_stop": round(stopped - began, 1) if stopped else None,
        "audit": [
            {key: row[key] for key in ("id", "at", "actor", "action", "target", "reason")}
            for row in rows
            if row in (fall, start) or row["target"].startswith(("incident", "job"))
        ],
    }
