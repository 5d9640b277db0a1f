# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of MailWizz means: its data, or the fault with its remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any

from .faults import Busy, Failed, KeyRefused, MailwizzError, NotFound, Refused, Stranger

#: Characters of somebody else's words that are quoted.
_SHOWN = 300
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_LOG = "On the MailWizz host: the log of its web server, and apps/common/runtime/application.log."
_KEY = (
    "Is it a key of that MailWizz, of a customer that is active and whose group may use the API, and may this host's address use it"
    " (Backend: Settings, API)? The playbook converge.yml makes the key and tells it to the engine."
)
_URL = (
    "Give the address of its API, e.g. https://mailwizz.example.org/api/index.php, and look whether its web server sends that"
    " path to MailWizz."
)
_PAGES = {
    403: "Its web server, or a firewall before it, keeps the request out: PUT and DELETE have to be allowed, also for this host's address.",
    404: _URL,
    405: "Its web server does not allow this method: PUT and DELETE have to reach MailWizz.",
    502: "Its web server answers, and PHP behind it does not: systemctl status 'php*-fpm' on the MailWizz host.",
    504: "PHP took too long: the log of php-fpm on the MailWizz host.",
}


def judge(
    question: str, status: int, headers: Mapping[str, str], body: str, conceal: Callable[[str], str]
) -> dict[str, Any]:
    """The whole of a success. question: method and URL. conceal: takes the key out of a text. Raises MailwizzError for all else."""
    found = _json(body)
    if found is None:
        raise _page(question, status, headers, conceal(_words(body)))
    if 200 <= status < 300 and found.get("status") == "success":
        return found
    errors = [conceal(one)[:_SHOWN] for one in flat_errors(found.get("error"))]
    raise _refusal(question, status, headers, errors)


def _json(body: str) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "status" in found else None


def flat_errors(error: Any) -> list[str]:
    """error: a text, or {field: message or messages}; none are nothing."""
    return [f"{field}: {one}" if field else one for field, one in _flat("", error)]


def _flat(where: str, error: Any) -> list[tuple[str, str]]:
    if isinstance(error, Mapping):
        parts = [(".".join(filter(None, (where, str(key)))), one) for key, one in error.items()]
        return [pair for key, one in parts for pair in _flat(key, one)]
    if isinstance(error, list):
        return [pair for one in error for pair in _flat(where, one)]
    return [] if error in (None, "") else [(where, " ".join(str(error).split()))]


def _refusal(question: str, status: int, headers: Mapping[str, str], errors: list[str]) -> MailwizzError:
    said = "; ".join(errors) or "without a reason"
    what = f"{question}: MailWizz answered {said} (status {status})"
    known = {"status": status, "errors": errors}
    if status in (400, 401):
        return KeyRefused(what, _KEY, **known)
    if status == 404:
        return NotFound(what, "It was deleted in MailWizz, or belongs to another customer.", **known)
    if status in (429, 503):
        return Busy(what, "Ask again later.", retry_after=_seconds(headers), **known)
    if status >= 500:
        return Failed(what, _LOG, **known)
    return Refused(what, "Change what MailWizz names, then ask again.", **known)


def _page(question: str, status: int, headers: Mapping[str, str], words: str) -> MailwizzError:
    kind = headers.get("content-type", "").partition(";")[0] or "no content type"
    what = f"{question} was answered with status {status} and {kind} instead of MailWizz's JSON ({words or 'empty'})"
    if 300 <= status < 400:
        target = headers.get("location", "nowhere")[:_SHOWN]
        what = f"{question} was answered with a redirect to {target}"
        return Stranger(what, f"It is not followed, because the key goes nowhere else. {_URL}", status=status)
    if status in (429, 503):
        return Busy(what, "Ask again later.", status=status, retry_after=_seconds(headers))
    if status >= 500:
        return Failed(what, _PAGES.get(status, _LOG), status=status)
    return Stranger(what, _PAGES.get(status, _URL), status=status)


def _words(body: str) -> str:
    title = _TITLE.search(body)
    text = unescape(title[1] if title else _TAG.sub(" ", body))
    return " ".join(text.split())[:_SHOWN]


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds; a date is not used by MailWizz."""
    given = headers.get("retry-after", "").strip()
    return float(given) if given.isascii() and given.isdigit() else None
