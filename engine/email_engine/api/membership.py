# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sender is added, changed, moved through its life, and let go. Each starts the playbooks that bring it to the hosts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import PTR_METHODS, PURPOSES, SELECTABLE
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import EVENTS, PERSON
from email_engine.store import fleet, halts, jobs, lifecycle, members, policy, warmdown

from . import answers, finding
from .answers import Changed
from .deps import WHOLE_FLEET, Admin, Transaction
from .errors import Refusal
from .once import Creating, Made
from .senders import Name
from .stops import Why
from .versions import IfMatch, expect

router = APIRouter(prefix="/ips", tags=["senders"])
Text = Annotated[str, Field(max_length=253)]
Messages = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Ptr(BaseModel):
    """manual: the hosting provider sets it."""

    model_config = ConfigDict(extra="forbid")

    method: Literal[PTR_METHODS] = "rfc2136"  # type: ignore[valid-type]
    zone: Text | None = None


class Settings(BaseModel):
    """As in the inventory. What is left out of a new sender is what all senders of its tenant share, else the policy's."""

    model_config = ConfigDict(extra="forbid")

    from_email: Annotated[str, Field(max_length=320)] | None = None
    from_name: Text | None = None
    purposes: list[Literal[PURPOSES]] = []  # type: ignore[valid-type]
    provider_quota: dict[str, Messages] = {}
    interface: Text | None = None
    gateway: Text | None = None
    table: int | None = None
    ptr: Ptr | None = None
    weight: Annotated[int, Field(ge=0, le=100)] = 100
    reserve: Annotated[bool, Field(description="Stays standby until a person starts it.")] = False


class Joining(Settings):
    """tenant: required where there are several. from_email: the policy's prefixes take turns unless given."""

    ip: Text
    domain: Text
    tenant: Annotated[str, Field(max_length=100)] | None = None
    hostname: Text | None = None
    vmta: Annotated[str, Field(max_length=100)] | None = None
    mta: Text | None = None


class Moving(Why):
    event: Literal[EVENTS]  # type: ignore[valid-type]


class Retiring(Why):
    """days: of the warm-down before it; 0 retires it at once. Left out: the policy's."""

    days: Annotated[int, Field(ge=0, le=365)] | None = None


class Added(Changed):
    job: answers.Asked


@router.post(
    "",
    dependencies=WHOLE_FLEET,
    status_code=202,
    response_model=Added,
    summary="Add a sender: address, key, records, virtual MTA and warm-up plan follow by themselves; it starts once its DNS is green",
)
def add(given: Joining, key: Admin, session: Transaction, creating: Creating) -> Response:
    def make() -> Made:
        asked = given.model_dump(exclude_unset=True, exclude={"reserve"})
        ip = members.add_sender(session, key.actor, asked, given.reserve)
        about = {"tenant_id": ip.tenant_id, "subject": ip.hostname, "arguments": {"senders": [ip.hostname]}}
        job = jobs.enqueue(session, key.actor, "add_sender", **about)
        body = Added(sender=answers.one_sender(session, ip), job=answers.asked(job))
        return Made(202, body, f"/api/v1/ips/{ip.hostname}")

    return creating(make)


@router.patch(
    "/{name}",
    dependencies=WHOLE_FLEET,
    summary="Change what may change; of an inventory's sender only weight and reserve",
)
def change(
    name: Name, given: Settings, key: Admin, session: Transaction, response: Response, if_match: IfMatch = None
) -> Changed:
    changes = given.model_dump(exclude_unset=True)
    if set(changes) - set(members.OURS):
        fleet.hold(session)
    ip = lifecycle.lock(session, finding.sender(session, key, name).id)
    expect(if_match, ip.version)
    job = None
    if members.change_sender(session, key.actor, ip, changes):
        job = answers.asked(jobs.enqueue(session, key.actor, "converge", once=True))
    found = answers.one_sender(session, ip)
    response.headers["ETag"] = found["etag"]
    return Changed(sender=found, job=job)


@router.delete(
    "/{name}", status_code=202, summary="Let an API's sender go: it empties its queue, then everything of it is removed"
)
def remove(name: Name, key: Admin, session: Transaction, if_match: IfMatch = None) -> Added:
    ip = lifecycle.lock(session, finding.sender(session, key, name).id)
    expect(if_match, ip.version, required=False)
    members.remove_sender(session, key.actor, ip, None)
    about = {"tenant_id": ip.tenant_id, "subject": ip.hostname, "once": True}
    job = jobs.enqueue(session, key.actor, "retire_sender", **about, arguments={"senders": [ip.hostname]})
    return Added(sender=answers.one_sender(session, ip), job=answers.asked(job))


@router.post(
    "/{name}:move",
    summary="Move a sender through its life, as far as what is known about it allows; stay also calls a warm-down off",
)
def move(name: Name, moving: Moving, key: Admin, session: Transaction) -> Added:
    ip = lifecycle.lock(session, finding.sender(session, key, name).id)
    was = ip.status
    try:
        # It has its status still, and only sends less each day.
        if moving.event != "stay" or not warmdown.call_off(session, key.actor, ip, moving.reason):
            lifecycle.move(session, key.actor, ip, moving.event, PERSON, policy.load(session), reason=moving.reason)
    except lifecycle.NotNow as refused:
        reasons: list[Any] = list(refused.reasons)
        raise Refusal(409, "Not now", f"{moving.event}: {refused}", reasons=reasons) from refused
    job = halts.follow(session, key.actor, ip, was, moving.reason)
    return Added(sender=answers.one_sender(session, ip), job=answers.asked(job))


@router.post("/{name}:retire", status_code=202, summary="Let a sender send less each day, and then retire")
def retire(name: Name, retiring: Retiring, key: Admin, session: Transaction) -> Added:
    ip = lifecycle.lock(session, finding.sender(session, key, name).id)
    was = ip.status
    try:
        if retiring.days == 0 or was not in SELECTABLE:
            # Who sends nothing now has nothing to send less of.
            lifecycle.move(session, key.actor, ip, "retire", PERSON, policy.load(session), reason=retiring.reason)
        else:
            warmdown.begin(session, key.actor, ip, retiring.days, retiring.reason)
    except lifecycle.NotNow as refused:
        reasons: list[Any] = list(refused.reasons)
        raise Refusal(409, "Not now", f"retire: {refused}", reasons=reasons) from refused
    job = halts.follow(session, key.actor, ip, was, retiring.reason)
    return Added(sender=answers.one_sender(session, ip), job=answers.asked(job))
