# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``Idempotency-Key``: whoever did not hear the answer asks again by the same key, and gets it; nothing is done twice.

Only success is kept, for two days. A key belongs to the API key that it came with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from email_engine.store import idempotency

from .deps import Caller, Transaction
from .errors import Refusal

Key = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of the caller's, new for each thing to be made: the same request by the same key acts once.",
    ),
]


class Made:
    """What a creating route answers. location: where it is now. secret: a member that a repeated request is not told again."""

    def __init__(self, status: int, body: Any, location: str, secret: str | None = None):
        self.status, self.location, self.secret = status, location, secret
        self.body: dict[str, Any] = jsonable_encoder(body)

    def response(self, **headers: str) -> Response:
        return JSONResponse(self.body, self.status, {"Location": self.location, **headers})


class Once:
    """Runs what a request asks for, or gives the answer it had."""

    def __init__(self, caller: Caller, session: Transaction, request: Request, body: bytes, key: str | None):
        self._caller, self._session, self._key = caller, session, key
        asked = json.dumps([request.method, request.url.path, json.loads(body or b"null")], sort_keys=True)
        self._request = hashlib.sha256(asked.encode()).hexdigest()

    def __call__(self, make: Callable[[], Made]) -> Response:
        if self._key is None:
            return make().response()
        number = self._caller.key_id
        known = idempotency.take(self._session, number, self._key, self._request)
        if known is not None:
            if known.request != self._request:
                detail = "header.Idempotency-Key: was used for another request; take a new one for each"
                raise Refusal(422, "The request is not valid", detail)
            made = Made(known.status, known.answer["body"], known.answer["location"])
            return made.response(**{"Idempotent-Replayed": "true"})
        made = make()
        told = {name: None if name == made.secret else value for name, value in made.body.items()}
        idempotency.keep(self._session, number, self._key, made.status, {"body": told, "location": made.location})
        return made.response()


async def once(
    caller: Caller, session: Transaction, request: Request, idempotency_key: Key = None
) -> Callable[[Callable[[], Made]], Response]:
    # The route's own model has judged the body by the time this is called.
    body = await request.body()
    return lambda make: Once(caller, session, request, body, idempotency_key)(make)


Creating = Annotated[Callable[[Callable[[], Made]], Response], Depends(once)]
