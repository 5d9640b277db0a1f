# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lists are asked, and whether what the catalogue and the inventory say of them can be used."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ..dns_text import is_name, is_under, plain_name
from ..problems import FleetError, Problem
from .catalogue import DEAD, DOMAIN, ERRORS, INFORMATION, IP, LISTS, SEVERITIES

CONTROL = ipaddress.ip_network("127.255.255.0/24")  # where lists put errors
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$", re.ASCII)
_KEY = re.compile(r"^[a-z0-9][a-z0-9-]{6,61}[a-z0-9]$", re.ASCII | re.IGNORECASE)
_TEXTS = ("zone", "keyed_zone", "key", "kind", "listed_test", "clean_test", "licence", "rate", "source", "delist")
_TABLES = ("codes", "bits", "errors", "error_bits")
_KNOWN = {*_TEXTS, *_TABLES, "ipv6", "weight", "asked", "spacing"}


@dataclass(frozen=True)
class Blocklist:
    """One list that can be asked. zone: with the key, so never shown; shown_zone: without it. codes, errors: by whole
    answer; bits, error_bits: by bit of the last octet, when codes is empty. secret: the key, or ""."""

    name: str
    zone: str = field(repr=False)
    shown_zone: str
    kind: str
    ipv6: bool
    codes: Mapping[str, tuple[str, str]]
    bits: Mapping[int, tuple[str, str]]
    errors: Mapping[str, str]
    error_bits: Mapping[int, str]
    weight: int
    listed_test: str
    clean_test: str
    spacing: float
    delist: str
    secret: str = field(default="", repr=False)

    @property
    def severity(self) -> str:
        """The worst that it can say of a sender, apart from faults of configuration."""
        said = {severity for severity, _meaning in (*self.codes.values(), *self.bits.values())}
        worst = worst_of(said - {"configuration"})
        return worst if worst else INFORMATION

    def hide(self, text: str) -> str:
        """A text in which servers may repeat what they were asked, without the key."""
        return re.sub(re.escape(self.secret), "KEY", text, flags=re.IGNORECASE) if self.secret else text

    def takes(self, target: str) -> bool:
        """Whether it can be asked about this address or domain."""
        version = _version(target)
        if version is None:
            return self.kind == DOMAIN
        return self.kind == IP and (version == 4 or self.ipv6)


@lru_cache(maxsize=4096)
def _version(target: str) -> int | None:
    """Of the address, None for a domain. Each is looked at once for every list."""
    try:
        return ipaddress.ip_address(target).version
    except ValueError:
        return None


def worst_of(severities: Iterable[str]) -> str | None:
    """The worst of them, None of nothing."""
    found = set(severities)
    return next((severity for severity in SEVERITIES if severity in found), None)


def chosen(names: Iterable[str] | None = None, keys: Mapping | None = None, changes: Mapping | None = None) -> list:
    """The lists to ask, those that matter most first.

    names: None for all that are asked without being named and need no key that is missing. keys: ``{name of a key: key}``.
    changes: ``{list: entry}``, merged into the catalogue down to single codes; null takes a list, a field or a code away.
    Raises FleetError with all that is wrong; a key is in none of its texts."""
    problems: list[Problem] = []
    catalogue = _changed(changes or {}, problems)
    keys = {name: key for name, key in (keys or {}).items() if key not in (None, "")}
    wanted_keys = {entry["key"] for entry in catalogue.values() if isinstance(entry.get("key"), str)}
    for name, key in keys.items():
        if name not in wanted_keys:
            what = f"no list has a key of this name; known are {', '.join(sorted(wanted_keys))}"
            problems.append(Problem(f"keys.{name}", what, "Correct its name, or take it out"))
        elif not isinstance(key, str):
            remedy = "Put the key in quotes: YAML reads one of digits alone as a number"
            problems.append(Problem(f"keys.{name}", "is not a text", remedy))
        elif not _KEY.match(key):
            what = "is not one label of a DNS name of 8 to 63 letters, digits and dashes"
            problems.append(Problem(f"keys.{name}", what, "Copy the key alone, without the zone"))
    found = []
    for name in _names(names, catalogue, keys, problems):
        entry = catalogue[name]
        faults = faults_of(name, entry)
        problems += faults
        if not problems:
            found.append(_blocklist(name, entry, keys.get(entry.get("key"), "")))
    if names is not None and not problems and not found:
        problems.append(Problem("lists", "no list is named", "Name lists of the catalogue, or leave it out for all"))
    if problems:
        raise FleetError(problems[:25])
    return sorted(found, key=lambda one: (-one.weight, one.name))


