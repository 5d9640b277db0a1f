# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployed platform as tests meet it: converge it, hand mail in, see where it went or waits."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from pathlib import Path

from ansible_collections.email_engine.fleet.tests.lab.engine import environment

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
READER = (ROOT / "tests/lab/read_mail.py").read_text()
FEEDER = """
import json, smtplib, sys
out = []
with smtplib.SMTP("198.18.0.12", 2525, timeout=30) as smtp:
    for message in json.load(sys.stdin):
        try:
            smtp.sendmail(message["mail_from"], message["rcpt_to"], message["data"].encode())
            out.append([250, "accepted"])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            out.append([code, text.decode()])
        except smtplib.SMTPResponseException as error:
            out.append([error.smtp_code, error.smtp_error.decode()])
print(json.dumps(out))
"""
ONE, TWO = "contact@mail1.sos-holidays.test", "support@mail2.sos-holidays.test"


def ssh(machine, command, stdin=None, codes=(0,)):
    done = subprocess.run(
        [str(ROOT / "bin/lab"), "ssh", machine, command], input=stdin, capture_output=True, text=True, timeout=300
    )
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def converge(*extra, inventory="inventories/lab", playbook="site.yml", expect=0):
    done = subprocess.run(
        [PLAYBOOK, "-i", str(inventory), playbook, *extra],
        cwd=ROOT,
        env=environment(Path(inventory)),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == expect or (expect and done.returncode), done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


class Mail:
    """One message with a subject of its own."""

    def __init__(
        self, from_header, *headers, mail_from="bounce+u=gmail.test@mail1.sos-holidays.test", to="reader@gmail.test"
    ):
        self.token = uuid.uuid4().hex
        lines = [f"From: {from_header}", *headers, f"To: {to}", f"Subject: {self.token}", "", "Text."]
        self.wire = {"mail_from": mail_from, "rcpt_to": [to], "data": "\r\n".join(lines) + "\r\n"}


def send(*mails):
    script = f"python3 -c '{FEEDER}'"
    return json.loads(ssh("vps1", script, json.dumps([mail.wire for mail in mails])))


def arrived(mail, seconds=30, machine="internet"):
    """The message as its receiver stored it, or None."""
    # The reader ends with 1 when there is less than was waited for.
    command = f"python3 - --search {mail.token} --wait {seconds} --count 1"
    found = json.loads(ssh(machine, command, READER, codes=(0, 1)))
    assert len(found) <= 1, "delivered more than once"
    return found[0] if found else None


def queued(vmta):
    for line in ssh("vps2", "pmta show vmtas --maxitems=100000").splitlines():
        words = line.split()
        if words and words[0] == vmta:
            return int(words[2])
    return None


def held(before, count=1, seconds=15):
    """True once the held virtual MTA has *count* recipients more than before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if queued("unrouted-sos-holidays") == before + count:
            return True
        time.sleep(0.5)
    return False


def paused(queue, seconds=30):
    """True once PowerMTA lists the queue as paused; after its start the pauses are asserted again within seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if queue in ssh("vps2", "pmta show queues --paused --maxitems=1000"):
            return True
        time.sleep(0.5)
    return False
