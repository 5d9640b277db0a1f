# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a tenant is in its MailWizz, and what the engine needs to work there in its name."""

from __future__ import annotations

import difflib
import typing as t

from ..problems import FleetError, Problem

FIELDS = ("email", "first_name", "last_name", "password")
#: Of every customer: MailWizz takes the times of its API in the customer's zone, and the engine tells UTC.
TIMEZONE = "UTC"


def customers(tenants: t.Iterable[str], said: t.Mapping[str, t.Mapping], host_name: str) -> list[dict[str, str]]:
    """The customer of each tenant. Raises ``FleetError``.

    said: what the inventory says of some, fields by tenant; of tenants that live elsewhere, too. host_name: the public name of this
    MailWizz, at which nobody has to read the mail of a customer that is only a login.
    """
    problems = [
        Problem(f"mailwizz_customers[{tenant}]", f"has no field {field!r}", _hint(field))
        for tenant, fields in said.items()
        for field in fields
        if field not in FIELDS
    ]
    if problems:
        raise FleetError(problems)
    return [
        {
            "name": tenant,
            "email": f"{tenant}@{host_name}",
            "first_name": "Email",
            "last_name": "Engine",
            "timezone": TIMEZONE,
            **{field: value for field, value in said.get(tenant, {}).items() if value is not None},
        }
        for tenant in tenants
    ]


def _hint(field: str) -> str:
    if field == "timezone":
        return f"Leave it out: customers are of {TIMEZONE}, because the engine tells MailWizz in it when a campaign is sent."
    near = difflib.get_close_matches(str(field), FIELDS, 1)
    return f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(FIELDS)}."


def access(places: t.Mapping[str, t.Mapping], url: str, certificate: str | None) -> dict[str, dict[str, str | None]]:
    """``{tenant: {url, key, certificate}}`` for the engine; without those whose key check mode has not made.

    places: what each tenant has, as ``mailwizz_tenants`` returns it. certificate: what has to be trusted beyond what everybody
    trusts, as PEM, or None.
    """
    return {
        tenant: {"url": url, "key": place["key"], "certificate": certificate}
        for tenant, place in places.items()
        if place.get("key")
    }
