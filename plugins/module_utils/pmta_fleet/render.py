# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet document and the policy, as one whole PowerMTA configuration for one host."""

from __future__ import annotations

import ipaddress
import typing as t

from ..fleet.status import delivers, exists_in_mta, in_pool
from ..pmta_config import Blank, Comment, Directive, Node, Section, quote, render
from ..problems import FleetError, Problem
from ..warmup import slices
from ..warmup.policy import shares as warmup_shares
from . import caps, routing
from . import policy as receivers
from .nested import Nested
from .policy_check import check
from .settings import directives, is_secret, lowered

WHOLE_RATE = "max-smtp-msg-rate"


def render_host(document: t.Mapping, mta: str, policy: t.Mapping, passwords: t.Mapping[str, str]) -> dict:
    """Everything PowerMTA on host *mta* reads: ``{"content", "secrets", "vmtas", "stops", "senders"}``.

    content and secrets are configuration text; vmtas all virtual MTAs in it; stops those that must hold their queue;
    senders the slice of the document that was rendered. policy: see roles/powermta (``__powermta_policy``).
    Raises FleetError where a sender has no key yet, a feeder's network holds the management address, or the policy is unsound.
    """
    check(policy)
    senders = [sender for sender in document["senders"] if sender["mta"] == mta and exists_in_mta(sender)]
    serving = {sender["tenant"] for sender in senders}
    tenants = [tenant for tenant in document["tenants"] if tenant["name"] in serving]
    _require_keys(senders)
    _require_providers(senders, policy["providers"])
    _keep_management_apart(tenants, policy["management_address"])
    by_tenant = {tenant["name"]: [s for s in senders if s["tenant"] == tenant["name"]] for tenant in tenants}
    nested = Nested(policy)
    platform = [*_global(policy), *_files(policy), *receivers.nodes(policy)]
    nodes = [node for node in platform if not is_secret(node)]
    nodes += _inbound(tenants, by_tenant, policy)
    for tenant in tenants:
        nodes += [Blank(), Comment(f" Tenant {tenant['name']}")]
        for sender in by_tenant[tenant["name"]]:
            nodes += _virtual_mta(sender, tenant, policy, nested)
        nodes += _held(tenant, policy, nested)
        nodes += _pool(tenant, by_tenant[tenant["name"]])
        nodes += _pattern_list(tenant, by_tenant[tenant["name"]])
        nodes += _sources(tenant, policy, len(tenants) > 1)
    users = [feeder["user"] for tenant in tenants for feeder in tenant["feeders"] if "user" in feeder]
    nodes += _everybody_else(users, policy)
    secrets = [*(node for node in platform if is_secret(node)), *_users(tenants, passwords)]
    if secrets:
        nodes += [Blank(), Directive("include", policy["secrets_path"])]
    return {
        "content": render(nodes),
        "secrets": render(secrets) if secrets else "",
        "vmtas": [sender["vmta"] for sender in senders] + [tenant["held"] for tenant in tenants],
        "stops": [sender["vmta"] for sender in senders if not delivers(sender)]
        + [tenant["held"] for tenant in tenants],
        "senders": senders,
    }


def _require_keys(senders: t.Sequence[t.Mapping]) -> None:
    problems = [
        Problem(
            f"sender {sender['name']}", "has no DKIM key yet", "Make the keys first (module dkim_keys), then render."
        )
        for sender in senders
        if not (sender["selector"] and sender["key"])
    ]
    if problems:
        raise FleetError(problems[:25])


def _require_providers(senders: t.Sequence[t.Mapping], known: t.Collection[str]) -> None:
    """The document may have been made under another policy than this host's."""
    problems = [
        Problem(
            f"sender {sender['name']}, provider_quota.{name}",
            "is no provider of this host's policy_providers",
            f"Known here: {', '.join(sorted(known)) or 'none'}. Give the policy to all hosts, not to one group.",
        )
        for sender in senders
        for name in sender["provider_quota"]
        if name not in known
    ]
    if problems:
        raise FleetError(problems[:25])


