# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration needs of its host and of the DNS: what to look at, and the verdict on what was seen.

Everything seen has three values: it is so, it is not, nobody could tell (`Unknown`). What nobody could tell is never an error.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from .. import dkim
from ..relaying import is_private
from . import directives, rsa, values
from .facts import Facts, Key, Line, Place, at
from .finding import ERROR, WARNING, Report, Rule

RULES: dict[str, Rule] = {
    "host-unchecked": Rule(
        WARNING,
        "What depends on the host or the DNS could not be seen from here, so nothing is said about it: it may be right or wrong.",
        "Check it where it can be seen: on PowerMTA's host, as root, with a working resolver",
    ),
    "host-key-missing": Rule(
        ERROR,
        "Mail that this key would sign leaves unsigned: PowerMTA has no key.",
        "Make the key, or correct the path",
    ),
    "host-key-unreadable": Rule(
        ERROR,
        "PowerMTA runs as a user who cannot read the key, so mail leaves unsigned.",
        "Give the key and its directories to the group pmta: chgrp pmta FILE; chmod 0640 FILE",
    ),
    "host-key-invalid": Rule(
        ERROR,
        "The file is not an RSA private key that PowerMTA can use: it signs with RSA only and has nowhere to ask for a password.",
        "Put the RSA private key there, in PEM form, without a password",
    ),
    "host-key-weak": Rule(
        ERROR,
        "RFC 8301: verifiers must not accept keys under 1024 bits (an error), and signers should use 2048 or more (a warning below).",
        "Make a key of 2048 bits under a new selector, publish it, then switch",
    ),
    "host-key-exposed": Rule(
        WARNING,
        "Whoever reads a private key can sign mail in the domain's name. Only PowerMTA has to read it.",
        "chmod 0640 FILE; if others may have read it, make a new key under a new selector",
    ),
    "host-record-missing": Rule(
        ERROR,
        "Receivers look the public key up at SELECTOR._domainkey.DOMAIN; without it every signature fails.",
        "Publish the public key before this configuration is loaded, or correct selector and domain",
    ),
    "host-record-revoked": Rule(
        ERROR,
        "An empty p= says that the key was withdrawn (RFC 6376): every signature made with it fails.",
        "Sign with a key under another selector",
    ),
    "host-record-mismatch": Rule(
        ERROR,
        "What is published at SELECTOR._domainkey.DOMAIN does not verify what this key signs: every signature fails.",
        "Publish the public half of this key as one TXT record: v=DKIM1; k=rsa; p=...",
    ),
    "host-address-unbound": Rule(
        ERROR,
        "PowerMTA sends from addresses that the host has and does not configure them; mail of this virtual MTA stays queued.",
        "Bind the address on this host, or correct it",
    ),
    "host-reverse-name": Rule(
        WARNING,
        "Receivers ask for the name of the sending address and for the addresses of that name; where the two do not lead to each"
        " other and to the name in the greeting, many refuse the mail.",
        "Set the PTR record to the host name of smtp-source-host, and the host name's A or AAAA record to the address",
    ),
    "host-file-missing": Rule(
        ERROR,
        "A file or program that PowerMTA is told to use is not there. A missing directory is a warning, because PowerMTA may make it.",
        "Put it there, or correct the path",
    ),
    "host-file-unreadable": Rule(
        ERROR,
        "PowerMTA runs as a user without access to the file, program or directory (where it has to write).",
        "Give this user access, to the directories above as well",
    ),
}

ROOT, SERVICE = "root", "pmta"
FILE, DIRECTORY, PROGRAM = "file", "directory", "program"
# RFC 8301 3.2: verifiers must not accept less than the first; signers should use at least the second.
LEAST_BITS, GOOD_BITS = 1024, 2048
NAMES_SHOWN = 3


class Unknown(NamedTuple):
    """Nobody could tell, and why."""

    why: str


class Path(NamedTuple):
    """A path as PowerMTA's user meets it. there: exists, with the right kind; allowed: this user may read (directory: write into) it."""

    there: bool | Unknown
    allowed: bool | Unknown = True
    # Users of the host who are neither owner nor in the group may read it.
    exposed: bool = False


