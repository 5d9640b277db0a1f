# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the resolver on this host knows the root, and has validated what it knows. Runs on the host; 0, or 1 and the reason."""

from __future__ import annotations

import sys
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode


def fault() -> str:
    question = dns.message.make_query(".", "NS", want_dnssec=True)
    question.flags |= dns.flags.AD
    try:
        answer = dns.query.udp(question, "127.0.0.1", timeout=5)
    except (dns.exception.DNSException, OSError) as error:
        return f"no answer to a question about the root ({type(error).__name__})"
    if answer.rcode() or not answer.answer:
        return f"{dns.rcode.to_text(answer.rcode())} to a question about the root"
    return "" if answer.flags & dns.flags.AD else "what it says of the root is not validated"


until = time.monotonic() + 30
while (said := fault()) and time.monotonic() < until:
    time.sleep(0.5)
print(said)
sys.exit(1 if said else 0)
