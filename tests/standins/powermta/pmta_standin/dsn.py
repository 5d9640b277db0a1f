# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery status notifications (RFC 3464) to the envelope sender of a bounced message."""

from __future__ import annotations

import time
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING

from .headers import Message
from .model import DEFAULT_VMTA

if TYPE_CHECKING:
    from .engine import Engine
    from .queues import Entry


def send(engine: Engine, entry: Entry, code: str, diagnostic: str) -> None:
    """Queue a notification with the null sender in the VMTA ``{default}``."""
    envelope = entry.message.envelope
    host = str(engine.config.glob("host-name", "localhost"))
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"] = f"Mail Delivery System <{engine.config.glob('postmaster')}>"
    report["To"] = envelope["orig"]
    report["Subject"] = "Delivery failure"
    report["Date"] = formatdate(localtime=True)
    report["Message-ID"] = make_msgid(domain=host)
    report["Auto-Submitted"] = "auto-replied"
    report.attach(
        MIMEText(f"Your message to {entry.recipient['addr']} was not delivered.\r\n\r\n{code} {diagnostic}\r\n")
    )
    fields = MIMEBase("message", "delivery-status")
    fields.set_payload(
        f"Reporting-MTA: dns;{host}\n\nFinal-Recipient: rfc822;{entry.recipient['addr']}\nAction: failed\n"
        f"Status: {code}\nDiagnostic-Code: {diagnostic if ';' in diagnostic else 'X-PowerMTA;' + diagnostic}\n"
    )
    report.attach(fields)
    try:
        original = Message(entry.message.content())
        original.body = b""
        headers = MIMEBase("text", "rfc822-headers")
        headers.set_payload(original.content().decode("utf-8", "replace").replace("\r\n", "\n"))
        report.attach(headers)
    except OSError:
        pass
    content = report.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    domain = envelope["orig"].rpartition("@")[2].lower()
    engine.submit(
        {
            "queued": time.time(),
            "orig": "",
            "srcType": "dsn",
            "srcMta": host,
            "rcpts": [{"addr": envelope["orig"], "domain": domain, "vmta": DEFAULT_VMTA, "pool": ""}],
        },
        content,
    )
