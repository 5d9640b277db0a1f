# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``<bounce-processor>`` and ``<feedback-loop-processor>``: mail to their addresses becomes rb, rs or f records."""

from __future__ import annotations

import email
import re
from email.message import Message as Mail
from typing import TYPE_CHECKING, Any

from . import status
from .domains import matches
from .headers import Message
from .pcre import Pattern
from .tree import Block

if TYPE_CHECKING:
    from .engine import Engine


def taken(engine: Engine, recipient: str, message: Message, session: Any) -> bool:
    """True when a processor keeps the message. Matched mail is logged and discarded, unmatched mail is delivered, by default."""
    for tag, read in (("bounce-processor", _bounce), ("feedback-loop-processor", _feedback)):
        for block in engine.config.top.inside(tag):
            if not _addressed(block, recipient):
                continue
            records = read(email.message_from_bytes(message.content()))
            source = {"srcType": "smtp", "srcMta": f"{session.host_name} ({session.peer[0]})"}
            for kind, record in records:
                record.setdefault("rcpt", "")
                if kind in ("rb", "rs"):
                    record["bounceCat"] = engine.accounting.category(record["code"], record["dsnDiag"])
                    record["dsnStatus"] = status.described(record.pop("code"))
                engine.accounting.write(kind, {"orig": recipient, **source, **record})
            if records:
                return not block.get("deliver-matched-email")
            return block.get("deliver-unmatched-email") is False
    return False


def _addressed(block: Block, recipient: str) -> bool:
    local, _, domain = recipient.lower().rpartition("@")
    for entries in block.inside("address-list"):
        for setting in entries.settings:
            wanted = setting.args[0]
            if setting.name == "domain" and matches(wanted, domain):
                return True
            if setting.name == "address":
                if isinstance(wanted, Pattern):
                    if wanted.search(recipient):
                        return True
                elif wanted.lower() in (recipient.lower(), local):
                    return True
    return False


def _bounce(mail: Mail) -> list[tuple[str, dict[str, Any]]]:
    """RFC 3464: one record per failed (rb) or otherwise reported (rs) recipient."""
    found = []
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = [one for one in part.get_payload() if isinstance(one, Mail)]
        reporting = _value(blocks[0].get("Reporting-MTA", "")) if blocks else ""
        for one in blocks[1:]:
            action = (one.get("Action") or "").strip().lower()
            record = {
                "rcpt": _value(one.get("Final-Recipient", "")),
                "orcpt": _value(one.get("Original-Recipient", "")),
                "code": (re.findall(r"[245]\.\d+\.\d+", one.get("Status") or "") or ["5.0.0"])[0],
                "dsnDiag": re.sub(r"\s+", " ", one.get("Diagnostic-Code") or "").replace("; ", ";", 1),
                "dsnMta": _value(one.get("Remote-MTA", "")),
                "dsnReportingMta": reporting,
                "dsnAction": action,
            }
            found.append(("rb" if action == "failed" else "rs", record))
    return found


def _feedback(mail: Mail) -> list[tuple[str, dict[str, Any]]]:
    """RFC 5965 (ARF): one record per report."""
    report: Mail | None = None
    original: Mail | None = None
    for part in mail.walk():
        kind = part.get_content_type()
        payload = part.get_payload()
        if kind == "message/feedback-report":
            inner = payload[0] if isinstance(payload, list) else email.message_from_string(str(payload))
            report = inner if isinstance(inner, Mail) else None
        elif kind == "message/rfc822" and isinstance(payload, list):
            original = payload[0]
        elif kind == "text/rfc822-headers":
            original = email.message_from_bytes(part.get_payload(decode=True) or b"")
    if report is None:
        return []
    record = {
        "format": "arf",
        "feedbackType": report.get("Feedback-Type", ""),
        "userAgent": report.get("User-Agent", ""),
        "repSourceIp": report.get("Source-IP", ""),
        "rcpt": report.get("Original-Rcpt-To", "").strip("<>"),
        "reportingMta": _value(report.get("Reporting-MTA", "")),
        "reportedDomain": report.get("Reported-Domain", ""),
        "dlvSourceIp": report.get("Source-IP", ""),
        "envId": report.get("Original-Envelope-Id", ""),
    }
    record.update({f"arf_{name}": value for name, value in report.items()})
    record.update({f"header_{name}": value for name, value in (original.items() if original else [])})
    return [("f", record)]


def _value(field: str) -> str:
    """``rfc822; user@example.org`` -> user@example.org"""
    return field.rpartition(";")[2].strip()
