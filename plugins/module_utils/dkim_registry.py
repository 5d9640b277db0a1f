# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about each DKIM key (``keys.json``) and what to do about it, decided from facts that somebody else
gathered.

The registry holds nothing private::

    {"version": 1,
     "domains": {"mail1.example.com": {"current": "s20261122",
                                       "keys": {"s20261122": {"selector", "path", "bits", "size", "mtime_ns", "sha256",
                                                              "public", "created", "origin", "lost"}}}}}

A key that another one replaces, or is to replace, has dates besides: see dkim_rotation.

size in bytes; sha256 of the file; public: base64 SubjectPublicKeyInfo; created, lost: ISO 8601 UTC (lost: or null);
origin: ``made`` or ``adopted``.

A key is never overwritten: whatever is not clearly ours and whole is reported, with the file, the domain and the
remedy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from .dkim import is_domain, is_selector, key_file_name, next_selector
from .problems import FleetError, Problem

VERSION = 1
REGISTRY_NAME = "keys.json"

OK = "ok"  # the recorded key, byte for byte
REFRESH = "refresh"  # the recorded bytes with another time stamp or place: only the record is corrected
MAKE = "make"
REPLACE = "replace"  # the recorded key is gone and a new one under a new selector was asked for
VALIDATE = "validate"  # the file has to be parsed before anything can be said
ADOPT = "adopt"
WRONG_SIZE = "wrong_size"
UNREADABLE = "unreadable"
FOREIGN = "foreign"
MISSING = "missing"
FAILURES = (WRONG_SIZE, UNREADABLE, FOREIGN, MISSING)

_FIELDS = {
    "selector": str,
    "path": str,
    "bits": int,
    "size": int,
    "mtime_ns": int,
    "sha256": str,
    "public": str,
    "created": str,
    "origin": str,
}


@dataclass(frozen=True)
class FileFacts:
    """What stands at a key's path. kind: ``absent``, ``file`` or ``other`` (link, directory, device). size in bytes,
    mtime_ns, sha256 in hex for a file that could be read; ``error`` says why it could not."""

    path: str
    kind: str
    size: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    error: str = ""


@dataclass(frozen=True)
class KeyFacts:
    """What parsing the file said. algorithm: ``rsa`` or the name of another; bits; public: base64 SPKI; error: why
    there is no key."""

    algorithm: str = ""
    bits: int = 0
    public: str = ""
    error: str = ""


@dataclass(frozen=True)
class Wish:
    """One entry of the call: a domain, the selector the operator named (or None), and whether the key becomes the
    domain's current one."""

    domain: str
    selector: str | None = None
    current: bool = True


@dataclass(frozen=True)
class Decision:
    """verdict: one of the constants above. problem: set for each of FAILURES. warning: something the operator should
    know."""

    verdict: str
    problem: Problem | None = None
    warning: str = ""


def empty() -> dict:
    """A registry without keys."""
    return {"version": VERSION, "domains": {}}


def load(text: str, where: str) -> dict:
    """Read a registry. Raises FleetError, naming ``where`` (the file), when it is not one of ours."""
    remedy = "Restore it from a backup, or move it away: the keys in the directory are then adopted again"
    try:
        data = json.loads(text)
    except ValueError as error:
        raise FleetError([Problem(where, f"not JSON ({error})", remedy)]) from None
    if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("domains"), dict):
        raise FleetError([Problem(where, f"not a key registry of version {VERSION}", remedy)])
    problems = []
    for domain, entry in data["domains"].items():
        keys = entry.get("keys") if isinstance(entry, dict) else None
        if (
            not isinstance(keys, dict)
            or entry.get("current") not in (None, *keys)
            or not all(map(_whole, keys.values()))
        ):
            problems.append(Problem(where, f"the entry of domain {domain} is damaged", remedy))
    if problems:
        raise FleetError(problems)
    return data


def _whole(record: object) -> bool:
    return isinstance(record, dict) and all(isinstance(record.get(name), kind) for name, kind in _FIELDS.items())