class Needed(NamedTuple):
    """What to look at. paths: path -> FILE, DIRECTORY or PROGRAM; networks: source addresses -> names they claim, lower case."""

    user: str
    keys: tuple[str, ...]
    paths: dict[str, str]
    networks: dict[str, tuple[str, ...]]
    txt: tuple[str, ...]


class Observed(NamedTuple):
    """What was seen. Anything missing here counts as not looked at.

    keys: public half, or in words what is wrong with the file. bound: this host's addresses as networks. txt, reverse (by address),
    forward (by host name): what the DNS answered, [] where it says that there is nothing.
    """

    paths: dict[str, Path]
    keys: dict[str, rsa.Public | str | Unknown]
    bound: tuple[str, ...] | Unknown
    txt: dict[str, list[str] | Unknown]
    reverse: dict[str, list[str] | Unknown]
    forward: dict[str, list[str] | Unknown]


def _path_directives() -> dict[str, str]:
    """Name -> what its argument leads to, from the directive table."""
    kinds = {"filename": FILE, "directory": DIRECTORY, "DIR": DIRECTORY}
    found = {}
    for row in directives.rows():
        kind = kinds.get(row.value.partition(" ")[0])
        if kind:
            found[row.name.lower()] = kind
    # Whether it creates a missing directory is not documented; the file itself it makes.
    found["log-file"] = DIRECTORY
    return found


PATHS = _path_directives()

_NOT_LOOKED = Unknown("it was not looked at")


# What to look at --------------------------------------------------------------------------------------------------------


def needed(facts: Facts) -> Needed:
    """What the host has to be asked, for one configuration."""
    networks: dict[str, tuple[str, ...]] = {}
    for network, name, _place in _sources(facts):
        networks[network] = (*networks.get(network, ()), name)
    return Needed(
        user=_user(facts),
        keys=tuple(dict.fromkeys(key.path for key in facts.keys if _judged(key.path))),
        paths={path: kind for path, kind, _place in _references(facts)},
        networks=networks,
        txt=tuple(dict.fromkeys(_record(key) for key in facts.keys if key.domain != "*")),
    )


def _user(facts: Facts) -> str:
    """run-as-root is on unless a line says otherwise."""
    return SERVICE if facts.top.value("run-as-root") in ("no", "false") else ROOT


def _judged(path: str) -> bool:
    """Whether a path can be looked at here. Not: one in a vault, one of Windows, one with variables in it."""
    return path[:1] == "/" and "$" not in path and "%" not in path


def _record(key: Key) -> str:
    return f"{key.selector}._domainkey.{key.domain}"


def _lines(facts: Facts) -> Iterable[Line]:
    for sections in facts.sections.values():
        for section in sections:
            yield from section.lines


def _references(facts: Facts) -> Iterable[tuple[str, str, Place]]:
    """Path, kind and place of everything named outside domain-key."""
    for line in _lines(facts):
        kind = PATHS.get(line[0])
        if kind:
            yield from _paths_of(line, kind)
    for tag in ("spool", "acct-file"):
        for place in facts.defined.get(tag, {}).values():
            path, kind = place.node.value, DIRECTORY
            if path[:1] == "|":
                path, kind = (path[1:].split() or [""])[0], PROGRAM
            elif tag == "acct-file":
                path = _above(path)
            if _judged(path):
                yield path, kind, place


def _paths_of(line: Line, kind: str) -> Iterable[tuple[str, str, Place]]:
    name, node, _file = line
    for number, path in enumerate(node.values[: 2 if name == "pickup" else 1], 1):
        if _judged(path):
            yield (_above(path) if name == "log-file" else path), kind, at(line, number)


def _above(path: str) -> str:
    return posixpath.dirname(path) or "/"


def _sources(facts: Facts) -> Iterable[tuple[str, str, Place]]:
    """Network (in full), host name and place of each smtp-source-host line."""
    for line in _lines(facts):
        words = line[1].values
        network = values.network(words[0]) if line[0] == "smtp-source-host" and len(words) == 2 else None
        if network is not None:
            yield str(network), words[1].lower().rstrip("."), at(line, 1)


