# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a button the browser is sent to a page, which says what was done. The address carries a word of these, never a text."""

from __future__ import annotations

import re
import uuid
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse

from email_engine.api.stops import Done

WORDS = {
    "paused": "Stopped.",
    "paused-before": "It was stopped already.",
    "resumed": "It goes on.",
    "resumed-before": "It was not stopped.",
    "moved": "Its state has changed.",
    "acknowledged": "You look after this incident now.",
    "closed": "The incident is closed.",
    "cancelled": "The job was asked to end.",
    "given-up": "It is given up.",
}
_JOB = re.compile(r"[0-9a-f-]{36}")


class Said(NamedTuple):
    """job: the one that tells the mail servers, when there is one."""

    text: str
    job: str | None


def said(request: Request) -> Said | None:
    text = WORDS.get(request.query_params.get("done", ""))
    job = request.query_params.get("job", "")
    return Said(text, job if _JOB.fullmatch(job) else None) if text else None


def back(path: str, word: str, job: uuid.UUID | None = None) -> RedirectResponse:
    query = {"done": word} | ({"job": str(job)} if job else {})
    return RedirectResponse(f"{path}?{urlencode(query)}", 303)


def stopped(path: str, answer: Done) -> RedirectResponse:
    """After a pause or a resume; answer: the API's to it."""
    word = ("paused" if answer.paused else "resumed") + ("" if answer.changed else "-before")
    return back(path, word, answer.job.id)
