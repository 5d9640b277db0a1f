# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks at the page: a signed cookie names an API key, and the key is asked for again at every request.

The cookie also carries the token that each form repeats, before there is a key too: nobody else's page can fill in ours.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from email_engine.api import keys, limits
from email_engine.api.deps import Transaction
from email_engine.api.errors import Refusal
from email_engine.settings import Settings

# Browsers take this prefix only from TLS, for this host alone, for all of its paths.
COOKIE = "__Host-email_engine"
HOURS = 12


class Visitor(NamedTuple):
    """Whoever asks. key_id: None before the login. token: what a form has to repeat. digest: how the key's begins: a row may be
    given another key."""

    key_id: int | None
    token: str
    digest: str = ""


class Visit(NamedTuple):
    """Somebody who is logged in. key: what the API would know of the caller."""

    key: keys.Caller
    token: str

    @property
    def admin(self) -> bool:
        return self.key.tenant_id is None


class LoginNeeded(Exception):
    """Nobody is logged in, or not any more."""


def _signer(known: Settings) -> URLSafeTimedSerializer:
    if known.session_secret is None:
        raise Refusal(503, "Nobody can log in", "the engine was given no session_secret to sign cookies with")
    return URLSafeTimedSerializer(known.session_secret.get_secret_value(), "email-engine session")


def visitor(request: Request) -> Visitor:
    """A cookie that is missing, forged or too old is nobody's."""
    signer = _signer(request.app.state.settings)
    try:
        return Visitor(*signer.loads(request.cookies.get(COOKIE, ""), max_age=HOURS * 3600))
    except BadSignature:
        return Visitor(None, secrets.token_urlsafe(16))


def remember(request: Request, response: Response, whose: Visitor) -> None:
    value = _signer(request.app.state.settings).dumps(list(whose))
    response.set_cookie(COOKIE, value, max_age=HOURS * 3600, path="/", secure=True, httponly=True, samesite="strict")


def forget(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def visit(request: Request, session: Transaction, found: Annotated[Visitor, Depends(visitor)]) -> Visit:
    key = keys.again(session, found.key_id, found.digest) if found.key_id is not None and found.digest else None
    if key is None:
        raise LoginNeeded
    request.state.key = key.name
    limits.spend(request.app.state.redis, f"web-{key.key_id}", request.app.state.settings.requests_per_minute)
    return Visit(key, found.token)


async def same_page(request: Request, found: Annotated[Visitor, Depends(visitor)]) -> None:
    """The form is one that this visitor was given."""
    given = (await request.form()).get("token")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), found.token.encode()):
        raise Refusal(403, "The form is not yours", "it is from another login, or another site: open the page again")


def admin(found: Annotated[Visit, Depends(visit)]) -> Visit:
    if not found.admin:
        raise Refusal(403, "Admins only", f"the key {found.key.name} is a tenant's; this takes an admin's")
    return found


Seen = Annotated[Visit, Depends(visit)]
Admin = Annotated[Visit, Depends(admin)]
FORM = [Depends(same_page)]


def local(path: str) -> str:
    """*path* when it leads to this site, else the first page."""
    parts = urlsplit(path)
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if safe and not parts.scheme and not parts.netloc else "/"
