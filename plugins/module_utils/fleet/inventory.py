# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's shape: which keys a tenant, a range and a listed sender may have, and what they must hold."""

from __future__ import annotations

import difflib
import re
import typing as t

from ..accounting import signals
from ..lifecycle import brakes
from ..problems import Problem
from ..warmup import policy as warmup
from . import names, status

#: What a tenant may give once for all its senders, a range for its own, a listed sender for itself.
SENDER_SETTINGS = (
    "from_name",
    "interface",
    "gateway",
    "table",
    "mta",
    "ptr",
    "purposes",
    "status",
    "weight",
    "phase",
    "daily_quota",
    "provider_quota",
    "paused",
    "reasons",
)
RANGE_KEYS = (
    "cidr",
    "first",
    "count",
    "start",
    "skip",
    "domain",
    "hostname",
    "vmta",
    "prefixes",
    "from_names",
    "rotating_purposes",
    "overrides",
    *SENDER_SETTINGS,
)
LISTED_KEYS = ("ip", "domain", "hostname", "vmta", "prefix", "from_email", *SENDER_SETTINGS)
TENANT_KEYS = (
    "name",
    "routing",
    "trusted",
    "domain",
    "from_email",
    "operator",
    "feeders",
    "dmarc",
    "spf_mechanisms",
    "pool",
    "ranges",
    "senders",
    *SENDER_SETTINGS,
)
DMARC_KEYS = ("policy", "subdomain_policy", "np", "rua", "adkim", "aspf")
# `all` is ours to say, and a qualifier other than pass would contradict what the list is for.
_SPF_TERM = re.compile(r"\+?(include|a|mx|ip4|ip6|exists)([:/][^\s\"]+)?\Z")
# Linux: IFNAMSIZ is 16 with the final zero. The rest keeps shells and unit files from reading more than a name.
_INTERFACE = re.compile(r"[A-Za-z0-9._:@-]{1,15}\Z")
_DMARC_POLICIES = ("none", "quarantine", "reject")


