# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tenant lives in the MailWizz of which host, and what each says to PowerMTA when it hands in mail."""

from __future__ import annotations

import difflib
import typing as t

from ..problems import FleetError, Problem

#: Where PowerMTA takes mail from its feeders.
FEEDER_PORT = 2525


def managed(hosts: t.Iterable[t.Mapping]) -> list[str]:
    """The hosts of the group ``mailwizz`` that get a MailWizz: those that name an archive of it. *hosts*: their variables."""
    return [host["inventory_hostname"] for host in hosts if host.get("mailwizz_archive")]


def places(document: t.Mapping, hosts: t.Iterable[t.Mapping], declared: t.Iterable[str]) -> dict[str, list[str]]:
    """``{host: [tenant, ...]}`` for the hosts that get a MailWizz. Raises ``FleetError``.

    hosts: the variables of the hosts of the group ``mailwizz``, of which ``inventory_hostname``, ``mailwizz_archive`` and
    ``mailwizz_tenants`` are looked at. declared: the tenants that the inventory names; where there is one host, and it does not say
    whom it holds, it holds these. A tenant that came through the API has no login, so it lives where a host names it.
    """
    hosts, problems = list(hosts), []
    names = managed(hosts)
    known = {tenant["name"]: tenant for tenant in document["tenants"]}
    found: dict[str, list[str]] = {}
    home: dict[str, str] = {}
    for host in (one for one in hosts if one["inventory_hostname"] in names):
        name, where = host["inventory_hostname"], f"{host['inventory_hostname']}: mailwizz_tenants"
        wanted = host.get("mailwizz_tenants")
        if wanted is None and len(names) > 1:
            told = f"is missing, and MailWizz is also at {', '.join(other for other in names if other != name)}"
            problems.append(Problem(where, told, "Name the tenants of each host; a tenant lives at one."))
        elif wanted is None:
            wanted = [one for one in declared if one in known]
        elif not isinstance(wanted, (list, tuple)) or not wanted:
            problems.append(
                Problem(where, f"must be a list of tenants, found {wanted!r}", "Write it as '- tenant' lines.")
            )
            wanted = None
        found[name] = list(dict.fromkeys(wanted or []))
        for tenant in found[name]:
            if tenant not in known:
                near = difflib.get_close_matches(str(tenant), known, 1)
                hint = f"Did you mean '{near[0]}'?" if near else f"Tenants: {', '.join(known)}."
                problems.append(Problem(where, f"{tenant!r} is no tenant of fleet_tenants", hint))
            elif home.setdefault(tenant, name) != name:
                told = f"{tenant} is already at {home[tenant]}"
                problems.append(Problem(where, told, "A tenant lives at one host: take it out of one of the two."))
        problems += _told_apart(name, [known[tenant] for tenant in found[name] if tenant in known])
    if problems:
        raise FleetError(problems)
    return found


def _told_apart(host: str, tenants: t.Sequence[t.Mapping]) -> t.Iterator[Problem]:
    """PowerMTA sees one address for all tenants of a host; only a login says whose mail it is."""
    if len(tenants) < 2:
        return
    for tenant in tenants:
        if _user(tenant):
            continue
        others = ", ".join(other["name"] for other in tenants if other is not tenant)
        yield Problem(
            f"fleet_tenants[{tenant['name']}].feeders",
            f"has no 'user', and {host} also holds {others}: PowerMTA could not tell whose mail it is given",
            "Give each tenant of that host a user and a vaulted password, or a host of its own.",
        )


def _user(tenant: t.Mapping) -> str:
    """The tenant's first login at PowerMTA; empty where its host's address says who it is."""
    return next((feeder["user"] for feeder in tenant["feeders"] if "user" in feeder), "")


def logins(document: t.Mapping, passwords: t.Mapping[str, str]) -> dict[str, dict[str, str]]:
    """``{tenant: {user, password}}``: what its delivery servers say to PowerMTA; both empty where its host's address says who it is.

    passwords: by user, as ``fleet_feeder_passwords`` gives them.
    """
    found = {}
    for tenant in document["tenants"]:
        user = _user(tenant)
        found[tenant["name"]] = {"user": user, "password": passwords.get(user, "") if user else ""}
    return found


def doors(hosts: t.Iterable[t.Mapping]) -> dict[str, dict]:
    """``{host: {address, port}}`` where each PowerMTA host takes mail from its feeders. *hosts*: their variables.

    A host without a management address is left out here: what needs it refuses it by name.
    """
    return {
        host["inventory_hostname"]: {"address": host["powermta_management_address"], "port": FEEDER_PORT}
        for host in hosts
        if host.get("powermta_management_address")
    }
