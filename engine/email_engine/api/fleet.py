# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet document, and the declaration of an inventory."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from jsonschema import Draft202012Validator
from pydantic import AwareDatetime, BaseModel, Field

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import Declared, adoption_lines
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.schema import FLEET_SCHEMA
from email_engine.store import fleet

from .deps import Admin, Caller, Transaction
from .errors import Refusal
from .keys import Caller as Key

router = APIRouter(prefix="/fleet", tags=["fleet"])
_validator = Draft202012Validator(FLEET_SCHEMA)


def etag(key: Key) -> str:
    """Changes whenever the fleet does; each tenant's view has its own."""
    return f'"{key.revision}-{"all" if key.tenant_id is None else key.tenant_id}"'


@router.get(
    "",
    summary="The fleet document: all tenants for an admin, its own for a tenant",
    response_model=None,
    responses={304: {"description": "The caller has it already"}},
)
def read(
    key: Caller,
    session: Transaction,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> dict[str, Any] | Response:
    tag = etag(key)
    if if_none_match and tag in (one.strip().removeprefix("W/") for one in if_none_match.split(",")):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return fleet.document(session, key.tenant_id)


class Declaration(BaseModel):
    """An inventory's fleet document, and where and when it was rendered."""

    made_at: AwareDatetime
    declared_from: Annotated[str, Field(min_length=1, max_length=200)]
    revision: Annotated[str, Field(min_length=1, max_length=200, description="Of the inventory's checkout.")]
    confirm_removal: bool = False
    fleet: dict[str, Any]


class Declaring(BaseModel):
    """Names of senders by what became of them. strangers: added through the API, with the lines that adopt each."""

    new: list[str]
    changed: list[str]
    adopted: list[str]
    leaving: list[str]
    strangers: dict[str, dict[str, Any]]


@router.put("", summary="Declare an inventory; it touches only what it owns")
def declare(given: Declaration, key: Admin, session: Transaction) -> Declaring:
    fault = next(iter(_validator.iter_errors(given.fleet)), None)
    if fault is not None:
        where = "/".join(str(part) for part in fault.absolute_path) or "document"
        raise Refusal(422, "Not a fleet document", f"fleet/{where}: {fault.message[:300]}")
    made_at: datetime = given.made_at
    digest = hashlib.sha256(json.dumps(given.fleet, sort_keys=True).encode()).hexdigest()
    found = fleet.declare(
        session,
        key.actor,
        Declared(made_at, given.declared_from, given.fleet["senders"]),
        given.fleet,
        given.revision,
        digest,
        given.confirm_removal,
    )
    return Declaring(
        new=[one["name"] for one in found.new],
        changed=[after["name"] for _before, after in found.changed],
        adopted=[one["name"] for one in found.adopted],
        leaving=[one["name"] for one in found.leaving],
        strangers={one["name"]: adoption_lines(one) for one in found.strangers},
    )
