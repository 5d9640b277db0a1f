# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet document and the policy, as one whole PowerMTA configuration for one host."""

from __future__ import annotations

import ipaddress
import typing as t

from ..fleet.status import delivers, exists_in_mta, in_pool
from ..pmta_config import Blank, Comment, Directive, Section, quote, render
from ..problems import FleetError, Problem
from . import caps, routing

# Nothing listens on the discard port of the loopback address, so a connection is refused at once and nothing leaves
# the host. This holds mail even where a pause was forgotten: PowerMTA does not document that pauses survive a restart.
NOWHERE = "[127.0.0.1]:9"

Node = t.Union[Blank, Comment, Directive, Section]


def render_host(document: t.Mapping, mta: str, policy: t.Mapping, passwords: t.Mapping[str, str]) -> dict:
    """Everything PowerMTA on host *mta* reads: ``{"content", "secrets", "vmtas", "stops", "senders"}``.

    content and secrets are configuration text; vmtas all virtual MTAs in it; stops those that must hold their queue;
    senders the slice of the document that was rendered. policy: see roles/powermta (``__powermta_policy``).
    Raises FleetError where a sender has no key yet, or a feeder's network holds the management address.
    """
    senders = [sender for sender in document["senders"] if sender["mta"] == mta and exists_in_mta(sender)]
    serving = {sender["tenant"] for sender in senders}
    tenants = [tenant for tenant in document["tenants"] if tenant["name"] in serving]
    _require_keys(senders)
    _keep_management_apart(tenants, policy["management_address"])
    by_tenant = {tenant["name"]: [s for s in senders if s["tenant"] == tenant["name"]] for tenant in tenants}
    nodes: list[Node] = [
        *_global(policy),
        *_files(policy),
        *_domains(policy),
        *_inbound(tenants, by_tenant, policy),
    ]
    for tenant in tenants:
        nodes += [Blank(), Comment(f" Tenant {tenant['name']}")]
        for sender in by_tenant[tenant["name"]]:
            nodes += _virtual_mta(sender, tenant, policy)
        nodes += _held(tenant, policy)
        nodes += _pool(tenant, by_tenant[tenant["name"]])
        nodes += _pattern_list(tenant, by_tenant[tenant["name"]])
        nodes += _sources(tenant, policy)
    users = [feeder["user"] for tenant in tenants for feeder in tenant["feeders"] if "user" in feeder]
    nodes += _everybody_else(users, policy)
    if users:
        nodes += [Blank(), Directive("include", policy["secrets_path"])]
    return {
        "content": render(nodes),
        "secrets": render(_users(tenants, passwords)) if users else "",
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


def _settings(settings: t.Mapping) -> list[Node]:
    """Directives from policy data: a list repeats the directive, a boolean is written yes or no."""
    nodes: list[Node] = []
    for name, value in settings.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is None:
                continue
            text = {True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one)
            nodes.append(Directive(name, *(text.split() or [quote("")])))
    return nodes


def _global(policy: t.Mapping) -> list[Node]:
    return [
        Directive("postmaster", policy["postmaster"]),
        Directive("run-as-root", "no"),
        Directive("http-mgmt-port", str(policy["http_port"])),
        *(Directive("http-access", *rule.split()) for rule in policy["http_access"]),
        # Mail of the server itself (forwarded role addresses, delivery reports) leaves from the management address.
        Directive("smtp-source-host", policy["management_address"], policy["management_host_name"]),
        *(Directive("smtp-listener", address) for address in policy["listeners"]),
        *_settings(policy["global_settings"]),
    ]


def _files(policy: t.Mapping) -> list[Node]:
    nodes: list[Node] = [Blank(), Directive("log-file", policy["log_file"]), Section("spool", policy["spool"])]
    for path, settings in policy["accounting"].items():
        nodes.append(Section("acct-file", path, _settings(settings)))
    return nodes


def _domains(policy: t.Mapping) -> list[Node]:
    nodes: list[Node] = [Blank(), Comment(" Receivers: limits that hold for each virtual MTA's queue")]
    for name, provider in policy["providers"].items():
        nodes.append(Directive("domain-macro", name, ",".join(provider["domains"])))
    for name, provider in policy["providers"].items():
        nodes.append(Section("domain", f"${name}", _settings(provider.get("settings") or {})))
    nodes.append(Section("domain", "*", _settings(policy["domain_settings"])))
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


def _virtual_mta(sender: t.Mapping, tenant: t.Mapping, policy: t.Mapping) -> list[Node]:
    nodes: list[Node] = [Directive("smtp-source-host", sender["ip"], sender["hostname"])]
    if tenant["routing"] == "by_sender" or not in_pool(sender):
        nodes.append(_domain_key(sender))
    if delivers(sender):
        nodes.append(Directive("max-smtp-msg-rate", caps.daily(sender["daily_quota"])))
        nodes += _provider_caps(sender, policy)
    else:
        nodes.append(_stopped(policy))
    return [Section("virtual-mta", sender["vmta"], nodes)]


def _domain_key(sender: t.Mapping) -> Directive:
    return Directive("domain-key", f"{sender['selector']},{sender['domain']},{sender['key']}")


def _provider_caps(sender: t.Mapping, policy: t.Mapping) -> list[Node]:
    """One nested `<domain>` for each provider slice; a slice looser than the policy's own rule adds nothing."""
    nodes: list[Node] = []
    for name, quota in sender["provider_quota"].items():
        rule = (policy["providers"][name].get("settings") or {}).get("max-msg-rate")
        rate = caps.stricter(rule, caps.daily(quota))
        if rate != rule:
            nodes.append(Section("domain", f"${name}", [Directive("max-msg-rate", rate)]))
    return nodes


def _stopped(policy: t.Mapping) -> Section:
    return Section(
        "domain",
        "*",
        [
            Directive("smtp-hosts", quote(NOWHERE)),
            Directive("retry-after", "10m"),
            Directive("bounce-after", policy["quarantine_hold"]),
        ],
    )


def _held(tenant: t.Mapping, policy: t.Mapping) -> list[Node]:
    source = Directive("smtp-source-host", policy["management_address"], policy["management_host_name"])
    return [
        Comment(f" Mail that no sender of {tenant['name']} claims waits here for a person"),
        Section("virtual-mta", tenant["held"], [source, _stopped(policy)]),
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


def _sources(tenant: t.Mapping, policy: t.Mapping) -> list[Node]:
    common: list[Node] = [
        Directive("always-allow-relaying", "yes"),
        Directive("smtp-service", "yes"),
        Directive("process-x-job", "yes"),
    ]
    if tenant["trusted"]:
        common.append(Directive("process-x-virtual-mta", "yes"))
    else:
        # The header lets a client choose any virtual MTA, another tenant's too; unprocessed, it would be delivered.
        common += [Directive("process-x-virtual-mta", "no"), Directive("remove-header", "X-Virtual-MTA")]
    common += [
        *_settings(policy["feeder_settings"]),
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
    return [Blank(), Section("source", "0/0", [*nodes, *_settings(policy["inbound_settings"])])]
