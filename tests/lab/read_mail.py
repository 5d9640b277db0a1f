#!/usr/bin/env python3
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the mail that the lab's mailbox providers took, as a JSON list; runs on the machine "internet".

read_mail.py [RECIPIENT...] [--search TEXT] [--wait SECONDS --count N] [--text]

Without recipients: all mailboxes. --search: only messages with TEXT in the subject. --wait: until there are N (1) messages, or the time is over.
--text: with what the messages say.

Each message: {recipient, subject, from, return_path, source_ip, ehlo, client_name, tls, authentication_results, headers: [[name, value], ...]}, and
with --text text, all its parts of text one after the other.
client_name is the forward-confirmed name of the client, or "unknown". authentication_results is null when the provider gave no verdict, else
{spf, dkim: {result, domain, selector}, dkim_all: [...], dmarc}: "none" where a method is missing; dkim is the first that passed, else the first.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import re
import sys
import time
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

STORE = Path("/var/mail/lab")
# Postfix: from EHLO (NAME [ADDRESS]) (using TLSv1.3 ...) by MX (Postfix) with ESMTP ...
RECEIVED = re.compile(
    r"^from (?P<ehlo>\S+) \((?P<name>\S+) \[(?:IPv6:)?(?P<ip>[^\]]+)\]\)(?P<rest>.*?)\bby (?P<by>\S+) ", re.DOTALL
)


def unfold(value: str) -> str:
    """One header value on one line."""
    return re.sub(r"\s+", " ", value).strip()


def parts(value: str) -> list[str]:
    """``value`` cut at its semicolons, without (nested) comments; whoever forges a verdict hides things in comments and quoted strings."""
    found, depth, quoted, escaped = [""], 0, False, False
    for char in value:
        plain = not escaped and not quoted
        if plain and char == ";" and not depth:
            found.append("")
            continue
        if plain and char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
            found[-1] += " "
            continue
        if not depth:
            found[-1] += char
            if char == '"' and not escaped:
                quoted = not quoted
        escaped = char == "\\" and not escaped
    return found


def verdicts(value: str) -> dict[str, Any]:
    """The verdicts of one Authentication-Results value (RFC 8601)."""
    found: dict[str, list[dict[str, str]]] = {"spf": [], "dkim": [], "dmarc": []}
    for part in parts(value)[1:]:
        words = dict(word.split("=", 1) for word in part.split() if "=" in word)
        method = next(iter(words), "")
        if method in found:
            found[method].append(words)
    signatures = [
        {
            "result": words["dkim"],
            "domain": words.get("header.d", words.get("header.i", "@").split("@")[-1]),
            "selector": words.get("header.s", ""),
        }
        for words in found["dkim"]
    ]
    best = next((one for one in signatures if one["result"] == "pass"), signatures[0] if signatures else None)
    return {
        "spf": found["spf"][0]["spf"] if found["spf"] else "none",
        "dkim": best or {"result": "none", "domain": "", "selector": ""},
        "dkim_all": signatures,
        "dmarc": found["dmarc"][0]["dmarc"] if found["dmarc"] else "none",
    }


def own_verdicts(headers: list[tuple[str, str]], authserv_id: str) -> dict[str, Any] | None:
    """What ``authserv_id`` itself found: the only such header, and above every Received that is not its own. Anything else came with the message."""
    seen_own_received = False
    for name, value in headers:
        if name.lower() == "received":
            if seen_own_received:
                return None
            seen_own_received = True
        elif name.lower() == "authentication-results" and parts(value)[0].split()[:1] == [authserv_id]:
            return verdicts(value)
    return None


def describe(message: Message, recipient: str) -> dict[str, Any]:
    """One delivered message as plain data."""
    headers = [(name, unfold(str(value))) for name, value in message.items()]
    authserv_id = "mx." + recipient.split("@")[1]
    first = {name.lower(): value for name, value in reversed(headers)}
    received = RECEIVED.match(first.get("received", ""))
    own = received if received and received["by"] == authserv_id else None
    return {
        "recipient": recipient,
        "subject": first.get("subject", ""),
        "from": first.get("from", ""),
        "return_path": first.get("return-path", "").strip("<>"),
        "source_ip": own["ip"] if own else None,
        "ehlo": own["ehlo"] if own else None,
        "client_name": own["name"] if own else None,
        "tls": bool(own and "TLS" in own["rest"]),
        "authentication_results": own_verdicts(headers, authserv_id),
        "headers": headers,
    }


def said(message: Message) -> str:
    """Its parts of text, decoded."""
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join(
        part.get_payload(decode=True).decode(part.get_content_charset("utf-8"), "replace") for part in parts
    )


def mailboxes(recipients: list[str]) -> Iterator[tuple[str, Path]]:
    """(recipient, Maildir) of those asked for, or of all."""
    if recipients:
        for recipient in recipients:
            local, domain = recipient.lower().split("@")
            yield recipient.lower(), STORE / domain / local
    else:
        for box in sorted(STORE.glob("*/*")):
            yield f"{box.name}@{box.parent.name}", box


def read(recipients: list[str], search: str | None, text: bool = False) -> list[dict[str, Any]]:
    """The messages, oldest first."""
    found = []
    for recipient, box in mailboxes(recipients):
        for path in [*box.glob("new/*"), *box.glob("cur/*")]:
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
            described = describe(message, recipient)
            described["subject"] = str(email.header.make_header(email.header.decode_header(described["subject"])))
            if text:
                described["text"] = said(message)
            if search is None or search in described["subject"]:
                found.append((path.stat().st_mtime_ns, described))
    return [described for _, described in sorted(found, key=lambda pair: pair[0])]


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Print the mail that the lab's providers took, as JSON.")
    parser.add_argument("recipients", nargs="*")
    parser.add_argument("--search", help="text that the subject contains")
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait for --count messages")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--text", action="store_true", help="with what the messages say")
    options = parser.parse_args(arguments)
    until = time.monotonic() + options.wait
    asked = (options.recipients, options.search, options.text)
    while len(found := read(*asked)) < options.count and time.monotonic() < until:
        time.sleep(0.1)
    print(json.dumps(found, indent=1))
    return 0 if len(found) >= options.count or not options.wait else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
