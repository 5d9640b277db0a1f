# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is wanted and what is published to what has to change: computed for all zones before anything is sent.

Only what the records name is owned. At a name that others use as well (TXT), the values that do not start with a
record's ``match`` stay, and so does their time to live, because a record set has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from .dns_text import dotted, is_name, longest_suffix, plain_name, plain_value, zone_value
from .problems import FleetError, Problem
from .spf_text import foreign_terms, is_spf

TYPES = ("A", "AAAA", "MX", "PTR", "TXT")
SHARE_FROM = 10  # fewer owned sets than this say nothing as a share
ANSWER_LIMIT = 450  # bytes of TXT at one name before answers need more than 512 bytes

CREATE, UPDATE, DELETE = "create", "update", "delete"


@dataclass(frozen=True)
class Change:
    """One record set (name, type) of one zone.

    before/after: all its values, others' included; remove/add: what goes and comes; whole: nobody else's value is among
    them, so the set may be replaced as one. ttl in seconds. action: what happens to the part that is ours.
    """

    zone: str
    name: str
    type: str
    action: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    remove: tuple[str, ...]
    add: tuple[str, ...]
    ttl_before: int | None
    ttl: int
    whole: bool

    def as_dict(self) -> dict:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


@dataclass
class Plan:
    """changes: by zone, name, type. problems: reasons not to carry it out. warnings: what to tell the operator."""

    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def by_zone(self) -> dict[str, list[Change]]:
        zones: dict[str, list[Change]] = {}
        for change in self.changes:
            zones.setdefault(change.zone, []).append(change)
        return dict(sorted(zones.items()))


def check_records(records: Iterable[Mapping], option: str) -> list[dict]:
    """The records in their one spelling. Raises FleetError naming the index of every entry that cannot be published."""
    problems, checked, seen = [], [], {}
    for index, record in enumerate(records):
        where = f"{option}[{index}] ({record['name']} {record['type']})"
        name, rtype, match = plain_name(record["name"]), record["type"], record.get("match") or ""
        if not is_name(name):
            problems.append(Problem(where, "not a DNS name", "Write an absolute name such as mail1.example.com"))
        if rtype not in TYPES:
            problems.append(Problem(where, f"type {rtype} is not managed", f"Use one of {', '.join(TYPES)}"))
            continue
        try:
            values = tuple(dict.fromkeys(plain_value(rtype, value) for value in record.get("values") or ()))
        except ValueError as error:
            problems.append(Problem(where, f"not a value of type {rtype}: {error}", "Correct the value"))
            continue
        if match and (rtype != "TXT" or not all(is_match(value, match) for value in values)):
            problems.append(
                Problem(
                    where, f"match {match!r} does not fit its values", "Only TXT values that start with it are owned"
                )
            )
        if option == "records" and not values:
            problems.append(Problem(where, "has no values", "Give at least one value, or list it in absent"))
        first = seen.setdefault((name, rtype, match), (index, values))
        if first[0] != index and sorted(first[1]) != sorted(values):
            problems.append(Problem(where, f"is wanted with other values by {option}[{first[0]}]", "Merge the two"))
        checked.append({**record, "name": name, "values": list(values), "match": match})
    if problems:
        raise FleetError(problems)
    return checked


def is_match(value: str, match: str) -> bool:
    """Whether a TXT value is of the kind ``match`` names: it starts with it, as a whole word, in any case."""
    rest = value[len(match) :]
    return value.lower().startswith(match.lower()) and not (rest and (rest[0].isalnum() or rest[0] == "_"))


