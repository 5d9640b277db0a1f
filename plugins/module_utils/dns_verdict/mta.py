# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sender on its MTA host: its address is bound there, and PowerMTA sends from it under the name of EHLO.

Whether the virtual MTA is stopped makes no difference: a standby has all of it before its first message."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..dns_text import plain_name
from ..problems import FleetError, Problem
from .answers import Look
from .edges import MISSING, OK, UNKNOWN, WRONG, Edge, shown
from .facts import Facts

_LOOK = "Bring the host back, or mend what is said of it; then check again"
_CONVERGE = "Run site.yml: it binds the addresses, writes the virtual MTAs and has PowerMTA load them"
_LOAD = "The configuration has it: pmta reload"


@dataclass(frozen=True)
class Seen:
    """What was seen on one host, each None where it could not be told. bound: its addresses, as networks. sources: the
    arguments of each smtp-source-host line, by virtual MTA (lower case). loaded: the virtual MTAs that PowerMTA, as it runs,
    knows (lower case)."""

    bound: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] | None
    sources: Mapping[str, tuple[str, ...]] | None
    loaded: frozenset[str] | None

    def has(self, ip: str) -> bool:
        address = ipaddress.ip_address(ip)
        return any(address in network for network in self.bound or ())


Hosts = Mapping[str, Seen]


def hosts_of(given: Mapping[str, Mapping | None]) -> dict[str, Seen]:
    """From ``{host: {bound, sources, loaded}}``, as ``pmta_info`` returns them; a host that is None was not looked at.

    Raises FleetError."""
    found, problems = {}, []
    for host, one in given.items():
        if one is None:
            continue
        try:
            found[host] = _seen(one)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what = f"is not what pmta_info returns: {type(error).__name__}: {error}"
            remedy = "Give its bound, sources and loaded, or leave the host out"
            problems.append(Problem(f"mtas.{host}", what, remedy))
    if problems:
        raise FleetError(problems[:25])
    return found


def _seen(one: Mapping) -> Seen:
    bound, sources, loaded = one["bound"], one["sources"], one["loaded"]
    return Seen(
        None if bound is None else tuple(ipaddress.ip_network(text) for text in bound),
        None if sources is None else {name.lower(): tuple(lines) for name, lines in sources.items()},
        None if loaded is None else frozenset(name.lower() for name in loaded),
    )


def mta_judge(hosts: Hosts) -> Callable[[Facts, Look], Edge]:
    """The judge of this edge. It asks no server: what is given was seen on the hosts."""

    def judge(facts: Facts, _look: Look) -> Edge:
        return judge_mta(facts, hosts)

    return judge


def judge_mta(facts: Facts, hosts: Hosts) -> Edge:
    """Bound, and alone with its name in the one smtp-source-host of its virtual MTA, which PowerMTA has loaded."""
    source = f"{facts.ip} {facts.hostname}"
    wanted = f"{facts.ip} bound, and smtp-source-host {source} in virtual MTA {facts.vmta}"
    seen, vmta = hosts.get(facts.mta), facts.vmta.lower()
    if seen is None:
        return Edge(UNKNOWN, wanted, f"{facts.mta or 'its MTA host'} was not looked at", facts.mta, _LOOK)
    told = [_bound(facts, seen), *_source(facts, seen, vmta)]
    for verdict in (WRONG, MISSING, UNKNOWN):
        faults = [one for one in told if one[0] == verdict]
        if faults:
            found = "; ".join(words for _verdict, words, _remedy in faults)
            return Edge(verdict, wanted, found, facts.mta, faults[0][2])
    return Edge(OK, wanted, f"{facts.ip} bound, and smtp-source-host {shown(seen.sources[vmta])}")


_Told = tuple  # (verdict, what was found, remedy)


def _bound(facts: Facts, seen: Seen) -> _Told:
    if seen.bound is None:
        return UNKNOWN, "the host does not tell its addresses", _LOOK
    return (OK, "", "") if seen.has(facts.ip) else (MISSING, f"{facts.ip} is not bound", _CONVERGE)


def _source(facts: Facts, seen: Seen, vmta: str) -> list[_Told]:
    if seen.sources is None:
        return [(UNKNOWN, "the configuration of PowerMTA cannot be read whole", _LOOK)]
    if vmta not in seen.sources:
        return [(MISSING, f"the configuration has no virtual MTA {facts.vmta}", _CONVERGE)]
    lines = seen.sources[vmta]
    if not lines:
        return [(MISSING, f"virtual MTA {facts.vmta} has no smtp-source-host", _CONVERGE)]
    told = []
    # Of several PowerMTA takes one after the other.
    if [_pair(line) for line in lines] != [(facts.ip, facts.hostname)]:
        told.append((WRONG, f"smtp-source-host {shown(lines)}", _CONVERGE))
    if seen.loaded is None:
        told.append((UNKNOWN, "PowerMTA does not run, or does not tell its virtual MTAs", _LOOK))
    elif vmta not in seen.loaded:
        told.append((WRONG, f"PowerMTA has not loaded virtual MTA {facts.vmta}", _LOAD))
    return told


def _pair(line: str) -> tuple[str, str]:
    """Address and name in their one spelling; what is no address stands as it is."""
    address, _space, name = line.partition(" ")
    with contextlib.suppress(ValueError):
        address = str(ipaddress.ip_address(address))
    return address, plain_name(name)
