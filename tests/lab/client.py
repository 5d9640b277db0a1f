# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test says to the lab: run a command, ask and change DNS, send mail from an address, read what arrived."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import dns.query
import dns.rcode
import dns.resolver
import dns.tsig
import dns.tsigkeyring
import dns.update

ROOT = Path(__file__).resolve().parents[2]
PRIMARY, SECONDARY, RESOLVER = "198.18.0.53", "198.18.0.54", "198.18.0.55"
MX = {"gmail.test": "198.18.0.61", "outlook.test": "198.18.0.62", "operator.test": "198.18.0.63"}
TSIG_NAME = "fleet."

# Runs on a machine: one SMTP session from a chosen source address; prints [code, text] of the first refusal or of the acceptance.
_SENDER = r"""
import base64, json, smtplib, sys
job = json.loads(base64.b64decode("%s"))
smtp = smtplib.SMTP(timeout=20, local_hostname=job["ehlo"], source_address=(job["source"], 0) if job["source"] else None)
try:
    answer = smtp.connect(job["host"], 25)
    for step in (
        lambda: smtp.ehlo(),
        lambda: smtp.mail(job["mail_from"]),
        lambda: smtp.rcpt(job["recipient"]),
        lambda: smtp.data(base64.b64decode(job["message"])),
    ):
        answer = step() if answer[0] < 400 else answer
except smtplib.SMTPResponseException as error:
    answer = (error.smtp_code, error.smtp_error)
print(json.dumps([answer[0], answer[1].decode() if isinstance(answer[1], bytes) else answer[1]]))
"""


def lab(*arguments: str, stdin: str | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """``bin/lab`` with these arguments."""
    command = [str(ROOT / "bin" / "lab"), *arguments]
    return subprocess.run(
        command, input=stdin if stdin is not None else "", capture_output=True, text=True, timeout=timeout
    )


def on(machine: str, command: str, stdin: str | None = None, timeout: float = 300) -> str:
    """Standard output of ``command`` on ``machine``; raises with its standard error when it fails."""
    done = lab("ssh", machine, command, stdin=stdin, timeout=timeout)
    if done.returncode:
        raise RuntimeError(f"{machine}: {command!r} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def resolve(name: str, rdtype: str, server: str = RESOLVER) -> list[str]:
    """Answers in presentation format, sorted; empty for NXDOMAIN and for no such record. Anything else raises."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [server]
    resolver.lifetime = 5
    try:
        return sorted(rdata.to_text() for rdata in resolver.resolve(name, rdtype, search=False))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []


def tsig_secret() -> str:
    """The lab's secret, base64."""
    return Path("/var/lib/email-engine-lab/tsig.secret").read_text(encoding="ascii")


def update(zone: str, *changes: tuple[str, ...], secret: str | None = "", follow: bool = True) -> str:
    """Sends one dynamic update. Changes: ("add", name, ttl, type, value) or ("delete", name[, type]). ``secret``: "" the lab's, None unsigned.
    ``follow``: wait for the secondary.

    Returns the answer's code, e.g. "NOERROR", "REFUSED", "NOTAUTH".
    """
    message = dns.update.UpdateMessage(zone)
    if secret is not None:
        keyring = dns.tsigkeyring.from_text({TSIG_NAME: secret or tsig_secret()})
        message.use_tsig(keyring, TSIG_NAME, algorithm=dns.tsig.HMAC_SHA256)
    for action, *rest in changes:
        getattr(message, action)(*rest)
    try:
        code = dns.rcode.to_text(dns.query.tcp(message, PRIMARY, timeout=5).rcode())
    except dns.tsig.PeerError as error:
        return type(error).__name__
    if code == "NOERROR" and follow:
        followed(zone)
    return code


def followed(zone: str, within: float = 5) -> None:
    """Waits until the secondary serves the primary's version of ``zone``: the resolver asks either. Usually one second."""
    until = time.monotonic() + within
    while resolve(zone, "SOA", PRIMARY) != resolve(zone, "SOA", SECONDARY):
        if time.monotonic() > until:
            raise TimeoutError(f"the secondary did not follow {zone} within {within} s")
        time.sleep(0.05)


def send(
    machine: str,
    recipient: str,
    message: bytes,
    mail_from: str,
    *,
    ehlo: str,
    source: str | None = None,
    mx: str | None = None,
) -> tuple[int, str]:
    """One message over SMTP from ``machine``, bound to address ``source``; returns the last answer's code and text."""
    job = {
        "host": mx or MX[recipient.split("@")[1]],
        "recipient": recipient,
        "mail_from": mail_from,
        "ehlo": ehlo,
        "source": source,
        "message": base64.b64encode(message).decode(),
    }
    script = _SENDER % base64.b64encode(json.dumps(job).encode()).decode()
    code, text = json.loads(on(machine, "python3 -", stdin=script))
    return code, text


def delivered(search: str, *recipients: str, wait: float = 15, count: int = 1) -> list[dict[str, Any]]:
    """Messages with ``search`` in the subject, as tests/lab/read_mail.py describes them; fewer than ``count`` raises."""
    return json.loads(
        on("internet", f"read-mail --search '{search}' --wait {wait} --count {count} {' '.join(recipients)}")
    )