def make_plan(
    wanted: Iterable[Mapping],
    absent: Iterable[Mapping],
    zone_of: Mapping[str, str],
    observed: Mapping[tuple[str, str], Mapping],
    max_change_share: float = 0.3,
    confirm: bool = False,
) -> Plan:
    """What to change.

    wanted, absent: checked records. zone_of: ``{name: zone}``; a name without entry is skipped. observed: ``{(name,
    type): {"ttl", "values"}}``, CNAMEs included, a missing entry means there is none. max_change_share: updates and
    deletes over this share of what we own in a zone (10 sets or more) are a problem, as are values that would be taken
    from somebody else, unless ``confirm``. Additions alone never are."""
    plan = Plan()
    groups: dict[tuple[str, str], tuple[list, list]] = {}
    wanted, absent = list(wanted), list(absent)
    for side, records in enumerate((wanted, absent)):
        for record in records:
            if record["name"] in zone_of:
                groups.setdefault((record["name"], record["type"]), ([], []))[side].append(record)
    hosts = {record["name"] for record in (*wanted, *absent) if record["type"] in ("A", "AAAA")}
    owned_count: dict[str, int] = {}
    for (name, rtype), (come, go) in sorted(groups.items()):
        zone = zone_of[name]
        alias = observed.get((name, "CNAME"))
        if alias:
            if come:
                plan.problems.append(_alias_problem(zone, name, rtype, alias["values"][0]))
            continue
        change, owned = _change(zone, name, rtype, come, go, observed.get((name, rtype)))
        owned_count[zone] = owned_count.get(zone, 0) + bool(owned)
        if change is None:
            continue
        plan.changes.append(change)
        _judge_taking(plan, change, hosts, confirm)
        if rtype == "TXT" and sum(len(value) + 12 for value in change.after) > ANSWER_LIMIT and len(change.after) > 1:
            plan.warnings.append(
                f"{name}: its TXT values need answers of more than 512 bytes; some receivers read such slowly"
            )
    if not confirm:
        plan.problems.extend(_too_much(plan, owned_count, max_change_share))
    return plan


def _change(zone: str, name: str, rtype: str, come: list, go: list, seen: Mapping | None) -> tuple[Change | None, set]:
    before = tuple(sorted(seen["values"])) if seen else ()
    owned, wanted = set(), []
    for record in go:
        owned.update(
            value for value in before if _owns(record, value) and (not record["values"] or value in record["values"])
        )
    for record in come:
        owned.update(value for value in before if _owns(record, value))
        wanted.extend(value for value in record["values"] if value not in wanted)
    others = [value for value in before if value not in owned]
    after = tuple(sorted({*others, *wanted}))
    ttl_before = seen["ttl"] if seen else None
    ttl = come[0]["ttl"] if come and not others else ttl_before if ttl_before is not None else (come or go)[0]["ttl"]
    remove = tuple(value for value in before if value not in after)
    add = tuple(value for value in after if value not in before)
    if not remove and not add and (ttl == ttl_before or not after):
        return None, owned
    action = CREATE if not owned else UPDATE if wanted else DELETE
    return Change(zone, name, rtype, action, before, after, remove, add, ttl_before, ttl, not others), owned


def _owns(record: Mapping, value: str) -> bool:
    return not record["match"] or is_match(value, record["match"])


def _alias_problem(zone: str, name: str, rtype: str, target: str) -> Problem:
    return Problem(
        f"zone {zone}, {name}",
        f"it is an alias (CNAME) of {plain_name(target)}, and a name with an alias can hold no {rtype}",
        "Remove the CNAME, or choose another name",
    )


def _judge_taking(plan: Plan, change: Change, hosts: set[str], confirm: bool) -> None:
    """Taking away what somebody else set up at a name of ours can stop their mail: say so, and wait for a yes."""
    taken: list[str] = []
    if change.type == "MX":
        taken = [f"MX {value}" for value in change.remove if plain_name(value.split()[1]) not in hosts]
    elif change.type == "TXT":
        ours = next((value for value in change.after if is_spf(value)), "")
        for value in filter(is_spf, change.remove):
            taken += [f"SPF term {term}" for term in foreign_terms(value, ours, change.name)]
    if not taken or change.action == DELETE:
        return
    what = f"publishing would remove what this fleet did not put there: {', '.join(taken)}"
    if confirm:
        plan.warnings.append(f"{change.name} {change.type}: {what}")
    else:
        remedy = "Use a domain of its own for sending, or set confirm to true to replace it"
        plan.problems.append(Problem(f"zone {change.zone}, {change.name} {change.type}", what, remedy))


def _too_much(plan: Plan, owned_count: Mapping[str, int], share: float) -> list[Problem]:
    problems = []
    for zone, changes in plan.by_zone().items():
        owned, touched = owned_count[zone], sum(change.action != CREATE for change in changes)
        if owned >= SHARE_FROM and touched > share * owned:
            deleted = sum(change.action == DELETE for change in changes)
            what = f"{touched} of its {owned} record sets would change ({deleted} be deleted), more than {share:.0%}"
            remedy = "Look at the plan with --check --diff; if it is meant, set confirm to true"
            problems.append(Problem(f"zone {zone}", what, remedy))
    return problems


