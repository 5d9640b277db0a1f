# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole check as the engine takes it, counted, and as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from .catalogue import CONFIGURATION, DOMAIN, INFORMATION, SEVERITIES
from .lists import Blocklist, worst_of
from .names import is_address
from .resolvers import REMEDY, Fitness
from .targets import Sender
from .verdict import BLIND, CLEAN, FAILED, HEALTHY, LISTED, UNKNOWN, Health, Verdict, unknown

_FEW = 3  # what more senders share is told once
_MOST_WORDS, _MOST_CODES = 500, 50  # what a list answers has no limit of its own


@dataclass
class Checked:
    """What a check found. verdicts: by (list, target). fitness: of each resolver. strangers: (list, target) that nobody can have made
    up for this check, and that the list does not have."""

    lists: Sequence[Blocklist]
    fitness: Sequence[Fitness]
    health: dict[str, Health] = field(default_factory=dict)
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    strangers: list[tuple[str, str]] = field(default_factory=list)

    def of(self, blocklist: Blocklist, target: str) -> Verdict:
        return self.verdicts.get((blocklist.name, target)) or unknown("was not asked")


def report(checked: Checked, senders: Sequence[Sender], controls: Sequence[str]) -> dict:
    """``{"resolver", "lists", "controls", "senders"}`` as ``POST /api/v1/checks/dnsbl`` takes them."""
    lists = [_list(checked, one) for one in checked.lists]
    return {
        "resolver": _resolver(checked),
        "lists": lists,
        "controls": [
            *(
                _control(one, target, checked.of(one, target))
                for target in controls
                for one in checked.lists
                # What lists whole networks may have the servers' own, and be right.
                if one.takes(target) and one.severity != INFORMATION
            ),
            *_strangers(checked),
        ],
        "senders": [
            {
                "name": sender.name,
                "verdicts": [
                    _verdict(one, target, checked.of(one, target))
                    for one in checked.lists
                    for target in sender.targets
                    if one.takes(target)
                ],
            }
            for sender in senders
        ],
    }


def _control(blocklist: Blocklist, target: str, found: Verdict) -> dict:
    """severity: a server's address in a list of dynamic ones, for example, is no sign that the list lies."""
    severity = {"severity": found.severity or blocklist.severity} if found.verdict == LISTED else {}
    return {"target": target, "list": blocklist.name, "verdict": found.verdict, **severity}


def _strangers(checked: Checked) -> list[dict]:
    """What was made up for the test of each list: a control of its kind that no cache has heard of."""
    healthy = {name for name, health in checked.health.items() if health.state == HEALTHY}
    return [{"target": target, "list": name, "verdict": CLEAN} for name, target in checked.strangers if name in healthy]


def lean(told: Mapping) -> dict:
    """The same without what says nothing: of thousands of verdicts nearly all are clean, and a request has a limit."""
    return {
        **told,
        "senders": [{**one, "verdicts": [_lean(found) for found in one["verdicts"]]} for one in told["senders"]],
    }


def _lean(found: Mapping) -> dict:
    silent = () if found["verdict"] == LISTED else ("severity",)
    return {key: value for key, value in found.items() if value not in (None, []) and key not in silent}


def _resolver(checked: Checked) -> dict:
    """Blind when no resolver is fit, or no list can be seen through it."""
    reasons = [reason for one in checked.fitness for reason in one.reasons]
    reasons += [note for one in checked.fitness for note in one.notes]
    fit = any(one.fit for one in checked.fitness)
    states = [checked.health[one.name].state for one in checked.lists if one.name in checked.health]
    refusing = [name for name, health in checked.health.items() if health.public]
    if refusing:
        reasons.append(f"{', '.join(refusing)} takes the resolver for a public one, or one without a name of its own")
    if fit and states and HEALTHY not in states:
        fit = False
        reasons.append(f"none of {len(states)} lists can be seen through it")
    return {"verdict": HEALTHY if fit else BLIND, "reasons": [_cut(reason) for reason in reasons]}


def _list(checked: Checked, blocklist: Blocklist) -> dict:
    health = checked.health.get(blocklist.name) or Health(UNKNOWN, "it was not asked: no resolver is fit")
    return {
        "name": blocklist.name,
        "zone": blocklist.shown_zone,
        "kind": blocklist.kind,
        "state": health.state,
        "detail": _cut(health.detail),
        "severity": blocklist.severity,
    }


def _verdict(blocklist: Blocklist, target: str, found: Verdict) -> dict:
    return {
        "list": blocklist.name,
        "target": target,
        "verdict": found.verdict,
        "codes": list(found.codes[:_MOST_CODES]),
        "meaning": _cut(found.meaning),
        "severity": found.severity or blocklist.severity,
        "detail": _cut(found.detail),
    }


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _MOST_WORDS else f"{text[: _MOST_WORDS - 4]} ..."


def summary(told: Mapping) -> dict:
    """``{"senders", "clean", "unknown", "listed": {severity: senders}, "lists": {state: lists}, "resolver", "controls_listed"}``.

    A sender counts once: as listed by its worst listing, else as unknown when a verdict of a healthy list is, else as clean. Lists that
    are not healthy are told by themselves; without any that is, everybody is unknown."""
    healthy = {one["name"] for one in told["lists"] if one["state"] == HEALTHY}
    colours = Counter(colour(sender, healthy) for sender in told["senders"])
    states = Counter(one["state"] for one in told["lists"])
    return {
        "senders": len(told["senders"]),
        "clean": colours[CLEAN],
        "unknown": colours[UNKNOWN],
        "listed": {severity: colours[severity] for severity in SEVERITIES},
        "lists": {state: states[state] for state in (HEALTHY, FAILED, BLIND, UNKNOWN)},
        "resolver": told["resolver"]["verdict"],
        "controls_listed": sum(one["verdict"] == LISTED for one in told["controls"]),
    }


