# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from the delivery servers that a MailWizz has to those that the fleet wants."""

from __future__ import annotations

import dataclasses
import typing as t

from ..problems import FleetError, Problem
from . import campaigns, marks, servers

OPEN_FALLBACK = "servers.can_send_from_system_servers"


@dataclasses.dataclass(frozen=True)
class Change:
    """One server to make (``id`` None) or to set right. before and after: only what differs; ``password`` is never in them.

    after_campaigns: numbers of the campaigns that must be paused before.
    """

    sender: str
    tenant: str
    id: int | None
    customer_id: int | None
    before: dict
    after: dict
    mark: dict
    headers: list | None = None
    password: str | None = None
    after_campaigns: tuple[int, ...] = ()

    @property
    def disables(self) -> bool:
        return (
            self.id is not None
            and self.after.get("status") == servers.DISABLED
            and self.before.get("status") in servers.DRAWABLE
        )


@dataclasses.dataclass
class Plan:
    """changes: in the order in which they are made. pause: numbers of campaigns, before any of them."""

    changes: list[Change] = dataclasses.field(default_factory=list)
    pause: dict[int, dict] = dataclasses.field(default_factory=dict)
    ids: dict[str, int | None] = dataclasses.field(default_factory=dict)
    foreign: list[dict] = dataclasses.field(default_factory=list)
    faults: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.changes or self.pause)

    @property
    def created(self) -> list[str]:
        return [one.sender for one in self.changes if one.id is None]

    @property
    def disabled(self) -> list[str]:
        return [one.sender for one in self.changes if one.disables]

    @property
    def updated(self) -> list[str]:
        return [one.sender for one in self.changes if one.id is not None and not one.disables]

    @property
    def undone(self) -> set[tuple[str, int | None]]:
        """What a stop is about: campaigns that it pauses, servers that it disables."""
        return {
            *(("campaign", number) for number in self.pause),
            *(("server", one.id) for one in self.changes if one.disables),
        }

    @property
    def held(self) -> set[tuple[str, int | None]]:
        """Of those, what a job of MailWizz has in its hands at this moment."""
        return {
            *(("campaign", number) for number, about in self.pause.items() if about["status"] == campaigns.BUSY),
            *(("server", one.id) for one in self.changes if one.disables and one.before["status"] == servers.BUSY),
        }

    def diff(self) -> dict:
        """Before and after of what changes; passwords are said to differ, not shown."""
        before = "".join(f"{one.sender}: {line}\n" for one in self.changes for line in _lines(one.before))
        after = "".join(f"{one.sender}: {line}\n" for one in self.changes for line in _lines(one.after))
        for paused in self.pause.values():
            before += f"campaign {paused['uid']} of {paused['sender']}: status={paused['status']}\n"
            after += f"campaign {paused['uid']} of {paused['sender']}: status=paused\n"
        where = "delivery servers"
        return {"before_header": where, "after_header": where, "before": before, "after": after}

    def orders(self, found: t.Mapping) -> dict:
        """What the PHP program is told; ``seen`` lets it notice that a campaign started meanwhile."""
        return {
            "seen": sorted(campaign["id"] for campaign in found["campaigns"]),
            "pause": sorted(self.pause),
            "servers": [
                {
                    "id": one.id,
                    "sender": one.sender,
                    "after": list(one.after_campaigns),
                    "set": {
                        **({"customer_id": one.customer_id, "type": servers.TYPE} if one.id is None else {}),
                        **{name: value for name, value in one.after.items() if name not in ("headers", "password")},
                    },
                    "headers": one.headers,
                    "password": one.password,
                    "mark": one.mark,
                }
                for one in self.changes
            ],
        }


def _lines(values: t.Mapping) -> t.Iterator[str]:
    for name in sorted(values):
        value = values[name]
        if name == "headers":
            value = ", ".join(f"{header}: {text}" for header, text in value)
        yield f"{name}={'' if value is None else value}"