def _keep_management_apart(tenants: t.Sequence[t.Mapping], management: str) -> None:
    """Refuse feeders that hold the address from which the server hands mail to itself: its notices about held mail would
    become the tenant's, be held, and be told of again.

    A narrower `<source>` cannot mend that: sources of an address are merged from general to specific, and no value of
    `pattern-list` takes an inherited one away (User's Guide, `<source>`).
    """
    try:
        address = ipaddress.ip_address(management)
    except ValueError:
        raise FleetError(
            [
                Problem(
                    "powermta_management_address", f"{management!r} is not an address", "Give the server's own address."
                )
            ]
        ) from None
    problems = []
    for tenant in tenants:
        for feeder in tenant["feeders"]:
            if "address" not in feeder or address not in ipaddress.ip_network(feeder["address"], strict=False):
                continue
            remedy = (
                "For a feeder on this host give it a 'user' and 'password' instead of an address."
                if feeder["address"].partition("/")[0] == management
                else "Name the feeders' own addresses, or networks without it."
            )
            problems.append(
                Problem(
                    f"fleet_tenants[{tenant['name']}].feeders: {feeder['address']}",
                    f"holds the management address {management}, from which the server sends notices about held mail",
                    remedy,
                )
            )
    if problems:
        raise FleetError(problems)


def _global(policy: t.Mapping) -> list[Node]:
    return [
        Directive("postmaster", policy["postmaster"]),
        Directive("run-as-root", "no"),
        Directive("http-mgmt-port", str(policy["http_port"])),
        *(Directive("http-access", *rule.split()) for rule in policy["http_access"]),
        # Mail of the server itself (forwarded role addresses, delivery reports) leaves from the management address.
        Directive("smtp-source-host", policy["management_address"], policy["management_host_name"]),
        *(Directive("smtp-listener", address) for address in policy["listeners"]),
        # What this host's inventory says beats the platform's policy.
        *directives({**lowered(policy["global_settings"]), **lowered(policy["host_settings"])}),
    ]


def _files(policy: t.Mapping) -> list[Node]:
    nodes: list[Node] = [Blank(), Directive("log-file", policy["log_file"])]
    # The policy may hold the spool's settings; the tag stands once.
    if not any((one["tag"].lower(), one.get("name")) == ("spool", policy["spool"]) for one in policy["sections"]):
        nodes.append(Section("spool", policy["spool"]))
    for path, settings in policy["accounting"].items():
        nodes.append(Section("acct-file", path, directives(settings)))
    return nodes


def _inbound(tenants: t.Sequence[t.Mapping], by_tenant: t.Mapping, policy: t.Mapping) -> list[Node]:
    """Port 25 takes the role addresses of the fleet's domains and nothing else. `relay-domain` would take every local
    part of them, to be bounced later to a forged sender; `relay-address` refuses during the SMTP session."""
    relay: list[Node] = []
    aliases: list[Node] = []
    for tenant in tenants:
        for domain in dict.fromkeys(sender["domain"] for sender in by_tenant[tenant["name"]]):
            relay.append(Directive("relay-address", routing.relay_pattern(domain, policy["role_addresses"])))
            aliases += [Directive("alias", f"{part}@{domain}", tenant["operator"]) for part in policy["role_addresses"]]
    if not relay:
        return []
    return [
        Blank(),
        Comment(" Inbound: role addresses of the sending domains, forwarded to people"),
        *relay,
        Section("aliases", "", aliases),
    ]


def _virtual_mta(sender: t.Mapping, tenant: t.Mapping, policy: t.Mapping, nested: Nested) -> list[Node]:
    nodes: list[Node] = [Directive("smtp-source-host", sender["ip"], sender["hostname"])]
    if tenant["routing"] == "by_sender" or not in_pool(sender):
        nodes.append(_domain_key(sender))
    if delivers(sender):
        settings = lowered(policy["virtual_mta_settings"])
        rate = caps.stricter(settings.pop(WHOLE_RATE, None), caps.daily(sender["daily_quota"]))
        nodes += [Directive(WHOLE_RATE, rate), *directives(settings), *nested.delivering(_limits(sender, policy))]
    else:
        nodes += nested.stopped()
    return [Section("virtual-mta", sender["vmta"], nodes)]


def _limits(sender: t.Mapping, policy: t.Mapping) -> dict[str, int]:
    """Messages a day by provider: the sender's own, and its slices of the cap while it warms up."""
    return slices.limits(sender, warmup_shares(policy), policy.get("active_daily_quota", sender["daily_quota"]))


