# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a domain changes its DKIM key (M3AAWG, DKIM Key Rotation, 2019): what each key in the registry is for, what is due
next, and what happened.

A key's record in the registry (see dkim_registry) has these dates besides, ISO 8601 UTC, null or missing until then:

``published``  every server and resolver that was asked showed the record
``usable``     from then on nobody can remember that it was not there: published, and the longest time to live over
``retired``    another key signs since; mail that it signed is still under way
``destroyed``  the private key was deleted
``revoked``    the record is to say since then that the key is void (an empty ``p=``)
``void``       every server of the zone showed that it does
``leaving``    the record is to be deleted
``removed``    every server of the zone showed that it was

So each call can be the first one after an interruption: the dates say how far it came. A selector is never used again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone

from .dkim import next_selector, record_text
from .dns_text import plain_name
from .problems import FleetError, Problem

REVOKED_TEXT = "v=DKIM1; k=rsa; p="
LEAST_KEEP = 14  # days; the longest queue keeps mail for 4.5, and forwarders hold some back

CURRENT, NEXT, KEPT, REVOKED, LEAVING, REMOVED = "current", "next", "kept", "revoked", "leaving", "removed"
MAKE, PUBLISH, WAIT, SWITCH, DESTROY, KEEP, REVOKE, REMOVE = (
    "make",
    "publish",
    "wait",
    "switch",
    "destroy",
    "keep",
    "revoke",
    "remove",
)
STEPS = (MAKE, PUBLISH, WAIT, SWITCH, DESTROY, KEEP, REVOKE, REMOVE)


@dataclass(frozen=True)
class Rules:
    """Days. age: of a key that is replaced, 0 for only those that are named; keep: how long a record stays after its key
    stopped signing; revoked: how long it then says that it is void."""

    age: int = 180
    keep: int = 14
    revoked: int = 30


@dataclass(frozen=True)
class Step:
    """One thing to do for one key, or to wait for. due: from when on, "" for now; why: in words."""

    domain: str
    step: str
    selector: str
    due: str = ""
    why: str = ""

    def as_dict(self) -> dict:
        return asdict(self)


def check_rules(rules: Rules) -> None:
    """Raises FleetError for rules under which mail under way could lose its signature."""
    problems = []
    where = "policy_dkim_rotation"
    if rules.keep < LEAST_KEEP:
        what = f"keep is {rules.keep} days; mail that the old key signed may be under way for longer"
        problems.append(Problem(where, what, f"Set it to {LEAST_KEEP} or more"))
    if rules.revoked < 0 or rules.age < 0:
        problems.append(Problem(where, "age and revoked cannot be less than 0 days", "Set them to 0 or more"))
    if problems:
        raise FleetError(problems)


def role(entry: Mapping, selector: str) -> str:
    """What a key is for. entry: a domain's part of the registry."""
    key = entry["keys"][selector]
    if selector == entry["current"]:
        return CURRENT
    for date, meaning in (("removed", REMOVED), ("leaving", LEAVING), ("revoked", REVOKED)):
        if key.get(date):
            return meaning
    return KEPT if key.get("retired") or key.get("lost") else NEXT


def other_keys(domain: str, entry: Mapping) -> list[dict]:
    """``[{"domain", "selector", "role", "text"}]`` of the keys beside the current one whose records still matter; text:
    what is to be published, None for what is to be deleted."""
    found = []
    for selector, key in sorted(entry["keys"].items()):
        meaning = role(entry, selector)
        if meaning in (CURRENT, REMOVED):
            continue
        text = {REVOKED: REVOKED_TEXT, LEAVING: None}.get(meaning, record_text(key["public"]))
        found.append({"domain": domain, "selector": selector, "role": meaning, "text": text})
    return found


def settle(registry: Mapping, now: str) -> dict:
    """A registry in which each key that does not sign has its dates: keys that were replaced before dates were kept, or
    lost, count as retired from now on, or from their loss; of several next keys the latest stays."""
    domains = {}
    for domain, entry in registry["domains"].items():
        keys = dict(entry["keys"])
        current = keys.get(entry["current"])
        waiting = [name for name in keys if role(entry, name) == NEXT]
        latest = max(waiting, key=lambda name: (keys[name]["created"], name), default=None)
        for name in keys:
            if name == entry["current"]:
                continue
            if keys[name].get("lost") and not keys[name].get("retired"):
                keys[name] = {**keys[name], "retired": keys[name]["lost"], "destroyed": keys[name]["lost"]}
            elif name in waiting and (
                name != latest or (current is not None and keys[name]["created"] < current["created"])
            ):
                keys[name] = {**keys[name], "retired": now}
        domains[domain] = {**entry, "keys": keys}
    return {**registry, "domains": domains}


