# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops made at run time: whom one is about, and what the record of stops says afterwards.

A virtual MTA may be stopped more than once: itself by a person, itself by the engine, with its tenant, with everything. Each stop is lifted
by its own resume, and the virtual MTA sends again when none is left. In the record, ``runtime`` is ``{VMTA: {scope: {"reason", "since", "by"}}}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .pmta_transaction import Stops, stop_names

SENDER, ENGINE, TENANT, EVERYTHING = "sender", "engine", "tenant", "everything"


class Chosen(NamedTuple):
    """Senders as recorded on this host (only ``name``, ``vmta`` and ``tenant``), and names nobody here has."""

    senders: tuple[dict, ...]
    unknown: tuple[str, ...]


def choose(
    recorded: Iterable[Mapping], names: Iterable[str] = (), tenant: str | None = None, everything: bool = False
) -> Chosen:
    """Whom a stop is about. recorded: the senders last applied on this host. names: of senders or of their virtual MTAs."""
    known = [{key: str(sender.get(key)) for key in ("name", "vmta", "tenant")} for sender in recorded]
    if everything:
        return Chosen(tuple(known), ())
    if tenant is not None:
        return Chosen(tuple(sender for sender in known if sender["tenant"] == tenant), ())
    wanted = {name.lower(): name for name in names}
    found = [sender for sender in known if {sender["name"].lower(), sender["vmta"].lower()} & set(wanted)]
    met = {name.lower() for sender in found for name in (sender["name"], sender["vmta"])}
    return Chosen(tuple(found), tuple(name for key, name in wanted.items() if key not in met))


def scopes(stops: Stops) -> dict[str, dict]:
    """``{VMTA: {scope: about it}}``. What was recorded by hand, as a bare name or with words of somebody's own, is the sender's own stop."""
    runtime = stops.record.get("runtime", [])
    if not isinstance(runtime, Mapping):
        return {name: {SENDER: {}} for name in stops.runtime}
    return {
        name: dict(about) if _is_ours(about) else {SENDER: about if isinstance(about, Mapping) else {}}
        for name, about in runtime.items()
    }


def _is_ours(about: object) -> bool:
    return isinstance(about, Mapping) and bool(about) and set(about) <= {SENDER, ENGINE, TENANT, EVERYTHING}


def stopped(stops: Stops, vmtas: Iterable[str], scope: str, about: Mapping[str, str]) -> dict:
    """The record's ``runtime`` with these stopped. A stop that stands keeps its first reason. Raises FleetError for a name with wildcards."""
    runtime = scopes(stops)
    for name in stop_names(vmtas):
        runtime.setdefault(name, {}).setdefault(scope, dict(about))
    return runtime


class Released(NamedTuple):
    """runtime: the record's, afterwards. free: no stop made at run time is left. held: {VMTA: scopes that still stop it}."""

    runtime: dict
    free: tuple[str, ...]
    held: dict[str, list[str]]


def released(stops: Stops, vmtas: Iterable[str], scope: str) -> Released:
    """What lifting the stops of this scope leaves. What the fleet document stops stays stopped: it counts as held, as ``declared``."""
    before, runtime = scopes(stops), {}
    wanted = set(stop_names(vmtas))
    free, held = [], {}
    for name, about in before.items():
        left = {key: why for key, why in about.items() if not (name in wanted and key == scope)}
        if left:
            runtime[name] = left
        if name in wanted and scope in about:
            if left or name in stops.declared:
                held[name] = [*left, *(["declared"] if name in stops.declared else [])]
            else:
                free.append(name)
    held.update({name: ["declared"] for name in stops.declared if name in wanted - set(before)})
    return Released(runtime, tuple(free), held)
