# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ETag`` and ``If-Match``: nobody changes a row on the strength of what it was some time ago."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

from .errors import Refusal

IfMatch = Annotated[
    str | None, Header(max_length=200, description="The ETag that the caller has read; `*` for whatever it is now.")
]


def etag(version: int) -> str:
    return f'"{version}"'


def expect(given: str | None, version: int, *, required: bool = True) -> None:
    """Raises Refusal: 428 without a header that is required, 412 where the row, which the caller holds locked, is another one by now."""
    if given is None:
        if required:
            detail = "header.If-Match: is missing; read the row, and send the ETag it came with"
            raise Refusal(428, "Say what you have read", detail)
        return
    now = etag(version)
    if given.strip() != "*" and now not in (one.strip() for one in given.split(",")):
        detail = f"header.If-Match: is {given}, and the row is at {now}: read it again, then decide"
        raise Refusal(412, "Somebody else was faster", detail, {"ETag": now})