def _changed(changes: Mapping, problems: list[Problem]) -> dict[str, dict]:
    """The catalogue with the inventory's changes."""
    catalogue = {name: dict(entry) for name, entry in LISTS.items()}
    for name, change in changes.items():
        if change is None:
            if catalogue.pop(name, None) is None:
                what = "takes away a list that the catalogue does not have"
                problems.append(Problem(f"changes.{name}", what, "Correct its name, or leave it out"))
        elif not isinstance(change, Mapping):
            problems.append(
                Problem(f"changes.{name}", "is not a dictionary", "Write the entry's fields below its name")
            )
        else:
            catalogue[name] = _merged(catalogue.get(name, {}), change)
            # A named change is meant to be asked unless it says otherwise.
            if name not in LISTS:
                catalogue[name].setdefault("asked", True)
    return catalogue


def _merged(entry: Mapping, change: Mapping) -> dict:
    merged = dict(entry)
    for key, value in change.items():
        if key in _TABLES and isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            value = {code: told for code, told in {**merged[key], **_texts(value)}.items() if told is not None}
        elif key in _TABLES and isinstance(value, Mapping):
            value = _texts(value)
        merged[key] = value
    return {key: value for key, value in merged.items() if value is not None}


def _texts(table: Mapping) -> dict:
    """YAML reads a bit as a number."""
    return {str(code): told for code, told in table.items()}


def _names(names: Iterable[str] | None, catalogue: Mapping, keys: Mapping, problems: list[Problem]) -> list[str]:
    if names is None:
        return [
            name
            for name, entry in catalogue.items()
            if entry.get("asked") and (entry.get("zone") or "keyed_zone" not in entry or _has_key(entry, keys))
        ]
    found = []
    for name in dict.fromkeys(names):
        entry = catalogue.get(name)
        if entry is None:
            problems.append(_unknown(name, catalogue))
        elif not entry.get("zone") and entry.get("keyed_zone") and not _has_key(entry, keys):
            what = f"is asked with a key only, and the key {entry.get('key')} is not given"
            remedy = f"Put the key into the vault, as policy_dnsbl_keys.{entry.get('key')}, or leave the list out"
            problems.append(Problem(f"lists: {name}", what, remedy))
        else:
            found.append(name)
    return found


def _has_key(entry: Mapping, keys: Mapping) -> bool:
    name = entry.get("key")
    return isinstance(name, str) and name in keys


def _unknown(name: object, catalogue: Mapping) -> Problem:
    where = f"lists: {name}"
    dead = dead_list(str(name))
    if dead:
        title, when, reason = dead
        return Problem(where, f"{title} is dead ({when}): {reason}", "Take it out: a dead list may list everybody")
    near = [known for known, entry in catalogue.items() if entry.get("zone") == plain_name(str(name))]
    if near:
        return Problem(where, "is the zone of a list, not its name", f"Write {near[0]}")
    what = f"is not in the catalogue, which has {', '.join(sorted(catalogue))}"
    return Problem(where, what, "Correct the name, or add the list with its codes to policy_dnsbl.changes")


def dead_list(name: str) -> tuple[str, str, str] | None:
    """(name, when, what happened) of a list that is dead, by its name or by a zone of it."""
    plain = plain_name(name)
    for title, (zones, when, reason) in DEAD.items():
        if plain == title or any(is_under(plain, zone) for zone in zones):
            return title, when, reason
    return None


def faults_of(name: str, entry: Mapping) -> list[Problem]:
    """What keeps this entry from being asked, or its answers from being read."""
    where = f"changes.{name}"
    found = []

    def fault(field_name: str, what: str, remedy: str) -> None:
        found.append(Problem(f"{where}.{field_name}" if field_name else where, what, remedy))

    if not _NAME.match(str(name)):
        fault("", "is no name for a list", "Use up to 40 small letters, digits, _ and -")
    for key in sorted(set(entry) - _KNOWN):
        fault(key, "is not a field of a list", f"Fields are {', '.join(sorted(_KNOWN))}")
    for key in _TEXTS:
        if key in entry and (not isinstance(entry[key], str) or not entry[key].strip()):
            fault(key, "is not a text", "Write a text, or leave it out")
    if found:
        return found
    if entry.get("kind") not in (IP, DOMAIN):
        fault("kind", f"is {entry.get('kind')!r}", f"Write {IP} or {DOMAIN}")
    _zones(entry, fault)
    if not isinstance(entry.get("ipv6", False), bool):
        fault("ipv6", "is not a boolean", "Write true or false")
    weight, spacing = entry.get("weight", 10), entry.get("spacing", 0)
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 100:
        fault("weight", f"is {weight!r}", "Write a number from 0 to 100")
    if isinstance(spacing, bool) or not isinstance(spacing, (int, float)) or not 0 <= spacing <= 60:
        fault("spacing", f"is {spacing!r}", "Write seconds, at most 60")
    if not entry.get("codes") and not entry.get("bits"):
        remedy = "Write what each answer means: {127.0.0.2: [minor, why]}; without that nothing it says can be believed"
        fault("codes", "no answer of the list is described", remedy)
    elif entry.get("codes") and entry.get("bits"):
        fault("bits", "both codes and bits are there", "Write codes for whole answers, or bits for a sum, not both")
    _tables(entry, fault)
    if not found:
        _twice(entry, fault)
    return found


