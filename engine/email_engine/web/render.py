# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates to pages. Whatever a template is given is escaped; nothing it shows comes from another origin."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import words
from .session import Visit

HERE = Path(__file__).parent
STATIC = HERE / "static"


def asset(name: str) -> str:
    """The address of a static file; it changes with its content, so that it may be kept for ever."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"utc": utc, "ago": words.ago, "number": "{:,}".format}
_environment.globals |= {
    "edges": words.edges,
    "dns_words": words.dns,
    "listing_words": words.listings,
    "lasted": words.lasted,
    "shown": words.shown,
    "differences": words.differences,
    "verdict_tone": lambda verdict: words.VERDICTS.get(verdict, "unknown"),
    "assets": {name: asset(name) for name in ("style.css", "live.js", "icon.svg")},
}


def page(request: Request, template: str, visit: Visit | None, status: int = 200, **values: Any) -> HTMLResponse:
    """visit: None where nobody is logged in; then the page has no navigation."""
    text = _environment.get_template(template).render(visit=visit, path=request.url.path, **values)
    return HTMLResponse(text, status)
