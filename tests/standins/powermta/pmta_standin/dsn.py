# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery status notifications (RFC 3464) to the envelope sender of a bounced message."""

from __future__ import annotations

import time
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
    boundary = f"report/{entry.message.envelope['id']}/{entry.index}"
    diagnosis = diagnostic if ";" in diagnostic else f"X-PowerMTA;{diagnostic}"
    try:
        original = Message(entry.message.content())
        original.body = b""
        headers = original.content().decode("utf-8", "replace")
    except OSError:
        headers = ""
    lines = [
        f"From: Mail Delivery System <{engine.config.glob('postmaster')}>",
        f"To: {envelope['orig']}",
        "Subject: Delivery failure",
        f"Date: {formatdate(localtime=True)}",
        f"Message-ID: {make_msgid(domain=host)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "",
        f"Your message to {entry.recipient['addr']} was not delivered: {code} {diagnostic}",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns;{host}",
        "",
        f"Final-Recipient: rfc822;{entry.recipient['addr']}",
        "Action: failed",
        f"Status: {code}",
        f"Diagnostic-Code: {diagnosis}",
        "",
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
        headers.rstrip(),
        f"--{boundary}--",
        "",
    ]
    content = "\r\n".join(lines).encode()
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