def steps(
    registry: Mapping,
    domains: Iterable[str],
    now: str,
    rules: Rules,
    asked: Collection[str] = (),
    again: bool = False,
    taken: Mapping[str, Sequence[str]] | None = None,
) -> list[Step]:
    """What is due for *domains*, and what is waited for; a settled registry.

    asked: domains that get a new key whatever the age of theirs; not while an earlier change is under way, unless
    *again*. taken: ``{domain: selectors}`` of files that no record names. now: ISO 8601 UTC.

    A domain without a current key has nothing to change: the next converge makes one."""
    found = []
    for domain in dict.fromkeys(plain_name(name) for name in domains):
        entry = registry["domains"].get(domain)
        if entry is None or entry["current"] is None:
            continue
        found += _forward(domain, entry, now, rules, domain in asked, again, (taken or {}).get(domain, ()))
        for selector in sorted(entry["keys"]):
            found += _backward(domain, entry, selector, now, rules)
    return found


def _forward(domain, entry, now, rules, asked, again, taken) -> list[Step]:
    """Towards a new key."""
    waiting = [name for name in entry["keys"] if role(entry, name) == NEXT]
    if waiting:
        selector = waiting[0]
        key = entry["keys"][selector]
        if not key.get("published"):
            return [Step(domain, PUBLISH, selector, "", f"made on {key['created'][:10]}")]
        if key["usable"] > now:
            return [Step(domain, WAIT, selector, key["usable"], "resolvers may still remember that it is not there")]
        return [Step(domain, SWITCH, selector, "", f"published since {key['published']}")]
    created = entry["keys"][entry["current"]]["created"]
    old = rules.age > 0 and after(created, rules.age) <= now
    if not asked and not old:
        return []
    kept = [name for name in entry["keys"] if role(entry, name) == KEPT]
    if kept and not again:
        if not asked:
            return []
        why = f"not made: {', '.join(sorted(kept))} stopped signing only lately"
        due = max(after(entry["keys"][name]["retired"], rules.keep) for name in kept)
        return [Step(domain, KEEP, entry["current"], due, why)]
    why = "asked for" if asked else f"{entry['current']} is of {created[:10]}"
    day = now[:10].replace("-", "")
    return [Step(domain, MAKE, next_selector(day, {*entry["keys"], *taken}), "", why)]


def _backward(domain, entry, selector, now, rules) -> list[Step]:
    """Of a key that signed once."""
    key, meaning = entry["keys"][selector], role(entry, selector)
    found = []
    if meaning in (KEPT, REVOKED, LEAVING) and not key.get("destroyed"):
        found.append(Step(domain, DESTROY, selector, "", "it signs no more"))
    if meaning == KEPT:
        due = after(key["retired"], rules.keep)
        if due > now:
            found.append(Step(domain, KEEP, selector, due, "mail that it signed is under way"))
        else:
            found.append(Step(domain, REVOKE, selector, "", f"it stopped signing on {key['retired'][:10]}"))
    elif meaning == REVOKED and not key.get("void"):
        found.append(Step(domain, REVOKE, selector, "", "not every server shows yet that it is void"))
    elif meaning == REVOKED:
        due = after(key["void"], rules.revoked)
        found.append(Step(domain, REMOVE, selector, "" if due <= now else due, f"void since {key['void'][:10]}"))
    elif meaning == LEAVING:
        found.append(Step(domain, REMOVE, selector, "", "not every server shows yet that it is gone"))
    return found


def is_due(step: Step) -> bool:
    return not step.due


def after(when: str, days: float) -> str:
    """A date some days later."""
    return stamp(moment(when) + timedelta(days=days))