def _domain_key(sender: t.Mapping) -> Directive:
    return Directive("domain-key", f"{sender['selector']},{sender['domain']},{sender['key']}")


def _held(tenant: t.Mapping, policy: t.Mapping, nested: Nested) -> list[Node]:
    source = Directive("smtp-source-host", policy["management_address"], policy["management_host_name"])
    return [
        Comment(f" Mail that no sender of {tenant['name']} claims waits here for a person"),
        Section("virtual-mta", tenant["held"], [source, *nested.stopped()]),
    ]


def _pool(tenant: t.Mapping, senders: t.Sequence[t.Mapping]) -> list[Node]:
    members = [sender for sender in senders if in_pool(sender)]
    if not members:
        return []
    nodes: list[Node] = [Directive("virtual-mta", sender["vmta"]) for sender in members]
    if tenant["routing"] == "pool":
        nodes.append(_domain_key(members[0]))
    return [Section("virtual-mta-pool", tenant["pool"], nodes)]


def _list_name(tenant: t.Mapping) -> str:
    return f"{tenant['name']}-senders"


def _target(tenant: t.Mapping, senders: t.Sequence[t.Mapping]) -> str:
    return tenant["pool"] if any(in_pool(sender) for sender in senders) else tenant["held"]


def _pattern_list(tenant: t.Mapping, senders: t.Sequence[t.Mapping]) -> list[Node]:
    entries = (
        [(routing.from_pattern([tenant["from_email"]]), _target(tenant, senders))]
        if tenant["routing"] == "pool"
        else routing.sender_entries(senders)
    )
    nodes = [Directive("header", "from", pattern, f"virtual-mta={target}") for pattern, target in entries]
    return [Section("pattern-list", _list_name(tenant), nodes)]


def _sources(tenant: t.Mapping, policy: t.Mapping, shared: bool) -> list[Node]:
    common: list[Node] = [
        Directive("always-allow-relaying", "yes"),
        Directive("smtp-service", "yes"),
        Directive("process-x-job", "yes"),
    ]
    if tenant["trusted"]:
        # Only where there are others does the linter warn of it.
        why = " pmta-lint: ignore x-virtual-mta-any: the fleet document trusts this tenant" if shared else None
        common.append(Directive("process-x-virtual-mta", "yes", comment=why))
    else:
        # The header lets a client choose any virtual MTA, another tenant's too; unprocessed, it would be delivered.
        common += [Directive("process-x-virtual-mta", "no"), Directive("remove-header", "X-Virtual-MTA")]
    common += [
        *directives(policy["feeder_settings"]),
        Directive("pattern-list", _list_name(tenant)),
        # In both modes: a pool as default would send, unsigned, what no entry recognised.
        Directive("default-virtual-mta", tenant["held"]),
    ]
    nodes: list[Node] = [
        Section("source", feeder["address"], list(common)) for feeder in tenant["feeders"] if "address" in feeder
    ]
    if any("user" in feeder for feeder in tenant["feeders"]):
        nodes.append(Section("source", _source_name(tenant), [Directive("require-auth", "yes"), *common]))
    return nodes


def _source_name(tenant: t.Mapping) -> str:
    return f"{tenant['name']}-feeder"


def _users(tenants: t.Sequence[t.Mapping], passwords: t.Mapping[str, str]) -> list[Node]:
    nodes: list[Node] = []
    for tenant in tenants:
        for feeder in tenant["feeders"]:
            if "user" in feeder:
                password = Directive("password", quote(passwords[feeder["user"]]))
                nodes.append(
                    Section("smtp-user", feeder["user"], [password, Directive("source", _source_name(tenant))])
                )
    return nodes


def _everybody_else(users: t.Sequence[str], policy: t.Mapping) -> list[Node]:
    nodes: list[Node] = [
        Directive("always-allow-relaying", "no"),
        Directive("smtp-service", "yes"),
        Directive("process-x-virtual-mta", "no"),
        Directive("remove-header", "X-Virtual-MTA"),
        Directive("allow-auth", "yes" if users else "no"),
    ]
    if users:
        nodes.append(Directive("allow-unencrypted-plain-auth", "yes" if policy["allow_plain_auth"] else "no"))
    return [Blank(), Section("source", "0/0", [*nodes, *directives(policy["inbound_settings"])])]