def colour(sender: Mapping, healthy: Container[str]) -> str:
    """The severity of its worst listing, else unknown or clean, at the healthy lists."""
    verdicts = [one for one in sender["verdicts"] if one["list"] in healthy]
    worst = worst_of(one["severity"] for one in verdicts if one["verdict"] == LISTED)
    if worst:
        return worst
    return CLEAN if verdicts and all(one["verdict"] == CLEAN for one in verdicts) else UNKNOWN


def lines(told: Mapping, lists: Sequence[Blocklist]) -> list[str]:
    """A head line, then what keeps the check from seeing, then each listing with whom to ask; what more than three senders share is told once.

    Nobody is asked to take anything off a list; that stays a person's work."""
    counts = summary(told)
    listed = sum(counts["listed"].values())
    seen = f"the {counts['lists'][HEALTHY]} of {len(told['lists'])} lists that work"
    text = [
        f"{counts['clean']} of {counts['senders']} senders are clean at {seen}, {listed} are listed, {counts['unknown']} are unknown"
    ]
    if counts["resolver"] == BLIND:
        text.append("The check is blind: it says nothing of any sender")
        text += [f"    {reason}" for reason in told["resolver"]["reasons"]]
        text.append(f"    remedy: {REMEDY}")
    else:
        text += [f"Resolver: {reason}" for reason in told["resolver"]["reasons"]]
    by_name = {one.name: one for one in lists}
    for one in told["lists"]:
        if one["state"] != HEALTHY and (counts["resolver"] != BLIND or counts["lists"][UNKNOWN] != len(told["lists"])):
            text.append(f"List {one['name']} ({one['zone']}) is {_STATES[one['state']]}: {one['detail']}")
            text.append(f"    remedy: {_LIST_REMEDIES[one['state']]}")
        elif one["state"] == HEALTHY and one["detail"]:
            text.append(f"List {one['name']} ({one['zone']}): {one['detail']}")
    text += _controls(told)
    return text + _listings(told, by_name) + _unknowns(told)


_STATES = {FAILED: "set aside", BLIND: "refused to us", UNKNOWN: "out of reach"}
_LIST_REMEDIES = {
    FAILED: "Nothing it says counts until it passes its test again. If it stays so, it is dead: take it out in policy_dnsbl.changes",
    BLIND: "Read its terms of use: it wants a resolver of one's own, a registered address, a key or a contract",
    UNKNOWN: "Check again later; if it stays so, ask its name servers by hand",
}


def _controls(told: Mapping) -> list[str]:
    groups: dict[str, list[str]] = {}
    for one in told["controls"]:
        if one["verdict"] == LISTED:
            groups.setdefault(one["list"], []).append(one["target"])
    return [f"Control addresses are listed at {name}: {', '.join(targets)}" for name, targets in groups.items()]


def _listings(told: Mapping, lists: Mapping[str, Blocklist]) -> list[str]:
    groups: dict[tuple, list[tuple[str, str]]] = {}
    for sender in told["senders"]:
        for one in sender["verdicts"]:
            if one["verdict"] == LISTED:
                key = (one["severity"], one["list"], tuple(one["codes"]), one["meaning"])
                groups.setdefault(key, []).append((sender["name"], one["target"]))
    text = []
    for key in sorted(groups, key=lambda key: (SEVERITIES.index(key[0]), -lists[key[1]].weight, key[1], key[2])):
        severity, name, codes, meaning = key
        members = groups[key]
        shown = members if len(members) <= _FEW else members[:1]
        for sender, target in shown:
            more = f" and {len(members) - 1} more" if len(shown) < len(members) else ""
            text.append(f"{sender}{more}: {target} is listed at {name} ({', '.join(codes)}; {severity}): {meaning}")
        text.append(f"    remedy: {_remedy(severity, lists[name], members[0][1])}")
    return text


def _unknowns(told: Mapping) -> list[str]:
    """What lists that work did not answer; what those say that do not is told with them."""
    healthy = {one["name"] for one in told["lists"] if one["state"] == HEALTHY}
    groups: dict[tuple, list[tuple[str, str]]] = {}
    for sender in told["senders"]:
        for one in sender["verdicts"]:
            if one["verdict"] == UNKNOWN and one["list"] in healthy:
                groups.setdefault((one["list"], one["detail"]), []).append((sender["name"], one["target"]))
    text = []
    for (name, detail), members in groups.items():
        sender, target = members[0]
        more = f" and {len(members) - 1} more" if len(members) > 1 else ""
        text.append(f"{sender}{more}: {target} is unknown at {name}: {detail}")
    return text


def _remedy(severity: str, blocklist: Blocklist, target: str) -> str:
    where = blocklist.delist or "see the list's own pages"
    if severity == CONFIGURATION:
        return f"Correct the reverse name, or have the provider do so; no mail is moved for it. Then: {where}"
    if severity == INFORMATION:
        return f"Nothing to do at once. {where}"
    what = "domain" if blocklist.kind == DOMAIN and not is_address(target) else "address"
    return f"Find what was sent from this {what} and end it first; then a person asks once: {where}"
