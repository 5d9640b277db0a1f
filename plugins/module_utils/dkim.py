# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM names and texts: selector, key file name, published record (RFC 6376, RFC 8301).

A selector carries the day its key was made and is never used twice. It has no dot, so that the file name
``<selector>.<domain>.pem`` can be read back without doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from .dns_text import is_name, plain_name

__all__ = [
    "domain_of_file",
    "is_domain",
    "is_selector",
    "key_file_name",
    "next_selector",
    "public_of_record",
    "record_name",
    "record_text",
    "selector_for",
]

_SELECTOR = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", re.ASCII)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def is_selector(selector: str) -> bool:
    """One DNS label in lower case, no dot, no underscore."""
    return bool(_SELECTOR.match(selector))


def is_domain(domain: str) -> bool:
    """Whether a key can be made for ``domain`` (its one spelling): a name that is safe as part of a file name, too."""
    return is_name(domain) and "/" not in domain and "." in domain


def selector_for(date: str) -> str:
    """``20261122`` -> ``s20261122``. Raises ValueError when ``date`` is not a day written YYYYMMDD."""
    if not re.fullmatch(r"[0-9]{8}", date, re.ASCII):
        raise ValueError(f"date {date!r} is not written YYYYMMDD")
    datetime.strptime(date, "%Y%m%d")
    return "s" + date


def next_selector(date: str, taken: Iterable[str] = ()) -> str:
    """The first free selector of that day: ``s20261122``, then ``s20261122a`` .. ``s20261122z``.

    taken: every selector the domain ever had, also of lost keys, because a verifier or a mail in a queue may still look
    for the old public key under it. Raises ValueError when all 27 are taken.
    """
    used = {selector.lower() for selector in taken}
    base = selector_for(date)
    for letter in ("", *_LETTERS):
        if base + letter not in used:
            return base + letter
    raise ValueError(f"27 keys were made on {date} already; wait for tomorrow")


def key_file_name(selector: str, domain: str) -> str:
    """``s20261122.mail1.example.com.pem``"""
    return f"{selector}.{plain_name(domain)}.pem"


def domain_of_file(file_name: str) -> tuple[str, str] | None:
    """(selector, domain) of a key file's name, or None when it is not one."""
    stem, dot, end = file_name.rpartition(".")
    selector, _dot, domain = stem.partition(".")
    if not dot or end != "pem" or not is_selector(selector) or not is_domain(domain):
        return None
    return selector, domain


def record_name(selector: str, domain: str) -> str:
    """Where the public key is published (RFC 6376 3.6.2.1)."""
    return f"{selector}._domainkey.{plain_name(domain)}"


def record_text(public: str) -> str:
    """The TXT value of a public key (base64 of the SubjectPublicKeyInfo, one line)."""
    return f"v=DKIM1; k=rsa; p={public}"


def public_of_record(text: str) -> str | None:
    """The ``p=`` of a published record, folding whitespace removed; ``""`` means revoked, None that there is none."""
    for tag in text.split(";"):
        name, equals, value = tag.partition("=")
        if equals and name.strip() == "p":
            return re.sub(r"\s+", "", value)
    return None