def _zones(entry: Mapping, fault) -> None:
    if not entry.get("zone") and not entry.get("keyed_zone"):
        fault("zone", "is missing", "Write the zone where the list is asked")
    if ("key" in entry) != ("keyed_zone" in entry):
        fault("key", "key and keyed_zone are not both there", "Write both, or neither")
    zone = plain_name(entry.get("zone", ""))
    keyed = plain_name(entry.get("keyed_zone", ""))
    if zone and not is_name(zone):
        fault("zone", f"{zone} is no name of a zone", "Write the zone as a DNS name")
    if keyed and ("{key}" not in keyed or not is_name(keyed.replace("{key}", "k"))):
        fault("keyed_zone", f"{keyed} is no name of a zone with {{key}} in it", "Write it like {key}.zone.example")
    for name in (zone, keyed):
        dead = dead_list(name) if name else None
        if dead:
            fault("zone", f"{dead[0]} is dead ({dead[1]}): {dead[2]}", "Take it out: a dead list may list everybody")


def _tables(entry: Mapping, fault) -> None:
    for key in _TABLES:
        table = entry.get(key, {})
        if not isinstance(table, Mapping):
            fault(key, "is not a dictionary", "Write each answer with what it means")
            continue
        for code, told in table.items():
            where = f"{key}.{code}"
            if key in ("bits", "error_bits"):
                if not (str(code).isdigit() and int(code) in (1, 2, 4, 8, 16, 32, 64, 128)):
                    fault(where, "is no bit of an octet", "Write 1, 2, 4, 8, 16, 32, 64 or 128")
                elif key == "bits" and int(code) == 1:
                    fault(
                        where,
                        "127.0.0.1 alone is never a listing (RFC 5782 5)",
                        "Take it out, or put it into error_bits",
                    )
            elif not _inside(str(code)):
                fault(where, "is no address within 127.0.0.0/8", "Write answers as the list documents them")
            elif key == "codes" and (str(code) in ERRORS or ipaddress.ip_address(str(code)) in CONTROL):
                fault(where, "is an error at every list, never a listing", "Take it out")
            if key in ("errors", "error_bits"):
                if not isinstance(told, str) or not told.strip():
                    fault(where, "is not a text", "Write what the error means")
            elif (
                not isinstance(told, (list, tuple))
                or len(told) != 2
                or told[0] not in SEVERITIES
                or not isinstance(told[1], str)
                or not told[1].strip()
            ):
                fault(where, f"is {told!r}", f"Write [severity, meaning]; severities are {', '.join(SEVERITIES)}")


def _twice(entry: Mapping, fault) -> None:
    """An error stops the asking, so a listing that is also one would blind the list by its own test point."""
    for lists, errors in (("codes", "errors"), ("bits", "error_bits")):
        for code in {str(code) for code in entry.get(lists, {})} & {str(code) for code in entry.get(errors, {})}:
            what = f"stands in {lists} as well: an answer is a listing or an error, never both"
            fault(f"{errors}.{code}", what, "Take it out of one of them; null takes a code of the catalogue away")


def _inside(text: str) -> bool:
    try:
        return ipaddress.IPv4Address(text) in _LOOPBACK
    except ValueError:
        return False


def _blocklist(name: str, entry: Mapping, key: str) -> Blocklist:
    keyed = plain_name(entry.get("keyed_zone", "")) if key else ""
    kind = entry["kind"]
    tests = ("127.0.0.2", "127.0.0.1") if kind == IP else ("test", "invalid")
    return Blocklist(
        name=name,
        zone=keyed.replace("{key}", key.lower()) if keyed else plain_name(entry["zone"]),
        shown_zone=keyed.replace("{key}.", "") if keyed else plain_name(entry["zone"]),
        kind=kind,
        ipv6=kind == IP and entry.get("ipv6", False),
        codes={code: (told[0], told[1]) for code, told in entry.get("codes", {}).items()},
        bits={int(bit): (told[0], told[1]) for bit, told in entry.get("bits", {}).items()},
        errors={**ERRORS, **entry.get("errors", {})},
        error_bits={int(bit): told for bit, told in entry.get("error_bits", {}).items()},
        weight=entry.get("weight", 10),
        listed_test=entry.get("listed_test", tests[0]),
        clean_test=entry.get("clean_test", tests[1]),
        spacing=float(entry.get("spacing", 0)),
        delist=entry.get("delist", ""),
        secret=key.lower() if keyed else "",
    )