def plan(wanted: t.Sequence[t.Mapping], tenants: t.Sequence[str], found: t.Mapping, predict: bool = False) -> Plan:
    """Wanted (of ``servers.wanted``) against found (see ``marks``). Raises FleetError with all problems.

    tenants: those that live here; the servers that others once had here are disabled. predict: a tenant that has no place yet is no error.
    """
    _know_columns(found)
    result = Plan()
    customers = _customers(wanted, tenants, found, predict, result)
    allowed_from = {(one["tenant"], one["attributes"]["from_email"].lower()) for one in wanted if one["allowed"]}
    by_customer: dict[int, list[t.Mapping]] = {}
    for server in found["servers"]:
        if server["customer_id"] is not None:
            by_customer.setdefault(server["customer_id"], []).append(server)
    for tenant, here in marks.homes(found).items():
        mine = {
            server["id"]: server
            for customer in here
            for server in by_customer.get(customer["id"], [])
            if marks.is_ours(server)
        }
        customer = customers.get(tenant)
        first = _first_by_sender(mine, customer)
        spared = {address for name, address in allowed_from if name == tenant}
        kept: set[int] = set()
        for one in wanted:
            if one["tenant"] != tenant:
                continue
            server = first.get(one["key"])
            if server is not None:
                kept.add(server["id"])
            _reach(one, server, customer, found, spared, result)
        for server in mine.values():
            if server["id"] not in kept:
                _retire(server, tenant, found, spared, result)
    made = {one.sender for one in result.changes} | set(result.ids)
    for server in marks.strays(found):
        _retire_stray(server, found, {address for _tenant, address in allowed_from}, result)
    for one in wanted:  # tenants without a place yet
        if one["key"] not in made:
            _reach(one, None, None, found, frozenset(), result)
    _judge_foreign(tenants, customers, found, result)
    return result


def _know_columns(found: t.Mapping) -> None:
    missing = [name for name in servers.NEEDED if name not in found["columns"]]
    if missing:
        raise FleetError(
            [
                Problem(
                    "delivery_server",
                    f"this version of MailWizz has no column {', '.join(missing)}",
                    "Its delivery servers work in another way: use a version that has them, and nothing was changed.",
                )
            ]
        )


def _customers(
    wanted: t.Sequence[t.Mapping], tenants: t.Sequence[str], found: t.Mapping, predict: bool, result: Plan
) -> dict[str, t.Mapping]:
    customers, problems = {}, []
    homes = marks.homes(found)
    for name in dict.fromkeys(tenants):
        customer = marks.customer_of(found, name)
        if customer is not None:
            customers[name] = customer
        elif len(homes.get(name, [])) > 1:
            others = ", ".join(one["email"] for one in homes[name])
            problems.append(
                Problem(
                    f"customer group {marks.group_name(name)}",
                    f"holds several customers, and not one of them alone has the key {marks.KEY_NAME}: {others}",
                    "Leave the tenant's customer in it, and move the others to a group of their own.",
                )
            )
        elif predict:
            result.warnings.append(f"{name} has no place in MailWizz yet; its servers are told as new")
        elif any(one["tenant"] == name for one in wanted):
            problems.append(
                Problem(
                    f"tenant {name}",
                    f"has no customer in the group {marks.group_name(name)}",
                    "Run mailwizz_tenants first, as mailwizz.yml does.",
                )
            )
    if problems:
        raise FleetError(problems)
    return customers


def _first_by_sender(mine: t.Mapping[int, t.Mapping], customer: t.Mapping | None) -> dict[str, t.Mapping]:
    """The oldest server of each sender; somebody may have copied one, mark and all."""
    found: dict[str, t.Mapping] = {}
    for number in sorted(mine):
        if customer is not None and mine[number]["customer_id"] == customer["id"]:
            found.setdefault(marks.sender_of(mine[number]), mine[number])
    return found


def _text(value: t.Any) -> str:
    return "" if value is None else str(value)


def _reach(
    one: t.Mapping,
    server: t.Mapping | None,
    customer: t.Mapping | None,
    found: t.Mapping,
    spared: t.Container[str],
    result: Plan,
) -> None:
    """The change that makes a wanted server be as it has to, if any, and the pauses before it."""
    mark = {"sender": one["key"], "tenant": one["tenant"], "vmta": one["vmta"]}
    status = servers.ACTIVE if one["allowed"] else servers.DISABLED
    known = {name: value for name, value in one["attributes"].items() if name in found["columns"]}
    owner = server["customer_id"] if server else customer["id"] if customer else None
    address = one["attributes"]["from_email"]
    pauses = () if one["allowed"] else _pause(owner, server, address, one["key"], found, spared, result)
    if server is None:
        result.ids[one["key"]] = None
        after = {**known, "status": status, "headers": one["headers"]}
        result.changes.append(
            Change(
                one["key"],
                one["tenant"],
                None,
                owner,
                {},
                after,
                mark,
                one["headers"],
                one["password"],
                pauses,
            )
        )
        return
    result.ids[one["key"]] = server["id"]
    attributes = server["attributes"]
    differs = {name: value for name, value in known.items() if _text(value) != _text(attributes.get(name))}
    before = {name: attributes.get(name) for name in differs}
    after: dict = dict(differs)
    as_wanted = marks.drawable(server) if one["allowed"] else server["status"] == servers.DISABLED
    if not as_wanted:
        before["status"], after["status"] = server["status"], status
    headers = password = None
    if [list(pair) for pair in server["headers"]] != one["headers"]:
        before["headers"], after["headers"] = server["headers"], one["headers"]
        headers = one["headers"]
    if server["password"] != marks.digest(found["nonce"], one["password"]):
        before["password"], after["password"] = "(another)", "(as wanted)"
        password = one["password"]
    if after:
        result.changes.append(
            Change(
                one["key"],
                one["tenant"],
                server["id"],
                server["customer_id"],
                before,
                after,
                mark,
                headers,
                password,
                pauses,
            )
        )


