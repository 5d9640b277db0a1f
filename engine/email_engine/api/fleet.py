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
from fastapi.responses import JSONResponse
from jsonschema import Draft202012Validator, ValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import Declared, adoption_lines
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.joining import policy_problems
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.schema import FLEET_SCHEMA
from email_engine.store import applied, declaring, fleet, policy
from email_engine.store.models import FleetState

from .deps import WHOLE_FLEET, Admin, Caller, Transaction
from .errors import Refusal
from .keys import Caller as Key

router = APIRouter(prefix="/fleet", tags=["fleet"])
beside = APIRouter(tags=["fleet"])
# PostgreSQL's bigint.
Quota = 2**63 - 1
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
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    tag = etag(key)
    if if_none_match and tag in (one.strip().removeprefix("W/") for one in if_none_match.split(",")):
        return Response(status_code=304, headers={"ETag": tag})
    # Plain data already: FastAPI would look at each of its values once more.
    return JSONResponse(fleet.document(session, key.tenant_id), headers={"ETag": tag})


class Policy(BaseModel):
    """What senders of the API are made by, as the inventory has it. phases: messages a day by phase, in order.

    warmup, signals, brakes: what the checks decide by; where left out, the domain's defaults."""

    model_config = ConfigDict(extra="forbid")

    phases: Annotated[dict[str, Annotated[int, Field(ge=1, le=Quota)]], Field(min_length=1, max_length=100)]
    active_daily_quota: Annotated[int, Field(ge=1, le=Quota)]
    sender_defaults: dict[str, Any]
    providers: dict[str, Any]
    dmarc: dict[str, Any]
    operator: str | None
    prefixes: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(min_length=1, max_length=1000)]
    warmup: dict[str, Any] = {}
    signals: dict[str, Any] = {}
    brakes: dict[str, Any] = {}


class Declaration(BaseModel):
    """An inventory's fleet document, and where and when it was rendered. dry_run: judged and answered, nothing is stored.

    policy, mtas: what the inventory makes its senders by, and its hosts of the group powermta; as they were where left out."""

    made_at: AwareDatetime
    declared_from: Annotated[str, Field(min_length=1, max_length=200)]
    revision: Annotated[str, Field(min_length=1, max_length=200, description="Of the inventory's checkout.")]
    confirm_removal: bool = False
    dry_run: bool = False
    policy: Policy | None = None
    mtas: Annotated[list[Annotated[str, Field(min_length=1, max_length=253)]], Field(max_length=1000)] | None = None
    fleet: dict[str, Any]


class Declaring(BaseModel):
    """Names of senders by what became of them. strangers: added through the API, with the lines that adopt each. fleet: the document
    after it, whole. revision: of that document."""

    new: list[str]
    changed: list[str]
    adopted: list[str]
    leaving: list[str]
    strangers: dict[str, dict[str, Any]]
    fleet: dict[str, Any]
    revision: int


@router.put("", dependencies=WHOLE_FLEET, summary="Declare an inventory; it touches only what it owns")
def declare(given: Declaration, key: Admin, session: Transaction) -> Declaring:
    fault = next(iter(_validator.iter_errors(given.fleet)), None)
    if fault is not None:
        where = "/".join(str(part) for part in fault.absolute_path) or "document"
        raise Refusal(422, "Not a fleet document", f"fleet/{where}: {_what(fault)}")
    attempt = session.begin_nested()
    # Before the policy is written: a stop may hold a sender, and wait for what that write would hold.
    fleet.hold(session)
    _save_policy(session, given)
    made_at: datetime = given.made_at
    digest = hashlib.sha256(json.dumps(given.fleet, sort_keys=True).encode()).hexdigest()
    found = declaring.declare(
        session,
        key.actor,
        Declared(made_at, given.declared_from, given.fleet["senders"]),
        given.fleet,
        given.revision,
        digest,
        given.confirm_removal,
    )
    after, revision = fleet.document(session), session.scalars(select(FleetState.revision)).one()
    if given.dry_run:
        attempt.rollback()
    return Declaring(
        new=[one["name"] for one in found.new],
        changed=[after["name"] for _before, after in found.changed],
        adopted=[one["name"] for one in found.adopted],
        leaving=[one["name"] for one in found.leaving],
        strangers={one["name"]: adoption_lines(one) for one in found.strangers},
        fleet=after,
        revision=key.revision if given.dry_run else revision,
    )


def _what(fault: ValidationError) -> str:
    """jsonschema's message quotes the value, which may be a secret; names of members are none."""
    if fault.validator in ("required", "additionalProperties"):
        return fault.message[:300]
    if fault.validator in ("anyOf", "oneOf"):
        return "has none of the forms that it may have"
    return f"does not keep to {fault.validator}: {json.dumps(fault.validator_value)[:200]}"


def _save_policy(session: Session, given: Declaration) -> None:
    known = policy.load(session)
    made_by = given.policy.model_dump() if given.policy else known.policy
    mtas = known.mtas if given.mtas is None else given.mtas
    if not made_by:
        return
    problems = policy_problems(made_by, mtas)
    if problems:
        errors = [{"where": f"body.policy: {one.where}", "what": one.what, "remedy": one.remedy} for one in problems]
        raise Refusal(422, "Not a policy", "; ".join(str(one) for one in problems), errors=errors)
    policy.save(session, made_by, mtas)


class Signed(BaseModel):
    """A domain's DKIM key on its host. public: base64 SubjectPublicKeyInfo; null where there is no key."""

    domain: Annotated[str, Field(min_length=1, max_length=253)]
    selector: Annotated[str, Field(max_length=63)] | None
    path: Annotated[str, Field(max_length=1000)] | None
    public: Annotated[str, Field(max_length=2000)] | None


class Applied(BaseModel):
    """What a converge did. revision: of the fleet document it applied. gone: senders whose virtual MTA, address and records are removed.
    waiting: recipients in the queues of the senders that were looked at, 0 for none."""

    revision: Annotated[int, Field(ge=0, le=2**63 - 1)]
    keys: Annotated[list[Signed], Field(max_length=100_000)] = []
    gone: Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=100_000)] = []
    waiting: dict[Annotated[str, Field(max_length=253)], Annotated[int, Field(ge=0, le=2**63 - 1)]] = {}


class Retired(BaseModel):
    """Senders whose life is over by this report. unknown: domains that no sender of the fleet has."""

    retired: list[str]
    unknown: list[str]


@beside.post("/fleet:applied", dependencies=WHOLE_FLEET, summary="Report what a converge has applied")
def report(given: Applied, key: Admin, session: Transaction) -> Retired:
    keys = [applied.Key(one.domain, one.selector, one.path, one.public) for one in given.keys]
    retired, unknown = applied.take(session, key.actor, given.revision, keys, given.gone, given.waiting)
    return Retired(retired=retired, unknown=unknown)
