# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where alerts go, and how they read there. An address is a secret: names, errors and logs tell its service and nothing else of it."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from typing import Protocol

import apprise

from email_engine.redaction import Redactor, parts_of_address
from email_engine.settings import Settings
from email_engine.store.telling import Message

log = logging.getLogger("email_engine.alerts")
JOURNAL = "journal"
#: Seconds that one message may take; shorter than a claim lasts.
SECONDS = 45
#: Characters of an error that are kept, of a title that every service shows.
ERROR, TITLE = 300, 200
_TYPES = {
    "critical": apprise.NotifyType.FAILURE,
    "warning": apprise.NotifyType.WARNING,
    "info": apprise.NotifyType.INFO,
    "over": apprise.NotifyType.SUCCESS,
}
_ORDER = ("critical", "warning", "info", "over")
_HEADS = {"new": "{}", "changed": "{}, changed", "again": "{}, still", "over": "over", "was": "{}, was, and is over"}


class Receiver(Protocol):
    """name: stands in the database and in metrics. counts: whether a person reads it."""

    name: str
    counts: bool

    def send(self, messages: Sequence[Message]) -> str | None:
        """None: they are delivered. Else why not, without secrets. Raises nothing."""


class Journal:
    """The service's own log, which is there without any settings."""

    name = JOURNAL

    def __init__(self, counts: bool):
        self.counts = counts

    def send(self, messages: Sequence[Message]) -> str | None:
        for one in messages:
            level = logging.WARNING if _kind(one) in ("critical", "warning") else logging.INFO
            about = {"alert": one.key, "severity": one.severity, "tenant": one.tenant}
            log.log(level, "alert (%s): %s", one.what, _said(one), extra=about)
        return None


class Address:
    """One address of apprise."""

    counts = True

    def __init__(self, url: str, pepper: str, sender: str, redactor: Redactor | None = None):
        scheme = url.partition("://")[0].lower()
        # The same for the same address, in every worker and after every restart; of no use to guess it by.
        digest = hmac.new(pepper.encode(), url.encode(), hashlib.sha256).hexdigest()[:8]
        self.name = f"{scheme if scheme.isascii() and scheme.isalnum() else 'address'}-{digest}"
        self._sender = sender
        # What one says while another sends is heard by both.
        self._redactor = redactor or Redactor(parts_of_address(url))
        asset = apprise.AppriseAsset(
            app_id=sender,
            app_desc="alerts of email_engine",
            secure_logging=True,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            service_timeout=SECONDS,
        )
        self._apprise = apprise.Apprise(asset=asset)
        try:
            self._known = self._apprise.add(url)
        except Exception:  # some of its readers raise on what they do not expect
            self._known = False

    def send(self, messages: Sequence[Message]) -> str | None:
        return self.deliver(title(self._sender, messages), body(messages), _worst(messages))

    def deliver(self, head: str, text: str, kind: str) -> str | None:
        """kind: critical, warning, info or over."""
        if not self._known:
            return "apprise does not know this address: look up how it is written at https://appriseit.com/services/, correct engine_alert_urls"
        with apprise.LogCapture(level=apprise.logging.WARNING, fmt="%(message)s") as said:
            try:
                sent = self._apprise.notify(
                    title=head,
                    body=text,
                    notify_type=_TYPES[kind],
                    body_format=apprise.NotifyFormat.TEXT,
                )
            except Exception as fault:  # whatever one of a hundred services raises
                return f"it could not be sent ({type(fault).__name__})"
            why = " ".join(said.getvalue().split()) if said else ""
        if sent:
            return None
        return self._redactor.text(why)[:ERROR] or "the receiver did not take it"


def receivers(settings: Settings) -> list[Receiver]:
    """The journal, and every address that is set."""
    pepper = settings.key_pepper.get_secret_value()
    urls = settings.receivers()
    redactor = Redactor(part for url in urls for part in parts_of_address(url))
    addresses = [Address(url, pepper, settings.alert_name, redactor) for url in urls]
    return [Journal(counts=not addresses), *addresses]


def _kind(one: Message) -> str:
    return "over" if one.what == "over" else one.severity


def _worst(messages: Sequence[Message]) -> str:
    return min((_kind(one) for one in messages), key=_ORDER.index)


def _said(one: Message) -> str:
    return f"[{_HEADS[one.what].format(one.severity)}] {one.subject}"


def title(sender: str, messages: Sequence[Message]) -> str:
    head = _said(messages[0]) if len(messages) == 1 else f"[{_worst(messages)}] {len(messages)} alerts"
    whole = f"{sender}: {head}"
    return whole if len(whole) <= TITLE else f"{whole[: TITLE - 4]} ..."


def body(messages: Sequence[Message]) -> str:
    """Of one alert all that is known; of many their subjects, the worst first."""
    if len(messages) > 1:
        ordered = sorted(messages, key=lambda one: _ORDER.index(_kind(one)))
        lines = [f"- {_said(one)}" for one in ordered]
        kept = lines[:40]
        more = [f"... and {len(lines) - len(kept)} more"] if len(lines) > len(kept) else []
        return "\n".join([*kept, *more, "", "Each with its evidence and remedy: the engine's page, under Alerts."])
    (one,) = messages
    about = f"Tenant: {one.tenant}\n" if one.tenant else ""
    since = f"Since: {one.opened_at:%Y-%m-%d %H:%M} UTC"
    if one.what == "over":
        return f"It is over.\n{about}{since}, until {one.closed_at:%Y-%m-%d %H:%M} UTC"
    if one.what == "was":
        since = f"It is over. {since}, until {one.closed_at:%Y-%m-%d %H:%M} UTC"
    return f"{one.text}\n\nWhat to do: {one.remedy}\n\n{about}{since}".strip()