def dump(registry: dict) -> str:
    """The registry as it is written: sorted, so that it can be compared."""
    return json.dumps(registry, indent=1, sort_keys=True) + "\n"


def check_wishes(wishes: Iterable[Wish]) -> list[Wish]:
    """Remove repeated entries; raise FleetError for names that cannot be used and for entries that contradict each
    other."""
    problems, kept = [], {}
    for index, wish in enumerate(wishes):
        where = f"domains[{index}]"
        if not is_domain(wish.domain):
            problems.append(
                Problem(
                    where, f"{wish.domain!r} is not a domain name", "Write an absolute name such as mail1.example.com"
                )
            )
        if wish.selector is not None and not is_selector(wish.selector):
            problems.append(
                Problem(
                    where, f"selector {wish.selector!r} is not one DNS label", "Use letters, digits and dashes, no dot"
                )
            )
        kept.setdefault((wish.domain, wish.selector), wish)
    for domain in sorted({domain for domain, selector in kept if selector is None}):
        if any(other == domain and selector is not None for other, selector in kept):
            problems.append(
                Problem(
                    "domains",
                    f"{domain} is listed with and without a selector",
                    "Name the selector in each entry of this domain, or in none",
                )
            )
    current = [wish.domain for wish in kept.values() if wish.selector and wish.current]
    for domain in sorted({domain for domain in current if current.count(domain) > 1}):
        problems.append(
            Problem(
                "domains",
                f"{domain} has two selectors that are both current",
                "Set current to false for the one that does not sign yet",
            )
        )
    if problems:
        raise FleetError(problems)
    return list(kept.values())


def choose_selector(wish: Wish, registry: dict, on_disk: Iterable[str], date: str) -> str:
    """The selector an entry means: the named one, else the recorded current one, else that of an unrecorded file, else
    today's.

    on_disk: selectors of the files ``<selector>.<domain>.pem`` in the directory. A file without record is a key whose
    registry was lost, or one the operator put there; making another beside it would change what is published. Raises
    FleetError when several such files compete."""
    if wish.selector is not None:
        return wish.selector
    entry = registry["domains"].get(wish.domain, {})
    if entry.get("current"):
        return entry["current"]
    recorded = entry.get("keys", {})
    unrecorded = sorted(selector for selector in on_disk if selector not in recorded)
    if len(unrecorded) > 1:
        names = ", ".join(key_file_name(selector, wish.domain) for selector in unrecorded)
        raise FleetError(
            [
                Problem(
                    f"domain {wish.domain}",
                    f"several unrecorded keys: {names}",
                    "Name the selector in domains, or move the others away",
                )
            ]
        )
    if unrecorded:
        return unrecorded[0]
    return next_selector(date, recorded)


