# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's check_host, as pyspf does it, on answers that are given. Needs pyspf."""

from __future__ import annotations

import traceback

from ..dns_verdict.answers import Look, Wanted
from ..dns_verdict.spf import Outcome

PYSPF_IMPORT_ERROR = None
try:
    import spf

    _Query = spf.query
except ImportError:
    PYSPF_IMPORT_ERROR = traceback.format_exc()
    _Query = object


def evaluate(ip: str, mail_from: str, helo: str, look: Look) -> Outcome:
    """check_host(ip, ...) of RFC 7208. mail_from: "" checks the EHLO name.

    Asks nobody itself: Wanted of *look* comes through, and the caller evaluates again once it has the answer."""
    try:
        result, _code, told = Query(ip, mail_from, helo, look).check()
    except Wanted:
        raise
    except Exception as error:  # what pyspf stumbles over says nothing about the record
        return Outcome("temperror", f"pyspf cannot evaluate it ({type(error).__name__}: {error})")
    # Its texts for the ordinary results say the same in more words.
    return Outcome(result, told.partition(": ")[2] if result in ("permerror", "temperror") else "")


class Query(_Query):
    """pyspf's query with a DNS of its own; the module's DNSLookup would be one for all threads and tasks."""

    def __init__(self, ip: str, mail_from: str, helo: str, look: Look):
        super().__init__(i=ip, s=mail_from, h=helo, strict=True)
        self.look = look

    def dns(self, name, qtype, cnames=None, ignore_void=False):
        """The values of *name*; [] for none, counted as void (RFC 7208 4.6.4)."""
        plain = str(name).rstrip(".").lower()
        if any(not 0 < len(label) < 64 for label in plain.split(".")):
            return []
        answer = self.look(plain, qtype)
        if answer.unknown:
            raise spf.TempError(f"{plain} {qtype}: {answer.detail or answer.why}")
        if not answer.values and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
        return [_native(qtype, value) for value in answer.values]

    def get_explanation(self, spec):
        """None: nobody reads it, and it would cost a lookup."""


def _native(qtype: str, value: str):
    """A value as pyspf's own lookup returns it."""
    if qtype == "TXT":
        return (value.encode("utf-8", "surrogateescape"),)
    if qtype == "MX":
        preference, _space, host = value.partition(" ")
        return int(preference), host.rstrip(".")
    return value