def moment(when: str) -> datetime:
    return datetime.strptime(when, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


# -- what happened -----------------------------------------------------------------------------------------------------


def published(registry: Mapping, domain: str, now: str, wait: int) -> dict:
    """The next key's record was seen everywhere. wait: seconds for which others may remember that it was not there."""
    selector = next_key(registry, domain)
    usable = stamp(moment(now) + timedelta(seconds=wait))
    return _dated(registry, domain, selector, published=now, usable=usable)


def unpublished(registry: Mapping, domain: str) -> dict:
    """The next key's record was seen, and is not there any more."""
    return _dated(registry, domain, next_key(registry, domain), published=None, usable=None)


def switched(registry: Mapping, domain: str, now: str) -> dict:
    """The next key signs from now on. Raises FleetError while that could harm mail."""
    selector = next_key(registry, domain)
    entry = registry["domains"][domain]
    usable = entry["keys"][selector].get("usable")
    if not usable or usable > now:
        raise _early(domain, selector, "it is not published everywhere for long enough")
    keys = dict(entry["keys"])
    if entry["current"] is not None:
        keys[entry["current"]] = {**keys[entry["current"]], "retired": now}
    return _with(registry, domain, {"current": selector, "keys": keys})


def due_dates(registry: Mapping, domains: Iterable[str], now: str, rules: Rules) -> tuple[dict, list[Step]]:
    """(the registry with what is due to be revoked or deleted marked so, the steps that were taken)."""
    taken = []
    for step in steps(registry, domains, now, rules):
        if step.step == REVOKE and is_due(step):
            if role(registry["domains"][step.domain], step.selector) == KEPT:
                registry = _dated(registry, step.domain, step.selector, revoked=now)
            taken.append(step)
        elif step.step == REMOVE and is_due(step):
            if role(registry["domains"][step.domain], step.selector) == REVOKED:
                registry = _dated(registry, step.domain, step.selector, leaving=now)
            taken.append(step)
    return dict(registry), taken


def destroyed(registry: Mapping, domain: str, selector: str, now: str) -> dict:
    """Its private key is no more. Raises FleetError for one that signs, or will."""
    if role(registry["domains"][domain], selector) in (CURRENT, NEXT):
        raise _early(domain, selector, "it signs, or will")
    return _dated(registry, domain, selector, destroyed=now)


def withdrawing(registry: Mapping, domains: Iterable[str]) -> list[tuple[str, str]]:
    """``(domain, selector)`` of the records that are to be seen void, or gone."""
    found = []
    for domain in domains:
        entry = registry["domains"].get(domain, {"keys": {}})
        for selector in sorted(entry["keys"]):
            meaning = role(entry, selector)
            if meaning == LEAVING or (meaning == REVOKED and not entry["keys"][selector].get("void")):
                found.append((domain, selector))
    return found


def withdrawn(registry: Mapping, domain: str, selector: str, seen_as: str, now: str) -> dict:
    """Its record was looked at. seen_as: "void", "gone", "there" or "unknown"; of the last two nothing follows."""
    meaning = role(registry["domains"][domain], selector)
    if meaning == LEAVING and seen_as == "gone":
        return removed(registry, domain, selector, now)
    if meaning == REVOKED and seen_as in ("void", "gone"):
        return _dated(registry, domain, selector, void=now)
    return dict(registry)


def removed(registry: Mapping, domain: str, selector: str, now: str) -> dict:
    """Its record is no more."""
    if role(registry["domains"][domain], selector) != LEAVING:
        raise _early(domain, selector, "its record has to stay")
    return _dated(registry, domain, selector, removed=now)


def next_key(registry: Mapping, domain: str) -> str:
    """The selector of the domain's next key. Raises FleetError."""
    entry = registry["domains"].get(domain, {"current": None, "keys": {}})
    for selector in entry["keys"]:
        if role(entry, selector) == NEXT:
            return selector
    raise FleetError([Problem(f"domain {domain}", "it has no next key", "Make one first: playbooks/rotate_dkim.yml")])


def seen(document: Mapping, checked: Iterable[Mapping]) -> dict[str, str]:
    """``{domain: verdict}`` of the DKIM edges that dns_check returned, the worst of a domain's senders."""
    order = ("wrong", "missing", "unknown", "ok")
    domains = {sender["name"]: plain_name(sender["domain"]) for sender in document["senders"]}
    found: dict[str, str] = {}
    for one in checked:
        verdict = one["edges"]["dkim"]["verdict"]
        domain = domains[one["name"]]
        found[domain] = min(verdict, found.get(domain, "ok"), key=order.index)
    return found


def lines(plan: Iterable[Mapping]) -> list[str]:
    """The steps for people; what many domains have in common is one line."""
    groups: dict[tuple, list[Mapping]] = {}
    for step in plan:
        groups.setdefault((STEPS.index(step["step"]), step["due"], step["why"]), []).append(step)
    told = []
    for (_order, due, why), members in sorted(groups.items()):
        first = members[0]
        more = f" and {len(members) - 1} more" if len(members) > 1 else ""
        told.append(
            f"{first['domain']}{more}: {first['step']} {first['selector']}"
            f"{f', not before {due}' if due else ''}{f' ({why})' if why else ''}"
        )
    return told


def _early(domain: str, selector: str, what: str) -> FleetError:
    return FleetError([Problem(f"domain {domain}, key {selector}", what, "Run playbooks/rotate_dkim.yml: it waits")])


def _dated(registry: Mapping, domain: str, selector: str, **dates: str | None) -> dict:
    entry = registry["domains"][domain]
    keys = {**entry["keys"], selector: {**entry["keys"][selector], **dates}}
    return _with(registry, domain, {**entry, "keys": keys})


def _with(registry: Mapping, domain: str, entry: dict) -> dict:
    return {**registry, "domains": {**registry["domains"], domain: entry}}