def decide(
    wish: Wish,
    selector: str,
    record: dict | None,
    file: FileFacts,
    key: KeyFacts | None,
    bits: int,
    replace_lost: bool = False,
) -> Decision:
    """What to do about one key. record: what keys.json says about this selector, or None. key: None until the file was
    parsed.

    ========== =========================================== ====================================
    record     file                                        verdict
    ========== =========================================== ====================================
    none       absent                                      make
    none       RSA key of ``bits``                         adopt
    any        no regular file, or a key that is not RSA   foreign
    any        cannot be read, or is no key                unreadable
    any        RSA key of another size                     wrong_size
    yes        absent                                      missing; replace with replace_lost
    yes        same bytes, recorded size = ``bits``        ok, or refresh
    yes        other bytes, RSA key of ``bits``            adopt (warning if the public key differs)
    ========== =========================================== ====================================
    """
    where = f"{file.path} (domain {wish.domain})"
    if record is not None and record.get("revoked"):
        remedy = "Name a selector that was never used; a selector is not used twice"
        return Decision(FOREIGN, Problem(where, f"the key was revoked on {record['revoked'][:10]}", remedy))
    if file.kind == "absent":
        if record is None:
            return Decision(MAKE)
        if not replace_lost:
            return Decision(
                MISSING,
                Problem(
                    where,
                    f"the key made on {record['created'][:10]} is gone",
                    "Restore the file from a backup, or set replace_lost to true: a new key is made under a new "
                    "selector, to be published before it signs",
                ),
            )
        if wish.selector is not None:
            return Decision(
                MISSING,
                Problem(
                    where,
                    f"the key is gone and selector {selector} was named",
                    "Name a selector that was never used; a selector is not used twice",
                ),
            )
        return Decision(REPLACE, warning=f"{where}: lost; a new key under a new selector replaces it")
    if file.kind != "file":
        return Decision(FOREIGN, Problem(where, "not a regular file", "Move it away, or put the key file itself there"))
    if file.error:
        return Decision(
            UNREADABLE,
            Problem(where, f"cannot be read: {file.error}", "Correct its access rights, or restore it from a backup"),
        )
    if record is not None and file.size == record["size"] and file.sha256 == record["sha256"]:
        if record["bits"] != bits:
            return _wrong_size(where, record["bits"], bits)
        same = file.mtime_ns == record["mtime_ns"] and file.path == record["path"] and not record.get("lost")
        return Decision(OK if same else REFRESH)
    if key is None:
        return Decision(VALIDATE)
    changed = "it changed since it was recorded and" if record is not None else "it was not made by this collection and"
    if key.error:
        remedy = (
            "Restore the recorded key from a backup"
            if record is not None
            else "Move it away, or put a valid unencrypted RSA private key (PEM) there"
        )
        return Decision(UNREADABLE, Problem(where, f"{changed} is no usable private key: {key.error}", remedy))
    if key.algorithm != "rsa":
        return Decision(
            FOREIGN, Problem(where, f"{changed} is a {key.algorithm} key", "Move it away; PowerMTA signs with RSA")
        )
    if key.bits != bits:
        return _wrong_size(where, key.bits, bits)
    if record is not None and key.public != record["public"]:
        return Decision(
            ADOPT,
            warning=f"{where}: another key now stands under the same selector {selector}; mail signed with the old "
            f"one fails from now on",
        )
    return Decision(ADOPT)


def _wrong_size(where: str, found: int, wanted: int) -> Decision:
    remedy = f"Set bits to {found}, or name a new selector in domains to make a key of {wanted} bits beside it"
    return Decision(WRONG_SIZE, Problem(where, f"a key of {found} bits where {wanted} are wanted", remedy))


def make_record(selector: str, file: FileFacts, key: KeyFacts, created: str, origin: str) -> dict:
    """The registry's record of one key."""
    return {
        "selector": selector,
        "path": file.path,
        "bits": key.bits,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "sha256": file.sha256,
        "public": key.public,
        "created": created,
        "origin": origin,
        "lost": None,
    }


def with_record(registry: dict, domain: str, record: dict, current: bool, when: str | None = None) -> dict:
    """A registry in which ``domain`` has ``record``; it becomes current when told so or when the domain has no current
    key, and the key that was is retired from *when* on. Others are shared."""
    entry = registry["domains"].get(domain, {"current": None, "keys": {}})
    known = entry["keys"].get(record["selector"], {})
    keys = {**entry["keys"], record["selector"]: {**known, **record}}
    chosen = record["selector"] if current or entry["current"] is None else entry["current"]
    if chosen != entry["current"]:
        if entry["current"] is not None and when:
            keys[entry["current"]] = {**keys[entry["current"]], "retired": when}
        if keys[chosen].get("retired"):
            keys[chosen] = {**keys[chosen], "retired": None}
    return {**registry, "domains": {**registry["domains"], domain: {"current": chosen, "keys": keys}}}


def with_loss(registry: dict, domain: str, selector: str, when: str) -> dict:
    """A registry that remembers a lost key, so that its selector is never used again; the domain then has no current
    key."""
    entry = registry["domains"][domain]
    keys = {**entry["keys"], selector: {**entry["keys"][selector], "lost": when}}
    return {**registry, "domains": {**registry["domains"], domain: {"current": None, "keys": keys}}}