def missing(change: Change, seen: Mapping | None) -> list[str]:
    """What a server that should hold ``change`` still lacks: values to come (``+``) and values that should be gone
    (``-``)."""
    values = set(seen["values"]) if seen else set()
    lacking = [f"+{value}" for value in change.after if value not in values]
    if seen and change.after and not change.add and not change.remove and seen["ttl"] != change.ttl:
        lacking.append(f"ttl {change.ttl}")
    return lacking + [f"-{value}" for value in change.remove if value in values]


# -- sending -----------------------------------------------------------------------------------------------------------


def wire_size(change: Change, prerequisites: bool = True) -> int:
    """Upper bound, in bytes, of what a change takes in an update message (names not compressed)."""
    values = [*change.remove, *change.add]
    if change.whole:
        values = ["", *change.after]
    if prerequisites:
        values += change.before or [""]
    return sum(len(change.name) + 2 + 10 + _value_size(change.type, value) for value in values)


def _value_size(rtype: str, value: str) -> int:
    size = len(value.encode("utf-8", "surrogateescape"))
    return size + size // 255 + 2 if rtype == "TXT" else max(size + 4, 16)


def batches(changes: Sequence[Change], limit: int = 60000) -> list[list[Change]]:
    """Changes of one zone cut into messages of at most ``limit`` bytes (DNS over TCP holds 64 KiB, RFC 1035 4.2.2)."""
    found: list[list[Change]] = [[]]
    size = 0
    for change in changes:
        width = wire_size(change)
        if found[-1] and size + width > limit:
            found.append([])
            size = 0
        found[-1].append(change)
        size += width
    return [batch for batch in found if batch]


# -- as text -----------------------------------------------------------------------------------------------------------


def set_lines(name: str, rtype: str, ttl: int | None, values: Iterable[str]) -> list[str]:
    """Zone-file lines of one record set, absolute names, sorted."""
    return sorted(f"{dotted(name)} {ttl or 0} IN {rtype} {zone_value(rtype, value)}" for value in values)


def diff_of(changes: Sequence[Change]) -> list[dict]:
    """Ansible diffs, one per zone: the sets that change, before and after, others' values included to show that they
    stay."""
    diffs = []
    for zone, members in Plan(list(changes)).by_zone().items():
        before = [
            line for change in members for line in set_lines(change.name, change.type, change.ttl_before, change.before)
        ]
        after = [line for change in members for line in set_lines(change.name, change.type, change.ttl, change.after)]
        header = f"zone {zone}"
        diffs.append({"before_header": header, "after_header": header, "before": _text(before), "after": _text(after)})
    return diffs


def zone_text(records: Iterable[Mapping]) -> str:
    """Records as zone-file lines, for operators who paste them into a provider's page: sorted by name and type, names
    absolute."""
    groups: dict[tuple[list[str], str], list[str]] = {}
    for record in check_records(records, "records"):
        key = (tuple(reversed(record["name"].split("."))), record["type"])
        groups.setdefault(key, []).extend(set_lines(record["name"], record["type"], record["ttl"], record["values"]))
    return _text(line for key in sorted(groups) for line in sorted(set(groups[key])))


def zone_texts(records: Iterable[Mapping], zones: Iterable[str], complete: bool = True) -> dict[str, str]:
    """``{zone: zone_text}``; each record goes to the longest zone it lies under.

    complete: raise FleetError for records under none of ``zones``, except optional ones (somebody else's zone), which
    are left out; false where the others are published in another way."""
    known = {plain_name(zone) for zone in zones}
    sorted_out: dict[str, list[Mapping]] = {}
    problems = []
    for record in records:
        zone = longest_suffix(plain_name(record["name"]), known)
        if zone is not None:
            sorted_out.setdefault(zone, []).append(record)
        elif complete and not record.get("optional"):
            some = sorted(known)[:5]
            what = f"under none of the zones {', '.join(some) or '(none given)'}{' ...' if len(known) > 5 else ''}"
            problems.append(Problem(f"{record['name']} {record['type']}", what, "Name the zone it belongs to"))
    if problems:
        raise FleetError(problems[:25])
    return {zone: zone_text(members) for zone, members in sorted(sorted_out.items())}


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