def _retire(
    server: t.Mapping, tenant: str, found: t.Mapping, spared: t.Container[str], result: Plan, stray: bool = False
) -> None:
    """A server of ours that nobody wants: disabled, never deleted, because campaigns and statistics point at it."""
    sender = marks.sender_of(server)
    pauses = _pause(server["customer_id"], server, None, sender, found, spared, result, stray)
    disable(server, tenant, marks.kept(server, tenant), pauses, result)


def disable(server: t.Mapping, tenant: str, mark: t.Mapping, pauses: tuple[int, ...], result: Plan) -> None:
    """A server of ours is to be disabled, once these campaigns are paused. mark: what it says of itself from then on."""
    if server["status"] == servers.DISABLED:
        return
    result.changes.append(
        Change(
            marks.sender_of(server),
            tenant,
            server["id"],
            server["customer_id"],
            {"status": server["status"]},
            {"status": servers.DISABLED},
            mark,
            after_campaigns=pauses,
        )
    )


def _retire_stray(server: t.Mapping, found: t.Mapping, spared: t.Container[str], result: Plan) -> None:
    """A server of ours in no tenant's customer: whoever has it now could send as the tenant, and no stop of the tenant's customer meets it."""
    if server["status"] != servers.DISABLED:
        name = marks.sender_of(server)
        where = "the whole system" if server["customer_id"] is None else f"customer {server['customer_id']}"
        result.faults.append(
            f"delivery server {server['id']} ({name}), which this collection made, is now of {where}, which is no tenant's; it is disabled"
        )
    _retire(server, marks.tenant_of(server), found, spared, result, stray=True)


def _pause(
    customer: int | None,
    server: t.Mapping | None,
    address: str | None,
    sender: str,
    found: t.Mapping,
    spared: t.Container[str],
    result: Plan,
    stray: bool = False,
) -> tuple[int, ...]:
    """The running campaigns of a sender that may not send. address: its From as it will be, beside the one that its server has."""
    addresses = [address, server["attributes"].get("from_email") if server else None]
    number = server["id"] if server else None
    numbers = []
    for campaign in campaigns.of_server(found["campaigns"], customer, number, addresses, spared, anybody=stray):
        about = {**campaigns.told(campaign, sender), "status": campaign["status"], "id": campaign["id"]}
        result.pause.setdefault(campaign["id"], about)
        numbers.append(campaign["id"])
    return tuple(numbers)


def _judge_foreign(
    tenants: t.Sequence[str], customers: t.Mapping[str, t.Mapping], found: t.Mapping, result: Plan
) -> None:
    """Servers that others made: listed where they are a tenant's, a fault where a tenant's mail could leave through them."""
    homes = marks.homes(found)
    tenant_of = {customer["id"]: tenant for tenant, here in homes.items() for customer in here}
    groups = {group["id"]: group["name"][len(marks.GROUP_PREFIX) :] for group in found["groups"]}
    falls_back = [
        groups[group["id"]] for group in found["groups"] if group["options"].get(OPEN_FALLBACK, "yes") != "no"
    ]
    drawn_by: dict[int, list[int]] = {}
    for row in found["assigned"]:
        drawn_by.setdefault(row["server_id"], []).append(row["group_id"])
    for server in found["servers"]:
        owner = tenant_of.get(server["customer_id"])
        if marks.is_ours(server):
            if drawn_by.get(server["id"]):
                told = f"{server['attributes']['name']} of {owner or 'nobody'} is also given to customer groups, whose mail would leave through it"
                result.faults.append(told)
            continue
        faults = []
        if owner is not None and marks.drawable(server):
            faults.append(f"{server['status']} in the customer of {owner}, whose mail may leave through it")
        for group in drawn_by.get(server["id"], []):
            if group in groups and marks.drawable(server):
                faults.append(
                    f"{server['status']} and given to the group of {groups[group]}, whose mail may leave through it"
                )
        if server["customer_id"] is None and falls_back and marks.drawable(server):
            faults.append(f"{server['status']} for the whole system, to which {', '.join(falls_back)} may fall back")
        if owner is None and not faults:
            continue
        fault = "; ".join(faults)
        name = server["attributes"]["name"] or server["attributes"]["hostname"]
        result.foreign.append(
            {"id": server["id"], "name": name, "tenant": owner, "status": server["status"], "fault": fault}
        )
        if fault:
            result.faults.append(
                f"delivery server {server['id']} ({name}), which this collection did not make, is {fault}"
            )