class Checker:
    """Collects the problems of one inventory, so that an operator sees all of them at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, where: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(where, what, remedy))

    def keys(self, where: str, data: t.Mapping, known: tuple[str, ...]) -> None:
        for key in data:
            if key in known:
                continue
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known keys: {', '.join(sorted(known))}."
            self.add(f"{where}.{key}", "is not a key that is known here", hint)

    def mapping(self, where: str, data: object) -> bool:
        if isinstance(data, t.Mapping):
            return True
        self.add(where, f"must be a dictionary, found {_kind(data)}", "Write it as key: value lines.")
        return False

    def listing(self, where: str, data: object) -> list:
        if data is None:
            return []
        if isinstance(data, (list, tuple)):
            return list(data)
        self.add(where, f"must be a list, found {_kind(data)}", "Write it as '- item' lines.")
        return []

    def fault(self, where: str, value: object, fault: str | None, remedy: str) -> bool:
        """True when there is no fault."""
        if fault is None:
            return True
        self.add(where, f"{value!r} {fault}" if fault.startswith(("is", "has", "cannot")) else fault, remedy)
        return False

    def integer(self, where: str, value: object, low: int, high: int | None, remedy: str) -> bool:
        if isinstance(value, int) and not isinstance(value, bool) and value >= low and (high is None or value <= high):
            return True
        bound = f"between {low} and {high}" if high is not None else f"of at least {low}"
        self.add(where, f"must be a whole number {bound}, found {value!r}", remedy)
        return False

    def choice(self, where: str, value: object, choices: t.Iterable[str]) -> bool:
        if value in choices:
            return True
        near = difflib.get_close_matches(str(value), list(choices), 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        self.add(where, f"{value!r} is not one of {', '.join(choices)}", f"Choose one of them.{hint}")
        return False


def check_settings(check: Checker, where: str, data: t.Mapping, policy: t.Mapping, mtas: t.Collection[str]) -> None:
    """The settings that tenants, ranges and listed senders share."""
    if "status" in data:
        check.choice(f"{where}.status", data["status"], status.STATUSES)
    if data.get("phase") is not None:
        check.choice(f"{where}.phase", data["phase"], list(policy["phases"]))
    for reason in check.listing(f"{where}.reasons", data.get("reasons")):
        if not isinstance(reason, str) or not reason:
            check.add(f"{where}.reasons", f"{reason!r} is not a text", "List one text for each reason.")
    if "weight" in data:
        check.integer(f"{where}.weight", data["weight"], 0, 100, "The weight is the sender's share, 0 to 100.")
    if data.get("daily_quota") is not None:
        check.integer(f"{where}.daily_quota", data["daily_quota"], 0, None, "Give messages per day, or leave it out.")
    for purpose in check.listing(f"{where}.purposes", data.get("purposes")):
        check.choice(f"{where}.purposes", purpose, status.PURPOSES)
    if "paused" in data and not isinstance(data["paused"], bool):
        check.add(f"{where}.paused", f"must be true or false, found {data['paused']!r}", "Write true or false.")
    if data.get("mta") is not None and data["mta"] not in mtas:
        known = ", ".join(sorted(mtas)) or "none: the group powermta is empty"
        check.add(f"{where}.mta", f"{data['mta']!r} is no host of the group powermta", f"Hosts there: {known}.")
    _check_provider_quota(check, where, data, policy)
    _check_ptr(check, where, data)
    _check_gateway(check, where, data)
    if data.get("from_name") is not None:
        check_text(check, f"{where}.from_name", data["from_name"])
    interface = data.get("interface")
    if interface is not None and not (isinstance(interface, str) and _INTERFACE.match(interface)):
        check.add(
            f"{where}.interface",
            f"{interface!r} is not the name of a network interface",
            "Write it as `ip link` does: up to 15 letters, digits and . _ - : @.",
        )


def check_quota(check: Checker, where: str, given: t.Mapping, policy: t.Mapping) -> None:
    """A sender that warms up has at most the quota of its phase. *given*: with what it shares with others."""
    quota, phase = given.get("daily_quota"), given.get("phase")
    if given.get("status") != "warming" or not isinstance(quota, int):
        return
    # There the phases only say how far a quota that grows by days is.
    if as_mapping(policy.get("warmup")).get("schedule") == warmup.GEOMETRIC:
        return
    phase = next(iter(policy["phases"]), None) if phase is None else phase
    most = policy["phases"].get(phase) if isinstance(phase, str) else None
    if most is not None and quota > most:
        remedy = "Leave it out, or name the phase that it has reached; one that is warmed up is status: active."
        check.add(f"{where}.daily_quota", f"is {quota}, more than the {most} of its phase {phase}", remedy)


def check_text(check: Checker, where: str, value: object) -> None:
    """A display name: what may stand in a header, a file and a table without being read as syntax."""
    if not isinstance(value, str) or not value or set(value) & set('\r\n"<>#'):
        check.add(where, f"{value!r} is not plain text", 'Leave out line breaks and the signs " < > #.')


def sound_policy(check: Checker, policy: t.Mapping) -> dict:
    """*policy* with only its sound parts, so that the rest of the inventory can still be judged by it."""
    sound = dict(policy)
    for key in ("phases", "providers", "sender_defaults", "dmarc"):
        if not check.mapping(f"policy_{key}", policy[key]):
            sound[key] = {}
    phases = {}
    for phase, quota in sound["phases"].items():
        where = f"policy_phases.{phase}"
        if not isinstance(phase, str) or not phase:
            check.add(where, f"{phase!r} is not a text", "Name the phase by a text, such as week_1.")
        elif check.integer(where, quota, 1, None, "Give messages per day, as a number without quotes."):
            phases[phase] = quota
        else:
            # Kept, so that whoever names this phase is not told in addition that it does not exist.
            phases[phase] = 1
    sound["phases"] = phases
    check.integer(
        "policy_active_daily_quota",
        policy["active_daily_quota"],
        1,
        None,
        "Give messages per day, as a number without quotes.",
    )
    check.problems += warmup.problems(policy)
    check.problems += brakes.problems(policy.get("brakes") or {})
    check.problems += signals.check(policy.get("signals") or {}, sound["providers"])
    check.keys("policy_sender_defaults", sound["sender_defaults"], SENDER_SETTINGS)
    for key in ("status", "weight", "paused"):
        if key not in sound["sender_defaults"]:
            check.add(f"policy_sender_defaults.{key}", "is missing", "Say what holds where the inventory says nothing.")
    return sound


def _check_provider_quota(check: Checker, where: str, data: t.Mapping, policy: t.Mapping) -> None:
    if data.get("provider_quota") is None or not check.mapping(f"{where}.provider_quota", data["provider_quota"]):
        return
    for provider, quota in data["provider_quota"].items():
        if provider not in policy["providers"]:
            check.add(
                f"{where}.provider_quota.{provider}",
                "is no provider of policy_providers",
                f"Known: {', '.join(sorted(map(str, policy['providers']))) or 'none'}.",
            )
        check.integer(
            f"{where}.provider_quota.{provider}", quota, 1, None, "Give messages per day; to stop, use status."
        )


def _check_ptr(check: Checker, where: str, data: t.Mapping) -> None:
    if data.get("ptr") is None or not check.mapping(f"{where}.ptr", data["ptr"]):
        return
    check.keys(f"{where}.ptr", data["ptr"], ("method", "zone"))
    if "method" in data["ptr"]:
        check.choice(f"{where}.ptr.method", data["ptr"]["method"], status.PTR_METHODS)
    zone = data["ptr"].get("zone")
    if zone is not None and not (isinstance(zone, str) and zone.endswith(".in-addr.arpa")):
        check.add(
            f"{where}.ptr.zone", f"{zone!r} is no reverse zone", "Write e.g. 0-63.0.19.198.in-addr.arpa (RFC 2317)."
        )


def _check_gateway(check: Checker, where: str, data: t.Mapping) -> None:
    if data.get("gateway") is not None:
        check.fault(
            f"{where}.gateway", data["gateway"], names.ipv4_fault(data["gateway"]), "Give the router's IPv4 address."
        )
    if data.get("table") is not None:
        check.integer(f"{where}.table", data["table"], 1, 252, "Give a routing table number, or leave it out.")


def check_dmarc(check: Checker, where: str, data: object) -> None:
    """The DMARC record's wishes (RFC 9989): policy, sub-domain policies, alignment, where reports go."""
    if data is None or not check.mapping(where, data):
        return
    data = t.cast(t.Mapping, data)
    check.keys(where, data, DMARC_KEYS)
    for key in ("policy", "subdomain_policy", "np"):
        if data.get(key) is not None:
            check.choice(f"{where}.{key}", data[key], _DMARC_POLICIES)
    for key in ("adkim", "aspf"):
        if data.get(key) is not None:
            check.choice(f"{where}.{key}", data[key], ("r", "s"))
    for uri in check.listing(f"{where}.rua", data.get("rua")):
        address = str(uri).replace("{domain}", "example.org")
        if not address.startswith("mailto:") or names.mailbox_fault(address[7:].partition("!")[0]):
            check.add(f"{where}.rua", f"{uri!r} is not a mailto: address", "Write mailto:dmarc@{domain}, for example.")


def check_spf_mechanisms(check: Checker, where: str, data: object) -> list[str]:
    """Further SPF terms of a pool's domain, such as ``include:_spf.example.net`` (RFC 7208 section 5)."""
    terms = check.listing(where, data)
    for term in terms:
        if not isinstance(term, str) or not _SPF_TERM.match(term):
            check.add(
                where, f"{term!r} is not an SPF mechanism", "Write e.g. include:_spf.example.net or ip4:192.0.2.1."
            )
    return terms


def as_mapping(data: object) -> t.Mapping:
    """*data* when it is a dictionary; what is not has been reported already and counts as empty."""
    return data if isinstance(data, t.Mapping) else {}


def as_list(data: object) -> list:
    """*data* as a list when it is one, else an empty list, for the same reason."""
    return list(data) if isinstance(data, (list, tuple)) else []


def _kind(data: object) -> str:
    """What was found instead. What a list or a dictionary holds is not quoted: it may be a feeder's password."""
    if data is None:
        return "nothing"
    if isinstance(data, t.Mapping):
        return f"a dictionary with the keys {', '.join(map(str, data))}"
    if isinstance(data, (list, tuple)):
        return "a list"
    return "a text" if isinstance(data, str) else f"{data!r}"