def local_in(network: str, bound: Iterable[str]) -> list[str]:
    """The addresses bound here that a source network stands for. bound: this host's addresses as networks.

    127.0.0.1 is never one. Of a bound network (a route that makes all of it local) only its share of a single address counts.
    """
    wanted = ipaddress.ip_network(network)
    found = []
    for text in bound:
        here = ipaddress.ip_network(text)
        if here.version != wanted.version or str(here.network_address) == "127.0.0.1":
            continue
        if here.num_addresses == 1 and here.subnet_of(wanted):
            found.append(str(here.network_address))
        elif wanted.num_addresses == 1 and wanted.subnet_of(here):
            found.append(str(wanted.network_address))
    return list(dict.fromkeys(found))


# The verdict ------------------------------------------------------------------------------------------------------------


def judge_host(facts: Facts, observed: Observed, report: Report) -> None:
    """Every finding of the ``host-`` rules. report: called with rule, place, message, and optionally remedy and severity."""
    _Judge(facts, observed, report).run()


class _Judge:
    def __init__(self, facts: Facts, observed: Observed, report: Report):
        self.facts, self.observed, self.report = facts, observed, report
        self.user = _user(facts)
        # why -> (what it hides, place of the first)
        self.unknown: dict[str, tuple[list[str], Place]] = {}

    def run(self) -> None:
        # A pool's key stands in many virtual MTAs; one finding is enough.
        first: dict[tuple[str, str, str], Key] = {}
        for key in self.facts.keys:
            first.setdefault((key.path, key.selector, key.domain), key)
        for key in first.values():
            self.key(key)
        for path, kind, place in _references(self.facts):
            self.path(path, kind, place)
        for network, name, place in _sources(self.facts):
            self.source(network, name, place)
        for why, (hidden, place) in self.unknown.items():
            hidden = list(dict.fromkeys(hidden))
            more = f" and {len(hidden) - NAMES_SHOWN} more" if len(hidden) > NAMES_SHOWN else ""
            self.report("host-unchecked", place, f"{', '.join(hidden[:NAMES_SHOWN])}{more} not checked: {why}")

    def unsure(self, what: str, why: Unknown, place: Place) -> None:
        self.unknown.setdefault(why.why, ([], place))[0].append(what)

    # Keys and their records

    def key(self, key: Key) -> None:
        path, place = key.path, key.place
        public: rsa.Public | None = None
        if not _judged(path):
            self.unsure(path, Unknown("it is no absolute path on this host"), place)
        else:
            found = self.observed.keys.get(path, _NOT_LOOKED)
            if self.reachable(path, FILE, place, "host-key-missing", "host-key-unreadable"):
                if isinstance(found, Unknown):
                    self.unsure(path, found, place)
                elif isinstance(found, str):
                    self.report("host-key-invalid", place, f"{path}: {found}")
                else:
                    public = found
                    self.strength(path, public, place)
                if self.observed.paths[path].exposed:
                    self.report("host-key-exposed", place, f"every user of this host may read {path}")
        if key.domain != "*":
            self.record(key, public)

    def strength(self, path: str, public: rsa.Public, place: Place) -> None:
        if public.bits < LEAST_BITS:
            self.report(
                "host-key-weak", place, f"{path} holds a key of {public.bits} bits, which verifiers must not accept"
            )
        elif public.bits < GOOD_BITS:
            message = f"{path} holds a key of {public.bits} bits"
            self.report("host-key-weak", place, message, severity=WARNING)

    def record(self, key: Key, public: rsa.Public | None) -> None:
        name, place = _record(key), key.place
        texts = self.observed.txt.get(name, _NOT_LOOKED)
        if isinstance(texts, Unknown):
            self.unsure(name, texts, place)
            return
        if not texts:
            self.report("host-record-missing", place, f"no TXT record stands at {name}")
            return
        keys = [text for text in texts if dkim.public_of_record(text) is not None]
        if not keys:
            self.report("host-record-mismatch", place, f"the TXT record at {name} holds no key (p=)")
            return
        if any(dkim.public_of_record(text) == "" for text in keys):
            self.report("host-record-revoked", place, f"the record at {name} has an empty p=: its key is revoked")
            return
        faults = [fault for fault in (_record_fault(text, public) for text in keys) if fault]
        if faults:
            several = f" (one of {len(keys)} there; a verifier may take any)" if len(keys) > 1 else ""
            self.report("host-record-mismatch", place, f"the record at {name} {faults[0]}{several}")

    # Files

    def reachable(
        self, path: str, kind: str, place: Place, missing: str, refused: str, severity: str | None = None
    ) -> bool:
        """Report what keeps PowerMTA's user from a path; whether it is worth looking inside."""
        seen = self.observed.paths.get(path, Path(_NOT_LOOKED))
        if isinstance(seen.there, Unknown):
            self.unsure(path, seen.there, place)
            return False
        if not seen.there:
            self.report(missing, place, f"there is no {kind} {path}", severity=severity)
            return False
        if isinstance(seen.allowed, Unknown):
            self.unsure(f"whether {self.user} may read {path}", seen.allowed, place)
        elif not seen.allowed:
            self.report(refused, place, f"PowerMTA runs as {self.user}, who has no access to {path}", severity=severity)
        return True

    def path(self, path: str, kind: str, place: Place) -> None:
        # PowerMTA may make a missing directory; a file that it is told to read, or a program, it cannot.
        severity = WARNING if kind == DIRECTORY else None
        self.reachable(path, kind, place, "host-file-missing", "host-file-unreadable", severity)

    # Addresses

    def source(self, network: str, name: str, place: Place) -> None:
        shown = network.partition("/")[0] if ipaddress.ip_network(network).num_addresses == 1 else network
        bound = self.observed.bound
        if isinstance(bound, Unknown):
            self.unsure(shown, bound, place)
            return
        local = local_in(network, bound)
        if not local:
            several = shown == network
            what = f"no address of {shown} is bound on this host" if several else f"{shown} is not bound on this host"
            self.report("host-address-unbound", place, what)
        for address in local:
            if not is_private(ipaddress.ip_network(address)):
                self.names(address, name, place)

    def names(self, address: str, name: str, place: Place) -> None:
        """Reverse name and host name lead to each other: what receivers look at first."""
        reverse = self.observed.reverse.get(address, _NOT_LOOKED)
        forward = self.observed.forward.get(name, _NOT_LOOKED)
        if isinstance(reverse, Unknown):
            self.unsure(f"the reverse name of {address}", reverse, place)
        elif not reverse:
            self.report("host-reverse-name", place, f"{address} has no reverse name (PTR)")
        elif name not in [found.lower().rstrip(".") for found in reverse]:
            self.report("host-reverse-name", place, f"the reverse name of {address} is {reverse[0]}, not {name}")
        if isinstance(forward, Unknown):
            self.unsure(f"the addresses of {name}", forward, place)
        elif ipaddress.ip_address(address) not in [ipaddress.ip_address(found) for found in forward]:
            what = f"is {', '.join(forward[:NAMES_SHOWN])}" if forward else "is not in the DNS"
            self.report("host-reverse-name", place, f"{name} {what}; {address} does not belong to it")


def _record_fault(text: str, public: rsa.Public | None) -> str | None:
    """What is wrong with a published record (RFC 6376 3.6.1), or None. public: the key that signs, where it is known."""
    tags = {}
    for tag in text.split(";"):
        name, equals, value = tag.partition("=")
        if equals:
            tags.setdefault(name.strip(), value.strip())
    if tags.get("v", "DKIM1") != "DKIM1":
        return f"begins with v={tags['v'][:20]}; it has to be v=DKIM1"
    if tags.get("k", "rsa").lower() != "rsa":
        return f"is for {tags['k'][:20]} keys, and PowerMTA signs with RSA"
    if "h" in tags and "sha256" not in [word.strip() for word in tags["h"].split(":")]:
        return "does not allow sha256 (h=)"
    if "s" in tags and not {"*", "email"} & {word.strip() for word in tags["s"].split(":")}:
        return "is not for email (s=)"
    try:
        published = rsa.public_of_base64(dkim.public_of_record(text) or "")
    except ValueError as error:
        return f"holds a damaged key: {error}"
    if public is not None and published != public:
        return "holds another key than the file"
    return None
